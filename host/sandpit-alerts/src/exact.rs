//! Comparisons of ratios, medians and deviations in whole numbers: products are 192 bits wide, and
//! nothing is rounded before it is compared.

use sandpit_core::num::{Decimal, Money, SCALE_MAX};

/// Whether `left × by > right × times`.
pub(crate) fn is_more(left: u128, by: u64, right: u128, times: u64) -> bool {
    product(left, by) > product(right, times)
}

/// `value × by`: what is above 64 bits, and the lowest 64 bits.
fn product(value: u128, by: u64) -> (u128, u64) {
    const LOW: u128 = u64::MAX as u128;
    let low = (value & LOW) * u128::from(by);
    let high = (value >> 64) * u128::from(by) + (low >> 64);
    (high, u64::try_from(low & LOW).unwrap_or(u64::MAX))
}

/// `value × by / of`, rounded down, at most what fits; for texts, which need no more.
pub(crate) fn share(value: u128, by: u64, of: u128) -> u64 {
    let (mut value, mut of) = (value, of);
    // Digits that no text shows.
    while value > u128::MAX >> 64 {
        value >>= 1;
        of >>= 1;
    }
    let share = (value * u128::from(by)).checked_div(of).unwrap_or(u128::MAX);
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// What a decimal says, in units of 10^−18; `None` where its scale is none.
pub(crate) fn units(decimal: Decimal) -> Option<i128> {
    if decimal.scale > SCALE_MAX {
        return None;
    }
    Money::from_decimal(decimal).map(|money| money.0)
}

/// The middle of a list, four times: whole even where it lies between two. Empty lists have none.
pub(crate) fn median_times_four(sorted: &[u128]) -> Option<u128> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    // A volume has at most 123 bits (see `units`), so that this fits.
    Some(lower.saturating_add(upper).saturating_mul(2))
}

/// What is usual, as two numbers that a few strange ones do not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usual {
    /// The median, times four.
    pub(crate) median_times_four: u128,
    spread: Spread,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spread {
    /// The median of the absolute deviations from the median, times sixteen.
    Median(u128),
    /// The sum of the absolute deviations, times four, and of how many; where more than half of them
    /// are zero.
    Mean(u128, u64),
}

impl Usual {
    /// What is usual in a list.
    pub(crate) fn of(values: impl Iterator<Item = u128>) -> Option<Self> {
        let mut sorted: Vec<u128> = values.collect();
        sorted.sort_unstable();
        let median = median_times_four(&sorted)?;
        for value in &mut sorted {
            *value = value.saturating_mul(4).abs_diff(median);
        }
        sorted.sort_unstable();
        let spread = match median_times_four(&sorted)? {
            0 => {
                let sum = sorted.iter().fold(0u128, |sum, value| sum.saturating_add(*value));
                Spread::Mean(sum, u64::try_from(sorted.len()).unwrap_or(u64::MAX))
            }
            spread => Spread::Median(spread),
        };
        Some(Self { median_times_four: median, spread })
    }

    /// Whether the modified z-score of a value above the median is over `z_milli` thousandths:
    /// 0.6745 (x − median) / MAD, where MAD is the median of the absolute deviations from the
    /// median; and (x − median) / (1.253314 × mean absolute deviation) where MAD is zero.
    ///
    /// B. Iglewicz and D. C. Hoaglin, "How to Detect and Handle Outliers", The ASQC Basic References
    /// in Quality Control: Statistical Techniques, vol. 16 (1993), who take 3.5 as the bound; the
    /// second form is the one that IBM's SPSS documents for "Modified z score" with a MAD of zero.
    pub(crate) fn is_outlier(&self, value: u128, z_milli: u64) -> bool {
        let Some(above) = value.saturating_mul(4).checked_sub(self.median_times_four) else {
            return false;
        };
        match self.spread {
            // 0.6745 × above/4 > z/1000 × MAD/16, times 160,000,000 / 4.
            Spread::Median(spread) => {
                is_more(above, 4 * 6_745 * 1_000, spread, z_milli.saturating_mul(10_000))
            }
            Spread::Mean(0, _) => above > 0,
            // above/4 > z/1000 × 1.253314 × sum/4 / count.
            Spread::Mean(sum, count) => is_more(
                above,
                count.saturating_mul(1_000_000_000),
                sum,
                z_milli.saturating_mul(1_253_314),
            ),
        }
    }

    /// The z-score in tenths, for a text.
    pub(crate) fn z_tenths(&self, value: u128) -> u64 {
        let above = value.saturating_mul(4).saturating_sub(self.median_times_four);
        match self.spread {
            Spread::Median(spread) => share(above, 4 * 6_745 * 10, spread.saturating_mul(10_000)),
            Spread::Mean(sum, count) => {
                share(above, count.saturating_mul(10_000_000), sum.saturating_mul(1_253_314))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_do_not_overflow() {
        assert!(is_more(u128::MAX, 3, u128::MAX, 2));
        assert!(!is_more(u128::MAX, 2, u128::MAX, 2));
        assert!(is_more(10, 10, 33, 3));
        assert!(!is_more(33, 3, 10, 10));
        assert_eq!(share(u128::MAX, 100, u128::MAX / 2), 200);
        assert_eq!(share(1, 100, 0), u64::MAX);
    }

    fn usual(values: &[u128]) -> Usual {
        Usual::of(values.iter().copied()).unwrap()
    }

    #[test]
    fn the_score_is_the_documented_one() {
        // Median 3.5, deviations 2.5 1.5 0.5 0.5 1.5 96.5: MAD 1.5. 100: 0.6745 × 96.5 / 1.5 = 43.39.
        let six = usual(&[1, 2, 3, 4, 5, 100]);
        assert_eq!(six.median_times_four, 14);
        assert_eq!(six.z_tenths(100), 433);
        assert!(six.is_outlier(100, 43_390) && !six.is_outlier(100, 43_400));
        // 12: 0.6745 × 8.5 / 1.5 = 3.822; 11: 3.372.
        assert!(six.is_outlier(12, 3_500) && !six.is_outlier(11, 3_500));
        // Below the median nothing is unusual here.
        assert!(!six.is_outlier(0, 1));
    }

    #[test]
    fn where_most_are_the_same_the_mean_deviation_counts() {
        // Median 10, MAD 0, mean deviation 5/5 = 1: 15 is 5/1.253314 = 3.989.
        let same = usual(&[10, 10, 10, 10, 15]);
        assert!(same.is_outlier(15, 3_989) && !same.is_outlier(15, 3_990));
        assert_eq!(same.z_tenths(15), 39);
        let all = usual(&[10; 5]);
        assert!(all.is_outlier(11, 3_500) && !all.is_outlier(10, 3_500));
        assert_eq!(Usual::of([].into_iter()), None);
    }

    proptest::proptest! {
        /// Against the same in rational numbers of 256 bits by hand: two products compared.
        #[test]
        fn comparisons_are_exact(left: u64, by: u64, right: u64, times: u64) {
            let plain = u128::from(left) * u128::from(by) > u128::from(right) * u128::from(times);
            proptest::prop_assert_eq!(
                is_more(u128::from(left), by, u128::from(right), times), plain);
        }

        /// No numbers end it.
        #[test]
        fn nothing_panics(values in proptest::collection::vec(0u128.., 1..40), value: u128, z: u64) {
            let usual = Usual::of(values.into_iter()).unwrap();
            let _ = (usual.is_outlier(value, z), usual.z_tenths(value));
        }
    }
}
