//! What a run did, kept for a test to look at. It grows with the run, as a test may.

use sandpit_core::{
    account::Account,
    ids::{ClientOrderId, InstrumentId, PluginId},
    instrument::Instrument,
    num::Quantity,
    order::{Fill, Order, OrderState},
    plugin::{Fault, OpenOrderView},
    risk::Denial,
    simulation::Observer,
    time::UnixNanos,
};
use sandpit_sdk::{Decimal, OrderKind, OrderTag, Side, Timestamp};

use crate::convert;

/// An order that was sent, as it stands now.
#[derive(Clone, Debug, PartialEq)]
pub struct SentOrder {
    /// The strategy's name of it.
    pub tag: OrderTag,
    /// Of what.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// Total, as it was sent.
    pub quantity: Decimal,
    /// Kind with its prices, as it was sent.
    pub kind: OrderKind,
    /// When it was sent.
    pub time: Timestamp,
    /// Filled so far.
    pub filled: Decimal,
    /// How it ended; `None` while it is open.
    pub ended: Option<OrderState>,
}

/// An execution.
#[derive(Clone, Debug, PartialEq)]
pub struct SentFill {
    /// Of which order.
    pub tag: OrderTag,
    /// Of what.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// At this price.
    pub price: Decimal,
    /// So much.
    pub quantity: Decimal,
    /// Paid; negative for a rebate.
    pub fee: Decimal,
    /// Whether it made liquidity.
    pub maker: bool,
    /// When.
    pub time: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Recorder {
    instruments: Vec<Instrument>,
    ids: Vec<ClientOrderId>,
    pub(crate) orders: Vec<SentOrder>,
    pub(crate) fills: Vec<SentFill>,
    pub(crate) denials: Vec<&'static str>,
    pub(crate) fault: Option<Fault>,
}

impl Recorder {
    pub(crate) const fn new(instruments: Vec<Instrument>) -> Self {
        Self {
            instruments,
            ids: Vec::new(),
            orders: Vec::new(),
            fills: Vec::new(),
            denials: Vec::new(),
            fault: None,
        }
    }

    fn instrument(&self, id: InstrumentId) -> &Instrument {
        &self.instruments[usize::from(id.0)]
    }

    /// An order that was sent and is open, as the engine sees it now.
    pub(crate) fn open_order(&self, view: &OpenOrderView) -> Option<SentOrder> {
        let rules = self.instrument(view.instrument);
        let of_tag = |order: &&SentOrder| order.tag.0 == view.tag.0 && order.ended.is_none();
        let sent = self.orders.iter().rev().find(of_tag)?;
        Some(SentOrder {
            quantity: convert::quantity(rules, view.quantity),
            kind: convert::order_kind(rules, view.kind).into(),
            filled: convert::quantity(rules, view.filled),
            ..sent.clone()
        })
    }

    /// Ids rise, so they are in order.
    fn order_mut(&mut self, id: ClientOrderId) -> Option<&mut SentOrder> {
        let at = self.ids.binary_search(&id).ok()?;
        self.orders.get_mut(at)
    }
}

impl Observer for Recorder {
    fn submitted(&mut self, order: &Order, time: UnixNanos) {
        let rules = self.instrument(order.instrument);
        let sent = SentOrder {
            tag: OrderTag(order.tag.0),
            symbol: rules.spec().symbol.clone(),
            side: convert::side(order.side),
            quantity: convert::quantity(rules, order.quantity),
            kind: convert::order_kind(rules, order.kind).into(),
            time: Timestamp(time.0),
            filled: Decimal::ZERO,
            ended: None,
        };
        self.ids.push(order.id);
        self.orders.push(sent);
    }

    fn filled(&mut self, order: &Order, fill: &Fill, time: UnixNanos, _: &Account) {
        let rules = self.instrument(order.instrument);
        let quantity = convert::quantity(rules, fill.quantity);
        let sent = SentFill {
            tag: OrderTag(order.tag.0),
            symbol: rules.spec().symbol.clone(),
            side: convert::side(order.side),
            price: convert::price(rules, fill.price),
            quantity,
            fee: convert::amount(fill.fee),
            maker: fill.maker,
            time: Timestamp(time.0),
        };
        self.fills.push(sent);
        if let Some(order) = self.order_mut(order.id) {
            order.filled += quantity;
        }
    }

    fn closed(&mut self, order: &Order, state: OrderState, _: Quantity, _: UnixNanos) {
        if let Some(order) = self.order_mut(order.id) {
            order.ended = Some(state);
        }
    }

    fn denied(&mut self, _: PluginId, _: Option<InstrumentId>, denial: &Denial, _: UnixNanos) {
        self.denials.push(denial.code().name());
    }

    fn faulted(&mut self, _: PluginId, fault: &Fault, _: UnixNanos) {
        self.fault.get_or_insert_with(|| fault.clone());
    }
}
