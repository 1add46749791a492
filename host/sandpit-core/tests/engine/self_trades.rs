//! Orders of one account that would meet, and trading to and fro.

use sandpit_core::{
    engine::EngineConfig,
    risk::{BasisPoints, Limits, OffTick, PatternRule, RiskRules, SelfTrade},
    time::Nanos,
};

use crate::{recovery::Host, script::config};

fn host(self_trade: SelfTrade) -> Host {
    Host::new(EngineConfig {
        risk: RiskRules { self_trade, ..RiskRules::default() },
        ..config(Limits::unlimited(), Limits::unlimited(), OffTick::Deny)
    })
}

const RESTING: &str = "trade 100\np0 sell 1 @ 105 #1\nv 1 accepted";

#[test]
fn denied_for_either_plugin_and_at_either_price_of_a_change() {
    let mut host = host(SelfTrade::Deny);
    host.run(RESTING);
    host.run("restart");
    for plugin in ["p0", "p1"] {
        assert!(host.run(&format!("{plugin} buy 1 @ 105 #5")).contains("denied self-trade"));
    }
    assert!(host.run("p0 buy 1 @ 104 #6\nv 2 accepted").contains("submit"));
    assert!(host.run("p0 amend #6 - @ 105").contains("change denied self-trade"));
    // On its way from 105 to 110 it may be at either.
    host.run("p0 amend #1 - @ 110");
    assert!(host.run("p1 buy 1 @ 105 #7").contains("denied self-trade"));
    host.run("v 1 amended 1 @ 110");
    assert!(host.run("p1 buy 1 @ 109 #8").contains("submit"));
    host.run("v 1 fill 1 @ 110 t1");
    assert!(host.run("p1 buy 1 @ 120 #9").contains("submit"), "it rests no more");
}

#[test]
fn a_market_order_reaches_the_best_price() {
    let mut host = host(SelfTrade::Deny);
    host.run(RESTING);
    assert!(host.run("p1 buy 1 @ market #1\nv 1:2 fill 1 @ 104 t1").contains("submit"));
    host.run("trade 105");
    assert!(host.run("p1 buy 1 @ market #2").contains("denied self-trade"));
}

#[test]
fn the_oldest_makes_way() {
    let mut host = host(SelfTrade::CancelOldest);
    host.run(RESTING);
    host.run("p0 sell 1 @ 106 #2\nv 2 accepted\np0 sell 1 @ 107 #3\nv 3 accepted");
    let out = host.run("p1 buy 1 @ 106 #1");
    assert_eq!(out, "cancel 1\ncancel 2\nsubmit 4 Buy 1 Limit(Price(106))\n");
}

#[test]
fn the_newest_is_canceled_before_it_is_sent() {
    let mut host = host(SelfTrade::CancelNewest);
    host.run(RESTING);
    let out = host.run("p1 buy 1 @ 105 #1");
    assert_eq!(out, "tell p1 #1 canceled\nclosed 2 Canceled filled 0\n");
    assert_eq!(host.engine.open_orders(), 1);
    let bracket = "p1 bracket buy 1 @ 105 #1 stop 95 #2 take 115 #3";
    assert!(host.run(bracket).contains("denied self-trade"));
}

#[test]
fn what_closes_a_position_goes_and_others_make_way() {
    let mut host = host(SelfTrade::Deny);
    host.run(
        "trade 100\np0 buy 2 @ market #1\nv 1 fill 2 @ 100 t1\np1 buy 1 @ 100 #1\nv 1:2 accepted",
    );
    let out = host.run("flatten p0");
    assert!(out.contains("cancel 2\nsubmit 3 Sell 2 Market"), "{out}");
}

#[test]
fn trading_to_and_fro_alerts_once() {
    let pattern = PatternRule {
        window: Nanos(1_000),
        trades_min: 4,
        price_within: BasisPoints(100),
        quantity_within: BasisPoints(0),
    };
    let mut host = Host::new(EngineConfig {
        risk: RiskRules { pattern: Some(pattern), ..RiskRules::default() },
        ..config(Limits::unlimited(), Limits::unlimited(), OffTick::Deny)
    });
    host.run("trade 100");
    let mut alerts = Vec::new();
    for order in 1..=7 {
        let (plugin, side) = if order % 2 == 0 { (1, "sell") } else { (0, "buy") };
        let out = host.run(&format!(
            "p{plugin} {side} 2 @ 100 #{order}\nv {plugin}:{order} fill 2 @ 100 t{order}"
        ));
        if out.contains("SelfTradePattern") {
            alerts.push(order);
        }
    }
    assert_eq!(alerts, [4], "and the fills before are forgotten");
}
