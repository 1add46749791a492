//! Things that should say that they live, and do not.

use std::collections::BTreeMap;

use sandpit_core::time::{Nanos, UnixNanos};

use super::{Beat, HeartbeatRule, SUBJECTS_MAX, amounts::seconds, switch::Switch};
use crate::{
    Name, Severity,
    signal::{Rule, Signal},
};

/// So many times its bound makes a silence critical.
const CRITICAL_TIMES: u64 = 3;

#[derive(Debug)]
pub(super) struct Beats {
    rule: HeartbeatRule,
    switch: Switch,
    /// At most [`SUBJECTS_MAX`]; further ones are not waited for.
    beats: BTreeMap<(Beat, Name), Last>,
}

#[derive(Debug)]
struct Last {
    at: UnixNanos,
    /// In time, one after another.
    in_time: u64,
}

impl Beats {
    pub(super) const fn new(rule: HeartbeatRule) -> Self {
        Self { rule, switch: Switch::new(Rule::Heartbeat), beats: BTreeMap::new() }
    }

    fn bound(&self, of: Beat) -> Nanos {
        match of {
            Beat::Venue => self.rule.venue_s.seconds(),
            Beat::Plugin => self.rule.plugin_s.seconds(),
            Beat::Host => self.rule.host_s.seconds(),
        }
    }

    pub(super) fn beat(&mut self, now: UnixNanos, of: Beat, name: &Name, out: &mut Vec<Signal>) {
        if !self.rule.enabled {
            return;
        }
        let bound = self.bound(of);
        let key = (of, name.clone());
        let is_full = self.beats.len() >= SUBJECTS_MAX;
        match self.beats.get_mut(&key) {
            Some(last) => {
                let is_in_time = now.since(last.at) < bound;
                last.in_time = if is_in_time { last.in_time.saturating_add(1) } else { 1 };
                last.at = last.at.max(now);
                if last.in_time >= self.rule.beats_to_clear.get() {
                    let text = || "heard again".to_owned();
                    self.switch.clear(now, &subject(of, name), text, out);
                }
            }
            None if is_full => {}
            None => {
                self.beats.insert(key, Last { at: now, in_time: 1 });
            }
        }
    }

    pub(super) fn ended(&mut self, now: UnixNanos, of: Beat, name: &Name, out: &mut Vec<Signal>) {
        self.beats.remove(&(of, name.clone()));
        self.switch.clear(now, &subject(of, name), || "ended as it should".to_owned(), out);
    }

    pub(super) fn tick(&mut self, now: UnixNanos, out: &mut Vec<Signal>) {
        let bounds = [Beat::Venue, Beat::Plugin, Beat::Host].map(|of| (of, self.bound(of)));
        for ((of, name), last) in &mut self.beats {
            let silent = now.since(last.at);
            let bound = bounds.iter().find(|(kind, _)| kind == of).map_or(Nanos(u64::MAX), |b| b.1);
            if silent < bound {
                continue;
            }
            last.in_time = 0;
            let is_long = silent.0 >= bound.0.saturating_mul(CRITICAL_TIMES);
            let severity = match of {
                Beat::Host => Severity::Critical,
                _ if is_long => Severity::Critical,
                _ => Severity::Warning,
            };
            let text = || format!("silent for {}", seconds(silent.0 / Nanos::SECOND.0));
            self.switch.raise(now, &subject(*of, name), severity, text, out);
        }
    }
}

fn subject(of: Beat, name: &Name) -> Name {
    Name::from(format!("{} {name}", of.word()))
}
