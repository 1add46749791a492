//! That the suite can fail: a wall is taken down, by settings that anybody can set, and an attack
//! that met it has to be told as one that got through.

use sandpit_core::{
    plugin::FaultCode,
    risk::{DenialCode, SelfTrade},
};
use sandpit_plugin::{ComponentFile, Loader, Mode, Policy, RefusalCode, TrustList};

use crate::{
    attack::{Ends, judge_plan},
    guest::Guest,
    harness::Tests,
    stage::{OTHER, Plan, engine, open_loader},
    wish::{BUY, SELL, Wish},
};

pub(crate) const TESTS: &[Tests] = &[
    Tests::One("weakened: more intents are allowed", more_intents),
    Tests::One("weakened: more memory is allowed", more_memory),
    Tests::One("weakened: everybody is let in", everybody_is_let_in),
    Tests::One("weakened: no limit on what is bought", no_limit),
    Tests::One("weakened: self-trades are allowed", self_trades),
    Tests::One("weakened: the neighbours share a limit", a_shared_limit),
];

/// The attack meets its wall as it is, and is told as one that got through without it.
fn held_by(with: &Plan, without: &Plan, ends: &Ends) -> String {
    judge_plan(with, ends).unwrap();
    judge_plan(without, ends).unwrap_err()
}

fn more_intents() {
    let guest = || Plan::of(Guest::idle().asks_once(&vec![Wish::cancel(1); 65]).component());
    let ends = Ends::Fault(FaultCode::TooManyIntents, "on-trade");
    let weak = guest().limited(|limits| limits.intents_per_call_max = 1_000);
    let said = held_by(&guest(), &weak, &ends);
    assert!(said.contains("not one fault"), "{said}");
}

fn more_memory() {
    let guest = || Plan::of(Guest::idle().pages(1_025).component());
    let ends = Ends::Fault(FaultCode::MemoryExceeded, "instantiation");
    let weak = guest().limited(|limits| limits.memory_bytes_max = 128 << 20);
    let said = held_by(&guest(), &weak, &ends);
    assert!(said.contains("not one fault"), "{said}");
}

fn everybody_is_let_in() {
    let file = || ComponentFile::unsigned(Guest::idle().component());
    let strict = Plan::loaded(Box::new(move || {
        let list = TrustList::default();
        Loader::new(engine().clone(), Mode::Paper, Policy::Signed, list)?.prepare(&file())
    }));
    let weak = Plan::loaded(Box::new(move || open_loader().prepare(&file())));
    let said = held_by(&strict, &weak, &Ends::Refused(RefusalCode::NotSigned));
    assert!(said.contains("refused with []"), "{said}");
}

fn no_limit() {
    let guest = || {
        let wish = Wish::place(1, OTHER, BUY, 1_000_000);
        Plan::of(Guest::idle().asks_once(&[wish]).component())
    };
    let weak = guest().risking(|limits| limits.gross_notional_max = None);
    let said = held_by(&guest(), &weak, &Ends::Denied(DenialCode::GrossNotionalAboveMax));
    assert!(said.contains("sent 1"), "{said}");
}

fn self_trades() {
    let collude = |rule: fn(&mut crate::stage::Rules)| {
        let rest = |side| {
            let wish = Wish::place(1, OTHER, side, 1).limit(70_000);
            Guest::idle().asks_once(&[wish]).component()
        };
        Plan::of(rest(SELL)).and(rest(BUY)).under(rule)
    };
    let ends = Ends::Contained {
        wall: "risk: self-trades",
        what: "",
        check: |seen| match seen.denials.get(&DenialCode::SelfTrade) {
            Some(1) => Ok(()),
            other => Err(format!("{other:?} denials")),
        },
    };
    let strict = collude(|rules| rules.self_trade = SelfTrade::Deny);
    let weak = collude(|rules| rules.self_trade = SelfTrade::Allow);
    let said = held_by(&strict, &weak, &ends);
    assert!(said.contains("None denials"), "{said}");
}

/// Whoever fills a limit of the whole account takes from all others: the neighbour must be seen to
/// suffer.
fn a_shared_limit() {
    let floods = || {
        let wishes: Vec<_> =
            (0..64).map(|tag| Wish::place(tag, OTHER, BUY, 1).limit(10_000)).collect();
        Plan::of(Guest::idle().asks_once(&wishes).component())
    };
    let ends = Ends::Contained { wall: "", what: "", check: |_| Ok(()) };
    let weak = floods().under(|rules| rules.open_orders_max = 64);
    let said = held_by(&floods(), &weak, &ends);
    assert!(said.contains("the neighbour's results differ"), "{said}");
}
