//! Orders: intents after risk, and what venues say about them.

mod lifecycle;

pub use lifecycle::{IllegalTransition, OrderState, Transition, next_state};

use alloc::string::String;

use crate::{
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, TradeId, VenueOrderId},
    intent::TimeInForce,
    market::Side,
    num::{Money, Price, Quantity},
    time::UnixNanos,
};

/// Kind of an order (FIX 40), with prices on the instrument's grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// At once at any price.
    Market,
    /// At this price or better.
    Limit(Price),
    /// Market once the last price is at or beyond the trigger (buy: at or above).
    Stop(Price),
    /// Limit once the last price is at or beyond the trigger.
    StopLimit {
        /// Trigger.
        trigger: Price,
        /// Limit.
        limit: Price,
    },
    /// Market once the last price is at or beyond the trigger from the other side (buy: at or
    /// below).
    TakeProfit(Price),
    /// A stop whose trigger follows the best price since placement.
    TrailingStop(TrailingOffset),
}

impl OrderKind {
    /// The limit price, if it has one.
    #[must_use]
    pub const fn limit(self) -> Option<Price> {
        match self {
            Self::Limit(limit) | Self::StopLimit { limit, .. } => Some(limit),
            Self::Market | Self::Stop(_) | Self::TakeProfit(_) | Self::TrailingStop(_) => None,
        }
    }

    /// The fixed trigger, if it has one.
    #[must_use]
    pub const fn trigger(self) -> Option<Price> {
        match self {
            Self::Stop(trigger) | Self::StopLimit { trigger, .. } | Self::TakeProfit(trigger) => {
                Some(trigger)
            }
            Self::Market | Self::Limit(_) | Self::TrailingStop(_) => None,
        }
    }

    /// Whether it waits for a trigger.
    #[must_use]
    pub const fn is_conditional(self) -> bool {
        !matches!(self, Self::Market | Self::Limit(_))
    }
}

/// Distance of a trailing stop from the best price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailingOffset {
    /// A fixed distance.
    Price(Price),
    /// Hundredths of a percent of the best price, 1 to 9,999; the trigger is rounded to the tick
    /// away from the market.
    BasisPoints(u16),
}

/// What an order is, all of it decided before the venue hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Our name of it.
    pub id: ClientOrderId,
    /// The plugin's name of it.
    pub tag: OrderTag,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// Total quantity, greater than zero, on the instrument's step.
    pub quantity: Quantity,
    /// Kind and prices.
    pub kind: OrderKind,
    /// How long.
    pub time_in_force: TimeInForce,
    /// Only as maker.
    pub post_only: bool,
    /// Only to shrink the position; clipped to it at fill time.
    pub reduce_only: bool,
}

impl Order {
    /// Whose it is.
    #[must_use]
    pub const fn plugin(&self) -> PluginId {
        self.id.plugin
    }
}

/// One execution of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The venue's number of it, unique per instrument; fills are de-duplicated by it.
    pub trade_id: TradeId,
    /// At this price.
    pub price: Price,
    /// This much, greater than zero.
    pub quantity: Quantity,
    /// Paid; negative for a rebate.
    pub fee: Money,
    /// Whether it made liquidity.
    pub maker: bool,
}

/// What a venue says about an order (FIX 150).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which order.
    pub order: ClientOrderId,
    /// The venue's time of it.
    pub time: UnixNanos,
    /// What happened.
    pub kind: ReportKind,
}

/// The kinds of reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// The venue has it.
    Accepted(VenueOrderId),
    /// The venue refused it, in its words (at most 256 bytes).
    Rejected(String),
    /// Its trigger was reached.
    Triggered,
    /// It was changed as asked; its quantity and kind now.
    Amended {
        /// Total quantity.
        quantity: Quantity,
        /// Kind with its prices.
        kind: OrderKind,
    },
    /// The venue refused to change it.
    AmendRejected(String),
    /// The venue refused to cancel it.
    CancelRejected(String),
    /// It traded.
    Filled(Fill),
    /// It was canceled, by us or by the venue (IOC rest, reduce-only clip).
    Canceled,
    /// Its time was over.
    Expired,
    /// Its fate was lost: timeout, disconnect, server error.
    Lost,
}
