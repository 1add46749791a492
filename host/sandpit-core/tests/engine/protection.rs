//! Stops that the host keeps for positions.

use sandpit_core::{
    engine::{EngineConfig, TrailingStops, VenueCapabilities},
    num::{Decimal, Money},
    plugin::TradingState,
    risk::{BasisPoints, Limits, OffTick, ProtectiveStop},
};

use crate::{recovery::Host, script::config};

fn limits(stop: ProtectiveStop) -> Limits {
    Limits { protective_stop: Some(stop), short_allowed: false, ..Limits::unlimited() }
}

fn with(stop: ProtectiveStop, venue: VenueCapabilities) -> Host {
    let config = config(limits(stop), Limits::unlimited(), OffTick::Deny);
    Host::new(EngineConfig { venue, ..config })
}

fn host(stop: ProtectiveStop) -> Host {
    with(stop, VenueCapabilities::ALL)
}

const FIVE_PERCENT: ProtectiveStop = ProtectiveStop::Share(BasisPoints(500));
const LONG: &str = "trade 100\np0 buy 4 @ market #1\nv 1 fill 4 @ 100 t1";

#[test]
fn a_position_gets_a_stop_that_its_plugin_cannot_see_or_end() {
    let mut host = host(FIVE_PERCENT);
    let out = host.run(LONG);
    assert!(out.contains("submit 2 Sell 4 Stop(Price(95))\n"), "{out}");
    assert_eq!(
        host.run("v 2 accepted\np0 cancel-all\np0 cancel #0"),
        "denied UnknownOrder\ntell p0 #0 change denied unknown-order\n"
    );
    assert!(host.engine.open_orders_of(sandpit_core::ids::PluginId(0)).is_empty());
    // Neither a fault, nor quarantine, nor the kill switch ends it.
    assert!(!host.run("fault p0\nquarantine p0\nkill").contains("cancel"), "it stays");
    assert_eq!(host.engine.trading_state(sandpit_core::ids::PluginId(0)), TradingState::Halted);
    let out = host.run("v 2 triggered\nv 2 fill 4 @ 94 t2");
    assert!(!out.contains("tell p0 #"), "no order of its own: {out}");
    assert_eq!(host.engine.open_orders(), 0);
}

#[test]
fn it_follows_the_position_up_and_down_and_away() {
    let mut host = host(FIVE_PERCENT);
    host.run(LONG);
    host.run("v 2 accepted\ntrade 110\np0 buy 4 @ market #2");
    // Eight at 105 on average: 99.75, and the next tick above.
    let out = host.run("v 3 fill 4 @ 110 t2");
    assert!(out.contains("amend 2 quantity Some(8) price Some(100)"), "{out}");
    // While that is not answered, it waits.
    host.run("p0 sell 2 @ market #3");
    assert!(!host.run("v 4 fill 2 @ 110 t3").contains("amend"));
    let out = host.run("restart\ntrade 110\nv 2 amended-stop 8 @ 100");
    assert!(out.contains("amend 2 quantity Some(6) price None"), "{out}");
    host.run("v 2 amended-stop 6 @ 100\np0 sell 6 @ market #4");
    let out = host.run("v 5 fill 6 @ 110 t4");
    assert!(out.contains("cancel 2"), "{out}");
    assert!(!host.run("v 2 canceled").contains("submit"));
    assert_eq!(host.engine.open_orders(), 0);
}

#[test]
fn a_short_is_protected_from_above_and_a_turn_gets_another_stop() {
    let amount = Money::from_decimal(Decimal::new(20, 0)).unwrap();
    let free = Limits { short_allowed: true, ..limits(ProtectiveStop::Amount(amount)) };
    let mut host = Host::new(config(free, Limits::unlimited(), OffTick::Deny));
    let out = host.run("trade 100\np0 sell 4 @ market #1\nv 1 fill 4 @ 100 t1");
    assert!(out.contains("submit 2 Buy 4 Stop(Price(105))\n"), "{out}");
    host.run("v 2 accepted\np0 buy 6 @ market #2");
    let out = host.run("v 3 fill 6 @ 100 t2");
    assert!(out.contains("cancel 2\nsubmit 4 Sell 2 Stop(Price(90))"), "{out}");
}

#[test]
fn its_plugin_can_still_get_out_and_not_turn() {
    let mut host = host(FIVE_PERCENT);
    host.run(LONG);
    host.run("v 2 accepted");
    assert!(host.run("p0 sell 5 @ 101 #5").contains("denied short-not-allowed"));
    let out = host.run("state p0 reducing\np0 sell 4 @ 101 #6");
    assert!(out.contains("submit 3 Sell 4 Limit(Price(101))"), "{out}");
    let reduce_only = host.engine.orders().find(|(order, ..)| order.id.sequence == 3);
    assert!(reduce_only.is_some_and(|(order, ..)| order.reduce_only));
}

#[test]
fn where_the_venue_has_no_stops_the_host_watches() {
    let venue = VenueCapabilities {
        stop: false,
        trailing_stop: TrailingStops::None,
        ..VenueCapabilities::ALL
    };
    let mut fixed = with(FIVE_PERCENT, venue);
    assert!(!fixed.run(LONG).contains("submit 2"));
    assert!(!fixed.run("trade 96\nrestart\ntrade 96").contains("submit"));
    assert!(fixed.run("trade 95").contains("submit 2 Sell 4 Market"));
    let mut trailing = with(ProtectiveStop::Trailing(1_000), venue);
    trailing.run(LONG);
    trailing.run("trade 200\nrestart\ntrade 181");
    assert!(trailing.run("trade 180").contains("submit 2 Sell 4 Market"));
}

#[test]
fn a_stop_that_the_venue_refuses_is_kept_here() {
    let mut host = host(FIVE_PERCENT);
    host.run(LONG);
    let out = host.run("v 2 rejected");
    assert!(!out.contains("submit") && !out.contains("tell"), "{out}");
    assert_eq!(host.engine.open_orders(), 1);
    assert!(host.run("trade 94").contains("submit 3 Sell 4 Market"));
}

#[test]
fn a_trigger_that_was_passed_closes_at_once_and_is_tried_again() {
    let mut host = host(FIVE_PERCENT);
    host.run("trade 100\np0 buy 4 @ 100 #1\nv 1 accepted\ntrade 90");
    let out = host.run("v 1 fill 4 @ 100 t1");
    assert!(out.contains("submit 2 Sell 4 Market"), "{out}");
    assert!(!host.run("v 2 canceled").contains("submit"), "not at once again");
    let wake = host.engine.next_wake().map(|at| at.0.div_ceil(1_000_000));
    assert_eq!(wake, Some(1_001));
    assert!(host.run("clock 1001").contains("submit 3 Sell 4 Market"));
}
