//! Queues between the venue's thread and the host's. They never drop anything and never make their
//! writer wait: where one is full its writer stops reading sockets, and what one step of a machine
//! says beyond the bound is still taken.
//!
//! Each is a list behind a lock that is held for one push or one pop. Whether there is something is
//! asked without it, so that a reader takes the lock only where it gets something for it.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use sandpit_core::market::{MarketData, MarketEvent};

/// How many waited, at a moment and at most.
#[derive(Debug, Default)]
pub(super) struct Depth {
    now: AtomicUsize,
    most: AtomicUsize,
    /// The writer has stopped because of this queue, and sleeps.
    is_awaited: AtomicBool,
}

impl Depth {
    /// To be called with the list's lock held.
    fn set(&self, length: usize) {
        self.now.store(length, Ordering::SeqCst);
        self.most.fetch_max(length, Ordering::Relaxed);
    }
}

/// Locks what no panic can leave half changed: every change is one call of the list's.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// First in, first out.
#[derive(Debug)]
pub(super) struct Queue<T> {
    list: Mutex<VecDeque<T>>,
    depth: Depth,
    /// It is full from here on.
    max: usize,
}

/// What is asked of any queue.
pub(super) trait Waiting {
    /// How many wait and waited.
    fn depth(&self) -> &Depth;
    /// It is full from here on.
    fn max(&self) -> usize;

    /// How many wait.
    fn waiting(&self) -> usize {
        self.depth().now.load(Ordering::SeqCst)
    }

    /// How many have waited at most.
    fn most(&self) -> usize {
        self.depth().most.load(Ordering::Relaxed)
    }

    /// Whether its writer should stop. Once stopped it goes on when half is taken, so that it is not
    /// stopped again at once.
    fn stops(&self, is_stopped: bool) -> bool {
        if is_stopped { self.waiting() > self.max() / 2 } else { self.waiting() >= self.max() }
    }

    /// The writer is about to sleep, or has woken. It has to look at [`Self::stops`] once more after
    /// saying that it sleeps.
    fn await_room(&self, is_awaited: bool) {
        self.depth().is_awaited.store(is_awaited, Ordering::SeqCst);
    }

    /// For a reader that has taken something: whether the writer sleeps and can go on. Said once.
    fn has_room_again(&self) -> bool {
        let depth = self.depth();
        depth.is_awaited.load(Ordering::SeqCst)
            && !self.stops(true)
            && depth.is_awaited.swap(false, Ordering::SeqCst)
    }
}

impl<T> Queue<T> {
    pub(super) fn new(max: usize) -> Self {
        Self { list: Mutex::new(VecDeque::new()), depth: Depth::default(), max }
    }

    pub(super) fn push(&self, item: T) {
        let mut list = lock(&self.list);
        list.push_back(item);
        self.depth.set(list.len());
    }

    /// Puts it at the end, unless so many wait.
    pub(super) fn push_below(&self, max: usize, item: T) -> Result<(), T> {
        let mut list = lock(&self.list);
        if list.len() >= max {
            return Err(item);
        }
        list.push_back(item);
        self.depth.set(list.len());
        Ok(())
    }

    pub(super) fn take(&self) -> Option<T> {
        if self.waiting() == 0 {
            return None;
        }
        let mut list = lock(&self.list);
        let item = list.pop_front();
        self.depth.set(list.len());
        item
    }
}

impl<T> Waiting for Queue<T> {
    fn depth(&self) -> &Depth {
        &self.depth
    }

    fn max(&self) -> usize {
        self.max
    }
}

/// Market events. A quote takes the place of the one before of the same instrument, where that still
/// waits; everything else keeps its place.
#[derive(Debug)]
pub(super) struct MarketQueue {
    list: Mutex<Events>,
    depth: Depth,
    max: usize,
    conflated: AtomicU64,
}

#[derive(Debug, Default)]
struct Events {
    list: VecDeque<MarketEvent>,
    /// Number of the list's first event; the first one ever has 1.
    first: u64,
    /// By instrument the number of its last quote; below `first` where that was taken.
    quotes: Vec<u64>,
}

impl Events {
    /// Whether it took the place of another.
    fn push(&mut self, event: MarketEvent) -> bool {
        if matches!(event.data, MarketData::Quote(_)) {
            let at = usize::from(event.instrument.0);
            if self.quotes.len() <= at {
                self.quotes.resize(at + 1, 0);
            }
            let place = self.quotes[at].checked_sub(self.first);
            let place = place.and_then(|place| usize::try_from(place).ok());
            if let Some(earlier) = place.and_then(|place| self.list.get_mut(place)) {
                *earlier = event;
                return true;
            }
            self.quotes[at] = self.first.saturating_add(self.list.len() as u64);
        }
        self.list.push_back(event);
        false
    }
}

impl MarketQueue {
    pub(super) fn new(max: usize) -> Self {
        let events = Events { first: 1, ..Events::default() };
        Self {
            list: Mutex::new(events),
            depth: Depth::default(),
            max,
            conflated: AtomicU64::new(0),
        }
    }

    pub(super) fn push(&self, event: MarketEvent) {
        let mut events = lock(&self.list);
        if events.push(event) {
            self.conflated.fetch_add(1, Ordering::Relaxed);
        } else {
            self.depth.set(events.list.len());
        }
    }

    pub(super) fn take(&self) -> Option<MarketEvent> {
        if self.waiting() == 0 {
            return None;
        }
        let mut events = lock(&self.list);
        let event = events.list.pop_front()?;
        events.first = events.first.saturating_add(1);
        self.depth.set(events.list.len());
        Some(event)
    }

    /// How many quotes were replaced.
    pub(super) fn conflated(&self) -> u64 {
        self.conflated.load(Ordering::Relaxed)
    }
}

impl Waiting for MarketQueue {
    fn depth(&self) -> &Depth {
        &self.depth
    }

    fn max(&self) -> usize {
        self.max
    }
}

#[cfg(test)]
mod tests {
    use sandpit_core::{
        ids::InstrumentId,
        market::{Quote, Trade},
        num::{Price, Quantity},
        time::UnixNanos,
    };

    use super::*;

    fn quote(instrument: u16, bid: i64) -> MarketEvent {
        let data = MarketData::Quote(Quote {
            bid_price: Price(bid),
            bid_quantity: Quantity(1),
            ask_price: Price(bid + 1),
            ask_quantity: Quantity(1),
        });
        event(instrument, data)
    }

    fn trade(instrument: u16, id: u64) -> MarketEvent {
        let trade = Trade { price: Price(1), quantity: Quantity(1), aggressor: None, id };
        event(instrument, MarketData::Trade(trade))
    }

    fn event(instrument: u16, data: MarketData) -> MarketEvent {
        let time = UnixNanos(1);
        MarketEvent { instrument: InstrumentId(instrument), time, venue_time: time, data }
    }

    fn drain(queue: &MarketQueue) -> Vec<MarketEvent> {
        std::iter::from_fn(|| queue.take()).collect()
    }

    #[test]
    fn a_waiting_quote_is_replaced_where_it_stands() {
        let queue = MarketQueue::new(10);
        for event in
            [trade(0, 1), quote(0, 10), trade(0, 2), quote(1, 20), quote(0, 11), quote(0, 12)]
        {
            queue.push(event);
        }
        assert_eq!(queue.conflated(), 2);
        assert_eq!((queue.waiting(), queue.most()), (4, 4));
        assert_eq!(drain(&queue), [trade(0, 1), quote(0, 12), trade(0, 2), quote(1, 20)]);
    }

    #[test]
    fn a_quote_that_was_taken_is_not_replaced() {
        let queue = MarketQueue::new(10);
        queue.push(quote(3, 10));
        queue.push(trade(3, 1));
        assert_eq!(queue.take(), Some(quote(3, 10)));
        queue.push(quote(3, 11));
        queue.push(trade(3, 2));
        queue.push(quote(3, 12));
        assert_eq!(queue.conflated(), 1);
        assert_eq!(drain(&queue), [trade(3, 1), quote(3, 12), trade(3, 2)]);
        queue.push(quote(3, 13));
        assert_eq!(drain(&queue), [quote(3, 13)]);
    }

    #[test]
    fn trades_are_never_dropped_and_the_writer_goes_on_at_half() {
        let queue = MarketQueue::new(4);
        for id in 0..6 {
            queue.push(trade(0, id));
        }
        assert!(queue.stops(false));
        for left in [5, 4, 3] {
            queue.take();
            assert_eq!(queue.waiting(), left);
            assert!(queue.stops(true), "{left} of 4 wait");
        }
        queue.take();
        assert!(!queue.stops(true));
        assert_eq!(drain(&queue), [trade(0, 4), trade(0, 5)]);
        assert_eq!(queue.most(), 6);
    }

    #[test]
    fn a_writer_that_sleeps_is_woken_once_and_by_its_own_queue() {
        let (full, other) = (Queue::new(4), Queue::<u8>::new(4));
        for number in 0..4 {
            full.push(number);
        }
        full.await_room(true);
        assert!(!full.has_room_again() && !other.has_room_again());
        full.take();
        assert!(!full.has_room_again());
        full.take();
        assert!(full.has_room_again());
        full.take();
        assert!(!full.has_room_again());
    }

    #[test]
    fn a_bound_gives_back_what_it_refuses() {
        let queue = Queue::new(3);
        assert_eq!(queue.push_below(2, 'a'), Ok(()));
        assert_eq!(queue.push_below(2, 'b'), Ok(()));
        assert_eq!(queue.push_below(2, 'c'), Err('c'));
        assert_eq!(queue.push_below(3, 'd'), Ok(()));
        assert_eq!([queue.take(), queue.take(), queue.take()], [Some('a'), Some('b'), Some('d')]);
        assert_eq!(queue.take(), None);
    }
}
