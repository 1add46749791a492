//! The messages with which the matching engine and the filters refuse. Codes are few and general;
//! what happened is in the text.

use crate::binance::filters::FilterKind;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)+) => {
        /// Why something was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $variant,)+
            /// A filter.
            Filter(FilterKind),
        }

        impl Reason {
            /// All but the filters, with their texts.
            pub const TEXTS: &'static [(Self, &'static str)] = &[$((Self::$variant, $text),)+];
        }
    };
}

reasons! {
    /// No order has this number or name.
    UnknownOrder = "Unknown order sent.",
    /// An open order has this name: an earlier request with it has arrived.
    DuplicateOrder = "Duplicate order sent.",
    /// The symbol is not trading.
    MarketClosed = "Market is closed.",
    /// Too little of the asset.
    InsufficientBalance = "Account has insufficient balance for requested action.",
    /// No market orders here.
    NoMarketOrders = "Market orders are not supported for this symbol.",
    /// No icebergs here.
    NoIcebergs = "Iceberg orders are not supported for this symbol.",
    /// No stops here.
    NoStopLoss = "Stop loss orders are not supported for this symbol.",
    /// No stop-limits here.
    NoStopLossLimit = "Stop loss limit orders are not supported for this symbol.",
    /// No take-profits here.
    NoTakeProfit = "Take profit orders are not supported for this symbol.",
    /// No take-profit-limits here.
    NoTakeProfitLimit = "Take profit limit orders are not supported for this symbol.",
    /// No amends here.
    NoAmend = "Order amend is not supported for this symbol.",
    /// Worth nothing.
    NothingWorth = "Price * QTY is zero or less.",
    /// More is shown than there is.
    IcebergTooLarge = "IcebergQty exceeds QTY.",
    /// Something is switched off on the account.
    ActionDisabled = "This action is disabled on this account.",
    /// Trading is switched off on the account.
    TradingDisabled = "This account may not place or cancel orders.",
    /// Type, time in force and prices do not go together.
    UnsupportedCombination = "Unsupported order combination",
    /// The trigger is reached already.
    WouldTrigger = "Order would trigger immediately.",
    /// A cancel that names no order.
    InvalidCancel = "Cancel order is invalid. Check origClOrdId and orderId.",
    /// A maker-only order would take.
    WouldTake = "Order would immediately match and take.",
    /// The prices of a pair are the wrong way round.
    BadPairPrices = "The relationship of the prices for the orders is not correct.",
    /// No pairs here.
    NoOco = "OCO orders are not supported for this symbol",
    /// No market orders by quote quantity here. The venue's own spelling.
    NoQuoteQuantity = "Quote order qty market orders are not support for this symbol.",
    /// No trailing stops here.
    NoTrailingStop = "Trailing stop orders are not supported for this symbol.",
    /// No cancel-replace here.
    NoCancelReplace = "Order cancel-replace is not supported for this symbol.",
    /// The account lacks the symbol's permission.
    SymbolNotPermitted = "This symbol is not permitted for this account.",
    /// The account may not trade the symbol.
    SymbolRestricted = "This symbol is restricted for this account.",
    /// It did not stand as the cancel demanded.
    CancelRestrictions = "Order was not canceled due to cancel restrictions.",
    /// This server takes no orders.
    NoRestTrading = "Rest API trading is not enabled.",
    /// This server takes no orders.
    NoWebSocketTrading = "WebSocket API trading is not enabled.",
    /// The book has less than the least quantity.
    BelowLotSize = "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.",
    /// The book has less than the least quantity.
    BelowMarketLotSize = "Order book liquidity is less than `MARKET_LOT_SIZE` filter minimum quantity.",
    /// The book is empty.
    EmptyBook = "Order book liquidity is less than symbol minimum quantity.",
    /// An amend can only make smaller.
    AmendIncrease = "Order amend (quantity increase) is not supported.",
    /// The amend would change nothing.
    NothingChanges = "The requested action would change no state; rejecting",
    /// The status of the market takes no such orders.
    TradingPhase = "This order type is not possible in this trading phase.",
    /// The status of the market takes only orders good till canceled.
    PhaseRequiresGtc = "Limit orders require GTC for this phase.",
}

impl Reason {
    /// What a message says; `None` for one that is not known here.
    #[must_use]
    pub fn of(message: &str) -> Option<Self> {
        if let Some(filter) = message.strip_prefix("Filter failure: ") {
            return FilterKind::of(filter.trim_end_matches('.')).map(Self::Filter);
        }
        // The venue is not consistent about the full stop.
        let bare = message.trim_end_matches('.');
        Self::TEXTS
            .iter()
            .find(|(_, text)| text.trim_end_matches('.') == bare)
            .map(|(reason, _)| *reason)
    }
}
