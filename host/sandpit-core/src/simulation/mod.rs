//! A run in virtual time: market events in, engine and simulated venue stepped, plugins called, an
//! [`Observer`] told. Backtests, the SDK's test harness and paper trading are this.
//!
//! What happens at one time, in this order: orders and reports that are due, then the venue sees
//! the market event, then the engine and the plugins do, then what follows from it at no latency.
//! With latency zero an order that a trade calls forth is matched before the next event.
//!
//! Nothing is kept that grows with the number of events.

mod flight;
mod latency;
mod observer;

pub use latency::{FEED_LATENCY_MAX, Latency, Line};
pub use observer::Observer;

use alloc::{collections::VecDeque, string::String, vec::Vec};

use crate::{
    engine::{Command, Effect, Engine, EngineConfig, Event, Record, VenueEvent},
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId},
    intent::{Intent, TimeInForce},
    market::{MarketEvent, Side},
    matching::{Exchange, FillModel, Liquidation},
    order::{Fill, Order, OrderKind, Report},
    plugin::{Fault, FaultCode, PluginEvent, PluginPort},
    time::{Nanos, UnixNanos},
};
use flight::{Flight, Flights};

/// How often a plugin may be called at one time of the run. One that answers each of its own
/// updates with an order would otherwise never let time go on. Exceeding it is a fault.
pub const CALLS_PER_INSTANT_MAX: u32 = 10_000;

/// A run's engine, and how its venue behaves.
#[derive(Clone, Debug)]
pub struct SimulationConfig {
    /// Instruments, plugins, limits.
    pub engine: EngineConfig,
    /// How the venue fills.
    pub fill_model: FillModel,
    /// From a decision to the venue's receipt of it; [`Simulation::with_latency`] has other models.
    pub order_latency: Nanos,
    /// From the venue's decision to our receipt of it.
    pub report_latency: Nanos,
}

/// The run gave up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulationError {
    /// An event before the one that came before it.
    #[error("market events must not go back in time: {found} after {before}")]
    TimeWentBack {
        /// Latest time.
        before: UnixNanos,
        /// Time of the event.
        found: UnixNanos,
    },
    /// An event of an instrument that the run does not have.
    #[error("market event of unknown instrument {0}")]
    UnknownInstrument(u16),
}

/// A run in virtual time.
#[derive(Clone, Debug)]
pub struct Simulation {
    engine: Engine,
    exchange: Exchange,
    flights: Flights,
    /// To the venue.
    orders: Line,
    /// From it.
    answers: Line,
    now: UnixNanos,
    /// What is to be done, in order.
    work: VecDeque<Effect>,
    /// Scratch, kept for its memory.
    effects: Vec<Effect>,
    reports: Vec<Report>,
    intents: Vec<Intent>,
    calls: Vec<Calls>,
}

/// Calls of one plugin at one time, and whether it may be called at all.
#[derive(Clone, Debug, Default)]
struct Calls {
    at: UnixNanos,
    count: u32,
    out: bool,
}

impl Simulation {
    /// A run with nothing in it yet.
    #[must_use]
    pub fn new(mut config: SimulationConfig) -> Self {
        config.engine.recovery = None;
        let mut exchange = Exchange::new(&config.engine.instruments, config.fill_model);
        if config.engine.venue.locks_balance {
            exchange.lock_balances();
        }
        for (index, plugin) in (0u16..).zip(&config.engine.plugins) {
            exchange.fund(PluginId(index), plugin.budget);
        }
        Self {
            exchange,
            flights: Flights::default(),
            orders: Line::new(Latency::Fixed(config.order_latency)),
            answers: Line::new(Latency::Fixed(config.report_latency)),
            now: UnixNanos(0),
            work: VecDeque::new(),
            effects: Vec::new(),
            reports: Vec::new(),
            intents: Vec::new(),
            calls: alloc::vec![Calls::default(); config.engine.plugins.len()],
            engine: Engine::new(config.engine),
        }
    }

    /// With other models of latency than fixed ones: of orders, changes and cancels on their way to
    /// the venue, and of its reports on their way back.
    #[must_use]
    pub fn with_latency(mut self, orders: Latency, reports: Latency) -> Self {
        (self.orders, self.answers) = (Line::new(orders), Line::new(reports));
        self
    }

    /// The venue, to look at.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The engine, to look at.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The time of the run.
    #[must_use]
    pub const fn now(&self) -> UnixNanos {
        self.now
    }

    /// Shows plugins an event from before the session. What they ask for is ignored.
    ///
    /// # Errors
    /// The event is none of this run.
    pub fn history<P: PluginPort, O: Observer>(
        &mut self,
        event: MarketEvent,
        port: &mut P,
        observer: &mut O,
    ) -> Result<(), SimulationError> {
        self.check(&event)?;
        self.now = event.time;
        self.exchange.market(&event, &mut self.reports);
        self.step_engine(Event::History(event));
        self.do_work(port, observer);
        Ok(())
    }

    /// Carries out what a plugin asked for outside an event: when it was started, or told of new
    /// parameters.
    pub fn intents<P: PluginPort, O: Observer>(
        &mut self,
        plugin: PluginId,
        intents: Vec<Intent>,
        port: &mut P,
        observer: &mut O,
    ) {
        self.step_engine(Event::Intents { plugin, intents });
        self.do_work(port, observer);
        self.run_until(self.now, port, observer);
    }

    /// Carries out a decision of the operator.
    pub fn command<P: PluginPort, O: Observer>(
        &mut self,
        command: Command,
        port: &mut P,
        observer: &mut O,
    ) {
        self.step_engine(Event::Command(command));
        self.do_work(port, observer);
        self.run_until(self.now, port, observer);
    }

    /// Moves the run by one market event and everything that comes before it and of it.
    ///
    /// # Errors
    /// The event is none of this run.
    pub fn step<P: PluginPort, O: Observer>(
        &mut self,
        event: MarketEvent,
        port: &mut P,
        observer: &mut O,
    ) -> Result<(), SimulationError> {
        self.check(&event)?;
        self.run_until(event.time, port, observer);
        self.now = event.time;
        self.orders.see(&event);
        self.answers.see(&event);
        self.exchange.market(&event, &mut self.reports);
        self.take_reports();
        let shown = event.clone();
        self.step_engine(Event::Market(event));
        self.do_work(port, observer);
        self.run_until(self.now, port, observer);
        observer.market(&shown, self.engine.account());
        Ok(())
    }

    /// Lets time go on to `time` without a market event.
    pub fn advance<P: PluginPort, O: Observer>(
        &mut self,
        time: UnixNanos,
        port: &mut P,
        observer: &mut O,
    ) {
        self.run_until(time, port, observer);
        self.now = self.now.max(time);
    }

    fn check(&self, event: &MarketEvent) -> Result<(), SimulationError> {
        if usize::from(event.instrument.0) >= self.engine.config().instruments.len() {
            return Err(SimulationError::UnknownInstrument(event.instrument.0));
        }
        if event.time < self.now {
            return Err(SimulationError::TimeWentBack { before: self.now, found: event.time });
        }
        Ok(())
    }

    /// Does everything that is due by `until`, in the order of its time.
    fn run_until<P: PluginPort, O: Observer>(
        &mut self,
        until: UnixNanos,
        port: &mut P,
        observer: &mut O,
    ) {
        loop {
            let wake = self.engine.next_wake().filter(|at| *at <= until);
            let flight = self.flights.next_time().filter(|at| *at <= until);
            let expiry = self.exchange.next_expiry().filter(|at| *at <= until);
            let Some(next) = [flight, expiry, wake].into_iter().flatten().min() else {
                return;
            };
            self.now = self.now.max(next);
            if expiry == Some(next) {
                self.exchange.expire(self.now, &mut self.reports);
                self.take_reports();
            } else if flight == Some(next) {
                self.land();
            } else {
                self.step_engine(Event::Clock(self.now));
            }
            self.do_work(port, observer);
        }
    }

    /// One order or report arrives.
    fn land(&mut self) {
        let Some(flight) = self.flights.take() else {
            return;
        };
        let now = self.now;
        match flight {
            Flight::Submit(order) => {
                self.exchange.submit(order.into_inner(), now, &mut self.reports)
            }
            Flight::SubmitPair(stop, profit) => {
                let (stop, profit) = (stop.into_inner(), profit.into_inner());
                self.exchange.submit_pair(stop, profit, now, &mut self.reports);
            }
            Flight::CancelAll(instrument) => {
                self.exchange.cancel_all(instrument, now, &mut self.reports)
            }
            Flight::Cancel(cancel) => {
                self.exchange.cancel(cancel.instrument, cancel.order, now, &mut self.reports)
            }
            Flight::Amend(amend) => {
                let change = amend.into_inner();
                let order = (change.instrument, change.order);
                self.exchange.amend(order, change.quantity, change.price, now, &mut self.reports);
            }
            Flight::Report(mut report) => {
                // The engine's time is when we hear of it.
                report.time = now;
                return self.step_engine(Event::Report(report));
            }
            Flight::Liquidation(told) => {
                let Liquidation { plugin, instrument, side, fill, .. } = told;
                let news = VenueEvent::Liquidated { plugin, instrument, side, fill, time: now };
                return self.step_engine(Event::Venue(news));
            }
        }
        self.take_reports();
    }

    fn take_reports(&mut self) {
        for report in self.reports.drain(..) {
            self.flights.depart(self.answers.arrival(self.now), Flight::Report(report));
        }
        for liquidation in self.exchange.take_liquidations() {
            let arrives = self.answers.arrival(self.now);
            self.flights.depart(arrives, Flight::Liquidation(liquidation));
        }
    }

    fn step_engine(&mut self, event: Event) {
        self.engine.step(event, &mut self.effects);
        self.work.extend(self.effects.drain(..));
    }

    fn do_work<P: PluginPort, O: Observer>(&mut self, port: &mut P, observer: &mut O) {
        while let Some(effect) = self.work.pop_front() {
            match effect {
                Effect::CallPlugin { plugin, event } => self.call(plugin, &event, port, observer),
                Effect::Submit(order) => self.depart(Flight::Submit(order)),
                Effect::SubmitPair { stop, profit } => {
                    self.depart(Flight::SubmitPair(stop, profit))
                }
                Effect::CancelAll(instrument) => self.depart(Flight::CancelAll(instrument)),
                Effect::Cancel(cancel) => self.depart(Flight::Cancel(cancel)),
                Effect::Amend(amend) => self.depart(Flight::Amend(amend)),
                Effect::Record(record) => self.show(&record, observer),
                // Asked only of a venue that can fail, and this one cannot.
                Effect::Query(_) | Effect::Reconcile(_) => {}
            }
        }
    }

    fn depart(&mut self, flight: Flight) {
        self.flights.depart(self.orders.arrival(self.now), flight);
    }

    fn call<P: PluginPort, O: Observer>(
        &mut self,
        plugin: PluginId,
        event: &PluginEvent,
        port: &mut P,
        observer: &mut O,
    ) {
        let calls = &mut self.calls[usize::from(plugin.0)];
        if calls.out {
            return;
        }
        if calls.at != self.now {
            *calls = Calls { at: self.now, count: 0, out: false };
        }
        calls.count += 1;
        let called = if calls.count > CALLS_PER_INSTANT_MAX {
            Err(storm())
        } else {
            port.call(plugin, event, &mut self.intents)
        };
        match called {
            Ok(cost) => {
                observer.called(plugin, cost);
                let history = matches!(event, PluginEvent::Market { history: true, .. });
                if history {
                    self.intents.clear();
                } else if !self.intents.is_empty() {
                    let intents = core::mem::take(&mut self.intents);
                    self.step_engine(Event::Intents { plugin, intents });
                }
            }
            Err(fault) => {
                calls.out = true;
                self.intents.clear();
                self.step_engine(Event::Command(Command::Fault(plugin, fault)));
                // A fault in a simulation is a bug to be seen: nobody starts the plugin again.
                let quarantine = Command::Quarantine { plugin, flatten: false };
                self.step_engine(Event::Command(quarantine));
            }
        }
    }

    fn show<O: Observer>(&self, record: &Record, observer: &mut O) {
        let now = self.now;
        observer.recorded(record, now);
        match record {
            Record::Denied { plugin, instrument, denial, .. } => {
                observer.denied(*plugin, *instrument, denial, now)
            }
            Record::Submitted { order, .. } | Record::Held { order, .. } => {
                observer.submitted(order, now)
            }
            Record::Filled { order, fill, .. } => {
                observer.filled(order, fill, now, self.engine.account())
            }
            Record::Liquidated { plugin, instrument, side, fill, .. } => {
                let order = self.order_of_the_venue(*plugin, *instrument, *side, fill);
                observer.filled(&order, fill, now, self.engine.account());
            }
            Record::Closed { order, state, filled } => observer.closed(order, *state, *filled, now),
            Record::TradingState { plugin: Some(plugin), state } => {
                observer.trading_state(*plugin, *state, now)
            }
            Record::Faulted(plugin, fault) => observer.faulted(*plugin, fault, now),
            Record::Alert(alert) => observer.alert(alert, now),
            _ => {}
        }
    }
}

impl Simulation {
    /// What a liquidation looks like to whoever counts fills: an order that nobody submitted, with
    /// the sequence number 0, which no order of ours has.
    fn order_of_the_venue(
        &self,
        plugin: PluginId,
        instrument: InstrumentId,
        side: Side,
        fill: &Fill,
    ) -> Order {
        Order {
            id: ClientOrderId { sequence: 0, plugin, run: self.engine.config().run },
            tag: OrderTag(0),
            instrument,
            side,
            quantity: fill.quantity,
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Ioc,
            post_only: false,
            reduce_only: true,
        }
    }
}

fn storm() -> Fault {
    Fault {
        code: FaultCode::TooManyIntents,
        detail: String::from("answered its own updates without end: over 10,000 calls at one time"),
    }
}
