//! The thread that looks after the keys of a session: it asks their sources, which takes as long as
//! the network does, and hands a new key to the session, which has the venue prove it. The session
//! never waits for it; it waits for the session.

use std::{
    error::Error,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    time::Duration,
};

use sandpit_core::time::UnixNanos;
use sandpit_secrets::{ApiKey, Clock, KeyAge, KeyFacts, KeyNews, Proven, Refusal, SigningKey};
use sandpit_venue::keys::KeyRole;

use super::{
    KeysError, SessionKeys,
    opened::{Kept, Owner},
};

/// Orders that may wait; whoever gives one more is told that it is being done.
const ORDERS_MAX: usize = 16;
/// Words that may wait for the session; whoever speaks waits.
const SAID_MAX: usize = 16;
/// The longest sleep: a clock that is set is seen after it.
const SLEEP_MAX: Duration = Duration::from_secs(30);
/// Why a key is not proven any more.
const OVER: &str = "the session is over";

/// What the session wants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Ask all sources now.
    Fetch,
    /// This is what the venue says of a key in use.
    Confirm(KeyRole, Proven),
}

/// A key that the venue has to prove.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) role: KeyRole,
    /// Where it came from.
    pub(crate) source: String,
    pub(crate) key: Arc<SigningKey>,
    /// The source's name for its version.
    pub(crate) version: Option<String>,
    /// Where the venue's word goes. Without one the key is not used.
    pub(crate) answer: SyncSender<Result<Proven, String>>,
}

/// What came of a look.
#[derive(Clone, Debug)]
pub(crate) enum Happened {
    /// Another key signs.
    Rotated { from: ApiKey, to: ApiKey },
    /// The source has the same key as before.
    Same,
    /// The key stays, since no other can be had.
    Kept { why: String, failures: u32, lent_until: Option<UnixNanos> },
    /// The source answers again.
    Recovered,
    /// It is too old.
    Old(KeyAge),
}

/// A key as it is after a look.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    pub(crate) role: KeyRole,
    pub(crate) source: String,
    /// Whether [`Order::Fetch`] led to it.
    pub(crate) asked: bool,
    pub(crate) happened: Vec<Happened>,
    pub(crate) facts: KeyFacts,
    pub(crate) fingerprint: String,
    pub(crate) age: Option<KeyAge>,
}

/// What the thread says.
#[derive(Debug)]
pub(crate) enum Said {
    Candidate(Candidate),
    Looked(Box<Looked>),
}

/// The session's end of it. The thread ends once this is gone.
#[derive(Debug)]
pub(crate) struct Watchman {
    orders: SyncSender<Order>,
    said: Receiver<Said>,
    /// How many keys there are.
    pub(crate) keys: usize,
}

impl Watchman {
    pub(crate) fn start(keys: SessionKeys) -> Result<Self, KeysError> {
        let (orders, ordered) = mpsc::sync_channel(ORDERS_MAX);
        let (says, said) = mpsc::sync_channel(SAID_MAX);
        let SessionKeys { kept, owner, .. } = keys;
        let count = kept.len();
        let mut thread = Thread { kept, owner, says, clock: Clock::system() };
        std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || thread.run(&ordered))
            .map_err(KeysError::Thread)?;
        Ok(Self { orders, said, keys: count })
    }

    /// `false` where so much waits that this is under way anyway, or the thread is gone.
    pub(crate) fn order(&self, order: Order) -> bool {
        match self.orders.try_send(order) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => false,
            Err(TrySendError::Disconnected(_)) => {
                tracing::error!("nobody looks after the keys any more");
                false
            }
        }
    }

    pub(crate) fn take(&self) -> Option<Said> {
        self.said.try_recv().ok()
    }
}

struct Thread {
    kept: Vec<Kept>,
    owner: Owner,
    says: SyncSender<Said>,
    clock: Clock,
}

impl Thread {
    fn run(&mut self, orders: &Receiver<Order>) {
        if self.look(false).is_none() {
            return;
        }
        loop {
            let now = self.clock.now();
            let next = self.kept.iter().map(|kept| kept.keeper.next_poll()).min();
            let sleep = next.map_or(SLEEP_MAX, |next| Duration::from_nanos(next.since(now).0));
            let done = match orders.recv_timeout(sleep.min(SLEEP_MAX)) {
                Ok(Order::Fetch) => self.look(true),
                Ok(Order::Confirm(role, proven)) => {
                    for kept in self.kept.iter_mut().filter(|kept| kept.role == role) {
                        kept.keeper.confirm(proven);
                    }
                    self.look(false)
                }
                Err(RecvTimeoutError::Timeout) => self.look(false),
                Err(RecvTimeoutError::Disconnected) => None,
            };
            if done.is_none() {
                return;
            }
        }
    }

    /// Looks at every source, at those that are due or at all. `None` once the session is over.
    fn look(&mut self, asked: bool) -> Option<()> {
        for kept in &mut self.kept {
            let now = self.clock.now();
            let (says, owner) = (&self.says, &self.owner);
            let (role, source, version) = (kept.role, kept.source.clone(), kept.version.clone());
            let mut prove = |key: &Arc<SigningKey>| {
                owner.claim(key)?;
                let (answer, answered) = mpsc::sync_channel(1);
                let candidate = Candidate {
                    role,
                    source: source.clone(),
                    key: Arc::clone(key),
                    version: version.get(),
                    answer,
                };
                says.send(Said::Candidate(candidate)).map_err(|_| Refusal::from(OVER))?;
                let answer = answered.recv().map_err(|_| Refusal::from(OVER))?;
                answer.map_err(Refusal::from)
            };
            let mut happened = Vec::new();
            if asked {
                happened.push(match kept.keeper.rotate(now, &mut prove) {
                    Ok(Some(KeyNews::Rotated { from, to })) => Happened::Rotated { from, to },
                    Ok(_) => Happened::Same,
                    Err(error) => {
                        Happened::Kept { why: chain(&error), failures: 1, lent_until: None }
                    }
                });
            }
            happened.extend(kept.keeper.poll(now, &mut prove).into_iter().map(told));
            let looked = Looked {
                role,
                source,
                asked,
                happened,
                facts: kept.keeper.facts().clone(),
                fingerprint: super::fingerprint(&kept.keeper.handle().current()),
                age: kept.keeper.age(self.clock.now()),
            };
            self.says.send(Said::Looked(Box::new(looked))).ok()?;
        }
        Some(())
    }
}

fn told(news: KeyNews) -> Happened {
    match news {
        KeyNews::Rotated { from, to } => Happened::Rotated { from, to },
        KeyNews::Kept { why, failures, lent_until } => {
            Happened::Kept { why: chain(&why), failures, lent_until }
        }
        KeyNews::Recovered => Happened::Recovered,
        KeyNews::Old(age) => Happened::Old(age),
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
