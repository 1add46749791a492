//! Where requests go and what they weigh, as one table.

/// How a REST request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Changes.
    Put,
    /// Ends.
    Delete,
}

impl Method {
    /// As HTTP writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What a request has to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nothing.
    Public,
    /// Time and signature, or time alone on a connection that is logged in.
    Signed,
    /// Time and signature, even on a connection that is logged in.
    AlwaysSigned,
    /// Nothing, on a connection that is logged in.
    Session,
    /// The key's public name, and no signature.
    Keyed,
}

/// Which of the venue's limits a weight counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Requests to `/api` and to the WebSocket API.
    Api,
    /// Requests to `/sapi`, which have limits of their own.
    Sapi,
}

/// What a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Which limits the weight counts against.
    pub pool: Pool,
    /// Weight while the answer is not known, and where it is a refusal.
    pub weight: u32,
    /// Weight where the venue did what was asked.
    pub weight_confirmed: u32,
    /// What it adds to the count of orders that have not been filled.
    pub orders: u32,
}

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What it is called here.
    pub name: &'static str,
    /// Method and path on REST.
    pub rest: Option<(Method, &'static str)>,
    /// Method on the WebSocket API.
    pub websocket: Option<&'static str>,
    /// What it has to carry.
    pub security: Security,
    /// Whether it changes anything. Where the answer to such a request is lost or says that the
    /// outcome is unknown, the fate of its orders is unknown; where it only asks, there is no
    /// answer and nothing else.
    pub changes: bool,
    /// What it costs in its common form.
    pub cost: Cost,
}

/// Names the lines of [`ENDPOINTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the lines of the table below, which says what they are")]
pub enum Target {
    Place,
    Cancel,
    CancelAll,
    CancelReplace,
    Amend,
    PlaceOco,
    PlaceOtoco,
    CancelList,
    OrderStatus,
    OpenOrders,
    ListStatus,
    OpenLists,
    MyTrades,
    Account,
    Commission,
    OrderCounts,
    ExchangeInfo,
    Time,
    Depth,
    Klines,
    AggTrades,
    AveragePrice,
    ApiRestrictions,
    SystemStatus,
    Logon,
    Subscribe,
    SubscribeSigned,
    Unsubscribe,
}

impl Target {
    /// Its line.
    #[must_use]
    pub const fn endpoint(self) -> &'static Endpoint {
        &ENDPOINTS[self as usize]
    }
}

type Rest = Option<(Method, &'static str)>;

const fn line(
    name: &'static str,
    rest: Rest,
    websocket: Option<&'static str>,
    security: Security,
    weight: u32,
) -> Endpoint {
    let cost = Cost { pool: Pool::Api, weight, weight_confirmed: weight, orders: 0 };
    Endpoint { name, rest, websocket, security, changes: false, cost }
}

/// Changes something.
const fn change(
    name: &'static str,
    rest: (Method, &'static str),
    websocket: &'static str,
    orders: u32,
) -> Endpoint {
    let cost = Cost { pool: Pool::Api, weight: 1, weight_confirmed: 1, orders };
    let security = Security::Signed;
    Endpoint { name, rest: Some(rest), websocket: Some(websocket), security, changes: true, cost }
}

/// Weighs nothing where it is done. The venue says so of placing and canceling; for everything
/// around them the full weight is the safe reading.
const fn free_when_done(mut endpoint: Endpoint) -> Endpoint {
    endpoint.cost.weight_confirmed = 0;
    endpoint
}

const fn wallet(name: &'static str, path: &'static str, security: Security) -> Endpoint {
    let mut endpoint = line(name, Some((Method::Get, path)), None, security, 1);
    endpoint.cost.pool = Pool::Sapi;
    endpoint
}

const fn connection(
    name: &'static str,
    websocket: &'static str,
    security: Security,
    weight: u32,
) -> Endpoint {
    line(name, None, Some(websocket), security, weight)
}

const fn amend() -> Endpoint {
    let mut endpoint = change(
        "amend",
        (Method::Put, "/api/v3/order/amend/keepPriority"),
        "order.amend.keepPriority",
        0,
    );
    // Weighs nothing only where it ends the order; the full weight is the safe reading.
    endpoint.cost.weight = 4;
    endpoint.cost.weight_confirmed = 4;
    endpoint
}

const fn get(name: &'static str, path: &'static str, websocket: &'static str, w: u32) -> Endpoint {
    line(name, Some((Method::Get, path)), Some(websocket), Security::Signed, w)
}

const fn public(
    name: &'static str,
    path: &'static str,
    websocket: &'static str,
    w: u32,
) -> Endpoint {
    line(name, Some((Method::Get, path)), Some(websocket), Security::Public, w)
}

use Method::{Delete, Post};

/// All of them, in the order of [`Target`].
///
/// Weights and counts: the official documents "Rest API" and "WebSocket API" (the same on both),
/// for `/sapi` "Wallet Endpoints"; weight 0 of what is done: change of 2026-04-02.
pub static ENDPOINTS: [Endpoint; 28] = [
    free_when_done(change("place", (Post, "/api/v3/order"), "order.place", 1)),
    free_when_done(change("cancel", (Delete, "/api/v3/order"), "order.cancel", 0)),
    change("cancel all", (Delete, "/api/v3/openOrders"), "openOrders.cancelAll", 0),
    change("cancel and replace", (Post, "/api/v3/order/cancelReplace"), "order.cancelReplace", 1),
    amend(),
    change("place OCO", (Post, "/api/v3/orderList/oco"), "orderList.place.oco", 2),
    change("place OTOCO", (Post, "/api/v3/orderList/otoco"), "orderList.place.otoco", 3),
    change("cancel list", (Delete, "/api/v3/orderList"), "orderList.cancel", 0),
    get("order status", "/api/v3/order", "order.status", 4),
    get("open orders", "/api/v3/openOrders", "openOrders.status", 6),
    get("list status", "/api/v3/orderList", "orderList.status", 4),
    get("open lists", "/api/v3/openOrderList", "openOrderLists.status", 6),
    get("own trades", "/api/v3/myTrades", "myTrades", 20),
    get("account", "/api/v3/account", "account.status", 20),
    get("commission", "/api/v3/account/commission", "account.commission", 20),
    get("order counts", "/api/v3/rateLimit/order", "account.rateLimits.orders", 40),
    public("exchange info", "/api/v3/exchangeInfo", "exchangeInfo", 20),
    public("time", "/api/v3/time", "time", 1),
    public("depth", "/api/v3/depth", "depth", 5),
    public("klines", "/api/v3/klines", "klines", 2),
    public("aggregate trades", "/api/v3/aggTrades", "trades.aggregate", 4),
    public("average price", "/api/v3/avgPrice", "avgPrice", 2),
    wallet("key permissions", "/sapi/v1/account/apiRestrictions", Security::Signed),
    wallet("system status", "/sapi/v1/system/status", Security::Public),
    connection("logon", "session.logon", Security::AlwaysSigned, 2),
    connection("subscribe", "userDataStream.subscribe", Security::Session, 2),
    connection("subscribe signed", "userDataStream.subscribe.signature", Security::AlwaysSigned, 2),
    connection("unsubscribe", "userDataStream.unsubscribe", Security::Session, 2),
];
