//! What the venue trades, and its rules as a strategy sees them.

use crate::{Decimal, InstrumentId, Rounding, wire};

pub use wire::InstrumentKind;

/// An instrument of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// The session's number of it.
    pub id: InstrumentId,
    /// The venue's own symbol, for example `BTCUSDT`.
    pub symbol: String,
    /// The venue's name.
    pub venue: String,
    /// Kind.
    pub kind: InstrumentKind,
    /// Base asset.
    pub base: String,
    /// Quote asset.
    pub quote: String,
    /// Prices are multiples of this.
    pub price_tick: Decimal,
    /// Quantities are multiples of this.
    pub quantity_step: Decimal,
    /// Least quantity of an order.
    pub min_quantity: Decimal,
    /// Largest quantity of an order.
    pub max_quantity: Decimal,
    /// Least notional of an order; zero where there is none.
    pub min_notional: Decimal,
    /// Units of the base asset in one contract; 1 for spot.
    pub multiplier: Decimal,
    /// Fee rate for making liquidity; negative for a rebate.
    pub maker_fee: Decimal,
    /// Fee rate for taking liquidity.
    pub taker_fee: Decimal,
}

impl Instrument {
    /// The nearest price that the venue takes, as `rounding` says.
    ///
    /// # Panics
    /// The price has more digits than any market's.
    #[must_use]
    pub fn round_price(&self, price: Decimal, rounding: Rounding) -> Decimal {
        price.round_to_step(self.price_tick, rounding)
    }

    /// The largest quantity that the venue takes and that is not above `quantity`: a multiple of
    /// the step, at most `max_quantity`, and zero where it would be below `min_quantity`.
    ///
    /// # Panics
    /// The quantity has more digits than any market's.
    #[must_use]
    pub fn round_quantity(&self, quantity: Decimal) -> Decimal {
        let rounded = quantity.round_to_step(self.quantity_step, Rounding::Floor);
        if rounded < self.min_quantity { Decimal::ZERO } else { rounded.min(self.max_quantity) }
    }

    /// Price × quantity × multiplier, exact.
    ///
    /// # Panics
    /// The product does not fit.
    #[must_use]
    pub fn notional(&self, price: Decimal, quantity: Decimal) -> Decimal {
        price * quantity * self.multiplier
    }
}

impl From<wire::Instrument> for Instrument {
    fn from(instrument: wire::Instrument) -> Self {
        Self {
            id: InstrumentId(instrument.id),
            symbol: instrument.symbol,
            venue: instrument.venue,
            kind: instrument.kind,
            base: instrument.base,
            quote: instrument.quote,
            price_tick: instrument.price_tick.into(),
            quantity_step: instrument.quantity_step.into(),
            min_quantity: instrument.min_quantity.into(),
            max_quantity: instrument.max_quantity.into(),
            min_notional: instrument.min_notional.into(),
            multiplier: instrument.multiplier.into(),
            maker_fee: instrument.maker_fee.into(),
            taker_fee: instrument.taker_fee.into(),
        }
    }
}
