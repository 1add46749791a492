//! Distribution of amounts in bounded memory: bins around zero whose width grows tenfold when an
//! amount falls outside.

use sandpit_core::num::Money;

/// Bins on either side of zero.
const BINS_PER_SIDE: usize = 2_000;

/// Counts of amounts. Bin `n` above zero holds `n × width <= amount < (n + 1) × width`; below zero
/// it mirrors that, so that zero itself is on the upper side.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    width: i128,
    above: Vec<u64>,
    below: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { width: Self::WIDTH_START, above: Vec::new(), below: Vec::new() }
    }
}

impl Histogram {
    /// The first width: 10^−6 of the currency.
    const WIDTH_START: i128 = 1_000_000_000_000;

    /// Counts an amount.
    pub(crate) fn add(&mut self, amount: Money) {
        let below = amount < Money::ZERO;
        let size = amount.0.unsigned_abs();
        loop {
            // The mirrored bins take their upper edge, so an amount of −width is in bin 0.
            let offset = if below { size - 1 } else { size };
            match usize::try_from(offset / self.width.unsigned_abs()) {
                Ok(bin) if bin < BINS_PER_SIDE => {
                    let side = if below { &mut self.below } else { &mut self.above };
                    if side.is_empty() {
                        side.resize(BINS_PER_SIDE, 0);
                    }
                    side[bin] += 1;
                    return;
                }
                _ => self.widen(),
            }
        }
    }

    fn widen(&mut self) {
        self.width *= 10;
        for side in [&mut self.above, &mut self.below] {
            for bin in 0..side.len() {
                let from = bin * 10;
                let to = side.len().min(from + 10);
                let sum = if from < to { side[from..to].iter().sum() } else { 0 };
                side[bin] = sum;
            }
        }
    }

    /// Bars of a width of 1, 2 or 5 × 10^n, about `bars_max` in all: lower edge of the first bar,
    /// width, counts.
    pub(crate) fn bars(&self, bars_max: usize) -> (Money, Money, Vec<u64>) {
        let used = |side: &[u64]| side.iter().rposition(|count| *count > 0).map_or(0, |at| at + 1);
        let (above, below) = (used(&self.above), used(&self.below));
        let mut group = 1;
        for step in [2, 5, 10, 20, 50, 100, 200, 500, 1_000, BINS_PER_SIDE] {
            if above.div_ceil(group) + below.div_ceil(group) <= bars_max {
                break;
            }
            group = step;
        }
        let sums = |side: &[u64], used: usize| {
            side[..used].chunks(group).map(|bins| bins.iter().sum()).collect::<Vec<u64>>()
        };
        let mut counts = sums(&self.below, below);
        counts.reverse();
        let bars_below = i128::try_from(counts.len()).unwrap_or(0);
        counts.extend(sums(&self.above, above));
        let width = self.width * i128::try_from(group).unwrap_or(1);
        (Money(-width * bars_below), Money(width), counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_amount_is_in_its_bar(
            amounts in prop::collection::vec(-(1i128 << 90)..1i128 << 90, 0..60),
            small in prop::collection::vec(-5_000_000_000_000_000i128..5_000_000_000_000_000, 0..60),
        ) {
            let mut histogram = Histogram::default();
            for amount in small.iter().chain(&amounts) {
                histogram.add(Money(*amount));
            }
            let (low, width, counts) = histogram.bars(40);
            prop_assert!(counts.len() <= 40);
            let mut expected = vec![0u64; counts.len()];
            for amount in amounts.iter().chain(&small) {
                let bar = if *amount < 0 { -((-*amount - 1) / width.0) - 1 } else { *amount / width.0 };
                expected[usize::try_from(bar - low.0 / width.0).unwrap()] += 1;
            }
            prop_assert_eq!(counts, expected);
        }
    }
}
