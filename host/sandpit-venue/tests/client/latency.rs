//! How fast the driver is, over loopback: a measurement, not a check.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, poll};
use sandpit_core::{engine::CancelOrder, ids::InstrumentId, venue::VenueRequest};
use sandpit_venue::machine::{Input, LinkId, Output, Told};
use tokio_tungstenite::tungstenite::Message;

use super::{
    probe::{Desk, order, settings, trade},
    servers::{Server, texts},
};

const ROUNDS: usize = 50_000;

#[expect(clippy::print_stdout, reason = "what was measured is for people")]
fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let mut line = format!("{what}:");
    for (name, part) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a list of 50,000"
        )]
        let at = (times.len() as f64 * part) as usize;
        let us = times[at].as_nanos() / 100;
        write!(line, " {name} {}.{} us", us / 10, us % 10).unwrap();
    }
    println!("{line}");
}

/// Server writes a frame, the machine answers with a frame of its own, the server reads it.
#[test]
#[ignore = "a measurement"]
fn frame_to_frame() {
    let server = Server::sockets(1, |mut socket| {
        let frame = "x".repeat(200);
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            socket.send(Message::text(frame.clone())).unwrap();
            socket.read().unwrap();
            times.push(begun.elapsed());
        }
        show("frame to frame", times);
        texts(&mut socket);
    });
    let desk = Desk::reacting(settings(&[&server.place]), |input, _, out| {
        if let Input::Frame(link, _) = input {
            out.push(Output::Send { link: *link, text: "y".repeat(200) });
        }
    });
    desk.connect(1, &format!("ws://{}/", server.place));
    desk.wait_for("client_frame_us_count", ROUNDS as u64);
    desk.client.stop();
    server.join();
}

/// Server writes a frame, the host's thread is woken by it and asks for something, the machine sends
/// it, the server reads it.
#[test]
#[ignore = "a measurement"]
fn frame_to_host_to_frame() {
    let server = Server::sockets(1, |mut socket| {
        let frame = "x".repeat(200);
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            socket.send(Message::text(frame.clone())).unwrap();
            socket.read().unwrap();
            times.push(begun.elapsed());
        }
        show("frame to host to frame", times);
        texts(&mut socket);
    });
    let desk = Desk::reacting(settings(&[&server.place]), |input, now, out| match input {
        Input::Frame(..) => out.push(Output::Market(trade(1, now))),
        Input::Told(Told::Request(_)) => {
            out.push(Output::Send { link: LinkId(1), text: "y".repeat(200) });
        }
        _ => {}
    });
    desk.connect(1, &format!("ws://{}/", server.place));
    let cancel = CancelOrder { order: order(1), instrument: InstrumentId(0) };
    for _ in 0..ROUNDS {
        while desk.client.take_market().is_none() {
            let mut fds = [PollFd::from_borrowed_fd(desk.client.wake_fd(), PollFlags::IN)];
            poll(&mut fds, None).unwrap();
        }
        desk.client.tell(Told::Request(VenueRequest::Cancel(cancel))).unwrap();
    }
    desk.client.stop();
    server.join();
}
