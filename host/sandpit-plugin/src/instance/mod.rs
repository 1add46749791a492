//! One running strategy: its store, what it may use, and the calls into it.

mod asked;
mod deliver;
mod fault;
mod state;

pub(crate) use deliver::export_of;
pub(crate) use fault::without_core_dump;
pub(crate) use state::State;

use std::time::Instant;

use sandpit_core::{
    intent::Intent,
    plugin::{CallCost, Fault, FaultCode, PluginEvent},
    time::UnixNanos,
};
use wasmtime::{Store, WasmCoreDump};

use crate::{
    bindings::{
        self, exports::sandpit::strategy::handlers::Guest, sandpit::strategy::types as wire,
    },
    convert::{self, Grids, Malformed},
    describe::{Argument, Description},
    engine::{Artifact, Engine},
    latency::Sampling,
    limits::{
        DESCRIBE_OUTPUT_BYTES_MAX, GUEST_INTENT_BYTES, HANDLES_MAX, Limits, REASON_BYTES_MAX,
    },
    log::{LogBook, LogSink},
    port::{Stats, Usage},
    rate::IntentRate,
    session::{self, Session, StopReason},
    text::escaped,
    ticker::ticks,
};
use state::Limiter;

/// How a strategy took new parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameters {
    /// It uses them from now on.
    Taken(CallCost),
    /// It keeps the old ones, for this reason.
    Refused(String),
}

/// One strategy, instantiated. Lives on one thread at a time.
pub struct Instance {
    /// Keeps the clock of the deadlines going for as long as there is an instance to end.
    _engine: Engine,
    name: String,
    store: Store<State>,
    strategy: bindings::Strategy,
    description: Description,
    limits: Limits,
    /// `limits.call_deadline` in ticks.
    call_ticks: u64,
    grids: Grids,
    depth: wire::Depth,
    sampling: Sampling,
    /// Calls until the next one that is timed.
    until_sample: u32,
    stats: Stats,
    rate: IntentRate,
    gone: Option<Fault>,
    core_dump: Option<Vec<u8>>,
    kept: asked::Kept,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance")
            .field("name", &self.name)
            .field("stats", &self.stats)
            .field("gone", &self.gone)
            .finish_non_exhaustive()
    }
}

/// Fuel and time of one call.
#[derive(Clone, Copy)]
struct Allowance {
    fuel: u64,
    ticks: u64,
}

impl Allowance {
    fn of_start(limits: &Limits) -> Self {
        Self { fuel: limits.fuel_start_max, ticks: ticks(limits.start_deadline) }
    }
}

impl Instance {
    /// Instantiates a component and has it describe itself. `name` is the operator's name of the
    /// plugin; faults and log lines carry it.
    ///
    /// # Errors
    /// The component is at fault already: while it was instantiated, or in its description.
    pub fn load(
        artifact: &Artifact,
        name: &str,
        limits: &Limits,
        sink: Box<dyn LogSink>,
    ) -> Result<Self, Fault> {
        let state = State { limiter: Limiter::new(limits), log: LogBook::new(name, limits, sink) };
        // All limits stand before the first instruction of the guest runs.
        let mut store = Store::new(artifact.engine().wasmtime(), state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(DESCRIBE_OUTPUT_BYTES_MAX);
        store.set_max_component_handles(HANDLES_MAX);
        let start = Allowance::of_start(limits);
        let begun = arm(&mut store, start).and_then(|()| artifact.pre().instantiate(&mut store));
        let strategy = begun.map_err(|error| fault::fault(name, "instantiation", &error))?;
        let described = arm(&mut store, start)
            .and_then(|()| strategy.sandpit_strategy_handlers().call_describe(&mut store))
            .and_then(|description| Ok(Description::read(description)?));
        let description = described.map_err(|error| fault::fault(name, "describe", &error))?;
        store.set_hostcall_fuel(limits.handed_over_bytes_max());
        Ok(Self {
            _engine: artifact.engine().clone(),
            name: name.to_owned(),
            store,
            strategy,
            description,
            call_ticks: ticks(limits.call_deadline),
            limits: limits.clone(),
            grids: Grids::default(),
            depth: empty_depth(),
            sampling: Sampling::default(),
            until_sample: 0,
            stats: Stats::default(),
            rate: IntentRate::new(limits),
            gone: None,
            core_dump: None,
            kept: asked::Kept::default(),
        })
    }

    /// The operator's name of it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says of itself.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// The fault that ended it, if one did.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        self.gone.as_ref()
    }

    /// Sets which calls are timed.
    pub const fn set_sampling(&mut self, sampling: Sampling) {
        self.sampling = sampling;
        self.until_sample = 0;
    }

    /// What it has used so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let usage = self.usage();
        Stats {
            memory_bytes_peak: usage.memory_bytes,
            table_elements_peak: usage.table_elements,
            output_bytes_peak: usage.output_bytes_peak,
            intents_per_window_peak: self.rate.peak(),
            log_lines: self.store.data().log.written,
            log_lines_cut: usage.lines_cut,
            log_lines_dropped: usage.lines_dropped,
            ..self.stats.clone()
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        let State { limiter, log } = self.store.data();
        Usage {
            memory_bytes: limiter.memory_bytes(),
            table_elements: limiter.table_elements(),
            output_bytes_peak: self.stats.output_bytes_peak.max(log.message_bytes_peak),
            lines_cut: log.cut,
            lines_dropped: log.dropped,
        }
    }

    /// Bytes of the core dump that [`Self::take_core_dump`] would give.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "for runners"))]
    pub(crate) fn core_dump_bytes(&self) -> usize {
        self.core_dump.as_ref().map_or(0, Vec::len)
    }

    /// The core dump of the trap that ended it, once, where the engine makes core dumps and it is
    /// within [`Limits::core_dump_bytes_max`]: WebAssembly's own format, with all of the guest's
    /// memory.
    pub const fn take_core_dump(&mut self) -> Option<Vec<u8>> {
        self.core_dump.take()
    }

    /// Begins a session; what it asks for at once is appended to `intents`.
    ///
    /// # Errors
    /// It refuses the session ([`FaultCode::StartRefused`]) or is at fault.
    pub fn start(
        &mut self,
        session: &Session<'_>,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        self.check_alive()?;
        self.grids = session.grids();
        self.store.data_mut().log.set_time(session.time);
        let allowed = Allowance::of_start(&self.limits);
        let answer = session.to_wire(&self.grids).map_err(Into::into).and_then(|session| {
            arm(&mut self.store, allowed)?;
            guest(&self.strategy).call_start(&mut self.store, &session)
        });
        match answer {
            Ok(Ok(waiting)) => {
                let cost = self.finish("start", allowed, waiting, false, intents)?;
                self.stats.fuel_start_peak = self.stats.fuel_start_peak.max(cost.fuel);
                Ok(cost)
            }
            Ok(Err(reason)) => Err(self.refuse_start(&reason)),
            Err(error) => Err(self.fail("start", &error)),
        }
    }

    /// Tells it of one event; what it asks for is appended to `intents`, oldest first. What it asks
    /// for while it is told of history is taken and forgotten.
    ///
    /// # Errors
    /// It is at fault: `intents` is as it was, and it will never be entered again.
    #[inline]
    pub fn call(
        &mut self,
        event: &PluginEvent,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        self.check_alive()?;
        let clock = self.sample();
        let allowed = Allowance { fuel: self.limits.fuel_per_call_max, ticks: self.call_ticks };
        let history = matches!(event, PluginEvent::Market { history: true, .. });
        let answer = match self.deliver(event, allowed) {
            Ok(waiting) => self.finish(export_of(event), allowed, waiting, history, intents),
            Err(error) => Err(self.fail(export_of(event), &error)),
        };
        if let Ok(cost) = answer {
            self.book(cost);
        }
        if let Some(begun) = clock {
            let ns = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.stats.latency.record(ns);
        }
        answer
    }

    /// Hands it all parameters with their new values; what it asks for is appended to `intents`.
    ///
    /// # Errors
    /// It is at fault.
    pub fn parameters(
        &mut self,
        arguments: &[Argument],
        time: UnixNanos,
        intents: &mut Vec<Intent>,
    ) -> Result<Parameters, Fault> {
        const EXPORT: &str = "on-parameters";
        self.check_alive()?;
        self.store.data_mut().log.set_time(time);
        let allowed = Allowance { fuel: self.limits.fuel_per_call_max, ticks: self.call_ticks };
        let arguments = session::arguments(arguments);
        let answer = arm(&mut self.store, allowed)
            .and_then(|()| guest(&self.strategy).call_on_parameters(&mut self.store, &arguments))
            .and_then(check_reason);
        match answer {
            Ok(Ok(waiting)) => {
                self.finish(EXPORT, allowed, waiting, false, intents).map(Parameters::Taken)
            }
            Ok(Err(reason)) => {
                self.finish(EXPORT, allowed, false, false, intents)?;
                Ok(Parameters::Refused(reason))
            }
            Err(error) => Err(self.fail(EXPORT, &error)),
        }
    }

    /// Its state, for a hot swap or a restart.
    ///
    /// # Errors
    /// It is at fault, or the state is too large.
    pub fn save(&mut self) -> Result<Vec<u8>, Fault> {
        self.check_alive()?;
        let allowed = Allowance::of_start(&self.limits);
        self.store.set_hostcall_fuel(self.limits.state_bytes_max);
        let saved = arm(&mut self.store, allowed)
            .and_then(|()| guest(&self.strategy).call_save(&mut self.store));
        self.store.set_hostcall_fuel(self.limits.handed_over_bytes_max());
        let state = saved.map_err(|error| self.fail("save", &error))?;
        self.stats.state_bytes_peak = self.stats.state_bytes_peak.max(state.len());
        Ok(state)
    }

    /// Ends the session. The instance is not called again.
    ///
    /// # Errors
    /// It is at fault in its last call.
    pub fn stop(&mut self, reason: StopReason) -> Result<(), Fault> {
        self.check_alive()?;
        let allowed = Allowance::of_start(&self.limits);
        let reason = session::stop_reason(reason);
        arm(&mut self.store, allowed)
            .and_then(|()| guest(&self.strategy).call_stop(&mut self.store, reason))
            .map_err(|error| self.fail("stop", &error))
    }

    #[inline]
    fn check_alive(&self) -> Result<(), Fault> {
        self.gone.as_ref().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// When this call began, if it is one that is timed.
    #[inline]
    fn sample(&mut self) -> Option<Instant> {
        let Sampling::Every(every) = self.sampling else { return None };
        if let Some(left) = self.until_sample.checked_sub(1) {
            self.until_sample = left;
            return None;
        }
        self.until_sample = every.get() - 1;
        Some(Instant::now())
    }

    /// Takes what is waiting and says what the call cost.
    #[inline]
    fn finish(
        &mut self,
        export: &'static str,
        allowed: Allowance,
        waiting: bool,
        forget: bool,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        if waiting {
            self.take_intents(export, forget, intents)?;
        }
        let left = self.store.get_fuel().unwrap_or(0);
        Ok(CallCost { fuel: allowed.fuel.saturating_sub(left) })
    }

    #[inline]
    fn book(&mut self, cost: CallCost) {
        self.stats.calls += 1;
        self.stats.fuel_total = self.stats.fuel_total.saturating_add(cost.fuel);
        self.stats.fuel_per_call_peak = self.stats.fuel_per_call_peak.max(cost.fuel);
    }

    /// The second half of a call, on what is left of its fuel and time.
    fn take_intents(
        &mut self,
        export: &'static str,
        forget: bool,
        intents: &mut Vec<Intent>,
    ) -> Result<(), Fault> {
        let taken = guest(&self.strategy).call_take_intents(&mut self.store);
        let taken = taken.map_err(|error| self.fail("take-intents", &error))?;
        if taken.len() > self.limits.intents_per_call_max {
            let detail = format!(
                "plugin `{}`, {export}: it handed over {} intents, {} are allowed for one call",
                self.name,
                taken.len(),
                self.limits.intents_per_call_max
            );
            return Err(self.end(Fault { code: FaultCode::TooManyIntents, detail }));
        }
        self.stats.output_bytes_peak =
            self.stats.output_bytes_peak.max(taken.len().saturating_mul(GUEST_INTENT_BYTES));
        if forget {
            return Ok(());
        }
        let now = self.store.data().log.time();
        if let Err(exceeded) = self.rate.take(now, taken.len()) {
            return Err(self.fail(export, &exceeded.into()));
        }
        let before = intents.len();
        for intent in taken {
            match convert::intent(intent) {
                Ok(intent) => intents.push(intent),
                Err(malformed) => {
                    intents.truncate(before);
                    return Err(self.fail("take-intents", &malformed.into()));
                }
            }
        }
        let more = intents.len() - before;
        self.stats.intents += more as u64;
        self.stats.intents_per_call_peak = self.stats.intents_per_call_peak.max(more);
        Ok(())
    }

    /// Ends the instance with the fault that an error stands for.
    #[cold]
    fn fail(&mut self, export: &str, error: &wasmtime::Error) -> Fault {
        let mut fault = fault::fault(&self.name, export, error);
        if let Some(dump) = error.downcast_ref::<WasmCoreDump>() {
            self.keep_core_dump(dump, &mut fault);
        }
        self.end(fault)
    }

    /// Makes the dump only where it can be within its bound: making one takes as much memory again.
    fn keep_core_dump(&mut self, dump: &WasmCoreDump, fault: &mut Fault) {
        let limit = self.limits.core_dump_bytes_max;
        if limit == 0 {
            return;
        }
        let mut bytes = self.store.data().limiter.memory_bytes();
        if bytes <= limit {
            let dump = dump.serialize(&mut self.store, &self.name);
            bytes = dump.len();
            if bytes <= limit {
                self.core_dump = Some(dump);
                return;
            }
        }
        without_core_dump(fault, &format!("it has {bytes} bytes, {limit} are allowed"));
    }

    fn refuse_start(&mut self, reason: &str) -> Fault {
        if let Err(malformed) = check_reason_length(reason) {
            return self.fail("start", &malformed.into());
        }
        let detail = format!(
            "plugin `{}` refuses the session: {}",
            self.name,
            escaped(reason, REASON_BYTES_MAX * 2)
        );
        self.end(Fault { code: FaultCode::StartRefused, detail })
    }

    fn end(&mut self, fault: Fault) -> Fault {
        self.gone = Some(fault.clone());
        fault
    }
}

#[inline]
fn guest(strategy: &bindings::Strategy) -> &Guest {
    strategy.sandpit_strategy_handlers()
}

/// Sets fuel and deadline; immediately before the guest is entered, so that nothing the host does
/// is counted.
#[inline]
fn arm(store: &mut Store<State>, allowed: Allowance) -> wasmtime::Result<()> {
    store.set_epoch_deadline(allowed.ticks);
    store.set_fuel(allowed.fuel)
}

fn check_reason_length(reason: &str) -> Result<(), Malformed> {
    if reason.len() <= REASON_BYTES_MAX {
        return Ok(());
    }
    Err(Malformed::Length { what: "the reason", bytes: reason.len(), limit: REASON_BYTES_MAX })
}

/// The guest's refusal within its bound and fit for a terminal.
fn check_reason(answer: Result<bool, String>) -> wasmtime::Result<Result<bool, String>> {
    let Err(reason) = answer else { return Ok(answer) };
    check_reason_length(&reason)?;
    Ok(Err(escaped(&reason, REASON_BYTES_MAX * 2)))
}

const fn empty_depth() -> wire::Depth {
    wire::Depth {
        instrument: 0,
        time: 0,
        price_scale: 0,
        quantity_scale: 0,
        bid_prices: Vec::new(),
        bid_quantities: Vec::new(),
        ask_prices: Vec::new(),
        ask_quantities: Vec::new(),
    }
}
