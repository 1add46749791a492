//! Loading a component, from a file to something that can be started: a list of steps, each of
//! which relies on those before it, and any of which refuses with a code.
//!
//! ```text
//! read once ─ size ─ hash ─ trust ─ kind ─ counts ─ validity ─ imports ─ exports ─ types ─▶ Checked
//!                                             cache, or a compiler's process ─▶ Compiled ─ link ─▶
//! ```
//!
//! **Architecture invariant:** the bytes are read once, and these bytes are hashed, checked and
//! compiled. Nothing opens the file a second time.

mod code;
mod file;
mod refusal;

pub use code::RefusalCode;
pub use file::{ComponentFile, ReadError, SIGNATURE_EXTENSION};
pub use refusal::Refusal;

use crate::{
    cache::{Cache, CacheStats},
    check::{self, Checked},
    compile::{Compiled, Compiler},
    engine::{Artifact, Engine},
    session::Mode,
    trust::{Policy, Trust, TrustError, TrustList},
};

/// Where machine code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was compiled now.
    Compiler,
    /// It was compiled before.
    Cache,
}

/// A component that has passed everything and is compiled, but not linked: what a runner process
/// is given.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The component.
    pub checked: Checked,
    /// Its machine code.
    pub compiled: Compiled,
    /// Whom it can be traced to.
    pub trust: Trust,
    /// Where the machine code came from.
    pub origin: Origin,
}

/// A component that has passed everything, compiled and linked in this process.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The component.
    pub checked: Checked,
    /// It, ready for instances.
    pub artifact: Artifact,
    /// Whom it can be traced to.
    pub trust: Trust,
    /// Where the machine code came from.
    pub origin: Origin,
}

/// Loads components by one operator's rules.
#[derive(Debug)]
pub struct Loader {
    engine: Engine,
    policy: Policy,
    list: TrustList,
    compiler: Compiler,
    cache: Option<Cache>,
}

impl Loader {
    /// For sessions of a kind, under a policy. Compiles in this process and keeps nothing, until it
    /// is told otherwise.
    ///
    /// # Errors
    /// The policy is too lax for such sessions.
    pub fn new(
        engine: Engine,
        mode: Mode,
        policy: Policy,
        list: TrustList,
    ) -> Result<Self, TrustError> {
        policy.allowed_in(mode)?;
        Ok(Self { engine, policy, list, compiler: Compiler::InProcess, cache: None })
    }

    /// Compiles there.
    #[must_use]
    pub fn with_compiler(mut self, compiler: Compiler) -> Self {
        self.compiler = compiler;
        self
    }

    /// Keeps what it compiled.
    #[must_use]
    pub fn with_cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// The engine that it compiles for.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How the cache did; `None` where there is none.
    #[must_use]
    pub fn cache_stats(&self) -> Option<CacheStats> {
        self.cache.as_ref().map(Cache::stats)
    }

    /// Everything but linking.
    ///
    /// # Errors
    /// The first step that the component does not pass.
    pub fn prepare(&self, file: &ComponentFile) -> Result<Prepared, Refusal> {
        check::check_size(file.bytes())?;
        let sha256 = check::sha256(file.bytes());
        let trust = self.list.judge(file.bytes(), &sha256, file.signature());
        trust.meets(self.policy, &check::hex(&sha256))?;
        let checked = check::check_hashed(file.bytes(), sha256)?;
        let (compiled, origin) = self.compiled(&checked)?;
        Ok(Prepared { checked, compiled, trust, origin })
    }

    /// Everything.
    ///
    /// # Errors
    /// The first step that the component does not pass.
    pub fn load(&self, file: &ComponentFile) -> Result<Loaded, Refusal> {
        let Prepared { checked, compiled, trust, origin } = self.prepare(file)?;
        let artifact = self.engine.link(&compiled).map_err(Refusal::Link)?;
        Ok(Loaded { checked, artifact, trust, origin })
    }

    fn compiled(&self, checked: &Checked) -> Result<(Compiled, Origin), Refusal> {
        let find = |cache: &Cache| cache.find(&self.engine, checked.sha256());
        if let Some(compiled) = self.cache.as_ref().and_then(find) {
            return Ok((compiled, Origin::Cache));
        }
        let compiled = self.compiler.compile(&self.engine, checked)?;
        if let Some(cache) = &self.cache {
            cache.store(&self.engine, &compiled);
        }
        Ok((compiled, Origin::Compiler))
    }
}
