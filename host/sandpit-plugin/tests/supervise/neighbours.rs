//! One that does as it should beside some that do not: it notices nothing, to the byte.

use sandpit_core::{ids::PluginId, intent::Intent, plugin::FaultCode, time::Nanos};
use sandpit_plugin::{Consequence, Limits, Phase, SlotLimits, SuperviseRules};

use crate::{
    guests::{Count, counter, flooder, grinder, order, spinner, trapper},
    hall::{Build, Hall, busy, generous, launcher, patient},
    suite::Test,
    support::{Guest, engine},
};

pub(crate) const TESTS: &[Test] =
    &[("neighbours::an_honest_one_is_as_if_it_were_alone", an_honest_one_is_as_if_it_were_alone)];

const EVENTS: u64 = 30_000;
const BETWEEN_EVENTS: Nanos = Nanos(1_000_000);

/// What an honest plugin leaves behind.
#[derive(PartialEq)]
struct Trace {
    intents: Vec<Intent>,
    state: Vec<u8>,
    fuel: u64,
}

/// How the others end: their faults, and where they stand.
type End = (Vec<FaultCode>, Option<Consequence>, Phase);

fn run(others: &[Guest]) -> (Trace, Vec<End>) {
    let engine = engine();
    let rules = SuperviseRules { totals: generous(), ..SuperviseRules::default() };
    let mut hall = Hall::new(rules, Some(launcher())).with_workshop();
    let mut all = Vec::new();
    // In the middle of them.
    let (before, behind) = others.split_at(others.len() / 2);
    let strict = || Limits { intents_per_second_max: 20, ..patient() };
    for guest in before {
        all.push(hall.load(&Build::of(&engine, guest), strict(), SlotLimits::default()));
    }
    let honest = hall.load(&Build::of(&engine, &counter(3)), patient(), busy());
    for guest in behind {
        all.push(hall.load(&Build::of(&engine, guest), strict(), SlotLimits::default()));
    }
    for number in 1..=EVENTS {
        hall.now = hall.now.plus(BETWEEN_EVENTS);
        for plugin in 0..hall.supervisor.len() {
            hall.trade(PluginId(u16::try_from(plugin).unwrap()), number);
        }
        if number % 5 == 0 {
            hall.tell(honest, order(hall.now, number));
        }
        // The market is as fast as all of them; what falls is told nothing, and holds up nobody.
        for plugin in 0..hall.supervisor.len() {
            hall.work_off(PluginId(u16::try_from(plugin).unwrap()), 100);
        }
    }
    hall.settle();
    let state = hall.state(honest);
    assert_eq!(hall.faults(honest), []);
    let fuel = hall.supervisor.view(honest).unwrap().stats.unwrap().fuel_total;
    let ends = all.iter().map(|plugin| {
        let faults = hall.faults(*plugin);
        let codes = faults.iter().map(|(code, _)| *code).collect();
        (codes, faults.last().map(|(_, then)| *then), hall.supervisor.phase(*plugin))
    });
    let ends = ends.collect();
    (Trace { intents: hall.asked(honest), state, fuel }, ends)
}

fn an_honest_one_is_as_if_it_were_alone() {
    let (alone, _) = run(&[]);
    let count = Count::read(&alone.state);
    assert_eq!((count.trades, count.gaps, count.orders), (EVENTS, 0, EVENTS / 5));
    assert_eq!(alone.intents.len() as u64, EVENTS / 3);
    let greedy = flooder().named("greedy").intents(65);
    let (beside, ends) = run(&[spinner(), trapper(), flooder(), greedy, grinder(100, 100_000)]);
    assert!(beside == alone, "its neighbours changed what it did");
    let codes = [
        FaultCode::FuelExhausted,
        FaultCode::Trap,
        FaultCode::IntentRateExceeded,
        FaultCode::TooManyIntents,
    ];
    for (end, code) in ends.iter().zip(codes) {
        let quarantine = Some(Consequence::Quarantine);
        assert_eq!(*end, (vec![code; 5], quarantine, Phase::Quarantined));
    }
    // Slow is no fault.
    assert_eq!(ends[4], (Vec::new(), None, Phase::Running));
}
