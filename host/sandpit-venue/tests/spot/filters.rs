//! Filters that compare an order with the market or with what the account has: what they refuse is
//! not sent, where what they compare with is known.

use sandpit_core::{
    engine::Event,
    ids::{OrderTag, PluginId},
    intent::{Amend, Intent, Place, PlaceKind, TimeInForce},
    market::Side,
    num::Decimal,
};
use sandpit_venue::binance::spot::SpotSettings;
use serde_json::{Value, json};

use crate::{
    scenes::{SEED, cancel, place},
    simulation::check,
    world::{Act, SECOND, START, World},
};

fn with_filter(filter: Value, change: impl FnOnce(&mut SpotSettings)) -> World {
    let mut world = World::with(SEED, change);
    world.fake.rules.filters = vec![filter];
    world.run_until(START + 5 * SECOND);
    world
}

fn wish(world: &mut World, tag: u64, side: Side, kind: PlaceKind, units: i64) {
    let time_in_force = if kind == PlaceKind::Market { TimeInForce::Ioc } else { TimeInForce::Gtc };
    let intent = Intent::Place(Place {
        tag: OrderTag(tag),
        instrument: 0,
        side,
        quantity: Decimal::new(units, 5),
        kind,
        time_in_force,
        post_only: false,
        reduce_only: false,
    });
    world.tell_engine(Event::Intents { plugin: PluginId(0), intents: vec![intent] });
}

fn limit(cents: i64) -> PlaceKind {
    PlaceKind::Limit(Decimal::new(cents, 2))
}

fn far(minutes: u32) -> Value {
    json!({"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "1.2",
           "bidMultiplierDown": "0.8", "askMultiplierUp": "1.3", "askMultiplierDown": "0.7",
           "avgPriceMins": minutes})
}

#[test]
fn a_price_far_from_the_average_is_not_sent() {
    let mut world = with_filter(far(5), |_| {});
    // 60,000, so bids are from 48,000 to 72,000 and asks from 42,000 to 78,000.
    for (tag, (side, cents)) in [
        (Side::Buy, 4_799_999),
        (Side::Buy, 7_200_001),
        (Side::Sell, 4_199_999),
        (Side::Sell, 7_800_001),
    ]
    .into_iter()
    .enumerate()
    {
        wish(&mut world, 1 + tag as u64, side, limit(cents), 2_000);
    }
    world.run_until(START + 6 * SECOND);
    assert_eq!(world.count("orders_refused_by_filters_total"), 4);
    assert!(world.fake.orders.is_empty());
    wish(&mut world, 5, Side::Buy, limit(4_800_000), 2_000);
    world.run_until(START + 7 * SECOND);
    assert_eq!(world.fake.orders.len(), 1);
    // The average moves, and is asked for again.
    world.fake.rules.average = 5_000_000;
    world.run_until(START + 40 * SECOND);
    wish(&mut world, 6, Side::Buy, limit(4_000_000), 2_000);
    world.run_until(START + 41 * SECOND);
    assert_eq!(world.fake.orders.len(), 2);
    assert_eq!(world.count("orders_refused_by_filters_total"), 4);
    check(&world, SEED);
}

#[test]
fn what_is_not_known_the_venue_decides() {
    let mut world = with_filter(far(5), |settings| settings.trading.average_every = None);
    wish(&mut world, 1, Side::Buy, limit(1_000_000), 2_000);
    world.run_until(START + 10 * SECOND);
    assert_eq!(world.fake.orders.len(), 1, "it was sent");
    assert_eq!(world.fake.asked.get("avgPrice"), None);
    // One by the last price, of a market that nobody listens to.
    let mut world = with_filter(far(0), |_| {});
    wish(&mut world, 1, Side::Buy, limit(1_000_000), 2_000);
    world.run_until(START + 10 * SECOND);
    assert_eq!(world.fake.orders.len(), 1);
}

#[test]
fn a_price_far_from_the_last_is_not_sent() {
    let mut world = with_filter(far(0), |settings| settings.market.always_marked = true);
    let link = world.stream_link().unwrap();
    let trade = json!({"stream": "btcusdt@aggTrade", "data": {
        "e": "aggTrade", "E": 1_780_000_004_000_u64, "s": "BTCUSDT", "a": 7, "p": "60000.00",
        "q": "0.01", "f": 7, "l": 7, "T": 1_780_000_004_000_u64, "m": false, "M": true}});
    world.at(0, Act::Frame(link, trade.to_string().into_bytes()));
    world.run_until(START + 8 * SECOND);
    wish(&mut world, 1, Side::Buy, limit(4_799_999), 2_000);
    world.run_until(START + 9 * SECOND);
    assert_eq!(world.count("orders_refused_by_filters_total"), 1, "{:?}", world.notices);
    assert!(world.fake.orders.is_empty());
    // Where the market is not heard any more, its last price is none.
    world.no_socket = true;
    world.at(0, Act::Closed(link));
    world.run_until(START + 12 * SECOND);
    wish(&mut world, 2, Side::Buy, limit(4_799_999), 2_000);
    world.run_until(START + 13 * SECOND);
    assert_eq!(world.fake.orders.len(), 1);
}

#[test]
fn a_market_order_of_little_worth_is_not_sent() {
    let filter = json!({"filterType": "NOTIONAL", "minNotional": "100", "applyMinToMarket": true,
                        "maxNotional": "9000", "applyMaxToMarket": true, "avgPriceMins": 5});
    let mut world = with_filter(filter, |_| {});
    wish(&mut world, 1, Side::Buy, PlaceKind::Market, 166);
    wish(&mut world, 2, Side::Buy, PlaceKind::Market, 15_001);
    world.run_until(START + 6 * SECOND);
    // That it is too little the engine knows by itself; that it is too much only the filter.
    assert_eq!(world.count("orders_refused_by_filters_total"), 1);
    assert!(world.fake.orders.is_empty());
    wish(&mut world, 3, Side::Buy, PlaceKind::Market, 167);
    world.run_until(START + 7 * SECOND);
    assert_eq!(world.fake.orders.len(), 1);
    world.run_until(START + 60 * SECOND);
    check(&world, SEED);
}

#[test]
fn more_than_may_be_held_is_not_bid_for() {
    // The account has 10 already.
    let filter = json!({"filterType": "MAX_POSITION", "maxPosition": "10.05"});
    let mut world = with_filter(filter, |_| {});
    wish(&mut world, 1, Side::Buy, limit(5_990_000), 4_000);
    world.run_until(START + 6 * SECOND);
    wish(&mut world, 2, Side::Buy, limit(5_990_000), 2_000);
    world.run_until(START + 7 * SECOND);
    assert_eq!(world.count("orders_refused_by_filters_total"), 1);
    assert_eq!(world.fake.orders.len(), 1);
    cancel(&mut world, 1);
    world.run_until(START + 9 * SECOND);
    wish(&mut world, 3, Side::Buy, limit(5_990_000), 5_000);
    world.run_until(START + 10 * SECOND);
    assert_eq!(world.fake.orders.len(), 2, "what is canceled counts no more");
    check(&world, SEED);
}

#[test]
fn an_order_is_changed_as_often_as_the_symbol_lets_it() {
    let filter = json!({"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 1});
    let mut world = with_filter(filter, |_| {});
    place(&mut world, 1, 5_990_000);
    world.run_until(START + 6 * SECOND);
    for (second, units) in [(7, 1_500), (8, 1_000)] {
        let quantity = Some(Decimal::new(units, 5));
        let amend = Intent::Amend(Amend { tag: OrderTag(1), quantity, price: None });
        world.tell_engine(Event::Intents { plugin: PluginId(0), intents: vec![amend] });
        world.run_until(START + second * SECOND);
    }
    assert_eq!(world.fake.asked["order.amend.keepPriority"], 1);
    assert_eq!(world.fake.orders[0].quantity, 1_500);
    world.run_until(START + 40 * SECOND);
    check(&world, SEED);
}
