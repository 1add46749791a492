//! The queues between the two threads: what is conflated, what waits, what wakes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sandpit_core::{
    engine::{CancelOrder, QueryOrder},
    ids::InstrumentId,
    market::{MarketData, MarketEvent, Quote},
    num::{Price, Quantity},
    time::UnixNanos,
    venue::{Answer, Asked, Outcome, VenueMessage, VenueRequest},
};
use sandpit_venue::{
    client::{Client, TOLD_MAX, TOLD_RESERVE},
    machine::{Input, LinkId, Notice, Output, Told},
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    probe::{Desk, PATIENCE, Seen, order, settings, trade},
    servers::{Server, texts},
};

fn number(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Waits for the descriptor, at most so long; whether it is readable.
fn is_readable(client: &Client, wait: Duration) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(client.wake_fd(), PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::try_from(wait).unwrap())).unwrap() == 1
}

/// A server of numbered texts of 1 KiB, which counts what it could send.
fn flood(count: u64) -> (Server, Arc<AtomicU64>) {
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    let server = Server::sockets(1, move |mut socket| {
        for number in 0..count {
            socket.send(Message::text(format!("{number:<1024}"))).unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
        }
        texts(&mut socket);
    });
    (server, sent)
}

/// Each frame of the first connection is a trade.
fn trades(input: &Input<'_>, now: UnixNanos, out: &mut Vec<Output>) {
    if let Input::Frame(LinkId(1), bytes) = input {
        out.push(Output::Market(trade(number(bytes).unwrap(), now)));
    }
}

fn trade_id(event: &MarketEvent) -> u64 {
    match &event.data {
        MarketData::Trade(trade) => trade.id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_market_stops_its_socket_and_nothing_is_lost() {
    // Far more than all buffers on the way hold.
    const TRADES: u64 = 60_000;
    let (server, sent) = flood(TRADES);
    let other = Server::echo();
    let mut settings = settings(&[&server.place, &other.place]);
    settings.market_max = 100;
    let desk = Desk::reacting(settings, trades);
    desk.connect(2, &format!("ws://{}/", other.place));
    desk.open(1, &format!("ws://{}/", server.place));
    desk.wait_for("client_pauses_total", 1);
    while !matches!(desk.next(), Seen::Frame(1, bytes) if number(&bytes) == Some(99)) {}
    // What is asked, and other connections, go on.
    desk.send(2, "still there");
    desk.expect_frame(2, "still there");
    desk.send(2, "and again");
    desk.expect_frame(2, "and again");
    assert_eq!(desk.count("client_queue_depth{queue=\"market\"}"), 100);
    assert!(sent.load(Ordering::SeqCst) < TRADES, "the server was not held up");
    let mut next = 0;
    while next < TRADES {
        assert!(is_readable(&desk.client, PATIENCE), "asleep at {next}");
        while let Some(event) = desk.client.take_market() {
            assert_eq!(trade_id(&event), next);
            next += 1;
        }
    }
    assert!(!is_readable(&desk.client, Duration::ZERO));
    assert_eq!(desk.count("client_queue_depth_most{queue=\"market\"}"), 100);
    desk.client.stop();
    server.join();
    other.join();
}

#[test]
fn full_messages_stop_every_socket_and_nothing_is_lost() {
    const MESSAGES: u64 = 30_000;
    let (server, sent) = flood(MESSAGES);
    let mut settings = settings(&[&server.place]);
    settings.messages_max = 10;
    let desk = Desk::reacting(settings, |input, now, out| {
        if let Input::Frame(_, bytes) = input {
            let (order, to) = (order(number(bytes).unwrap()), Asked::Submit);
            let answer = Answer { order, to, time: now, outcome: Outcome::Unknown };
            out.push(Output::Say(VenueMessage::Answer(answer)));
        }
    });
    desk.open(1, &format!("ws://{}/", server.place));
    desk.wait_for("client_pauses_total", 1);
    assert!(desk.client.has_message() && !desk.client.has_market());
    assert!(sent.load(Ordering::SeqCst) < MESSAGES, "the server was not held up");
    let mut next = 0;
    while next < MESSAGES {
        assert!(is_readable(&desk.client, PATIENCE), "asleep at {next}");
        while let Some(message) = desk.client.take_message() {
            let VenueMessage::Answer(answer) = message else { panic!("{message:?}") };
            assert_eq!(answer.order.sequence, next);
            next += 1;
        }
    }
    assert!(!desk.client.has_message());
    desk.client.stop();
    server.join();
}

#[test]
fn quotes_are_conflated() {
    let server = Server::sockets(1, |mut socket| {
        for number in 0..100 {
            socket.send(Message::text(number.to_string())).unwrap();
        }
        texts(&mut socket);
    });
    let desk = Desk::reacting(settings(&[&server.place]), |input, now, out| {
        if let Input::Frame(_, bytes) = input {
            let quote = Quote {
                bid_price: Price(i64::try_from(number(bytes).unwrap()).unwrap()),
                bid_quantity: Quantity(1),
                ask_price: Price(1_000),
                ask_quantity: Quantity(1),
            };
            let data = MarketData::Quote(quote);
            let instrument = InstrumentId(5);
            out.push(Output::Market(MarketEvent { instrument, time: now, venue_time: now, data }));
        }
    });
    desk.open(1, &format!("ws://{}/", server.place));
    desk.wait_for("client_quotes_conflated_total", 99);
    let event = desk.client.take_market().unwrap();
    assert!(matches!(event.data, MarketData::Quote(quote) if quote.bid_price == Price(99)));
    assert_eq!(desk.client.take_market(), None);
    assert_eq!(desk.count("client_queue_depth_most{queue=\"market\"}"), 1);
    desk.client.stop();
    server.join();
}

#[test]
fn cancels_have_room_when_nothing_else_has() {
    let (open, gate) = mpsc::channel::<()>();
    let desk = Desk::reacting(settings(&[]), move |_, _, _| {
        // Until the test lets it go on, and for ever after that.
        let _ = gate.recv();
    });
    let instrument = InstrumentId(0);
    let query = |sequence| {
        Told::Request(VenueRequest::Query(QueryOrder { order: order(sequence), instrument }))
    };
    let cancel = |sequence| {
        Told::Request(VenueRequest::Cancel(CancelOrder { order: order(sequence), instrument }))
    };
    // The first is taken and keeps the machine busy.
    desk.client.tell(query(0)).unwrap();
    while desk.count("client_queue_depth{queue=\"told\"}") > 0 {
        std::thread::yield_now();
    }
    let room = TOLD_MAX - TOLD_RESERVE;
    for sequence in 0..room {
        desk.client.tell(query(sequence as u64)).unwrap();
    }
    let refused = desk.client.tell(query(1)).unwrap_err();
    assert!(matches!(*refused.told, Told::Request(VenueRequest::Query(_))));
    for sequence in 0..TOLD_RESERVE - 1 {
        desk.client.tell(cancel(sequence as u64)).unwrap();
    }
    desk.client.tell(Told::Request(VenueRequest::CancelAll(instrument))).unwrap();
    desk.client.tell(cancel(1)).unwrap_err();
    assert_eq!(desk.count("client_told_refused_total"), 2);
    drop(open);
    for _ in 0..=TOLD_MAX {
        assert_eq!(desk.next(), Seen::Request);
    }
    desk.client.tell(query(2)).unwrap();
    assert_eq!(desk.next(), Seen::Request);
}

#[test]
fn the_descriptor_is_readable_while_anything_waits() {
    let desk = Desk::new(settings(&[]));
    assert!(!is_readable(&desk.client, Duration::ZERO));
    desk.want([
        Output::Notice(Notice::Live),
        Output::History(trade(1, UnixNanos(1))),
        Output::Market(trade(2, UnixNanos(1))),
    ]);
    assert!(is_readable(&desk.client, PATIENCE));
    desk.wait_for("client_queue_depth{queue=\"market\"}", 1);
    assert_eq!(trade_id(&desk.client.take_history().unwrap()), 1);
    assert!(is_readable(&desk.client, Duration::ZERO));
    assert!(matches!(desk.client.take_notice(), Some(Notice::Live)));
    assert!(is_readable(&desk.client, Duration::ZERO));
    assert!(desk.client.has_market());
    assert_eq!(trade_id(&desk.client.take_market().unwrap()), 2);
    assert!(!is_readable(&desk.client, Duration::ZERO));
    assert!(desk.client.take_history().is_none() && desk.client.take_notice().is_none());
    assert!(desk.client.failure().is_none());
}
