//! The one place where bytes become code that runs.

use wasmtime::component::Component;

use super::Compiled;

/// Makes a component of machine code.
#[expect(
    unsafe_code,
    reason = "wasmtime runs what it is given here. A `Compiled` comes from four places only: our \
              own compiler's output in this process, the pipe of the compiler that we started from \
              this same binary, a cache file that carries a keyed hash by this host over both the \
              code and what it was made from, or, in a runner process, the host that has one of \
              these. The fields are private to `compile`, so there is no fifth. wasmtime checks version, target and settings on its own as well."
)]
pub(crate) fn adopt(engine: &wasmtime::Engine, compiled: &Compiled) -> wasmtime::Result<Component> {
    // SAFETY: the bytes were made by `Engine::precompile_component` of this release of wasmtime
    // with this configuration, and have not been changed since; see the reason above.
    unsafe { Component::deserialize(engine, &compiled.code) }
}
