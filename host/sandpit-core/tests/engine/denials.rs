//! Each denial: let through just inside the bound, denied just outside.

use sandpit_core::{
    ids::InstrumentId,
    num::{Decimal, Money, Quantity},
    risk::{DenialCode, InstrumentLimits, Limits, OffTick},
};

use crate::script::{engine, run};

fn money(amount: i64) -> Option<Money> {
    Money::from_decimal(Decimal::new(amount, 0))
}

/// `allowed` passes and `denied` gets exactly this code, each after `before` on an engine of its
/// own, with `limits` in the plugin's scope and then in the account's.
fn check(limits: &Limits, before: &str, allowed: &str, denied: &str, code: DenialCode) {
    for in_account in [false, true] {
        let build = || {
            let (plugin, account) = if in_account {
                (Limits::unlimited(), limits.clone())
            } else {
                (limits.clone(), Limits::unlimited())
            };
            let mut engine = engine(plugin, account, OffTick::Deny);
            run(&mut engine, before);
            engine
        };
        let passed = run(&mut build(), allowed);
        assert!(!passed.contains("denied"), "{code:?} must let `{allowed}` through:\n{passed}");
        let (so_far, last) = denied.rsplit_once('\n').unwrap_or(("", denied));
        let mut engine = build();
        run(&mut engine, so_far);
        let refused = run(&mut engine, last);
        let expected = format!("denied {}\n", code.name());
        assert!(refused.ends_with(&expected), "{code:?} must deny `{denied}`:\n{refused}");
        assert!(!refused.contains("submit"), "{denied}");
    }
}

fn form(before: &str, allowed: &str, denied: &str, code: DenialCode) {
    check(&Limits::unlimited(), before, allowed, denied, code);
}

#[test]
fn form_of_instrument_and_numbers() {
    let at = "trade 100";
    form(at, "p0 buy 1 @ 100 #1", "p0 elsewhere #1", DenialCode::UnknownInstrument);
    form(at, "p0 buy 1.0 @ 100 #1", "p0 buy 1.5 @ 100 #1", DenialCode::BadNumber);
    form(at, "p0 buy 1 @ 100.00 #1", "p0 buy 1 @ 100.01 #1", DenialCode::BadNumber);
    form(at, "p0 buy 10 @ 1 #1", "p0 buy 10 @ 0 #1", DenialCode::PriceNotPositive);
    form(at, "p0 buy 1 @ 100 #1", "p0 buy 0 @ 100 #1", DenialCode::QuantityNotPositive);
    form(at, "p0 buy 1 @ 100 #1", "p0 buy -1 @ 100 #1", DenialCode::QuantityNotPositive);
    form(at, "p0 buy 1000 @ 100 #1", "p0 buy 1001 @ 100 #1", DenialCode::QuantityAboveMax);
    form(at, "p0 buy 1 @ 10 #1", "p0 buy 1 @ 9 #1", DenialCode::NotionalBelowMin);
    form("", "p0 buy 1 @ 100 #1", "p0 buy 1 @ market #1", DenialCode::NoMarketPrice);
}

#[test]
fn form_of_triggers_and_names() {
    let at = "trade 100";
    form(at, "p0 stop buy 1 @ 101 #1", "p0 stop buy 1 @ 100 #1", DenialCode::TriggerPassed);
    form(at, "p0 stop sell 1 @ 99 #1", "p0 stop sell 1 @ 100 #1", DenialCode::TriggerPassed);
    let working = "trade 100\np0 buy 1 @ 90 #1\nv 1 accepted";
    form(working, "p1 buy 1 @ 90 #1", "p0 buy 1 @ 90 #1", DenialCode::DuplicateTag);
    form(working, "p0 cancel #1", "p0 cancel #2", DenialCode::UnknownOrder);
    form(working, "p0 amend #1 2 @ -", "p0 amend #1 1 @ 90", DenialCode::AmendInvalid);
    let long = "trade 100\np0 buy 1 @ market #1\nv 1 fill 1 @ 100 t1";
    form(long, "p0 exit sell 1 @ 101 #2", "p0 exit buy 1 @ 99 #2", DenialCode::NotReducing);
}

#[test]
fn limits_of_one_order() {
    let limits = Limits { order_notional_max: money(500), ..Limits::unlimited() };
    let code = DenialCode::OrderNotionalAboveMax;
    check(&limits, "trade 100", "p0 buy 5 @ 100 #1", "p0 buy 5 @ 101 #1", code);
    check(&limits, "trade 100", "p0 buy 5 @ market #1", "p0 buy 6 @ market #1", code);

    let mut limits = Limits::unlimited();
    let own = InstrumentLimits { order_quantity_max: Some(Quantity(5)), ..Default::default() };
    limits.instruments.insert(InstrumentId(0), own);
    let code = DenialCode::OrderQuantityAboveMax;
    check(&limits, "trade 100", "p0 sell 5 @ 100 #1", "p0 sell 6 @ 100 #1", code);

    let limits = Limits { open_orders_max: 2, ..Limits::unlimited() };
    let two = "p0 buy 1 @ 90 #1\np0 buy 1 @ 90 #2";
    let three = "p0 buy 1 @ 90 #1\np0 buy 1 @ 90 #2\np0 buy 1 @ 90 #3";
    check(&limits, "trade 100", two, three, DenialCode::OpenOrdersAboveMax);
}

#[test]
fn limits_of_the_position_count_what_works() {
    let mut limits = Limits::unlimited();
    let own = InstrumentLimits { position_quantity_max: Some(Quantity(5)), ..Default::default() };
    limits.instruments.insert(InstrumentId(0), own);
    let code = DenialCode::PositionQuantityAboveMax;
    let working = "trade 100\np0 buy 3 @ 90 #1\nv 1 accepted\nv 1 fill 1 @ 90 t1";
    check(&limits, working, "p0 buy 2 @ 90 #2", "p0 buy 3 @ 90 #2", code);
    check(&limits, working, "p0 sell 6 @ 110 #2", "p0 sell 7 @ 110 #2", code);
    // A change upwards counts as the larger of both until it is answered.
    check(&limits, working, "p0 amend #1 5 @ -", "p0 amend #1 6 @ -", code);

    let limits = Limits { position_notional_max: money(500), ..Limits::unlimited() };
    let code = DenialCode::PositionNotionalAboveMax;
    // A bid below the market is valued at the market.
    check(&limits, "trade 100", "p0 buy 5 @ 50 #1", "p0 buy 6 @ 50 #1", code);
    check(&limits, "trade 100", "p0 sell 5 @ 100 #1", "p0 sell 5 @ 101 #1", code);

    let limits = Limits { gross_notional_max: money(500), ..Limits::unlimited() };
    let code = DenialCode::GrossNotionalAboveMax;
    check(&limits, "trade 100", "p0 buy 5 @ 100 #1", "p0 buy 6 @ 100 #1", code);

    let limits = Limits { short_allowed: false, ..Limits::unlimited() };
    let long = "trade 100\np0 buy 2 @ market #1\nv 1 fill 2 @ 100 t1";
    check(&limits, long, "p0 sell 2 @ 100 #2", "p0 sell 3 @ 100 #2", DenialCode::ShortNotAllowed);
    let both = "p0 sell 1 @ 100 #2\np0 sell 2 @ 100 #3";
    check(
        &limits,
        long,
        "p0 sell 1 @ 100 #2\np0 sell 1 @ 100 #3",
        both,
        DenialCode::ShortNotAllowed,
    );
}

#[test]
fn two_plugins_share_the_limits_of_the_account() {
    let limits = Limits { position_notional_max: money(500), ..Limits::unlimited() };
    let mut engine = engine(Limits::unlimited(), limits, OffTick::Deny);
    run(&mut engine, "trade 100\np0 buy 3 @ 100 #1");
    assert!(run(&mut engine, "p1 buy 3 @ 100 #1").contains("denied position-notional-above-max"));
    assert!(run(&mut engine, "p1 buy 2 @ 100 #1").contains("submit"));
}

#[test]
fn getting_out_of_an_outgrown_position_is_possible() {
    let limits = Limits { position_notional_max: money(500), ..Limits::unlimited() };
    let mut engine = engine(limits, Limits::unlimited(), OffTick::Deny);
    run(&mut engine, "trade 100\np0 buy 5 @ market #1\nv 1 fill 5 @ 100 t1\ntrade 300");
    assert!(run(&mut engine, "p0 buy 1 @ 300 #2").contains("denied"));
    assert!(run(&mut engine, "p0 sell 1 @ 300 #3").contains("submit"));
}

#[test]
fn off_tick_prices_are_rounded_only_when_the_operator_says_so() {
    let mut rounding = engine(Limits::unlimited(), Limits::unlimited(), OffTick::Round);
    let out = run(
        &mut rounding,
        "trade 100\np0 buy 1 @ 99.9 #1\np0 sell 1 @ 100.1 #2\np0 stop buy 1 @ 100.5 #3\np0 buy 1.5 @ 99 #4",
    );
    for expected in
        ["Limit(Price(99))", "Limit(Price(101))", "Stop(Price(101))", "denied bad-number"]
    {
        assert!(out.contains(expected), "{expected} in\n{out}");
    }
}

#[test]
fn hostile_numbers_are_denied() {
    let mut engine = engine(Limits::unlimited(), Limits::unlimited(), OffTick::Round);
    run(&mut engine, "trade 100");
    for price in ["9223372036854775807", "-9223372036854775807", "0.000000000000000001"] {
        let out = run(&mut engine, &format!("p0 buy 1 @ {price} #1"));
        assert!(out.contains("denied"), "{price}:\n{out}");
    }
    for quantity in ["9223372036854775807", "-9223372036854775807", "0.000000000000000001"] {
        let out = run(&mut engine, &format!("p0 buy {quantity} @ 100 #1"));
        assert!(out.contains("denied"), "{quantity}:\n{out}");
    }
}

#[test]
fn codes_are_stable_and_named_once() {
    let mut numbers = DenialCode::ALL.iter().map(|code| *code as u16).collect::<Vec<_>>();
    assert!(numbers.is_sorted(), "{numbers:?}");
    numbers.dedup();
    assert_eq!(numbers.len(), DenialCode::ALL.len());
    let mut names = DenialCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), DenialCode::ALL.len());
}

fn five_at_most() -> Limits {
    let mut limits = Limits::unlimited();
    let own = InstrumentLimits { position_quantity_max: Some(Quantity(5)), ..Default::default() };
    limits.instruments.insert(InstrumentId(0), own);
    limits
}

/// Found by `simulation::invariants`: an exit that fills first makes way for the sells behind it.
#[test]
fn an_exit_does_not_make_way_for_more_than_the_limit() {
    let long = "trade 100\np0 buy 5 @ market #1\nv 1 fill 5 @ 100 t1";
    let flip = "p0 sell 10 @ 105 #3";
    let mut free = engine(five_at_most(), Limits::unlimited(), OffTick::Deny);
    run(&mut free, long);
    assert!(run(&mut free, flip).contains("submit"));

    let mut exiting = engine(five_at_most(), Limits::unlimited(), OffTick::Deny);
    run(&mut exiting, long);
    run(&mut exiting, "p0 exit sell 5 @ 104 #2");
    assert!(run(&mut exiting, flip).contains("denied position-quantity-above-max"));
    assert!(run(&mut exiting, "p0 sell 5 @ 105 #4").contains("submit"));

    // The other way round: the exit comes last.
    assert!(
        run(&mut free, "p0 exit sell 5 @ 104 #2").contains("denied position-quantity-above-max")
    );
}

/// The same before the exits of a bracket are placed.
#[test]
fn a_bracket_counts_its_exits_before_they_are_placed() {
    let mut engine = engine(five_at_most(), Limits::unlimited(), OffTick::Deny);
    run(&mut engine, "trade 100\np0 buy 3 @ market #1\nv 1 fill 3 @ 100 t1");
    let bracket = "p0 bracket buy 2 @ 99 #2 stop 95 #3 take 105 #4";
    assert!(run(&mut engine, bracket).contains("submit"));
    assert!(run(&mut engine, "p0 sell 8 @ 105 #5").contains("denied"));
    assert!(run(&mut engine, "v 2 canceled\np0 sell 8 @ 105 #5").contains("submit"));
}

/// Found by `simulation::invariants`: a cancel on top of a change hid what the change asked for.
#[test]
fn a_change_counts_until_it_is_answered_whatever_happens_meanwhile() {
    let mut engine = engine(five_at_most(), Limits::unlimited(), OffTick::Deny);
    run(&mut engine, "trade 100\np0 buy 1 @ 90 #1\nv 1 accepted\np0 amend #1 5 @ -\np0 cancel #1");
    run(&mut engine, "v 1 cancel-rejected");
    assert!(run(&mut engine, "p0 buy 1 @ 90 #2").contains("denied position-quantity-above-max"));
    assert!(run(&mut engine, "v 1 amend-rejected\np0 buy 1 @ 90 #2").contains("submit"));
}
