//! From a checked component to machine code, in a process of its own that can be ended: what a
//! compiler does with hostile code is bounded by no fuel. Here too is the one place that takes
//! machine code in. What may be compiled is `check`'s; what was compiled before is `cache`'s.

mod adopt;
mod child;
mod error;
mod exchange;
mod limits;
mod parent;
mod wire;

pub use child::serve;
pub use error::CompileFailure;
pub use limits::CompileLimits;
pub use parent::ChildCompiler;

pub(crate) use adopt::adopt;
pub(crate) use limits::ARTIFACT_BYTES_MAX;

use crate::{
    check::Checked,
    engine::{self, Engine, Threads},
};

/// Machine code of one component, made on this machine by a compiler that is configured as our
/// own. There is no public way to make one of bytes from elsewhere: running it is running whatever
/// is in it.
#[derive(Clone)]
pub struct Compiled {
    component: [u8; 32],
    code: Vec<u8>,
}

impl Compiled {
    /// Takes bytes for machine code. Only for what came from our compiler on a way that nobody else
    /// writes to: the pipe of its process, an authenticated file, the host's end of a socket pair.
    pub(crate) const fn from_our_compiler(component: [u8; 32], code: Vec<u8>) -> Self {
        Self { component, code }
    }

    /// SHA-256 of the component that it was made from.
    #[must_use]
    pub const fn component(&self) -> &[u8; 32] {
        &self.component
    }

    /// The machine code, in wasmtime's own format.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        &self.code
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").field("code_bytes", &self.code.len()).finish_non_exhaustive()
    }
}

/// Where components are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// In this process: for tests and measurements. A component that takes the compiler an hour
    /// takes it here.
    #[default]
    InProcess,
    /// In a child process under limits.
    Child(ChildCompiler),
}

impl Compiler {
    /// Compiles a component for an engine.
    ///
    /// # Errors
    /// It does not compile, or not within the limits.
    pub fn compile(&self, engine: &Engine, checked: &Checked) -> Result<Compiled, CompileFailure> {
        let code = match self {
            Self::InProcess => engine::precompile(engine.settings(), checked.bytes(), Threads::All)
                .map_err(|error| CompileFailure::Refused(error.reason().to_owned()))?,
            Self::Child(child) => child.compile(engine, checked.bytes())?,
        };
        Ok(Compiled::from_our_compiler(*checked.sha256(), code))
    }
}
