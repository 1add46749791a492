//! The proxy with a plain client on one side and the local exchange on the other.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::*;
use crate::{
    client::{Answer, WAIT, hmac_sha256, now_ms, raw},
    stage::{Exchange, Skew, config},
};

const ORDER: &str = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=60001";

async fn started(profile: Profile) -> (Exchange, Proxy) {
    let exchange = Exchange::start(config(), None, Skew::NONE).await;
    let proxy = in_front(&exchange, profile, None).await;
    (exchange, proxy)
}

async fn in_front(exchange: &Exchange, profile: Profile, tls: Option<Tls>) -> Proxy {
    let length = Duration::from_millis(1);
    Proxy::start(ProxyConfig { upstream: exchange.address, seed: 3, profile, length, tls }).await
}

fn always(place: Place, fault: Fault) -> Profile {
    Profile::calm().with(place, fault, 10_000)
}

async fn get(address: SocketAddr, target: &str) -> io::Result<Answer> {
    let socket = TcpStream::connect(address).await?;
    raw(socket, "GET", target, "", "").await
}

/// Places an order with this name over REST.
async fn place(address: SocketAddr, name: &str) -> io::Result<Answer> {
    let text = format!("{ORDER}&newClientOrderId={name}&timestamp={}", now_ms());
    let body = format!("{text}&signature={}", hmac_sha256("hostsecret", &text));
    let socket = TcpStream::connect(address).await?;
    raw(socket, "POST", "/api/v3/order", "hosthmac", &body).await
}

/// Whether the exchange has an order with this name.
async fn is_there(exchange: &Exchange, name: &str) -> bool {
    let client = crate::client::Client::new(exchange.address, "host");
    let query = format!("symbol=BTCUSDT&origClientOrderId={name}");
    client.signed("GET", "/api/v3/order", &query).await.status == 200
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn socket(proxy: &Proxy, path: &str) -> Socket {
    connect_async(format!("ws://{}{path}", proxy.address)).await.unwrap().0
}

/// The next text; `None` at the end of the connection.
async fn next(socket: &mut Socket) -> Option<String> {
    loop {
        match timeout(WAIT, socket.next()).await.expect("a message in time") {
            Some(Ok(Message::Text(text))) => return Some(text.to_string()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

fn request(id: u64, name: &str) -> String {
    let at = now_ms();
    let text = format!(
        "apiKey=hosthmac&newClientOrderId={name}&price=60001&quantity=1&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp={at}&type=LIMIT"
    );
    let signature = hmac_sha256("hostsecret", &text);
    json!({"id": id, "method": "order.place", "params": {
        "apiKey": "hosthmac", "newClientOrderId": name, "price": "60001", "quantity": "1",
        "side": "SELL", "symbol": "BTCUSDT", "timeInForce": "GTC", "timestamp": at,
        "type": "LIMIT", "signature": signature,
    }})
    .to_string()
}

async fn ask(socket: &mut Socket, id: u64, name: &str) -> Option<Value> {
    socket.send(Message::text(request(id, name))).await.ok()?;
    next(socket).await.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn a_calm_proxy_is_not_there() {
    let (exchange, proxy) = started(Profile::calm()).await;
    let answer = get(proxy.address, "/api/v3/time").await.unwrap();
    assert_eq!(answer.headers["x-mbx-used-weight-1m"], "1");
    assert_eq!(place(proxy.address, "a").await.unwrap().json()["status"], "NEW");
    let mut api = socket(&proxy, "/ws-api/v3").await;
    assert_eq!(ask(&mut api, 7, "b").await.unwrap()["result"]["clientOrderId"], "b");
    let mut market = socket(&proxy, "/ws/btcusdt@bookTicker").await;
    place(proxy.address, "c").await.unwrap();
    assert!(next(&mut market).await.unwrap().contains("\"u\""));
    assert_eq!(proxy.names().len(), 3);
    assert!(proxy.sent_twice().is_empty());
    assert_eq!(ask(&mut api, 8, "a").await.unwrap()["status"], 400);
    assert_eq!(proxy.sent_twice().len(), 1, "{:?}", proxy.names());
    assert!(is_there(&exchange, "b").await);
    // The exchange's end is told through it.
    exchange.stop().await;
    while let Some(text) = next(&mut market).await {
        assert!(text.contains("serverShutdown") || text.contains("\"u\""), "{text}");
    }
}

#[tokio::test]
async fn a_request_is_lost_before_or_after_it_was_done() {
    for (fault, done, expected) in [
        (Fault::ResetBefore, false, None),
        (Fault::ResetAfter, true, None),
        (Fault::FailBefore, false, Some(5)),
        (Fault::FailAfter, true, Some(5)),
        (Fault::Throttled, false, Some(4)),
        (Fault::Banned, false, Some(4)),
        (Fault::Late, true, Some(2)),
    ] {
        let (exchange, proxy) = started(always(Place::Request(Kind::Rest), fault)).await;
        let answer = place(proxy.address, "a").await;
        let class = answer.as_ref().ok().map(|answer| answer.status / 100);
        assert_eq!(class, expected, "{fault:?}: {answer:?}");
        if let (Fault::Throttled, Ok(answer)) = (fault, &answer) {
            assert_eq!(answer.json()["code"], -1003);
        }
        assert_eq!(is_there(&exchange, "a").await, done, "{fault:?}");
        let seen = Seen { sent: 1, forwarded: u64::from(done) };
        assert_eq!(proxy.names()["a"], seen, "{fault:?}");
        assert_eq!(proxy.counted(&format!("{fault:?}")), 1);
        // What the proxy makes up was not earned.
        assert_eq!(proxy.counted("real 429") + proxy.counted("real 418"), 0);
        proxy.calm();
        assert_eq!(place(proxy.address, "z").await.unwrap().status, 200, "{fault:?}");
    }
}

#[tokio::test]
async fn a_request_of_the_websocket_api_is_lost_before_or_after_it_was_done() {
    for (fault, done, status) in [
        (Fault::ResetBefore, false, None),
        (Fault::ResetAfter, true, None),
        (Fault::FailBefore, false, Some(5)),
        (Fault::FailAfter, true, Some(5)),
        (Fault::Throttled, false, Some(4)),
        (Fault::Banned, false, Some(4)),
        (Fault::Late, true, Some(2)),
    ] {
        let (exchange, proxy) = started(always(Place::Request(Kind::Api), fault)).await;
        let mut api = socket(&proxy, "/ws-api/v3").await;
        let answer = ask(&mut api, 5, "a").await;
        let class = answer.as_ref().map(|answer| answer["status"].as_u64().unwrap() / 100);
        assert_eq!(class, status, "{fault:?}: {answer:?}");
        assert!(answer.is_none_or(|answer| answer["id"] == 5));
        assert_eq!(is_there(&exchange, "a").await, done, "{fault:?}");
        assert_eq!(proxy.names()["a"].forwarded, u64::from(done));
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_the_connection_alive() {
    for (fault, done) in [(Fault::Swallowed, true), (Fault::Lost, false)] {
        let (exchange, proxy) = started(always(Place::Request(Kind::Api), fault)).await;
        let mut api = socket(&proxy, "/ws-api/v3").await;
        api.send(Message::text(request(1, "a"))).await.unwrap();
        // A ping goes through behind it: the line lives.
        api.send(Message::Ping("alive".into())).await.unwrap();
        let pong = timeout(WAIT, api.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(pong, Message::Pong("alive".into()), "{fault:?}");
        assert_eq!(is_there(&exchange, "a").await, done, "{fault:?}");
        proxy.calm();
        assert_eq!(ask(&mut api, 2, "b").await.unwrap()["id"], 2);
    }
}

#[tokio::test]
async fn a_silent_connection_ends_when_it_is_calm() {
    let place = Place::Connection(Kind::Rest);
    let (_exchange, proxy) = started(always(place, Fault::Silent)).await;
    let mut socket = TcpStream::connect(proxy.address).await.unwrap();
    socket.write_all(b"GET /api/v3/time HTTP/1.1\r\n\r\n").await.unwrap();
    let mut byte = [0];
    // It has to be seen as silent before it is calm.
    while proxy.counted("Silent") == 0 {
        tokio::task::yield_now().await;
    }
    proxy.calm();
    assert!(socket.read(&mut byte).await.is_err(), "a reset");
    assert_eq!(get(proxy.address, "/api/v3/time").await.unwrap().status, 200);
}

#[tokio::test]
async fn answers_are_cut_garbled_and_slow() {
    let rest = Place::Message(Kind::Rest);
    let (_exchange, proxy) = started(always(rest, Fault::Cut)).await;
    assert!(get(proxy.address, "/api/v3/exchangeInfo").await.is_err());
    let (_exchange, proxy) = started(always(rest, Fault::Garbled)).await;
    let answer = get(proxy.address, "/api/v3/exchangeInfo").await.unwrap();
    assert!(serde_json::from_str::<Value>(&answer.text).is_err());
    let connection = Place::Connection(Kind::Rest);
    let (_exchange, proxy) = started(always(connection, Fault::Trickle)).await;
    let begin = Instant::now();
    let answer = get(proxy.address, "/api/v3/exchangeInfo").await.unwrap();
    assert_eq!(answer.json()["timezone"], "UTC");
    let least = TRICKLE * u32::try_from(answer.text.len() / TRICKLE_BYTES).unwrap();
    assert!(begin.elapsed() >= least);
}

/// Trades that are made while a stream is listened to; of the last ones it is calm.
const TRADES: u64 = 24;

/// Numbers of the trades that a market stream tells, from zero.
async fn trades(fault: Option<Fault>) -> Vec<u64> {
    let profile = fault.map_or_else(Profile::calm, |fault| {
        Profile::calm().with(Place::Message(Kind::Market), fault, 3_000)
    });
    let (exchange, proxy) = started(profile).await;
    let mut market = socket(&proxy, "/ws/btcusdt@trade").await;
    let other = crate::client::Client::new(exchange.address, "other");
    for number in 0..20 {
        place(proxy.address, &format!("a{number}")).await.unwrap();
        let query = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1";
        assert_eq!(other.signed("POST", "/api/v3/order", query).await.status, 200);
    }
    proxy.calm();
    // So many that whatever was held back comes before the last one.
    for number in 20..TRADES {
        place(proxy.address, &format!("a{number}")).await.unwrap();
        let query = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1";
        other.signed("POST", "/api/v3/order", query).await;
    }
    let last = other.get("/api/v3/trades?symbol=BTCUSDT&limit=1").await.json();
    let last = last[0]["id"].as_u64().unwrap();
    let mut told = Vec::new();
    while !told.contains(&last) {
        let Some(text) = next(&mut market).await else { break };
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        told.push(value["t"].as_u64().unwrap_or_default());
    }
    let first = last - (TRADES - 1);
    told.iter().map(|id| id.checked_sub(first).unwrap_or(u64::MAX)).collect()
}

#[tokio::test]
async fn events_are_lost_repeated_and_out_of_order() {
    let all: Vec<u64> = (0..TRADES).collect();
    let count = all.len();
    assert_eq!(trades(None).await, all);
    let lost = trades(Some(Fault::Dropped)).await;
    assert!(lost.len() < count && lost.is_sorted(), "{lost:?}");
    let twice = trades(Some(Fault::Twice)).await;
    assert!(twice.len() > count && twice.is_sorted(), "{twice:?}");
    let moved = trades(Some(Fault::Reordered)).await;
    assert!(!moved.is_sorted(), "{moved:?}");
    let mut sorted = moved;
    sorted.sort_unstable();
    assert_eq!(sorted, all);
    let garbled = trades(Some(Fault::Garbled)).await;
    assert_eq!(garbled.len(), count, "{garbled:?}");
    assert!(garbled.contains(&u64::MAX), "{garbled:?}");
    let closed = trades(Some(Fault::Closed)).await;
    assert!(closed.len() < count, "{closed:?}");
}

#[tokio::test]
async fn a_frozen_connection_is_open_and_tells_nothing() {
    let (_exchange, proxy) = started(always(Place::Connection(Kind::Api), Fault::Freezes)).await;
    let mut api = socket(&proxy, "/ws-api/v3").await;
    let mut number = 0;
    while proxy.counted("Freezes") == 0 {
        number += 1;
        api.send(Message::text(request(number, &format!("a{number}")))).await.unwrap();
        let answered = next(&mut api);
        tokio::pin!(answered);
        // The last one may have frozen it.
        while timeout(LOOK, &mut answered).await.is_err() && proxy.counted("Freezes") == 0 {}
    }
    assert!(number >= 8, "{number}");
    api.send(Message::Ping("alive".into())).await.unwrap();
    assert!(timeout(LOOK * 5, api.next()).await.is_err(), "nothing comes");
    proxy.calm();
    assert!(next(&mut api).await.is_none(), "it ends");
}

#[tokio::test]
async fn a_connection_ends_by_itself() {
    let (_exchange, proxy) = started(always(Place::Connection(Kind::Market), Fault::Ends)).await;
    let mut market = socket(&proxy, "/ws/btcusdt@trade").await;
    assert!(next(&mut market).await.is_none());
    assert_eq!(proxy.counted("Ends"), 1);
}

#[tokio::test]
async fn maintenance_is_told_and_ends() {
    let hour_ms = 3_600_000;
    let profile = Profile::calm().with_episode(Episode::Maintenance, hour_ms);
    let (_exchange, proxy) = started(profile).await;
    // It begins within the first millisecond.
    while proxy.shared.episode().is_none() {
        tokio::task::yield_now().await;
    }
    let page = get(proxy.address, "/api/v3/time").await.unwrap();
    assert_eq!((page.status, page.text.starts_with("<html>")), (503, true));
    let status = get(proxy.address, "/sapi/v1/system/status").await.unwrap();
    assert_eq!(status.json()["status"], 1);
    assert!(connect_async(format!("ws://{}/ws-api/v3", proxy.address)).await.is_err());
    proxy.calm();
    assert_eq!(get(proxy.address, "/sapi/v1/system/status").await.unwrap().json()["status"], 0);
    assert_eq!(get(proxy.address, "/api/v3/time").await.unwrap().status, 200);
}

#[tokio::test]
async fn certificates_are_right_or_of_somebody_else() {
    let exchange = Exchange::start(config(), None, Skew::NONE).await;
    let profile = Profile::calm().with_episode(Episode::WrongCertificate, 3_600_000);
    let tls = Tls::new();
    assert!(tls.root_pem().starts_with("-----BEGIN CERTIFICATE-----"));
    let proxy = in_front(&exchange, profile, Some(tls.clone())).await;
    while proxy.shared.episode().is_none() {
        tokio::task::yield_now().await;
    }
    let mut roots = RootCertStore::empty();
    roots.add(tls.root_der().to_vec().into()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let connect = || async {
        let socket = TcpStream::connect(proxy.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        connector.connect(name, socket).await
    };
    assert!(connect().await.is_err());
    proxy.calm();
    let socket = connect().await.unwrap();
    assert_eq!(raw(socket, "GET", "/api/v3/time", "", "").await.unwrap().status, 200);
}
