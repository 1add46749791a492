//! Orders of all kinds, pairs, changes, and what is asked before anything begins and after a break.

use sandpit_core::{
    engine::Event,
    ids::{OrderTag, PluginId},
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TimeInForce, WishedOffset},
    market::Side,
    num::Decimal,
};

use crate::{
    scenes::{SEED, cancel, place},
    simulation::{check, rich},
    world::{SECOND, START, World},
};

fn order(tag: u64, side: Side, kind: PlaceKind, time_in_force: TimeInForce) -> Place {
    Place {
        tag: OrderTag(tag),
        instrument: 0,
        side,
        quantity: Decimal::new(2_000, 5),
        kind,
        time_in_force,
        post_only: false,
        reduce_only: false,
    }
}

fn wish(world: &mut World, intent: Intent) {
    world.tell_engine(Event::Intents { plugin: PluginId(0), intents: vec![intent] });
}

fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

fn opened() -> World {
    let mut world = World::new(SEED);
    world.run_until(START + 5 * SECOND);
    world
}

#[test]
fn every_kind_of_order_is_what_was_meant() {
    let mut world = opened();
    let mut at = START + 5 * SECOND;
    let mut tag = 0;
    let mut next = |world: &mut World, place: Place| {
        at += SECOND;
        wish(world, Intent::Place(place));
        world.run_until(at);
    };
    let mut tagged = |side, kind, tif| {
        tag += 1;
        order(tag, side, kind, tif)
    };
    let (gtc, ioc, fok) = (TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok);
    let mut market = tagged(Side::Buy, PlaceKind::Market, ioc);
    market.quantity = Decimal::new(20_000, 5);
    next(&mut world, market);
    next(&mut world, tagged(Side::Buy, PlaceKind::Limit(cents(6_000_000)), ioc));
    next(&mut world, tagged(Side::Buy, PlaceKind::Limit(cents(5_990_000)), fok));
    let mut maker = tagged(Side::Buy, PlaceKind::Limit(cents(5_990_000)), gtc);
    maker.post_only = true;
    next(&mut world, maker);
    next(&mut world, tagged(Side::Sell, PlaceKind::Stop(cents(5_900_000)), gtc));
    let kind = PlaceKind::StopLimit { trigger: cents(5_950_000), limit: cents(6_010_000) };
    next(&mut world, tagged(Side::Sell, kind, gtc));
    next(&mut world, tagged(Side::Sell, PlaceKind::TakeProfit(cents(6_100_000)), gtc));
    let follows = PlaceKind::TrailingStop(WishedOffset::BasisPoints(100));
    next(&mut world, tagged(Side::Sell, follows, gtc));
    let orders = &world.fake.orders;
    let kinds: Vec<(&str, &str)> =
        orders.iter().map(|order| (order.kind.as_str(), order.status)).collect();
    assert_eq!(
        kinds,
        [
            ("MARKET", "FILLED"),
            ("LIMIT", "FILLED"),
            ("LIMIT", "EXPIRED"),
            ("LIMIT_MAKER", "NEW"),
            ("STOP_LOSS", "NEW"),
            ("STOP_LOSS_LIMIT", "NEW"),
            ("TAKE_PROFIT", "NEW"),
            ("STOP_LOSS", "NEW"),
        ]
    );
    assert_eq!((orders[4].stop, orders[4].trailing), (5_900_000, None));
    assert_eq!((orders[5].stop, orders[5].price), (5_950_000, 6_010_000));
    assert_eq!((orders[6].stop, orders[6].trailing), (6_100_000, None));
    assert_eq!((orders[7].stop, orders[7].trailing), (0, Some(100)), "at a share of the price");
    check(&world, SEED);
    // The trailing stop follows up, and goes off before the fixed one.
    let now = world.venue_ms();
    world.fake.moves_to(6_080_000, now);
    world.fake.moves_to(6_015_000, now + 1);
    world.run_until(at + 10 * SECOND);
    let statuses: Vec<&str> = world.fake.orders[4..].iter().map(|order| order.status).collect();
    assert_eq!(statuses, ["NEW", "NEW", "NEW", "FILLED"]);
    // Then the stop with a limit, which rests, and the others.
    let now = world.venue_ms();
    world.fake.moves_to(5_940_000, now);
    assert!(world.fake.orders[5].working && world.fake.orders[5].is_open());
    world.fake.moves_to(5_890_000, now + 1);
    world.fake.moves_to(6_110_000, now + 2);
    world.run_until(at + 20 * SECOND);
    let statuses: Vec<&str> = world.fake.orders[4..].iter().map(|order| order.status).collect();
    assert_eq!(statuses, ["FILLED", "NEW", "FILLED", "FILLED"]);
    world.run_until(at + 60 * SECOND);
    check(&world, SEED);
    assert_eq!(world.count("orders_unknown_total"), 0);
}

/// An entry at the market with both its exits, which are one pair at the venue.
fn with_exits() -> World {
    let mut world = opened();
    wish(
        &mut world,
        Intent::Bracket(Bracket {
            entry: order(1, Side::Buy, PlaceKind::Market, TimeInForce::Ioc),
            stop_loss_tag: OrderTag(2),
            stop_loss: cents(5_900_000),
            take_profit_tag: OrderTag(3),
            take_profit: cents(6_100_000),
        }),
    );
    world.run_until(START + 10 * SECOND);
    let kinds: Vec<(&str, bool)> = world.fake.orders[1..]
        .iter()
        .map(|order| (order.kind.as_str(), order.list.is_some() && order.is_open()))
        .collect();
    assert_eq!(kinds, [("LIMIT_MAKER", true), ("STOP_LOSS", true)]);
    assert_eq!(world.fake.asked["orderList.place.oco"], 1);
    world
}

#[test]
fn of_a_pair_one_ends_the_other() {
    type End = fn(&mut World);
    let ends: [(End, [&str; 2]); 3] = [
        (
            |world| {
                let now = world.venue_ms();
                world.fake.moves_to(5_890_000, now);
            },
            ["EXPIRED", "FILLED"],
        ),
        (
            |world| {
                let (name, now) = (world.fake.orders[1].client.clone(), world.venue_ms());
                world.fake.fills(&name, i64::MAX, now);
            },
            ["FILLED", "EXPIRED"],
        ),
        (|world| cancel(world, 3), ["CANCELED", "CANCELED"]),
    ];
    for (end, expected) in ends {
        let mut world = with_exits();
        end(&mut world);
        world.run_until(START + 60 * SECOND);
        let statuses: Vec<&str> =
            world.fake.orders[1..3].iter().map(|order| order.status).collect();
        assert_eq!(statuses, expected);
        check(&world, SEED);
        assert_eq!(world.count("orders_unknown_total"), 0);
    }
}

#[test]
fn an_order_becomes_smaller_in_place_and_everything_else_is_a_new_order() {
    let mut world = opened();
    place(&mut world, 1, 5_990_000);
    world.run_until(START + 6 * SECOND);
    let quantity = Some(Decimal::new(1_500, 5));
    wish(&mut world, Intent::Amend(Amend { tag: OrderTag(1), quantity, price: None }));
    world.run_until(START + 8 * SECOND);
    assert_eq!(world.fake.asked["order.amend.keepPriority"], 1);
    assert_eq!((world.fake.orders[0].quantity, world.fake.orders[0].amends), (1_500, 1));
    assert_eq!(world.fake.orders.len(), 1, "its place in the queue is kept");
    check(&world, SEED);
    let price = Some(cents(5_980_000));
    wish(&mut world, Intent::Amend(Amend { tag: OrderTag(1), quantity: None, price }));
    world.run_until(START + 12 * SECOND);
    assert_eq!(world.fake.asked["order.amend.keepPriority"], 1);
    let shown: Vec<(&str, i64, i64)> =
        world.fake.orders.iter().map(|order| (order.status, order.price, order.quantity)).collect();
    assert_eq!(shown, [("CANCELED", 5_990_000, 1_500), ("NEW", 5_980_000, 1_500)]);
    assert_eq!(world.fake.asked.get("order.cancelReplace"), None, "canceled, then placed");
    world.run_until(START + 60 * SECOND);
    check(&world, SEED);
}

#[test]
fn after_a_break_own_trades_of_many_pages_are_read() {
    const FILLS: u64 = 2_500;
    let mut world = opened();
    let mut wanted = order(1, Side::Buy, PlaceKind::Limit(cents(5_990_000)), TimeInForce::Gtc);
    wanted.quantity = Decimal::new(4_000, 5);
    wish(&mut world, Intent::Place(wanted));
    world.run_until(START + 6 * SECOND);
    world.deaf = true;
    world.no_socket = true;
    world.cut();
    world.run_until(START + 7 * SECOND);
    let (name, now) = (world.fake.orders[0].client.clone(), world.venue_ms());
    for fill in 0..FILLS {
        world.fake.fills(&name, 1, now + fill / 100);
    }
    let before = world.fake.asked["myTrades"];
    world.run_until(START + 8 * SECOND);
    world.deaf = false;
    world.no_socket = false;
    world.run_until(START + 90 * SECOND);
    assert_eq!(world.fake.net(), FILLS as i64);
    check(&world, SEED);
    // A thousand on a page.
    assert!(world.fake.asked["myTrades"] >= before + 3, "{:?}", world.fake.asked);
    assert_eq!(world.fees, FILLS, "each with its fee");
}

#[test]
fn production_opens_after_a_maintenance_with_what_the_key_may_do() {
    let mut world = World::with(SEED, |settings| {
        settings.gate.wallet = Some("http://127.0.0.1:1".into());
    });
    world.fake.rules.status = 1;
    world.run_until(START + 20 * SECOND);
    let said = |world: &World, text: &str| world.notices.iter().any(|one| one.contains(text));
    assert!(said(&world, "waiting for the end of Binance's maintenance"), "{:?}", world.notices);
    assert!(world.engine.is_none());
    world.fake.rules.status = 0;
    world.run_until(START + 60 * SECOND);
    assert!(said(&world, "Live"), "{:?}", world.notices);
    let rights = world.rights.unwrap();
    assert!(rights.trade && rights.address_bound && !rights.withdraw && !rights.transfer);
    assert_eq!(rights.created.unwrap().0, 1_700_000_000 * SECOND);
    assert!(world.fake.asked["systemStatus"] >= 2 && world.fake.asked["apiRestrictions"] == 1);
    place(&mut world, 1, 5_990_000);
    world.run_until(START + 70 * SECOND);
    assert_eq!(world.fake.orders.len(), 1);
    check(&world, SEED);
}

#[test]
fn faults_leave_no_trace_of_any_kind_of_order() {
    let seeds: u64 = std::env::var("SPOT_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let (mut kinds, mut pairs, mut amends) = (std::collections::BTreeSet::new(), 0, 0);
    for seed in 0..seeds {
        let world = rich(seed);
        check(&world, seed);
        kinds.extend(world.fake.orders.iter().map(|order| order.kind.clone()));
        pairs += world.fake.asked.get("orderList.place.oco").copied().unwrap_or(0);
        amends += world.fake.asked.get("order.amend.keepPriority").copied().unwrap_or(0);
    }
    println!("{seeds} seeds: {pairs} pairs, {amends} changes in place, {kinds:?}");
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    assert!(pairs > seeds / 4 && amends > seeds / 4, "{pairs} {amends}");
}
