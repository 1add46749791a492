//! What the venue knows of the account: every order with its end and its fills, net positions and
//! cash. Made from what the exchange says and from nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sandpit_core::{
    engine::{AccountFill, ExternalOrder, VenueOrder, VenueOrderState},
    ids::{ClientOrderId, InstrumentId, PluginId, RunId, VenueOrderId},
    instrument::Instrument,
    market::Funding,
    matching::Liquidation,
    num::{Money, Quantity},
    order::{Fill, Order, Report, ReportKind},
    time::UnixNanos,
};

/// The run whose orders are nobody's of ours: what somebody else did with the account.
pub(in crate::session) const EXTERNAL_RUN: RunId = RunId(0);

/// Whether an order was sent by this account's host.
pub(in crate::session) fn is_ours(id: ClientOrderId) -> bool {
    id.run != EXTERNAL_RUN
}

/// How much of the past the venue keeps. What is older is forgotten, the oldest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    pub(super) closed_orders_max: usize,
    pub(super) fills_max: usize,
}

impl Keep {
    /// What a running venue keeps; about 100 MB when full.
    pub(super) const RUNNING: Self = Self { closed_orders_max: 262_144, fills_max: 262_144 };
    /// Everything: to look at.
    pub(super) const ALL: Self = Self { closed_orders_max: usize::MAX, fills_max: usize::MAX };
}

/// One order as the venue has it.
#[derive(Clone, Debug)]
pub(in crate::session) struct BookedOrder {
    /// As it was sent; quantity and kind as they are now.
    pub(in crate::session) order: Order,
    /// The venue's number; `None` where it was refused.
    pub(in crate::session) venue_id: Option<VenueOrderId>,
    /// Where it stands.
    pub(in crate::session) state: VenueOrderState,
    /// Its executions, oldest first.
    pub(in crate::session) fills: Vec<(Fill, UnixNanos)>,
}

impl BookedOrder {
    fn filled(&self) -> Quantity {
        Quantity(self.fills.iter().map(|(fill, _)| fill.quantity.0).sum())
    }

    fn seen(&self) -> VenueOrder {
        VenueOrder {
            order: self.order.id,
            instrument: self.order.instrument,
            venue_id: self.venue_id.unwrap_or(VenueOrderId(0)),
            state: self.state,
            quantity: self.order.quantity,
            kind: self.order.kind,
            fills: self.fills.clone(),
        }
    }
}

/// The account at the venue.
#[derive(Clone, Debug)]
pub(super) struct Books {
    rules: Vec<Instrument>,
    keep: Keep,
    orders: BTreeMap<ClientOrderId, BookedOrder>,
    open: BTreeSet<ClientOrderId>,
    closed: VecDeque<ClientOrderId>,
    fills: VecDeque<AccountFill>,
    /// By instrument, and whose: funding is reckoned for each.
    positions: Vec<BTreeMap<PluginId, Quantity>>,
    liquidations: VecDeque<Liquidation>,
    cash: Money,
    duplicates: u64,
    externals: u64,
}

impl Books {
    pub(super) fn new(rules: &[Instrument], keep: Keep) -> Self {
        Self {
            rules: rules.to_vec(),
            keep,
            orders: BTreeMap::new(),
            open: BTreeSet::new(),
            closed: VecDeque::new(),
            fills: VecDeque::new(),
            positions: vec![BTreeMap::new(); rules.len()],
            liquidations: VecDeque::new(),
            cash: Money::ZERO,
            duplicates: 0,
            externals: 0,
        }
    }

    /// An order arrives. `false` where one of this name was here before: it is refused, whatever
    /// became of the first.
    pub(super) fn submitted(&mut self, order: &Order) -> bool {
        if self.orders.contains_key(&order.id) {
            self.duplicates += 1;
            return false;
        }
        if !is_ours(order.id) {
            self.externals = self.externals.max(order.id.sequence);
        }
        let booked = BookedOrder {
            order: order.clone(),
            venue_id: None,
            state: VenueOrderState::Working,
            fills: Vec::new(),
        };
        self.orders.insert(order.id, booked);
        self.open.insert(order.id);
        true
    }

    /// The exchange says something.
    pub(super) fn report(&mut self, report: &Report) {
        let Some(booked) = self.orders.get_mut(&report.order) else {
            return;
        };
        let state = match &report.kind {
            ReportKind::Accepted(venue_id) => {
                booked.venue_id = Some(*venue_id);
                return;
            }
            ReportKind::Amended { quantity, kind } => {
                booked.order.quantity = *quantity;
                booked.order.kind = *kind;
                return;
            }
            ReportKind::Triggered => {
                booked.state = VenueOrderState::Triggered;
                return;
            }
            ReportKind::AmendRejected(_) | ReportKind::CancelRejected(_) | ReportKind::Lost => {
                return;
            }
            ReportKind::Filled(fill) => {
                booked.fills.push((*fill, report.time));
                let whole = booked.filled() >= booked.order.quantity;
                let (instrument, side) = (booked.order.instrument, booked.order.side);
                let fill = AccountFill {
                    order: is_ours(report.order).then_some(report.order),
                    instrument,
                    side,
                    fill: *fill,
                    time: report.time,
                };
                self.filled(report.order.plugin, fill);
                if !whole {
                    return;
                }
                VenueOrderState::Filled
            }
            ReportKind::Rejected(_) => VenueOrderState::Rejected,
            ReportKind::Canceled => VenueOrderState::Canceled,
            ReportKind::Expired => VenueOrderState::Expired,
        };
        self.close(report.order, state);
    }

    fn filled(&mut self, plugin: PluginId, fill: AccountFill) {
        let at = usize::from(fill.instrument.0);
        let signed = fill.side.signed(fill.fill.quantity);
        if let (Some(held), Some(rules)) = (self.positions.get_mut(at), self.rules.get(at)) {
            *held.entry(plugin).or_default() += signed;
            // The exchange fills nothing whose notional does not fit.
            let paid = rules.notional(fill.fill.price, signed).unwrap_or(Money::ZERO);
            self.cash -= paid + fill.fill.fee;
        }
        self.fills.push_back(fill);
        if self.fills.len() > self.keep.fills_max {
            self.fills.pop_front();
        }
    }

    fn close(&mut self, id: ClientOrderId, state: VenueOrderState) {
        if let Some(booked) = self.orders.get_mut(&id) {
            booked.state = state;
        }
        if self.open.remove(&id) {
            self.closed.push_back(id);
        }
        if self.closed.len() > self.keep.closed_orders_max
            && let Some(oldest) = self.closed.pop_front()
        {
            self.orders.remove(&oldest);
        }
    }

    /// One order of ours, open or long over.
    pub(super) fn order(&self, id: ClientOrderId) -> Option<VenueOrder> {
        self.orders.get(&id).map(BookedOrder::seen)
    }

    /// Orders of ours that are open.
    pub(super) fn open(&self) -> Vec<VenueOrder> {
        self.open_orders().filter(|b| is_ours(b.order.id)).map(BookedOrder::seen).collect()
    }

    /// Every open order of an instrument, somebody else's among them.
    pub(super) fn open_of(&self, instrument: InstrumentId) -> Vec<ClientOrderId> {
        let open = self.open_orders().filter(|booked| booked.order.instrument == instrument);
        open.map(|booked| booked.order.id).collect()
    }

    /// Open orders of somebody else.
    pub(super) fn external_orders(&self) -> Vec<ExternalOrder> {
        let others = self.open_orders().filter(|booked| !is_ours(booked.order.id));
        others
            .map(|booked| ExternalOrder {
                instrument: booked.order.instrument,
                side: booked.order.side,
                remaining: booked.order.quantity - booked.filled(),
            })
            .collect()
    }

    fn open_orders(&self) -> impl Iterator<Item = &BookedOrder> {
        self.open.iter().filter_map(|id| self.orders.get(id))
    }

    /// Executions of the account from `since` on.
    pub(super) fn fills_since(&self, since: UnixNanos) -> Vec<AccountFill> {
        let from = self.fills.partition_point(|fill| fill.time < since);
        self.fills.range(from..).copied().collect()
    }

    /// The venue closed a position.
    pub(super) fn liquidated(&mut self, told: Liquidation) {
        let Liquidation { plugin, instrument, side, fill, time } = told;
        self.filled(plugin, AccountFill { order: None, instrument, side, fill, time });
        self.liquidations.push_back(told);
        if self.liquidations.len() > self.keep.fills_max {
            self.liquidations.pop_front();
        }
    }

    /// Everybody who holds something pays or gets funding.
    pub(super) fn funded(&mut self, instrument: InstrumentId, funding: &Funding) {
        let at = usize::from(instrument.0);
        let (Some(held), Some(rules)) = (self.positions.get(at), self.rules.get(at)) else {
            return;
        };
        let paid = held.values().filter_map(|quantity| rules.funding(*quantity, funding));
        self.cash -= paid.sum();
    }

    /// Positions that the venue closed from `since` on.
    pub(super) fn liquidations_since(&self, since: UnixNanos) -> Vec<Liquidation> {
        self.liquidations.iter().filter(|told| told.time >= since).copied().collect()
    }

    /// Net positions that are not flat.
    pub(super) fn positions(&self) -> Vec<(InstrumentId, Quantity)> {
        let net = |held: &BTreeMap<PluginId, Quantity>| {
            Quantity(held.values().map(|quantity| quantity.0).sum())
        };
        let all = (0u16..).zip(self.positions.iter().map(net));
        let held = all.filter(|(_, held)| !held.is_zero());
        held.map(|(index, held)| (InstrumentId(index), held)).collect()
    }

    /// What all executions brought in, less what they cost, less fees.
    pub(super) const fn cash(&self) -> Money {
        self.cash
    }

    /// How many orders came with a name that was here before.
    pub(super) const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// The last number of an order that is not ours.
    pub(super) const fn externals(&self) -> u64 {
        self.externals
    }

    /// All orders that are remembered, in the order of their names.
    pub(super) fn all(&self) -> impl Iterator<Item = &BookedOrder> {
        self.orders.values()
    }

    /// All executions that are remembered.
    pub(super) fn all_fills(&self) -> impl Iterator<Item = &AccountFill> {
        self.fills.iter()
    }
}
