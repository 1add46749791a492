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
    /// What it is to buy in all; nothing where it sells.
    pub(super) buys: Amount,
    pub(super) conditional: bool,
    /// Whether it is one of a pair.
    pub(super) paired: bool,
    /// How often it was amended.
    pub(super) amends: u32,
}

impl Known {
    /// One that was sent then, or at some time before this run.
    pub(super) const fn sent(instrument: InstrumentId, sent: UnixNanos) -> Self {
        Self {
            instrument,
            placing: None,
            canceling: None,
            cancel_at: None,
            sent,
            number: None,
            executed: Amount::ZERO,
            buys: Amount::ZERO,
            conditional: false,
            paired: false,
            amends: 0,
        }
    }
}

/// What is open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Open {
    pub(super) orders: u32,
    /// Of them those with a trigger.
    pub(super) conditional: u32,
    /// Of them those of pairs.
    pub(super) paired: u32,
    /// What they may still buy.
    pub(super) bids: Amount,
}

/// What the venue says of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) number: u64,
    pub(super) executed: Amount,
    /// What it is to buy in all, where that is said; nothing where it sells.
    pub(super) buys: Option<Amount>,
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
            let known = Known::sent(instrument, UnixNanos(0));
            self.open.insert(id, Known { conditional: said.conditional, ..known });
        }
        if let Some(known) = self.get_mut(id) {
            known.number = Some(said.number);
            known.executed = known.executed.max(said.executed);
            known.buys = said.buys.unwrap_or(known.buys);
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

    /// What is open on an instrument, or on all.
    pub(super) fn open_on(&self, instrument: Option<InstrumentId>) -> Open {
        let mut open = Open::default();
        let of = |known: &&Known| instrument.is_none_or(|one| known.instrument == one);
        for known in self.open.values().filter(of) {
            open.orders = open.orders.saturating_add(1);
            open.conditional = open.conditional.saturating_add(u32::from(known.conditional));
            open.paired = open.paired.saturating_add(u32::from(known.paired));
            let left = known.buys.0.saturating_sub(known.executed.0).max(0);
            open.bids = Amount(open.bids.0.saturating_add(left));
        }
        open
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
