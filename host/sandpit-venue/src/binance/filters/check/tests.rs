//! One test for each filter, at its bound and one step beyond.

use sandpit_core::{
    ids::{ClientOrderId, PluginId, RunId},
    num::Rate,
};

use super::*;
use crate::binance::{
    filters::ExchangeInfo,
    request::{OrderOptions, Tif},
    response::Answer,
};

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn rules(filters: &str) -> SymbolRules {
    let text = format!(
        r#"{{"serverTime":1,"rateLimits":[],"exchangeFilters":[],"symbols":[{{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","baseAssetPrecision":8,"quoteAsset":"USDT","quoteAssetPrecision":8,"orderTypes":["LIMIT"],"filters":[{filters}]}}]}}"#
    );
    ExchangeInfo::decode(text.as_bytes()).unwrap().symbols[0].rules()
}

fn order(kind: NewOrderKind, side: Side, quantity: &str) -> NewOrder<'static> {
    NewOrder {
        symbol: "BTCUSDT",
        side,
        kind,
        size: Size::Base(number(quantity)),
        iceberg: None,
        client_id: ClientOrderId { sequence: 1, plugin: PluginId(0), run: RunId(1) },
        options: OrderOptions::default(),
    }
}

fn limit(price: &str) -> NewOrderKind {
    NewOrderKind::Limit { price: number(price), time_in_force: Tif::Gtc }
}

fn buy(price: &str, quantity: &str) -> NewOrder<'static> {
    order(limit(price), Side::Buy, quantity)
}

fn sell(price: &str, quantity: &str) -> NewOrder<'static> {
    order(limit(price), Side::Sell, quantity)
}

fn market(quantity: &str) -> NewOrder<'static> {
    order(NewOrderKind::Market, Side::Buy, quantity)
}

/// What one filter says: `passes`, `cannot say`, or how it is broken.
fn say(filter: &str, order: &NewOrder<'_>, state: &FilterState) -> String {
    let rules = rules(filter);
    let verdict = check(order, &rules, &[], state);
    match (verdict.refused, verdict.unchecked.as_slice()) {
        (Some(refusal), _) => {
            assert_eq!(Some(refusal.filter), rules.filters[0].kind());
            format!("{:?}", refusal.breach)
        }
        (None, []) => "passes".to_owned(),
        (None, _) => "cannot say".to_owned(),
    }
}

fn alone(filter: &str, order: &NewOrder<'_>) -> String {
    say(filter, order, &FilterState::default())
}

#[test]
fn price_filter() {
    const FILTER: &str = r#"{"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000.00000000","tickSize":"0.01000000"}"#;
    for (price, expected) in [
        ("0.01", "passes"),
        ("0.001", "TooLow"),
        ("1000", "passes"),
        ("1000.01", "TooHigh"),
        ("5.005", "OffStep"),
    ] {
        assert_eq!(alone(FILTER, &buy(price, "1")), expected, "{price}");
        let trigger = Trigger::Price(number(price));
        let stop = order(NewOrderKind::StopLoss { trigger }, Side::Sell, "1");
        assert_eq!(alone(FILTER, &stop), expected, "stop {price}");
    }
    const OFF: &str =
        r#"{"filterType":"PRICE_FILTER","minPrice":"0","maxPrice":"0","tickSize":"0"}"#;
    assert_eq!(alone(OFF, &buy("123456.789", "1")), "passes");
}

#[test]
fn percent_price() {
    const FILTER: &str = r#"{"filterType":"PERCENT_PRICE","multiplierUp":"1.3000","multiplierDown":"0.7000","avgPriceMins":5}"#;
    let state = FilterState { average_price: Some(number("100")), ..FilterState::default() };
    for (price, expected) in
        [("130", "passes"), ("130.01", "TooHigh"), ("70", "passes"), ("69.99", "TooLow")]
    {
        assert_eq!(say(FILTER, &buy(price, "1"), &state), expected, "{price}");
    }
    assert_eq!(alone(FILTER, &buy("100", "1")), "cannot say");
    assert_eq!(alone(FILTER, &market("1")), "passes");
    let last = FILTER.replace(":5", ":0");
    let state = FilterState { last_price: Some(number("10")), ..state };
    assert_eq!(say(&last, &buy("13.01", "1"), &state), "TooHigh");
}

#[test]
fn percent_price_by_side() {
    const FILTER: &str = r#"{"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"1.2","bidMultiplierDown":"0.2","askMultiplierUp":"5","askMultiplierDown":"0.8","avgPriceMins":1}"#;
    let state = FilterState { average_price: Some(number("100")), ..FilterState::default() };
    for (order, expected) in [
        (buy("120", "1"), "passes"),
        (buy("120.01", "1"), "TooHigh"),
        (buy("20", "1"), "passes"),
        (buy("19.99", "1"), "TooLow"),
        (sell("500", "1"), "passes"),
        (sell("500.01", "1"), "TooHigh"),
        (sell("80", "1"), "passes"),
        (sell("79.99", "1"), "TooLow"),
    ] {
        assert_eq!(say(FILTER, &order, &state), expected, "{order:?}");
    }
}

#[test]
fn lot_size() {
    const FILTER: &str = r#"{"filterType":"LOT_SIZE","minQty":"0.00100000","maxQty":"100.00000000","stepSize":"0.00100000"}"#;
    for (quantity, expected) in [
        ("0.001", "passes"),
        ("0.0009", "TooLow"),
        ("100", "passes"),
        ("100.001", "TooHigh"),
        ("1.0005", "OffStep"),
    ] {
        assert_eq!(alone(FILTER, &buy("1", quantity)), expected, "{quantity}");
        assert_eq!(alone(FILTER, &market(quantity)), expected, "market {quantity}");
    }
    let mut iceberg = buy("1", "10");
    iceberg.iceberg = Some(number("0.0005"));
    assert_eq!(alone(FILTER, &iceberg), "TooLow");
    let mut quote = market("1");
    quote.size = Size::Quote(number("0.0001"));
    assert_eq!(alone(FILTER, &quote), "passes");
}

#[test]
fn market_lot_size() {
    const FILTER: &str = r#"{"filterType":"MARKET_LOT_SIZE","minQty":"0.00000000","maxQty":"112.21108820","stepSize":"0.00000000"}"#;
    assert_eq!(alone(FILTER, &market("112.2110882")), "passes");
    assert_eq!(alone(FILTER, &market("112.21108821")), "TooHigh");
    assert_eq!(alone(FILTER, &buy("1", "5000")), "passes");
    let stepped = FILTER.replace(r#""stepSize":"0.00000000""#, r#""stepSize":"0.1""#);
    assert_eq!(alone(&stepped, &market("1.05")), "OffStep");
}

#[test]
fn min_notional() {
    const FILTER: &str = r#"{"filterType":"MIN_NOTIONAL","minNotional":"10.00000000","applyToMarket":true,"avgPriceMins":5}"#;
    assert_eq!(alone(FILTER, &buy("100", "0.1")), "passes");
    assert_eq!(alone(FILTER, &buy("99.99", "0.1")), "TooLow");
    assert_eq!(alone(FILTER, &market("0.1")), "cannot say");
    let state = FilterState { average_price: Some(number("99.99")), ..FilterState::default() };
    assert_eq!(say(FILTER, &market("0.1"), &state), "TooLow");
    assert_eq!(say(&FILTER.replace("true", "false"), &market("0.1"), &state), "passes");
    let mut quote = market("1");
    quote.size = Size::Quote(number("9.99"));
    assert_eq!(alone(FILTER, &quote), "TooLow");
}

#[test]
fn notional() {
    const FILTER: &str = r#"{"filterType":"NOTIONAL","minNotional":"10.00000000","applyMinToMarket":false,"maxNotional":"10000.00000000","applyMaxToMarket":true,"avgPriceMins":0}"#;
    for (price, expected) in
        [("10", "passes"), ("9.99", "TooLow"), ("10000", "passes"), ("10000.01", "TooHigh")]
    {
        assert_eq!(alone(FILTER, &buy(price, "1")), expected, "{price}");
    }
    let at =
        |price: &str| FilterState { last_price: Some(number(price)), ..FilterState::default() };
    assert_eq!(say(FILTER, &market("1"), &at("1")), "passes");
    assert_eq!(say(FILTER, &market("1"), &at("10000.01")), "TooHigh");
    assert_eq!(alone(FILTER, &market("1")), "cannot say");
}

#[test]
fn iceberg_parts() {
    const FILTER: &str = r#"{"filterType":"ICEBERG_PARTS","limit":10}"#;
    let mut iceberg = buy("1", "10");
    iceberg.iceberg = Some(number("1"));
    assert_eq!(alone(FILTER, &iceberg), "passes");
    iceberg.iceberg = Some(number("0.999"));
    assert_eq!(alone(FILTER, &iceberg), "TooMany");
    assert_eq!(alone(FILTER, &buy("1", "10")), "passes");
}

fn counted(orders: u32, algo_orders: u32, iceberg_orders: u32, lists: u32) -> FilterState {
    let counts = OpenCounts { orders, algo_orders, iceberg_orders, lists };
    FilterState { symbol: counts, exchange: counts, ..FilterState::default() }
}

#[test]
fn counts_of_open_orders() {
    let plain = buy("1", "1");
    let trigger = Trigger::Price(number("1"));
    let stop = order(NewOrderKind::StopLoss { trigger }, Side::Sell, "1");
    let mut iceberg = buy("1", "1");
    iceberg.iceberg = Some(number("0.5"));
    for prefix in ["", "EXCHANGE_"] {
        let filter =
            |name: &str, field: &str| format!(r#"{{"filterType":"{prefix}{name}","{field}":5}}"#);
        let orders = filter("MAX_NUM_ORDERS", "maxNumOrders");
        assert_eq!(say(&orders, &plain, &counted(4, 0, 0, 0)), "passes");
        assert_eq!(say(&orders, &plain, &counted(5, 0, 0, 0)), "TooMany");
        let algo = filter("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders");
        assert_eq!(say(&algo, &stop, &counted(9, 4, 0, 0)), "passes");
        assert_eq!(say(&algo, &stop, &counted(9, 5, 0, 0)), "TooMany");
        assert_eq!(say(&algo, &plain, &counted(9, 5, 0, 0)), "passes");
        let icebergs = filter("MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders");
        assert_eq!(say(&icebergs, &iceberg, &counted(9, 0, 4, 0)), "passes");
        assert_eq!(say(&icebergs, &iceberg, &counted(9, 0, 5, 0)), "TooMany");
        assert_eq!(say(&icebergs, &plain, &counted(9, 0, 5, 0)), "passes");
        let lists = rules(&filter("MAX_NUM_ORDER_LISTS", "maxNumOrderLists"));
        assert_eq!(check_list(2, &lists, &[], &counted(0, 0, 0, 4)), None);
        let refusal = check_list(2, &lists, &[], &counted(0, 0, 0, 5)).unwrap();
        assert_eq!(refusal.filter.name(), format!("{prefix}MAX_NUM_ORDER_LISTS"));
        let orders = rules(&orders);
        assert_eq!(check_list(2, &orders, &[], &counted(3, 0, 0, 0)), None);
        assert!(check_list(2, &orders, &[], &counted(4, 0, 0, 0)).is_some());
    }
}

#[test]
fn filters_of_the_exchange_are_asked_too() {
    let rules = rules("");
    let filters = [Filter::ExchangeMaxNumOrders(1)];
    let verdict = check(&buy("1", "1"), &rules, &filters, &counted(1, 0, 0, 0));
    let filter = FilterKind::ExchangeMaxNumOrders;
    assert_eq!(verdict.refused, Some(Refusal { filter, breach: Breach::TooMany }));
}

#[test]
fn max_position() {
    const FILTER: &str = r#"{"filterType":"MAX_POSITION","maxPosition":"10.00000000"}"#;
    let has = |amount: &str| FilterState {
        position: Some(Amount::parse(amount).unwrap()),
        ..FilterState::default()
    };
    assert_eq!(say(FILTER, &buy("1", "1"), &has("9")), "passes");
    assert_eq!(say(FILTER, &buy("1", "1.001"), &has("9")), "TooHigh");
    assert_eq!(say(FILTER, &sell("1", "1"), &has("99")), "passes");
    assert_eq!(alone(FILTER, &buy("1", "1")), "cannot say");
}

#[test]
fn trailing_delta() {
    const FILTER: &str = r#"{"filterType":"TRAILING_DELTA","minTrailingAboveDelta":10,"maxTrailingAboveDelta":2000,"minTrailingBelowDelta":20,"maxTrailingBelowDelta":1000}"#;
    let trail = |delta, side, stop: bool| {
        let trigger = Trigger::Trailing(delta);
        let kind = if stop {
            NewOrderKind::StopLoss { trigger }
        } else {
            NewOrderKind::TakeProfit { trigger }
        };
        alone(FILTER, &order(kind, side, "1"))
    };
    for (above, side) in [(true, Side::Buy), (false, Side::Sell)] {
        for stop in [true, false] {
            let side = if stop { side } else { side.opposite() };
            let (min, max) = if above { (10, 2000) } else { (20, 1000) };
            assert_eq!(trail(min, side, stop), "passes");
            assert_eq!(trail(min - 1, side, stop), "TooLow");
            assert_eq!(trail(max, side, stop), "passes");
            assert_eq!(trail(max + 1, side, stop), "TooHigh");
        }
    }
    assert_eq!(alone(FILTER, &buy("1", "1")), "passes");
}

#[test]
fn max_num_order_amends() {
    let rules = rules(r#"{"filterType":"MAX_NUM_ORDER_AMENDS","maxNumOrderAmends":10}"#);
    assert_eq!(check_amend(9, &rules), None);
    let refusal = check_amend(10, &rules).unwrap();
    assert_eq!(refusal.filter, FilterKind::MaxNumOrderAmends);
}

#[test]
fn max_asset() {
    let filter = |asset: &str| {
        format!(r#"{{"filterType":"MAX_ASSET","asset":"{asset}","limit":"42.00000000"}}"#)
    };
    assert_eq!(alone(&filter("BTC"), &buy("1", "42")), "passes");
    assert_eq!(alone(&filter("BTC"), &buy("1", "42.01")), "TooHigh");
    assert_eq!(alone(&filter("USDT"), &buy("42", "1")), "passes");
    assert_eq!(alone(&filter("USDT"), &buy("42.01", "1")), "TooHigh");
    assert_eq!(alone(&filter("USDT"), &market("1")), "cannot say");
    assert_eq!(alone(&filter("ETH"), &buy("99", "99")), "passes");
}

#[test]
fn an_unknown_filter_is_left_to_the_venue() {
    let rules = rules(r#"{"filterType":"T_PLUS_SELL","endTime":0}"#);
    assert_eq!(rules.filters, [Filter::Unknown("T_PLUS_SELL".into())]);
    assert_eq!(check(&buy("1", "1"), &rules, &[], &FilterState::default()), Verdict::default());
}

#[test]
fn every_filter_has_a_test() {
    let source = include_str!("tests.rs");
    for kind in FilterKind::ALL {
        let name = kind.name();
        let name = name.strip_prefix("EXCHANGE_").unwrap_or(name);
        assert!(source.contains(&format!("\"{name}\"")) || source.contains(name), "{name}");
    }
}

#[test]
fn a_filter_that_lacks_a_number_is_refused() {
    for filter in [
        r#"{"filterType":"PRICE_FILTER","minPrice":"1","maxPrice":"2"}"#,
        r#"{"filterType":"LOT_SIZE","minQty":"-1","maxQty":"2","stepSize":"1"}"#,
        r#"{"filterType":"ICEBERG_PARTS","limit":"ten"}"#,
        r#"{"filterType":"MAX_NUM_ORDERS"}"#,
        r#"{"minPrice":"1"}"#,
    ] {
        assert!(serde_json::from_str::<Filter>(filter).is_err(), "{filter}");
    }
}

#[test]
fn rules_make_an_instrument() {
    const LOT: &str = r#"{"filterType":"LOT_SIZE","minQty":"0.00001000","maxQty":"9000.00000000","stepSize":"0.00001000"}"#;
    const PRICE: &str = r#"{"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000000.00000000","tickSize":"0.01000000"}"#;
    const NOTIONAL: &str = r#"{"filterType":"NOTIONAL","minNotional":"5.00000000","applyMinToMarket":true,"maxNotional":"9000000.00000000","applyMaxToMarket":false,"avgPriceMins":5}"#;
    let fees = (Rate(0), Rate(1_000_000_000));
    let instrument =
        rules(&format!("{PRICE},{LOT},{NOTIONAL}")).to_instrument("binance", fees).unwrap();
    let spec = instrument.spec();
    assert_eq!((instrument.price_scale(), instrument.quantity_scale()), (2, 5));
    assert_eq!(spec.min_quantity.to_string(), "0.00001");
    assert_eq!(spec.max_quantity.to_string(), "9000.00000");
    assert_eq!(instrument.min_notional().to_string(), "5.00");
    let error = rules(LOT).to_instrument("binance", fees).unwrap_err();
    assert_eq!(error.to_string(), "symbol `BTCUSDT` has no PRICE_FILTER");
    let huge = LOT.replace("9000.00000000", "46116860414.00000000");
    let instrument = rules(&format!("{PRICE},{huge}")).to_instrument("binance", fees).unwrap();
    assert_eq!(instrument.max_quantity().0, sandpit_core::instrument::Instrument::QUANTITY_MAX);
    let off = PRICE.replace(r#""tickSize":"0.01000000""#, r#""tickSize":"0""#);
    let instrument = rules(&format!("{off},{LOT}")).to_instrument("binance", fees).unwrap();
    assert_eq!(instrument.price_scale(), 8);
}
