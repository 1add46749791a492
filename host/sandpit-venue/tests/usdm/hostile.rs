//! What comes from outside is hostile: any decoder, fed with cut, changed and swollen bytes, answers
//! with a value or an error, and a machine that is fed with them goes on. The same bytes every time.

use sandpit_venue::{
    binance::{
        response::Answer,
        usdm::{
            convert,
            response::{
                AccountAnswer, AlgoRecord, CommissionAnswer, ExchangeInfo, OrderRecord,
                PositionRecord, SymbolConfig, UserEvent, UserTrade,
            },
        },
    },
    machine::{Input, Notice},
};

use super::{
    fake::{Fake, seconds, settings},
    payloads::{AnySymbol, OURS, fine},
};

/// Changed inputs for each seed.
const ROUNDS: u64 = 4_000;

const SEEDS: &[&str] = &[
    r#"{"e":"ORDER_TRADE_UPDATE","T":1790000001000,"E":1790000001001,"o":{"s":"BTCUSDT","c":"sp-19f-0-1","S":"SELL","o":"MARKET","f":"GTC","q":"0.002","p":"0","x":"TRADE","X":"FILLED","i":77,"l":"0.002","z":"0.002","L":"54999.9","N":"BNB","n":"0.0001","T":1790000001000,"t":42,"m":false,"R":false,"ot":"STOP_MARKET","ps":"BOTH","er":"0"}}"#,
    r#"{"stream":"x","data":{"e":"ALGO_UPDATE","T":1750515742297,"E":1750515742303,"o":{"caid":"sp-19f-0-1","aid":2148719,"at":"CONDITIONAL","o":"TAKE_PROFIT","s":"BTCUSDT","S":"SELL","ps":"BOTH","f":"GTC","q":"0.01","X":"REJECTED","ai":"77","rm":"Reduce Only reject"}}}"#,
    r#"{"e":"ACCOUNT_UPDATE","T":1,"E":1,"a":{"m":"ORDER","B":[{"a":"USDT","wb":"1.5","cw":"1","bc":"0"}],"P":[{"s":"BTCUSDT","pa":"-1.5","ps":"BOTH"}]}}"#,
    r#"{"e":"MARGIN_CALL","E":1,"p":[{"s":"BTCUSDT","ps":"LONG","pa":"1.327","mm":"1.6"}]}"#,
    r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":1,"T":1,"ac":{"s":"BTCUSDT","l":25},"ai":{"j":true}}"#,
    r#"{"e":"listenKeyExpired","E":1,"listenKey":"x"}"#,
    r#"{"orderId":7,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"sp-1-2-3","price":"1.5","origQty":"2","executedQty":"0","timeInForce":"GTD","type":"LIMIT","side":"BUY","positionSide":"BOTH","updateTime":1790000000000}"#,
    r#"{"algoId":7,"clientAlgoId":"sp-1-2-3","orderType":"TRAILING_STOP_MARKET","symbol":"BTCUSDT","side":"BUY","quantity":"2","algoStatus":"NEW","triggerPrice":"1.5","price":null,"callbackRate":"0.5","actualOrderId":"","createTime":1,"updateTime":1}"#,
    r#"[{"symbol":"BTCUSDT","id":9,"orderId":7,"price":"1.5","qty":"2","commission":"0.1","commissionAsset":"BNB","time":1790000000000,"buyer":true,"maker":false}]"#,
    r#"[{"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":"-2.5","entryPrice":"1","updateTime":1}]"#,
    r#"[{"symbol":"BTCUSDT","marginType":"CROSSED","leverage":25}]"#,
    r#"{"symbol":"BTCUSDT","makerCommissionRate":"0.0002","takerCommissionRate":"0.0004"}"#,
    r#"{"totalWalletBalance":"1","totalUnrealizedProfit":"0","availableBalance":"1","assets":[{"asset":"USDT","walletBalance":"1","availableBalance":"1"}],"positions":[]}"#,
    r#"{"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":2400}],"symbols":[{"symbol":"BTCUSDT","contractType":"PERPETUAL","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","filters":[{"filterType":"PRICE_FILTER","minPrice":"1","maxPrice":"2","tickSize":"0.1"},{"filterType":"LOT_SIZE","minQty":"1","maxQty":"9","stepSize":"1"},{"filterType":"MIN_NOTIONAL","notional":"5"}]}]}"#,
];

fn feed(bytes: &[u8], desk: &AnySymbol) -> u64 {
    let mut read = 0;
    let mut count = |ok: bool| read += u64::from(ok);
    if let Ok(event) = UserEvent::parse(bytes) {
        match &event {
            UserEvent::Order(update) => {
                count(update.to_news(OURS, false, desk).is_ok());
                count(update.to_news(OURS, true, desk).is_ok());
                count(update.closes_by_the_venue());
            }
            UserEvent::Algo(update) => {
                count(update.to_news(OURS).is_ok());
                count(update.engine_id().is_some());
            }
            other => count(!matches!(other, UserEvent::Other(_))),
        }
    }
    let trades = Vec::<UserTrade<'_>>::decode(bytes).unwrap_or_default();
    for trade in &trades {
        count(convert::account_fill(trade, None, desk).is_ok());
    }
    if let Ok(record) = OrderRecord::decode(bytes) {
        count(convert::engine_order(OURS, &record, None, &trades, desk).is_ok());
        count(convert::external_order(&record, desk).is_ok());
    }
    if let Ok(record) = AlgoRecord::decode(bytes) {
        count(convert::algo_order(OURS, &record, desk).is_ok());
        count(convert::external_algo(&record, desk).is_ok());
    }
    if let Ok(records) = Vec::<PositionRecord<'_>>::decode(bytes) {
        count(convert::positions(&records, desk).is_ok());
    }
    count(Vec::<SymbolConfig<'_>>::decode(bytes).is_ok());
    count(CommissionAnswer::decode(bytes).is_ok());
    count(AccountAnswer::decode(bytes).is_ok());
    if let Ok(info) = ExchangeInfo::decode(bytes) {
        for symbol in &info.symbols {
            count(
                symbol
                    .to_instrument("v", (sandpit_core::num::Rate(0), sandpit_core::num::Rate(0)))
                    .is_ok(),
            );
        }
    }
    read
}

/// The next of a row of numbers that look like chance.
fn mixed(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn changed(seed: &str, state: &mut u64) -> Vec<u8> {
    const PIECES: [&str; 10] = [
        "null",
        "-1",
        "1e999",
        "\"\"",
        "[[[[[[",
        "18446744073709551616",
        "\"\\u0000\"",
        "{}",
        "-",
        "99999999999999999999.9",
    ];
    let mut bytes = seed.as_bytes().to_vec();
    for _ in 0..=(mixed(state) % 3) {
        let len = bytes.len().max(1);
        let at = usize::try_from(mixed(state)).unwrap_or(0) % len;
        match mixed(state) % 5 {
            0 => bytes.truncate(at),
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = mixed(state).to_le_bytes()[0];
                }
            }
            2 => drop(bytes.drain(at..(at + 7).min(bytes.len()))),
            3 => {
                let piece = PIECES[usize::try_from(mixed(state)).unwrap_or(0) % PIECES.len()];
                drop(bytes.splice(at..at, piece.bytes()));
            }
            _ => {
                let copy = bytes[at..].to_vec();
                bytes.extend(copy);
            }
        }
    }
    bytes
}

#[test]
fn nothing_panics() {
    let desk = AnySymbol(fine("BTCUSDT"));
    let (mut read, mut state) = (0, 1);
    for seed in SEEDS {
        assert!(feed(seed.as_bytes(), &desk) > 0, "{seed}");
        for _ in 0..ROUNDS {
            read += feed(&changed(seed, &mut state), &desk);
        }
    }
    println!("{} changed inputs, {read} readings", ROUNDS * SEEDS.len() as u64);
    assert!(read > 1_000);
}

#[test]
fn a_machine_that_hears_nonsense_goes_on() {
    let mut fake = Fake::new(settings()).begun();
    let mut state = 7;
    for round in 0..600u64 {
        let seed = SEEDS[usize::try_from(round).unwrap() % SEEDS.len()];
        let bytes = changed(seed, &mut state);
        if fake.links.values().any(|url| url.contains("/private/")) {
            let link = fake.own_link();
            fake.step(Input::Frame(link, &bytes));
        }
        fake.run(seconds(2));
    }
    fake.run(seconds(120));
    let last = fake.told.iter().rev().find_map(|told| match told {
        sandpit_venue::machine::Output::Notice(Notice::Orders(up)) => Some(*up),
        _ => None,
    });
    assert_eq!(last, Some(true), "own events are heard in the end");
    assert!(fake.fired.is_empty(), "and the dead-man's switch never ran out");
}
