//! The table of requests: where they are, who may ask, what they weigh.
//!
//! Weights: the official documents "Rest API", "WebSocket API" and "Wallet Endpoints"; what is
//! placed or canceled weighs nothing where it is done (change of 2026-04-02).

use serde_json::Value;

use super::{Call, account, lists, market, orders};
use crate::{Exchange, params::Params, refusal::Refusal};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// Everybody.
    Public,
    /// Who has a key, signed.
    Read,
    /// Who has a key that may trade, signed.
    Trade,
}

impl Endpoint {
    /// Path on REST; empty where there is none.
    pub(crate) fn path(&self) -> &'static str {
        self.rest.map_or("", |(_, path)| path)
    }
}

type Run = fn(&mut Exchange, &Call<'_>) -> Result<Value, Refusal>;

/// One kind of request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    /// Method and path on REST.
    pub(crate) rest: Option<(&'static str, &'static str)>,
    /// Method on the WebSocket API.
    pub(crate) websocket: Option<&'static str>,
    pub(crate) security: Security,
    /// Parameters that it reads, by spaces.
    pub(crate) reads: &'static str,
    pub(crate) weight: fn(&Params) -> u32,
    /// Orders that it may place.
    pub(crate) orders: u32,
    /// Whether it weighs nothing where it is done.
    pub(crate) free_when_done: bool,
    /// Whether it counts against the limits of `/sapi`.
    pub(crate) wallet: bool,
    pub(crate) run: Run,
}

const ORDER: &str = "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId strategyId strategyType stopPrice trailingDelta icebergQty newOrderRespType selfTradePreventionMode";
const TEST: &str = "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId strategyId strategyType stopPrice trailingDelta icebergQty newOrderRespType selfTradePreventionMode computeCommissionRates";
const REPLACE: &str = "symbol side type cancelReplaceMode timeInForce quantity quoteOrderQty price cancelNewClientOrderId cancelOrigClientOrderId cancelOrderId newClientOrderId strategyId strategyType stopPrice trailingDelta icebergQty newOrderRespType selfTradePreventionMode cancelRestrictions orderRateLimitExceededMode";
const OCO: &str = "symbol listClientOrderId side quantity aboveType aboveClientOrderId aboveIcebergQty abovePrice aboveStopPrice aboveTrailingDelta aboveTimeInForce aboveStrategyId aboveStrategyType belowType belowClientOrderId belowIcebergQty belowPrice belowStopPrice belowTrailingDelta belowTimeInForce belowStrategyId belowStrategyType newOrderRespType selfTradePreventionMode";
const OTO: &str = "symbol listClientOrderId newOrderRespType selfTradePreventionMode workingType workingSide workingClientOrderId workingPrice workingQuantity workingIcebergQty workingTimeInForce workingStrategyId workingStrategyType pendingType pendingSide pendingClientOrderId pendingPrice pendingStopPrice pendingTrailingDelta pendingQuantity pendingIcebergQty pendingTimeInForce pendingStrategyId pendingStrategyType";
const OTOCO: &str = "symbol listClientOrderId newOrderRespType selfTradePreventionMode workingType workingSide workingClientOrderId workingPrice workingQuantity workingIcebergQty workingTimeInForce workingStrategyId workingStrategyType pendingSide pendingQuantity pendingAboveType pendingAboveClientOrderId pendingAbovePrice pendingAboveStopPrice pendingAboveTrailingDelta pendingAboveIcebergQty pendingAboveTimeInForce pendingAboveStrategyId pendingAboveStrategyType pendingBelowType pendingBelowClientOrderId pendingBelowPrice pendingBelowStopPrice pendingBelowTrailingDelta pendingBelowIcebergQty pendingBelowTimeInForce pendingBelowStrategyId pendingBelowStrategyType";
const KLINES: &str = "symbol interval startTime endTime timeZone limit";
const TICKERS: &str = "symbol symbols symbolStatus";

const fn line(
    rest: (&'static str, &'static str),
    websocket: &'static str,
    security: Security,
    reads: &'static str,
    weight: fn(&Params) -> u32,
    run: Run,
) -> Endpoint {
    let websocket = if websocket.is_empty() { None } else { Some(websocket) };
    Endpoint {
        rest: Some(rest),
        websocket,
        security,
        reads,
        weight,
        orders: 0,
        free_when_done: false,
        wallet: false,
        run,
    }
}

const fn public(
    path: &'static str,
    websocket: &'static str,
    reads: &'static str,
    weight: fn(&Params) -> u32,
    run: Run,
) -> Endpoint {
    line(("GET", path), websocket, Security::Public, reads, weight, run)
}

const fn read(
    path: &'static str,
    websocket: &'static str,
    reads: &'static str,
    weight: fn(&Params) -> u32,
    run: Run,
) -> Endpoint {
    line(("GET", path), websocket, Security::Read, reads, weight, run)
}

const fn trade(
    rest: (&'static str, &'static str),
    websocket: &'static str,
    reads: &'static str,
    orders: u32,
    run: Run,
) -> Endpoint {
    let mut endpoint = line(rest, websocket, Security::Trade, reads, |_| 1, run);
    endpoint.orders = orders;
    endpoint
}

const fn free(mut endpoint: Endpoint) -> Endpoint {
    endpoint.free_when_done = true;
    endpoint
}

const fn wallet(mut endpoint: Endpoint) -> Endpoint {
    endpoint.wallet = true;
    endpoint
}

const fn amend() -> Endpoint {
    let rest = ("PUT", "/api/v3/order/amend/keepPriority");
    let reads = "symbol orderId origClientOrderId newClientOrderId newQty";
    let mut endpoint = trade(rest, "order.amend.keepPriority", reads, 0, orders::amend);
    endpoint.weight = |_| 4;
    endpoint
}

fn depth_weight(params: &Params) -> u32 {
    match params.limit(100, 5_000).unwrap_or(100) {
        0..=100 => 5,
        101..=500 => 25,
        501..=1_000 => 50,
        _ => 250,
    }
}

fn one_or_all(params: &Params, one: u32, all: u32) -> u32 {
    if params.get("symbol").is_some() { one } else { all }
}

/// All of them.
static ENDPOINTS: &[Endpoint] = &[
    public("/api/v3/ping", "ping", "", |_| 1, market::ping),
    public("/api/v3/time", "time", "", |_| 1, market::time),
    public(
        "/api/v3/exchangeInfo",
        "exchangeInfo",
        "symbol symbols permissions showPermissionSets symbolStatus",
        |_| 20,
        market::exchange_info,
    ),
    public("/api/v3/depth", "depth", "symbol limit symbolStatus", depth_weight, market::depth),
    public("/api/v3/trades", "trades.recent", "symbol limit", |_| 25, market::trades),
    public(
        "/api/v3/historicalTrades",
        "trades.historical",
        "symbol limit fromId",
        |_| 25,
        market::historical_trades,
    ),
    public(
        "/api/v3/aggTrades",
        "trades.aggregate",
        "symbol fromId startTime endTime limit",
        |_| 4,
        market::aggregates,
    ),
    public("/api/v3/klines", "klines", KLINES, |_| 2, market::klines),
    public("/api/v3/uiKlines", "uiKlines", KLINES, |_| 2, market::klines),
    public("/api/v3/avgPrice", "avgPrice", "symbol", |_| 2, market::average_price),
    public(
        "/api/v3/ticker/24hr",
        "ticker.24hr",
        "symbol symbols type symbolStatus",
        |p| one_or_all(p, 2, 80),
        market::day_tickers,
    ),
    public(
        "/api/v3/ticker/price",
        "ticker.price",
        TICKERS,
        |p| one_or_all(p, 2, 4),
        market::price_tickers,
    ),
    public(
        "/api/v3/ticker/bookTicker",
        "ticker.book",
        TICKERS,
        |p| one_or_all(p, 2, 4),
        market::book_tickers,
    ),
    free(trade(("POST", "/api/v3/order"), "order.place", ORDER, 1, orders::place)),
    trade(("POST", "/api/v3/order/test"), "order.test", TEST, 0, orders::test),
    read(
        "/api/v3/order",
        "order.status",
        "symbol orderId origClientOrderId",
        |_| 4,
        orders::status,
    ),
    free(trade(
        ("DELETE", "/api/v3/order"),
        "order.cancel",
        "symbol orderId origClientOrderId newClientOrderId cancelRestrictions",
        0,
        orders::cancel,
    )),
    trade(
        ("POST", "/api/v3/order/cancelReplace"),
        "order.cancelReplace",
        REPLACE,
        1,
        orders::cancel_replace,
    ),
    amend(),
    read(
        "/api/v3/openOrders",
        "openOrders.status",
        "symbol",
        |p| one_or_all(p, 6, 80),
        orders::open,
    ),
    trade(
        ("DELETE", "/api/v3/openOrders"),
        "openOrders.cancelAll",
        "symbol",
        0,
        orders::cancel_all,
    ),
    read(
        "/api/v3/allOrders",
        "allOrders",
        "symbol orderId startTime endTime limit",
        |_| 20,
        orders::all,
    ),
    trade(("POST", "/api/v3/orderList/oco"), "orderList.place.oco", OCO, 2, lists::place_oco),
    trade(("POST", "/api/v3/orderList/oto"), "orderList.place.oto", OTO, 2, lists::place_oto),
    trade(
        ("POST", "/api/v3/orderList/otoco"),
        "orderList.place.otoco",
        OTOCO,
        3,
        lists::place_otoco,
    ),
    read(
        "/api/v3/orderList",
        "orderList.status",
        "orderListId origClientOrderId",
        |_| 4,
        lists::status,
    ),
    trade(
        ("DELETE", "/api/v3/orderList"),
        "orderList.cancel",
        "symbol orderListId listClientOrderId newClientOrderId",
        0,
        lists::cancel,
    ),
    read("/api/v3/openOrderList", "openOrderLists.status", "", |_| 6, lists::open),
    read(
        "/api/v3/allOrderList",
        "allOrderLists",
        "fromId startTime endTime limit",
        |_| 20,
        lists::all,
    ),
    read("/api/v3/account", "account.status", "omitZeroBalances", |_| 20, account::status),
    read("/api/v3/account/commission", "account.commission", "symbol", |_| 20, account::commission),
    read(
        "/api/v3/myTrades",
        "myTrades",
        "symbol orderId startTime endTime fromId limit",
        |p| if p.get("orderId").is_some() { 5 } else { 20 },
        account::trades,
    ),
    read(
        "/api/v3/myPreventedMatches",
        "myPreventedMatches",
        "symbol preventedMatchId orderId fromPreventedMatchId limit",
        |_| 20,
        account::prevented,
    ),
    read("/api/v3/rateLimit/order", "account.rateLimits.orders", "", |_| 40, account::order_counts),
    wallet(read("/sapi/v1/account/apiRestrictions", "", "", |_| 1, account::restrictions)),
    wallet(public("/sapi/v1/system/status", "", "", |_| 1, market::system_status)),
    wallet(read("/sapi/v1/capital/config/getall", "", "", |_| 10, account::coins)),
    // There is no margin here: what clients ask of it at their start is empty.
    wallet(public("/sapi/v1/margin/allPairs", "", "", |_| 1, market::no_pairs)),
    wallet(read("/sapi/v1/margin/isolated/allPairs", "", "", |_| 10, market::no_pairs)),
    // Not the venue's: pays in or out, so that a balance changes without a trade.
    line(
        ("POST", "/sandpit/v1/transfer"),
        "",
        Security::Read,
        "asset amount direction",
        |_| 1,
        account::transfer,
    ),
];

/// The request of a REST call.
pub(crate) fn by_path(method: &str, path: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.rest == Some((method, path)))
}

/// Whether any method is known at a path.
pub(crate) fn path_exists(path: &str) -> bool {
    ENDPOINTS.iter().any(|endpoint| endpoint.rest.is_some_and(|(_, own)| own == path))
}

/// The request of a WebSocket call.
pub(crate) fn by_method(method: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.websocket == Some(method))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_place_is_there_once() {
        let mut places = BTreeSet::new();
        for endpoint in ENDPOINTS {
            let rest = endpoint.rest.map(|(method, path)| format!("{method} {path}"));
            for place in rest.into_iter().chain(endpoint.websocket.map(str::to_owned)) {
                assert!(places.insert(place.clone()), "{place}");
            }
        }
        assert!(places.len() > 60);
    }
}
