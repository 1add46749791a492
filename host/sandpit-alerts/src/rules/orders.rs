//! Orders that a venue rejects, or whose fate nobody knows: too large a share, or too many in a row.

use std::collections::BTreeMap;

use sandpit_core::time::UnixNanos;

use super::{OrderFailuresRule, OrderOutcome, SUBJECTS_MAX, switch::Switch, window::Window};
use crate::{
    Name, Severity,
    signal::{Rule, Signal},
};

#[derive(Debug)]
pub(super) struct Orders {
    rule: OrderFailuresRule,
    switch: Switch,
    /// At most [`SUBJECTS_MAX`]; the orders of further plugins are counted together.
    plugins: BTreeMap<Name, Plugin>,
}

#[derive(Debug)]
struct Plugin {
    window: Window,
    in_a_row: u64,
    unknown: u64,
}

impl Orders {
    pub(super) const fn new(rule: OrderFailuresRule) -> Self {
        Self { rule, switch: Switch::new(Rule::OrderFailures), plugins: BTreeMap::new() }
    }

    pub(super) fn observe(
        &mut self,
        now: UnixNanos,
        plugin: &Name,
        outcome: OrderOutcome,
        out: &mut Vec<Signal>,
    ) {
        if !self.rule.enabled {
            return;
        }
        let others = Name::from(super::OTHERS);
        let has_room = self.plugins.len() < SUBJECTS_MAX || self.plugins.contains_key(plugin);
        let name = if has_room { plugin } else { &others };
        let window = self.rule.window_s.seconds();
        let one = self.plugins.entry(name.clone()).or_insert_with(|| Plugin {
            window: Window::new(window),
            in_a_row: 0,
            unknown: 0,
        });
        let is_failure = outcome != OrderOutcome::Accepted;
        one.window.add(now, 1, u64::from(is_failure));
        if is_failure {
            one.in_a_row = one.in_a_row.saturating_add(1);
            one.unknown = one.unknown.saturating_add(u64::from(outcome == OrderOutcome::Unknown));
        } else {
            (one.in_a_row, one.unknown) = (0, 0);
        }
        judge(&self.rule, &mut self.switch, now, (name, one), out);
    }

    pub(super) fn tick(&mut self, now: UnixNanos, out: &mut Vec<Signal>) {
        for (name, one) in &mut self.plugins {
            // Only what is wrong can end by time alone.
            if self.switch.is_on(name) {
                judge(&self.rule, &mut self.switch, now, (name, one), out);
            }
        }
    }
}

fn judge(
    rule: &OrderFailuresRule,
    switch: &mut Switch,
    now: UnixNanos,
    (name, one): (&Name, &mut Plugin),
    out: &mut Vec<Signal>,
) {
    let (all, bad) = one.window.sums(now);
    let is_share = |percent: u64| {
        all >= rule.orders_min.get() && bad.saturating_mul(100) >= all.saturating_mul(percent)
    };
    let row = one.in_a_row;
    let severity = if is_share(rule.critical_percent.get()) || row >= rule.critical_in_a_row.get() {
        Some(Severity::Critical)
    } else {
        let is_warning = is_share(rule.warn_percent.get()) || row >= rule.warn_in_a_row.get();
        is_warning.then_some(Severity::Warning)
    };
    // A row that nobody goes on with is over with the window.
    let is_calm = bad == 0
        || (row == 0 && bad.saturating_mul(200) < all.saturating_mul(rule.warn_percent.get()));
    if bad > 0
        && let Some(severity) = severity
    {
        let unknown = one.unknown;
        let text = || {
            format!(
                "{bad} of {all} orders failed lately, {row} in a row, of which the fate of {unknown} \
                 is not known"
            )
        };
        switch.raise(now, name, severity, text, out);
    } else if is_calm {
        switch.clear(now, name, || format!("{bad} of {all} orders failed lately"), out);
    }
}
