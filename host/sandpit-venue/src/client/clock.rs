//! The wall clock as a machine may see it, and chance. Both are read here and nowhere else in this
//! crate.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sandpit_core::time::UnixNanos;

/// The wall clock, made so that it never goes back and never stands still.
///
/// Where the system's clock is set back, this one goes on at half speed until the system's has
/// caught up: deadlines still come, at most twice as late.
#[derive(Debug)]
pub(super) struct Wall {
    last: u64,
    seen: Instant,
}

impl Wall {
    pub(super) fn new() -> Self {
        Self { last: system(), seen: Instant::now() }
    }

    pub(super) fn read(&mut self) -> UnixNanos {
        self.at(system(), Instant::now())
    }

    fn at(&mut self, system: u64, instant: Instant) -> UnixNanos {
        let passed = instant.saturating_duration_since(self.seen).as_nanos();
        self.seen = instant;
        if system < self.last {
            let half = u64::try_from(passed / 2).unwrap_or(u64::MAX);
            self.last = self.last.saturating_add(half);
        } else {
            self.last = system;
        }
        UnixNanos(self.last)
    }
}

fn system() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Random numbers from one seed of the operating system: for pauses and samples, not for secrets.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(Self)
    }

    /// The next one (SplitMix64).
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn never_goes_back_and_never_stands_still() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        const SECOND: u64 = 1_000_000_000;
        let mut wall = Wall { last: 1_000 * SECOND, seen: start };
        assert_eq!(wall.at(1_001 * SECOND, after(1)), UnixNanos(1_001 * SECOND));
        // Set back by ten seconds: half speed …
        assert_eq!(wall.at(992 * SECOND, after(2)).0, 1_001 * SECOND + SECOND / 2);
        assert_eq!(wall.at(1_000 * SECOND, after(10)).0, 1_005 * SECOND + SECOND / 2);
        // … until it has caught up.
        assert_eq!(wall.at(1_010 * SECOND, after(20)).0, 1_010 * SECOND);
        // Set on: followed at once.
        assert_eq!(wall.at(5_000 * SECOND, after(21)).0, 5_000 * SECOND);
        assert_eq!(wall.at(0, after(21)).0, 5_000 * SECOND);
    }

    #[test]
    fn chance_is_that_of_the_known_generator() {
        // The published first numbers of SplitMix64 for this seed.
        let mut chance = Chance(1_234_567);
        assert_eq!(
            [chance.next(), chance.next(), chance.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }
}
