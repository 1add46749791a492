//! The source of chance: SplitMix64, whose output never changes with a library's version.
//!
//! From Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014. Good enough to
//! make a market look uneven; not for secrets.

/// A generator with 64 bits of state.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// Starts from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound - 1`; 0 for a bound of 0. The bias for bounds far below 2^64 does
    /// not matter here.
    pub const fn below(&mut self, bound: u32) -> i64 {
        // The upper half of a 32 × 32 bit product is below the bound.
        (((self.next_u64() >> 32) * bound as u64) >> 32).cast_signed()
    }

    /// True once in `bound` times.
    pub const fn one_in(&mut self, bound: u32) -> bool {
        self.below(bound) == 0
    }

    /// How often a coin fell the same way: 0 half of the time, 1 a quarter of it, up to `max`.
    pub const fn coin_run(&mut self, max: u32) -> u32 {
        let run = self.next_u64().trailing_zeros();
        if run < max { run } else { max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_numbers() {
        // First outputs for seed 1234567, as in the reference implementation.
        let mut generator = SplitMix64::new(1_234_567);
        assert_eq!(generator.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(generator.next_u64(), 3_203_168_211_198_807_973);
        assert_eq!(generator.next_u64(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn stays_below_its_bound() {
        let mut generator = SplitMix64::new(1);
        let mut seen = [0; 6];
        for _ in 0..6_000 {
            seen[usize::try_from(generator.below(6)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
        assert_eq!(generator.below(0), 0);
        assert!((0..1_000).all(|_| generator.coin_run(5) <= 5));
    }
}
