//! The crossing over a million recorded trades, as native code on the core: the same orders, fees
//! and equity that other engines agree on. Needs the shared data; says so where it is missing.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use ema_cross::EmaCross;
use flate2::read::GzDecoder;
use sandpit_sdk::{Mode, Timestamp, runtime::Instance};
use sandpit_testing::{
    NativePlugin, SessionStart, arguments,
    core::{
        engine::{EngineConfig, PluginConfig, VenueCapabilities},
        ids::{InstrumentId, PluginId, RunId},
        instrument::{Instrument, InstrumentSpec},
        market::{DataKind, MarketData, MarketEvent, Side, Trade},
        matching::FillModel,
        num::{Decimal, Money, Quantity, Rate},
        order::Order,
        plugin::Subscriptions,
        risk::{Limits, OffTick, RiskRules},
        simulation::{Observer, Simulation, SimulationConfig},
        time::{Nanos, UnixNanos},
    },
    instruments,
};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/data/trades/bitmex-xbtusd-1m-trades-2018-01.csv.gz"
);

#[derive(Default)]
struct Count {
    orders: u64,
}

impl Observer for Count {
    fn submitted(&mut self, _: &Order, _: UnixNanos) {
        self.orders += 1;
    }
}

/// One line: milliseconds, price, contracts (negative for a sell).
fn event(line: &str, rules: &Instrument) -> MarketEvent {
    let mut columns = line.split(',');
    let mut column = || columns.next().unwrap();
    let milliseconds: u64 = column().parse().unwrap();
    let decimal = |text: &str| text.parse::<Decimal>().unwrap().normalized();
    let price = rules.price(decimal(column())).unwrap();
    let size = rules.quantity(decimal(column())).unwrap();
    let time = UnixNanos(milliseconds * 1_000_000);
    MarketEvent {
        instrument: InstrumentId(0),
        time,
        venue_time: time,
        data: MarketData::Trade(Trade {
            price,
            quantity: size.abs(),
            aggressor: Some(if size < Quantity::ZERO { Side::Sell } else { Side::Buy }),
            id: 0,
        }),
    }
}

#[test]
fn trades_like_other_engines_do() {
    let Ok(file) = File::open(Path::new(FILE)) else {
        eprintln!("skipped: {FILE} is missing");
        return;
    };
    let rules = Instrument::new(InstrumentSpec {
        price_tick: Decimal::new(5, 1),
        quantity_step: Decimal::new(1, 0),
        min_quantity: Decimal::new(1, 0),
        taker_fee: Rate::from_decimal("0.0005".parse().unwrap()).unwrap(),
        ..instruments::plain("XBTUSD")
    })
    .unwrap();
    let mut sim = Simulation::new(SimulationConfig {
        engine: EngineConfig {
            run: RunId(1),
            instruments: vec![rules.clone()],
            plugins: vec![PluginConfig {
                budget: Money::from_scaled(1_000_000, 0).unwrap(),
                instruments: vec![InstrumentId(0)],
                subscriptions: Subscriptions { kinds: vec![DataKind::Trades] },
                limits: Limits::unlimited(),
            }],
            account_limits: Limits::unlimited(),
            risk: RiskRules::default(),
            off_tick: OffTick::Deny,
            venue: VenueCapabilities::ALL,
            recovery: None,
        },
        fill_model: FillModel::default(),
        order_latency: Nanos(0),
        report_latency: Nanos(0),
    });
    let start = SessionStart {
        mode: Mode::Backtest,
        seed: 0,
        time: Timestamp(0),
        arguments: arguments(&Instance::<EmaCross>::describe(), &[]).unwrap(),
        restored: None,
    };
    let mut plugin = NativePlugin::<EmaCross>::start(sim.engine(), PluginId(0), start).unwrap();
    let mut count = Count::default();
    for line in BufReader::new(GzDecoder::new(file)).lines().skip(1) {
        sim.step(event(&line.unwrap(), &rules), &mut plugin, &mut count).unwrap();
    }
    let share = sim.engine().account().sub_account(PluginId(0));
    assert_eq!(count.orders, 27_610);
    assert_eq!(share.fees().to_string(), "198233.2185");
    assert_eq!(share.equity().to_string(), "822343.7815");
}
