//! The proxy, the exchange, the other trader and the comparison together, with a plain client in the
//! host's place: it places each order once, and after the faults asks what became of it. What holds
//! for so simple a client must hold for the host.

use std::time::Duration;

use tokio::{net::TcpStream, time::timeout};

use crate::{
    client::{Client, hmac_sha256, now_ms, raw},
    ledger::{VenueBooks, astray},
    proxy::{Profile, Proxy, ProxyConfig},
    stage::{Exchange, Skew, config},
    trader::{Style, Trader},
};

const SYMBOL: &str = "BTCUSDT";
/// Orders of one seed.
const ORDERS: u64 = 60;
/// How long an answer is waited for.
const ANSWER_MAX: Duration = Duration::from_millis(300);
/// Two, and whichever failed once.
const SEEDS: [u64; 2] = [1, 2];

/// Places an order through the proxy; its status where there was an answer.
async fn place(proxy: &Proxy, name: &str, ahead_ms: i64, buys: bool) -> Option<u16> {
    let at = now_ms().saturating_add_signed(ahead_ms);
    let (side, price) = if buys { ("BUY", "60030") } else { ("SELL", "59970") };
    let text = format!(
        "symbol={SYMBOL}&side={side}&type=LIMIT&timeInForce=GTC&quantity=0.001&price={price}&newClientOrderId={name}&recvWindow=60000&timestamp={at}"
    );
    let body = format!("{text}&signature={}", hmac_sha256("hostsecret", &text));
    let done = async {
        let socket = TcpStream::connect(proxy.address).await?;
        raw(socket, "POST", "/api/v3/order", "hosthmac", &body).await
    };
    timeout(ANSWER_MAX, done).await.ok()?.ok().map(|answer| answer.status)
}

async fn rehearse(seed: u64) {
    let skew = Skew::of(seed);
    let exchange = Exchange::start(config(), None, skew).await;
    let (upstream, profile) = (exchange.address, Profile::rough());
    let length = Duration::from_secs(4);
    let proxy = Proxy::start(ProxyConfig { upstream, seed, profile, length, tls: None }).await;
    let style = Style {
        symbol: SYMBOL,
        price: 6_000_000,
        quantity: 100,
        pace: Duration::from_millis(250),
        seed,
    };
    let trader = Trader::start(exchange.address, style);
    let mut confirmed = Vec::new();
    for number in 0..ORDERS {
        if number == ORDERS / 2 {
            exchange.step(skew);
        }
        let name = format!("sp-{seed:x}-0-{number:x}");
        let ahead_ms = exchange.ahead_ms();
        if place(&proxy, &name, ahead_ms, number % 2 == 0).await == Some(200) {
            confirmed.push(name);
        }
    }
    proxy.calm();
    let done = trader.stop().await;
    let client = Client::new(exchange.address, "host");
    let books = VenueBooks::ask(&client, &[SYMBOL]).await;
    let story = || format!("seed {seed}: {done:?}\n{}", proxy.story());
    for name in &confirmed {
        assert!(books.orders.contains_key(name), "{name} was confirmed: {}", story());
    }
    for (name, seen) in proxy.names() {
        assert_eq!(seen.sent, 1, "{name}: {}", story());
        let is_there = books.orders.contains_key(&name);
        // The exchange may refuse what arrives; what never arrives cannot be there.
        assert!(!is_there || seen.forwarded == 1, "{name}: {}", story());
    }
    assert!(!confirmed.is_empty() && books.orders.len() > confirmed.len(), "{}", story());
    assert_eq!(proxy.counted("real 418") + proxy.counted("real 429"), 0, "{}", story());
    let start = [("BTC", 1_000), ("ETH", 1_000), ("USDT", 10_000_000)];
    let start = start.map(|(asset, total)| (asset.to_owned(), total.into())).into();
    assert_eq!(astray(&books, &start), Vec::<String>::new(), "{}", story());
    assert_eq!(place(&proxy, "sp-ffff-0-0", exchange.ahead_ms(), true).await, Some(200), "calm");
}

#[tokio::test]
async fn what_was_confirmed_is_there_and_what_never_arrived_is_not() {
    for seed in SEEDS {
        rehearse(seed).await;
    }
}
