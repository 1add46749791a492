//! The simulated venue at the end of a line with a delay, as a [`Venue`]: what is asked arrives
//! later, and what it says is heard later. At one time, orders end before messages arrive.

use std::os::fd::BorrowedFd;

use sandpit_core::{
    engine::{VenueCapabilities, VenueEvent},
    ids::PluginId,
    market::MarketEvent,
    matching::Liquidation,
    num::Money,
    order::Report,
    simulation::Line,
    time::UnixNanos,
    venue::{Venue, VenueMessage, VenueRequest},
};
use sandpit_venue::machine::Notice;

use super::{
    PaperVenue,
    wire::{Message, Wire},
};
use crate::session::venue::{Count, SessionVenue, VenueError};

/// A simulated venue and the line to it.
pub(in crate::session) struct SimulatedVenue {
    venue: PaperVenue,
    capabilities: VenueCapabilities,
    wire: Wire,
    /// To the venue, and from it.
    lines: (Line, Line),
    /// Scratch, kept for its memory.
    reports: Vec<Report>,
}

impl SimulatedVenue {
    pub(in crate::session) fn new(
        venue: PaperVenue,
        capabilities: VenueCapabilities,
        lines: (Line, Line),
    ) -> Self {
        Self { venue, capabilities, wire: Wire::default(), lines, reports: Vec::new() }
    }

    /// What the venue has said departs.
    fn depart(&mut self, now: UnixNanos) {
        for report in self.reports.drain(..) {
            let arrives = self.lines.1.arrival(now);
            self.wire.depart(arrives, Message::Said(VenueMessage::Report(report)));
        }
        for told in self.venue.take_liquidations() {
            self.tell(liquidated(told), now);
        }
    }

    /// The venue says something that is no report.
    fn tell(&mut self, news: VenueEvent, now: UnixNanos) {
        self.wire.depart(self.lines.1.arrival(now), Message::Said(VenueMessage::News(news)));
    }

    /// A request arrives at the venue.
    fn receive(&mut self, request: VenueRequest, now: UnixNanos) -> Result<(), VenueError> {
        let out = &mut self.reports;
        let answer = match request {
            VenueRequest::Submit(order) => self.venue.submit(order, now, out).map(|()| None),
            VenueRequest::SubmitPair { stop, profit } => {
                self.venue.submit_pair(stop, profit, now, out).map(|()| None)
            }
            VenueRequest::Cancel(cancel) => self.venue.cancel(cancel, now, out).map(|()| None),
            VenueRequest::CancelAll(instrument) => {
                self.venue.cancel_all(instrument, now, out).map(|()| None)
            }
            VenueRequest::Amend(amend) => self.venue.amend(amend, now, out).map(|()| None),
            VenueRequest::Query(query) => {
                self.venue.query(query, now, out).map(VenueEvent::Status).map(Some)
            }
            VenueRequest::Reconcile(asked) => {
                // What was closed while nobody listened.
                for told in self.venue.liquidations_since(asked.since) {
                    let message = Message::Said(VenueMessage::News(liquidated(told)));
                    self.wire.depart(self.lines.1.arrival(now), message);
                }
                self.venue.snapshot(asked, now, out).map(VenueEvent::Snapshot).map(Some)
            }
        }?;
        self.depart(now);
        if let Some(news) = answer {
            self.tell(news, now);
        }
        Ok(())
    }
}

impl Venue for SimulatedVenue {
    type Error = VenueError;

    fn capabilities(&self) -> VenueCapabilities {
        self.capabilities
    }

    fn ask(&mut self, request: VenueRequest, now: UnixNanos) -> Result<(), VenueError> {
        self.wire.depart(self.lines.0.arrival(now), Message::Asked(request));
        Ok(())
    }

    #[inline]
    fn next_message(&self) -> Option<UnixNanos> {
        [self.wire.next_time(), self.venue.next_expiry()].into_iter().flatten().min()
    }

    fn take_message(&mut self, now: UnixNanos) -> Result<Option<VenueMessage>, VenueError> {
        let message = self.wire.next_time().filter(|at| *at <= now);
        let expiry = self.venue.next_expiry().filter(|at| *at <= now);
        if expiry.is_some_and(|expiry| message.is_none_or(|message| expiry <= message)) {
            self.venue.expire(now, &mut self.reports)?;
            self.depart(now);
            return Ok(None);
        }
        match message.and_then(|_| self.wire.take()) {
            Some(Message::Said(said)) => Ok(Some(said)),
            Some(Message::Asked(request)) => self.receive(request, now).map(|()| None),
            None => Ok(None),
        }
    }

    #[inline]
    fn next_market(&self) -> Option<UnixNanos> {
        self.venue.next_time()
    }

    fn take_market(&mut self, now: UnixNanos) -> Result<Option<MarketEvent>, VenueError> {
        if self.venue.next_time().is_none_or(|at| at > now) {
            return Ok(None);
        }
        let Some(event) = self.venue.publish(&mut self.reports)? else {
            return Ok(None);
        };
        self.lines.0.see(&event);
        self.lines.1.see(&event);
        self.depart(now.max(event.time));
        Ok(Some(event))
    }
}

impl SessionVenue for SimulatedVenue {
    #[inline]
    fn remember(&mut self) -> Result<(), VenueError> {
        self.venue.remember()
    }

    fn fund(&mut self, plugin: PluginId, budget: Money) {
        self.venue.fund(plugin, budget);
    }

    fn events(&self) -> u64 {
        self.venue.position()
    }

    fn is_over(&self) -> bool {
        self.venue.is_over()
    }

    fn notice(&mut self) -> Result<Option<Notice>, VenueError> {
        Ok(self.venue.market_mut().notice()?)
    }

    fn counts(&self) -> Vec<Count> {
        self.venue.market().counts()
    }

    fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.venue.market().wake()
    }
}

const fn liquidated(told: Liquidation) -> VenueEvent {
    let Liquidation { plugin, instrument, side, fill, time } = told;
    VenueEvent::Liquidated { plugin, instrument, side, fill, time }
}
