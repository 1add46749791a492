//! The rebalancer over a few prices that a person can check.

use sandpit_sdk::prelude::*;
use sandpit_testing::{Builder, Harness, instruments::plain};

use super::Rebalancer;

const HOUR: Duration = Duration::from_secs(3_600);

/// Two instruments, all of 10,000 invested.
fn rebalancer() -> Builder<Rebalancer> {
    Harness::new::<Rebalancer>()
        .instrument(plain("AAA"))
        .instrument(plain("BBB"))
        .budget(10_000)
        .set("invested", "1")
}

fn prices(harness: &mut Harness<Rebalancer>, aaa: &str, bbb: &str) {
    harness.select("AAA").trade(aaa, 100);
    harness.select("BBB").trade(bbb, 100);
}

fn positions(harness: &mut Harness<Rebalancer>) -> [Decimal; 2] {
    ["AAA", "BBB"].map(|symbol| harness.select(symbol).position())
}

#[test]
fn equal_shares_are_bought_when_the_timer_fires() {
    let mut harness = rebalancer().start();
    prices(&mut harness, "100", "50");
    assert_eq!(positions(&mut harness), [dec!(0), dec!(0)]);
    harness.advance(HOUR);
    assert_eq!(positions(&mut harness), [dec!(50), dec!(100)]);
    assert!(harness.denials().is_empty());
}

#[test]
fn what_has_run_away_is_sold_for_what_has_not() {
    let mut harness = rebalancer().start();
    prices(&mut harness, "100", "50");
    harness.advance(HOUR);
    prices(&mut harness, "200", "50");
    // 50 at 200 and 100 at 50 are 15,000: 37.5 of the one, 150 of the other.
    harness.advance(HOUR);
    assert_eq!(positions(&mut harness), [dec!(37.5), dec!(150)]);
}

#[test]
fn a_small_drift_is_left_alone() {
    let mut harness = rebalancer().set("band", "0.05").start();
    prices(&mut harness, "100", "50");
    harness.advance(HOUR);
    prices(&mut harness, "102", "50");
    harness.advance(HOUR);
    assert_eq!(harness.orders().len(), 2);
}

#[test]
fn weights_are_the_operators() {
    let mut harness = rebalancer().set("weights", "AAA=3 BBB=1").start();
    prices(&mut harness, "100", "50");
    harness.advance(HOUR);
    assert_eq!(positions(&mut harness), [dec!(75), dec!(50)]);
}

#[test]
fn wrong_weights_are_refused() {
    for (weights, reason) in [
        ("AAA", "is not like"),
        ("CCC=1", "CCC is not in the session"),
        ("AAA=-1", "not negative"),
        ("AAA=1 AAA=2", "one weight"),
        ("AAA=0", "sum to nothing"),
    ] {
        let refused = rebalancer().set("weights", weights).try_start();
        assert!(refused.unwrap_err().contains(reason), "{weights}");
    }
}

#[test]
fn an_instrument_without_a_price_waits() {
    let mut harness = rebalancer().start();
    harness.select("AAA").trade(100, 100);
    harness.advance(HOUR);
    assert_eq!(positions(&mut harness), [dec!(50), dec!(0)]);
}
