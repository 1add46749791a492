//! The venue: core's matching, with books of what is true and a will of its own. It refuses what
//! it could accept, answers from books that lag, and somebody else trades on the same account.

use std::collections::BTreeSet;

use sandpit_core::{
    engine::{OrderStatus, VenueEvent, VenueSnapshot},
    ids::{ClientOrderId, InstrumentId},
    instrument::Instrument,
    intent::TimeInForce,
    market::{MarketEvent, Side},
    matching::{Exchange, FillModel},
    num::{Price, Quantity},
    order::{Order, OrderKind, Report, ReportKind},
    time::{Nanos, UnixNanos},
};

use super::{
    chance::Chance,
    queue::Ask,
    scenario::Faults,
    truth::{STRANGER, STRANGER_RUN, Truth},
};

/// Open orders of somebody else at a time.
const STRANGER_ORDERS_MAX: usize = 3;

/// What a request led to.
#[derive(Debug, Default)]
pub(super) struct Handled {
    /// What happened, in order.
    pub(super) reports: Vec<Report>,
    /// The answer to the caller where it is one of the reports, by its index.
    pub(super) answer: Option<usize>,
    /// The answer to a question.
    pub(super) news: Option<VenueEvent>,
}

/// A venue.
#[derive(Debug)]
pub(super) struct Venue {
    exchange: Exchange,
    truth: Truth,
    /// Every client order id that an order came with.
    seen: BTreeSet<ClientOrderId>,
    /// Whether it knows reduce-only orders.
    keeps_reduce_only: bool,
    /// The longest time by which its answers are behind.
    lag_max: Nanos,
    up: bool,
    strangers: u64,
    chance: Chance,
}

impl Venue {
    pub(super) fn new(
        instruments: &[Instrument],
        keeps_reduce_only: bool,
        lag_max: Nanos,
        chance: Chance,
    ) -> Self {
        Self {
            exchange: Exchange::new(instruments, FillModel::default()),
            truth: Truth::new(instruments),
            seen: BTreeSet::new(),
            keeps_reduce_only,
            lag_max,
            up: true,
            strangers: 0,
            chance,
        }
    }

    pub(super) const fn truth(&self) -> &Truth {
        &self.truth
    }

    pub(super) const fn is_up(&self) -> bool {
        self.up
    }

    pub(super) const fn set_up(&mut self, up: bool) {
        self.up = up;
    }

    pub(super) fn end_lag(&mut self) {
        self.lag_max = Nanos(0);
    }

    pub(super) fn next_expiry(&self) -> Option<UnixNanos> {
        self.exchange.next_expiry()
    }

    /// Whether an order with this id came before; notes that one has.
    pub(super) fn has_seen(&mut self, id: ClientOrderId) -> bool {
        !self.seen.insert(id)
    }

    pub(super) fn expire(&mut self, now: UnixNanos) -> Vec<Report> {
        let mut reports = Vec::new();
        self.exchange.expire(now, &mut reports);
        self.note(&reports, None);
        reports
    }

    pub(super) fn market(&mut self, event: &MarketEvent) -> Vec<Report> {
        let mut reports = Vec::new();
        self.exchange.market(event, &mut reports);
        self.note(&reports, None);
        reports
    }

    fn note(&mut self, reports: &[Report], arriving: Option<&Order>) {
        for report in reports {
            self.truth.note(report, arriving.filter(|order| order.id == report.order));
        }
    }

    /// A request has arrived.
    pub(super) fn handle(&mut self, ask: &Ask, now: UnixNanos, faults: &Faults) -> Handled {
        let mut handled = Handled::default();
        let refused = |order, kind| Report { order, time: now, kind };
        let out = &mut handled.reports;
        match ask {
            Ask::Submit(order) if self.chance.often(faults.rejected) => {
                let reason = ReportKind::Rejected("Filter failure.".into());
                out.push(refused(order.id, reason));
            }
            Ask::Submit(order) => {
                let mut order = order.clone();
                order.reduce_only &= self.keeps_reduce_only;
                self.exchange.submit(order.clone(), now, out);
                let reports = core::mem::take(out);
                self.note(&reports, Some(&order));
                *out = reports;
            }
            Ask::Cancel(cancel) if self.chance.often(faults.change_refused) => {
                let reason = ReportKind::CancelRejected("Try again later.".into());
                out.push(refused(cancel.order, reason));
            }
            Ask::Cancel(cancel) => self.exchange.cancel(cancel.instrument, cancel.order, now, out),
            Ask::Amend { order, .. } if self.chance.often(faults.change_refused) => {
                let reason = ReportKind::AmendRejected("Try again later.".into());
                out.push(refused(*order, reason));
            }
            Ask::Amend { order, instrument, quantity, price } => {
                self.exchange.amend((*instrument, *order), *quantity, *price, now, out);
            }
            Ask::Query(query) => {
                handled.news = Some(VenueEvent::Status(self.status(query.order, now)));
            }
            Ask::Reconcile(asked) => {
                handled.news = Some(VenueEvent::Snapshot(self.snapshot(asked.since, now)));
            }
        }
        if matches!(ask, Ask::Cancel(_) | Ask::Amend { .. }) {
            self.note(&handled.reports, None);
        }
        handled.answer = (!handled.reports.is_empty()).then_some(0);
        handled
    }

    /// An answer about one order may be behind, while its stamp is the moment of answering.
    fn status(&mut self, order: ClientOrderId, now: UnixNanos) -> OrderStatus {
        let behind = self.behind(now);
        OrderStatus { order, time: now, found: self.truth.order_as_of(order, behind) }
    }

    /// The account's books say of when they are.
    fn snapshot(&mut self, since: UnixNanos, now: UnixNanos) -> VenueSnapshot {
        let behind = self.behind(now);
        self.truth.as_of(since, behind)
    }

    /// At least a nanosecond, so that nothing of that moment can still happen.
    fn behind(&mut self, now: UnixNanos) -> UnixNanos {
        let lag =
            if self.chance.flip() { 1 } else { self.chance.between(1, self.lag_max.0.max(1)) };
        UnixNanos(now.0.saturating_sub(lag))
    }

    /// Somebody else places an order on the account, or ends one.
    pub(super) fn stranger(
        &mut self,
        instrument: InstrumentId,
        rules: &Instrument,
        price: Option<Price>,
        now: UnixNanos,
    ) {
        let theirs = self.strangers_open();
        if theirs.len() >= STRANGER_ORDERS_MAX || (self.chance.flip() && !theirs.is_empty()) {
            if let Some((instrument, id)) = self.chance.pick(&theirs).copied() {
                self.end_stranger(instrument, id, now);
            }
            return;
        }
        let Some(price) = price else {
            return;
        };
        self.strangers += 1;
        let away = Price(price.0 + self.chance.whole(-4, 4) * rules.price_tick().0);
        let order = Order {
            id: ClientOrderId { sequence: self.strangers, plugin: STRANGER, run: STRANGER_RUN },
            tag: sandpit_core::ids::OrderTag(0),
            instrument,
            side: if self.chance.flip() { Side::Buy } else { Side::Sell },
            quantity: Quantity(self.chance.whole(1, 5) * rules.quantity_step().0),
            kind: if self.chance.flip() { OrderKind::Market } else { OrderKind::Limit(away) },
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            reduce_only: false,
        };
        let mut reports = Vec::new();
        self.exchange.submit(order.clone(), now, &mut reports);
        self.note(&reports, Some(&order));
    }

    fn strangers_open(&self) -> Vec<(InstrumentId, ClientOrderId)> {
        let theirs = self.truth.open().filter(|known| known.order.id.run == STRANGER_RUN);
        theirs.map(|known| (known.order.instrument, known.order.id)).collect()
    }

    /// They go home.
    pub(super) fn end_strangers(&mut self, now: UnixNanos) {
        for (instrument, id) in self.strangers_open() {
            self.end_stranger(instrument, id, now);
        }
    }

    fn end_stranger(&mut self, instrument: InstrumentId, id: ClientOrderId, now: UnixNanos) {
        let mut reports = Vec::new();
        self.exchange.cancel(instrument, id, now, &mut reports);
        self.note(&reports, None);
    }
}
