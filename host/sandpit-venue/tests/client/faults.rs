//! What must not hold up the others, what must not be lost at the end, and what must be told.

use std::{
    io::Read,
    sync::{Arc, Barrier, mpsc},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sandpit_venue::{
    client::{ClientError, HISTORY_MAX, OVERSHOOT_MAX},
    machine::{Input, LinkId, Output, Told},
};
use tokio_tungstenite::tungstenite::{Message, accept};

use super::{
    probe::{Desk, PATIENCE, Seen, settings, trade},
    servers::{Server, texts},
};

/// A server that opens a WebSocket and then reads nothing until it is let go.
fn deaf() -> (Server, mpsc::Sender<()>) {
    let (go, gone) = mpsc::channel::<()>();
    let server = Server::new(1, move |stream| {
        let socket = accept(stream).unwrap();
        let _ = gone.recv();
        drop(socket);
    });
    (server, go)
}

/// Sends until the deaf server's buffers are full, which shows in what has not gone out.
fn fill(desk: &Desk, deaf: u32, other: u32) {
    const PIECE: usize = 64 * 1024;
    let text = "x".repeat(PIECE);
    let bytes = format!("client_bytes_total{{link=\"{deaf}\",direction=\"out\"}}");
    for sent in 1_u64..1_000 {
        desk.send(deaf, &text);
        // By the time that the other one has answered, this was tried.
        desk.send(other, "ping");
        desk.expect_frame(other, "ping");
        if desk.count(&bytes) < sent * PIECE as u64 {
            return;
        }
    }
    panic!("64 MB have gone to a peer that reads nothing");
}

#[test]
fn a_peer_that_takes_nothing_is_given_up_and_holds_up_nobody() {
    let (deaf, go) = deaf();
    let echo = Server::echo();
    let mut settings = settings(&[&deaf.place, &echo.place]);
    settings.write_timeout = Duration::from_secs(2);
    let desk = Desk::new(settings);
    desk.connect(1, &format!("ws://{}/", deaf.place));
    desk.connect(2, &format!("ws://{}/", echo.place));
    fill(&desk, 1, 2);
    desk.send(2, "still there");
    desk.expect_frame(2, "still there");
    assert_eq!(desk.expect_closed(1), "the peer takes nothing");
    assert_eq!(desk.count("client_write_timeouts_total"), 1);
    desk.send(2, "and now");
    desk.expect_frame(2, "and now");
    go.send(()).unwrap();
    desk.client.stop();
    deaf.join();
    echo.join();
}

#[test]
fn what_waits_for_a_peer_is_bounded() {
    let (deaf, go) = deaf();
    let desk = Desk::new(settings(&[&deaf.place]));
    desk.connect(1, &format!("ws://{}/", deaf.place));
    let text = "x".repeat(512 * 1024);
    desk.want((0..64).map(|_| Output::Send { link: LinkId(1), text: text.clone() }));
    assert_eq!(desk.expect_closed(1), "more than 1 MiB wait for the peer");
    go.send(()).unwrap();
    desk.client.stop();
    deaf.join();
}

#[test]
fn a_goodbye_that_is_not_answered_is_waited_for_no_longer_than_set() {
    let (deaf, go) = deaf();
    let mut settings = settings(&[&deaf.place]);
    settings.close_timeout = Duration::from_millis(100);
    let desk = Desk::new(settings);
    desk.connect(1, &format!("ws://{}/", deaf.place));
    let begun = Instant::now();
    desk.close(1);
    assert_eq!(desk.expect_closed(1), "closed by us");
    assert!(begun.elapsed() >= Duration::from_millis(100));
    go.send(()).unwrap();
    deaf.join();
}

#[test]
fn a_host_that_takes_nothing_at_all_is_an_error_in_the_end() {
    let desk = Desk::reacting(settings(&[]), |input, now, out| {
        if matches!(input, Input::Told(Told::Begin(_))) {
            out.extend((0..HISTORY_MAX + OVERSHOOT_MAX).map(|_| Output::History(trade(1, now))));
        }
        if matches!(input, Input::Told(Told::Stop)) {
            out.push(Output::History(trade(1, now)));
        }
    });
    desk.want([]);
    let all = (HISTORY_MAX + OVERSHOOT_MAX) as u64;
    desk.wait_for("client_queue_depth{queue=\"history\"}", all);
    assert!(desk.client.failure().is_none());
    desk.client.tell(Told::Stop).unwrap();
    desk.wait_for("client_queue_depth{queue=\"history\"}", all + 1);
    desk.client.stop();
    let failure = desk.client.failure();
    assert!(
        matches!(failure, Some(ClientError::Overrun { queue: "bars", waiting })
            if waiting as u64 == all + 1),
        "{failure:?}"
    );
    // What was said before can still be taken.
    assert!(desk.client.take_history().is_some());
}

#[test]
fn the_end_is_bounded_with_a_peer_that_takes_nothing() {
    let (deaf, go) = deaf();
    let echo = Server::echo();
    let mut settings = settings(&[&deaf.place, &echo.place]);
    settings.stop_timeout = Duration::from_millis(200);
    settings.close_timeout = Duration::from_millis(100);
    settings.write_timeout = Duration::from_secs(60);
    let desk = Desk::new(settings);
    desk.connect(1, &format!("ws://{}/", deaf.place));
    desk.connect(2, &format!("ws://{}/", echo.place));
    fill(&desk, 1, 2);
    let begun = Instant::now();
    desk.client.stop();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(desk.client.failure().is_none());
    desk.client.tell(Told::Stop).unwrap_err();
    go.send(()).unwrap();
    deaf.join();
    echo.join();
}

#[test]
fn what_was_sent_before_the_end_arrives() {
    // The server talks much and listens late, and the host is behind, so that much is unread: a
    // connection that is torn down then would take the last words with it.
    const WORDS: usize = 50;
    let (report, reported) = mpsc::channel();
    let server = Server::sockets(1, move |mut socket| {
        let blah = "blah".repeat(256);
        for _ in 0..10_000 {
            socket.send(Message::text(blah.clone())).unwrap();
        }
        report.send(texts(&mut socket)).unwrap();
    });
    let mut settings = settings(&[&server.place]);
    settings.market_max = 1;
    settings.close_timeout = Duration::from_secs(20);
    let desk = Desk::reacting(settings, |input, now, out| {
        if matches!(input, Input::Frame(..)) {
            out.push(Output::Market(trade(1, now)));
        }
        if matches!(input, Input::Told(Told::Stop)) {
            let text = "the last word".to_owned();
            out.push(Output::Send { link: LinkId(1), text });
        }
    });
    desk.connect(1, &format!("ws://{}/", server.place));
    desk.wait_for("client_pauses_total", 1);
    for word in 0..WORDS {
        desk.send(1, &word.to_string());
    }
    desk.client.stop();
    let mut expected: Vec<_> = (0..WORDS).map(|word| word.to_string()).collect();
    expected.push("the last word".to_owned());
    assert_eq!(reported.recv_timeout(PATIENCE).unwrap(), expected);
    server.join();
    assert_eq!(desk.seen.iter().filter(|seen| *seen == Seen::Stop).count(), 1);
}

#[test]
fn a_stop_that_was_told_is_not_told_again_and_work_goes_on_until_the_end() {
    let server = Server::echo();
    let desk = Desk::new(settings(&[&server.place]));
    desk.connect(1, &format!("ws://{}/", server.place));
    desk.client.tell(Told::Stop).unwrap();
    assert_eq!(desk.next(), Seen::Stop);
    // Cancels still go out.
    desk.send(1, "cancel");
    desk.expect_frame(1, "cancel");
    desk.client.stop();
    desk.client.stop();
    assert!(desk.seen.iter().all(|seen| seen != Seen::Stop));
    server.join();
}

#[test]
fn a_machine_that_panics_is_an_error_and_nothing_hangs() {
    let desk = Desk::reacting(settings(&[]), |input, _, _| {
        assert!(!matches!(input, Input::Told(_)), "a flaw of these tests");
    });
    assert!(desk.client.failure().is_none());
    desk.client.tell(Told::Stop).unwrap();
    let mut fds = [PollFd::from_borrowed_fd(desk.client.wake_fd(), PollFlags::IN)];
    let wait = Timespec::try_from(PATIENCE).unwrap();
    assert_eq!(poll(&mut fds, Some(&wait)).unwrap(), 1, "nobody is woken");
    let failure = desk.client.failure().unwrap();
    assert!(
        matches!(&failure, ClientError::Panicked(text) if text == "a flaw of these tests"),
        "{failure:?}"
    );
    assert!(desk.client.take_message().is_none());
    desk.client.stop();
    desk.client.tell(Told::Stop).unwrap_err();
    // It stays readable, so that nobody waits for what will never come.
    let mut fds = [PollFd::from_borrowed_fd(desk.client.wake_fd(), PollFlags::IN)];
    assert_eq!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap(), 1);
}

#[test]
fn a_machine_that_never_ends_does_not_hold_up_the_end() {
    let barrier = Arc::new(Barrier::new(2));
    let inside = Arc::clone(&barrier);
    let mut settings = settings(&[]);
    settings.stop_timeout = Duration::from_millis(50);
    settings.close_timeout = Duration::from_millis(50);
    let desk = Desk::reacting(settings, move |_, _, _| {
        inside.wait();
    });
    desk.client.tell(Told::Stop).unwrap();
    desk.client.stop();
    assert!(matches!(desk.client.failure(), Some(ClientError::StillRunning)));
    barrier.wait();
}

#[test]
fn a_client_that_is_dropped_closes_what_it_had() {
    let (report, reported) = mpsc::channel();
    let server = Server::sockets(1, move |mut socket| {
        texts(&mut socket);
        report.send(socket.get_mut().read(&mut [0]).unwrap_or(0)).unwrap();
    });
    let desk = Desk::new(settings(&[&server.place]));
    desk.connect(1, &format!("ws://{}/", server.place));
    drop(desk);
    assert_eq!(reported.recv_timeout(PATIENCE).unwrap(), 0);
    server.join();
}

#[test]
fn links_are_bounded_and_a_number_is_used_once() {
    use sandpit_venue::client::LINKS_MAX;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let desk = Desk::new(settings(&[&url[5..url.len() - 1]]));
    // Nobody answers: all stay on their way.
    let open = |link: usize| {
        let link = LinkId(u32::try_from(link).unwrap());
        Output::Open { link, url: url.clone() }
    };
    desk.want((0..=LINKS_MAX).map(open));
    let why = desk.expect_closed(u32::try_from(LINKS_MAX).unwrap());
    assert_eq!(why, "64 connections are open already");
    desk.want([open(0), Output::Close(LinkId(1))]);
    assert_eq!(desk.expect_closed(1), "closed by us");
    assert!(
        desk.client
            .take_notice()
            .is_some_and(|notice| format!("{notice:?}").contains("connection 0 is open already"))
    );
}
