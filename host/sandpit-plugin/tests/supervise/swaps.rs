//! Another version takes over while the market goes on: nothing is lost, nothing is told twice, and
//! one that does not hold leaves no trace.

use sandpit_core::{
    plugin::FaultCode,
    time::{Nanos, UnixNanos},
};
use sandpit_plugin::{Cause, Consequence, Outcome, SuperviseRules};

use crate::{
    guests::{Count, SPIN, counter, order, refuser, trapper},
    hall::{Build, Hall, busy, generous, launcher, patient, tags},
    suite::Test,
    support::{Guest, engine},
};

pub(crate) const TESTS: &[Test] = &[
    ("swaps::fifty_under_load_lose_and_double_nothing", fifty_under_load_lose_and_double_nothing),
    ("swaps::one_that_traps_at_once_is_rolled_back", one_that_traps_at_once_is_rolled_back),
    ("swaps::one_that_does_not_start_changes_nothing", one_that_does_not_start_changes_nothing),
];

const SWAPS: u64 = 50;
/// 10,000 events a second.
const BETWEEN_EVENTS: Nanos = Nanos(100_000);
const EVENTS_PER_SWAP: u64 = 1_000;
const EVENTS_PER_INTENT: u64 = 10;
const EVENTS_PER_REPORT: u64 = 7;
/// Events that wait while the market is faster than the plugin.
const WAITING: usize = 500;

fn rules() -> SuperviseRules {
    SuperviseRules { totals: generous(), ..SuperviseRules::default() }
}

fn fifty_under_load_lose_and_double_nothing() {
    let engine = engine();
    let counters = [counter(EVENTS_PER_INTENT), counter(EVENTS_PER_INTENT).named("another")];
    let builds = counters.map(|guest| Build::of(&engine, &guest));
    let mut hall = Hall::new(rules(), Some(launcher())).with_workshop();
    let plugin = hall.load(&builds[0], patient(), busy());
    let mut told = Count::default();
    let events = SWAPS * EVENTS_PER_SWAP;
    let (mut swaps, mut reports) = (0, 0);
    for number in 1..=events {
        hall.now = hall.now.plus(BETWEEN_EVENTS);
        hall.trade(plugin, number);
        told.trade(number);
        if number % EVENTS_PER_REPORT == 0 {
            reports += 1;
            hall.tell(plugin, order(hall.now, reports));
            told.order(reports);
        }
        if number % EVENTS_PER_SWAP == EVENTS_PER_SWAP / 2 {
            until_swapped(&mut hall, swaps);
            swaps += 1;
            hall.swap(plugin, &builds[swaps % 2]);
        }
        // The market does not wait for the workshop, and the workshop not for the market.
        hall.work_off(plugin, WAITING);
    }
    until_swapped(&mut hall, swaps);
    hall.settle();
    assert_eq!(hall.faults(plugin), []);
    assert_eq!(Count::read(&hall.state(plugin)), told);
    assert_eq!((told.trades, told.gaps), (events, 0));
    let expected: Vec<u64> =
        (1..=events / EVENTS_PER_INTENT).map(|n| n * EVENTS_PER_INTENT).collect();
    assert_eq!(tags(&hall.asked(plugin)), expected);
    assert_eq!(hall.supervisor.view(plugin).unwrap().version, Some(&builds[0].version));
}

/// Goes on until so many swaps are over.
fn until_swapped(hall: &mut Hall, swaps: usize) {
    let is_swap = |it: &&Outcome| matches!(it, Outcome::Started { cause: Cause::Swap, .. });
    while hall.seen.iter().filter(is_swap).count() < swaps {
        hall.step_or_wait();
    }
}

/// Tells of trades from `first` on, with an order report behind each.
fn tell(hall: &mut Hall, count: &mut Count, first: u64, events: u64) {
    let plugin = sandpit_core::ids::PluginId(0);
    for number in first..first + events {
        hall.now = hall.now.plus(BETWEEN_EVENTS);
        hall.trade(plugin, number);
        hall.tell(plugin, order(hall.now, number));
        count.trade(number);
        count.order(number);
        hall.step();
    }
}

fn one_that_traps_at_once_is_rolled_back() {
    let engine = engine();
    let good = Build::of(&engine, &counter(1_000_000));
    // Starts with the state, counts reports, and traps in its first trade.
    let broken =
        Build::of(&engine, &counter(1_000_000).named("broken").body("on-trade", "unreachable"));
    let mut hall = Hall::new(rules(), Some(launcher()));
    let plugin = hall.load(&good, patient(), busy());
    let mut count = Count::default();
    tell(&mut hall, &mut count, 1, 100);
    hall.swap(plugin, &broken);
    // Two reports before the trade that fells it, and one behind: all of them are owed.
    for tag in [101, 102] {
        hall.tell(plugin, order(hall.now, tag));
        count.order(tag);
    }
    hall.trade(plugin, 101);
    hall.tell(plugin, order(hall.now, 103));
    count.order(103);
    hall.settle();
    assert_eq!(hall.faults(plugin), [(FaultCode::Trap, Consequence::RollBack)]);
    let view = hall.supervisor.view(plugin).unwrap();
    assert_eq!((view.version, view.faults_recent), (Some(&good.version), 0));
    assert!(hall.seen.iter().any(|it| matches!(
        it,
        Outcome::Started { cause: Cause::RollBack, from: Some(from), to, .. }
            if *from == broken.version.sha256 && *to == good.version.sha256
    )));
    // The state is the one that was handed over, and the trade that felled it is the one trade that
    // was missed.
    assert_eq!(Count::read(&hall.state(plugin)), count);
    tell(&mut hall, &mut count, 102, 50);
    hall.settle();
    let after = Count::read(&hall.state(plugin));
    assert_eq!(after, count);
    assert_eq!((after.trades, after.gaps, after.orders), (150, 1, 153));
}

fn one_that_does_not_start_changes_nothing() {
    let engine = engine();
    let good = Build::of(&engine, &counter(1_000_000));
    let mut hall = Hall::new(rules(), Some(launcher()));
    let plugin = hall.load(&good, patient(), busy());
    let mut count = Count::default();
    let spins = Guest::idle().body("start", &format!("{SPIN} i32.const 16"));
    let bad: [(Guest, FaultCode); 3] = [
        (trapper().body("start", "unreachable"), FaultCode::Trap),
        (refuser(), FaultCode::StartRefused),
        (spins, FaultCode::FuelExhausted),
    ];
    let mut expected = Vec::new();
    for (round, (guest, code)) in (0..).zip(bad) {
        tell(&mut hall, &mut count, 1 + round * 100, 50);
        hall.swap(plugin, &Build::of(&engine, &guest));
        tell(&mut hall, &mut count, 51 + round * 100, 50);
        hall.settle();
        expected.push((code, Consequence::KeepOld));
        assert_eq!(hall.faults(plugin), expected);
    }
    assert_eq!(Count::read(&hall.state(plugin)), count);
    assert_eq!((count.trades, count.gaps), (300, 0));
    let view = hall.supervisor.view(plugin).unwrap();
    assert_eq!((view.version, view.faults_recent, view.restarts), (Some(&good.version), 0, 0));
    assert_eq!(hall.supervisor.next_due(), None::<UnixNanos>);
}
