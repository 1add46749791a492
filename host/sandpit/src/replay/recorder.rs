//! The call logs of a session while it runs: where they are, and who writes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sandpit_core::ids::RunId;
use sandpit_journal::calls::{CallLogError, CallLogWriter};
use sandpit_plugin::{CallSink, Life, Limits, Recorded};

/// The folder of all call logs in that of a session.
const CALLS_FOLDER: &str = "calls";

/// Where the call log of a plugin is.
#[must_use]
pub fn calls_folder(state: &Path, plugin: &str) -> PathBuf {
    state.join(CALLS_FOLDER).join(plugin)
}

/// The call log of one plugin in one run of the host. Copies write to the same log: a plugin can
/// have two lives for a moment, on two threads.
#[derive(Clone, Debug)]
pub struct Recorder {
    run: u64,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug)]
struct Log {
    /// `None` where nothing is kept, or once nothing can be.
    writer: Option<CallLogWriter>,
    lives: u32,
    /// What went wrong first, until somebody asks.
    problem: Option<String>,
    lost: u64,
}

impl Recorder {
    /// Opens the log of a plugin in a session's folder. With `keep_bytes` 0 nothing is kept.
    ///
    /// # Errors
    /// The folder cannot be made or read, or what is in it is damaged.
    pub fn open(
        state: &Path,
        plugin: &str,
        run: RunId,
        keep_bytes: u64,
    ) -> Result<Self, CallLogError> {
        let writer = match keep_bytes {
            0 => None,
            _ => Some(CallLogWriter::open(calls_folder(state, plugin), keep_bytes)?),
        };
        let log = Log { writer, lives: 0, problem: None, lost: 0 };
        Ok(Self { run: run.0, log: Arc::new(Mutex::new(log)) })
    }

    /// `runner` with its calls in this log, from its start on. `component` is the SHA-256 of what it
    /// runs.
    #[must_use]
    pub fn record<R>(&self, runner: R, component: [u8; 32], limits: &Limits) -> Recorded<R> {
        if self.log().writer.is_none() {
            return Recorded::unrecorded(runner);
        }
        let what = Life { run: self.run, component, limits: limits.clone() };
        Recorded::new(runner, what, Box::new(self.clone()))
    }

    /// Puts on disk what there is. To be called when a session ends; what is written last is
    /// written by itself otherwise.
    pub fn flush(&self) {
        let mut log = self.log();
        if let Some(Err(error)) = log.writer.as_mut().map(CallLogWriter::flush) {
            log.fail(&error);
        }
    }

    /// What went wrong since somebody asked last, in words: the log has a hole, or ends.
    #[must_use]
    pub fn take_problem(&self) -> Option<String> {
        self.log().problem.take()
    }

    /// Calls that are in no log, since it could not be written.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.log().lost
    }

    /// A thread that panicked leaves the log as it was between two records.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    #[cold]
    fn fail(&mut self, error: &CallLogError) {
        self.lost += 1;
        let ends = !matches!(error, CallLogError::RecordLength { .. });
        if ends {
            // What follows has no meaning without what is missing.
            self.writer = None;
        }
        let cause = std::error::Error::source(error);
        let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
        let end = if ends { "; nothing more is written down" } else { "" };
        self.problem.get_or_insert_with(|| format!("the call log has a hole: {error}{cause}{end}"));
    }
}

impl CallSink for Recorder {
    fn next_life(&mut self) -> u32 {
        let mut log = self.log();
        log.lives += 1;
        log.lives
    }

    #[inline]
    fn put(&mut self, record: &[u8]) {
        let mut log = self.log();
        match &mut log.writer {
            Some(writer) => {
                if let Err(error) = writer.append(record) {
                    log.fail(&error);
                }
            }
            None => log.lost += 1,
        }
    }

    fn lose(&mut self, why: &str) {
        let mut log = self.log();
        log.lost += 1;
        log.problem.get_or_insert_with(|| format!("the call log has a hole: {why}"));
    }
}
