//! A plain client of the exchange: bytes over sockets and signatures of its own, so that nothing
//! of the server's is used to test it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use sandpit_exchange::{AccountConfig, Amount, Config, Feed, KeyConfig, Secret, serve};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// How long anything may take on loopback.
const WAIT: Duration = Duration::from_secs(20);
/// 2026-01-01T00:00:00Z.
pub(crate) const START_MS: u64 = 1_767_225_600_000;

/// An exchange that runs until it is dropped, with a clock that only tests move.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<AtomicU64>,
    _end: oneshot::Sender<()>,
}

pub(crate) fn n(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

fn seed(name: &str) -> Ed25519KeyPair {
    let mut bytes = [7u8; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Ed25519KeyPair::from_seed_unchecked(&bytes).unwrap()
}

/// An account with one key of each kind: `<name>hmac` with the secret `<name>secret`, `<name>ed`.
pub(crate) fn account(name: &str) -> AccountConfig {
    AccountConfig {
        name: name.to_owned(),
        balances: BTreeMap::from([("BTC".to_owned(), n("10")), ("USDT".to_owned(), n("100000"))]),
        fees_in_bnb: false,
        keys: vec![
            KeyConfig {
                hmac_secret: Some(Secret::new(format!("{name}secret"))),
                ..KeyConfig::new(format!("{name}hmac"))
            },
            KeyConfig {
                ed25519_public_key: Some(STANDARD.encode(seed(name).public_key())),
                ..KeyConfig::new(format!("{name}ed"))
            },
        ],
    }
}

pub(crate) fn config() -> Config {
    let accounts = vec![account("alice"), account("bob")];
    Config { accounts, ..Config::default() }.with_defaults(&[])
}

pub(crate) async fn start(config: Config, feed: Option<Feed>) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let clock = Arc::new(AtomicU64::new(START_MS));
    let (end, ended) = oneshot::channel();
    let own = Arc::clone(&clock);
    tokio::spawn(async move {
        let clock: sandpit_exchange::Clock = Arc::new(move || own.load(Ordering::Relaxed));
        let shutdown = async move {
            let _ = ended.await;
        };
        serve(listener, &config, feed, clock, shutdown).await.unwrap();
    });
    Running { address, clock, _end: end }
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

pub(crate) fn hmac_sha256(secret: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, text.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Running {
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// Any request, as it is given.
    pub(crate) async fn raw(
        &self,
        method: &str,
        target: &str,
        key: Option<&str>,
        body: &str,
    ) -> Answer {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let key = key.map_or_else(String::new, |key| format!("X-MBX-APIKEY: {key}\r\n"));
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{key}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        timeout(WAIT, socket.read_to_end(&mut bytes)).await.unwrap().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Answer { status, headers, body: serde_json::from_str(body).unwrap_or_default() }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.raw("GET", target, None, "").await
    }

    /// A request with alice's or bob's HMAC key, in the query.
    pub(crate) async fn signed(&self, who: &str, method: &str, path: &str, query: &str) -> Answer {
        let join = if query.is_empty() { "" } else { "&" };
        let text = format!("{query}{join}timestamp={}", self.now_ms());
        let signature = hmac_sha256(&format!("{who}secret"), &text);
        let target = format!("{path}?{text}&signature={signature}");
        self.raw(method, &target, Some(&format!("{who}hmac")), "").await
    }

    /// An order of BTCUSDT that has to be taken.
    pub(crate) async fn order(&self, who: &str, rest: &str) -> Value {
        let query = format!("symbol=BTCUSDT&{rest}");
        let answer = self.signed(who, "POST", "/api/v3/order", &query).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    pub(crate) async fn connect(&self, path: &str) -> Socket {
        let (socket, _) = connect_async(format!("ws://{}{path}", self.address)).await.unwrap();
        Socket { socket, id: 0, kept: Vec::new() }
    }
}

/// A WebSocket.
pub(crate) struct Socket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    id: u64,
    kept: Vec<Value>,
}

impl Socket {
    pub(crate) async fn send(&mut self, value: &Value) {
        self.socket.send(Message::text(value.to_string())).await.unwrap();
    }

    async fn receive(&mut self) -> Option<Value> {
        loop {
            match timeout(WAIT, self.socket.next()).await.expect("a message in time") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next message; `None` where the connection is over.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        if self.kept.is_empty() { self.receive().await } else { Some(self.kept.remove(0)) }
    }

    /// The next message of which this is so.
    pub(crate) async fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next().await.expect("the connection lasts");
            if is_it(&message) {
                return message;
            }
        }
    }

    /// A request; what comes before its answer is kept.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        let id = self.id;
        self.send(&json!({"id": id, "method": method, "params": params})).await;
        loop {
            let message = self.receive().await.expect("the connection lasts");
            if message["id"] == json!(id) {
                return message;
            }
            self.kept.push(message);
        }
    }

    /// A signed request with a key of each kind.
    pub(crate) async fn ask_signed(
        &mut self,
        who: &str,
        ed: bool,
        now_ms: u64,
        method: &str,
        mut params: Value,
    ) -> Value {
        params["apiKey"] = json!(format!("{who}{}", if ed { "ed" } else { "hmac" }));
        params["timestamp"] = json!(now_ms);
        let pairs: BTreeMap<_, _> = params.as_object().unwrap().clone().into_iter().collect();
        let text: Vec<_> = pairs
            .iter()
            .map(|(name, value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                format!("{name}={value}")
            })
            .collect();
        let text = text.join("&");
        params["signature"] = json!(if ed {
            STANDARD.encode(seed(who).sign(text.as_bytes()))
        } else {
            hmac_sha256(&format!("{who}secret"), &text)
        });
        self.ask(method, params).await
    }
}
