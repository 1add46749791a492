//! What the tests share: a clock that is turned by hand, errors shown whole, a small server.

pub(crate) mod jwt;
pub(crate) mod real;
pub(crate) mod rsa;
mod server;
mod watch;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sandpit_core::time::{Nanos, UnixNanos};
use sandpit_secrets::{
    Clock, Environment, Fetched, Keeper, KeeperPolicy, KeyNews, KeyUri, Proven, SecretText,
    SigningKey, Source, SourceError, source,
};

pub(crate) use server::{Answer, Identity, Request, Server};
pub(crate) use watch::is_watched;

/// 2025-06-01T00:00:00Z
pub(crate) const START_S: u64 = 1_748_736_000;
/// A name and secrets that would be seen anywhere. Nothing of them may be shown.
pub(crate) const API_KEY: &str = "canary0name0of0a0key";
pub(crate) const SECRET: &str = "canary0secret0of0a0key";
/// What the host proves itself with.
pub(crate) const PROOF: &str = "canary0proof0of0the0host";

/// A credential as a secret manager keeps it.
pub(crate) fn document(api_key: &str, secret: &str) -> String {
    serde_json::json!({ "api_key": api_key, "secret": secret }).to_string()
}

/// A clock that is turned by hand.
#[derive(Clone)]
pub(crate) struct Hands(Arc<AtomicU64>);

impl Hands {
    pub(crate) fn new() -> Self {
        watch::begin();
        Self(Arc::new(AtomicU64::new(START_S * Nanos::SECOND.0)))
    }

    pub(crate) fn turn_s(&self, seconds: u64) {
        self.0.fetch_add(seconds * Nanos::SECOND.0, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> UnixNanos {
        UnixNanos(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn now_s(&self) -> u64 {
        self.now().0 / Nanos::SECOND.0
    }

    pub(crate) fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::new(move || hands.now())
    }
}

/// Variables of the host.
pub(crate) fn variables(variables: &[(&str, &str)]) -> Environment {
    Environment::fixed(
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), SecretText::new((*value).to_owned()))),
    )
}

/// The source of a URI.
pub(crate) fn open(uri: &str, environment: &Environment, hands: &Hands) -> Box<dyn Source> {
    let uri: KeyUri = uri.parse().unwrap();
    source::open(&uri, environment, hands.clock()).unwrap()
}

/// Name and signature of a key: two keys with the same are the same.
pub(crate) fn show(fetched: Fetched) -> (String, String) {
    let key = SigningKey::new(fetched.credential).unwrap();
    let mut signature = String::new();
    key.sign_into(b"payload", &mut signature);
    (key.api_key().to_owned(), signature)
}

/// The same of a name and an HMAC secret.
pub(crate) fn hmac(api_key: &str, secret: &str) -> (String, String) {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let signature = ring::hmac::sign(&key, b"payload");
    let hex = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    (api_key.to_owned(), hex)
}

/// A key goes on signing while its server is gone, which is said; and what the server has when it is
/// back, under the secret `canary0next`, is used. Without it nothing begins.
pub(crate) fn lives_through<T>(
    source: Box<dyn Source>,
    hands: &Hands,
    end: impl FnOnce(),
    again: impl FnOnce() -> T,
) {
    let mut prove = |_: &Arc<SigningKey>| Ok(Proven::default());
    let policy = KeeperPolicy::default();
    let mut keeper = Keeper::open("test", source, policy, hands.now(), &mut prove).unwrap();
    // How old it is is another matter.
    let mut polled = |keeper: &mut Keeper, hands: &Hands| -> Vec<KeyNews> {
        let news = keeper.poll(hands.now(), &mut prove);
        news.into_iter().filter(|news| !matches!(news, KeyNews::Old(_))).collect()
    };
    let signs = |keeper: &Keeper| {
        let mut signature = String::new();
        let key = keeper.handle().current();
        key.sign_into(b"payload", &mut signature);
        (key.api_key().to_owned(), signature)
    };
    assert_eq!(signs(&keeper), hmac(API_KEY, SECRET));
    end();
    for failures in 1..3 {
        hands.turn_s(keeper.next_poll().since(hands.now()).0 / Nanos::SECOND.0);
        let news = polled(&mut keeper, hands);
        let [KeyNews::Kept { why, failures: said, .. }] = &news[..] else { panic!("{news:?}") };
        assert_eq!(*said, failures);
        let words = chain(why);
        assert!(words.contains("no answer from 127.0.0.1:"), "{words}");
        assert_eq!(signs(&keeper), hmac(API_KEY, SECRET));
    }
    let back = again();
    hands.turn_s(keeper.next_poll().since(hands.now()).0 / Nanos::SECOND.0);
    let news = polled(&mut keeper, hands);
    assert!(matches!(news[..], [KeyNews::Recovered, KeyNews::Rotated { .. }]), "{news:?}");
    assert_eq!(signs(&keeper), hmac(API_KEY, "canary0next"));
    drop(back);
}

/// An error with its causes, and the same as a programmer sees it. Nothing secret is in it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    let debug = format!("{error:?}");
    assert!(!text.contains("canary") && !debug.contains("canary"), "{text}\n{debug}");
    text
}

/// The error of a source that gives no key.
pub(crate) fn fails(source: &mut dyn Source) -> SourceError {
    source.fetch().err().unwrap()
}

/// The same, as it is shown.
pub(crate) fn failure(source: &mut dyn Source) -> String {
    chain(&fails(source))
}
