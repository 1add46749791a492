//! What all requests share: the way to the session, tokens, lock-out, the ledger of accesses.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::time::timeout;

use super::{
    HttpOptions,
    events::Hub,
    ledger::Ledger,
    lockout::Lockout,
    reader::Reader,
    token::{Holder, TokenError, Tokens},
};
use crate::{Answer, Asked, Command, Queue, Refusal, RefusalCode, Via};

/// How often the file of tokens is looked at, so that a revoked one is refused soon.
const TOKENS_EVERY: Duration = Duration::from_secs(1);
/// How long a question may take.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// How long a component may take: it is compiled in at most 90 s and then started.
const COMPONENT_MAX: Duration = Duration::from_secs(180);
/// How long an answer to whether the session is ready is taken for granted.
const READY_FOR: Duration = Duration::from_secs(1);
/// How long the session may take to say that it is.
const READY_MAX: Duration = Duration::from_secs(2);

/// The file of tokens as it was when it was last looked at.
#[derive(Debug)]
struct Kept {
    tokens: Tokens,
    stamp: Option<Stamp>,
    looked: Instant,
}

/// When a file was changed last, and which one it is.
type Stamp = (i64, i64, u64, u64);

/// Counts for the metrics.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) requests: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) unauthorized: AtomicU64,
    pub(super) slow_readers: AtomicU64,
    pub(super) connections_refused: AtomicU64,
}

/// What all requests share.
#[derive(Debug)]
pub(super) struct State {
    queue: Queue,
    path: PathBuf,
    kept: Mutex<Kept>,
    lockout: Mutex<Lockout>,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) hub: Hub,
    pub(super) reader: Reader,
    pub(super) counts: Counts,
    hosts: Vec<String>,
    pub(super) is_secure: bool,
    ready: tokio::sync::Mutex<Option<(Instant, bool)>>,
    token_trouble: AtomicBool,
}

impl State {
    /// With the file of tokens read once.
    pub(super) fn new(
        options: &HttpOptions,
        bound: SocketAddr,
        queue: Queue,
        reader: Reader,
    ) -> Result<Self, TokenError> {
        let now = Instant::now();
        let kept = Kept {
            tokens: Tokens::read(&options.tokens)?,
            stamp: stamp(&options.tokens).ok(),
            looked: now,
        };
        Ok(Self {
            queue: queue.clone(),
            path: options.tokens.clone(),
            kept: Mutex::new(kept),
            lockout: Mutex::new(Lockout::new(now)),
            ledger: Mutex::new(Ledger::new(queue)),
            hub: Hub::default(),
            reader,
            counts: Counts::default(),
            hosts: hosts(options, bound),
            is_secure: options.tls.is_some(),
            ready: tokio::sync::Mutex::new(None),
            token_trouble: AtomicBool::new(false),
        })
    }

    pub(super) fn now(&self) -> Instant {
        Instant::now()
    }

    /// Something about the lock-out.
    pub(super) fn lockout<R>(&self, of: impl FnOnce(&mut Lockout) -> R) -> R {
        of(&mut self.lockout.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a `Host` header names this server.
    pub(super) fn is_our_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }

    /// Whether an `Origin` is a page of this server.
    pub(super) fn is_our_origin(&self, origin: &str) -> bool {
        let scheme = if self.is_secure { "https://" } else { "http://" };
        origin.strip_prefix(scheme).is_some_and(|host| self.is_our_host(host))
    }

    /// Whose a token is.
    pub(super) fn holder(&self, presented: &[u8]) -> Option<Holder> {
        self.kept().tokens.holder(presented, now_s())
    }

    /// Whether somebody's token is still good.
    pub(super) fn holds(&self, holder: &Holder) -> bool {
        self.kept().tokens.holds(holder, now_s())
    }

    /// The tokens, as the file has them now. Where it cannot be read nobody has one.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        if now.saturating_duration_since(kept.looked) < TOKENS_EVERY {
            return kept;
        }
        kept.looked = now;
        let stamp = stamp(&self.path).ok();
        if stamp == kept.stamp && !self.token_trouble.load(Ordering::Relaxed) {
            return kept;
        }
        let read = Tokens::read(&self.path);
        let was_trouble = self.token_trouble.swap(read.is_err(), Ordering::Relaxed);
        if let (Err(error), false) = (&read, was_trouble) {
            tracing::error!("nobody is let in over HTTP: {error}");
        }
        (kept.tokens, kept.stamp) = (read.unwrap_or_default(), stamp);
        kept
    }

    /// Asks the session.
    pub(super) async fn ask(
        &self,
        who: String,
        via: Via,
        command: Command,
    ) -> Result<Answer, Refusal> {
        command.check()?;
        let max = match command {
            Command::Load { .. } | Command::Swap { .. } | Command::Rollback(_) => COMPONENT_MAX,
            _ => ANSWER_MAX,
        };
        self.ask_within(max, who, via, command).await
    }

    async fn ask_within(
        &self,
        max: Duration,
        who: String,
        via: Via,
        command: Command,
    ) -> Result<Answer, Refusal> {
        let (asked, answer) = Asked::new(who, via, command);
        self.queue.push(asked)?;
        match timeout(max, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Refusal::ending()),
            Err(_) => Err(Refusal::new(RefusalCode::Busy, "the session has not answered in time")
                .help("nothing says whether it was done: look at the journal")),
        }
    }

    /// Whether the session answers. At most one question a second comes of this.
    pub(super) async fn is_ready(&self) -> bool {
        let mut ready = self.ready.lock().await;
        if let Some((at, said)) = *ready
            && at.elapsed() < READY_FOR
        {
            return said;
        }
        let via = Via::Http("readiness".to_owned());
        let asked = self.ask_within(READY_MAX, "host".to_owned(), via, Command::Status).await;
        let said = match asked {
            Ok(Answer::Status(status)) => status.line.is_none_or(|line| line.live),
            _ => false,
        };
        *ready = Some((Instant::now(), said));
        said
    }
}

/// Seconds since 1970.
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn stamp(path: &std::path::Path) -> io::Result<Stamp> {
    let found = fs::metadata(path)?;
    Ok((found.mtime(), found.mtime_nsec(), found.ino(), found.size()))
}

/// What this server is called: by its address, as a loopback's names, and as the operator says.
fn hosts(options: &HttpOptions, bound: SocketAddr) -> Vec<String> {
    let port = bound.port();
    let mut hosts = vec![bound.to_string()];
    if bound.ip().is_loopback() || bound.ip().is_unspecified() {
        hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
    }
    for name in &options.hosts {
        hosts.push(name.clone());
        hosts.push(format!("{name}:{port}"));
    }
    // A browser leaves the port of its scheme out.
    let usual = if options.tls.is_some() { ":443" } else { ":80" };
    let short: Vec<_> =
        hosts.iter().filter_map(|host| host.strip_suffix(usual).map(str::to_owned)).collect();
    hosts.extend(short);
    hosts
}
