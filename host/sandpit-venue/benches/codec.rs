//! The codec against `serde_json` to a `Value`, in one run: `cargo bench -p sandpit-venue`. Figures
//! are of the machine at hand; compare within one run only.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::unwrap_used, reason = "the bench's own inputs are right")]

use std::{hint::black_box, time::Instant};

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::Side,
    num::{Decimal, Rate},
    time::UnixNanos,
};
use sandpit_venue::binance::{
    client_id,
    request::{Identity, NewOrder, NewOrderKind, OrderOptions, Request, Size, Tif, Timing},
    response::{Answer, Desk, Incoming, OrderAnswer},
    sign::Signer,
    stream::StreamMessage,
};

/// Bytes that each figure reads at least.
const BYTES: usize = 64 * 1024 * 1024;
/// Best of so many, since other work on the machine only slows.
const ROUNDS: usize = 5;

struct OneDesk(Instrument);

impl Desk for OneDesk {
    fn instrument(&self, _: &str) -> Option<(InstrumentId, &Instrument)> {
        Some((InstrumentId(0), &self.0))
    }

    fn fee_rate(&self, _: &str, _: &str) -> Option<Decimal> {
        Some(Decimal::new(600, 0))
    }
}

fn instrument() -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: "BTCUSDT".into(),
        venue: "binance".into(),
        kind: InstrumentKind::Spot,
        base: "BTC".into(),
        quote: "USDT".into(),
        price_tick: Decimal::new(1, 2),
        quantity_step: Decimal::new(1, 5),
        min_quantity: Decimal::new(1, 5),
        max_quantity: Decimal::new(9_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;
const AGG_TRADE: &str = r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1723161255343,"s":"BTCUSDT","a":3123456789,"p":"61837.63000000","q":"0.02000000","f":3735683259,"l":3735683261,"T":1723161255342,"m":true,"M":true}}"#;
const KLINE: &str = r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1723161300003,"s":"BTCUSDT","k":{"t":1723161240000,"T":1723161299999,"s":"BTCUSDT","i":"1m","f":3735683000,"L":3735683259,"o":"61837.62000000","c":"61840.01000000","h":"61852.00000000","l":"61830.10000000","v":"12.34500000","n":260,"x":true,"q":"763398.12345678","V":"6.10000000","Q":"377210.55500000","B":"0"}}}"#;
const QUOTE: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":50000000001,"s":"BTCUSDT","b":"61837.62000000","B":"3.12100000","a":"61837.63000000","A":"0.50100000"}}"#;
const REPORT: &str = r#"{"subscriptionId":0,"event":{"e":"executionReport","E":1723161255343,"s":"BTCUSDT","c":"sp-19f-2-1f","S":"BUY","o":"LIMIT","f":"GTC","q":"1.00000000","p":"61837.63000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","i":4293153,"l":"0.50000000","z":"0.50000000","L":"61837.63000000","n":"0.00050000","N":"BTC","T":1723161255342,"t":98765432,"I":8641984,"w":true,"m":true,"M":false,"O":1723161255000,"Z":"30918.81500000","Y":"30918.81500000","Q":"0.00000000","W":1723161255000,"V":"NONE"}}"#;
const ANSWER: &str = r#"{"id":7,"status":200,"result":{"symbol":"BTCUSDT","orderId":12510053279,"orderListId":-1,"clientOrderId":"sp-19f-2-1f","transactTime":1723161255343,"price":"61837.63000000","origQty":"1.00000000","executedQty":"0.00000000","origQuoteOrderQty":"0.000000","cummulativeQuoteQty":"0.00000000","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"BUY","workingTime":1723161255343,"fills":[],"selfTradePreventionMode":"NONE"},"rateLimits":[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50,"count":12},{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":160000,"count":4043},{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000,"count":321}]}"#;

fn depth() -> String {
    let level = |at: usize| format!(r#"["{}.{:02}000000","0.{:05}000"]"#, 61_800 + at, at, at * 7);
    let side = |from| (from..from + 20).map(level).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1723161255343,"s":"BTCUSDT","U":157,"u":160,"b":[{}],"a":[{}]}}}}"#,
        side(0),
        side(30)
    )
}

/// Nanoseconds for one call: the best round.
fn measure(times: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..times {
            work();
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e9);
    }
    #[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
    let times = times as f64;
    best / times
}

fn compare(name: &str, text: &str, decode: impl Fn(&[u8])) {
    let bytes = text.as_bytes();
    let times = (BYTES / bytes.len() / ROUNDS).max(1);
    let ours = measure(times, || decode(black_box(bytes)));
    let value = measure(times, || {
        black_box(serde_json::from_slice::<serde_json::Value>(black_box(bytes)).unwrap());
    });
    #[expect(clippy::cast_precision_loss, reason = "a length far below 2^52")]
    let length = bytes.len() as f64;
    println!(
        "{name:<34} {length:>6} B  ours {ours:>7.0} ns {:>6.0} MB/s   Value {value:>7.0} ns {:>6.0} MB/s   {:.1} times",
        length * 1e3 / ours,
        length * 1e3 / value,
        value / ours
    );
}

/// A signature that costs nothing, so that the frame alone is measured.
struct NoWork;

impl Signer for NoWork {
    fn api_key(&self) -> &str {
        "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        black_box(payload);
        out.push_str("c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71");
    }
}

/// HMAC-SHA256 over ring, as the product's signer will do it.
struct Hmac(ring::hmac::Key);

impl Signer for Hmac {
    fn api_key(&self) -> &str {
        NoWork.api_key()
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in ring::hmac::sign(&self.0, payload).as_ref() {
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

fn main() {
    let desk = OneDesk(instrument());
    let rules = instrument();
    let event = |bytes: &[u8]| {
        let message = StreamMessage::parse(bytes).unwrap();
        black_box(message.to_event(&rules, InstrumentId(0), UnixNanos(7)).unwrap());
    };
    println!("bytes to the core's terms, against serde_json to a Value:");
    compare("trade to event", TRADE, event);
    compare("aggregate trade to event", AGG_TRADE, event);
    compare("best bid and ask to event", QUOTE, event);
    compare("closed bar to event", KLINE, event);
    compare("depth, 2 x 20 levels, to event", &depth(), event);
    compare("execution report to fill", REPORT, |bytes| {
        let Incoming::Event { event, .. } = Incoming::parse(bytes).unwrap() else { return };
        let sandpit_venue::binance::response::UserEvent::ExecutionReport(report) = event else {
            return;
        };
        black_box(report.to_news(&desk).unwrap());
    });
    compare("answer to an order to reports", ANSWER, |bytes| {
        let Incoming::Answer(frame) = Incoming::parse(bytes).unwrap() else { return };
        let answer = OrderAnswer::decode(frame.result.unwrap().get().as_bytes()).unwrap();
        black_box(answer.to_news(&desk).unwrap());
    });

    let order = Request::Place(NewOrder {
        symbol: "BTCUSDT",
        side: Side::Buy,
        kind: NewOrderKind::Limit { price: Decimal::new(6_183_763, 2), time_in_force: Tif::Gtc },
        size: Size::Base(Decimal::new(1, 3)),
        iceberg: None,
        client_id: client_id::parse("sp-19f-2-1f").unwrap(),
        options: OrderOptions::default(),
    });
    let timing = Timing { timestamp_ms: 1_723_161_255_343, recv_window_ms: 5_000 };
    let hmac = Hmac(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[7; 64]));
    println!("an order to a frame of the WebSocket API:");
    for (name, identity) in [
        ("logged in, no signature", Identity::LoggedIn(&NoWork)),
        ("signed, without the hash", Identity::Key(&NoWork)),
        ("signed with HMAC-SHA256", Identity::Key(&hmac)),
    ] {
        let nanos = measure(200_000, || {
            black_box(order.to_websocket(black_box(7), timing, identity).unwrap());
        });
        println!("{name:<34} {nanos:>7.0} ns");
    }
}
