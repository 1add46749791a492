//! Requests as text, what they cost, what can never be in them, and ccxt's for the same calls.

use std::{collections::BTreeMap, path::PathBuf};

use proptest::prelude::*;
use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::TimeInForce,
    market::Side,
    num::{Decimal, Price, Quantity, Rate},
    order::{Order, OrderKind, TrailingOffset},
    time::{Nanos, UnixNanos},
};
use serde_json::Value as Json;

use super::{core_order::amend_of, *};
use crate::binance::sign::{Signer, testing::Hmac};

const TIMING: Timing = Timing { timestamp_ms: 1_700_000_000_000, recv_window_ms: 10_000 };

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn instrument(symbol: &str, tick: &str, step: &str) -> Instrument {
    let step = number(step);
    Instrument::new(InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: "binance".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: number(tick),
        quantity_step: step,
        min_quantity: step,
        max_quantity: Decimal::new(step.mantissa * 1_000_000_000, step.scale),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

fn btcusdt() -> Instrument {
    instrument("BTCUSDT", "0.01", "0.00001")
}

fn id(sequence: u64) -> ClientOrderId {
    ClientOrderId { sequence, plugin: PluginId(2), run: RunId(0x19f) }
}

/// Prices and quantities in units of their last digit.
fn order(kind: OrderKind, side: Side, quantity: i64) -> Order {
    Order {
        id: id(0x1f),
        tag: OrderTag(0xDEAD_BEEF),
        instrument: InstrumentId(0),
        side,
        quantity: Quantity(quantity),
        kind,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    }
}

fn query(request: &Request<'_>) -> String {
    request.params().map_or_else(|error| error.to_string(), |params| params.to_query())
}

fn placed(order: &Order) -> String {
    let instrument = btcusdt();
    match NewOrder::of(order, &instrument, OrderOptions::default()) {
        Ok(order) => query(&Request::Place(order)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn orders_of_the_core() {
    let limit = OrderKind::Limit(Price(10_010));
    let check = |order: &Order, expected: &str| assert_eq!(placed(order), expected);
    let plain = order(limit, Side::Buy, 100);
    check(
        &plain,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&newClientOrderId=sp-19f-2-1f&price=100.1&timeInForce=GTC&quantity=0.001&newOrderRespType=FULL",
    );
    check(
        &Order { time_in_force: TimeInForce::Ioc, ..plain },
        "symbol=BTCUSDT&side=BUY&type=LIMIT&newClientOrderId=sp-19f-2-1f&price=100.1&timeInForce=IOC&quantity=0.001&newOrderRespType=FULL",
    );
    check(
        &Order { post_only: true, ..plain },
        "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&newClientOrderId=sp-19f-2-1f&price=100.1&quantity=0.001&newOrderRespType=FULL",
    );
    // What the host holds to a position goes out without a word about it.
    check(
        &Order { reduce_only: true, ..order(OrderKind::Market, Side::Sell, 100_000) },
        "symbol=BTCUSDT&side=SELL&type=MARKET&newClientOrderId=sp-19f-2-1f&quantity=1&newOrderRespType=FULL",
    );
    check(
        &order(OrderKind::Stop(Price(9_009)), Side::Sell, 1),
        "symbol=BTCUSDT&side=SELL&type=STOP_LOSS&newClientOrderId=sp-19f-2-1f&stopPrice=90.09&quantity=0.00001&newOrderRespType=FULL",
    );
    let kind = OrderKind::StopLimit { trigger: Price(9_009), limit: Price(9_000) };
    check(
        &order(kind, Side::Sell, 1),
        "symbol=BTCUSDT&side=SELL&type=STOP_LOSS_LIMIT&newClientOrderId=sp-19f-2-1f&price=90&stopPrice=90.09&timeInForce=GTC&quantity=0.00001&newOrderRespType=FULL",
    );
    check(
        &order(OrderKind::TakeProfit(Price(11_000)), Side::Sell, 1),
        "symbol=BTCUSDT&side=SELL&type=TAKE_PROFIT&newClientOrderId=sp-19f-2-1f&stopPrice=110&quantity=0.00001&newOrderRespType=FULL",
    );
    let trail = OrderKind::TrailingStop(TrailingOffset::BasisPoints(150));
    check(
        &order(trail, Side::Sell, 1),
        "symbol=BTCUSDT&side=SELL&type=STOP_LOSS&newClientOrderId=sp-19f-2-1f&trailingDelta=150&quantity=0.00001&newOrderRespType=FULL",
    );
}

#[test]
fn what_cannot_be_asked_is_said() {
    let limit = OrderKind::Limit(Price(10_010));
    let check = |order: &Order, expected: &str| assert_eq!(placed(order), expected);
    let plain = order(limit, Side::Buy, 100);
    check(
        &Order { time_in_force: TimeInForce::Gtd(UnixNanos(1)), ..plain },
        "the venue has no orders good till a time",
    );
    check(
        &Order { time_in_force: TimeInForce::Ioc, post_only: true, ..plain },
        "an order that only makes must be good till canceled",
    );
    check(
        &Order { post_only: true, ..order(OrderKind::Market, Side::Buy, 1) },
        "only a limit order can only make",
    );
    let trail = OrderKind::TrailingStop(TrailingOffset::Price(Price(5)));
    check(
        &order(trail, Side::Sell, 1),
        "the venue's trailing stops follow at a share of the price, not at a distance",
    );
    check(&order(limit, Side::Buy, 0), "quantity 0 is not on the grid of `BTCUSDT`");
    check(
        &order(limit, Side::Buy, i64::MAX),
        "quantity 9223372036854775807 is not on the grid of `BTCUSDT`",
    );
    check(
        &order(OrderKind::Limit(Price(-1)), Side::Buy, 1),
        "price -1 is not on the grid of `BTCUSDT`",
    );
    check(
        &order(OrderKind::Stop(Price(0)), Side::Buy, 1),
        "stop price 0 is not on the grid of `BTCUSDT`",
    );
    let coarse = instrument("X", "0.5", "0.1");
    let off = order(OrderKind::Limit(Price(7)), Side::Buy, 1);
    let error = NewOrder::of(&off, &coarse, OrderOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "price 7 is not on the grid of `X`");
    let long = Order { id: ClientOrderId { run: RunId(1 << 48), ..id(1) }, ..plain };
    check(&long, "the client order id sp-1000000000000-2-1 is longer than the venue accepts");
}

fn new_order(kind: NewOrderKind, size: Size) -> NewOrder<'static> {
    NewOrder {
        symbol: "BTCUSDT",
        side: Side::Buy,
        kind,
        size,
        iceberg: None,
        client_id: id(1),
        options: OrderOptions::default(),
    }
}

#[test]
fn all_types_and_flags_of_the_venue() {
    let check = |order: NewOrder<'_>, expected: &str| {
        assert_eq!(query(&Request::Place(order)), expected);
    };
    let base = Size::Base(number("1.50"));
    let (price, time_in_force) = (number("100"), Tif::Fok);
    let trigger = Trigger::TrailingFrom { price: number("101.50"), delta: 10 };
    check(
        new_order(NewOrderKind::TakeProfitLimit { trigger, price, time_in_force }, base),
        "symbol=BTCUSDT&side=BUY&type=TAKE_PROFIT_LIMIT&newClientOrderId=sp-19f-2-1&price=100&stopPrice=101.5&trailingDelta=10&timeInForce=FOK&quantity=1.5&newOrderRespType=FULL",
    );
    let quote = Size::Quote(number("20.00"));
    check(
        new_order(NewOrderKind::Market, quote),
        "symbol=BTCUSDT&side=BUY&type=MARKET&newClientOrderId=sp-19f-2-1&quoteOrderQty=20&newOrderRespType=FULL",
    );
    let mut iceberg = new_order(NewOrderKind::LimitMaker { price }, base);
    iceberg.iceberg = Some(number("0.5"));
    iceberg.options = OrderOptions {
        response: ResponseType::Ack,
        self_trade_prevention: Some(SelfTradePrevention::ExpireMaker),
    };
    check(
        iceberg,
        "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&newClientOrderId=sp-19f-2-1&price=100&quantity=1.5&icebergQty=0.5&newOrderRespType=ACK&selfTradePreventionMode=EXPIRE_MAKER",
    );
    iceberg.kind = NewOrderKind::Limit { price, time_in_force };
    check(iceberg, "only orders with a limit, good till canceled, can be icebergs");
    check(
        new_order(NewOrderKind::LimitMaker { price }, quote),
        "only market orders can be sized in the quote asset",
    );
    check(
        new_order(NewOrderKind::StopLoss { trigger: Trigger::Trailing(0) }, base),
        "trailing delta 0 is not from 1 to 10000",
    );
    check(
        new_order(NewOrderKind::Market, Size::Base(Decimal::ZERO)),
        "quantity must be greater than zero",
    );
}

#[test]
fn cancels_changes_and_lists() {
    let instrument = btcusdt();
    let symbol = "BTCUSDT";
    let check = |request: Request<'_>, expected: &str| assert_eq!(query(&request), expected);
    let by_id = OrderRef::Client(id(1));
    check(
        Request::Cancel(Cancel {
            symbol,
            order: by_id,
            restriction: Some(CancelRestriction::OnlyNew),
        }),
        "symbol=BTCUSDT&origClientOrderId=sp-19f-2-1&cancelRestrictions=ONLY_NEW",
    );
    check(Request::CancelAll(symbol), "symbol=BTCUSDT");
    check(Request::OrderStatus(symbol, OrderRef::Venue(7)), "symbol=BTCUSDT&orderId=7");
    let new = new_order(NewOrderKind::Market, Size::Base(number("1")));
    check(
        Request::CancelReplace(CancelReplace {
            cancel: by_id,
            new: NewOrder { client_id: id(2), ..new },
            mode: CancelReplaceMode::StopOnFailure,
            when_limited: Some(RateLimitExceededMode::CancelOnly),
        }),
        "symbol=BTCUSDT&side=BUY&type=MARKET&newClientOrderId=sp-19f-2-2&quantity=1&newOrderRespType=FULL&cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=sp-19f-2-1&orderRateLimitExceededMode=CANCEL_ONLY",
    );
    let change = sandpit_core::engine::AmendOrder {
        order: id(1),
        instrument: InstrumentId(0),
        quantity: Some(Quantity(50)),
        price: None,
    };
    check(
        amend_of(&change, &instrument).unwrap(),
        "symbol=BTCUSDT&origClientOrderId=sp-19f-2-1&newClientOrderId=sp-19f-2-1&newQty=0.0005",
    );
    let priced = sandpit_core::engine::AmendOrder { price: Some(Price(1)), ..change };
    assert!(matches!(amend_of(&priced, &instrument), Err(RequestError::Unsupported { .. })));

    let stop = order(OrderKind::Stop(Price(9_000)), Side::Sell, 100);
    let profit = Order { id: id(2), ..order(OrderKind::Limit(Price(11_000)), Side::Sell, 100) };
    let oco = NewOco::of(&stop, &profit, &instrument, OrderOptions::default()).unwrap();
    check(
        Request::PlaceOco(oco),
        "symbol=BTCUSDT&listClientOrderId=sp-19f-2-1f&side=SELL&quantity=0.001&aboveType=LIMIT_MAKER&aboveClientOrderId=sp-19f-2-2&abovePrice=110&belowType=STOP_LOSS&belowClientOrderId=sp-19f-2-1f&belowStopPrice=90&newOrderRespType=FULL",
    );
    let entry = Order { id: id(3), ..order(OrderKind::Limit(Price(10_000)), Side::Buy, 100) };
    let list =
        NewOtoco::of(&entry, (&stop, &profit), &instrument, OrderOptions::default()).unwrap();
    check(
        Request::PlaceOtoco(list),
        "symbol=BTCUSDT&listClientOrderId=sp-19f-2-3&workingSide=BUY&workingQuantity=0.001&workingType=LIMIT&workingClientOrderId=sp-19f-2-3&workingPrice=100&workingTimeInForce=GTC&pendingSide=SELL&pendingQuantity=0.001&pendingAboveType=LIMIT_MAKER&pendingAboveClientOrderId=sp-19f-2-2&pendingAbovePrice=110&pendingBelowType=STOP_LOSS&pendingBelowClientOrderId=sp-19f-2-1f&pendingBelowStopPrice=90&newOrderRespType=FULL",
    );
    // A pair that buys has its stop above.
    let stop = order(OrderKind::Stop(Price(11_000)), Side::Buy, 100);
    let profit = Order { id: id(2), ..order(OrderKind::Limit(Price(9_000)), Side::Buy, 100) };
    let oco = NewOco::of(&stop, &profit, &instrument, OrderOptions::default()).unwrap();
    assert_eq!(oco.pair.above.1, stop.id);
    let two_stops = NewOco::of(&stop, &stop, &instrument, OrderOptions::default()).unwrap();
    check(
        Request::PlaceOco(two_stops),
        "of a pair one order takes a profit and the other stops a loss",
    );
    let market = Order { kind: OrderKind::Market, ..entry };
    let list =
        NewOtoco::of(&market, (&stop, &profit), &instrument, OrderOptions::default()).unwrap();
    check(Request::PlaceOtoco(list), "the entry of a list must be a limit order");
    check(
        Request::CancelList(CancelList { symbol, list: ListRef::Venue(9) }),
        "symbol=BTCUSDT&orderListId=9",
    );
    check(Request::ListStatus(ListRef::Client(id(3))), "origClientOrderId=sp-19f-2-3");
}

#[test]
fn queries_and_their_weights() {
    let symbol = "BTCUSDT";
    let check = |request: Request<'_>, expected: &str, weight: u32| {
        assert_eq!((query(&request).as_str(), request.cost().weight), (expected, weight));
    };
    check(Request::Time, "", 1);
    check(Request::OpenOrders(None), "", 80);
    check(Request::OpenOrders(Some(symbol)), "symbol=BTCUSDT", 6);
    check(Request::ExchangeInfo(&[]), "", 20);
    check(Request::ExchangeInfo(&[symbol]), "symbol=BTCUSDT", 20);
    check(Request::ExchangeInfo(&["A", "B"]), "symbols=%5B%22A%22%2C%22B%22%5D", 20);
    let trades = MyTrades { symbol, ..MyTrades::default() };
    check(Request::MyTrades(trades), "symbol=BTCUSDT", 20);
    check(Request::MyTrades(MyTrades { order: Some(7), ..trades }), "symbol=BTCUSDT&orderId=7", 5);
    check(
        Request::MyTrades(MyTrades { order: Some(7), start_ms: Some(1), ..trades }),
        "own trades are asked for by time or by number, not both",
        5,
    );
    check(
        Request::MyTrades(MyTrades { limit: Some(1_001), ..trades }),
        "limit 1001 is not from 1 to 1000",
        20,
    );
    for (levels, weight) in
        [(1, 5), (100, 5), (101, 25), (500, 25), (501, 50), (1_000, 50), (1_001, 250), (5_000, 250)]
    {
        let limit = Some(DepthLimit::new(levels).unwrap());
        let expected = format!("symbol=BTCUSDT&limit={levels}");
        check(Request::Depth(Depth { symbol, limit }), &expected, weight);
    }
    check(Request::Depth(Depth { symbol, limit: None }), "symbol=BTCUSDT", 5);
    assert!(DepthLimit::new(0).is_err() && DepthLimit::new(5_001).is_err());
    assert_eq!(KlineInterval::of(Nanos::from_millis(60_000)), Some(KlineInterval::Minute1));
    assert_eq!(KlineInterval::of(Nanos::from_millis(61_000)), None);
}

#[test]
fn costs_of_orders() {
    let new = new_order(NewOrderKind::Market, Size::Base(number("1")));
    let place = Request::Place(new).cost();
    assert_eq!((place.weight, place.weight_confirmed, place.orders), (1, 0, 1));
    let by_id = Cancel { symbol: "X", order: OrderRef::Venue(1), restriction: None };
    let cancel = Request::Cancel(by_id).cost();
    assert_eq!((cancel.weight, cancel.weight_confirmed, cancel.orders), (1, 0, 0));
    let counts = ["place", "cancel and replace", "place OCO", "place OTOCO", "amend"]
        .map(|name| ENDPOINTS.iter().find(|endpoint| endpoint.name == name).unwrap().cost.orders);
    assert_eq!(counts, [1, 1, 2, 3, 0]);
    // What changes something is what is not read.
    for endpoint in &ENDPOINTS {
        let reads = endpoint.rest.is_none_or(|(method, _)| method == Method::Get);
        assert_eq!(endpoint.changes, !reads, "{}", endpoint.name);
    }
}

fn signer() -> Hmac {
    Hmac { api_key: "key", secret: "secret".to_owned() }
}

#[test]
fn doors_and_keys() {
    let signer = signer();
    let place = Request::Place(new_order(NewOrderKind::Market, Size::Base(number("1"))));
    let call = place.to_rest(TIMING, Some(&signer)).unwrap();
    assert_eq!((call.method.as_str(), call.target().as_str()), ("POST", "/api/v3/order"));
    assert!(call.body.contains("&timestamp=1700000000000&recvWindow=10000&signature="));
    assert!(call.with_key);
    let call = Request::CancelAll("X").to_rest(TIMING, Some(&signer)).unwrap();
    assert!(call.target().starts_with("/api/v3/openOrders?symbol=X&timestamp="));
    assert!(call.body.is_empty());
    let call = Request::Time.to_rest(TIMING, None).unwrap();
    assert_eq!((call.target().as_str(), call.with_key), ("/api/v3/time", false));
    let error = |error: RequestError| error.to_string();
    assert_eq!(error(place.to_rest(TIMING, None).unwrap_err()), "place needs a key");
    assert_eq!(
        error(Request::Logon.to_rest(TIMING, Some(&signer)).unwrap_err()),
        "logon cannot be asked of the REST API"
    );
    assert_eq!(
        error(Request::SystemStatus.to_websocket(1, TIMING, Identity::Key(&signer)).unwrap_err()),
        "system status cannot be asked of the WebSocket API"
    );
    let timing = Timing { recv_window_ms: 60_001, ..TIMING };
    assert_eq!(
        error(place.to_rest(timing, Some(&signer)).unwrap_err()),
        "recvWindow 60001 is not from 1 to 60000"
    );
}

#[test]
fn frames_of_the_websocket_api() {
    let signer = signer();
    let frame = |request: Request<'_>, identity: Identity<'_>| {
        request.to_websocket(7, TIMING, identity).unwrap_or_else(|error| error.to_string())
    };
    assert_eq!(frame(Request::Time, Identity::Nobody), r#"{"id":7,"method":"time"}"#);
    let place = Request::Place(new_order(NewOrderKind::Market, Size::Base(number("1"))));
    let text = frame(place, Identity::Key(&signer));
    let json: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(json["method"], "order.place");
    let params = json["params"].as_object().unwrap();
    assert_eq!(params["timestamp"], 1_700_000_000_000u64);
    assert_eq!(params["quantity"], "1");
    assert_eq!(params["apiKey"], "key");
    // The signature is of all other parameters, sorted.
    let sorted: BTreeMap<_, _> = params.iter().filter(|(name, _)| *name != "signature").collect();
    let payload: Vec<_> = sorted
        .iter()
        .map(|(name, value)| {
            format!("{name}={}", value.as_str().map_or(value.to_string(), str::to_owned))
        })
        .collect();
    let mut signature = String::new();
    signer.sign(payload.join("&").as_bytes(), &mut signature);
    assert_eq!(params["signature"], signature);

    let text = frame(place, Identity::LoggedIn(&signer));
    assert!(text.contains("timestamp") && !text.contains("apiKey") && !text.contains("signature"));
    assert_eq!(frame(place, Identity::Nobody), "place needs a key");
    assert_eq!(
        frame(Request::Subscribe, Identity::LoggedIn(&signer)),
        r#"{"id":7,"method":"userDataStream.subscribe"}"#
    );
    assert_eq!(
        frame(Request::Subscribe, Identity::Key(&signer)),
        "the connection is not logged in"
    );
    for request in [Request::Logon, Request::SubscribeSigned] {
        for identity in [Identity::Key(&signer), Identity::LoggedIn(&signer)] {
            let json: Json = serde_json::from_str(&frame(request, identity)).unwrap();
            let names: Vec<_> = json["params"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(names, ["apiKey", "recvWindow", "signature", "timestamp"]);
        }
    }
    assert_eq!(
        frame(Request::ExchangeInfo(&["A", "B"]), Identity::Nobody),
        r#"{"id":7,"method":"exchangeInfo","params":{"symbols":["A","B"]}}"#
    );
    let account = Request::Account { omit_zero_balances: true };
    assert!(frame(account, Identity::Key(&signer)).contains(r#""omitZeroBalances":true"#));
}

/// What a value of a request may be, by the name of its parameter.
fn is_allowed(name: &str, value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let decimal = |text: &str| match text.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && !part.ends_with('0'),
        None => digits(text),
    };
    match name {
        "symbol" => value == "BTCUSDT",
        "side" => ["BUY", "SELL"].contains(&value),
        "type" => ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"]
            .contains(&value),
        "timeInForce" => ["GTC", "IOC", "FOK"].contains(&value),
        "newOrderRespType" => value == "FULL",
        "newClientOrderId" => {
            crate::binance::client_id::parse(value).is_some_and(|id| id.to_string() == value)
        }
        "quantity" | "price" | "stopPrice" => decimal(value),
        "trailingDelta" | "timestamp" | "recvWindow" => digits(value),
        "signature" => value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit()),
        _ => false,
    }
}

fn any_kind() -> impl Strategy<Value = OrderKind> {
    let price = prop_oneof![any::<i64>(), 1..1_000_000i64].prop_map(Price);
    prop_oneof![
        Just(OrderKind::Market),
        price.clone().prop_map(OrderKind::Limit),
        price.clone().prop_map(OrderKind::Stop),
        (price.clone(), price.clone())
            .prop_map(|(trigger, limit)| OrderKind::StopLimit { trigger, limit }),
        price.clone().prop_map(OrderKind::TakeProfit),
        price.prop_map(|p| OrderKind::TrailingStop(TrailingOffset::Price(p))),
        any::<u16>().prop_map(|p| OrderKind::TrailingStop(TrailingOffset::BasisPoints(p))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// Whatever an order of the core holds, all that the venue sees is words of its own documents,
    /// numbers on the grid, and our id. The plugin's own name of the order changes no byte.
    #[test]
    fn no_byte_is_a_plugins(
        kind in any_kind(),
        quantity in prop_oneof![any::<i64>(), 1..1_000_000i64],
        buy in any::<bool>(),
        tags in any::<(u64, u64)>(),
        (post_only, reduce_only) in any::<(bool, bool)>(),
        tif in 0..4u8,
        (sequence, plugin, run) in any::<(u32, u16, u32)>(),
    ) {
        let instrument = btcusdt();
        let base = Order {
            id: ClientOrderId {
                sequence: u64::from(sequence),
                plugin: PluginId(plugin),
                run: RunId(u64::from(run)),
            },
            tag: OrderTag(tags.0),
            post_only,
            reduce_only,
            time_in_force: match tif {
                0 => TimeInForce::Gtc,
                1 => TimeInForce::Ioc,
                2 => TimeInForce::Fok,
                _ => TimeInForce::Gtd(UnixNanos(tags.1)),
            },
            ..order(kind, if buy { Side::Buy } else { Side::Sell }, quantity)
        };
        let body = |order: &Order| {
            let new = NewOrder::of(order, &instrument, OrderOptions::default()).ok()?;
            let call = Request::Place(new).to_rest(TIMING, Some(&signer())).ok()?;
            Some(call.body)
        };
        let text = body(&base);
        prop_assert_eq!(&text, &body(&Order { tag: OrderTag(tags.1), ..base }));
        for pair in text.iter().flat_map(|text| text.split('&')) {
            let (name, value) = pair.split_once('=').unwrap();
            prop_assert!(is_allowed(name, value), "{pair}");
        }
    }
}

/// One of ccxt's calls as a request of ours; `None` where we ask for no such thing.
fn of_ccxt<'a>(
    case: &'a Json,
    symbol: &'a str,
    theirs: &BTreeMap<String, String>,
    rules: &'a Instrument,
) -> Option<Request<'a>> {
    let input = case["input"].as_array().unwrap();
    let number_at = |at: usize| input.get(at).and_then(Json::as_u64);
    let milliseconds = number_at(1);
    let limit = number_at(2).and_then(|limit| u32::try_from(limit).ok());
    let end_ms = theirs.get("endTime").map(|end| end.parse().unwrap());
    Some(match case["method"].as_str().unwrap() {
        "createOrder" => Request::Place(ccxt_order(&input[1..], theirs, rules)),
        "editOrder" => Request::CancelReplace(CancelReplace {
            cancel: OrderRef::Venue(input[0].as_str().unwrap().parse().unwrap()),
            new: ccxt_order(&input[2..], theirs, rules),
            mode: CancelReplaceMode::StopOnFailure,
            when_limited: None,
        }),
        "cancelOrder" => Request::Cancel(Cancel {
            symbol,
            order: OrderRef::Venue(input[0].as_str().unwrap().parse().unwrap()),
            restriction: None,
        }),
        "fetchOrder" => Request::OrderStatus(
            symbol,
            OrderRef::Venue(input[0].as_str().unwrap().parse().unwrap()),
        ),
        "cancelAllOrders" => Request::CancelAll(symbol),
        "fetchOpenOrders" => Request::OpenOrders(Some(symbol)),
        "fetchMyTrades" => Request::MyTrades(MyTrades {
            symbol,
            start_ms: milliseconds,
            limit,
            ..MyTrades::default()
        }),
        "fetchBalance" => Request::Account { omit_zero_balances: false },
        "fetchMarkets" => Request::ExchangeInfo(&[]),
        "fetchTime" => Request::Time,
        "fetchStatus" => Request::SystemStatus,
        "fetchOrderBook" => Request::Depth(Depth {
            symbol,
            limit: number_at(1)
                .map(|levels| DepthLimit::new(u32::try_from(levels).unwrap()).unwrap()),
        }),
        "fetchTrades" => Request::AggTrades(AggTrades {
            symbol,
            from_id: None,
            start_ms: milliseconds,
            end_ms,
            limit,
        }),
        "fetchOHLCV" => {
            let word = input[1].as_str().unwrap();
            let interval = KlineInterval::ALL.into_iter().find(|i| i.word() == word).unwrap();
            // ccxt asks for 500 where nobody says how many.
            let limit = number_at(3).map_or(500, |limit| u32::try_from(limit).unwrap());
            let (start_ms, end_ms) = (number_at(2), None);
            Request::Klines(Klines { symbol, interval, start_ms, end_ms, limit: Some(limit) })
        }
        _ => return None,
    })
}

/// `[type, side, amount, price, extra]` by way of the core's order, where it has such orders.
fn ccxt_order<'a>(
    input: &[Json],
    theirs: &BTreeMap<String, String>,
    rules: &'a Instrument,
) -> NewOrder<'a> {
    let decimal = |value: &Json| number(&value.to_string());
    // Some of their prices are products of floats; ccxt rounds them to the tick, too.
    let price =
        |value: &Json| rules.price(number(&format!("{:.2}", value.as_f64().unwrap()))).unwrap();
    let extra = |name: &str| input.get(4).map_or(&Json::Null, |extra| &extra[name]);
    let is_limit = input[0] == "limit";
    let trigger =
        [extra("stopLossPrice"), extra("triggerPrice")].into_iter().find(|t| !t.is_null());
    let kind = match (is_limit, trigger) {
        (true, None) => OrderKind::Limit(price(&input[3])),
        (true, Some(at)) => OrderKind::StopLimit { trigger: price(at), limit: price(&input[3]) },
        (false, Some(at)) => OrderKind::Stop(price(at)),
        (false, None) => OrderKind::Market,
    };
    let side = if input[1] == "buy" { Side::Buy } else { Side::Sell };
    let core = Order {
        post_only: extra("postOnly") == true,
        time_in_force: match extra("timeInForce").as_str() {
            Some("IOC") => TimeInForce::Ioc,
            Some("FOK") => TimeInForce::Fok,
            _ => TimeInForce::Gtc,
        },
        ..order(kind, side, rules.quantity(decimal(&input[2])).unwrap().0)
    };
    let mut new = NewOrder::of(&core, rules, OrderOptions::default()).unwrap();
    // ccxt sizes a market buy with a price in the quote asset; the core never does.
    if let Some(amount) = theirs.get("quoteOrderQty") {
        new.size = Size::Quote(number(amount));
    }
    new
}

fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Method, path and parameters equal ccxt's; and what they sign, with our values in their order,
/// has their signature.
#[test]
fn ccxt_asks_the_same() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/requests/ccxt-binance.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is missing", path.display());
        return;
    };
    let file: Json = serde_json::from_str(&text).unwrap();
    let secret = file["credentials"]["secret"].as_str().unwrap().to_owned();
    let signer = Hmac { api_key: "test-api-key", secret };
    let (mut equal, mut signed, mut others) = (0, 0, BTreeMap::new());
    for case in file["cases"].as_array().unwrap() {
        let url = case["url"].as_str().unwrap();
        let Some(rest) = url.strip_prefix("https://api.binance.com") else {
            *others.entry("futures").or_insert(0) += 1;
            continue;
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let body = case["body"].as_str().unwrap_or_default();
        let all = pairs(if body.is_empty() { query } else { body });
        let theirs: BTreeMap<_, _> = all.iter().cloned().collect();
        let symbol = theirs.get("symbol").cloned().unwrap_or_default();
        let rules = instrument(if symbol.is_empty() { "X" } else { &symbol }, "0.01", "0.00001");
        let Some(request) = of_ccxt(case, &symbol, &theirs, &rules) else {
            *others.entry(case["method"].as_str().unwrap()).or_insert(0) += 1;
            continue;
        };
        let is_signed = case["signed"] == true;
        let call = request.to_rest(TIMING, is_signed.then_some(&signer as &dyn Signer)).unwrap();
        assert_eq!(call.method.as_str(), case["http"].as_str().unwrap());
        assert_eq!(call.path, path);
        assert_eq!(
            (call.query.is_empty(), call.body.is_empty()),
            (query.is_empty(), body.is_empty())
        );
        let text = if call.body.is_empty() { &call.query } else { &call.body };
        let mut ours: BTreeMap<_, _> = pairs(text).into_iter().collect();
        if let Some(id) = theirs.get("newClientOrderId") {
            // Their id is not one of ours; that it stands there is what is compared.
            *ours.get_mut("newClientOrderId").unwrap() = id.clone();
        }
        let our_signature = ours.remove("signature");
        assert_eq!(our_signature.is_some(), is_signed);
        let mut expected = theirs.clone();
        let their_signature = expected.remove("signature");
        assert_eq!(ours, expected, "{}", case["input"]);
        if let Some(expected) = their_signature {
            let payload: Vec<_> = all
                .iter()
                .filter(|(name, _)| name != "signature")
                .map(|(name, _)| format!("{name}={}", ours[name]))
                .collect();
            let mut signature = String::new();
            signer.sign(payload.join("&").as_bytes(), &mut signature);
            assert_eq!(signature, expected, "{}", case["input"]);
            signed += 1;
        }
        equal += 1;
    }
    println!(
        "ccxt: {equal} spot requests are equal, {signed} of them signed; not ours: {others:?}"
    );
    assert_eq!((equal, signed), (470, 431), "{others:?}");
}
