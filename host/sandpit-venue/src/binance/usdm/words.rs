//! The closed lists of words of USDⓈ-M futures, where they differ from Spot's.
//!
//! Source: the official documents "Public Endpoints Info" and "User Data Streams" of USDⓈ-M futures.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::binance::{
    text::{Text, cut},
    words::{WORD_BYTES_MAX, words},
};

words! {
    /// Type of an order.
    OrderType {
        /// At this price or better.
        Limit = "LIMIT",
        /// At once at any price.
        Market = "MARKET",
        /// Limit once triggered from the losing side.
        Stop = "STOP",
        /// Market once triggered from the losing side.
        StopMarket = "STOP_MARKET",
        /// Limit once triggered from the winning side.
        TakeProfit = "TAKE_PROFIT",
        /// Market once triggered from the winning side.
        TakeProfitMarket = "TAKE_PROFIT_MARKET",
        /// A stop that follows the price.
        TrailingStopMarket = "TRAILING_STOP_MARKET",
        /// The venue's own, when it closes a position.
        Liquidation = "LIQUIDATION",
    }
    /// Where an order stands.
    OrderStatus {
        /// The engine has it.
        New = "NEW",
        /// Something is filled.
        PartiallyFilled = "PARTIALLY_FILLED",
        /// All is filled.
        Filled = "FILLED",
        /// Ended by its owner.
        Canceled = "CANCELED",
        /// Not taken.
        Rejected = "REJECTED",
        /// Ended by its type's rules, by its time, or by the exchange.
        Expired = "EXPIRED",
        /// Ended by self-trade prevention.
        ExpiredInMatch = "EXPIRED_IN_MATCH",
        /// The venue's own, against the insurance fund.
        NewInsurance = "NEW_INSURANCE",
        /// The venue's own, by deleveraging.
        NewAdl = "NEW_ADL",
    }
    /// What happened to an order.
    ExecutionType {
        /// The engine took it.
        New = "NEW",
        /// Canceled.
        Canceled = "CANCELED",
        /// The venue closed a position with it.
        Calculated = "CALCULATED",
        /// Ended by its type's rules, by its time, or by the exchange.
        Expired = "EXPIRED",
        /// It traded.
        Trade = "TRADE",
        /// Changed.
        Amendment = "AMENDMENT",
    }
    /// Where a conditional order stands with the algo service.
    AlgoStatus {
        /// It waits for its trigger.
        New = "NEW",
        /// Canceled.
        Canceled = "CANCELED",
        /// Its trigger was reached; it is on its way to the engine.
        Triggering = "TRIGGERING",
        /// The engine has it.
        Triggered = "TRIGGERED",
        /// It was filled or canceled in the engine.
        Finished = "FINISHED",
        /// The engine refused it when its trigger was reached.
        Rejected = "REJECTED",
        /// Ended by the exchange, or by its time.
        Expired = "EXPIRED",
    }
    /// How long an order works.
    TimeInForce {
        /// Until canceled.
        Gtc = "GTC",
        /// At once, the rest ends.
        Ioc = "IOC",
        /// At once and whole.
        Fok = "FOK",
        /// Until canceled, and only as maker.
        Gtx = "GTX",
        /// Until a time.
        Gtd = "GTD",
    }
    /// Which of a symbol's positions is meant.
    PositionSide {
        /// The one that there is in one-way mode.
        Both = "BOTH",
        /// Hedge mode: the long one.
        Long = "LONG",
        /// Hedge mode: the short one.
        Short = "SHORT",
    }
    /// What a position can lose.
    MarginType {
        /// All of the account's balance.
        Cross = "CROSSED",
        /// Its own margin.
        Isolated = "ISOLATED",
    }
    /// Type of a contract.
    ContractType {
        /// Without an end.
        Perpetual = "PERPETUAL",
        /// Ends with the month.
        CurrentMonth = "CURRENT_MONTH",
        /// Ends with the next month.
        NextMonth = "NEXT_MONTH",
        /// Ends with the quarter.
        CurrentQuarter = "CURRENT_QUARTER",
        /// Ends with the next quarter.
        NextQuarter = "NEXT_QUARTER",
        /// A perpetual that is being ended.
        PerpetualDelivering = "PERPETUAL_DELIVERING",
    }
    /// Where a symbol stands.
    ContractStatus {
        /// Not yet.
        PendingTrading = "PENDING_TRADING",
        /// Orders are taken.
        Trading = "TRADING",
        /// About to be delivered.
        PreDelivering = "PRE_DELIVERING",
        /// Being delivered.
        Delivering = "DELIVERING",
        /// Delivered.
        Delivered = "DELIVERED",
        /// About to be settled.
        PreSettle = "PRE_SETTLE",
        /// Being settled.
        Settling = "SETTLING",
        /// Over.
        Close = "CLOSE",
    }
}

impl OrderType {
    /// Whether it waits for a trigger.
    #[must_use]
    pub const fn is_conditional(&self) -> bool {
        matches!(
            self,
            Self::Stop
                | Self::StopMarket
                | Self::TakeProfit
                | Self::TakeProfitMarket
                | Self::TrailingStopMarket
        )
    }
}
