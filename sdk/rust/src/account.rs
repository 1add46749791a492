//! What a strategy has: its positions and its share of the account.

use crate::{Decimal, InstrumentId, Timestamp, wire};

pub use wire::TradingState;

/// The own position in one instrument; other strategies' are invisible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Of what.
    pub instrument: InstrumentId,
    /// When it last changed.
    pub time: Timestamp,
    /// Signed: negative is short.
    pub quantity: Decimal,
    /// Average entry price; zero when flat.
    pub entry_price: Decimal,
    /// Since the session's start, without fees.
    pub realized_pnl: Decimal,
}

impl Position {
    /// Nothing of an instrument.
    #[must_use]
    pub const fn flat(instrument: InstrumentId, time: Timestamp) -> Self {
        Self {
            instrument,
            time,
            quantity: Decimal::ZERO,
            entry_price: Decimal::ZERO,
            realized_pnl: Decimal::ZERO,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_flat(&self) -> bool {
        self.quantity.is_zero()
    }

    /// Whether it gains when the price rises.
    #[must_use]
    pub const fn is_long(&self) -> bool {
        self.quantity.is_positive()
    }

    /// Whether it gains when the price falls.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.quantity.is_negative()
    }
}

impl From<wire::Position> for Position {
    fn from(position: wire::Position) -> Self {
        Self {
            instrument: InstrumentId(position.instrument),
            time: Timestamp(position.time),
            quantity: position.quantity.into(),
            entry_price: position.entry_price.into(),
            realized_pnl: position.realized_pnl.into(),
        }
    }
}

/// The own share of the account, in [`crate::Context::currency`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// When it last changed.
    pub time: Timestamp,
    /// What was given plus realized PnL minus fees.
    pub balance: Decimal,
    /// Balance plus unrealized PnL at the last price.
    pub equity: Decimal,
    /// Fees paid since the session's start.
    pub fees: Decimal,
}

impl From<wire::Budget> for Budget {
    fn from(budget: wire::Budget) -> Self {
        Self {
            time: Timestamp(budget.time),
            balance: budget.balance.into(),
            equity: budget.equity.into(),
            fees: budget.fees.into(),
        }
    }
}
