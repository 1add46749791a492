//! What all WebSocket connections share: pings, the end of a day, queues, the end of the exchange.

use std::{net::IpAddr, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, interval, sleep},
};

use crate::hub::{QUEUE_MAX, Sender, Shared};

/// How often the exchange pings.
const PING: Duration = Duration::from_secs(20);
/// How long a pong may take.
const PONG_MAX: Duration = Duration::from_secs(60);
/// Bytes of one message of a client.
pub(super) const MESSAGE_BYTES_MAX: usize = 64 * 1_024;
/// Closing because of the client's doing.
const POLICY: u16 = 1_008;

/// What a message of a client leads to.
pub(super) enum Reply {
    /// Answers.
    Text(String),
    /// Ends the connection, and says why.
    Close(&'static str),
}

/// One kind of connection.
pub(super) trait Session: Send {
    /// A message came.
    fn on_text(&mut self, text: &str) -> Reply;
    /// The connection is over.
    fn on_end(&mut self);
}

/// Counts a connection against its address as long as it lasts.
struct Place {
    hub: Shared,
    ip: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.lock().counter.disconnect(self.ip);
    }
}

pub(super) async fn run<S: Session>(
    mut socket: WebSocket,
    hub: Shared,
    ip: IpAddr,
    mut ends: watch::Receiver<bool>,
    begin: impl FnOnce(Sender) -> S,
) {
    let (lasts, place) = {
        let mut own = hub.lock();
        let now_ms = own.now_ms();
        if !own.counter.connect(ip, now_ms) {
            return;
        }
        let place = Place { hub: hub.clone(), ip };
        (Duration::from_secs(own.limits.connection_s_max), place)
    };
    let (sender, mut queue) = mpsc::channel(QUEUE_MAX);
    let mut session = begin(sender);
    let mut pings = interval(PING);
    pings.tick().await;
    let over = sleep(lasts);
    tokio::pin!(over);
    let mut last_pong = Instant::now();
    loop {
        let sent = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match session.on_text(&text) {
                    Reply::Text(answer) => socket.send(Message::Text(answer.into())).await,
                    Reply::Close(reason) => {
                        let frame = CloseFrame { code: POLICY, reason: reason.into() };
                        let _ = socket.send(Message::Close(Some(frame))).await;
                        break;
                    }
                },
                Some(Ok(Message::Pong(_))) => {
                    last_pong = Instant::now();
                    Ok(())
                }
                Some(Ok(Message::Ping(_) | Message::Binary(_))) => Ok(()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
            // A queue that is closed was too slow.
            text = queue.recv() => match text {
                Some(text) => socket.send(Message::Text(text.into())).await,
                None => break,
            },
            _ = pings.tick() => {
                if last_pong.elapsed() > PONG_MAX {
                    break;
                }
                let now = hub.lock().now_ms().to_string();
                socket.send(Message::Ping(now.into_bytes().into())).await
            }
            () = &mut over => break,
            () = ended(&mut ends) => {
                let now = hub.lock().now_ms();
                let text = format!("{{\"e\":\"serverShutdown\",\"E\":{now}}}");
                let _ = socket.send(Message::Text(text.into())).await;
                let _ = socket.send(Message::Close(None)).await;
                break;
            }
        };
        if sent.is_err() {
            break;
        }
    }
    session.on_end();
    drop(place);
}

/// The exchange ends.
pub(super) async fn ended(ends: &mut watch::Receiver<bool>) {
    // Where nobody is left to say so, it has ended too.
    let _ = ends.wait_for(|ended| *ended).await;
}
