//! The breakout over bars that a person can check.

use sandpit_sdk::prelude::*;
use sandpit_testing::{Builder, Harness};

use super::{Breakout, INTERVAL};

/// A channel of two bars, a stop of half its height, a target twice as far.
fn breakout() -> Builder<Breakout> {
    Harness::new::<Breakout>()
        .set("length", "2")
        .set("quantity", "1")
        .set("stop", "0.5")
        .set("reward", "2")
}

/// Two bars that make a channel from 90 to 110.
fn ranged(builder: Builder<Breakout>) -> Harness<Breakout> {
    let mut harness = builder.start();
    harness.bar(INTERVAL, [100, 110, 95, 100], 100);
    harness.bar(INTERVAL, [100, 105, 90, 100], 100);
    harness
}

/// Side and price of the exits.
fn exits(harness: &Harness<Breakout>) -> Vec<(Side, OrderKind)> {
    harness.open_orders().iter().map(|order| (order.side, order.kind)).collect()
}

#[test]
fn a_close_above_the_channel_is_bought_with_a_bracket() {
    let mut harness = ranged(breakout());
    assert!(harness.orders().is_empty());
    harness.bar(INTERVAL, [100, 115, 100, 112], 100);
    assert_eq!(harness.position(), dec!(1));
    // The channel is 20 high: a stop 10 below the close, a target 20 above.
    assert_eq!(
        exits(&harness),
        [(Side::Sell, OrderKind::Stop(dec!(102))), (Side::Sell, OrderKind::Limit(dec!(132)))]
    );
}

#[test]
fn the_stop_ends_it_and_takes_the_target_with_it() {
    let mut harness = ranged(breakout());
    harness.bar(INTERVAL, [100, 115, 100, 112], 100);
    harness.bar(INTERVAL, [112, 113, 101, 103], 100);
    assert_eq!(harness.position(), dec!(0));
    assert!(harness.open_orders().is_empty());
    assert!(harness.equity() < dec!(1000000));
}

#[test]
fn the_target_ends_it_with_a_gain() {
    let mut harness = ranged(breakout());
    harness.bar(INTERVAL, [100, 115, 100, 112], 100);
    harness.bar(INTERVAL, [112, 133, 111, 130], 100);
    assert_eq!(harness.position(), dec!(0));
    assert!(harness.open_orders().is_empty());
    assert!(harness.equity() > dec!(1000000));
}

#[test]
fn a_close_below_is_sold_short_only_if_allowed() {
    let mut harness = ranged(breakout());
    harness.bar(INTERVAL, [100, 100, 85, 88], 100);
    assert_eq!(harness.position(), dec!(-1));

    let mut harness = ranged(breakout().set("direction", "long"));
    harness.bar(INTERVAL, [100, 100, 85, 88], 100);
    assert!(harness.orders().is_empty());
}

#[test]
fn history_fills_the_channel_and_trades_nothing() {
    let mut harness = breakout().start();
    for _ in 0..2 {
        harness.history_bar(INTERVAL, [100, 110, 90, 100], 100);
    }
    harness.history_bar(INTERVAL, [100, 120, 100, 119], 100);
    assert!(harness.orders().is_empty());
    harness.bar(INTERVAL, [119, 125, 118, 124], 100);
    assert_eq!(harness.position(), dec!(1));
}

#[test]
fn a_denied_entry_leaves_nothing_behind() {
    let mut harness = ranged(breakout().order_notional_max("50"));
    harness.bar(INTERVAL, [100, 115, 100, 112], 100);
    assert_eq!(harness.denials(), ["order-notional-above-max"]);
    assert!(harness.context().orders().is_empty());
    assert!(harness.logs()[0].1.contains("denied"));
}
