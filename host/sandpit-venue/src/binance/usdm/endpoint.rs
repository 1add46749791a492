//! Where requests of USDⓈ-M futures go and what they weigh, as one table.

use super::request::{depth_weight, klines_weight};
use crate::binance::request::{Cost, Endpoint, Method, Pool, Security};

/// Names the lines of [`ENDPOINTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the lines of the table below, which says what they are")]
pub enum Target {
    Place,
    Modify,
    Cancel,
    CancelAll,
    OrderStatus,
    OpenOrders,
    AllOrders,
    PlaceAlgo,
    CancelAlgo,
    CancelAllAlgo,
    AlgoStatus,
    OpenAlgos,
    Countdown,
    UserTrades,
    Account,
    Balances,
    Positions,
    AccountConfig,
    SymbolConfig,
    SetLeverage,
    SetMarginType,
    PositionMode,
    AssetsMode,
    Brackets,
    Income,
    Commission,
    ExchangeInfo,
    Time,
    Depth,
    Klines,
    AggTrades,
    PremiumIndex,
    FundingRates,
    StartListen,
    KeepListen,
    StopListen,
    Logon,
}

impl Target {
    /// Its line.
    #[must_use]
    pub const fn endpoint(self) -> &'static Endpoint {
        &ENDPOINTS[self as usize]
    }

    /// What it costs with this limit of rows.
    #[must_use]
    pub const fn cost_of(self, limit: Option<u32>) -> Cost {
        let cost = self.endpoint().cost;
        let weight = match self {
            Self::Depth => depth_weight(limit),
            Self::Klines => klines_weight(limit),
            _ => cost.weight,
        };
        Cost { weight, weight_confirmed: weight, ..cost }
    }
}

type Rest = Option<(Method, &'static str)>;
type Socket = Option<&'static str>;

const fn line(
    name: &'static str,
    rest: Rest,
    websocket: Socket,
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
    websocket: Socket,
    weight: u32,
    orders: u32,
) -> Endpoint {
    let mut endpoint = line(name, Some(rest), websocket, Security::Signed, weight);
    endpoint.changes = true;
    endpoint.cost.orders = orders;
    endpoint
}

const fn get(name: &'static str, path: &'static str, websocket: Socket, weight: u32) -> Endpoint {
    line(name, Some((Method::Get, path)), websocket, Security::Signed, weight)
}

const fn public(name: &'static str, path: &'static str, weight: u32) -> Endpoint {
    line(name, Some((Method::Get, path)), None, Security::Public, weight)
}

/// Of a listen key: making it twice gives the same one, so that asking again does no harm.
const fn listen(name: &'static str, method: Method, websocket: &'static str) -> Endpoint {
    let rest = Some((method, "/fapi/v1/listenKey"));
    line(name, rest, Some(websocket), Security::Keyed, 1)
}

use Method::{Delete, Post, Put};

const ORDER: &str = "/fapi/v1/order";
const ALGO: &str = "/fapi/v1/algoOrder";

/// All of them, in the order of [`Target`].
///
/// Weights and counts: the official documents of USDⓈ-M futures, each endpoint's own page
/// (2026-05-28). To place and to change an order weighs nothing by address and counts as one order;
/// of a conditional order the page says only that it weighs nothing, and counting it as one order
/// is the safe reading. Funding rates have a limit of their own (500 in 5 minutes) and no weight;
/// they are given one here.
pub static ENDPOINTS: [Endpoint; 37] = [
    change("place", (Post, ORDER), Some("order.place"), 0, 1),
    change("modify", (Put, ORDER), Some("order.modify"), 0, 1),
    change("cancel", (Delete, ORDER), Some("order.cancel"), 1, 0),
    change("cancel all", (Delete, "/fapi/v1/allOpenOrders"), None, 1, 0),
    get("order status", ORDER, Some("order.status"), 1),
    get("open orders", "/fapi/v1/openOrders", None, 1),
    get("all orders", "/fapi/v1/allOrders", None, 5),
    change("place conditional", (Post, ALGO), Some("algoOrder.place"), 0, 1),
    change("cancel conditional", (Delete, ALGO), Some("algoOrder.cancel"), 1, 0),
    change("cancel all conditional", (Delete, "/fapi/v1/algoOpenOrders"), None, 1, 0),
    get("conditional status", ALGO, None, 1),
    get("open conditional", "/fapi/v1/openAlgoOrders", None, 1),
    change("countdown", (Post, "/fapi/v1/countdownCancelAll"), None, 10, 0),
    get("own trades", "/fapi/v1/userTrades", None, 5),
    get("account", "/fapi/v3/account", Some("v2/account.status"), 5),
    get("balances", "/fapi/v3/balance", Some("v2/account.balance"), 5),
    get("positions", "/fapi/v3/positionRisk", Some("v2/account.position"), 5),
    get("account config", "/fapi/v1/accountConfig", None, 5),
    get("symbol config", "/fapi/v1/symbolConfig", None, 5),
    change("set leverage", (Post, "/fapi/v1/leverage"), None, 1, 0),
    change("set margin type", (Post, "/fapi/v1/marginType"), None, 1, 0),
    get("position mode", "/fapi/v1/positionSide/dual", None, 30),
    get("assets mode", "/fapi/v1/multiAssetsMargin", None, 30),
    get("leverage brackets", "/fapi/v1/leverageBracket", None, 1),
    get("income", "/fapi/v1/income", None, 30),
    get("commission", "/fapi/v1/commissionRate", None, 20),
    public("exchange info", "/fapi/v1/exchangeInfo", 1),
    public("time", "/fapi/v1/time", 1),
    public("depth", "/fapi/v1/depth", 10),
    public("klines", "/fapi/v1/klines", 5),
    public("aggregate trades", "/fapi/v1/aggTrades", 20),
    public("premium index", "/fapi/v1/premiumIndex", 1),
    public("funding rates", "/fapi/v1/fundingRate", 1),
    listen("start listen key", Post, "userDataStream.start"),
    listen("keep listen key", Put, "userDataStream.ping"),
    listen("stop listen key", Delete, "userDataStream.stop"),
    line("logon", None, Some("session.logon"), Security::AlwaysSigned, 2),
];
