//! What a step of the core costs: `cargo bench -p sandpit-core --bench step`. Figures are
//! nanoseconds on the machine at hand; compare within one run only.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_types, reason = "a bench reads the clock; the core does not")]
#![expect(clippy::unwrap_used, reason = "the bench's own inputs are right")]

use std::{hint::black_box, time::Instant};

use sandpit_core::{
    engine::{EngineConfig, PluginConfig, VenueCapabilities},
    ids::{InstrumentId, OrderTag, PluginId, RunId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::{Intent, Place, PlaceKind, TimeInForce},
    market::{DataKind, MarketData, MarketEvent, Side, Trade},
    matching::FillModel,
    num::{Decimal, Money, Price, Quantity, Rate},
    plugin::{CallCost, Fault, PluginEvent, PluginPort, Subscriptions, TradingState},
    risk::{
        BasisPoints, BreachPolicy, Guards, Limits, LossGuard, LossLimit, OffTick, OrderToFill,
        ProtectiveStop, Rates, RiskRules, SelfTrade, StreakGuard, Unlock, VelocityGuard,
    },
    simulation::{Simulation, SimulationConfig},
    time::{Nanos, UnixNanos},
};

const EVENTS: u64 = 2_000_000;

/// Says nothing.
struct Quiet;

impl PluginPort for Quiet {
    fn call(
        &mut self,
        _: PluginId,
        event: &PluginEvent,
        _: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        black_box(event);
        Ok(CallCost::default())
    }
}

fn instrument() -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: "TEST".into(),
        venue: "nowhere".into(),
        kind: InstrumentKind::Perpetual,
        base: "TST".into(),
        quote: "USD".into(),
        price_tick: Decimal::new(1, 2),
        quantity_step: Decimal::new(1, 3),
        min_quantity: Decimal::new(1, 3),
        max_quantity: Decimal::new(1_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(500_000_000),
    })
    .unwrap()
}

/// Every limit and guard on, each too wide to be reached.
fn all_on() -> Limits {
    let money = |amount| Money::from_decimal(Decimal::new(amount, 0));
    let wide = Some(BasisPoints(9_999));
    let policy =
        BreachPolicy { state: TradingState::Halted, flatten: false, unlock: Unlock::Person };
    let limit = LossLimit::Share(BasisPoints(9_999));
    let loss = Some(LossGuard { limit, policy });
    let rate = Some(Rates::MAX);
    Limits {
        price_collar_max: wide,
        market_age_max: Some(Nanos(60 * Nanos::SECOND.0)),
        order_notional_max: money(1_000_000_000),
        open_orders_max: 100_000,
        rates: Rates {
            orders_per_second_max: rate,
            orders_per_minute_max: rate,
            amends_per_second_max: rate,
            amends_per_minute_max: rate,
            cancels_per_second_max: rate,
            cancels_per_minute_max: rate,
            order_to_fill_max: Some(OrderToFill {
                ratio_max: u32::MAX,
                orders_min: 1,
                window: Nanos(60 * Nanos::SECOND.0),
            }),
        },
        position_notional_max: money(1_000_000_000),
        gross_notional_max: money(1_000_000_000),
        net_notional_max: money(1_000_000_000),
        leverage_max: Some(BasisPoints::MAX),
        concentration_max: Some(BasisPoints::MAX),
        guards: Guards {
            daily_loss: loss,
            drawdown: loss,
            losing_streak: Some(StreakGuard { losses_max: u32::MAX, policy }),
            pnl_velocity: Some(VelocityGuard { limit, minutes: 240, policy }),
        },
        protective_stop: Some(ProtectiveStop::Share(BasisPoints(9_000))),
        ..Limits::unlimited()
    }
}

fn simulation(plugins: usize, orders: u64) -> Simulation {
    let money = |amount| Money::from_decimal(Decimal::new(amount, 0));
    let limits = all_on();
    let plugin = PluginConfig {
        budget: money(1_000_000).unwrap(),
        instruments: vec![InstrumentId(0)],
        subscriptions: Subscriptions { kinds: vec![DataKind::Trades] },
        limits: limits.clone(),
    };
    let mut simulation = Simulation::new(SimulationConfig {
        engine: EngineConfig {
            run: RunId(1),
            instruments: vec![instrument()],
            plugins: vec![plugin; plugins],
            account_limits: limits,
            off_tick: OffTick::Deny,
            risk: RiskRules { self_trade: SelfTrade::Deny, ..RiskRules::default() },
            venue: VenueCapabilities::ALL,
            recovery: None,
        },
        fill_model: FillModel::default(),
        order_latency: Nanos(0),
        report_latency: Nanos(0),
    });
    simulation.step(trade(1, 10_000), &mut Quiet, &mut ()).unwrap();
    for tag in 0..orders {
        let far = i64::try_from(tag).unwrap();
        let place = limit_order(tag, Decimal::new(5_000 - far % 4_000, 2));
        simulation.intents(PluginId(0), vec![Intent::Place(place)], &mut Quiet, &mut ());
    }
    // Everybody holds something, so that everybody is marked and watched.
    for plugin in (0..plugins).filter_map(|id| u16::try_from(id).ok()) {
        simulation.step(trade(2 + u64::from(plugin), 10_000), &mut Quiet, &mut ()).unwrap();
        let place = Place { kind: PlaceKind::Market, ..limit_order(u64::MAX, Decimal::ZERO) };
        simulation.intents(PluginId(plugin), vec![Intent::Place(place)], &mut Quiet, &mut ());
    }
    // Each has a stop of the host's.
    assert_eq!(u64::from(simulation.engine().open_orders()), orders + plugins as u64);
    simulation
}

fn limit_order(tag: u64, price: Decimal) -> Place {
    Place {
        tag: OrderTag(tag),
        instrument: 0,
        side: Side::Buy,
        quantity: Decimal::new(1, 0),
        kind: PlaceKind::Limit(price),
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    }
}

fn trade(time: u64, price: i64) -> MarketEvent {
    let (price, quantity, time) = (Price(price), Quantity(5_000), UnixNanos(time));
    let data = MarketData::Trade(Trade { price, quantity, aggressor: None, id: 0 });
    MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn market_events(plugins: usize, orders: u64) {
    let mut simulation = simulation(plugins, orders);
    let events = EVENTS / plugins as u64;
    let begun = Instant::now();
    for time in 2_000..2_000 + events {
        let wave = i64::try_from(time % 200).unwrap();
        simulation
            .step(trade(10 + time, 10_000 + (100 - wave).abs()), &mut Quiet, &mut ())
            .unwrap();
    }
    let nanos = begun.elapsed().as_nanos() as f64 / events as f64;
    println!("market event, {plugins:>4} plugins, {orders:>5} open orders: {nanos:>9.1} ns");
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn intents(plugins: usize, orders: u64) {
    let mut simulation = simulation(plugins, orders);
    let rounds = 100_000;
    let mut nanos = Vec::new();
    for tag in 0..rounds {
        // Time goes on, so that no rate is reached.
        if tag % 100 == 0 {
            let time = 10_000 + tag / 100 * 1_200_000_000;
            simulation.step(trade(time, 10_000), &mut Quiet, &mut ()).unwrap();
        }
        let place = limit_order(1_000_000 + tag, Decimal::new(5_000, 2));
        for intent in [Intent::Place(place), Intent::Cancel(place.tag)] {
            let intents = vec![intent];
            let begun = Instant::now();
            simulation.intents(PluginId(0), intents, &mut Quiet, &mut ());
            nanos.push(begun.elapsed().as_nanos());
        }
    }
    nanos.sort_unstable();
    let mean = nanos.iter().sum::<u128>() as f64 / nanos.len() as f64;
    let p99 = nanos[nanos.len() / 100 * 99];
    println!(
        "place or cancel, {plugins:>4} plugins, {orders:>5} open orders: {mean:>9.1} ns, p99 {p99:>6} ns"
    );
}

fn main() {
    let cases = [(1, 0), (1, 1), (1, 10), (1, 100), (1, 1_000), (100, 10), (1_000, 10)];
    for (plugins, orders) in cases {
        market_events(plugins, orders);
    }
    for (plugins, orders) in [(1, 1), (1, 100), (1, 1_000), (100, 10), (1_000, 10)] {
        intents(plugins, orders);
    }
}
