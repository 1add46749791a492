//! The desk in virtual time.

use proptest::prelude::*;

use super::*;
use crate::AlertsConfig;

const CHANNELS: &str = "
    [channels.a]
    kind = \"slack\"
    url = \"env://A\"
    [channels.b]
    kind = \"slack\"
    url = \"env://B\"
    [channels.c]
    kind = \"slack\"
    url = \"env://C\"
";
const ONE_ROUTE: &str = "[[routes]]\nchannels = [\"a\", \"b\"]";
/// A Monday at noon in UTC.
const NOON: &str = "2026-03-02T12:00:00Z";

fn at(text: &str) -> UnixNanos {
    let stamp: jiff::Timestamp = text.parse().unwrap();
    UnixNanos(u64::try_from(stamp.as_nanosecond()).unwrap())
}

fn after(from: UnixNanos, seconds: u64) -> UnixNanos {
    from.plus(Nanos(seconds * Nanos::SECOND.0))
}

fn plan(text: &str) -> Result<Plan, PlanError> {
    // What stands in no section comes first.
    let (head, sections) = text.split_once("---").unwrap_or(("", text));
    let config: AlertsConfig = toml::from_str(&format!("{head}\n{CHANNELS}\n{sections}")).unwrap();
    Plan::new(&config)
}

fn desk(text: &str) -> Desk {
    Desk::new(plan(text).unwrap())
}

fn raise(now: UnixNanos, subject: &str, severity: Severity) -> Signal {
    let change = Change::Raised { severity, text: Text::from("bad") };
    Signal { at: now, rule: Rule::Connection, subject: Name::from(subject), change }
}

fn clear(now: UnixNanos, subject: &str) -> Signal {
    let change = Change::Cleared { text: Text::from("good") };
    Signal { at: now, rule: Rule::Connection, subject: Name::from(subject), change }
}

/// Takes everything that is to be sent, as sent by the first channel of its list.
fn sent(desk: &mut Desk, now: UnixNanos) -> Vec<String> {
    let mut out = Vec::new();
    while let Some(delivery) = desk.next(|_| true) {
        let channel = desk.plan().channels(delivery.chain)[0].clone();
        let items: Vec<String> = delivery
            .notice
            .items
            .iter()
            .map(|item| format!("{:?} {}", item.news, item.alert.subject))
            .collect();
        out.push(format!("{channel}: {}", items.join(", ")));
        desk.delivered(now, &delivery, &channel);
    }
    out
}

/// Lets time pass second by second.
fn pass(desk: &mut Desk, from: UnixNanos, seconds: u64) -> Vec<String> {
    let mut out = Vec::new();
    for second in 1..=seconds {
        let now = after(from, second);
        desk.tick(now);
        out.extend(sent(desk, now));
    }
    out
}

#[test]
fn a_hundred_times_is_once() {
    let mut desk = desk(ONE_ROUTE);
    let now = at(NOON);
    for second in 0..100 {
        desk.take(raise(after(now, second), "line", Severity::Critical));
    }
    assert_eq!(sent(&mut desk, now), ["a: Raised line"]);
    assert_eq!(pass(&mut desk, after(now, 100), 30), [""; 0]);
    assert_eq!(desk.view(now).active[0].count, 100);
    desk.take(clear(after(now, 200), "line"));
    desk.take(clear(after(now, 200), "another"));
    assert_eq!(pass(&mut desk, after(now, 200), 59), [""; 0]);
    assert_eq!(pass(&mut desk, after(now, 259), 30), ["a: Resolved line"]);
    assert!(desk.view(now).active.is_empty());
}

#[test]
fn what_comes_and_goes_is_one_that_lasts() {
    let mut desk = desk(ONE_ROUTE);
    let mut said = Vec::new();
    let start = at(NOON);
    for round in 0..20 {
        let now = after(start, round * 60);
        desk.take(raise(now, "line", Severity::Critical));
        said.extend(pass(&mut desk, now, 10));
        desk.take(clear(after(now, 10), "line"));
        said.extend(pass(&mut desk, after(now, 10), 50));
    }
    said.extend(pass(&mut desk, after(start, 1_200), 60));
    assert_eq!(said, ["a: Raised line", "a: Resolved line"]);
}

#[test]
fn worse_is_told_once_more_and_the_lesser_word_is_withdrawn() {
    let mut desk = desk(ONE_ROUTE);
    let now = at(NOON);
    desk.take(raise(now, "line", Severity::Warning));
    desk.tick(after(now, 10));
    assert_eq!(desk.queued(), 1);
    desk.take(raise(after(now, 11), "line", Severity::Critical));
    desk.take(raise(after(now, 12), "line", Severity::Warning));
    assert_eq!(sent(&mut desk, now), ["a: Worse line"]);
    assert_eq!(pass(&mut desk, after(now, 12), 60), [""; 0]);
}

#[test]
fn the_first_critical_goes_at_once_and_the_rest_together() {
    let mut desk = desk(ONE_ROUTE);
    let now = at(NOON);
    for subject in ["one", "two", "three"] {
        desk.take(raise(now, subject, Severity::Critical));
    }
    desk.take(raise(now, "low", Severity::Info));
    assert_eq!(sent(&mut desk, now), ["a: Raised one"]);
    assert_eq!(pass(&mut desk, now, 9), [""; 0]);
    let said = pass(&mut desk, after(now, 9), 1);
    assert_eq!(said, ["a: Raised two, Raised three", "a: Raised low"]);
    // The window goes on while they come, and then ends.
    desk.take(raise(after(now, 11), "four", Severity::Critical));
    assert_eq!(sent(&mut desk, now), [""; 0]);
    assert_eq!(pass(&mut desk, after(now, 11), 30), ["a: Raised four"]);
    desk.take(raise(after(now, 60), "five", Severity::Critical));
    assert_eq!(sent(&mut desk, now), ["a: Raised five"]);
}

#[test]
fn lists_have_their_severities() {
    let mut desk = desk(
        "[[routes]]\nto = \"warning\"\nchannels = [\"a\"]\n\
         [[routes]]\nfrom = \"warning\"\nchannels = [\"b\"]\n\
         [[routes]]\nfrom = \"critical\"\nchannels = [\"c\"]",
    );
    let now = at(NOON);
    for (subject, severity) in
        [("i", Severity::Info), ("w", Severity::Warning), ("c", Severity::Critical)]
    {
        desk.take(raise(now, subject, severity));
    }
    let said = sent(&mut desk, now);
    assert_eq!(said, ["b: Raised c", "c: Raised c"]);
    let said = pass(&mut desk, now, 11);
    assert_eq!(said, ["a: Raised w", "b: Raised w", "a: Raised i"]);
}

const QUIET: &str = "[[routes]]\nchannels = [\"a\"]\n[escalation]\nrepeats_max = 0\n\
    [quiet]\nzone = \"Europe/Berlin\"\nfrom = \"22:00\"\nto = \"07:00\"";

#[test]
fn what_can_wait_waits_for_the_morning() {
    let mut desk = desk(QUIET);
    // Ten in the evening in Berlin, in winter and in summer.
    for (evening, morning) in [
        ("2026-03-02T21:00:00Z", "2026-03-03T06:00:00Z"),
        ("2026-07-06T20:00:00Z", "2026-07-07T05:00:00Z"),
        // The night in which the clocks go forward is an hour shorter.
        ("2026-03-28T21:00:00Z", "2026-03-29T05:00:00Z"),
    ] {
        let (evening, morning) = (at(evening), at(morning));
        desk.take(raise(after(evening, 1), "stays", Severity::Warning));
        desk.take(raise(after(evening, 1), "goes", Severity::Warning));
        desk.take(raise(after(evening, 1), "wakes", Severity::Critical));
        assert_eq!(sent(&mut desk, evening), ["a: Raised wakes"]);
        desk.take(clear(after(evening, 5), "goes"));
        assert_eq!(pass(&mut desk, after(evening, 5), 300), [""; 0]);
        let almost = UnixNanos(morning.0 - Nanos::SECOND.0);
        desk.tick(almost);
        assert_eq!(sent(&mut desk, almost), [""; 0]);
        assert!(desk.view(almost).is_quiet);
        desk.tick(morning);
        let now = after(morning, 10);
        desk.tick(now);
        let delivery = desk.next(|_| true).unwrap();
        assert_eq!(delivery.notice.items.len(), 1);
        assert_eq!(delivery.notice.came_and_went, 1);
        for subject in ["stays", "wakes"] {
            desk.take(clear(after(now, 1), subject));
        }
        let said = pass(&mut desk, after(now, 1), 100);
        assert_eq!(said.len(), 2, "{said:?}");
    }
}

#[test]
fn quiet_hours_within_a_day() {
    let plan = plan(&QUIET.replace("22:00", "01:00")).unwrap();
    let is_quiet = |text| plan.is_quiet(at(text));
    assert!(!is_quiet("2026-03-02T23:59:00Z") && is_quiet("2026-03-03T00:00:00Z"));
    assert!(is_quiet("2026-03-03T05:59:59Z") && !is_quiet("2026-03-03T06:00:00Z"));
}

const LEVELS: &str = "[[routes]]\nchannels = [\"a\"]\n\
    [escalation]\nrepeat_minutes = 20\nrepeats_max = 2\n\
    [[escalation.levels]]\nafter_minutes = 5\nchannels = [\"b\"]\n\
    [[escalation.levels]]\nafter_minutes = 15\nchannels = [\"c\"]";

#[test]
fn nobody_answers() {
    let mut desk = desk(LEVELS);
    let now = at(NOON);
    desk.take(raise(now, "line", Severity::Critical));
    desk.take(raise(now, "low", Severity::Warning));
    assert_eq!(sent(&mut desk, now), ["a: Raised line"]);
    let mut times = Vec::new();
    for second in 1..20_000 {
        let then = after(now, second);
        desk.tick(then);
        for said in sent(&mut desk, then) {
            if said.contains("Reminder") {
                times.push((second / 60, said));
            }
        }
    }
    let expected = [(5, "b"), (15, "c"), (35, "c"), (55, "c")];
    let expected = expected.map(|(minute, list)| (minute, format!("{list}: Reminder line")));
    assert_eq!(times, expected);
    // Whoever was woken hears that it is over.
    desk.take(clear(after(now, 20_000), "line"));
    let said = pass(&mut desk, after(now, 20_000), 61);
    assert_eq!(said, ["b: Resolved line", "c: Resolved line", "a: Resolved line"]);
}

#[test]
fn who_has_seen_it_is_left_alone_until_it_is_worse() {
    let mut desk = desk(&LEVELS.replace("repeat_minutes", "from = \"warning\"\nrepeat_minutes"));
    let now = at(NOON);
    desk.take(raise(now, "line", Severity::Warning));
    pass(&mut desk, now, 11);
    let id = desk.view(now).active[0].id;
    let by = Name::from("ann");
    desk.acknowledge(after(now, 20), id, &by).unwrap();
    assert_eq!(desk.acknowledge(now, id, &by), Err(AcknowledgeError::Already(id)));
    assert_eq!(desk.acknowledge(now, 99, &by), Err(AcknowledgeError::Unknown(99)));
    assert_eq!(pass(&mut desk, after(now, 20), 4_000), ["a: Acknowledged line"]);
    desk.take(raise(after(now, 4_100), "line", Severity::Critical));
    let said = pass(&mut desk, after(now, 4_100), 301);
    assert_eq!(said, ["a: Worse line", "b: Reminder line"]);
    assert_eq!(desk.acknowledge_all(after(now, 4_500), &by), 1);
    assert_eq!(desk.acknowledge_all(after(now, 4_500), &by), 0);
}

#[test]
fn what_reached_nobody_is_tried_again_while_it_lasts() {
    let mut desk = desk(ONE_ROUTE);
    let now = at(NOON);
    desk.take(raise(now, "line", Severity::Critical));
    desk.take(raise(now, "low", Severity::Warning));
    desk.tick(after(now, 10));
    for second in [10, 70, 130] {
        let then = after(now, second);
        desk.tick(then);
        while let Some(delivery) = desk.next(|_| true) {
            desk.undelivered(then, &delivery);
        }
    }
    let then = after(now, 190);
    desk.tick(then);
    assert_eq!(sent(&mut desk, then), ["a: Raised line"]);
    assert_eq!(pass(&mut desk, then, 100), [""; 0]);
    assert_eq!(desk.view(then).losses.undelivered, 4);
    // One that is over is not told any more.
    desk.take(raise(after(now, 300), "other", Severity::Critical));
    let delivery = desk.next(|_| true).unwrap();
    desk.undelivered(after(now, 300), &delivery);
    desk.take(clear(after(now, 301), "other"));
    assert_eq!(pass(&mut desk, after(now, 301), 61), ["a: Resolved other"]);
}

#[test]
fn a_full_queue_gives_the_least_up_and_no_critical_one() {
    let mut desk = desk("group_s = 0\nqueue = 16\n---\n[[routes]]\nchannels = [\"a\"]");
    let now = at(NOON);
    for number in 0..20 {
        desk.take(raise(now, &format!("low{number}"), Severity::Info));
        desk.tick(now);
    }
    assert_eq!((desk.queued(), desk.view(now).losses.dropped), (16, 4));
    for number in 0..40 {
        desk.take(raise(now, &format!("high{number}"), Severity::Critical));
        desk.tick(now);
    }
    assert_eq!(desk.queued(), 16);
    let mut said = sent(&mut desk, now).join(" ");
    said.push_str(&pass(&mut desk, now, 5).join(" "));
    for number in 0..40 {
        assert!(said.contains(&format!("Raised high{number}")), "{number}");
    }
    assert!(!said.contains("low"));
}

#[test]
fn a_full_table_gives_the_least_up_and_folds_the_rest() {
    let mut desk = desk(ONE_ROUTE);
    let now = at(NOON);
    for number in 0..ALERTS_MAX {
        desk.take(raise(now, &format!("low{number}"), Severity::Warning));
    }
    for number in 0..ALERTS_MAX + 50 {
        desk.take(raise(after(now, 1), &format!("high{number}"), Severity::Critical));
    }
    let view = desk.view(now);
    assert_eq!(view.active.len(), ALERTS_MAX + 1);
    assert!(view.active.iter().all(|alert| alert.severity == Severity::Critical));
    let others = view.active.iter().find(|alert| alert.subject.as_str() == crate::rules::OTHERS);
    assert_eq!(others.unwrap().count, 50);
    assert_eq!(view.losses.displaced, 1_024);
}

#[test]
fn alerts_outlive_the_process() {
    let now = at(NOON);
    let mut before = desk(LEVELS);
    before.take(raise(now, "seen", Severity::Critical));
    before.take(raise(now, "untold", Severity::Critical));
    before.take(raise(now, "gone", Severity::Critical));
    let delivery = before.next(|_| true).unwrap();
    before.delivered(now, &delivery, &Name::from("a"));
    before.acknowledge(now, 1, &Name::from("ann")).unwrap();
    let text = serde_json::to_string(&before.state()).unwrap();
    let state: DeskState = serde_json::from_str(&text).unwrap();
    assert_eq!(state, before.state());

    let later = after(now, 100);
    let mut desk = Desk::restore(plan(LEVELS).unwrap(), later, state).unwrap();
    let said = pass(&mut desk, later, 10).join(" ");
    assert!(said.contains("Raised untold") && said.contains("Raised gone"), "{said}");
    assert!(!said.contains("seen"), "{said}");
    for second in 0..400 {
        let then = after(later, 20 + second);
        desk.take(raise(then, "seen", Severity::Critical));
        desk.take(raise(then, "untold", Severity::Critical));
    }
    let said = pass(&mut desk, after(later, 420), 100);
    assert_eq!(said.iter().filter(|said| said.contains("Resolved gone")).count(), 1, "{said:?}");
    let active = desk.view(later).active;
    assert_eq!(active.len(), 2);
    assert!(active.iter().any(|alert| alert.acknowledged.is_some()));

    let edited = |from: &str, to: &str| {
        let state = serde_json::from_str(&text.replace(from, to)).unwrap();
        Desk::restore(plan(LEVELS).unwrap(), later, state).err()
    };
    assert!(matches!(edited("\"version\":1", "\"version\":2"), Some(StateError::Version { .. })));
    assert!(matches!(edited("\"id\":2", "\"id\":1"), Some(StateError::Numbers { id: 1 })));
    assert!(matches!(edited("\"gone\"", "\"seen\""), Some(StateError::Numbers { .. })));
    assert!(matches!(edited("\"id\":2", "\"id\":9"), Some(StateError::Numbers { id: 9 })));
}

#[test]
fn plans_that_cannot_be_followed() {
    let fails = |text: &str| plan(text).unwrap_err().to_string();
    assert!(fails("").contains("no route has critical"));
    assert!(fails("[[routes]]\nto = \"warning\"\nchannels = [\"a\"]").contains("no route has"));
    assert!(fails("[[routes]]\nchannels = []").contains("names 0 channels"));
    assert!(fails("[[routes]]\nchannels = [\"x\"]").contains("no `channels.x`"));
    assert!(fails("[[routes]]\nchannels = [\"a\", \"a\"]").contains("twice"));
    let text = "[[routes]]\nfrom = \"critical\"\nto = \"info\"\nchannels = [\"a\"]";
    assert!(fails(text).contains("which is nothing"));
    assert!(fails(&LEVELS.replace("= 15", "= 5")).contains("more than the one before"));
    assert!(fails(&QUIET.replace("22:00", "07:00")).contains("begins when it ends"));
    assert!(fails(&format!("{QUIET}\nhold = \"critical\"")).contains("cannot hold"));
    assert!(fails(&ONE_ROUTE.repeat(17).replace("][[", "]\n[[")).contains("17 entries"));
}

#[derive(Clone, Debug)]
enum Step {
    Raise(u8, u8),
    Clear(u8),
    Pass(u16),
    Send(u8),
    Fail(u8),
    Acknowledge(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..60u8, 0..3u8).prop_map(|(subject, severity)| Step::Raise(subject, severity)),
        3 => (0..60u8).prop_map(Step::Clear),
        3 => (0..400u16).prop_map(Step::Pass),
        1 => (0..20u8).prop_map(Step::Send),
        1 => (0..20u8).prop_map(Step::Fail),
        1 => (0..60u8).prop_map(Step::Acknowledge),
    ];
    proptest::collection::vec(step, 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever happens: bounds hold, and in the end each critical alert that is still on was taken
    /// by a channel of its list since it became critical.
    #[test]
    fn bounds_hold_and_no_critical_alert_is_lost(steps in steps()) {
        let mut desk = desk(
            "queue = 16\nhistory = 50\ngroup_s = 1\n---\n[[routes]]\nchannels = [\"a\"]\n\
             [[routes]]\nfrom = \"warning\"\nchannels = [\"b\", \"c\"]\n\
             [quiet]\nzone = \"Asia/Tokyo\"\nfrom = \"22:00\"\nto = \"07:00\"",
        );
        let mut now = at(NOON);
        for step in steps {
            match step {
                Step::Raise(subject, severity) => {
                    let severity = Severity::ALL[usize::from(severity)];
                    desk.take(raise(now, &format!("s{subject}"), severity));
                }
                Step::Clear(subject) => desk.take(clear(now, &format!("s{subject}"))),
                Step::Pass(seconds) => {
                    now = after(now, u64::from(seconds));
                    desk.tick(now);
                }
                Step::Send(count) => for _ in 0..count {
                    let Some(delivery) = desk.next(|_| true) else { break };
                    desk.delivered(now, &delivery, &Name::from("a"));
                },
                Step::Fail(count) => for _ in 0..count {
                    let Some(delivery) = desk.next(|_| true) else { break };
                    desk.undelivered(now, &delivery);
                },
                Step::Acknowledge(id) => {
                    let _ = desk.acknowledge(now, u64::from(id), &Name::from("ann"));
                }
            }
            let view = desk.view(now);
            prop_assert!(view.queued <= 16 && view.recent.len() <= 50);
            prop_assert!(view.active.len() <= ALERTS_MAX && view.held <= HELD_MAX);
            prop_assert!(view.recent.windows(2).all(|two| two[0].sequence + 1 == two[1].sequence));
        }
        // Long enough for all that is owed, and short enough for alerts to stay on.
        for _ in 0..200 {
            now = after(now, 1);
            desk.tick(now);
            while let Some(delivery) = desk.next(|_| true) {
                prop_assert!(delivery.notice.items.len() <= GROUP_MAX);
                desk.delivered(now, &delivery, &Name::from("a"));
            }
        }
        for alert in desk.view(now).active {
            prop_assert!(alert.severity < Severity::Critical || alert.is_told, "{alert:?}");
        }
        prop_assert!(desk.owed.is_empty());
    }
}
