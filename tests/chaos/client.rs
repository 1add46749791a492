//! A plain client of the exchange: bytes over sockets and signatures of its own, nothing of ours. It
//! comes from another address of this machine, so that what it asks counts against nobody else.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ring::hmac;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// How long anything may take on loopback.
pub(crate) const WAIT: Duration = Duration::from_secs(20);
/// Where it comes from.
const FROM: &str = "127.0.0.2:0";

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("an answer is JSON: {error}: {}", self.text))
    }
}

/// A client with a key.
#[derive(Debug)]
pub(crate) struct Client {
    to: SocketAddr,
    key: String,
    secret: String,
    /// How far the exchange's clock is ahead.
    ahead_ms: AtomicI64,
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

pub(crate) fn hmac_sha256(secret: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request as text on a new connection.
pub(crate) async fn raw(
    mut socket: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    method: &str,
    target: &str,
    key: &str,
    body: &str,
) -> io::Result<Answer> {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-MBX-APIKEY: {key}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await?;
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).await?;
    let short = || io::Error::new(io::ErrorKind::UnexpectedEof, "an answer has no end");
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(short)?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(short)?;
    let headers: BTreeMap<_, _> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok());
    if length.is_some_and(|length: usize| length != body.len()) {
        return Err(short());
    }
    Ok(Answer { status, headers, text: body.to_owned() })
}

impl Client {
    /// With the HMAC key of an account.
    pub(crate) fn new(to: SocketAddr, name: &str) -> Self {
        Self {
            to,
            key: format!("{name}hmac"),
            secret: format!("{name}secret"),
            ahead_ms: AtomicI64::new(0),
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(FROM.parse().unwrap())?;
        socket.connect(self.to).await
    }

    /// Asks, whatever comes of it.
    pub(crate) async fn try_ask(
        &self,
        method: &str,
        target: &str,
        body: &str,
    ) -> io::Result<Answer> {
        let done = async { raw(self.connect().await?, method, target, &self.key, body).await };
        timeout(WAIT, done).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.try_ask("GET", target, "").await.unwrap()
    }

    /// A signed request, by the exchange's clock.
    pub(crate) async fn signed(&self, method: &str, path: &str, query: &str) -> Answer {
        let answer = self.signed_once(method, path, query).await;
        if answer.status == 400 && answer.text.contains("-1021") {
            let time = self.get("/api/v3/time").await.json()["serverTime"].as_i64().unwrap();
            let ahead = time - i64::try_from(now_ms()).unwrap();
            self.ahead_ms.store(ahead, Ordering::Relaxed);
            return self.signed_once(method, path, query).await;
        }
        answer
    }

    async fn signed_once(&self, method: &str, path: &str, query: &str) -> Answer {
        let at = now_ms().saturating_add_signed(self.ahead_ms.load(Ordering::Relaxed));
        let join = if query.is_empty() { "" } else { "&" };
        let text = format!("{query}{join}recvWindow=60000&timestamp={at}");
        let target = format!("{path}?{text}&signature={}", hmac_sha256(&self.secret, &text));
        self.try_ask(method, &target, "").await.unwrap()
    }
}
