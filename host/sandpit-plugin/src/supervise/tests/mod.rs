//! Plugins looked after, with runners that answer when a test says so.

mod fake;

use std::time::Duration;

use sandpit_core::{
    ids::PluginId,
    plugin::{FaultCode, PluginEvent},
    time::{Nanos, UnixNanos},
};

use super::*;
use crate::{queue::QueueLimits, runner::ProcessUsage};
use fake::{At, Fake, Shared, fake, order, quote, setting, timer, trade, version};

const P: PluginId = PluginId(0);

struct Hall {
    supervisor: Supervisor<Fake>,
    script: Shared,
    out: Vec<Outcome>,
}

impl Hall {
    /// One plugin, which runs `a`.
    fn of_one() -> Self {
        Self::with(SuperviseRules::default(), SlotLimits::default())
    }

    fn with(rules: SuperviseRules, limits: SlotLimits) -> Self {
        let mut supervisor = Supervisor::new(rules);
        assert_eq!(supervisor.add("p", limits, setting()), P);
        let mut hall = Self { supervisor, script: Shared::default(), out: Vec::new() };
        let runner = fake("a", &hall.script);
        hall.supervisor.install(P, runner, version(1), None, At(1).moment(), &mut hall.out);
        hall.advance(1);
        assert!(matches!(hall.out[..], [Outcome::Started { cause: Cause::Load, .. }]));
        hall.out.clear();
        hall
    }

    fn tell(&mut self, event: PluginEvent, now: u64) {
        self.supervisor.tell(P, event, At(now).moment(), &mut self.out);
    }

    /// Goes on until nothing changes any more.
    fn advance(&mut self, now: u64) {
        for _ in 0..100 {
            self.supervisor.advance(At(now).moment(), &mut self.out);
        }
    }

    fn asked(&self, runner: &str) -> Vec<String> {
        self.script.borrow().asked(runner).iter().map(|asked| (*asked).to_owned()).collect()
    }

    fn swap(&mut self, runner: &'static str, number: u8, now: u64) {
        let made = fake(runner, &self.script);
        self.supervisor.swap(P, made, version(number), At(now).moment(), &mut self.out);
    }

    /// The ticket of a runner that is wanted, and of which version.
    fn wanted(&self) -> Option<(u64, u8)> {
        self.out.iter().rev().find_map(|outcome| match outcome {
            Outcome::Make { ticket, version, .. } => Some((*ticket, version.sha256[0])),
            _ => None,
        })
    }

    fn made(&mut self, runner: &'static str, now: u64) {
        let (ticket, _) = self.wanted().expect("a runner is wanted");
        let made = Ok(fake(runner, &self.script));
        self.supervisor.made(P, ticket, made, At(now).moment(), &mut self.out);
        self.advance(now);
    }

    fn consequences(&self) -> Vec<Consequence> {
        let faulted = self.out.iter().filter_map(|outcome| match outcome {
            Outcome::Faulted { then, .. } => Some(*then),
            _ => None,
        });
        faulted.collect()
    }
}

const fn seconds(count: u64) -> u64 {
    count * Nanos::SECOND.0
}

#[test]
fn a_plugin_that_does_not_answer_is_asked_nothing_more_and_its_quotes_conflate() {
    let mut hall = Hall::of_one();
    hall.script.borrow_mut().silent = vec!["a"];
    for event in [trade(2), quote(3), trade(4), quote(5)] {
        hall.tell(event, 5);
        hall.advance(5);
    }
    assert_eq!(hall.asked("a"), ["start@1", "trade 2"]);
    hall.script.borrow_mut().silent.clear();
    hall.advance(6);
    assert_eq!(hall.asked("a"), ["start@1", "trade 2", "trade 4", "quote 5"]);
    assert_eq!(hall.supervisor.view(P).unwrap().conflated, 1);
}

#[test]
fn who_is_silent_keeps_nobody_else_from_anything() {
    let mut hall = Hall::of_one();
    let other = hall.supervisor.add("q", SlotLimits::default(), setting());
    let runner = fake("b", &hall.script);
    hall.supervisor.install(other, runner, version(1), None, At(1).moment(), &mut hall.out);
    hall.script.borrow_mut().silent = vec!["a"];
    hall.advance(1);
    for time in 2..50 {
        hall.tell(trade(time), time);
        hall.supervisor.tell(other, trade(time), At(time).moment(), &mut hall.out);
        hall.advance(time);
    }
    assert_eq!((hall.asked("a").len(), hall.asked("b").len()), (2, 49));
}

#[test]
fn after_a_fault_it_comes_back_with_its_state_and_is_told_what_it_is_owed() {
    let mut hall = Hall::of_one();
    hall.tell(trade(2), 2);
    hall.supervisor.save(P);
    hall.advance(2);
    hall.script.borrow_mut().fault("a", "order 3");
    hall.script.borrow_mut().dump = Some(vec![7]);
    hall.tell(order(3), 3);
    hall.tell(trade(4), 4);
    hall.tell(order(5), 5);
    hall.out.clear();
    hall.advance(5);
    let [Outcome::CoreDump { bytes, .. }, Outcome::Faulted { then, fault, component, .. }] =
        &hall.out[..]
    else {
        panic!("{:?}", hall.out)
    };
    assert_eq!((bytes.as_slice(), fault.code, component[0]), (&[7][..], FaultCode::Trap, 1));
    let Consequence::Restart { at } = *then else { panic!("{then:?}") };
    assert!(at.0 > seconds(1) / 2 && at.0 <= 5 + seconds(1), "{at:?}");
    assert_eq!(hall.supervisor.next_due(), Some(at));
    // Down, it is told nothing; what it is owed waits and the market does not.
    hall.tell(trade(6), 6);
    hall.tell(order(7), 7);
    hall.advance(at.0 - 1);
    assert_eq!(hall.wanted(), None);
    hall.advance(at.0);
    assert_eq!(hall.wanted(), Some((1, 1)));
    hall.made("b", at.0);
    let start = format!("start@{} a:2", at.0);
    assert_eq!(hall.asked("b"), [&start, "order 3", "order 5", "order 7"]);
    assert!(hall.out.iter().any(|it| matches!(it, Outcome::Started { cause: Cause::Restart, .. })));
    assert_eq!(hall.supervisor.view(P).unwrap().restarts, 1);
}

#[test]
fn what_it_was_told_since_it_saved_is_told_again_to_the_state_that_does_not_know_it() {
    let mut hall = Hall::of_one();
    hall.tell(order(2), 2);
    hall.advance(2);
    hall.supervisor.save(P);
    hall.advance(2);
    for event in [order(3), trade(4), order(5)] {
        hall.tell(event, 5);
    }
    hall.advance(5);
    hall.script.borrow_mut().fault("a", "trade 6");
    hall.tell(trade(6), 6);
    hall.tell(order(7), 7);
    hall.advance(7);
    hall.advance(seconds(2));
    hall.made("b", seconds(2));
    assert_eq!(hall.asked("b"), ["start@2000000000 a:3", "order 3", "order 5", "order 7"]);
}

#[test]
fn a_report_that_fells_it_twice_is_not_told_a_third_time() {
    let mut hall = Hall::of_one();
    for name in ["a", "b"] {
        hall.script.borrow_mut().fault(name, "order 3");
    }
    hall.tell(order(3), 3);
    hall.tell(order(4), 4);
    for (next, now) in [("b", seconds(100)), ("c", seconds(200))] {
        hall.advance(now - seconds(90));
        hall.advance(now);
        hall.made(next, now);
    }
    assert_eq!(hall.asked("b")[1..], ["order 3"]);
    assert_eq!(hall.asked("c")[1..], ["order 4"]);
}

#[test]
fn too_many_faults_end_in_quarantine_until_a_person_releases_it() {
    let rules = FaultRules { faults_max: 2, ..FaultRules::default() };
    let rules = SuperviseRules { faults: rules, ..SuperviseRules::default() };
    let mut hall = Hall::with(rules, SlotLimits::default());
    hall.script.borrow_mut().fault("a", "trade 2");
    hall.script.borrow_mut().fault("b", "trade 3");
    hall.tell(trade(2), 2);
    hall.advance(2);
    hall.advance(seconds(5));
    hall.made("b", seconds(5));
    hall.tell(trade(3), seconds(6));
    hall.advance(seconds(6));
    assert_eq!(hall.supervisor.phase(P), Phase::Quarantined);
    assert_eq!(hall.consequences().last(), Some(&Consequence::Quarantine));
    hall.tell(order(4), seconds(7));
    hall.out.clear();
    hall.advance(seconds(100_000));
    assert_eq!(hall.wanted(), None, "time does not end a quarantine");
    let now = seconds(100_001);
    assert!(hall.supervisor.release(P, At(now).moment(), &mut hall.out));
    hall.made("c", now);
    assert_eq!(hall.asked("c")[1..], ["order 4"]);
    assert!(!hall.supervisor.release(P, At(now).moment(), &mut hall.out), "it runs");
}

#[test]
fn a_runner_that_cannot_be_made_is_a_fault_like_any_other() {
    let mut hall = Hall::of_one();
    hall.script.borrow_mut().fault("a", "trade 2");
    hall.tell(trade(2), 2);
    hall.advance(2);
    hall.advance(seconds(2));
    let (ticket, _) = hall.wanted().unwrap();
    let fault = Fault { code: FaultCode::RunnerLost, detail: "no process".to_owned() };
    let moment = At(seconds(2));
    hall.supervisor.made(P, ticket, Err(fault), moment.moment(), &mut hall.out);
    assert_eq!(hall.consequences().len(), 2);
    // One that comes too late is let go.
    let late = fake("late", &hall.script);
    hall.supervisor.made(P, ticket, Ok(late), moment.moment(), &mut hall.out);
    hall.advance(seconds(2));
    assert!(hall.asked("late").is_empty());
}

#[test]
fn a_swap_divides_events_between_the_old_and_the_new_without_losing_or_doubling_one() {
    let mut hall = Hall::of_one();
    hall.script.borrow_mut().silent = vec!["a"];
    for event in [trade(2), order(3), trade(4)] {
        hall.tell(event, 4);
    }
    hall.advance(4);
    hall.swap("b", 2, 4);
    for event in [trade(5), order(6)] {
        hall.tell(event, 6);
        hall.advance(6);
    }
    assert!(hall.asked("b").is_empty(), "the old one is not through");
    hall.script.borrow_mut().silent.clear();
    hall.out.clear();
    hall.advance(7);
    let old = ["start@1", "trade 2", "order 3", "trade 4", "save", "stop Swapped"];
    assert_eq!(hall.asked("a"), old);
    // Its session is as things stood when the swap was asked for, with the state of the old one.
    assert_eq!(hall.asked("b"), ["start@4 a:5", "trade 5", "order 6"]);
    let started = hall.out.iter().find_map(|outcome| match outcome {
        Outcome::Started { cause, from, to, .. } => Some((*cause, *from, *to)),
        _ => None,
    });
    assert_eq!(started, Some((Cause::Swap, Some([1; 32]), [2; 32])));
}

#[test]
fn a_swap_that_was_asked_for_in_vain_takes_no_event_with_it() {
    let mut hall = Hall::of_one();
    hall.script.borrow_mut().silent = vec!["a"];
    hall.tell(trade(2), 2);
    hall.advance(2);
    hall.swap("b", 2, 2);
    hall.tell(trade(3), 3);
    hall.swap("c", 3, 3);
    hall.tell(trade(4), 4);
    hall.script.borrow_mut().silent.clear();
    hall.advance(4);
    assert!(hall.asked("b").is_empty());
    // Its session is as things stood before the first event that it is told of.
    assert_eq!(hall.asked("c"), ["start@2 a:3", "trade 3", "trade 4"]);
    let view = hall.supervisor.view(P).unwrap();
    let versions = (view.version.unwrap().sha256[0], view.previous.unwrap().sha256[0]);
    assert_eq!(versions, (3, 1));
}

#[test]
fn where_the_new_one_does_not_start_the_old_one_goes_on_as_if_nothing_had_been() {
    let mut hall = Hall::of_one();
    hall.script.borrow_mut().fault("b", "start@2 a:2");
    hall.swap("b", 2, 2);
    hall.tell(trade(3), 3);
    hall.advance(3);
    assert_eq!(hall.consequences(), [Consequence::KeepOld]);
    hall.tell(order(4), 4);
    hall.advance(4);
    assert_eq!(hall.asked("a"), ["start@1", "save", "trade 3", "order 4"]);
    assert_eq!(hall.supervisor.view(P).unwrap().version.unwrap().sha256, [1; 32]);
    assert_eq!(hall.supervisor.view(P).unwrap().faults_recent, 0);
}

#[test]
fn a_fault_on_probation_puts_the_old_version_back_with_what_it_has_to_know() {
    let mut hall = Hall::of_one();
    hall.swap("b", 2, 2);
    hall.advance(2);
    for event in [trade(3), order(4)] {
        hall.tell(event, 4);
    }
    hall.advance(4);
    hall.script.borrow_mut().fault("b", "order 5");
    hall.tell(order(5), 5);
    hall.tell(timer(6), 6);
    hall.advance(6);
    assert_eq!(hall.consequences(), [Consequence::RollBack]);
    assert_eq!(hall.wanted(), Some((1, 1)), "the old version at once");
    hall.made("c", 7);
    assert_eq!(hall.asked("c"), ["start@7 a:2", "order 4", "order 5", "timer 6"]);
    // That was no fault of the old version, and there is nothing behind it.
    assert_eq!(hall.supervisor.view(P).unwrap().faults_recent, 0);
    assert!(!hall.supervisor.roll_back(P, At(8).moment(), &mut hall.out));
}

#[test]
fn after_its_probation_a_new_version_is_restarted_like_any_other_and_can_be_put_back_by_hand() {
    let mut hall = Hall::of_one();
    hall.swap("b", 2, 2);
    hall.advance(2);
    let later = seconds(301);
    hall.script.borrow_mut().fault("b", &format!("trade {later}"));
    hall.tell(trade(later), later);
    hall.advance(later);
    assert!(matches!(hall.consequences()[..], [Consequence::Restart { .. }]));
    assert!(hall.supervisor.roll_back(P, At(later).moment(), &mut hall.out));
    hall.made("c", later);
    assert_eq!(hall.asked("c")[0], format!("start@{later} a:2"));
    assert_eq!(hall.supervisor.view(P).unwrap().version.unwrap().sha256, [1; 32]);
}

#[test]
fn an_old_version_that_falls_before_its_turn_is_followed_by_the_new_one() {
    let mut hall = Hall::of_one();
    hall.script.borrow_mut().silent = vec!["a"];
    hall.tell(order(2), 2);
    hall.advance(2);
    hall.swap("b", 2, 2);
    hall.tell(order(3), 3);
    hall.script.borrow_mut().fault("a", "order 2");
    hall.script.borrow_mut().silent.clear();
    hall.advance(3);
    assert_eq!(hall.asked("b"), ["start@3", "order 2", "order 3"]);
    assert_eq!(hall.supervisor.phase(P), Phase::Running);
}

#[test]
fn a_swap_of_a_quarantined_plugin_waits_for_its_release() {
    let rules = FaultRules { faults_max: 1, ..FaultRules::default() };
    let rules = SuperviseRules { faults: rules, ..SuperviseRules::default() };
    let mut hall = Hall::with(rules, SlotLimits::default());
    hall.script.borrow_mut().fault("a", "trade 2");
    hall.tell(trade(2), 2);
    hall.advance(2);
    hall.swap("unused", 2, 3);
    hall.advance(3);
    assert_eq!(hall.supervisor.phase(P), Phase::Quarantined);
    hall.supervisor.release(P, At(4).moment(), &mut hall.out);
    assert_eq!(hall.wanted(), Some((1, 2)));
}

#[test]
fn paused_it_is_told_nothing_and_later_what_it_is_owed() {
    let mut hall = Hall::of_one();
    hall.supervisor.pause(P, true, UnixNanos(2));
    for event in [trade(2), order(3), quote(4), timer(5)] {
        hall.tell(event, 5);
    }
    hall.advance(5);
    assert_eq!(hall.asked("a"), ["start@1"]);
    hall.supervisor.pause(P, false, UnixNanos(6));
    hall.tell(trade(6), 6);
    hall.advance(6);
    assert_eq!(hall.asked("a"), ["start@1", "order 3", "timer 5", "trade 6"]);
}

#[test]
fn a_plugin_is_unloaded_between_two_events_with_its_state_and_can_come_back() {
    let mut hall = Hall::of_one();
    hall.tell(trade(2), 2);
    hall.advance(2);
    let moment = At(3);
    hall.supervisor.unload(P, StopReason::Operator, moment.moment(), &mut hall.out);
    hall.out.clear();
    hall.advance(3);
    assert!(matches!(hall.out[..], [Outcome::Saved { .. }, Outcome::Unloaded { .. }]));
    assert_eq!(hall.asked("a"), ["start@1", "trade 2", "save", "stop Operator"]);
    assert_eq!(hall.supervisor.phase(P), Phase::Empty);
    hall.tell(order(4), 4);
    let saved = hall.supervisor.view(P).unwrap().saved.cloned();
    let runner = fake("b", &hall.script);
    hall.supervisor.install(P, runner, version(1), saved, At(5).moment(), &mut hall.out);
    hall.advance(5);
    assert_eq!(hall.asked("b"), ["start@5 a:3", "order 4"]);
}

#[test]
fn parameters_are_handed_over_between_two_events_and_kept_for_the_next_start() {
    let mut hall = Hall::of_one();
    hall.script.borrow_mut().silent = vec!["a"];
    hall.tell(trade(2), 2);
    hall.advance(2);
    hall.supervisor.parameters(P, Vec::new(), UnixNanos(3));
    hall.tell(trade(3), 3);
    hall.script.borrow_mut().silent.clear();
    hall.advance(3);
    assert_eq!(hall.asked("a"), ["start@1", "trade 2", "parameters", "trade 3"]);
    assert!(hall.out.iter().any(|it| matches!(it, Outcome::Parameters { answer: Ok(()), .. })));
}

#[test]
fn one_that_lags_too_far_behind_is_at_fault() {
    let queue = QueueLimits { events_max: 3, ..QueueLimits::default() };
    let limits = SlotLimits { queue, ..SlotLimits::default() };
    let mut hall = Hall::with(SuperviseRules::default(), limits);
    hall.script.borrow_mut().silent = vec!["a"];
    for time in 2..=5 {
        hall.tell(trade(time), time);
        hall.advance(time);
    }
    assert!(hall.consequences().is_empty(), "one is under way and three wait");
    hall.tell(order(7), 7);
    let (_, fault) = hall.supervisor.view(P).unwrap().last_fault.unwrap();
    assert_eq!(fault.code, FaultCode::Lagging);
    // The report is owed all the same.
    hall.script.borrow_mut().silent.clear();
    hall.advance(seconds(2));
    hall.made("b", seconds(2));
    assert_eq!(hall.asked("b")[1..], ["order 7"]);
}

#[test]
fn who_asks_for_most_is_at_fault_where_all_ask_for_too_much() {
    let totals = Totals { intents_per_second_max: 2, ..Totals::default() };
    let rules = SuperviseRules { totals, ..SuperviseRules::default() };
    let mut hall = Hall::with(rules, SlotLimits::default());
    let other = hall.supervisor.add("q", SlotLimits::default(), setting());
    let runner = fake("b", &hall.script);
    hall.supervisor.install(other, runner, version(1), None, At(1).moment(), &mut hall.out);
    hall.advance(1);
    hall.script.borrow_mut().intents = 1;
    hall.out.clear();
    for time in 2..=13 {
        hall.tell(trade(time), time);
        hall.advance(time);
    }
    for time in 14..=21 {
        hall.supervisor.tell(other, trade(time), At(time).moment(), &mut hall.out);
        hall.advance(time);
    }
    assert!(hall.consequences().is_empty(), "20 in ten seconds are allowed");
    hall.supervisor.tell(other, trade(22), At(22).moment(), &mut hall.out);
    hall.advance(22);
    let faulted = hall.out.iter().find_map(|outcome| match outcome {
        Outcome::Faulted { plugin, fault, .. } => Some((*plugin, fault.code)),
        _ => None,
    });
    assert_eq!(faulted, Some((P, FaultCode::IntentRateExceeded)));
}

#[test]
fn more_than_its_share_of_the_processor_is_a_fault() {
    let mut hall = Hall::of_one();
    let allowed = allowance(SlotLimits::default().cpu_share_percent_max);
    for (cpu, faults) in [(allowed, 0), (allowed + Duration::from_millis(1), 1)] {
        hall.script.borrow_mut().usage = Some(ProcessUsage { cpu, resident_bytes: 0 });
        // The next look is now.
        hall.supervisor.look_next = (Instant::now(), 0);
        hall.advance(2);
        assert_eq!(hall.consequences().len(), faults);
    }
    let (_, fault) = hall.supervisor.view(P).unwrap().last_fault.unwrap();
    assert_eq!(fault.code, FaultCode::CpuShareExceeded);
}
