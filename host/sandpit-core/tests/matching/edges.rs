//! Where rules meet each other, and numbers that no market has.

use expect_test::{Expect, expect};
use sandpit_core::matching::FillModel;

use crate::script::{instrument_with_step, run, run_on};

fn check(script: &str, expected: &Expect) {
    expected.assert_eq(&run(FillModel::default(), script));
}

#[test]
fn own_orders_share_what_comes_through_one_queue() {
    // Ten of others stand before both; two of twelve get past them.
    check(
        "quote 99x10 101x9
         a: buy 5 @ 99
         B: buy 5 @ 99
         trade 99 x12 sell
         trade 99 x4 sell",
        &expect![[r#"
            a accepted
            B accepted
            a fills 2 @ 99 maker
            a fills 3 @ 99 maker
            B fills 1 @ 99 maker
            1 open
        "#]],
    );
}

#[test]
fn what_a_better_own_order_took_does_not_serve_the_queue_behind() {
    check(
        "quote 99x10 103x9
         a: buy 5 @ 99
         b: buy 6 @ 100
         trade 99 x12 sell
         trade 99 x5 sell",
        &expect![[r#"
            a accepted
            b accepted
            b fills 6 @ 100 maker
            a fills 1 @ 99 maker
            1 open
        "#]],
    );
}

#[test]
fn a_price_that_was_passed_has_no_queue() {
    check(
        "quote 99x10 101x9
         a: buy 5 @ 99
         trade 98 x2 sell
         trade 99 x1 sell",
        &expect![[r#"
            a accepted
            a fills 2 @ 99 maker
            a fills 1 @ 99 maker
            1 open
        "#]],
    );
}

#[test]
fn a_change_without_a_book_offers_nothing() {
    check(
        "trade 100 x1
         a: buy 5 @ 99
         trade 99 x9
         change 99x5 101x5",
        &expect![[r#"
            a accepted
            1 open
        "#]],
    );
}

#[test]
fn a_level_that_a_new_book_says_again_is_not_refilled() {
    check(
        "book 99x5 101x3
         a: buy 3 @ 101 ioc
         book 99x6 101x3
         b: buy 1 @ 101 ioc
         book 99x5 101x4
         c: buy 9 @ 101 ioc",
        &expect![[r#"
            a accepted
            a fills 3 @ 101 taker
            b accepted
            b canceled
            c accepted
            c fills 4 @ 101 taker
            c canceled
            0 open
        "#]],
    );
}

#[test]
fn each_side_fires_at_its_own_offer() {
    check(
        "quote 99x5 101x5\na: buy 1 stop 103\nquote 0x0 104x5",
        &expect![[r#"
            a accepted
            a triggered
            a fills 1 @ 104 taker
            0 open
        "#]],
    );
}

#[test]
fn a_gap_improves_a_limit_to_the_open() {
    check(
        "bar 100 101 99 100 x40
         a: buy 2 @ 97 post
         b: buy 2 @ 89
         bar 90 92 88 91 x40",
        &expect![[r#"
            a accepted
            b accepted
            a fills 2 @ 90 maker
            b fills 2 @ 89 maker
            0 open
        "#]],
    );
}

#[test]
fn a_trailing_stop_is_met_on_a_bars_way() {
    check(
        "bar 100 101 99 100 x40\na: sell 2 trail 3\nbar 100 104 90 95 x40",
        &expect![[r#"
            a accepted
            a triggered
            a fills 2 @ 101 taker
            0 open
        "#]],
    );
}

#[test]
fn a_bar_without_volume_offers_one_largest_order_a_point() {
    check(
        "bar 100 101 99 100 x0\na: buy 1000 @ 100 ioc\nb: buy 1 @ 100 ioc",
        &expect![[r#"
            a accepted
            a fills 1000 @ 100 taker
            b accepted
            b canceled
            0 open
        "#]],
    );
}

#[test]
fn fills_are_whole_steps() {
    expect![[r#"
        a accepted
        a fills 20 @ 100 taker
        a fills 10 @ 100 taker
        b accepted
        1 open
    "#]]
    .assert_eq(&run_on(
        instrument_with_step(10),
        FillModel::default(),
        "bar 100 101 99 100 x51\na: buy 30 @ market\nbar 100 101 99 100 x50\nb: buy 30 @ 97",
    ));
    expect![[r#"
        a accepted
        a fills 10 @ 101 taker
        a fills 10 @ 102 taker
        b rejected: The quantity is not one of this instrument.
        c accepted
        c canceled
        0 open
    "#]]
    .assert_eq(&run_on(
        instrument_with_step(10),
        FillModel::default(),
        "book 99x50 101x15,102x19,103x3
         a: buy 20 @ market
         b: buy 15 @ market
         c: buy 10 @ market ioc",
    ));
}

#[test]
fn all_or_nothing_is_not_clipped() {
    check(
        "trade 100 x9
         a: buy 3 @ market
         b: sell 5 @ market fok reduce
         c: sell 3 @ market fok reduce",
        &expect![[r#"
            a accepted
            a fills 3 @ 100 taker
            b accepted
            b canceled
            c accepted
            c fills 3 @ 100 taker
            0 open
        "#]],
    );
}

#[test]
fn reducing_looks_at_the_own_plugins_position() {
    check(
        "trade 100 x9
         a: buy 3 @ market
         B: sell 1 @ market reduce
         B: sell 1 @ market
         C: buy 5 @ 101 reduce",
        &expect![[r#"
            a accepted
            a fills 3 @ 100 taker
            B rejected: ReduceOnly order is rejected: there is no position to reduce.
            B accepted
            B fills 1 @ 100 taker
            C accepted
            C fills 1 @ 100 taker
            C canceled
            0 open
        "#]],
    );
}

#[test]
fn an_order_that_arrives_after_its_time_does_nothing() {
    check(
        "trade 100 x9\na: buy 3 @ market gtd:2",
        &expect![[r#"
            a rejected: The order's time is over.
            0 open
        "#]],
    );
}

#[test]
fn post_only_is_for_limits_that_may_rest() {
    check(
        "trade 100 x9\na: buy 3 @ market post\nb: buy 3 stop 103 @ 104 post\nc: buy 3 @ 90 fok post",
        &expect![[r#"
            a rejected: Post-only is for limit orders that may rest.
            b rejected: Post-only is for limit orders that may rest.
            c rejected: Post-only is for limit orders that may rest.
            0 open
        "#]],
    );
}

#[test]
fn prints_that_cannot_be_are_passed_over() {
    check(
        "trade 100 x5
         a: buy 5 @ 99
         b: buy 2 stop 103
         c: sell 9 @ 100
         trade 98 x-5
         trade -98 x5
         trade -9223372036854775808 x9223372036854775807
         quote -5x5 -9223372036854775808x-3
         book -9223372036854775808x-9223372036854775808 99x-9223372036854775808
         bar -1 -1 -1 -1 x9
         trade 104 x9223372036854775807
         trade 9223372036854775807 x9223372036854775807",
        &expect![[r#"
            a accepted
            b accepted
            c accepted
            c fills 5 @ 100 taker
            c fills 4 @ 100 maker
            b triggered
            2 open
        "#]],
    );
}

#[test]
fn orders_that_cannot_be_are_rejected() {
    check(
        "trade 100 x5
         a: buy 0 @ 99
         b: buy -3 @ market
         c: buy 9223372036854775807 @ market
         d: buy 1 @ -9223372036854775808
         e: buy 1 @ 0
         f: sell 1 stop -1
         g: buy 1 @ 90
         amend g 9223372036854775807
         amend g 1 @ -9223372036854775808
         amend g 0",
        &expect![[r#"
            a rejected: The quantity is not one of this instrument.
            b rejected: The quantity is not one of this instrument.
            c rejected: The quantity is not one of this instrument.
            d rejected: The price is out of bounds.
            e rejected: The price is out of bounds.
            f rejected: The price is out of bounds.
            g accepted
            g refused: The quantity is not one of this instrument.
            g refused: The price is out of bounds.
            g refused: The quantity is not one of this instrument.
            1 open
        "#]],
    );
}

#[test]
fn no_more_is_before_a_maker_than_is_displayed() {
    // Fewer displayed: some before us left. More displayed: they came after us.
    check(
        "quote 99x10 101x5
         a: buy 3 @ 99
         quote 99x2 101x5
         quote 99x50 101x5
         trade 99 x4 sell",
        &expect![[r#"
            a accepted
            a fills 2 @ 99 maker
            1 open
        "#]],
    );
}

#[test]
fn a_book_tells_the_queue_away_from_the_touch() {
    check(
        "book 99x5,98x8,97x9 101x5
         a: buy 3 @ 98
         b: buy 1 @ 98
         c: buy 2 @ 97
         change 98x2 -
         trade 98 x4 sell
         trade 98 x2 sell
         book 96x5 101x5
         trade 97 x1 sell",
        &expect![[r#"
            a accepted
            b accepted
            c accepted
            a fills 2 @ 98 maker
            a fills 1 @ 98 maker
            b fills 1 @ 98 maker
            c fills 1 @ 97 maker
            1 open
        "#]],
    );
}

#[test]
fn market_orders_wait_in_the_order_of_their_arrival() {
    check(
        "trade 100 x1
         a: buy 2 @ market
         B: buy 2 @ market
         c: buy 2 @ market
         trade 101 x4",
        &expect![[r#"
            a accepted
            a fills 1 @ 100 taker
            B accepted
            c accepted
            a fills 1 @ 101 taker
            B fills 2 @ 101 taker
            c fills 1 @ 101 taker
            1 open
        "#]],
    );
}

#[test]
fn a_trigger_that_was_passed_on_the_way_fires_at_arrival() {
    check(
        "trade 100 x5\na: buy 1 stop 99\nb: sell 1 take 100\nc: sell 1 stop 99",
        &expect![[r#"
            a accepted
            a triggered
            a fills 1 @ 100 taker
            b accepted
            b triggered
            b fills 1 @ 100 taker
            c accepted
            1 open
        "#]],
    );
}

#[test]
fn a_spread_fires_no_order_of_the_other_side() {
    check(
        "quote 99x5 101x5
         a: sell 1 take 102
         b: buy 1 take 98
         quote 97x5 103x5
         quote 102x5 104x5
         quote 90x5 98x5",
        &expect![[r#"
            a accepted
            b accepted
            a triggered
            a fills 1 @ 102 taker
            b triggered
            b fills 1 @ 98 taker
            0 open
        "#]],
    );
}

#[test]
fn of_two_extremes_as_near_the_low_is_first() {
    check(
        "bar 100 100 100 100 x4\na: sell 1 @ 101\nb: sell 1 stop 99\nbar 100 102 98 100 x40",
        &expect![[r#"
            a accepted
            b accepted
            b triggered
            b fills 1 @ 99 taker
            a fills 1 @ 101 maker
            0 open
        "#]],
    );
}

#[test]
fn triggers_at_one_price_fire_in_the_order_of_their_arrival() {
    check(
        "trade 100 x9
         b: sell 1 stop 97
         a: sell 1 stop 97
         c: sell 1 stop 98
         trade 96 x9",
        &expect![[r#"
            b accepted
            a accepted
            c accepted
            c triggered
            c fills 1 @ 96 taker
            b triggered
            b fills 1 @ 96 taker
            a triggered
            a fills 1 @ 96 taker
            0 open
        "#]],
    );
}
