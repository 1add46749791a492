//! wasmtime, configured: what compiles components and keeps their clock. How one is called lives
//! in `instance`.

use std::{
    hash::{Hash as _, Hasher},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};
use wasmtime::{
    Config, ModuleVersionStrategy, OptLevel, Strategy, WasmBacktraceDetails, WasmFeatures,
    component::{Component, Linker},
};

use crate::{
    bindings::StrategyPre,
    check::{Checked, FEATURES, LOGGING, TYPES},
    compile::{Compiled, adopt},
    instance::State,
    limits::{BACKTRACE_FRAMES_MAX, STACK_BYTES_MAX},
    log,
    text::escaped,
    ticker::Ticker,
};

/// Part of the version of compiled code; goes up with every change of [`config`]. wasmtime on its
/// own tells only major versions apart, and would take code that a compiler with a hole made.
const CONFIG_NUMBER: u32 = 1;
/// The release of wasmtime in use; a test holds it to the manifest.
const WASMTIME_VERSION: &str = "48.0.8";
/// Bytes of wasmtime's words in an error.
const REASON_BYTES_MAX: usize = 512;

/// What an author may want and a busy host does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineSettings {
    /// File and line in back-traces, from the component's debug information.
    pub debug_lines: bool,
    /// A core dump in WebAssembly's own format after a trap; see
    /// [`crate::Instance::take_core_dump`].
    pub core_dumps: bool,
}

/// The engine cannot be made on this machine.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine cannot start: {0}")]
pub struct EngineError(String);

/// A checked component cannot be compiled or linked.
#[derive(Debug, thiserror::Error)]
#[error("the component cannot be compiled: {0}")]
pub struct CompileError(String);

impl CompileError {
    fn new(error: &wasmtime::Error) -> Self {
        Self(escaped(&format!("{error:#}"), REASON_BYTES_MAX))
    }

    /// In the compiler's words.
    pub(crate) fn reason(&self) -> &str {
        &self.0
    }
}

/// Compiles components and keeps the clock of their deadlines. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    engine: wasmtime::Engine,
    linker: Linker<State>,
    settings: EngineSettings,
    fingerprint: [u8; 32],
    /// As long as there is an engine, its epochs pass: a deadline cannot be set and never come.
    _ticker: Option<Ticker>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts an engine and its clock.
    ///
    /// # Errors
    /// The machine cannot run it, or has no thread for the clock.
    pub fn new(settings: EngineSettings) -> Result<Self, EngineError> {
        Self::made(settings, true)
    }

    /// An engine whose time stands still: for a process that is ended from outside when it is late.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "for runners"))]
    pub(crate) fn without_clock(settings: EngineSettings) -> Result<Self, EngineError> {
        Self::made(settings, false)
    }

    fn made(settings: EngineSettings, has_clock: bool) -> Result<Self, EngineError> {
        let fail =
            |error: wasmtime::Error| EngineError(escaped(&format!("{error:#}"), REASON_BYTES_MAX));
        let engine = wasmtime::Engine::new(&config(settings).map_err(fail)?).map_err(fail)?;
        let linker = linker(&engine).map_err(fail)?;
        let fingerprint = fingerprint_of(&engine, settings);
        let clock = engine.clone();
        let ticker = has_clock.then(|| Ticker::start(move || clock.increment_epoch())).transpose();
        let ticker =
            ticker.map_err(|error| EngineError(format!("no thread for its clock: {error}")))?;
        Ok(Self {
            shared: Arc::new(Shared { engine, linker, settings, fingerprint, _ticker: ticker }),
        })
    }

    /// Compiles a component in this process and links it to the contract. Takes in the order of
    /// 0.1 s for 50 KB. The work is bounded by what [`crate::check`] lets through, not by time:
    /// [`crate::Loader`] compiles what strangers wrote.
    ///
    /// # Errors
    /// The compiler refuses it, or it does not fit the linker after all.
    pub fn compile(&self, checked: &Checked) -> Result<Artifact, CompileError> {
        let component = Component::from_binary(&self.shared.engine, checked.bytes())
            .map_err(|error| CompileError::new(&error))?;
        self.link_component(&component, *checked.sha256())
    }

    /// Links what was compiled before to the contract.
    ///
    /// # Errors
    /// It was compiled for another engine, or does not fit the linker after all.
    pub fn link(&self, compiled: &Compiled) -> Result<Artifact, CompileError> {
        let component =
            adopt(&self.shared.engine, compiled).map_err(|error| CompileError::new(&error))?;
        self.link_component(&component, *compiled.component())
    }

    fn link_component(
        &self,
        component: &Component,
        sha256: [u8; 32],
    ) -> Result<Artifact, CompileError> {
        let linked = self.shared.linker.instantiate_pre(component);
        let pre = linked.and_then(StrategyPre::new).map_err(|error| CompileError::new(&error))?;
        Ok(Artifact { engine: self.clone(), pre, sha256 })
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> EngineSettings {
        self.shared.settings
    }

    /// Names everything that machine code depends on, save for the component: release of wasmtime,
    /// number of our configuration, target, features of the processor, settings.
    pub(crate) fn fingerprint(&self) -> &[u8; 32] {
        &self.shared.fingerprint
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.shared.engine
    }
}

/// A component compiled and linked: any number of instances can be made of it.
#[derive(Clone)]
pub struct Artifact {
    engine: Engine,
    pre: StrategyPre<State>,
    sha256: [u8; 32],
}

impl Artifact {
    /// SHA-256 of the component that it was made from.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Makes what instances share and wasmtime makes when it is first needed: the image of the
    /// guest's memory, which needs a descriptor.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "for runners"))]
    pub(crate) fn prepare(&self) -> Result<(), CompileError> {
        let component = self.pre.instance_pre().component();
        component.initialize_copy_on_write_image().map_err(|error| CompileError::new(&error))
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) const fn pre(&self) -> &StrategyPre<State> {
        &self.pre
    }
}

impl std::fmt::Debug for Artifact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Artifact").field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

/// On how many threads a component is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// On this one: where no other may be started.
    This,
    /// On as many as there are cores.
    All,
}

/// Compiles a component without linking it, with an engine that has no clock and runs nothing.
pub(crate) fn precompile(
    settings: EngineSettings,
    component: &[u8],
    threads: Threads,
) -> Result<Vec<u8>, CompileError> {
    config(settings)
        .and_then(|mut config| {
            config.parallel_compilation(threads == Threads::All);
            wasmtime::Engine::new(&config)
        })
        .and_then(|engine| engine.precompile_component(component))
        .map_err(|error| CompileError::new(&error))
}

/// [`Engine::fingerprint`] of an engine with these settings on this machine.
pub(crate) fn fingerprint(settings: EngineSettings) -> Result<[u8; 32], CompileError> {
    config(settings)
        .and_then(|config| wasmtime::Engine::new(&config))
        .map(|engine| fingerprint_of(&engine, settings))
        .map_err(|error| CompileError::new(&error))
}

fn fingerprint_of(engine: &wasmtime::Engine, settings: EngineSettings) -> [u8; 32] {
    let mut hash = WideHash(Sha256::new());
    hash.0.update(format!(
        "sandpit machine code\nwasmtime {WASMTIME_VERSION}\nconfiguration {CONFIG_NUMBER}\n\
         {}-{}\n{settings:?}\n",
        std::env::consts::ARCH,
        std::env::consts::OS,
    ));
    // Target, flags of the processor, proposals, tunables: all that wasmtime itself tells apart.
    engine.precompile_compatibility_hash().hash(&mut hash);
    hash.0.finalize().into()
}

/// A hasher that forgets nothing: 64 bits are too few where a collision would run as code.
struct WideHash(Sha256);

impl Hasher for WideHash {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let whole: [u8; 32] = self.0.clone().finalize().into();
        whole.first_chunk().copied().map_or(0, u64::from_le_bytes)
    }
}

/// Everything that is linked: one function, and an interface of types that has none.
fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    linker.instance(LOGGING)?.func_wrap("log", log::import)?;
    linker.instance(TYPES)?;
    Ok(linker)
}

fn config(settings: EngineSettings) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        // The same bits for every NaN, or a strategy could tell machines apart.
        .cranelift_nan_canonicalization(true)
        .wasm_features(WasmFeatures::all().difference(FEATURES), false)
        .wasm_features(FEATURES, true)
        // One thread calls, nothing is awaited: calls are half as dear this way.
        .concurrency_support(false)
        // Fuel is the bound that is the same in every run; epochs are for what fuel does not see.
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(BACKTRACE_FRAMES_MAX))
        .wasm_backtrace_details(if settings.debug_lines {
            WasmBacktraceDetails::Enable
        } else {
            WasmBacktraceDetails::Disable
        })
        .coredump_on_trap(settings.core_dumps)
        .native_unwind_info(false)
        .module_version(ModuleVersionStrategy::Custom(format!(
            "sandpit-{WASMTIME_VERSION}-{CONFIG_NUMBER}"
        )))?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_code_carries_the_full_version() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("wasmtime = {{ version = \"={WASMTIME_VERSION}\"")));
    }

    #[test]
    fn what_makes_other_machine_code_has_another_fingerprint() {
        let plain = EngineSettings::default();
        let ours = fingerprint(plain).unwrap();
        assert_eq!(ours, fingerprint(plain).unwrap());
        assert_eq!(ours, *Engine::new(plain).unwrap().fingerprint());
        let other = |settings| assert_ne!(ours, fingerprint(settings).unwrap());
        other(EngineSettings { debug_lines: true, ..plain });
        other(EngineSettings { core_dumps: true, ..plain });
        let mut changed = config(plain).unwrap();
        changed.wasm_tail_call(true);
        let changed = wasmtime::Engine::new(&changed).unwrap();
        assert_ne!(ours, fingerprint_of(&changed, plain));
    }
}
