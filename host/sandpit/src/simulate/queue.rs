//! What will happen, in the order of its time; at one time in the order in which it was said.

use std::collections::BTreeMap;

use sandpit_core::{
    engine::{CancelOrder, Event, QueryOrder, Reconcile},
    ids::{ClientOrderId, InstrumentId, PluginId},
    num::{Price, Quantity},
    order::Order,
    time::{Nanos, UnixNanos},
};

/// What the host asks of the venue.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Submit(Order),
    Cancel(CancelOrder),
    Amend {
        order: ClientOrderId,
        instrument: InstrumentId,
        quantity: Option<Quantity>,
        price: Option<Price>,
    },
    Query(QueryOrder),
    Reconcile(Reconcile),
}

impl Ask {
    /// The order that is asked about, where it is one that a lost answer leaves in doubt.
    pub(super) const fn subject(&self) -> Option<ClientOrderId> {
        match self {
            Self::Submit(order) => Some(order.id),
            Self::Cancel(cancel) => Some(cancel.order),
            Self::Amend { order, .. } => Some(*order),
            Self::Query(_) | Self::Reconcile(_) => None,
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Submit(_) => "submit",
            Self::Cancel(_) => "cancel",
            Self::Amend { .. } => "amend",
            Self::Query(_) => "query",
            Self::Reconcile(_) => "reconcile",
        }
    }
}

/// One request on its way to the venue.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) number: u64,
    pub(super) ask: Ask,
    /// Which life of the host sent it; the answer reaches no other.
    pub(super) life: u64,
    /// How long the answer takes; `None` where it gets lost.
    pub(super) answer: Option<Nanos>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// The market of an instrument moves.
    Tick(InstrumentId),
    /// A request reaches the venue.
    Arrive(Request),
    /// Something reaches the host, unless it has died since or the stream that carries it was cut.
    Hear { life: u64, stream: Option<u64>, event: Event },
    /// A plugin that was at fault is called again.
    Revive { life: u64, plugin: PluginId },
    /// The host says of a plugin that it runs again.
    Restarted { life: u64, plugin: PluginId },
    /// A plugin comes while the host runs.
    Newcomer,
    /// The operator does something.
    Command,
    /// Somebody else trades on the account.
    Stranger,
    /// The connection is cut.
    Cut,
    /// It is back.
    Join,
    /// The venue goes down; it keeps its orders.
    VenueDown,
    /// It is back.
    VenueUp,
    /// The host starts.
    Start,
}

/// All that will happen.
#[derive(Debug, Default)]
pub(super) struct Queue {
    due: BTreeMap<(UnixNanos, u64), Happening>,
    next: u64,
}

impl Queue {
    pub(super) fn at(&mut self, time: UnixNanos, what: Happening) {
        self.due.insert((time, self.next), what);
        self.next += 1;
    }

    pub(super) fn next_time(&self) -> Option<UnixNanos> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn pop(&mut self) -> Option<Happening> {
        self.due.pop_first().map(|(_, what)| what)
    }
}
