//! WebSockets: both ways, in order, and their end.

use std::io::Write;

use sandpit_core::time::UnixNanos;
use sandpit_venue::machine::{LinkId, Output};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{
    probe::{Desk, Seen, settings},
    servers::{Server, texts},
};

fn url(server: &Server) -> String {
    format!("ws://{}/ws?x=1", server.place)
}

#[test]
fn frames_go_both_ways() {
    let server = Server::sockets(1, |mut socket| {
        assert_eq!(socket.read().unwrap(), Message::text("hello"));
        socket.send(Message::text("a text")).unwrap();
        socket.send(Message::binary(vec![0, 255])).unwrap();
        socket.send(Message::Ping("are you there".into())).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Pong("are you there".into()));
        let goodbye = CloseFrame { code: CloseCode::Away, reason: "canary".into() };
        socket.close(Some(goodbye)).unwrap();
        texts(&mut socket);
    });
    let desk = Desk::new(settings(&[&server.place]));
    desk.connect(3, &url(&server));
    desk.send(3, "hello");
    desk.expect_frame(3, "a text");
    assert_eq!(desk.next(), Seen::Frame(3, vec![0, 255]));
    assert_eq!(desk.next(), Seen::Heard(3));
    assert_eq!(desk.expect_closed(3), "the peer closed it with code 1001");
    server.join();
    assert_eq!(desk.count("client_frames_total{link=\"3\",direction=\"in\"}"), 2);
    assert_eq!(desk.count("client_frames_total{link=\"3\",direction=\"out\"}"), 1);
    assert_eq!(desk.count("client_connects_total"), 1);
    assert_eq!(desk.count("client_closed_total"), 1);
    assert_eq!(desk.count("client_frame_us_count"), 2);
    assert_eq!(desk.count("client_reconnects_total"), 0);
    assert_eq!(desk.count("probe_total"), 7);
}

#[test]
fn the_order_of_a_connection_is_kept() {
    const FRAMES: usize = 20_000;
    let server = Server::sockets(1, |mut socket| {
        for number in 0..FRAMES {
            socket.write(Message::text(number.to_string())).unwrap();
        }
        socket.flush().unwrap();
        assert_eq!(texts(&mut socket), ["thank you", "very", "much"]);
    });
    let desk = Desk::new(settings(&[&server.place]));
    desk.connect(1, &url(&server));
    for number in 0..FRAMES {
        desk.expect_frame(1, &number.to_string());
    }
    let send = |text: &str| Output::Send { link: LinkId(1), text: text.to_owned() };
    desk.want([send("thank you"), send("very"), send("much"), Output::Close(LinkId(1))]);
    assert_eq!(desk.expect_closed(1), "closed by us");
    server.join();
}

#[test]
fn a_closed_connection_can_be_opened_again() {
    let server = Server::sockets(2, |mut socket| {
        texts(&mut socket);
    });
    let desk = Desk::new(settings(&[&server.place]));
    for _ in 0..2 {
        desk.connect(1, &url(&server));
        desk.close(1);
        assert_eq!(desk.expect_closed(1), "closed by us");
    }
    // Gone: dropped and counted.
    desk.send(1, "into the void");
    desk.wait_for("client_sends_dropped_total", 1);
    assert_eq!(desk.count("client_connects_total"), 2);
    assert_eq!(desk.count("client_reconnects_total"), 1);
    server.join();
}

#[test]
fn a_frame_that_is_too_long_ends_the_connection() {
    let server = Server::sockets(1, |mut socket| {
        // A text of 4 MiB and one byte, of which only the head is ever sent.
        let mut head = vec![0x81, 127];
        head.extend_from_slice(&(4 * 1024 * 1024 + 1_u64).to_be_bytes());
        socket.get_mut().write_all(&head).unwrap();
        texts(&mut socket);
    });
    let desk = Desk::new(settings(&[&server.place]));
    desk.connect(1, &url(&server));
    assert_eq!(desk.expect_closed(1), "a message is longer than 4 MiB");
    server.join();
}

#[test]
fn a_message_of_many_frames_is_bounded_too() {
    let server = Server::sockets(1, |mut socket| {
        let piece = vec![b'x'; 1024 * 1024];
        let stream = socket.get_mut();
        for number in 0..5_u8 {
            // The first says that it is a text, none that it is the last.
            let mut head = vec![u8::from(number == 0), 127];
            head.extend_from_slice(&(piece.len() as u64).to_be_bytes());
            if stream.write_all(&head).and_then(|()| stream.write_all(&piece)).is_err() {
                break;
            }
        }
        texts(&mut socket);
    });
    let desk = Desk::new(settings(&[&server.place]));
    desk.connect(1, &url(&server));
    assert_eq!(desk.expect_closed(1), "a message is longer than 4 MiB");
    server.join();
}

#[test]
fn what_is_no_websocket_is_not_opened() {
    let server = Server::new(1, |mut stream| {
        let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
        let (first, lines, _) = super::servers::request(&mut reader).unwrap();
        assert_eq!(first, "GET /ws?x=1 HTTP/1.1");
        let agent = format!("user-agent: sandpit/{}", env!("CARGO_PKG_VERSION"));
        assert!(lines.contains(&agent), "{lines:?}");
        super::servers::answer(&mut stream, "429 Too Many Requests\r\nretry-after: 17", "");
    });
    let desk = Desk::new(settings(&[&server.place]));
    desk.open(1, &url(&server));
    assert_eq!(desk.expect_closed(1), "refused with status 429, again after 17 s");
    assert_eq!(desk.count("client_connects_failed_total"), 1);
    server.join();
}

#[test]
fn a_wake_comes_when_it_is_due() {
    let desk = Desk::new(settings(&[]));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let due = UnixNanos(u64::try_from(now.as_nanos()).unwrap() + 30_000_000);
    desk.wake_at.lock().unwrap().replace(due);
    desk.want([]);
    assert_eq!(desk.next(), Seen::Wake);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(now.as_nanos() >= u128::from(due.0), "too early");
}
