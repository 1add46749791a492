//! What all WebSocket connections share: pings, the end of a day, queues, the end of the exchange.

use std::{net::IpAddr, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, interval, sleep},
};

use axum::response::Response;

use super::rest;
use crate::hub::{Cut, Cuts, QUEUE_MAX, Sender, Shared};

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
    /// An event that is about the connection, as this kind of it tells events.
    fn event(&self, event: String) -> String;
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

/// Whether a connection may begin; the answer where not.
#[expect(clippy::result_large_err, reason = "an answer is sent at once, and never kept")]
pub(super) fn admit(hub: &Shared, ip: IpAddr, weight: u32) -> Result<(), Response> {
    let mut hub = hub.lock();
    if hub.maintenance {
        return Err(rest::page());
    }
    let now_ms = hub.now_ms();
    hub.counter.handshake(ip, weight, now_ms).map_err(|refusal| rest::refused(&refusal))
}

pub(super) async fn run<S: Session>(
    mut socket: WebSocket,
    hub: Shared,
    ip: IpAddr,
    mut ends: watch::Receiver<bool>,
    begin: impl FnOnce(Sender) -> S,
) {
    let (limits, place, mut cuts) = {
        let mut own = hub.lock();
        own.counter.connect(ip);
        (own.limits, Place { hub: hub.clone(), ip }, own.cuts())
    };
    let pong_max = Duration::from_secs(limits.pong_s_max);
    let (sender, mut queue) = mpsc::channel(QUEUE_MAX);
    let mut session = begin(sender);
    let mut pings = interval(Duration::from_secs(limits.ping_s.max(1)));
    pings.tick().await;
    let over = sleep(Duration::from_secs(limits.connection_s_max));
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
                if last_pong.elapsed() > pong_max {
                    break;
                }
                let now = hub.lock().now_ms().to_string();
                socket.send(Message::Ping(now.into_bytes().into())).await
            }
            () = &mut over => break,
            () = ended(&mut ends) => {
                shut(&mut socket, &hub, &session).await;
                break;
            }
            how = cut(&mut cuts) => {
                if how == Cut::SayingSo {
                    shut(&mut socket, &hub, &session).await;
                }
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

/// Says that the server ends. Who does not listen any more has ended before.
async fn shut<S: Session>(socket: &mut WebSocket, hub: &Shared, session: &S) {
    let now = hub.lock().now_ms();
    let text = session.event(format!("{{\"e\":\"serverShutdown\",\"E\":{now}}}"));
    let _ = socket.send(Message::Text(text.into())).await;
    let _ = socket.send(Message::Close(None)).await;
}

/// All connections end; says how.
async fn cut(cuts: &mut Cuts) -> Cut {
    if cuts.changed().await.is_err() {
        // The exchange is gone, and so is everything else soon.
        std::future::pending::<()>().await;
    }
    cuts.borrow().1
}

/// The exchange ends.
pub(super) async fn ended(ends: &mut watch::Receiver<bool>) {
    // Where nobody is left to say so, it has ended too.
    let _ = ends.wait_for(|ended| *ended).await;
}
