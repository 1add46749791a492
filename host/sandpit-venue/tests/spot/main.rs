//! Binance Spot's machine against a small scripted exchange, on a virtual clock: delays, lost and
//! repeated messages, errors after acceptance, disconnects, bans and clocks that are off.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the numbers of these tests are small"
)]

mod fake;
mod gate;
mod scenes;
mod simulation;
mod world;

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

/// A signature that anybody can make; the exchange here makes it anew and compares.
pub(crate) struct Signer;

pub(crate) const KEY: &str = "key-of-a-test";

pub(crate) fn signature(payload: &[u8]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in payload {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

impl sandpit_venue::binance::sign::Signer for Signer {
    fn api_key(&self) -> &str {
        KEY
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        out.push_str(&signature(payload));
    }
}
