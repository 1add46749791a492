//! The seam between the engine and whatever runs a plugin: an [`Instance`] in this process or a
//! [`ProcessRunner`]. The engine does not notice which.

use sandpit_core::{
    ids::PluginId,
    intent::Intent,
    plugin::{CallCost, Fault, FaultCode, PluginEvent, PluginPort},
    time::UnixNanos,
};

use crate::{
    describe::{Argument, Description},
    instance::{Instance, Parameters},
    latency::Latency,
    runner::ProcessRunner,
    session::{Session, StopReason},
};

/// What a plugin has used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events that it was told of and came back from.
    pub calls: u64,
    /// Fuel of all of them.
    pub fuel_total: u64,
    /// The most fuel that one of them used.
    pub fuel_per_call_peak: u64,
    /// How long calls took; a sample, see [`crate::Sampling`].
    pub latency: Latency,
    /// The most bytes of memory that it ever had.
    pub memory_bytes_peak: usize,
    /// Intents that it handed over.
    pub intents: u64,
    /// Log lines that went to the sink.
    pub log_lines: u64,
    /// Log lines beyond its budget.
    pub log_lines_dropped: u64,
}

/// Runs one plugin, wherever that may be. Once a method has returned a fault, all of them return
/// it and the plugin is not entered again.
pub trait Runner {
    /// What the plugin says of itself.
    fn description(&self) -> &Description;

    /// Begins a session; see [`Instance::start`].
    ///
    /// # Errors
    /// It refuses the session or is at fault.
    fn start(
        &mut self,
        session: &Session<'_>,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault>;

    /// Tells it of one event; see [`Instance::call`].
    ///
    /// # Errors
    /// It is at fault; `intents` is as it was.
    fn call(&mut self, event: &PluginEvent, intents: &mut Vec<Intent>) -> Result<CallCost, Fault>;

    /// Hands it new parameters; see [`Instance::parameters`].
    ///
    /// # Errors
    /// It is at fault.
    fn parameters(
        &mut self,
        arguments: &[Argument],
        time: UnixNanos,
        intents: &mut Vec<Intent>,
    ) -> Result<Parameters, Fault>;

    /// Its state; see [`Instance::save`].
    ///
    /// # Errors
    /// It is at fault.
    fn save(&mut self) -> Result<Vec<u8>, Fault>;

    /// Ends the session; see [`Instance::stop`].
    ///
    /// # Errors
    /// It is at fault.
    fn stop(&mut self, reason: StopReason) -> Result<(), Fault>;

    /// What it has used so far.
    fn stats(&self) -> Stats;
}

impl Runner for Instance {
    fn description(&self) -> &Description {
        Self::description(self)
    }

    fn start(
        &mut self,
        session: &Session<'_>,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        Self::start(self, session, intents)
    }

    #[inline]
    fn call(&mut self, event: &PluginEvent, intents: &mut Vec<Intent>) -> Result<CallCost, Fault> {
        Self::call(self, event, intents)
    }

    fn parameters(
        &mut self,
        arguments: &[Argument],
        time: UnixNanos,
        intents: &mut Vec<Intent>,
    ) -> Result<Parameters, Fault> {
        Self::parameters(self, arguments, time, intents)
    }

    fn save(&mut self) -> Result<Vec<u8>, Fault> {
        Self::save(self)
    }

    fn stop(&mut self, reason: StopReason) -> Result<(), Fault> {
        Self::stop(self, reason)
    }

    fn stats(&self) -> Stats {
        Self::stats(self)
    }
}

/// A plugin, wherever the operator wants it to run.
#[derive(Debug)]
pub enum AnyRunner {
    /// In this process.
    Inline(Instance),
    /// In a process of its own.
    Process(ProcessRunner),
}

impl AnyRunner {
    /// The fault that ended it, if one did.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Inline(instance) => instance.fault(),
            Self::Process(process) => process.fault(),
        }
    }

    fn get(&self) -> &dyn Runner {
        match self {
            Self::Inline(instance) => instance,
            Self::Process(process) => process,
        }
    }

    fn get_mut(&mut self) -> &mut dyn Runner {
        match self {
            Self::Inline(instance) => instance,
            Self::Process(process) => process,
        }
    }
}

impl Runner for AnyRunner {
    fn description(&self) -> &Description {
        self.get().description()
    }

    fn start(
        &mut self,
        session: &Session<'_>,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        self.get_mut().start(session, intents)
    }

    /// Both are called directly: a backtest calls one millions of times.
    #[inline]
    fn call(&mut self, event: &PluginEvent, intents: &mut Vec<Intent>) -> Result<CallCost, Fault> {
        match self {
            Self::Inline(instance) => instance.call(event, intents),
            Self::Process(process) => process.call(event, intents),
        }
    }

    fn parameters(
        &mut self,
        arguments: &[Argument],
        time: UnixNanos,
        intents: &mut Vec<Intent>,
    ) -> Result<Parameters, Fault> {
        self.get_mut().parameters(arguments, time, intents)
    }

    fn save(&mut self) -> Result<Vec<u8>, Fault> {
        self.get_mut().save()
    }

    fn stop(&mut self, reason: StopReason) -> Result<(), Fault> {
        self.get_mut().stop(reason)
    }

    fn stats(&self) -> Stats {
        self.get().stats()
    }
}

/// The plugins of a run, by [`PluginId`].
#[derive(Debug)]
pub struct Plugins<R> {
    runners: Vec<R>,
}

/// Plugins in this process: for backtests, where there are no keys to steal.
pub type InlinePlugins = Plugins<Instance>;

/// Plugins wherever the operator wants them to run.
pub type AnyPlugins = Plugins<AnyRunner>;

impl<R: Runner> Plugins<R> {
    /// The index of each is its [`PluginId`].
    #[must_use]
    pub const fn new(runners: Vec<R>) -> Self {
        Self { runners }
    }

    /// All of them.
    #[must_use]
    pub fn runners(&self) -> &[R] {
        &self.runners
    }

    /// One of them.
    pub fn runner_mut(&mut self, plugin: PluginId) -> Option<&mut R> {
        self.runners.get_mut(usize::from(plugin.0))
    }

    /// Gives them back.
    #[must_use]
    pub fn into_runners(self) -> Vec<R> {
        self.runners
    }
}

impl<R: Runner> PluginPort for Plugins<R> {
    #[inline]
    fn call(
        &mut self,
        plugin: PluginId,
        event: &PluginEvent,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        match self.runners.get_mut(usize::from(plugin.0)) {
            Some(runner) => runner.call(event, intents),
            None => Err(Fault {
                code: FaultCode::RunnerLost,
                detail: format!("there is no plugin {}", plugin.0),
            }),
        }
    }
}
