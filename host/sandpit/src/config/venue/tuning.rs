//! `[venue.retries]`, `[venue.breaker]`, `[venue.clock]` and `[venue.connections]`: how patiently a
//! venue is asked. Defaults and bounds are those of the venue's crate.

use std::ops::Range;

use sandpit_core::time::Nanos;
use sandpit_venue::binance::Tuning;
use serde::Deserialize;
use toml::Spanned;

use super::Misplaced;
use crate::config::ConfigError;

const MILLI: Nanos = Nanos(Nanos::SECOND.0 / 1_000);

/// All four tables as they are written.
#[derive(Debug, Default)]
pub(super) struct TuningFile {
    pub(super) retries: Option<Spanned<RetriesFile>>,
    pub(super) breaker: Option<Spanned<BreakerFile>>,
    pub(super) clock: Option<Spanned<ClockFile>>,
    pub(super) connections: Option<Spanned<ConnectionsFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetriesFile {
    answer_timeout_ms: Option<u64>,
    order_patience_ms: Option<u64>,
    ask_least_ms: Option<u64>,
    ask_first_ms: Option<u64>,
    ask_most_ms: Option<u64>,
    connect_least_ms: Option<u64>,
    connect_first_ms: Option<u64>,
    connect_most_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BreakerFile {
    failures: Option<u32>,
    window_s: Option<u64>,
    open_first_s: Option<u64>,
    open_most_s: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockFile {
    every_s: Option<u64>,
    samples: Option<u32>,
    offset_max_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionsFile {
    renew_after_s: Option<u64>,
    renew_jitter_s: Option<u64>,
    opening_s: Option<u64>,
    silence_s: Option<u64>,
    linger_ms: Option<u64>,
}

/// Sets what the file says.
fn set(field: &mut Nanos, said: Option<u64>, unit: Nanos) {
    if let Some(said) = said {
        *field = Nanos(said.saturating_mul(unit.0));
    }
}

impl TuningFile {
    pub(super) fn resolve(self) -> Result<Tuning, Misplaced> {
        let mut tuning = Tuning::default();
        let mut places: Vec<(&str, Range<usize>)> = Vec::new();
        if let Some(file) = self.retries {
            places.push(("retries", file.span()));
            file.into_inner().put(&mut tuning);
        }
        if let Some(file) = self.breaker {
            places.push(("breaker", file.span()));
            file.into_inner().put(&mut tuning);
        }
        if let Some(file) = self.clock {
            places.push(("clock", file.span()));
            file.into_inner().put(&mut tuning);
        }
        if let Some(file) = self.connections {
            places.push(("connections", file.span()));
            file.into_inner().put(&mut tuning);
        }
        // How often this venue is silent at most is looked at where it is connected.
        tuning.check(Nanos(0)).map(|()| tuning).map_err(|error| {
            let group = error.field.split('.').next().unwrap_or_default();
            let place = places.into_iter().find(|(name, _)| *name == group);
            let error = ConfigError::new(format!("[venue] {error}"))
                .help("docs/venues/connection.md says what each of them does");
            (place.map_or(0..0, |(_, span)| span), error)
        })
    }
}

impl RetriesFile {
    fn put(self, tuning: &mut Tuning) {
        let retries = &mut tuning.retries;
        set(&mut retries.answer_timeout, self.answer_timeout_ms, MILLI);
        set(&mut retries.order_patience, self.order_patience_ms, MILLI);
        set(&mut retries.ask.least, self.ask_least_ms, MILLI);
        set(&mut retries.ask.first, self.ask_first_ms, MILLI);
        set(&mut retries.ask.most, self.ask_most_ms, MILLI);
        set(&mut retries.connect.least, self.connect_least_ms, MILLI);
        set(&mut retries.connect.first, self.connect_first_ms, MILLI);
        set(&mut retries.connect.most, self.connect_most_ms, MILLI);
    }
}

impl BreakerFile {
    fn put(self, tuning: &mut Tuning) {
        let breaker = &mut tuning.breaker;
        breaker.failures = self.failures.unwrap_or(breaker.failures);
        set(&mut breaker.window, self.window_s, Nanos::SECOND);
        set(&mut breaker.open_first, self.open_first_s, Nanos::SECOND);
        set(&mut breaker.open_most, self.open_most_s, Nanos::SECOND);
    }
}

impl ClockFile {
    fn put(self, tuning: &mut Tuning) {
        let clock = &mut tuning.clock;
        clock.samples = self.samples.unwrap_or(clock.samples);
        set(&mut clock.every, self.every_s, Nanos::SECOND);
        set(&mut clock.offset_max, self.offset_max_ms, MILLI);
    }
}

impl ConnectionsFile {
    fn put(self, tuning: &mut Tuning) {
        let connections = &mut tuning.connections;
        set(&mut connections.renew_after, self.renew_after_s, Nanos::SECOND);
        set(&mut connections.renew_jitter, self.renew_jitter_s, Nanos::SECOND);
        set(&mut connections.opening, self.opening_s, Nanos::SECOND);
        set(&mut connections.linger, self.linger_ms, MILLI);
        if let Some(silence) = self.silence_s {
            connections.silence = Some(Nanos(silence.saturating_mul(Nanos::SECOND.0)));
        }
    }
}
