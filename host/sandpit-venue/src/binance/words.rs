//! The venue's closed lists of words. A word that is not in the list is kept as `Other`, cut
//! short: the venue adds words without notice, and one new word must not stop the rest.
//!
//! Source: the official documents "ENUM Definitions" and "User Data Streams".

use std::fmt;

use sandpit_core::market::Side;
use serde::{Deserialize, Deserializer};

use super::text::{Text, cut};

/// Bytes of an unknown word that are kept.
pub(super) const WORD_BYTES_MAX: usize = 64;

macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A word that is not known here, cut short.
            Other(Box<str>),
        }

        impl $name {
            /// What a word means.
            #[must_use]
            pub fn parse(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(cut(other, WORD_BYTES_MAX).into()),
                }
            }

            /// The venue's word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Text::deserialize(deserializer).map(|word| Self::parse(&word))
            }
        }
    )+};
}

pub(super) use words;

words! {
    /// Side of an order.
    OrderSide {
        /// Gets the base asset.
        Buy = "BUY",
        /// Gives the base asset.
        Sell = "SELL",
    }

    /// Type of an order.
    OrderType {
        /// At this price or better.
        Limit = "LIMIT",
        /// Only as maker.
        LimitMaker = "LIMIT_MAKER",
        /// At once at any price.
        Market = "MARKET",
        /// Market once the price comes from the losing side.
        StopLoss = "STOP_LOSS",
        /// Limit once the price comes from the losing side.
        StopLossLimit = "STOP_LOSS_LIMIT",
        /// Market once the price comes from the winning side.
        TakeProfit = "TAKE_PROFIT",
        /// Limit once the price comes from the winning side.
        TakeProfitLimit = "TAKE_PROFIT_LIMIT",
    }

    /// Where an order stands.
    OrderStatus {
        /// The engine has it.
        New = "NEW",
        /// It waits for the working order of its list.
        PendingNew = "PENDING_NEW",
        /// Something is filled.
        PartiallyFilled = "PARTIALLY_FILLED",
        /// All is filled.
        Filled = "FILLED",
        /// Ended by its owner.
        Canceled = "CANCELED",
        /// Not used by the venue.
        PendingCancel = "PENDING_CANCEL",
        /// Not taken.
        Rejected = "REJECTED",
        /// Ended by its type's rules or by the exchange.
        Expired = "EXPIRED",
        /// Ended by self-trade prevention.
        ExpiredInMatch = "EXPIRED_IN_MATCH",
    }

    /// What happened to an order.
    ExecutionType {
        /// The engine took it.
        New = "NEW",
        /// Canceled.
        Canceled = "CANCELED",
        /// Amended.
        Replaced = "REPLACED",
        /// Not taken.
        Rejected = "REJECTED",
        /// It traded.
        Trade = "TRADE",
        /// Ended by its type's rules or by the exchange.
        Expired = "EXPIRED",
        /// Self-trade prevention took from it or ended it.
        TradePrevention = "TRADE_PREVENTION",
    }

    /// Why an order ended that nobody canceled (`eR`).
    ExpiryReason {
        /// Its trigger was reached and the engine then refused it.
        Rejected = "REJECTED",
        /// By the exchange.
        ExchangeCanceled = "EXCHANGE_CANCELED",
        /// The other order of its pair became active.
        OcoTrigger = "OCO_TRIGGER",
        /// The working order of its list ended.
        OtoPhaseOneExpired = "OTO_PHASE_ONE_EXPIRED",
        /// What an immediate-or-cancel order left.
        UnfilledIocQuantityExpired = "UNFILLED_IOC_QUANTITY_EXPIRED",
        /// A fill-or-kill order that could not be filled whole.
        UnfilledFokOrderExpired = "UNFILLED_FOK_ORDER_EXPIRED",
        /// The book had too little.
        InsufficientLiquidity = "INSUFFICIENT_LIQUIDITY",
        /// It would have traded outside the price range rule.
        ExecutionRulePriceRangeExceeded = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
    }

    /// Why an order was not taken (`r`).
    RejectReason {
        /// It was taken.
        None = "NONE",
        /// Too little balance.
        InsufficientBalances = "INSUFFICIENT_BALANCES",
        /// Its trigger is reached already.
        StopPriceWouldTriggerImmediately = "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
        /// A maker-only order would take.
        WouldMatchImmediately = "WOULD_MATCH_IMMEDIATELY",
        /// The prices of a pair are the wrong way round.
        OcoBadPrices = "OCO_BAD_PRICES",
    }

    /// How long an order works.
    TimeInForce {
        /// Until canceled.
        Gtc = "GTC",
        /// At once, the rest ends.
        Ioc = "IOC",
        /// At once and whole.
        Fok = "FOK",
    }

    /// What happens where an order would trade with one of the same account.
    StpMode {
        /// It trades.
        None = "NONE",
        /// The newer one ends.
        ExpireTaker = "EXPIRE_TAKER",
        /// The older one ends.
        ExpireMaker = "EXPIRE_MAKER",
        /// Both end.
        ExpireBoth = "EXPIRE_BOTH",
        /// Both shrink by the smaller one.
        Decrement = "DECREMENT",
        /// The quantity moves between accounts.
        Transfer = "TRANSFER",
    }

    /// What binds the orders of a list.
    ContingencyType {
        /// One cancels the other.
        Oco = "OCO",
        /// One triggers the other; with three orders also those where it triggers a pair.
        Oto = "OTO",
    }

    /// What a message about a list is.
    ListStatusType {
        /// A refusal.
        Response = "RESPONSE",
        /// It works.
        ExecStarted = "EXEC_STARTED",
        /// A name in it changed.
        Updated = "UPDATED",
        /// It is over.
        AllDone = "ALL_DONE",
    }

    /// Where a list stands.
    ListOrderStatus {
        /// It works.
        Executing = "EXECUTING",
        /// It is over.
        AllDone = "ALL_DONE",
        /// It was refused.
        Reject = "REJECT",
    }

    /// Where a symbol stands.
    SymbolStatus {
        /// Orders are taken.
        Trading = "TRADING",
        /// Over for the day.
        EndOfDay = "END_OF_DAY",
        /// Halted.
        Halt = "HALT",
        /// On a break, or gone.
        Break = "BREAK",
        /// Only cancels are taken.
        CancelOnly = "CANCEL_ONLY",
    }

    /// What a rate limit counts.
    RateLimitType {
        /// Weights of requests, by address.
        RequestWeight = "REQUEST_WEIGHT",
        /// Orders that have not been filled, by account.
        Orders = "ORDERS",
        /// Requests, by address.
        RawRequests = "RAW_REQUESTS",
    }

    /// The unit of a rate limit's window.
    RateLimitInterval {
        /// Second.
        Second = "SECOND",
        /// Minute.
        Minute = "MINUTE",
        /// Hour.
        Hour = "HOUR",
        /// Day.
        Day = "DAY",
    }

    /// What became of one half of a cancel-replace.
    HalfResult {
        /// Done.
        Success = "SUCCESS",
        /// Refused.
        Failure = "FAILURE",
        /// Not tried, since the first half failed.
        NotAttempted = "NOT_ATTEMPTED",
    }
}

impl OrderSide {
    /// In the core's terms.
    #[must_use]
    pub const fn side(&self) -> Option<Side> {
        match self {
            Self::Buy => Some(Side::Buy),
            Self::Sell => Some(Side::Sell),
            Self::Other(_) => None,
        }
    }
}

impl OrderType {
    /// Whether it waits for a trigger: what the filters call an algo order.
    #[must_use]
    pub const fn is_conditional(&self) -> bool {
        matches!(
            self,
            Self::StopLoss | Self::StopLossLimit | Self::TakeProfit | Self::TakeProfitLimit
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_word_is_kept() {
        let read = |json: &str| serde_json::from_str::<OrderStatus>(json).unwrap();
        assert_eq!(read(r#""EXPIRED_IN_MATCH""#), OrderStatus::ExpiredInMatch);
        let other = read(r#""ASLEEP""#);
        assert_eq!(other, OrderStatus::Other("ASLEEP".into()));
        assert_eq!(other.to_string(), "ASLEEP");
        let long = format!(r#""{}""#, "x".repeat(5_000));
        assert_eq!(read(&long).as_str().len(), WORD_BYTES_MAX);
        assert!(serde_json::from_str::<OrderStatus>("5").is_err());
    }
}
