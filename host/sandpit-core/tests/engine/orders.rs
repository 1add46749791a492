//! Orders from wish to end: fills, changes, cancels, brackets, targets, timers, states.

use expect_test::{Expect, expect};
use sandpit_core::risk::{Limits, OffTick};

use crate::script::{engine, holdings, run};

fn check(script: &str, expected: &Expect) {
    let mut engine = engine(Limits::unlimited(), Limits::unlimited(), OffTick::Deny);
    let effects = run(&mut engine, script);
    expected.assert_eq(&format!("{effects}{}", holdings(&engine)));
}

#[test]
fn an_order_goes_out_and_fills() {
    check(
        "trade 100
         p0 buy 2 @ market #1
         v 1 accepted
         v 1 fill 2 @ 100 t1
         trade 110",
        &expect![[r#"
            submit 1 Buy 2 Market
            tell p0 #1 accepted
            tell p0 #1 filled 2
            closed 1 Filled filled 2
            p0: holds 2 cost 200.00 realized 0.00 fees 0.20 equity 1019.80
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn an_execution_told_twice_is_booked_once() {
    check(
        "trade 100
         p0 buy 3 @ 100 #1
         v 1 fill 1 @ 100 t1
         v 1 fill 1 @ 100 t1
         v 1 accepted
         v 1 fill 2 @ 100 t2
         v 1 fill 2 @ 100 t2",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(100))
            tell p0 #1 filled 1
            tell p0 #1 accepted
            tell p0 #1 filled 2
            closed 1 Filled filled 3
            p0: holds 3 cost 300.00 realized 0.00 fees 0.30 equity 999.70
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn a_fill_after_the_cancel_is_booked() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 accepted
         p0 cancel #1
         p0 cancel #1
         v 1 canceled
         v 1 fill 1 @ 99 t1",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 accepted
            cancel 1
            tell p0 #1 canceled
            closed 1 Canceled filled 0
            tell p0 #1 filled 1
            p0: holds 1 cost 99.00 realized 0.00 fees 0.099 equity 1000.901
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn an_order_whose_fate_is_lost_is_not_given_up() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 lost
         p0 amend #1 4 @ -
         p0 cancel #1
         v 1 fill 1 @ 99 t1
         v 1 canceled",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 unknown
            denied ChangePending
            tell p0 #1 change denied change-pending
            cancel 1
            tell p0 #1 filled 1
            tell p0 #1 canceled
            closed 1 Canceled filled 1
            p0: holds 1 cost 99.00 realized 0.00 fees 0.099 equity 1000.901
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn more_than_was_left_is_booked_and_halts_the_instrument() {
    check(
        "trade 100
         p0 buy 1 @ 100 #1
         v 1 fill 2 @ 100 t1
         p0 sell 2 @ 100 #2",
        &expect![[r#"
            submit 1 Buy 1 Limit(Price(100))
            alert Overfilled(ClientOrderId { sequence: 1, plugin: PluginId(0), run: RunId(1) }, InstrumentId(0))
            tell p0 #1 filled 2
            closed 1 Filled filled 2
            denied InstrumentHalted
            tell p0 #2 denied instrument-halted
            p0: holds 2 cost 200.00 realized 0.00 fees 0.20 equity 999.80
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn what_cannot_be_halts_the_instrument_and_cancels_still_pass() {
    check(
        "trade 100
         p0 buy 1 @ 90 #1
         v 1 accepted
         p0 buy 1 @ 91 #2
         v 2 accepted
         v 1 triggered
         v 1 rejected
         p0 buy 1 @ 92 #3
         p0 cancel #2
         v 7 accepted",
        &expect![[r#"
            submit 1 Buy 1 Limit(Price(90))
            tell p0 #1 accepted
            submit 2 Buy 1 Limit(Price(91))
            tell p0 #2 accepted
            tell p0 #1 triggered
            alert ImpossibleReport(ClientOrderId { sequence: 1, plugin: PluginId(0), run: RunId(1) }, InstrumentId(0), IllegalTransition { from: Triggered, by: Reject })
            denied InstrumentHalted
            tell p0 #3 denied instrument-halted
            cancel 2
            alert StrangeReport(ClientOrderId { sequence: 7, plugin: PluginId(0), run: RunId(1) })
            p0: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn a_change_is_asked_for_and_answered() {
    check(
        "trade 100
         p0 buy 2 @ 90 #1
         v 1 accepted
         p0 amend #1 3 @ 91
         p0 amend #1 4 @ 91
         v 1 amended 3 @ 91
         p0 amend #1 3 @ 91
         p0 amend #1 - @ 92
         v 1 amend-rejected
         p0 amend #9 1 @ -",
        &expect![[r#"
            submit 1 Buy 2 Limit(Price(90))
            tell p0 #1 accepted
            amend 1 quantity Some(3) price Some(91)
            denied ChangePending
            tell p0 #1 change denied change-pending
            tell p0 #1 amended
            denied AmendInvalid
            tell p0 #1 change denied amend-invalid
            amend 1 quantity None price Some(92)
            tell p0 #1 change rejected
            denied UnknownOrder
            tell p0 #9 change denied unknown-order
            p0: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn a_bracket_places_its_exits_as_it_fills_and_one_ends_the_other() {
    check(
        "trade 100
         p0 bracket buy 4 @ 99 #1 stop 95 #2 take 105 #3
         v 1 accepted
         v 1 fill 1 @ 99 t1
         v 2 accepted
         v 3 accepted
         v 1 fill 3 @ 99 t2
         v 2 amended 4 @ 95
         v 3 amended 4 @ 105
         v 3 fill 4 @ 105 t3
         v 2 canceled",
        &expect![[r#"
            submit 1 Buy 4 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 1
            submit 2 Sell 1 Stop(Price(95))
            submit 3 Sell 1 Limit(Price(105))
            tell p0 #2 accepted
            tell p0 #3 accepted
            tell p0 #1 filled 3
            amend 2 quantity Some(4) price None
            amend 3 quantity Some(4) price None
            closed 1 Filled filled 4
            tell p0 #2 amended
            tell p0 #3 amended
            tell p0 #3 filled 4
            closed 3 Filled filled 4
            cancel 2
            tell p0 #2 canceled
            closed 2 Canceled filled 0
            p0: holds 0 cost 0.00 realized 24.00 fees 0.816 equity 1023.184
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn a_bracket_with_exits_on_the_wrong_side_is_denied() {
    check(
        "trade 100
         p0 bracket buy 4 @ 99 #1 stop 99 #2 take 105 #3
         p0 bracket sell 4 @ 99 #1 stop 95 #2 take 105 #3
         p0 bracket buy 4 @ 99 #1 stop 95 #1 take 105 #3",
        &expect![[r#"
            denied BracketPricesInvalid
            tell p0 #1 denied bracket-prices-invalid
            denied BracketPricesInvalid
            tell p0 #1 denied bracket-prices-invalid
            denied DuplicateTag
            tell p0 #1 denied duplicate-tag
            p0: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn a_target_counts_position_and_working_orders() {
    check(
        "trade 100
         p0 target 5 #1
         p0 target 5 #2
         v 1 fill 5 @ 100 t1
         p0 target -2 #3
         p0 target -2 #4
         p0 target 1000000 #5",
        &expect![[r#"
            submit 1 Buy 5 Market
            tell p0 #1 filled 5
            closed 1 Filled filled 5
            submit 2 Sell 7 Market
            denied QuantityAboveMax(Quantity(1000002))
            tell p0 #5 denied quantity-above-max
            p0: holds 5 cost 500.00 realized 0.00 fees 0.50 equity 999.50
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn reducing_lets_through_what_shrinks_by_side_and_size() {
    check(
        "trade 100
         p0 buy 3 @ market #1
         v 1 fill 3 @ 100 t1
         state p0 reducing
         p0 buy 1 @ 100 #2
         p0 sell 4 @ 101 #3
         p0 sell 2 @ 101 #4
         p0 sell 2 @ 101 #5
         p0 sell 1 @ 101 #6
         state account halted
         p0 cancel #4
         p0 sell 1 @ 101 #7
         state account active
         state p0 active",
        &expect![[r#"
            submit 1 Buy 3 Market
            tell p0 #1 filled 3
            closed 1 Filled filled 3
            tell p0 Reducing
            denied TradingState { scope: Plugin, state: Reducing }
            tell p0 #2 denied trading-state
            denied TradingState { scope: Plugin, state: Reducing }
            tell p0 #3 denied trading-state
            submit 2 Sell 2 Limit(Price(101))
            denied TradingState { scope: Plugin, state: Reducing }
            tell p0 #5 denied trading-state
            submit 3 Sell 1 Limit(Price(101))
            tell p0 Halted
            tell p1 Halted
            cancel 2
            denied TradingState { scope: Plugin, state: Reducing }
            tell p0 #7 denied trading-state
            tell p0 Reducing
            tell p1 Active
            tell p0 Active
            p0: holds 3 cost 300.00 realized 0.00 fees 0.30 equity 999.70
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn the_kill_switch_cancels_everything_of_everyone() {
    check(
        "trade 100
         p0 buy 1 @ 90 #1
         p1 buy 1 @ 91 #1
         kill
         p0 buy 1 @ 90 #2
         p1 cancel-all",
        &expect![[r#"
            submit 1 Buy 1 Limit(Price(90))
            submit 2 Buy 1 Limit(Price(91))
            alert Killed(Account)
            tell p0 Halted
            tell p1 Halted
            cancel 1
            cancel 2
            denied TradingState { scope: Account, state: Halted }
            tell p0 #2 denied trading-state
            p0: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn a_short_position_through_zero_keeps_every_digit() {
    check(
        "trade 100
         p0 sell 3 @ market #1
         v 1 fill 3 @ 100 t1
         p0 buy 1 @ 101 #2
         v 2 fill 1 @ 101 t2
         p0 buy 5 @ market #3
         v 3 fill 5 @ 90 t3
         trade 93",
        &expect![[r#"
            submit 1 Sell 3 Market
            tell p0 #1 filled 3
            closed 1 Filled filled 3
            submit 2 Buy 1 Limit(Price(101))
            tell p0 #2 filled 1
            closed 2 Filled filled 1
            submit 3 Buy 5 Market
            tell p0 #3 filled 5
            closed 3 Filled filled 5
            p0: holds 3 cost 270.00 realized 19.00 fees 0.851 equity 1027.149
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}

#[test]
fn timers_wake_no_sooner_than_their_time() {
    check(
        "p0 timer 1 5
         p0 timer 2 0
         clock 1
         clock 4
         p1 timer 1 5
         clock 5
         clock 9",
        &expect![[r#"
            tell p0 timer 2
            tell p0 timer 1
            tell p1 timer 1
            p0: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
            p1: holds 0 cost 0.00 realized 0.00 fees 0.00 equity 1000.00
        "#]],
    );
}
