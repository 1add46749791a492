//! Why an intent did not become an order: one enum with data, each with a stable code.

use core::fmt;

use crate::{
    engine::VenueFeature,
    ids::ClientOrderId,
    market::Side,
    num::{Decimal, Money, Price, Quantity},
    plugin::TradingState,
    risk::{BasisPoints, DenialCode},
    time::Nanos,
};

/// Whose limit or state it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The plugin's own sub-account.
    Plugin,
    /// The whole account.
    Account,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plugin => "plugin",
            Self::Account => "account",
        })
    }
}

/// A denial with what led to it. For the operator and the journal; a plugin gets the
/// [`DenialCode`] alone, since it may not learn its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The instrument is not one of the plugin's session.
    UnknownInstrument(u32),
    /// A number is finer than the instrument's scale, or does not fit.
    BadNumber(Decimal),
    /// The price is not a multiple of the tick.
    PriceOffTick(Price),
    /// A price is zero or negative.
    PriceNotPositive(Price),
    /// The quantity is zero or negative.
    QuantityNotPositive(Quantity),
    /// The quantity is not a multiple of the step.
    QuantityOffStep(Quantity),
    /// Below the instrument's least quantity.
    QuantityBelowMin(Quantity),
    /// Above the instrument's largest quantity.
    QuantityAboveMax(Quantity),
    /// Below the instrument's least notional.
    NotionalBelowMin(Money),
    /// A stop's trigger has been passed already.
    TriggerPassed(Price),
    /// Post-only needs a limit order that may rest.
    PostOnlyNotResting,
    /// The time of a GTD order is not after now, or the time in force does not fit the kind.
    TimeInForceInvalid,
    /// A trailing offset out of bounds.
    TrailingOffsetInvalid,
    /// The exits of a bracket are not on their sides of the entry.
    BracketPricesInvalid,
    /// The tag is in use by an open order.
    DuplicateTag,
    /// No open order of this plugin has the tag.
    UnknownOrder,
    /// The amendment changes nothing, or what the order does not have.
    AmendInvalid,
    /// A change or cancel of this order is under way.
    ChangePending,
    /// The order would not shrink the position, or by more than what is left of it.
    NotReducing,
    /// No price is known for the instrument yet.
    NoMarketPrice,
    /// A timer repeats faster than 1 ms, or there are too many.
    TimerInvalid,
    /// A limit or trigger too far from the mark.
    PriceOutsideCollar {
        /// Whose limit.
        scope: Scope,
        /// What was asked for.
        price: Price,
        /// The mark.
        mark: Price,
        /// The largest distance, as a share of the mark.
        limit: BasisPoints,
    },
    /// Nothing was heard of the market for too long.
    MarketDataStale {
        /// Whose limit.
        scope: Scope,
        /// How long.
        age: Nanos,
        /// What is allowed.
        limit: Nanos,
    },
    /// The notional of one order.
    OrderNotionalAboveMax {
        /// Whose limit.
        scope: Scope,
        /// What was asked for.
        value: Money,
        /// What is allowed.
        limit: Money,
    },
    /// The quantity of one order.
    OrderQuantityAboveMax {
        /// Whose limit.
        scope: Scope,
        /// What was asked for.
        value: Quantity,
        /// What is allowed.
        limit: Quantity,
    },
    /// The position's quantity with all working orders of that side filled.
    PositionQuantityAboveMax {
        /// Whose limit.
        scope: Scope,
        /// What it could become.
        value: Quantity,
        /// What is allowed.
        limit: Quantity,
    },
    /// The position's notional with all working orders of that side filled.
    PositionNotionalAboveMax {
        /// Whose limit.
        scope: Scope,
        /// What it could become.
        value: Money,
        /// What is allowed.
        limit: Money,
    },
    /// The notional of all positions of the scope, each in its worst case.
    GrossNotionalAboveMax {
        /// Whose limit.
        scope: Scope,
        /// What it could become.
        value: Money,
        /// What is allowed.
        limit: Money,
    },
    /// The number of open orders.
    OpenOrdersAboveMax {
        /// Whose limit.
        scope: Scope,
        /// What is allowed.
        limit: u32,
    },
    /// A sale beyond what is held, where short positions are not allowed.
    ShortNotAllowed,
    /// The signed sum of all positions of the scope, in the worst case of the order's side.
    NetNotionalAboveMax {
        /// Whose limit.
        scope: Scope,
        /// What it could become, without its sign.
        value: Money,
        /// What is allowed.
        limit: Money,
    },
    /// The notional of all positions against the equity.
    LeverageAboveMax {
        /// Whose limit.
        scope: Scope,
        /// What the notional of all positions could become.
        value: Money,
        /// What the equity allows.
        limit: Money,
    },
    /// The notional of one position against the equity.
    ConcentrationAboveMax {
        /// Whose limit.
        scope: Scope,
        /// What the position's notional could become.
        value: Money,
        /// What the equity allows.
        limit: Money,
    },
    /// The operator does not allow the instrument.
    InstrumentNotAllowed {
        /// Whose limit.
        scope: Scope,
    },
    /// The operator does not allow the side, and the order does more than shrink a position.
    SideNotAllowed {
        /// Whose limit.
        scope: Scope,
        /// Which.
        side: Side,
    },
    /// Too many orders in a window.
    OrderRateAboveMax {
        /// Whose limit.
        scope: Scope,
        /// Length of the window.
        window: Nanos,
        /// What is allowed in it.
        limit: u32,
    },
    /// Too many changes in a window.
    AmendRateAboveMax {
        /// Whose limit.
        scope: Scope,
        /// Length of the window.
        window: Nanos,
        /// What is allowed in it.
        limit: u32,
    },
    /// Too many cancels in a window: they pass, and until they are fewer nothing new does.
    CancelRateAboveMax {
        /// Whose limit.
        scope: Scope,
        /// Length of the window.
        window: Nanos,
        /// What is allowed in it.
        limit: u32,
    },
    /// Too many orders for each fill.
    OrderToFillAboveMax {
        /// Whose limit.
        scope: Scope,
        /// Orders in the window, this one among them.
        orders: u32,
        /// Fills in the window.
        fills: u32,
        /// Orders allowed for each fill.
        limit: u32,
    },
    /// It would trade with another order of the account.
    SelfTrade {
        /// Which.
        other: ClientOrderId,
    },
    /// The trading state does not let it through.
    TradingState {
        /// Whose state.
        scope: Scope,
        /// Which.
        state: TradingState,
    },
    /// A sale of more than the account has and no other order holds, on a venue where a working
    /// sell locks what it would sell.
    BalanceLocked {
        /// What was asked for.
        value: Quantity,
        /// What there is to sell.
        limit: Quantity,
    },
    /// The instrument is halted after an impossible report.
    InstrumentHalted,
    /// The venue does not have it, and the host cannot do it in the venue's stead.
    VenueLacks(VenueFeature),
    /// A number would exceed what the engine can hold.
    NumberOverflow,
}

impl Denial {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> DenialCode {
        match self {
            Self::UnknownInstrument(_) => DenialCode::UnknownInstrument,
            Self::BadNumber(_) => DenialCode::BadNumber,
            Self::PriceOffTick(_) => DenialCode::PriceOffTick,
            Self::PriceNotPositive(_) => DenialCode::PriceNotPositive,
            Self::QuantityNotPositive(_) => DenialCode::QuantityNotPositive,
            Self::QuantityOffStep(_) => DenialCode::QuantityOffStep,
            Self::QuantityBelowMin(_) => DenialCode::QuantityBelowMin,
            Self::QuantityAboveMax(_) => DenialCode::QuantityAboveMax,
            Self::NotionalBelowMin(_) => DenialCode::NotionalBelowMin,
            Self::TriggerPassed(_) => DenialCode::TriggerPassed,
            Self::PostOnlyNotResting => DenialCode::PostOnlyNotResting,
            Self::TimeInForceInvalid => DenialCode::TimeInForceInvalid,
            Self::TrailingOffsetInvalid => DenialCode::TrailingOffsetInvalid,
            Self::BracketPricesInvalid => DenialCode::BracketPricesInvalid,
            Self::DuplicateTag => DenialCode::DuplicateTag,
            Self::UnknownOrder => DenialCode::UnknownOrder,
            Self::AmendInvalid => DenialCode::AmendInvalid,
            Self::ChangePending => DenialCode::ChangePending,
            Self::NotReducing => DenialCode::NotReducing,
            Self::NoMarketPrice => DenialCode::NoMarketPrice,
            Self::TimerInvalid => DenialCode::TimerInvalid,
            Self::PriceOutsideCollar { .. } => DenialCode::PriceOutsideCollar,
            Self::MarketDataStale { .. } => DenialCode::MarketDataStale,
            Self::OrderNotionalAboveMax { .. } => DenialCode::OrderNotionalAboveMax,
            Self::OrderQuantityAboveMax { .. } => DenialCode::OrderQuantityAboveMax,
            Self::PositionQuantityAboveMax { .. } => DenialCode::PositionQuantityAboveMax,
            Self::PositionNotionalAboveMax { .. } => DenialCode::PositionNotionalAboveMax,
            Self::GrossNotionalAboveMax { .. } => DenialCode::GrossNotionalAboveMax,
            Self::OpenOrdersAboveMax { .. } => DenialCode::OpenOrdersAboveMax,
            Self::ShortNotAllowed => DenialCode::ShortNotAllowed,
            Self::NetNotionalAboveMax { .. } => DenialCode::NetNotionalAboveMax,
            Self::LeverageAboveMax { .. } => DenialCode::LeverageAboveMax,
            Self::ConcentrationAboveMax { .. } => DenialCode::ConcentrationAboveMax,
            Self::InstrumentNotAllowed { .. } => DenialCode::InstrumentNotAllowed,
            Self::SideNotAllowed { .. } => DenialCode::SideNotAllowed,
            Self::OrderRateAboveMax { .. } => DenialCode::OrderRateAboveMax,
            Self::AmendRateAboveMax { .. } => DenialCode::AmendRateAboveMax,
            Self::CancelRateAboveMax { .. } => DenialCode::CancelRateAboveMax,
            Self::OrderToFillAboveMax { .. } => DenialCode::OrderToFillAboveMax,
            Self::SelfTrade { .. } => DenialCode::SelfTrade,
            Self::TradingState { .. } => DenialCode::TradingState,
            Self::BalanceLocked { .. } => DenialCode::BalanceLocked,
            Self::InstrumentHalted => DenialCode::InstrumentHalted,
            Self::VenueLacks(_) => DenialCode::VenueLacks,
            Self::NumberOverflow => DenialCode::NumberOverflow,
        }
    }
}
