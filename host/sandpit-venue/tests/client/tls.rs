//! TLS: whom the connection trusts, and what it offers.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use sandpit_venue::{
    client::{Client, ClientError, ClientSettings},
    machine::{Input, Machine, NoReply, Output},
};
use tempfile::NamedTempFile;

use super::{
    probe::{Desk, Seen, get, settings},
    servers::{Authority, Server, serve_tls},
};

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// A client that trusts `trusted`, of a server with a certificate by `authority` for `names`: what
/// becomes of a WebSocket, and of a call.
fn meet(trusted: &Authority, authority: &Authority, names: &[&str], is_expired: bool) -> [Seen; 2] {
    let config = authority.server(names, is_expired);
    let server = Server::new(2, move |stream| serve_tls(&config, stream));
    let place = format!("localhost:{}", server.port());
    let pem = file(&trusted.pem());
    let mut settings = settings(&[&place]);
    settings.authorities = Some(pem.path().to_owned());
    let desk = Desk::new(settings);
    desk.open(1, &format!("wss://{place}/ws"));
    let mut socket = desk.next();
    if socket == Seen::Opened(1) {
        desk.send(1, "over TLS");
        socket = desk.next();
        desk.close(1);
        desk.expect_closed(1);
    }
    desk.want([Output::Call(get(1, &format!("https://{place}"), "/rest"))]);
    let call = desk.next();
    desk.client.stop();
    server.join();
    [socket, call]
}

#[test]
fn a_good_certificate_is_trusted() {
    let authority = Authority::new();
    let [socket, call] = meet(&authority, &authority, &["localhost"], false);
    assert_eq!(socket, Seen::Frame(1, b"over TLS".to_vec()));
    assert_eq!(call, Seen::Reply(1, 200, vec![], b"over TLS".to_vec()));
}

fn check_refused(met: [Seen; 2], why: &str) {
    let [Seen::Closed(1, text), call] = met else { panic!("{met:?}") };
    assert!(text.starts_with("no TLS: ") && text.contains(why), "{text}");
    assert_eq!(call, Seen::NoReply(1, NoReply::NeverSent));
}

#[test]
fn certificates_of_strangers_are_refused() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    check_refused(meet(&ours, &theirs, &["localhost"], false), "certificate");
}

#[test]
fn certificates_of_other_names_are_refused() {
    let authority = Authority::new();
    check_refused(
        meet(&authority, &authority, &["api.example"], false),
        "not valid for name \"localhost\"",
    );
}

#[test]
fn expired_certificates_are_refused() {
    let authority = Authority::new();
    check_refused(meet(&authority, &authority, &["localhost"], true), "expired");
}

/// The versions in a client's first message.
fn versions(stream: &mut TcpStream) -> Vec<u16> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(head[0], 22, "no handshake");
    let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut hello).unwrap();
    let number = |at: usize| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
    // Type and length, version, random; then session, ciphers, compression, extensions.
    let mut at = 4 + 2 + 32;
    at += 1 + usize::from(hello[at]);
    at += 2 + number(at);
    at += 1 + usize::from(hello[at]);
    let end = at + 2 + number(at);
    at += 2;
    while at < end {
        if number(at) == 43 {
            let list = &hello[at + 5..at + 4 + number(at + 2)];
            return list.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        }
        at += 4 + number(at + 2);
    }
    panic!("no versions are offered");
}

#[test]
fn nothing_older_than_1_2_is_offered() {
    let server = Server::new(1, |mut stream| {
        assert_eq!(versions(&mut stream), [0x0304, 0x0303]);
        // What a server of TLS 1.1 would say.
        let _ = stream.write_all(&[21, 3, 2, 0, 2, 2, 70]);
    });
    let place = format!("localhost:{}", server.port());
    let pem = file(&Authority::new().pem());
    let mut settings = settings(&[&place]);
    settings.authorities = Some(pem.path().to_owned());
    let desk = Desk::new(settings);
    desk.open(1, &format!("wss://{place}/"));
    assert!(desk.expect_closed(1).starts_with("no TLS: "));
    server.join();
}

#[test]
fn a_handshake_that_does_not_come_ends_in_time() {
    let server = Server::new(2, |mut stream| {
        // Reads, and says nothing.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let place = format!("localhost:{}", server.port());
    let pem = file(&Authority::new().pem());
    let mut settings = settings(&[&place]);
    settings.authorities = Some(pem.path().to_owned());
    settings.tls_timeout = Duration::from_millis(100);
    let desk = Desk::new(settings);
    desk.open(1, &format!("wss://{place}/"));
    assert_eq!(desk.expect_closed(1), "no TLS in time");
    desk.want([Output::Call(get(1, &format!("https://{place}"), "/"))]);
    assert_eq!(desk.next(), Seen::NoReply(1, NoReply::NeverSent));
    server.join();
}

struct Silent;

impl Machine for Silent {
    fn step(
        &mut self,
        _input: Input<'_>,
        _now: sandpit_core::time::UnixNanos,
        _chance: u64,
        _out: &mut Vec<Output>,
    ) {
    }

    fn next_wake(&self) -> Option<sandpit_core::time::UnixNanos> {
        None
    }

    fn counts(&self) -> Vec<(String, &'static str, u64)> {
        Vec::new()
    }
}

fn problem(change: impl FnOnce(&mut ClientSettings)) -> ClientError {
    let mut settings = settings(&["api.example:443"]);
    change(&mut settings);
    Client::start(Box::new(Silent), settings).unwrap_err()
}

#[test]
fn settings_that_are_wrong_are_refused() {
    let missing = problem(|settings| settings.authorities = Some("/no/such/file".into()));
    assert!(matches!(missing, ClientError::Authorities { .. }), "{missing:?}");
    for text in ["", "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n"] {
        let pem = file(text);
        let empty = problem(|settings| settings.authorities = Some(pem.path().to_owned()));
        assert!(matches!(empty, ClientError::Authorities { .. }), "{empty:?}");
    }
    let host = problem(|settings| settings.hosts.push("https://api.example".to_owned()));
    assert!(matches!(host, ClientError::Host(host) if host == "https://api.example"));
    let time = problem(|settings| settings.write_timeout = Duration::ZERO);
    assert!(matches!(time, ClientError::Settings(_)));
    let queue = problem(|settings| settings.market_max = 0);
    assert!(matches!(queue, ClientError::Settings(_)));
}

/// Run by the next test in a process whose system trusts nobody.
#[test]
#[ignore = "for a process of its own"]
fn where_nobody_is_trusted() {
    let far = settings(&["127.0.0.1:1", "api.example:443"]);
    let error = Client::start(Box::new(Silent), far).unwrap_err();
    assert!(matches!(error, ClientError::Tls(_)), "{error:?}");
    // What is on this machine goes on without TLS, and not with it.
    let server = Server::new(1, |mut stream| {
        let _ = stream.read(&mut [0]);
    });
    let desk = Desk::new(settings(&[&server.place]));
    desk.open(1, &format!("wss://{}/", server.place));
    assert_eq!(desk.expect_closed(1), "no TLS: no certificate authority is trusted here");
    server.join();
}

#[test]
fn without_authorities_only_this_machine_is_connected() {
    let (file, folder) = (file(""), tempfile::tempdir().unwrap());
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tls::where_nobody_is_trusted", "--ignored"])
        .env("SSL_CERT_FILE", file.path())
        .env("SSL_CERT_DIR", folder.path())
        .status()
        .unwrap();
    assert!(status.success());
}
