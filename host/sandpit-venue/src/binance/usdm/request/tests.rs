//! Requests as text, what they cost, and ccxt's for the same calls.

use std::{collections::BTreeMap, path::PathBuf};

use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::TimeInForce,
    market::Side,
    num::{Decimal, Price, Quantity, Rate},
    order::{Order, OrderKind, TrailingOffset},
    time::UnixNanos,
};
use serde_json::Value as Json;

use super::*;
use crate::binance::{request::KlineInterval, sign::testing::Hmac, usdm::endpoint::ENDPOINTS};

const TIMING: Timing = Timing { timestamp_ms: 1_700_000_000_000, recv_window_ms: 10_000 };

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn instrument(symbol: &str) -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: "binance-usdm".to_owned(),
        kind: InstrumentKind::Perpetual,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: number("0.1"),
        quantity_step: number("0.001"),
        min_quantity: number("0.001"),
        max_quantity: number("1000"),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

/// Prices and quantities in units of their last digit.
fn order(kind: OrderKind, side: Side, quantity: i64) -> Order {
    Order {
        id: ClientOrderId { sequence: 0x1f, plugin: PluginId(2), run: RunId(0x19f) },
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

fn asked(order: &Order) -> String {
    let rules = instrument("BTCUSDT");
    match new_order(order, &rules, OrderOptions::default()) {
        Ok(asked) => {
            let request = asked.request();
            let params = request.params();
            let text = params.map_or_else(|error| error.to_string(), |params| params.to_query());
            format!("{}: {text}", request.endpoint().name)
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn orders_of_the_core() {
    let check = |order: &Order, expected: &str| assert_eq!(asked(order), expected);
    let plain = order(OrderKind::Limit(Price(1_001)), Side::Buy, 1);
    check(
        &plain,
        "place: symbol=BTCUSDT&side=BUY&type=LIMIT&newClientOrderId=sp-19f-2-1f&quantity=0.001&newOrderRespType=RESULT&price=100.1&timeInForce=GTC",
    );
    check(
        &Order { post_only: true, ..plain },
        "place: symbol=BTCUSDT&side=BUY&type=LIMIT&newClientOrderId=sp-19f-2-1f&quantity=0.001&newOrderRespType=RESULT&price=100.1&timeInForce=GTX",
    );
    check(
        &Order { time_in_force: TimeInForce::Gtd(UnixNanos(1_790_000_000_123_456_789)), ..plain },
        "place: symbol=BTCUSDT&side=BUY&type=LIMIT&newClientOrderId=sp-19f-2-1f&quantity=0.001&newOrderRespType=RESULT&price=100.1&timeInForce=GTD&goodTillDate=1790000000123",
    );
    // What closes a position says that it does nothing else.
    check(
        &Order { reduce_only: true, ..order(OrderKind::Market, Side::Sell, 1_000) },
        "place: symbol=BTCUSDT&side=SELL&type=MARKET&newClientOrderId=sp-19f-2-1f&quantity=1&reduceOnly=true&newOrderRespType=RESULT",
    );
    check(
        &Order { reduce_only: true, ..order(OrderKind::Stop(Price(900)), Side::Sell, 1) },
        "place conditional: algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET&clientAlgoId=sp-19f-2-1f&quantity=0.001&reduceOnly=true&newOrderRespType=RESULT&triggerPrice=90",
    );
    let kind = OrderKind::StopLimit { trigger: Price(900), limit: Price(890) };
    check(
        &order(kind, Side::Sell, 1),
        "place conditional: algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP&clientAlgoId=sp-19f-2-1f&quantity=0.001&newOrderRespType=RESULT&triggerPrice=90&price=89",
    );
    check(
        &order(OrderKind::TakeProfit(Price(1_100)), Side::Sell, 1),
        "place conditional: algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=TAKE_PROFIT_MARKET&clientAlgoId=sp-19f-2-1f&quantity=0.001&newOrderRespType=RESULT&triggerPrice=110",
    );
    let trail = |points| OrderKind::TrailingStop(TrailingOffset::BasisPoints(points));
    check(
        &order(trail(150), Side::Sell, 1),
        "place conditional: algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=TRAILING_STOP_MARKET&clientAlgoId=sp-19f-2-1f&quantity=0.001&newOrderRespType=RESULT&callbackRate=1.5",
    );
    check(
        &order(trail(155), Side::Sell, 1),
        "the venue's trailing stops follow at whole tenths of a percent",
    );
    check(
        &order(trail(1_010), Side::Sell, 1),
        "place conditional: callback in tenths of a percent 101 is not from 1 to 100",
    );
    check(
        &order(OrderKind::Limit(Price(0)), Side::Buy, 1),
        "price 0 is not on the grid of `BTCUSDT`",
    );
    check(&order(OrderKind::Market, Side::Buy, 0), "quantity 0 is not on the grid of `BTCUSDT`");
    check(
        &Order { post_only: true, ..order(OrderKind::Market, Side::Buy, 1) },
        "only a limit order can only make",
    );
    check(
        &Order { post_only: true, time_in_force: TimeInForce::Ioc, ..plain },
        "an order that only makes must be good till canceled",
    );
    let long = ClientOrderId { run: RunId(1 << 48), ..plain.id };
    check(
        &Order { id: long, ..plain },
        "place: the client order id sp-1000000000000-2-1f is longer than the venue accepts",
    );
}

/// The plugin's own name of an order changes no byte.
#[test]
fn no_byte_is_a_plugins() {
    let plain = order(OrderKind::Limit(Price(1_001)), Side::Buy, 1);
    assert_eq!(asked(&plain), asked(&Order { tag: OrderTag(1), ..plain.clone() }));
}

#[test]
fn weights_and_doors() {
    let check = |request: Request<'_>, expected: &str, weight: u32, orders: u32| {
        let text = request.params().map_or_else(|e| e.to_string(), |p| p.to_query());
        let cost = request.cost();
        assert_eq!((text.as_str(), cost.weight, cost.orders), (expected, weight, orders));
    };
    let symbol = "BTCUSDT";
    check(Request::OpenOrders(None), "", 40, 0);
    check(Request::OpenOrders(Some(symbol)), "symbol=BTCUSDT", 1, 0);
    check(Request::OpenAlgos(None), "", 40, 0);
    check(Request::Countdown(symbol, 120_000), "symbol=BTCUSDT&countdownTime=120000", 10, 0);
    check(Request::PremiumIndex(None), "", 10, 0);
    check(Request::SetLeverage(symbol, 0), "leverage 0 is not from 1 to 125", 1, 0);
    check(Request::SetLeverage(symbol, 20), "symbol=BTCUSDT&leverage=20", 1, 0);
    check(
        Request::SetMarginType(symbol, MarginMode::Cross),
        "symbol=BTCUSDT&marginType=CROSSED",
        1,
        0,
    );
    check(Request::CancelAlgo(OrderRef::Venue(7)), "algoId=7", 1, 0);
    for (limit, weight) in [(5, 2), (50, 2), (100, 5), (500, 10), (1_000, 20)] {
        let depth = Depth { symbol, limit: Some(limit) };
        check(Request::Depth(depth), &format!("symbol=BTCUSDT&limit={limit}"), weight, 0);
    }
    for (limit, weight) in [(99, 1), (100, 2), (499, 2), (500, 5), (1_000, 5), (1_001, 10)] {
        let interval = KlineInterval::Minute1;
        let klines = Klines { symbol, interval, start_ms: None, end_ms: None, limit: Some(limit) };
        check(
            Request::Klines(klines),
            &format!("symbol=BTCUSDT&interval=1m&limit={limit}"),
            weight,
            0,
        );
    }
    // What changes something is what is not read; a listen key can be asked for again and again.
    for endpoint in &ENDPOINTS {
        let reads = endpoint
            .rest
            .is_none_or(|(method, path)| method.as_str() == "GET" || path.ends_with("/listenKey"));
        assert_eq!(endpoint.changes, !reads, "{}", endpoint.name);
    }
}

#[test]
fn a_listen_key_goes_with_the_keys_name_and_no_signature() {
    let signer = Hmac { api_key: "key", secret: "secret".to_owned() };
    let call = Request::StartListen.to_rest(TIMING, Some(&signer)).unwrap();
    assert_eq!((call.target().as_str(), call.body.as_str()), ("/fapi/v1/listenKey", ""));
    assert!(call.with_key);
    assert!(Request::StartListen.to_rest(TIMING, None).is_err());
    let frame = Request::KeepListen.to_websocket(7, TIMING, Identity::Key(&signer)).unwrap();
    assert_eq!(frame, r#"{"id":7,"method":"userDataStream.ping","params":{"apiKey":"key"}}"#);
    let frame = Request::KeepListen.to_websocket(7, TIMING, Identity::LoggedIn(&signer)).unwrap();
    assert_eq!(frame, r#"{"id":7,"method":"userDataStream.ping"}"#);
}

/// The example of the document "General Info", "HMAC Keys"; its key is published and worthless.
#[test]
fn the_documents_signature() {
    let secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9".to_owned();
    let signer = Hmac {
        api_key: "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83",
        secret,
    };
    let payload = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";
    let mut signature = String::new();
    signer.sign(payload.as_bytes(), &mut signature);
    assert_eq!(signature, "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9");
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
    let start_ms = number_at(1);
    let limit = number_at(2).and_then(|limit| u32::try_from(limit).ok());
    let by_number = || OrderRef::Venue(input[0].as_str().unwrap().parse().unwrap());
    Some(match case["method"].as_str().unwrap() {
        "createOrder" => ccxt_order(&input[1..], rules).request(),
        "editOrder" => Request::Modify(Modify {
            symbol,
            order: by_number(),
            side: if input[3] == "buy" { Side::Buy } else { Side::Sell },
            quantity: cut(&input[4]),
            price: number(&input[5].to_string()),
        }),
        "cancelOrder" => Request::Cancel(symbol, by_number()),
        "fetchOrder" => Request::OrderStatus(symbol, by_number()),
        "cancelAllOrders" => Request::CancelAll(symbol),
        "fetchOpenOrders" => Request::OpenOrders(Some(symbol)),
        "fetchOrders" | "fetchClosedOrders" => Request::AllOrders(symbol),
        "fetchMyTrades" => {
            Request::UserTrades(UserTrades { symbol, start_ms, limit, ..UserTrades::default() })
        }
        "fetchTradingFee" => Request::Commission(symbol),
        "fetchPositions" => Request::Brackets(None),
        "fetchOrderBook" => Request::Depth(Depth {
            symbol,
            limit: number_at(1).and_then(|limit| u32::try_from(limit).ok()),
        }),
        "fetchTrades" => {
            let end_ms = theirs.get("endTime").map(|end| end.parse().unwrap());
            Request::AggTrades(Rows { symbol, start_ms, end_ms, limit, ..Rows::default() })
        }
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

/// An amount, cut to the lot as ccxt cuts it.
fn cut(amount: &Json) -> Decimal {
    let mut text = amount.to_string();
    if let Some(dot) = text.find('.') {
        text.truncate(text.len().min(dot + 4));
    }
    number(&text)
}

/// `[type, side, amount, price, extra]` by way of the core's order.
fn ccxt_order<'a>(input: &[Json], rules: &'a Instrument) -> Asked<'a> {
    // Some of their prices are products of floats; ccxt rounds them to the tick, too.
    let price = |value: &Json| {
        let tenths = (value.as_f64().unwrap() * 10.0).round();
        rules.price(number(&format!("{:.1}", tenths / 10.0))).unwrap()
    };
    let extra = |name: &str| input.get(4).map_or(&Json::Null, |extra| &extra[name]);
    let trigger =
        [extra("stopLossPrice"), extra("triggerPrice")].into_iter().find(|t| !t.is_null());
    let kind = match (input[0] == "limit", trigger) {
        (true, None) => OrderKind::Limit(price(&input[3])),
        (true, Some(at)) => OrderKind::StopLimit { trigger: price(at), limit: price(&input[3]) },
        (false, Some(at)) => OrderKind::Stop(price(at)),
        (false, None) => OrderKind::Market,
    };
    let side = if input[1] == "buy" { Side::Buy } else { Side::Sell };
    let quantity = rules.quantity(cut(&input[2])).unwrap();
    let core = Order {
        post_only: extra("postOnly") == true,
        reduce_only: extra("reduceOnly") == true,
        time_in_force: match extra("timeInForce").as_str() {
            Some("IOC") => TimeInForce::Ioc,
            Some("FOK") => TimeInForce::Fok,
            _ => TimeInForce::Gtc,
        },
        ..order(kind, side, quantity.0)
    };
    new_order(&core, rules, OrderOptions::default()).unwrap()
}

fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Method, path and parameters equal ccxt's; and what they sign, with our values in their order, has
/// their signature.
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
    let rules = instrument("BTCUSDT");
    let (mut equal, mut signed, mut others) = (0, 0, BTreeMap::new());
    for case in file["cases"].as_array().unwrap() {
        let url = case["url"].as_str().unwrap();
        let Some(rest) = url.strip_prefix("https://fapi.binance.com") else { continue };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let body = case["body"].as_str().unwrap_or_default();
        let all = pairs(if body.is_empty() { query } else { body });
        let theirs: BTreeMap<_, _> = all.iter().cloned().collect();
        let Some(request) = of_ccxt(case, "BTCUSDT", &theirs, &rules) else {
            *others.entry(case["method"].as_str().unwrap()).or_insert(0) += 1;
            continue;
        };
        // ccxt asks for some depths that the document does not have.
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
        for name in ["newClientOrderId", "clientAlgoId"] {
            if let Some(id) = theirs.get(name) {
                // Their id is not one of ours; that it stands there is what is compared.
                *ours.get_mut(name).unwrap() = id.clone();
            }
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
        "ccxt: {equal} futures requests are equal, {signed} of them signed; not ours: {others:?}"
    );
    assert_eq!((equal, signed), (261, 243), "{others:?}");
}
