//! What is on its way between us and the venue, in the order of its arrival.

use alloc::collections::{BinaryHeap, VecDeque};
use core::cmp::{Ordering, Reverse};

use crate::{
    engine::{AmendOrder, CancelOrder},
    ids::InstrumentId,
    matching::Liquidation,
    order::{Order, Report},
    risk::Approved,
    time::UnixNanos,
};

/// One message on its way.
#[derive(Clone, Debug)]
pub(super) enum Flight {
    Submit(Approved<Order>),
    SubmitPair(Approved<Order>, Approved<Order>),
    Cancel(CancelOrder),
    CancelAll(InstrumentId),
    Amend(Approved<AmendOrder>),
    Report(Report),
    Liquidation(Liquidation),
}

#[derive(Clone, Debug)]
struct Scheduled {
    at: UnixNanos,
    departure: u64,
    flight: Flight,
}

impl Scheduled {
    const fn key(&self) -> (UnixNanos, u64) {
        (self.at, self.departure)
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Everything on its way. What arrives at one time arrives in the order of its departure.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights {
    /// Departed in the order of their arrival, as most do: a queue is then enough.
    queue: VecDeque<Scheduled>,
    /// The rest.
    heap: BinaryHeap<Reverse<Scheduled>>,
    departures: u64,
}

impl Flights {
    pub(super) fn depart(&mut self, at: UnixNanos, flight: Flight) {
        let scheduled = Scheduled { at, departure: self.departures, flight };
        self.departures += 1;
        if self.queue.back().is_none_or(|last| last.at <= at) {
            self.queue.push_back(scheduled);
        } else {
            self.heap.push(Reverse(scheduled));
        }
    }

    pub(super) fn next_time(&self) -> Option<UnixNanos> {
        let queued = self.queue.front().map(|scheduled| scheduled.at);
        let heaped = self.heap.peek().map(|Reverse(scheduled)| scheduled.at);
        match (queued, heaped) {
            (Some(queued), Some(heaped)) => Some(queued.min(heaped)),
            (queued, heaped) => queued.or(heaped),
        }
    }

    pub(super) fn take(&mut self) -> Option<Flight> {
        let from_heap = match (self.queue.front(), self.heap.peek()) {
            (Some(queued), Some(Reverse(heaped))) => heaped.key() < queued.key(),
            (None, heaped) => heaped.is_some(),
            (Some(_), None) => false,
        };
        if from_heap {
            self.heap.pop().map(|Reverse(scheduled)| scheduled.flight)
        } else {
            self.queue.pop_front().map(|scheduled| scheduled.flight)
        }
    }
}
