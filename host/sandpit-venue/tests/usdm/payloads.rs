//! Every recorded payload of USDⓈ-M futures is read.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, PluginId, RunId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    num::{Decimal, Rate},
    time::UnixNanos,
};
use sandpit_venue::binance::{
    decimal,
    response::{Answer, Desk, Kline, PriceTicker, PublicAggTrade, PublicTrade},
    stream::{StreamError, StreamMessage},
    usdm::{
        convert,
        response::{
            AccountAnswer, AlgoRecord, Balance, CommissionAnswer, ExchangeInfo, FundingRecord,
            OrderRecord, PositionMode, PositionRecord, PremiumIndex, RulesError, SymbolConfig,
            UserEvent, UserTrade,
        },
    },
};

/// As fine as the venue's numbers are.
pub(crate) fn fine(symbol: &str) -> Instrument {
    with_step(symbol, 8)
}

/// With quantities of so many digits: the largest levels of some books are too large for 8.
fn with_step(symbol: &str, digits: u8) -> Instrument {
    let (tick, step) = (Decimal::new(1, 8), Decimal::new(1, digits));
    Instrument::new(InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: "binance-usdm".to_owned(),
        kind: InstrumentKind::Perpetual,
        base: "B".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: tick,
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
pub(crate) struct AnySymbol(pub Instrument);

impl Desk for AnySymbol {
    fn instrument(&self, _: &str) -> Option<(InstrumentId, &Instrument)> {
        Some((InstrumentId(0), &self.0))
    }

    fn fee_rate(&self, _: &str, _: &str) -> Option<Decimal> {
        Some(Decimal::new(1, 0))
    }
}

pub(crate) const OURS: ClientOrderId =
    ClientOrderId { sequence: 3, plugin: PluginId(2), run: RunId(1) };

fn read<'a, T: Answer<'a>>(bytes: &'a [u8]) -> T {
    T::decode(bytes).unwrap_or_else(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        panic!("{error}: {source:?}: {}", String::from_utf8_lossy(&bytes[..bytes.len().min(300)]))
    })
}

fn number(text: &str) {
    decimal(text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
}

/// Every perpetual makes an instrument; returns how many do.
fn symbols(info: &ExchangeInfo<'_>) -> usize {
    assert!(!info.rate_limits.is_empty());
    let made = |symbol| match symbol_of(symbol) {
        Ok(instrument) => {
            assert_eq!(instrument.spec().kind, InstrumentKind::Perpetual);
            true
        }
        Err(RulesError::Contract { .. }) => false,
        Err(error) => panic!("{error:?}"),
    };
    info.symbols.iter().filter(|symbol| made(symbol)).count()
}

fn symbol_of(
    symbol: &sandpit_venue::binance::usdm::response::SymbolInfo<'_>,
) -> Result<Instrument, RulesError> {
    symbol.to_instrument("binance-usdm", (Rate(0), Rate(0)))
}

/// Reads an answer by the name of its file; `None` for a name that is not known, and the reason for
/// one of an endpoint that is not asked for here.
#[expect(clippy::too_many_lines, reason = "a list")]
fn read_http(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let desk = AnySymbol(fine("ANY"));
    match name {
        "account_info_v2" => {
            let account: AccountAnswer<'_> = read(bytes);
            number(account.total_wallet_balance);
            convert::positions(&account.positions, &desk).unwrap();
        }
        "balance" => read::<Vec<Balance<'_>>>(bytes).iter().for_each(|b| number(b.wallet_balance)),
        "open_algo_orders" => {
            for record in read::<Vec<AlgoRecord<'_>>>(bytes) {
                convert::external_algo(&record, &desk).unwrap();
                convert::algo_order(OURS, &record, &desk).unwrap();
            }
        }
        "order_response" => {
            let record: OrderRecord<'_> = read(bytes);
            convert::external_order(&record, &desk).unwrap();
            convert::engine_order(OURS, &record, None, &[], &desk).unwrap();
        }
        "http_futures_account_orders" => {
            for record in read::<Vec<OrderRecord<'_>>>(bytes) {
                convert::external_order(&record, &desk).unwrap();
            }
        }
        "position_risk" | "http_futures_account_positions_one_way" => {
            convert::positions(&read::<Vec<PositionRecord<'_>>>(bytes), &desk).unwrap();
        }
        "http_futures_account_positions_hedge" => {
            let records: Vec<PositionRecord<'_>> = read(bytes);
            let error = convert::positions(&records, &desk).unwrap_err();
            assert!(error.to_string().contains("hedge mode"), "{error}");
        }
        "http_futures_account_position_side_dual" => {
            assert!(read::<PositionMode>(bytes).dual_side_position);
        }
        "http_futures_account_symbol_config" => {
            assert_eq!(read::<Vec<SymbolConfig<'_>>>(bytes).len(), 2);
        }
        "http_futures_account_trades" => {
            for trade in read::<Vec<UserTrade<'_>>>(bytes) {
                convert::account_fill(&trade, None, &desk).unwrap();
            }
        }
        "http_futures_market_agg_trades" => {
            read::<Vec<PublicAggTrade<'_>>>(bytes).iter().for_each(|trade| number(trade.price));
        }
        "http_futures_market_depth" => {
            let message = StreamMessage::parse(bytes).unwrap();
            message.to_event(&fine("X"), InstrumentId(0), UnixNanos(1)).unwrap().unwrap();
        }
        "http_futures_market_exchange_info" => assert!(symbols(&read(bytes)) > 0),
        "http_futures_market_funding_rate" => {
            for funding in read::<Vec<FundingRecord<'_>>>(bytes) {
                number(funding.funding_rate);
            }
        }
        "http_futures_market_klines" => {
            for bar in read::<Vec<Kline<'_>>>(bytes) {
                bar.to_bar(&fine("X")).unwrap();
            }
        }
        "http_futures_market_premium_index" => match PremiumIndex::decode(bytes) {
            Ok(index) => number(index.mark_price),
            Err(_) => number(read::<PremiumIndexList<'_>>(bytes).0[0].mark_price),
        },
        "http_futures_market_ticker_price" => number(read::<PriceTicker<'_>>(bytes).price),
        "http_futures_market_trades" | "http_futures_market_historical_trades" => {
            read::<Vec<PublicTrade<'_>>>(bytes).iter().for_each(|trade| number(trade.price));
        }
        "http_futures_wallet_commission_rate_btcusdt"
        | "http_futures_wallet_commission_rate_ethusdt"
        | "http_futures_wallet_commission_rate_btcusdt_quarterly" => {
            number(read::<CommissionAnswer<'_>>(bytes).maker_commission_rate);
        }
        // Statistics that nothing here asks for.
        "http_futures_market_asset_index"
        | "http_futures_market_blvt_nav_kline"
        | "http_futures_market_book_ticker"
        | "http_futures_market_continuous_klines"
        | "http_futures_market_global_long_short_account_ratio"
        | "http_futures_market_index_info"
        | "http_futures_market_index_price_klines"
        | "http_futures_market_mark_price_klines"
        | "http_futures_market_open_interest"
        | "http_futures_market_open_interest_historical"
        | "http_futures_market_taker_long_short_ratio"
        | "http_futures_market_ticker_24hr"
        | "http_futures_market_top_long_short_account_ratio"
        | "http_futures_market_top_long_short_position_ratio" => {
            let _: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            return Some("endpoints that are not asked for");
        }
        _ => return None,
    }
    Some("answers")
}

/// The index of all symbols.
struct PremiumIndexList<'a>(Vec<PremiumIndex<'a>>);

impl<'a> Answer<'a> for PremiumIndexList<'a> {
    const WHAT: &'static str = "a list of indices";

    fn decode(bytes: &'a [u8]) -> Result<Self, sandpit_venue::binance::response::DecodeError> {
        match serde_json::from_slice(bytes) {
            Ok(list) => Ok(Self(list)),
            Err(source) => Err(sandpit_venue::binance::response::DecodeError::Malformed {
                what: Self::WHAT,
                source,
            }),
        }
    }
}

/// An own event: what it says of an order, as if it were ours.
fn read_event(name: &str, bytes: &[u8]) {
    let desk = AnySymbol(fine("ANY"));
    let event = UserEvent::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    match event {
        UserEvent::Order(update) => {
            assert!(name.contains("order_update"), "{name}");
            let closes =
                ["adl", "calculated", "liquidation", "insurance", "settlement", "delivery"]
                    .iter()
                    .any(|word| name.contains(word));
            assert_eq!(update.closes_by_the_venue(), closes, "{name}");
            let news = update.to_news(OURS, false, &desk);
            let news = news.unwrap_or_else(|error| panic!("{name}: {error}"));
            let silent = name.contains("zero_qty") || name.contains("pending");
            assert_eq!(news.reports.is_empty(), silent, "{name}: {news:?}");
        }
        UserEvent::Algo(update) => {
            assert!(name.contains("algo_update"), "{name}");
            update.to_news(OURS).unwrap();
            let triggered = name.contains("triggered") || name.contains("finished");
            assert_eq!(update.engine_id().is_some(), triggered, "{name}");
        }
        UserEvent::Account(update) => {
            assert!(name.contains("account_update"), "{name}");
            assert!(update.time > 0);
        }
        UserEvent::TradeLite => assert!(name.contains("trade_lite"), "{name}"),
        other => panic!("{name}: {other:?}"),
    }
}

/// A market stream. Returns what it is.
fn read_stream(name: &str, bytes: &[u8], digits: u8) -> &'static str {
    match StreamMessage::parse(bytes) {
        Ok(message) => {
            let instrument = with_step("X", digits);
            message.to_event(&instrument, InstrumentId(0), UnixNanos(1)).unwrap();
            "market streams"
        }
        // Mark prices are read by the market's own part; liquidations of others and a day's
        // statistics by nobody.
        Err(StreamError::Unsupported { kind }) => {
            assert!(
                ["markPriceUpdate", "forceOrder", "24hrTicker"].contains(&kind.as_str()),
                "{name}"
            );
            "market streams that are read elsewhere, or not wanted"
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

/// A session as lines of `where -> time: answer`, or `time: message`.
fn read_session(name: &str, text: &str) -> usize {
    let mut lines = 0;
    for line in text.lines() {
        if name == "BINANCE_FUTURES.ws.1.0" {
            let Some((_, json)) = line.split_once(": ").filter(|(at, _)| !at.contains("://"))
            else {
                continue;
            };
            read_stream(name, json.as_bytes(), 3);
        } else {
            let Some((place, answer)) = line.split_once(" -> ") else { continue };
            let json = answer.split_once(": ").unwrap().1.as_bytes();
            if place.contains("/exchangeInfo") {
                assert!(symbols(&read(json)) > 100);
            } else {
                assert!(place.contains("/depth"), "{place}");
                assert_eq!(read_stream(name, json, 3), "market streams");
            }
        }
        lines += 1;
    }
    assert!(lines > 0, "{name}");
    lines
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_recorded_payload_of_futures_is_read() {
    let root =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/payloads/binance");
    if !root.exists() {
        eprintln!("skipped: {} is missing", root.display());
        return;
    }
    let mut found = Vec::new();
    files(&root, &mut found);
    found.retain(|path| {
        let shown = path.strip_prefix(&root).unwrap().to_string_lossy();
        shown.contains("futures") || shown.contains("FUTURES")
    });
    found.sort();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for path in &found {
        let shown = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(path).unwrap();
        let kind = if shown.starts_with("cryptofeed") {
            let file = path.file_name().unwrap().to_string_lossy();
            *counts.entry("lines of sessions").or_default() +=
                read_session(&file, std::str::from_utf8(&bytes).unwrap());
            "sessions"
        } else if shown.contains("user_data_json")
            || ["order_update", "algo_update", "trade_lite"].iter().any(|kind| name.contains(kind))
        {
            read_event(&name, &bytes);
            "own events"
        } else if name.starts_with("ws_futures") || shown.contains("market_data_json") {
            read_stream(&name, &bytes, 8)
        } else {
            read_http(&name, &bytes).unwrap_or_else(|| panic!("{shown} is new: say how it is read"))
        };
        *counts.entry(kind).or_default() += 1;
    }
    for (kind, count) in &counts {
        println!("{count:5} {kind}");
    }
    assert_eq!(counts.values().sum::<usize>() - counts["lines of sessions"], found.len());
    assert_eq!(found.len(), 82, "{counts:#?}");
}
