//! The crossing over a few trades that a person can check.

use sandpit_sdk::prelude::*;
use sandpit_testing::Harness;

use super::EmaCross;

fn harness() -> Harness<EmaCross> {
    Harness::new::<EmaCross>().set("fast", "2").set("slow", "4").set("quantity", "3").start()
}

#[test]
fn buys_when_the_fast_average_rises_above_and_sells_when_it_falls_below() {
    let mut harness = harness();
    for price in [100, 99, 98, 97] {
        harness.trade(price, 10);
    }
    assert_eq!(harness.position(), dec!(0));
    harness.trade(110, 10);
    assert_eq!(harness.position(), dec!(3));
    harness.trade(111, 10);
    assert_eq!(harness.orders().len(), 1);
    harness.trade(80, 10);
    assert_eq!(harness.position(), dec!(0));
    assert_eq!(harness.orders().len(), 2);
}

#[test]
fn only_watches_until_the_slow_average_is_warm() {
    let mut harness = harness();
    // The averages cross at the third trade, one too early, and stay crossed.
    for price in [100, 90, 120, 121, 122, 123] {
        harness.trade(price, 10);
    }
    assert!(harness.orders().is_empty());
}

#[test]
fn history_warms_the_averages_and_trades_nothing() {
    let mut harness = harness();
    for price in [100, 99, 98, 97, 110, 90] {
        harness.history_trade(price, 10);
    }
    assert!(harness.orders().is_empty());
    harness.trade(130, 10);
    assert_eq!(harness.position(), dec!(3));
}

#[test]
fn does_not_buy_twice_while_an_order_is_on_its_way() {
    let mut harness = Harness::new::<EmaCross>()
        .set("fast", "1")
        .set("slow", "2")
        .latency(Duration::from_secs(1), Duration::ZERO)
        .start();
    for price in [100, 90, 110, 80, 120, 70, 130] {
        harness.trade(price, 10);
    }
    let sides: Vec<Side> = harness.orders().iter().map(|order| order.side).collect();
    assert_eq!(sides, [Side::Buy, Side::Sell, Side::Buy, Side::Sell, Side::Buy]);
    harness.advance(Duration::from_secs(2));
    assert_eq!(harness.position(), dec!(1));
}

#[test]
fn needs_exactly_one_instrument() {
    let two = Harness::new::<EmaCross>()
        .instrument(sandpit_testing::instruments::plain("A"))
        .instrument(sandpit_testing::instruments::plain("B"))
        .try_start();
    assert!(two.unwrap_err().contains("exactly one instrument"));
}
