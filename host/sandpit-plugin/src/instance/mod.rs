//! One running strategy: its store, what it may use, and the calls into it.

mod deliver;
mod fault;
mod state;

pub(crate) use state::State;

use std::time::Instant;

use sandpit_core::{
    intent::Intent,
    market::MarketData,
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
    limits::{DESCRIBE_OUTPUT_BYTES_MAX, HANDLES_MAX, Limits, REASON_BYTES_MAX},
    log::{LogBook, LogSink},
    port::Stats,
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
    gone: Option<Fault>,
    core_dump: Option<Vec<u8>>,
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
            gone: None,
            core_dump: None,
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
        let state = self.store.data();
        Stats {
            memory_bytes_peak: state.limiter.memory_bytes(),
            log_lines: state.log.written,
            log_lines_dropped: state.log.dropped,
            ..self.stats.clone()
        }
    }

    /// Bytes of its memories, and log lines that were dropped.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "for runners"))]
    pub(crate) fn usage(&self) -> (usize, u64) {
        let state = self.store.data();
        (state.limiter.memory_bytes(), state.log.dropped)
    }

    /// The core dump of the trap that ended it, where the engine makes core dumps: WebAssembly's
    /// own format, with all of the guest's memory.
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
            Ok(Ok(waiting)) => self.finish("start", allowed, waiting, false, intents),
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
        saved.map_err(|error| self.fail("save", &error))
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
        if forget {
            return Ok(());
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
        self.stats.intents += (intents.len() - before) as u64;
        Ok(())
    }

    /// Ends the instance with the fault that an error stands for.
    #[cold]
    fn fail(&mut self, export: &str, error: &wasmtime::Error) -> Fault {
        if let Some(dump) = error.downcast_ref::<WasmCoreDump>() {
            self.core_dump = Some(dump.serialize(&mut self.store, &self.name));
        }
        self.end(fault::fault(&self.name, export, error))
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

/// The export that an event goes to.
pub(crate) const fn export_of(event: &PluginEvent) -> &'static str {
    match event {
        PluginEvent::Market { event, .. } => match event.data {
            MarketData::Trade(_) => "on-trade",
            MarketData::Quote(_) => "on-quote",
            MarketData::Bar(_) => "on-bar",
            MarketData::Depth(_) => "on-depth",
            MarketData::Mark(_) | MarketData::Funding(_) => "no export",
        },
        PluginEvent::Depth(_) => "on-depth",
        PluginEvent::Order(_) => "on-order",
        PluginEvent::Position(_) => "on-position",
        PluginEvent::Budget(_) => "on-budget",
        PluginEvent::Timer { .. } => "on-timer",
        PluginEvent::TradingState { .. } => "on-trading-state",
    }
}
