//! What is true at the venue: every order that it ever accepted, every execution, positions and
//! cash. The venue's answers are views of this as of some moment; the invariants compare the host
//! with it.

use std::collections::{BTreeMap, BTreeSet};

use sandpit_core::{
    engine::{AccountFill, ExternalOrder, VenueOrder, VenueOrderState, VenueSnapshot},
    ids::{ClientOrderId, InstrumentId, PluginId, RunId, TradeId, VenueOrderId},
    instrument::Instrument,
    num::{Money, Quantity},
    order::{Fill, Order, OrderKind, Report, ReportKind},
    time::UnixNanos,
};

/// The run in the ids of orders that are not ours.
pub(super) const STRANGER_RUN: RunId = RunId(0xffff);
/// The plugin in the ids of orders that are not ours.
pub(super) const STRANGER: PluginId = PluginId(9_999);

/// What an order was from a time on.
#[derive(Clone, Copy, Debug)]
struct Version {
    at: UnixNanos,
    state: VenueOrderState,
    quantity: Quantity,
    kind: OrderKind,
}

/// An order that the venue accepted.
#[derive(Debug)]
pub(super) struct Known {
    /// As it is now.
    pub(super) order: Order,
    pub(super) filled: Quantity,
    venue_id: VenueOrderId,
    versions: Vec<Version>,
    fills: Vec<(UnixNanos, Fill)>,
}

impl Known {
    pub(super) fn is_open(&self) -> bool {
        self.versions.last().is_some_and(|version| version.state.is_open())
    }

    pub(super) fn remaining(&self) -> Quantity {
        self.order.quantity - self.filled
    }

    fn set(&mut self, at: UnixNanos, state: VenueOrderState) {
        let (quantity, kind) = (self.order.quantity, self.order.kind);
        self.versions.push(Version { at, state, quantity, kind });
    }

    fn state(&self) -> VenueOrderState {
        self.versions.last().map_or(VenueOrderState::Rejected, |version| version.state)
    }

    /// As it was at a moment; `None` before it was accepted.
    fn as_of(&self, at: UnixNanos) -> Option<VenueOrder> {
        let version = self.versions.iter().rev().find(|version| version.at <= at)?;
        let fills = self.fills.iter().take_while(|(time, _)| *time <= at);
        Some(VenueOrder {
            order: self.order.id,
            instrument: self.order.instrument,
            venue_id: self.venue_id,
            state: version.state,
            quantity: version.quantity,
            kind: version.kind,
            fills: fills.map(|(time, fill)| (*fill, *time)).collect(),
        })
    }
}

/// What one owner has in one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) quantity: Quantity,
    /// Sum of the signed notionals of all executions.
    pub(super) paid: Money,
    pub(super) fees: Money,
}

impl Holding {
    /// Books one execution.
    pub(super) fn book(&mut self, rules: &Instrument, signed: Quantity, fill: &Fill) {
        self.quantity += signed;
        self.paid += rules.notional(fill.price, signed).unwrap_or_default();
        self.fees += fill.fee;
    }
}

/// The venue's books.
#[derive(Debug)]
pub(super) struct Truth {
    instruments: Vec<Instrument>,
    orders: BTreeMap<ClientOrderId, Known>,
    open: BTreeSet<ClientOrderId>,
    /// When each order that is over ended.
    ended: Vec<(UnixNanos, ClientOrderId)>,
    fills: Vec<(UnixNanos, AccountFill)>,
    trades: BTreeMap<TradeId, (ClientOrderId, Fill)>,
    holdings: BTreeMap<(PluginId, InstrumentId), Holding>,
}

impl Truth {
    pub(super) fn new(instruments: &[Instrument]) -> Self {
        Self {
            instruments: instruments.to_vec(),
            orders: BTreeMap::new(),
            open: BTreeSet::new(),
            ended: Vec::new(),
            fills: Vec::new(),
            trades: BTreeMap::new(),
            holdings: BTreeMap::new(),
        }
    }

    /// Takes in what the venue did. `arriving` is the order of a request to place one.
    pub(super) fn note(&mut self, report: &Report, arriving: Option<&Order>) {
        let (id, at) = (report.order, report.time);
        if let (ReportKind::Accepted(venue_id), Some(order)) = (&report.kind, arriving) {
            let mut known = Known {
                order: order.clone(),
                filled: Quantity::ZERO,
                venue_id: *venue_id,
                versions: Vec::new(),
                fills: Vec::new(),
            };
            known.set(at, VenueOrderState::Working);
            self.orders.insert(id, known);
            self.open.insert(id);
            return;
        }
        let Some(known) = self.orders.get_mut(&id) else {
            return;
        };
        match &report.kind {
            ReportKind::Filled(fill) => {
                known.filled += fill.quantity;
                known.fills.push((at, *fill));
                let all = known.remaining().is_zero();
                known.set(at, if all { VenueOrderState::Filled } else { known.state() });
                let (instrument, side) = (known.order.instrument, known.order.side);
                let order = (id.run != STRANGER_RUN).then_some(id);
                self.fills
                    .push((at, AccountFill { order, instrument, side, fill: *fill, time: at }));
                self.trades.insert(fill.trade_id, (id, *fill));
                let rules = &self.instruments[usize::from(instrument.0)];
                let signed = side.signed(fill.quantity);
                self.holdings.entry((id.plugin, instrument)).or_default().book(rules, signed, fill);
            }
            ReportKind::Triggered => known.set(at, VenueOrderState::Triggered),
            ReportKind::Amended { quantity, kind } => {
                known.order.quantity = *quantity;
                known.order.kind = *kind;
                known.set(at, known.state());
            }
            ReportKind::Canceled => known.set(at, VenueOrderState::Canceled),
            ReportKind::Expired => known.set(at, VenueOrderState::Expired),
            ReportKind::Accepted(_)
            | ReportKind::Rejected(_)
            | ReportKind::AmendRejected(_)
            | ReportKind::CancelRejected(_)
            | ReportKind::Lost => {}
        }
        if !known.is_open() && self.open.remove(&id) {
            self.ended.push((at, id));
        }
    }

    pub(super) fn get(&self, id: ClientOrderId) -> Option<&Known> {
        self.orders.get(&id)
    }

    /// All orders that work, ours and others'.
    pub(super) fn open(&self) -> impl Iterator<Item = &Known> {
        self.open.iter().filter_map(|id| self.orders.get(id))
    }

    /// Ours that work.
    pub(super) fn open_of_ours(&self) -> impl Iterator<Item = &Known> {
        self.open().filter(|known| known.order.id.run != STRANGER_RUN)
    }

    pub(super) fn trade(&self, id: TradeId) -> Option<&(ClientOrderId, Fill)> {
        self.trades.get(&id)
    }

    pub(super) fn holding(&self, plugin: PluginId, instrument: InstrumentId) -> Holding {
        self.holdings.get(&(plugin, instrument)).copied().unwrap_or_default()
    }

    /// One order as it was at a moment.
    pub(super) fn order_as_of(&self, id: ClientOrderId, at: UnixNanos) -> Option<VenueOrder> {
        self.orders.get(&id)?.as_of(at)
    }

    /// The account as it was at a moment.
    pub(super) fn as_of(&self, since: UnixNanos, at: UnixNanos) -> VenueSnapshot {
        let lately = self.ended.partition_point(|(ended, _)| *ended <= at);
        let ended = self.ended[lately..].iter().map(|(_, id)| id);
        let was_open: BTreeSet<_> = self.open.iter().chain(ended).copied().collect();
        let mut snapshot = VenueSnapshot { time: at, ..VenueSnapshot::default() };
        for order in was_open.into_iter().filter_map(|id| self.order_as_of(id, at)) {
            if !order.state.is_open() {
                continue;
            }
            if order.order.run == STRANGER_RUN {
                let side = self.orders[&order.order].order.side;
                let filled = order.fills.iter().map(|(fill, _)| fill.quantity.0).sum();
                snapshot.external_orders.push(ExternalOrder {
                    instrument: order.instrument,
                    side,
                    remaining: order.quantity - Quantity(filled),
                });
            } else {
                snapshot.open.push(order);
            }
        }
        let first = self.fills.partition_point(|(time, _)| *time < since);
        let beyond = self.fills.partition_point(|(time, _)| *time <= at);
        let asked = self.fills.get(first..beyond).unwrap_or_default();
        snapshot.fills = asked.iter().map(|(_, fill)| *fill).collect();
        let mut positions: BTreeMap<InstrumentId, Quantity> = BTreeMap::new();
        for ((_, instrument), holding) in &self.holdings {
            *positions.entry(*instrument).or_default() += holding.quantity;
        }
        for (_, later) in &self.fills[beyond..] {
            *positions.entry(later.instrument).or_default() -=
                later.side.signed(later.fill.quantity);
        }
        let held = positions.into_iter().filter(|(_, quantity)| !quantity.is_zero());
        snapshot.positions = held.collect();
        snapshot
    }
}
