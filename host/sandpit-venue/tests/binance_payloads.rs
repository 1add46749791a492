//! Every recorded payload of Binance is read; those of futures and in the binary form are counted
//! and named as such.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    num::{Decimal, Rate},
    time::UnixNanos,
};
use sandpit_venue::binance::{
    Amount, decimal,
    filters::{ExchangeInfo, Filter, RulesError},
    response::{
        AccountAnswer, Answer, AveragePrice, BookTicker, CancelAllEntry, ConvertError, Desk,
        Incoming, Kline, OrderAnswer, OrderRecord, PriceTicker, PublicAggTrade, PublicTrade,
        ServerTime, Ticker, TickerEvent, TradeFee, TradeRecord, UserEvent, external_order,
    },
    stream::StreamMessage,
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// As fine as the venue's numbers are.
fn fine(symbol: &str) -> Instrument {
    let step = Decimal::new(1, 8);
    Instrument::new(InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: "binance".to_owned(),
        kind: InstrumentKind::Spot,
        base: "B".to_owned(),
        quote: "Q".to_owned(),
        price_tick: step,
        quantity_step: step,
        min_quantity: step,
        max_quantity: Decimal::new(1, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

/// Knows every symbol and a rate for every asset.
struct AnySymbol(Instrument);

impl Desk for AnySymbol {
    fn instrument(&self, _: &str) -> Option<(InstrumentId, &Instrument)> {
        Some((InstrumentId(0), &self.0))
    }

    fn fee_rate(&self, _: &str, _: &str) -> Option<Decimal> {
        Some(Decimal::new(1, 0))
    }
}

fn desk() -> AnySymbol {
    AnySymbol(fine("ANY"))
}

fn read<'a, T: Answer<'a>>(bytes: &'a [u8]) -> T {
    T::decode(bytes).unwrap_or_else(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        panic!("{error}: {source:?}: {}", String::from_utf8_lossy(&bytes[..bytes.len().min(300)]))
    })
}

fn number(text: &str) {
    decimal(text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
}

fn amount(text: &str) {
    Amount::parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
}

/// Reads an answer of spot by the name of its file; `None` for a name that is not known.
fn read_http(name: &str, bytes: &[u8]) -> Option<()> {
    match name {
        "account_response" | "http_spot_wallet_account" => {
            let account: AccountAnswer<'_> = read(bytes);
            assert!(!account.balances.is_empty());
            account.balances.iter().for_each(|b| [b.free, b.locked].into_iter().for_each(amount));
        }
        "account_trades_response" => {
            for trade in read::<Vec<TradeRecord<'_>>>(bytes) {
                sandpit_venue::binance::response::account_fill(&trade, None, &desk()).unwrap();
            }
        }
        "all_orders_response" | "open_orders_response" => {
            for record in read::<Vec<OrderRecord<'_>>>(bytes) {
                external_order(&record, &desk()).unwrap();
            }
        }
        "order_response" => {
            external_order(&read::<OrderRecord<'_>>(bytes), &desk()).unwrap();
        }
        "new_order_full_response" => {
            let answer: OrderAnswer<'_> = read(bytes);
            assert_eq!(answer.fills.len(), 5);
            assert_eq!(answer.to_news(&desk()), Ok(None), "not ours");
        }
        "cancel_order_response" => {
            read::<OrderAnswer<'_>>(bytes);
        }
        "cancel_open_orders_response" => {
            let entries: Vec<CancelAllEntry<'_>> = read(bytes);
            assert!(entries.iter().any(|entry| matches!(entry, CancelAllEntry::Order(_))));
        }
        "avg_price_response" | "http_spot_market_avg_price" => {
            number(read::<AveragePrice<'_>>(bytes).price);
        }
        "book_ticker_response" | "http_spot_market_book_ticker" => {
            let ticker: BookTicker<'_> = read(bytes);
            [ticker.bid_price, ticker.bid_qty, ticker.ask_price, ticker.ask_qty]
                .into_iter()
                .for_each(number);
        }
        "ticker_price_response" | "http_spot_market_ticker_price" => {
            number(read::<PriceTicker<'_>>(bytes).price);
        }
        "ticker_24hr_response" => ticker(&read(bytes)),
        "depth_response" | "http_spot_market_depth" => {
            let message = StreamMessage::parse(bytes).unwrap();
            message.to_event(&fine("X"), InstrumentId(0), UnixNanos(1)).unwrap().unwrap();
        }
        "klines_response" | "http_spot_market_klines" => bars(&read::<Vec<Kline<'_>>>(bytes)),
        "trades_response" | "http_spot_market_trades" | "http_spot_market_historical_trades" => {
            for trade in read::<Vec<PublicTrade<'_>>>(bytes) {
                [trade.price, trade.qty].into_iter().for_each(number);
            }
        }
        "http_spot_market_agg_trades" => agg_trades(&read::<Vec<PublicAggTrade<'_>>>(bytes)),
        "exchange_info_response" | "http_spot_market_exchange_info" => {
            symbols(&read::<ExchangeInfo<'_>>(bytes));
        }
        "server_time_response" | "http_spot_market_time" => {
            assert!(read::<ServerTime>(bytes).server_time > 0);
        }
        // An empty object and nothing more.
        "ping_response" | "http_spot_market_ping" => {
            assert_eq!(std::str::from_utf8(bytes).unwrap().trim(), "{}");
        }
        "http_wallet_trading_fee" => number(read::<TradeFee<'_>>(bytes).maker_commission),
        "http_wallet_trading_fees" => {
            read::<Vec<TradeFee<'_>>>(bytes).iter().for_each(|fee| number(fee.taker_commission));
        }
        _ => return None,
    }
    Some(())
}

fn ticker(ticker: &Ticker<'_>) {
    [ticker.last_price, ticker.high_price, ticker.low_price, ticker.volume]
        .into_iter()
        .for_each(number);
}

fn bars(bars: &[Kline<'_>]) {
    assert!(!bars.is_empty());
    for bar in bars {
        bar.to_bar(&fine("X")).unwrap();
    }
}

fn agg_trades(trades: &[PublicAggTrade<'_>]) {
    assert!(!trades.is_empty());
    trades.iter().for_each(|trade| [trade.price, trade.quantity].into_iter().for_each(number));
}

/// Every symbol makes an instrument, unless it has no filters; returns how many do.
fn symbols(info: &ExchangeInfo<'_>) -> usize {
    let mut made = 0;
    for symbol in &info.symbols {
        let rules = symbol.rules();
        assert!(!rules.filters.iter().any(|filter| matches!(filter, Filter::Unknown(_))));
        match rules.to_instrument("binance", (Rate(0), Rate(0))) {
            Ok(instrument) => {
                assert_eq!(instrument.spec().symbol, rules.symbol);
                made += 1;
            }
            Err(RulesError::NoFilter { .. }) if rules.filters.is_empty() => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    made
}

/// Events of the user stream; what an event says that the core cannot take is an error by name.
fn read_event(name: &str, bytes: &[u8]) {
    let event = UserEvent::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let matches = match &event {
        UserEvent::ExecutionReport(_) => name.contains("execution_report"),
        UserEvent::AccountPosition(_) => name.contains("account_position"),
        UserEvent::BalanceUpdate(_) => name.contains("balance_update"),
        UserEvent::ListStatus(_) => name.contains("list_status"),
        _ => false,
    };
    assert!(matches, "{name}: {event:?}");
    if name.ends_with("_wrapped") {
        assert!(matches!(
            Incoming::parse(bytes),
            Ok(Incoming::Event { subscription: Some(0), .. })
        ));
    }
    let UserEvent::ExecutionReport(report) = event else { return };
    assert_eq!(report.to_news(&desk()), Ok(None), "{name} is not ours");
    // The same as if it were ours.
    let text = std::str::from_utf8(bytes).unwrap();
    let name_field = format!(r#""c":"{}""#, report.client_order_id);
    let bare = text.replace("\": ", "\":");
    let ours = bare.replace(&name_field, r#""c":"sp-1-2-3""#);
    let UserEvent::ExecutionReport(report) = UserEvent::parse(ours.as_bytes()).unwrap() else {
        panic!("{name}");
    };
    let result = report.to_news(&desk());
    let expected = match name {
        // Futures' word, and a fill without a price: made up for a parser's tests.
        "ws_spot_execution_report_calculated" => {
            matches!(result, Err(ConvertError::Word { field: "execution type", .. }))
        }
        "ws_spot_execution_report_trade_l_zero" => {
            matches!(result, Err(ConvertError::Number { field: "price of a fill", .. }))
        }
        _ => matches!(result, Ok(Some(_))),
    };
    assert!(expected, "{name}: {result:?}");
}

fn read_stream(name: &str, bytes: &[u8]) {
    if name == "ws_spot_ticker_24hr" {
        let event: TickerEvent<'_> = read(bytes);
        return [event.last_price, event.volume].into_iter().for_each(number);
    }
    let message = StreamMessage::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    message.to_event(&fine("X"), InstrumentId(0), UnixNanos(1)).unwrap().unwrap();
}

/// A capture of another library: the raw answer stands within.
fn read_capture(name: &str, bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Capture<'a> {
        #[serde(borrow)]
        http_response: &'a RawValue,
    }
    let capture: Capture<'_> = serde_json::from_slice(bytes).unwrap();
    let body = capture.http_response.get().as_bytes();
    match name {
        "fetch_ohlcv_BTC_USDT" => bars(&read::<Vec<Kline<'_>>>(body)),
        "fetch_order_book_BTC_USDT" => {
            read_http("depth_response", body).unwrap();
        }
        "fetch_ticker_BTC_USDT" | "fetch_ticker_ETH_USDT" => ticker(&read(body)),
        "fetch_tickers_BTC_ETH" => read::<Vec<Ticker<'_>>>(body).iter().for_each(ticker),
        "fetch_trades_BTC_USDT" => agg_trades(&read::<Vec<PublicAggTrade<'_>>>(body)),
        // Coin-margined futures.
        "fetch_markets" => return false,
        other => panic!("{other} is new: say how it is read"),
    }
    true
}

/// A session as lines of `where -> time: answer`, or `time: message`. Returns how many were read.
fn read_session(name: &str, text: &str) -> usize {
    let mut read_lines = 0;
    for line in text.lines() {
        if name == "BINANCE.ws.1.0" {
            let Some((_, json)) = line.split_once(": ").filter(|(at, _)| !at.contains("://"))
            else {
                continue;
            };
            let message = StreamMessage::parse(json.as_bytes()).unwrap();
            message.to_event(&fine("X"), InstrumentId(0), UnixNanos(1)).unwrap();
            read_lines += 1;
            continue;
        }
        let Some((place, answer)) = line.split_once(" -> ") else { continue };
        let json = answer.split_once(": ").unwrap().1.as_bytes();
        if place.contains("/exchangeInfo") {
            assert_eq!(symbols(&read::<ExchangeInfo<'_>>(json)), 1_695);
        } else {
            assert!(place.contains("/depth"), "{place}");
            read_http("depth_response", json).unwrap();
        }
        read_lines += 1;
    }
    assert!(read_lines > 0, "{name}");
    read_lines
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_recorded_payload_is_read() {
    let root =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/payloads/binance");
    if !root.exists() {
        eprintln!("skipped: {} is missing", root.display());
        return;
    }
    let mut found = Vec::new();
    files(&root, &mut found);
    found.sort();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for path in &found {
        let shown = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(path).unwrap();
        let kind = if shown.contains("futures") || shown.contains("FUTURES") {
            "skipped: futures"
        } else if shown.contains("user_data_sbe") {
            "skipped: the binary form, and what describes it"
        } else if shown.starts_with("cryptofeed") {
            let file = path.file_name().unwrap().to_string_lossy();
            *counts.entry("lines of sessions read").or_default() +=
                read_session(&file, std::str::from_utf8(&bytes).unwrap());
            "spot: sessions"
        } else if shown.starts_with("live-captures") {
            if read_capture(&name, &bytes) { "spot: captures" } else { "skipped: futures" }
        } else if shown.contains("user_data_json") || name.contains("execution_report") {
            read_event(&name, &bytes);
            "spot: events of the user stream"
        } else if name.starts_with("ws_spot") {
            read_stream(&name, &bytes);
            "spot: market streams"
        } else {
            read_http(&name, &bytes)
                .unwrap_or_else(|| panic!("{shown} is new: say how it is read"));
            "spot: answers"
        };
        *counts.entry(kind).or_default() += 1;
    }
    for (kind, count) in &counts {
        println!("{count:4} {kind}");
    }
    assert_eq!(counts.values().sum::<usize>() - counts["lines of sessions read"], found.len());
    let spot: usize =
        counts.iter().filter(|(kind, _)| kind.starts_with("spot")).map(|(_, count)| count).sum();
    assert_eq!(spot, 75, "{counts:#?}");
}
