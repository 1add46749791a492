//! What is measured now and then against a bound: ages of keys, clocks, disks, and books.

use std::collections::BTreeMap;

use sandpit_core::time::UnixNanos;

use super::{KeyClass, Observation, RulesConfig, SUBJECTS_MAX, amounts::bytes, switch::Switch};
use crate::{
    Name, Severity, Text,
    signal::{Rule, Signal},
};

const MIB: u64 = 1_024 * 1_024;

#[derive(Debug)]
pub(super) struct Levels {
    config: RulesConfig,
    keys: Switch,
    clocks: Switch,
    disks: Switch,
    books: Switch,
    /// Comparisons in a row that found differences. At most [`SUBJECTS_MAX`]; further accounts count
    /// each comparison as the first that is a warning.
    in_a_row: BTreeMap<Name, u64>,
}

/// What a measurement says.
enum Level {
    Wrong(Severity),
    Between,
    Fine,
}

impl Levels {
    pub(super) const fn new(config: &RulesConfig) -> Self {
        Self {
            config: *config,
            keys: Switch::new(Rule::KeyAge),
            clocks: Switch::new(Rule::ClockOffset),
            disks: Switch::new(Rule::DiskSpace),
            books: Switch::new(Rule::Reconcile),
            in_a_row: BTreeMap::new(),
        }
    }

    pub(super) fn observe(&mut self, now: UnixNanos, seen: &Observation, out: &mut Vec<Signal>) {
        match seen {
            Observation::KeyAge { key, days, class } if self.config.key_age.enabled => {
                let level = match class {
                    KeyClass::Fresh => Level::Fine,
                    KeyClass::Old => Level::Wrong(self.config.key_age.severity),
                    KeyClass::TooOld => Level::Wrong(self.config.key_age.severity_too_old),
                };
                let text = || format!("{days} days old");
                say(&mut self.keys, now, key, &level, text, out);
            }
            Observation::ClockOffset { venue, offset_ms } if self.config.clock_offset.enabled => {
                let level = self.clock(offset_ms.unsigned_abs());
                let text = || {
                    let way = if *offset_ms < 0 { "behind" } else { "ahead of" };
                    let offset = offset_ms.unsigned_abs();
                    format!("this machine's clock is {offset} ms {way} the venue's")
                };
                say(&mut self.clocks, now, venue, &level, text, out);
            }
            Observation::DiskSpace { folder, free_bytes, total_bytes }
                if self.config.disk_space.enabled =>
            {
                let level = self.disk(*free_bytes, *total_bytes);
                let text = || format!("{} of {} are free", bytes(*free_bytes), bytes(*total_bytes));
                say(&mut self.disks, now, folder, &level, text, out);
            }
            Observation::Reconcile { account, differences, text }
                if self.config.reconcile.enabled =>
            {
                self.reconcile(now, account, (*differences, text), out);
            }
            _ => {}
        }
    }

    fn clock(&self, offset_ms: u64) -> Level {
        let rule = self.config.clock_offset;
        if offset_ms >= rule.critical_ms.get() {
            Level::Wrong(Severity::Critical)
        } else if offset_ms >= rule.warn_ms.get() {
            Level::Wrong(Severity::Warning)
        } else if offset_ms > rule.warn_ms.get() / 2 {
            Level::Between
        } else {
            Level::Fine
        }
    }

    fn disk(&self, free: u64, total: u64) -> Level {
        let rule = self.config.disk_space;
        let is_below = |percent: u64, mib: u64, slack: u128| {
            // With a slack of 12 a bound is a fifth higher than with 10.
            let free = u128::from(free) * 10;
            let share = u128::from(total) * u128::from(percent) / 100;
            let amount = u128::from(mib) * u128::from(MIB);
            free < share * slack || free < amount * slack
        };
        let (warn, critical) = (
            (rule.warn_free_percent.get(), rule.warn_free_mib.get()),
            (rule.critical_free_percent.get(), rule.critical_free_mib.get()),
        );
        if is_below(critical.0, critical.1, 10) {
            Level::Wrong(Severity::Critical)
        } else if is_below(warn.0, warn.1, 10) {
            Level::Wrong(Severity::Warning)
        } else if is_below(warn.0, warn.1, 12) {
            Level::Between
        } else {
            Level::Fine
        }
    }

    fn reconcile(
        &mut self,
        now: UnixNanos,
        account: &Name,
        (differences, text): (u32, &Text),
        out: &mut Vec<Signal>,
    ) {
        let rule = self.config.reconcile;
        if differences == 0 {
            self.in_a_row.remove(account);
            let text = || "the books agree again".to_owned();
            return self.books.clear(now, account, text, out);
        }
        let is_full = self.in_a_row.len() >= SUBJECTS_MAX && !self.in_a_row.contains_key(account);
        let row = if is_full {
            rule.warn_in_a_row.get()
        } else {
            let row = self.in_a_row.entry(account.clone()).or_insert(0);
            *row = row.saturating_add(1);
            *row
        };
        let level = if row >= rule.critical_in_a_row.get() {
            Level::Wrong(Severity::Critical)
        } else if row >= rule.warn_in_a_row.get() {
            Level::Wrong(Severity::Warning)
        } else {
            Level::Between
        };
        let text = || format!("{differences} differences in {row} comparisons in a row: {text}");
        say(&mut self.books, now, account, &level, text, out);
    }
}

fn say(
    switch: &mut Switch,
    now: UnixNanos,
    subject: &Name,
    level: &Level,
    text: impl FnOnce() -> String,
    out: &mut Vec<Signal>,
) {
    match level {
        Level::Wrong(severity) => switch.raise(now, subject, *severity, text, out),
        Level::Between => {}
        Level::Fine => switch.clear(now, subject, text, out),
    }
}
