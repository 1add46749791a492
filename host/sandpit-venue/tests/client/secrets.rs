//! No key, signature or password is in any log line, error or debug text, whatever goes wrong.

use std::{
    io::{BufReader, Read, Write},
    sync::{Arc, Mutex},
};

use sandpit_core::time::Nanos;
use sandpit_venue::{
    client::Proxy,
    keys::KeyName,
    machine::{Call, CallId, LinkId, NoReply, Notice, Output},
};
use tempfile::NamedTempFile;
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

use super::{
    probe::{Desk, Seen, settings},
    servers::{Authority, Server, answer, request, texts},
};

/// Everything that is logged by this process.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

const KEY: &str = "canary-of-the-key";
const SIGNATURE: &str = "canary-of-the-signature";
const PASSWORD: &str = "canary-of-the-password";
const PEER: &str = "canary-of-the-peer";

fn signed(id: u64, method: &'static str, base: &str) -> Call {
    let query = format!("symbol=BTCUSDT&signature={SIGNATURE}");
    let (path, body) = match method {
        "POST" => ("/api/v3/order".to_owned(), query),
        _ => (format!("/api/v3/order?{query}"), String::new()),
    };
    Call {
        id: CallId(id),
        method,
        base: base.to_owned(),
        path,
        body,
        key: Some(KeyName::new(KEY)),
        timeout: Nanos::from_millis(200),
    }
}

/// Serves what goes wrong, one connection after the other.
fn troubles() -> Server {
    let mut number = 0;
    Server::new(8, move |mut stream| {
        number += 1;
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut take = || request(&mut reader);
        match number {
            // Calls: answered, cut, malformed, silent.
            1 => {
                take();
                answer(&mut stream, &format!("400 {PEER}"), PEER);
            }
            2 => drop(take()),
            3 => {
                take();
                stream.write_all(format!("{PEER}\r\n\r\n").as_bytes()).unwrap();
            }
            4 => {
                take();
                let _ = stream.read(&mut [0]);
            }
            // WebSockets: refused, not a WebSocket, one that goes away, one that breaks the rules.
            5 => {
                take();
                answer(&mut stream, &format!("403 {PEER}\r\nx-echo: {PEER}"), PEER);
            }
            6 => {
                take();
                answer(&mut stream, "200 OK", PEER);
            }
            _ => {
                let mut socket = tokio_tungstenite::tungstenite::accept(stream).unwrap();
                assert!(socket.read().unwrap().is_text());
                if number == 7 {
                    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
                        code: 1008.into(),
                        reason: PEER.into(),
                    };
                    socket.close(Some(frame)).unwrap();
                    texts(&mut socket);
                } else {
                    // A reserved opcode.
                    socket.get_mut().write_all(&[0x8f, 0]).unwrap();
                    let _ = socket.read();
                }
            }
        }
    })
}

/// What was told to the machine and to the host, as text. Bodies are the machine's own business.
fn told(desk: &Desk) -> String {
    let mut text = String::new();
    while let Ok(seen) = desk.seen.try_recv() {
        text += &match seen {
            Seen::Reply(..) | Seen::Frame(..) => String::new(),
            other => format!("{other:?}\n"),
        };
    }
    while let Some(notice) = desk.client.take_notice() {
        assert!(matches!(notice, Notice::Alert(_)));
        text += &format!("{notice:?}\n");
    }
    text += &format!("{:?} {:?} {:?}\n", desk.client, desk.client.failure(), desk.client.counts());
    text
}

#[test]
fn no_secret_is_logged_or_told() {
    let lines = Lines::default();
    let layer = tracing_subscriber::fmt::layer().with_writer(lines.clone()).with_ansi(false);
    // All levels, and what libraries say by way of `log`.
    let all = tracing_subscriber::filter::LevelFilter::TRACE;
    tracing_subscriber::registry().with(all).with(layer).init();
    // One of a library's lines, which has to be seen for the others to be missed.
    log::info!("as a library says it");
    let server = troubles();
    let base = format!("http://{}", server.place);
    let mut set = settings(&[&server.place]);
    set.proxy = Some(Proxy::parse(&format!("http://{PASSWORD}:{PASSWORD}@127.0.0.1:9")).unwrap());
    let mut text = format!("{set:?}\n");
    let desk = Desk::new(set);
    let mut seen = Vec::new();
    for (id, method) in [(1, "GET"), (2, "POST"), (3, "DELETE"), (4, "GET")] {
        desk.want([Output::Call(signed(id, method, &base))]);
        seen.push(desk.next());
    }
    assert!(matches!(seen[0], Seen::Reply(1, 400, _, _)), "{seen:?}");
    let lost = [NoReply::Disconnected, NoReply::Disconnected, NoReply::TimedOut];
    let lost = lost.into_iter().zip(2..).map(|(why, id)| Seen::NoReply(id, why));
    assert_eq!(seen[1..], lost.collect::<Vec<_>>());
    let url = format!("ws://{}/ws?listenKey={SIGNATURE}", server.place);
    for link in 5..=8 {
        desk.open(link, &url);
        if link > 6 {
            assert_eq!(desk.next(), Seen::Opened(link));
            desk.send(link, &format!("{{\"apiKey\":\"{KEY}\",\"signature\":\"{SIGNATURE}\"}}"));
        }
        let why = desk.expect_closed(link);
        text += &format!("{why}\n");
    }
    // Foreign, malformed, and not to be sent.
    desk.want([
        Output::Open { link: LinkId(9), url: format!("wss://foreign.example/{SIGNATURE}") },
        Output::Open { link: LinkId(10), url: format!("wss://{SIGNATURE} {KEY}") },
        Output::Call(signed(11, "GET", &format!("https://{KEY}@foreign.example"))),
        Output::Call(signed(12, SIGNATURE, &base)),
    ]);
    for _ in 0..4 {
        text += &format!("{:?}\n", desk.next());
    }
    desk.client.stop();
    text += &told(&desk);
    server.join();
    text += &through_a_proxy();
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for canary in [KEY, SIGNATURE, PASSWORD, PEER] {
        for (what, text) in [("told", &text), ("logged", &logged)] {
            let found = text.lines().find(|line| line.contains(canary));
            assert_eq!(found, None, "{canary} is {what}");
        }
    }
    // That something would have been seen: our lines, and a library's.
    assert!(logged.contains("disconnected") && logged.contains("a call is not made"));
    assert!(logged.contains("as a library says it"));
}

/// TLS through a proxy that asks for a password, and is lost on the way.
fn through_a_proxy() -> String {
    let authority = Authority::new();
    let mut pem = NamedTempFile::new().unwrap();
    pem.write_all(authority.pem().as_bytes()).unwrap();
    let proxy = Server::new(2, |mut stream| {
        let _ = request(&mut BufReader::new(stream.try_clone().unwrap()));
        let _ = stream.write_all(format!("HTTP/1.1 407 {PEER}\r\n\r\n").as_bytes());
    });
    let mut settings = settings(&["api.example:443"]);
    settings.authorities = Some(pem.path().to_owned());
    let address = format!("http://{PASSWORD}:{PASSWORD}@{}", proxy.place);
    settings.proxy = Some(Proxy::parse(&address).unwrap());
    let desk = Desk::new(settings);
    desk.want([Output::Call(signed(1, "GET", "https://api.example"))]);
    let mut text = format!("{:?}\n", desk.next());
    desk.open(1, &format!("wss://api.example/{SIGNATURE}"));
    text += &format!("{:?}\n", desk.next());
    desk.client.stop();
    proxy.join();
    text + &told(&desk)
}

#[test]
fn frames_are_not_logged_by_libraries() {
    // What `tungstenite` says of each frame and of a peer's goodbye is below, and not even compiled.
    assert_eq!(log::STATIC_MAX_LEVEL, log::LevelFilter::Info);
}
