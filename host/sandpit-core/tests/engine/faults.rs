//! Plugins at fault: what still passes, what ends it, and that all of it outlives the host.

use expect_test::{Expect, expect};
use sandpit_core::{
    engine::{Command, Lock, LockReason, Record, VenueCapabilities},
    ids::PluginId,
    plugin::TradingState,
    risk::Limits,
    time::UnixNanos,
};

use crate::{recovery::Host, script::fragile};

const P0: Option<PluginId> = Some(PluginId(0));

fn host() -> Host {
    Host::new(fragile(Limits::unlimited(), VenueCapabilities::ALL))
}

fn check(script: &str, expected: &Expect) {
    let mut host = host();
    let mut out = host.run(script);
    for lock in host.engine.locks(P0) {
        out += &format!("lock {} {:?}\n", lock.reason.name(), lock.state);
    }
    expected.assert_eq(&out);
    assert_eq!(host.replayed().carry(), host.engine.carry(), "the journal leads to the same state");
}

#[test]
fn a_fault_lets_positions_shrink_and_no_more_and_its_orders_stay() {
    check(
        "trade 100
         p0 buy 4 @ market #1
         v 1 fill 4 @ 100 t1
         p0 buy 1 @ 90 #2
         v 2 accepted
         fault p0
         p0 buy 1 @ 91 #3
         p0 sell 5 @ 105 #4
         p0 amend #2 2 @ 90
         p0 sell 3 @ 105 #5
         p0 sell 2 @ 105 #6
         v 2 fill 1 @ 90 t2
         p1 buy 1 @ 90 #1",
        &expect![[r#"
            submit 1 Buy 4 Market
            tell p0 #1 filled 4
            closed 1 Filled filled 4
            submit 2 Buy 1 Limit(Price(90))
            tell p0 #2 accepted
            tell p0 Reducing
            denied TradingState { scope: Plugin, state: Reducing }
            tell p0 #3 denied trading-state
            denied TradingState { scope: Plugin, state: Reducing }
            tell p0 #4 denied trading-state
            denied TradingState { scope: Plugin, state: Reducing }
            tell p0 #2 change denied trading-state
            submit 3 Sell 3 Limit(Price(105))
            denied TradingState { scope: Plugin, state: Reducing }
            tell p0 #6 denied trading-state
            tell p0 #2 filled 1
            closed 2 Filled filled 1
            submit 4 Buy 1 Limit(Price(90))
            lock fault Reducing
        "#]],
    );
}

#[test]
fn a_plugin_that_runs_again_trades_again_and_no_person_is_needed() {
    check(
        "trade 100
         restarted p0
         fault p0
         fault p0
         restart
         books
         trade 100
         p0 buy 1 @ 91 #1
         restarted p0
         restarted p0
         p0 buy 1 @ 91 #2",
        &expect![[r#"
            tell p0 Reducing
            reconcile
            reconcile
            denied TradingState { scope: Plugin, state: Reducing }
            tell p0 #1 denied trading-state
            tell p0 Active
            submit 1 Buy 1 Limit(Price(91))
        "#]],
    );
}

#[test]
fn quarantine_cancels_what_the_plugin_has_and_keeps_its_exits() {
    check(
        "trade 100
         p0 bracket buy 1 @ market #1 stop 95 #2 take 105 #3
         v 1 fill 1 @ 100 t1
         v 2 accepted
         v 3 accepted
         p0 buy 1 @ 90 #4
         v 4 accepted
         fault p0
         quarantine p0
         restarted p0
         v 4 canceled
         p0 sell 1 @ 105 #5
         p1 buy 1 @ 90 #1",
        &expect![[r#"
            submit 1 Buy 1 Market
            tell p0 #1 filled 1
            submit 2 Sell 1 Stop(Price(95))
            submit 3 Sell 1 Limit(Price(105))
            closed 1 Filled filled 1
            tell p0 #2 accepted
            tell p0 #3 accepted
            submit 4 Buy 1 Limit(Price(90))
            tell p0 #4 accepted
            tell p0 Reducing
            alert Quarantined(PluginId(0))
            tell p0 Halted
            cancel 4
            tell p0 #4 canceled
            closed 4 Canceled filled 0
            denied TradingState { scope: Plugin, state: Halted }
            tell p0 #5 denied trading-state
            submit 5 Buy 1 Limit(Price(90))
            lock quarantine Halted
        "#]],
    );
}

#[test]
fn quarantine_closes_what_is_held_where_the_operator_wants_that() {
    check(
        "trade 100
         p0 bracket buy 5 @ market #1 stop 95 #2 take 105 #3
         v 1 fill 5 @ 100 t1
         v 2 accepted
         v 3 accepted
         fault p0
         quarantine p0 flatten
         v 2 canceled
         v 3 canceled
         v 4 fill 5 @ 99 t2",
        &expect![[r#"
            submit 1 Buy 5 Market
            tell p0 #1 filled 5
            submit 2 Sell 5 Stop(Price(95))
            submit 3 Sell 5 Limit(Price(105))
            closed 1 Filled filled 5
            tell p0 #2 accepted
            tell p0 #3 accepted
            tell p0 Reducing
            alert Quarantined(PluginId(0))
            tell p0 Halted
            cancel 2
            cancel 3
            tell p0 #2 canceled
            closed 2 Canceled filled 0
            tell p0 #3 canceled
            closed 3 Canceled filled 0
            submit 4 Sell 5 Market
            closed 4 Filled filled 5
            lock fault Reducing
            lock quarantine Halted
        "#]],
    );
}

#[test]
fn quarantine_lasts_until_a_person_lets_the_plugin_go_which_forgives_its_fault() {
    check(
        "trade 100
         unlock p0 quarantine
         fault p0
         quarantine p0
         restart
         books
         trade 100
         p0 buy 1 @ 91 #1
         unlock p0 fault
         fault p0
         p0 buy 1 @ 91 #2
         unlock p0 quarantine
         p0 buy 1 @ 91 #3",
        &expect![[r#"
            tell p0 Reducing
            alert Quarantined(PluginId(0))
            tell p0 Halted
            reconcile
            reconcile
            denied TradingState { scope: Plugin, state: Halted }
            tell p0 #1 denied trading-state
            denied TradingState { scope: Plugin, state: Halted }
            tell p0 #2 denied trading-state
            tell p0 Active
            submit 1 Buy 1 Limit(Price(91))
        "#]],
    );
}

#[test]
fn an_order_that_waits_here_is_not_let_go_by_a_fault_where_it_would_grow() {
    let venue = VenueCapabilities { stop: false, ..VenueCapabilities::ALL };
    let mut host = Host::new(fragile(Limits::unlimited(), venue));
    host.run("trade 100\np0 stop buy 2 @ 110 #1\nfault p0");
    let out = host.run("trade 111");
    assert!(!out.contains("submit"), "{out}");
    assert!(out.contains("denied TradingState { scope: Plugin, state: Reducing }"), "{out}");
}

#[test]
fn what_every_command_about_faults_leaves_in_the_journal() {
    let mut host = host();
    host.run("trade 100\nfault p0\nrestarted p0\nrestarted p0\nquarantine p0");
    let commands: Vec<_> = host
        .records()
        .filter_map(|record| match record {
            Record::Commanded(command) => Some(format!("{command:?}")),
            Record::Faulted(..) => Some("Faulted".to_owned()),
            Record::Locked { lock, .. } => Some(format!("locked {}", lock.reason.name())),
            Record::Unlocked { reason, .. } => Some(format!("unlocked {}", reason.name())),
            _ => None,
        })
        .collect();
    let plugin = PluginId(0);
    let quarantine = format!("{:?}", Command::Quarantine { plugin, flatten: false });
    let restarted = format!("{:?}", Command::Restarted(plugin));
    assert_eq!(
        commands,
        ["Faulted", "locked fault", &restarted, "unlocked fault", &quarantine, "locked quarantine"]
    );
}

#[test]
fn a_lock_of_an_older_host_still_waits_for_a_person() {
    let mut host = host();
    let lock = Lock {
        reason: LockReason::Fault,
        state: TradingState::Halted,
        since: UnixNanos(1),
        unlock_at: None,
    };
    host.engine.replay(UnixNanos(1), &Record::Locked { plugin: P0, lock }).unwrap();
    host.run("trade 100\nfault p0\nrestarted p0");
    assert_eq!(host.engine.trading_state(PluginId(0)), TradingState::Halted);
    host.run("unlock p0 fault");
    assert_eq!(host.engine.trading_state(PluginId(0)), TradingState::Active);
}
