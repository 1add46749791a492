//! Money that is lost quickly: the fall from the highest equity within some minutes.

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::{
    num::Money,
    time::{Nanos, UnixNanos},
};

use super::{
    PnlVelocityRule, SUBJECTS_MAX,
    amounts::{percent_of_basis_points, seconds},
    switch::Switch,
};
use crate::{
    Name, Severity,
    bounded::Amount,
    exact::{is_more, share},
    signal::{Rule, Signal},
};

/// Parts of a window; of each the highest equity is kept.
const SLOTS: u64 = 64;

#[derive(Debug)]
pub(super) struct Pnl {
    rule: PnlVelocityRule,
    switch: Switch,
    /// At most [`SUBJECTS_MAX`]; further ones are not watched.
    scopes: BTreeMap<Name, Scope>,
}

#[derive(Debug)]
struct Scope {
    /// Number of the slot and the highest equity in it; at most [`SLOTS`] + 1.
    highest: VecDeque<(u64, Money)>,
    last: Money,
}

impl Pnl {
    pub(super) const fn new(rule: PnlVelocityRule) -> Self {
        Self { rule, switch: Switch::new(Rule::PnlVelocity), scopes: BTreeMap::new() }
    }

    fn slot(&self, now: UnixNanos) -> u64 {
        now.0 / (self.rule.window_s.seconds().0 / SLOTS).max(1)
    }

    pub(super) fn observe(
        &mut self,
        now: UnixNanos,
        name: &Name,
        equity: Money,
        out: &mut Vec<Signal>,
    ) {
        let is_full = self.scopes.len() >= SUBJECTS_MAX && !self.scopes.contains_key(name);
        if !self.rule.enabled || is_full {
            return;
        }
        let number = self.slot(now);
        let scope = self
            .scopes
            .entry(name.clone())
            .or_insert_with(|| Scope { highest: VecDeque::new(), last: equity });
        scope.last = equity;
        scope.forget(number);
        match scope.highest.back_mut() {
            // A clock that went back counts where it was.
            Some(slot) if slot.0 >= number => slot.1 = slot.1.max(equity),
            _ => scope.highest.push_back((number, equity)),
        }
        judge(&self.rule, &mut self.switch, now, (name, scope), out);
    }

    pub(super) fn tick(&mut self, now: UnixNanos, out: &mut Vec<Signal>) {
        let number = self.slot(now);
        for (name, scope) in &mut self.scopes {
            if self.switch.is_on(name) {
                scope.forget(number);
                judge(&self.rule, &mut self.switch, now, (name, scope), out);
            }
        }
    }
}

impl Scope {
    fn forget(&mut self, number: u64) {
        while self.highest.front().is_some_and(|slot| slot.0.saturating_add(SLOTS) < number) {
            self.highest.pop_front();
        }
    }
}

fn judge(
    rule: &PnlVelocityRule,
    switch: &mut Switch,
    now: UnixNanos,
    (name, scope): (&Name, &Scope),
    out: &mut Vec<Signal>,
) {
    let peak = scope.highest.iter().map(|slot| slot.1).max().unwrap_or(scope.last).max(scope.last);
    let lost = peak.0.abs_diff(scope.last.0);
    let of = peak.0.unsigned_abs();
    // Half of a bound, for its end, is twice the loss.
    let is_over = |points: u64, amount: Option<Amount>, times: u64| {
        let is_share = peak > Money::ZERO && is_more(lost, 10_000 * times, of, points);
        let is_amount =
            amount.is_some_and(|amount| is_more(lost, times, amount.money().0.unsigned_abs(), 1));
        is_share || is_amount
    };
    let severity = if is_over(rule.critical_basis_points.get(), rule.critical_loss, 1) {
        Severity::Critical
    } else if is_over(rule.warn_basis_points.get(), rule.warn_loss, 1) {
        Severity::Warning
    } else {
        if !is_over(rule.warn_basis_points.get(), rule.warn_loss, 2) {
            let minutes = seconds(rule.window_s.get());
            let text = || format!("the loss within {minutes} is below half of its bound");
            switch.clear(now, name, text, out);
        }
        return;
    };
    let text = || {
        let amount = Money(i128::try_from(lost).unwrap_or(i128::MAX)).to_decimal_rounded(2);
        let percent = percent_of_basis_points(share(lost, 10_000, of));
        let within = seconds(rule.window_s.seconds().0 / Nanos::SECOND.0);
        format!("{amount} lost within {within}, {percent} of the highest equity in that time")
    };
    switch.raise(now, name, severity, text, out);
}
