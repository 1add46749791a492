//! The loop: a market, a simulation, plugins in the sandbox, and a recorder that listens.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use sandpit_core::{
    engine::{EngineConfig, PluginConfig, VenueCapabilities},
    ids::{InstrumentId, PluginId, RunId},
    instrument::Instrument,
    intent::Intent,
    matching::FillModel,
    simulation::{Simulation, SimulationConfig},
    time::UnixNanos,
};
use sandpit_journal::tape::TapeError;
use sandpit_plugin::{Argument, Fault, InlinePlugins, Instance, Mode, Session, StopReason, WarmUp};
use sha2::{Digest as _, Sha256};

use super::{
    BacktestError, Outcome, Watch,
    input::{Input, Market},
    limits, machine,
};
use crate::{
    config::{ConfigError, PluginRun, RunConfig},
    report::{Closing, Ending, PluginSetup, Receipt, Recorder, RunSection, Setup},
    sandbox::{self, Sandbox, SandboxError},
    synthetic::SplitMix64,
};

/// Events between two looks at the stop flag, and two words about progress.
const EVENTS_PER_LOOK: u64 = 8_192;

/// A run id has 48 bits.
const RUN_ID_MASK: u64 = (1 << 48) - 1;

/// Everything of a run before its first event.
pub(super) struct Run<'a> {
    config: &'a RunConfig,
    market: &'a Market,
    currency: String,
    arguments: Vec<Vec<Argument>>,
    warm_up: Vec<WarmUp>,
    hashes: Vec<String>,
    simulation: Simulation,
    plugins: InlinePlugins,
}

impl<'a> Run<'a> {
    /// Loads the plugins and puts instruments, limits and parameters together.
    pub(super) fn new(
        config: &'a RunConfig,
        market: &'a Market,
        components: &[Vec<u8>],
    ) -> Result<Self, BacktestError> {
        let instruments = instruments(config, market)?;
        let currency = currency(config, &instruments)?;
        let sandbox = Sandbox::new().map_err(refused("every plugin"))?;
        let (mut instances, mut configs) = (Vec::new(), Vec::new());
        let (mut arguments, mut warm_up, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        for (run, bytes) in config.plugins.iter().zip(components) {
            let loaded = sandbox
                .load(&run.name, bytes, &sandbox::limits(&run.sandbox))
                .map_err(refused(&run.name))?;
            let description = loaded.instance.description();
            let given = sandbox::arguments(description, &run.parameters);
            arguments.push(given.map_err(refused(&run.name))?);
            warm_up.extend(description.warm_up.iter().copied());
            hashes.push(loaded.checked.sha256_hex());
            let scope = format!("plugin `{}`", run.name);
            let mut limits = limits::resolve(&run.limits, &instruments, &scope)?;
            // Leverage is for the operator to grant: a plugin that nobody limits has its budget.
            limits.gross_notional_max.get_or_insert(run.budget);
            configs.push(PluginConfig {
                budget: run.budget,
                instruments: plugin_instruments(run, &instruments)?,
                subscriptions: description.subscriptions(),
                limits,
            });
            instances.push(loaded.instance);
        }
        let account_limits = limits::resolve(&config.account_limits, &instruments, "the account")?;
        let engine = EngineConfig {
            run: RunId(config.seed & RUN_ID_MASK),
            instruments,
            plugins: configs,
            account_limits,
            off_tick: config.fill.off_tick,
            venue: VenueCapabilities::ALL,
            recovery: None,
        };
        let simulation = Simulation::new(SimulationConfig {
            engine,
            fill_model: FillModel { touch: config.fill.touch },
            order_latency: config.fill.latency,
            report_latency: config.fill.latency,
        });
        let plugins = InlinePlugins::new(instances);
        Ok(Self { config, market, currency, arguments, warm_up, hashes, simulation, plugins })
    }

    /// Plays the market to its end, or until it is stopped. A tape that breaks ends the run with
    /// what it had.
    pub(super) fn play(
        mut self,
        folder: Option<&Path>,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
    ) -> Result<(Outcome, Option<TapeError>), BacktestError> {
        let mut recorder = Recorder::new(self.setup(), folder).map_err(|source| {
            let path = folder.unwrap_or(Path::new(".")).to_owned();
            BacktestError::Report { path, source }
        })?;
        let mut input = self.market.play(self.config.from, self.config.to, &self.warm_up)?;
        self.start(&mut input, &mut recorder)?;
        watch.note(&format!("playing {} events", self.market.events));
        watch.begins(self.market.events);
        let begun = Instant::now();
        let ended = self.events(&mut input, &mut recorder, watch, stop)?;
        let wall = begun.elapsed();
        for index in 0..self.config.plugins.len() {
            if let Some(instance) = runner(&mut self.plugins, index) {
                // A fault in its last call changes nothing any more; the sandbox keeps it.
                let _ = instance.stop(StopReason::Finished);
            }
        }
        let (ending, broken) = match ended {
            Ended::Completed => (Ending::Completed, None),
            Ended::Stopped => (Ending::Interrupted, None),
            Ended::Broken(error) => (Ending::Failed(error.to_string()), Some(error)),
        };
        Ok((self.finish(recorder, ending, wall, folder)?, broken))
    }

    fn setup(&self) -> Setup {
        let plugins = self.config.plugins.iter().enumerate();
        Setup {
            instruments: self.simulation.engine().config().instruments.clone(),
            plugins: plugins
                .map(|(index, run)| PluginSetup {
                    name: run.name.clone(),
                    version: self.plugins.runners()[index].description().version.clone(),
                    component_sha256: Some(self.hashes[index].clone()),
                    budget: run.budget,
                })
                .collect(),
        }
    }

    /// Starts every plugin and plays history to it. What a plugin asks for at its start waits
    /// until the session begins: history trades with nobody.
    fn start(&mut self, input: &mut Input, recorder: &mut Recorder) -> Result<(), BacktestError> {
        let begin = input.begin();
        let mut first_wishes = Vec::new();
        for index in 0..self.config.plugins.len() {
            let mut intents = Vec::new();
            self.start_one(index, begin, &mut intents).map_err(|fault| {
                refused(&self.config.plugins[index].name)(SandboxError::Fault(fault))
            })?;
            first_wishes.push(intents);
        }
        while let Some(event) = input.next_history()? {
            self.simulation.history(event, &mut self.plugins, recorder)?;
        }
        self.simulation.advance(begin, &mut self.plugins, recorder);
        for (index, intents) in first_wishes.into_iter().enumerate() {
            if !intents.is_empty() {
                self.simulation.intents(id(index), intents, &mut self.plugins, recorder);
            }
        }
        Ok(())
    }

    fn start_one(
        &mut self,
        index: usize,
        time: UnixNanos,
        intents: &mut Vec<Intent>,
    ) -> Result<(), Fault> {
        let engine = self.simulation.engine();
        let rules = &engine.config().instruments;
        let own = &engine.config().plugins[index].instruments;
        let session = Session {
            mode: Mode::Backtest,
            time,
            seed: plugin_seed(self.config.seed, &self.config.plugins[index].name),
            instruments: own.iter().map(|id| (*id, &rules[usize::from(id.0)])).collect(),
            arguments: self.arguments[index].clone(),
            positions: engine.positions_of(id(index)),
            orders: engine.open_orders_of(id(index)),
            currency: self.currency.clone(),
            budget: engine.budget_of(id(index)),
            trading_state: engine.trading_state(id(index)),
            restored: None,
        };
        match runner(&mut self.plugins, index) {
            Some(instance) => instance.start(&session, intents).map(|_| ()),
            None => Ok(()),
        }
    }

    fn events(
        &mut self,
        input: &mut Input,
        recorder: &mut Recorder,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
    ) -> Result<Ended, BacktestError> {
        let mut done = 0u64;
        loop {
            if done.is_multiple_of(EVENTS_PER_LOOK) {
                watch.at(done);
                if stop.load(Ordering::Relaxed) {
                    return Ok(Ended::Stopped);
                }
            }
            match input.next_event() {
                Ok(Some(event)) => self.simulation.step(event, &mut self.plugins, recorder)?,
                Ok(None) => return Ok(Ended::Completed),
                Err(error) => return Ok(Ended::Broken(error)),
            }
            done += 1;
        }
    }

    fn finish(
        self,
        recorder: Recorder,
        ending: Ending,
        wall: Duration,
        folder: Option<&Path>,
    ) -> Result<Outcome, BacktestError> {
        let stats: Vec<_> = self.plugins.runners().iter().map(Instance::stats).collect();
        let memory = |bytes| u64::try_from(bytes).ok();
        let closing = Closing {
            run: RunSection {
                engine_version: env!("CARGO_PKG_VERSION").to_owned(),
                config_sha256: super::hex(&Sha256::digest(self.config.canonical())),
                tapes: self.market.hashes.clone(),
                seed: self.config.seed,
                currency: self.currency,
                latency_ns: self.config.fill.latency.0,
                synthetic: self.market.synthetic,
                ending,
            },
            memory_peak_bytes: stats.iter().map(|stats| memory(stats.memory_bytes_peak)).collect(),
            machine: Some(machine::section(wall, recorder.events().total(), &stats)),
            warnings: Vec::new(),
        };
        let report =
            recorder.finish(self.simulation.engine().account(), closing).map_err(|source| {
                let path = folder.unwrap_or(Path::new(".")).to_owned();
                BacktestError::Report { path, source }
            })?;
        let receipt = Receipt::of(&report)?;
        Ok(Outcome { report, receipt })
    }
}

enum Ended {
    Completed,
    Stopped,
    Broken(TapeError),
}

fn id(index: usize) -> PluginId {
    PluginId(u16::try_from(index).unwrap_or(u16::MAX))
}

fn runner(plugins: &mut InlinePlugins, index: usize) -> Option<&mut Instance> {
    plugins.runner_mut(id(index))
}

fn refused(name: &str) -> impl FnOnce(SandboxError) -> BacktestError + use<> {
    let name = name.to_owned();
    move |source| BacktestError::Plugin { name, source }
}

/// The market's instruments with the operator's rules in them.
fn instruments(config: &RunConfig, market: &Market) -> Result<Vec<Instrument>, BacktestError> {
    let mut instruments = market.instruments.clone();
    for rules in &config.instruments {
        let (id, found) = limits::find(&rules.symbol, &instruments).ok_or_else(|| {
            limits::unknown(&rules.symbol, &instruments, "the configuration's `instruments`")
        })?;
        instruments[usize::from(id.0)] = Instrument::new(rules.apply(found.spec().clone())?)?;
    }
    Ok(instruments)
}

/// All instruments are quoted in the account's currency: nothing is converted.
fn currency(config: &RunConfig, instruments: &[Instrument]) -> Result<String, ConfigError> {
    let first = || instruments.first().map(|instrument| instrument.spec().quote.clone());
    let currency = config.currency.clone().or_else(first).unwrap_or_default();
    match instruments.iter().find(|instrument| instrument.spec().quote != currency) {
        None => Ok(currency),
        Some(other) => Err(ConfigError::new(format!(
            "the account is in {currency}, but `{}` is quoted in {}",
            other.spec().symbol,
            other.spec().quote
        ))
        .help("run tapes of one quote currency together")),
    }
}

fn plugin_instruments(
    run: &PluginRun,
    instruments: &[Instrument],
) -> Result<Vec<InstrumentId>, ConfigError> {
    if run.instruments.is_empty() {
        return Ok((0..instruments.len())
            .filter_map(|i| u16::try_from(i).ok())
            .map(InstrumentId)
            .collect());
    }
    let find = |symbol: &String| {
        let found = limits::find(symbol, instruments).map(|(id, _)| id);
        found.ok_or_else(|| limits::unknown(symbol, instruments, &format!("plugin `{}`", run.name)))
    };
    let mut ids = run.instruments.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// A plugin's seed depends on the run's and its own name, not on who runs beside it.
fn plugin_seed(seed: u64, name: &str) -> u64 {
    let digest = Sha256::digest(name);
    let own = digest.iter().take(8).fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
    SplitMix64::new(seed ^ own).next_u64()
}
