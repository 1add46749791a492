//! Much more is traded in an interval than usual, by a robust z-score (see [`crate::exact::Usual`]).

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::{
    num::Decimal,
    time::{Nanos, UnixNanos},
};

use super::{SUBJECTS_MAX, VolumeRule, amounts::tenths, switch::Switch};
use crate::{
    Name, Severity,
    exact::{Usual, is_more, share, units},
    signal::{Rule, Signal},
};

#[derive(Debug)]
pub(super) struct Volume {
    rule: VolumeRule,
    switch: Switch,
    /// At most [`SUBJECTS_MAX`]; further ones are not watched.
    series: BTreeMap<(Name, Nanos), VecDeque<u128>>,
}

impl Volume {
    pub(super) const fn new(rule: VolumeRule) -> Self {
        Self { rule, switch: Switch::new(Rule::Volume), series: BTreeMap::new() }
    }

    pub(super) fn observe(
        &mut self,
        now: UnixNanos,
        (instrument, interval): (&Name, Nanos),
        volume: Decimal,
        out: &mut Vec<Signal>,
    ) {
        let Some(units) = units(volume).and_then(|units| u128::try_from(units).ok()) else {
            return;
        };
        let key = (instrument.clone(), interval);
        let is_full = self.series.len() >= SUBJECTS_MAX && !self.series.contains_key(&key);
        if !self.rule.enabled || is_full {
            return;
        }
        let series = self.series.entry(key).or_default();
        if series.len() >= self.rule.intervals_min.size()
            && let Some(usual) = Usual::of(series.iter().copied())
        {
            let seconds = interval.0 / Nanos::SECOND.0;
            let subject = Name::from(format!("{instrument} {seconds} s"));
            let judged = judge(&self.rule, &usual, units);
            let text = || {
                let z = tenths(usual.z_tenths(units));
                let times = tenths(share(units, 40, usual.median_times_four));
                format!("{volume} were traded, {times} times the usual volume (robust z-score {z})")
            };
            match judged {
                Judged::Unusual(severity) => self.switch.raise(now, &subject, severity, text, out),
                Judged::Usual => {
                    self.switch.clear(
                        now,
                        &subject,
                        || "the volume is usual again".to_owned(),
                        out,
                    );
                }
                Judged::Between => {}
            }
        }
        while series.len() >= self.rule.intervals.size() {
            series.pop_front();
        }
        series.push_back(units);
    }

    pub(super) fn tick(&mut self, now: UnixNanos, out: &mut Vec<Signal>) {
        self.switch.expire_others(now, out);
    }
}

enum Judged {
    Unusual(Severity),
    Between,
    Usual,
}

fn judge(rule: &VolumeRule, usual: &Usual, units: u128) -> Judged {
    // Where mostly nothing is traded, nothing is usual.
    let is_much = usual.median_times_four > 0
        && is_more(units, 4, usual.median_times_four, rule.times_min.get());
    if is_much && usual.is_outlier(units, rule.critical_z_milli.get()) {
        Judged::Unusual(Severity::Critical)
    } else if is_much && usual.is_outlier(units, rule.warn_z_milli.get()) {
        Judged::Unusual(Severity::Warning)
    } else if usual.is_outlier(units, rule.clear_z_milli.get()) {
        Judged::Between
    } else {
        Judged::Usual
    }
}
