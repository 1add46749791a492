//! An exchange as a session's venue.

use std::{collections::VecDeque, os::fd::BorrowedFd, rc::Rc, time::Duration};

use sandpit_core::{
    engine::VenueCapabilities,
    ids::ClientOrderId,
    market::MarketEvent,
    time::UnixNanos,
    venue::{Answer, Asked, Outcome, Refusal, Venue, VenueMessage, VenueRequest},
};
use sandpit_venue::machine::{Notice, Told};

use super::{Link, gauges, link::AT_ONCE};
use crate::session::venue::{Count, SessionVenue, VenueError};

/// Why an order that the line had no room for was not sent.
const NO_ROOM: &str = "never sent: too much waits for the venue";

/// An exchange.
#[derive(Debug)]
pub(in crate::session) struct LiveVenue {
    link: Rc<Link>,
    capabilities: VenueCapabilities,
    /// Answers of our own: to what never left.
    own: VecDeque<VenueMessage>,
    /// Cancels that the line had no room for; each is asked again until it has. There is at most one
    /// for every open order.
    cancels: VecDeque<VenueRequest>,
    events: u64,
}

impl LiveVenue {
    pub(in crate::session) fn new(link: Rc<Link>, capabilities: VenueCapabilities) -> Self {
        Self { link, capabilities, own: VecDeque::new(), cancels: VecDeque::new(), events: 0 }
    }

    /// What the line had no room for. An order was not sent, and that is certain. A cancel waits. A
    /// question is asked again by the engine.
    fn no_room(&mut self, request: VenueRequest, now: UnixNanos) {
        match request {
            VenueRequest::Submit(order) => self.refuse(order.get().id, Asked::Submit, now),
            VenueRequest::SubmitPair { stop, profit } => {
                self.refuse(stop.get().id, Asked::Submit, now);
                self.refuse(profit.get().id, Asked::Submit, now);
            }
            VenueRequest::Amend(amend) => self.refuse(amend.get().order, Asked::Amend, now),
            cancel @ (VenueRequest::Cancel(_) | VenueRequest::CancelAll(_)) => {
                self.cancels.push_back(cancel);
            }
            VenueRequest::Query(_) | VenueRequest::Reconcile(_) => {}
        }
    }

    fn refuse(&mut self, order: ClientOrderId, to: Asked, time: UnixNanos) {
        let refusal = Refusal { code: None, message: NO_ROOM.to_owned() };
        let answer = Answer { order, to, time, outcome: Outcome::Rejected(refusal) };
        self.own.push_back(VenueMessage::Answer(answer));
    }

    /// Sends cancels that wait.
    fn retry(&mut self) {
        while let Some(cancel) = self.cancels.front() {
            if self.link.tell(Told::Request(cancel.clone())).is_err() {
                return;
            }
            self.cancels.pop_front();
        }
    }
}

impl Venue for LiveVenue {
    type Error = VenueError;

    fn capabilities(&self) -> VenueCapabilities {
        self.capabilities
    }

    fn ask(&mut self, request: VenueRequest, now: UnixNanos) -> Result<(), VenueError> {
        self.retry();
        if let Err(full) = self.link.tell(Told::Request(request))
            && let Told::Request(request) = *full.told
        {
            self.no_room(request, now);
        }
        Ok(self.link.check()?)
    }

    #[inline]
    fn next_message(&self) -> Option<UnixNanos> {
        (!self.own.is_empty() || self.link.has_message()).then_some(AT_ONCE)
    }

    fn take_message(&mut self, _: UnixNanos) -> Result<Option<VenueMessage>, VenueError> {
        self.retry();
        Ok(self.own.pop_front().or_else(|| self.link.take_message()))
    }

    #[inline]
    fn next_market(&self) -> Option<UnixNanos> {
        self.link.has_market().then_some(AT_ONCE)
    }

    fn take_market(&mut self, _: UnixNanos) -> Result<Option<MarketEvent>, VenueError> {
        match self.link.take_market() {
            Ok(event) => {
                self.events += u64::from(event.is_some());
                Ok(event)
            }
            Err(error) => {
                // The venue remembers by itself: a tape that cannot be written stops no trading.
                tracing::error!(%error, "the market is not recorded any more");
                self.link.stop_recording();
                Ok(None)
            }
        }
    }
}

impl SessionVenue for LiveVenue {
    fn events(&self) -> u64 {
        self.events
    }

    fn tell(&mut self, told: Told) -> bool {
        self.link.tell(told).is_ok()
    }

    fn notice(&mut self) -> Result<Option<Notice>, VenueError> {
        Ok(self.link.take_notice()?)
    }

    fn counts(&self) -> Vec<Count> {
        let mut counts = self.link.counts();
        counts.extend(gauges::flat(&self.link.gauges()));
        counts
    }

    fn wake(&self) -> Option<BorrowedFd<'_>> {
        Some(self.link.wake())
    }

    fn wait(&self, length: Duration) -> bool {
        // Nothing is traded any more, and markets that nobody takes would wake us again and again.
        self.link.skip_market();
        self.link.wait(length);
        true
    }
}
