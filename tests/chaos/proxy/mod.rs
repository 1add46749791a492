//! A proxy in front of an exchange that makes of a quiet loopback what exchanges and networks are:
//! it delays, resets, falls silent, loses, repeats, cuts, lies about failures and shows wrong
//! certificates. What it does comes from a seed; when it is told to be calm it does nothing more.
//!
//! It understands as much of HTTP/1.1 and WebSockets as it needs to do harm to one request or one
//! message; it changes no number and invents no event. Refusals for too many requests that it makes
//! up are counted apart from those that the exchange gives: the latter were earned.

mod chance;
mod frames;
mod http;
mod log;
mod plan;
mod rest;
mod socket;
#[cfg(test)]
mod tests;
mod tls;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{interval, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

pub(crate) use chance::Chance;
pub(crate) use log::Seen;
pub(crate) use plan::{Drawn, Episode, Fault, Kind, Place, Plan, Profile};
pub(crate) use tls::Tls;

use log::Log;

/// How long a connection may take until it has said what it wants.
const GREETING_MAX: Duration = Duration::from_secs(30);
/// How often it is looked whether something everywhere begins or ends.
const LOOK: Duration = Duration::from_millis(20);
/// Of a trickle: bytes at a time, and how long until the next ones.
const TRICKLE_BYTES: usize = 24;
const TRICKLE: Duration = Duration::from_millis(4);

/// What a proxy is to be.
pub(crate) struct ProxyConfig {
    pub(crate) upstream: SocketAddr,
    pub(crate) seed: u64,
    pub(crate) profile: Profile,
    /// Over how long the episodes are spread.
    pub(crate) length: Duration,
    /// Certificates; without them it speaks plain HTTP.
    pub(crate) tls: Option<Tls>,
}

/// A running proxy; it ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    upstream: SocketAddr,
    plan: Plan,
    begin: Instant,
    calm: watch::Sender<bool>,
    log: Log,
    /// Connections so far, by kind.
    connections: [AtomicU64; 3],
    tls: Option<Tls>,
}

/// One connection.
struct Own {
    shared: Arc<Shared>,
    kind: Kind,
    /// Its number among those of its kind.
    number: u64,
    drawn: Option<Drawn>,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
}

trait Both: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Both for T {}

type Line = BufReader<Box<dyn Both>>;

impl Proxy {
    pub(crate) async fn start(config: ProxyConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let length_ms = u64::try_from(config.length.as_millis()).unwrap();
        let shared = Arc::new(Shared {
            upstream: config.upstream,
            plan: Plan::new(config.seed, config.profile, length_ms),
            begin: Instant::now(),
            calm: watch::channel(false).0,
            log: Log::default(),
            connections: Default::default(),
            tls: config.tls,
        });
        let own = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut all = JoinSet::new();
            loop {
                // Those that are over are forgotten.
                while all.try_join_next().is_some() {}
                if let Ok((socket, _)) = listener.accept().await {
                    all.spawn(accepted(socket, Arc::clone(&own)));
                }
            }
        });
        Self { address, shared, task }
    }

    /// From now on nothing goes wrong any more; connections that are silent or frozen end.
    pub(crate) fn calm(&self) {
        let at_ms = self.shared.at_ms();
        self.shared.log.say(at_ms, "calm", "faults end");
        self.shared.calm.send_replace(true);
    }

    /// What it did, for whoever reads why a test failed.
    pub(crate) fn story(&self) -> String {
        let windows: Vec<_> = self.shared.plan.windows().iter().map(|w| format!("{w:?}")).collect();
        format!("{}\n{}", windows.join("\n"), self.shared.log.text())
    }

    /// How often it did something, or something passed: `requests`, `real 429`, `real 418`, or the
    /// name of a fault.
    pub(crate) fn counted(&self, what: &str) -> u64 {
        self.shared.log.counted(what)
    }

    /// Every name of a new order, with how often it was seen.
    pub(crate) fn names(&self) -> BTreeMap<String, Seen> {
        self.shared.log.names()
    }

    /// Names that were sent more than once.
    pub(crate) fn sent_twice(&self) -> Vec<String> {
        let twice = self.names().into_iter().filter(|(_, seen)| seen.sent > 1);
        twice.map(|(name, seen)| format!("{name}: {seen:?}")).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn at_ms(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The machine's clock.
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn is_calm(&self) -> bool {
        *self.calm.borrow()
    }

    /// What goes wrong everywhere now.
    fn episode(&self) -> Option<Episode> {
        if self.is_calm() { None } else { self.plan.episode(self.at_ms()) }
    }

    /// A fault, unless it is calm.
    fn fault(&self, drawn: Option<Drawn>) -> Option<Drawn> {
        drawn.filter(|_| !self.is_calm())
    }

    async fn upstream(&self) -> Option<TcpStream> {
        let socket = TcpStream::connect(self.upstream).await.ok()?;
        socket.set_nodelay(true).ok()?;
        Some(socket)
    }

    async fn is_over(&self) {
        let mut calm = self.calm.subscribe();
        // Where the proxy is gone there is nothing left to wait for.
        let _ = calm.wait_for(|calm| *calm).await;
    }
}

/// A connection from its first to its last byte.
async fn accepted(socket: TcpStream, shared: Arc<Shared>) {
    let Ok((socket, spare)) = twice(socket) else { return };
    let end = lives(socket, shared).await;
    if end == End::Reset {
        // Closing it then sends a reset instead of an end.
        let _ = spare.set_zero_linger();
    }
}

/// The socket, and once more: what is said to one of them is said to both.
fn twice(socket: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    socket.set_nodelay(true)?;
    let own = socket.into_std()?;
    let spare = own.try_clone()?;
    Ok((TcpStream::from_std(own)?, TcpStream::from_std(spare)?))
}

async fn lives(socket: TcpStream, shared: Arc<Shared>) -> End {
    if shared.episode() == Some(Episode::Outage) {
        shared.log.count("connections lost in an outage");
        return End::Reset;
    }
    let Ok(Ok(mut line)) = timeout(GREETING_MAX, encrypted(socket, &shared)).await else {
        return End::Closed;
    };
    let Ok(Ok(Some(first))) = timeout(GREETING_MAX, http::read(&mut line, false)).await else {
        return End::Closed;
    };
    let kind = match first.path() {
        path if path.starts_with("/ws-api") => Kind::Api,
        path if path.starts_with("/ws") || path.starts_with("/stream") => Kind::Market,
        _ => Kind::Rest,
    };
    let place = match kind {
        Kind::Rest => 0,
        Kind::Market => 1,
        Kind::Api => 2,
    };
    let number = shared.connections[place].fetch_add(1, Ordering::Relaxed);
    let drawn = shared.fault(shared.plan.connection(kind, number));
    let own = Own { shared, kind, number, drawn };
    match drawn.map(|drawn| drawn.fault) {
        Some(fault @ Fault::Reset) => {
            own.say(fault, "at its begin");
            return End::Reset;
        }
        Some(fault @ Fault::Silent) => {
            own.say(fault, "from its begin");
            return own.silent(&mut line).await;
        }
        Some(Fault::Trickle) => own.say(Fault::Trickle, "to its end"),
        _ => {}
    }
    tokio::select! {
        end = own.ends() => end,
        end = async {
            if first.is_upgrade() {
                socket::serve(line, first, &own).await
            } else {
                rest::serve(&mut line, first, &own).await
            }
        } => end,
    }
}

async fn encrypted(socket: TcpStream, shared: &Shared) -> io::Result<Line> {
    let Some(tls) = &shared.tls else {
        return Ok(BufReader::new(Box::new(socket) as Box<dyn Both>));
    };
    let wrong = shared.episode() == Some(Episode::WrongCertificate);
    if wrong {
        shared.log.count("wrong certificates");
    }
    let config = if wrong { &tls.wrong } else { &tls.right };
    let stream = TlsAcceptor::from(Arc::clone(config)).accept(socket).await?;
    Ok(BufReader::new(Box::new(stream) as Box<dyn Both>))
}

impl Own {
    fn say(&self, fault: Fault, line: &str) {
        let what = format!("{fault:?}");
        let line = format!("{:?} {}: {line}", self.kind, self.number);
        self.shared.log.say(self.shared.at_ms(), &what, &line);
    }

    /// The exchange itself said so: it was earned.
    fn earned(&self, status: u16) {
        if matches!(status, 418 | 429) {
            let line = format!("{:?} {}", self.kind, self.number);
            self.shared.log.say(self.shared.at_ms(), &format!("real {status}"), &line);
        }
    }

    /// Ends where its life is over, or where everything ends.
    async fn ends(&self) -> End {
        let life = self.drawn.filter(|drawn| drawn.fault == Fault::Ends);
        let life_ms = life.map_or(u64::MAX, |drawn| drawn.life_ms);
        let begin = Instant::now();
        let mut looks = interval(LOOK);
        loop {
            looks.tick().await;
            if self.shared.is_calm() {
                // Those that it has harmed before end by what they wait for.
                return std::future::pending().await;
            }
            match self.shared.episode() {
                Some(Episode::Outage) => return End::Reset,
                Some(Episode::Maintenance) if self.kind != Kind::Rest => return End::Closed,
                _ => {}
            }
            if u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX) >= life_ms {
                self.say(Fault::Ends, &format!("after {life_ms} ms"));
                return End::Closed;
            }
        }
    }

    /// Reads and never answers, until it is calm or the other side has gone.
    async fn silent(&self, line: &mut Line) -> End {
        let mut bytes = [0; 1_024];
        loop {
            tokio::select! {
                () = self.shared.is_over() => return End::Reset,
                read = line.read(&mut bytes) => match read {
                    Ok(0) | Err(_) => return End::Closed,
                    Ok(_) => {}
                },
            }
        }
    }

    async fn write<W: AsyncWrite + Unpin>(&self, to: &mut W, bytes: &[u8]) -> Result<(), End> {
        let trickles = || {
            let drawn = self.shared.fault(self.drawn);
            drawn.is_some_and(|drawn| drawn.fault == Fault::Trickle)
        };
        let done = async {
            let mut rest = bytes;
            while trickles() && rest.len() > TRICKLE_BYTES {
                let (few, more) = rest.split_at(TRICKLE_BYTES);
                to.write_all(few).await?;
                to.flush().await?;
                rest = more;
                sleep(TRICKLE).await;
            }
            to.write_all(rest).await?;
            to.flush().await
        };
        done.await.map_err(|_: io::Error| End::Closed)
    }
}
