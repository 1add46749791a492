//! Two orders of which one ends the other, cancels of everything, and balances that are locked.

use expect_test::{Expect, expect};
use sandpit_core::matching::FillModel;

use crate::script::run;

fn check(script: &str, expected: &Expect) {
    expected.assert_eq(&run(FillModel::default(), script));
}

const PAIR: &str = "trade 100 x9
    a: buy 4 @ market
    pair s p sell 4 stop 95 reduce and sell 4 @ 105 reduce\n";

#[test]
fn a_part_of_the_limit_ends_the_stop() {
    check(
        &format!("{PAIR} trade 106 x1\n trade 94 x9\n trade 106 x9"),
        &expect![[r#"
        a accepted
        a fills 4 @ 100 taker
        s accepted
        p accepted
        p fills 1 @ 105 maker
        s expired
        p fills 3 @ 105 maker
        0 open
    "#]],
    );
}

#[test]
fn the_trigger_of_the_stop_ends_the_limit() {
    check(
        &format!("{PAIR} trade 95 x9\n trade 106 x9"),
        &expect![[r#"
        a accepted
        a fills 4 @ 100 taker
        s accepted
        p accepted
        p expired
        s triggered
        s fills 4 @ 95 taker
        0 open
    "#]],
    );
}

#[test]
fn a_cancel_of_one_cancels_both() {
    check(
        &format!("{PAIR} cancel p\n cancel s"),
        &expect![[r#"
        a accepted
        a fills 4 @ 100 taker
        s accepted
        p accepted
        p canceled
        s canceled
        s refused: Unknown order sent.
        0 open
    "#]],
    );
    check(
        &format!("{PAIR} cancel s\n cancel p"),
        &expect![[r#"
        a accepted
        a fills 4 @ 100 taker
        s accepted
        p accepted
        s canceled
        p canceled
        p refused: Unknown order sent.
        0 open
    "#]],
    );
}

#[test]
fn what_ends_one_before_it_trades_ends_both() {
    check(
        "trade 100 x9
         a: buy 4 @ market
         pair s p sell 4 stop 95 and sell 4 @ 105 gtd:5
         clock 6",
        &expect![[r#"
            a accepted
            a fills 4 @ 100 taker
            s accepted
            p accepted
            p expired
            s canceled
            0 open
        "#]],
    );
    // Nothing is left to reduce.
    check(
        &format!("{PAIR} b: sell 4 @ market\n trade 106 x9"),
        &expect![[r#"
        a accepted
        a fills 4 @ 100 taker
        s accepted
        p accepted
        b accepted
        b fills 4 @ 100 taker
        p canceled
        s canceled
        0 open
    "#]],
    );
}

#[test]
fn both_are_accepted_or_none() {
    check(
        "trade 100 x9
         a: buy 4 @ market
         pair s p sell 4 stop 100 and sell 4 @ 105
         pair t q sell 4 stop 95 and sell 3 @ 105
         pair u r sell 4 stop 95 and buy 4 @ 105
         pair v w buy 4 stop 105 reduce and buy 4 @ 95
         pair x y sell 4 @ 105 and sell 4 stop 95
         quote 99x5 101x5
         pair m n sell 4 stop 95 and sell 4 @ 99",
        &expect![[r#"
            a accepted
            a fills 4 @ 100 taker
            s rejected: The relationship of the prices for the orders is not correct.
            p rejected: The relationship of the prices for the orders is not correct.
            t rejected: The two orders are not of one side, quantity and instrument.
            q rejected: The two orders are not of one side, quantity and instrument.
            u rejected: The two orders are not of one side, quantity and instrument.
            r rejected: The two orders are not of one side, quantity and instrument.
            v rejected: ReduceOnly order is rejected: there is no position to reduce.
            w rejected: ReduceOnly order is rejected: there is no position to reduce.
            x rejected: The two orders are not of one side, quantity and instrument.
            y rejected: The two orders are not of one side, quantity and instrument.
            m rejected: The relationship of the prices for the orders is not correct.
            n rejected: The relationship of the prices for the orders is not correct.
            0 open
        "#]],
    );
}

#[test]
fn a_pair_cannot_be_changed() {
    check(
        &format!("{PAIR} amend p 4 @ 106\n amend s 3"),
        &expect![[r#"
        a accepted
        a fills 4 @ 100 taker
        s accepted
        p accepted
        p refused: An order of a pair cannot be changed.
        s refused: An order of a pair cannot be changed.
        2 open
    "#]],
    );
}

#[test]
fn in_a_bar_only_one_of_both_trades() {
    check(
        "bar 100 101 99 100 x40
         a: buy 4 @ market
         bar 100 101 99 100 x40
         pair s p sell 4 stop 95 and sell 4 @ 105
         bar 100 110 90 100 x80",
        &expect![[r#"
            a accepted
            a fills 4 @ 100 taker
            s accepted
            p accepted
            p expired
            s triggered
            s fills 4 @ 95 taker
            0 open
        "#]],
    );
}

#[test]
fn everything_of_an_instrument_is_canceled_at_once() {
    check(
        &format!("{PAIR} b: buy 1 @ 90\n B: buy 1 @ 91\n cancel-all\n cancel-all"),
        &expect![[r#"
            a accepted
            a fills 4 @ 100 taker
            s accepted
            p accepted
            b accepted
            B accepted
            B canceled
            b canceled
            p canceled
            s canceled
            0 open
        "#]],
    );
}

#[test]
fn a_working_sell_locks_what_it_sells() {
    check(
        "lock-balances
         trade 100 x9
         a: sell 1 @ 101
         b: buy 4 @ market
         c: sell 3 @ 105
         d: sell 2 stop 95
         e: sell 1 stop 95
         amend c 4
         cancel c
         pair s p sell 3 stop 95 and sell 3 @ 105
         f: sell 1 @ market
         g: buy 9 @ 90",
        &expect![[r#"
            a rejected: Account has insufficient balance for requested action.
            b accepted
            b fills 4 @ 100 taker
            c accepted
            d rejected: Account has insufficient balance for requested action.
            e accepted
            c refused: Account has insufficient balance for requested action.
            c canceled
            s accepted
            p accepted
            f rejected: Account has insufficient balance for requested action.
            g accepted
            4 open
        "#]],
    );
}
