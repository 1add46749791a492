//! Perpetuals at the venue: funding, margin, liquidation.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId},
    intent::TimeInForce,
    market::{Funding, MarketData, MarketEvent, Quote, Side},
    matching::{
        Exchange, FillModel, InstrumentModel, MarginError, MarginRules, MarginTier, TriggerSource,
    },
    num::{Money, Price, Quantity, Rate},
    order::{Order, OrderKind, ReportKind},
    time::UnixNanos,
};

use crate::script::{instrument, money, rate, run};

const INSTRUMENT: InstrumentId = InstrumentId(0);
const LONG: PluginId = PluginId(0);
const SHORT: PluginId = PluginId(1);

fn tiers() -> Vec<MarginTier> {
    vec![
        MarginTier { from: Money::ZERO, rate: rate("0.05") },
        MarginTier { from: money("1000"), rate: rate("0.08") },
    ]
}

/// Ten times the money; the fee of a liquidation is one percent.
fn model() -> FillModel {
    let margin = Some(MarginRules::new(10, rate("0.01"), tiers()).unwrap());
    let own = InstrumentModel { margin, triggers: None };
    FillModel { instruments: BTreeMap::from([(INSTRUMENT, own)]), ..FillModel::default() }
}

fn check(script: &str, expected: &Expect) {
    expected.assert_eq(&run(model(), script));
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let rules = |leverage, fee: &str, tiers| MarginRules::new(leverage, rate(fee), tiers);
    let tier = |from: &str, part: &str| MarginTier { from: money(from), rate: rate(part) };
    for (made, error) in [
        (rules(0, "0", tiers()), MarginError::Leverage),
        (rules(1_001, "0", tiers()), MarginError::Leverage),
        (rules(10, "-0.1", tiers()), MarginError::Fee),
        (rules(10, "1.1", tiers()), MarginError::Fee),
        (rules(10, "0", vec![]), MarginError::Count),
        (rules(10, "0", vec![tier("1", "0.05")]), MarginError::Order),
        (rules(10, "0", vec![tier("0", "0.05"), tier("0", "0.06")]), MarginError::Order),
        (rules(10, "0", vec![tier("0", "0.05"), tier("5", "0.04")]), MarginError::Rate),
        (rules(10, "0", vec![tier("0", "0.1")]), MarginError::Rate),
        (rules(10, "0", vec![tier("0", "0")]), MarginError::Rate),
    ] {
        assert_eq!(made, Err(error));
    }
    assert!(rules(10, "1", vec![tier("0", "0.099999")]).is_ok());
}

#[test]
fn each_tier_has_its_rate_on_its_part() {
    let rules = MarginRules::new(10, Rate(0), tiers()).unwrap();
    for (notional, initial, maintenance) in [
        ("0", "0", "0"),
        ("1000", "100", "50"),
        ("-1000", "100", "50"),
        // 1000 × 0.05 + 500 × 0.08, which venues write as 1500 × 0.08 − 30.
        ("1500", "150", "90"),
    ] {
        assert_eq!(rules.initial(money(notional)), money(initial), "{notional}");
        assert_eq!(rules.maintenance(money(notional)), money(maintenance), "{notional}");
    }
}

#[test]
fn an_order_needs_its_initial_margin() {
    // 50 of money carry a position of 500: five at a hundred.
    check(
        "mark 100
         trade 100 x100
         a: buy 1 @ market
         fund 50
         b: buy 6 @ 99
         c: buy 5 @ 99
         d: buy 1 @ 98
         e: sell 5 @ 110
         f: sell 1 @ 110",
        &expect![[r#"
            a rejected: Margin is insufficient.
            b rejected: Margin is insufficient.
            c accepted
            d rejected: Margin is insufficient.
            e accepted
            f rejected: Margin is insufficient.
            2 open
        "#]],
    );
}

#[test]
fn what_shrinks_or_ends_gives_margin_back() {
    check(
        "mark 100
         trade 100 x100
         fund 50
         a: buy 5 @ market
         b: buy 1 @ 99
         c: sell 10 @ 110
         d: sell 1 @ 111
         e: sell 5 @ 111 reduce
         cancel c
         f: sell 9 @ 110
         amend f 10
         amend f 11",
        &expect![[r#"
            a accepted
            a fills 5 @ 100 taker
            b rejected: Margin is insufficient.
            c accepted
            d rejected: Margin is insufficient.
            e accepted
            c canceled
            f accepted
            f amended to 10 Limit(Price(110))
            f refused: Margin is insufficient.
            2 open
        "#]],
    );
}

#[test]
fn a_position_is_closed_with_the_best_offers() {
    // 50 of money on 500: maintenance is 5 % of the value. At 94 there are 20 left and 23.5 are
    // needed. Nothing of them is left at 90; down to there the bids are taken.
    check(
        "mark 100
         quote 99x50 100x50
         fund 50
         a: buy 5 @ market
         b: sell 5 @ 120
         mark 95
         quote 93x2 100x50
         mark 94",
        &expect![[r#"
            a accepted
            a fills 5 @ 100 taker
            b accepted
            b canceled
            plugin 0 liquidated: Sell 2 @ 93, fee 0.00
            plugin 0 liquidated: Sell 3 @ 90, fee 4.56
            0 open
        "#]],
    );
}

#[test]
fn the_fee_of_a_liquidation_makes_no_debt() {
    // No bids above 90: all is closed there, and nothing is left for the fee.
    check(
        "mark 100
         quote 99x50 100x50
         fund 50
         a: buy 5 @ market
         quote 80x50 100x50
         mark 94",
        &expect![[r#"
            a accepted
            a fills 5 @ 100 taker
            plugin 0 liquidated: Sell 5 @ 90, fee 0.00
            0 open
        "#]],
    );
}

#[test]
fn a_short_position_is_liquidated_as_the_market_rises() {
    check(
        "mark 100
         quote 100x50 101x50
         FUND 50
         A: sell 5 @ market
         quote 100x50 106x3
         mark 106",
        &expect![[r#"
            A accepted
            A fills 5 @ 100 taker
            plugin 1 liquidated: Buy 3 @ 106, fee 0.00
            plugin 1 liquidated: Buy 2 @ 110, fee 5.38
            0 open
        "#]],
    );
}

#[test]
fn without_marks_the_last_print_values_a_position() {
    check(
        "trade 100 x50\nfund 50\na: buy 5 @ market\ntrade 95 x50\ntrade 94 x50",
        &expect![[r#"
            a accepted
            a fills 5 @ 100 taker
            plugin 0 liquidated: Sell 5 @ 94, fee 4.70
            0 open
        "#]],
    );
}

#[test]
fn funding_can_use_up_a_margin() {
    check(
        "mark 100\nquote 99x50 100x50\nfund 50\na: buy 5 @ market\nfunding 0.04 100\nfunding 0.02 100",
        &expect![[r#"
            a accepted
            a fills 5 @ 100 taker
            plugin 0 liquidated: Sell 5 @ 99, fee 4.95
            0 open
        "#]],
    );
}

#[test]
fn triggers_may_differ_by_instrument() {
    let own = InstrumentModel { triggers: Some(TriggerSource::Mark), margin: None };
    let model =
        FillModel { instruments: BTreeMap::from([(INSTRUMENT, own)]), ..FillModel::default() };
    let out = run(model, "mark 100\ntrade 100 x9\na: buy 1 stop 105\ntrade 105 x9");
    assert_eq!(out, "a accepted\n1 open\n");
}

fn event(data: MarketData) -> MarketEvent {
    let time = UnixNanos(1);
    MarketEvent { instrument: INSTRUMENT, time, venue_time: time, data }
}

fn market_order(sequence: u64, plugin: PluginId, side: Side, quantity: i64) -> Order {
    Order {
        id: ClientOrderId { sequence, plugin, run: RunId(0) },
        tag: OrderTag(sequence),
        instrument: INSTRUMENT,
        side,
        quantity: Quantity(quantity),
        kind: OrderKind::Market,
        time_in_force: TimeInForce::Ioc,
        post_only: false,
        reduce_only: false,
    }
}

fn quote(bid: i64, ask: i64, quantity: i64) -> MarketEvent {
    event(MarketData::Quote(Quote {
        bid_price: Price(bid),
        bid_quantity: Quantity(quantity),
        ask_price: Price(ask),
        ask_quantity: Quantity(quantity),
    }))
}

proptest! {
    /// What longs pay, shorts of the same size get, to the last digit.
    #[test]
    fn funding_is_paid_from_one_to_the_other(
        raw_rate in -Rate::MAX..=Rate::MAX,
        mark in 1i64..1_000_000_000,
        quantity in 1i64..1_000_000,
    ) {
        let funding = Funding { rate: Rate(raw_rate), mark: Price(mark) };
        let rules = instrument();
        let paid = |quantity| rules.funding(Quantity(quantity), &funding).unwrap();
        prop_assert_eq!(paid(quantity) + paid(-quantity), Money::ZERO);
        prop_assert_eq!(paid(quantity) > Money::ZERO, raw_rate > 0);
    }

    /// The same at the venue, through fills and fundings of a long and a short.
    #[test]
    fn the_venue_keeps_no_funding(
        quantity in 1i64..50,
        fundings in prop::collection::vec((-1_000_000_000i64..1_000_000_000, 1i64..1_000), 1..20),
    ) {
        let mut venue = Exchange::new(&[instrument()], FillModel::default());
        let mut out = Vec::new();
        venue.market(&quote(100, 101, 1_000), &mut out);
        venue.submit(market_order(1, LONG, Side::Buy, quantity), UnixNanos(1), &mut out);
        venue.submit(market_order(2, SHORT, Side::Sell, quantity), UnixNanos(1), &mut out);
        for (raw_rate, mark) in fundings {
            let funding = Funding { rate: Rate(raw_rate), mark: Price(mark) };
            venue.market(&event(MarketData::Funding(funding)), &mut out);
        }
        prop_assert_eq!(venue.position(LONG, INSTRUMENT), Quantity(quantity));
        prop_assert_eq!(venue.cash(LONG) + venue.cash(SHORT), Money::ZERO);
    }

    /// After a liquidation there is no position and no order, and no debt: what is left is
    /// nothing or more, and the money is where the fills say.
    #[test]
    fn a_liquidation_leaves_no_position_and_no_debt(
        funds in 1i64..2_000,
        buys in any::<bool>(),
        orders in prop::collection::vec(1i64..200, 1..8),
        moves in prop::collection::vec((1i64..2_000, 1i64..300), 1..12),
    ) {
        let mut venue = Exchange::new(&[instrument()], model());
        let (mut out, mut sequence) = (Vec::new(), 0);
        let unit = 10i128.pow(18);
        venue.fund(LONG, Money(i128::from(funds) * unit));
        venue.market(&event(MarketData::Mark(Price(1_000))), &mut out);
        let side = if buys { Side::Buy } else { Side::Sell };
        for quantity in orders {
            sequence += 1;
            venue.market(&quote(999, 1_001, quantity), &mut out);
            venue.submit(market_order(sequence, LONG, side, quantity), UnixNanos(1), &mut out);
        }
        let held: i64 = out
            .iter()
            .filter_map(|report| match &report.kind {
                ReportKind::Filled(fill) => Some(side.signed(fill.quantity).0),
                _ => None,
            })
            .sum();
        // Initial margin bounds what could be opened: ten times the money, by the mark.
        prop_assert!(i128::from(held.abs()) * 1_000 <= i128::from(funds) * 10);
        let mut rest = held;
        for (mark, shown) in moves {
            venue.market(&quote((mark - 1).max(1), mark + 1, shown), &mut out);
            venue.market(&event(MarketData::Mark(Price(mark))), &mut out);
            let liquidations = venue.take_liquidations();
            for liquidation in &liquidations {
                rest += liquidation.side.signed(liquidation.fill.quantity).0;
                prop_assert!(liquidation.fill.fee >= Money::ZERO);
            }
            if !liquidations.is_empty() {
                prop_assert_eq!(rest, 0);
                prop_assert_eq!(venue.open_orders(), 0);
                prop_assert!(venue.margin_equity(LONG) >= Money::ZERO);
            }
            prop_assert_eq!(venue.position(LONG, INSTRUMENT).0, rest);
            if rest == 0 {
                let balance = Money(i128::from(funds) * unit) + venue.cash(LONG);
                prop_assert_eq!(venue.margin_equity(LONG), balance);
            }
        }
    }
}
