//! A plugin's own process from the host's side: it is started, asked, and ended. Whatever it does or
//! sends, what comes of it is a fault. What is asked of the plugin in it is `asked`'s.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sandpit_core::{
    intent::Intent,
    plugin::{Fault, FaultCode},
};

use super::{
    asked::{Asked, Pending},
    channel::{Channel, ChannelError},
    launch::{Launcher, Process},
    settings::LaunchError,
    walls::{self, Wall},
    wire::{Answer, Bounds, Header, Load, Request, Setup, WireError, Writer, read_answer},
};
use crate::{
    compile::Compiled,
    describe::Description,
    engine::EngineSettings,
    instance::without_core_dump,
    limits::Limits,
    log::{LogBook, LogSink},
    port::{Stats, Usage},
    rate::IntentRate,
    text::escaped,
};

/// How long a process may take until it stands behind its walls: it runs no foreign code yet, so
/// only a machine in trouble takes longer.
const HELLO_DEADLINE: Duration = Duration::from_secs(10);
/// How long making code of bytes may take, beside the guest's own start.
const LINK_DEADLINE: Duration = Duration::from_secs(10);
/// How long a core dump may take, once the fault is known: whoever has to hear of the fault waits
/// for it.
const DUMP_DEADLINE: Duration = Duration::from_millis(500);

/// Bytes of the reason why there is no core dump.
const WHY_BYTES_MAX: usize = 256;

/// A plugin in its own process.
pub struct ProcessRunner {
    name: String,
    pub(super) limits: Limits,
    pub(super) channel: Channel,
    pub(super) process: Process,
    /// The parent of the process.
    _launcher: Arc<Launcher>,
    walls: Vec<Wall>,
    pub(super) description: Option<Description>,
    pub(super) outbox: Writer,
    pub(super) sequence: u32,
    pub(super) pending: Option<Pending>,
    pub(super) log: LogBook,
    pub(super) rate: IntentRate,
    /// As the process says.
    pub(super) usage: Usage,
    pub(super) stats: Stats,
    /// The fault whose core dump is under way.
    dying: Option<Fault>,
    pub(super) core_dump: Option<Vec<u8>>,
    pub(super) gone: Option<Fault>,
}

impl std::fmt::Debug for ProcessRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessRunner")
            .field("name", &self.name)
            .field("process", &self.process.child.id())
            .field("gone", &self.gone)
            .finish_non_exhaustive()
    }
}

impl ProcessRunner {
    /// Starts the process and waits until it stands behind its first walls.
    pub(super) fn start(
        launcher: &Arc<Launcher>,
        name: &str,
        limits: &Limits,
        sink: Box<dyn LogSink>,
    ) -> Result<Self, LaunchError> {
        let settings = launcher.settings();
        let mut process = launcher.process()?;
        let socket = process.socket.take().ok_or_else(|| {
            LaunchError::Start(std::io::Error::other("the process has no socket"))
        })?;
        let mut runner = Self {
            name: name.to_owned(),
            limits: limits.clone(),
            channel: Channel::new(socket, settings.host_spin),
            process,
            _launcher: Arc::clone(launcher),
            walls: Vec::new(),
            description: None,
            outbox: Writer::default(),
            sequence: 0,
            pending: None,
            log: LogBook::new(name, limits, sink),
            rate: IntentRate::new(limits),
            usage: Usage::default(),
            stats: Stats::default(),
            dying: None,
            core_dump: None,
            gone: None,
        };
        let setup = Request::Setup(Setup {
            name: name.to_owned(),
            memory_bytes_max: limits.memory_bytes_max as u64,
            core_bytes_max: settings.core_bytes_max,
            spin: settings.runner_spin,
        });
        runner.walls = runner.hello(&setup).map_err(LaunchError::Fault)?;
        walls::confirm(runner.process.child.id(), &mut runner.walls);
        runner.walls.insert(0, walls::host_memory());
        Ok(runner)
    }

    fn hello(&mut self, request: &Request<'_>) -> Result<Vec<Wall>, Fault> {
        let until = Instant::now() + HELLO_DEADLINE;
        let pending = Pending::new(
            Asked::Process,
            "its process's start",
            until,
            Bounds::of_hello(&self.limits),
        );
        match self.exchange(request, pending)? {
            Answer::Hello(walls) => Ok(walls),
            _ => Err(self.unexpected(pending.export)),
        }
    }

    /// Has it put up the last walls without a component. It answers nothing else after that.
    pub(super) fn seal(&mut self) -> Result<(), Fault> {
        let walls = self.hello(&Request::Probe)?;
        self.walls.extend(walls);
        Ok(())
    }

    /// Has it load the component.
    pub(super) fn load(
        &mut self,
        compiled: &Compiled,
        settings: EngineSettings,
    ) -> Result<(), Fault> {
        let name = self.name.clone();
        let load = Request::Load(Load {
            name: &name,
            limits: self.limits.clone(),
            settings,
            component: *compiled.component(),
            code: compiled.code(),
        });
        let until = Instant::now() + LINK_DEADLINE + self.limits.start_deadline * 2;
        let pending =
            Pending::new(Asked::Process, "describe", until, Bounds::of_load(&self.limits));
        let answer = self.exchange(&load, pending);
        // Only this frame is large.
        self.outbox = Writer::default();
        match answer? {
            Answer::Described(walls, description) => {
                self.walls.extend(walls);
                self.description = Some(*description);
                Ok(())
            }
            _ => Err(self.unexpected(pending.export)),
        }
    }

    /// Asks something of the process itself and waits.
    fn exchange(&mut self, request: &Request<'_>, pending: Pending) -> Result<Answer, Fault> {
        self.next_sequence();
        let put = request.put(&mut self.outbox, self.sequence);
        self.send(put, pending)?;
        self.wait_for_answer(&mut Vec::new())
    }

    /// Its walls and whether they stand.
    #[must_use]
    pub fn walls(&self) -> &[Wall] {
        &self.walls
    }

    /// The operator's name of it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.child.id()
    }

    pub(super) const fn next_sequence(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Begins to send the frame that was put into the outbox.
    pub(super) fn send(
        &mut self,
        put: Result<(), WireError>,
        pending: Pending,
    ) -> Result<(), Fault> {
        let sent =
            put.map_err(ChannelError::Wire).and_then(|()| self.channel.begin(self.outbox.bytes()));
        sent.map_err(|error| self.fail(&error, &pending))?;
        self.pending = Some(pending);
        Ok(())
    }

    /// Goes on with what is under way as far as it goes without waiting; the answer once it is
    /// there. A fault that it tells of ends it, once its core dump is here.
    pub(super) fn advance(&mut self, intents: &mut Vec<Intent>) -> Option<Result<Answer, Fault>> {
        loop {
            let pending = self.pending?;
            let limit = pending.bounds.frame_bytes_max;
            let answer = match self.channel.advance(self.outbox.bytes(), self.sequence, limit) {
                Ok(None) => return None,
                Ok(Some(head)) => self.read(head, &pending.bounds, intents),
                Err(error) => Err(error),
            };
            self.pending = None;
            return Some(match (answer, self.dying.is_some()) {
                (Ok(Answer::Dumped(dump)), true) => {
                    self.core_dump = Some(dump);
                    Err(self.end(FaultCode::RunnerLost, pending.export, ""))
                }
                (Ok(_), true) => Err(self.unexpected(pending.export)),
                (Ok(Answer::Fault { fault, dump_bytes: 0 }), _) => Err(self.die(fault)),
                (Ok(Answer::Fault { fault, .. }), _) => match self.ask_for_dump(fault) {
                    Ok(()) => continue,
                    Err(fault) => Err(fault),
                },
                (Ok(answer), _) => Ok(answer),
                (Err(error), _) => Err(self.fail(&error, &pending)),
            });
        }
    }

    /// The fault is known; what follows is only about the dump.
    fn ask_for_dump(&mut self, fault: Fault) -> Result<(), Fault> {
        self.dying = Some(fault);
        self.next_sequence();
        let until = Instant::now() + DUMP_DEADLINE;
        let bounds = Bounds::of_dump(&self.limits);
        let put = Request::Dump.put(&mut self.outbox, self.sequence);
        self.send(put, Pending::new(Asked::Process, "its core dump", until, bounds))
    }

    fn read(
        &mut self,
        head: Header,
        bounds: &Bounds,
        intents: &mut Vec<Intent>,
    ) -> Result<Answer, ChannelError> {
        let before = intents.len();
        let (answer, extras) = read_answer(head, self.channel.body(head), bounds, intents)?;
        // A runner that was taken over could write more than its share, so it is held to it here
        // as well; an honest one has nothing cut or dropped a second time.
        for (level, text) in extras.lines {
            self.log.take(level, text);
        }
        let (ours, theirs) = (&mut self.usage, extras.usage);
        ours.memory_bytes = ours.memory_bytes.max(theirs.memory_bytes);
        ours.table_elements = ours.table_elements.max(theirs.table_elements);
        ours.output_bytes_peak = ours.output_bytes_peak.max(theirs.output_bytes_peak);
        ours.lines_cut = ours.lines_cut.max(theirs.lines_cut);
        ours.lines_dropped = ours.lines_dropped.max(theirs.lines_dropped);
        if let Err(exceeded) = self.rate.take(self.log.time(), intents.len() - before) {
            intents.truncate(before);
            return Err(exceeded.into());
        }
        Ok(answer)
    }

    /// Waits for the answer to what is under way: it looks for it for a while, then it sleeps.
    pub(super) fn wait_for_answer(&mut self, intents: &mut Vec<Intent>) -> Result<Answer, Fault> {
        let spin = self.channel.spin();
        let mut spin_until = (!spin.is_zero()).then(|| Instant::now() + spin);
        loop {
            if let Some(answer) = self.advance(intents) {
                return answer;
            }
            let Some(pending) = self.pending else {
                self.check_alive()?;
                return Err(self.end(FaultCode::RunnerLost, "wait", "nothing is under way"));
            };
            spin_until = spin_until.filter(|until| Instant::now() < *until);
            if spin_until.is_some() {
                std::hint::spin_loop();
            } else if let Err(error) = self.channel.wait(self.outbox.bytes(), pending.until) {
                return Err(self.fail(&error, &pending));
            }
        }
    }

    #[cold]
    pub(super) fn fail(&mut self, error: &ChannelError, pending: &Pending) -> Fault {
        let export = pending.export;
        match error {
            ChannelError::Late => {
                let over = pending.until.elapsed().as_millis();
                let problem = format!("it was not back in time; {over} ms later it was ended");
                self.end(FaultCode::DeadlineExceeded, export, &problem)
            }
            ChannelError::Wire(error) => {
                let problem = format!("its process sent {error}");
                self.end(FaultCode::MalformedOutput, export, &problem)
            }
            ChannelError::Rate(error) => {
                self.end(FaultCode::IntentRateExceeded, export, &error.to_string())
            }
            ChannelError::Closed | ChannelError::Socket(_) => {
                let ending = self.process.last_words();
                self.end(FaultCode::RunnerLost, export, &format!("its process is gone: {ending}"))
            }
        }
    }

    pub(super) fn unexpected(&mut self, export: &str) -> Fault {
        self.end(
            FaultCode::MalformedOutput,
            export,
            "its process sent an answer to something that was not asked",
        )
    }

    /// Ends it. Where it was at fault already and only its core dump was to come, that is still the
    /// fault.
    pub(super) fn end(&mut self, code: FaultCode, export: &str, problem: &str) -> Fault {
        if let Some(mut fault) = self.dying.take() {
            if self.core_dump.is_none() {
                without_core_dump(&mut fault, &escaped(problem, WHY_BYTES_MAX));
            }
            return self.die(fault);
        }
        let detail = format!("plugin `{}`, {export}: {problem}", self.name);
        self.die(Fault { code, detail })
    }

    fn die(&mut self, fault: Fault) -> Fault {
        self.process.end();
        self.pending = None;
        self.gone = Some(fault.clone());
        fault
    }

    pub(super) fn check_alive(&self) -> Result<(), Fault> {
        self.gone.as_ref().map_or(Ok(()), |fault| Err(fault.clone()))
    }
}
