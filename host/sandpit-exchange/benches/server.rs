//! How fast the exchange answers and tells, over real sockets on loopback: round trips of orders on
//! REST and on the WebSocket API, and events of a market stream. One worker, as the command has it.
//!
//! `cargo bench -p sandpit-exchange --bench server`; under `cargo test` it does a little of each.

#![expect(clippy::unwrap_used, reason = "a bench that unwraps in vain has failed")]
#![expect(clippy::print_stdout, reason = "it tells what it measured")]

use std::{
    io::{Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use ring::hmac;
use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::{MarketData, MarketEvent, Quote, Side, Trade},
    num::{Decimal, Price, Quantity, Rate},
    time::UnixNanos,
};
use sandpit_exchange::{Config, DEMO_API_KEY, DEMO_SECRET, Feed, Limits, serve, system_clock};
use tokio::net::TcpListener;
use tokio_tungstenite::{connect_async, tungstenite::Message};

fn instrument() -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: "BTCUSDT".to_owned(),
        venue: "bench".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: Decimal::new(1, 2),
        quantity_step: Decimal::new(1, 5),
        min_quantity: Decimal::new(1, 5),
        max_quantity: Decimal::new(9_000, 0),
        min_notional: Decimal::new(5, 0),
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(10),
        taker_fee: Rate(10),
    })
    .unwrap()
}

/// Quotes and trades in turn, each a little elsewhere, `per_second` of them.
fn feed(count: u64, per_second: u64) -> Feed {
    let apart = 1_000_000_000 / per_second;
    let events = (0..count).map(move |at| {
        let price = 6_000_000 + i64::try_from(at % 97).unwrap();
        let time = UnixNanos(1 + at * apart);
        let data = if at % 2 == 0 {
            MarketData::Quote(Quote {
                bid_price: Price(price - 1),
                bid_quantity: Quantity(1_000 + i64::try_from(at % 7).unwrap()),
                ask_price: Price(price + 1),
                ask_quantity: Quantity(1_000 + i64::try_from(at % 5).unwrap()),
            })
        } else {
            let aggressor = Some(if at % 3 == 0 { Side::Buy } else { Side::Sell });
            MarketData::Trade(Trade {
                price: Price(price),
                quantity: Quantity(100),
                aggressor,
                id: at,
            })
        };
        MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data }
    });
    Feed { instruments: vec![instrument()], events: Box::new(events), speed: 1 }
}

/// Serves an exchange on a thread of its own for as long as the program lasts.
fn start(feed: Option<Feed>) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let limits = Limits {
                weight_per_minute_max: u32::MAX,
                orders_per_10_seconds_max: u32::MAX,
                orders_per_day_max: u32::MAX,
                requests_per_5_minutes_max: u32::MAX,
                ..Limits::default()
            };
            let config = Config { limits, ..Config::default() }.with_defaults(&[instrument()]);
            let ends = std::future::pending();
            serve(listener, &config, feed, system_clock(), ends).await.unwrap();
        });
    });
    told.recv().unwrap()
}

fn sign(text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, DEMO_SECRET.as_bytes());
    hmac::sign(&key, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1_000];
    let (count, p50, p99, p999) = (times.len(), at(500), at(990), at(999));
    println!("{what}: {count} round trips, p50 {p50:?}, p99 {p99:?}, p99.9 {p999:?}");
}

/// Places and cancels on one connection, by REST.
fn rest(address: SocketAddr, count: usize) {
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    let mut times = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let clock = system_clock();
    for number in 0..count {
        let places = number % 2 == 0;
        let id = number / 2;
        let text = if places {
            format!(
                "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000&newClientOrderId=b{id}&timestamp={}",
                clock()
            )
        } else {
            format!("symbol=BTCUSDT&origClientOrderId=b{id}&timestamp={}", clock())
        };
        let body = format!("{text}&signature={}", sign(&text));
        let method = if places { "POST" } else { "DELETE" };
        let request = format!(
            "{method} /api/v3/order HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {DEMO_API_KEY}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let begin = Instant::now();
        socket.write_all(request.as_bytes()).unwrap();
        let read = socket.read(&mut buffer).unwrap();
        times.push(begin.elapsed());
        assert!(
            buffer[..read].starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&buffer[..read])
        );
    }
    tell("orders by REST", times);
}

/// Places and cancels on one connection of the WebSocket API.
async fn websocket(address: SocketAddr, count: usize) {
    let (mut socket, _) = connect_async(format!("ws://{address}/ws-api/v3")).await.unwrap();
    let mut times = Vec::new();
    let clock = system_clock();
    for number in 0..count {
        let (id, at) = (number / 2, clock());
        let (method, text, params) = if number % 2 == 0 {
            (
                "order.place",
                format!(
                    "apiKey={DEMO_API_KEY}&newClientOrderId=w{id}&price=50000&quantity=0.01&side=BUY&symbol=BTCUSDT&timeInForce=GTC&timestamp={at}&type=LIMIT"
                ),
                format!(
                    "\"newClientOrderId\":\"w{id}\",\"price\":\"50000\",\"quantity\":\"0.01\",\"side\":\"BUY\",\"timeInForce\":\"GTC\",\"type\":\"LIMIT\","
                ),
            )
        } else {
            (
                "order.cancel",
                format!(
                    "apiKey={DEMO_API_KEY}&origClientOrderId=w{id}&symbol=BTCUSDT&timestamp={at}"
                ),
                format!("\"origClientOrderId\":\"w{id}\","),
            )
        };
        let signature = sign(&text);
        let request = format!(
            "{{\"id\":{number},\"method\":\"{method}\",\"params\":{{{params}\"apiKey\":\"{DEMO_API_KEY}\",\"symbol\":\"BTCUSDT\",\"timestamp\":{at},\"signature\":\"{signature}\"}}}}"
        );
        let begin = Instant::now();
        socket.send(Message::text(request)).await.unwrap();
        let answer = loop {
            if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
                break text;
            }
        };
        times.push(begin.elapsed());
        assert!(answer.contains("\"status\":200"), "{answer}");
    }
    tell("orders by WebSocket API", times);
}

/// Reads a market stream to its end: how many events a second came, and whether any was lost.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn stream(count: u64, per_second: u64) {
    let address = start(Some(feed(count, per_second)));
    let url = format!("ws://{address}/stream?streams=btcusdt@trade/btcusdt@bookTicker");
    let (mut socket, _) = connect_async(url).await.unwrap();
    let (mut frames, mut bytes, mut last, mut lost) = (0u64, 0, 0u64, 0u64);
    let mut begin = None;
    while let Ok(Some(Ok(message))) =
        tokio::time::timeout(Duration::from_secs(1), socket.next()).await
    {
        let Message::Text(text) = message else { continue };
        begin.get_or_insert_with(Instant::now);
        frames += 1;
        bytes += text.len();
        if let Some(at) = text.find("\"t\":") {
            let digits = &text[at + 4..];
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap();
            let id: u64 = digits[..end].parse().unwrap();
            lost += if last == 0 { 0 } else { id - last - 1 };
            last = id;
        }
    }
    let took = begin.unwrap().elapsed().saturating_sub(Duration::from_secs(1));
    let seconds = took.as_secs_f64();
    println!(
        "market stream, {count} events at {per_second}/s: {frames} frames in {took:?} ({:.0}/s, {:.1} MB/s), {lost} trades lost, last {last}",
        frames as f64 / seconds,
        bytes as f64 / seconds / 1e6,
    );
}

fn main() {
    let is_bench = std::env::args().any(|word| word == "--bench");
    let (orders, events) = if is_bench { (20_000, 200_000) } else { (200, 2_000) };
    let address = start(None);
    rest(address, orders);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        websocket(address, orders).await;
        for per_second in [20_000, 50_000, 100_000] {
            stream(events, per_second).await;
        }
    });
}
