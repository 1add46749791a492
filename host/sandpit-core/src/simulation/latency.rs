//! How long messages are on their way. Deterministic: the jitter comes from a seed, not from a
//! clock.
//!
//! A connection delivers in the order of sending, as TCP does: whatever a model says, no message
//! arrives before one that left earlier in the same direction. So arrivals are monotone for each of
//! the two directions, orders (with changes and cancels) and reports, under all models.

use crate::{
    market::MarketEvent,
    num::Rate,
    time::{Nanos, UnixNanos},
};

/// The longest way of market data that [`Latency::Recorded`] believes: one minute. A stamp that is
/// farther off is a broken clock, not a slow line.
pub const FEED_LATENCY_MAX: Nanos = Nanos(60 * 1_000_000_000);

/// A model of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Fixed(Nanos),
    /// At least `base`, and up to `spread` more, each length as likely, by `seed`.
    Jitter {
        /// The least.
        base: Nanos,
        /// The most that is added.
        spread: Nanos,
        /// Of the random numbers.
        seed: u64,
    },
    /// What the stream's own stamps say of the line just now: the way of the last market event from
    /// the venue to the recorder, times `factor`, plus `plus`. Where the source has one stamp only,
    /// or the venue's clock is ahead, that way is zero.
    Recorded {
        /// How much slower this direction is than market data.
        factor: Rate,
        /// Added to it, for the venue's own work.
        plus: Nanos,
    },
}

impl Default for Latency {
    fn default() -> Self {
        Self::Fixed(Nanos(0))
    }
}

/// One direction of a connection.
#[derive(Clone, Debug)]
pub struct Line {
    latency: Latency,
    random: u64,
    feed: Nanos,
    last: UnixNanos,
}

impl Line {
    /// A line on which nothing is under way.
    #[must_use]
    pub const fn new(latency: Latency) -> Self {
        let random = match latency {
            Latency::Jitter { seed, .. } => seed,
            Latency::Fixed(_) | Latency::Recorded { .. } => 0,
        };
        Self { latency, random, feed: Nanos(0), last: UnixNanos(0) }
    }

    /// Takes note of how long a market event was on its way.
    pub fn see(&mut self, event: &MarketEvent) {
        if let Latency::Recorded { .. } = self.latency {
            self.feed = event.time.since(event.venue_time).min(FEED_LATENCY_MAX);
        }
    }

    /// When what leaves now arrives.
    pub fn arrival(&mut self, now: UnixNanos) -> UnixNanos {
        let way = match self.latency {
            Latency::Fixed(way) => way,
            Latency::Jitter { base, spread, .. } => {
                Nanos(base.0.saturating_add(self.draw(spread.0)))
            }
            Latency::Recorded { factor, plus } => {
                Nanos(scaled(self.feed, factor).saturating_add(plus.0))
            }
        };
        self.last = self.last.max(now.plus(way));
        self.last
    }

    /// From 0 to `most`, each as likely but for less than 2^−64. The numbers are those of
    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
    fn draw(&mut self, most: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let below = u128::from(bits) * (u128::from(most) + 1);
        u64::try_from(below >> 64).unwrap_or(most)
    }
}

/// A length times a rate, rounded down; nothing for a negative one.
fn scaled(length: Nanos, factor: Rate) -> u64 {
    /// One, as a raw rate.
    const ONE: u128 = 10u128.pow(Rate::SCALE as u32);
    let factor = u128::try_from(factor.0).unwrap_or(0);
    u64::try_from(u128::from(length.0) * factor / ONE).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::InstrumentId,
        market::MarketData,
        num::{Decimal, Price},
    };
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn event(venue: u64, host: u64) -> MarketEvent {
        MarketEvent {
            instrument: InstrumentId(0),
            time: UnixNanos(host),
            venue_time: UnixNanos(venue),
            data: MarketData::Mark(Price(1)),
        }
    }

    #[test]
    fn the_recorded_way_is_scaled() {
        let factor = Rate::from_decimal(Decimal::new(15, 1)).unwrap();
        let mut line = Line::new(Latency::Recorded { factor, plus: Nanos(7) });
        assert_eq!(line.arrival(UnixNanos(0)), UnixNanos(7));
        line.see(&event(100, 120));
        assert_eq!(line.arrival(UnixNanos(120)), UnixNanos(157));
        // The venue's clock is ahead of ours.
        line.see(&event(300, 200));
        assert_eq!(line.arrival(UnixNanos(200)), UnixNanos(207));
        // A broken stamp.
        line.see(&event(0, u64::MAX / 2));
        let most = FEED_LATENCY_MAX.0 + FEED_LATENCY_MAX.0 / 2 + 7;
        assert_eq!(line.arrival(UnixNanos(300)), UnixNanos(300 + most));
    }

    fn jittered(seed: u64) -> Vec<u64> {
        let (base, spread) = (Nanos(1_000), Nanos(500));
        let mut line = Line::new(Latency::Jitter { base, spread, seed });
        (0..1_000u64).map(|i| line.arrival(UnixNanos(i * 10_000)).0 - i * 10_000).collect()
    }

    #[test]
    fn jitter_has_its_bounds_and_its_seed() {
        let ways = jittered(1);
        assert!(ways.iter().all(|way| (1_000..=1_500).contains(way)));
        let mean = ways.iter().sum::<u64>() / 1_000;
        assert!((1_230..1_270).contains(&mean), "{mean}");
        assert_eq!(ways, jittered(1));
        assert_ne!(ways, jittered(2));
    }

    proptest! {
        /// Nothing overtakes, however the line changes.
        #[test]
        fn arrivals_are_in_the_order_of_leaving(
            seed in any::<u64>(),
            spread in any::<u64>(),
            steps in prop::collection::vec((0u64..1_000, 0u64..100_000), 1..100),
        ) {
            for latency in [
                Latency::Jitter { base: Nanos(3), spread: Nanos(spread), seed },
                Latency::Recorded { factor: Rate(3_000_000_000_000), plus: Nanos(1) },
            ] {
                let (mut line, mut now, mut before) = (Line::new(latency), 0, UnixNanos(0));
                for (step, way) in &steps {
                    now += step;
                    line.see(&event(now.saturating_sub(*way), now));
                    let arrival = line.arrival(UnixNanos(now));
                    prop_assert!(arrival >= before && arrival > UnixNanos(now));
                    before = arrival;
                }
            }
        }
    }
}
