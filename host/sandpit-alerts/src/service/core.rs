//! What the thread knows: rules, desk and channels, without its waiting. Every text passes the mask on
//! its way in.

use std::sync::Arc;

use sandpit_core::time::{Nanos, UnixNanos};
use sandpit_secrets::{Clock, Mask};

use super::{
    health::Station,
    run::{Published, Snapshot},
};
use crate::{
    AlertsConfig, Name, Severity, Text,
    desk::{ChainId, Desk},
    rules::{Observation, Rules},
    signal::{Change, Rule, Signal},
};

/// When nothing was missed for so long, that is over.
const MISSED_QUIET: Nanos = Nanos(600 * Nanos::SECOND.0);

pub(super) struct Core {
    rules: Rules,
    pub(super) desk: Desk,
    pub(super) stations: Vec<Arc<Station>>,
    mask: Mask,
    pub(super) clock: Clock,
    now: UnixNanos,
    /// How many were missed, changes of state and others, and when it was seen last.
    missed: [(u64, Option<UnixNanos>); 2],
    /// Which channels were said to be dead.
    said_dead: Vec<bool>,
    signals: Vec<Signal>,
    /// Whether something is new to those who look.
    pub(super) is_new: bool,
}

impl Core {
    pub(super) fn new(
        config: &AlertsConfig,
        desk: Desk,
        stations: Vec<Arc<Station>>,
        mask: Mask,
        clock: Clock,
        now: UnixNanos,
    ) -> Self {
        Self {
            rules: Rules::new(&config.rules),
            desk,
            said_dead: vec![false; stations.len()],
            stations,
            mask,
            clock,
            now,
            missed: [(0, None); 2],
            signals: Vec::new(),
            is_new: false,
        }
    }

    /// The clock, which does not go back here.
    pub(super) fn now(&mut self) -> UnixNanos {
        self.now = self.now.max(self.clock.now());
        self.now
    }

    pub(super) fn observe(&mut self, at: UnixNanos, seen: &Observation) {
        self.rules.observe(at, seen, &mut self.signals);
        self.take_signals();
    }

    pub(super) fn tick(&mut self, lost: [u64; 2], dead_after: u32) {
        let now = self.now();
        self.rules.tick(now, &mut self.signals);
        self.missed(now, lost);
        self.dead(now, dead_after);
        self.take_signals();
        self.desk.tick(now);
        self.is_new = true;
    }

    fn take_signals(&mut self) {
        for mut signal in std::mem::take(&mut self.signals) {
            signal.subject = Name::from(self.masked(signal.subject.as_str()));
            signal.change = match signal.change {
                Change::Raised { severity, text } => {
                    Change::Raised { severity, text: Text::from(self.masked(text.as_str())) }
                }
                Change::Cleared { text } => {
                    Change::Cleared { text: Text::from(self.masked(text.as_str())) }
                }
            };
            tracing::info!(
                rule = signal.rule.name(),
                subject = signal.subject.as_str(),
                "{}",
                match &signal.change {
                    Change::Raised { severity, text } => format!("{severity}: {text}"),
                    Change::Cleared { text } => format!("over: {text}"),
                }
            );
            self.desk.take(signal);
            self.is_new = true;
        }
    }

    pub(super) fn masked(&self, text: &str) -> String {
        match self.mask.apply(text.as_bytes()) {
            Some(masked) => String::from_utf8_lossy(&masked).into_owned(),
            None => text.to_owned(),
        }
    }

    /// Says so when what was observed found no room.
    fn missed(&mut self, now: UnixNanos, lost: [u64; 2]) {
        let kinds = [("changes of state", Severity::Critical), ("flow", Severity::Warning)];
        for ((missed, lost), (subject, severity)) in self.missed.iter_mut().zip(lost).zip(kinds) {
            let change = if lost > missed.0 {
                *missed = (lost, Some(now));
                let text = format!("{lost} observations found no room since the start");
                Change::Raised { severity, text: Text::from(text) }
            } else if missed.1.is_some_and(|at| now.since(at) >= MISSED_QUIET) {
                missed.1 = None;
                Change::Cleared { text: Text::from("nothing was missed for 10 min") }
            } else {
                continue;
            };
            let subject = Name::from(format!("observations, {subject}"));
            self.signals.push(Signal { at: now, rule: Rule::Alerting, subject, change });
        }
    }

    /// Says so when a channel takes nothing, and when it does again.
    fn dead(&mut self, now: UnixNanos, dead_after: u32) {
        for (station, said) in self.stations.iter().zip(&mut self.said_dead) {
            let failures = station.failures_in_a_row();
            let change = match (failures >= dead_after, failures == 0) {
                (true, _) if !*said => {
                    let problem = station.view(now).problem.unwrap_or_default();
                    let text = format!("did not take {failures} alerts in a row: it {problem}");
                    Change::Raised { severity: Severity::Warning, text: Text::from(text) }
                }
                (_, true) if *said => Change::Cleared { text: Text::from("takes alerts again") },
                _ => continue,
            };
            *said = !*said;
            let subject = Name::from(format!("channel {}", station.channel.name()));
            self.signals.push(Signal { at: now, rule: Rule::Alerting, subject, change });
        }
    }

    /// The channels of a list.
    pub(super) fn list(&self, chain: ChainId) -> Vec<Arc<Station>> {
        let names = self.desk.plan().channels(chain).iter();
        let found = names
            .filter_map(|name| self.stations.iter().find(|station| station.channel.name() == name));
        found.cloned().collect()
    }

    pub(super) fn publish(&self, now: UnixNanos) -> Published {
        let [urgent, flow] = self.missed.map(|(count, _)| count);
        let snapshot = Snapshot {
            at: now,
            desk: self.desk.view(now),
            channels: self.stations.iter().map(|station| station.view(now)).collect(),
            missed_states: urgent,
            missed_flow: flow,
        };
        Published { snapshot: Arc::new(snapshot), state: self.desk.state() }
    }
}
