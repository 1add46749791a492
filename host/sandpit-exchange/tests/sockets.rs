//! The exchange over real sockets, asked by a plain client.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod support;

use std::collections::BTreeMap;

use sandpit_exchange::Limits;
use serde_json::{Value, json};
use support::{Running, START_MS, config, hmac_sha256, start};

const SELL: &str = "side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=100";
const BUY: &str = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100";

fn code(answer: &support::Answer) -> (u16, i64) {
    (answer.status, answer.body["code"].as_i64().unwrap_or_default())
}

#[tokio::test]
async fn the_market_is_told_to_everybody() {
    let exchange = start(config(), None).await;
    assert_eq!(exchange.get("/api/v3/ping").await.body, json!({}));
    assert_eq!(exchange.get("/api/v3/time").await.body, json!({"serverTime": START_MS}));
    let info = exchange.get("/api/v3/exchangeInfo?symbol=BTCUSDT").await.body;
    assert_eq!(info["symbols"][0]["filters"].as_array().unwrap().len(), 11);
    exchange.order("alice", &format!("{SELL}&newClientOrderId=a")).await;
    exchange.order("bob", &BUY.replace("quantity=1", "quantity=0.4")).await;
    exchange.order("bob", &BUY.replace("price=100", "price=90")).await;
    let depth = exchange.get("/api/v3/depth?symbol=BTCUSDT&limit=5").await.body;
    assert_eq!(depth["asks"], json!([["100.00000000", "0.60000000"]]));
    assert_eq!(depth["bids"], json!([["90.00000000", "1.00000000"]]));
    let trades = exchange.get("/api/v3/trades?symbol=BTCUSDT").await.body;
    assert_eq!(
        (&trades[0]["qty"], &trades[0]["isBuyerMaker"]),
        (&json!("0.40000000"), &json!(false))
    );
    let aggregates = exchange.get("/api/v3/aggTrades?symbol=BTCUSDT").await.body;
    assert_eq!(aggregates[0]["q"], "0.40000000");
    let klines = exchange.get("/api/v3/klines?symbol=BTCUSDT&interval=1m").await.body;
    assert_eq!((&klines[0][0], &klines[0][5]), (&json!(START_MS), &json!("0.40000000")));
    assert_eq!(exchange.get("/api/v3/avgPrice?symbol=BTCUSDT").await.body["price"], "100.00000000");
    let day = exchange.get("/api/v3/ticker/24hr?symbol=BTCUSDT").await.body;
    assert_eq!((&day["lastPrice"], &day["count"]), (&json!("100.00000000"), &json!(1)));
    let books = exchange.get("/api/v3/ticker/bookTicker").await.body;
    assert_eq!(books.as_array().unwrap().len(), 2);
    assert_eq!(
        exchange.get("/api/v3/ticker/price?symbol=BTCUSDT").await.body["price"],
        "100.00000000"
    );
    assert_eq!(code(&exchange.get("/api/v3/depth?symbol=XXX").await), (400, -1121));
    assert_eq!(code(&exchange.get("/api/v3/depth").await), (400, -1102));
    assert_eq!(code(&exchange.get("/api/v3/depth?symbol=BTCUSDT&x=1").await), (400, -1104));
    assert_eq!(exchange.get("/api/v3/nothing").await.status, 404);
    assert_eq!(exchange.raw("POST", "/api/v3/userDataStream", None, "").await.status, 410);
}

#[tokio::test]
async fn who_may_not_is_refused_as_the_venue_does() {
    let exchange = start(config(), None).await;
    let account = |key: Option<&'static str>, text: String| {
        let target = format!("/api/v3/account?{text}");
        let exchange = &exchange;
        async move { code(&exchange.raw("GET", &target, key, "").await) }
    };
    let sign = |text: &str| format!("{text}&signature={}", hmac_sha256("alicesecret", text));
    let at = |ms: u64| format!("timestamp={ms}");
    assert_eq!(account(None, sign(&at(START_MS))).await, (401, -2014));
    assert_eq!(account(Some("nobody"), sign(&at(START_MS))).await, (401, -2015));
    assert_eq!(account(Some("alicehmac"), at(START_MS)).await, (400, -1102));
    assert_eq!(account(Some("alicehmac"), sign("recvWindow=5000")).await, (400, -1102));
    assert_eq!(account(Some("bobhmac"), sign(&at(START_MS))).await, (400, -1022));
    assert_eq!(account(Some("alicehmac"), sign(&at(START_MS - 5_001))).await, (400, -1021));
    assert_eq!(account(Some("alicehmac"), sign(&at(START_MS + 1_000))).await, (400, -1021));
    assert_eq!(account(Some("alicehmac"), sign(&at(START_MS))).await, (200, 0));
    // Signed over query and body joined without a sign between them.
    let (query, body) = ("symbol=BTCUSDT", format!("{SELL}&{}", at(START_MS)));
    let signature = hmac_sha256("alicesecret", &format!("{query}{body}"));
    let target = format!("/api/v3/order?{query}");
    let body = format!("{body}&signature={signature}");
    assert_eq!(exchange.raw("POST", &target, Some("alicehmac"), &body).await.status, 200);
}

#[tokio::test]
async fn orders_live_their_lives_over_rest() {
    let exchange = start(config(), None).await;
    let ask = |method: &'static str, path: &'static str, query: &'static str| {
        exchange.signed("alice", method, path, query)
    };
    exchange.order("alice", &format!("{SELL}&newClientOrderId=a")).await;
    let order = "/api/v3/order";
    let a = "symbol=BTCUSDT&origClientOrderId=a";
    assert_eq!(ask("GET", order, a).await.body["status"], "NEW");
    assert_eq!(ask("GET", "/api/v3/openOrders", "").await.body.as_array().unwrap().len(), 1);
    let amend = "symbol=BTCUSDT&origClientOrderId=a&newQty=0.5&newClientOrderId=b";
    let amended = ask("PUT", "/api/v3/order/amend/keepPriority", amend).await.body;
    assert_eq!(amended["amendedOrder"]["qty"], "0.50000000", "{amended}");
    let again = ask(
        "PUT",
        "/api/v3/order/amend/keepPriority",
        "symbol=BTCUSDT&origClientOrderId=b&newQty=0.5",
    )
    .await;
    assert_eq!(code(&again), (400, -2038));
    let replace = "symbol=BTCUSDT&cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=b&side=SELL&type=LIMIT&timeInForce=GTC&quantity=2&price=101&newClientOrderId=c";
    let path = "/api/v3/order/cancelReplace";
    assert_eq!(ask("POST", path, replace).await.body["newOrderResponse"]["status"], "NEW");
    let failed = ask("POST", path, replace).await;
    assert_eq!(code(&failed), (400, -2022));
    assert_eq!(failed.body["data"]["newOrderResult"], "NOT_ATTEMPTED");
    let half = ask("POST", path, "symbol=BTCUSDT&cancelReplaceMode=ALLOW_FAILURE&cancelOrigClientOrderId=b&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=102").await;
    assert_eq!(code(&half), (409, -2021));
    let canceled = ask("DELETE", order, "symbol=BTCUSDT&origClientOrderId=c").await.body;
    assert_eq!(
        (&canceled["status"], &canceled["origClientOrderId"]),
        (&json!("CANCELED"), &json!("c"))
    );
    assert_eq!(
        code(&ask("DELETE", order, "symbol=BTCUSDT&origClientOrderId=c").await),
        (400, -2011)
    );
    assert_eq!(code(&ask("GET", order, "symbol=BTCUSDT&orderId=99").await), (400, -2013));
    let oco = "symbol=BTCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=110&belowType=STOP_LOSS&belowStopPrice=90&listClientOrderId=l";
    let list = ask("POST", "/api/v3/orderList/oco", oco).await.body;
    assert_eq!(list["orderReports"].as_array().map(Vec::len), Some(2), "{list}");
    assert_eq!(ask("GET", "/api/v3/openOrderList", "").await.body[0]["listClientOrderId"], "l");
    let all = ask("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT").await.body;
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    assert_eq!(
        ask("GET", "/api/v3/allOrders", "symbol=BTCUSDT").await.body.as_array().unwrap().len(),
        5
    );
    assert_eq!(
        ask("POST", "/api/v3/order/test", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1")
            .await
            .body,
        json!({})
    );
    let short = ask("POST", order, "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=1").await;
    assert_eq!(code(&short), (400, -1102));
    let balance = ask("GET", "/api/v3/account", "omitZeroBalances=true").await.body;
    assert_eq!(
        balance["balances"][0],
        json!({"asset": "BTC", "free": "10.00000000", "locked": "0.00000000"})
    );
    assert_eq!(
        ask("GET", "/api/v3/account/commission", "symbol=BTCUSDT").await.body["standardCommission"]
            ["maker"],
        "0.00100000"
    );
    assert_eq!(
        ask("GET", "/sapi/v1/account/apiRestrictions", "").await.body["enableWithdrawals"],
        false
    );
    assert_eq!(ask("GET", "/sapi/v1/capital/config/getall", "").await.body[0]["coin"], "BTC");
    assert_eq!(exchange.get("/sapi/v1/system/status").await.body["status"], 0);
}

#[tokio::test]
async fn limits_are_told_refused_and_then_banned() {
    let limits = Limits {
        weight_per_minute_max: 50,
        refusals_before_ban: 1,
        orders_per_10_seconds_max: 2,
        ..Limits::default()
    };
    let exchange = start(sandpit_exchange::Config { limits, ..config() }, None).await;
    let query = format!("symbol=BTCUSDT&{SELL}");
    let first = exchange.signed("alice", "POST", "/api/v3/order", &query).await;
    assert_eq!(
        (
            first.headers["x-mbx-used-weight-1m"].as_str(),
            first.headers["x-mbx-order-count-10s"].as_str()
        ),
        ("0", "1")
    );
    exchange.order("alice", SELL).await;
    let third = exchange.signed("alice", "POST", "/api/v3/order", &query).await;
    assert_eq!((code(&third), third.headers["retry-after"].as_str()), ((429, -1015), "10"));
    exchange.get("/api/v3/exchangeInfo").await;
    let info = exchange.get("/api/v3/exchangeInfo").await;
    assert_eq!(info.headers["x-mbx-used-weight-1m"], "41");
    let refused = exchange.get("/api/v3/exchangeInfo").await;
    assert_eq!((code(&refused), refused.headers["retry-after"].as_str()), ((429, -1003), "60"));
    let banned = exchange.get("/api/v3/time").await;
    assert_eq!((code(&banned), banned.headers["retry-after"].as_str()), ((418, -1003), "120"));
    exchange.advance(120_000);
    assert_eq!(exchange.get("/api/v3/time").await.status, 200);
}

async fn fill_some(exchange: &Running) {
    exchange.order("alice", SELL).await;
    exchange.order("bob", &BUY.replace("quantity=1", "quantity=0.25")).await;
}

#[tokio::test]
async fn market_streams_tell_what_happens() {
    let exchange = start(config(), None).await;
    let mut raw = exchange.connect("/ws/btcusdt@trade").await;
    let mut all = exchange
        .connect("/stream?streams=btcusdt@aggTrade/btcusdt@kline_1m/btcusdt@depth5@100ms")
        .await;
    let mut later = exchange.connect("/ws").await;
    let params = json!(["btcusdt@bookTicker", "btcusdt@miniTicker"]);
    assert_eq!(later.ask("SUBSCRIBE", params).await["result"], Value::Null);
    assert_eq!(
        later.ask("LIST_SUBSCRIPTIONS", json!([])).await["result"].as_array().unwrap().len(),
        2
    );
    fill_some(&exchange).await;
    let trade = raw.next().await.unwrap();
    assert_eq!(
        (&trade["e"], &trade["p"], &trade["q"], &trade["m"]),
        (&json!("trade"), &json!("100.00000000"), &json!("0.25000000"), &json!(false))
    );
    let mut seen = BTreeMap::new();
    while seen.len() < 3 {
        let message = all.next().await.unwrap();
        seen.insert(message["stream"].as_str().unwrap().to_owned(), message["data"].clone());
    }
    assert_eq!(seen["btcusdt@aggTrade"]["q"], "0.25000000");
    assert_eq!(seen["btcusdt@kline_1m"]["k"]["x"], false);
    let best = later.until(|message| message["A"] == "0.75000000").await;
    assert_eq!(best["a"], "100.00000000");
    assert_eq!(later.until(|message| message["e"] == "24hrMiniTicker").await["v"], "0.25000000");
    // The minute is over.
    exchange.advance(60_000);
    let closed = all.until(|message| message["data"]["k"]["x"] == true).await;
    assert_eq!(closed["data"]["k"]["t"], START_MS);
    assert_eq!(
        later.ask("UNSUBSCRIBE", json!(["btcusdt@bookTicker"])).await["result"],
        Value::Null
    );
    assert_eq!(later.ask("WHAT", json!([])).await["error"]["code"], 2);
    later.send(&json!({"method": "LIST_SUBSCRIPTIONS", "id": 77})).await;
    assert_eq!(
        later.until(|message| message["id"] == 77).await["result"],
        json!(["btcusdt@miniTicker"])
    );
    for id in 0..6 {
        later.send(&json!({"method": "LIST_SUBSCRIPTIONS", "id": id})).await;
    }
    while later.next().await.is_some() {}
}

#[tokio::test]
async fn a_book_kept_from_snapshot_and_diffs_is_the_exchanges() {
    let exchange = start(config(), None).await;
    let mut diffs = exchange.connect("/ws/btcusdt@depth@100ms").await;
    exchange.order("alice", SELL).await;
    diffs.next().await.unwrap();
    let snapshot = exchange.get("/api/v3/depth?symbol=BTCUSDT").await.body;
    let mut last = snapshot["lastUpdateId"].as_u64().unwrap();
    let mut asks: BTreeMap<String, String> = BTreeMap::new();
    let take = |asks: &mut BTreeMap<String, String>, levels: &Value| {
        for level in levels.as_array().unwrap() {
            let (price, quantity) = (level[0].as_str().unwrap(), level[1].as_str().unwrap());
            if quantity == "0.00000000" {
                asks.remove(price);
            } else {
                asks.insert(price.to_owned(), quantity.to_owned());
            }
        }
    };
    take(&mut asks, &snapshot["asks"]);
    for step in 1..8 {
        exchange.order("alice", &SELL.replace("price=100", &format!("price=10{step}"))).await;
        exchange
            .order(
                "bob",
                &BUY.replace("quantity=1", "quantity=0.3").replace("price=100", "price=109"),
            )
            .await;
        let now = exchange.get("/api/v3/depth?symbol=BTCUSDT").await.body;
        while last < now["lastUpdateId"].as_u64().unwrap() {
            let diff = diffs.next().await.unwrap();
            assert!(diff["U"].as_u64().unwrap() <= last + 1, "a gap before {diff}");
            last = diff["u"].as_u64().unwrap();
            take(&mut asks, &diff["a"]);
        }
        let theirs: Vec<_> = now["asks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|level| (level[0].as_str().unwrap(), level[1].as_str().unwrap()))
            .collect();
        let ours: Vec<_> =
            asks.iter().map(|(price, quantity)| (price.as_str(), quantity.as_str())).collect();
        assert_eq!(ours, theirs);
    }
}

#[expect(clippy::too_many_lines, reason = "one session from its logon to its end")]
#[tokio::test]
async fn the_websocket_api_places_orders_and_tells_what_becomes_of_them() {
    let exchange = start(config(), None).await;
    let now = START_MS;
    let mut bob = exchange.connect("/ws-api/v3").await;
    assert_eq!(bob.ask("ping", json!({})).await["status"], 200);
    assert_eq!(bob.ask("userDataStream.subscribe", json!({})).await["status"], 401);
    assert_eq!(bob.ask("nothing", json!({})).await["status"], 404);
    let hmac = bob.ask_signed("bob", false, now, "session.logon", json!({})).await;
    assert_eq!(hmac["status"], 400, "only Ed25519 keys log on: {hmac}");
    let logon = bob.ask_signed("bob", true, now, "session.logon", json!({})).await;
    assert_eq!(logon["result"]["apiKey"], "bobed", "{logon}");
    assert_eq!(
        bob.ask("userDataStream.subscribe", json!({})).await["result"],
        json!({"subscriptionId": 0})
    );
    assert_eq!(bob.ask("userDataStream.subscribe", json!({})).await["error"]["code"], -2035);
    let mut alice = exchange.connect("/ws-api/v3").await;
    let subscribed = alice
        .ask_signed("alice", false, now, "userDataStream.subscribe.signature", json!({}))
        .await;
    assert_eq!(subscribed["result"]["subscriptionId"], 0, "{subscribed}");
    let sell = json!({"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "100", "newClientOrderId": "a"});
    let placed = alice.ask_signed("alice", false, now, "order.place", sell).await;
    assert_eq!(placed["result"]["status"], "NEW", "{placed}");
    assert_eq!(placed["rateLimits"].as_array().unwrap().len(), 3);
    // On a connection that is logged on the time is enough.
    let buy = json!({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.4", "timestamp": now});
    let taken = bob.ask("order.place", buy).await;
    assert_eq!(taken["result"]["fills"][0]["price"], "100.00000000", "{taken}");
    let mut events = Vec::new();
    for _ in 0..4 {
        let message = alice.next().await.unwrap();
        assert_eq!(message["subscriptionId"], 0);
        events.push(message["event"].clone());
    }
    let kinds: Vec<_> = events
        .iter()
        .map(|event| (event["e"].as_str().unwrap(), event["x"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        kinds,
        [
            ("executionReport", "NEW"),
            ("outboundAccountPosition", ""),
            ("executionReport", "TRADE"),
            ("outboundAccountPosition", "")
        ]
    );
    let trade = &events[2];
    assert_eq!(
        (&trade["l"], &trade["L"], &trade["n"], &trade["N"], &trade["m"]),
        (
            &json!("0.40000000"),
            &json!("100.00000000"),
            &json!("0.04000000"),
            &json!("USDT"),
            &json!(true)
        )
    );
    let status = json!({"symbol": "BTCUSDT", "origClientOrderId": "a"});
    let status = alice.ask_signed("alice", false, now, "order.status", status).await;
    assert_eq!(status["result"]["status"], "PARTIALLY_FILLED");
    let amend = json!({"symbol": "BTCUSDT", "origClientOrderId": "a", "newQty": "0.5", "newClientOrderId": "b"});
    alice.ask_signed("alice", false, now, "order.amend.keepPriority", amend).await;
    let replaced = alice.until(|message| message["event"]["x"] == "REPLACED").await;
    assert_eq!((&replaced["event"]["c"], &replaced["event"]["C"]), (&json!("b"), &json!("a")));
    let canceled = alice
        .ask_signed("alice", false, now, "openOrders.cancelAll", json!({"symbol": "BTCUSDT"}))
        .await;
    assert_eq!(canceled["status"], 200, "{canceled}");
    let canceled = alice.until(|message| message["event"]["x"] == "CANCELED").await;
    assert_eq!(canceled["event"]["C"], "b");
    let paid = exchange
        .signed("alice", "POST", "/sandpit/v1/transfer", "asset=USDT&amount=5&direction=IN")
        .await;
    assert_eq!(paid.status, 200, "{}", paid.body);
    assert_eq!(
        alice.until(|message| message["event"]["e"] == "balanceUpdate").await["event"]["d"],
        "5.00000000"
    );
    assert_eq!(
        alice.ask("userDataStream.unsubscribe", json!({"subscriptionId": 0})).await["status"],
        200
    );
    alice.until(|message| message["event"]["e"] == "eventStreamTerminated").await;
    let trades = bob.ask("myTrades", json!({"symbol": "BTCUSDT", "timestamp": now})).await;
    assert_eq!(trades["result"][0]["commissionAsset"], "BTC");
    let old = bob.ask("account.status", json!({"timestamp": now - 6_000})).await;
    assert_eq!(old["error"]["code"], -1021);
}

#[tokio::test]
async fn an_exchange_that_ends_says_so() {
    let exchange = start(config(), None).await;
    let mut socket = exchange.connect("/ws").await;
    socket.ask("LIST_SUBSCRIPTIONS", json!([])).await;
    drop(exchange);
    assert_eq!(socket.next().await.unwrap()["e"], "serverShutdown");
    assert!(socket.next().await.is_none());
}
