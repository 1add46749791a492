//! A curve over time in bounded memory: buckets of one width that doubles when there are too many.
//! Nothing is interpolated: a bucket without events is not there, and the value before it holds.

use sandpit_core::{num::Money, time::UnixNanos};

/// What one bucket keeps of all that fell into it.
pub(crate) trait Point: Copy {
    /// Takes in what came later in the same bucket.
    fn merge(&mut self, later: Self);
}

/// Buckets over time, at most `limit` of them however long the run is.
#[derive(Clone, Debug)]
pub(crate) struct Series<P> {
    start: u64,
    /// A bucket is 2^`shift` nanoseconds wide.
    shift: u32,
    limit: u64,
    /// Where the last bucket ends; everything before it goes there.
    end: u64,
    /// Bucket number and content, in order.
    buckets: Vec<(u64, P)>,
}

impl<P: Point> Series<P> {
    /// The first width: 2^20 ns, about a millisecond.
    const SHIFT_START: u32 = 20;

    /// An empty curve of at most `limit` buckets (at least two).
    pub(crate) const fn new(limit: u64) -> Self {
        Self {
            start: 0,
            shift: Self::SHIFT_START,
            limit: if limit < 2 { 2 } else { limit },
            end: 0,
            buckets: Vec::new(),
        }
    }

    /// Adds a value. A time before the last bucket counts as in it.
    #[inline]
    pub(crate) fn add(&mut self, time: UnixNanos, point: P) {
        if time.0 < self.end
            && let Some((_, last)) = self.buckets.last_mut()
        {
            last.merge(point);
            return;
        }
        self.open(time.0, point);
    }

    #[inline(never)]
    fn open(&mut self, time: u64, point: P) {
        if self.buckets.is_empty() {
            self.start = time;
        }
        let offset = time.saturating_sub(self.start);
        while offset >> self.shift >= self.limit {
            self.double();
        }
        let index = offset >> self.shift;
        match self.buckets.last_mut() {
            Some((last, kept)) if *last == index => kept.merge(point),
            _ => self.buckets.push((index, point)),
        }
        self.end = self.start.saturating_add((index + 1) << self.shift);
    }

    fn double(&mut self) {
        self.shift += 1;
        let mut kept = 0;
        for at in 0..self.buckets.len() {
            let (index, point) = self.buckets[at];
            let index = index >> 1;
            if kept > 0 && self.buckets[kept - 1].0 == index {
                self.buckets[kept - 1].1.merge(point);
            } else {
                self.buckets[kept] = (index, point);
                kept += 1;
            }
        }
        self.buckets.truncate(kept);
    }

    /// When the first bucket begins.
    pub(crate) const fn start(&self) -> UnixNanos {
        UnixNanos(self.start)
    }

    /// Width of a bucket in nanoseconds.
    pub(crate) const fn width(&self) -> u64 {
        1 << self.shift
    }

    /// The buckets: number and content, in order.
    pub(crate) fn buckets(&self) -> &[(u64, P)] {
        &self.buckets
    }
}

/// Least, largest and last value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent<T> {
    pub(crate) min: T,
    pub(crate) max: T,
    pub(crate) last: T,
}

impl<T: Copy> Extent<T> {
    pub(crate) const fn one(value: T) -> Self {
        Self { min: value, max: value, last: value }
    }
}

impl<T: Copy + Ord> Point for Extent<T> {
    #[inline]
    fn merge(&mut self, later: Self) {
        if later.min < self.min {
            self.min = later.min;
        }
        if later.max > self.max {
            self.max = later.max;
        }
        self.last = later.last;
    }
}

/// Equity of a bucket, and the deepest it stood below its peak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EquityPoint {
    pub(crate) equity: Extent<Money>,
    pub(crate) drawdown: Money,
}

impl Point for EquityPoint {
    #[inline]
    fn merge(&mut self, later: Self) {
        self.equity.merge(later.equity);
        if later.drawdown > self.drawdown {
            self.drawdown = later.drawdown;
        }
    }
}

/// Fills of a bucket, by side: how many, how much, and price × quantity of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FillsPoint {
    pub(crate) buys: Filled,
    pub(crate) sells: Filled,
}

/// Fills of one side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filled {
    pub(crate) count: u64,
    pub(crate) quantity: i128,
    pub(crate) price_quantity: i128,
}

impl Filled {
    const fn take(&mut self, later: Self) {
        self.count += later.count;
        self.quantity += later.quantity;
        self.price_quantity += later.price_quantity;
    }
}

impl Point for FillsPoint {
    fn merge(&mut self, later: Self) {
        self.buys.take(later.buys);
        self.sells.take(later.sells);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the times are, the curve stays within its bound and keeps the least, the
        /// largest and the last of all values.
        #[test]
        fn is_bounded_and_loses_no_extreme(
            steps in prop::collection::vec((0u64..1 << 45, -1_000i64..1_000), 1..400),
            limit in 2u64..40,
        ) {
            let mut series = Series::new(limit);
            let mut time = 1_500_000_000_000_000_000;
            for (step, value) in &steps {
                time += step;
                series.add(UnixNanos(time), Extent::one(*value));
            }
            let buckets = series.buckets();
            prop_assert!(buckets.len() as u64 <= limit);
            prop_assert!(buckets.windows(2).all(|w| w[0].0 < w[1].0));
            prop_assert!(buckets.iter().all(|b| b.0 < limit));
            let values = || steps.iter().map(|s| s.1);
            prop_assert_eq!(buckets.iter().map(|b| b.1.min).min(), values().min());
            prop_assert_eq!(buckets.iter().map(|b| b.1.max).max(), values().max());
            prop_assert_eq!(buckets.last().map(|b| b.1.last), values().next_back());
        }
    }

    #[test]
    fn the_end_of_time_is_no_trap() {
        let mut series = Series::new(4);
        series.add(UnixNanos(0), Extent::one(1));
        series.add(UnixNanos::MAX, Extent::one(2));
        series.add(UnixNanos::MAX, Extent::one(3));
        assert_eq!(series.buckets().last().unwrap().1, Extent { min: 2, max: 3, last: 3 });
    }
}
