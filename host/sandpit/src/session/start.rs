//! A start, which is always a recovery: the venue as it remembers itself, the journal verified and
//! replayed, and then the venue is asked. On an empty folder all of that finds nothing.

use std::{
    rc::Rc,
    sync::{Arc, atomic::AtomicBool},
};

use sandpit_core::{
    engine::{Effect, Engine, EngineConfig, Record, RecoveryConfig},
    ids::{InstrumentId, RunId},
    instrument::Instrument,
    market::MarketEvent,
    num::Rate,
    simulation::{FEED_LATENCY_MAX, Latency},
    time::Nanos,
};
use sandpit_journal::journal::{
    Digest, Durability, Entry, HostRecord, Journal, JournalOptions, RunMode, Tables,
};
use sandpit_plugin::{ComponentFile, Mode, Runner as _, Setting, Supervisor, Version, WarmUp};
use sandpit_venue::machine::Wanted;

use super::{
    Options, SessionError, Trading,
    desk::{Desk, Reception},
    dumps::Dumps,
    folder::StateFolder,
    ground::{Ground, Opened, Past, open_live, open_recorded},
    host::{Host, Parts},
    live::{self, Link},
    roster::{Roster, Running},
    tally::Tally,
    workshop::Workshop,
};
use crate::{
    backtest::{self, Assembly, Watch},
    config::{PluginRun, RunConfig},
    replay, sandbox,
};

/// What a venue may take to show what it has taken, with a second to spare.
const LIVE_GRACE: Nanos = Nanos(5 * Nanos::SECOND.0);
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
    pub(super) past: Past,
    /// The line to an exchange, where there is one.
    pub(super) live: Option<Live>,
    /// A funding that the venue has reckoned and the journal does not know.
    pub(super) missed: Option<MarketEvent>,
}

/// A session's line to an exchange.
pub(super) struct Live {
    pub(super) link: Rc<Link>,
    /// What is wanted of the markets.
    pub(super) wanted: Wanted,
    /// Bars from before the session; at most what was wanted.
    pub(super) history: Vec<MarketEvent>,
    /// The venue's clock less ours.
    pub(super) clock_offset_nanos: i64,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Rows of the journal.
    pub(super) rows: u64,
    /// Bytes of a cut write at the end of the venue's log.
    pub(super) cut: u64,
}

/// Opens all that a session needs. `None` where it was stopped before its venue was open.
pub(super) fn start<'a>(
    config: &'a RunConfig,
    options: &'a Options,
    trading: Trading,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<Option<(Started<'a>, Found)>, SessionError> {
    let synced = options.durability == Durability::Power;
    let folder = StateFolder::take(&options.state, synced)?;
    let (mode, mut trading) = (trading.mode(), trading);
    let mut reception = Reception::open(config, options, mode, folder.journal())?;
    let mut components = Vec::new();
    for plugin in &config.plugins {
        components.push(backtest::component(&plugin.name, &plugin.source, watch)?);
    }
    let keys = trading.take_keys();
    let Some(ground) = Ground::open(config, trading, &mut reception, watch, stop)? else {
        return Ok(None);
    };
    let lockstep = matches!(ground, Ground::Recorded(_)) && options.speed.is_lockstep();
    let mut assembly = Assembly::new(config, ground.instruments(), &components, lockstep)?;
    assembly.engine.run = options.run;
    assembly.engine.recovery = Some(match &ground {
        Ground::Live { real: true, .. } => live_recovery(config),
        Ground::Recorded(_) | Ground::Live { .. } => recovery(config),
    });
    // A simulated venue in an exchange's place has what the exchange has, so that what passes here
    // passes there.
    if let Ground::Live { capabilities, .. } = &ground {
        assembly.engine.venue = *capabilities;
    }
    let mut journal = open_journal(config, options, &folder, &assembly)?;
    let began_with = journal.began().plugins();
    let engine = Engine::begun_with(assembly.engine.clone(), began_with);
    let opened = match ground {
        Ground::Recorded(_) => open_recorded(config, &folder, synced, &assembly, engine)?,
        Ground::Live { connected, real, .. } => {
            open_live(config, &folder, synced, &assembly, engine, (connected, real))?
        }
    };
    let Opened { mut engine, venue, past, cut, mut last, now, link } = opened;

    let (tally, rows) = replay(&mut engine, &journal, &mut last)?;
    let now = now.max(engine.now());
    let mut effects = Vec::new();
    // Plugins that the configuration has and the journal has not are new.
    engine.add_waiting(|plugin| config.plugins[usize::from(plugin.0)].name.clone(), &mut effects);
    let added = effects.drain(..).filter_map(|effect| match effect {
        Effect::Record(record) => Some(record),
        _ => None,
    });
    let added: Vec<_> = added.collect();
    journal.append(now, &added).map_err(SessionError::Journal)?;
    let began = began(config, options.run, run_mode(mode), &assembly.hashes);
    journal.append(now, &began).map_err(SessionError::Journal)?;
    let wanted = live::wanted(&assembly.engine, &assembly.warm_up);
    let (plugins, roster, first) =
        plugins(config, options, &folder, &mut assembly, (&components, mode))?;
    let failed = |source| SessionError::Folder { path: options.state.clone(), source };
    let desk = Desk::open(config, options, keys, reception)?;
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
        lockstep,
        mode,
        on_quarantine: config.faults.on_quarantine,
        currency: assembly.currency,
    };
    let warm_up = assembly.warm_up;
    let host = Host::new(parts, now);
    let live = link.map(|(link, clock_offset_nanos)| {
        let history = Vec::new();
        Live { link, wanted, history, clock_offset_nanos }
    });
    let started = Started { config, options, host, desk, first, warm_up, past, live, missed: last };
    Ok(Some((started, Found { rows, cut })))
}

fn open_journal(
    config: &RunConfig,
    options: &Options,
    folder: &StateFolder,
    assembly: &Assembly,
) -> Result<Journal, SessionError> {
    let journal_options =
        JournalOptions { durability: options.durability, bytes_max: options.journal_bytes_max };
    let tables = tables(config, assembly);
    Journal::open(folder.journal(), &tables, &journal_options).map_err(SessionError::Journal)
}

const fn run_mode(mode: Mode) -> RunMode {
    match mode {
        Mode::Backtest => RunMode::Backtest,
        Mode::Paper => RunMode::Paper,
        Mode::Testnet => RunMode::Testnet,
        Mode::Live => RunMode::Live,
    }
}

/// The places of all plugins, who they are, and what each of them runs at first.
type Plugins = (Supervisor<Running>, Roster, Vec<(Running, Version)>);

/// Makes them.
fn plugins(
    config: &RunConfig,
    options: &Options,
    folder: &StateFolder,
    assembly: &mut Assembly,
    (components, mode): (&[ComponentFile], Mode),
) -> Result<Plugins, SessionError> {
    let mut supervisor = Supervisor::new(sandbox::supervise_rules(config));
    let (mut roster, mut first) = (Roster::default(), Vec::new());
    let path = folder.path();
    let failed = |source| SessionError::Folder { path: path.to_owned(), source };
    let instances = std::mem::take(&mut assembly.instances);
    for (index, (instance, run)) in instances.into_iter().zip(&config.plugins).enumerate() {
        roster.add(config, run, path, options)?;
        let own = &assembly.engine.plugins[index].instruments;
        let (rules, currency) = (&assembly.engine.instruments, &assembly.currency);
        let setting = setting(config.seed, run, own, rules, (currency, mode));
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
    (currency, mode): (&str, Mode),
) -> Setting {
    Setting {
        mode,
        seed: backtest::plugin_seed(seed, &run.name),
        instruments: own.iter().map(|id| (*id, rules[usize::from(id.0)].clone())).collect(),
        currency: currency.to_owned(),
    }
}

/// On an exchange: a request may wait to be sent, then travel for as long as it is valid, and then the
/// venue may take a while to show what it has taken.
fn live_recovery(config: &RunConfig) -> RecoveryConfig {
    let venue = config.venue.as_ref();
    let travels = venue.map_or(Nanos::SECOND, |venue| {
        Nanos(venue.recv_window.0.saturating_add(venue.tuning.retries.order_patience.0))
    });
    let default = RecoveryConfig::default();
    RecoveryConfig {
        grace: Nanos(travels.0.saturating_add(LIVE_GRACE.0)),
        reconcile_every: venue.map_or(default.reconcile_every, |venue| venue.reconcile_every),
        ..default
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
) -> Result<(Tally, u64), SessionError> {
    let (mut tally, mut rows) = (Tally::default(), 0);
    for row in journal.entries() {
        let row = row.map_err(SessionError::Journal)?;
        if let Entry::Core(record) = &row.entry {
            engine
                .replay(row.at, record)
                .map_err(|source| SessionError::Replay { seq: row.seq, source })?;
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
fn began(config: &RunConfig, run: RunId, mode: RunMode, hashes: &[[u8; 32]]) -> Vec<HostRecord> {
    let components = hashes.iter().map(|hash| Digest(*hash)).collect();
    vec![HostRecord::Started {
        run,
        mode,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: Digest::of(config.canonical().as_bytes()),
        components,
    }]
}

/// An engine that only feeds history to plugins: it has no past and takes no wishes.
pub(super) fn history_engine(config: &EngineConfig) -> Engine {
    Engine::new(EngineConfig { recovery: None, ..config.clone() })
}
