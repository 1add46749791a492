//! Rotation of a journal that no host writes: its rows are replayed, and the new file begins with
//! what a start must know. What depends on the operator's limits (equity over time, stages of a
//! ramp) is not reckoned anew, since limits are not here: it is carried over as it was written.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
};

use sandpit_core::{
    engine::{Engine, EngineConfig, PluginConfig, Record, Sound, VenueCapabilities},
    ids::{InstrumentId, PluginId, RunId},
    plugin::Subscriptions,
    risk::{Limits, OffTick, RiskRules},
    time::{Nanos, UnixNanos},
};
use sandpit_journal::journal::{
    Durability, Entry, HostRecord, Journal, JournalOptions, JournalReader, Rotated, Tables,
};

use super::AuditError;

/// Equity samples of a scope that are carried: more than the longest window of a guard.
const EQUITY_KEPT: Nanos = Nanos(5 * 3_600 * Nanos::SECOND.0);
/// How many of them at most; the oldest go first.
const EQUITY_ROWS_MAX: usize = 4_096;

/// Begins a new file of the chain.
///
/// # Errors
/// A host writes the journal, it is not sound, or it cannot be written.
pub fn rotate(path: &Path) -> Result<Rotated, AuditError> {
    let tables = JournalReader::open(path)?.tables().clone();
    let options = JournalOptions { durability: Durability::Power, bytes_max: None };
    let mut journal = Journal::open(path, &tables, &options)?;
    let (carry, at) = carry(&journal, &tables)?;
    let rotated = journal.rotate(at, &tables, &carry)?;
    journal.close()?;
    Ok(rotated)
}

/// What the new file begins with, and the time of the old one's last row.
fn carry(journal: &Journal, tables: &Tables) -> Result<(Vec<Entry>, UnixNanos), AuditError> {
    let mut engine = Engine::<Sound>::begun_with(config(tables), journal.began().plugins());
    let mut at = UnixNanos(0);
    let mut started = None;
    let mut guards = Guards::default();
    for row in journal.entries() {
        let row = row?;
        at = row.at;
        match row.entry {
            Entry::Core(record) => {
                engine
                    .replay(row.at, &record)
                    .map_err(|source| AuditError::Replay { seq: row.seq, source })?;
                guards.take(row.at, record);
            }
            Entry::Host(record @ HostRecord::Started { .. }) => started = Some(record),
            Entry::Host(_) => {}
        }
    }
    let mut records = engine.carry();
    records.retain(|record| !matches!(record, Record::Equity { .. } | Record::Ramp { .. }));
    records.extend(guards.into_records());
    let started = started.map(Entry::Host);
    Ok((started.into_iter().chain(records.into_iter().map(Entry::Core)).collect(), at))
}

/// Records that are carried as they are, by scope.
#[derive(Debug, Default)]
struct Guards {
    equity: BTreeMap<Option<PluginId>, VecDeque<(UnixNanos, Record)>>,
    ramps: BTreeMap<Option<PluginId>, Record>,
}

impl Guards {
    fn take(&mut self, at: UnixNanos, record: Record) {
        match &record {
            Record::Equity { plugin, .. } => {
                let samples = self.equity.entry(*plugin).or_default();
                samples.push_back((at, record));
                let is_old = |time: UnixNanos| at.since(time) > EQUITY_KEPT;
                while samples.len() > EQUITY_ROWS_MAX
                    || samples.front().is_some_and(|(time, _)| is_old(*time))
                {
                    samples.pop_front();
                }
            }
            // What the account was given meanwhile counts for its earlier samples, too.
            Record::PluginAdded { budget, .. } => {
                for (_, sample) in self.equity.get_mut(&None).into_iter().flatten() {
                    if let Record::Equity { sample, .. } = sample {
                        sample.equity += *budget;
                        sample.balance += *budget;
                        sample.peak += *budget;
                        sample.day_start += *budget;
                    }
                }
            }
            Record::Ramp { plugin, .. } => {
                self.ramps.insert(*plugin, record);
            }
            _ => {}
        }
    }

    fn into_records(self) -> impl Iterator<Item = Record> {
        let samples = self.equity.into_values().flatten().map(|(_, record)| record);
        samples.chain(self.ramps.into_values())
    }
}

/// An engine that is only asked what it knows: limits and capabilities decide about what comes, and
/// nothing comes.
fn config(tables: &Tables) -> EngineConfig {
    let ids = || (0u16..).map(InstrumentId).take(tables.instruments.len()).collect();
    let plugin = |budget: &_| PluginConfig {
        budget: *budget,
        instruments: ids(),
        subscriptions: Subscriptions::default(),
        limits: Limits::unlimited(),
    };
    EngineConfig {
        run: RunId(0),
        instruments: tables.instruments.clone(),
        plugins: tables.budgets.iter().map(plugin).collect(),
        account_limits: Limits::unlimited(),
        risk: RiskRules::default(),
        off_tick: OffTick::default(),
        venue: VenueCapabilities::ALL,
        recovery: None,
    }
}
