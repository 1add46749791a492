//! One rule's alerts: what is on says so once, once more when it becomes worse, and once when it ends.

use std::collections::BTreeMap;

use sandpit_core::time::{Nanos, UnixNanos};

use super::{OTHERS, SUBJECTS_MAX};
use crate::{
    Name, Severity, Text,
    signal::{Change, Rule, Signal},
};

/// After so long without anything the shared alert of [`OTHERS`] is over.
const OTHERS_QUIET: Nanos = Nanos(3_600 * Nanos::SECOND.0);

#[derive(Debug)]
pub(super) struct Switch {
    rule: Rule,
    active: BTreeMap<Name, Active>,
}

#[derive(Clone, Copy, Debug)]
struct Active {
    severity: Severity,
    /// When it was wrong for the last time.
    last: UnixNanos,
}

impl Switch {
    pub(super) const fn new(rule: Rule) -> Self {
        Self { rule, active: BTreeMap::new() }
    }

    /// It is wrong.
    pub(super) fn raise(
        &mut self,
        now: UnixNanos,
        subject: &Name,
        severity: Severity,
        text: impl FnOnce() -> String,
        out: &mut Vec<Signal>,
    ) {
        let is_known = self.active.contains_key(subject);
        let others = Name::from(OTHERS);
        let subject = if is_known || self.active.len() < SUBJECTS_MAX { subject } else { &others };
        match self.active.get_mut(subject) {
            Some(active) => {
                active.last = active.last.max(now);
                if severity <= active.severity {
                    return;
                }
                active.severity = severity;
            }
            None => {
                self.active.insert(subject.clone(), Active { severity, last: now });
            }
        }
        let change = Change::Raised { severity, text: Text::from(text()) };
        out.push(Signal { at: now, rule: self.rule, subject: subject.clone(), change });
    }

    /// It is over, if it was wrong.
    pub(super) fn clear(
        &mut self,
        now: UnixNanos,
        subject: &Name,
        text: impl FnOnce() -> String,
        out: &mut Vec<Signal>,
    ) {
        if self.active.remove(subject).is_some() {
            let change = Change::Cleared { text: Text::from(text()) };
            out.push(Signal { at: now, rule: self.rule, subject: subject.clone(), change });
        }
    }

    /// What has not been wrong for so long is over.
    pub(super) fn expire(&mut self, now: UnixNanos, quiet: Nanos, out: &mut Vec<Signal>) {
        let minutes = quiet.0 / (60 * Nanos::SECOND.0);
        let text = || format!("not again for {minutes} min");
        for subject in self.quiet_since(now, quiet) {
            self.clear(now, &subject, text, out);
        }
    }

    /// The same for what there was no room for, whose own end nobody sees.
    pub(super) fn expire_others(&mut self, now: UnixNanos, out: &mut Vec<Signal>) {
        let others = Name::from(OTHERS);
        let is_over =
            self.active.get(&others).is_some_and(|one| now.since(one.last) >= OTHERS_QUIET);
        if is_over {
            self.clear(now, &others, || "nothing more for an hour".to_owned(), out);
        }
    }

    fn quiet_since(&self, now: UnixNanos, quiet: Nanos) -> Vec<Name> {
        let is_quiet = |active: &Active| now.since(active.last) >= quiet;
        self.active
            .iter()
            .filter(|(_, active)| is_quiet(active))
            .map(|(subject, _)| subject.clone())
            .collect()
    }

    pub(super) fn is_on(&self, subject: &Name) -> bool {
        self.active.contains_key(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_without_number_are_a_bounded_number_of_alerts() {
        let mut switch = Switch::new(Rule::FillPrice);
        let mut out = Vec::new();
        for round in 0..3 {
            for at in 0..10 * SUBJECTS_MAX {
                let name = Name::from(format!("S{at}"));
                switch.raise(UnixNanos(round), &name, Severity::Warning, String::new, &mut out);
            }
        }
        assert_eq!(out.len(), SUBJECTS_MAX + 1);
        assert_eq!(out.last().unwrap().subject.as_str(), OTHERS);
        assert_eq!(switch.active.len(), SUBJECTS_MAX + 1);
        // One severity up is told once more.
        let name = Name::from("S9999");
        for _ in 0..100 {
            switch.raise(UnixNanos(9), &name, Severity::Critical, String::new, &mut out);
        }
        assert_eq!(out.len(), SUBJECTS_MAX + 2);
        out.clear();
        switch.expire_others(UnixNanos(8 + OTHERS_QUIET.0), &mut out);
        assert!(out.is_empty());
        switch.expire_others(UnixNanos(9 + OTHERS_QUIET.0), &mut out);
        assert_eq!(out.len(), 1);
    }
}
