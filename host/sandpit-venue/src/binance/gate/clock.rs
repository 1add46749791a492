//! The venue's clock, by our own: the difference is what a sample says whose question and answer
//! took least time, as if the venue had looked in the middle of it.

use sandpit_core::time::{Nanos, UnixNanos};

/// One look at the venue's clock.
#[derive(Clone, Copy, Debug)]
struct Sample {
    round_trip: Nanos,
    offset: i64,
}

/// The venue's clock less ours.
#[derive(Clone, Debug)]
pub(super) struct VenueClock {
    samples_wanted: u32,
    every: Nanos,
    known: Option<Sample>,
    /// Whether `known` may be used; not after the venue has refused a time.
    trusted: bool,
    taking: Vec<Sample>,
    due: UnixNanos,
    pub(super) settings_done: u64,
}

/// A venue's stamp is the beginning of its millisecond.
const HALF_A_STAMP: i64 = 500_000;

impl VenueClock {
    pub(super) const fn new(samples_wanted: u32, every: Nanos) -> Self {
        Self {
            samples_wanted,
            every,
            known: None,
            trusted: false,
            taking: Vec::new(),
            due: UnixNanos(0),
            settings_done: 0,
        }
    }

    /// Whether a time can be told to the venue.
    pub(super) const fn is_known(&self) -> bool {
        self.trusted
    }

    /// The venue's clock less ours, in nanoseconds.
    pub(super) const fn offset(&self) -> i64 {
        match self.known {
            Some(sample) => sample.offset,
            None => 0,
        }
    }

    /// How long the best sample took.
    pub(super) fn round_trip(&self) -> Nanos {
        self.known.map_or(Nanos(0), |sample| sample.round_trip)
    }

    /// How far the offset can be wrong.
    pub(super) fn uncertainty(&self) -> Nanos {
        self.known.map_or(Nanos(0), |sample| {
            Nanos((sample.round_trip.0 / 2).saturating_add(HALF_A_STAMP.unsigned_abs()))
        })
    }

    /// What the venue's clock says.
    pub(super) const fn venue_time(&self, now: UnixNanos) -> UnixNanos {
        UnixNanos(now.0.saturating_add_signed(self.offset()))
    }

    /// When it is to be looked at next.
    pub(super) const fn due(&self) -> UnixNanos {
        self.due
    }

    /// It is being looked at: not again before the answer.
    pub(super) const fn asked(&mut self) {
        self.due = UnixNanos(u64::MAX);
    }

    /// The venue refused a time: no other is told before the clock is set anew.
    pub(super) fn distrust(&mut self, now: UnixNanos) {
        if self.trusted {
            self.trusted = false;
            self.taking.clear();
        }
        self.due = self.due.min(now);
    }

    /// Takes in a look: asked at `sent`, answered at `now` with `server`. A look that was asked
    /// and answered at times that cannot be is passed over.
    pub(super) fn take(&mut self, sent: UnixNanos, server: UnixNanos, now: UnixNanos) {
        self.due = now;
        let round_trip = now.since(sent);
        let middle = sent.plus(Nanos(round_trip.0 / 2));
        let (Ok(server), Ok(middle)) = (i64::try_from(server.0), i64::try_from(middle.0)) else {
            return;
        };
        let offset = server.saturating_add(HALF_A_STAMP).saturating_sub(middle);
        self.taking.push(Sample { round_trip, offset });
        if u64::try_from(self.taking.len()).unwrap_or(u64::MAX) < u64::from(self.samples_wanted) {
            return;
        }
        self.known = self.taking.drain(..).min_by_key(|sample| sample.round_trip);
        self.trusted = true;
        self.settings_done += 1;
        self.due = now.plus(self.every);
    }

    /// It could not be looked at.
    pub(super) const fn missed(&mut self, again: UnixNanos) {
        self.due = again;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_shortest_look_counts() {
        let mut clock = VenueClock::new(3, Nanos::from_millis(60_000));
        let at = |ms: u64| UnixNanos(1_700_000_000_000 * MS + ms * MS);
        // The venue is 2000 ms ahead; the first look was slow on the way back.
        clock.take(at(0), at(2_010), at(400));
        assert!(!clock.is_known(), "one look of three");
        clock.take(at(500), at(2_505), at(510));
        clock.take(at(600), at(2_690), at(700));
        assert!(clock.is_known());
        let error = clock.offset() - 2_000 * 1_000_000;
        assert!(error.abs() <= HALF_A_STAMP, "{error}");
        assert_eq!(clock.due(), at(700).plus(Nanos::from_millis(60_000)));
        clock.distrust(at(800));
        assert!(!clock.is_known() && clock.due() == at(800));
    }
}
