//! An exchange that is just large enough: one symbol, orders of all kinds, pairs, own events, keys.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Chance, keys::KeyBook, rules::Limits};

pub(crate) const ASK: i64 = 6_000_000;
pub(crate) const BID: i64 = 5_999_000;
pub(crate) const START_BTC: i64 = 1_000_000;
const START_USDT: i64 = 100_000_000_000_000;

/// Prices in cents, quantities in 10^−5.
#[derive(Clone, Debug)]
pub(crate) struct FakeOrder {
    pub(crate) number: u64,
    pub(crate) client: String,
    pub(crate) buy: bool,
    pub(crate) kind: String,
    tif: String,
    pub(crate) price: i64,
    pub(crate) stop: i64,
    pub(crate) trailing: Option<i64>,
    /// The best price since it follows.
    best: i64,
    pub(crate) list: Option<u64>,
    pub(crate) quantity: i64,
    pub(crate) executed: i64,
    pub(crate) status: &'static str,
    /// Whether it is on the book: not before its trigger.
    pub(crate) working: bool,
    pub(crate) time: u64,
    pub(crate) updated: u64,
    pub(crate) amends: u32,
}

impl FakeOrder {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.status, "NEW" | "PARTIALLY_FILLED")
    }

    /// Whether it waits for a price.
    fn waits(&self) -> bool {
        self.is_open() && !self.working
    }

    fn is_limit(&self) -> bool {
        self.kind.contains("LIMIT")
    }

    /// Where it triggers now, and whether above.
    fn trigger(&self) -> (i64, bool) {
        let above = self.buy == self.kind.starts_with("STOP_LOSS");
        let at = match self.trailing {
            // Down from the highest, or up from the lowest.
            Some(points) if above => self.best + self.best * points / 10_000,
            Some(points) => self.best - self.best * points / 10_000,
            None => self.stop,
        };
        (at, above)
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

/// Which rules its symbol has.
#[derive(Clone, Debug)]
pub(crate) struct FakeRules {
    pub(crate) amend_allowed: bool,
    /// Further filters.
    pub(crate) filters: Vec<Value>,
    /// Nobody is answered but about the status.
    pub(crate) maintenance: bool,
    /// What the status is.
    pub(crate) status: u8,
    /// What `avgPrice` says, in cents.
    pub(crate) average: i64,
}

impl Default for FakeRules {
    fn default() -> Self {
        Self {
            amend_allowed: true,
            filters: Vec::new(),
            maintenance: false,
            status: 0,
            average: ASK,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) orders: Vec<FakeOrder>,
    trades: Vec<FakeTrade>,
    lists: u64,
    pub(crate) last: i64,
    /// Own events that have not been sent.
    pub(crate) events: Vec<Value>,
    updates: u64,
    pub(crate) keys: KeyBook,
    pub(crate) limits: Limits,
    pub(crate) rules: FakeRules,
    /// How often each method was asked.
    pub(crate) asked: BTreeMap<String, u64>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            orders: Vec::new(),
            trades: Vec::new(),
            lists: 0,
            last: ASK,
            events: Vec::new(),
            updates: 0,
            keys: KeyBook::default(),
            limits: Limits::default(),
            rules: FakeRules::default(),
            asked: BTreeMap::new(),
        }
    }
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

pub(crate) fn refusal(code: i32, message: &str) -> (u16, Value) {
    (400, json!({"code": code, "msg": message}))
}

/// What a path on REST is called on the WebSocket API, or by its own name where it is not there.
pub(crate) fn method_of(method: &str, path: &str) -> &'static str {
    match (method, path) {
        ("GET", "/api/v3/time") => "time",
        ("GET", "/api/v3/exchangeInfo") => "exchangeInfo",
        ("GET", "/api/v3/account") => "account.status",
        ("GET", "/api/v3/account/commission") => "account.commission",
        ("POST", "/api/v3/order") => "order.place",
        ("DELETE", "/api/v3/order") => "order.cancel",
        ("PUT", "/api/v3/order/amend/keepPriority") => "order.amend.keepPriority",
        ("POST", "/api/v3/orderList/oco") => "orderList.place.oco",
        ("GET", "/api/v3/order") => "order.status",
        ("GET", "/api/v3/openOrders") => "openOrders.status",
        ("DELETE", "/api/v3/openOrders") => "openOrders.cancelAll",
        ("GET", "/api/v3/myTrades") => "myTrades",
        ("GET", "/api/v3/avgPrice") => "avgPrice",
        ("GET", "/sapi/v1/account/apiRestrictions") => "apiRestrictions",
        ("GET", "/sapi/v1/system/status") => "systemStatus",
        _ => panic!("nobody asks for {method} {path}"),
    }
}

/// Whether a method needs the right to trade.
pub(crate) fn trades(method: &str) -> bool {
    ["order.place", "order.cancel", "order.amend.keepPriority", "openOrders.cancelAll"]
        .contains(&method)
        || method.starts_with("orderList.")
}

pub(crate) type Params = BTreeMap<String, String>;

/// A REST request's parameters, and what is signed of them with the signature.
pub(crate) fn rest_params(query: &str, body: &str) -> (Params, Option<(String, String)>) {
    let all = [query, body].concat();
    let signed = all.rsplit_once("&signature=");
    let decode = |text: &str| text.replace("%2F", "/").replace("%2B", "+").replace("%3D", "=");
    let signed = signed.map(|(payload, signed)| (payload.to_owned(), decode(signed)));
    let pairs = all.split('&').filter_map(|pair| pair.split_once('='));
    (pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), signed)
}

/// The same of the WebSocket API.
pub(crate) fn socket_params(params: &Value) -> (Params, Option<(String, String)>) {
    let mut all: Params = params
        .as_object()
        .map(|fields| {
            let text =
                |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
        })
        .unwrap_or_default();
    let signed = all.remove("signature").map(|signed| {
        let payload: Vec<String> =
            all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (payload.join("&"), signed)
    });
    (all, signed)
}

impl Fake {
    /// Does what is asked, at a moment of its own clock in milliseconds, for the holder of a key.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        params: &Params,
        who: Option<&str>,
        now: u64,
    ) -> (u16, Value) {
        *self.asked.entry(method.to_owned()).or_default() += 1;
        if let Some(stamp) = params.get("timestamp") {
            let stamp: u64 = stamp.parse().unwrap();
            let window: u64 = params["recvWindow"].parse().unwrap();
            if stamp > now + 1_000 || now.saturating_sub(stamp) > window {
                return refusal(-1021, "Timestamp for this request is outside of the recvWindow.");
            }
        }
        if trades(method) {
            let known = self.keys.get(who.unwrap());
            if !known.trade {
                return refusal(-2015, "Invalid API-key, IP, or permissions for action.");
            }
            known.placed += u64::from(method.contains("place"));
        }
        match method {
            "time" => (200, json!({"serverTime": now})),
            "exchangeInfo" => (200, self.exchange_info(now)),
            "account.status" => (200, self.account(who)),
            "account.commission" => (200, commission()),
            "systemStatus" => (200, json!({"status": self.rules.status, "msg": "normal"})),
            "apiRestrictions" => (200, self.restrictions(who)),
            "avgPrice" => match params["symbol"].as_str() {
                "BNBUSDT" => (200, json!({"mins": 5, "price": "600.00", "closeTime": now})),
                "BTCUSDT" => {
                    let average = price(self.rules.average);
                    (200, json!({"mins": 5, "price": average, "closeTime": now}))
                }
                _ => refusal(-1121, "Invalid symbol."),
            },
            "order.place" => self.place(params, now),
            "orderList.place.oco" => self.place_pair(params, now),
            "order.amend.keepPriority" => self.amend(params, now),
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
            "session.logon" => (
                200,
                json!({"apiKey": who, "authorizedSince": now, "connectedSince": now,
                       "returnRateLimits": false, "serverTime": now, "userDataStream": false}),
            ),
            "userDataStream.subscribe" | "userDataStream.subscribe.signature" => {
                (200, json!({"subscriptionId": 0}))
            }
            other => panic!("nobody asks for {other}"),
        }
    }

    fn restrictions(&mut self, who: Option<&str>) -> Value {
        let known = self.keys.get(who.unwrap());
        json!({
            "ipRestrict": known.bound, "createTime": 1_700_000_000_000_u64,
            "enableReading": true, "enableWithdrawals": known.withdraw,
            "enableInternalTransfer": known.transfer, "permitsUniversalTransfer": false,
            "enableSpotAndMarginTrading": known.trade,
        })
    }

    fn find(&self, params: &Params) -> Option<usize> {
        if let Some(number) = params.get("orderId") {
            return self.orders.iter().position(|order| order.number.to_string() == *number);
        }
        self.orders.iter().rposition(|order| order.client == params["origClientOrderId"])
    }

    /// An order of which the names of the parameters begin so.
    fn new_order(&self, params: &Params, names: &str, now: u64) -> FakeOrder {
        let name = |plain: &str| match names {
            "" => plain.to_owned(),
            _ => format!("{names}{}{}", plain[..1].to_uppercase(), &plain[1..]),
        };
        let get = |plain: &str| params.get(&name(plain));
        let client = if names.is_empty() { "newClientOrderId" } else { "clientOrderId" };
        let kind = get("type").unwrap().clone();
        let trailing = get("trailingDelta").map(|points| points.parse().unwrap());
        let stop = get("stopPrice").map_or(0, |text| units(text, 2));
        FakeOrder {
            number: 1_000 + self.orders.len() as u64,
            client: get(client).unwrap().clone(),
            buy: params["side"] == "BUY",
            price: get("price").map_or(0, |text| units(text, 2)),
            tif: get("timeInForce").map_or("GTC", String::as_str).to_owned(),
            working: !(kind.starts_with("STOP_LOSS") || kind.starts_with("TAKE_PROFIT")),
            kind,
            stop,
            trailing,
            best: self.last,
            list: None,
            quantity: units(&params["quantity"], 5),
            executed: 0,
            status: "NEW",
            time: now,
            updated: now,
            amends: 0,
        }
    }

    fn crosses(order: &FakeOrder) -> bool {
        !order.is_limit() || if order.buy { order.price >= ASK } else { order.price <= BID }
    }

    /// Why an order is refused at once.
    fn refuses(&self, order: &FakeOrder) -> Option<(u16, Value)> {
        let same = |one: &&FakeOrder| one.client == order.client;
        if let Some(other) = self.orders.iter().find(same) {
            assert!(other.is_open(), "{} came a second time", order.client);
            return Some(refusal(-2010, "Duplicate order sent."));
        }
        if order.kind == "LIMIT_MAKER" && Self::crosses(order) {
            let text = "Order would immediately match and take.";
            return Some(refusal(-2010, text));
        }
        if !order.working {
            let (at, above) = order.trigger();
            let reached = if above { self.last >= at } else { self.last <= at };
            if reached {
                return Some(refusal(-2010, "Stop price would trigger immediately."));
            }
        }
        None
    }

    fn place(&mut self, params: &Params, now: u64) -> (u16, Value) {
        let order = self.new_order(params, "", now);
        if let Some(refused) = self.refuses(&order) {
            return refused;
        }
        let at = self.take_in(order, now);
        let trade = self.work(at, now);
        let fills = trade.map(|trade| {
            json!({
                "price": price(trade.price), "qty": quantity(trade.quantity),
                "commission": "0.00010000", "commissionAsset": "BNB", "tradeId": trade.id,
            })
        });
        let mut answer = record(&self.orders[at]);
        answer["transactTime"] = json!(now);
        answer["fills"] = Value::Array(fills.into_iter().collect());
        (200, answer)
    }

    fn take_in(&mut self, order: FakeOrder, now: u64) -> usize {
        self.events.push(execution(&order, "NEW", None, now));
        self.orders.push(order);
        self.updates += 1;
        self.orders.len() - 1
    }

    /// What becomes at once of one that is on the book.
    fn work(&mut self, at: usize, now: u64) -> Option<FakeTrade> {
        let order = &self.orders[at];
        if !order.working {
            return None;
        }
        if Self::crosses(order) {
            return Some(self.fill(at, i64::MAX, false, now));
        }
        if order.tif != "GTC" {
            self.end(at, "EXPIRED", now);
        }
        None
    }

    fn place_pair(&mut self, params: &Params, now: u64) -> (u16, Value) {
        let mut above = self.new_order(params, "above", now);
        let mut below = self.new_order(params, "below", now);
        for leg in [&above, &below] {
            if let Some(refused) = self.refuses(leg) {
                return refused;
            }
        }
        self.lists += 1;
        (above.list, below.list) = (Some(self.lists), Some(self.lists));
        below.number += 1;
        let legs = [self.take_in(above, now), self.take_in(below, now)];
        (200, self.list(legs, ("EXEC_STARTED", "EXECUTING"), now))
    }

    fn list(&self, legs: [usize; 2], (kind, status): (&str, &str), now: u64) -> Value {
        let legs = legs.map(|at| &self.orders[at]);
        let reports: Vec<Value> = legs
            .iter()
            .map(|order| {
                let mut report = record(order);
                report["transactTime"] = json!(now);
                if order.status == "CANCELED" {
                    report["origClientOrderId"] = json!(order.client);
                    report["clientOrderId"] = json!("the-cancel-itself");
                }
                report
            })
            .collect();
        let names: Vec<Value> = legs
            .iter()
            .map(|order| {
                json!({"symbol": "BTCUSDT", "orderId": order.number,
                       "clientOrderId": order.client})
            })
            .collect();
        json!({
            "orderListId": legs[0].list, "contingencyType": "OCO", "listStatusType": kind,
            "listOrderStatus": status, "listClientOrderId": "of-the-list",
            "transactionTime": now, "symbol": "BTCUSDT", "orders": names, "orderReports": reports,
        })
    }

    /// The others of a list.
    fn siblings(&self, at: usize) -> Vec<usize> {
        let Some(list) = self.orders[at].list else { return Vec::new() };
        let of = |other: &usize| *other != at && self.orders[*other].list == Some(list);
        (0..self.orders.len()).filter(of).collect()
    }

    fn end(&mut self, at: usize, status: &'static str, now: u64) {
        let order = &mut self.orders[at];
        order.status = status;
        order.updated = now;
        self.updates += 1;
        self.events.push(execution(order, status, None, now));
    }

    fn fill(&mut self, at: usize, most: i64, maker: bool, now: u64) -> FakeTrade {
        for other in self.siblings(at) {
            if self.orders[other].is_open() {
                self.end(other, "EXPIRED", now);
            }
        }
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

    /// The last price moves, and triggers what waits for it.
    pub(crate) fn moves_to(&mut self, last: i64, now: u64) {
        self.last = last;
        for at in 0..self.orders.len() {
            if !self.orders[at].waits() {
                continue;
            }
            let (trigger, above) = self.orders[at].trigger();
            if if above { last >= trigger } else { last <= trigger } {
                self.orders[at].working = true;
                self.work(at, now);
            } else {
                let best = self.orders[at].best;
                self.orders[at].best = if above { best.min(last) } else { best.max(last) };
            }
        }
    }

    fn amend(&mut self, params: &Params, now: u64) -> (u16, Value) {
        let Some(at) = self.find(params).filter(|at| self.orders[*at].is_open()) else {
            return refusal(-2011, "Unknown order sent.");
        };
        let wanted = units(&params["newQty"], 5);
        let order = &mut self.orders[at];
        assert_eq!(params["newClientOrderId"], order.client, "it keeps its name");
        if wanted >= order.quantity || wanted <= order.executed {
            return refusal(-2038, "The requested action would change no state; rejecting.");
        }
        order.quantity = wanted;
        order.updated = now;
        order.amends += 1;
        self.updates += 1;
        self.events.push(execution(order, "REPLACED", None, now));
        let mut amended = record(order);
        amended["qty"] = json!(quantity(order.quantity));
        amended["origClientOrderId"] = json!(order.client);
        (200, json!({"transactTime": now, "executionId": 75, "amendedOrder": amended}))
    }

    fn cancel_all(&mut self, now: u64) -> (u16, Value) {
        let open: Vec<u64> = self.orders.iter().filter(|o| o.is_open()).map(|o| o.number).collect();
        if open.is_empty() {
            return refusal(-2011, "Unknown order sent.");
        }
        let mut entries = Vec::new();
        for number in open {
            let params = Params::from([("orderId".to_owned(), number.to_string())]);
            let at = self.find(&params).unwrap();
            if self.orders[at].is_open() {
                entries.push(self.cancel(&params, now).1);
            }
        }
        (200, Value::Array(entries))
    }

    fn cancel(&mut self, params: &Params, now: u64) -> (u16, Value) {
        let Some(at) = self.find(params).filter(|at| self.orders[*at].is_open()) else {
            return refusal(-2011, "Unknown order sent.");
        };
        let siblings = self.siblings(at);
        self.end(at, "CANCELED", now);
        if let [other] = siblings[..] {
            if self.orders[other].is_open() {
                self.end(other, "CANCELED", now);
            }
            return (200, self.list([at, other], ("ALL_DONE", "ALL_DONE"), now));
        }
        let order = &self.orders[at];
        let mut answer = record(order);
        answer["origClientOrderId"] = json!(order.client);
        answer["clientOrderId"] = json!("the-cancel-itself");
        answer["transactTime"] = json!(now);
        (200, answer)
    }

    /// Somebody trades with one that rests.
    pub(crate) fn trade(&mut self, chance: &mut Chance, now: u64) {
        let rests = |at: &usize| self.orders[*at].is_open() && self.orders[*at].working;
        let open: Vec<usize> = (0..self.orders.len()).filter(rests).collect();
        if open.is_empty() {
            return;
        }
        let at = open[chance.below(open.len() as u64) as usize];
        let most = 1 + chance.below(2_000) as i64;
        self.fill(at, most, true, now);
    }

    /// The one of this name is filled, so far.
    pub(crate) fn fills(&mut self, client: &str, most: i64, now: u64) {
        let at = self.orders.iter().position(|order| order.client == client).unwrap();
        self.fill(at, most, true, now);
    }

    /// Base asset bought less sold.
    pub(crate) fn net(&self) -> i64 {
        self.trades.iter().map(|one| if one.buy { one.quantity } else { -one.quantity }).sum()
    }

    fn account(&mut self, who: Option<&str>) -> Value {
        let uid = self.keys.get(who.unwrap()).account;
        let open = || self.orders.iter().filter(|order| order.is_open());
        let left = |order: &FakeOrder| order.quantity - order.executed;
        // Of a pair one leg locks.
        let locks = |order: &&FakeOrder| order.list.is_none() || order.kind == "LIMIT_MAKER";
        let locked_btc: i64 = open().filter(locks).filter(|order| !order.buy).map(left).sum();
        let cost = |o: &FakeOrder| left(o) * if o.price > 0 { o.price } else { self.last };
        let locked_usdt: i64 = open().filter(locks).filter(|o| o.buy).map(cost).sum();
        let spent: i64 = self
            .trades
            .iter()
            .map(|one| one.quantity * one.price * if one.buy { 1 } else { -1 })
            .sum();
        let btc = START_BTC + self.net();
        let usdt = |raw: i64| format!("{}.{:07}", raw / 10_000_000, raw % 10_000_000);
        let mut account = json!({
            "canTrade": true, "canWithdraw": false, "canDeposit": true,
            "updateTime": self.updates, "accountType": "SPOT",
            "balances": [
                {"asset": "BTC", "free": quantity(btc - locked_btc), "locked": quantity(locked_btc)},
                {"asset": "USDT", "free": usdt(START_USDT - spent - locked_usdt),
                 "locked": usdt(locked_usdt)},
            ],
        });
        if let Some(uid) = uid {
            account["uid"] = json!(uid);
        }
        account
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

    fn exchange_info(&self, now: u64) -> Value {
        let mut filters = vec![
            json!({"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00",
                   "tickSize": "0.01"}),
            json!({"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00",
                   "stepSize": "0.00001"}),
        ];
        filters.extend(self.rules.filters.iter().cloned());
        json!({
            "timezone": "UTC", "serverTime": now,
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
                 "limit": self.limits.weight_most},
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10,
                 "limit": self.limits.orders_most},
            ],
            "exchangeFilters": [],
            "symbols": [{
                "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC",
                "baseAssetPrecision": 8, "quoteAsset": "USDT", "quotePrecision": 8,
                "quoteAssetPrecision": 8, "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
                "icebergAllowed": true, "ocoAllowed": true, "otoAllowed": true,
                "quoteOrderQtyMarketAllowed": true, "allowTrailingStop": true,
                "cancelReplaceAllowed": true, "amendAllowed": self.rules.amend_allowed,
                "isSpotTradingAllowed": true, "isMarginTradingAllowed": false,
                "filters": filters,
                "permissions": [], "permissionSets": [["SPOT"]],
                "defaultSelfTradePreventionMode": "NONE",
                "allowedSelfTradePreventionModes": ["NONE"],
            }],
        })
    }
}

fn record(order: &FakeOrder) -> Value {
    let mut record = json!({
        "symbol": "BTCUSDT", "orderId": order.number,
        "orderListId": order.list.map_or(-1, |list| list as i64),
        "clientOrderId": order.client, "price": price(order.price),
        "origQty": quantity(order.quantity), "executedQty": quantity(order.executed),
        "cummulativeQuoteQty": "0.00000000", "status": order.status, "timeInForce": order.tif,
        "type": order.kind, "side": if order.buy { "BUY" } else { "SELL" },
        "stopPrice": price(order.stop), "icebergQty": "0.00000000", "time": order.time,
        "updateTime": order.updated, "isWorking": order.working, "workingTime": order.time,
    });
    if let Some(points) = order.trailing {
        record["trailingDelta"] = json!(points);
    }
    record
}

fn execution(order: &FakeOrder, kind: &str, trade: Option<&FakeTrade>, now: u64) -> Value {
    let renamed = matches!(kind, "CANCELED" | "REPLACED");
    let name = match kind {
        "CANCELED" => "the-cancel-itself",
        _ => order.client.as_str(),
    };
    let mut event = json!({
        "e": "executionReport", "E": now, "s": "BTCUSDT", "c": name,
        "S": if order.buy { "BUY" } else { "SELL" }, "o": order.kind, "f": order.tif,
        "q": quantity(order.quantity), "p": price(order.price), "P": price(order.stop),
        "g": order.list.map_or(-1, |list| list as i64),
        "C": if renamed { order.client.as_str() } else { "" }, "x": kind, "X": order.status,
        "r": "NONE", "i": order.number,
        "l": quantity(trade.map_or(0, |trade| trade.quantity)), "z": quantity(order.executed),
        "L": price(trade.map_or(0, |trade| trade.price)),
        "n": if trade.is_some() { "0.00010000" } else { "0" },
        "N": trade.map(|_| "BNB"), "T": now, "t": trade.map_or(-1, |trade| trade.id as i64),
        "w": order.working, "m": trade.is_some_and(|trade| trade.maker), "O": order.time,
        "W": order.time, "V": "NONE",
    });
    if let Some(points) = order.trailing {
        event["d"] = json!(points);
    }
    event
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
