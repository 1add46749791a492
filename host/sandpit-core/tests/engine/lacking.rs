//! What a venue has and lacks: pairs of exits, balances that are locked, orders that end at a time,
//! changes in place, and the end of everything at once.

use expect_test::{Expect, expect};
use sandpit_core::{
    engine::{Amends, EngineConfig, TrailingStops, VenueCapabilities},
    ids::InstrumentId,
    risk::{Limits, RiskRules},
};

use crate::{recovery::Host, script::fragile};

/// As Binance Spot.
const SPOT: VenueCapabilities = VenueCapabilities {
    trailing_stop: TrailingStops::BasisPoints { min: 10, max: 2_000, step: 10 },
    amend: Amends::SmallerQuantity,
    reduce_only: false,
    gtd: false,
    oco: true,
    locks_balance: true,
    ..VenueCapabilities::ALL
};

/// The same without pairs.
const SINGLE: VenueCapabilities = VenueCapabilities { oco: false, ..SPOT };

fn check(venue: VenueCapabilities, script: &str, expected: &Expect) {
    let mut host = Host::new(fragile(Limits::unlimited(), venue));
    let mut out = host.run(script);
    let position = host.engine.account().net_quantity(InstrumentId(0)).0;
    out += &format!("net {position} open {}\n", host.engine.open_orders());
    expected.assert_eq(&out);
    assert_eq!(host.replayed().carry(), host.engine.carry(), "the journal tells all of it");
}

const PAIR: &str = "trade 100
     p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
     v 1 accepted
     v 1 fill 4 @ 99 t1
     v 2 accepted
     v 3 accepted\n";

#[test]
fn exits_are_one_pair_and_one_ends_the_other() {
    check(
        SPOT,
        &format!("{PAIR} v 3 fill 4 @ 105 t2\n v 2 expired"),
        &expect![[r#"
        submit 1 Buy 4 Limit(Price(99))
        tell p0 #1 accepted
        tell p0 #1 filled 4
        submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
        closed 1 Filled filled 4
        tell p0 #2 accepted
        tell p0 #3 accepted
        tell p0 #3 filled 4
        closed 3 Filled filled 4
        tell p0 #2 expired
        closed 2 Expired filled 0
        net 0 open 0
    "#]],
    );
    check(
        SPOT,
        &format!("{PAIR} v 3 expired\n v 2 triggered\n v 2 fill 4 @ 95 t2"),
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 4
            submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
            closed 1 Filled filled 4
            tell p0 #2 accepted
            tell p0 #3 accepted
            tell p0 #3 expired
            closed 3 Expired filled 0
            tell p0 #2 triggered
            tell p0 #2 filled 4
            closed 2 Filled filled 4
            net 0 open 0
        "#]],
    );
}

#[test]
fn when_a_part_of_the_limit_has_traded_the_stop_goes_on_here() {
    check(
        SPOT,
        &format!("{PAIR} v 3 fill 1 @ 105 t2\n v 2 expired\n trade 94\n v 3 canceled"),
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 4
            submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
            closed 1 Filled filled 4
            tell p0 #2 accepted
            tell p0 #3 accepted
            tell p0 #3 filled 1
            closed 2 Expired filled 0
            tell p0 #2 amended
            cancel 3
            tell p0 #3 canceled
            closed 3 Canceled filled 1
            submit 4 Sell 3 Market
            net 3 open 1
        "#]],
    );
}

#[test]
fn the_stop_may_be_told_first() {
    check(
        SPOT,
        &format!("{PAIR} v 2 expired\n v 3 fill 4 @ 105 t2"),
        &expect![[r#"
        submit 1 Buy 4 Limit(Price(99))
        tell p0 #1 accepted
        tell p0 #1 filled 4
        submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
        closed 1 Filled filled 4
        tell p0 #2 accepted
        tell p0 #3 accepted
        closed 2 Expired filled 0
        tell p0 #2 amended
        tell p0 #3 filled 4
        closed 3 Filled filled 4
        tell p0 #2 canceled
        closed 4 Canceled filled 0
        net 0 open 0
    "#]],
    );
}

#[test]
fn a_pair_grows_with_its_entry() {
    check(
        SPOT,
        "trade 100
         p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
         v 1 accepted
         v 1 fill 1 @ 99 t1
         v 1 fill 2 @ 99 t2
         v 2 accepted
         v 3 accepted
         v 2 canceled
         v 1 fill 1 @ 99 t3
         v 3 canceled
         v 4 accepted
         v 5 accepted",
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 1
            submit pair 2 3 Sell 1 Stop(Price(95)) Limit(Price(105))
            tell p0 #1 filled 2
            tell p0 #2 accepted
            tell p0 #3 accepted
            cancel 3
            closed 2 Canceled filled 0
            tell p0 #1 filled 1
            closed 1 Filled filled 4
            closed 3 Canceled filled 0
            submit pair 4 5 Sell 4 Stop(Price(95)) Limit(Price(105))
            tell p0 #2 amended
            tell p0 #3 amended
            tell p0 #2 accepted
            tell p0 #3 accepted
            net 4 open 2
        "#]],
    );
}

#[test]
fn a_pair_that_is_being_renewed_may_trade_meanwhile() {
    check(
        SPOT,
        "trade 100
         p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
         v 1 accepted
         v 1 fill 2 @ 99 t1
         v 2 accepted
         v 3 accepted
         v 1 fill 2 @ 99 t2
         v 3 fill 2 @ 105 t3
         v 2 expired",
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 2
            submit pair 2 3 Sell 2 Stop(Price(95)) Limit(Price(105))
            tell p0 #2 accepted
            tell p0 #3 accepted
            tell p0 #1 filled 2
            cancel 2
            closed 1 Filled filled 4
            tell p0 #3 filled 2
            closed 3 Filled filled 2
            closed 2 Expired filled 0
            submit pair 4 5 Sell 2 Stop(Price(95)) Limit(Price(105))
            tell p0 #2 amended
            tell p0 #3 amended
            net 2 open 2
        "#]],
    );
}

#[test]
fn a_refused_cancel_of_a_pair_is_sent_again_and_another_pair_still_comes() {
    check(
        SPOT,
        "trade 100
         p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
         v 1 accepted
         v 1 fill 2 @ 99 t1
         v 2 accepted
         v 3 accepted
         v 1 fill 2 @ 99 t2
         v 2 cancel-rejected
         clock 600
         status 2 working 2 @ 95
         v 2 canceled
         v 3 canceled",
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 2
            submit pair 2 3 Sell 2 Stop(Price(95)) Limit(Price(105))
            tell p0 #2 accepted
            tell p0 #3 accepted
            tell p0 #1 filled 2
            cancel 2
            closed 1 Filled filled 4
            tell p0 #2 change rejected
            query 2
            cancel 2
            closed 2 Canceled filled 0
            closed 3 Canceled filled 0
            submit pair 4 5 Sell 4 Stop(Price(95)) Limit(Price(105))
            tell p0 #2 amended
            tell p0 #3 amended
            net 4 open 2
        "#]],
    );
}

#[test]
fn whoever_cancels_one_of_a_pair_leaves_the_other() {
    check(
        SPOT,
        &format!("{PAIR} p0 cancel #3\n v 3 canceled\n v 2 canceled\n trade 95"),
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 4
            submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
            closed 1 Filled filled 4
            tell p0 #2 accepted
            tell p0 #3 accepted
            cancel 3
            tell p0 #3 canceled
            closed 3 Canceled filled 0
            closed 2 Canceled filled 0
            tell p0 #2 amended
            submit 4 Sell 4 Market
            net 4 open 1
        "#]],
    );
    check(
        SPOT,
        &format!("{PAIR} p0 cancel #2\n v 2 canceled\n v 3 canceled\n p0 cancel #3"),
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 4
            submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
            closed 1 Filled filled 4
            tell p0 #2 accepted
            tell p0 #3 accepted
            cancel 2
            tell p0 #2 canceled
            closed 2 Canceled filled 0
            closed 3 Canceled filled 0
            submit 4 Sell 4 Limit(Price(105))
            tell p0 #3 amended
            cancel 4
            net 4 open 1
        "#]],
    );
    check(
        SPOT,
        &format!("{PAIR} p0 cancel-all\n v 2 canceled\n v 3 canceled"),
        &expect![[r#"
        submit 1 Buy 4 Limit(Price(99))
        tell p0 #1 accepted
        tell p0 #1 filled 4
        submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
        closed 1 Filled filled 4
        tell p0 #2 accepted
        tell p0 #3 accepted
        cancel 2
        tell p0 #2 canceled
        closed 2 Canceled filled 0
        tell p0 #3 canceled
        closed 3 Canceled filled 0
        net 4 open 0
    "#]],
    );
}

#[test]
fn a_price_of_a_pair_changes_with_another_pair() {
    check(
        SPOT,
        &format!("{PAIR} p0 amend #2 3 @ -\n p0 amend #2 - @ 97\n v 2 canceled\n v 3 canceled"),
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 4
            submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
            closed 1 Filled filled 4
            tell p0 #2 accepted
            tell p0 #3 accepted
            denied VenueLacks(UnevenPair)
            tell p0 #2 change denied venue-lacks
            cancel 2
            closed 2 Canceled filled 0
            closed 3 Canceled filled 0
            submit pair 4 5 Sell 4 Stop(Price(97)) Limit(Price(105))
            tell p0 #2 amended
            tell p0 #3 amended
            net 4 open 2
        "#]],
    );
}

#[test]
fn a_pair_that_the_venue_refuses_is_kept_one_by_one() {
    let sent = "trade 100
         p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
         v 1 accepted
         v 1 fill 4 @ 99 t1\n";
    check(
        SPOT,
        &format!("{sent} v 3 rejected\n v 2 rejected"),
        &expect![[r#"
        submit 1 Buy 4 Limit(Price(99))
        tell p0 #1 accepted
        tell p0 #1 filled 4
        submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
        closed 1 Filled filled 4
        closed 2 Rejected filled 0
        tell p0 #2 amended
        closed 3 Rejected filled 0
        submit 5 Sell 4 Limit(Price(105))
        tell p0 #3 amended
        net 4 open 2
    "#]],
    );
    check(
        SPOT,
        &format!("{sent} v 2 rejected\n v 3 rejected\n trade 95"),
        &expect![[r#"
        submit 1 Buy 4 Limit(Price(99))
        tell p0 #1 accepted
        tell p0 #1 filled 4
        submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
        closed 1 Filled filled 4
        closed 2 Rejected filled 0
        tell p0 #2 amended
        closed 3 Rejected filled 0
        submit 5 Sell 4 Limit(Price(105))
        tell p0 #3 amended
        cancel 5
        net 4 open 2
    "#]],
    );
}

#[test]
fn a_pair_whose_fate_is_lost_is_asked_about_and_sent_anew_as_one() {
    check(
        SPOT,
        "trade 100
         p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
         v 1 accepted
         v 1 fill 4 @ 99 t1
         v 2 lost
         clock 11000
         status 3 none
         status 2 none
         v 4 accepted",
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 4
            submit pair 2 3 Sell 4 Stop(Price(95)) Limit(Price(105))
            closed 1 Filled filled 4
            tell p0 #2 unknown
            query 2
            tell p0 #3 unknown
            query 3
            query 2
            query 3
            closed 3 Rejected filled 0
            closed 2 Rejected filled 0
            submit pair 4 5 Sell 4 Stop(Price(95)) Limit(Price(105))
            tell p0 #2 amended
            tell p0 #3 amended
            tell p0 #2 accepted
            net 4 open 2
        "#]],
    );
}

#[test]
fn a_pair_that_was_under_way_at_a_restart_is_found() {
    check(
        SPOT,
        "trade 100
         p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
         v 1 accepted
         v 1 fill 2 @ 99 t1
         v 2 accepted
         v 3 accepted
         v 1 fill 2 @ 99 t2
         v 2 canceled
         restart
         books net 4
         status 3 canceled 2 @ 105
         v 4 accepted
         v 5 accepted",
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 2
            submit pair 2 3 Sell 2 Stop(Price(95)) Limit(Price(105))
            tell p0 #2 accepted
            tell p0 #3 accepted
            tell p0 #1 filled 2
            cancel 2
            closed 1 Filled filled 4
            closed 2 Canceled filled 0
            reconcile
            query 3
            closed 3 Canceled filled 0
            submit pair 4 5 Sell 4 Stop(Price(95)) Limit(Price(105))
            tell p0 #2 amended
            tell p0 #3 amended
            reconcile
            tell p0 #2 accepted
            tell p0 #3 accepted
            net 4 open 2
        "#]],
    );
}

#[test]
fn a_market_beyond_the_exits_takes_no_pair() {
    check(
        SPOT,
        "trade 100
         p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
         v 1 accepted
         trade 94
         v 1 fill 4 @ 99 t1
         v 3 canceled",
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 4
            tell p0 #2 accepted
            submit 3 Sell 4 Limit(Price(105))
            closed 1 Filled filled 4
            cancel 3
            tell p0 #3 canceled
            closed 3 Canceled filled 0
            submit 2 Sell 4 Market
            net 4 open 1
        "#]],
    );
}

#[test]
fn without_pairs_the_stop_is_kept_here_and_the_limit_makes_way() {
    check(
        SINGLE,
        "trade 100
         p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
         v 1 fill 4 @ 99 t1
         v 3 accepted
         trade 95
         v 3 canceled
         v 2 fill 4 @ 95 t2",
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 filled 4
            tell p0 #2 accepted
            submit 3 Sell 4 Limit(Price(105))
            closed 1 Filled filled 4
            tell p0 #3 accepted
            cancel 3
            tell p0 #3 canceled
            closed 3 Canceled filled 0
            submit 2 Sell 4 Market
            tell p0 #2 filled 4
            closed 2 Filled filled 4
            net 0 open 0
        "#]],
    );
}

#[test]
fn a_stop_beside_a_limit_waits_here_and_its_limit_makes_way() {
    check(
        SINGLE,
        "trade 100
         p0 buy 4 @ market #1
         v 1 fill 4 @ 100 t1
         p0 sell 3 @ 105 #2
         v 2 accepted
         p0 stop sell 1 @ 96 #3
         p0 stop sell 4 @ 95 #4
         v 3 accepted
         p0 sell 1 @ 104 #5
         trade 95
         v 3 triggered
         v 3 fill 1 @ 95 t2
         v 2 canceled",
        &expect![[r#"
            submit 1 Buy 4 Market
            tell p0 #1 filled 4
            closed 1 Filled filled 4
            submit 2 Sell 3 Limit(Price(105))
            tell p0 #2 accepted
            submit 3 Sell 1 Stop(Price(96))
            tell p0 #4 accepted
            tell p0 #3 accepted
            denied BalanceLocked { value: Quantity(1), limit: Quantity(0) }
            tell p0 #5 denied balance-locked
            cancel 2
            cancel 3
            tell p0 #3 filled 1
            closed 3 Filled filled 1
            tell p0 #2 canceled
            closed 2 Canceled filled 0
            submit 4 Sell 3 Market
            net 3 open 1
        "#]],
    );
}

#[test]
fn a_protective_stop_leaves_the_balance_to_its_plugin() {
    use sandpit_core::risk::{BasisPoints, ProtectiveStop};
    let stop = Some(ProtectiveStop::Share(BasisPoints(500)));
    let limits = Limits { protective_stop: stop, ..Limits::unlimited() };
    let mut host = Host::new(fragile(limits, SPOT));
    let out = host.run(
        "trade 100
         p0 buy 4 @ market #1
         v 1 fill 4 @ 100 t1
         p0 sell 4 @ 105 #2
         v 3 accepted
         trade 95
         v 3 canceled",
    );
    expect![[r#"
        submit 1 Buy 4 Market
        tell p0 #1 filled 4
        closed 1 Filled filled 4
        submit 3 Sell 4 Limit(Price(105))
        tell p0 #2 accepted
        cancel 3
        tell p0 #2 canceled
        closed 3 Canceled filled 0
        submit 2 Sell 4 Market
    "#]]
    .assert_eq(&out);
}

#[test]
fn an_order_good_till_a_time_is_canceled_at_its_time_and_again() {
    check(
        SPOT,
        "trade 100
         p0 until 5 buy 3 @ 99 #1
         v 1 accepted
         clock 4
         restart
         books open 1 3 @ 99
         clock 5
         v 1 cancel-rejected
         clock 1005
         v 1 canceled",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 accepted
            reconcile
            reconcile
            cancel 1
            tell p0 #1 change rejected
            query 1
            tell p0 #1 expired
            closed 1 Expired filled 0
            net 0 open 0
        "#]],
    );
    let mut host = Host::new(fragile(Limits::unlimited(), SPOT));
    host.run("trade 100\np0 until 5 buy 3 @ 99 #1");
    assert_eq!(host.engine.next_wake().map(|at| at.0), Some(5_000_000));
}

#[test]
fn an_order_whose_time_is_over_is_not_replaced() {
    check(
        SPOT,
        "trade 100
         p0 until 5 buy 3 @ 99 #1
         v 1 accepted
         p0 amend #1 - @ 98
         clock 5
         v 1 canceled",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 accepted
            cancel 1
            tell p0 #1 expired
            closed 1 Expired filled 0
            net 0 open 0
        "#]],
    );
}

#[test]
fn a_smaller_quantity_is_changed_in_place_and_all_else_is_not() {
    check(
        SPOT,
        "trade 100
         p0 buy 5 @ 99 #1
         v 1 accepted
         p0 amend #1 3 @ -
         v 1 amended 3 @ 99
         p0 amend #1 4 @ -
         v 1 canceled
         v 2 accepted
         p0 amend #1 2 @ 98",
        &expect![[r#"
            submit 1 Buy 5 Limit(Price(99))
            tell p0 #1 accepted
            amend 1 quantity Some(3) price None
            tell p0 #1 amended
            cancel 1
            closed 1 Canceled filled 0
            submit 2 Buy 4 Limit(Price(99))
            tell p0 #1 amended
            tell p0 #1 accepted
            cancel 2
            net 0 open 1
        "#]],
    );
}

#[test]
fn trailing_stops_are_at_the_venue_where_it_has_such() {
    check(
        SPOT,
        "trade 100
         p0 trail buy 1 bp 100 #1
         p0 trail buy 1 bp 105 #2
         p0 trail buy 1 bp 2010 #3
         p0 trail buy 1 by 5 #4",
        &expect![[r#"
            submit 1 Buy 1 TrailingStop(BasisPoints(100))
            tell p0 #2 accepted
            tell p0 #3 accepted
            tell p0 #4 accepted
            net 0 open 4
        "#]],
    );
}

#[test]
fn the_kill_switch_cancels_all_at_the_venue_where_the_operator_wants_it() {
    let script = "trade 100\np0 buy 1 @ 99 #1\nv 1 accepted\nkill";
    for (wanted, venue, expected) in
        [(true, SPOT, 1), (false, SPOT, 0), (true, VenueCapabilities::NONE, 0)]
    {
        let risk = RiskRules { cancel_all_on_kill: wanted, ..RiskRules::default() };
        let config = fragile(Limits::unlimited(), venue);
        let mut host = Host::new(EngineConfig { risk, ..config });
        let out = host.run(script);
        assert!(out.contains("cancel 1\n"), "{out}");
        assert_eq!(out.matches("cancel-all 0\n").count(), expected, "{out}");
    }
}
