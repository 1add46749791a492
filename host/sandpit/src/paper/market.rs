//! Where a paper session's market comes from. Today from recorded tapes, played once more; a live
//! stream is another [`MarketSource`].

use std::path::PathBuf;

use sandpit_core::{market::MarketEvent, time::UnixNanos};
use sandpit_journal::tape::{MergedTapes, TapeError};

/// Market events in the order of their time. The venue that a source belongs to begins anew at
/// each start: a source gives the same events from its first one on, every time.
pub trait MarketSource {
    /// The next event; `None` where the market is over.
    ///
    /// # Errors
    /// The source is broken.
    fn next_event(&mut self) -> Result<Option<MarketEvent>, TapeError>;
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
