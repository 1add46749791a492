//! Returns of equal periods (UTC hours or days) with running moments: the statistics never need
//! the list, which is kept, within a bound, for tables and charts.

use sandpit_core::{num::Money, time::UnixNanos};

use super::metrics::ratio;

/// Running mean and squares of returns.
///
/// Welford, "Note on a method for calculating corrected sums of squares and products",
/// Technometrics 4 (1962); periods without a return are merged in by the rule of Chan, Golub and
/// LeVeque (1983). Only + − × ÷ on `f64`, so every machine gives the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Moments {
    /// How many returns.
    pub(crate) count: u64,
    /// Their mean.
    pub(crate) mean: f64,
    /// Sum of squared deviations from the mean.
    pub(crate) squares: f64,
    /// Sum of the squares of negative returns.
    pub(crate) downside_squares: f64,
}

impl Moments {
    fn push(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / as_f64(self.count);
        self.squares += delta * (value - self.mean);
        if value < 0.0 {
            self.downside_squares += value * value;
        }
    }

    fn push_zeros(&mut self, zeros: u64) {
        if zeros == 0 {
            return;
        }
        let (before, added) = (as_f64(self.count), as_f64(zeros));
        let total = before + added;
        self.squares += self.mean * self.mean * before * added / total;
        self.mean = self.mean * before / total;
        self.count += zeros;
    }
}

/// Exact below 2^53, which no count here reaches.
#[expect(clippy::cast_precision_loss, reason = "counts of periods stay far below 2^53")]
pub(crate) const fn as_f64(count: u64) -> f64 {
    count as f64
}

/// The end of one period that had events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeriodEnd {
    /// Periods since 1970.
    pub(crate) index: u64,
    /// Equity before it.
    pub(crate) opening: Money,
    /// Equity at its end.
    pub(crate) closing: Money,
}

/// Period after period of one equity.
#[derive(Clone, Debug)]
pub(crate) struct Returns {
    width: u64,
    index: u64,
    opening: Money,
    moments: Moments,
    /// The equity was zero or less at the start of a period, where a return has no meaning.
    ruined: bool,
    kept: Vec<PeriodEnd>,
    kept_max: usize,
    dropped: u64,
}

impl Returns {
    /// Periods of `width` nanoseconds from the one that `time` is in; the first `kept_max` that
    /// have events are kept for show.
    pub(crate) const fn new(width: u64, kept_max: usize, opening: Money, time: UnixNanos) -> Self {
        Self {
            width,
            index: time.0 / width,
            opening,
            moments: Moments { count: 0, mean: 0.0, squares: 0.0, downside_squares: 0.0 },
            ruined: false,
            kept: Vec::new(),
            kept_max,
            dropped: 0,
        }
    }

    /// Time has come to `time`; until now the equity was `closing`. Periods that were skipped
    /// count as returns of zero: the market was open, and nothing changed.
    pub(crate) fn advance(&mut self, time: UnixNanos, closing: Money) {
        let index = time.0 / self.width;
        if index <= self.index {
            return;
        }
        self.close(closing);
        self.moments.push_zeros(index - self.index - 1);
        self.index = index;
        self.opening = closing;
    }

    /// Closes the period that is open.
    pub(crate) fn close(&mut self, closing: Money) {
        match ratio(closing - self.opening, self.opening) {
            Some(value) if self.opening > Money::ZERO => self.moments.push(value),
            _ => self.ruined = true,
        }
        if self.kept.len() < self.kept_max {
            self.kept.push(PeriodEnd { index: self.index, opening: self.opening, closing });
        } else {
            self.dropped += 1;
        }
    }

    /// The moments; `None` once the equity was gone.
    pub(crate) fn moments(&self) -> Option<&Moments> {
        (!self.ruined).then_some(&self.moments)
    }

    /// How many periods there were, quiet ones included.
    pub(crate) const fn count(&self) -> u64 {
        self.moments.count
    }

    /// The periods that are kept, in order.
    pub(crate) fn kept(&self) -> &[PeriodEnd] {
        &self.kept
    }

    /// How many were not.
    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moments_equal_two_plain_passes(
            steps in prop::collection::vec((1u64..4, 1i64..2_000_000), 2..120),
        ) {
            let mut returns = Returns::new(10, usize::MAX, Money(1_000_000), UnixNanos(5));
            let (mut plain, mut index, mut last) = (Vec::new(), 0u64, 1_000_000i64);
            for (step, equity) in &steps {
                // The equity changes within the period, then time moves on.
                plain.push(*equity as f64 / last as f64 - 1.0);
                plain.extend(std::iter::repeat_n(0.0, usize::try_from(*step - 1).unwrap()));
                last = *equity;
                index += step;
                returns.advance(UnixNanos(index * 10 + 3), Money(i128::from(*equity)));
            }
            let n = plain.len() as f64;
            let mean = plain.iter().sum::<f64>() / n;
            let squares = plain.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>();
            let downside = plain.iter().map(|r| r.min(0.0).powi(2)).sum::<f64>();
            let found = returns.moments().unwrap();
            prop_assert_eq!(found.count, plain.len() as u64);
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
            prop_assert!(near(found.mean, mean), "{} {}", found.mean, mean);
            prop_assert!(near(found.squares, squares), "{} {}", found.squares, squares);
            prop_assert!(near(found.downside_squares, downside));
        }
    }

    #[test]
    fn no_returns_without_equity() {
        let mut returns = Returns::new(10, 4, Money(5), UnixNanos(0));
        returns.advance(UnixNanos(10), Money(-1));
        assert!(returns.moments().is_some());
        returns.advance(UnixNanos(20), Money(7));
        assert!(returns.moments().is_none());
    }

    #[test]
    fn keeps_no_more_than_allowed() {
        let mut returns = Returns::new(10, 3, Money(5), UnixNanos(0));
        for period in 1..100 {
            returns.advance(UnixNanos(period * 10), Money(5));
        }
        assert_eq!((returns.kept().len(), returns.dropped(), returns.count()), (3, 96, 99));
    }
}
