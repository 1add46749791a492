//! A runner whose calls are written down.

#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::time::Instant;

use sandpit_core::{intent::Intent, plugin::Fault};

use super::record::{GAP, Life, UNTAKEN, put_answer, put_ask, put_begin, put_mark};
use crate::{
    describe::Description,
    port::{Ask, Reply, Runner, Stats},
    runner::{ProcessUsage, wire::Writer},
};

/// Bytes of scratch that are kept; only a rare saved state needs more.
const KEPT_BYTES: usize = 64 * 1_024;

/// Takes the call log of one plugin. All lives of the plugin share it, and one may begin on another
/// thread while another is called.
pub trait CallSink: Send {
    /// A number for a life that begins: none that this run of the host has used for this plugin.
    fn next_life(&mut self) -> u32;

    /// Takes one record. Whoever is called does not wait for what may be wrong with it: a sink that
    /// loses one has to say so by itself.
    fn put(&mut self, record: &[u8]);

    /// Something could not be written down, for this reason.
    fn lose(&mut self, why: &str);
}

/// A runner with a call log. Without a sink it is the runner alone. After the first calls nothing
/// is allocated for a call.
pub struct Recorded<R> {
    runner: R,
    log: Option<Log>,
}

struct Log {
    sink: Box<dyn CallSink>,
    what: Life,
    /// Its number, once it was started.
    life: Option<u32>,
    /// What is under way, as a request.
    request: Writer,
    /// Whether there is something under way that is written down.
    is_asked: bool,
    /// Whether the plugin is told nothing more after that.
    gap_follows: bool,
    record: Writer,
    scratch: Writer,
}

impl<R: std::fmt::Debug> std::fmt::Debug for Recorded<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_recorded = self.log.is_some();
        f.debug_struct("Recorded")
            .field("runner", &self.runner)
            .field("is_recorded", &is_recorded)
            .finish()
    }
}

impl<R> Recorded<R> {
    /// Writes down what is asked of `runner`, from its start on.
    #[must_use]
    pub fn new(runner: R, what: Life, sink: Box<dyn CallSink>) -> Self {
        let (request, record, scratch) = Default::default();
        let log = Log {
            sink,
            what,
            life: None,
            request,
            is_asked: false,
            gap_follows: false,
            record,
            scratch,
        };
        Self { runner, log: Some(log) }
    }

    /// Writes nothing down.
    #[must_use]
    pub const fn unrecorded(runner: R) -> Self {
        Self { runner, log: None }
    }

    /// The intents of the last answer were dropped by the host: the session ends, the plugin had
    /// asked for too much, or the version that asked did not take over.
    pub fn untaken(&mut self) {
        self.mark(UNTAKEN);
    }

    /// The plugin is not told what happens from here to its next call: it is paused.
    pub fn gap(&mut self) {
        match &mut self.log {
            // What is under way it is still told.
            Some(log) if log.is_asked => log.gap_follows = true,
            _ => self.mark(GAP),
        }
    }

    fn mark(&mut self, kind: u8) {
        self.log.iter_mut().for_each(|log| log.mark(kind));
    }

    /// The runner.
    pub const fn get(&self) -> &R {
        &self.runner
    }

    /// The runner, for what is no call.
    pub const fn get_mut(&mut self) -> &mut R {
        &mut self.runner
    }

    /// The runner back.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.runner
    }
}

impl Log {
    fn mark(&mut self, kind: u8) {
        if let Some(life) = self.life {
            put_mark(&mut self.record, kind, life);
            self.sink.put(self.record.bytes());
        }
    }

    fn ask(&mut self, ask: &Ask<'_>) {
        if self.life.is_none() {
            let life = self.sink.next_life();
            self.life = Some(life);
            put_begin(&mut self.record, life, &self.what);
            self.sink.put(self.record.bytes());
        }
        match put_ask(&mut self.request, ask) {
            Ok(told) => self.is_asked = told,
            Err(error) => self.sink.lose(&error.to_string()),
        }
    }

    fn answer(&mut self, answer: Result<&Reply, &Fault>, intents: &[Intent]) {
        if !std::mem::take(&mut self.is_asked) {
            return;
        }
        let call = (self.life.unwrap_or(0), self.request.bytes());
        put_answer(&mut self.record, &mut self.scratch, call, answer, intents);
        self.sink.put(self.record.bytes());
        if self.record.bytes().len() > KEPT_BYTES {
            for scratch in [&mut self.request, &mut self.record] {
                scratch.clear();
                scratch.shrink(KEPT_BYTES);
            }
        }
        if std::mem::take(&mut self.gap_follows) {
            self.mark(GAP);
        }
    }
}

impl<R: Runner> Runner for Recorded<R> {
    #[inline]
    fn begin(&mut self, ask: &Ask<'_>) -> Result<(), Fault> {
        let Some(log) = &mut self.log else { return self.runner.begin(ask) };
        // One that is at fault already is told nothing.
        if self.runner.fault().is_none() {
            log.ask(ask);
        }
        self.runner.begin(ask).inspect_err(|fault| log.answer(Err(fault), &[]))
    }

    #[inline]
    fn poll(&mut self, intents: &mut Vec<Intent>) -> Option<Result<Reply, Fault>> {
        let before = intents.len();
        let answer = self.runner.poll(intents)?;
        if let Some(log) = &mut self.log {
            log.answer(answer.as_ref(), intents.get(before..).unwrap_or_default());
        }
        Some(answer)
    }

    #[inline]
    fn wait(&mut self, intents: &mut Vec<Intent>) -> Result<Reply, Fault> {
        let before = intents.len();
        let answer = self.runner.wait(intents);
        if let Some(log) = &mut self.log {
            log.answer(answer.as_ref(), intents.get(before..).unwrap_or_default());
        }
        answer
    }

    fn description(&self) -> &Description {
        self.runner.description()
    }

    fn is_busy(&self) -> bool {
        self.runner.is_busy()
    }

    fn is_sending(&self) -> bool {
        self.runner.is_sending()
    }

    fn deadline(&self) -> Option<Instant> {
        self.runner.deadline()
    }

    #[cfg(unix)]
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.runner.socket()
    }

    fn fault(&self) -> Option<&Fault> {
        self.runner.fault()
    }

    fn take_core_dump(&mut self) -> Option<Vec<u8>> {
        self.runner.take_core_dump()
    }

    fn stats(&self) -> Stats {
        self.runner.stats()
    }

    fn usage(&self) -> Option<ProcessUsage> {
        self.runner.usage()
    }
}
