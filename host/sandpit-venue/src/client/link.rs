//! One WebSocket, from its opening to its end. Nothing here waits: whoever asks gets what there is.

use std::{
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::{Sink, Stream};
use hyper::{
    Uri,
    body::Bytes,
    header::{HeaderValue, USER_AGENT},
};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message, client::IntoClientRequest, error::ProtocolError, protocol::WebSocketConfig,
    },
};

use super::{
    AGENT,
    address::Server,
    dial::Dialer,
    wire::{Traffic, Wire},
};

/// Longest message that is taken. A longer one ends the connection.
pub const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What may wait for a peer that does not take it. More ends the connection.
pub const UNSENT_BYTES_MAX: usize = 1024 * 1024;
/// Read at once from one connection.
const READ_BYTES: usize = 128 * 1024;
/// The end that we wanted.
const BY_US: &str = "closed by us";

/// What a connection says.
#[derive(Debug)]
pub(super) enum Heard {
    Opened,
    Frame(Bytes),
    /// A ping or a pong.
    Alive,
    /// It is over, and why.
    Closed(String),
}

type Socket = WebSocketStream<Wire>;
type Opening = Pin<Box<dyn Future<Output = Result<Socket, String>>>>;

enum State {
    Opening(Opening),
    Open(Box<Socket>),
    /// We said goodbye; what is still on its way is taken until this moment.
    Closing(Box<Socket>, Instant),
    /// It is over, which is still to be said.
    Over(String),
}

/// A connection.
pub(super) struct Link {
    state: State,
    traffic: Arc<Traffic>,
    /// Something is still to be written, a pong perhaps.
    is_dirty: bool,
    /// Since when the peer has taken nothing, and how much it had taken then.
    stuck: Option<(Instant, u64)>,
    write_timeout: Duration,
    /// Its server.
    pub(super) place: String,
    /// It has been open.
    pub(super) was_open: bool,
    /// A frame of it has moved the market.
    pub(super) carries_market: bool,
}

impl Link {
    /// Begins to open one.
    pub(super) fn open(
        dialer: Dialer,
        server: Server,
        uri: Uri,
        traffic: Arc<Traffic>,
        (upgrade_timeout, write_timeout): (Duration, Duration),
    ) -> Self {
        let place = server.place();
        let opening = opening(dialer, server, uri, Arc::clone(&traffic), upgrade_timeout);
        Self {
            state: State::Opening(Box::pin(opening)),
            traffic,
            is_dirty: false,
            stuck: None,
            write_timeout,
            place,
            was_open: false,
            carries_market: false,
        }
    }

    /// Whether all that was sent has gone out.
    pub(super) const fn is_flushed(&self) -> bool {
        !self.is_dirty || matches!(self.state, State::Opening(_) | State::Over(_))
    }

    /// What it says next. Where it may not be read it says only that it is open or over.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        may_read: bool,
    ) -> Poll<Heard> {
        let heard = match &mut self.state {
            State::Over(why) => Heard::Closed(std::mem::take(why)),
            State::Opening(opening) => match opening.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(socket)) => {
                    self.state = State::Open(Box::new(socket));
                    self.was_open = true;
                    Heard::Opened
                }
                Poll::Ready(Err(why)) => Heard::Closed(why),
            },
            State::Closing(_, until) if now >= *until => Heard::Closed(BY_US.to_owned()),
            State::Open(_) | State::Closing(..) if !may_read => return Poll::Pending,
            State::Open(socket) => match read(socket, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(heard) => heard,
            },
            State::Closing(socket, _) => match read(socket, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Heard::Closed(_)) => Heard::Closed(BY_US.to_owned()),
                Poll::Ready(heard) => heard,
            },
        };
        match &heard {
            Heard::Frame(_) => {
                self.traffic.frames_in.fetch_add(1, Ordering::Relaxed);
            }
            // The library has an answer ready.
            Heard::Alive => self.is_dirty = true,
            Heard::Opened | Heard::Closed(_) => {}
        }
        Poll::Ready(heard)
    }

    /// Sends, at once where the peer takes it. `false` where there is no open connection.
    pub(super) fn send(&mut self, text: String, cx: &mut Context<'_>, now: Instant) -> bool {
        let State::Open(socket) = &mut self.state else { return false };
        match Pin::new(&mut **socket).start_send(Message::text(text)) {
            Ok(()) => {
                self.traffic.frames_out.fetch_add(1, Ordering::Relaxed);
                self.is_dirty = true;
                self.flush(cx, now);
                true
            }
            Err(error) => {
                self.state = State::Over(words(&error));
                false
            }
        }
    }

    /// Goes on writing, and ends the connection where the peer has taken nothing for too long.
    /// Whether it was ended for that.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let (State::Open(socket) | State::Closing(socket, _)) = &mut self.state else {
            return false;
        };
        if !self.is_dirty {
            return false;
        }
        match Pin::new(&mut **socket).poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.is_dirty = false;
                self.stuck = None;
            }
            Poll::Ready(Err(error)) => self.state = State::Over(words(&error)),
            Poll::Pending => {
                let taken = self.traffic.bytes_out.load(Ordering::Relaxed);
                match self.stuck {
                    Some((since, before)) if before == taken => {
                        if now.saturating_duration_since(since) >= self.write_timeout {
                            self.state = State::Over("the peer takes nothing".to_owned());
                            return true;
                        }
                    }
                    _ => self.stuck = Some((now, taken)),
                }
            }
        }
        false
    }

    /// Says goodbye. Its end comes with the peer's goodbye, or after `patience`.
    pub(super) fn close(&mut self, cx: &mut Context<'_>, now: Instant, patience: Duration) {
        let over = State::Over(BY_US.to_owned());
        self.state = match std::mem::replace(&mut self.state, over) {
            State::Open(mut socket) => {
                if Pin::new(&mut *socket).start_send(Message::Close(None)).is_err() {
                    return;
                }
                self.is_dirty = true;
                State::Closing(socket, now + patience)
            }
            State::Opening(_) => return,
            state @ (State::Closing(..) | State::Over(_)) => state,
        };
        self.flush(cx, now);
    }

    /// Lets go what still comes, at the end of all. Whether it is over.
    pub(super) fn is_gone(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        self.flush(cx, now);
        loop {
            match self.poll(cx, now, true) {
                Poll::Pending => return false,
                Poll::Ready(Heard::Closed(_)) => return true,
                Poll::Ready(_) => {}
            }
        }
    }

    /// When it is to be looked at, whatever comes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let closing = match &self.state {
            State::Closing(_, until) => Some(*until),
            _ => None,
        };
        let stuck = self.stuck.map(|(since, _)| since + self.write_timeout);
        [closing, stuck].into_iter().flatten().min()
    }
}

fn read(socket: &mut Socket, cx: &mut Context<'_>) -> Poll<Heard> {
    let heard = match Pin::new(&mut *socket).poll_next(cx) {
        Poll::Pending => return Poll::Pending,
        Poll::Ready(None) => Heard::Closed("the connection ended".to_owned()),
        Poll::Ready(Some(Err(error))) => Heard::Closed(words(&error)),
        Poll::Ready(Some(Ok(message))) => match message {
            Message::Text(text) => Heard::Frame(text.into()),
            Message::Binary(bytes) => Heard::Frame(bytes),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Heard::Alive,
            Message::Close(frame) => {
                // Our own goodbye is ready; whether it arrives does not matter any more.
                let _ = Pin::new(&mut *socket).poll_flush(cx);
                // The peer's words are left out: they could repeat ours.
                Heard::Closed(frame.map_or_else(
                    || "the peer closed it".to_owned(),
                    |frame| format!("the peer closed it with code {}", u16::from(frame.code)),
                ))
            }
        },
    };
    Poll::Ready(heard)
}

async fn opening(
    dialer: Dialer,
    server: Server,
    uri: Uri,
    traffic: Arc<Traffic>,
    upgrade_timeout: Duration,
) -> Result<Socket, String> {
    let mut request = uri.into_client_request().map_err(|error| words(&error))?;
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let wire = dialer.dial(&server, traffic).await.map_err(|error| error.to_string())?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        // Whatever is written goes out at once.
        .write_buffer_size(0)
        .max_write_buffer_size(UNSENT_BYTES_MAX)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    let upgrade = client_async_with_config(request, wire, Some(config));
    match timeout(upgrade_timeout, upgrade).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(words(&error)),
        Err(_) => Err("no WebSocket in time".to_owned()),
    }
}

/// Our words for an error: the library's own could repeat an address.
fn words(error: &Error) -> String {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => "the connection ended".to_owned(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            "the connection ended without a goodbye".to_owned()
        }
        Error::Protocol(_) => "the peer does not keep to the WebSocket protocol".to_owned(),
        Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => "broken TLS".to_owned(),
        Error::Io(error) => error.kind().to_string(),
        Error::Capacity(_) => {
            format!("a message is longer than {} MiB", FRAME_BYTES_MAX / 1024 / 1024)
        }
        Error::WriteBufferFull(_) => {
            format!("more than {} MiB wait for the peer", UNSENT_BYTES_MAX / 1024 / 1024)
        }
        Error::Http(response) => {
            let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
            let after = after.and_then(|text| text.trim().parse::<u32>().ok());
            let status = response.status().as_u16();
            after.map_or_else(
                || format!("refused with status {status}"),
                |seconds| format!("refused with status {status}, again after {seconds} s"),
            )
        }
        Error::Utf8(_) => "a text is not UTF-8".to_owned(),
        _ => "the WebSocket could not be opened".to_owned(),
    }
}
