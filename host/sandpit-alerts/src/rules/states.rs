//! What is on or off because somebody says so: limits, locks, quarantines, the kill switch, orders of
//! others, and what the engine itself reports.

use sandpit_core::time::UnixNanos;

use super::{Observation, RulesConfig, switch::Switch};
use crate::{
    Name, Severity, Text,
    signal::{Rule, Signal},
};

#[derive(Debug)]
pub(super) struct States {
    config: RulesConfig,
    limits: Switch,
    locks: Switch,
    quarantines: Switch,
    kill: Switch,
    foreign: Switch,
    engine: Switch,
}

impl States {
    pub(super) const fn new(config: &RulesConfig) -> Self {
        Self {
            config: *config,
            limits: Switch::new(Rule::LimitBreach),
            locks: Switch::new(Rule::Lock),
            quarantines: Switch::new(Rule::Quarantine),
            kill: Switch::new(Rule::KillSwitch),
            foreign: Switch::new(Rule::ForeignOrders),
            engine: Switch::new(Rule::Engine),
        }
    }

    pub(super) fn observe(&mut self, now: UnixNanos, seen: &Observation, out: &mut Vec<Signal>) {
        let config = &self.config;
        match seen {
            Observation::Limit { scope, limit, is_breached, text } => {
                let rule = config.limit_breach;
                let severity = (rule.enabled && *is_breached).then_some(rule.severity);
                set(&mut self.limits, now, &both(scope, limit), severity, text, out);
            }
            Observation::Lock { scope, lock, is_locked, text } => {
                let severity = (config.lock.enabled && *is_locked).then_some(config.lock.severity);
                set(&mut self.locks, now, &both(scope, lock), severity, text, out);
            }
            Observation::Quarantine { plugin, is_quarantined, text } => {
                let rule = config.quarantine;
                let severity = (rule.enabled && *is_quarantined).then_some(rule.severity);
                set(&mut self.quarantines, now, plugin, severity, text, out);
            }
            Observation::KillSwitch { is_on, by } => {
                let rule = config.kill_switch;
                let severity = (rule.enabled && *is_on).then_some(rule.severity);
                let word = if *is_on { "pulled" } else { "let go" };
                let text = Text::from(format!("{word} by {by}"));
                set(&mut self.kill, now, &Name::from("account"), severity, &text, out);
            }
            Observation::ForeignOrders { account, count, text } => {
                let rule = config.foreign_orders;
                let severity = (rule.enabled && *count > 0).then_some(rule.severity);
                let text = Text::from(format!("{count} not ours: {text}"));
                set(&mut self.foreign, now, account, severity, &text, out);
            }
            Observation::Engine { code, about, severity, text } if config.engine.enabled => {
                set(&mut self.engine, now, &both(code, about), Some(*severity), text, out);
            }
            _ => {}
        }
    }

    pub(super) fn tick(&mut self, now: UnixNanos, out: &mut Vec<Signal>) {
        self.limits.expire(now, self.config.limit_breach.clear_after_s.seconds(), out);
        self.engine.expire(now, self.config.engine.clear_after_s.seconds(), out);
        for switch in [&mut self.locks, &mut self.quarantines, &mut self.foreign] {
            switch.expire_others(now, out);
        }
    }
}

fn both(first: &Name, second: &Name) -> Name {
    match (first.as_str(), second.as_str()) {
        (_, "") => first.clone(),
        ("", _) => second.clone(),
        (first, second) => Name::from(format!("{first} {second}")),
    }
}

/// On with a severity, off without.
fn set(
    switch: &mut Switch,
    now: UnixNanos,
    subject: &Name,
    severity: Option<Severity>,
    text: &Text,
    out: &mut Vec<Signal>,
) {
    let text = || text.as_str().to_owned();
    match severity {
        Some(severity) => switch.raise(now, subject, severity, text, out),
        None => switch.clear(now, subject, text, out),
    }
}
