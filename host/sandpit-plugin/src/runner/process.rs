//! A plugin in a process of its own, as the engine sees it: the same calls with the same answers as
//! an instance in this process. Whatever the process does or sends, what comes of it is a fault.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sandpit_core::{
    intent::Intent,
    plugin::{CallCost, Fault, FaultCode, PluginEvent},
    time::UnixNanos,
};

use super::{
    channel::{Channel, ChannelError},
    launch::{Launcher, Process},
    settings::LaunchError,
    walls::{self, Wall},
    wire::{
        Answer, Bounds, Load, Request, Setup, WireError, Writer, put_call, put_start, read_answer,
    },
};
use crate::{
    compile::Compiled,
    describe::{Argument, Description},
    engine::EngineSettings,
    instance::{Parameters, export_of},
    limits::Limits,
    log::{LogBook, LogSink},
    port::{Runner, Stats},
    session::{Session, StopReason},
};

/// How long a process may take until it stands behind its walls: it runs no foreign code yet, so
/// only a machine in trouble takes longer.
const HELLO_DEADLINE: Duration = Duration::from_secs(10);
/// How long making code of bytes may take, beside the guest's own start.
const LINK_DEADLINE: Duration = Duration::from_secs(10);

/// A plugin in its own process.
pub struct ProcessRunner {
    name: String,
    limits: Limits,
    channel: Channel,
    process: Process,
    /// The parent of the process.
    _launcher: Arc<Launcher>,
    walls: Vec<Wall>,
    description: Option<Description>,
    outbox: Writer,
    sequence: u32,
    pending: Option<Pending>,
    log: LogBook,
    /// As the process says.
    dropped_before: u64,
    stats: Stats,
    gone: Option<Fault>,
}

/// A call that is under way.
#[derive(Clone, Copy, Debug)]
struct Pending {
    export: &'static str,
    begun: Instant,
    until: Instant,
    bounds: Bounds,
    /// Whether the guest is told at all.
    told: bool,
}

/// What a runner's process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessUsage {
    /// Processor time since it was started.
    pub cpu: Duration,
    /// Bytes of memory that it has, shared ones counted in full.
    pub resident_bytes: u64,
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
            dropped_before: 0,
            stats: Stats::default(),
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
        const EXPORT: &str = "its process's start";
        let until = Instant::now() + HELLO_DEADLINE;
        let bounds = Bounds::of_hello(&self.limits);
        self.next_sequence();
        let put = request.put(&mut self.outbox, self.sequence);
        self.send(put, EXPORT, until)?;
        match self.answer(EXPORT, bounds, until, &mut Vec::new())? {
            Answer::Hello(walls) => Ok(walls),
            _ => Err(self.unexpected(EXPORT)),
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
        const EXPORT: &str = "describe";
        let load = Request::Load(Load {
            name: &self.name,
            limits: self.limits.clone(),
            settings,
            component: *compiled.component(),
            code: compiled.code(),
        });
        self.sequence = self.sequence.wrapping_add(1);
        let put = load.put(&mut self.outbox, self.sequence);
        let until = Instant::now() + LINK_DEADLINE + self.limits.start_deadline * 2;
        self.send(put, EXPORT, until)?;
        // Only this frame is large.
        self.outbox = Writer::default();
        let bounds = Bounds::of_load(&self.limits);
        match self.answer(EXPORT, bounds, until, &mut Vec::new())? {
            Answer::Described(walls, description) => {
                self.walls.extend(walls);
                self.description = Some(*description);
                Ok(())
            }
            _ => Err(self.unexpected(EXPORT)),
        }
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

    /// The fault that ended it, if one did.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        self.gone.as_ref()
    }

    /// What its process uses, where the system tells.
    #[must_use]
    pub fn usage(&self) -> Option<ProcessUsage> {
        let of = |file: &str| {
            std::fs::read_to_string(format!("/proc/{}/{file}", self.process.child.id())).ok()
        };
        let cpu = of("schedstat")?.split_ascii_whitespace().next()?.parse().ok()?;
        let pages: u64 = of("statm")?.split_ascii_whitespace().nth(1)?.parse().ok()?;
        let resident_bytes = pages.saturating_mul(rustix::param::page_size() as u64);
        Some(ProcessUsage { cpu: Duration::from_nanos(cpu), resident_bytes })
    }

    /// Tells it of one event and does not wait: others can be told meanwhile. What is begun has to
    /// be finished before anything else is asked of it.
    ///
    /// # Errors
    /// It is at fault.
    #[inline]
    pub fn begin_call(&mut self, event: &PluginEvent) -> Result<(), Fault> {
        self.check_ready()?;
        let export = export_of(event);
        self.log.set_time(time_of(event));
        let begun = Instant::now();
        let until = begun + self.limits.call_deadline;
        let history = matches!(event, PluginEvent::Market { history: true, .. });
        let bounds = Bounds::of_call(&self.limits, history);
        self.next_sequence();
        let put = put_call(&mut self.outbox, self.sequence, event);
        let told = *put.as_ref().unwrap_or(&true);
        if told {
            self.send(put.map(|_| ()), export, until)?;
        }
        self.pending = Some(Pending { export, begun, until, bounds, told });
        Ok(())
    }

    /// Waits for what [`Self::begin_call`] began; what it asks for is appended to `intents`, oldest
    /// first.
    ///
    /// # Errors
    /// It is at fault, or nothing was begun; `intents` is as it was.
    #[inline]
    pub fn finish_call(&mut self, intents: &mut Vec<Intent>) -> Result<CallCost, Fault> {
        self.check_alive()?;
        let Some(pending) = self.pending.take() else {
            return Err(self.end(FaultCode::RunnerLost, "finish", "no call was begun"));
        };
        let mut cost = CallCost::default();
        if pending.told {
            cost = self.done(pending.export, pending.bounds, pending.until, intents)?;
            let took = u64::try_from(pending.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.stats.latency.record(took);
        }
        self.stats.calls += 1;
        self.stats.fuel_total = self.stats.fuel_total.saturating_add(cost.fuel);
        self.stats.fuel_per_call_peak = self.stats.fuel_per_call_peak.max(cost.fuel);
        Ok(cost)
    }

    /// Whether a call is under way.
    #[must_use]
    pub const fn is_called(&self) -> bool {
        self.pending.is_some()
    }

    fn done(
        &mut self,
        export: &'static str,
        bounds: Bounds,
        until: Instant,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        let before = intents.len();
        match self.answer(export, bounds, until, intents)? {
            Answer::Done { fuel } => {
                self.stats.intents += (intents.len() - before) as u64;
                Ok(CallCost { fuel })
            }
            _ => Err(self.unexpected(export)),
        }
    }

    const fn next_sequence(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
    }

    fn send(
        &mut self,
        put: Result<(), WireError>,
        export: &str,
        until: Instant,
    ) -> Result<(), Fault> {
        let sent = put
            .map_err(ChannelError::Wire)
            .and_then(|()| self.channel.send(self.outbox.bytes(), until));
        sent.map_err(|error| self.fail(export, &error, until))
    }

    /// The answer to the request that was sent last. A fault that it tells of ends it.
    fn answer(
        &mut self,
        export: &str,
        bounds: Bounds,
        until: Instant,
        intents: &mut Vec<Intent>,
    ) -> Result<Answer, Fault> {
        let received = self.channel.receive(self.sequence, bounds.frame_bytes_max, until);
        let read = received.and_then(|(head, body)| {
            read_answer(head, body, &bounds, intents).map_err(ChannelError::Wire)
        });
        let answer = match read {
            Ok((answer, extras)) => {
                // A runner that was taken over could write more than its share, so it is held to
                // it here as well; an honest one has nothing cut or dropped a second time.
                for (level, text) in extras.lines {
                    self.log.take(level, text);
                }
                self.dropped_before = self.dropped_before.max(extras.dropped);
                let memory = usize::try_from(extras.memory_bytes).unwrap_or(usize::MAX);
                self.stats.memory_bytes_peak = self.stats.memory_bytes_peak.max(memory);
                answer
            }
            Err(error) => return Err(self.fail(export, &error, until)),
        };
        if let Answer::Fault(fault) = answer {
            self.process.end();
            self.gone = Some(fault.clone());
            return Err(fault);
        }
        Ok(answer)
    }

    #[cold]
    fn fail(&mut self, export: &str, error: &ChannelError, until: Instant) -> Fault {
        match error {
            ChannelError::Late => {
                let over = until.elapsed().as_millis();
                let problem = format!("it was not back in time; {over} ms later it was ended");
                self.end(FaultCode::DeadlineExceeded, export, &problem)
            }
            ChannelError::Wire(error) => {
                let problem = format!("its process sent {error}");
                self.end(FaultCode::MalformedOutput, export, &problem)
            }
            ChannelError::Closed | ChannelError::Socket(_) => {
                let ending = self.process.last_words();
                self.end(FaultCode::RunnerLost, export, &format!("its process is gone: {ending}"))
            }
        }
    }

    fn unexpected(&mut self, export: &str) -> Fault {
        self.end(
            FaultCode::MalformedOutput,
            export,
            "its process sent an answer to something that was not asked",
        )
    }

    fn end(&mut self, code: FaultCode, export: &str, problem: &str) -> Fault {
        self.process.end();
        let fault = Fault { code, detail: format!("plugin `{}`, {export}: {problem}", self.name) };
        self.gone = Some(fault.clone());
        fault
    }

    fn check_alive(&self) -> Result<(), Fault> {
        self.gone.as_ref().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// Alive, and nothing is under way.
    fn check_ready(&mut self) -> Result<(), Fault> {
        self.check_alive()?;
        if self.pending.is_some() {
            return Err(self.end(FaultCode::RunnerLost, "call", "another call is under way"));
        }
        Ok(())
    }
}

impl Runner for ProcessRunner {
    fn description(&self) -> &Description {
        static NONE: Description = Description {
            name: String::new(),
            version: String::new(),
            summary: String::new(),
            parameters: Vec::new(),
            subscriptions: Vec::new(),
            warm_up: Vec::new(),
            state_schema: 0,
        };
        // There is one once it is loaded, and nobody gets it before.
        self.description.as_ref().unwrap_or(&NONE)
    }

    fn start(
        &mut self,
        session: &Session<'_>,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        const EXPORT: &str = "start";
        self.check_ready()?;
        self.log.set_time(session.time);
        self.next_sequence();
        let put = put_start(&mut self.outbox, self.sequence, session);
        let until = Instant::now() + self.limits.start_deadline;
        self.send(put, EXPORT, until)?;
        self.done(EXPORT, Bounds::of_start(&self.limits), until, intents)
    }

    #[inline]
    fn call(&mut self, event: &PluginEvent, intents: &mut Vec<Intent>) -> Result<CallCost, Fault> {
        self.begin_call(event)?;
        self.finish_call(intents)
    }

    fn parameters(
        &mut self,
        arguments: &[Argument],
        time: UnixNanos,
        intents: &mut Vec<Intent>,
    ) -> Result<Parameters, Fault> {
        const EXPORT: &str = "on-parameters";
        self.check_ready()?;
        self.log.set_time(time);
        let request = Request::Parameters { time, arguments: arguments.to_vec() };
        self.next_sequence();
        let put = request.put(&mut self.outbox, self.sequence);
        let until = Instant::now() + self.limits.call_deadline;
        self.send(put, EXPORT, until)?;
        let before = intents.len();
        match self.answer(EXPORT, Bounds::of_call(&self.limits, false), until, intents)? {
            Answer::Done { fuel } => {
                self.stats.intents += (intents.len() - before) as u64;
                Ok(Parameters::Taken(CallCost { fuel }))
            }
            Answer::Refused { reason } => Ok(Parameters::Refused(reason)),
            _ => Err(self.unexpected(EXPORT)),
        }
    }

    fn save(&mut self) -> Result<Vec<u8>, Fault> {
        const EXPORT: &str = "save";
        self.check_ready()?;
        self.next_sequence();
        let put = Request::Save.put(&mut self.outbox, self.sequence);
        let until = Instant::now() + self.limits.start_deadline;
        self.send(put, EXPORT, until)?;
        match self.answer(EXPORT, Bounds::of_save(&self.limits), until, &mut Vec::new())? {
            Answer::Saved(state) => Ok(state),
            _ => Err(self.unexpected(EXPORT)),
        }
    }

    fn stop(&mut self, reason: StopReason) -> Result<(), Fault> {
        const EXPORT: &str = "stop";
        self.check_ready()?;
        self.next_sequence();
        let put = Request::Stop(reason).put(&mut self.outbox, self.sequence);
        let until = Instant::now() + self.limits.start_deadline;
        self.send(put, EXPORT, until)?;
        self.done(EXPORT, Bounds::of_stop(&self.limits), until, &mut Vec::new()).map(|_| ())
    }

    fn stats(&self) -> Stats {
        Stats {
            log_lines: self.log.written,
            log_lines_dropped: self.dropped_before.saturating_add(self.log.dropped),
            ..self.stats.clone()
        }
    }
}

/// The time that an event carries.
const fn time_of(event: &PluginEvent) -> UnixNanos {
    match event {
        PluginEvent::Market { event, .. } => event.time,
        PluginEvent::Depth(view) => view.time,
        PluginEvent::Order(update) => update.time,
        PluginEvent::Position(view) => view.time,
        PluginEvent::Budget(view) => view.time,
        PluginEvent::Timer { time, .. } | PluginEvent::TradingState { time, .. } => *time,
    }
}
