//! Binance Spot's machine against a small scripted exchange, on a virtual clock: delays, lost and
//! repeated messages, errors after acceptance, disconnects, bans and clocks that are off.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the numbers of these tests are small"
)]

mod fake;
mod filters;
mod gate;
mod keys;
mod limits;
mod orders;
mod rotation;
mod rules;
mod scenes;
mod simulation;
mod world;

pub(crate) use keys::{KEY, signer};

/// Numbers by chance: SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn in_hundred(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
