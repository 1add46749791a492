//! Random lengths of time, made from what each step is given.

use sandpit_core::time::Nanos;

use super::Backoff;

/// SplitMix64, stirred by every step.
#[derive(Clone, Debug, Default)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn stir(&mut self, chance: u64) {
        self.0 = self.0.rotate_left(17) ^ chance;
    }

    /// From nothing to `max`.
    pub(super) const fn up_to(&mut self, max: Nanos) -> Nanos {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        Nanos(mixed % max.0.saturating_add(1))
    }

    /// How long to wait after so many failures in a row: by chance up to a bound that doubles.
    pub(super) fn pause(&mut self, failures: u32, backoff: Backoff) -> Nanos {
        let factor = 1u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
        let bound = backoff.first.0.saturating_mul(factor).min(backoff.most.0);
        Nanos(self.up_to(Nanos(bound)).0.saturating_add(backoff.least.0))
    }
}
