//! The life of a key while the host runs: fetched, proven, used, looked after, and exchanged for a
//! new one without anything stopping.
//!
//! A new key is used when it has been proven on the exchange, by a function that the caller gives,
//! and not before; until then, and whenever anything fails, the old one stays. Whoever signs takes
//! [`KeyHandle::current`] for each request, so that a request has name and signature of one key, and
//! what is under way ends on the key that it began with.

use std::{
    error::Error,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use sandpit_core::time::{Nanos, UnixNanos};

use crate::{
    AgeClass, AgeLimits, ApiKey, CredentialError, Fetched, KeyAge, SigningKey, Source, SourceError,
    clock::nanos,
};

/// The longest pause between two looks at a source that fails.
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// How often an age is said again.
const AGE_AGAIN: Nanos = Nanos(86_400 * Nanos::SECOND.0);

/// How a key is looked after.
#[derive(Clone, Copy, Debug)]
pub struct KeeperPolicy {
    /// How often the source is asked whether there is a new key.
    pub poll: Duration,
    /// When a key is too old.
    pub ages: AgeLimits,
}

impl Default for KeeperPolicy {
    fn default() -> Self {
        Self { poll: Duration::from_secs(60), ages: AgeLimits::default() }
    }
}

/// A key that the exchange took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Proven {
    /// Since when the exchange has the key, where it says so. It counts before the source's word.
    pub created: Option<UnixNanos>,
}

/// Why the exchange did not take a key. It must not hold anything of the key.
pub type Refusal = Box<dyn Error + Send + Sync>;

/// Proves a key on the exchange: its account, its environment, its permissions.
pub type Prove<'a> = &'a mut dyn FnMut(&Arc<SigningKey>) -> Result<Proven, Refusal>;

/// Why there is no key, or no new one.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The source did not give one.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What it gave cannot sign.
    #[error("{source_name}: cannot use the key")]
    Credential {
        /// Which source.
        source_name: String,
        /// Why.
        #[source]
        source: CredentialError,
    },
    /// The exchange did not take it.
    #[error("{source_name}: the key {key} was not taken")]
    Refused {
        /// Which source.
        source_name: String,
        /// Its first characters.
        key: ApiKey,
        /// Why.
        #[source]
        source: Refusal,
    },
}

/// What became of a look at the source.
#[derive(Debug)]
pub enum KeyNews {
    /// There is a new key, it was proven, and it signs from now on. What is logged in with the old
    /// one has to log in again.
    Rotated {
        /// The old one.
        from: ApiKey,
        /// The new one.
        to: ApiKey,
    },
    /// Nothing new could be had; the key that is there goes on.
    Kept {
        /// Why.
        why: KeeperError,
        /// How often in a row.
        failures: u32,
        /// Until when the key was lent, if it was.
        lent_until: Option<UnixNanos>,
    },
    /// The source answers again.
    Recovered,
    /// The key is too old.
    Old(KeyAge),
}

/// What is known of a key.
#[derive(Clone, Debug)]
pub struct KeyFacts {
    /// The exchange's name for it.
    pub name: ApiKey,
    /// The source's name for its version.
    pub version: Option<String>,
    /// Since when it exists.
    pub created: Option<UnixNanos>,
    /// When it was fetched last.
    pub fetched: UnixNanos,
    /// Until when it is lent, if it is.
    pub lent_until: Option<UnixNanos>,
}

/// The key that signs now, for whoever signs.
#[derive(Clone)]
pub struct KeyHandle(Arc<RwLock<Arc<SigningKey>>>);

impl KeyHandle {
    /// A key that nobody looks after: for a test, or for one request.
    #[must_use]
    pub fn fixed(key: SigningKey) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(key))))
    }

    /// The key that signs now. Whoever has it can go on with it after a rotation.
    #[must_use]
    pub fn current(&self) -> Arc<SigningKey> {
        // Nothing can fail while it is held, so nothing is half done in it.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, key: Arc<SigningKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = key;
    }
}

impl fmt::Debug for KeyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyHandle").field(&self.current()).finish()
    }
}

/// Looks after one key.
pub struct Keeper {
    source_name: String,
    source: Box<dyn Source>,
    policy: KeeperPolicy,
    handle: KeyHandle,
    facts: KeyFacts,
    failures: u32,
    next: UnixNanos,
    age_said: Option<(AgeClass, UnixNanos)>,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("source", &self.source_name)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

impl Keeper {
    /// Fetches a key and proves it.
    ///
    /// # Errors
    /// There is no key, or the exchange does not take it.
    pub fn open(
        source_name: impl fmt::Display,
        mut source: Box<dyn Source>,
        policy: KeeperPolicy,
        now: UnixNanos,
        prove: Prove<'_>,
    ) -> Result<Self, KeeperError> {
        let source_name = source_name.to_string();
        let (key, mut facts) = take(&source_name, source.fetch()?, now)?;
        let proven = proven(&source_name, &key, prove)?;
        facts.created = proven.created.or(facts.created);
        let handle = KeyHandle(Arc::new(RwLock::new(key)));
        let mut keeper = Self {
            source_name,
            source,
            policy,
            handle,
            facts,
            failures: 0,
            next: now,
            age_said: None,
        };
        keeper.next = keeper.due(now);
        tracing::info!(source = keeper.source_name, key = %keeper.facts.name, "a key is in use");
        Ok(keeper)
    }

    /// What signs.
    #[must_use]
    pub fn handle(&self) -> KeyHandle {
        self.handle.clone()
    }

    /// What is known of the key.
    #[must_use]
    pub const fn facts(&self) -> &KeyFacts {
        &self.facts
    }

    /// Takes in what the exchange says of the key that is in use.
    pub fn confirm(&mut self, proven: Proven) {
        self.facts.created = proven.created.or(self.facts.created);
    }

    /// How old the key is, where that is known.
    #[must_use]
    pub fn age(&self, now: UnixNanos) -> Option<KeyAge> {
        self.facts.created.map(|created| KeyAge::of(created, now, self.policy.ages))
    }

    /// When [`Self::poll`] has something to do again.
    #[must_use]
    pub const fn next_poll(&self) -> UnixNanos {
        self.next
    }

    /// Asks the source, when it is time to, and says what is new. It waits for the network.
    pub fn poll(&mut self, now: UnixNanos, prove: Prove<'_>) -> Vec<KeyNews> {
        let mut news = Vec::new();
        if now >= self.next {
            let had_failed = self.failures > 0;
            match self.rotate(now, prove) {
                Ok(rotated) => {
                    news.extend(had_failed.then_some(KeyNews::Recovered));
                    news.extend(rotated);
                }
                Err(why) => {
                    let (failures, lent_until) = (self.failures, self.facts.lent_until);
                    news.push(KeyNews::Kept { why, failures, lent_until });
                }
            }
        }
        news.extend(self.old(now));
        news
    }

    /// Asks the source now, and changes to what it has if that is another key. `None` where it is
    /// the same.
    ///
    /// # Errors
    /// The source does not give a key, or the exchange does not take it. The old one goes on.
    pub fn rotate(
        &mut self,
        now: UnixNanos,
        prove: Prove<'_>,
    ) -> Result<Option<KeyNews>, KeeperError> {
        let outcome = self.exchange(now, prove);
        self.failures = if outcome.is_ok() { 0 } else { self.failures.saturating_add(1) };
        self.next = self.due(now);
        match &outcome {
            Err(error) => tracing::warn!(
                source = self.source_name,
                key = %self.facts.name,
                failures = self.failures,
                "the key stays: {}",
                chain(error)
            ),
            Ok(Some(_)) => tracing::info!(
                source = self.source_name,
                key = %self.facts.name,
                "another key is in use"
            ),
            Ok(None) => {}
        }
        outcome
    }

    fn exchange(
        &mut self,
        now: UnixNanos,
        prove: Prove<'_>,
    ) -> Result<Option<KeyNews>, KeeperError> {
        let (key, mut facts) = take(&self.source_name, self.source.fetch()?, now)?;
        if key.is_same(&self.handle.current()) {
            // What the exchange said of it stands.
            facts.created = self.facts.created;
            self.facts = facts;
            return Ok(None);
        }
        let proven = proven(&self.source_name, &key, prove)?;
        facts.created = proven.created.or(facts.created);
        let (from, to) = (self.facts.name.clone(), facts.name.clone());
        self.handle.replace(key);
        self.facts = facts;
        self.age_said = None;
        Ok(Some(KeyNews::Rotated { from, to }))
    }

    /// When to ask again: rarer while it fails, and before half of what is left of a lease is over.
    fn due(&self, now: UnixNanos) -> UnixNanos {
        let doubled = 2u32.saturating_pow(self.failures.min(16));
        let longest = self.policy.poll.max(PAUSE_MAX);
        let mut pause = nanos(self.policy.poll.saturating_mul(doubled).min(longest));
        if let Some(until) = self.facts.lent_until {
            pause = pause.min(Nanos(until.since(now).0 / 2)).max(Nanos::SECOND);
        }
        now.plus(pause)
    }

    /// The age, when it has become worse, and once a day from then on.
    fn old(&mut self, now: UnixNanos) -> Option<KeyNews> {
        let age = self.age(now).filter(|age| age.class != AgeClass::Fresh)?;
        let is_said = self
            .age_said
            .is_some_and(|(class, at)| class == age.class && now.since(at) < AGE_AGAIN);
        if is_said {
            return None;
        }
        self.age_said = Some((age.class, now));
        Some(KeyNews::Old(age))
    }
}

fn take(
    source_name: &str,
    fetched: Fetched,
    now: UnixNanos,
) -> Result<(Arc<SigningKey>, KeyFacts), KeeperError> {
    let Fetched { credential, version, created, lease } = fetched;
    let facts = KeyFacts {
        name: credential.api_key().clone(),
        version,
        created,
        fetched: now,
        lent_until: lease.map(|lease| now.plus(nanos(lease))),
    };
    let key = SigningKey::new(credential).map_err(|source| KeeperError::Credential {
        source_name: source_name.to_owned(),
        source,
    })?;
    Ok((Arc::new(key), facts))
}

fn proven(
    source_name: &str,
    key: &Arc<SigningKey>,
    prove: Prove<'_>,
) -> Result<Proven, KeeperError> {
    prove(key).map_err(|source| KeeperError::Refused {
        source_name: source_name.to_owned(),
        key: key.name().clone(),
        source,
    })
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
