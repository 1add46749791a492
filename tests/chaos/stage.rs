//! An exchange of one's own for as long as a test lasts, with a clock that is off as the seed says.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use sandpit_exchange::{
    AccountConfig, Amount, Clock, Config, Feed, HistoryConfig, KeyConfig, Limits, Secret, serve,
    system_clock,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::proxy::Chance;

/// A running exchange; it ends when it is dropped.
pub(crate) struct Exchange {
    pub(crate) address: SocketAddr,
    /// How far its clock is ahead of the machine's, in milliseconds.
    ahead_ms: Arc<AtomicI64>,
    end: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// How an exchange's clock is off: ahead or behind by this much at first, and by so much more
/// later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Skew {
    pub(crate) at_first_ms: i64,
    pub(crate) step_ms: i64,
}

impl Skew {
    pub(crate) const NONE: Self = Self { at_first_ms: 0, step_ms: 0 };

    /// A clock that is off by up to ten seconds, and later goes forward by up to two: a clock that
    /// went back would be our own that is mended, which looks the same from here.
    pub(crate) fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed, &[7]);
        let at_first_ms = i64::try_from(chance.below(20_000)).unwrap() - 10_000;
        Self { at_first_ms, step_ms: i64::try_from(chance.below(2_000)).unwrap() }
    }
}

pub(crate) fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

/// The Ed25519 key of an account.
pub(crate) fn pair(name: &str) -> Ed25519KeyPair {
    let mut seed = [7u8; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    Ed25519KeyPair::from_seed_unchecked(&seed).unwrap()
}

/// An account with one key of each kind: `<name>hmac` with the secret `<name>secret`, `<name>ed`.
pub(crate) fn account(name: &str) -> AccountConfig {
    AccountConfig {
        name: name.to_owned(),
        balances: BTreeMap::from([
            ("BTC".to_owned(), amount("1000")),
            ("ETH".to_owned(), amount("1000")),
            ("USDT".to_owned(), amount("10000000")),
        ]),
        fees_in_bnb: false,
        keys: vec![
            KeyConfig {
                hmac_secret: Some(Secret::new(format!("{name}secret"))),
                ip_restricted: true,
                ..KeyConfig::new(format!("{name}hmac"))
            },
            KeyConfig {
                ed25519_public_key: Some(STANDARD.encode(pair(name).public_key())),
                ip_restricted: true,
                ..KeyConfig::new(format!("{name}ed"))
            },
        ],
    }
}

/// BTCUSDT and ETHUSDT with a past, and two accounts: the host's and another trader's.
pub(crate) fn config() -> Config {
    let accounts = vec![account("host"), account("other")];
    let limits = Limits::default();
    let mut config =
        Config { accounts, limits, control: true, ..Config::default() }.with_defaults(&[]);
    for (symbol, price) in config.symbols.iter_mut().zip(["60000", "3000"]) {
        symbol.history = Some(HistoryConfig { minutes: 600, price: amount(price), seed: 1 });
    }
    config
}

impl Exchange {
    pub(crate) async fn start(config: Config, feed: Option<Feed>, skew: Skew) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ahead_ms = Arc::new(AtomicI64::new(skew.at_first_ms));
        let (own, system) = (Arc::clone(&ahead_ms), system_clock());
        let clock: Clock =
            Arc::new(move || system().saturating_add_signed(own.load(Ordering::Relaxed)));
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            let shutdown = async move {
                // Where the sender is gone, the test is over.
                let _ = ended.await;
            };
            serve(listener, &config, feed, clock, shutdown).await.unwrap();
        });
        Self { address, ahead_ms, end: Some(end), task }
    }

    /// How far its clock is ahead of the machine's, in milliseconds.
    pub(crate) fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// Its clock goes forward by the step of its skew.
    pub(crate) fn step(&self, skew: Skew) {
        self.ahead_ms.fetch_add(skew.step_ms, Ordering::Relaxed);
    }

    /// Ends it, and waits until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.end.take());
        (&mut self.task).await.unwrap();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.task.abort();
    }
}
