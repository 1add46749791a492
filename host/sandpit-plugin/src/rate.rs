//! How many intents a plugin hands over, held to a bound over event time: the same calls meet it in
//! every run. How many one call may hand over, and what becomes of them, is not decided here.

use std::collections::VecDeque;

use sandpit_core::time::{Nanos, UnixNanos};

use crate::limits::Limits;

/// Over how much event time intents are counted: a strategy may ask for much at once, and then has
/// to be quiet for a while.
pub const INTENT_RATE_WINDOW: Nanos = Nanos(WINDOW_SECONDS * 1_000_000_000);
const WINDOW_SECONDS: u64 = 10;

/// A guest handed over more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it handed over {counted} intents within {WINDOW_SECONDS} s of event time, {limit} are allowed"
)]
pub(crate) struct RateExceeded {
    counted: u64,
    limit: u64,
}

/// The intents of the last [`INTENT_RATE_WINDOW`]. It has an entry for each moment at which there
/// were any, so never more than the intents that are allowed.
#[derive(Debug)]
pub(crate) struct IntentRate {
    limit: u64,
    moments: VecDeque<(UnixNanos, u64)>,
    counted: u64,
    peak: u64,
}

impl IntentRate {
    pub(crate) fn new(limits: &Limits) -> Self {
        let limit = u64::from(limits.intents_per_second_max).saturating_mul(WINDOW_SECONDS);
        Self { limit, moments: VecDeque::new(), counted: 0, peak: 0 }
    }

    /// The most that there were within one window.
    pub(crate) const fn peak(&self) -> u64 {
        self.peak
    }

    /// Takes note of what was handed over at `now`. A time that goes back counts as the latest that
    /// was seen.
    #[inline]
    pub(crate) fn take(&mut self, now: UnixNanos, intents: usize) -> Result<(), RateExceeded> {
        if intents == 0 {
            return Ok(());
        }
        let intents = intents as u64;
        let now = self.moments.back().map_or(now, |(latest, _)| now.max(*latest));
        while let Some((moment, gone)) = self.moments.front().copied() {
            if now.since(moment) < INTENT_RATE_WINDOW {
                break;
            }
            self.counted -= gone;
            self.moments.pop_front();
        }
        let counted = self.counted.saturating_add(intents);
        if counted > self.limit {
            return Err(RateExceeded { counted, limit: self.limit });
        }
        match self.moments.back_mut() {
            Some((latest, then)) if *latest == now => *then += intents,
            _ => self.moments.push_back((now, intents)),
        }
        self.counted = counted;
        self.peak = self.peak.max(counted);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn rate(per_second: u32) -> IntentRate {
        IntentRate::new(&Limits { intents_per_second_max: per_second, ..Limits::default() })
    }

    #[test]
    fn a_windows_worth_may_come_at_once_and_no_more() {
        let mut rate = rate(2);
        rate.take(UnixNanos(5), 20).unwrap();
        let error = rate.take(UnixNanos(5), 1).unwrap_err();
        let words = "it handed over 21 intents within 10 s of event time, 20 are allowed";
        assert_eq!(error.to_string(), words);
        rate.take(UnixNanos(4 + 10 * SECOND), 1).unwrap_err();
        // What was refused is not counted; the window has passed.
        rate.take(UnixNanos(5 + 10 * SECOND), 20).unwrap();
        assert_eq!(rate.peak(), 20);
    }

    #[test]
    fn who_keeps_to_the_rate_never_meets_it() {
        let mut rate = rate(20);
        for number in 0..100_000 {
            rate.take(UnixNanos(number * SECOND / 20), 1).unwrap();
            assert!(rate.moments.len() <= 200);
        }
        assert_eq!(rate.peak(), 200);
        rate.take(UnixNanos(99_999 * SECOND / 20), 1).unwrap_err();
    }

    #[test]
    fn time_that_goes_back_gives_nothing_back() {
        let mut rate = rate(1);
        rate.take(UnixNanos(100 * SECOND), 10).unwrap();
        rate.take(UnixNanos(0), 1).unwrap_err();
        rate.take(UnixNanos(110 * SECOND), 9).unwrap();
        rate.take(UnixNanos(1), 1).unwrap();
        rate.take(UnixNanos(2), 1).unwrap_err();
    }

    #[test]
    fn nothing_may_be_all_that_is_allowed() {
        let mut rate = rate(0);
        rate.take(UnixNanos(1), 0).unwrap();
        rate.take(UnixNanos(1), 1).unwrap_err();
    }
}
