//! Where there are no walls there are no runners: nothing here can be made, so nothing of it is
//! ever called.

#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::{io::Write as _, process::ExitCode, sync::Arc, time::Instant};

use sandpit_core::{intent::Intent, plugin::Fault};

use super::{
    settings::{LaunchError, LaunchSettings, ProcessUsage},
    walls::Wall,
};
use crate::{
    compile::Compiled,
    describe::Description,
    engine::EngineSettings,
    limits::Limits,
    log::LogSink,
    port::{Ask, Reply, Runner, Stats},
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

impl Runner for ProcessRunner {
    fn description(&self) -> &Description {
        match self.0 {}
    }

    fn begin(&mut self, _: &Ask<'_>) -> Result<(), Fault> {
        match self.0 {}
    }

    fn poll(&mut self, _: &mut Vec<Intent>) -> Option<Result<Reply, Fault>> {
        match self.0 {}
    }

    fn wait(&mut self, _: &mut Vec<Intent>) -> Result<Reply, Fault> {
        match self.0 {}
    }

    fn is_busy(&self) -> bool {
        match self.0 {}
    }

    fn is_sending(&self) -> bool {
        match self.0 {}
    }

    fn deadline(&self) -> Option<Instant> {
        match self.0 {}
    }

    #[cfg(unix)]
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        match self.0 {}
    }

    fn fault(&self) -> Option<&Fault> {
        match self.0 {}
    }

    fn take_core_dump(&mut self) -> Option<Vec<u8>> {
        match self.0 {}
    }

    fn stats(&self) -> Stats {
        match self.0 {}
    }

    fn usage(&self) -> Option<ProcessUsage> {
        match self.0 {}
    }
}

/// Is no runner.
#[must_use]
pub fn serve() -> ExitCode {
    let _ = writeln!(std::io::stderr(), "sandpit runner: {}", LaunchError::Unsupported);
    ExitCode::FAILURE
}
