//! A plugin in a process of its own, as the engine sees it: the same questions with the same answers
//! as an instance in this process.

use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use sandpit_core::{
    intent::Intent,
    plugin::{CallCost, Fault, FaultCode, PluginEvent},
    time::UnixNanos,
};

use super::{
    channel::ChannelError,
    process::ProcessRunner,
    settings::ProcessUsage,
    wire::{Answer, Bounds, Request, WireError, put_call, put_parameters, put_start},
};
use crate::{
    describe::Description,
    instance::export_of,
    port::{Ask, Reply, Runner, Stats},
};

/// What is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) asked: Asked,
    pub(super) export: &'static str,
    pub(super) begun: Instant,
    pub(super) until: Instant,
    pub(super) bounds: Bounds,
}

/// What an answer is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Something of the process itself.
    Process,
    Start,
    Event,
    /// An event that no guest is told of: nothing was sent, and nothing will come.
    Nothing,
    Parameters,
    Save,
    Stop,
}

impl Pending {
    pub(super) fn new(asked: Asked, export: &'static str, until: Instant, bounds: Bounds) -> Self {
        Self { asked, export, begun: Instant::now(), until, bounds }
    }
}

impl ProcessRunner {
    /// Writes what is asked into the outbox.
    fn put(&mut self, ask: &Ask<'_>, pending: &mut Pending) -> Result<(), WireError> {
        let (out, sequence) = (&mut self.outbox, self.sequence);
        match *ask {
            Ask::Event(event) => {
                self.log.set_time(time_of(event));
                if !put_call(out, sequence, event)? {
                    out.clear();
                    pending.asked = Asked::Nothing;
                }
                Ok(())
            }
            Ask::Start(session) => {
                self.log.set_time(session.time);
                put_start(out, sequence, session)
            }
            Ask::Parameters { arguments, time } => {
                self.log.set_time(time);
                put_parameters(out, sequence, time, arguments)
            }
            Ask::Save => Request::Save.put(out, sequence),
            Ask::Stop(reason) => Request::Stop(reason).put(out, sequence),
        }
    }

    fn pending_of(&self, ask: &Ask<'_>) -> Pending {
        let limits = &self.limits;
        let (asked, export, allowed, bounds) = match *ask {
            Ask::Event(event) => {
                let history = matches!(event, PluginEvent::Market { history: true, .. });
                let bounds = Bounds::of_call(limits, history);
                (Asked::Event, export_of(event), limits.call_deadline, bounds)
            }
            Ask::Start(_) => {
                (Asked::Start, "start", limits.start_deadline, Bounds::of_start(limits))
            }
            Ask::Parameters { .. } => {
                let bounds = Bounds::of_call(limits, false);
                (Asked::Parameters, "on-parameters", limits.call_deadline, bounds)
            }
            Ask::Save => (Asked::Save, "save", limits.start_deadline, Bounds::of_save(limits)),
            Ask::Stop(_) => (Asked::Stop, "stop", limits.start_deadline, Bounds::of_stop(limits)),
        };
        let begun = Instant::now();
        Pending { asked, export, begun, until: begun + allowed, bounds }
    }

    /// What an answer is to whoever asked. `intents` are those that came with it.
    fn reply(&mut self, pending: &Pending, answer: Answer, intents: usize) -> Result<Reply, Fault> {
        let cost = match (pending.asked, answer) {
            (Asked::Start, Answer::Done { fuel }) => {
                self.stats.fuel_start_peak = self.stats.fuel_start_peak.max(fuel);
                CallCost { fuel }
            }
            (Asked::Parameters | Asked::Stop, Answer::Done { fuel }) => CallCost { fuel },
            (Asked::Event, Answer::Done { fuel }) => {
                let took = u64::try_from(pending.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
                self.stats.latency.record(took);
                self.book(fuel)
            }
            (Asked::Save, Answer::Saved(state)) => {
                self.stats.state_bytes_peak = self.stats.state_bytes_peak.max(state.len());
                return Ok(Reply::Saved(state));
            }
            (Asked::Parameters, Answer::Refused { reason }) => return Ok(Reply::Refused(reason)),
            _ => return Err(self.unexpected(pending.export)),
        };
        self.stats.intents += intents as u64;
        self.stats.intents_per_call_peak = self.stats.intents_per_call_peak.max(intents);
        Ok(Reply::Done(cost))
    }

    fn book(&mut self, fuel: u64) -> CallCost {
        self.stats.calls += 1;
        self.stats.fuel_total = self.stats.fuel_total.saturating_add(fuel);
        self.stats.fuel_per_call_peak = self.stats.fuel_per_call_peak.max(fuel);
        CallCost { fuel }
    }

    /// The answer to an event that was not sent.
    fn untold(&mut self) -> Option<Reply> {
        self.pending.take_if(|pending| pending.asked == Asked::Nothing)?;
        Some(Reply::Done(self.book(0)))
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

    /// What does not fit into the socket at once is sent on by whoever polls.
    fn begin(&mut self, ask: &Ask<'_>) -> Result<(), Fault> {
        self.check_alive()?;
        let mut pending = self.pending_of(ask);
        if self.pending.is_some() {
            let problem = "something else is under way";
            return Err(self.end(FaultCode::RunnerLost, pending.export, problem));
        }
        self.next_sequence();
        let put = self.put(ask, &mut pending);
        self.send(put, pending)
    }

    fn poll(&mut self, intents: &mut Vec<Intent>) -> Option<Result<Reply, Fault>> {
        if let Some(reply) = self.untold() {
            return Some(Ok(reply));
        }
        let pending = self.pending?;
        let before = intents.len();
        if let Some(answer) = self.advance(intents) {
            let more = intents.len() - before;
            return Some(answer.and_then(|answer| self.reply(&pending, answer, more)));
        }
        // It may be another one by now: a core dump has its own deadline.
        let pending = self.pending.filter(|pending| Instant::now() >= pending.until)?;
        Some(Err(self.fail(&ChannelError::Late, &pending)))
    }

    fn wait(&mut self, intents: &mut Vec<Intent>) -> Result<Reply, Fault> {
        if let Some(reply) = self.untold() {
            return Ok(reply);
        }
        let pending = self.pending;
        let before = intents.len();
        let answer = self.wait_for_answer(intents)?;
        let more = intents.len() - before;
        match pending {
            Some(pending) => self.reply(&pending, answer, more),
            None => Err(self.unexpected("wait")),
        }
    }

    fn is_busy(&self) -> bool {
        self.pending.is_some()
    }

    fn is_sending(&self) -> bool {
        self.pending.is_some() && self.channel.is_sending(self.outbox.bytes())
    }

    fn deadline(&self) -> Option<Instant> {
        self.pending.map(|pending| pending.until)
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.channel.socket())
    }

    fn fault(&self) -> Option<&Fault> {
        self.gone.as_ref()
    }

    fn take_core_dump(&mut self) -> Option<Vec<u8>> {
        self.core_dump.take()
    }

    fn stats(&self) -> Stats {
        Stats {
            memory_bytes_peak: self.usage.memory_bytes,
            table_elements_peak: self.usage.table_elements,
            output_bytes_peak: self.usage.output_bytes_peak,
            intents_per_window_peak: self.rate.peak(),
            log_lines: self.log.written,
            log_lines_cut: self.usage.lines_cut.saturating_add(self.log.cut),
            log_lines_dropped: self.usage.lines_dropped.saturating_add(self.log.dropped),
            ..self.stats.clone()
        }
    }

    fn usage(&self) -> Option<ProcessUsage> {
        let of = |file: &str| {
            std::fs::read_to_string(format!("/proc/{}/{file}", self.process_id())).ok()
        };
        let cpu = of("schedstat")?.split_ascii_whitespace().next()?.parse().ok()?;
        let pages: u64 = of("statm")?.split_ascii_whitespace().nth(1)?.parse().ok()?;
        let resident_bytes = pages.saturating_mul(rustix::param::page_size() as u64);
        Some(ProcessUsage { cpu: Duration::from_nanos(cpu), resident_bytes })
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
