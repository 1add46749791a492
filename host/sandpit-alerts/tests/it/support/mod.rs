//! What tests share: secrets that would be seen anywhere, a server, a configuration.

pub(crate) mod server;
pub(crate) mod watch;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sandpit_alerts::{
    AlertsConfig, Name, Rule, Severity, Text,
    channels::{Channel, SendError, Sending},
    desk::{Alert, Item, News, Notice},
    secret::{ChannelSecret, SecretError, SecretRef, Secrets},
};
use sandpit_core::time::UnixNanos;
use sandpit_secrets::Mask;

/// In every secret of every test, and in nothing else.
pub(crate) const TOKEN: &str = "123456:canary0telegram0token";
pub(crate) const PATH: &str = "canary0path0of0a0webhook";
pub(crate) const SIGNER: &str = "canary0signing0secret";
pub(crate) const ROUTING_KEY: &str = "canary0routing0key0000000000000";
pub(crate) const PASSWORD: &str = "canary0password0of0mail";

pub(crate) const NOW: UnixNanos = UnixNanos(1_790_000_000_000_000_000);

/// Secrets by the names of variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fixed(BTreeMap<String, String>);

impl Fixed {
    /// All that a test may name; an address for channels that are known by one.
    pub(crate) fn new(url: &str) -> Self {
        let url = format!("{url}/{PATH}");
        let pairs = [
            ("URL", url.as_str()),
            ("TOKEN", TOKEN),
            ("SIGNER", SIGNER),
            ("ROUTING_KEY", ROUTING_KEY),
            ("PASSWORD", PASSWORD),
        ];
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect())
    }

    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl Secrets for Fixed {
    fn read(&self, at: &SecretRef) -> Result<ChannelSecret, SecretError> {
        let missing = || SecretError::Missing(at.clone());
        let SecretRef::Variable(name) = at else { return Err(missing()) };
        self.0.get(name).map(|text| ChannelSecret::new(text.clone())).ok_or_else(missing)
    }
}

/// A configuration with these channels, of which the first list has all.
pub(crate) fn config(text: &str) -> AlertsConfig {
    let config: AlertsConfig = toml::from_str(text).unwrap();
    config.check().unwrap();
    config
}

/// One channel by its section.
pub(crate) fn channel(section: &str, secrets: &Fixed) -> Channel {
    watch::begin();
    let config = config(&format!(
        "source = \"desk-1\"\n[channels.it]\n{section}\n[[routes]]\nchannels = [\"it\"]"
    ));
    let open =
        Channel::open("it", &config.source, &config.channels["it"], secrets, &Mask::default());
    open.unwrap()
}

/// Sends once.
pub(crate) fn send(channel: &Channel, notice: &Notice) -> Result<(), SendError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let instead_of = [];
    let sending = Sending { notice, now: NOW, instead_of: &instead_of };
    let sent = runtime.block_on(channel.send(sending));
    runtime.shutdown_background();
    sent
}

pub(crate) fn item(subject: &str, text: &str, news: News) -> Item {
    let mut item = Notice::test(NOW).items.remove(0);
    let known = Alert {
        id: 7,
        rule: Rule::Connection,
        subject: Name::from(subject),
        severity: Severity::Critical,
        text: Text::from(text),
        count: 3,
        ..item.alert
    };
    item.alert = known;
    item.news = news;
    item
}

pub(crate) fn notice(items: Vec<Item>) -> Notice {
    Notice { id: 5, severity: Severity::Critical, items, ..Notice::test(NOW) }
}

/// Waits until something is so. A test in which it never becomes so ends.
pub(crate) fn until<T>(mut found: impl FnMut() -> Option<T>) -> T {
    const LONG: Duration = Duration::from_secs(60);
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < LONG, "what was waited for did not come");
        std::thread::yield_now();
        std::thread::sleep(Duration::from_millis(5));
    }
}
