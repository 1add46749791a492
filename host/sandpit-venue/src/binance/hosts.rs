//! The official hosts of Binance Spot. A connection goes to these and to no others, unless another
//! exchange is named whole.
//!
//! Sources: the official documents "Rest API", "WebSocket API" and "WebSocket Streams" ("General
//! information" of each), and those of the testnet and of the demo mode.

/// Which exchange is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Real money.
    Production,
    /// Play money, on a book of its own that is wiped about every month; it has no wallet.
    Testnet,
    /// Play money, at the prices of the real market.
    Demo,
    /// Another exchange that speaks this dialect, such as one on this machine.
    Other(OtherHosts),
}

/// An exchange that is none of Binance's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherHosts {
    /// Scheme and host of REST: `http://127.0.0.1:8080`.
    pub rest: String,
    /// Scheme and host of the wallet's endpoints, which say what a key may do; `None` where it has
    /// none, as Binance's testnet.
    pub wallet: Option<String>,
    /// Where streams are joined: `ws://127.0.0.1:8080/stream`.
    pub stream: String,
    /// The WebSocket API: `ws://127.0.0.1:8080/ws-api/v3`.
    pub socket: String,
}

/// Where to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Scheme and host of REST, first choice first.
    pub rest: Vec<String>,
    /// Scheme and host of the wallet's endpoints, where there are some.
    pub wallet: Option<String>,
    /// Where streams are joined.
    pub stream: String,
    /// The WebSocket API, first choice first.
    pub socket: Vec<String>,
}

impl Environment {
    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Hosts {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        match self {
            Self::Production => Hosts {
                rest: all(&[
                    "https://api.binance.com",
                    "https://api-gcp.binance.com",
                    "https://api1.binance.com",
                    "https://api2.binance.com",
                    "https://api3.binance.com",
                    "https://api4.binance.com",
                ]),
                wallet: Some("https://api.binance.com".to_owned()),
                stream: "wss://stream.binance.com:9443/stream".to_owned(),
                socket: all(&[
                    "wss://ws-api.binance.com:443/ws-api/v3",
                    "wss://ws-api.binance.com:9443/ws-api/v3",
                ]),
            },
            Self::Testnet => Hosts {
                rest: all(&["https://testnet.binance.vision"]),
                wallet: None,
                stream: "wss://stream.testnet.binance.vision/stream".to_owned(),
                socket: all(&["wss://ws-api.testnet.binance.vision/ws-api/v3"]),
            },
            Self::Demo => Hosts {
                rest: all(&["https://demo-api.binance.com"]),
                wallet: None,
                stream: "wss://demo-stream.binance.com/stream".to_owned(),
                socket: all(&["wss://demo-ws-api.binance.com/ws-api/v3"]),
            },
            Self::Other(OtherHosts { rest, wallet, stream, socket }) => Hosts {
                rest: vec![rest.clone()],
                wallet: wallet.clone(),
                stream: stream.clone(),
                socket: vec![socket.clone()],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn official_hosts_are_binances_and_encrypted() {
        for environment in [Environment::Production, Environment::Testnet, Environment::Demo] {
            let hosts = environment.hosts();
            let all = hosts.rest.iter().chain(&hosts.wallet).chain([&hosts.stream]);
            for url in all.chain(&hosts.socket) {
                let (scheme, rest) = url.split_once("://").unwrap();
                assert!(matches!(scheme, "https" | "wss"), "{url}");
                let host = rest.split(['/', ':']).next().unwrap();
                assert!(
                    host.ends_with(".binance.com") || host.ends_with(".binance.vision"),
                    "{url}"
                );
            }
        }
        assert_eq!(Environment::Testnet.hosts().wallet, None);
    }
}
