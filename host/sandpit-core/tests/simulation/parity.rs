//! Rules of a run in small: what is seen when, and at which price what is done.

use sandpit_core::{
    account::Account,
    engine::VenueCapabilities,
    ids::{InstrumentId, OrderTag, PluginId},
    intent::{Intent, Place, PlaceKind, TimeInForce},
    market::{MarketData, MarketEvent, Side, Trade},
    num::{Decimal, Price, Quantity},
    order::{Fill, Order},
    plugin::{CallCost, Fault, FaultCode, OrderUpdateKind, PluginEvent, PluginPort},
    simulation::{CALLS_PER_INSTANT_MAX, Observer, Simulation, SimulationError},
    time::{Nanos, UnixNanos},
};

use crate::random::config;

fn trade(time: u64, price: i64) -> MarketEvent {
    let (price, quantity) = (Price(price), Quantity(100));
    let data = MarketData::Trade(Trade { price, quantity, aggressor: None, id: 0 });
    let time = UnixNanos(time);
    MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data }
}

fn buy(tag: u64) -> Intent {
    Intent::Place(Place {
        tag: OrderTag(tag),
        instrument: 0,
        side: Side::Buy,
        quantity: Decimal::new(1, 0),
        kind: PlaceKind::Market,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    })
}

/// Buys once, at the first trade.
#[derive(Default)]
struct BuysOnce {
    done: bool,
}

impl PluginPort for BuysOnce {
    fn call(
        &mut self,
        plugin: PluginId,
        event: &PluginEvent,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        if plugin.0 == 0 && !self.done && matches!(event, PluginEvent::Market { .. }) {
            self.done = true;
            intents.push(buy(1));
        }
        Ok(CallCost::default())
    }
}

#[derive(Default)]
struct Fills(Vec<(u64, i64)>);

impl Observer for Fills {
    fn filled(&mut self, _: &Order, fill: &Fill, time: UnixNanos, _: &Account) {
        self.0.push((time.0, fill.price.0));
    }
}

fn fills_at_latency(latency: u64) -> Vec<(u64, i64)> {
    let mut simulation = Simulation::new(config(Nanos(latency), VenueCapabilities::ALL));
    let (mut plugin, mut fills) = (BuysOnce::default(), Fills::default());
    for event in [trade(10, 1_000), trade(20, 1_005), trade(30, 1_010), trade(40, 1_015)] {
        simulation.step(event, &mut plugin, &mut fills).unwrap();
    }
    fills.0
}

#[test]
fn without_latency_a_market_order_fills_at_the_trade_that_called_it_forth() {
    assert_eq!(fills_at_latency(0), [(10, 1_000)]);
}

#[test]
fn with_latency_it_fills_at_what_is_there_when_it_arrives_and_is_told_later() {
    // Sent at 10, at the venue at 22, where the last trade was that of 20; told at 34.
    assert_eq!(fills_at_latency(12), [(34, 1_005)]);
}

#[test]
fn time_does_not_go_back_and_instruments_are_known() {
    let mut simulation = Simulation::new(config(Nanos(0), VenueCapabilities::ALL));
    simulation.step(trade(10, 1_000), &mut BuysOnce::default(), &mut ()).unwrap();
    let back = simulation.step(trade(9, 1_000), &mut BuysOnce::default(), &mut ());
    assert_eq!(
        back,
        Err(SimulationError::TimeWentBack { before: UnixNanos(10), found: UnixNanos(9) })
    );
    let mut elsewhere = trade(11, 1_000);
    elsewhere.instrument = InstrumentId(9);
    let unknown = simulation.step(elsewhere, &mut BuysOnce::default(), &mut ());
    assert_eq!(unknown, Err(SimulationError::UnknownInstrument(9)));
}

/// Answers each denial with the same nonsense.
struct Insists;

impl PluginPort for Insists {
    fn call(
        &mut self,
        plugin: PluginId,
        event: &PluginEvent,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        let denied = matches!(event, PluginEvent::Order(update) if matches!(update.kind, OrderUpdateKind::Denied(_)));
        if plugin.0 == 0 && (denied || matches!(event, PluginEvent::Market { .. })) {
            let Intent::Place(mut place) = buy(1) else { unreachable!("buy places") };
            place.quantity = Decimal::ZERO;
            intents.push(Intent::Place(place));
        }
        Ok(CallCost::default())
    }
}

#[derive(Default)]
struct Faults(Vec<(PluginId, FaultCode)>, u64);

impl Observer for Faults {
    fn faulted(&mut self, plugin: PluginId, fault: &Fault, _: UnixNanos) {
        self.0.push((plugin, fault.code));
    }
    fn called(&mut self, plugin: PluginId, _: CallCost) {
        self.1 += u64::from(plugin.0 == 0);
    }
}

#[test]
fn a_plugin_that_answers_itself_without_end_is_at_fault() {
    let mut simulation = Simulation::new(config(Nanos(0), VenueCapabilities::ALL));
    let mut faults = Faults::default();
    for time in [10, 20, 30] {
        simulation.step(trade(time, 1_000), &mut Insists, &mut faults).unwrap();
    }
    assert_eq!(faults.0, [(PluginId(0), FaultCode::TooManyIntents)]);
    assert_eq!(faults.1, u64::from(CALLS_PER_INSTANT_MAX));
}

#[test]
fn history_is_shown_but_not_answered() {
    let mut simulation = Simulation::new(config(Nanos(0), VenueCapabilities::ALL));
    let (mut plugin, mut fills) = (BuysOnce::default(), Fills::default());
    simulation.history(trade(10, 1_000), &mut plugin, &mut fills).unwrap();
    simulation.step(trade(20, 1_005), &mut plugin, &mut fills).unwrap();
    assert!(plugin.done);
    assert!(fills.0.is_empty());
}
