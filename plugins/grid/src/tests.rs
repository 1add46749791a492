//! The grid over a few trades that a person can check.

use sandpit_sdk::prelude::*;
use sandpit_testing::{Builder, Harness};

use super::Grid;

/// Three lines of 1, at 99, 98 and 97.
fn grid() -> Builder<Grid> {
    Harness::new::<Grid>().set("lines", "3").set("spacing", "0.01").set("quantity", "1")
}

fn open(harness: &Harness<Grid>) -> Vec<(Side, Decimal)> {
    let mut open: Vec<_> = harness
        .context()
        .orders()
        .iter()
        .filter_map(|order| Some((order.side, order.price()?)))
        .collect();
    open.sort_by_key(|(_, price)| *price);
    open
}

#[test]
fn lines_wait_below_the_first_price() {
    let mut harness = grid().start();
    harness.trade(100, 1).trade("100.5", 1);
    let buy = |price| (Side::Buy, price);
    assert_eq!(open(&harness), [buy(dec!(97)), buy(dec!(98)), buy(dec!(99))]);
}

#[test]
fn a_line_that_is_bought_is_sold_one_higher_and_armed_again() {
    let mut harness = grid().start();
    harness.trade(100, 1).trade("98.5", 5);
    assert_eq!(harness.position(), dec!(1));
    assert_eq!(open(&harness)[2], (Side::Sell, dec!(100)));
    harness.trade("100.5", 5);
    assert_eq!(harness.position(), dec!(0));
    assert_eq!(open(&harness)[2], (Side::Buy, dec!(99)));
    assert_eq!(harness.equity(), dec!(1000001));
    assert!(harness.denials().is_empty());
}

#[test]
fn a_part_of_a_line_waits_for_the_rest() {
    let mut harness = grid().start();
    harness.trade(100, 1).trade("98.9", "0.4");
    assert_eq!(harness.position(), dec!(0.4));
    assert!(open(&harness).iter().all(|(side, _)| *side == Side::Buy));
    harness.trade("98.9", "0.6");
    assert_eq!(harness.position(), dec!(1));
    assert_eq!(open(&harness)[2], (Side::Sell, dec!(100)));
}

#[test]
fn a_denied_line_is_tried_again_later() {
    let mut harness = grid().order_notional_max("98.5").start();
    harness.trade(100, 1);
    assert_eq!(open(&harness).len(), 2);
    assert_eq!(harness.denials(), ["order-notional-above-max"]);
    harness.trade(100, 1);
    assert_eq!(harness.denials().len(), 1);
    harness.advance(Duration::from_secs(2)).trade(100, 1);
    assert_eq!(harness.denials().len(), 2);
}

#[test]
fn a_restart_goes_on_where_the_grid_was() {
    let mut first = grid().start();
    first.trade(100, 1).trade("98.5", 5);
    let state = first.save();
    let mut second = grid().restored(state.clone()).start();
    // Its orders are gone with the first session; the lines are armed from the saved reference.
    second.trade(120, 1);
    let buys = open(&second).iter().filter(|(side, _)| *side == Side::Buy).count();
    assert_eq!(buys, 2);
    let refused = grid().set("lines", "4").restored(state).try_start();
    assert_eq!(refused.unwrap_err(), "the saved grid has 3 lines");
}

#[test]
fn lines_below_zero_are_refused() {
    let refused = grid().set("lines", "50").set("spacing", "0.02").try_start();
    assert!(refused.unwrap_err().contains("below zero"));
}
