//! Drawdown of one equity, exact on every event: no sample is taken.

use sandpit_core::{
    num::Money,
    time::{Nanos, UnixNanos},
};

use super::metrics::ratio;

/// A fall from a peak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fall {
    /// Peak minus lowest equity.
    pub(crate) amount: Money,
    /// When the equity last stood at the peak.
    pub(crate) peak_time: UnixNanos,
    /// When it was lowest.
    pub(crate) trough_time: UnixNanos,
    /// When it was first back at the peak or above; `None` if it never was.
    pub(crate) recovery_time: Option<UnixNanos>,
}

/// Running peak and everything that is measured from it.
#[derive(Clone, Debug)]
pub(crate) struct Drawdown {
    peak: Money,
    /// Lowest since the peak; equal to it while the equity stands there.
    trough: Money,
    current: Option<Fall>,
    deepest: Option<Fall>,
    fraction_max: Option<f64>,
    longest: Nanos,
}

/// What is known at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DrawdownSummary {
    /// The largest fall in money; the first of equals.
    pub(crate) deepest: Option<Fall>,
    /// The largest fall as a fraction of its peak. Not always the same fall.
    pub(crate) fraction_max: Option<f64>,
    /// The longest time from a peak until the equity was back there, or until the end.
    pub(crate) longest: Nanos,
}

impl Drawdown {
    pub(crate) const fn new(start: Money) -> Self {
        Self {
            peak: start,
            trough: start,
            current: None,
            deepest: None,
            fraction_max: None,
            longest: Nanos(0),
        }
    }

    /// The equity is now this, at `time`; it stood at its former value until `previous`. Gives
    /// how far it is below the peak.
    #[inline]
    pub(crate) fn update(&mut self, equity: Money, time: UnixNanos, previous: UnixNanos) -> Money {
        if equity >= self.peak {
            if self.current.is_some() {
                self.recover(time);
            }
            self.peak = equity;
            self.trough = equity;
            return Money::ZERO;
        }
        if equity < self.trough {
            self.trough = equity;
            self.deepen(time, previous);
        }
        self.peak - equity
    }

    #[inline(never)]
    fn recover(&mut self, time: UnixNanos) {
        let Some(fall) = self.current.take() else {
            return;
        };
        if time.since(fall.peak_time) > self.longest {
            self.longest = time.since(fall.peak_time);
        }
        if let Some(deepest) = &mut self.deepest
            && deepest.peak_time == fall.peak_time
            && deepest.trough_time == fall.trough_time
        {
            deepest.recovery_time = Some(time);
        }
    }

    fn deepen(&mut self, time: UnixNanos, previous: UnixNanos) {
        let amount = self.peak - self.trough;
        let peak_time = self.current.map_or(previous, |fall| fall.peak_time);
        let fall = Fall { amount, peak_time, trough_time: time, recovery_time: None };
        self.current = Some(fall);
        if self.deepest.is_none_or(|deepest| amount > deepest.amount) {
            self.deepest = Some(fall);
        }
        if let Some(fraction) = ratio(amount, self.peak)
            && self.peak > Money::ZERO
            && self.fraction_max.is_none_or(|max| fraction > max)
        {
            self.fraction_max = Some(fraction);
        }
    }

    /// What it came to when the run ended at `end`.
    pub(crate) fn finish(&self, end: UnixNanos) -> DrawdownSummary {
        let open = self.current.map_or(Nanos(0), |fall| end.since(fall.peak_time));
        DrawdownSummary {
            deepest: self.deepest,
            fraction_max: self.fraction_max,
            longest: self.longest.max(open),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(equities: &[i64]) -> DrawdownSummary {
        let mut drawdown = Drawdown::new(Money(i128::from(equities[0])));
        for (at, pair) in equities.windows(2).enumerate() {
            // Only changes are told, as the recorder does.
            if pair[0] != pair[1] {
                let previous = UnixNanos(at as u64 * 10);
                drawdown.update(Money(i128::from(pair[1])), UnixNanos(previous.0 + 10), previous);
            }
        }
        drawdown.finish(UnixNanos((equities.len() as u64 - 1) * 10))
    }

    /// The definition, looked at from every point: quadratic, and nothing kept between points.
    fn brute_force(equities: &[i64]) -> (i64, f64, u64) {
        let (mut amount, mut fraction, mut longest) = (0, 0.0f64, 0);
        for (at, equity) in equities.iter().enumerate() {
            let peak = *equities[..=at].iter().max().unwrap();
            amount = amount.max(peak - equity);
            if peak > 0 {
                fraction = fraction.max((peak - equity) as f64 / peak as f64);
            }
            if *equity == peak {
                let end = equities.len() - 1;
                let back = (at + 1..=end).find(|later| equities[*later] >= peak).unwrap_or(end);
                let fell = equities[at + 1..=back].iter().any(|e| *e < peak);
                longest = longest.max(if fell { (back - at) as u64 * 10 } else { 0 });
            }
        }
        (amount, fraction, longest)
    }

    proptest! {
        #[test]
        fn equals_the_definition(equities in prop::collection::vec(-5i64..40, 1..80)) {
            let (amount, fraction, longest) = brute_force(&equities);
            let found = run(&equities);
            prop_assert_eq!(found.deepest.map_or(0, |fall| fall.amount.0), i128::from(amount));
            prop_assert_eq!(found.fraction_max.unwrap_or(0.0).to_bits(), fraction.to_bits());
            prop_assert_eq!(found.longest.0, longest);
            if let Some(fall) = found.deepest {
                let value = |time: UnixNanos| equities[(time.0 / 10) as usize];
                prop_assert_eq!(i128::from(value(fall.peak_time) - value(fall.trough_time)), fall.amount.0);
                if let Some(back) = fall.recovery_time {
                    prop_assert!(value(back) >= value(fall.peak_time));
                }
            }
        }
    }

    #[test]
    fn knows_when_it_recovered() {
        let found = run(&[100, 120, 120, 90, 110, 120, 100]);
        assert_eq!(
            found.deepest,
            Some(Fall {
                amount: Money(30),
                peak_time: UnixNanos(20),
                trough_time: UnixNanos(30),
                recovery_time: Some(UnixNanos(50)),
            })
        );
        assert_eq!(found.fraction_max, Some(0.25));
        assert_eq!(found.longest, Nanos(30));
    }
}
