//! Lines to venues: down for long, down often, or with messages missing.

use std::collections::BTreeMap;

use sandpit_core::time::{Nanos, UnixNanos};

use super::{
    ConnectionRule, GapsRule, LineState, SUBJECTS_MAX, amounts::seconds, switch::Switch,
    window::Window,
};
use crate::{
    Name, Severity,
    signal::{Rule, Signal},
};

const HOUR: Nanos = Nanos(3_600 * Nanos::SECOND.0);

#[derive(Debug)]
pub(super) struct Lines {
    connection_rule: ConnectionRule,
    gaps_rule: GapsRule,
    connection: Switch,
    gaps: Switch,
    /// At most [`SUBJECTS_MAX`]; further ones are one.
    lines: BTreeMap<Name, Line>,
}

#[derive(Debug)]
struct Line {
    state: LineState,
    since: UnixNanos,
    losses: Window,
    gaps: Window,
}

impl Lines {
    pub(super) const fn new(connection_rule: ConnectionRule, gaps_rule: GapsRule) -> Self {
        Self {
            connection_rule,
            gaps_rule,
            connection: Switch::new(Rule::Connection),
            gaps: Switch::new(Rule::Gaps),
            lines: BTreeMap::new(),
        }
    }

    fn line(&mut self, now: UnixNanos, name: &Name) -> (&mut Line, Name) {
        let has_room = self.lines.len() < SUBJECTS_MAX || self.lines.contains_key(name);
        let name = if has_room { name.clone() } else { Name::from(super::OTHERS) };
        let gaps = self.gaps_rule.window_s.seconds();
        let line = self.lines.entry(name.clone()).or_insert_with(|| Line {
            state: LineState::Up,
            since: now,
            losses: Window::new(HOUR),
            gaps: Window::new(gaps),
        });
        (line, name)
    }

    /// How a line is; what follows from it is a matter of time, see [`Self::tick`].
    pub(super) fn state(&mut self, now: UnixNanos, name: &Name, state: LineState) {
        let (line, _) = self.line(now, name);
        if line.state != state {
            (line.state, line.since) = (state, now);
            if state == LineState::Down {
                line.losses.add(now, 1, 1);
            }
        }
    }

    pub(super) fn gap(&mut self, now: UnixNanos, name: &Name, missed: u64, out: &mut Vec<Signal>) {
        let rule = self.gaps_rule;
        if !rule.enabled {
            return;
        }
        let (line, name) = self.line(now, name);
        line.gaps.add(now, missed.max(1), 1);
        let (missed, gaps) = line.gaps.sums(now);
        let severity = if gaps >= rule.critical_gaps.get() {
            Severity::Critical
        } else if gaps >= rule.warn_gaps.get() {
            Severity::Warning
        } else {
            return;
        };
        let window = seconds(rule.window_s.get());
        let text =
            || format!("{gaps} gaps within {window}, at least {missed} messages are missing");
        self.gaps.raise(now, &name, severity, text, out);
    }

    pub(super) fn tick(&mut self, now: UnixNanos, out: &mut Vec<Signal>) {
        self.gaps.expire(now, self.gaps_rule.window_s.seconds(), out);
        if !self.connection_rule.enabled {
            return;
        }
        let rule = self.connection_rule;
        for (name, line) in &mut self.lines {
            let lasting = now.since(line.since);
            let (losses, _) = line.losses.sums(now);
            let is_often = losses >= rule.losses_per_hour.get();
            if line.state == LineState::Down && lasting >= rule.warn_down_s.seconds() {
                let is_long = lasting >= rule.critical_down_s.seconds();
                let severity = if is_long { Severity::Critical } else { Severity::Warning };
                let text = || format!("down for {}", seconds(lasting.0 / Nanos::SECOND.0));
                self.connection.raise(now, name, severity, text, out);
            } else if is_often {
                let text = || format!("lost {losses} times within an hour");
                self.connection.raise(now, name, Severity::Warning, text, out);
            } else if line.state == LineState::Up && lasting >= rule.stable_s.seconds() {
                let text = || format!("up for {}", seconds(lasting.0 / Nanos::SECOND.0));
                self.connection.clear(now, name, text, out);
            }
        }
    }
}
