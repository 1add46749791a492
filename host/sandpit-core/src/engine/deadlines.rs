//! Orders good till a time, where the venue has none: they are sent good till canceled, and the
//! host cancels them at their time by its own clock. Which orders those are follows from the orders
//! themselves, so a restart finds them again; when each is looked at next is scratch.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crate::{
    engine::{Effect, Engine, Flaws},
    ids::ClientOrderId,
    intent::TimeInForce,
    order::{Order, OrderState},
    time::{Nanos, UnixNanos},
};

/// Pause before an order that is still there after its time is canceled again.
const PAUSE: Nanos = Nanos::from_millis(1_000);

/// The orders at the venue that the host ends, and when each is looked at next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines {
    of: BTreeMap<ClientOrderId, UnixNanos>,
    due: BTreeSet<(UnixNanos, ClientOrderId)>,
}

impl Deadlines {
    fn set(&mut self, id: ClientOrderId, at: UnixNanos) {
        self.remove(id);
        self.of.insert(id, at);
        self.due.insert((at, id));
    }

    pub(crate) fn remove(&mut self, id: ClientOrderId) {
        if let Some(at) = self.of.remove(&id) {
            self.due.remove(&(at, id));
        }
    }

    pub(crate) fn next(&self) -> Option<UnixNanos> {
        self.due.first().map(|(at, _)| *at)
    }

    fn due(&self, now: UnixNanos) -> Option<ClientOrderId> {
        self.due.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }
}

/// Whether an order's time is over.
fn is_over(order: &Order, now: UnixNanos) -> bool {
    matches!(order.time_in_force, TimeInForce::Gtd(until) if until <= now)
}

impl<F: Flaws> Engine<F> {
    /// An order has gone to the venue; applied.
    pub(super) fn note_deadline(&mut self, id: ClientOrderId) {
        if self.config.venue.gtd || self.held.contains(id) {
            return;
        }
        let order = self.orders.get(id).map(|tracked| &tracked.order);
        if let Some(TimeInForce::Gtd(until)) = order.map(|order| order.time_in_force) {
            self.deadlines.set(id, until);
        }
    }

    /// Whether an order's time is over, whoever is to end it.
    pub(super) fn is_overdue(&self, order: &Order) -> bool {
        is_over(order, self.now)
    }

    /// Whether the host is to end an order because its time is over.
    pub(super) fn must_expire(&self, id: ClientOrderId) -> bool {
        let order = self.orders.get(id).map(|tracked| &tracked.order);
        self.deadlines.of.contains_key(&id) && order.is_some_and(|order| self.is_overdue(order))
    }

    /// Cancels the orders whose time is over, and again until they have ended. One that is in
    /// doubt, or is being canceled, is left alone: the answer brings it back.
    pub(super) fn end_overdue(&mut self, effects: &mut Vec<Effect>) {
        while let Some(id) = self.deadlines.due(self.now) {
            self.deadlines.set(id, self.now.plus(PAUSE));
            let state = self.orders.get(id).map(|tracked| tracked.state);
            if state != Some(OrderState::PendingCancel) && !self.doubts.contains(id) {
                self.cancel(id, effects);
            } else {
                // Nothing comes in its place any more.
                self.forget_replacement(id, effects);
            }
        }
    }
}
