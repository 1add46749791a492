//! Where the market of a simulated venue comes from: recorded tapes, played once more, or a live one,
//! which is another [`MarketSource`].

use std::{os::fd::BorrowedFd, path::PathBuf};

use sandpit_core::{market::MarketEvent, time::UnixNanos};
use sandpit_journal::tape::{MergedTapes, TapeError};
use sandpit_venue::{client::ClientError, machine::Notice};

/// Market events in the order of their time. The venue that a source belongs to begins anew at
/// each start: a source gives the same events from its first one on, every time.
pub trait MarketSource {
    /// The next event; `None` where the market is over, or where a live one has none yet.
    ///
    /// # Errors
    /// The source is broken.
    fn next_event(&mut self) -> Result<Option<MarketEvent>, TapeError>;

    /// Has what was given on disk, so that it is given again after a crash.
    ///
    /// # Errors
    /// The disk says no.
    fn keep(&mut self) -> Result<(), TapeError> {
        Ok(())
    }

    /// A time that is over, where a live market has an event.
    fn ready(&self) -> Option<UnixNanos> {
        None
    }

    /// Whether it goes on for as long as it is listened to.
    fn is_live(&self) -> bool {
        false
    }

    /// What a live one says of its line.
    ///
    /// # Errors
    /// The line has ended.
    fn notice(&mut self) -> Result<Option<Notice>, ClientError> {
        Ok(None)
    }

    /// Counts of a live one's line.
    fn counts(&self) -> Vec<(String, &'static str, u64)> {
        Vec::new()
    }

    /// What becomes readable once a live one has something.
    fn wake(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Recorded tapes as one stream.
#[derive(Debug)]
pub struct RecordedMarket {
    tapes: MergedTapes,
    /// First moment that is not played any more.
    to: UnixNanos,
}

impl RecordedMarket {
    /// Plays `paths` from their beginning up to `to`.
    ///
    /// # Errors
    /// A tape cannot be read, or they do not fit together.
    pub fn open(paths: &[PathBuf], to: Option<UnixNanos>) -> Result<Self, TapeError> {
        Ok(Self { tapes: MergedTapes::open(paths)?, to: to.unwrap_or(UnixNanos::MAX) })
    }
}

impl MarketSource for RecordedMarket {
    #[inline]
    fn next_event(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        Ok(self.tapes.next_event()?.filter(|event| event.time < self.to))
    }
}
