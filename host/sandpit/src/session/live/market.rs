//! A live market that moves a simulated venue. First what was recorded of it in earlier runs, so that
//! the venue remembers its orders in their market; then what comes.

use std::{os::fd::BorrowedFd, rc::Rc};

use sandpit_core::{market::MarketEvent, time::UnixNanos};
use sandpit_journal::tape::{MergedTapes, TapeError};
use sandpit_venue::{client::ClientError, machine::Notice};

use super::{Link, link::AT_ONCE};
use crate::session::{market::MarketSource, venue::Count};

/// The market of a simulated venue, live.
#[derive(Debug)]
pub(in crate::session) struct LiveMarket {
    recorded: Option<MergedTapes>,
    link: Rc<Link>,
}

impl LiveMarket {
    pub(in crate::session) const fn new(recorded: Option<MergedTapes>, link: Rc<Link>) -> Self {
        Self { recorded, link }
    }
}

impl MarketSource for LiveMarket {
    #[inline]
    fn next_event(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        if let Some(recorded) = &mut self.recorded {
            if let Some(event) = recorded.next_event()? {
                return Ok(Some(event));
            }
            self.recorded = None;
        }
        self.link.take_market()
    }

    fn keep(&mut self) -> Result<(), TapeError> {
        self.link.flush()
    }

    #[inline]
    fn ready(&self) -> Option<UnixNanos> {
        self.link.has_market().then_some(AT_ONCE)
    }

    fn is_live(&self) -> bool {
        true
    }

    fn notice(&mut self) -> Result<Option<Notice>, ClientError> {
        self.link.take_notice()
    }

    fn counts(&self) -> Vec<Count> {
        self.link.counts()
    }

    fn wake(&self) -> Option<BorrowedFd<'_>> {
        Some(self.link.wake())
    }
}
