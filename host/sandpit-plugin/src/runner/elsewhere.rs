//! Where there are no walls there are no runners: nothing here can be made, so nothing of it is
//! ever called.

use std::{io::Write as _, process::ExitCode, sync::Arc};

use sandpit_core::{
    intent::Intent,
    plugin::{CallCost, Fault, PluginEvent},
    time::UnixNanos,
};

use super::{
    settings::{LaunchError, LaunchSettings},
    walls::Wall,
};
use crate::{
    compile::Compiled,
    describe::{Argument, Description},
    engine::EngineSettings,
    instance::Parameters,
    limits::Limits,
    log::LogSink,
    port::{Runner, Stats},
    session::{Session, StopReason},
};

#[derive(Clone, Copy, Debug)]
enum Never {}

/// Would start runners.
#[derive(Debug)]
pub struct Launcher(Never);

impl Launcher {
    /// There is none on this system.
    ///
    /// # Errors
    /// Always.
    pub fn new(_: LaunchSettings) -> Result<Arc<Self>, LaunchError> {
        Err(LaunchError::Unsupported)
    }

    /// There is no launcher to ask.
    ///
    /// # Errors
    /// Never, since it is never called.
    pub fn launch(
        self: &Arc<Self>,
        _: &str,
        _: &Compiled,
        _: EngineSettings,
        _: &Limits,
        _: Box<dyn LogSink>,
    ) -> Result<ProcessRunner, LaunchError> {
        match self.0 {}
    }

    /// There is no launcher to ask.
    ///
    /// # Errors
    /// Never, since it is never called.
    pub fn probe(self: &Arc<Self>) -> Result<Vec<Wall>, LaunchError> {
        match self.0 {}
    }
}

/// Would be a plugin in its own process.
#[derive(Debug)]
pub struct ProcessRunner(Never);

impl ProcessRunner {
    /// There is no runner to ask.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match self.0 {}
    }
}

impl Runner for ProcessRunner {
    fn description(&self) -> &Description {
        match self.0 {}
    }

    fn start(&mut self, _: &Session<'_>, _: &mut Vec<Intent>) -> Result<CallCost, Fault> {
        match self.0 {}
    }

    fn call(&mut self, _: &PluginEvent, _: &mut Vec<Intent>) -> Result<CallCost, Fault> {
        match self.0 {}
    }

    fn parameters(
        &mut self,
        _: &[Argument],
        _: UnixNanos,
        _: &mut Vec<Intent>,
    ) -> Result<Parameters, Fault> {
        match self.0 {}
    }

    fn save(&mut self) -> Result<Vec<u8>, Fault> {
        match self.0 {}
    }

    fn stop(&mut self, _: StopReason) -> Result<(), Fault> {
        match self.0 {}
    }

    fn stats(&self) -> Stats {
        match self.0 {}
    }
}

/// Is no runner.
#[must_use]
pub fn serve() -> ExitCode {
    let _ = writeln!(std::io::stderr(), "sandpit runner: {}", LaunchError::Unsupported);
    ExitCode::FAILURE
}
