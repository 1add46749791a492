//! Best bid and ask: the newest only, by its number.

use sandpit_core::{
    ids::InstrumentId,
    market::{MarketData, Quote},
    time::UnixNanos,
};

use super::step::Step;

/// Quotes of one instrument.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    /// Number of the newest; `None` where any is taken.
    sequence: Option<u64>,
    /// The newest that was not told, since history comes first.
    kept: Option<(UnixNanos, Quote)>,
}

impl Quotes {
    pub(super) fn take(
        &mut self,
        id: InstrumentId,
        sequence: u64,
        venue_time: UnixNanos,
        quote: Quote,
        step: &mut Step<'_>,
    ) {
        if self.sequence.is_some_and(|newest| sequence <= newest) {
            step.shared.counts.duplicates += 1;
            return;
        }
        self.sequence = Some(sequence);
        if step.shared.telling {
            step.tell(id, venue_time, MarketData::Quote(quote));
        } else {
            self.kept = Some((venue_time, quote));
        }
    }

    /// The line was down: numbers may begin anew.
    pub(super) const fn line_lost(&mut self) {
        self.sequence = None;
    }

    /// History is told.
    pub(super) fn release(&mut self, id: InstrumentId, step: &mut Step<'_>) {
        if let Some((venue_time, quote)) = self.kept.take() {
            step.tell(id, venue_time, MarketData::Quote(quote));
        }
    }
}
