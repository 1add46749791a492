//! A venue written by hand: it answers what the machine asks, keeps orders, positions and countdowns,
//! and can lose what it is told to lose.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use sandpit_core::{time::UnixNanos, venue::VenueMessage};
use sandpit_venue::{
    binance::{
        sign::Signer,
        usdm::{
            Usdm,
            hosts::{Environment, Hosts},
            request::MarginMode,
            settings::{Settings, SymbolSettings},
        },
    },
    machine::{Call, CallId, HttpReply, Input, LinkId, Machine, NoReply, Notice, Output, Told},
};

pub(crate) const KEY: &str = "fake-key-for-tests";

/// Signs nothing; the fake looks at the name alone.
pub(crate) struct NoSigner(pub(crate) &'static str);

impl Signer for NoSigner {
    fn api_key(&self) -> &'static str {
        self.0
    }

    fn sign(&self, _: &[u8], out: &mut String) {
        out.push_str("00");
    }
}

/// What becomes of a call to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It arrives, and its answer is lost.
    AnswerLost,
    /// It does not arrive, and nobody says so.
    Lost,
    /// It arrives, and this status comes back with an unknown error.
    Status(u16),
}

/// An order that the fake has.
#[derive(Clone, Debug)]
pub(crate) struct FakeOrder {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) algo: bool,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) open: bool,
}

pub(crate) const START: UnixNanos = UnixNanos(1_790_000_000_000_000_000);
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

pub(crate) fn seconds(seconds: u64) -> u64 {
    seconds * SECOND
}

/// Status and body; `None` where the answer is lost.
type Reply = Option<(u16, String)>;

pub(crate) struct Fake {
    pub(crate) machine: Usdm,
    pub(crate) now: UnixNanos,
    pub(crate) orders: Vec<FakeOrder>,
    /// Names of all orders that ever arrived.
    pub(crate) names: Vec<String>,
    /// When each countdown runs out.
    pub(crate) countdowns: BTreeMap<String, Option<UnixNanos>>,
    pub(crate) fired: Vec<String>,
    /// Which account the key is of that asks.
    alias: String,
    /// Keys by their names, and which account each is of; empty where it was taken away.
    pub(crate) keys: BTreeMap<String, String>,
    /// Which key asked for what, in order.
    pub(crate) by: Vec<(String, String)>,
    pub(crate) hedge: bool,
    pub(crate) multi_assets: bool,
    pub(crate) leverage: u32,
    pub(crate) margin: &'static str,
    pub(crate) stuck_leverage: bool,
    pub(crate) position: String,
    pub(crate) trades: String,
    pub(crate) listen_keys: u32,
    pub(crate) kept: u32,
    pub(crate) key_dead: bool,
    pub(crate) links: BTreeMap<LinkId, String>,
    pub(crate) refuse_links: bool,
    /// Connections begin to open, and do not.
    pub(crate) stall_links: bool,
    pub(crate) trouble: Vec<(&'static str, Trouble)>,
    pub(crate) told: Vec<Output>,
    pub(crate) calls: Vec<String>,
    late: VecDeque<(UnixNanos, CallId, Reply)>,
    next: u64,
}

pub(crate) fn settings() -> Settings {
    let symbols = vec![SymbolSettings {
        symbol: "BTCUSDT".to_owned(),
        leverage: 5,
        margin: MarginMode::Isolated,
    }];
    let mut settings = Settings::new(Hosts::official(Environment::Testnet), symbols);
    settings.websocket_api = false;
    settings
}

impl Fake {
    pub(crate) fn new(settings: Settings) -> Self {
        Self::with_key(settings, true)
    }

    pub(crate) fn with_key(settings: Settings, key: bool) -> Self {
        let signer = key.then(|| Arc::new(NoSigner(KEY)) as Arc<dyn Signer + Send + Sync>);
        Self {
            machine: Usdm::new(settings, signer).unwrap(),
            now: START,
            orders: Vec::new(),
            names: Vec::new(),
            countdowns: BTreeMap::new(),
            fired: Vec::new(),
            alias: String::new(),
            keys: BTreeMap::from([(KEY.to_owned(), "SgsR".to_owned())]),
            by: Vec::new(),
            hedge: false,
            multi_assets: false,
            leverage: 20,
            margin: "CROSSED",
            stuck_leverage: false,
            position: "0.000".to_owned(),
            trades: String::new(),
            listen_keys: 0,
            kept: 0,
            key_dead: false,
            links: BTreeMap::new(),
            refuse_links: false,
            stall_links: false,
            trouble: Vec::new(),
            told: Vec::new(),
            calls: Vec::new(),
            late: VecDeque::new(),
            next: 1_000,
        }
    }

    pub(crate) fn step(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.machine.step(input, self.now, self.now.0 ^ 0x5eed, &mut out);
        self.take(out);
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Open { link, url } => {
                    if self.refuse_links {
                        self.step(Input::Closed(link, "refused"));
                    } else {
                        self.links.insert(link, url);
                        if !self.stall_links {
                            self.step(Input::Opened(link));
                        }
                    }
                }
                Output::Close(link) => self.cut(link),
                Output::Send { link, text } => self.frame(link, &text),
                Output::Call(call) => self.call(&call),
                told => self.told.push(told),
            }
        }
    }

    /// Ends a connection.
    pub(crate) fn cut(&mut self, link: LinkId) {
        if self.links.remove(&link).is_some() {
            self.step(Input::Closed(link, "gone"));
        }
    }

    /// Answers a subscription to market data.
    fn frame(&mut self, link: LinkId, text: &str) {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(json["method"], "SUBSCRIBE", "{text}");
        let answer = format!(r#"{{"result":null,"id":{}}}"#, json["id"]);
        self.step(Input::Frame(link, answer.as_bytes()));
    }

    pub(crate) fn own_link(&self) -> LinkId {
        let mut own = self.links.iter().filter(|(_, url)| url.contains("/private/"));
        *own.next_back().unwrap().0
    }

    pub(crate) fn market_link(&self) -> LinkId {
        *self.links.iter().find(|(_, url)| url.contains("/market/")).unwrap().0
    }

    /// Tells an own event.
    pub(crate) fn tell(&mut self, event: &str) {
        let link = self.own_link();
        self.step(Input::Frame(link, event.as_bytes()));
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, nanos: u64) {
        let end = UnixNanos(self.now.0 + nanos);
        let mut turns = 0u64;
        loop {
            let wake = self.machine.next_wake().map_or(end, |at| at.max(UnixNanos(self.now.0 + 1)));
            let late = self.late.iter().map(|(at, ..)| *at).min().unwrap_or(end);
            let fires = self.countdowns.values().flatten().copied().min().unwrap_or(end);
            let at = wake.min(late).min(fires).min(end).max(self.now);
            self.now = at;
            self.fire();
            if let Some(index) = self.late.iter().position(|(due, ..)| *due <= at) {
                let (_, call, answer) = self.late.remove(index).unwrap();
                match answer {
                    Some((status, body)) => {
                        let reply = HttpReply { status, headers: &[], body: body.as_bytes() };
                        self.step(Input::Reply(call, reply));
                    }
                    None => self.step(Input::NoReply(call, NoReply::TimedOut)),
                }
            } else if at >= end {
                return;
            } else {
                self.step(Input::Wake);
            }
            turns += 1;
            assert!(turns < 2_000_000, "it spins");
        }
    }

    fn fire(&mut self) {
        for (symbol, until) in &mut self.countdowns {
            if until.is_some_and(|until| until <= self.now) {
                *until = None;
                self.fired.push(symbol.clone());
            }
        }
    }

    fn call(&mut self, call: &Call) {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        self.calls.push(format!("{} {path}", call.method));
        let text = if call.body.is_empty() { query } else { &call.body };
        let params: BTreeMap<String, String> = text
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let name = format!("{} {path}", call.method);
        let at = self.trouble.iter().position(|(trouble, _)| *trouble == name);
        let trouble = at.map(|at| self.trouble.remove(at).1);
        let soon = UnixNanos(self.now.0 + 20 * MILLI);
        let timeout = self.now.plus(call.timeout);
        let id = call.id;
        if trouble == Some(Trouble::Lost) {
            return self.late.push_back((timeout, id, None));
        }
        let key = call.key.as_ref().map(|key| key.expose().to_owned());
        if let Some(key) = &key {
            self.by.push((key.clone(), name.clone()));
            self.alias = self.keys.get(key).cloned().unwrap_or_default();
        }
        let (status, body) = if key.is_some() && self.alias.is_empty() {
            (
                401,
                r#"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action"}"#
                    .to_owned(),
            )
        } else {
            self.answer(&name, &params)
        };
        let late = match trouble {
            None => (soon, id, Some((status, body))),
            Some(Trouble::Status(status)) => {
                let body = r#"{"code":-1000,"msg":"Unknown error, please check your request or try again later."}"#;
                (soon, id, Some((status, body.to_owned())))
            }
            Some(Trouble::AnswerLost | Trouble::Lost) => (timeout, id, None),
        };
        self.late.push_back(late);
    }

    fn answer(&mut self, name: &str, params: &BTreeMap<String, String>) -> (u16, String) {
        let ok = |body: String| (200, body);
        let get = |name: &str| params.get(name).cloned().unwrap_or_default();
        match name {
            "GET /fapi/v1/time" => ok(format!(r#"{{"serverTime":{}}}"#, self.now.0 / MILLI)),
            "GET /fapi/v1/exchangeInfo" => ok(INFO.to_owned()),
            "GET /fapi/v1/positionSide/dual" => {
                ok(format!(r#"{{"dualSidePosition":{}}}"#, self.hedge))
            }
            "GET /fapi/v1/multiAssetsMargin" => {
                ok(format!(r#"{{"multiAssetsMargin":{}}}"#, self.multi_assets))
            }
            "GET /fapi/v1/accountConfig" => ok(format!(
                r#"{{"feeTier":0,"canTrade":true,"dualSidePosition":{},"multiAssetsMargin":{},"updateTime":0}}"#,
                self.hedge, self.multi_assets
            )),
            "GET /fapi/v3/balance" => ok(format!(
                r#"[{{"accountAlias":"{}","asset":"USDT","balance":"1000","availableBalance":"1000"}},{{"accountAlias":"{}","asset":"BNB","balance":"1","availableBalance":"1"}}]"#,
                self.alias, self.alias
            )),
            "GET /fapi/v1/leverageBracket" => ok(r#"[{"symbol":"BTCUSDT","brackets":[{"bracket":1,"initialLeverage":125,"notionalCap":50000,"notionalFloor":0,"maintMarginRatio":0.004,"cum":0.0}]}]"#.to_owned()),
            "GET /fapi/v1/symbolConfig" => ok(format!(
                r#"[{{"symbol":"BTCUSDT","marginType":"{}","isAutoAddMargin":false,"leverage":{},"maxNotionalValue":"1000000"}}]"#,
                self.margin, self.leverage
            )),
            "GET /fapi/v1/commissionRate" => ok(r#"{"symbol":"BTCUSDT","makerCommissionRate":"0.0002","takerCommissionRate":"0.0004"}"#.to_owned()),
            "POST /fapi/v1/marginType" => {
                self.margin = if get("marginType") == "ISOLATED" { "ISOLATED" } else { "CROSSED" };
                ok(r#"{"code":200,"msg":"success"}"#.to_owned())
            }
            "POST /fapi/v1/leverage" => {
                if !self.stuck_leverage {
                    self.leverage = get("leverage").parse().unwrap();
                }
                ok(format!(r#"{{"leverage":{},"maxNotionalValue":"1000000","symbol":"BTCUSDT"}}"#, self.leverage))
            }
            "POST /fapi/v1/listenKey" => {
                assert!(params.is_empty(), "a listen key is asked for without parameters");
                if self.listen_keys == 0 || self.key_dead {
                    self.listen_keys += 1;
                    self.key_dead = false;
                }
                ok(format!(r#"{{"listenKey":"key{}"}}"#, self.listen_keys))
            }
            "PUT /fapi/v1/listenKey" if self.key_dead => {
                (400, r#"{"code":-1125,"msg":"This listenKey does not exist."}"#.to_owned())
            }
            "PUT /fapi/v1/listenKey" => {
                self.kept += 1;
                ok(format!(r#"{{"listenKey":"key{}"}}"#, self.listen_keys))
            }
            "POST /fapi/v1/countdownCancelAll" => {
                let ms: u64 = get("countdownTime").parse().unwrap();
                let until = (ms > 0).then(|| UnixNanos(self.now.0 + ms * MILLI));
                self.countdowns.insert(get("symbol"), until);
                ok(format!(r#"{{"symbol":"BTCUSDT","countdownTime":"{ms}"}}"#))
            }
            "GET /fapi/v3/positionRisk" => ok(format!(
                r#"[{{"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":"{}","entryPrice":"1","markPrice":"1","liquidationPrice":"0","updateTime":1}}]"#,
                self.position
            )),
            "GET /fapi/v1/userTrades" => ok(format!("[{}]", self.trades)),
            "GET /fapi/v1/premiumIndex" => ok(r#"{"symbol":"BNBUSDT","markPrice":"600.12345678","indexPrice":"600","estimatedSettlePrice":"600","lastFundingRate":"0.0001","interestRate":"0.0001","nextFundingTime":1,"time":1}"#.to_owned()),
            "DELETE /fapi/v1/allOpenOrders" | "DELETE /fapi/v1/algoOpenOrders" => {
                ok(r#"{"code":200,"msg":"The operation of cancel all open order is done."}"#.to_owned())
            }
            _ => self.order_call(name, params),
        }
    }

    fn order_call(&mut self, name: &str, params: &BTreeMap<String, String>) -> (u16, String) {
        let algo = name.contains("lgo");
        let missing =
            |code: i32, words: &str| (400, format!(r#"{{"code":{code},"msg":"{words}"}}"#));
        let wanted = ["origClientOrderId", "clientAlgoId", "newClientOrderId"]
            .iter()
            .find_map(|key| params.get(*key))
            .cloned()
            .unwrap_or_default();
        if name.starts_with("POST") {
            self.names.push(wanted.clone());
            self.next += 1;
            let (id, open) = (self.next, true);
            let order = FakeOrder { id, name: wanted, algo, params: params.clone(), open };
            let body = shown(&order);
            self.orders.push(order);
            return (200, body);
        }
        if name == "GET /fapi/v1/openOrders" || name == "GET /fapi/v1/openAlgoOrders" {
            let open: Vec<String> =
                self.orders.iter().filter(|o| o.open && o.algo == algo).map(shown).collect();
            return (200, format!("[{}]", open.join(",")));
        }
        let by_number = params.get("orderId").and_then(|id| id.parse::<u64>().ok());
        let found = self.orders.iter_mut().find(|order| {
            order.algo == algo && (order.name == wanted || Some(order.id) == by_number)
        });
        match (name.split_once(' ').unwrap().0, found) {
            ("GET", Some(order)) => (200, shown(order)),
            ("PUT", Some(order)) => {
                order.params.insert("price".to_owned(), params["price"].clone());
                order.params.insert("quantity".to_owned(), params["quantity"].clone());
                (200, shown(order))
            }
            ("DELETE", Some(order)) if order.open => {
                order.open = false;
                (200, shown(order))
            }
            ("GET", None) => missing(-2013, "Order does not exist."),
            _ => missing(-2011, "Unknown order sent."),
        }
    }

    pub(crate) fn alerts(&self) -> Vec<&str> {
        self.told
            .iter()
            .filter_map(|told| match told {
                Output::Notice(Notice::Alert(text)) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn says(&self) -> Vec<&VenueMessage> {
        self.told
            .iter()
            .filter_map(|told| match told {
                Output::Say(message) => Some(message),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn has(&self, wanted: impl Fn(&Notice) -> bool) -> bool {
        self.told.iter().any(|told| matches!(told, Output::Notice(notice) if wanted(notice)))
    }

    /// Opens, and begins.
    pub(crate) fn begun(mut self) -> Self {
        self.step(Input::Wake);
        self.run(seconds(30));
        assert!(self.has(|notice| matches!(notice, Notice::Opened(_))), "{:?}", self.told);
        self.step(Input::Told(Told::Begin(sandpit_venue::machine::Wanted::default())));
        self.run(seconds(10));
        assert!(self.has(|notice| matches!(notice, Notice::Live)), "{:?}", self.told);
        self
    }

    pub(crate) fn paths(&self) -> BTreeSet<&str> {
        self.calls.iter().map(String::as_str).collect()
    }
}

fn shown(order: &FakeOrder) -> String {
    let get = |name: &str, other: &str| {
        order.params.get(name).cloned().unwrap_or_else(|| other.to_owned())
    };
    let (side, kind) = (get("side", "BUY"), get("type", "LIMIT"));
    let (price, quantity) = (get("price", "0"), get("quantity", "0"));
    if order.algo {
        let status = if order.open { "NEW" } else { "CANCELED" };
        let trigger = get("triggerPrice", "0");
        return format!(
            r#"{{"algoId":{},"clientAlgoId":"{}","algoType":"CONDITIONAL","orderType":"{kind}","symbol":"BTCUSDT","side":"{side}","positionSide":"BOTH","timeInForce":"GTC","quantity":"{quantity}","algoStatus":"{status}","triggerPrice":"{trigger}","price":"{price}","actualOrderId":"","reduceOnly":false,"closePosition":false,"createTime":1,"updateTime":1790000000000,"code":"200","msg":"success"}}"#,
            order.id, order.name
        );
    }
    let status = if order.open { "NEW" } else { "CANCELED" };
    let tif = get("timeInForce", "GTC");
    format!(
        r#"{{"orderId":{},"symbol":"BTCUSDT","status":"{status}","clientOrderId":"{}","price":"{price}","avgPrice":"0.00","origQty":"{quantity}","executedQty":"0.000","cumQuote":"0.00","timeInForce":"{tif}","type":"{kind}","reduceOnly":false,"closePosition":false,"side":"{side}","positionSide":"BOTH","stopPrice":"0","origType":"{kind}","updateTime":1790000000000}}"#,
        order.id, order.name
    )
}

const INFO: &str = r#"{"timezone":"UTC","serverTime":1,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":2400},{"rateLimitType":"ORDERS","interval":"MINUTE","intervalNum":1,"limit":1200}],"exchangeFilters":[],"symbols":[{"symbol":"BTCUSDT","pair":"BTCUSDT","contractType":"PERPETUAL","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","filters":[{"filterType":"PRICE_FILTER","minPrice":"556.8","maxPrice":"4529764","tickSize":"0.10"},{"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"1000","stepSize":"0.001"},{"filterType":"MARKET_LOT_SIZE","minQty":"0.001","maxQty":"120","stepSize":"0.001"},{"filterType":"MAX_NUM_ORDERS","limit":200},{"filterType":"MIN_NOTIONAL","notional":"50"},{"filterType":"PERCENT_PRICE","multiplierUp":"1.0500","multiplierDown":"0.9500","multiplierDecimal":"4"}]}]}"#;
