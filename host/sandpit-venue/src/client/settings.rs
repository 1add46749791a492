//! What is set about connections, and the bounds of it.

use std::{path::PathBuf, time::Duration};

use super::Proxy;

/// Messages about the account that may wait for the host before sockets are not read any more.
pub const MESSAGES_MAX: usize = 16_384;
/// Market events that may wait before the sockets that tell them are not read any more.
pub const MARKET_MAX: usize = 65_536;
/// Bars of the history that may wait before sockets are not read any more.
pub const HISTORY_MAX: usize = 65_536;
/// Notices that may wait before sockets are not read any more.
pub const NOTICES_MAX: usize = 1_024;
/// The longest of any time that is set.
pub const TIME_MAX: Duration = Duration::from_secs(120);

/// Everything that is set.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// The only servers that are connected, each as `host:port`.
    pub hosts: Vec<String>,
    /// Over which everything goes that goes over TLS.
    pub proxy: Option<Proxy>,
    /// A file of certificates (PEM) whose holders are trusted beside the system's authorities: for
    /// a proxy that looks into TLS, and for tests. Said loudly in the log.
    pub authorities: Option<PathBuf>,
    /// How long a connection may take over TCP, the proxy's answer included.
    pub connect_timeout: Duration,
    /// How long the handshake of TLS may take after that.
    pub tls_timeout: Duration,
    /// How long the handshake of the WebSocket may take after that.
    pub upgrade_timeout: Duration,
    /// How long a peer may take nothing of what is sent to it.
    pub write_timeout: Duration,
    /// How long the other side's goodbye is waited for.
    pub close_timeout: Duration,
    /// At the end: how long what is on its way may take to go out.
    pub stop_timeout: Duration,
    /// How long an idle connection is kept for the next call.
    pub idle_max: Duration,
    /// At most [`MESSAGES_MAX`].
    pub messages_max: usize,
    /// At most [`MARKET_MAX`].
    pub market_max: usize,
}

impl ClientSettings {
    /// As is right for the exchanges known here.
    #[must_use]
    pub const fn new(hosts: Vec<String>) -> Self {
        Self {
            hosts,
            proxy: None,
            authorities: None,
            connect_timeout: Duration::from_secs(10),
            tls_timeout: Duration::from_secs(10),
            upgrade_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(5),
            close_timeout: Duration::from_secs(1),
            stop_timeout: Duration::from_secs(2),
            idle_max: Duration::from_secs(10),
            messages_max: MESSAGES_MAX,
            market_max: MARKET_MAX,
        }
    }

    /// What is wrong with it; `None` where nothing is.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        let times = [
            self.connect_timeout,
            self.tls_timeout,
            self.upgrade_timeout,
            self.write_timeout,
            self.close_timeout,
            self.stop_timeout,
            self.idle_max,
        ];
        if times.iter().any(|time| time.is_zero() || *time > TIME_MAX) {
            return Some("a time is not from 1 ns to 120 s");
        }
        if !(1..=MESSAGES_MAX).contains(&self.messages_max) {
            return Some("the queue of messages does not hold 1 to 16384");
        }
        if !(1..=MARKET_MAX).contains(&self.market_max) {
            return Some("the queue of the market does not hold 1 to 65536");
        }
        None
    }
}
