//! The market maker over a few quotes that a person can check.

use sandpit_sdk::prelude::*;
use sandpit_testing::{Builder, Harness};

use super::MarketMaker;

/// Half a spread of 0.5 at a price of 100, 1 of skew at full inventory, one order of 1 a side.
fn maker() -> Builder<MarketMaker> {
    Harness::new::<MarketMaker>()
        .set("quantity", "1")
        .set("half-spread", "0.005")
        .set("skew", "0.01")
        .set("max-inventory", "2")
        .set("requote-ticks", "5")
        .set("pace-ms", "0")
}

fn quote(harness: &mut Harness<MarketMaker>, bid: &str, ask: &str) {
    harness.quote((bid, 10), (ask, 10));
}

/// Side, remaining quantity and current price of what is open, bid first.
fn quoted(harness: &Harness<MarketMaker>) -> Vec<(Side, Decimal, Decimal)> {
    let mut open: Vec<_> = harness
        .context()
        .orders()
        .iter()
        .filter_map(|order| Some((order.side, order.remaining(), order.price()?)))
        .collect();
    open.sort_by_key(|(side, ..)| *side);
    open
}

#[test]
fn quotes_both_sides_of_the_middle() {
    let mut harness = maker().start();
    quote(&mut harness, "99.9", "100.1");
    assert_eq!(
        quoted(&harness),
        [(Side::Buy, dec!(1), dec!(99.5)), (Side::Sell, dec!(1), dec!(100.5))]
    );
    assert!(harness.denials().is_empty());
}

#[test]
fn moves_its_orders_only_when_they_are_off() {
    let mut harness = maker().start();
    quote(&mut harness, "99.9", "100.1");
    quote(&mut harness, "99.93", "100.13");
    assert_eq!(quoted(&harness)[0].2, dec!(99.5));
    quote(&mut harness, "100.3", "100.5");
    assert_eq!(quoted(&harness)[0].2, dec!(99.89));
    assert_eq!(quoted(&harness)[1].2, dec!(100.91));
    // They were moved, not placed anew.
    assert_eq!(harness.orders().len(), 2);
}

#[test]
fn leans_against_its_inventory_and_stops_at_the_bound() {
    let mut harness = maker().start();
    quote(&mut harness, "99.9", "100.1");
    harness.trade_by(Aggressor::Seller, "99.4", 1);
    assert_eq!(harness.position(), dec!(1));
    // Half of the inventory: both sides half of 1 % lower.
    quote(&mut harness, "99.9", "100.1");
    assert_eq!(
        quoted(&harness),
        [(Side::Buy, dec!(1), dec!(99)), (Side::Sell, dec!(1), dec!(100))]
    );
    harness.trade_by(Aggressor::Seller, "98.9", 1);
    assert_eq!(harness.position(), dec!(2));
    quote(&mut harness, "99.9", "100.1");
    assert_eq!(quoted(&harness).len(), 1);
    assert_eq!(quoted(&harness)[0].0, Side::Sell);
    assert!(harness.denials().is_empty());
}

#[test]
fn never_quotes_across_the_market() {
    let mut harness = maker().set("half-spread", "0").start();
    quote(&mut harness, "100", "100.01");
    assert_eq!(quoted(&harness)[0].2, dec!(100));
    assert_eq!(quoted(&harness)[1].2, dec!(100.01));
    assert!(harness.orders().iter().all(|order| order.ended.is_none()));
}

#[test]
fn waits_after_a_denial() {
    let mut harness = maker().order_notional_max("50").start();
    quote(&mut harness, "99.9", "100.1");
    assert_eq!(harness.denials().len(), 2);
    quote(&mut harness, "99.9", "100.1");
    assert_eq!(harness.denials().len(), 2);
    harness.advance(Duration::from_secs(2));
    quote(&mut harness, "99.9", "100.1");
    assert_eq!(harness.denials().len(), 4);
    assert!(harness.fault().is_none());
}

#[test]
fn a_one_sided_market_ends_its_quotes() {
    let mut harness = maker().start();
    quote(&mut harness, "99.9", "100.1");
    harness.quote(("99.9", 10), ("100.1", 0));
    assert!(quoted(&harness).is_empty());
    assert!(harness.open_orders().is_empty());
}

#[test]
fn only_shrinks_when_that_is_all_that_is_let_through() {
    let mut harness = maker().start();
    quote(&mut harness, "99.9", "100.1");
    harness.trade_by(Aggressor::Seller, "99.4", 1);
    harness.set_trading_state(TradingState::Reducing);
    quote(&mut harness, "99.9", "100.1");
    quote(&mut harness, "99.9", "100.1");
    assert_eq!(quoted(&harness).iter().map(|each| each.0).collect::<Vec<_>>(), [Side::Sell]);
    harness.set_trading_state(TradingState::Halted);
    quote(&mut harness, "99.9", "100.1");
    assert!(quoted(&harness).is_empty());
}

#[test]
fn quotes_on_depth_as_well() {
    let mut harness = maker().start();
    harness.depth(&[("99.9", "3"), ("99.8", "3")], &[("100.1", "3")]);
    assert_eq!(quoted(&harness).len(), 2);
}

#[test]
fn an_order_too_small_is_refused_at_the_start() {
    let refused = maker().set("quantity", "0.0001").try_start();
    assert!(refused.unwrap_err().contains("below the minimum of 0.001"));
}

#[test]
fn moves_a_side_no_more_often_than_its_pace() {
    let mut harness = maker().set("pace-ms", "1000").start();
    quote(&mut harness, "99.9", "100.1");
    let before = quoted(&harness);
    quote(&mut harness, "100.3", "100.5");
    assert_eq!(quoted(&harness), before, "too soon");
    harness.advance(Duration::from_millis(1_000));
    quote(&mut harness, "100.3", "100.5");
    assert_ne!(quoted(&harness), before);
}
