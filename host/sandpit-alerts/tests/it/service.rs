//! The thread: what is observed arrives, dead channels are passed over, nothing waits for anything.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sandpit_alerts::{
    Name, Severity, Text,
    desk::What,
    rules::Observation,
    secret::{ChannelSecret, SecretError, SecretRef, Secrets},
    service::{
        AlertsHandle, Backoff, Chance, FLOW_MAX, Service, ServiceOptions, StartError, test_channels,
    },
};
use sandpit_core::time::{Nanos, UnixNanos};
use sandpit_secrets::{Clock, Mask};

use crate::support::{
    Fixed, NOW, config,
    server::{Answer, Server},
    until, watch,
};

/// So that tests take no time.
pub(crate) fn quick() -> Backoff {
    let brief = Duration::from_millis(5);
    Backoff { first: brief, max: Duration::from_millis(20), ..Backoff::default() }
}

/// A clock that a test turns.
#[derive(Clone)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(NOW.0)))
    }

    fn clock(&self) -> Clock {
        let hands = Arc::clone(&self.0);
        Clock::new(move || UnixNanos(hands.load(Ordering::SeqCst)))
    }

    fn turn(&self, seconds: u64) {
        self.0.fetch_add(seconds * Nanos::SECOND.0, Ordering::SeqCst);
    }

    fn now(&self) -> UnixNanos {
        UnixNanos(self.0.load(Ordering::SeqCst))
    }
}

/// Two addresses.
struct Two(String, String);

impl Secrets for Two {
    fn read(&self, at: &SecretRef) -> Result<ChannelSecret, SecretError> {
        match at.to_string().as_str() {
            "env://FIRST" => Ok(ChannelSecret::new(format!("{}/canary0first", self.0))),
            "env://SECOND" => Ok(ChannelSecret::new(format!("{}/canary0second", self.1))),
            _ => Err(SecretError::Missing(at.clone())),
        }
    }
}

const TWO: &str = "group_s = 0
    resolve_hold_s = 0
    [channels.first]
    kind = \"slack\"
    url = \"env://FIRST\"
    [channels.second]
    kind = \"discord\"
    url = \"env://SECOND\"
    [[routes]]
    channels = [\"first\", \"second\"]
";

fn start(secrets: &dyn Secrets, hands: &Hands) -> Service {
    watch::begin();
    let options = ServiceOptions {
        clock: hands.clock(),
        backoff: quick(),
        chance: Chance::new(|| 0),
        state: None,
    };
    Service::start(&config(TWO), secrets, &Mask::default(), options).unwrap()
}

fn kill(handle: &AlertsHandle, at: UnixNanos, is_on: bool) {
    assert!(handle.observe(at, Observation::KillSwitch { is_on, by: Name::from("ann") }));
}

fn said(server: &Server, path: &str) -> Vec<String> {
    let bodies = server.requests();
    bodies.iter().map(|request| request.json()[path].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_cause_arrives_once_and_its_end_too() {
    let server = Server::start(|_| Answer::text(200, "ok"));
    let hands = Hands::new();
    let service = start(&Two(server.url(), server.url()), &hands);
    let handle = service.handle();
    for _ in 0..100 {
        kill(&handle, hands.now(), true);
    }
    until(|| (server.requests().len() == 1).then_some(()));
    let snapshot = until(|| {
        let snapshot = handle.snapshot();
        let is_told = snapshot.desk.active.first().is_some_and(|alert| alert.is_told);
        is_told.then_some(snapshot)
    });
    let alert = &snapshot.desk.active[0];
    assert_eq!((alert.rule.name(), alert.severity), ("kill-switch", Severity::Critical));
    assert_eq!(snapshot.channels[0].taken, 1);
    assert!(snapshot.desk.recent.iter().any(|past| past.what == What::Delivered));
    handle.acknowledge(alert.id, &Name::from("ann")).unwrap();
    assert!(handle.acknowledge(alert.id, &Name::from("ann")).is_err());
    until(|| (server.requests().len() == 2).then_some(()));
    kill(&handle, hands.now(), false);
    hands.turn(1);
    until(|| handle.snapshot().desk.active.is_empty().then_some(()));
    let state = service.stop(Duration::from_secs(10));
    assert_eq!(serde_json::to_value(&state).unwrap()["alerts"], serde_json::json!([]));
    let texts = said(&server, "text").join("|");
    assert_eq!(server.requests().len(), 3, "{texts}");
    assert!(texts.contains("[CRITICAL]") && texts.contains("[ACKNOWLEDGED]"));
    assert!(texts.contains("[RESOLVED]"), "{texts}");
}

#[test]
fn a_dead_channel_falls_to_the_next_and_is_said_to_be_dead() {
    let status = Arc::new(AtomicU16::new(500));
    let answers = Arc::clone(&status);
    let first = Server::start(move |_| Answer::text(answers.load(Ordering::SeqCst), ""));
    let second = Server::start(|_| Answer::text(204, ""));
    let hands = Hands::new();
    let service = start(&Two(first.url(), second.url()), &hands);
    let handle = service.handle();
    kill(&handle, hands.now(), true);
    until(|| (second.requests().len() == 1).then_some(()));
    // A problem of its own is worth some attempts.
    assert_eq!(first.requests().len(), 4);
    assert!(said(&second, "content")[0].contains("because \\`first\\` did not take it"));
    // After the second notice in vain it rests, and people hear of it.
    let lock = |at, subject: &str| Observation::Lock {
        scope: Name::from(subject),
        lock: Name::from("drawdown"),
        is_locked: true,
        text: Text::from(format!("{at}")),
    };
    handle.observe(hands.now(), lock(1, "one"));
    let is_said = || {
        let alerts = handle.snapshot();
        let mut alerts = alerts.desk.active.iter();
        alerts.any(|alert| alert.subject.as_str() == "channel first").then_some(())
    };
    until(is_said);
    let asked = first.requests().len();
    until(|| (second.requests().len() >= 3).then_some(()));
    handle.observe(hands.now(), lock(2, "two"));
    until(|| (second.requests().len() >= 4).then_some(()));
    assert_eq!(first.requests().len(), asked, "it is left alone");
    let view = handle.snapshot().channels[0].clone();
    assert!(view.is_dead && view.failures_in_a_row == 2, "{view:?}");
    // Some time later it takes one again.
    status.store(200, Ordering::SeqCst);
    hands.turn(120);
    handle.observe(hands.now(), lock(3, "three"));
    until(|| (first.requests().len() > asked).then_some(()));
    until(|| is_said().is_none().then_some(()));
    drop(service);
}

#[test]
fn who_asks_for_a_pause_has_it() {
    let first = Server::start(|_| Answer {
        status: 429,
        headers: "retry-after: 30\r\n".to_owned(),
        body: Vec::new(),
    });
    let second = Server::start(|_| Answer::text(204, ""));
    let hands = Hands::new();
    let service = start(&Two(first.url(), second.url()), &hands);
    let handle = service.handle();
    kill(&handle, hands.now(), true);
    until(|| (second.requests().len() == 1).then_some(()));
    // The pause is longer than anybody waits, so the next one is tried, and this one left alone.
    assert_eq!(first.requests().len(), 1);
    until(|| handle.snapshot().channels[0].rests_until.map(|_| ()));
    kill(&handle, hands.now(), false);
    hands.turn(1);
    until(|| (second.requests().len() == 2).then_some(()));
    assert_eq!(first.requests().len(), 1);
    hands.turn(30);
    kill(&handle, hands.now(), true);
    until(|| (second.requests().len() == 3).then_some(()));
    assert_eq!(first.requests().len(), 2);
    drop(service);
}

#[test]
fn what_reached_nobody_comes_again() {
    let status = Arc::new(AtomicU16::new(500));
    let answers = Arc::clone(&status);
    let server = Server::start(move |_| Answer::text(answers.load(Ordering::SeqCst), ""));
    let hands = Hands::new();
    let service = start(&Two(server.url(), server.url()), &hands);
    let handle = service.handle();
    kill(&handle, hands.now(), true);
    until(|| (handle.snapshot().desk.losses.undelivered == 1).then_some(()));
    status.store(200, Ordering::SeqCst);
    hands.turn(61);
    until(|| {
        let snapshot = handle.snapshot();
        snapshot.desk.active.iter().any(|alert| alert.is_told).then_some(())
    });
    drop(service);
}

#[test]
fn observing_never_waits_and_what_is_missed_is_said() {
    // Nobody answers, and nobody hangs up: the thread is busy, and the one that observes is not.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let hands = Hands::new();
    let service = start(&Two(url.clone(), url), &hands);
    let handle = service.handle();
    kill(&handle, hands.now(), true);
    let mut slowest = Duration::ZERO;
    let mut missed = 0u64;
    let all = Instant::now();
    for _ in 0..4 * FLOW_MAX {
        let seen = Observation::Gap { line: Name::from("trades"), missed: 1 };
        let begun = Instant::now();
        missed += u64::from(!handle.observe(hands.now(), seen));
        slowest = slowest.max(begun.elapsed());
    }
    let each = all.elapsed() / u32::try_from(4 * FLOW_MAX).unwrap();
    eprintln!("observed in {each:?} each, the slowest in {slowest:?}, {missed} without room");
    // What waits for anything here waits for seconds.
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    if missed > 0 {
        until(|| (handle.snapshot().missed_flow == missed).then_some(()));
        let active = handle.snapshot().desk.active.clone();
        assert!(active.iter().any(|alert| alert.subject.as_str() == "observations, flow"));
    }
    // It ends in time whatever is under way, and keeps what nobody was told.
    let begun = Instant::now();
    let state = service.stop(Duration::from_millis(100));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let state = serde_json::to_value(&state).unwrap();
    assert!(state["alerts"].as_array().unwrap().len() >= 2);
    assert!(handle.test().is_err());
    drop(listener);
}

#[test]
fn a_stop_sends_what_waits() {
    let server = Server::start(|_| Answer::text(200, "ok"));
    let hands = Hands::new();
    let service = start(&Two(server.url(), server.url()), &hands);
    kill(&service.handle(), hands.now(), true);
    let _ = service.stop(Duration::from_secs(30));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn alerts_of_before_are_not_told_again() {
    let server = Server::start(|_| Answer::text(200, "ok"));
    let hands = Hands::new();
    let secrets = Two(server.url(), server.url());
    let service = start(&secrets, &hands);
    kill(&service.handle(), hands.now(), true);
    let state = service.stop(Duration::from_secs(30));
    let options = ServiceOptions {
        clock: hands.clock(),
        backoff: quick(),
        state: Some(state),
        ..ServiceOptions::default()
    };
    let service = Service::start(&config(TWO), &secrets, &Mask::default(), options).unwrap();
    assert_eq!(service.handle().snapshot().desk.active.len(), 1);
    kill(&service.handle(), hands.now(), true);
    let state = service.stop(Duration::from_secs(30));
    assert_eq!(serde_json::to_value(&state).unwrap()["alerts"][0]["count"], 2);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn every_channel_is_tried_and_says_what_became_of_it() {
    watch::begin();
    let good = Server::start(|_| Answer::text(200, "ok"));
    let bad = Server::start(|_| Answer::text(404, "canary"));
    let secrets = Two(good.url(), bad.url());
    let text = format!("{TWO}\n[channels.third]\nkind = \"slack\"\nurl = \"env://NONE\"");
    let results =
        test_channels(&config(&text), &secrets, &Mask::default(), &Clock::system()).unwrap();
    let problems: Vec<_> = results.iter().map(|result| result.problem.as_deref()).collect();
    assert_eq!(problems[0], None);
    assert!(problems[1].unwrap().starts_with("refuses it (404)"), "{problems:?}");
    assert!(problems[2].unwrap().contains("`env://NONE` is not set"), "{problems:?}");
    assert!(said(&good, "text")[0].contains("[TEST]"));
    // The same of a running one; a channel that is not there keeps it from starting.
    let service = start(&secrets, &Hands::new());
    let results = service.handle().test().unwrap();
    assert_eq!(results.len(), 2);
    assert!(results[0].problem.is_none() && results[1].problem.is_some());
    let options = ServiceOptions::default();
    let error = Service::start(&config(&text), &secrets, &Mask::default(), options).unwrap_err();
    assert!(matches!(error, StartError::Channel { .. }), "{error}");
}

#[test]
fn without_channels_alerts_are_kept_all_the_same() {
    let service =
        Service::start(&config(""), &Fixed::default(), &Mask::default(), ServiceOptions::default())
            .unwrap();
    kill(&service.handle(), Clock::system().now(), true);
    until(|| (service.handle().snapshot().desk.active.len() == 1).then_some(()));
}
