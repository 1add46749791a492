//! What a venue cannot keep, the host does: triggers wait here, changes are cancel and replacement.

use expect_test::{Expect, expect};
use sandpit_core::{engine::VenueCapabilities, risk::Limits};

use crate::{recovery::Host, script::fragile};

const NOTHING: VenueCapabilities = VenueCapabilities::NONE;

fn check(script: &str, expected: &Expect) {
    let mut host = Host::new(fragile(Limits::unlimited(), NOTHING));
    let mut out = host.run(script);
    let position = host.engine.account().net_quantity(sandpit_core::ids::InstrumentId(0)).0;
    out += &format!("net {position} open {}\n", host.engine.open_orders());
    expected.assert_eq(&out);
}

#[test]
fn a_stop_waits_here_and_goes_out_as_a_market_order() {
    check(
        "trade 100
         p0 buy 3 @ market #1
         v 1 fill 3 @ 100 t1
         p0 stop sell 3 @ 95 #2
         trade 96
         trade 95
         v 2 fill 3 @ 95 t2",
        &expect![[r#"
            submit 1 Buy 3 Market
            tell p0 #1 filled 3
            closed 1 Filled filled 3
            tell p0 #2 accepted
            submit 2 Sell 3 Market
            tell p0 #2 filled 3
            closed 2 Filled filled 3
            net 0 open 0
        "#]],
    );
}

#[test]
fn a_held_order_is_changed_and_ended_without_the_venue() {
    check(
        "trade 100
         p0 stop sell 3 @ 95 #2
         p0 amend #2 2 @ 90
         trade 94
         p0 cancel #2
         trade 80",
        &expect![[r#"
            tell p0 #2 accepted
            tell p0 #2 amended
            tell p0 #2 canceled
            closed 1 Canceled filled 0
            net 0 open 0
        "#]],
    );
}

#[test]
fn a_held_order_survives_a_restart() {
    check(
        "trade 100
         p0 stop sell 3 @ 95 #2
         restart
         books
         trade 94",
        &expect![[r#"
            tell p0 #2 accepted
            reconcile
            reconcile
            submit 1 Sell 3 Market
            net 0 open 1
        "#]],
    );
}

#[test]
fn a_change_is_a_cancel_and_then_another_order() {
    check(
        "trade 100
         p0 buy 5 @ 90 #1
         v 1 accepted
         p0 amend #1 8 @ 91
         v 1 fill 2 @ 90 t1
         v 1 canceled
         v 2 accepted
         p0 cancel #1
         v 2 canceled",
        &expect![[r#"
            submit 1 Buy 5 Limit(Price(90))
            tell p0 #1 accepted
            cancel 1
            tell p0 #1 filled 2
            closed 1 Canceled filled 2
            submit 2 Buy 6 Limit(Price(91))
            tell p0 #1 amended
            tell p0 #1 accepted
            cancel 2
            tell p0 #1 canceled
            closed 2 Canceled filled 0
            net 2 open 0
        "#]],
    );
}

#[test]
fn an_order_that_fills_before_it_can_be_replaced_is_not() {
    check(
        "trade 100
         p0 buy 5 @ 90 #1
         v 1 accepted
         p0 amend #1 5 @ 91
         v 1 fill 5 @ 90 t1
         v 1 cancel-rejected",
        &expect![[r#"
            submit 1 Buy 5 Limit(Price(90))
            tell p0 #1 accepted
            cancel 1
            tell p0 #1 filled 5
            closed 1 Filled filled 5
            net 5 open 0
        "#]],
    );
}

#[test]
fn exits_are_held_to_the_position_where_the_venue_does_not() {
    check(
        "trade 100
         p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
         v 1 fill 4 @ 99 t1
         v 3 accepted
         v 3 fill 3 @ 105 t2
         trade 94
         v 3 canceled
         v 2 fill 1 @ 94 t3",
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 filled 4
            tell p0 #2 accepted
            submit 3 Sell 4 Limit(Price(105))
            closed 1 Filled filled 4
            tell p0 #3 accepted
            tell p0 #3 filled 3
            cancel 3
            tell p0 #3 canceled
            closed 3 Canceled filled 3
            submit 2 Sell 1 Market
            tell p0 #2 filled 1
            closed 2 Filled filled 1
            net 0 open 0
        "#]],
    );
}

#[test]
fn whoever_ends_an_order_ends_what_was_to_come_in_its_place() {
    check(
        "trade 100
         p0 buy 5 @ 90 #1
         v 1 accepted
         p0 amend #1 8 @ 91
         kill
         v 1 canceled",
        &expect![[r#"
            submit 1 Buy 5 Limit(Price(90))
            tell p0 #1 accepted
            cancel 1
            alert Killed(Account)
            tell p0 Halted
            tell p1 Halted
            tell p0 #1 canceled
            closed 1 Canceled filled 0
            net 0 open 0
        "#]],
    );
}

#[test]
fn a_trailing_stop_follows_the_market_and_remembers_where_it_was() {
    check(
        "trade 100
         p0 trail sell 3 by 5 #1
         trade 104
         trade 110
         trade 107
         restart
         books
         trade 106
         trade 105",
        &expect![[r#"
            tell p0 #1 accepted
            reconcile
            reconcile
            submit 1 Sell 3 Market
            net 0 open 1
        "#]],
    );
}

#[test]
fn a_trailing_stop_counts_from_the_price_at_which_it_was_placed() {
    check(
        "trade 100
         p0 trail sell 3 by 5 #1
         trade 95",
        &expect![[r#"
            tell p0 #1 accepted
            submit 1 Sell 3 Market
            net 0 open 1
        "#]],
    );
}

#[test]
fn a_trailing_stop_in_basis_points_is_a_share_of_the_best_price() {
    check(
        "trade 100
         p0 trail buy 3 bp 500 #1
         trade 80
         trade 83
         trade 84",
        &expect![[r#"
            tell p0 #1 accepted
            submit 1 Buy 3 Market
            net 0 open 1
        "#]],
    );
}

#[test]
fn take_profit_and_stop_limit_wait_on_their_sides() {
    check(
        "trade 100
         p0 take sell 1 @ 105 #1
         p0 stop-limit buy 2 @ 103 104 #2
         p0 take buy 3 @ 95 #3
         trade 103
         trade 105
         trade 95",
        &expect![[r#"
            tell p0 #1 accepted
            tell p0 #2 accepted
            tell p0 #3 accepted
            submit 2 Buy 2 Limit(Price(104))
            submit 1 Sell 1 Market
            submit 3 Buy 3 Market
            net 0 open 3
        "#]],
    );
}

#[test]
fn a_held_order_ends_with_its_time() {
    check(
        "trade 100
         p0 until 5 stop sell 1 @ 95 #1
         clock 4
         clock 5
         trade 90",
        &expect![[r#"
            tell p0 #1 accepted
            tell p0 #1 expired
            closed 1 Expired filled 0
            net 0 open 0
        "#]],
    );
}

#[test]
fn a_gap_over_several_triggers_sends_them_in_the_order_in_which_they_were_passed() {
    check(
        "trade 100
         p0 stop sell 1 @ 95 #1
         p0 stop sell 2 @ 97 #2
         p1 stop sell 3 @ 96 #1
         trade 90",
        &expect![[r#"
            tell p0 #1 accepted
            tell p0 #2 accepted
            tell p1 #1 accepted
            submit 2 Sell 2 Market
            submit 3 Sell 3 Market
            submit 1 Sell 1 Market
            net 0 open 3
        "#]],
    );
}
