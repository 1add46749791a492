//! What whoever runs an exchange decides, and what is seldom: maintenance, symbols that do not trade,
//! connections that end, fees in BNB, limits that stop an order and not a cancel.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

#[expect(dead_code, reason = "these tests need a part of it only")]
mod support;

use sandpit_exchange::{Config, HistoryConfig, Limits, SymbolConfig};
use serde_json::{Value, json};
use support::{Answer, Running, START_MS, config, n, start};

const SELL: &str = "side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=100";
const BUY: &str = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100";

fn controlled() -> Config {
    Config { control: true, ..config() }
}

fn code(answer: &Answer) -> (u16, i64) {
    (answer.status, answer.body["code"].as_i64().unwrap_or_default())
}

async fn control(exchange: &Running, what: &str) -> Answer {
    exchange.raw("POST", &format!("/sandpit/v1/control/{what}"), None, "").await
}

#[tokio::test]
async fn nobody_controls_an_exchange_that_does_not_say_so() {
    let exchange = start(config(), None).await;
    assert_eq!(control(&exchange, "maintenance?on=true").await.status, 404);
    assert_eq!(exchange.get("/api/v3/ping").await.status, 200);
    let exchange = start(controlled(), None).await;
    assert_eq!(code(&control(&exchange, "maintenance?on=maybe").await), (400, -1130));
    assert_eq!(control(&exchange, "nothing").await.status, 404);
}

#[tokio::test]
async fn maintenance_is_a_page_and_a_status_and_ends() {
    let exchange = start(controlled(), None).await;
    let mut api = exchange.connect("/ws-api/v3").await;
    let mut market = exchange.connect("/ws/btcusdt@trade").await;
    api.ask("ping", json!({})).await;
    assert_eq!(control(&exchange, "maintenance?on=true").await.status, 200);
    assert_eq!(api.next().await.unwrap()["event"]["e"], "serverShutdown");
    assert_eq!(market.next().await.unwrap()["e"], "serverShutdown");
    assert!(api.next().await.is_none() && market.next().await.is_none());
    let answer = exchange.get("/api/v3/time").await;
    assert_eq!((answer.status, answer.body), (503, Value::Null), "a page, not JSON");
    assert_eq!(exchange.get("/sapi/v1/system/status").await.body["status"], 1);
    assert_eq!(exchange.get("/ws-api/v3").await.status, 400, "no upgrade was asked for");
    assert_eq!(control(&exchange, "maintenance?on=false").await.status, 200);
    assert_eq!(exchange.get("/sapi/v1/system/status").await.body["status"], 0);
    assert_eq!(exchange.get("/api/v3/time").await.status, 200);
}

#[tokio::test]
async fn a_symbol_that_does_not_trade_takes_no_order() {
    let exchange = start(controlled(), None).await;
    exchange.order("alice", &format!("{SELL}&newClientOrderId=a")).await;
    exchange.order("alice", &format!("{SELL}&newClientOrderId=b")).await;
    let ask = async |method: &str, path: &str, rest: &str| {
        code(&exchange.signed("alice", method, path, &format!("symbol=BTCUSDT&{rest}")).await)
    };
    let (order, amend) = ("/api/v3/order", "/api/v3/order/amend/keepPriority");
    for (status, cancels) in [("CANCEL_ONLY", true), ("BREAK", false), ("HALT", false)] {
        control(&exchange, &format!("symbol?symbol=BTCUSDT&status={status}")).await;
        let info = exchange.get("/api/v3/exchangeInfo?symbol=BTCUSDT").await.body;
        assert_eq!(info["symbols"][0]["status"], status);
        assert_eq!(ask("POST", order, BUY).await, (400, -2010));
        assert_eq!(ask("PUT", amend, "origClientOrderId=b&newQty=0.5").await, (400, -2038));
        let expected = if cancels { (200, 0) } else { (400, -2011) };
        let name = if cancels { "a" } else { "b" };
        assert_eq!(ask("DELETE", order, &format!("origClientOrderId={name}")).await, expected);
    }
    control(&exchange, "symbol?symbol=BTCUSDT&status=TRADING").await;
    assert_eq!(ask("POST", order, BUY).await, (200, 0));
    assert_eq!(code(&control(&exchange, "symbol?symbol=X&status=HALT").await), (400, -1121));
    assert_eq!(code(&control(&exchange, "symbol?symbol=BTCUSDT&status=X").await), (400, -1130));
}

#[tokio::test]
async fn connections_and_subscriptions_end_when_it_is_said() {
    let exchange = start(controlled(), None).await;
    let mut api = exchange.connect("/ws-api/v3").await;
    let method = "userDataStream.subscribe.signature";
    let subscribed = api.ask_signed("alice", true, START_MS, method, json!({})).await;
    assert_eq!(subscribed["status"], 200, "{subscribed}");
    assert_eq!(control(&exchange, "terminate").await.body["ended"], 1);
    let told = api.next().await.unwrap();
    assert_eq!(
        (&told["subscriptionId"], &told["event"]["e"]),
        (&json!(0), &json!("eventStreamTerminated"))
    );
    assert_eq!(api.ask("ping", json!({})).await["status"], 200, "the connection lives");
    control(&exchange, "disconnect?silent=true").await;
    assert!(api.next().await.is_none());
}

#[tokio::test]
async fn a_connection_lasts_as_long_as_it_may_and_is_refused_where_there_are_too_many() {
    let limits = Limits {
        connection_s_max: 1,
        connections_per_5_minutes_max: 2,
        weight_per_minute_max: 100,
        ..Limits::default()
    };
    let exchange = start(Config { limits, ..config() }, None).await;
    let mut socket = exchange.connect("/ws-api/v3").await;
    let answer = socket.ask("ping", json!({})).await;
    assert_eq!(answer["rateLimits"][0]["count"], 3, "a connection weighs 2: {answer}");
    let mut market = exchange.connect("/ws/btcusdt@trade").await;
    let third = tokio_tungstenite::connect_async(format!("ws://{}/ws", exchange.address)).await;
    let tokio_tungstenite::tungstenite::Error::Http(refused) = third.unwrap_err() else {
        panic!("it is refused over HTTP")
    };
    assert_eq!(refused.status().as_u16(), 429);
    assert_eq!(refused.headers()["retry-after"], "300");
    assert!(socket.next().await.is_none() && market.next().await.is_none(), "a day is over");
}

/// BNBUSDT beside the others.
fn with_bnb() -> Config {
    let mut config = config();
    let bnb = SymbolConfig {
        name: "BNBUSDT".to_owned(),
        base: "BNB".to_owned(),
        history: Some(HistoryConfig { minutes: 10, price: n("600"), seed: 1 }),
        ..config.symbols[0].clone()
    };
    config.symbols.push(bnb);
    config.accounts[0].fees_in_bnb = true;
    config.accounts[0].balances.insert("BNB".to_owned(), n("0.0002"));
    config
}

#[tokio::test]
async fn fees_are_paid_in_bnb_a_quarter_off_as_long_as_there_is_some() {
    let exchange = start(with_bnb(), None).await;
    let rates =
        exchange.signed("alice", "GET", "/api/v3/account/commission", "symbol=BTCUSDT").await;
    assert_eq!(rates.body["discount"]["enabledForAccount"], true);
    assert_eq!(rates.body["discount"]["enabledForSymbol"], true);
    exchange.order("bob", SELL).await;
    // 100 USDT at a thousandth less a quarter are 0.075 USDT, which are 0.000125 BNB.
    let first = exchange.order("alice", BUY).await;
    let fee = (&first["fills"][0]["commission"], &first["fills"][0]["commissionAsset"]);
    assert_eq!(fee, (&json!("0.00012500"), &json!("BNB")), "{first}");
    exchange.order("bob", SELL).await;
    let second = exchange.order("alice", BUY).await;
    let fee = (&second["fills"][0]["commission"], &second["fills"][0]["commissionAsset"]);
    assert_eq!(fee, (&json!("0.00100000"), &json!("BTC")), "there is too little left: {second}");
    let account = exchange.signed("alice", "GET", "/api/v3/account", "omitZeroBalances=true").await;
    assert_eq!(
        account.body["balances"],
        json!([
            {"asset": "BNB", "free": "0.00007500", "locked": "0.00000000"},
            {"asset": "BTC", "free": "11.99900000", "locked": "0.00000000"},
            {"asset": "USDT", "free": "99800.00000000", "locked": "0.00000000"},
        ])
    );
}

#[tokio::test]
async fn too_many_orders_need_not_keep_an_old_one_alive() {
    let limits = Limits { orders_per_10_seconds_max: 1, ..Limits::default() };
    let exchange = start(Config { limits, ..config() }, None).await;
    exchange.order("alice", &format!("{SELL}&newClientOrderId=a")).await;
    let path = "/api/v3/order/cancelReplace";
    let ask = async |mode: &str, exceeded: &str| {
        let query = format!(
            "symbol=BTCUSDT&cancelReplaceMode={mode}&cancelOrigClientOrderId=a&{SELL}&orderRateLimitExceededMode={exceeded}"
        );
        exchange.signed("alice", "POST", path, &query).await
    };
    assert_eq!(code(&ask("STOP_ON_FAILURE", "DO_NOTHING").await), (429, -1015));
    assert_eq!(code(&ask("STOP_ON_FAILURE", "WHATEVER").await), (400, -1130));
    let done = ask("STOP_ON_FAILURE", "CANCEL_ONLY").await;
    assert_eq!(code(&done), (429, -2021));
    assert_eq!(done.body["data"]["cancelResult"], "SUCCESS");
    assert_eq!(done.body["data"]["newOrderResponse"]["code"], -1015);
    assert_eq!(code(&ask("ALLOW_FAILURE", "CANCEL_ONLY").await), (400, -2022));
}

#[tokio::test]
async fn the_past_is_there_and_searches_have_bounds() {
    let mut with_past = config();
    with_past.symbols[0].history = Some(HistoryConfig { minutes: 60, price: n("100"), seed: 3 });
    with_past.accounts[0].keys[0].transfers = true;
    let exchange = start(with_past, None).await;
    let bars = exchange.get("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=50").await.body;
    let bars = bars.as_array().unwrap();
    assert_eq!((bars.len(), &bars[49][6]), (50, &json!(START_MS - 1)));
    assert_eq!(bars[49][4], "100.00000000");
    let ask = async |path: &str, query: &str| {
        let query = format!("symbol=BTCUSDT&{query}");
        code(&exchange.signed("alice", "GET", path, &query).await)
    };
    let (day, more) = (86_400_000, 86_400_001);
    for path in ["/api/v3/allOrders", "/api/v3/myTrades"] {
        assert_eq!(ask(path, &format!("startTime=1&endTime={}", 1 + day)).await, (200, 0));
        assert_eq!(ask(path, &format!("startTime=1&endTime={}", 1 + more)).await, (400, -1127));
    }
    assert_eq!(ask("/api/v3/myTrades", "startTime=1&fromId=1").await, (400, -1128));
    let key = exchange.signed("alice", "GET", "/sapi/v1/account/apiRestrictions", "").await.body;
    assert_eq!(
        (&key["enableInternalTransfer"], &key["permitsUniversalTransfer"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(key["createTime"], 1_600_000_000_000u64);
}

#[tokio::test]
async fn a_key_that_is_taken_away_is_none_and_its_listeners_are_told() {
    let exchange = start(controlled(), None).await;
    let mut api = exchange.connect("/ws-api/v3").await;
    let method = "userDataStream.subscribe.signature";
    let subscribed = api.ask_signed("alice", false, START_MS, method, json!({})).await;
    assert_eq!(subscribed["status"], 200, "{subscribed}");
    // Another key of the same account, with a secret of its own.
    let add = "key/add?account=alice&apiKey=carolhmac&hmacSecret=carolsecret";
    assert_eq!(control(&exchange, add).await.status, 200);
    assert_eq!(control(&exchange, add).await.status, 400, "it is there");
    assert_eq!(
        control(&exchange, "key/add?account=nobody&apiKey=x&hmacSecret=y").await.status,
        400
    );
    assert_eq!(control(&exchange, "key/add?account=alice&apiKey=x").await.status, 400, "no secret");
    let account = exchange.signed("carol", "GET", "/api/v3/account", "").await;
    assert_eq!(account.status, 200, "{}", account.body);
    let mut second = exchange.connect("/ws-api/v3").await;
    let subscribed = second.ask_signed("carol", false, START_MS, method, json!({})).await;
    assert_eq!(subscribed["status"], 200, "{subscribed}");

    assert_eq!(control(&exchange, "key/revoke?apiKey=alicehmac").await.status, 200);
    assert_eq!(code(&control(&exchange, "key/revoke?apiKey=alicehmac").await), (401, -2015));
    let told = api.next().await.unwrap();
    assert_eq!(told["event"]["e"], "eventStreamTerminated", "{told}");
    let refused = exchange.signed("alice", "GET", "/api/v3/account", "").await;
    assert_eq!(code(&refused), (401, -2015));
    // The other one goes on, and hears what happens.
    let order = format!("symbol=BTCUSDT&{BUY}");
    let placed = exchange.signed("carol", "POST", "/api/v3/order", &order).await;
    assert_eq!(placed.status, 200, "{}", placed.body);
    assert_eq!(second.next().await.unwrap()["event"]["e"], "executionReport");
}

#[tokio::test]
async fn a_connection_that_is_logged_on_with_a_key_that_is_gone_is_nobody_s() {
    let exchange = start(controlled(), None).await;
    let mut api = exchange.connect("/ws-api/v3").await;
    let logon = api.ask_signed("alice", true, START_MS, "session.logon", json!({})).await;
    assert_eq!(logon["status"], 200, "{logon}");
    let ask = json!({"timestamp": START_MS});
    assert_eq!(api.ask("account.status", ask.clone()).await["status"], 200);
    assert_eq!(control(&exchange, "key/revoke?apiKey=aliceed").await.status, 200);
    let refused = api.ask("account.status", ask).await;
    assert_eq!(refused["error"]["code"], -2015, "{refused}");
}
