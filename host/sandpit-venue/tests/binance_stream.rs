//! The codec of Binance's market data streams: text in, text out.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

use std::{fs::File, io::Read, path::PathBuf};

use proptest::prelude::*;
use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::{Book, MarketData, MarketEvent},
    num::{Decimal, Rate},
    time::UnixNanos,
};
use sandpit_venue::binance::stream::{
    LEVELS_PER_SIDE_MAX, MESSAGE_BYTES_MAX, SnapshotBridge, StreamError, StreamMessage,
};

const RECEIVED: UnixNanos = UnixNanos(7);

fn instrument(tick: &str, step: &str) -> Instrument {
    let step = step.parse::<Decimal>().unwrap();
    Instrument::new(InstrumentSpec {
        symbol: "BTCUSDT".to_owned(),
        venue: "binance".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: tick.parse().unwrap(),
        quantity_step: step,
        min_quantity: step,
        max_quantity: Decimal::new(step.mantissa * 1_000_000, step.scale),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

fn event(text: &str) -> Result<Option<MarketEvent>, StreamError> {
    let instrument = instrument("0.01", "0.001");
    StreamMessage::parse(text.as_bytes())?.to_event(&instrument, InstrumentId(0), RECEIVED)
}

fn show(text: &str) -> String {
    let event = match event(text) {
        Ok(Some(event)) => event,
        Ok(None) => return "nothing".to_owned(),
        Err(error) => {
            let source = std::error::Error::source(&error);
            return source.map_or(format!("{error}"), |source| format!("{error}: {source}"));
        }
    };
    assert_eq!(event.time, RECEIVED);
    let what = match event.data {
        MarketData::Trade(t) => {
            format!("trade {} {} {:?} id {}", t.price.0, t.quantity.0, t.aggressor.unwrap(), t.id)
        }
        MarketData::Quote(q) => format!(
            "quote {} {} / {} {}",
            q.bid_price.0, q.bid_quantity.0, q.ask_price.0, q.ask_quantity.0
        ),
        MarketData::Bar(b) => format!(
            "bar {} ns {} {} {} {} volume {}",
            b.interval.0, b.open.0, b.high.0, b.low.0, b.close.0, b.volume.0
        ),
        MarketData::Depth(d) => {
            let side = |levels: &[(sandpit_core::num::Price, sandpit_core::num::Quantity)]| {
                levels.iter().map(|(p, q)| format!("{}:{}", p.0, q.0)).collect::<Vec<_>>().join(" ")
            };
            let kind = if d.snapshot { "book" } else { "depth" };
            let numbers = (d.first_sequence, d.last_sequence, d.previous_sequence);
            format!("{kind} {numbers:?} [{}] [{}]", side(&d.bids), side(&d.asks))
        }
        MarketData::Mark(_) | MarketData::Funding(_) => panic!("spot has neither: {text}"),
    };
    format!("{} {what}", event.venue_time.0)
}

fn check(text: &str, expected: &str) {
    assert_eq!(show(text), expected, "{text}");
}

#[test]
fn trades() {
    let data = r#"{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}"#;
    let expected = "1723161255342000000 trade 6183763 20 Sell id 3735683259";
    check(data, expected);
    check(&format!(r#"{{"stream":"btcusdt@trade","data":{data}}}"#), expected);
    check(
        &data.replace("1723161255342,", "1723161255342001,"),
        "1723161255342001000 trade 6183763 20 Sell id 3735683259",
    );
    check(&data.replace(r#""M":true"#, r#""X":"INSURANCE_FUND""#), "nothing");
    check(
        r#"{"e":"aggTrade","E":9,"s":"BTCUSDT","a":5933014,"p":"0.01","q":"100","f":100,"l":105,"T":1700000000000,"m":false}"#,
        "1700000000000000000 trade 1 100000 Buy id 5933014",
    );
}

#[test]
fn quotes() {
    check(
        r#"{"u":1,"s":"BTCUSDT","b":"25.35000000","B":"31.21000000","a":"25.36000000","A":"0.00100000"}"#,
        "7 quote 2535 31210 / 2536 1",
    );
    check(
        r#"{"e":"bookTicker","u":1,"E":1568014460893,"T":1568014460891,"s":"BTCUSDT","b":"0.00","B":"0.000","a":"25.36","A":"4"}"#,
        "1568014460891000000 quote 0 0 / 2536 4000",
    );
}

#[test]
fn depth() {
    check(
        r#"{"e":"depthUpdate","E":1700000000000,"s":"BTCUSDT","U":157,"u":160,"b":[["0.02","10"]],"a":[["0.03","0.000"],["0.04","1"]]}"#,
        "1700000000000000000 depth (157, 160, 0) [2:10000] [3:0 4:1000]",
    );
    check(
        r#"{"stream":"x","data":{"e":"depthUpdate","E":1700000000000,"T":1699999999999,"s":"BTCUSDT","U":157,"u":160,"pu":149,"b":[],"a":[]}}"#,
        "1699999999999000000 depth (157, 160, 149) [] []",
    );
    check(
        r#"{"lastUpdateId":1027024,"bids":[["4.00","431.000"]],"asks":[["4.01","12.000"]]}"#,
        "7 book (0, 1027024, 0) [400:431000] [401:12000]",
    );
}

#[test]
fn bars() {
    let text = r#"{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1638747660000,"T":1638747719999,"s":"BTCUSDT","i":"1m","f":100,"L":200,"o":"0.10","c":"0.20","h":"0.25","l":"0.10","v":"1000","n":100,"x":true,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}"#;
    check(text, "1638747720000000000 bar 60000000000 ns 10 25 10 20 volume 1000000");
    check(&text.replace("true", "false"), "nothing");
    check(
        &text.replace(r#""h":"0.25""#, r#""h":"0.15""#),
        "open, high, low and close of the bar contradict each other",
    );
    check(&text.replace("1638747719999", "1638747659999"), "the stamp 1638747659999 is no time");
}

#[test]
fn what_is_wrong_is_said() {
    let trade = |price: &str, quantity: &str, time: &str| {
        format!(
            r#"{{"e":"trade","s":"B","t":1,"p":"{price}","q":"{quantity}","T":{time},"m":true}}"#
        )
    };
    let cases = [
        (
            trade("1.005", "1", "1700000000000"),
            "`1.005` is no price of a trade: it is not on the instrument's grid",
        ),
        (
            trade("NaN", "1", "1700000000000"),
            "`NaN` is no price of a trade: it is not a plain decimal number",
        ),
        (trade("-1", "1", "1700000000000"), "`-1` is no price of a trade: it is negative"),
        (trade("0", "1", "1700000000000"), "`0` is no price of a trade: it is zero"),
        (trade("1", "0.000", "1700000000000"), "`0.000` is no quantity of a trade: it is zero"),
        (
            trade("99999999999999999999", "1", "1700000000000"),
            "`99999999999999999999` is no price of a trade: it is beyond the bound of 10^15 units of its last digit",
        ),
        (trade("1", "1", "-5"), "the stamp -5 is no time"),
        (trade("1", "1", "0"), "the stamp 0 is no time"),
        (
            r#"{"e":"executionReport"}"#.to_owned(),
            "messages of kind `executionReport` are not market data that is known here",
        ),
        (
            r#"{"result":null,"id":1}"#.to_owned(),
            "messages of kind `` are not market data that is known here",
        ),
    ];
    for (text, expected) in cases {
        check(&text, expected);
    }
    for text in ["", "{", "null", r#"{"e":"trade"}"#, r#"{"e":"trade","e":"trade"}"#, r#"{"e":5}"#]
    {
        assert!(matches!(event(text), Err(StreamError::Malformed { .. })), "{text}");
    }
    let level = r#"["1","1"],"#.repeat(LEVELS_PER_SIDE_MAX) + r#"["1","1"]"#;
    let deep = format!(r#"{{"lastUpdateId":1,"bids":[{level}],"asks":[]}}"#);
    assert!(matches!(event(&deep), Err(StreamError::TooManyLevels { levels: 5_001 })));
    let long = " ".repeat(MESSAGE_BYTES_MAX + 1);
    assert!(matches!(event(&long), Err(StreamError::TooLong { .. })));
    assert!(matches!(event(&"[".repeat(100_000)), Err(StreamError::Malformed { .. })));
}

const SEEDS: [&str; 6] = [
    r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63","q":"0.020","T":1723161255342,"m":true,"M":true}}"#,
    r#"{"e":"aggTrade","E":9,"s":"BTCUSDT","a":5933014,"p":"0.01","q":"100","f":100,"l":105,"T":1700000000000,"m":false}"#,
    r#"{"u":1,"s":"BTCUSDT","b":"25.35","B":"31.21","a":"25.36","A":"0.001"}"#,
    r#"{"e":"depthUpdate","E":1700000000000,"T":1699999999999,"s":"BTCUSDT","U":157,"u":160,"pu":149,"b":[["0.02","10"]],"a":[["0.03","0"]]}"#,
    r#"{"lastUpdateId":1027024,"bids":[["4.00","431.000"]],"asks":[["4.01","12.000"]]}"#,
    r#"{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1638747660000,"T":1638747719999,"s":"BTCUSDT","o":"0.10","c":"0.20","h":"0.25","l":"0.10","v":"1000","x":true}}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Any bytes: an error or an event, never a panic; an event is within its bounds.
    #[test]
    fn hostile_bytes_do_no_harm(
        seed in 0usize..SEEDS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 0..5),
        digits in any::<bool>(),
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            let byte = if digits { b'0' + byte % 10 } else { byte };
            match kind {
                _ if bytes.is_empty() => bytes.push(byte),
                0 => { bytes.remove(at); }
                1 => bytes.insert(at, byte),
                2 => bytes.truncate(at),
                _ => bytes[at] = byte,
            }
        }
        let Ok(message) = StreamMessage::parse(&bytes) else { return Ok(()) };
        message.numbers(&mut |_, text| assert!(text.len() <= bytes.len()));
        let instrument = instrument("0.01", "0.001");
        if let Ok(Some(event)) = message.to_event(&instrument, InstrumentId(0), RECEIVED) {
            if let MarketData::Trade(trade) = event.data {
                prop_assert!(trade.price.0 > 0 && trade.quantity.0 > 0);
            }
            prop_assert!(i64::try_from(event.venue_time.0).is_ok());
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn recorded(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is missing", path.display());
        return None;
    }
    let mut text = String::new();
    let file = File::open(path).unwrap();
    if name.ends_with(".gz") {
        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    } else {
        let mut file = file;
        file.read_to_string(&mut text).unwrap();
    }
    Some(text)
}

/// Every line of the captures is read, and the book of each stays in sequence and uncrossed.
#[test]
fn recorded_streams() {
    for (name, tick, step, snapshots, counts) in [
        ("binance-spot-btcusdt-20240808.gz", "0.01", "0.00001000", 1, [9_757, 28_040, 3_452]),
        ("binance-spot-btcusdt-20240809.gz", "0.01", "0.00001000", 0, [10_147, 45_134, 3_044]),
        ("binance-usdm-btcusdt-20240808.gz", "0.10", "0.001", 1, [21_313, 66_089, 6_552]),
    ] {
        let Some(text) = recorded(&format!("streams/{name}")) else {
            continue;
        };
        let instrument = instrument(tick, step);
        let (mut book, mut bridge) = (Book::default(), SnapshotBridge::default());
        let (mut found, mut books) = ([0, 0, 0], 0);
        for line in text.lines() {
            let (stamp, json) = line.split_once(' ').unwrap();
            let received = UnixNanos(stamp.parse().unwrap());
            let message = StreamMessage::parse(json.as_bytes()).unwrap();
            let event = message.to_event(&instrument, InstrumentId(0), received).unwrap().unwrap();
            let again = bridge.after(&event);
            match event.data {
                MarketData::Trade(_) => found[0] += 1,
                MarketData::Quote(_) => found[1] += 1,
                MarketData::Bar(_) => panic!("there are no bars in {name}"),
                MarketData::Mark(_) | MarketData::Funding(_) => panic!("there are none in {name}"),
                MarketData::Depth(update) => {
                    found[2] += 1;
                    books += i32::from(update.snapshot);
                    book.apply(&update).unwrap();
                }
            }
            for event in again {
                assert_eq!(event.time, received);
                let MarketData::Depth(update) = event.data else { panic!("not of the book") };
                book.apply(&update).unwrap();
            }
        }
        assert_eq!((found, books), (counts, snapshots), "{name}");
        assert_eq!(book.is_live(), snapshots > 0, "{name}");
    }
}

/// Sessions of several symbols; each message is read, whatever its numbers' grid.
#[test]
fn recorded_sessions() {
    for name in ["BINANCE.ws.1.0", "BINANCE_FUTURES.ws.1.0"] {
        let Some(text) = recorded(&format!("payloads/binance/cryptofeed/{name}")) else {
            continue;
        };
        let fine = instrument("0.00000001", "0.00000001");
        let mut events = 0;
        for line in text.lines() {
            let Some((_, json)) = line.split_once(": ") else {
                continue;
            };
            match StreamMessage::parse(json.as_bytes()) {
                Ok(message) => {
                    message.to_event(&fine, InstrumentId(0), RECEIVED).unwrap();
                    events += 1;
                }
                Err(StreamError::Unsupported { kind }) => {
                    assert!(
                        ["forceOrder", "markPriceUpdate", ""].contains(&kind.as_str()),
                        "{json}"
                    );
                }
                Err(error) => panic!("{error}: {json}"),
            }
        }
        assert!(events > 200, "{name}: {events}");
    }
}
