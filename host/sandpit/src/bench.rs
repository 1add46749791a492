//! Time per event: the EMA cross in the sandbox, the same strategy natively on the same engine, a
//! bare loop, and a whole backtest from a tape. All in one run over the same events, so that the
//! ratios mean something on any machine.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use ema_cross::EmaCross;
use sandpit_core::{
    engine::{EngineConfig, PluginConfig, VenueCapabilities},
    ids::{InstrumentId, PluginId, RunId},
    instrument::Instrument,
    market::{DataKind, MarketData, MarketEvent},
    matching::FillModel,
    num::Money,
    plugin::{PluginPort, Subscriptions, TradingState},
    risk::{Limits, OffTick, RiskRules},
    simulation::{Simulation, SimulationConfig},
    time::{Nanos, UnixNanos},
};
use sandpit_journal::tape::{TapeClock, TapeHeader, TapeReader, TapeWriter};
use sandpit_plugin::{AnyPlugins, ComponentFile, Mode, Profile, Runner as _, Session};
use sandpit_sdk::runtime;
use sandpit_testing::{NativePlugin, SessionStart};
use serde::Serialize;

use crate::{
    author,
    backtest::{self, BacktestError},
    config::{self, Overrides, PluginOverride, PluginSource, SandboxLimits},
    sandbox::{self, Loading, Sandbox, SandboxError},
    synthetic,
};

/// Events that are held in memory, at about 100 bytes each.
pub const EVENTS_MAX: u64 = 10_000_000;
/// What the strategy is given.
const BUDGET: Money = Money(1_000_000_000 * 1_000_000_000_000_000_000);
const PLUGIN: PluginId = PluginId(0);
const NAME: &str = "ema-cross";

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Recorded trades; the synthetic market where there is none.
    pub tape: Option<PathBuf>,
    /// Events of the first instrument, at most [`EVENTS_MAX`].
    pub events: u64,
    /// How often each is measured; the fastest counts.
    pub repeat: u32,
}

/// One measured way.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Row {
    /// Which.
    pub name: &'static str,
    /// Nanoseconds for each event.
    pub ns_per_event: f64,
    /// Events in a second.
    pub events_per_second: f64,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Bench {
    /// Events of each pass.
    pub events: u64,
    /// Orders of the strategy in one pass, natively and in the sandbox alike.
    pub orders: u64,
    /// Bare loop, native, sandbox, whole backtest, in this order.
    pub rows: Vec<Row>,
    /// Sandbox over native.
    pub sandbox_over_native: f64,
    /// Sandbox over bare loop.
    pub sandbox_over_bare: f64,
}

/// Why there is nothing to measure.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The strategy's crate is not here.
    #[error("the bench builds a strategy of the repository, and there is none here")]
    NoRepository,
    /// There is nothing in the tape.
    #[error("the first instrument of the tape has no events")]
    NoEvents,
    /// Natively and in the sandbox the strategy did not do the same.
    #[error("the strategy sent {native} orders natively and {sandboxed} in the sandbox")]
    NotTheSame {
        /// Natively.
        native: u64,
        /// In the sandbox.
        sandboxed: u64,
    },
    /// The strategy refused to start natively.
    #[error("the strategy refuses the session: {0}")]
    Refused(String),
    /// A backtest.
    #[error(transparent)]
    Backtest(#[from] BacktestError),
}

/// Measures.
///
/// # Errors
/// Something cannot be built or read, or the two ways of running the strategy differ.
pub fn run(options: &Options) -> Result<Bench, BenchError> {
    let repository = author::repository().ok_or(BenchError::NoRepository)?;
    let built = author::build(&repository.join("plugins").join(NAME), None, false)
        .map_err(BacktestError::from)?;
    let (instrument, events) = load(options)?;
    let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
    let mut best = [Duration::MAX; 4];
    let (mut native_orders, mut sandboxed_orders) = (0, 0);
    let tape = Scratch::new(&instrument, &events)?;
    for _ in 0..options.repeat.max(1) {
        let begun = Instant::now();
        black_box(bare(&events));
        best[0] = best[0].min(begun.elapsed());
        let (took, orders) = native(&instrument, &events)?;
        (best[1], native_orders) = (best[1].min(took), orders);
        let (took, orders) = sandboxed(&instrument, &events, &built.bytes)?;
        (best[2], sandboxed_orders) = (best[2].min(took), orders);
        best[3] = best[3].min(whole(&tape.0, &built.path)?);
    }
    if native_orders != sandboxed_orders {
        return Err(BenchError::NotTheSame { native: native_orders, sandboxed: sandboxed_orders });
    }
    let names = ["bare loop", "native strategy", "sandboxed strategy", "whole backtest from tape"];
    let rows: Vec<_> =
        names.into_iter().zip(best).map(|(name, took)| row(name, took, count)).collect();
    let ns = |index: usize| rows[index].ns_per_event;
    Ok(Bench {
        events: count,
        orders: native_orders,
        sandbox_over_native: ns(2) / ns(1),
        sandbox_over_bare: ns(2) / ns(0),
        rows,
    })
}

#[expect(clippy::cast_precision_loss, reason = "rates for people")]
fn row(name: &'static str, took: Duration, events: u64) -> Row {
    let ns_per_event = took.as_nanos() as f64 / events as f64;
    Row { name, ns_per_event, events_per_second: 1e9 / ns_per_event }
}

/// Events of the first instrument, in memory: what is measured is not the reading.
fn load(options: &Options) -> Result<(Instrument, Vec<MarketEvent>), BenchError> {
    let wanted = usize::try_from(options.events.min(EVENTS_MAX)).unwrap_or(usize::MAX);
    let first = |event: &MarketEvent| event.instrument == InstrumentId(0);
    let (instrument, events) = match &options.tape {
        Some(path) => {
            let mut reader = TapeReader::open(path).map_err(BacktestError::from)?;
            let instrument = reader.header().instruments.first().cloned();
            let mut events = Vec::new();
            while let Some(event) = reader.next_event().map_err(BacktestError::from)? {
                if first(&event) {
                    events.push(event);
                }
                if events.len() >= wanted {
                    break;
                }
            }
            (instrument, events)
        }
        None => {
            let market =
                synthetic::Options { length: synthetic::Options::LENGTH_MAX, ..Default::default() };
            let events = synthetic::Market::new(market).filter(first).take(wanted).collect();
            (synthetic::instruments().map_err(BacktestError::from)?.into_iter().next(), events)
        }
    };
    match instrument {
        Some(instrument) if !events.is_empty() => Ok((instrument, events)),
        _ => Err(BenchError::NoEvents),
    }
}

/// The signal alone: two averages and a sign, with nothing around them.
fn bare(events: &[MarketEvent]) -> u64 {
    let (mut fast, mut slow, mut seen, mut above, mut turns) = (0.0f64, 0.0f64, 0u64, false, 0u64);
    for event in events {
        let MarketData::Trade(trade) = event.data else {
            continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "a signal")]
        let price = trade.price.0 as f64;
        if seen == 0 {
            (fast, slow) = (price, price);
        }
        fast += (price - fast) * (2.0 / 11.0);
        slow += (price - slow) * (2.0 / 21.0);
        seen += 1;
        let now = fast > slow;
        turns += u64::from(now != above && seen >= 20);
        above = now;
    }
    turns
}

fn simulation(instrument: &Instrument) -> Simulation {
    Simulation::new(SimulationConfig {
        engine: EngineConfig {
            run: RunId(1),
            instruments: vec![instrument.clone()],
            plugins: vec![PluginConfig {
                budget: BUDGET,
                instruments: vec![InstrumentId(0)],
                subscriptions: Subscriptions { kinds: vec![DataKind::Trades] },
                limits: Limits::unlimited(),
            }],
            account_limits: Limits::unlimited(),
            off_tick: OffTick::Deny,
            risk: RiskRules::default(),
            venue: VenueCapabilities::ALL,
            recovery: None,
        },
        fill_model: FillModel::default(),
        order_latency: Nanos(0),
        report_latency: Nanos(0),
    })
}

/// Counts orders, and nothing else.
#[derive(Default)]
struct Orders(u64);

impl sandpit_core::simulation::Observer for Orders {
    fn submitted(&mut self, _: &sandpit_core::order::Order, _: UnixNanos) {
        self.0 += 1;
    }
}

fn pass<P: PluginPort>(
    mut simulation: Simulation,
    port: &mut P,
    events: &[MarketEvent],
) -> Result<(Duration, u64), BenchError> {
    let mut orders = Orders::default();
    let begun = Instant::now();
    for event in events {
        simulation.step(event.clone(), port, &mut orders).map_err(BacktestError::from)?;
    }
    Ok((begun.elapsed(), orders.0))
}

fn native(instrument: &Instrument, events: &[MarketEvent]) -> Result<(Duration, u64), BenchError> {
    let simulation = simulation(instrument);
    let description = runtime::Instance::<EmaCross>::describe();
    let start = SessionStart {
        mode: sandpit_sdk::Mode::Backtest,
        seed: 0,
        time: sandpit_sdk::Timestamp(0),
        arguments: sandpit_testing::arguments(&description, &[]).map_err(BenchError::Refused)?,
        restored: None,
    };
    let mut plugin = NativePlugin::<EmaCross>::start(simulation.engine(), PLUGIN, start)
        .map_err(BenchError::Refused)?;
    pass(simulation, &mut plugin, events)
}

fn sandboxed(
    instrument: &Instrument,
    events: &[MarketEvent],
    component: &[u8],
) -> Result<(Duration, u64), BenchError> {
    let refused = |source| BacktestError::Plugin { name: NAME.to_owned(), source };
    let simulation = simulation(instrument);
    let limits = sandbox::limits(&SandboxLimits::default(), Mode::Backtest);
    let file = ComponentFile::unsigned(component.to_owned());
    let loaded =
        Sandbox::new(&Loading::default()).and_then(|sandbox| sandbox.load(NAME, &file, &limits));
    let mut instance = loaded.map_err(refused)?.instance;
    let arguments =
        sandbox::arguments(instance.description(), &Default::default()).map_err(refused)?;
    let session = Session {
        mode: Mode::Backtest,
        time: UnixNanos(0),
        seed: 0,
        instruments: vec![(InstrumentId(0), instrument)],
        arguments,
        positions: Vec::new(),
        orders: Vec::new(),
        currency: instrument.spec().quote.clone(),
        budget: simulation.engine().budget_of(PLUGIN),
        trading_state: TradingState::Active,
        restored: None,
    };
    instance
        .start(&session, &mut Vec::new())
        .map_err(|fault| refused(SandboxError::Fault(fault)))?;
    pass(simulation, &mut AnyPlugins::new(vec![instance]), events)
}

/// Everything that `sandpit backtest` does between the first event and the last.
fn whole(tape: &Path, component: &Path) -> Result<Duration, BenchError> {
    let overrides = Overrides {
        tapes: vec![tape.to_owned()],
        plugins: vec![PluginOverride {
            name: NAME.to_owned(),
            source: PluginSource::Component(component.to_owned()),
            profile: Profile::default(),
        }],
        budget: Some("1000000000".to_owned()),
        ..Overrides::default()
    };
    let config = config::from_overrides(&overrides).map_err(BacktestError::from)?;
    let outcome = backtest::run(&config, None, &mut (), &AtomicBool::new(false))?;
    let seconds = outcome.report.machine.and_then(|machine| machine.wall_seconds.get());
    Ok(Duration::from_secs_f64(seconds.unwrap_or_default()))
}

/// A tape of the measured events in the system's folder for such things; gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(instrument: &Instrument, events: &[MarketEvent]) -> Result<Self, BenchError> {
        let name = format!("sandpit-bench-{}.tape", std::process::id());
        let scratch = Self(std::env::temp_dir().join(name));
        let header = TapeHeader {
            instruments: vec![instrument.clone()],
            clock: TapeClock::Host,
            source: "bench".to_owned(),
        };
        let write = || {
            let mut writer = TapeWriter::create(&scratch.0, &header)?;
            events.iter().try_for_each(|event| writer.append(event))?;
            writer.finish()
        };
        write().map_err(BacktestError::from)?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is in a folder that the system clears as well.
        let _ = std::fs::remove_file(&self.0);
    }
}
