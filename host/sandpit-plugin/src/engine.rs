//! wasmtime, configured: what compiles components and keeps their clock. How one is called lives
//! in `instance`.

use std::sync::Arc;

use wasmtime::{
    Config, ModuleVersionStrategy, OptLevel, Strategy, WasmBacktraceDetails, WasmFeatures,
    component::{Component, Linker},
};

use crate::{
    bindings::StrategyPre,
    check::{Checked, FEATURES, LOGGING, TYPES},
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

/// Compiles components and keeps the clock of their deadlines. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    engine: wasmtime::Engine,
    linker: Linker<State>,
    settings: EngineSettings,
    /// As long as there is an engine, its epochs pass: a deadline cannot be set and never come.
    _ticker: Ticker,
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
        let fail =
            |error: wasmtime::Error| EngineError(escaped(&format!("{error:#}"), REASON_BYTES_MAX));
        let engine = wasmtime::Engine::new(&config(settings).map_err(fail)?).map_err(fail)?;
        let linker = linker(&engine).map_err(fail)?;
        let clock = engine.clone();
        let ticker = Ticker::start(move || clock.increment_epoch())
            .map_err(|error| EngineError(format!("no thread for its clock: {error}")))?;
        Ok(Self { shared: Arc::new(Shared { engine, linker, settings, _ticker: ticker }) })
    }

    /// Compiles a component and links it to the contract. Takes in the order of 0.1 s for 50 KB.
    /// The work is bounded by what [`crate::check`] lets through, not by time.
    ///
    /// # Errors
    /// The compiler refuses it, or it does not fit the linker after all.
    pub fn compile(&self, checked: &Checked) -> Result<Artifact, CompileError> {
        let fail =
            |error: wasmtime::Error| CompileError(escaped(&format!("{error:#}"), REASON_BYTES_MAX));
        let component =
            Component::from_binary(&self.shared.engine, checked.bytes()).map_err(fail)?;
        let linked = self.shared.linker.instantiate_pre(&component).map_err(fail)?;
        let pre = StrategyPre::new(linked).map_err(fail)?;
        Ok(Artifact { engine: self.clone(), pre, sha256: *checked.sha256() })
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
}
