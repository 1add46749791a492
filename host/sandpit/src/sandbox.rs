//! The shell's way into the sandbox: components from files, limits from configuration, guests'
//! log lines to ours. What the sandbox does with them is `sandpit-plugin`'s.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sandpit_plugin::{
    AnyRunner, Argument, ArgumentError, Cache, CacheError, CacheLimits, Checked, ChildCompiler,
    CompileLimits, Compiler, ComponentFile, Description, Engine, EngineError, EngineSettings,
    Fault, Instance, LaunchError, LaunchSettings, Launcher, Limits, Loader, LogLevel, LogLine,
    Mode, Policy, Prepared, Refusal, Trust, TrustList, Value, WallName,
};

use crate::{
    config::{SandboxLimits, Setting},
    trust::{self, TrustFileError},
};

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
}

impl Sandbox {
    /// A sandbox of its own.
    ///
    /// # Errors
    /// The machine cannot run components, the trust list cannot be used, or the policy is too lax.
    pub fn new(loading: &Loading) -> Result<Self, SandboxError> {
        let engine = Engine::new(EngineSettings::default())?;
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
        Ok(Self { loader, launcher: loading.launcher()? })
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
        let sink = Box::new(log_line);
        let (checked, trust, origin, instance) = match &self.launcher {
            None => {
                let loaded = self.loader.load(file)?;
                let instance = Instance::load(&loaded.artifact, name, limits, sink)
                    .map_err(SandboxError::Fault)?;
                (loaded.checked, loaded.trust, loaded.origin, AnyRunner::Inline(instance))
            }
            Some(launcher) => {
                let Prepared { checked, compiled, trust, origin } = self.loader.prepare(file)?;
                let settings = EngineSettings::default();
                let runner = launcher.launch(name, &compiled, settings, limits, sink)?;
                (checked, trust, origin, AnyRunner::Process(runner))
            }
        };
        if let Some(stats) = self.loader.cache_stats() {
            tracing::debug!(?stats, ?origin, "machine code of {name}");
        }
        Ok(Loaded { checked, trust, instance })
    }
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

/// The limits of a backtest: deadlines that no busy machine meets, unless the operator says so,
/// since an outcome must not depend on the machine. Fuel ends what runs away.
#[must_use]
pub fn limits(said: &SandboxLimits) -> Limits {
    let default = Limits::default().reproducible();
    let bytes = |said: Option<u64>, default| {
        said.map_or(default, |said| usize::try_from(said).unwrap_or(usize::MAX))
    };
    Limits {
        memory_bytes_max: bytes(said.memory_bytes_max, default.memory_bytes_max),
        fuel_per_call_max: said.fuel_per_call_max.unwrap_or(default.fuel_per_call_max),
        call_deadline: said.call_deadline_ms.map_or(default.call_deadline, Duration::from_millis),
        start_deadline: said
            .start_deadline_ms
            .map_or(default.start_deadline, Duration::from_millis),
        intents_per_call_max: bytes(
            said.intents_per_call_max.map(u64::from),
            default.intents_per_call_max,
        ),
        ..default
    }
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

/// A guest's line among our own, under the target `plugin`.
fn log_line(line: &LogLine<'_>) {
    let (plugin, time, text) = (line.plugin, line.time.0, line.text);
    match line.level {
        LogLevel::Debug => tracing::debug!(target: "plugin", plugin, time, "{text}"),
        LogLevel::Info => tracing::info!(target: "plugin", plugin, time, "{text}"),
        LogLevel::Warn => tracing::warn!(target: "plugin", plugin, time, "{text}"),
        LogLevel::Error => tracing::error!(target: "plugin", plugin, time, "{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_that_is_said_is_set() {
        let said = SandboxLimits {
            memory_bytes_max: Some(1),
            fuel_per_call_max: Some(2),
            call_deadline_ms: Some(3),
            start_deadline_ms: Some(4),
            intents_per_call_max: Some(5),
        };
        let limits = limits(&said);
        assert_eq!((limits.memory_bytes_max, limits.fuel_per_call_max), (1, 2));
        assert_eq!(limits.call_deadline, Duration::from_millis(3));
        assert_eq!(limits.start_deadline, Duration::from_millis(4));
        assert_eq!(limits.intents_per_call_max, 5);
    }
}
