//! REST calls: each on a connection of its own while it lasts, which the next call uses again.
//!
//! **Architecture invariant:** a call is said to be never sent only where no byte of it was handed to
//! a connection. So connections are ours here: whether a request is still whole is known.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, Uri,
    body::{Bytes, Incoming},
    client::conn::http1::{Builder, SendRequest},
    header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::{task::AbortHandle, time::timeout_at};
use zeroize::Zeroizing;

use super::{AGENT, address::Server, dial::Dialer, wire::Traffic};
use crate::{
    keys::KeyName,
    machine::{Call, CallId, NoReply},
};

/// Longest body of an answer: no venue's list of all symbols is longer.
pub const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest head of an answer.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The longest that a call is waited for, whatever it asks.
pub const CALL_TIMEOUT_MAX: Duration = Duration::from_secs(60);
/// Calls under way at once. One more is given back as never sent.
pub const CALLS_MAX: usize = 128;
/// Idle connections kept to one server.
const IDLE_MAX: usize = 8;

const _: () = assert!(REPLY_BYTES_MAX >= crate::binance::response::EXCHANGE_INFO_BYTES_MAX);

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// A call that is over.
pub(super) struct Finished {
    pub(super) id: CallId,
    pub(super) begun: Instant,
    /// In the second case why, in our words.
    pub(super) outcome: Result<Answered, (NoReply, String)>,
    /// Where it can be used again.
    connection: Option<(Server, Connection)>,
    /// How many connections were made for it.
    pub(super) connects: u64,
}

pub(super) type Calling = Pin<Box<dyn Future<Output = Finished>>>;

/// A connection and the task that keeps it.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// Makes calls.
pub(super) struct Rest {
    dialer: Dialer,
    idle: BTreeMap<Server, Vec<Idle>>,
    idle_max: Duration,
    traffic: Arc<Traffic>,
}

impl Rest {
    pub(super) const fn new(dialer: Dialer, idle_max: Duration, traffic: Arc<Traffic>) -> Self {
        Self { dialer, idle: BTreeMap::new(), idle_max, traffic }
    }

    /// Begins a call. It is over within its time.
    ///
    /// # Errors
    /// It cannot be made as it is.
    pub(super) fn call(&mut self, call: &Call, server: Server) -> Result<Calling, &'static str> {
        let request = request(call, &server)?;
        let length = Duration::from_nanos(call.timeout.0).min(CALL_TIMEOUT_MAX);
        let task = Task {
            id: call.id,
            begun: Instant::now(),
            deadline: tokio::time::Instant::now() + length,
            dialer: self.dialer.clone(),
            traffic: Arc::clone(&self.traffic),
            idle: self.take(&server),
            server,
            connects: 0,
        };
        Ok(Box::pin(task.run(request)))
    }

    /// A connection that waits for a call.
    fn take(&mut self, server: &Server) -> Option<Connection> {
        let waiting = self.idle.get_mut(server)?;
        while let Some(idle) = waiting.pop() {
            if idle.since.elapsed() < self.idle_max && idle.connection.sender.is_ready() {
                return Some(idle.connection);
            }
        }
        None
    }

    /// Keeps the connection of a call that is over, where it can be used again.
    pub(super) fn keep(&mut self, finished: &mut Finished) {
        let Some((server, connection)) = finished.connection.take() else { return };
        if connection.sender.is_closed() {
            return;
        }
        let waiting = self.idle.entry(server).or_default();
        if waiting.len() < IDLE_MAX {
            waiting.push(Idle { connection, since: Instant::now() });
        }
    }

    /// Closes connections that nobody used for long.
    pub(super) fn sweep(&mut self) {
        let idle_max = self.idle_max;
        self.idle.retain(|_, waiting| {
            waiting.retain(|idle| {
                idle.since.elapsed() < idle_max && !idle.connection.sender.is_closed()
            });
            !waiting.is_empty()
        });
    }
}

fn request(call: &Call, server: &Server) -> Result<Request<Full<Bytes>>, &'static str> {
    if !matches!(call.method, "GET" | "POST" | "PUT" | "DELETE") {
        return Err("its method is not known");
    }
    let method =
        Method::from_bytes(call.method.as_bytes()).map_err(|_| "its method is not known")?;
    let path: Uri = call.path.parse().map_err(|_| "its path cannot be read")?;
    if !call.path.starts_with('/') || path.authority().is_some() {
        return Err("its path does not begin with a slash");
    }
    let mut builder = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, server.authority())
        .header(USER_AGENT, AGENT);
    if !call.body.is_empty() {
        builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    if let Some(key) = &call.key {
        builder = builder.header("X-MBX-APIKEY", key_header(key)?);
    }
    builder
        .body(Full::new(Bytes::from(call.body.clone())))
        .map_err(|_| "its parts do not make a request")
}

/// The key as a header, hidden where headers are shown.
fn key_header(key: &KeyName) -> Result<HeaderValue, &'static str> {
    let text = Zeroizing::new(key.expose().to_owned());
    let mut value =
        HeaderValue::from_str(&text).map_err(|_| "the key's name cannot be sent in a header")?;
    value.set_sensitive(true);
    Ok(value)
}

/// One call under way.
struct Task {
    id: CallId,
    begun: Instant,
    deadline: tokio::time::Instant,
    dialer: Dialer,
    traffic: Arc<Traffic>,
    server: Server,
    idle: Option<Connection>,
    connects: u64,
}

type Lost = (NoReply, String);

impl Task {
    async fn run(mut self, request: Request<Full<Bytes>>) -> Finished {
        let done = self.done(request).await;
        let (outcome, connection) = match done {
            Ok((answered, connection)) => (Ok(answered), Some((self.server, connection))),
            Err(lost) => (Err(lost), None),
        };
        Finished { id: self.id, begun: self.begun, outcome, connection, connects: self.connects }
    }

    async fn done(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Answered, Connection), Lost> {
        let mut connection = match self.idle.take() {
            Some(connection) => connection,
            None => timeout_at(self.deadline, self.connect())
                .await
                .unwrap_or_else(|_| Err("no connection in time".to_owned()))
                .map_err(|why| (NoReply::NeverSent, why))?,
        };
        let sending = connection.sender.try_send_request(request);
        let response = match timeout_at(self.deadline, sending).await {
            Err(_) => return Err(too_late()),
            Ok(Ok(response)) => response,
            // Who gets the whole request back knows that nothing of it was written.
            Ok(Err(mut error)) => {
                return Err(match error.take_message() {
                    Some(_) => (NoReply::NeverSent, "the connection had ended".to_owned()),
                    None => cut_off("the connection ended without an answer"),
                });
            }
        };
        let answered = timeout_at(self.deadline, read(response)).await;
        Ok((answered.unwrap_or_else(|_| Err(too_late()))?, connection))
    }

    async fn connect(&mut self) -> Result<Connection, String> {
        self.connects += 1;
        let wire = self.dialer.dial(&self.server, Arc::clone(&self.traffic)).await;
        let wire = TokioIo::new(wire.map_err(|error| error.to_string())?);
        let made = Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(wire).await;
        // Its error is one of reading and writing; nothing of the request has been handed over.
        let (sender, connection) = made.map_err(|_| "no connection for HTTP".to_owned())?;
        let task = tokio::spawn(async move {
            // What becomes of the connection is told to the call that uses it.
            let _ = connection.await;
        });
        let mut connection = Connection { sender, task: task.abort_handle() };
        match connection.sender.ready().await {
            Ok(()) => Ok(connection),
            Err(_) => Err("the connection ended at once".to_owned()),
        }
    }
}

fn too_late() -> Lost {
    (NoReply::TimedOut, "no whole answer in time".to_owned())
}

fn cut_off(why: &str) -> Lost {
    (NoReply::Disconnected, why.to_owned())
}

async fn read(response: Response<Incoming>) -> Result<Answered, Lost> {
    let (head, mut incoming) = response.into_parts();
    let is_told = |name: &str| {
        name.starts_with("x-mbx-") || name.starts_with("x-sapi-") || name == "retry-after"
    };
    let headers = head
        .headers
        .iter()
        .filter(|(name, _)| is_told(name.as_str()))
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| cut_off("the connection ended within the answer"))?;
        let Ok(data) = frame.into_data() else { continue };
        if body.len().saturating_add(data.len()) > REPLY_BYTES_MAX {
            return Err(cut_off("the answer is too long"));
        }
        body.extend_from_slice(&data);
    }
    Ok(Answered { status: head.status.as_u16(), headers, body })
}
