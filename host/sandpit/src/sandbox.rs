//! The shell's way into the sandbox: components from files, limits from configuration, guests'
//! log lines to ours. What the sandbox does with them is `sandpit-plugin`'s.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sandpit_core::time::Nanos;
use sandpit_plugin::{
    AnyRunner, Argument, ArgumentError, Cache, CacheError, CacheLimits, Checked, ChildCompiler,
    CompileLimits, Compiler, ComponentFile, Description, Engine, EngineError, EngineSettings,
    Fault, FaultRules, Instance, LaunchError, LaunchSettings, Launcher, Limits, Loader, Mode,
    Policy, Prepared, QueueLimits, Refusal, SlotLimits, SuperviseRules, Totals, Trust, TrustList,
    Value, WallName,
};

use crate::{
    config::{Limit, PluginRun, RunConfig, SandboxLimits, Setting},
    trust::{self, TrustFileError},
};

mod log;

use log::LogTotal;

/// The hidden command with which `sandpit` starts itself as its own compiler.
pub const COMPILER_COMMAND: &str = "compile-child";

/// The hidden word with which `sandpit` starts itself as the runner of one plugin. It comes before
/// anything else of the command line is read.
pub const RUNNER_COMMAND: &str = "__runner";

/// Where a plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// In this process: for backtests, where there are no keys to steal.
    Inline,
    /// In a process of its own, behind walls.
    Process,
}

/// Why a component does not run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Its process does not run it.
    #[error(transparent)]
    Launch(LaunchError),
    /// The machine cannot run components.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It is not known whom the operator trusts.
    #[error(transparent)]
    TrustFile(#[from] TrustFileError),
    /// It was refused before anything of it ran.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It was at fault.
    #[error("{code}: {detail}", code = .0.code.name(), detail = .0.detail)]
    Fault(Fault),
    /// It does not take a parameter's value.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
}

impl SandboxError {
    /// A stable name for the reason, where there is one: docs/operators/plugins.md lists those of
    /// refusals.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code().name()),
            Self::Fault(fault) => Some(fault.code.name()),
            Self::Launch(_) | Self::Engine(_) | Self::TrustFile(_) | Self::Argument(_) => None,
        }
    }
}

impl From<LaunchError> for SandboxError {
    fn from(error: LaunchError) -> Self {
        match error {
            LaunchError::Fault(fault) => Self::Fault(fault),
            error => Self::Launch(error),
        }
    }
}

/// How components are let in, compiled and run: the operator's rules, and places that only the
/// caller knows. By default everything is let in, compiled and run in this process, and nothing is
/// kept.
#[derive(Clone, Debug)]
pub struct Loading {
    /// For sessions of this kind.
    pub mode: Mode,
    /// What a component needs to be let in.
    pub policy: Policy,
    /// Whom the operator trusts: nobody, where there is no file.
    pub trust_file: Option<PathBuf>,
    /// This program, which knows [`COMPILER_COMMAND`].
    pub compiler: Option<PathBuf>,
    /// Where machine code is kept.
    pub cache: Option<CachePlace>,
    /// Where plugins run. Inline, where neither the operator nor the command says.
    pub isolation: Option<Isolation>,
    /// Walls without which no plugin runs in a process of its own.
    pub walls_required: BTreeSet<WallName>,
    /// This program, which knows [`RUNNER_COMMAND`].
    pub runner: Option<PathBuf>,
    /// Bytes of log lines of all plugins together, in a second of the session's time.
    pub log_bytes_per_second_max: u64,
}

impl Loading {
    /// What starts runners, where plugins have processes of their own.
    ///
    /// # Errors
    /// It is not known which program that would be, or this system has none.
    pub fn launcher(&self) -> Result<Option<Arc<Launcher>>, LaunchError> {
        if self.isolation != Some(Isolation::Process) {
            return Ok(None);
        }
        let program = self.runner.clone().ok_or(LaunchError::NoProgram)?;
        let settings = LaunchSettings::new(program, vec![RUNNER_COMMAND.into()]);
        let required = self.walls_required.clone();
        Launcher::new(LaunchSettings { required, ..settings }).map(Some)
    }
}

impl Default for Loading {
    fn default() -> Self {
        Self {
            mode: Mode::Backtest,
            policy: Policy::Any,
            trust_file: None,
            compiler: None,
            cache: None,
            isolation: None,
            walls_required: BTreeSet::new(),
            runner: None,
            log_bytes_per_second_max: log::BYTES_PER_SECOND_MAX,
        }
    }
}

/// Where machine code is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePlace {
    /// The folder.
    pub folder: PathBuf,
    /// This host's key, which makes what is in the folder believable.
    pub key_file: PathBuf,
}

impl CachePlace {
    fn open(&self) -> Result<Cache, CacheError> {
        Cache::open(&self.folder, &self.key_file, CacheLimits::default())
    }
}

/// A component that has passed all checks and described itself.
#[derive(Debug)]
pub struct Loaded {
    /// The component.
    pub checked: Checked,
    /// Whom it can be traced to.
    pub trust: Trust,
    /// It, ready for a session.
    pub instance: AnyRunner,
}

/// Loads components by the operator's rules.
#[derive(Debug)]
pub struct Sandbox {
    loader: Loader,
    launcher: Option<Arc<Launcher>>,
    settings: EngineSettings,
    log: LogTotal,
}

impl Sandbox {
    /// A sandbox of its own.
    ///
    /// # Errors
    /// The machine cannot run components, the trust list cannot be used, or the policy is too lax.
    pub fn new(loading: &Loading) -> Result<Self, SandboxError> {
        let log = LogTotal::new(loading.log_bytes_per_second_max);
        Self::with(loading, loading.launcher()?, log)
    }

    /// The same for components that come later: by whom the operator trusts then, with the same
    /// log, and with processes that have the same parent.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn renewed(&self, loading: &Loading) -> Result<Self, SandboxError> {
        Self::with(loading, self.launcher.clone(), self.log.clone())
    }

    fn with(
        loading: &Loading,
        launcher: Option<Arc<Launcher>>,
        log: LogTotal,
    ) -> Result<Self, SandboxError> {
        let settings = settings(loading.mode);
        let engine = Engine::new(settings)?;
        let list = match &loading.trust_file {
            Some(path) => trust::read(path)?.list(),
            None => TrustList::default(),
        };
        let mut loader = Loader::new(engine, loading.mode, loading.policy, list)
            .map_err(|error| SandboxError::Refused(error.into()))?;
        if let Some(program) = &loading.compiler {
            let arguments = vec![COMPILER_COMMAND.into()];
            let child = ChildCompiler::new(program.clone(), arguments, CompileLimits::default());
            loader = loader.with_compiler(Compiler::Child(child));
        }
        match loading.cache.as_ref().map(CachePlace::open) {
            Some(Ok(cache)) => loader = loader.with_cache(cache),
            // It is slower without, and as safe.
            Some(Err(error)) => tracing::warn!("compiled code is not kept: {}", with_cause(&error)),
            None => {}
        }
        Ok(Self { loader, launcher, settings, log })
    }

    /// The whole way from a hostile file to an instance that has described itself.
    ///
    /// # Errors
    /// The component is refused, or is at fault already.
    pub fn load(
        &self,
        name: &str,
        file: &ComponentFile,
        limits: &Limits,
    ) -> Result<Loaded, SandboxError> {
        let sink = Box::new(self.log.sink());
        let (checked, trust, origin, instance) = match &self.launcher {
            None => {
                let loaded = self.loader.load(file)?;
                let instance = Instance::load(&loaded.artifact, name, limits, sink)
                    .map_err(SandboxError::Fault)?;
                (loaded.checked, loaded.trust, loaded.origin, AnyRunner::Inline(instance))
            }
            Some(launcher) => {
                let Prepared { checked, compiled, trust, origin } = self.loader.prepare(file)?;
                let runner = launcher.launch(name, &compiled, self.settings, limits, sink)?;
                (checked, trust, origin, AnyRunner::Process(runner))
            }
        };
        if let Some(stats) = self.loader.cache_stats() {
            tracing::debug!(?stats, ?origin, "machine code of {name}");
        }
        Ok(Loaded { checked, trust, instance })
    }
}

/// Sessions keep the memory of what trapped, for its author; a backtest is played again.
fn settings(mode: Mode) -> EngineSettings {
    EngineSettings { core_dumps: mode != Mode::Backtest, ..EngineSettings::default() }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Reads a component and its signature, once.
///
/// # Errors
/// A file cannot be read.
pub fn read_component(path: &Path) -> Result<ComponentFile, SandboxError> {
    ComponentFile::read(path).map_err(|error| SandboxError::Refused(error.into()))
}

/// What a strategy's code is held to while it runs. A backtest has deadlines that no busy machine
/// meets, unless the operator says so, since its outcome must not depend on the machine: there fuel
/// ends what runs away.
#[must_use]
pub fn limits(said: &SandboxLimits, mode: Mode) -> Limits {
    let granted = said.profile().limits();
    let default = match mode {
        Mode::Backtest => granted.reproducible(),
        Mode::Paper | Mode::Testnet | Mode::Live => granted,
    };
    let wide = |limit| usize::try_from(said.value(limit)).unwrap_or(usize::MAX);
    let deadline = |limit, default| said.said(limit).map_or(default, Duration::from_millis);
    Limits {
        memory_bytes_max: wide(Limit::MemoryBytes),
        table_elements_max: wide(Limit::TableElements),
        fuel_per_call_max: said.value(Limit::FuelPerCall),
        fuel_start_max: said.value(Limit::FuelStart),
        call_deadline: deadline(Limit::CallDeadline, default.call_deadline),
        start_deadline: deadline(Limit::StartDeadline, default.start_deadline),
        intents_per_call_max: wide(Limit::IntentsPerCall),
        intents_per_second_max: short(said.value(Limit::IntentsPerSecond)),
        output_bytes_max: wide(Limit::OutputBytes),
        state_bytes_max: wide(Limit::StateBytes),
        log_line_bytes_max: wide(Limit::LogLineBytes),
        log_bytes_per_second_max: said.value(Limit::LogBytesPerSecond),
        core_dump_bytes_max: default.core_dump_bytes_max,
    }
}

/// The same of a strategy of a run, with the run's rules for core dumps. Where the market waits for
/// the strategies, as in a backtest, no outcome depends on the machine.
#[must_use]
pub fn limits_of(config: &RunConfig, plugin: &PluginRun, lockstep: bool) -> Limits {
    let mode = if lockstep { Mode::Backtest } else { config.loading.mode };
    let core_dump_bytes_max = match config.faults.core_dumps_max {
        0 => 0,
        _ => usize::try_from(config.faults.core_dump_bytes_max).unwrap_or(usize::MAX),
    };
    Limits { core_dump_bytes_max, ..limits(&plugin.sandbox, mode) }
}

/// What its supervisor holds a strategy to.
#[must_use]
pub fn slot_limits(said: &SandboxLimits) -> SlotLimits {
    SlotLimits {
        queue: QueueLimits {
            events_max: usize::try_from(said.value(Limit::QueueEvents)).unwrap_or(usize::MAX),
            lag_max: Nanos::from_millis(said.value(Limit::QueueLag)),
        },
        cpu_share_percent_max: short(said.value(Limit::CpuShare)),
    }
}

/// How the strategies of a run are looked after.
#[must_use]
pub fn supervise_rules(config: &RunConfig) -> SuperviseRules {
    SuperviseRules {
        faults: FaultRules {
            window: config.faults.window,
            faults_max: config.faults.faults_max,
            backoff: config.faults.backoff,
            backoff_max: config.faults.backoff_max,
        },
        probation: config.swap.probation,
        totals: Totals {
            cpu_share_percent_max: config.sandbox_total.cpu_share_percent_max,
            intents_per_second_max: config.sandbox_total.intents_per_second_max,
        },
        seed: config.seed,
    }
}

/// A number whose bounds are those of 32 bits.
fn short(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A value for every parameter: what the operator says, held to the strategy's bounds, or the
/// default.
///
/// # Errors
/// A parameter that the strategy does not have, or a value that it does not take.
pub fn arguments(
    description: &Description,
    said: &BTreeMap<String, Setting>,
) -> Result<Vec<Argument>, SandboxError> {
    let mut given = BTreeMap::new();
    for (name, Setting(text)) in said {
        let known = description.parameters.iter().find(|parameter| parameter.name == *name);
        let value = match known {
            Some(parameter) => parameter.parse(text)?,
            // Refused below, with the names that there are.
            None => Value::Text(text.clone()),
        };
        given.insert(name.clone(), value);
    }
    Ok(description.arguments(&given)?)
}

#[cfg(test)]
mod tests {
    use sandpit_plugin::Profile;

    use super::*;

    #[test]
    fn every_limit_that_is_said_is_set() {
        // Another number for each, so that none is taken for another.
        let number = |limit: Limit| 1_000 + limit as u64;
        let said = Limit::ALL
            .into_iter()
            .fold(SandboxLimits::default(), |said, limit| said.with(limit, number(limit)));
        for mode in [Mode::Backtest, Mode::Paper, Mode::Testnet, Mode::Live] {
            let millis = |limit| Duration::from_millis(number(limit));
            let wide = |limit| usize::try_from(number(limit)).unwrap();
            let expected = Limits {
                memory_bytes_max: wide(Limit::MemoryBytes),
                table_elements_max: wide(Limit::TableElements),
                fuel_per_call_max: number(Limit::FuelPerCall),
                fuel_start_max: number(Limit::FuelStart),
                call_deadline: millis(Limit::CallDeadline),
                start_deadline: millis(Limit::StartDeadline),
                intents_per_call_max: wide(Limit::IntentsPerCall),
                intents_per_second_max: short(number(Limit::IntentsPerSecond)),
                output_bytes_max: wide(Limit::OutputBytes),
                state_bytes_max: wide(Limit::StateBytes),
                log_line_bytes_max: wide(Limit::LogLineBytes),
                log_bytes_per_second_max: number(Limit::LogBytesPerSecond),
                core_dump_bytes_max: Limits::default().core_dump_bytes_max,
            };
            assert_eq!(limits(&said, mode), expected);
        }
        let slot = slot_limits(&said);
        assert_eq!(slot.queue.events_max, wide_of(number(Limit::QueueEvents)));
        assert_eq!(slot.queue.lag_max, Nanos::from_millis(number(Limit::QueueLag)));
        assert_eq!(slot.cpu_share_percent_max, short(number(Limit::CpuShare)));
    }

    fn wide_of(number: u64) -> usize {
        usize::try_from(number).unwrap()
    }

    #[test]
    fn a_profile_is_what_is_not_said() {
        let said = SandboxLimits::default().granted(Profile::Heavy);
        assert_eq!(limits(&said, Mode::Live), Profile::Heavy.limits());
        assert_eq!(limits(&said, Mode::Backtest), Profile::Heavy.limits().reproducible());
        let less = said.with(Limit::MemoryBytes, 1 << 20);
        assert_eq!(limits(&less, Mode::Live).memory_bytes_max, 1 << 20);
        assert_eq!(
            limits(&less, Mode::Live).fuel_per_call_max,
            Profile::Heavy.limits().fuel_per_call_max,
        );
    }

    #[test]
    fn only_a_backtest_has_deadlines_that_nobody_meets() {
        let said = SandboxLimits::default();
        assert_eq!(limits(&said, Mode::Backtest), Limits::default().reproducible());
        for mode in [Mode::Paper, Mode::Testnet, Mode::Live] {
            assert_eq!(limits(&said, mode), Limits::default());
            assert_eq!(limits(&said, mode).call_deadline, Duration::from_millis(50));
        }
        assert_eq!(slot_limits(&said), SlotLimits::default());
    }
}
