//! The step from a snapshot of the book to the stream of its changes.

use std::collections::VecDeque;

use sandpit_core::market::{DepthUpdate, MarketData, MarketEvent};

/// Changes that are kept; a snapshot that is older than all of them cannot be bridged, and the
/// book then says that there is a gap. At ten changes a second this is 25 seconds.
const UPDATES_KEPT_MAX: usize = 256;

/// Remembers the last changes of one book. A snapshot is asked for while the stream runs, so it is
/// often older than changes that have come already; those must be taken in again after it (the
/// venue's "How to manage a local order book correctly").
#[derive(Clone, Debug, Default)]
pub struct SnapshotBridge {
    recent: VecDeque<MarketEvent>,
}

impl SnapshotBridge {
    /// Takes note of an event of the book. After a snapshot, returns the changes that came before
    /// it and are newer than it, in their order: they belong after it, at its time.
    pub fn after(&mut self, event: &MarketEvent) -> Vec<MarketEvent> {
        let MarketData::Depth(update) = &event.data else {
            return Vec::new();
        };
        if !update.snapshot {
            if self.recent.len() >= UPDATES_KEPT_MAX {
                self.recent.pop_front();
            }
            self.recent.push_back(event.clone());
            return Vec::new();
        }
        let newer = |kept: &DepthUpdate| kept.last_sequence > update.last_sequence;
        self.recent
            .drain(..)
            .filter(|kept| matches!(&kept.data, MarketData::Depth(kept) if newer(kept)))
            .map(|kept| MarketEvent { time: event.time, ..kept })
            .collect()
    }
}
