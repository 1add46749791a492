//! Who answers in the place of a host, to know what the machine takes for itself: one thread, or a
//! chain of threads that wake each other and do nothing else.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    thread,
};

use tokio_tungstenite::tungstenite::{Message, client};

use super::exchange::{Failure, Socket};

/// An order as long as a signed one.
const ORDER_BYTES: usize = 420;

fn join(address: SocketAddr) -> Result<Socket, Failure> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (socket, _) = client(format!("ws://{address}/"), stream).map_err(|e| e.to_string())?;
    Ok(socket)
}

/// Two ends of a way along which one byte goes to and fro.
fn way() -> io::Result<(UnixStream, UnixStream)> {
    UnixStream::pair()
}

fn knock(stream: &mut UnixStream) -> io::Result<()> {
    stream.write_all(&[1])
}

fn wait(stream: &mut UnixStream) -> io::Result<()> {
    stream.read_exact(&mut [0])
}

/// Passes every knock on, and its answer back, until somebody hangs up.
fn pass(mut from: UnixStream, mut to: Option<UnixStream>) -> io::Result<()> {
    loop {
        wait(&mut from)?;
        if let Some(to) = &mut to {
            knock(to)?;
            wait(to)?;
        }
        knock(&mut from)?;
    }
}

/// Answers every frame at `market` with an order to `api`, once a chain of `others` threads was woken
/// there and back; until the exchange hangs up.
pub(crate) fn start(market: SocketAddr, api: SocketAddr, others: u32) {
    thread::spawn(move || drop(run(market, api, others)));
}

fn run(market: SocketAddr, api: SocketAddr, others: u32) -> Result<(), Failure> {
    let mut first = None;
    for _ in 0..others {
        let (near, far) = way()?;
        let next = first.replace(near);
        thread::spawn(move || drop(pass(far, next)));
    }
    let (mut market, mut api) = (join(market)?, join(api)?);
    let order = "x".repeat(ORDER_BYTES);
    loop {
        if !matches!(market.read()?, Message::Text(_)) {
            continue;
        }
        if let Some(first) = &mut first {
            knock(first)?;
            wait(first)?;
        }
        api.send(Message::text(order.clone()))?;
    }
}
