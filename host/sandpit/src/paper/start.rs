//! A start, which is always a recovery: the venue as it remembers itself, the journal verified and
//! replayed, and then the venue is asked. On an empty folder all of that finds nothing.

use std::{cell::RefCell, path::PathBuf, sync::Arc};

use sandpit_core::{
    engine::{Effect, Engine, EngineConfig, Event, Record, RecoveryConfig},
    ids::{InstrumentId, RunId},
    instrument::Instrument,
    market::{MarketData, MarketEvent},
    num::Rate,
    simulation::{FEED_LATENCY_MAX, Latency, Line},
    time::{Nanos, UnixNanos},
};
use sandpit_journal::{
    journal::{Digest, Durability, Entry, HostRecord, Journal, JournalOptions, RunMode, Tables},
    tape::{MergedTapes, tape_hash},
};
use sandpit_plugin::{ComponentFile, Mode, Runner as _, Setting, Supervisor, Version, WarmUp};

use super::{
    Options, PaperError,
    desk::Desk,
    dumps::Dumps,
    folder::StateFolder,
    host::{Host, Parts},
    market::RecordedMarket,
    roster::{Roster, Running},
    tally::Tally,
    venue::{PaperVenue, VenueSpec},
    workshop::Workshop,
};
use crate::{
    backtest::{self, Assembly, HistorySearch, Watch},
    config::{ConfigError, PluginRun, RunConfig},
    replay, sandbox,
};

/// The longest time that a request may be under way on top of the modelled latency. The simulated
/// venue takes everything at once, so this is short.
const GRACE: Nanos = Nanos::SECOND;

/// A session that is about to begin: the host has its past, and has not asked the venue yet.
pub(super) struct Started<'a> {
    pub(super) config: &'a RunConfig,
    pub(super) options: &'a Options,
    pub(super) host: Host,
    pub(super) desk: Desk,
    /// What every plugin runs at first.
    pub(super) first: Vec<(Running, Version)>,
    pub(super) warm_up: Vec<WarmUp>,
    /// Where the history that plugins want begins, and how many market events there were before
    /// the session.
    pub(super) history: (UnixNanos, u64),
    /// A funding that the venue has reckoned and the journal does not know.
    pub(super) missed: Option<MarketEvent>,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Rows of the journal.
    pub(super) rows: u64,
    /// Bytes of a cut write at the end of the venue's log.
    pub(super) cut: u64,
}

/// What the simulated venue of a session does not do is refused and not passed over.
fn refuse_what_paper_lacks(config: &RunConfig) -> Result<(), ConfigError> {
    if config.instruments.iter().any(|rules| rules.margin.is_some()) {
        return Err(ConfigError::new("a paper session does not know margin")
            .help("leave `[instruments.margin]` out, or run a backtest"));
    }
    if config.fill.order_latency.is_some() || config.fill.report_latency.is_some() {
        return Err(ConfigError::new("a paper session knows the latency `latency_ms` alone")
            .help("leave `[fill.order_latency]` and `[fill.report_latency]` out"));
    }
    Ok(())
}

/// The venue of a configuration.
pub(super) fn venue_spec(
    config: &RunConfig,
    instruments: Vec<Instrument>,
    synced: bool,
) -> Result<VenueSpec, PaperError> {
    refuse_what_paper_lacks(config)?;
    let hash = |path: &PathBuf| tape_hash(path).map(|hash| backtest::hex(&hash));
    Ok(VenueSpec {
        model: backtest::fill_model(config, &instruments)?,
        instruments,
        budgets: config.plugins.iter().map(|plugin| plugin.budget).collect(),
        tapes: config.tapes.iter().map(hash).collect::<Result<_, _>>()?,
        synced,
    })
}

/// Opens all that a session needs.
pub(super) fn start<'a>(
    config: &'a RunConfig,
    options: &'a Options,
    watch: &mut dyn Watch,
) -> Result<(Started<'a>, Found), PaperError> {
    let synced = options.durability == Durability::Power;
    let folder = StateFolder::take(&options.state, synced)?;
    let mut components = Vec::new();
    for plugin in &config.plugins {
        components.push(backtest::component(&plugin.name, &plugin.source, watch)?);
    }
    let instruments = MergedTapes::open(&config.tapes)?.instruments().to_vec();
    let lockstep = options.speed.is_lockstep();
    let mut assembly = Assembly::new(config, &instruments, &components, lockstep)?;
    assembly.engine.run = options.run;
    assembly.engine.recovery = Some(recovery(config));
    let spec = venue_spec(config, assembly.engine.instruments.clone(), synced)?;

    let journal_options =
        JournalOptions { durability: options.durability, ..JournalOptions::default() };
    let journal_options =
        JournalOptions { bytes_max: options.journal_bytes_max, ..journal_options };
    let tables = tables(config, &assembly);
    let mut journal =
        Journal::open(folder.journal(), &tables, &journal_options).map_err(PaperError::Journal)?;

    // The market of the past first, while there are no positions for it to move: prices, books and
    // bars that are being built. What it leads to was dealt with when it happened.
    let began_with = journal.began().plugins();
    let engine = Engine::begun_with(assembly.engine.clone(), began_with);
    let past = RefCell::new((engine, HistorySearch::new(&assembly.warm_up, instruments.len())));
    let (mut effects, mut last) = (Vec::new(), None);
    let mut see = |event: &MarketEvent| {
        last = matches!(event.data, MarketData::Funding(_)).then(|| event.clone());
        let (engine, search) = &mut *past.borrow_mut();
        search.see(event);
        engine.step(Event::History(event.clone()), &mut effects);
        effects.clear();
    };
    let market = Box::new(RecordedMarket::open(&config.tapes, config.to)?);
    let (mut venue, cut) = PaperVenue::open(&folder.venue(), &spec, market, &mut see)?;
    venue.pass(config.from.unwrap_or_default(), &mut see)?;
    let (mut engine, search) = past.into_inner();

    let (tally, rows) = replay(&mut engine, &journal, &mut last)?;
    let mut now = venue.now().max(engine.now());
    if now == UnixNanos(0) {
        now = venue.next_time().unwrap_or(now);
    }
    // Plugins that the configuration has and the journal has not are new.
    engine.add_waiting(|plugin| config.plugins[usize::from(plugin.0)].name.clone(), &mut effects);
    let added = effects.drain(..).filter_map(|effect| match effect {
        Effect::Record(record) => Some(record),
        _ => None,
    });
    let added: Vec<_> = added.collect();
    journal.append(now, &added).map_err(PaperError::Journal)?;
    let began = began(config, options.run, &assembly.hashes);
    journal.append(now, &began).map_err(PaperError::Journal)?;
    let history = (search.begin(now), venue.position());
    let latencies = config.fill.latencies(config.seed);
    let (plugins, roster, first) = plugins(config, options, &folder, &mut assembly, &components)?;
    let failed = |source| PaperError::Folder { path: options.state.clone(), source };
    let desk = Desk::open(config, options)?;
    let parts = Parts {
        engine,
        journal,
        venue,
        plugins,
        roster,
        workshop: Workshop::new(config.loading.clone(), assembly.sandbox).map_err(failed)?,
        dumps: Dumps::new(folder.dumps(), config.faults.core_dumps_max),
        folder,
        tally,
        lines: (Line::new(latencies.0), Line::new(latencies.1)),
        lockstep,
        on_quarantine: config.faults.on_quarantine,
        currency: assembly.currency,
    };
    let warm_up = assembly.warm_up;
    let host = Host::new(parts, now);
    let started = Started { config, options, host, desk, first, warm_up, history, missed: last };
    Ok((started, Found { rows, cut }))
}

/// The places of all plugins, who they are, and what each of them runs at first.
type Plugins = (Supervisor<Running>, Roster, Vec<(Running, Version)>);

/// Makes them.
fn plugins(
    config: &RunConfig,
    options: &Options,
    folder: &StateFolder,
    assembly: &mut Assembly,
    components: &[ComponentFile],
) -> Result<Plugins, PaperError> {
    let mut supervisor = Supervisor::new(sandbox::supervise_rules(config));
    let (mut roster, mut first) = (Roster::default(), Vec::new());
    let path = folder.path();
    let failed = |source| PaperError::Folder { path: path.to_owned(), source };
    let instances = std::mem::take(&mut assembly.instances);
    for (index, (instance, run)) in instances.into_iter().zip(&config.plugins).enumerate() {
        roster.add(config, run, path, options)?;
        let own = &assembly.engine.plugins[index].instruments;
        let (rules, currency) = (&assembly.engine.instruments, &assembly.currency);
        let setting = setting(config.seed, run, own, rules, currency);
        let plugin = supervisor.add(&run.name, sandbox::slot_limits(&run.sandbox), setting);
        let (file, sha256) = (Arc::new(components[index].clone()), assembly.hashes[index]);
        replay::keep_component(path, &sha256, file.bytes()).map_err(failed)?;
        let description = instance.description();
        let version = Version {
            file,
            sha256,
            version: description.version.clone(),
            schema: description.state_schema,
            arguments: assembly.arguments[index].clone(),
            subscriptions: description.subscriptions(),
        };
        first.push((roster.record(plugin, instance, sha256), version));
    }
    Ok((supervisor, roster, first))
}

/// What stays of a plugin's sessions.
pub(super) fn setting(
    seed: u64,
    run: &PluginRun,
    own: &[InstrumentId],
    rules: &[Instrument],
    currency: &str,
) -> Setting {
    Setting {
        mode: Mode::Paper,
        seed: backtest::plugin_seed(seed, &run.name),
        instruments: own.iter().map(|id| (*id, rules[usize::from(id.0)].clone())).collect(),
        currency: currency.to_owned(),
    }
}

fn recovery(config: &RunConfig) -> RecoveryConfig {
    let (there, back) = config.fill.latencies(config.seed);
    let ways = longest(there).0.saturating_add(longest(back).0);
    RecoveryConfig { grace: Nanos(GRACE.0.saturating_add(ways)), ..RecoveryConfig::default() }
}

/// The longest that a message may take.
fn longest(latency: Latency) -> Nanos {
    /// One, as a raw rate.
    const ONE: i64 = 10i64.pow(Rate::SCALE as u32);
    match latency {
        Latency::Fixed(way) => way,
        Latency::Jitter { base, spread, .. } => Nanos(base.0.saturating_add(spread.0)),
        Latency::Recorded { factor, plus } => {
            let times = u64::try_from(factor.0 / ONE).unwrap_or(0).saturating_add(1);
            Nanos(FEED_LATENCY_MAX.0.saturating_mul(times).saturating_add(plus.0))
        }
    }
}

fn tables(config: &RunConfig, assembly: &Assembly) -> Tables {
    Tables {
        instruments: assembly.engine.instruments.clone(),
        plugins: config.plugins.iter().map(|plugin| plugin.name.clone()).collect(),
        budgets: config.plugins.iter().map(|plugin| plugin.budget).collect(),
        currency: assembly.currency.clone(),
    }
}

/// Applies every row to the engine; the chain is verified as it goes. `last` is the funding that
/// the venue reckoned last, if nothing has happened there since: it is taken where a row tells of
/// it. The venue remembers an event just before the journal does.
fn replay(
    engine: &mut Engine,
    journal: &Journal,
    last: &mut Option<MarketEvent>,
) -> Result<(Tally, u64), PaperError> {
    let (mut tally, mut rows) = (Tally::default(), 0);
    for row in journal.entries() {
        let row = row.map_err(PaperError::Journal)?;
        if let Entry::Core(record) = &row.entry {
            engine
                .replay(row.at, record)
                .map_err(|source| PaperError::Replay { seq: row.seq, source })?;
            tally.count(record);
            if let Record::Funded { instrument, .. } = record {
                let known =
                    |event: &MarketEvent| event.instrument == *instrument && row.at >= event.time;
                *last = last.take().filter(|event| !known(event));
            }
        }
        rows += 1;
    }
    Ok((tally, rows))
}

/// What the journal says of the beginning of a run.
fn began(config: &RunConfig, run: RunId, hashes: &[[u8; 32]]) -> Vec<HostRecord> {
    let components = hashes.iter().map(|hash| Digest(*hash)).collect();
    vec![HostRecord::Started {
        run,
        mode: RunMode::Paper,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: Digest::of(config.canonical().as_bytes()),
        components,
    }]
}

/// An engine that only feeds history to plugins: it has no past and takes no wishes.
pub(super) fn history_engine(config: &EngineConfig) -> Engine {
    Engine::new(EngineConfig { recovery: None, ..config.clone() })
}
