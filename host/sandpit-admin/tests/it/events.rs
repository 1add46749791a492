//! Events: all once, then what changes; watchers that do not read, sessions that do not answer,
//! tokens that end.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::atomic::Ordering,
    time::Instant,
};

use sandpit_admin::Tokens;
use serde_json::Value;

use crate::{
    client::{LONG, connect, request},
    world::Served,
};

/// Somebody who watches.
struct Watcher(BufReader<TcpStream>);

impl Watcher {
    fn of(served: &Served, token: &str) -> Self {
        let mut stream = connect(served.address());
        let (host, bearer) = (served.host(), format!("Bearer {token}"));
        let headers = [("Host", host.as_str()), ("Authorization", bearer.as_str())];
        stream.write_all(&request("GET", "/api/v1/events", &headers, None)).unwrap();
        Self(BufReader::new(stream))
    }

    /// The next event: its name and data; `None` at the end.
    fn next(&mut self) -> Option<(String, Value)> {
        let mut name = None;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(said) = line.strip_prefix("event: ") {
                name = Some(said.trim().to_owned());
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((name?, serde_json::from_str(data).unwrap()));
            }
        }
    }

    fn until(&mut self, wanted: &str) -> Value {
        let end = Instant::now() + LONG;
        while Instant::now() < end {
            match self.next() {
                Some((name, data)) if name == wanted => return data,
                Some(_) => {}
                None => panic!("it ended before {wanted}"),
            }
        }
        panic!("no {wanted}");
    }
}

#[test]
fn all_is_told_once_and_then_what_changes() {
    let served = Served::begin();
    let mut watcher = Watcher::of(&served, &served.viewer);
    let (name, all) = watcher.next().unwrap();
    assert_eq!(name, "snapshot");
    for part in [
        "session",
        "plugins",
        "orders",
        "positions",
        "pnl",
        "risk",
        "fills",
        "denials",
        "alerts",
        "equity",
    ] {
        assert!(all.get(part).is_some(), "{part}");
    }
    served.ask(&served.operator, "POST", "/api/v1/halt", Some("{}"));
    let changed = loop {
        let changed = watcher.until("delta");
        if changed.get("session").is_some() {
            break changed;
        }
    };
    assert_eq!(changed["session"]["trading_state"], "halted");
    assert!(changed.get("fills").is_none(), "what is the same is not told again");
    let mut second = Watcher::of(&served, &served.operator);
    assert_eq!(second.next().unwrap().0, "snapshot");
    drop(served);
    assert_eq!(watcher.until("ending"), serde_json::json!({}));
    assert_eq!(watcher.next(), None);
}

#[test]
fn a_session_that_does_not_answer_is_said_and_a_full_queue_is_busy() {
    let served = Served::begin();
    served.session.stuck.store(true, Ordering::Relaxed);
    let host = served.host();
    let bearer = format!("Bearer {}", served.viewer);
    let headers = [("Host", host.as_str()), ("Authorization", bearer.as_str())];
    let asking: Vec<_> = (0..70)
        .map(|_| {
            let mut stream = connect(served.address());
            stream.write_all(&request("GET", "/api/v1/status", &headers, None)).unwrap();
            stream
        })
        .collect();
    let end = Instant::now() + LONG;
    while served.session.queue.waiting() < 60 {
        assert!(Instant::now() < end, "{} wait", served.session.queue.waiting());
        std::thread::yield_now();
    }
    // All places are taken; the kill switch has some of its own.
    let busy = served.say("GET", "/api/v1/status", &[("Authorization", &bearer)], None);
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")));
    let operator = format!("Bearer {}", served.operator);
    let mut kill = connect(served.address());
    let headers = [
        ("Host", host.as_str()),
        ("Authorization", operator.as_str()),
        ("Content-Type", "application/json"),
    ];
    kill.write_all(&request("POST", "/api/v1/kill", &headers, Some("{}"))).unwrap();
    let before = served.session.queue.waiting();
    while served.session.queue.waiting() == before && before <= 64 {
        assert!(Instant::now() < end, "the kill switch does not come through");
        std::thread::yield_now();
    }
    served.session.stuck.store(false, Ordering::Relaxed);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut kill, &mut bytes).unwrap();
    assert_eq!(crate::client::parse(&bytes).unwrap().status, 200);
    let first = served.session.world.lock().unwrap().lines.clone();
    assert_eq!(first, ["ada (operator): kill"]);
    drop(asking);
}

#[test]
fn a_token_that_is_revoked_is_refused_within_seconds() {
    let served = Served::begin();
    let mut watcher = Watcher::of(&served, &served.viewer);
    watcher.until("snapshot");
    assert_eq!(served.ask(&served.viewer, "GET", "/api/v1/status", None).status, 200);
    let mut tokens = Tokens::read(&served.tokens).unwrap();
    assert!(tokens.revoke("grafana"));
    tokens.write(&served.tokens).unwrap();
    assert_eq!(watcher.until("over")["why"], "token");
    assert_eq!(watcher.next(), None);
    assert_eq!(served.ask(&served.viewer, "GET", "/api/v1/status", None).status, 401);
    assert_eq!(served.ask(&served.operator, "GET", "/api/v1/status", None).status, 200);
}
