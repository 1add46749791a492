//! One line for each denial code: what passes just inside its bound, and what is denied just
//! outside. Codes of limits are tried in both scopes.

use std::collections::BTreeSet;

use sandpit_core::{
    engine::{Effect, Engine, EngineConfig, Record, VenueCapabilities},
    ids::InstrumentId,
    instrument::{Instrument, InstrumentSpec},
    num::{Decimal, Money, Quantity},
    risk::{
        BasisPoints, DenialCode, DeniedBy, InstrumentLimits, Limits, OffTick, OrderToFill, Rates,
        RiskRules, SelfTrade, Sides,
    },
    time::Nanos,
};

use crate::script::{config, instrument, parse};

/// What a code is tried with.
struct Case {
    code: DenialCode,
    limits: Limits,
    before: &'static str,
    allowed: &'static str,
    denied: &'static str,
}

const AT_100: &str = "clock 1000\ntrade 100\ncoarse trade 100";
const LONG_2: &str = "clock 1000\ntrade 100\np0 buy 2 @ market #9\nv 1 fill 2 @ 100 t1";
const WORKING: &str = "clock 1000\ntrade 100\np0 buy 1 @ 90 #9\nv 1 accepted";

/// Tick 5, step 2, at least 4.
fn coarse() -> Instrument {
    let number = |amount| Decimal::new(amount, 0);
    Instrument::new(InstrumentSpec {
        symbol: "COARSE".into(),
        price_tick: number(5),
        quantity_step: number(2),
        min_quantity: number(4),
        ..instrument().spec().clone()
    })
    .unwrap()
}

fn build(plugin: Limits, account: Limits) -> Engine {
    let mut config = EngineConfig {
        risk: RiskRules { self_trade: SelfTrade::Deny, ..RiskRules::default() },
        ..config(plugin, account, OffTick::Deny)
    };
    config.instruments.push(coarse());
    for plugin in &mut config.plugins {
        plugin.instruments.push(InstrumentId(1));
    }
    Engine::new(config)
}

/// Runs a script; the denials of its last line, and how many orders and changes that line sent.
fn run(engine: &mut Engine, script: &str) -> (Vec<DenialCode>, usize) {
    let mut last = (Vec::new(), 0);
    for line in script.lines() {
        let mut effects = Vec::new();
        engine.step(parse(line, engine.now().0 + 1), &mut effects);
        last = (Vec::new(), 0);
        for effect in effects {
            match effect {
                Effect::Record(Record::Denied { denial, .. }) => last.0.push(denial.code()),
                Effect::Submit(_) | Effect::Amend(_) => last.1 += 1,
                _ => {}
            }
        }
    }
    last
}

fn check(case: &Case, in_account: bool) {
    let engine = || {
        let mut engine = if in_account {
            build(Limits::unlimited(), case.limits.clone())
        } else {
            build(case.limits.clone(), Limits::unlimited())
        };
        run(&mut engine, case.before);
        engine
    };
    let code = case.code;
    let (denials, _) = run(&mut engine(), case.allowed);
    assert_eq!(denials, [], "{code:?} must let `{}` through", case.allowed);
    let (denials, sent) = run(&mut engine(), case.denied);
    assert_eq!((denials, sent), (vec![code], 0), "{code:?} must deny `{}`", case.denied);
}

#[test]
fn every_code_has_its_bound() {
    let mut seen = BTreeSet::new();
    for case in form_cases().into_iter().chain(limit_cases()).chain(state_cases()) {
        check(&case, false);
        if case.code.by() == DeniedBy::Both {
            check(&case, true);
        }
        seen.insert(case.code);
    }
    seen.extend(states());
    seen.extend(venues());
    let missing: Vec<_> = DenialCode::ALL.iter().filter(|code| !seen.contains(code)).collect();
    assert!(missing.is_empty(), "codes that no test denies with: {missing:?}");
}

fn money(amount: i64) -> Option<Money> {
    Money::from_decimal(Decimal::new(amount, 0))
}

fn case(
    code: DenialCode,
    limits: Limits,
    before: &'static str,
    allowed: &'static str,
    denied: &'static str,
) -> Case {
    Case { code, limits, before, allowed, denied }
}

fn form_cases() -> Vec<Case> {
    use DenialCode as C;
    let form =
        |code, before, allowed, denied| case(code, Limits::unlimited(), before, allowed, denied);
    vec![
        form(C::UnknownInstrument, AT_100, "p0 buy 1 @ 100 #1", "p0 elsewhere #1"),
        form(C::BadNumber, AT_100, "p0 buy 1.0 @ 100 #1", "p0 buy 1.5 @ 100 #1"),
        form(C::PriceOffTick, AT_100, "p0 coarse buy 4 @ 95 #1", "p0 coarse buy 4 @ 94 #1"),
        form(C::PriceNotPositive, AT_100, "p0 buy 10 @ 1 #1", "p0 buy 10 @ 0 #1"),
        form(C::QuantityNotPositive, AT_100, "p0 buy 1 @ 100 #1", "p0 buy 0 @ 100 #1"),
        form(C::QuantityOffStep, AT_100, "p0 coarse buy 6 @ 95 #1", "p0 coarse buy 5 @ 95 #1"),
        form(C::QuantityBelowMin, AT_100, "p0 coarse buy 4 @ 95 #1", "p0 coarse buy 2 @ 95 #1"),
        form(C::QuantityAboveMax, AT_100, "p0 buy 1000 @ 100 #1", "p0 buy 1001 @ 100 #1"),
        form(C::NotionalBelowMin, AT_100, "p0 buy 1 @ 10 #1", "p0 buy 1 @ 9 #1"),
        form(C::TriggerPassed, AT_100, "p0 stop buy 1 @ 101 #1", "p0 stop buy 1 @ 100 #1"),
        form(C::PostOnlyNotResting, AT_100, "p0 post buy 1 @ 99 #1", "p0 post buy 1 @ market #1"),
        form(
            C::TimeInForceInvalid,
            AT_100,
            "p0 until 1001 stop buy 1 @ 101 #1",
            "p0 until 1000 stop buy 1 @ 101 #1",
        ),
        form(
            C::TrailingOffsetInvalid,
            AT_100,
            "p0 trail sell 1 bp 1 #1",
            "p0 trail sell 1 bp 0 #1",
        ),
        form(
            C::BracketPricesInvalid,
            AT_100,
            "p0 bracket buy 1 @ 99 #1 stop 98 #2 take 100 #3",
            "p0 bracket buy 1 @ 99 #1 stop 99 #2 take 100 #3",
        ),
        form(C::DuplicateTag, WORKING, "p0 buy 1 @ 90 #1", "p0 buy 1 @ 90 #9"),
        form(C::UnknownOrder, WORKING, "p0 cancel #9", "p0 cancel #8"),
        form(C::AmendInvalid, WORKING, "p0 amend #9 2 @ -", "p0 amend #9 1 @ 90"),
        form(
            C::ChangePending,
            WORKING,
            "p0 amend #9 2 @ -\nv 1 amended 2 @ 90\np0 amend #9 3 @ -",
            "p0 amend #9 2 @ -\np0 amend #9 3 @ -",
        ),
        form(C::NotReducing, LONG_2, "p0 exit sell 1 @ 101 #1", "p0 exit buy 1 @ 99 #1"),
        form(C::NoMarketPrice, "", "p0 buy 1 @ 100 #1", "p0 buy 1 @ market #1"),
        form(C::TimerInvalid, AT_100, "p0 timer 1 9 every 1000000", "p0 timer 1 9 every 999999"),
        form(
            C::NumberOverflow,
            AT_100,
            "p0 buy 1 @ 1000000000000000 #1",
            "p0 buy 2 @ 1000000000000000 #1",
        ),
        form(
            C::SelfTrade,
            "trade 100\np0 sell 1 @ 105 #9",
            "p1 buy 1 @ 104 #1",
            "p1 buy 1 @ 105 #1",
        ),
    ]
}

fn in_units(of: InstrumentLimits) -> Limits {
    let mut limits = Limits::unlimited();
    limits.instruments.insert(InstrumentId(0), of);
    limits
}

fn limit_cases() -> Vec<Case> {
    use DenialCode as C;
    let free = Limits::unlimited;
    let five = Some(Quantity(5));
    let order = InstrumentLimits { order_quantity_max: five, ..InstrumentLimits::default() };
    let position = InstrumentLimits { position_quantity_max: five, ..InstrumentLimits::default() };
    let notional = "p0 buy 5 @ 100 #1";
    let above = "p0 buy 6 @ 100 #1";
    let collar = Limits { price_collar_max: Some(BasisPoints(1_000)), ..free() };
    let stale = Limits { market_age_max: Some(Nanos::from_millis(500)), ..free() };
    let some = Some(BTreeSet::from([InstrumentId(0)]));
    let elsewhere = Limits { instruments_allowed: some, ..free() };
    vec![
        case(C::PriceOutsideCollar, collar, AT_100, "p0 buy 1 @ 90 #1", "p0 buy 1 @ 89 #1"),
        case(
            C::MarketDataStale,
            stale,
            "trade 100\ncoarse trade 100",
            // The trade is of the first nanosecond.
            "clock 500\np0 buy 1 @ 100 #1",
            "clock 501\np0 buy 1 @ 100 #1",
        ),
        case(C::OrderQuantityAboveMax, in_units(order), AT_100, notional, above),
        case(
            C::OrderNotionalAboveMax,
            Limits { order_notional_max: money(500), ..free() },
            AT_100,
            notional,
            "p0 buy 5 @ 101 #1",
        ),
        case(
            C::OpenOrdersAboveMax,
            Limits { open_orders_max: 2, ..free() },
            WORKING,
            notional,
            "p0 buy 5 @ 100 #1\np0 buy 5 @ 100 #2",
        ),
        case(C::PositionQuantityAboveMax, in_units(position), AT_100, notional, above),
        case(
            C::PositionNotionalAboveMax,
            Limits { position_notional_max: money(500), ..free() },
            AT_100,
            notional,
            above,
        ),
        case(
            C::GrossNotionalAboveMax,
            Limits { gross_notional_max: money(900), ..free() },
            "trade 100\ncoarse trade 100\np0 coarse sell 4 @ 100 #9",
            notional,
            above,
        ),
        case(
            C::NetNotionalAboveMax,
            // Four short elsewhere let nine be long here.
            Limits { net_notional_max: money(500), ..free() },
            "trade 100\ncoarse trade 100\np0 coarse sell 4 @ market #9\nv 1 fill 4 @ 100 t1",
            "p0 buy 9 @ 100 #1",
            "p0 buy 10 @ 100 #1",
        ),
        case(
            C::ShortNotAllowed,
            Limits { short_allowed: false, ..free() },
            LONG_2,
            "p0 sell 2 @ 100 #1",
            "p0 sell 3 @ 100 #1",
        ),
        case(C::InstrumentNotAllowed, elsewhere, AT_100, notional, "p0 coarse buy 4 @ 100 #1"),
        case(
            C::SideNotAllowed,
            Limits { sides_allowed: Sides::Buy, ..free() },
            LONG_2,
            "p0 sell 2 @ 100 #1",
            "p0 sell 3 @ 100 #1",
        ),
    ]
    .into_iter()
    .chain(rate_cases())
    .collect()
}

fn rate_cases() -> Vec<Case> {
    use DenialCode as C;
    let of = |rates| Limits { rates, ..Limits::unlimited() };
    let rule = OrderToFill { ratio_max: 2, orders_min: 2, window: Nanos(60 * Nanos::SECOND.0) };
    let two_orders = Rates { orders_per_second_max: Some(2), ..Rates::NONE };
    let a_minute = Rates { orders_per_minute_max: Some(2), ..Rates::NONE };
    let three = "p0 buy 1 @ 90 #1\np0 buy 1 @ 90 #2\np0 buy 1 @ 90 #3";
    let amend = Rates { amends_per_second_max: Some(1), ..Rates::NONE };
    let cancels = Rates { cancels_per_minute_max: Some(1), ..Rates::NONE };
    let two_working = "trade 100\np0 buy 1 @ 90 #8\np0 buy 1 @ 90 #9\nv 1 accepted\nv 2 accepted";
    vec![
        case(
            C::OrderRateAboveMax,
            of(two_orders),
            AT_100,
            "p0 buy 1 @ 90 #1\np0 buy 1 @ 90 #2\nclock 2001\np0 buy 1 @ 90 #3",
            three,
        ),
        case(
            C::OrderRateAboveMax,
            of(a_minute),
            AT_100,
            "p0 buy 1 @ 90 #1\np0 buy 1 @ 90 #2\nclock 61001\np0 buy 1 @ 90 #3",
            "p0 buy 1 @ 90 #1\np0 buy 1 @ 90 #2\nclock 60999\np0 buy 1 @ 90 #3",
        ),
        case(
            C::AmendRateAboveMax,
            of(amend),
            WORKING,
            "p0 amend #9 2 @ -\nv 1 amended 2 @ 90\nclock 2001\np0 amend #9 3 @ -",
            "p0 amend #9 2 @ -\nv 1 amended 2 @ 90\np0 amend #9 3 @ -",
        ),
        case(
            C::CancelRateAboveMax,
            of(cancels),
            two_working,
            "p0 cancel #8\np0 buy 1 @ 90 #1",
            "p0 cancel #8\np0 cancel #9\np0 buy 1 @ 90 #1",
        ),
        case(
            C::CancelRateAboveMax,
            of(Rates { cancels_per_second_max: Some(0), ..Rates::NONE }),
            two_working,
            "p0 amend #9 2 @ -",
            "p0 cancel #8\np0 amend #9 2 @ -",
        ),
        case(
            C::OrderToFillAboveMax,
            of(Rates { order_to_fill_max: Some(rule), ..Rates::NONE }),
            AT_100,
            "p0 buy 1 @ 90 #1\nv 1 fill 1 @ 90 t1\np0 buy 1 @ 90 #2\nv 2 fill 1 @ 90 t2\np0 buy 1 @ 90 #3",
            three,
        ),
    ]
}

fn state_cases() -> Vec<Case> {
    let halted = "trade 100\ncoarse trade 100\np0 buy 1 @ 90 #9\nv 1 accepted\nv 1 fill 2 @ 90 t1";
    let code = DenialCode::InstrumentHalted;
    let free = Limits::unlimited();
    vec![case(code, free, halted, "p0 coarse buy 4 @ 100 #1", "p0 buy 1 @ 90 #1")]
}

/// Codes that depend on more than limits.
fn states() -> [DenialCode; 3] {
    for scope in ["p0", "account"] {
        let mut engine = build(Limits::unlimited(), Limits::unlimited());
        run(&mut engine, LONG_2);
        run(&mut engine, &format!("state {scope} reducing"));
        assert_eq!(run(&mut engine, "p0 sell 3 @ 100 #1").0, [DenialCode::TradingState], "{scope}");
        assert_eq!(run(&mut engine, "p0 sell 2 @ 100 #2"), (vec![], 1), "{scope}");
        assert_eq!(run(&mut engine, "p0 sell 1 @ 100 #3").0, [DenialCode::TradingState], "{scope}");
    }
    // Half of a plugin's thousand, and of the two thousand of both.
    let half = Some(BasisPoints(5_000));
    let leverage = Limits { leverage_max: half, ..Limits::unlimited() };
    let concentration = Limits { concentration_max: half, ..Limits::unlimited() };
    for (limits, code) in [
        (leverage, DenialCode::LeverageAboveMax),
        (concentration, DenialCode::ConcentrationAboveMax),
    ] {
        for (in_account, most) in [(false, 5), (true, 10)] {
            for (quantity, expected) in [(most, vec![]), (most + 1, vec![code])] {
                let free = Limits::unlimited();
                let (plugin, account) =
                    if in_account { (free, limits.clone()) } else { (limits.clone(), free) };
                let mut engine = build(plugin, account);
                run(&mut engine, AT_100);
                let order = format!("p0 buy {quantity} @ 100 #1");
                assert_eq!(run(&mut engine, &order).0, expected, "{code:?} {order}");
            }
        }
    }
    [DenialCode::TradingState, DenialCode::LeverageAboveMax, DenialCode::ConcentrationAboveMax]
}

/// Codes that depend on what the venue has.
fn venues() -> [DenialCode; 2] {
    let at = |venue| {
        let free = Limits::unlimited();
        let config = EngineConfig { venue, ..config(free.clone(), free, OffTick::Deny) };
        let mut engine: Engine = Engine::new(config);
        run(&mut engine, LONG_2);
        engine
    };
    let nothing = VenueCapabilities::NONE;
    let lacks = vec![DenialCode::VenueLacks];
    for (has, order) in [
        (VenueCapabilities { ioc: true, ..nothing }, "p0 ioc buy 1 @ 99 #1"),
        (VenueCapabilities { fok: true, ..nothing }, "p0 fok buy 1 @ 99 #1"),
        (VenueCapabilities { market_fok: true, ..nothing }, "p0 fok buy 1 @ market #1"),
        (VenueCapabilities { post_only: true, ..nothing }, "p0 post buy 1 @ 99 #1"),
    ] {
        assert_eq!(run(&mut at(has), order), (vec![], 1), "{order}");
        assert_eq!(run(&mut at(nothing), order), (lacks.clone(), 0), "{order}");
    }
    // A market order is immediate everywhere.
    assert_eq!(run(&mut at(nothing), "p0 ioc buy 1 @ market #1"), (vec![], 1));
    let locks = VenueCapabilities { locks_balance: true, ..VenueCapabilities::ALL };
    assert_eq!(run(&mut at(locks), "p0 sell 2 @ 101 #1"), (vec![], 1));
    let locked = vec![DenialCode::BalanceLocked];
    assert_eq!(run(&mut at(locks), "p0 sell 3 @ 101 #1"), (locked.clone(), 0));
    assert_eq!(run(&mut at(locks), "p0 sell 1 @ 101 #1\np0 sell 2 @ 101 #2"), (locked.clone(), 0));
    // Another plugin's is not for sale.
    assert_eq!(run(&mut at(locks), "p1 sell 1 @ 101 #1"), (locked, 0));
    [DenialCode::VenueLacks, DenialCode::BalanceLocked]
}

/// It must be possible to get out, whatever the limits say.
#[test]
fn what_only_shrinks_a_position_passes() {
    let limits = Limits {
        market_age_max: Some(Nanos::from_millis(500)),
        sides_allowed: Sides::Buy,
        instruments_allowed: Some(BTreeSet::from([InstrumentId(0)])),
        rates: Rates { cancels_per_minute_max: Some(0), ..Rates::NONE },
        ..Limits::unlimited()
    };
    for in_account in [false, true] {
        let free = Limits::unlimited();
        let (plugin, account) =
            if in_account { (free, limits.clone()) } else { (limits.clone(), free) };
        let mut engine = build(plugin, account);
        run(&mut engine, LONG_2);
        run(&mut engine, "p0 buy 1 @ 90 #1\nv 2 accepted\np0 cancel #1\nv 2 canceled\nclock 60000");
        assert_eq!(run(&mut engine, "p0 sell 3 @ 100 #2").0.len(), 1);
        assert_eq!(run(&mut engine, "p0 sell 2 @ 100 #3"), (vec![], 1));
    }
}
