//! Fills at a strange price, or of a strange size.

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::{
    num::{Decimal, Money},
    time::UnixNanos,
};

use super::{
    FillPriceRule, FillSizeRule, Observation, SUBJECTS_MAX, amounts::percent_of_basis_points,
    switch::Switch,
};
use crate::{
    Name, Severity,
    exact::{is_more, median_times_four, share, units},
    signal::{Rule, Signal},
};

/// Sizes of an instrument that are remembered.
const SIZES_MAX: usize = 200;
/// Basis points of one.
const WHOLE_BASIS_POINTS: u64 = 10_000;

#[derive(Debug)]
pub(super) struct Fills {
    price_rule: FillPriceRule,
    size_rule: FillSizeRule,
    price: Switch,
    size: Switch,
    /// At most [`SUBJECTS_MAX`]; sizes of further instruments are not compared.
    sizes: BTreeMap<Name, VecDeque<u128>>,
}

impl Fills {
    pub(super) const fn new(price_rule: FillPriceRule, size_rule: FillSizeRule) -> Self {
        Self {
            price_rule,
            size_rule,
            price: Switch::new(Rule::FillPrice),
            size: Switch::new(Rule::FillSize),
            sizes: BTreeMap::new(),
        }
    }

    pub(super) fn observe(&mut self, now: UnixNanos, seen: &Observation, out: &mut Vec<Signal>) {
        let Observation::Fill { instrument, plugin, price, quantity, reference } = seen else {
            return;
        };
        if let Some(reference) = reference {
            self.price(now, (instrument, plugin), (*price, *quantity), *reference, out);
        }
        self.size(now, (instrument, plugin), (*price, *quantity), out);
    }

    fn price(
        &mut self,
        now: UnixNanos,
        (instrument, plugin): (&Name, &Name),
        (price, quantity): (Decimal, Decimal),
        reference: Decimal,
        out: &mut Vec<Signal>,
    ) {
        let (Some(paid), Some(expected)) = (units(price), units(reference)) else { return };
        if !self.price_rule.enabled || expected <= 0 {
            return;
        }
        let (away, expected) = (paid.abs_diff(expected), expected.unsigned_abs());
        let is_over = |points: u64| is_more(away, WHOLE_BASIS_POINTS, expected, points);
        let severity = if is_over(self.price_rule.critical_basis_points.get()) {
            Severity::Critical
        } else if is_over(self.price_rule.warn_basis_points.get()) {
            Severity::Warning
        } else {
            return;
        };
        let text = || {
            let percent = percent_of_basis_points(share(away, WHOLE_BASIS_POINTS, expected));
            format!(
                "a fill of {quantity} at {price} is {percent} away from the reference price \
                 {reference} (plugin {plugin})"
            )
        };
        self.price.raise(now, instrument, severity, text, out);
    }

    fn size(
        &mut self,
        now: UnixNanos,
        (instrument, plugin): (&Name, &Name),
        (price, quantity): (Decimal, Decimal),
        out: &mut Vec<Signal>,
    ) {
        let Some(size) = units(quantity).map(i128::unsigned_abs) else { return };
        if !self.size_rule.enabled {
            return;
        }
        let limit = self.size_rule.critical_notional;
        if limit.is_some_and(|limit| is_notional_over(price, quantity, limit.money())) {
            let text = || {
                let limit = limit.map_or(Money::ZERO, crate::bounded::Amount::money);
                format!(
                    "a fill of {quantity} at {price} is worth more than {limit} (plugin {plugin})"
                )
            };
            self.size.raise(now, instrument, Severity::Critical, text, out);
        }
        let is_full = self.sizes.len() >= SUBJECTS_MAX;
        if is_full && !self.sizes.contains_key(instrument) {
            return;
        }
        let sizes = self.sizes.entry(instrument.clone()).or_default();
        if sizes.len() >= self.size_rule.fills_min.size() {
            let mut sorted: Vec<u128> = sizes.iter().copied().collect();
            sorted.sort_unstable();
            let median = median_times_four(&sorted).unwrap_or(u128::MAX);
            let is_over = |times: u64| is_more(size, 4, median, times);
            let severity = if is_over(self.size_rule.critical_times.get()) {
                Some(Severity::Critical)
            } else {
                is_over(self.size_rule.warn_times.get()).then_some(Severity::Warning)
            };
            let text = || {
                let times = share(size, 4, median);
                format!("a fill of {quantity} is {times} times the usual size (plugin {plugin})")
            };
            if let Some(severity) = severity {
                self.size.raise(now, instrument, severity, text, out);
            }
        }
        if sizes.len() >= SIZES_MAX {
            sizes.pop_front();
        }
        sizes.push_back(size);
    }

    pub(super) fn tick(&mut self, now: UnixNanos, out: &mut Vec<Signal>) {
        self.price.expire(now, self.price_rule.clear_after_s.seconds(), out);
        self.size.expire(now, self.size_rule.clear_after_s.seconds(), out);
    }
}

/// Whether price × quantity is over an amount, exactly.
fn is_notional_over(price: Decimal, quantity: Decimal, limit: Money) -> bool {
    let product =
        i128::from(price.mantissa).unsigned_abs() * i128::from(quantity.mantissa).unsigned_abs();
    let scale = u32::from(price.scale) + u32::from(quantity.scale);
    let limit = limit.0.unsigned_abs();
    match scale.checked_sub(u32::from(Money::SCALE)) {
        // Finer than an amount can be: a rest below its last digit is a rest above it.
        Some(finer) => 10u128.checked_pow(finer).is_some_and(|unit| {
            let (whole, rest) = (product / unit, product % unit);
            whole > limit || (whole == limit && rest > 0)
        }),
        None => {
            let missing = u32::from(Money::SCALE) - scale;
            let unit = 10u128.checked_pow(missing).and_then(|unit| product.checked_mul(unit));
            // What does not fit is more than any amount.
            unit.is_none_or(|notional| notional > limit)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notionals_are_exact() {
        let is_over = |price: &str, quantity: &str, limit: &str| {
            let limit = Money::from_decimal(limit.parse().unwrap()).unwrap();
            is_notional_over(price.parse().unwrap(), quantity.parse().unwrap(), limit)
        };
        assert!(is_over("100.01", "1", "100"));
        assert!(!is_over("100.00", "1.000", "100"));
        assert!(is_over("0.000000000000000001", "1.000000000000000001", "0.000000000000000001"));
        assert!(!is_over("0.000000000000000001", "1", "0.000000000000000001"));
        assert!(is_over("9223372036854775807", "9223372036854775807", "9223372036854775807"));
    }
}
