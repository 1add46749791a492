//! One line of the venue's memory, as it is on disk: a request that it received, or how far the
//! market had gone when it last spoke. Versioned with the log; core's types have no business here.

use sandpit_core::{
    engine::{AmendOrder, CancelOrder},
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId},
    intent::TimeInForce,
    market::Side,
    num::{Price, Quantity},
    order::{Order, OrderKind, TrailingOffset},
    time::UnixNanos,
};
use serde::{Deserialize, Serialize};

/// With what the log begins: which market it is of. With another market or other rules its
/// requests would mean something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) format: u32,
    /// SHA-256 of the tapes, in their order.
    pub(super) tapes: Vec<String>,
    /// SHA-256 of the instruments' rules and the fill model.
    pub(super) rules: String,
}

/// One thing that happened at the venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// How many market events the venue had seen.
    pub(super) after: u64,
    /// The venue's time.
    pub(super) time: u64,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum What {
    /// It has said something that follows from the market so far.
    Spoke,
    Submit(OrderLine),
    /// Two orders of which one ends the other.
    SubmitPair {
        stop: OrderLine,
        profit: OrderLine,
    },
    Cancel {
        order: Id,
        instrument: u16,
    },
    Amend {
        order: Id,
        instrument: u16,
        quantity: Option<i64>,
        price: Option<i64>,
    },
}

/// Run, plugin, sequence.
type Id = (u64, u16, u64);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderLine {
    order: Id,
    tag: u64,
    instrument: u16,
    side: SideLine,
    quantity: i64,
    kind: KindLine,
    time_in_force: TimeInForceLine,
    post_only: bool,
    reduce_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SideLine {
    Buy,
    Sell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindLine {
    Market,
    Limit(i64),
    Stop(i64),
    StopLimit { trigger: i64, limit: i64 },
    TakeProfit(i64),
    TrailingPrice(i64),
    TrailingBasisPoints(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TimeInForceLine {
    Gtc,
    Ioc,
    Fok,
    Gtd(u64),
}

const fn id_line(id: ClientOrderId) -> Id {
    (id.run.0, id.plugin.0, id.sequence)
}

const fn id((run, plugin, sequence): Id) -> ClientOrderId {
    ClientOrderId { sequence, plugin: PluginId(plugin), run: RunId(run) }
}

impl From<&Order> for OrderLine {
    fn from(order: &Order) -> Self {
        let kind = match order.kind {
            OrderKind::Market => KindLine::Market,
            OrderKind::Limit(price) => KindLine::Limit(price.0),
            OrderKind::Stop(price) => KindLine::Stop(price.0),
            OrderKind::StopLimit { trigger, limit } => {
                KindLine::StopLimit { trigger: trigger.0, limit: limit.0 }
            }
            OrderKind::TakeProfit(price) => KindLine::TakeProfit(price.0),
            OrderKind::TrailingStop(TrailingOffset::Price(price)) => {
                KindLine::TrailingPrice(price.0)
            }
            OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)) => {
                KindLine::TrailingBasisPoints(points)
            }
        };
        Self {
            order: id_line(order.id),
            tag: order.tag.0,
            instrument: order.instrument.0,
            side: match order.side {
                Side::Buy => SideLine::Buy,
                Side::Sell => SideLine::Sell,
            },
            quantity: order.quantity.0,
            kind,
            time_in_force: match order.time_in_force {
                TimeInForce::Gtc => TimeInForceLine::Gtc,
                TimeInForce::Ioc => TimeInForceLine::Ioc,
                TimeInForce::Fok => TimeInForceLine::Fok,
                TimeInForce::Gtd(until) => TimeInForceLine::Gtd(until.0),
            },
            post_only: order.post_only,
            reduce_only: order.reduce_only,
        }
    }
}

impl From<&Order> for What {
    fn from(order: &Order) -> Self {
        Self::Submit(order.into())
    }
}

impl From<CancelOrder> for What {
    fn from(cancel: CancelOrder) -> Self {
        Self::Cancel { order: id_line(cancel.order), instrument: cancel.instrument.0 }
    }
}

impl From<AmendOrder> for What {
    fn from(amend: AmendOrder) -> Self {
        Self::Amend {
            order: id_line(amend.order),
            instrument: amend.instrument.0,
            quantity: amend.quantity.map(|quantity| quantity.0),
            price: amend.price.map(|price| price.0),
        }
    }
}

impl OrderLine {
    pub(super) const fn order(&self) -> Order {
        Order {
            id: id(self.order),
            tag: OrderTag(self.tag),
            instrument: InstrumentId(self.instrument),
            side: match self.side {
                SideLine::Buy => Side::Buy,
                SideLine::Sell => Side::Sell,
            },
            quantity: Quantity(self.quantity),
            kind: match self.kind {
                KindLine::Market => OrderKind::Market,
                KindLine::Limit(price) => OrderKind::Limit(Price(price)),
                KindLine::Stop(price) => OrderKind::Stop(Price(price)),
                KindLine::StopLimit { trigger, limit } => {
                    OrderKind::StopLimit { trigger: Price(trigger), limit: Price(limit) }
                }
                KindLine::TakeProfit(price) => OrderKind::TakeProfit(Price(price)),
                KindLine::TrailingPrice(price) => {
                    OrderKind::TrailingStop(TrailingOffset::Price(Price(price)))
                }
                KindLine::TrailingBasisPoints(points) => {
                    OrderKind::TrailingStop(TrailingOffset::BasisPoints(points))
                }
            },
            time_in_force: match self.time_in_force {
                TimeInForceLine::Gtc => TimeInForce::Gtc,
                TimeInForceLine::Ioc => TimeInForce::Ioc,
                TimeInForceLine::Fok => TimeInForce::Fok,
                TimeInForceLine::Gtd(until) => TimeInForce::Gtd(UnixNanos(until)),
            },
            post_only: self.post_only,
            reduce_only: self.reduce_only,
        }
    }
}

/// A request of the log in the core's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Submit(Order),
    SubmitPair(Order, Order),
    Cancel(CancelOrder),
    Amend(AmendOrder),
}

impl What {
    /// The request; `None` where it is none.
    pub(super) fn request(&self) -> Option<Request> {
        Some(match self {
            Self::Spoke => return None,
            Self::Submit(line) => Request::Submit(line.order()),
            Self::SubmitPair { stop, profit } => Request::SubmitPair(stop.order(), profit.order()),
            Self::Cancel { order, instrument } => Request::Cancel(CancelOrder {
                order: id(*order),
                instrument: InstrumentId(*instrument),
            }),
            Self::Amend { order, instrument, quantity, price } => Request::Amend(AmendOrder {
                order: id(*order),
                instrument: InstrumentId(*instrument),
                quantity: quantity.map(Quantity),
                price: price.map(Price),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_read_as_it_was_written() {
        let price = Price(17);
        let kinds = [
            OrderKind::Market,
            OrderKind::Limit(price),
            OrderKind::Stop(price),
            OrderKind::StopLimit { trigger: price, limit: Price(18) },
            OrderKind::TakeProfit(price),
            OrderKind::TrailingStop(TrailingOffset::Price(price)),
            OrderKind::TrailingStop(TrailingOffset::BasisPoints(50)),
        ];
        let times = [
            TimeInForce::Gtc,
            TimeInForce::Ioc,
            TimeInForce::Fok,
            TimeInForce::Gtd(UnixNanos(u64::MAX)),
        ];
        let written = |what: What| {
            let entry = Entry { after: 3, time: 4, what };
            let text = serde_json::to_string(&entry).unwrap();
            let read: Entry = serde_json::from_str(&text).unwrap();
            assert_eq!(read, entry);
            read.what.request()
        };
        let order_id = id((1 << 47, 3, 9));
        for (at, kind) in kinds.into_iter().enumerate() {
            let order = Order {
                id: order_id,
                tag: OrderTag(u64::MAX),
                instrument: InstrumentId(1),
                side: if at % 2 == 0 { Side::Buy } else { Side::Sell },
                quantity: Quantity(5),
                kind,
                time_in_force: times[at % times.len()],
                post_only: at % 2 == 0,
                reduce_only: at % 3 == 0,
            };
            assert_eq!(written(What::from(&order)), Some(Request::Submit(order)));
        }
        let order = |sequence, kind| Order {
            id: ClientOrderId { sequence, ..order_id },
            tag: OrderTag(1),
            instrument: InstrumentId(1),
            side: Side::Sell,
            quantity: Quantity(5),
            kind,
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            reduce_only: true,
        };
        let (stop, profit) =
            (order(1, OrderKind::Stop(Price(9))), order(2, OrderKind::Limit(Price(11))));
        let pair = What::SubmitPair { stop: (&stop).into(), profit: (&profit).into() };
        assert_eq!(written(pair), Some(Request::SubmitPair(stop, profit)));
        let cancel = CancelOrder { order: order_id, instrument: InstrumentId(7) };
        assert_eq!(written(cancel.into()), Some(Request::Cancel(cancel)));
        let amend = AmendOrder {
            order: order_id,
            instrument: InstrumentId(7),
            quantity: Some(Quantity(1)),
            price: None,
        };
        assert_eq!(written(amend.into()), Some(Request::Amend(amend)));
        assert_eq!(written(What::Spoke), None);
    }
}
