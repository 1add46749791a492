//! The line to an exchange, and the tape of what its market did. What is taken from the market is on
//! the tape before anybody sees it, and its time never goes back.

use std::{
    cell::{Cell, RefCell},
    os::fd::BorrowedFd,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sandpit_core::{market::MarketEvent, time::UnixNanos, venue::VenueMessage};
use sandpit_journal::tape::{TapeError, TapeWriter};
use sandpit_venue::{
    client::{Client, ClientError, Full},
    gauges::Gauges,
    machine::{Notice, Told},
};

/// What can be taken at once has a time that is over.
pub(super) const AT_ONCE: UnixNanos = UnixNanos(0);

/// The line.
#[derive(Debug)]
pub(in crate::session) struct Link {
    client: Client,
    tape: RefCell<Option<TapeWriter>>,
    /// The time of the last market event.
    last: Cell<UnixNanos>,
}

impl Link {
    pub(super) fn new(client: Client) -> Self {
        Self { client, tape: RefCell::new(None), last: Cell::new(UnixNanos(0)) }
    }

    /// From now on the market is recorded, and goes on after `last`.
    pub(in crate::session) fn record(&self, tape: TapeWriter, last: UnixNanos) {
        self.tape.replace(Some(tape));
        self.last.set(self.last.get().max(last));
    }

    pub(in crate::session) fn tell(&self, told: Told) -> Result<(), Full> {
        self.client.tell(told)
    }

    pub(super) fn has_message(&self) -> bool {
        self.client.has_message()
    }

    pub(super) fn take_message(&self) -> Option<VenueMessage> {
        self.client.take_message()
    }

    pub(super) fn has_market(&self) -> bool {
        self.client.has_market()
    }

    /// The market's next event, if there is one.
    pub(super) fn take_market(&self) -> Result<Option<MarketEvent>, TapeError> {
        self.client.take_market().map(|event| self.keep(event)).transpose()
    }

    /// Lets go of what the markets have said: nobody will be told of it, so it is on no tape.
    pub(super) fn skip_market(&self) {
        while self.client.take_market().is_some() {}
    }

    /// A bar from before the live market, if there is one more.
    pub(in crate::session) fn take_history(&self) -> Option<MarketEvent> {
        self.client.take_history()
    }

    /// Puts an event from before the live market on the tape, where it is later than what is there.
    pub(in crate::session) fn keep_history(&self, event: &MarketEvent) -> Result<(), TapeError> {
        if event.time < self.last.get() {
            return Ok(());
        }
        self.keep(event.clone()).map(drop)
    }

    fn keep(&self, mut event: MarketEvent) -> Result<MarketEvent, TapeError> {
        event.time = event.time.max(self.last.get());
        self.last.set(event.time);
        if let Some(tape) = self.tape.borrow_mut().as_mut() {
            tape.append(&event)?;
        }
        Ok(event)
    }

    /// Has what was taken outlive this process.
    pub(super) fn flush(&self) -> Result<(), TapeError> {
        self.tape.borrow_mut().as_mut().map_or(Ok(()), TapeWriter::flush)
    }

    /// Goes on without a tape: it cannot be written any more.
    pub(super) fn stop_recording(&self) {
        self.tape.replace(None);
    }

    /// The next word about the line itself; an error once the line has ended for good.
    pub(in crate::session) fn take_notice(&self) -> Result<Option<Notice>, ClientError> {
        match self.client.take_notice() {
            Some(notice) => Ok(Some(notice)),
            None => self.client.failure().map_or(Ok(None), Err),
        }
    }

    /// An error once the line has ended for good.
    pub(super) fn check(&self) -> Result<(), ClientError> {
        self.client.failure().map_or(Ok(()), Err)
    }

    pub(super) fn wake(&self) -> BorrowedFd<'_> {
        self.client.wake_fd()
    }

    /// The line in one picture.
    pub(super) fn gauges(&self) -> Gauges {
        self.client.gauges()
    }

    /// Counts of the line and of its protocol.
    pub(in crate::session) fn counts(&self) -> Vec<(String, &'static str, u64)> {
        self.client.counts()
    }

    /// Waits until something can be taken, for at most so long.
    pub(in crate::session) fn wait(&self, length: Duration) {
        let mut fds = [PollFd::from_borrowed_fd(self.wake(), PollFlags::IN)];
        if let Ok(length) = Timespec::try_from(length) {
            // Whatever ends it early is a reason to look again.
            let _ = poll(&mut fds, Some(&length));
        }
    }

    /// Ends the line, and the tape in good order.
    pub(in crate::session) fn close(&self) -> Result<(), TapeError> {
        self.client.stop();
        self.tape.take().map_or(Ok(()), |tape| tape.finish().map(drop))
    }
}
