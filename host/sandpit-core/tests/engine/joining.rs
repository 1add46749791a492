//! Plugins that come while the engine runs: the same as what a replay leads to, and no profit.

use sandpit_core::{
    engine::{
        AddPluginError, Effect, Engine, EngineConfig, Event, LockReason, PluginConfig, Record,
        RecordError, VenueCapabilities,
    },
    ids::{InstrumentId, PluginId},
    market::DataKind,
    num::{Decimal, Money},
    plugin::{PluginEvent, Subscriptions, TradingState},
    risk::{
        BasisPoints, BreachPolicy, Guards, Limits, LossGuard, LossLimit, ProtectiveStop,
        StreakGuard, Unlock, VelocityGuard,
    },
    time::{Nanos, UnixNanos},
};

use crate::{
    recovery::Host,
    script::{fragile, parse},
};

fn money(amount: i64) -> Money {
    Money::from_decimal(Decimal::new(amount, 0)).unwrap()
}

fn third(limits: Limits) -> PluginConfig {
    PluginConfig {
        budget: money(500),
        instruments: vec![InstrumentId(0)],
        subscriptions: Subscriptions { kinds: vec![DataKind::Trades] },
        limits,
    }
}

fn free() -> EngineConfig {
    fragile(Limits::unlimited(), VenueCapabilities::ALL)
}

/// An account with this guard, and free plugins.
fn guarded(guards: Guards) -> Host {
    let account_limits = Limits { guards, ..Limits::unlimited() };
    Host::new(EngineConfig { account_limits, ..free() })
}

/// The engine is what its journal says, for what comes, too.
fn assert_replays(host: &Host) {
    let again = host.replayed();
    assert_eq!(host.engine.carry(), again.carry());
    assert_eq!(host.engine.account().balance(), again.account().balance());
    assert_eq!(host.engine.waiting_plugins() + again.waiting_plugins(), 0);
    assert_eq!(host.engine.config().plugins.len(), again.config().plugins.len());
}

#[test]
fn a_plugin_in_the_middle_of_a_run_trades_and_is_remembered() {
    let mut host = Host::new(free());
    host.run("trade 100\np0 buy 4 @ market #1\nv 1 fill 4 @ 100 t1");
    assert_eq!(host.add("late", third(Limits::unlimited())), PluginId(2));
    assert_replays(&host);
    let out = host.run("p2 buy 2 @ market #1\nv 2:2 fill 2 @ 100 t2\np2 buy 1 @ 90 #2");
    assert!(out.contains("submit 3 Buy 1 Limit(Price(90))"), "{out}");
    host.run("v 2:3 accepted\nfault p2\nstate p0 reducing\ntrade 101");
    assert_replays(&host);
    let live = host.engine.carry();
    host.run("restart");
    host.run("books net 6");
    assert_eq!(host.engine.trading_state(PluginId(2)), TradingState::Reducing);
    let held = |host: &Host| {
        let share = host.engine.account().sub_account(PluginId(2));
        (share.budget(), share.position(InstrumentId(0)).quantity.0, share.fees())
    };
    assert_eq!(held(&host), (money(500), 2, Money(money(1).0 / 5)));
    // A journal that goes on from this one names all three in its first row.
    host.rotate();
    assert!(!host.records().any(|record| matches!(record, Record::PluginAdded { .. })));
    assert_replays(&host);
    assert_eq!(held(&host), (money(500), 2, Money(money(1).0 / 5)));
    assert_ne!(live, []);
}

#[test]
fn one_that_comes_first_thing_is_as_if_it_had_been_there() {
    let losing_streak = Some(StreakGuard {
        losses_max: 1,
        policy: BreachPolicy {
            state: TradingState::Reducing,
            flatten: false,
            unlock: Unlock::Person,
        },
    });
    let limits = Limits {
        guards: Guards { losing_streak, ..Guards::NONE },
        protective_stop: Some(ProtectiveStop::Share(BasisPoints(500))),
        ..Limits::unlimited()
    };
    let script = "trade 100
                  p2 buy 4 @ market #1
                  p0 buy 1 @ 99 #1
                  v 2:1 fill 4 @ 100 t1
                  v 2:3 accepted
                  trade 97
                  p2 sell 4 @ market #2
                  v 2:4 fill 4 @ 97 t2
                  clock 60000
                  trade 96
                  p2 buy 1 @ 90 #3
                  clock 86400000";
    let mut with = free();
    with.plugins.push(third(limits.clone()));
    let (mut with, mut late) = (Host::new(with), Host::new(free()));
    late.add("late", third(limits));
    let (one, other) = (with.run(script), late.run(script));
    assert!(one.contains("submit 3 Sell 4 Stop(Price(95))"), "{one}");
    assert!(one.contains("LimitBreached"), "{one}");
    assert_eq!(one, other);
    assert_eq!(with.engine.carry(), late.engine.carry());
    let added = |record: &&Record| !matches!(record, Record::PluginAdded { .. });
    assert!(with.records().eq(late.records().filter(added)));
}

#[test]
fn its_budget_is_neither_a_profit_nor_a_loss_of_the_account() {
    let limit = LossLimit::Amount(money(51));
    let policy =
        BreachPolicy { state: TradingState::Reducing, flatten: false, unlock: Unlock::Person };
    let guard = Some(LossGuard { limit, policy });
    let velocity = Some(VelocityGuard { limit, minutes: 5, policy });
    for (guards, reason) in [
        (Guards { daily_loss: guard, ..Guards::NONE }, LockReason::DailyLoss),
        (Guards { drawdown: guard, ..Guards::NONE }, LockReason::Drawdown),
        (Guards { pnl_velocity: velocity, ..Guards::NONE }, LockReason::PnlVelocity),
    ] {
        for ending in ["", "restart\nbooks net 10\n", "rotate"] {
            let mut host = guarded(guards);
            // 41 are lost, with the fee of 1.
            host.run("trade 100\np0 buy 10 @ market #1\nv 1 fill 10 @ 100 t1\ntrade 96");
            let before = host.engine.account().equity();
            host.add("late", third(Limits::unlimited()));
            assert_eq!(host.engine.account().equity(), before + money(500));
            if ending == "rotate" {
                host.rotate();
                host.run("restart\nbooks net 10");
            } else {
                host.run(ending);
            }
            let locked = |host: &Host| host.engine.locks(None).any(|l| l.reason == reason);
            host.run("trade 96");
            assert!(!locked(&host), "{reason:?} {ending}");
            let out = host.run("trade 95");
            assert!(locked(&host), "{reason:?} {ending}: {out}");
            assert_replays(&host);
        }
    }
}

#[test]
fn readers_see_both_scopes_as_they_stand_with_it() {
    let mut host = Host::new(free());
    host.run("trade 100\ntrade 101");
    let before = host.journal.len();
    host.add("late", third(Limits::unlimited()));
    let told: Vec<_> = host.journal[before..].iter().map(|(_, record)| record.clone()).collect();
    let [Record::PluginAdded { plugin, name, budget }, of_plugin, of_account] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((*plugin, name.as_str(), *budget), (PluginId(2), "late", money(500)));
    for (record, scope, amount) in [(of_plugin, Some(PluginId(2)), 500), (of_account, None, 2_500)]
    {
        let Record::Equity { plugin, sample } = record else { panic!("{record:?}") };
        let amount = money(amount);
        assert_eq!(
            (*plugin, sample.equity, sample.peak, sample.day_start),
            (scope, amount, amount, amount)
        );
    }
}

#[test]
fn plugins_of_the_configuration_that_no_row_has_added_are_new() {
    let mut host = Host::new(free());
    host.run("trade 100\np0 buy 4 @ 90 #1\nv 1 accepted");
    host.config.plugins.push(third(Limits::unlimited()));
    host.config.plugins.push(third(Limits::unlimited()));
    host.engine = host.replayed();
    assert_eq!(host.engine.waiting_plugins(), 2);
    let mut effects = Vec::new();
    let refused = host.engine.add_plugin("x", third(Limits::unlimited()), &mut effects);
    assert_eq!(refused, Err(AddPluginError::OthersWait(2)));
    let name = |plugin: PluginId| format!("plugin {}", plugin.0);
    host.engine.add_waiting(name, &mut effects);
    host.keep(effects, &mut String::new());
    let names: Vec<_> = host
        .records()
        .filter_map(|record| match record {
            Record::PluginAdded { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["plugin 2", "plugin 3"]);
    assert_replays(&host);
    let mut effects = Vec::new();
    host.engine.add_waiting(name, &mut effects);
    assert!(effects.is_empty(), "once");
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut host = Host::new(free());
    let mut effects = Vec::new();
    let strange = PluginConfig { instruments: vec![InstrumentId(7)], ..third(Limits::unlimited()) };
    let refused = host.engine.add_plugin("x", strange, &mut effects);
    assert_eq!(refused, Err(AddPluginError::UnknownInstrument(InstrumentId(7))));
    assert!(effects.is_empty());
    assert_eq!(host.engine.config().plugins.len(), 2);

    let added = |plugin| Record::PluginAdded {
        plugin: PluginId(plugin),
        name: "x".into(),
        budget: money(1),
    };
    let at = UnixNanos(1);
    for plugin in [0, 1, 3] {
        let error = host.engine.replay(at, &added(plugin)).unwrap_err();
        assert_eq!(error, RecordError::NotTheNext(PluginId(plugin)));
    }
    // The configuration does not list it any more.
    let error = host.engine.replay(at, &added(2)).unwrap_err();
    assert_eq!(error, RecordError::UnknownPlugin(PluginId(2)));
}

#[test]
fn bars_for_a_plugin_that_is_to_come_are_built_from_the_past() {
    let minute = Nanos::from_millis(60_000);
    let bars = Subscriptions { kinds: vec![DataKind::Bars(minute)] };
    let mut config = free();
    config.plugins.push(PluginConfig { subscriptions: bars, ..third(Limits::unlimited()) });
    let mut engine: Engine = Engine::begun_with(config, 2);
    let mut effects = Vec::new();
    let Event::Market(trade) = parse("trade 100", 1) else { panic!() };
    engine.step(Event::History(trade), &mut effects);
    engine.add_waiting(|_| "late".into(), &mut effects);
    effects.clear();
    engine.step(parse("trade 103", 30_000_000_000), &mut effects);
    engine.step(parse("clock 60000", 0), &mut effects);
    let told = effects.iter().find_map(|effect| match effect {
        Effect::CallPlugin { plugin: PluginId(2), event: PluginEvent::Market { event, .. } } => {
            Some(event.clone())
        }
        _ => None,
    });
    let told = told.expect("a bar is told");
    let sandpit_core::market::MarketData::Bar(bar) = told.data else { panic!("{told:?}") };
    assert_eq!((bar.open.0, bar.close.0), (100, 103));
}

#[test]
fn five_hundred_may_come() {
    let mut host = Host::new(free());
    host.run("trade 100");
    for number in 2..500 {
        assert_eq!(host.add("one of many", third(Limits::unlimited())), PluginId(number));
    }
    host.run("trade 101\np499 buy 1 @ 90 #1\nv 499:1 accepted\nclock 60000");
    assert_eq!(host.engine.account().equity(), money(2 * 1_000 + 498 * 500));
    assert_replays(&host);
    host.rotate();
    assert_replays(&host);
    let open: Vec<_> = host.replayed().open_orders_of(PluginId(499)).into_iter().collect();
    assert_eq!(open.len(), 1);
}
