//! The venue's closed lists of words, as this exchange uses them.

macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    )+};
}

/// Lists of which requests may name a word.
macro_rules! readable {
    ($($name:ident: $($variant:ident)+;)+) => {$(
        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub(crate) fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }
    )+};
}

words! {
    /// Type of an order.
    Kind {
        Limit = "LIMIT",
        LimitMaker = "LIMIT_MAKER",
        Market = "MARKET",
        StopLoss = "STOP_LOSS",
        StopLossLimit = "STOP_LOSS_LIMIT",
        TakeProfit = "TAKE_PROFIT",
        TakeProfitLimit = "TAKE_PROFIT_LIMIT",
    }

    /// Where an order stands.
    Status {
        New = "NEW",
        PendingNew = "PENDING_NEW",
        PartiallyFilled = "PARTIALLY_FILLED",
        Filled = "FILLED",
        Canceled = "CANCELED",
        Expired = "EXPIRED",
        ExpiredInMatch = "EXPIRED_IN_MATCH",
    }

    /// What happened to an order.
    Execution {
        New = "NEW",
        Canceled = "CANCELED",
        Replaced = "REPLACED",
        Trade = "TRADE",
        Expired = "EXPIRED",
        TradePrevention = "TRADE_PREVENTION",
    }

    /// Why an order ended that nobody canceled.
    Expiry {
        Rejected = "REJECTED",
        OcoTrigger = "OCO_TRIGGER",
        OtoPhaseOneExpired = "OTO_PHASE_ONE_EXPIRED",
        UnfilledIoc = "UNFILLED_IOC_QUANTITY_EXPIRED",
        UnfilledFok = "UNFILLED_FOK_ORDER_EXPIRED",
        InsufficientLiquidity = "INSUFFICIENT_LIQUIDITY",
    }

    /// How long an order works.
    Tif {
        Gtc = "GTC",
        Ioc = "IOC",
        Fok = "FOK",
    }

    /// Whether a symbol trades.
    SymbolStatus {
        Trading = "TRADING",
        CancelOnly = "CANCEL_ONLY",
        Break = "BREAK",
        Halt = "HALT",
        EndOfDay = "END_OF_DAY",
    }

    /// What happens where an order would trade with one of the same account.
    Stp {
        None = "NONE",
        ExpireTaker = "EXPIRE_TAKER",
        ExpireMaker = "EXPIRE_MAKER",
        ExpireBoth = "EXPIRE_BOTH",
        Decrement = "DECREMENT",
    }
}

readable! {
    Kind: Limit LimitMaker Market StopLoss StopLossLimit TakeProfit TakeProfitLimit;
    Tif: Gtc Ioc Fok;
    SymbolStatus: Trading CancelOnly Break Halt EndOfDay;
    Stp: None ExpireTaker ExpireMaker ExpireBoth Decrement;
}

impl Kind {
    /// Whether it waits for a trigger: what the filters call an algo order.
    pub(crate) const fn is_conditional(self) -> bool {
        matches!(
            self,
            Self::StopLoss | Self::StopLossLimit | Self::TakeProfit | Self::TakeProfitLimit
        )
    }

    /// Whether it has no limit of its own once it works.
    pub(crate) const fn is_market(self) -> bool {
        matches!(self, Self::Market | Self::StopLoss | Self::TakeProfit)
    }

    /// Whether it takes profit rather than stops a loss.
    pub(crate) const fn takes_profit(self) -> bool {
        matches!(self, Self::TakeProfit | Self::TakeProfitLimit)
    }
}

impl SymbolStatus {
    /// Whether orders may end.
    pub(crate) const fn may_cancel(self) -> bool {
        matches!(self, Self::Trading | Self::CancelOnly)
    }
}

impl Status {
    /// Whether the order can still trade.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::PendingNew | Self::PartiallyFilled)
    }
}
