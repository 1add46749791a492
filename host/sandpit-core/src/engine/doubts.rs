//! Orders about which something is not known: their fate was lost, or the venue's books do not
//! show them. Each is asked about by client order id, again and again with growing pauses, until
//! an answer settles it. Nothing is ever sent a second time, and silence is no answer.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use crate::{
    engine::{
        Alert, Effect, Engine, Flaws, LockReason, OrderStatus, Origin, QueryOrder, Record,
        VenueOrder, VenueOrderState, orders::Tracked,
    },
    ids::ClientOrderId,
    order::{OrderState, ReportKind},
    risk::Purpose,
    time::{Nanos, UnixNanos},
};

/// What is said of an order that the venue turns out never to have had.
const NEVER_ARRIVED: &str = "it never arrived at the venue";

#[derive(Clone, Copy, Debug)]
struct Doubt {
    next: UnixNanos,
    pause: Nanos,
}

/// The orders in doubt, and when each is asked about next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubts {
    of: BTreeMap<ClientOrderId, Doubt>,
    due: BTreeSet<(UnixNanos, ClientOrderId)>,
}

impl Doubts {
    pub(crate) fn contains(&self, id: ClientOrderId) -> bool {
        self.of.contains_key(&id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = ClientOrderId> {
        self.of.keys().copied()
    }

    pub(crate) fn next(&self) -> Option<UnixNanos> {
        self.due.first().map(|(at, _)| *at)
    }

    fn set(&mut self, id: ClientOrderId, doubt: Doubt) {
        self.remove(id);
        self.due.insert((doubt.next, id));
        self.of.insert(id, doubt);
    }

    fn remove(&mut self, id: ClientOrderId) {
        if let Some(doubt) = self.of.remove(&id) {
            self.due.remove(&(doubt.next, id));
        }
    }

    fn take_due(&mut self, now: UnixNanos) -> Option<(ClientOrderId, Doubt)> {
        let (_, id) = *self.due.first().filter(|(at, _)| *at <= now)?;
        self.due.pop_first();
        self.of.remove(&id).map(|doubt| (id, doubt))
    }
}

impl<F: Flaws> Engine<F> {
    /// Asks about an order at once, and again until it is settled.
    pub(super) fn doubt(&mut self, id: ClientOrderId, effects: &mut Vec<Effect>) {
        let Some(recovery) = self.config.recovery else {
            return;
        };
        if !self.doubts.contains(id) {
            self.query(id, recovery.query_every, effects);
        }
    }

    fn query(&mut self, id: ClientOrderId, pause: Nanos, effects: &mut Vec<Effect>) {
        let Some(instrument) = self.orders.get(id).map(|tracked| tracked.order.instrument) else {
            return;
        };
        self.doubts.set(id, Doubt { next: self.now.plus(pause), pause });
        effects.push(Effect::Query(QueryOrder { order: id, instrument }));
    }

    /// Asks again about what was not answered.
    pub(super) fn ask_again(&mut self, effects: &mut Vec<Effect>) {
        let Some(recovery) = self.config.recovery else {
            return;
        };
        while let Some((id, doubt)) = self.doubts.take_due(self.now) {
            let pause = Nanos(doubt.pause.0.saturating_mul(2)).min(recovery.query_every_max);
            self.query(id, pause, effects);
        }
    }

    /// Whether an order of this state still has something to be settled.
    pub(super) fn settle(&mut self, id: ClientOrderId) {
        let open = self.orders.get(id);
        let unsettled = open.is_some_and(|tracked| {
            tracked.state == OrderState::Unknown
                || (self.doubts.contains(id) && tracked.asked().is_some())
                || (self.doubts.contains(id)
                    && tracked.state != OrderState::PendingCancel
                    && self.must_end(tracked))
        });
        if !unsettled {
            self.doubts.remove(id);
        }
    }

    pub(super) fn status(&mut self, status: OrderStatus, effects: &mut Vec<Effect>) {
        self.now = self.now.max(status.time);
        match status.found {
            Some(order) => drop(self.align(&order, status.time, effects)),
            None => self.not_found(status.order, status.time, effects),
        }
        self.end_first_reconcile(effects);
    }

    /// Whether the venue's word of `time` is late enough to be its last about an order.
    fn is_final(&self, id: ClientOrderId, time: UnixNanos) -> bool {
        let grace = self.config.recovery.map_or(Nanos(0), |recovery| recovery.grace);
        let asked_at = self.orders.get(id).map_or(UnixNanos(0), |tracked| tracked.asked_at);
        F::BELIEVES_NOT_FOUND_AT_ONCE || time >= asked_at.plus(grace)
    }

    /// The venue knows of no such order. Believed once nothing can be under way any more, and only
    /// of an order that is still in doubt: the answer may be an old one.
    fn not_found(&mut self, id: ClientOrderId, time: UnixNanos, effects: &mut Vec<Effect>) {
        let asked = self.doubts.contains(id) && self.is_final(id, time);
        let Some(tracked) = self.orders.get(id).filter(|_| asked) else {
            return;
        };
        if self.held.contains(id) {
            return;
        }
        let kind = if tracked.venue_id.is_none() && tracked.filled.is_zero() {
            // A bracket's exit is placed anew. A plugin's own order is the plugin's to place, and
            // the stop of a position follows from the position.
            if tracked.purpose == Purpose::Exit && !tracked.cancel_wanted {
                return self.exit_never_arrived(id, time, effects);
            }
            ReportKind::Rejected(String::from(NEVER_ARRIVED))
        } else {
            // It was there once and ended while nobody listened; its fills have been asked for.
            self.commit(Record::Alert(Alert::OrderVanished(id)), effects);
            ReportKind::Canceled
        };
        self.apply_report(id, kind, time, Origin::Reconciliation, effects);
        self.settle(id);
    }

    /// A bracket's exit never arrived. Of a pair neither did: both are placed anew.
    fn exit_never_arrived(
        &mut self,
        id: ClientOrderId,
        time: UnixNanos,
        effects: &mut Vec<Effect>,
    ) {
        let lost = |leg: &Tracked| {
            leg.state == OrderState::Unknown && leg.venue_id.is_none() && leg.filled.is_zero()
        };
        let partner = self.open_partner(id);
        let partner = partner.filter(|id| self.orders.get(*id).is_some_and(lost));
        let ids = [Some(id), partner];
        for id in ids.into_iter().flatten() {
            if let Some(kind) = self.orders.get(id).map(|tracked| tracked.order.kind) {
                self.replace_later(id, kind, effects);
            }
        }
        for id in ids.into_iter().flatten() {
            let kind = ReportKind::Rejected(String::from(NEVER_ARRIVED));
            self.apply_report(id, kind, time, Origin::Reconciliation, effects);
            self.settle(id);
        }
    }

    /// Brings an order to where the venue says it is. Only ever forward: what the venue says may
    /// be older than what we know. Returns how many things had to be mended.
    pub(super) fn align(
        &mut self,
        found: &VenueOrder,
        time: UnixNanos,
        effects: &mut Vec<Effect>,
    ) -> u32 {
        let id = found.order;
        if self.orders.get_any(id).is_none() {
            self.commit(Record::Alert(Alert::StrangeReport(id)), effects);
            return 1;
        }
        let before = effects.len();
        let tell = |engine: &mut Self, kind, effects: &mut Vec<Effect>| {
            engine.apply_report(id, kind, time, Origin::Reconciliation, effects);
        };
        let state = |engine: &Self| engine.orders.get(id).map(|tracked| tracked.state);
        let unheard = self.orders.get(id).is_some_and(|tracked| tracked.venue_id.is_none());
        let unknown = state(self) == Some(OrderState::Unknown);
        if found.state != VenueOrderState::Rejected && (unheard || unknown) {
            tell(self, ReportKind::Accepted(found.venue_id), effects);
        }
        for (fill, time) in &found.fills {
            let kind = ReportKind::Filled(*fill);
            self.apply_report(id, kind, *time, Origin::Reconciliation, effects);
        }
        match found.state {
            VenueOrderState::Working | VenueOrderState::Triggered => {
                if found.state == VenueOrderState::Triggered
                    && matches!(state(self), Some(OrderState::Accepted))
                {
                    tell(self, ReportKind::Triggered, effects);
                }
                self.align_form(found, time, effects);
            }
            // Filled in the form that it had there, which may be that of a change under way.
            VenueOrderState::Filled => {
                let kind = ReportKind::Amended { quantity: found.quantity, kind: found.kind };
                tell(self, kind, effects);
            }
            VenueOrderState::Canceled => tell(self, ReportKind::Canceled, effects),
            VenueOrderState::Expired => tell(self, ReportKind::Expired, effects),
            VenueOrderState::Rejected => {
                let reason = String::from("refused by the venue");
                tell(self, ReportKind::Rejected(reason), effects);
            }
        }
        self.settle(id);
        u32::from(effects.len() != before)
    }

    /// What a working order looks like at the venue, once a change that was asked for can no
    /// longer be under way.
    fn align_form(&mut self, found: &VenueOrder, time: UnixNanos, effects: &mut Vec<Effect>) {
        let id = found.order;
        let Some(tracked) = self.orders.get(id) else {
            return;
        };
        let differs = tracked.order.quantity != found.quantity || tracked.order.kind != found.kind;
        let asked = tracked.asked().is_some();
        if (asked || differs) && self.is_final(id, time) {
            let kind = ReportKind::Amended { quantity: found.quantity, kind: found.kind };
            self.apply_report(id, kind, time, Origin::Reconciliation, effects);
        } else if asked {
            self.doubt(id, effects);
        }
        self.cancel_again(id, effects);
    }

    /// Sends a cancel that got lost, or that the venue refused while the order may not work on: it
    /// cannot do anything twice.
    pub(super) fn cancel_again(&mut self, id: ClientOrderId, effects: &mut Vec<Effect>) {
        let again = self.orders.get(id).is_some_and(|tracked| {
            self.must_end(tracked)
                && !matches!(tracked.state, OrderState::PendingCancel | OrderState::Unknown)
        });
        if again && self.replacing.contains_key(&id) {
            // What is to come in its place still is.
            self.ask_cancel(id, effects);
        } else if again {
            self.cancel(id, effects);
        }
    }

    /// Comes back to an order of which a cancel or a change was refused: it may be over, or have to
    /// end all the same.
    pub(super) fn ask_later(&mut self, id: ClientOrderId) {
        let Some(recovery) = self.config.recovery else {
            return;
        };
        if self.orders.is_open(id) && !self.doubts.contains(id) {
            let pause = recovery.query_every;
            self.doubts.set(id, Doubt { next: self.now.plus(pause), pause });
        }
    }

    /// Whether an order may not work on: somebody wants its end, or the kill switch is on, or its
    /// plugin is at fault or being closed, or it stands in the way of an exit, or its time is over.
    /// What the host placed to protect a position may.
    fn must_end(&self, tracked: &Tracked) -> bool {
        let plugin = tracked.order.plugin();
        let locked = |scope, reason| self.scope_state(scope).locks().any(|l| l.reason == reason);
        tracked.cancel_wanted
            || self.must_expire(tracked.order.id)
            || self.is_in_the_way(tracked)
            || (!tracked.purpose.is_host()
                && (locked(None, LockReason::KillSwitch)
                    || locked(Some(plugin), LockReason::Fault)
                    || self.flattening.contains(&plugin)))
    }
}
