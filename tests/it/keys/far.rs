//! A far way to an exchange: whatever goes over it, either way, arrives so much later. So that many
//! requests are under way at a time on a machine where each takes microseconds.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Listens, and passes on what comes; for as long as the test's process lives. Where.
pub(super) fn way_to(address: &str, delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap().to_string();
    let there = address.to_owned();
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            // The exchange may be gone by now; then so is the line.
            let Ok(far) = TcpStream::connect(&there) else { continue };
            for stream in [&near, &far] {
                stream.set_nodelay(true).unwrap();
            }
            let ends = (near.try_clone().unwrap(), far.try_clone().unwrap());
            pass(near, far, delay);
            pass(ends.1, ends.0, delay);
        }
    });
    here
}

fn pass(from: TcpStream, to: TcpStream, delay: Duration) {
    let (send, come) = mpsc::channel();
    thread::spawn(move || take(from, &send, delay));
    thread::spawn(move || give(to, &come));
}

fn take(mut from: TcpStream, send: &Sender<(Instant, Vec<u8>)>, delay: Duration) {
    let mut piece = vec![0; PIECE_BYTES];
    // The end of either side is the end of the other.
    while let Ok(length @ 1..) = from.read(&mut piece) {
        if send.send((Instant::now() + delay, piece[..length].to_vec())).is_err() {
            return;
        }
    }
}

fn give(mut to: TcpStream, come: &Receiver<(Instant, Vec<u8>)>) -> Option<io::Error> {
    while let Ok((at, bytes)) = come.recv() {
        thread::sleep(at.saturating_duration_since(Instant::now()));
        if let Err(error) = to.write_all(&bytes) {
            return Some(error);
        }
    }
    to.shutdown(Shutdown::Write).err()
}
