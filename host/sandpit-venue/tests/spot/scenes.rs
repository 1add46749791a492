//! Single faults, each by itself.

use sandpit_core::{
    engine::Event,
    ids::{OrderTag, PluginId},
    intent::{Intent, Place, PlaceKind, TimeInForce},
    market::Side,
    num::Decimal,
    time::Nanos,
};

use crate::{
    simulation::check,
    world::{Act, SECOND, START, World},
};

/// A seed without the kill switch in the check.
const SEED: u64 = 1;

fn place(world: &mut World, tag: u64, cents: i64) {
    let intent = Intent::Place(Place {
        tag: OrderTag(tag),
        instrument: 0,
        side: Side::Buy,
        quantity: Decimal::new(2_000, 5),
        kind: PlaceKind::Limit(Decimal::new(cents, 2)),
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    });
    world.tell_engine(Event::Intents { plugin: PluginId(0), intents: vec![intent] });
}

fn cancel(world: &mut World, tag: u64) {
    let intent = Intent::Cancel(OrderTag(tag));
    world.tell_engine(Event::Intents { plugin: PluginId(0), intents: vec![intent] });
}

#[test]
fn lost_events_on_a_connection_that_lives_are_found() {
    let mut world = World::new(SEED);
    world.run_until(START + 5 * SECOND);
    place(&mut world, 1, 5_990_000);
    world.run_until(START + 6 * SECOND);
    assert_eq!(world.fake.orders.len(), 1);
    world.deaf = true;
    world.trading = true;
    world.at(0, Act::Trades);
    world.run_until(START + 9 * SECOND);
    world.trading = false;
    assert!(world.fake.net() > 0);
    world.run_until(START + 22 * SECOND);
    assert!(world.count("watch_found_total") >= 1, "{:?}", world.notices);
    world.deaf = false;
    world.run_until(START + 60 * SECOND);
    check(&world, SEED);
}

#[test]
fn a_connection_is_replaced_before_it_is_cut() {
    let mut world = World::with(SEED, |settings| {
        let socket = settings.gate.socket.as_mut().unwrap();
        socket.renew_after = Nanos(20 * SECOND);
        socket.renew_jitter = Nanos(5 * SECOND);
    });
    world.run_until(START + 5 * SECOND);
    world.trading = true;
    world.at(0, Act::Strategy);
    world.at(0, Act::Trades);
    world.run_until(START + 120 * SECOND);
    world.trading = false;
    world.run_until(START + 180 * SECOND);
    assert_eq!(world.count("gaps_total"), 1, "only the first connection");
    assert_eq!(world.count("orders_unknown_total"), 0);
    assert!(world.count("own_events_total") > 100);
    check(&world, SEED);
}

#[test]
fn without_own_events_orders_come_back_and_cancels_go_by_rest() {
    let mut world = World::new(SEED);
    world.run_until(START + 5 * SECOND);
    place(&mut world, 1, 5_990_000);
    world.run_until(START + 6 * SECOND);
    world.no_socket = true;
    world.cut();
    world.run_until(START + 7 * SECOND);
    place(&mut world, 2, 5_980_000);
    cancel(&mut world, 1);
    world.run_until(START + 8 * SECOND);
    assert!(!world.fake.orders[0].is_open(), "the cancel went by REST");
    world.run_until(START + 20 * SECOND);
    assert_eq!(world.fake.orders.len(), 1, "no order without own events");
    assert_eq!(world.count("orders_refused_total"), 1);
    // One that waits is taken back by its cancel.
    place(&mut world, 3, 5_980_000);
    cancel(&mut world, 3);
    world.no_socket = false;
    world.run_until(START + 80 * SECOND);
    assert_eq!(world.fake.orders.len(), 1);
    check(&world, SEED);
}
