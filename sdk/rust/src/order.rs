//! Orders as a strategy wishes them, and what it hears of them.

use crate::{Decimal, InstrumentId, OrderTag, Timestamp, time::nanos, wire};

pub use wire::{Denial, Liquidity, Side};

impl Side {
    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// A positive quantity with this side's sign.
    #[must_use]
    pub fn signed(self, quantity: Decimal) -> Decimal {
        match self {
            Self::Buy => quantity,
            Self::Sell => -quantity,
        }
    }
}

/// Kind of an order with its prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// At once at any price.
    Market,
    /// At this price or better.
    Limit(Decimal),
    /// Market once the last price reaches the trigger: at or above it for a buy, at or below it
    /// for a sell.
    Stop(Decimal),
    /// Limit once the last price reaches the trigger.
    StopLimit {
        /// Trigger.
        trigger: Decimal,
        /// Limit.
        limit: Decimal,
    },
    /// Market once the last price reaches the trigger: at or below it for a buy, at or above it
    /// for a sell.
    TakeProfit(Decimal),
    /// A stop that follows the market.
    TrailingStop(TrailingOffset),
}

/// Distance of a trailing stop from the best price since it was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailingOffset {
    /// In units of the quote asset, greater than zero.
    Price(Decimal),
    /// In hundredths of a percent of the best price: 1 to 9,999.
    BasisPoints(u32),
}

impl OrderKind {
    /// The price that an amendment changes: the limit, or the trigger where there is no limit.
    #[must_use]
    pub const fn price(self) -> Option<Decimal> {
        match self {
            Self::Limit(price)
            | Self::Stop(price)
            | Self::StopLimit { limit: price, .. }
            | Self::TakeProfit(price) => Some(price),
            Self::Market | Self::TrailingStop(_) => None,
        }
    }

    /// The same kind with another [`Self::price`].
    pub(crate) const fn with_price(self, price: Decimal) -> Self {
        match self {
            Self::Limit(_) => Self::Limit(price),
            Self::Stop(_) => Self::Stop(price),
            Self::StopLimit { trigger, .. } => Self::StopLimit { trigger, limit: price },
            Self::TakeProfit(_) => Self::TakeProfit(price),
            Self::Market | Self::TrailingStop(_) => self,
        }
    }
}

impl From<OrderKind> for wire::OrderKind {
    fn from(kind: OrderKind) -> Self {
        match kind {
            OrderKind::Market => Self::Market,
            OrderKind::Limit(limit) => Self::Limit(limit.sent()),
            OrderKind::Stop(trigger) => Self::Stop(trigger.sent()),
            OrderKind::StopLimit { trigger, limit } => {
                Self::StopLimit(wire::StopLimit { trigger: trigger.sent(), limit: limit.sent() })
            }
            OrderKind::TakeProfit(trigger) => Self::TakeProfit(trigger.sent()),
            OrderKind::TrailingStop(TrailingOffset::Price(distance)) => {
                Self::TrailingStop(wire::TrailingOffset::Price(distance.sent()))
            }
            OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)) => {
                Self::TrailingStop(wire::TrailingOffset::BasisPoints(points))
            }
        }
    }
}

impl From<wire::OrderKind> for OrderKind {
    fn from(kind: wire::OrderKind) -> Self {
        match kind {
            wire::OrderKind::Market => Self::Market,
            wire::OrderKind::Limit(limit) => Self::Limit(limit.into()),
            wire::OrderKind::Stop(trigger) => Self::Stop(trigger.into()),
            wire::OrderKind::StopLimit(wire::StopLimit { trigger, limit }) => {
                Self::StopLimit { trigger: trigger.into(), limit: limit.into() }
            }
            wire::OrderKind::TakeProfit(trigger) => Self::TakeProfit(trigger.into()),
            wire::OrderKind::TrailingStop(wire::TrailingOffset::Price(distance)) => {
                Self::TrailingStop(TrailingOffset::Price(distance.into()))
            }
            wire::OrderKind::TrailingStop(wire::TrailingOffset::BasisPoints(points)) => {
                Self::TrailingStop(TrailingOffset::BasisPoints(points))
            }
        }
    }
}

/// How long an order works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInForce {
    /// Until canceled.
    GoodTillCanceled,
    /// What can be filled at once; the rest is canceled.
    ImmediateOrCancel,
    /// All at once or nothing.
    FillOrKill,
    /// Until this time.
    GoodTill(Timestamp),
}

impl From<TimeInForce> for wire::TimeInForce {
    fn from(time_in_force: TimeInForce) -> Self {
        match time_in_force {
            TimeInForce::GoodTillCanceled => Self::Gtc,
            TimeInForce::ImmediateOrCancel => Self::Ioc,
            TimeInForce::FillOrKill => Self::Fok,
            TimeInForce::GoodTill(until) => Self::Gtd(until.0),
        }
    }
}

/// Wish for one order, good till canceled unless said otherwise.
///
/// ```
/// use sandpit_sdk::{InstrumentId, Order, Side, dec};
///
/// let bid = Order::limit(InstrumentId(0), Side::Buy, dec!(0.5), dec!(99.5)).post_only();
/// assert!(bid.post_only);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Of what.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// How much: greater than zero and a multiple of the instrument's step.
    pub quantity: Decimal,
    /// Kind with its prices.
    pub kind: OrderKind,
    /// How long.
    pub time_in_force: TimeInForce,
    /// Only as maker: it is rejected where it would trade at once. Limit orders only.
    pub post_only: bool,
    /// Only to shrink the position.
    pub reduce_only: bool,
}

impl Order {
    /// Of any kind.
    #[must_use]
    pub const fn new(
        instrument: InstrumentId,
        side: Side,
        quantity: Decimal,
        kind: OrderKind,
    ) -> Self {
        Self {
            instrument,
            side,
            quantity,
            kind,
            time_in_force: TimeInForce::GoodTillCanceled,
            post_only: false,
            reduce_only: false,
        }
    }

    /// At once at any price.
    #[must_use]
    pub const fn market(instrument: InstrumentId, side: Side, quantity: Decimal) -> Self {
        Self::new(instrument, side, quantity, OrderKind::Market)
    }

    /// At `price` or better.
    #[must_use]
    pub const fn limit(
        instrument: InstrumentId,
        side: Side,
        quantity: Decimal,
        price: Decimal,
    ) -> Self {
        Self::new(instrument, side, quantity, OrderKind::Limit(price))
    }

    /// Market once the last price reaches `trigger` (buy: at or above).
    #[must_use]
    pub const fn stop(
        instrument: InstrumentId,
        side: Side,
        quantity: Decimal,
        trigger: Decimal,
    ) -> Self {
        Self::new(instrument, side, quantity, OrderKind::Stop(trigger))
    }

    /// For this long.
    #[must_use]
    pub const fn time_in_force(mut self, time_in_force: TimeInForce) -> Self {
        self.time_in_force = time_in_force;
        self
    }

    /// Only as maker.
    #[must_use]
    pub const fn post_only(mut self) -> Self {
        self.post_only = true;
        self
    }

    /// Only to shrink the position.
    #[must_use]
    pub const fn reduce_only(mut self) -> Self {
        self.reduce_only = true;
        self
    }

    pub(crate) fn to_wire(self, tag: OrderTag) -> wire::Place {
        wire::Place {
            tag: tag.0,
            instrument: self.instrument.0,
            side: self.side,
            quantity: self.quantity.sent(),
            kind: self.kind.into(),
            time_in_force: self.time_in_force.into(),
            post_only: self.post_only,
            reduce_only: self.reduce_only,
        }
    }
}

/// Names of the three orders of a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BracketTags {
    /// The entry.
    pub entry: OrderTag,
    /// The stop, once the entry has filled.
    pub stop_loss: OrderTag,
    /// The take-profit, once the entry has filled.
    pub take_profit: OrderTag,
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The venue's number or name of it.
    pub trade_id: String,
    /// At this price.
    pub price: Decimal,
    /// So much.
    pub quantity: Decimal,
    /// Positive is paid, negative is a rebate.
    pub fee: Decimal,
    /// Maker or taker.
    pub liquidity: Liquidity,
}

/// What happened to an own order.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderEvent {
    /// The venue has it.
    Accepted,
    /// The host refused the intent; there is no order.
    Denied(Denial),
    /// The venue refused the order, in its words.
    Rejected(String),
    /// The trigger was reached.
    Triggered,
    /// Price or quantity were changed as asked.
    Amended,
    /// A change or a cancel was refused; the order works on as it was.
    ChangeRefused(Denial),
    /// It traded.
    Filled(Fill),
    /// It was canceled.
    Canceled,
    /// Its time was over.
    Expired,
    /// Its fate is not known; the host asks the venue and tells. Do not place it again.
    Unknown,
}

impl From<wire::OrderEvent> for OrderEvent {
    fn from(event: wire::OrderEvent) -> Self {
        match event {
            wire::OrderEvent::Accepted => Self::Accepted,
            wire::OrderEvent::Denied(denial) => Self::Denied(denial),
            wire::OrderEvent::Rejected(words) => Self::Rejected(words),
            wire::OrderEvent::Triggered => Self::Triggered,
            wire::OrderEvent::Amended => Self::Amended,
            wire::OrderEvent::ChangeRefused(denial) => Self::ChangeRefused(denial),
            wire::OrderEvent::Filled(fill) => Self::Filled(Fill {
                trade_id: fill.trade_id,
                price: fill.price.into(),
                quantity: fill.quantity.into(),
                fee: fill.fee.into(),
                liquidity: fill.liquidity,
            }),
            wire::OrderEvent::Canceled => Self::Canceled,
            wire::OrderEvent::Expired => Self::Expired,
            wire::OrderEvent::Unknown => Self::Unknown,
        }
    }
}

/// News of an own order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderUpdate {
    /// When.
    pub time: Timestamp,
    /// Which order.
    pub tag: OrderTag,
    /// Of what.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// What happened.
    pub event: OrderEvent,
    /// Total of the order after this event.
    pub quantity: Decimal,
    /// Filled so far.
    pub filled: Decimal,
    /// No more can happen to it, save for a fill that was under way.
    pub closed: bool,
}

impl From<wire::OrderUpdate> for OrderUpdate {
    fn from(update: wire::OrderUpdate) -> Self {
        Self {
            time: Timestamp(update.time),
            tag: OrderTag(update.tag),
            instrument: InstrumentId(update.instrument),
            side: update.side,
            event: update.event.into(),
            quantity: update.quantity.into(),
            filled: update.filled.into(),
            closed: update.closed,
        }
    }
}

/// A timer as the contract carries it.
pub(crate) fn timer(
    id: crate::TimerId,
    at: Timestamp,
    every: Option<core::time::Duration>,
) -> wire::Intent {
    wire::Intent::SetTimer(wire::Timer { id: id.0, at: at.0, every: every.map(nanos) })
}
