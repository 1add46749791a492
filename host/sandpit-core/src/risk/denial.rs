//! Why an intent did not become an order: one enum with data, each with a stable code.

use core::fmt;

use crate::{
    num::{Decimal, Money, Price, Quantity},
    plugin::TradingState,
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
    /// The trading state does not let it through.
    TradingState {
        /// Whose state.
        scope: Scope,
        /// Which.
        state: TradingState,
    },
    /// The instrument is halted after an impossible report.
    InstrumentHalted,
    /// A number would exceed what the engine can hold.
    NumberOverflow,
}

macro_rules! denial_codes {
    ($($variant:ident = $code:literal, $name:literal, $message:literal;)*) => {
        /// Stable code of a [`Denial`], as plugins and documents know it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum DenialCode {
            $(#[doc = $message] $variant = $code,)*
        }

        impl DenialCode {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a plugin is told: never a limit's value.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

denial_codes! {
    UnknownInstrument = 101, "unknown-instrument", "the instrument is not part of this session";
    BadNumber = 102, "bad-number", "a number is finer than the instrument's scale or does not fit";
    PriceOffTick = 103, "price-off-tick", "the price is not a multiple of the price tick";
    PriceNotPositive = 104, "price-not-positive", "a price must be greater than zero";
    QuantityNotPositive = 105, "quantity-not-positive", "the quantity must be greater than zero";
    QuantityOffStep = 106, "quantity-off-step", "the quantity is not a multiple of the quantity step";
    QuantityBelowMin = 107, "quantity-below-min", "the quantity is below the instrument's minimum";
    QuantityAboveMax = 108, "quantity-above-max", "the quantity is above the instrument's maximum";
    NotionalBelowMin = 109, "notional-below-min", "price × quantity is below the instrument's minimum";
    TriggerPassed = 110, "trigger-passed", "the market has passed the trigger already";
    PostOnlyNotResting = 111, "post-only-not-resting", "post-only needs a limit order that may rest";
    TimeInForceInvalid = 112, "time-in-force-invalid", "the time in force has passed or does not fit the order kind";
    TrailingOffsetInvalid = 113, "trailing-offset-invalid", "the trailing offset is out of bounds";
    BracketPricesInvalid = 114, "bracket-prices-invalid", "the exits of a bracket must lie on either side of the entry";
    DuplicateTag = 115, "duplicate-tag", "the tag is in use by another open order";
    UnknownOrder = 116, "unknown-order", "no open order has this tag";
    AmendInvalid = 117, "amend-invalid", "the change asks for nothing, or for what the order does not have";
    ChangePending = 118, "change-pending", "a change or cancel of this order is under way";
    NotReducing = 119, "not-reducing", "the order would not shrink the position, or by more than is left of it";
    NoMarketPrice = 120, "no-market-price", "no price is known for the instrument yet";
    TimerInvalid = 121, "timer-invalid", "a timer repeats faster than 1 ms, or there are too many";
    OrderNotionalAboveMax = 201, "order-notional-above-max", "the order's notional is above what is allowed";
    OrderQuantityAboveMax = 202, "order-quantity-above-max", "the order's quantity is above what is allowed";
    PositionQuantityAboveMax = 203, "position-quantity-above-max", "the position could become larger than is allowed";
    PositionNotionalAboveMax = 204, "position-notional-above-max", "the position's notional could become larger than is allowed";
    OpenOrdersAboveMax = 205, "open-orders-above-max", "too many open orders";
    ShortNotAllowed = 206, "short-not-allowed", "short positions are not allowed here";
    GrossNotionalAboveMax = 207, "gross-notional-above-max", "the notional of all positions could become larger than is allowed";
    TradingState = 301, "trading-state", "the trading state does not allow it";
    InstrumentHalted = 302, "instrument-halted", "the instrument is halted";
    NumberOverflow = 901, "number-overflow", "a number would exceed what the host can hold";
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
            Self::OrderNotionalAboveMax { .. } => DenialCode::OrderNotionalAboveMax,
            Self::OrderQuantityAboveMax { .. } => DenialCode::OrderQuantityAboveMax,
            Self::PositionQuantityAboveMax { .. } => DenialCode::PositionQuantityAboveMax,
            Self::PositionNotionalAboveMax { .. } => DenialCode::PositionNotionalAboveMax,
            Self::GrossNotionalAboveMax { .. } => DenialCode::GrossNotionalAboveMax,
            Self::OpenOrdersAboveMax { .. } => DenialCode::OpenOrdersAboveMax,
            Self::ShortNotAllowed => DenialCode::ShortNotAllowed,
            Self::TradingState { .. } => DenialCode::TradingState,
            Self::InstrumentHalted => DenialCode::InstrumentHalted,
            Self::NumberOverflow => DenialCode::NumberOverflow,
        }
    }
}
