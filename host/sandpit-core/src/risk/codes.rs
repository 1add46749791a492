//! The stable codes of denials: number, name, what a plugin is told, and what the operator's
//! documents say. `docs/operators/limits.md` is made from here.

/// Who says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeniedBy {
    /// The rules of orders and of the instrument; no limit is involved.
    Form,
    /// A limit, a plugin's or the account's.
    Both,
    /// The account alone.
    Account,
    /// The host itself.
    Host,
}

impl DeniedBy {
    /// As the documents say it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Both => "plugin, account",
            Self::Account => "account",
            Self::Host => "host",
        }
    }
}

macro_rules! denial_codes {
    ($($variant:ident = $code:literal, $name:literal, $by:ident, $message:literal, $data:literal, $advice:literal;)*) => {
        /// Stable code of a [`crate::risk::Denial`], as plugins and documents know it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum DenialCode {
            $(#[doc = $message] $variant = $code,)*
        }

        impl DenialCode {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Stable number.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $code,)* }
            }

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

            /// Who says it.
            #[must_use]
            pub const fn by(self) -> DeniedBy {
                match self { $(Self::$variant => DeniedBy::$by,)* }
            }

            /// What the journal keeps beside the code; empty where nothing.
            #[must_use]
            pub const fn data(self) -> &'static str {
                match self { $(Self::$variant => $data,)* }
            }

            /// What the operator can do.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

denial_codes! {
    UnknownInstrument = 101, "unknown-instrument", Host, "the instrument is not part of this session", "the number that was named", "give the plugin the instrument, or mend the plugin";
    BadNumber = 102, "bad-number", Form, "a number is finer than the instrument's scale or does not fit", "the number", "mend the plugin: round to the instrument's digits";
    PriceOffTick = 103, "price-off-tick", Form, "the price is not a multiple of the price tick", "the price", "mend the plugin, or set `off_tick = \"round\"`";
    PriceNotPositive = 104, "price-not-positive", Form, "a price must be greater than zero", "the price", "mend the plugin";
    QuantityNotPositive = 105, "quantity-not-positive", Form, "the quantity must be greater than zero", "the quantity", "mend the plugin";
    QuantityOffStep = 106, "quantity-off-step", Form, "the quantity is not a multiple of the quantity step", "the quantity", "mend the plugin: a size is never rounded for it";
    QuantityBelowMin = 107, "quantity-below-min", Form, "the quantity is below the instrument's minimum", "the quantity", "mend the plugin, or give it a larger budget";
    QuantityAboveMax = 108, "quantity-above-max", Form, "the quantity is above the instrument's maximum", "the quantity", "mend the plugin: split the order";
    NotionalBelowMin = 109, "notional-below-min", Form, "price × quantity is below the instrument's minimum", "the notional", "mend the plugin, or give it a larger budget";
    TriggerPassed = 110, "trigger-passed", Form, "the market has passed the trigger already", "the trigger", "nothing; the market was faster than the plugin";
    PostOnlyNotResting = 111, "post-only-not-resting", Form, "post-only needs a limit order that may rest", "", "mend the plugin";
    TimeInForceInvalid = 112, "time-in-force-invalid", Form, "the time in force has passed or does not fit the order kind", "", "mend the plugin";
    TrailingOffsetInvalid = 113, "trailing-offset-invalid", Form, "the trailing offset is out of bounds", "", "mend the plugin";
    BracketPricesInvalid = 114, "bracket-prices-invalid", Form, "the exits of a bracket must lie on either side of the entry", "", "mend the plugin";
    DuplicateTag = 115, "duplicate-tag", Form, "the tag is in use by another open order", "", "mend the plugin: a tag per open order";
    UnknownOrder = 116, "unknown-order", Form, "no open order has this tag", "", "nothing, where the order had just ended; else mend the plugin";
    AmendInvalid = 117, "amend-invalid", Form, "the change asks for nothing, or for what the order does not have", "", "mend the plugin";
    ChangePending = 118, "change-pending", Form, "a change or cancel of this order is under way", "", "nothing; the plugin has to wait for the answer";
    NotReducing = 119, "not-reducing", Form, "the order would not shrink the position, or by more than is left of it", "", "nothing; the position was gone already";
    NoMarketPrice = 120, "no-market-price", Form, "no price is known for the instrument yet", "", "wait for market data; where none comes, look at the feed";
    TimerInvalid = 121, "timer-invalid", Form, "a timer repeats faster than 1 ms, or there are too many", "", "mend the plugin";
    PriceOutsideCollar = 122, "price-outside-collar", Both, "the price is too far from the market", "price, mark, limit", "look at the plugin's prices, and at the feed; widen `price_collar_bp_max` only if both are right";
    MarketDataStale = 123, "market-data-stale", Both, "the market data is too old", "age, limit", "look at the feed; orders that only shrink a position pass meanwhile";
    OrderNotionalAboveMax = 201, "order-notional-above-max", Both, "the order's notional is above what is allowed", "value, limit", "the plugin wants more than `order_notional_max`";
    OrderQuantityAboveMax = 202, "order-quantity-above-max", Both, "the order's quantity is above what is allowed", "value, limit", "the plugin wants more than `order_quantity_max`";
    PositionQuantityAboveMax = 203, "position-quantity-above-max", Both, "the position could become larger than is allowed", "value (worst case), limit", "working orders count as filled: see what else works, or raise `position_quantity_max`";
    PositionNotionalAboveMax = 204, "position-notional-above-max", Both, "the position's notional could become larger than is allowed", "value (worst case), limit", "working orders count as filled: see what else works, or raise `position_notional_max`";
    OpenOrdersAboveMax = 205, "open-orders-above-max", Both, "too many open orders", "limit", "cancel what is not needed, or raise `open_orders_max`";
    ShortNotAllowed = 206, "short-not-allowed", Both, "short positions are not allowed here", "", "set `short_allowed = true` if the plugin may sell what it has not";
    GrossNotionalAboveMax = 207, "gross-notional-above-max", Both, "the notional of all positions could become larger than is allowed", "value (worst case), limit", "raise `gross_notional_max` (a plugin's is its budget unless said), or wait for positions to shrink";
    NetNotionalAboveMax = 208, "net-notional-above-max", Both, "the signed sum of all positions could become larger than is allowed", "value (worst case), limit", "positions lean too far to one side: close some, or raise `net_notional_max`";
    LeverageAboveMax = 209, "leverage-above-max", Both, "the notional of all positions could become larger than the equity allows", "value (worst case), limit (equity × leverage)", "equity has shrunk or positions have grown: close some, or raise `leverage_bp_max`";
    ConcentrationAboveMax = 210, "concentration-above-max", Both, "the position could become a larger share of the equity than is allowed", "value (worst case), limit (equity × share)", "too much in one instrument: raise `concentration_bp_max`, or spread";
    InstrumentNotAllowed = 211, "instrument-not-allowed", Both, "the instrument may not be traded here", "", "add it to `instruments_allowed`; orders that only shrink a position pass";
    SideNotAllowed = 212, "side-not-allowed", Both, "this side may only shrink a position", "side", "see `sides_allowed`; orders that only shrink a position pass";
    OrderRateAboveMax = 213, "order-rate-above-max", Both, "too many orders in a short time", "window, limit", "the plugin sends more than `orders_per_second_max` or `orders_per_minute_max`";
    AmendRateAboveMax = 214, "amend-rate-above-max", Both, "too many changes in a short time", "window, limit", "the plugin changes more than `amends_per_second_max` or `amends_per_minute_max`";
    CancelRateAboveMax = 215, "cancel-rate-above-max", Both, "too many cancels in a short time; nothing new is taken until they are fewer", "window, limit", "cancels went on passing; orders that only shrink a position do, too";
    OrderToFillAboveMax = 216, "order-to-fill-above-max", Both, "too many orders for each fill", "orders, fills, limit", "the plugin sends much and trades little: see `order_to_fill`";
    SelfTrade = 217, "self-trade", Account, "it would trade with another order of the account", "the other order", "two orders of this account would have met; see `self_trade`";
    BalanceLocked = 218, "balance-locked", Account, "the account does not have what the order would sell, or other orders hold it", "value, limit (what there is to sell)", "where a working sell locks what it sells, cancel another sell first; a stop may always be placed: the host keeps it";
    TradingState = 301, "trading-state", Both, "the trading state does not allow it", "state", "see the locks of the scope; orders that only shrink a position pass while Reducing";
    InstrumentHalted = 302, "instrument-halted", Host, "the instrument is halted", "", "see the alert that halted it, then resume the instrument";
    VenueLacks = 303, "venue-lacks", Host, "the venue does not have this, and the host cannot stand in for it", "what: `ioc`, `fok`, `market-fok`, `post-only`, `uneven-pair`", "mend the plugin, or trade where the venue has it: see what a venue lacks";
    NumberOverflow = 901, "number-overflow", Host, "a number would exceed what the host can hold", "", "something is far too large: look at the plugin and at the instrument's rules";
}
