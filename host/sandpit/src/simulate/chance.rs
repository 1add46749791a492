//! Chance, all of it from one seed: the same seed gives the same world on every machine.

use sandpit_core::time::Nanos;

use crate::synthetic::SplitMix64;

/// A source of chance.
#[derive(Clone, Debug)]
pub(super) struct Chance(SplitMix64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// A source of its own, so that what one part of the world draws does not move another.
    pub(super) const fn fork(&mut self) -> Self {
        Self::new(self.0.next_u64())
    }

    /// A number from 0 to `bound - 1`; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The upper half of a 64 × 64 bit product is below the bound.
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// A signed number from `low` to `high`, both included.
    pub(super) fn whole(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).saturating_add(1);
        low.saturating_add_unsigned(self.below(span))
    }

    /// An index into `length` things; 0 where there are none.
    pub(super) fn index(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// One of them.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.index(from.len()))
    }

    pub(super) fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    /// True once in `bound` times; never for 0.
    pub(super) fn one_in(&mut self, bound: u64) -> bool {
        bound != 0 && self.below(bound) == 0
    }

    /// True so many times out of ten thousand.
    pub(super) fn often(&mut self, of_10_000: u64) -> bool {
        of_10_000 != 0 && self.below(10_000) < of_10_000
    }

    /// A pause from `low_ms` to `high_ms` milliseconds, to the nanosecond.
    pub(super) fn pause_ms(&mut self, low_ms: u64, high_ms: u64) -> Nanos {
        Nanos(self.between(Nanos::from_millis(low_ms).0, Nanos::from_millis(high_ms).0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_bounds() {
        let mut chance = Chance::new(7);
        let (mut low, mut high) = (i64::MAX, i64::MIN);
        for _ in 0..10_000 {
            let number = chance.whole(-3, 4);
            low = low.min(number);
            high = high.max(number);
        }
        assert_eq!((low, high), (-3, 4));
        assert_eq!(chance.below(0), 0);
        assert!(!chance.one_in(0));
        assert!(chance.pick::<u8>(&[]).is_none());
    }
}
