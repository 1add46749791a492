//! Each rule of the module head, once.

use expect_test::{Expect, expect};
use sandpit_core::matching::{FillModel, Touch};

use crate::script::run;

fn check(script: &str, expected: &Expect) {
    expected.assert_eq(&run(FillModel::default(), script));
}

#[test]
fn with_trades_alone_a_taker_gets_the_print_and_then_the_next() {
    check(
        "a: buy 1 @ market
         trade 100 x3
         b: buy 5 @ market
         trade 101 x1
         trade 102 x9
         c: buy 9 @ 102 ioc",
        &expect![[r#"
            a rejected: No price is known for the instrument yet.
            b accepted
            b fills 3 @ 100 taker
            b fills 1 @ 101 taker
            b fills 1 @ 102 taker
            c accepted
            c fills 8 @ 102 taker
            c canceled
            0 open
        "#]],
    );
}

#[test]
fn with_quotes_a_taker_gets_what_is_displayed_once() {
    check(
        "quote 99x5 101x3
         a: buy 2 @ market
         b: buy 2 @ 101
         quote 98x5 101x3
         c: sell 6 @ market
         quote 98x7 101x4",
        &expect![[r#"
            a accepted
            a fills 2 @ 101 taker
            b accepted
            b fills 1 @ 101 taker
            c accepted
            c fills 5 @ 98 taker
            b fills 1 @ 101 maker
            c fills 1 @ 98 taker
            0 open
        "#]],
    );
}

#[test]
fn with_a_book_a_taker_walks_it() {
    check(
        "book 99x5,98x5 101x2,102x2,105x9
         a: buy 5 @ market
         b: buy 5 @ 105 fok
         c: buy 9 @ 105 fok
         change - 101x2
         d: buy 9 @ 102 ioc",
        &expect![[r#"
            a accepted
            a fills 2 @ 101 taker
            a fills 2 @ 102 taker
            a fills 1 @ 105 taker
            b accepted
            b fills 5 @ 105 taker
            c accepted
            c canceled
            d accepted
            d fills 2 @ 101 taker
            d canceled
            0 open
        "#]],
    );
}

#[test]
fn a_maker_fills_when_the_market_passes_its_price() {
    check(
        "trade 100 x5
         a: buy 3 @ 99
         b: buy 3 @ 98
         trade 99 x9
         trade 97 x4",
        &expect![[r#"
            a accepted
            b accepted
            a fills 3 @ 99 maker
            b fills 1 @ 98 maker
            1 open
        "#]],
    );
}

#[test]
fn touch_may_be_taken_for_a_fill() {
    let model = FillModel { touch: Touch::Always, ..FillModel::default() };
    expect![[r#"
        a accepted
        a fills 2 @ 99 maker
        a fills 1 @ 99 maker
        0 open
    "#]]
    .assert_eq(&run(
        model,
        "trade 100 x5\na: buy 3 @ 99\ntrade 99 x2\ntrade 99 x9 buy\ntrade 99 x9 sell",
    ));
}

#[test]
fn a_maker_at_the_touch_waits_for_its_queue() {
    check(
        "quote 99x5 101x5
         a: buy 3 @ 99
         trade 99 x4 sell
         trade 99 x4 buy
         trade 99 x2 sell
         quote 99x1 101x5
         trade 99 x9 sell",
        &expect![[r#"
            a accepted
            a fills 1 @ 99 maker
            a fills 2 @ 99 maker
            0 open
        "#]],
    );
}

#[test]
fn a_maker_inside_the_spread_is_first() {
    check(
        "quote 99x5 101x5\na: buy 3 @ 100\ntrade 100 x2 sell",
        &expect![[r#"
            a accepted
            a fills 2 @ 100 maker
            1 open
        "#]],
    );
}

#[test]
fn an_offer_that_comes_to_a_maker_fills_it_at_its_price() {
    check(
        "quote 99x5 103x5
         a: buy 3 @ 101
         b: buy 3 @ 102
         quote 99x5 100x4",
        &expect![[r#"
            a accepted
            b accepted
            b fills 3 @ 102 maker
            a fills 1 @ 101 maker
            1 open
        "#]],
    );
}

#[test]
fn own_orders_do_not_meet_each_other() {
    check(
        "trade 100 x1\na: buy 3 @ 99\nb: sell 3 @ 98 ioc",
        &expect![[r#"
            a accepted
            b accepted
            b fills 1 @ 100 taker
            b canceled
            1 open
        "#]],
    );
}

#[test]
fn post_only_never_takes() {
    check(
        "quote 99x5 101x5
         a: buy 1 @ 101 post
         b: buy 1 @ 100 post
         amend b 1 @ 101",
        &expect![[r#"
            a rejected: Order would immediately match and take.
            b accepted
            b refused: Order would immediately match and take.
            1 open
        "#]],
    );
}

#[test]
fn stops_fire_at_prints_and_then_take() {
    check(
        "trade 100 x9
         a: buy 2 stop 103
         b: sell 2 stop 97
         c: sell 1 take 102
         trade 102 x9
         trade 103 x1
         trade 104 x5
         trade 96 x9",
        &expect![[r#"
            a accepted
            b accepted
            c accepted
            c triggered
            c fills 1 @ 102 taker
            a triggered
            a fills 1 @ 103 taker
            a fills 1 @ 104 taker
            b triggered
            b fills 2 @ 96 taker
            0 open
        "#]],
    );
}

#[test]
fn without_prints_triggers_look_at_what_they_would_take() {
    check(
        "quote 99x5 101x5\na: buy 2 stop 103\nquote 101x5 103x1\nquote 101x5 104x9",
        &expect![[r#"
            a accepted
            a triggered
            a fills 1 @ 103 taker
            a fills 1 @ 104 taker
            0 open
        "#]],
    );
}

#[test]
fn a_stop_limit_rests_at_its_limit() {
    check(
        "trade 100 x9\na: buy 2 stop 103 @ 103\ntrade 105 x9\ntrade 102 x1\ntrade 102 x5",
        &expect![[r#"
            a accepted
            a triggered
            a fills 1 @ 103 maker
            a fills 1 @ 103 maker
            0 open
        "#]],
    );
}

#[test]
fn a_trailing_stop_follows_and_does_not_come_back() {
    check(
        "trade 100 x9
         a: sell 1 trail 3
         b: sell 1 trail 250bp
         trade 110 x9
         trade 108 x9
         trade 107 x9",
        &expect![[r#"
            a accepted
            b accepted
            a triggered
            a fills 1 @ 107 taker
            b triggered
            b fills 1 @ 107 taker
            0 open
        "#]],
    );
}

#[test]
fn a_bar_is_a_path() {
    check(
        "bar 100 101 99 100 x40
         a: buy 2 stop 105
         b: buy 2 @ 95
         c: sell 2 stop 97
         bar 100 110 94 108 x40",
        &expect![[r#"
            a accepted
            b accepted
            c accepted
            c triggered
            c fills 2 @ 97 taker
            b fills 2 @ 95 maker
            a triggered
            a fills 2 @ 105 taker
            0 open
        "#]],
    );
}

#[test]
fn a_gap_fills_a_stop_at_the_open() {
    check(
        "bar 100 101 99 100 x40\na: sell 2 stop 97\nbar 90 92 89 91 x40",
        &expect![[r#"
            a accepted
            a triggered
            a fills 2 @ 90 taker
            0 open
        "#]],
    );
}

#[test]
fn bars_offer_nothing_where_there_are_trades() {
    check(
        "trade 100 x1\na: buy 5 @ 99\nbar 100 110 90 100 x40",
        &expect![[r#"
            a accepted
            1 open
        "#]],
    );
}

#[test]
fn reduce_only_is_clipped_at_fill_time() {
    check(
        "trade 100 x9
         a: sell 1 @ 105 reduce
         b: buy 3 @ market
         c: sell 3 @ 104 reduce
         d: sell 9 @ 105 reduce
         trade 106 x9",
        &expect![[r#"
            a rejected: ReduceOnly order is rejected: there is no position to reduce.
            b accepted
            b fills 3 @ 100 taker
            c accepted
            d accepted
            c fills 3 @ 104 maker
            d canceled
            0 open
        "#]],
    );
}

#[test]
fn changes_keep_or_lose_their_place() {
    check(
        "quote 99x0 110x1
         a: buy 3 @ 100
         b: buy 3 @ 100
         amend a 2
         trade 100 x1 sell
         amend a 4
         trade 100 x3 sell
         amend a 1
         cancel a
         cancel a",
        &expect![[r#"
            a accepted
            b accepted
            a amended to 2 Limit(Price(100))
            a fills 1 @ 100 maker
            a amended to 4 Limit(Price(100))
            b fills 3 @ 100 maker
            a refused: The new quantity is filled already.
            a canceled
            a refused: Unknown order sent.
            0 open
        "#]],
    );
}

#[test]
fn an_order_of_limited_time_expires() {
    check(
        "trade 100 x1\na: buy 1 @ 90 gtd:50\nclock 49\nclock 50",
        &expect![[r#"
            a accepted
            a expired
            0 open
        "#]],
    );
}

#[test]
fn an_id_that_is_in_use_is_rejected() {
    check(
        "trade 100 x1\na: buy 1 @ 90\na: buy 1 @ 91",
        &expect![[r#"
        a accepted
        a rejected: Duplicate order sent.
        1 open
    "#]],
    );
}
