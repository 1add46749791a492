//! The orders of this run as far as requests about them are concerned: what was sent when, and what
//! the venue has said. The engine owns their state; this is only for what a request needs.

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::{
    ids::{ClientOrderId, InstrumentId},
    time::UnixNanos,
};

use crate::{binance::Amount, machine::CallId};

/// Orders that are over and are remembered; the oldest is forgotten first.
const OVER_MAX: usize = 8_192;

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) instrument: InstrumentId,
    /// The request that places it, until it has ended.
    pub(super) placing: Option<CallId>,
    /// The request that cancels it, until it has ended.
    pub(super) canceling: Option<CallId>,
    /// A cancel waits for the end of the request that places it, until then at most.
    pub(super) cancel_at: Option<UnixNanos>,
    /// When it may have been sent last.
    pub(super) sent: UnixNanos,
    /// The venue's number of it.
    pub(super) number: Option<u64>,
    pub(super) executed: Amount,
    pub(super) conditional: bool,
}

/// What the venue says of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) number: u64,
    pub(super) executed: Amount,
    pub(super) open: bool,
    pub(super) conditional: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Orders {
    open: BTreeMap<ClientOrderId, Known>,
    over: BTreeMap<ClientOrderId, Known>,
    over_order: VecDeque<ClientOrderId>,
}

impl Orders {
    pub(super) fn get(&self, id: ClientOrderId) -> Option<&Known> {
        self.open.get(&id).or_else(|| self.over.get(&id))
    }

    pub(super) fn get_mut(&mut self, id: ClientOrderId) -> Option<&mut Known> {
        self.open.get_mut(&id).or_else(|| self.over.get_mut(&id))
    }

    pub(super) fn is_open(&self, id: ClientOrderId) -> bool {
        self.open.contains_key(&id)
    }

    pub(super) fn open(&mut self, id: ClientOrderId, known: Known) {
        self.open.insert(id, known);
    }

    /// Takes in what the venue says of one, whoever sent it: an earlier run's is taken in, too.
    pub(super) fn heard(&mut self, id: ClientOrderId, instrument: InstrumentId, said: &Said) {
        if self.get(id).is_none() {
            let known = Known {
                instrument,
                placing: None,
                canceling: None,
                cancel_at: None,
                sent: UnixNanos(0),
                number: None,
                executed: Amount::ZERO,
                conditional: said.conditional,
            };
            self.open.insert(id, known);
        }
        if let Some(known) = self.get_mut(id) {
            known.number = Some(said.number);
            known.executed = known.executed.max(said.executed);
        }
        if !said.open {
            self.close(id);
        }
    }

    /// One is over; late news do not open it again.
    pub(super) fn close(&mut self, id: ClientOrderId) {
        let Some(known) = self.open.remove(&id) else { return };
        self.over.insert(id, known);
        self.over_order.push_back(id);
        while self.over_order.len() > OVER_MAX {
            let Some(oldest) = self.over_order.pop_front() else { return };
            self.over.remove(&oldest);
        }
    }

    /// Those that are not over.
    pub(super) fn iter_open(&self) -> impl Iterator<Item = (ClientOrderId, &Known)> {
        self.open.iter().map(|(id, known)| (*id, known))
    }

    /// How many are open on an instrument, and how many of them have a trigger.
    pub(super) fn open_on(&self, instrument: InstrumentId) -> (u32, u32) {
        let (mut all, mut conditional) = (0u32, 0u32);
        for known in self.open.values().filter(|known| known.instrument == instrument) {
            all = all.saturating_add(1);
            conditional = conditional.saturating_add(u32::from(known.conditional));
        }
        (all, conditional)
    }

    /// Cancels that have waited long enough.
    pub(super) fn due_cancels(&self, now: UnixNanos) -> Vec<ClientOrderId> {
        let due = |known: &Known| known.cancel_at.is_some_and(|at| at <= now);
        self.iter_open().filter(|(_, known)| due(known)).map(|(id, _)| id).collect()
    }

    /// When the next cancel has waited long enough.
    pub(super) fn next_cancel(&self) -> Option<UnixNanos> {
        self.open.values().filter_map(|known| known.cancel_at).min()
    }
}
