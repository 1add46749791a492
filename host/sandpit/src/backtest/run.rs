//! The loop: a market, a simulation, plugins in the sandbox, and a recorder that listens.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use sandpit_core::{
    ids::PluginId,
    intent::Intent,
    simulation::{Simulation, SimulationConfig},
    time::UnixNanos,
};
use sandpit_journal::tape::TapeError;
use sandpit_plugin::{
    AnyPlugins, AnyRunner, Argument, ComponentFile, Fault, Mode, Runner as _, Session, StopReason,
    WarmUp,
};
use sha2::{Digest as _, Sha256};

use super::{
    BacktestError, Outcome, Watch,
    assembly::{Assembly, fill_model, plugin_seed, refused},
    input::{Input, Market},
    machine,
};
use crate::{
    config::RunConfig,
    report::{Closing, Ending, PluginSetup, Receipt, Recorder, RunSection, Setup},
    sandbox::SandboxError,
};

/// Events between two looks at the stop flag, and two words about progress.
const EVENTS_PER_LOOK: u64 = 8_192;

/// Everything of a run before its first event.
pub(super) struct Run<'a> {
    config: &'a RunConfig,
    market: &'a Market,
    currency: String,
    arguments: Vec<Vec<Argument>>,
    warm_up: Vec<WarmUp>,
    hashes: Vec<[u8; 32]>,
    simulation: Simulation,
    plugins: AnyPlugins,
}

impl<'a> Run<'a> {
    /// Loads the plugins and puts instruments, limits and parameters together.
    pub(super) fn new(
        config: &'a RunConfig,
        market: &'a Market,
        components: &[ComponentFile],
    ) -> Result<Self, BacktestError> {
        let Assembly { engine, currency, instances, arguments, warm_up, hashes, .. } =
            Assembly::new(config, &market.instruments, components, true)?;
        let (orders, reports) = config.fill.latencies(config.seed);
        let simulation = Simulation::new(SimulationConfig {
            fill_model: fill_model(config, &engine.instruments)?,
            engine,
            order_latency: config.fill.latency,
            report_latency: config.fill.latency,
        })
        .with_latency(orders, reports);
        let plugins = AnyPlugins::new(instances);
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
                    component_sha256: Some(super::hex(&self.hashes[index])),
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
        let stats: Vec<_> = self.plugins.runners().iter().map(|runner| runner.stats()).collect();
        let memory = |bytes| u64::try_from(bytes).ok();
        let closing = Closing {
            run: RunSection {
                engine_version: env!("CARGO_PKG_VERSION").to_owned(),
                config_sha256: super::hex(&Sha256::digest(self.config.canonical())),
                tapes: self.market.hashes.clone(),
                seed: self.config.seed,
                currency: self.currency,
                latency_ns: self.config.fill.least_order_latency().0,
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

fn runner(plugins: &mut AnyPlugins, index: usize) -> Option<&mut AnyRunner> {
    plugins.runner_mut(id(index))
}
