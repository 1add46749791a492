//! What a run may choose: queues, what is beyond the visible, triggers, paths of bars, fees,
//! closings.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId},
    intent::TimeInForce,
    market::{DepthUpdate, MarketData, MarketEvent, Side, Trade},
    matching::{
        BarPath, Beyond, Closing, Exchange, FeeSchedule, FeeScheduleError, FeeTier, FillModel,
        Maintenance, MaintenanceError, QueueModel, Split, TriggerSource,
    },
    num::{Money, Price, Quantity},
    order::{Order, OrderKind, Report, ReportKind},
    time::UnixNanos,
};

use crate::script::{instrument, instrument_with_step, money, rate, run, run_on};

fn check(model: FillModel, script: &str, expected: &Expect) {
    expected.assert_eq(&run(model, script));
}

fn queue(queue: QueueModel) -> FillModel {
    FillModel { queue, ..FillModel::default() }
}

/// 40 stand before us, 40 come behind us, 40 leave without a trade; then 30 trade.
const LEAVING: &str = "book 99x40 101x5
     a: buy 50 @ 99
     change 99x80 -
     change 99x40 -
     trade 99 x30 sell";

#[test]
fn the_conservative_queue_moves_by_trades_and_by_what_cannot_be_behind() {
    // All 40 that left were behind us: 40 before us, 30 of them traded.
    check(
        queue(QueueModel::Conservative),
        LEAVING,
        &expect![[r#"
            a accepted
            1 open
        "#]],
    );
    // Once 5 are left of 40, no more than 5 can be before us.
    check(
        queue(QueueModel::Conservative),
        "book 99x40 101x5\na: buy 50 @ 99\nchange 99x5 -\ntrade 99 x8 sell",
        &expect![[r#"
            a accepted
            a fills 3 @ 99 maker
            1 open
        "#]],
    );
}

#[test]
fn the_probable_queue_splits_what_leaves() {
    // As many before as behind: half of the 40 were before us, and 20 are left of them.
    for split in [Split::Power(1), Split::Power(3), Split::Log] {
        check(
            queue(QueueModel::Probable(split)),
            LEAVING,
            &expect![[r#"
                a accepted
                a fills 10 @ 99 maker
                1 open
            "#]],
        );
    }
}

#[test]
fn a_power_takes_more_from_the_longer_part() {
    // 30 before, 10 behind, 8 leave: 3/4 or 9/10 of them were before us.
    let script = "book 99x30 101x5
         a: buy 50 @ 99
         change 99x40 -
         change 99x32 -
         trade 99 x30 sell";
    for (split, expected) in [
        (Split::Power(1), "a accepted\na fills 6 @ 99 maker\n1 open\n"),
        (Split::Power(2), "a accepted\na fills 7 @ 99 maker\n1 open\n"),
    ] {
        assert_eq!(run(queue(QueueModel::Probable(split)), script), expected, "{split:?}");
    }
}

#[test]
fn what_traded_did_not_leave() {
    // 20 traded and the level shrank by 20: nobody canceled.
    check(
        queue(QueueModel::Probable(Split::Power(1))),
        "book 99x40 101x5
         a: buy 50 @ 99
         change 99x80 -
         trade 99 x20 sell
         change 99x60 -
         trade 99 x25 sell",
        &expect![[r#"
            a accepted
            a fills 5 @ 99 maker
            1 open
        "#]],
    );
}

#[test]
fn a_later_own_order_never_gets_before_an_earlier_one() {
    check(
        queue(QueueModel::Probable(Split::Power(8))),
        "book 99x49 101x5
         a: buy 5 @ 99
         change 99x51 -
         b: buy 5 @ 99
         change 99x100 -
         change 99x50 -
         trade 99 x50 sell",
        &expect![[r#"
            a accepted
            b accepted
            a fills 5 @ 99 maker
            b fills 5 @ 99 maker
            0 open
        "#]],
    );
}

const TEN_BASIS_POINTS: FillModel = FillModel {
    touch: sandpit_core::matching::Touch::Never,
    queue: QueueModel::Conservative,
    beyond: Beyond::Levels { basis_points: 100 },
    triggers: TriggerSource::Last,
    bars: BarPath::NearerFirst,
    fees: None,
    maintenance: Maintenance::NONE,
    instruments: std::collections::BTreeMap::new(),
};

#[test]
fn beyond_the_visible_a_market_order_pays_more_with_each_level() {
    // Two levels of 4 on average; each further one costs 1 % of 1010 more, rounded up to the tick.
    check(
        TEN_BASIS_POINTS,
        "book 990x5 1000x5,1010x3
         a: buy 15 @ market
         b: buy 3 @ market ioc
         c: sell 12 @ market",
        &expect![[r#"
            a accepted
            a fills 5 @ 1000 taker
            a fills 3 @ 1010 taker
            a fills 4 @ 1021 taker
            a fills 3 @ 1031 taker
            b accepted
            b fills 1 @ 1031 taker
            b fills 2 @ 1041 taker
            c accepted
            c fills 5 @ 990 taker
            c fills 5 @ 980 taker
            c fills 2 @ 970 taker
            0 open
        "#]],
    );
}

#[test]
fn limits_and_all_or_nothing_hold_beyond_the_visible() {
    check(
        TEN_BASIS_POINTS,
        "quote 990x5 1000x4
         a: buy 13 @ 1020 fok
         b: buy 12 @ 1020 fok
         c: buy 9 @ 1015 ioc
         quote 990x5 1000x2
         d: buy 9 @ 1010",
        &expect![[r#"
            a accepted
            a canceled
            b accepted
            b fills 4 @ 1000 taker
            b fills 4 @ 1010 taker
            b fills 4 @ 1020 taker
            c accepted
            c canceled
            d accepted
            d fills 2 @ 1000 taker
            d fills 2 @ 1010 taker
            1 open
        "#]],
    );
}

#[test]
fn what_was_taken_beyond_is_not_there_again_before_the_market_says_something_new() {
    check(
        TEN_BASIS_POINTS,
        "trade 1000 x2
         a: buy 4 @ market
         b: buy 1 @ 1010 ioc
         trade 1000 x2
         c: buy 3 @ market",
        &expect![[r#"
            a accepted
            a fills 2 @ 1000 taker
            a fills 2 @ 1010 taker
            b accepted
            b canceled
            c accepted
            c fills 2 @ 1000 taker
            c fills 1 @ 1010 taker
            0 open
        "#]],
    );
}

#[test]
fn what_nobody_showed_does_not_come_to_a_maker() {
    check(
        TEN_BASIS_POINTS,
        "quote 990x5 1100x4\na: buy 9 @ 1050\nquote 990x5 1000x4",
        &expect![[r#"
            a accepted
            a fills 4 @ 1050 maker
            1 open
        "#]],
    );
}

#[test]
fn levels_beyond_end_above_zero() {
    check(
        FillModel { beyond: Beyond::Levels { basis_points: 5_000 }, ..FillModel::default() },
        "quote 10x5 12x5\na: sell 100 @ market",
        &expect![[r#"
            a accepted
            a fills 5 @ 10 taker
            a fills 5 @ 5 taker
            1 open
        "#]],
    );
}

#[test]
fn triggers_look_where_they_are_told() {
    // A print at 105 is no ask; the ask at 106 is no print; the mark comes last.
    let script = "trade 100 x9
         quote 99x9 101x9
         mark 100
         a: buy 1 stop 105
         trade 105 x9
         quote 99x9 106x9
         mark 105";
    for (triggers, expected) in [
        (TriggerSource::Last, "a accepted\na triggered\na fills 1 @ 101 taker\n0 open\n"),
        (TriggerSource::Quotes, "a accepted\na triggered\na fills 1 @ 106 taker\n0 open\n"),
        (TriggerSource::Mark, "a accepted\na triggered\na fills 1 @ 106 taker\n0 open\n"),
    ] {
        let model = FillModel { triggers, ..FillModel::default() };
        assert_eq!(run(model, script), expected, "{triggers:?}");
    }
    // Without its last line the mark has not moved.
    let without_mark = script.rsplit_once('\n').unwrap().0;
    let model = FillModel { triggers: TriggerSource::Mark, ..FillModel::default() };
    assert_eq!(run(model, without_mark), "a accepted\n1 open\n");
}

#[test]
fn until_there_is_a_mark_triggers_look_at_prints() {
    let model = FillModel { triggers: TriggerSource::Mark, ..FillModel::default() };
    check(
        model,
        "trade 100 x9\na: buy 1 stop 105\ntrade 105 x9",
        &expect![[r#"
            a accepted
            a triggered
            a fills 1 @ 105 taker
            0 open
        "#]],
    );
}

#[test]
fn the_path_of_a_bar_decides_what_comes_first() {
    // The open is nearer to the high.
    let script = "bar 100 101 99 100 x40
         a: buy 2 stop 103
         b: sell 2 stop 95
         bar 100 104 90 100 x40";
    for (bars, first) in
        [(BarPath::NearerFirst, "a"), (BarPath::HighFirst, "a"), (BarPath::LowFirst, "b")]
    {
        let out = run(FillModel { bars, ..FillModel::default() }, script);
        let triggered = out.lines().find(|line| line.ends_with("triggered")).unwrap();
        assert!(triggered.starts_with(first), "{bars:?}: {out}");
    }
}

fn closed(from: u64, to: u64, cancels: bool) -> FillModel {
    let closing = Closing { from: UnixNanos(from), to: UnixNanos(to) };
    let maintenance = Maintenance::new(vec![closing], cancels).unwrap();
    FillModel { maintenance, ..FillModel::default() }
}

#[test]
fn a_closed_venue_refuses_and_does_not_match() {
    // Lines are numbered from 1, and each is one moment.
    check(
        closed(4, 10, false),
        "trade 100 x5
         a: buy 3 @ 99 gtd:6
         b: buy 3 @ 98
         c: buy 1 @ market
         cancel b
         amend b 2
         clock 7
         trade 90 x50
         clock 9
         clock 10
         trade 97 x2",
        &expect![[r#"
            a accepted
            b accepted
            c rejected: The venue is under maintenance.
            b refused: The venue is under maintenance.
            b refused: The venue is under maintenance.
            a expired
            b fills 2 @ 98 maker
            1 open
        "#]],
    );
}

#[test]
fn a_closing_may_cancel_what_rests() {
    check(
        closed(4, 6, true),
        "trade 100 x5
         a: buy 3 @ 99
         clock 3
         clock 4
         b: buy 3 @ 98
         c: buy 3 @ 97",
        &expect![[r#"
            a accepted
            a canceled
            b rejected: The venue is under maintenance.
            c accepted
            1 open
        "#]],
    );
}

#[test]
fn the_next_end_waits_for_the_venue_to_open() {
    let mut venue = Exchange::new(&[instrument()], closed(50, 90, false));
    let mut out = Vec::new();
    let mut order = limit(1, Side::Buy, 99, 1);
    for (until, end) in [(40, 40), (60, 90), (90, 90), (95, 95)] {
        order.time_in_force = TimeInForce::Gtd(UnixNanos(until));
        order.id.sequence += 1;
        venue.submit(order.clone(), UnixNanos(1), &mut out);
        assert_eq!(venue.next_expiry(), Some(UnixNanos(end)));
        venue.cancel(InstrumentId(0), order.id, UnixNanos(2), &mut out);
    }
}

#[test]
fn closings_must_make_a_plan() {
    let closing = |from, to| Closing { from: UnixNanos(from), to: UnixNanos(to) };
    for (closings, ok) in [
        (vec![], true),
        (vec![closing(1, 2), closing(2, 3)], true),
        (vec![closing(2, 2)], false),
        (vec![closing(1, 3), closing(2, 4)], false),
        (vec![closing(3, 4), closing(1, 2)], false),
    ] {
        let made = Maintenance::new(closings, false);
        assert_eq!(made.is_ok(), ok);
        assert!(ok || made == Err(MaintenanceError::Order));
    }
}

fn tier(from: &str, maker: &str, taker: &str) -> FeeTier {
    FeeTier { from: money(from), maker: rate(maker), taker: rate(taker) }
}

#[test]
fn a_schedule_has_rising_notionals_and_falling_rates() {
    let make = |days, tiers| FeeSchedule::new(days, tiers);
    let two = |second| make(30, vec![tier("0", "0.001", "0.002"), second]);
    assert!(two(tier("100", "-0.001", "0.002")).is_ok());
    for (made, error) in [
        (make(0, vec![tier("0", "0", "0")]), FeeScheduleError::Window),
        (make(367, vec![tier("0", "0", "0")]), FeeScheduleError::Window),
        (make(30, vec![]), FeeScheduleError::Count),
        (make(30, vec![tier("0", "0", "0"); 65]), FeeScheduleError::Count),
        (make(30, vec![tier("1", "0", "0")]), FeeScheduleError::Order),
        (two(tier("0", "0", "0")), FeeScheduleError::Order),
        (two(tier("100", "0.0011", "0.002")), FeeScheduleError::Rising),
        (two(tier("100", "0.001", "0.0021")), FeeScheduleError::Rising),
    ] {
        assert_eq!(made, Err(error));
    }
}

/// Fees of one taker fill of notional 1,000 on each of these days.
fn fees(days: &[u64]) -> Vec<String> {
    const DAY: u64 = 86_400 * 1_000_000_000;
    let tiers = vec![
        tier("0", "0.001", "0.002"),
        tier("1000", "0.0005", "0.001"),
        tier("2000", "-0.0001", "0.0004"),
    ];
    let fees = Some(FeeSchedule::new(2, tiers).unwrap());
    let model = FillModel { fees, ..FillModel::default() };
    let mut venue = Exchange::new(&[instrument()], model);
    let mut paid = Vec::new();
    for (sequence, day) in (0..).zip(days) {
        let (now, mut out) = (UnixNanos(day * DAY + 5), Vec::new());
        let print = Trade { price: Price(100), quantity: Quantity(10), aggressor: None, id: 0 };
        venue.market(&event(now.0, MarketData::Trade(print)), &mut out);
        venue.submit(limit(sequence, Side::Buy, 100, 10), now, &mut out);
        paid.extend(out.iter().filter_map(|report| match &report.kind {
            ReportKind::Filled(fill) => Some(fill.fee.to_string()),
            _ => None,
        }));
    }
    paid
}

#[test]
fn fees_fall_with_what_was_traded_on_the_days_before() {
    // Two trades on the first day; they count for two days, and not on their own.
    assert_eq!(fees(&[10, 10, 11, 12, 13, 20]), ["2.00", "2.00", "0.40", "0.40", "0.40", "2.00"]);
    assert_eq!(fees(&[10, 11, 12, 13, 14]), ["2.00", "1.00", "0.40", "0.40", "0.40"]);
    assert_eq!(fees(&[10, 13, 15]), ["2.00", "2.00", "1.00"]);
}

proptest! {
    /// Whoever has traded more never pays more.
    #[test]
    fn a_tier_is_monotone(less in 0i128..10_000, more in 0i128..10_000) {
        let tiers = vec![
            tier("0", "0.001", "0.002"),
            tier("1000", "0.0005", "0.001"),
            tier("5000", "0.0005", "0.0009"),
        ];
        let schedule = FeeSchedule::new(30, tiers).unwrap();
        let unit = 10i128.pow(18);
        let low = schedule.tier(Money(less * unit));
        let high = schedule.tier(Money((less + more) * unit));
        prop_assert!(high.maker <= low.maker && high.taker <= low.taker);
        prop_assert!(low.from <= Money(less * unit));
    }

    /// Of one order on any market, the probable queue gives at least what the conservative one
    /// gives, and neither more than traded.
    #[test]
    fn a_probable_queue_fills_at_least_what_a_conservative_one_fills(
        first in 0i64..100,
        events in prop::collection::vec((0u8..3, 1i64..60), 0..80),
        n in 1u8..=Split::POWER_MAX,
    ) {
        let mut filled = Vec::new();
        for model in [
            QueueModel::Conservative,
            QueueModel::Probable(Split::Power(n)),
            QueueModel::Probable(Split::Log),
        ] {
            let mut venue = Exchange::new(&[instrument()], queue(model));
            let mut out = Vec::new();
            venue.market(&book(1, true, first), &mut out);
            venue.submit(limit(1, Side::Buy, 99, 500), UnixNanos(1), &mut out);
            let mut traded = 0;
            for (what, quantity) in &events {
                let event = match what {
                    0 | 1 => book(2, false, *quantity),
                    _ => {
                        traded += quantity;
                        event(2, MarketData::Trade(Trade {
                            price: Price(99),
                            quantity: Quantity(*quantity),
                            aggressor: Some(Side::Sell),
                            id: 0,
                        }))
                    }
                };
                venue.market(&event, &mut out);
            }
            let got: i64 = out.iter().filter_map(quantity_of).sum();
            prop_assert!(got <= traded);
            filled.push(got);
        }
        prop_assert!(filled[0] <= filled[1] && filled[0] <= filled[2], "{filled:?}");
    }
}

fn quantity_of(report: &Report) -> Option<i64> {
    match &report.kind {
        ReportKind::Filled(fill) => Some(fill.quantity.0),
        _ => None,
    }
}

fn book(time: u64, snapshot: bool, quantity: i64) -> MarketEvent {
    let bids = vec![(Price(99), Quantity(quantity))];
    let asks = if snapshot { vec![(Price(101), Quantity(5))] } else { Vec::new() };
    let update = DepthUpdate {
        snapshot,
        first_sequence: 0,
        last_sequence: 0,
        previous_sequence: 0,
        bids,
        asks,
    };
    event(time, MarketData::Depth(Box::new(update)))
}

fn event(time: u64, data: MarketData) -> MarketEvent {
    let time = UnixNanos(time);
    MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data }
}

fn limit(sequence: u64, side: Side, price: i64, quantity: i64) -> Order {
    Order {
        id: ClientOrderId { sequence, plugin: PluginId(0), run: RunId(0) },
        tag: OrderTag(sequence),
        instrument: InstrumentId(0),
        side,
        quantity: Quantity(quantity),
        kind: OrderKind::Limit(Price(price)),
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    }
}

#[test]
fn levels_beyond_are_whole_steps() {
    let model = FillModel { beyond: Beyond::Levels { basis_points: 1 }, ..FillModel::default() };
    expect![[r#"
        a accepted
        a fills 10 @ 101 taker
        a fills 10 @ 102 taker
        a fills 10 @ 103 taker
        0 open
    "#]]
    .assert_eq(&run_on(instrument_with_step(10), model, "quote 99x50 101x15\na: buy 30 @ market"));
}
