//! What is not known is found out, and nothing is sent twice.

use expect_test::{Expect, expect};
use sandpit_core::{
    engine::{Effect, Engine, EngineConfig, PluginConfig, Record, VenueCapabilities},
    ids::PluginId,
    risk::Limits,
    time::UnixNanos,
};

use crate::script::{fragile, parse, show};

/// An engine with its journal.
pub(crate) struct Host {
    pub(crate) config: EngineConfig,
    pub(crate) engine: Engine,
    pub(crate) journal: Vec<(UnixNanos, Record)>,
    /// Plugins with which the journal began.
    began: usize,
}

impl Host {
    pub(crate) fn new(config: EngineConfig) -> Self {
        let (engine, began) = (Engine::new(config.clone()), config.plugins.len());
        Self { engine, config, journal: Vec::new(), began }
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.journal.iter().map(|(_, record)| record)
    }

    /// An engine that knows what the journal knows.
    pub(crate) fn replayed(&self) -> Engine {
        let mut engine = Engine::begun_with(self.config.clone(), self.began);
        for (at, record) in &self.journal {
            engine.replay(*at, record).unwrap();
        }
        engine
    }

    /// Adds a plugin while the engine runs.
    pub(crate) fn add(&mut self, name: &str, plugin: PluginConfig) -> PluginId {
        let mut effects = Vec::new();
        let id = self.engine.add_plugin(name, plugin.clone(), &mut effects).unwrap();
        self.config.plugins.push(plugin);
        self.keep(effects, &mut String::new());
        id
    }

    /// Begins another journal.
    pub(crate) fn rotate(&mut self) {
        let now = self.engine.now();
        self.journal = self.engine.carry().into_iter().map(|record| (now, record)).collect();
        self.began = self.config.plugins.len();
    }

    /// Shows what a step asks for, and writes its records down.
    pub(crate) fn keep(&mut self, effects: Vec<Effect>, out: &mut String) {
        for effect in effects {
            show(&effect, out);
            if let Effect::Record(record) = effect {
                self.journal.push((self.engine.now(), record));
            }
        }
    }

    pub(crate) fn run(&mut self, script: &str) -> String {
        let mut out = String::new();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut effects = Vec::new();
            if line == "restart" {
                self.engine = self.replayed();
                let now = self.engine.now();
                self.engine.resume(now, &mut effects);
            } else {
                self.engine.step(parse(line, self.engine.now().0 + 1), &mut effects);
            }
            self.keep(effects, &mut out);
        }
        out
    }
}

fn all() -> EngineConfig {
    fragile(Limits::unlimited(), VenueCapabilities::ALL)
}

fn check(script: &str, expected: &Expect) {
    let mut host = Host::new(all());
    let mut out = host.run(script);
    let position = host.engine.account().net_quantity(sandpit_core::ids::InstrumentId(0)).0;
    out += &format!(
        "net {position} open {} doubts {} reconciled {}\n",
        host.engine.open_orders(),
        host.engine.orders_in_doubt(),
        host.engine.is_reconciled()
    );
    expected.assert_eq(&out);
}

#[test]
fn a_lost_order_that_never_arrived_is_over_only_after_the_grace() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 lost
         status 1 none
         clock 600
         status 1 none
         clock 11000
         status 1 none",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 unknown
            query 1
            query 1
            query 1
            tell p0 #1 rejected
            closed 1 Rejected filled 0
            net 0 open 0 doubts 0 reconciled true
        "#]],
    );
}

#[test]
fn a_lost_order_that_works_is_found_and_never_sent_again() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 lost
         clock 600
         status 1 working 3 @ 99 fill 1 @ 99 t1
         v 1 fill 1 @ 99 t1
         v 1 fill 2 @ 99 t2",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 unknown
            query 1
            query 1
            tell p0 #1 accepted
            tell p0 #1 filled 1
            tell p0 #1 filled 2
            closed 1 Filled filled 3
            net 3 open 0 doubts 0 reconciled true
        "#]],
    );
}

#[test]
fn any_word_on_the_stream_settles_it() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 lost
         v 1 fill 1 @ 99 t1
         clock 20000
         status 1 none",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 unknown
            query 1
            tell p0 #1 filled 1
            net 1 open 1 doubts 0 reconciled true
        "#]],
    );
}

#[test]
fn a_lost_cancel_is_sent_again_once_the_order_is_found_working() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 accepted
         p0 cancel #1
         v 1 lost
         status 1 working 3 @ 99
         v 1 canceled",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 accepted
            cancel 1
            tell p0 #1 unknown
            query 1
            tell p0 #1 accepted
            cancel 1
            tell p0 #1 canceled
            closed 1 Canceled filled 0
            net 0 open 0 doubts 0 reconciled true
        "#]],
    );
}

#[test]
fn a_lost_change_reserves_both_until_it_cannot_be_under_way_any_more() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 accepted
         p0 amend #1 5 @ -
         v 1 lost
         status 1 working 3 @ 99
         p0 amend #1 4 @ -
         clock 11000
         status 1 working 3 @ 99
         p0 amend #1 4 @ -",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 accepted
            amend 1 quantity Some(5) price None
            tell p0 #1 unknown
            query 1
            tell p0 #1 accepted
            denied ChangePending
            tell p0 #1 change denied change-pending
            query 1
            tell p0 #1 amended
            amend 1 quantity Some(4) price None
            net 0 open 1 doubts 0 reconciled true
        "#]],
    );
}

#[test]
fn the_answer_to_an_old_change_is_not_the_answer_to_the_present_one() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 accepted
         p0 amend #1 5 @ -
         v 1 amended 5 @ 99
         p0 amend #1 8 @ -
         v 1 amended 5 @ 99
         v 1 amended 8 @ 99",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 accepted
            amend 1 quantity Some(5) price None
            tell p0 #1 amended
            amend 1 quantity Some(8) price None
            query 1
            tell p0 #1 amended
            net 0 open 1 doubts 0 reconciled true
        "#]],
    );
}

#[test]
fn after_a_restart_what_was_under_way_is_asked_about_before_anything_else() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 accepted
         p0 buy 2 @ 98 #2
         restart
         status 2 working 2 @ 98
         books open 1 3 @ 99 open 2 2 @ 98",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 accepted
            submit 2 Buy 2 Limit(Price(98))
            query 2
            reconcile
            tell p0 #2 accepted
            reconcile
            net 0 open 2 doubts 0 reconciled true
        "#]],
    );
}

#[test]
fn a_fill_that_nobody_reported_is_found_in_the_books() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 accepted
         reconnected
         books net 2 open 1 3 @ 99 fill 1 2 @ 99 t1
         v 1 fill 2 @ 99 t1",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 accepted
            reconcile
            tell p0 #1 filled 2
            net 2 open 1 doubts 0 reconciled true
        "#]],
    );
}

#[test]
fn an_order_that_the_books_do_not_show_is_asked_about() {
    check(
        "trade 100
         p0 buy 3 @ 99 #1
         v 1 accepted
         clock 60000
         reconnected
         books net 3
         status 1 filled 3 @ 99 fill 3 @ 99 t1",
        &expect![[r#"
            submit 1 Buy 3 Limit(Price(99))
            tell p0 #1 accepted
            reconcile
            query 1
            tell p0 #1 filled 3
            closed 1 Filled filled 3
            net 3 open 0 doubts 0 reconciled true
        "#]],
    );
}

#[test]
fn what_is_not_ours_counts_for_the_account_and_belongs_to_nobody() {
    let account = Limits { short_allowed: false, ..Limits::unlimited() };
    let mut host = Host::new(EngineConfig { account_limits: account, ..all() });
    host.run("trade 100\nreconnected\nbooks net -2 other sell 1");
    let out = host.run("p0 sell 1 @ 101 #1\np0 buy 3 @ 99 #2\nv 1 accepted");
    assert!(out.contains("denied short-not-allowed"), "{out}");
    assert_eq!(host.engine.external_position(sandpit_core::ids::InstrumentId(0)).0, -2);
    assert_eq!(host.engine.account().net_quantity(sandpit_core::ids::InstrumentId(0)).0, 0);
    let carried = host.engine.carry();
    host.run("restart");
    assert_eq!(carried, host.engine.carry()[..carried.len()]);
}

#[test]
fn books_that_are_older_than_a_fill_do_not_make_it_somebody_elses() {
    let mut host = Host::new(all());
    host.run("trade 100\np0 buy 3 @ 99 #1\nv 1 accepted");
    let old = parse("books", host.engine.now().0);
    host.run("v 1 fill 3 @ 99 t1");
    host.engine.step(old, &mut Vec::new());
    assert_eq!(host.engine.external_position(sandpit_core::ids::InstrumentId(0)).0, 0);
}

#[test]
fn at_the_very_time_of_the_books_only_what_they_list_was_before_them() {
    let mut host = Host::new(all());
    host.run("trade 100\np0 buy 3 @ 99 #1\nv 1 accepted\nv 1 fill 3 @ 99 t1");
    let without = parse("books", host.engine.now().0);
    host.engine.step(without, &mut Vec::new());
    assert_eq!(host.engine.external_position(sandpit_core::ids::InstrumentId(0)).0, 0);
}

#[test]
fn a_late_fill_of_a_brackets_entry_gets_its_exits() {
    check(
        "trade 100
         p0 bracket buy 2 @ 99 #1 stop 95 #2 take 105 #3
         v 1 accepted
         p0 cancel #1
         v 1 canceled
         v 1 fill 1 @ 99 t1",
        &expect![[r#"
            submit 1 Buy 2 Limit(Price(99))
            tell p0 #1 accepted
            cancel 1
            tell p0 #1 canceled
            closed 1 Canceled filled 0
            tell p0 #1 filled 1
            submit 2 Sell 1 Stop(Price(95))
            submit 3 Sell 1 Limit(Price(105))
            net 1 open 2 doubts 0 reconciled true
        "#]],
    );
}

#[test]
fn ids_go_on_where_they_were() {
    let mut host = Host::new(all());
    let out = host.run(
        "trade 100\np0 buy 1 @ 99 #1\nv 1 accepted\nrestart\nbooks open 1 1 @ 99\np0 buy 1 @ 98 #2",
    );
    assert!(out.contains("submit 2"), "{out}");
}

#[test]
fn records_of_another_run_are_refused() {
    let mut host = Host::new(all());
    host.run("trade 100\np1 buy 1 @ 99 #1\nv 1:1 accepted");
    let mut config = all();
    config.plugins.pop();
    let mut other = Engine::new(config);
    let refused = host.journal.iter().find_map(|(at, record)| other.replay(*at, record).err());
    assert_eq!(refused.unwrap().to_string(), "plugin 1 is not in this run");
    let moved = host.journal.iter().find(|(_, record)| matches!(record, Record::Moved { .. }));
    let (at, record) = moved.unwrap();
    let refused = Engine::new(all()).replay(*at, record);
    assert_eq!(refused.unwrap_err().to_string(), "order sp-1-1-1 was never opened");
}

/// The host ended between writing the exits down and sending them.
#[test]
fn exits_that_never_arrived_are_placed_anew() {
    check(
        "trade 100
         p0 bracket buy 2 @ 99 #1 stop 95 #2 take 105 #3
         v 1 accepted
         v 1 fill 2 @ 99 t1
         restart
         books net 2
         p0 buy 1 @ 98 #9
         clock 11000
         status 2 none
         status 3 none
         v 4 accepted
         v 5 accepted
         v 5 fill 2 @ 105 t2",
        &expect![[r#"
            submit 1 Buy 2 Limit(Price(99))
            tell p0 #1 accepted
            tell p0 #1 filled 2
            submit 2 Sell 2 Stop(Price(95))
            submit 3 Sell 2 Limit(Price(105))
            closed 1 Filled filled 2
            query 2
            query 3
            reconcile
            denied TradingState { scope: Account, state: Halted }
            tell p0 #9 denied trading-state
            query 2
            query 3
            reconcile
            closed 2 Rejected filled 0
            submit 4 Sell 2 Stop(Price(95))
            tell p0 #2 amended
            closed 3 Rejected filled 0
            submit 5 Sell 2 Limit(Price(105))
            tell p0 #3 amended
            reconcile
            tell p0 #2 accepted
            tell p0 #3 accepted
            tell p0 #3 filled 2
            closed 5 Filled filled 2
            cancel 4
            net 0 open 1 doubts 0 reconciled true
        "#]],
    );
}
