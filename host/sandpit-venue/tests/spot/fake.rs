//! An exchange that is just large enough: one symbol, limit orders, own events.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Chance, KEY, signature};

const ASK: i64 = 6_000_000;
const BID: i64 = 5_999_000;
pub(crate) const START_BTC: i64 = 1_000_000;
const START_USDT: i64 = 100_000_000_000_000;

/// Prices in cents, quantities in 10^−5.
#[derive(Clone, Debug)]
pub(crate) struct FakeOrder {
    pub(crate) number: u64,
    pub(crate) client: String,
    pub(crate) buy: bool,
    pub(crate) price: i64,
    pub(crate) quantity: i64,
    pub(crate) executed: i64,
    pub(crate) status: &'static str,
    pub(crate) time: u64,
    pub(crate) updated: u64,
}

impl FakeOrder {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.status, "NEW" | "PARTIALLY_FILLED")
    }
}

#[derive(Clone, Debug)]
struct FakeTrade {
    id: u64,
    order: u64,
    price: i64,
    quantity: i64,
    time: u64,
    buy: bool,
    maker: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Fake {
    pub(crate) orders: Vec<FakeOrder>,
    trades: Vec<FakeTrade>,
    /// Own events that have not been sent.
    pub(crate) events: Vec<Value>,
    updates: u64,
}

fn price(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn quantity(units: i64) -> String {
    format!("{}.{:05}000", units / 100_000, units % 100_000)
}

fn units(text: &str, digits: usize) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<digits$}");
    format!("{whole}{}", &fraction[..digits]).parse().unwrap()
}

fn refusal(code: i32, message: &str) -> (u16, Value) {
    (400, json!({"code": code, "msg": message}))
}

/// What a path on REST is called on the WebSocket API.
pub(crate) fn method_of(method: &str, path: &str) -> &'static str {
    match (method, path) {
        ("GET", "/api/v3/time") => "time",
        ("GET", "/api/v3/exchangeInfo") => "exchangeInfo",
        ("GET", "/api/v3/account") => "account.status",
        ("GET", "/api/v3/account/commission") => "account.commission",
        ("POST", "/api/v3/order") => "order.place",
        ("DELETE", "/api/v3/order") => "order.cancel",
        ("GET", "/api/v3/order") => "order.status",
        ("GET", "/api/v3/openOrders") => "openOrders.status",
        ("DELETE", "/api/v3/openOrders") => "openOrders.cancelAll",
        ("GET", "/api/v3/myTrades") => "myTrades",
        ("GET", "/api/v3/avgPrice") => "avgPrice",
        _ => panic!("nobody asks for {method} {path}"),
    }
}

pub(crate) type Params = BTreeMap<String, String>;

/// Checks a REST request's signature, and gives its parameters.
pub(crate) fn rest_params(query: &str, body: &str) -> Params {
    let all = [query, body].concat();
    if let Some((payload, signed)) = all.rsplit_once("&signature=") {
        assert_eq!(signature(payload.as_bytes()), signed, "{all}");
    }
    let pairs = all.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The same of the WebSocket API.
pub(crate) fn socket_params(params: &Value) -> Params {
    let mut all: Params = params
        .as_object()
        .map(|fields| {
            let text =
                |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
        })
        .unwrap_or_default();
    if let Some(signed) = all.remove("signature") {
        assert_eq!(all.get("apiKey").map(String::as_str), Some(KEY));
        let payload: Vec<String> =
            all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(signature(payload.join("&").as_bytes()), signed);
    }
    all
}

impl Fake {
    /// Does what is asked, at a moment of its own clock in milliseconds.
    pub(crate) fn ask(&mut self, method: &str, params: &Params, now: u64) -> (u16, Value) {
        if let Some(stamp) = params.get("timestamp") {
            let stamp: u64 = stamp.parse().unwrap();
            let window: u64 = params["recvWindow"].parse().unwrap();
            if stamp > now + 1_000 || now.saturating_sub(stamp) > window {
                return refusal(-1021, "Timestamp for this request is outside of the recvWindow.");
            }
        }
        match method {
            "time" => (200, json!({"serverTime": now})),
            "exchangeInfo" => (200, exchange_info(now)),
            "account.status" => (200, self.account()),
            "account.commission" => (200, commission()),
            "avgPrice" => match params["symbol"].as_str() {
                "BNBUSDT" => (200, json!({"mins": 5, "price": "600.00", "closeTime": now})),
                _ => refusal(-1121, "Invalid symbol."),
            },
            "order.place" => self.place(params, now),
            "order.cancel" => self.cancel(params, now),
            "openOrders.cancelAll" => self.cancel_all(now),
            "order.status" => match self.find(params) {
                Some(at) => (200, record(&self.orders[at])),
                None => refusal(-2013, "Order does not exist."),
            },
            "openOrders.status" => {
                let open: Vec<Value> =
                    self.orders.iter().filter(|order| order.is_open()).map(record).collect();
                (200, Value::Array(open))
            }
            "myTrades" => (200, self.my_trades(params)),
            "userDataStream.subscribe.signature" => (200, json!({"subscriptionId": 0})),
            other => panic!("nobody asks for {other}"),
        }
    }

    fn find(&self, params: &Params) -> Option<usize> {
        if let Some(number) = params.get("orderId") {
            return self.orders.iter().position(|order| order.number.to_string() == *number);
        }
        self.orders.iter().rposition(|order| order.client == params["origClientOrderId"])
    }

    fn place(&mut self, params: &Params, now: u64) -> (u16, Value) {
        let client = params["newClientOrderId"].clone();
        if self.orders.iter().any(|order| order.is_open() && order.client == client) {
            return refusal(-2010, "Duplicate order sent.");
        }
        assert!(
            !self.orders.iter().any(|order| order.client == client),
            "{client} came a second time"
        );
        let order = FakeOrder {
            number: 1_000 + self.orders.len() as u64,
            client,
            buy: params["side"] == "BUY",
            price: units(&params["price"], 2),
            quantity: units(&params["quantity"], 5),
            executed: 0,
            status: "NEW",
            time: now,
            updated: now,
        };
        let crosses = if order.buy { order.price >= ASK } else { order.price <= BID };
        let at = self.orders.len();
        self.events.push(execution(&order, "NEW", None, now));
        self.orders.push(order);
        self.updates += 1;
        let mut fills = Vec::new();
        if crosses {
            let trade = self.fill(at, i64::MAX, false, now);
            fills.push(json!({
                "price": price(trade.price), "qty": quantity(trade.quantity),
                "commission": "0.00010000", "commissionAsset": "BNB", "tradeId": trade.id,
            }));
        }
        let order = &self.orders[at];
        let mut answer = record(order);
        answer["transactTime"] = json!(now);
        answer["fills"] = Value::Array(fills);
        (200, answer)
    }

    fn fill(&mut self, at: usize, most: i64, maker: bool, now: u64) -> FakeTrade {
        let order = &mut self.orders[at];
        let fill = (order.quantity - order.executed).min(most);
        order.executed += fill;
        order.updated = now;
        order.status = if order.executed == order.quantity { "FILLED" } else { "PARTIALLY_FILLED" };
        let trade = FakeTrade {
            id: 1 + self.trades.len() as u64,
            order: order.number,
            price: if maker {
                order.price
            } else if order.buy {
                ASK
            } else {
                BID
            },
            quantity: fill,
            time: now,
            buy: order.buy,
            maker,
        };
        self.events.push(execution(order, "TRADE", Some(&trade), now));
        self.trades.push(trade.clone());
        self.updates += 1;
        trade
    }

    fn cancel_all(&mut self, now: u64) -> (u16, Value) {
        let open: Vec<String> =
            self.orders.iter().filter(|o| o.is_open()).map(|o| o.number.to_string()).collect();
        if open.is_empty() {
            return refusal(-2011, "Unknown order sent.");
        }
        let cancel = |number| {
            let params = Params::from([("orderId".to_owned(), number)]);
            self.cancel(&params, now).1
        };
        (200, Value::Array(open.into_iter().map(cancel).collect()))
    }

    fn cancel(&mut self, params: &Params, now: u64) -> (u16, Value) {
        let Some(at) = self.find(params).filter(|at| self.orders[*at].is_open()) else {
            return refusal(-2011, "Unknown order sent.");
        };
        let order = &mut self.orders[at];
        order.status = "CANCELED";
        order.updated = now;
        self.updates += 1;
        self.events.push(execution(order, "CANCELED", None, now));
        let mut answer = record(order);
        answer["origClientOrderId"] = json!(order.client);
        answer["clientOrderId"] = json!("the-cancel-itself");
        answer["transactTime"] = json!(now);
        (200, answer)
    }

    /// Somebody trades with one that rests.
    pub(crate) fn trade(&mut self, chance: &mut Chance, now: u64) {
        let open: Vec<usize> =
            (0..self.orders.len()).filter(|at| self.orders[*at].is_open()).collect();
        if open.is_empty() {
            return;
        }
        let at = open[chance.below(open.len() as u64) as usize];
        let most = 1 + chance.below(2_000) as i64;
        self.fill(at, most, true, now);
    }

    /// Base asset bought less sold.
    pub(crate) fn net(&self) -> i64 {
        self.trades.iter().map(|one| if one.buy { one.quantity } else { -one.quantity }).sum()
    }

    fn account(&self) -> Value {
        let open = || self.orders.iter().filter(|order| order.is_open());
        let left = |order: &FakeOrder| order.quantity - order.executed;
        let locked_btc: i64 = open().filter(|order| !order.buy).map(left).sum();
        let locked_usdt: i64 = open().filter(|o| o.buy).map(|o| left(o) * o.price).sum();
        let spent: i64 = self
            .trades
            .iter()
            .map(|one| one.quantity * one.price * if one.buy { 1 } else { -1 })
            .sum();
        let btc = START_BTC + self.net();
        let usdt = |raw: i64| format!("{}.{:07}", raw / 10_000_000, raw % 10_000_000);
        json!({
            "canTrade": true, "canWithdraw": false, "canDeposit": true,
            "updateTime": self.updates, "accountType": "SPOT",
            "balances": [
                {"asset": "BTC", "free": quantity(btc - locked_btc), "locked": quantity(locked_btc)},
                {"asset": "USDT", "free": usdt(START_USDT - spent - locked_usdt),
                 "locked": usdt(locked_usdt)},
            ],
        })
    }

    fn my_trades(&self, params: &Params) -> Value {
        let number = |name: &str| params.get(name).map(|text| text.parse::<u64>().unwrap());
        let (order, from) = (number("orderId"), number("fromId"));
        let (start, end) = (number("startTime"), number("endTime"));
        assert!(start.zip(end).is_none_or(|(start, end)| end - start <= 86_400_000));
        let wanted = |trade: &&FakeTrade| {
            order.is_none_or(|order| trade.order == order)
                && from.is_none_or(|from| trade.id >= from)
                && start.is_none_or(|start| trade.time >= start)
                && end.is_none_or(|end| trade.time <= end)
        };
        // Pages are small here, so that there are several.
        let limit = number("limit").unwrap() as usize;
        let trades = self.trades.iter().filter(wanted).take(limit).map(|trade| {
            json!({
                "symbol": "BTCUSDT", "id": trade.id, "orderId": trade.order,
                "price": price(trade.price), "qty": quantity(trade.quantity),
                "commission": "0.00010000", "commissionAsset": "BNB", "time": trade.time,
                "isBuyer": trade.buy, "isMaker": trade.maker,
            })
        });
        Value::Array(trades.collect())
    }
}

fn record(order: &FakeOrder) -> Value {
    json!({
        "symbol": "BTCUSDT", "orderId": order.number, "orderListId": -1,
        "clientOrderId": order.client, "price": price(order.price),
        "origQty": quantity(order.quantity), "executedQty": quantity(order.executed),
        "cummulativeQuoteQty": "0.00000000", "status": order.status, "timeInForce": "GTC",
        "type": "LIMIT", "side": if order.buy { "BUY" } else { "SELL" },
        "stopPrice": "0.00000000", "icebergQty": "0.00000000", "time": order.time,
        "updateTime": order.updated, "isWorking": true, "workingTime": order.time,
    })
}

fn execution(order: &FakeOrder, kind: &str, trade: Option<&FakeTrade>, now: u64) -> Value {
    let canceled = kind == "CANCELED";
    json!({
        "e": "executionReport", "E": now, "s": "BTCUSDT",
        "c": if canceled { "the-cancel-itself" } else { order.client.as_str() },
        "S": if order.buy { "BUY" } else { "SELL" }, "o": "LIMIT", "f": "GTC",
        "q": quantity(order.quantity), "p": price(order.price), "P": "0.00000000", "g": -1,
        "C": if canceled { order.client.as_str() } else { "" }, "x": kind, "X": order.status,
        "r": "NONE", "i": order.number,
        "l": quantity(trade.map_or(0, |trade| trade.quantity)), "z": quantity(order.executed),
        "L": price(trade.map_or(0, |trade| trade.price)),
        "n": if trade.is_some() { "0.00010000" } else { "0" },
        "N": trade.map(|_| "BNB"), "T": now, "t": trade.map_or(-1, |trade| trade.id as i64),
        "w": true, "m": trade.is_some_and(|trade| trade.maker), "O": order.time, "W": order.time,
        "V": "NONE",
    })
}

fn exchange_info(now: u64) -> Value {
    json!({
        "timezone": "UTC", "serverTime": now,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
             "limit": 6000},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
        ],
        "exchangeFilters": [],
        "symbols": [{
            "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC",
            "baseAssetPrecision": 8, "quoteAsset": "USDT", "quotePrecision": 8,
            "quoteAssetPrecision": 8, "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
            "icebergAllowed": true, "ocoAllowed": true, "otoAllowed": true,
            "quoteOrderQtyMarketAllowed": true, "allowTrailingStop": true,
            "cancelReplaceAllowed": true, "amendAllowed": true, "isSpotTradingAllowed": true,
            "isMarginTradingAllowed": false,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00",
                 "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00",
                 "stepSize": "0.00001"},
            ],
            "permissions": [], "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "NONE",
            "allowedSelfTradePreventionModes": ["NONE"],
        }],
    })
}

fn commission() -> Value {
    json!({
        "symbol": "BTCUSDT",
        "standardCommission": {"maker": "0.001", "taker": "0.001", "buyer": "0", "seller": "0"},
        "taxCommission": {"maker": "0", "taker": "0", "buyer": "0", "seller": "0"},
        "discount": {"enabledForAccount": true, "enabledForSymbol": true,
                     "discountAsset": "BNB", "discount": "0.75"},
    })
}
