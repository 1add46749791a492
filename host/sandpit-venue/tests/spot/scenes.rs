//! Single faults, each by itself.

use sandpit_core::{
    engine::Event,
    ids::{OrderTag, PluginId},
    intent::{Intent, Place, PlaceKind, TimeInForce},
    market::Side,
    num::Decimal,
    time::Nanos,
};

use sandpit_venue::machine::Machine as _;

use crate::{
    simulation::check,
    world::{Act, SECOND, START, World},
};

/// A seed without the kill switch in the check.
pub(crate) const SEED: u64 = 1;

pub(crate) fn place(world: &mut World, tag: u64, cents: i64) {
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

pub(crate) fn cancel(world: &mut World, tag: u64) {
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

/// Names of all fields, those within others among them.
fn names(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                into.push(name.clone());
                names(value, into);
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|one| names(one, into)),
        _ => {}
    }
}

#[test]
fn the_picture_is_what_is_counted_and_is_documented() {
    let mut world = World::new(SEED);
    world.run_until(START + 5 * SECOND);
    world.trading = true;
    world.at(0, Act::Strategy);
    world.at(0, Act::Trades);
    world.run_until(START + 30 * SECOND);
    let gauges = world.spot.gauges();
    let lanes = &gauges.requests;
    for (lane, gauge) in [
        ("kill", lanes.kill),
        ("reconcile", lanes.reconcile),
        ("orders", lanes.orders),
        ("data", lanes.data),
    ] {
        let sent = world.count(&format!("requests_total{{lane=\"{lane}\"}}"));
        assert_eq!(gauge.sent_total, sent, "{lane}");
        let ended = gauge.confirmed_total + gauge.rejected_total + gauge.unknown_total;
        assert!(ended <= sent && gauge.limited_total == 0, "{lane}: {gauge:?}");
    }
    assert!(lanes.orders.confirmed_total > 10 && lanes.kill.sent_total > 0);
    assert_eq!(gauges.orders.placed_total, world.count("orders_placed_total"));
    assert_eq!(gauges.own_events.heard_total, world.count("own_events_total"));
    assert_eq!(gauges.books.shown_total, world.count("books_total"));
    assert!(gauges.own_events.live && gauges.connection.up && gauges.clock.known);
    assert_eq!(gauges.clock.offset_nanos.unsigned_abs(), world.count("clock_offset_nanos"));
    let off = gauges.clock.offset_nanos - world.skew;
    assert!(off.unsigned_abs() <= gauges.clock.uncertainty_nanos, "{off} {:?}", gauges.clock);
    assert!(gauges.own_events.last_age_nanos.is_some_and(|age| age < 10 * SECOND));
    let weight = gauges.limits.iter().find(|limit| limit.kind == "weight").unwrap();
    assert_eq!((weight.window_seconds, weight.used + weight.left), (60, weight.most));
    let mut all = Vec::new();
    names(&serde_json::to_value(&gauges).unwrap(), &mut all);
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/venues/connection.md");
    let page = std::fs::read_to_string(page).unwrap();
    let groups = ["requests", "limits", "pauses", "circuits", "clock", "connection", "queues"];
    let lanes = ["kill", "reconcile", "orders", "data", "told", "messages", "market", "history"];
    for name in all {
        let is_part = groups.contains(&name.as_str()) || lanes.contains(&name.as_str());
        let written = is_part || name == "notices" || page.contains(&format!("`{name}`"));
        assert!(written, "{name} is not documented");
    }
}
