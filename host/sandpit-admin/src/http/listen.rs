//! Connections: how many, for how long, encrypted or not; and each request from its first byte to
//! its answer.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use http_body_util::{BodyExt as _, Limited};
use hyper::{
    Request as Incoming, StatusCode, body::Incoming as Arriving, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{
    act::Request,
    gate::{self, Turned},
    reply::{Problem, Reply},
    stall::Stall,
    state::State,
};
use crate::REQUEST_BYTES_MAX;

/// Connections at a time.
pub(super) const CONNECTIONS_MAX: usize = 64;
/// Connections beyond these, on which the kill switch is served and nothing else.
pub(super) const SPARE_CONNECTIONS_MAX: usize = 8;
/// Connections from one address that is not this machine's.
const ADDRESS_CONNECTIONS_MAX: usize = 32;
/// How long the first bytes of TLS may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// How long a request's headers may take, and how long a connection may be idle.
const HEADERS_MAX: Duration = Duration::from_secs(10);
/// How long a request's body may take.
const BODY_MAX: Duration = Duration::from_secs(10);
/// How long a write may make no way.
const STALL_MAX: Duration = Duration::from_secs(10);
/// Headers of a request.
const HEADER_COUNT_MAX: usize = 64;
/// Bytes of a request's headers.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// How long the server stops to listen when the system has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long answers have to go out when the session ends.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves until the session ends.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    state: Arc<State>,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let spare = Arc::new(Semaphore::new(SPARE_CONNECTIONS_MAX));
    let mut from = BTreeMap::<IpAddr, usize>::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(ended) = connections.join_next() => {
                if let Ok(address) = ended {
                    leave(&mut from, address);
                }
                continue;
            }
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let (stream, address) = match accepted {
            Ok((stream, address)) => (stream, address.ip().to_canonical()),
            Err(error) => {
                tracing::warn!("the HTTP interface does not take a caller: {error}");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let count = from.get(&address).copied().unwrap_or_default();
        let crowds = count >= ADDRESS_CONNECTIONS_MAX && !address.is_loopback();
        let place = Arc::clone(&places).try_acquire_owned();
        let is_spare = place.is_err();
        let place = place.or_else(|_| Arc::clone(&spare).try_acquire_owned());
        let Some(place) = place.ok().filter(|_| !crowds) else {
            state.counts.connections_refused.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        *from.entry(address).or_default() += 1;
        let caller = Caller { state: Arc::clone(&state), address, is_spare };
        connections.spawn(connection(stream, tls.clone(), caller, place, stopped.clone()));
    }
    let last = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(LAST_ANSWERS, last).await;
}

fn leave(from: &mut BTreeMap<IpAddr, usize>, address: IpAddr) {
    if let Some(count) = from.get_mut(&address) {
        *count -= 1;
        if *count == 0 {
            from.remove(&address);
        }
    }
}

#[derive(Clone)]
struct Caller {
    state: Arc<State>,
    address: IpAddr,
    is_spare: bool,
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    caller: Caller,
    place: OwnedSemaphorePermit,
    stopped: watch::Receiver<bool>,
) -> IpAddr {
    let address = caller.address;
    // An answer is one write; nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    match tls {
        None => requests(stream, caller, stopped).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
                requests(stream, caller, stopped).await;
            }
        }
    }
    drop(place);
    address
}

async fn requests<S>(stream: S, caller: Caller, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(Stall::new(stream, STALL_MAX));
    let service = service_fn(|request| {
        let caller = caller.clone();
        async move { Ok::<_, Infallible>(caller.serve(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_MAX)
        .max_headers(HEADER_COUNT_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .half_close(false)
        .keep_alive(!caller.is_spare)
        .serve_connection(io, service);
    tokio::pin!(connection);
    tokio::select! {
        // Whatever a caller did wrong, the connection has ended.
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

impl Caller {
    async fn serve(&self, request: Incoming<Arriving>) -> Reply {
        let state = &self.state;
        state.counts.requests.fetch_add(1, Ordering::Relaxed);
        let (parts, body) = request.into_parts();
        let method = parts.method.as_str().chars().take(16).collect::<String>();
        let (reply, route, holder) = match gate::pass(state, self.address, self.is_spare, &parts) {
            Ok(admitted) => {
                let (route, holder) = (Some(admitted.found.route), admitted.holder.clone());
                let reply = match read(body).await {
                    Ok(body) => {
                        let address = self.address;
                        Request { state, address, admitted, body }.answer().await
                    }
                    Err(problem) => problem.reply(),
                };
                (reply, route, holder)
            }
            Err(turned) => {
                let Turned { problem, found, holder } = *turned;
                (problem.reply(), found.map(|found| found.route), holder)
            }
        };
        let status = reply.status();
        if status.is_client_error() || status.is_server_error() {
            state.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
        if status == StatusCode::UNAUTHORIZED {
            state.counts.unauthorized.fetch_add(1, Ordering::Relaxed);
        }
        // What everybody may see is no access; what nobody has is one.
        let is_open = route.is_some_and(|route| route.allowed == super::route::Allowed::Everybody);
        if !is_open || !status.is_success() {
            let what =
                format!("{method} {}", route.map_or("a path that is not there", |it| it.path));
            let mut ledger = state.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.note(holder.as_ref(), self.address, &what, status.as_u16(), state.now());
        }
        reply
    }
}

async fn read(body: Arriving) -> Result<hyper::body::Bytes, Problem> {
    let whole = Limited::new(body, REQUEST_BYTES_MAX).collect();
    match timeout(BODY_MAX, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let message = format!("a body has at most {REQUEST_BYTES_MAX} bytes");
            Err(Problem::of(crate::RefusalCode::TooLarge, message))
        }
        Ok(Err(_)) => Err(Problem::bad("the body is cut")),
        Err(_) => {
            let message = "the body does not come";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", message))
        }
    }
}

/// Listens where it is said.
pub(super) fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
