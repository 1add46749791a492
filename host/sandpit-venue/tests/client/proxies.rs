//! Proxies: both kinds, for both ways, and what is said where one does not help.

use std::{
    io::{BufReader, Read, Write},
    net::TcpStream,
};

use sandpit_venue::{
    client::Proxy,
    machine::{NoReply, Output},
};
use tempfile::NamedTempFile;

use super::{
    probe::{Desk, Seen, get, settings},
    servers::{Authority, Server, request, serve_tls},
};

/// Carries bytes both ways until both ends are done.
fn carry(client: &TcpStream, place: &str) {
    let server = TcpStream::connect(place).unwrap();
    server.set_nodelay(true).unwrap();
    let copy = |from: &TcpStream, to: &TcpStream| {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        }
    };
    let back = std::thread::spawn(copy(&server, client));
    copy(client, &server)();
    back.join().unwrap();
}

/// A WebSocket and a call, both over TLS and the proxy that `serve` is. The name is one that only the
/// proxy can know.
fn meet(scheme: &str, mut serve: impl FnMut(&mut TcpStream) + Send + 'static) -> Vec<Seen> {
    let authority = Authority::new();
    let config = authority.server(&["api.example"], false);
    let server = Server::new(2, move |stream| serve_tls(&config, stream));
    let target = server.place.clone();
    let proxy = Server::new(2, move |mut stream| {
        serve(&mut stream);
        carry(&stream, &target);
    });
    let mut pem = NamedTempFile::new().unwrap();
    pem.write_all(authority.pem().as_bytes()).unwrap();
    let mut settings = settings(&["api.example:8443"]);
    settings.authorities = Some(pem.path().to_owned());
    let address = format!("{scheme}://somebody:pass%20word@{}", proxy.place);
    settings.proxy = Some(Proxy::parse(&address).unwrap());
    let desk = Desk::new(settings);
    desk.connect(1, "wss://api.example:8443/ws");
    desk.send(1, "through it");
    let mut seen = vec![desk.next()];
    desk.close(1);
    desk.expect_closed(1);
    desk.want([Output::Call(get(1, "https://api.example:8443", "/rest"))]);
    seen.push(desk.next());
    desk.client.stop();
    proxy.join();
    server.join();
    seen
}

fn check(seen: &[Seen]) {
    assert_eq!(
        seen,
        [Seen::Frame(1, b"through it".to_vec()), Seen::Reply(1, 200, vec![], b"over TLS".to_vec())]
    );
}

#[test]
fn http_proxies_carry_both() {
    let seen = meet("http", |stream| {
        let mut reader = BufReader::with_capacity(1, stream.try_clone().unwrap());
        let (first, lines, _) = request(&mut reader).unwrap();
        assert_eq!(first, "CONNECT api.example:8443 HTTP/1.1");
        assert!(lines.contains(&"Host: api.example:8443".to_owned()), "{lines:?}");
        // somebody:pass word
        let auth = "Proxy-Authorization: Basic c29tZWJvZHk6cGFzcyB3b3Jk".to_owned();
        assert!(lines.contains(&auth), "{lines:?}");
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    });
    check(&seen);
}

#[test]
fn socks_proxies_carry_both() {
    let seen = meet("socks5", |stream| {
        let mut read = |length: usize| {
            let mut bytes = vec![0; length];
            stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        let greeting = read(2);
        assert_eq!(greeting[0], 5);
        assert!(read(usize::from(greeting[1])).contains(&2), "no password is offered");
        stream.write_all(&[5, 2]).unwrap();
        let mut read = |length: usize| {
            let mut bytes = vec![0; length];
            stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        assert_eq!(read(2), [1, 8]);
        assert_eq!(read(8), b"somebody");
        assert_eq!(read(1), [9]);
        assert_eq!(read(9), b"pass word");
        stream.write_all(&[1, 0]).unwrap();
        let mut wanted = [0; 18];
        stream.read_exact(&mut wanted).unwrap();
        // Connect, to a name, which the proxy is to look up.
        assert_eq!(wanted[..5], [5, 1, 0, 3, 11]);
        assert_eq!(&wanted[5..16], b"api.example");
        assert_eq!(u16::from_be_bytes([wanted[16], wanted[17]]), 8443);
        stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).unwrap();
    });
    check(&seen);
}

/// A proxy that says no in some way.
fn refuse(scheme: &str, word: &'static [u8]) -> String {
    let proxy = Server::new(2, move |mut stream| {
        // Something has come; what it is does not matter here.
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(word);
    });
    let mut settings = settings(&["api.example:443"]);
    let address = format!("{scheme}://somebody:canary@{}", proxy.place);
    settings.proxy = Some(Proxy::parse(&address).unwrap());
    let desk = Desk::new(settings);
    desk.open(1, "wss://api.example/");
    let why = desk.expect_closed(1);
    desk.want([Output::Call(get(1, "https://api.example", "/"))]);
    assert_eq!(desk.next(), Seen::NoReply(1, NoReply::NeverSent));
    assert!(!why.contains("canary"), "{why}");
    proxy.join();
    why
}

#[test]
fn a_proxy_that_refuses_says_why() {
    let why = refuse("http", b"HTTP/1.1 407 Who are you\r\n\r\n");
    assert!(why.contains("the proxy does not help") && why.contains("authorization"), "{why}");
    let why = refuse("http", b"HTTP/1.1 502 canary\r\n\r\n");
    assert!(why.contains("the proxy does not help"), "{why}");
    let why = refuse("socks5", &[5, 255]);
    assert!(why.contains("the proxy does not help"), "{why}");
    let why = refuse("socks5", b"");
    assert!(why.contains("the proxy does not help"), "{why}");
}

#[test]
fn what_is_on_this_machine_needs_no_proxy() {
    let server = Server::echo();
    let mut settings = settings(&[&server.place]);
    // Nobody is there.
    settings.proxy = Some(Proxy::parse("http://127.0.0.1:9").unwrap());
    let desk = Desk::new(settings);
    desk.connect(1, &format!("ws://{}/", server.place));
    desk.client.stop();
    server.join();
}
