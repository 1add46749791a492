//! A session with the honest plugin and, beside it, attackers: two instruments, a short tape, the
//! simulation that backtests and paper trading use, plugins in this process or in their own.
//! Everything that can be seen of it is kept.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use sandpit_core::{
    engine::{Alert, Command, EngineConfig, PluginConfig, VenueCapabilities},
    ids::{InstrumentId, PluginId, RunId},
    intent::Intent,
    market::MarketEvent,
    matching::FillModel,
    num::{Decimal, Money},
    order::Order,
    plugin::{PluginEvent, TradingState},
    risk::{DenialCode, Limits as RiskLimits, OffTick, RiskRules, SelfTrade},
    simulation::{Simulation, SimulationConfig},
    time::{Nanos, UnixNanos},
};
use sandpit_plugin::{
    AnyPlugins, AnyRunner, CallCost, Compiled, ComponentFile, Engine, EngineSettings, Fault,
    Instance, LaunchError, LaunchSettings, Launcher, Limits, Loader, Mode, Policy, Prepared,
    Refusal, Runner as _, SavedState, Session, Stats, StopReason, TrustList,
};

use crate::{
    books::{Books, Lines, Port},
    harness::{RUNNER, Tests, this_program},
    honest,
    market::{BEGIN, STEP, STEPS, instrument, tape},
};

pub(crate) const TESTS: &[Tests] = &[
    Tests::One("stage: the honest plugin trades", the_honest_plugin_trades),
    Tests::One("stage: a session is the same every time and everywhere", sessions_are_the_same),
];

/// Orders that the honest plugin sends at least, or its results would show nothing.
const ORDERS_MIN: usize = 100;
/// What every plugin is given.
const BUDGET: i64 = 1_000_000;
/// The instrument that attackers trade; the honest plugin's is the first.
pub(crate) const OTHER: u32 = 1;

/// The honest plugin.
pub(crate) const HONEST: PluginId = PluginId(0);

/// One engine for all plugins, as a host has it.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineSettings::default()).unwrap())
}

/// A loader that lets everybody in.
pub(crate) fn open_loader() -> Loader {
    Loader::new(engine().clone(), Mode::Paper, Policy::Any, TrustList::default()).unwrap()
}

/// Loads bytes as such a loader does.
pub(crate) fn load(bytes: Vec<u8>) -> Result<Prepared, Refusal> {
    open_loader().prepare(&ComponentFile::unsigned(bytes))
}

/// How a session is set up for everybody in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// To the venue, and back from it.
    pub(crate) latency: Nanos,
    pub(crate) self_trade: SelfTrade,
    /// Open orders of the whole account; by default as many as its plugins may have.
    pub(crate) open_orders_max: u32,
}

impl Rules {
    pub(crate) const USUAL: Self = Self {
        latency: Nanos::from_millis(1),
        self_trade: SelfTrade::Allow,
        open_orders_max: u32::MAX,
    };
}

/// Brings an attacker as far as machine code, or not.
pub(crate) type Load = Box<dyn Fn() -> Result<Prepared, Refusal>>;

/// How an attack is run.
pub(crate) struct Plan {
    pub(crate) attackers: Vec<Load>,
    pub(crate) sandbox: Limits,
    pub(crate) risk: RiskLimits,
    pub(crate) rules: Rules,
    /// Whether every plugin, the honest one too, has a process of its own.
    pub(crate) processes: bool,
    /// Whether the attackers' session has the honest plugin's instrument, too.
    pub(crate) shares_instrument: bool,
    /// What the attackers are handed back.
    pub(crate) restored: Option<SavedState>,
}

impl Plan {
    /// One attacker, let in by an open loader.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self::loaded(Box::new(move || load(bytes.clone())))
    }

    /// One attacker, let in in another way.
    pub(crate) fn loaded(load: Load) -> Self {
        Self {
            attackers: vec![load],
            sandbox: attackers_limits(),
            risk: RiskLimits { gross_notional_max: Some(money(BUDGET)), ..RiskLimits::default() },
            rules: Rules::USUAL,
            processes: false,
            shares_instrument: true,
            restored: None,
        }
    }

    /// With another one beside the first.
    pub(crate) fn and(mut self, bytes: Vec<u8>) -> Self {
        self.attackers.push(Box::new(move || load(bytes.clone())));
        self
    }

    /// In processes.
    pub(crate) const fn in_processes(mut self) -> Self {
        self.processes = true;
        self
    }

    /// With other limits of the sandbox.
    pub(crate) fn limited(mut self, change: fn(&mut Limits)) -> Self {
        change(&mut self.sandbox);
        self
    }

    /// With other limits of risk.
    pub(crate) fn risking(mut self, change: fn(&mut RiskLimits)) -> Self {
        change(&mut self.risk);
        self
    }

    /// Under other rules for everybody.
    pub(crate) fn under(mut self, change: fn(&mut Rules)) -> Self {
        change(&mut self.rules);
        self
    }
}

/// The usual ones, with deadlines that no busy machine meets. A start that runs away has less fuel
/// than usual, since so many of them are tried.
fn attackers_limits() -> Limits {
    Limits { fuel_start_max: 100_000_000, ..Limits::default().reproducible() }
}

/// What was seen of a session.
#[derive(Default)]
pub(crate) struct Seen {
    /// Attackers that were not let in.
    pub(crate) refused: Vec<Refusal>,
    /// Attackers' faults, in their order.
    pub(crate) faults: Vec<Fault>,
    /// Attackers that are at fault and could be entered again.
    pub(crate) entered_again: Vec<String>,
    /// Attackers' wishes that were denied.
    pub(crate) denials: BTreeMap<DenialCode, u32>,
    /// Attackers' orders on their way to the venue.
    pub(crate) submitted: Vec<Order>,
    /// Fills of attackers' orders.
    pub(crate) fills: u32,
    /// Attackers' wishes that reached the engine.
    pub(crate) asked: u32,
    /// Attackers' orders that ended canceled.
    pub(crate) canceled: u32,
    /// What attackers were told of, as far as it is kept.
    pub(crate) told: Vec<PluginEvent>,
    /// Calls of attackers.
    pub(crate) calls: u64,
    /// Attackers' log lines.
    pub(crate) lines: Vec<String>,
    /// What attackers saved.
    pub(crate) saved: Vec<Vec<u8>>,
    pub(crate) stats: Vec<Stats>,
    pub(crate) alerts: Vec<Alert>,
    /// Everything that there is to see of the honest plugin.
    pub(crate) honest: Vec<u8>,
    pub(crate) honest_orders: usize,
    pub(crate) took: Duration,
}

fn money(units: i64) -> Money {
    Money::from_decimal(Decimal::new(units, 0)).unwrap()
}

/// What starts runners; one for all sessions.
fn launcher() -> &'static Arc<Launcher> {
    static LAUNCHER: OnceLock<Arc<Launcher>> = OnceLock::new();
    LAUNCHER.get_or_init(|| {
        Launcher::new(LaunchSettings::new(this_program(), vec![RUNNER.into()])).unwrap()
    })
}

/// Why a plugin does not run.
enum Stopped {
    Refused(Refusal),
    Fault(Fault),
}

fn run(
    compiled: &Compiled,
    name: &str,
    limits: &Limits,
    processes: bool,
    lines: &Lines,
) -> Result<AnyRunner, Stopped> {
    if processes {
        let launched =
            launcher().launch(name, compiled, EngineSettings::default(), limits, lines.sink());
        return match launched {
            Ok(runner) => Ok(AnyRunner::Process(runner)),
            Err(LaunchError::Fault(fault)) => Err(Stopped::Fault(fault)),
            Err(error) => panic!("{error}"),
        };
    }
    let artifact =
        engine().link(compiled).map_err(|error| Stopped::Refused(Refusal::Link(error)))?;
    Instance::load(&artifact, name, limits, lines.sink())
        .map(AnyRunner::Inline)
        .map_err(Stopped::Fault)
}

/// The honest plugin alone.
pub(crate) fn alone(rules: Rules, processes: bool) -> Seen {
    play(&Plan { attackers: Vec::new(), rules, processes, ..Plan::of(Vec::new()) })
}

/// Plays a session.
pub(crate) fn play(plan: &Plan) -> Seen {
    let begun = Instant::now();
    let (honest_lines, lines) = (Lines::default(), Lines::default());
    let limits = Limits::default().reproducible();
    let honest = run(honest::compiled(), honest::NAME, &limits, plan.processes, &honest_lines);
    let mut runners = vec![honest.unwrap_or_else(|_| panic!("the honest plugin does not run"))];
    let mut books = Books::default();
    for load in &plan.attackers {
        let ran = load().map_err(Stopped::Refused).and_then(|prepared| {
            run(&prepared.compiled, "attacker", &plan.sandbox, plan.processes, &lines)
        });
        match ran {
            Ok(runner) => runners.push(runner),
            Err(Stopped::Refused(refusal)) => books.seen.refused.push(refusal),
            Err(Stopped::Fault(fault)) => books.seen.faults.push(fault),
        }
    }
    let mut session = Playing::new(plan, runners);
    session.begin(plan, &mut books);
    session.go_on(&mut books);
    session.end(&mut books);
    let Playing { port, .. } = session;
    let mut seen = books.seen;
    seen.lines = lines.take();
    seen.calls = port.calls;
    seen.told = port.told;
    seen.honest_orders = books.honest_orders;
    seen.honest = [port.honest, books.honest, honest_lines.take().join("\n")].concat().into_bytes();
    seen.took = begun.elapsed();
    seen
}

/// A session that is being played.
struct Playing {
    simulation: Simulation,
    port: Port,
    count: u16,
}

impl Playing {
    fn new(plan: &Plan, runners: Vec<AnyRunner>) -> Self {
        let mut plugins = Vec::new();
        for (index, runner) in runners.iter().enumerate() {
            let instruments = match (index, plan.shares_instrument) {
                (0, _) => vec![InstrumentId(0)],
                (_, true) => vec![InstrumentId(0), InstrumentId(1)],
                (_, false) => vec![InstrumentId(1)],
            };
            let honest =
                RiskLimits { gross_notional_max: Some(money(BUDGET)), ..RiskLimits::default() };
            plugins.push(PluginConfig {
                budget: money(BUDGET),
                instruments,
                subscriptions: runner.description().subscriptions(),
                limits: if index == 0 { honest } else { plan.risk.clone() },
            });
        }
        let engine = EngineConfig {
            run: RunId(0x5a),
            instruments: vec![instrument("XBTUSD"), instrument("ETHUSD")],
            plugins,
            account_limits: RiskLimits {
                open_orders_max: plan.rules.open_orders_max,
                ..RiskLimits::default()
            },
            risk: RiskRules { self_trade: plan.rules.self_trade, ..RiskRules::default() },
            off_tick: OffTick::Deny,
            venue: VenueCapabilities::ALL,
            recovery: None,
        };
        let count = u16::try_from(runners.len()).unwrap();
        Self {
            simulation: Simulation::new(SimulationConfig {
                engine,
                fill_model: FillModel::default(),
                order_latency: plan.rules.latency,
                report_latency: plan.rules.latency,
            }),
            port: Port {
                plugins: AnyPlugins::new(runners),
                honest: String::new(),
                told: Vec::new(),
                calls: 0,
            },
            count,
        }
    }

    fn ids(&self) -> impl Iterator<Item = PluginId> + use<> {
        (0..self.count).map(PluginId)
    }

    /// Starts everybody and tells them of what came before.
    fn begin(&mut self, plan: &Plan, books: &mut Books) {
        let mut wishes = Vec::new();
        for id in self.ids() {
            let mut intents = Vec::new();
            let restored = plan.restored.clone().filter(|_| id != HONEST);
            match self.start(id, restored, &mut intents) {
                Ok(cost) if id == HONEST => drop(writeln!(self.port.honest, "{cost:?}")),
                Ok(_) => {}
                Err(fault) => self.fault(id, fault, books),
            }
            wishes.push((id, intents));
        }
        let begin = UnixNanos(BEGIN);
        for event in tape().into_iter().filter(|event| event.time < begin) {
            self.simulation.history(event, &mut self.port, books).unwrap();
        }
        self.simulation.advance(begin, &mut self.port, books);
        for (id, intents) in wishes.into_iter().filter(|(_, intents)| !intents.is_empty()) {
            self.simulation.intents(id, intents, &mut self.port, books);
        }
    }

    fn start(
        &mut self,
        id: PluginId,
        restored: Option<SavedState>,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        let engine = self.simulation.engine();
        let own = &engine.config().plugins[usize::from(id.0)].instruments;
        let rules = &engine.config().instruments;
        let session = Session {
            mode: Mode::Paper,
            time: UnixNanos(BEGIN),
            seed: 7,
            instruments: own.iter().map(|id| (*id, &rules[usize::from(id.0)])).collect(),
            arguments: Vec::new(),
            positions: engine.positions_of(id),
            orders: engine.open_orders_of(id),
            currency: "USD".to_owned(),
            budget: engine.budget_of(id),
            trading_state: engine.trading_state(id),
            restored,
        };
        self.port.plugins.runner_mut(id).unwrap().start(&session, intents)
    }

    /// What a host does about a fault outside an event.
    fn fault(&mut self, id: PluginId, fault: Fault, books: &mut Books) {
        self.simulation.command(Command::Fault(id, fault), &mut self.port, books);
    }

    /// The tape, with new parameters for everybody in the middle of it.
    fn go_on(&mut self, books: &mut Books) {
        let half = BEGIN + STEPS / 2 * STEP.0;
        let mut told = false;
        for event in tape().into_iter().filter(|event| event.time.0 >= BEGIN) {
            if event.time.0 >= half && !told {
                told = true;
                self.parameters(event.time, books);
            }
            self.simulation.step(event, &mut self.port, books).unwrap();
        }
        // The engine's clock stands at its last event, which must not depend on others' timers.
        let end = UnixNanos(BEGIN + (STEPS + 10) * STEP.0);
        let last = tape().pop().map(|event| MarketEvent { time: end, venue_time: end, ..event });
        self.simulation.step(last.unwrap(), &mut self.port, books).unwrap();
    }

    fn parameters(&mut self, time: UnixNanos, books: &mut Books) {
        for id in self.ids() {
            let mut intents = Vec::new();
            let runner = self.port.plugins.runner_mut(id).unwrap();
            if runner.fault().is_some() {
                continue;
            }
            match runner.parameters(&[], time, &mut intents) {
                Ok(taken) if id == HONEST => drop(writeln!(self.port.honest, "{taken:?}")),
                Ok(_) => {}
                Err(fault) => self.fault(id, fault, books),
            }
            if !intents.is_empty() {
                self.simulation.intents(id, intents, &mut self.port, books);
            }
        }
    }

    /// Has everybody save and stop, and tries to enter those again who are at fault.
    fn end(&mut self, books: &mut Books) {
        for id in self.ids() {
            let engine = self.simulation.engine();
            let books_of = format!(
                "{:?}\n{:?}\n{:?}\n{:?}\n",
                engine.positions_of(id),
                engine.open_orders_of(id),
                engine.budget_of(id),
                engine.trading_state(id)
            );
            let runner = self.port.plugins.runner_mut(id).unwrap();
            let ended = if runner.fault().is_some() {
                Err(None)
            } else {
                runner
                    .save()
                    .and_then(|saved| runner.stop(StopReason::Finished).map(|()| saved))
                    .map_err(Some)
            };
            let Stats { latency: _, calls, fuel_total, fuel_per_call_peak, .. } = runner.stats();
            let Stats { memory_bytes_peak, intents, log_lines, log_lines_dropped, .. } =
                runner.stats();
            if id == HONEST {
                let numbers = [calls, fuel_total, fuel_per_call_peak, intents, log_lines];
                let more = (memory_bytes_peak, log_lines_dropped);
                let _ = writeln!(self.port.honest, "{ended:?} {numbers:?} {more:?}\n{books_of}");
                continue;
            }
            books.seen.stats.push(runner.stats());
            match ended {
                Ok(saved) => books.seen.saved.push(saved),
                Err(Some(fault)) => books.seen.faults.push(fault),
                Err(None) => {}
            }
            books.seen.entered_again.extend(again(runner));
        }
    }
}

/// What is wrong where a plugin that is at fault can be entered again.
fn again(runner: &mut AnyRunner) -> Option<String> {
    let fault = runner.fault()?.clone();
    let fuel = runner.stats().fuel_total;
    let event = PluginEvent::TradingState { state: TradingState::Active, time: UnixNanos(BEGIN) };
    let answers = [
        runner.call(&event, &mut Vec::new()).err(),
        runner.save().err(),
        runner.stop(StopReason::Finished).err(),
    ];
    let is_same = answers.iter().all(|answer| answer.as_ref() == Some(&fault));
    (!is_same || runner.stats().fuel_total != fuel).then(|| format!("{answers:?} after {fault:?}"))
}

fn the_honest_plugin_trades() {
    let seen = alone(Rules::USUAL, false);
    let text = String::from_utf8(seen.honest.clone()).unwrap();
    assert!(seen.honest_orders >= ORDERS_MIN, "{} orders", seen.honest_orders);
    for word in ["filled", "closed", "Canceled", "Amended", "Timer", "Info", "Budget", "Position"] {
        assert!(text.contains(word), "there is no {word} in its results");
    }
    assert!(!text.contains("denied") && !text.contains("fault"), "{text}");
}

fn sessions_are_the_same() {
    let inline = alone(Rules::USUAL, false);
    assert!(inline.honest == alone(Rules::USUAL, false).honest, "a second time");
    if cfg!(target_os = "linux") {
        assert!(inline.honest == alone(Rules::USUAL, true).honest, "in a process");
    }
    let faster = Rules { latency: Nanos(0), ..Rules::USUAL };
    assert!(inline.honest != alone(faster, false).honest, "other rules show");
}
