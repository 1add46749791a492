//! Where a resting order stands in the queue of its price, by what the data tells of it.
//!
//! A trade at the price takes from those before us. A level that shrinks by more than was traded
//! had cancels; the data does not say whose. The two models differ in that alone. Both are those of
//! hftbacktest ("Order Fill", queue models: risk-averse, and probability-based with power and
//! logarithmic functions), in integers.

use crate::{
    matching::liquidity::less,
    num::{Price, Quantity},
};

/// How the queue before a resting order moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueModel {
    /// All that leaves was behind us, until there is less at the price than was before us. Nobody
    /// is faster than this.
    #[default]
    Conservative,
    /// What leaves without a trade is split between those before and those behind us. Before us
    /// goes `f(ahead) / (f(ahead) + f(behind))` of it, rounded down to the quantity's last digit.
    Probable(Split),
}

/// The function `f` of [`QueueModel::Probable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// `f(x) = x^n`, with n from 1 to [`Split::POWER_MAX`]: 1 splits evenly, a larger one takes
    /// more from the longer part.
    Power(u8),
    /// `f(x) = ln(1 + x)` of the quantity in units of the asset.
    Log,
}

impl Split {
    /// The largest power.
    pub const POWER_MAX: u8 = 8;
}

/// Digits after the binary point of a share.
const SHARE_BITS: u32 = 32;
/// Digits after the binary point of a fraction that is raised to a power.
const POWER_BITS: u32 = 60;

/// What stands before one order at its price.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    ahead: Quantity,
    /// Displayed at the last look.
    shown: Quantity,
    /// Traded at the price since then.
    traded: Quantity,
}

impl Queue {
    /// At the end of a queue of `displayed`.
    pub(super) const fn join(displayed: Quantity) -> Self {
        Self { ahead: displayed, shown: displayed, traded: Quantity::ZERO }
    }

    /// The market went through the price: whatever stood before us is done.
    pub(super) const fn pass(&mut self) {
        self.ahead = Quantity::ZERO;
    }

    /// A trade at the price, of which `left` has not gone to orders before this queue. Returns what
    /// of it comes to us.
    pub(super) fn trade(&mut self, whole: Quantity, left: Quantity) -> Quantity {
        let ours = less(left, self.ahead);
        self.ahead = less(self.ahead, left);
        self.traded = Quantity(self.traded.0.saturating_add(whole.0));
        ours
    }

    /// The price shows `displayed` now. No more than that can be before us. `unit` is one of the
    /// asset in the quantity's digits.
    pub(super) fn see(&mut self, displayed: Quantity, model: QueueModel, unit: u64) {
        if let QueueModel::Probable(split) = model {
            let left = less(self.shown, self.traded);
            let gone = less(left, displayed);
            if gone > Quantity::ZERO && self.ahead > Quantity::ZERO {
                self.ahead = less(self.ahead, gone_ahead(self.ahead, left, gone, split, unit));
            }
        }
        self.ahead = self.ahead.min(displayed);
        (self.shown, self.traded) = (displayed, Quantity::ZERO);
    }

    /// An order that came later is never before one that came earlier.
    pub(super) fn stay_behind(&mut self, earlier: Self) {
        self.ahead = self.ahead.max(earlier.ahead);
    }
}

/// How much of `gone` was before us, where `ahead` of `left` were. What cannot have been behind us
/// was before us.
fn gone_ahead(
    ahead: Quantity,
    left: Quantity,
    gone: Quantity,
    split: Split,
    unit: u64,
) -> Quantity {
    let behind = less(left, ahead);
    let share = share_ahead(to_u64(ahead), to_u64(behind), split, unit);
    let before = (u128::from(to_u64(gone)) * u128::from(share)) >> SHARE_BITS;
    let before = Quantity(i64::try_from(before).unwrap_or(i64::MAX));
    let after = less(gone, before);
    Quantity(before.0.saturating_add(less(after, behind).0))
}

/// `f(ahead) / (f(ahead) + f(behind))` in units of 2^−32, rounded down.
fn share_ahead(ahead: u64, behind: u64, split: Split, unit: u64) -> u64 {
    let (ahead, behind) = match split {
        Split::Power(n) => {
            let total = u128::from(ahead) + u128::from(behind);
            if total == 0 {
                return 0;
            }
            let one = 1u128 << POWER_BITS;
            let fraction = u128::from(ahead) * one / total;
            (power(fraction, n), power(one - fraction, n))
        }
        Split::Log => (log_of_ratio(ahead, unit), log_of_ratio(behind, unit)),
    };
    let share = (ahead << SHARE_BITS).checked_div(ahead + behind).unwrap_or(0);
    u64::try_from(share).unwrap_or(0)
}

/// A fraction of 2^−60 to the power of n, rounded down at each multiplication.
fn power(fraction: u128, n: u8) -> u128 {
    let one = 1u128 << POWER_BITS;
    (0..n.clamp(1, Split::POWER_MAX)).fold(one, |product, _| (product * fraction) >> POWER_BITS)
}

/// `log2((unit + x) / unit)` in units of 2^−32. The base does not matter to a ratio of two.
fn log_of_ratio(x: u64, unit: u64) -> u128 {
    u128::from(log2(unit.saturating_add(x)).saturating_sub(log2(unit)))
}

/// The logarithm to base 2 in units of 2^−32, rounded down; zero for zero. One digit at a time: the
/// square of a number from 1 to 2 is above 2 where the next digit is one.
fn log2(x: u64) -> u64 {
    let Some(whole) = x.checked_ilog2() else {
        return 0;
    };
    let mut number = u128::from(x) << (63 - whole);
    let mut digits = u64::from(whole);
    for _ in 0..SHARE_BITS {
        number = (number * number) >> 63;
        let above = number >> 64 != 0;
        digits = (digits << 1) | u64::from(above);
        number >>= u32::from(above);
    }
    digits
}

/// Quantities here are never negative.
fn to_u64(quantity: Quantity) -> u64 {
    u64::try_from(quantity.0).unwrap_or(0)
}

/// Keeps the orders of one price in their order while their queues are looked at, earliest first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    last: Option<(Price, Queue)>,
}

impl Line {
    /// The next order, at `price`.
    pub(super) fn follow(&mut self, price: Price, queue: &mut Queue) {
        if let Some((at, earlier)) = self.last
            && at == price
        {
            queue.stay_behind(earlier);
        }
        self.last = Some((price, *queue));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: u64 = 1 << SHARE_BITS;

    fn splits() -> impl Strategy<Value = Split> {
        prop_oneof![(1..=Split::POWER_MAX).prop_map(Split::Power), Just(Split::Log)]
    }

    #[test]
    fn logarithms_are_right() {
        for (x, expected) in [(1, 0), (2, ONE), (1_024, 10 * ONE), (3, 6_807_362_105)] {
            assert_eq!(log2(x), expected, "log2({x})");
        }
        assert_eq!(log2(0), 0);
        assert_eq!(log2(u64::MAX) >> SHARE_BITS, 63);
    }

    #[test]
    fn shares_are_those_of_the_formula() {
        // 30 before, 10 behind: 3/4, 9/10, 27/28.
        for (split, expected) in [
            (Split::Power(1), 3 * ONE / 4),
            (Split::Power(2), 9 * ONE / 10),
            (Split::Power(3), 27 * ONE / 28),
        ] {
            let share = share_ahead(30, 10, split, 1);
            assert!(expected.abs_diff(share) <= 2, "{split:?}: {share}, not {expected}");
        }
        // ln(4) / (ln(4) + ln(2)) = 2/3, in units of 100.
        assert!((2 * ONE / 3).abs_diff(share_ahead(300, 100, Split::Log, 100)) <= 2);
        assert_eq!(share_ahead(0, 0, Split::Log, 1), 0);
    }

    proptest! {
        #[test]
        fn a_share_is_a_share_and_grows_with_what_is_ahead(
            ahead in 0u64..1_000_000_000_000_000,
            more in 0u64..1_000_000_000_000,
            behind in 0u64..1_000_000_000_000_000,
            split in splits(),
        ) {
            let share = share_ahead(ahead, behind, split, 100_000);
            prop_assert!(share <= ONE);
            prop_assert!(share_ahead(ahead + more, behind, split, 100_000) >= share.saturating_sub(1));
        }

        /// Whatever happens, the probable queue is between nothing and the conservative one, and
        /// no one gets more of a trade than there was.
        #[test]
        fn the_probable_queue_is_never_longer_than_the_conservative_one(
            first in 0i64..1_000,
            events in prop::collection::vec((any::<bool>(), 0i64..1_000), 0..60),
            split in splits(),
        ) {
            let mut probable = Queue::join(Quantity(first));
            let mut conservative = probable;
            for (is_trade, quantity) in events {
                let quantity = Quantity(quantity);
                if is_trade {
                    let got = conservative.trade(quantity, quantity);
                    let likely = probable.trade(quantity, quantity);
                    prop_assert!(Quantity::ZERO <= got && got <= likely && likely <= quantity);
                } else {
                    conservative.see(quantity, QueueModel::Conservative, 10);
                    probable.see(quantity, QueueModel::Probable(split), 10);
                    prop_assert!(probable.ahead <= quantity);
                }
                prop_assert!(Quantity::ZERO <= probable.ahead);
                prop_assert!(probable.ahead <= conservative.ahead);
            }
        }
    }
}
