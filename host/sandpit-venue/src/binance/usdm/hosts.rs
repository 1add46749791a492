//! The official hosts of USDⓈ-M futures.
//!
//! Production: documents "General Info", "WebSocket API General Info", "User Data Streams Connect"
//! and "Important WebSocket Change Notice" (2026-05-28); the streams' three doors are the only ones
//! since 2026-04-23.
//!
//! Testnet: the same documents for REST and the WebSocket API. For streams the document of 2026-05
//! names `fstream.binancefuture.com` and later readings of it `demo-fstream.binance.com`, which is
//! used here; that it has the three doors of production is what others use and **is not verified**.

/// Which venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Real money.
    Production,
    /// The venue's test, with money of its own.
    Testnet,
}

/// Scheme and host of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// REST.
    pub rest: Vec<String>,
    /// The wallet's endpoints, where there are any.
    pub wallet: Option<String>,
    /// The WebSocket API.
    pub socket: String,
    /// Best bid and ask, and the book.
    pub public: String,
    /// All other market streams.
    pub market: String,
    /// Own events; the listen key comes behind it.
    pub private: String,
}

impl Hosts {
    /// The official ones.
    #[must_use]
    pub fn official(environment: Environment) -> Self {
        let (rest, wallet, socket, streams) = match environment {
            Environment::Production => (
                "https://fapi.binance.com",
                Some("https://api.binance.com".to_owned()),
                "wss://ws-fapi.binance.com/ws-fapi/v1",
                "wss://fstream.binance.com",
            ),
            Environment::Testnet => (
                "https://demo-fapi.binance.com",
                None,
                "wss://testnet.binancefuture.com/ws-fapi/v1",
                "wss://demo-fstream.binance.com",
            ),
        };
        Self {
            rest: vec![rest.to_owned()],
            wallet,
            socket: socket.to_owned(),
            public: format!("{streams}/public/stream"),
            market: format!("{streams}/market/stream"),
            private: format!("{streams}/private/ws/"),
        }
    }
}
