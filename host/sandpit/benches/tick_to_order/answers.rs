//! What this bench's exchange says: one symbol that is always the same, an account that is always the
//! same, and orders that all end at once without a fill. Words as Binance Spot writes them.

use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

pub(crate) const SYMBOL: &str = "BTCUSDT";
/// So many that no run comes near.
const ORDERS_MAX: u32 = 500_000_000;

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

/// An order as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placed {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) price: String,
    pub(crate) quantity: String,
}

/// Everything that was placed, by name.
#[derive(Debug, Default)]
pub(crate) struct Books {
    placed: HashMap<String, Placed>,
    /// When the account last changed.
    updated_ms: u64,
}

fn text<'a>(params: &'a Value, name: &str) -> &'a str {
    params[name].as_str().unwrap_or_default()
}

impl Books {
    /// How many orders came.
    pub(crate) fn orders(&self) -> usize {
        self.placed.len()
    }

    /// Takes an order. One that came before is a fault of the host's.
    pub(crate) fn place(&mut self, params: &Value) -> Result<Placed, String> {
        let placed = Placed {
            number: u64::try_from(self.placed.len()).unwrap_or_default() + 1,
            name: text(params, "newClientOrderId").to_owned(),
            price: text(params, "price").to_owned(),
            quantity: text(params, "quantity").to_owned(),
        };
        self.updated_ms = now_ms();
        match self.placed.insert(placed.name.clone(), placed.clone()) {
            None => Ok(placed),
            Some(_) => Err(format!("{} was sent twice", placed.name)),
        }
    }

    /// The answer to anything but a new order: by its method on the WebSocket API.
    pub(crate) fn answer(&self, method: &str, params: &Value) -> Result<Value, Value> {
        let now = now_ms();
        Ok(match method {
            "time" => json!({ "serverTime": now }),
            "exchangeInfo" => exchange_info(now),
            "account.status" => account(self.updated_ms),
            "account.commission" => commission(),
            "openOrders.status"
            | "openOrderLists.status"
            | "myTrades"
            | "klines"
            | "trades.aggregate"
            | "account.rateLimits.orders" => json!([]),
            "openOrders.cancelAll" => json!([]),
            "depth" => {
                json!({"lastUpdateId": 1, "bids": [["60000.00", "1.00000"]], "asks": [["60000.10", "1.00000"]]})
            }
            "avgPrice" => json!({"mins": 5, "price": "60000.00", "closeTime": now}),
            "order.status" => {
                let named = self.placed.get(text(params, "origClientOrderId"));
                record(
                    named.ok_or_else(|| json!({"code": -2013, "msg": "Order does not exist."}))?,
                    now,
                )
            }
            "restrictions" => restrictions(),
            "status" => json!({"status": 0, "msg": "normal"}),
            "userDataStream.subscribe.signature" | "userDataStream.subscribe" => {
                json!({ "subscriptionId": 0 })
            }
            "session.logon" => json!({
                "apiKey": text(params, "apiKey"), "authorizedSince": now, "connectedSince": now,
                "returnRateLimits": false, "serverTime": now, "userDataStream": false,
            }),
            _ => return Err(json!({"code": -1020, "msg": "This operation is not supported."})),
        })
    }
}

/// The method on the WebSocket API that a path of REST is.
pub(crate) fn method_of(verb: &str, path: &str) -> &'static str {
    match (verb, path) {
        ("GET", "/api/v3/time") => "time",
        ("GET", "/api/v3/exchangeInfo") => "exchangeInfo",
        ("GET", "/api/v3/account") => "account.status",
        ("GET", "/api/v3/account/commission") => "account.commission",
        ("GET", "/api/v3/openOrders") => "openOrders.status",
        ("GET", "/api/v3/openOrderList") => "openOrderLists.status",
        ("GET", "/api/v3/myTrades") => "myTrades",
        ("GET", "/api/v3/klines") => "klines",
        ("GET", "/api/v3/aggTrades") => "trades.aggregate",
        ("GET", "/api/v3/rateLimit/order") => "account.rateLimits.orders",
        ("GET", "/api/v3/depth") => "depth",
        ("GET", "/api/v3/avgPrice") => "avgPrice",
        ("GET", "/api/v3/order") => "order.status",
        ("DELETE", "/api/v3/openOrders") => "openOrders.cancelAll",
        ("GET", "/sapi/v1/account/apiRestrictions") => "restrictions",
        ("GET", "/sapi/v1/system/status") => "status",
        _ => "unknown",
    }
}

fn rate(kind: &str, interval: &str, number: u32) -> Value {
    json!({"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": ORDERS_MAX})
}

fn exchange_info(now: u64) -> Value {
    json!({
        "timezone": "UTC",
        "serverTime": now,
        "rateLimits": [
            rate("REQUEST_WEIGHT", "MINUTE", 1), rate("ORDERS", "SECOND", 10),
            rate("ORDERS", "DAY", 1), rate("RAW_REQUESTS", "MINUTE", 5),
        ],
        "exchangeFilters": [],
        "symbols": [{
            "symbol": SYMBOL, "status": "TRADING",
            "baseAsset": "BTC", "baseAssetPrecision": 8,
            "quoteAsset": "USDT", "quotePrecision": 8, "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT",
                "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"],
            "icebergAllowed": true, "ocoAllowed": true, "otoAllowed": true,
            "quoteOrderQtyMarketAllowed": true, "allowTrailingStop": true,
            "cancelReplaceAllowed": true, "amendAllowed": true,
            "isSpotTradingAllowed": true, "isMarginTradingAllowed": false,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00000", "stepSize": "0.00001"},
                {"filterType": "NOTIONAL", "minNotional": "5.00", "applyMinToMarket": true,
                    "maxNotional": "9000000.00", "applyMaxToMarket": false, "avgPriceMins": 5},
                {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
                {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
            ],
            "permissions": [], "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
        }],
    })
}

fn account(updated_ms: u64) -> Value {
    json!({
        "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": {"maker": "0.00100000", "taker": "0.00100000", "buyer": "0.00000000", "seller": "0.00000000"},
        "canTrade": true, "canWithdraw": false, "canDeposit": true, "brokered": false,
        "requireSelfTradePrevention": false, "preventSor": false,
        "updateTime": updated_ms, "accountType": "SPOT",
        "balances": [
            {"asset": "BTC", "free": "0.00000000", "locked": "0.00000000"},
            {"asset": "USDT", "free": "1000000.00000000", "locked": "0.00000000"},
        ],
        "permissions": ["SPOT"], "uid": 1,
    })
}

fn commission() -> Value {
    let both = |rate: &str| json!({"maker": rate, "taker": rate, "buyer": "0.00000000", "seller": "0.00000000"});
    json!({
        "symbol": SYMBOL,
        "standardCommission": both("0.00100000"),
        "specialCommission": both("0.00000000"),
        "taxCommission": both("0.00000000"),
        "discount": {"enabledForAccount": false, "enabledForSymbol": false, "discountAsset": "BNB", "discount": "0.75000000"},
    })
}

fn restrictions() -> Value {
    json!({
        "ipRestrict": true, "createTime": 1_600_000_000_000u64, "enableReading": true,
        "enableWithdrawals": false, "enableInternalTransfer": false, "enableMargin": false,
        "enableFutures": false, "permitsUniversalTransfer": false, "enableVanillaOptions": false,
        "enableFixApiTrade": false, "enableFixReadOnly": false,
        "enableSpotAndMarginTrading": true, "enablePortfolioMarginTrading": false,
    })
}

fn record(placed: &Placed, now: u64) -> Value {
    let Placed { number, name, price, quantity } = placed;
    json!({
        "symbol": SYMBOL, "orderId": number, "orderListId": -1, "clientOrderId": name,
        "price": price, "origQty": quantity, "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000", "status": "EXPIRED", "timeInForce": "IOC",
        "type": "LIMIT", "side": "BUY", "stopPrice": "0.00000000", "icebergQty": "0.00000000",
        "time": now, "updateTime": now, "isWorking": true, "workingTime": now,
        "origQuoteOrderQty": "0.00000000", "selfTradePreventionMode": "EXPIRE_MAKER",
    })
}

/// The result of `order.place`: it ended without a fill.
pub(crate) fn expired(placed: &Placed) -> String {
    let Placed { number, name, price, quantity } = placed;
    let now = now_ms();
    format!(
        r#"{{"symbol":"{SYMBOL}","orderId":{number},"orderListId":-1,"clientOrderId":"{name}","transactTime":{now},"price":"{price}","origQty":"{quantity}","executedQty":"0.00000000","origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"0.00000000","status":"EXPIRED","timeInForce":"IOC","type":"LIMIT","side":"BUY","workingTime":{now},"fills":[],"selfTradePreventionMode":"EXPIRE_MAKER"}}"#
    )
}

/// The answer to a request.
pub(crate) fn framed(id: &Value, result: &str) -> String {
    format!(
        r#"{{"id":{id},"status":200,"result":{result},"rateLimits":[{{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":{ORDERS_MAX},"count":1}},{{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":{ORDERS_MAX},"count":1}},{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{ORDERS_MAX},"count":1}}]}}"#
    )
}

/// Own events of an order that ends without a fill: it was taken, it ended, what the account has.
pub(crate) fn events(placed: &Placed) -> [String; 3] {
    let now = now_ms();
    let report = |what: &str| {
        let Placed { number, name, price, quantity } = placed;
        format!(
            r#"{{"subscriptionId":0,"event":{{"e":"executionReport","E":{now},"s":"{SYMBOL}","c":"{name}","S":"BUY","o":"LIMIT","f":"IOC","q":"{quantity}","p":"{price}","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"{what}","X":"{what}","r":"NONE","i":{number},"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,"T":{now},"t":-1,"I":{number},"w":true,"m":false,"M":false,"O":{now},"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000","W":{now},"V":"EXPIRE_MAKER"}}}}"#
        )
    };
    let account = format!(
        r#"{{"subscriptionId":0,"event":{{"e":"outboundAccountPosition","E":{now},"u":{now},"B":[{{"a":"BTC","f":"0.00000000","l":"0.00000000"}},{{"a":"USDT","f":"1000000.00000000","l":"0.00000000"}}]}}}}"#
    );
    [report("NEW"), report("EXPIRED"), account]
}
