//! How much a plugin uses over time: processor time over a minute, intents over ten seconds. The
//! first is the wall clock's, since it is the machine that is to be shared; the second is counted
//! in the engine's time.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use sandpit_core::time::{Nanos, UnixNanos};

/// Processor time is counted over so long.
pub(super) const CPU_WINDOW: Duration = Duration::from_secs(60);
/// Time between two looks at one process.
pub(super) const CPU_LOOK_EVERY: Duration = Duration::from_secs(1);
/// Intents of all plugins are counted over so many seconds.
pub(super) const INTENT_WINDOW_SECONDS: u64 = 10;
/// The same as a number of places.
const INTENT_PLACES: usize = 10;

/// Processor time of one plugin over the last minute, over all processes that it had.
#[derive(Clone, Debug, Default)]
pub(super) struct CpuShare {
    /// When it was looked at, and what had been used by then; a minute of them.
    looks: VecDeque<(Instant, Duration)>,
    /// Of processes that are gone.
    before: Duration,
    /// Of the process that there is.
    current: Duration,
}

impl CpuShare {
    /// Takes in what the process has used since it began.
    pub(super) fn look(&mut self, now: Instant, used: Duration) {
        self.current = used.max(self.current);
        let total = self.before + self.current;
        self.looks.push_back((now, total));
        // The last look from before the window is where it begins.
        while self.looks.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= CPU_WINDOW) {
            self.looks.pop_front();
        }
    }

    /// The process is gone; the next one begins at nothing.
    pub(super) fn end_process(&mut self) {
        self.before += self.current;
        self.current = Duration::ZERO;
    }

    /// Processor time within the window.
    pub(super) fn used(&self) -> Duration {
        match (self.looks.front(), self.looks.back()) {
            (Some((_, first)), Some((_, last))) => last.saturating_sub(*first),
            _ => Duration::ZERO,
        }
    }
}

/// The part of a minute that a share in percent of one core is.
pub(super) fn allowance(percent: u32) -> Duration {
    CPU_WINDOW.saturating_mul(percent) / 100
}

/// Intents over the last seconds, by second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IntentCount {
    second: u64,
    counts: [u32; INTENT_PLACES],
}

impl IntentCount {
    /// Takes in `count` more.
    pub(super) fn add(&mut self, now: UnixNanos, count: usize) {
        self.turn(now);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let place = &mut self.counts[place(self.second)];
        *place = place.saturating_add(count);
    }

    /// How many there were within the window that ends now.
    pub(super) fn within(&mut self, now: UnixNanos) -> u64 {
        self.turn(now);
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    fn turn(&mut self, now: UnixNanos) {
        let second = now.0 / Nanos::SECOND.0;
        if second <= self.second {
            return;
        }
        let passed = (second - self.second).min(INTENT_WINDOW_SECONDS);
        for back in 0..passed {
            self.counts[place(second - back)] = 0;
        }
        self.second = second;
    }
}

/// Where a second is counted.
fn place(second: u64) -> usize {
    usize::try_from(second % INTENT_WINDOW_SECONDS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_that_of_the_last_minute_over_all_processes() {
        let begun = Instant::now();
        let at = |second| begun + Duration::from_secs(second);
        let mut share = CpuShare::default();
        for second in 0..=90 {
            share.look(at(second), Duration::from_millis(100 * second));
        }
        assert_eq!(share.used(), Duration::from_secs(6));
        // A new process begins at nothing, and hides nothing of what the old one used.
        share.end_process();
        share.look(at(91), Duration::from_millis(50));
        assert_eq!(share.used(), Duration::from_millis(5_950));
        share.look(at(200), Duration::from_millis(60));
        assert_eq!(share.used(), Duration::from_millis(10));
    }

    #[test]
    fn a_share_is_a_part_of_a_minute() {
        assert_eq!(allowance(25), Duration::from_secs(15));
        assert_eq!(allowance(150), Duration::from_secs(90));
    }

    #[test]
    fn intents_are_counted_over_ten_seconds() {
        let at = |second: u64| UnixNanos(second * Nanos::SECOND.0);
        let mut count = IntentCount::default();
        for second in 100..120 {
            count.add(at(second), 3);
        }
        assert_eq!(count.within(at(119)), 30);
        assert_eq!(count.within(at(124)), 15);
        assert_eq!(count.within(at(129)), 0);
        count.add(at(1_000), 1);
        assert_eq!(count.within(at(1_000)), 1);
    }
}
