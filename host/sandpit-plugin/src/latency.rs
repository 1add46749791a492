//! How long calls take, counted in buckets: cheap to write, bounded in size, exact to one part in
//! eight.

use std::num::NonZeroU32;

/// Which calls are timed. Reading the clock twice costs as much as a short call, so not all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// None.
    Off,
    /// Every so many, the first one included.
    Every(NonZeroU32),
}

impl Default for Sampling {
    /// Every 64th.
    fn default() -> Self {
        const EVERY: NonZeroU32 = NonZeroU32::new(64).unwrap();
        Self::Every(EVERY)
    }
}

/// Buckets for each doubling.
const STEPS: u32 = 8;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Up to 2^40 ns, 18 minutes; what is longer counts as that.
const DOUBLINGS: u32 = 40;
const BUCKETS: usize = (DOUBLINGS * STEPS) as usize;

/// Durations of the sampled calls, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    buckets: Box<[u64; BUCKETS]>,
    samples: u64,
    max_ns: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { buckets: Box::new([0; BUCKETS]), samples: 0, max_ns: 0 }
    }
}

impl Latency {
    /// Counts one call.
    pub(crate) fn record(&mut self, ns: u64) {
        self.buckets[bucket(ns)] += 1;
        self.samples += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    /// Calls that were timed.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// The longest of them.
    #[must_use]
    pub const fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The duration that `per_mille` of 1,000 sampled calls stayed within, rounded up by at most an
    /// eighth; zero where none was sampled.
    #[must_use]
    pub fn quantile_ns(&self, per_mille: u32) -> u64 {
        let share = u128::from(self.samples) * u128::from(per_mille.min(1_000));
        let wanted = u64::try_from(share.div_ceil(1_000)).unwrap_or(u64::MAX).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(index).min(self.max_ns);
            }
        }
        self.max_ns
    }
}

/// Values below [`STEPS`] have a bucket each; above, the three bits after the leading one tell.
fn bucket(ns: u64) -> usize {
    if ns < u64::from(STEPS) {
        return usize::try_from(ns).unwrap_or(0);
    }
    let exponent = ns.ilog2();
    let step = (ns >> (exponent - STEP_BITS)) & u64::from(STEPS - 1);
    let index = u64::from((exponent - STEP_BITS + 1) * STEPS) + step;
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

/// The largest value of a bucket.
fn upper(index: usize) -> u64 {
    let index = index as u64;
    let (row, step) = (index / u64::from(STEPS), index % u64::from(STEPS));
    if row == 0 {
        return step;
    }
    ((u64::from(STEPS) + step + 1) << (row - 1)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_ends_where_the_next_begins() {
        for index in 0..BUCKETS - 1 {
            assert_eq!(bucket(upper(index)), index);
            assert_eq!(bucket(upper(index) + 1), index + 1);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_within_an_eighth() {
        let mut latency = Latency::default();
        assert_eq!(latency.quantile_ns(500), 0);
        for ns in 1..=1_000 {
            latency.record(ns);
        }
        assert!((500..=563).contains(&latency.quantile_ns(500)));
        assert!((990..=1_000).contains(&latency.quantile_ns(990)));
        assert_eq!(
            (latency.samples(), latency.max_ns(), latency.quantile_ns(1_000)),
            (1_000, 1_000, 1_000)
        );
    }
}
