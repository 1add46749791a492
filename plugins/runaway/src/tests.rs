//! The hostile strategy where there is no sandbox: only the attacks that end by themselves.

use sandpit_sdk::prelude::*;
use sandpit_testing::{Builder, Harness};

use super::{Runaway, TURN_TRADES};

fn runaway(attack: &str) -> Builder<Runaway> {
    Harness::new::<Runaway>().set("attack", attack).set("after", "120").set("quantity", "1")
}

fn trades(harness: &mut Harness<Runaway>, count: u32) {
    for _ in 0..count {
        harness.trade(100, 10);
    }
}

#[test]
fn behaves_at_first() {
    let mut harness = runaway("flood").start();
    trades(&mut harness, TURN_TRADES);
    assert_eq!(harness.position(), dec!(1));
    assert_eq!(harness.open_orders().len(), 1);
    trades(&mut harness, TURN_TRADES);
    assert_eq!(harness.position(), dec!(0));
    assert!(harness.denials().is_empty());
    assert!(harness.fault().is_none());
}

#[test]
fn a_flood_is_a_fault_and_its_orders_are_gone() {
    let mut harness = runaway("flood").start();
    trades(&mut harness, 121);
    assert_eq!(harness.fault().unwrap().code.name(), "too-many-intents");
    assert!(harness.open_orders().is_empty());
    let orders = harness.orders().len();
    trades(&mut harness, 200);
    assert_eq!(harness.orders().len(), orders);
}

#[test]
#[should_panic(expected = "this strategy was told to panic")]
fn a_panic_is_the_tests_own_where_there_is_no_sandbox() {
    let mut harness = runaway("panic").start();
    trades(&mut harness, 121);
}

#[test]
fn without_an_attack_it_goes_on() {
    let mut harness = runaway("none").start();
    trades(&mut harness, 1_000);
    assert!(harness.fault().is_none());
}
