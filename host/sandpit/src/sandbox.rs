//! The shell's way into the sandbox: components from files, limits from configuration, guests'
//! log lines to ours. What the sandbox does with them is `sandpit-plugin`'s.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use sandpit_plugin::{
    Argument, ArgumentError, COMPONENT_BYTES_MAX, CheckError, Checked, CompileError, Description,
    Engine, EngineError, EngineSettings, Fault, Instance, Limits, LogLevel, LogLine, Value,
};

use crate::config::{SandboxLimits, Setting};

/// Why a component does not run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The file cannot be read.
    #[error("cannot read component `{path}`", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The machine cannot run components.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It was refused before anything of it ran.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// It does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It was at fault.
    #[error("{code}: {detail}", code = .0.code.name(), detail = .0.detail)]
    Fault(Fault),
    /// It does not take a parameter's value.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
}

/// A component that has passed all checks and described itself.
#[derive(Debug)]
pub struct Loaded {
    /// The component.
    pub checked: Checked,
    /// It, ready for a session.
    pub instance: Instance,
}

/// Compiles and loads components.
#[derive(Debug)]
pub struct Sandbox {
    engine: Engine,
}

impl Sandbox {
    /// A sandbox of its own.
    ///
    /// # Errors
    /// The machine cannot run components.
    pub fn new() -> Result<Self, SandboxError> {
        Ok(Self { engine: Engine::new(EngineSettings::default())? })
    }

    /// The whole way from hostile bytes to an instance that has described itself.
    ///
    /// # Errors
    /// The bytes are refused, do not compile, or are at fault already.
    pub fn load(&self, name: &str, bytes: &[u8], limits: &Limits) -> Result<Loaded, SandboxError> {
        let checked = sandpit_plugin::check(bytes)?;
        let artifact = self.engine.compile(&checked)?;
        let instance = Instance::load(&artifact, name, limits, Box::new(log_line))
            .map_err(SandboxError::Fault)?;
        Ok(Loaded { checked, instance })
    }
}

/// Reads a component. What is larger than any component may be is not read at all.
///
/// # Errors
/// The file cannot be read, or is too large.
pub fn read_component(path: &Path) -> Result<Vec<u8>, SandboxError> {
    let fail = |source| SandboxError::Read { path: path.to_owned(), source };
    let bytes = fs::metadata(path).map_err(fail)?.len();
    if usize::try_from(bytes).map_or(true, |bytes| bytes > COMPONENT_BYTES_MAX) {
        let problem = format!("it has {bytes} bytes, at most {COMPONENT_BYTES_MAX} are read");
        return Err(fail(std::io::Error::new(std::io::ErrorKind::FileTooLarge, problem)));
    }
    fs::read(path).map_err(fail)
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

    #[test]
    fn a_component_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.wasm");
        // A hole: it has a length and takes no room.
        let length = u64::try_from(COMPONENT_BYTES_MAX).unwrap() + 1;
        fs::File::create(&path).unwrap().set_len(length).unwrap();
        let error = read_component(&path).unwrap_err();
        assert!(matches!(error, SandboxError::Read { .. }), "{error}");
    }
}
