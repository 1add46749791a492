//! REST calls: what goes over the wire, what comes back, and what is known where nothing does.

use std::{
    io::{BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc,
    time::{Duration, Instant},
};

use sandpit_core::time::Nanos;
use sandpit_venue::{
    client::{CALLS_MAX, REPLY_BYTES_MAX},
    keys::KeyName,
    machine::{CallId, NoReply, Notice, Output},
};

use super::{
    probe::{Desk, Seen, get, settings},
    servers::{Server, answer, request},
};

fn base(server: &Server) -> String {
    format!("http://{}", server.place)
}

#[test]
fn a_call_is_what_was_asked_and_its_answer_what_was_said() {
    let server = Server::new(1, |stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        let (first, lines, body) = request(&mut reader).unwrap();
        assert_eq!(first, "POST /api/v3/order HTTP/1.1");
        assert_eq!(body, "symbol=BTCUSDT&side=BUY");
        for line in [
            format!("host: {}", stream.local_addr().unwrap()),
            format!("user-agent: sandpit/{}", env!("CARGO_PKG_VERSION")),
            "content-type: application/x-www-form-urlencoded".to_owned(),
            "x-mbx-apikey: an-obviously-false-key".to_owned(),
            "content-length: 23".to_owned(),
        ] {
            assert!(lines.contains(&line), "{line} is not in {lines:?}");
        }
        assert_eq!(lines.len(), 5, "{lines:?}");
        let head = "418 I'm a teapot\r\nX-MBX-USED-WEIGHT-1M: 20\r\nRetry-After: 7\r\n\
                    X-SAPI-USED-IP-WEIGHT-1M: 3\r\nServer: nginx\r\nSet-Cookie: a=b";
        answer(&mut stream, head, "{\"code\":-1003}");
        // The same connection is used again, and nothing is kept of cookies.
        let (first, lines, body) = request(&mut reader).unwrap();
        assert_eq!((first.as_str(), body.as_str()), ("GET /api/v3/time?x=%20 HTTP/1.1", ""));
        assert_eq!(lines.len(), 2, "{lines:?}");
        answer(&mut stream, "302 Found\r\nlocation: /elsewhere", "");
        // A redirect is not followed.
        assert!(request(&mut reader).is_none());
    });
    let desk = Desk::new(settings(&[&server.place]));
    let mut call = get(1, &base(&server), "/api/v3/order");
    (call.method, call.key) = ("POST", Some(KeyName::new("an-obviously-false-key")));
    "symbol=BTCUSDT&side=BUY".clone_into(&mut call.body);
    desk.want([Output::Call(call)]);
    let headers =
        [("x-mbx-used-weight-1m", "20"), ("retry-after", "7"), ("x-sapi-used-ip-weight-1m", "3")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(desk.next(), Seen::Reply(1, 418, headers, b"{\"code\":-1003}".to_vec()));
    desk.want([Output::Call(get(2, &base(&server), "/api/v3/time?x=%20"))]);
    assert_eq!(desk.next(), Seen::Reply(2, 302, vec![], vec![]));
    assert_eq!(desk.count("client_rest_connects_total"), 1);
    assert_eq!(desk.count("client_calls_over_total{outcome=\"answered\"}"), 2);
    assert_eq!(desk.count("client_call_us_count"), 2);
    desk.client.stop();
    server.join();
}

#[test]
fn where_nobody_listens_nothing_was_sent() {
    let place = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let desk = Desk::new(settings(&[&place]));
    desk.want([Output::Call(get(1, &format!("http://{place}"), "/"))]);
    assert_eq!(desk.next(), Seen::NoReply(1, NoReply::NeverSent));
    desk.open(1, &format!("ws://{place}/"));
    assert_eq!(desk.expect_closed(1), "no connection: connection refused");
}

#[test]
fn a_connection_that_is_cut_may_have_carried_it() {
    // Cut after the request; cut within the head; cut within the body.
    let pieces = ["", "HTTP/1.1 200 OK\r\nconte", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"];
    let mut number = 0;
    let server = Server::new(pieces.len(), move |mut stream| {
        request(&mut BufReader::new(stream.try_clone().unwrap())).unwrap();
        stream.write_all(pieces[number].as_bytes()).unwrap();
        number += 1;
    });
    let desk = Desk::new(settings(&[&server.place]));
    for id in 0..3 {
        desk.want([Output::Call(get(id, &base(&server), "/"))]);
        assert_eq!(desk.next(), Seen::NoReply(id, NoReply::Disconnected));
    }
    server.join();
}

#[test]
fn a_slow_answer_ends_with_the_time_of_the_call() {
    let (stop, stopped) = mpsc::channel::<()>();
    let server = Server::new(1, move |mut stream| {
        request(&mut BufReader::new(stream.try_clone().unwrap())).unwrap();
        // A byte now and then, for ever.
        stream.write_all(b"HTTP/1.1 200 OK\r\nx-mbx-slow: ").unwrap();
        while stopped.recv_timeout(Duration::from_millis(10)).is_err() {
            if stream.write_all(b"a").is_err() {
                break;
            }
        }
    });
    let desk = Desk::new(settings(&[&server.place]));
    let mut call = get(1, &base(&server), "/");
    call.timeout = Nanos::from_millis(300);
    let begun = Instant::now();
    desk.want([Output::Call(call)]);
    assert_eq!(desk.next(), Seen::NoReply(1, NoReply::TimedOut));
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(desk.count("client_calls_over_total{outcome=\"timed_out\"}"), 1);
    stop.send(()).unwrap();
    server.join();
}

#[test]
fn a_head_and_a_body_without_end_are_cut_off() {
    let mut number = 0;
    let server = Server::new(2, move |mut stream| {
        request(&mut BufReader::new(stream.try_clone().unwrap())).unwrap();
        let (head, piece) = match number {
            0 => ("HTTP/1.1 200 OK\r\n", format!("x-mbx-a: {}\r\n", "a".repeat(1_000))),
            _ => ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", "a".repeat(1024 * 1024)),
        };
        number += 1;
        stream.write_all(head.as_bytes()).unwrap();
        let mut written = 0;
        while written <= REPLY_BYTES_MAX + 64 * 1024 * 1024 {
            // It ends by the other side's hanging up.
            if stream.write_all(piece.as_bytes()).is_err() {
                return;
            }
            written += piece.len();
        }
        panic!("all was read");
    });
    let desk = Desk::new(settings(&[&server.place]));
    for id in 0..2 {
        desk.want([Output::Call(get(id, &base(&server), "/"))]);
        assert_eq!(desk.next(), Seen::NoReply(id, NoReply::Disconnected));
    }
    server.join();
}

#[test]
fn a_connection_that_ended_while_idle_is_replaced() {
    let server = Server::new(2, |mut stream| {
        request(&mut BufReader::new(stream.try_clone().unwrap())).unwrap();
        answer(&mut stream, "200 OK", "one");
    });
    let other = Server::new(1, |mut stream| {
        request(&mut BufReader::new(stream.try_clone().unwrap())).unwrap();
        answer(&mut stream, "200 OK", "other");
    });
    let desk = Desk::new(settings(&[&server.place, &other.place]));
    let reply = |id, body: &str| Seen::Reply(id, 200, vec![], body.as_bytes().to_vec());
    desk.want([Output::Call(get(1, &base(&server), "/"))]);
    assert_eq!(desk.next(), reply(1, "one"));
    // By the time that another server has answered, the end of the first connection is here: its
    // server closed it when it had answered.
    desk.want([Output::Call(get(2, &base(&other), "/"))]);
    assert_eq!(desk.next(), reply(2, "other"));
    let mut post = get(3, &base(&server), "/");
    post.method = "POST";
    desk.want([Output::Call(post)]);
    assert_eq!(desk.next(), reply(3, "one"));
    server.join();
    other.join();
}

#[test]
fn foreign_hosts_are_never_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let foreign = listener.local_addr().unwrap().to_string();
    let desk = Desk::new(settings(&["api.example:443", "plain.example:80"]));
    desk.open(1, &format!("ws://{foreign}/canary"));
    assert_eq!(desk.expect_closed(1), format!("{foreign} is not a host of the venue"));
    desk.want([Output::Call(get(1, &format!("http://{foreign}"), "/canary"))]);
    assert_eq!(desk.next(), Seen::NoReply(1, NoReply::NeverSent));
    desk.want([Output::Call(get(2, "http://plain.example", "/"))]);
    assert_eq!(desk.next(), Seen::NoReply(2, NoReply::NeverSent));
    for _ in 0..2 {
        match desk.client.take_notice() {
            Some(Notice::Alert(text)) => {
                assert_eq!(text, format!("not connected: {foreign} is not a host of the venue"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(desk.client.take_notice(), Some(Notice::Alert(text))
        if text.contains("asked for without TLS")));
    assert_eq!(desk.count("client_refused_total"), 3);
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn calls_that_make_no_request_are_not_sent() {
    let server = Server::new(0, |_| {});
    let desk = Desk::new(settings(&[&server.place]));
    let mut calls = vec![get(0, &base(&server), "/"); 6];
    calls[0].method = "TRACE";
    "http://elsewhere/".clone_into(&mut calls[1].path);
    "/a b".clone_into(&mut calls[2].path);
    String::new().clone_into(&mut calls[3].path);
    calls[4].key = Some(KeyName::new("a key\nof two lines"));
    calls[5].base.push_str("/more");
    for (id, mut call) in (0..).zip(calls) {
        call.id = CallId(id);
        desk.want([Output::Call(call)]);
        assert_eq!(desk.next(), Seen::NoReply(id, NoReply::NeverSent));
    }
}

#[test]
fn calls_under_way_are_bounded() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let desk = Desk::new(settings(&[&place]));
    let base = format!("http://{place}");
    // Nobody accepts: all are under way, and one is too many.
    desk.want((0..=CALLS_MAX as u64).map(|id| Output::Call(get(id, &base, "/"))));
    assert_eq!(desk.next(), Seen::NoReply(CALLS_MAX as u64, NoReply::NeverSent));
    assert!(desk.heard_nothing());
    drop(listener);
}

#[test]
fn other_calls_go_on_beside_a_slow_one() {
    let (go, gone) = mpsc::channel::<()>();
    let slow = Server::new(1, move |mut stream| {
        gone.recv().unwrap();
        request(&mut BufReader::new(stream.try_clone().unwrap())).unwrap();
        answer(&mut stream, "200 OK", "late");
        let _ = stream.read(&mut [0]);
    });
    let fast = Server::new(1, |mut stream| {
        request(&mut BufReader::new(stream.try_clone().unwrap())).unwrap();
        answer(&mut stream, "200 OK", "soon");
    });
    let desk = Desk::new(settings(&[&slow.place, &fast.place]));
    desk.want([Output::Call(get(1, &base(&slow), "/")), Output::Call(get(2, &base(&fast), "/"))]);
    assert_eq!(desk.next(), Seen::Reply(2, 200, vec![], b"soon".to_vec()));
    go.send(()).unwrap();
    assert_eq!(desk.next(), Seen::Reply(1, 200, vec![], b"late".to_vec()));
    desk.client.stop();
    slow.join();
    fast.join();
}
