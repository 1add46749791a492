//! What both threads hold: the queues between them, and how they wake each other.

use std::{
    io,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;
use sandpit_core::{
    market::MarketEvent,
    venue::{VenueMessage, VenueRequest},
};

use super::{
    ClientError, ClientSettings, Full, HISTORY_MAX, NOTICES_MAX,
    counts::{Count, Counters, one},
    queue::{MarketQueue, Queue, Waiting, lock},
    wake::Wake,
};
use crate::{
    gauges::Gauges,
    machine::{Notice, Told},
};

/// What the host may ask that is not acted on yet; one more is refused.
pub const TOLD_MAX: usize = 4_096;
/// Of [`TOLD_MAX`] so much is kept for cancels and the end.
pub const TOLD_RESERVE: usize = 1_024;

/// What both threads hold.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) told: Queue<(Told, Instant)>,
    pub(super) messages: Queue<VenueMessage>,
    pub(super) market: MarketQueue,
    pub(super) history: Queue<MarketEvent>,
    pub(super) notices: Queue<Notice>,
    pub(super) wake: Wake,
    /// The driver's task.
    pub(super) driver: AtomicWaker,
    pub(super) is_stopping: AtomicBool,
    has_failed: AtomicBool,
    failure: Mutex<Option<ClientError>>,
    is_done: Mutex<bool>,
    done: Condvar,
    pub(super) counters: Counters,
    /// The machine's counts as they were lately.
    pub(super) of_machine: Mutex<Vec<Count>>,
    /// The same as one picture.
    pub(super) pictured: Mutex<Gauges>,
}

impl Shared {
    pub(super) fn new(settings: &ClientSettings) -> io::Result<Self> {
        Ok(Self {
            told: Queue::new(TOLD_MAX),
            messages: Queue::new(settings.messages_max),
            market: MarketQueue::new(settings.market_max),
            history: Queue::new(HISTORY_MAX),
            notices: Queue::new(NOTICES_MAX),
            wake: Wake::new()?,
            driver: AtomicWaker::new(),
            is_stopping: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            failure: Mutex::new(None),
            is_done: Mutex::new(false),
            done: Condvar::new(),
            counters: Counters::default(),
            of_machine: Mutex::new(Vec::new()),
            pictured: Mutex::new(Gauges::default()),
        })
    }

    /// From the host to the machine.
    pub(super) fn tell(&self, told: Told) -> Result<(), Full> {
        let is_urgent = matches!(
            told,
            Told::Stop | Told::Request(VenueRequest::Cancel(_) | VenueRequest::CancelAll(_))
        );
        let room = if is_urgent { TOLD_MAX } else { TOLD_MAX - TOLD_RESERVE };
        let max = if self.is_stopping.load(Ordering::SeqCst) { 0 } else { room };
        self.told.push_below(max, (told, Instant::now())).map_err(|(told, _)| {
            one(&self.counters.told_refused);
            Full { told: Box::new(told) }
        })?;
        self.driver.wake();
        Ok(())
    }

    /// After something was taken of a queue: the driver goes on where that has room again, and the
    /// descriptor is quiet where nothing is left.
    pub(super) fn taken(&self, queue: &dyn Waiting) {
        if queue.has_room_again() {
            self.driver.wake();
        }
        self.settle();
    }

    /// Whether nothing at all may be read.
    pub(super) fn holds_all(&self, is_paused: bool) -> bool {
        self.messages.stops(is_paused)
            || self.history.stops(is_paused)
            || self.notices.stops(is_paused)
    }

    /// The queues to the host, and what is in them.
    pub(super) fn queues(&self) -> [(&'static str, &dyn Waiting); 4] {
        [
            ("messages", &self.messages),
            ("market events", &self.market),
            ("bars", &self.history),
            ("notices", &self.notices),
        ]
    }

    /// Makes the descriptor quiet where there is nothing to say.
    pub(super) fn settle(&self) {
        self.wake.lower(|| {
            self.queues().iter().all(|(_, queue)| queue.waiting() == 0)
                && !self.has_failed.load(Ordering::SeqCst)
        });
    }

    /// The first failure is the one that counts.
    pub(super) fn fail(&self, error: ClientError) {
        lock(&self.failure).get_or_insert(error);
        self.has_failed.store(true, Ordering::SeqCst);
        self.wake.raise();
    }

    pub(super) fn failure(&self) -> Option<ClientError> {
        if !self.has_failed.load(Ordering::SeqCst) {
            return None;
        }
        lock(&self.failure).clone()
    }

    /// The driver's thread has nothing more to do, and takes nothing more.
    pub(super) fn finish(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        *lock(&self.is_done) = true;
        self.done.notify_all();
    }

    /// Waits for [`Self::finish`]; whether it came in time.
    pub(super) fn wait(&self, length: Duration) -> bool {
        let guard = lock(&self.is_done);
        let waited = self.done.wait_timeout_while(guard, length, |is_done| !*is_done);
        waited.is_ok_and(|(is_done, _)| *is_done)
    }
}
