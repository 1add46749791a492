//! The seam between the engine and whatever runs a plugin: an [`Instance`] in this process or a
//! [`ProcessRunner`]. The engine does not notice which.

#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::time::Instant;

use sandpit_core::{
    ids::PluginId,
    intent::Intent,
    plugin::{CallCost, Fault, FaultCode, PluginEvent, PluginPort},
    time::UnixNanos,
};

use crate::{
    describe::{Argument, Description},
    instance::{Instance, Parameters},
    latency::Latency,
    runner::{ProcessRunner, ProcessUsage},
    session::{Session, StopReason},
};

/// What a plugin has used, beside what it may use: each limit of [`crate::Limits`] has a figure here,
/// save for the stack, of which nobody knows how much was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events that it was told of and came back from.
    pub calls: u64,
    /// Fuel of all of them.
    pub fuel_total: u64,
    /// The most fuel that one of them used.
    pub fuel_per_call_peak: u64,
    /// The most fuel that a start used.
    pub fuel_start_peak: u64,
    /// How long calls took; a sample, see [`crate::Sampling`].
    pub latency: Latency,
    /// The most bytes of memory that it ever had.
    pub memory_bytes_peak: usize,
    /// The most elements of tables that it ever had.
    pub table_elements_peak: usize,
    /// Intents that it handed over.
    pub intents: u64,
    /// The most intents that one call handed over.
    pub intents_per_call_peak: usize,
    /// The most intents within [`crate::INTENT_RATE_WINDOW`].
    pub intents_per_window_peak: u64,
    /// The most bytes that it handed over at once: a line for the log, or intents as it has them in
    /// its memory.
    pub output_bytes_peak: usize,
    /// Bytes of the largest state that it saved.
    pub state_bytes_peak: usize,
    /// Log lines that went to the sink.
    pub log_lines: u64,
    /// Log lines that were longer than allowed and were cut.
    pub log_lines_cut: u64,
    /// Log lines beyond its budget.
    pub log_lines_dropped: u64,
}

/// What only the store of a plugin knows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Bytes of all of its memories.
    pub(crate) memory_bytes: usize,
    /// Elements of all of its tables.
    pub(crate) table_elements: usize,
    /// As [`Stats::output_bytes_peak`].
    pub(crate) output_bytes_peak: usize,
    /// Log lines that were cut, since it was instantiated.
    pub(crate) lines_cut: u64,
    /// Log lines that were dropped, since it was instantiated.
    pub(crate) lines_dropped: u64,
}

/// What can be asked of a plugin.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    /// To begin a session; see [`Instance::start`].
    Start(&'a Session<'a>),
    /// To take note of one event; see [`Instance::call`].
    Event(&'a PluginEvent),
    /// To use new parameters; see [`Instance::parameters`].
    Parameters {
        /// All of them.
        arguments: &'a [Argument],
        /// Now.
        time: UnixNanos,
    },
    /// For its state; see [`Instance::save`].
    Save,
    /// To end the session; see [`Instance::stop`].
    Stop(StopReason),
}

/// Its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is through with it.
    Done(CallCost),
    /// To [`Ask::Save`] alone: its state.
    Saved(Vec<u8>),
    /// To [`Ask::Parameters`] alone: it keeps the old ones, for this reason.
    Refused(String),
}

impl Reply {
    /// Where nothing but being through with it can be answered.
    fn done(self) -> Result<CallCost, Fault> {
        match self {
            Self::Done(cost) => Ok(cost),
            Self::Saved(_) | Self::Refused(_) => Err(out_of_turn()),
        }
    }
}

#[cold]
fn out_of_turn() -> Fault {
    let detail = "it answered something that was not asked".to_owned();
    Fault { code: FaultCode::MalformedOutput, detail }
}

/// Runs one plugin, wherever that may be. Once it is at fault, whatever is asked of it is answered
/// by that fault, and the plugin is not entered again.
///
/// There are two ways to ask: [`Self::begin`] and [`Self::poll`], which never wait, for whoever has
/// others to look after; and one method for each question, which waits.
pub trait Runner {
    /// What the plugin says of itself.
    fn description(&self) -> &Description;

    /// Asks and does not wait. One thing at a time: the answer has to be taken before the next is
    /// asked. It may be there at once, as it always is in this process.
    ///
    /// # Errors
    /// It is at fault, or something else is under way, which ends it.
    fn begin(&mut self, ask: &Ask<'_>) -> Result<(), Fault>;

    /// The answer, once; what it asks for is appended to `intents`, oldest first. `None` while it is
    /// not there, and where nothing is under way. It does not wait. A plugin that is past its
    /// deadline is ended here, and so is one whose answer cannot be read; `intents` is then as it
    /// was.
    fn poll(&mut self, intents: &mut Vec<Intent>) -> Option<Result<Reply, Fault>>;

    /// Waits for the answer, until the deadline at most.
    ///
    /// # Errors
    /// It is at fault; `intents` is as it was. Or nothing is under way, which ends it.
    fn wait(&mut self, intents: &mut Vec<Intent>) -> Result<Reply, Fault>;

    /// Whether something was begun whose answer was not taken.
    fn is_busy(&self) -> bool;

    /// Whether it is room in the socket that is waited for, and not an answer: what was asked was
    /// too large to go out at once. [`Self::poll`] sends on.
    fn is_sending(&self) -> bool;

    /// When what is under way must be back.
    fn deadline(&self) -> Option<Instant>;

    /// What to wait at for its answer, or for room while [`Self::is_sending`]; `None` in this
    /// process, where nothing is ever waited for.
    #[cfg(unix)]
    fn socket(&self) -> Option<BorrowedFd<'_>>;

    /// The fault that ended it, if one did.
    fn fault(&self) -> Option<&Fault>;

    /// The core dump of the trap that ended it, once: WebAssembly's own format, with all of the
    /// guest's memory. From a process of its own it is whatever that process sent, and nobody may
    /// take it for anything but bytes.
    fn take_core_dump(&mut self) -> Option<Vec<u8>>;

    /// What it has used so far.
    fn stats(&self) -> Stats;

    /// What its process uses, where it has one and the system tells.
    fn usage(&self) -> Option<ProcessUsage>;

    /// Begins a session and waits; see [`Instance::start`].
    ///
    /// # Errors
    /// It refuses the session or is at fault.
    fn start(
        &mut self,
        session: &Session<'_>,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        self.begin(&Ask::Start(session))?;
        self.wait(intents)?.done()
    }

    /// Tells it of one event and waits; see [`Instance::call`].
    ///
    /// # Errors
    /// It is at fault; `intents` is as it was.
    #[inline]
    fn call(&mut self, event: &PluginEvent, intents: &mut Vec<Intent>) -> Result<CallCost, Fault> {
        self.begin(&Ask::Event(event))?;
        self.wait(intents)?.done()
    }

    /// Hands it new parameters and waits; see [`Instance::parameters`].
    ///
    /// # Errors
    /// It is at fault.
    fn parameters(
        &mut self,
        arguments: &[Argument],
        time: UnixNanos,
        intents: &mut Vec<Intent>,
    ) -> Result<Parameters, Fault> {
        self.begin(&Ask::Parameters { arguments, time })?;
        match self.wait(intents)? {
            Reply::Refused(reason) => Ok(Parameters::Refused(reason)),
            reply => reply.done().map(Parameters::Taken),
        }
    }

    /// Its state, which is waited for; see [`Instance::save`].
    ///
    /// # Errors
    /// It is at fault.
    fn save(&mut self) -> Result<Vec<u8>, Fault> {
        self.begin(&Ask::Save)?;
        match self.wait(&mut Vec::new())? {
            Reply::Saved(state) => Ok(state),
            Reply::Done(_) | Reply::Refused(_) => Err(out_of_turn()),
        }
    }

    /// Ends the session and waits; see [`Instance::stop`].
    ///
    /// # Errors
    /// It is at fault.
    fn stop(&mut self, reason: StopReason) -> Result<(), Fault> {
        self.begin(&Ask::Stop(reason))?;
        self.wait(&mut Vec::new())?.done().map(|_| ())
    }
}

/// A plugin, wherever the operator wants it to run.
#[derive(Debug)]
pub enum AnyRunner {
    /// In this process.
    Inline(Instance),
    /// In a process of its own.
    Process(ProcessRunner),
}

impl AnyRunner {
    fn get(&self) -> &dyn Runner {
        match self {
            Self::Inline(instance) => instance,
            Self::Process(process) => process,
        }
    }

    fn get_mut(&mut self) -> &mut dyn Runner {
        match self {
            Self::Inline(instance) => instance,
            Self::Process(process) => process,
        }
    }
}

impl Runner for AnyRunner {
    fn description(&self) -> &Description {
        self.get().description()
    }

    fn begin(&mut self, ask: &Ask<'_>) -> Result<(), Fault> {
        self.get_mut().begin(ask)
    }

    fn poll(&mut self, intents: &mut Vec<Intent>) -> Option<Result<Reply, Fault>> {
        self.get_mut().poll(intents)
    }

    fn wait(&mut self, intents: &mut Vec<Intent>) -> Result<Reply, Fault> {
        self.get_mut().wait(intents)
    }

    fn is_busy(&self) -> bool {
        self.get().is_busy()
    }

    fn is_sending(&self) -> bool {
        self.get().is_sending()
    }

    fn deadline(&self) -> Option<Instant> {
        self.get().deadline()
    }

    #[cfg(unix)]
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.get().socket()
    }

    fn fault(&self) -> Option<&Fault> {
        self.get().fault()
    }

    fn take_core_dump(&mut self) -> Option<Vec<u8>> {
        self.get_mut().take_core_dump()
    }

    fn stats(&self) -> Stats {
        self.get().stats()
    }

    fn usage(&self) -> Option<ProcessUsage> {
        self.get().usage()
    }

    /// Both are called directly: a backtest calls one millions of times.
    #[inline]
    fn call(&mut self, event: &PluginEvent, intents: &mut Vec<Intent>) -> Result<CallCost, Fault> {
        match self {
            Self::Inline(instance) => instance.call(event, intents),
            Self::Process(process) => process.call(event, intents),
        }
    }
}

/// The plugins of a run, by [`PluginId`].
#[derive(Debug)]
pub struct Plugins<R> {
    runners: Vec<R>,
}

/// Plugins in this process: for backtests, where there are no keys to steal.
pub type InlinePlugins = Plugins<Instance>;

/// Plugins wherever the operator wants them to run.
pub type AnyPlugins = Plugins<AnyRunner>;

impl<R: Runner> Plugins<R> {
    /// The index of each is its [`PluginId`].
    #[must_use]
    pub const fn new(runners: Vec<R>) -> Self {
        Self { runners }
    }

    /// All of them.
    #[must_use]
    pub fn runners(&self) -> &[R] {
        &self.runners
    }

    /// One of them.
    pub fn runner_mut(&mut self, plugin: PluginId) -> Option<&mut R> {
        self.runners.get_mut(usize::from(plugin.0))
    }

    /// Gives them back.
    #[must_use]
    pub fn into_runners(self) -> Vec<R> {
        self.runners
    }
}

impl<R: Runner> PluginPort for Plugins<R> {
    #[inline]
    fn call(
        &mut self,
        plugin: PluginId,
        event: &PluginEvent,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        match self.runners.get_mut(usize::from(plugin.0)) {
            Some(runner) => runner.call(event, intents),
            None => Err(Fault {
                code: FaultCode::RunnerLost,
                detail: format!("there is no plugin {}", plugin.0),
            }),
        }
    }
}
