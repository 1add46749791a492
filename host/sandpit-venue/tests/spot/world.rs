//! The machine, an engine and the exchange on one virtual clock, with faults between them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use sandpit_core::{
    engine::{Alert, Effect, Engine, EngineConfig, Event, PluginConfig, Record, RecoveryConfig},
    ids::{ClientOrderId, InstrumentId, PluginId, RunId},
    instrument::Instrument,
    market::{DataKind, MarketData, MarketEvent, Side, Trade},
    num::{Decimal, Money, Price, Quantity},
    plugin::Subscriptions,
    risk::{Limits, OffTick, RiskRules},
    time::{Nanos, UnixNanos},
    venue::{Asked, VenueMessage, VenueRequest},
};
use sandpit_venue::{
    binance::{
        hosts::{Environment, OtherHosts},
        request::CAPABILITIES,
        spot::{Spot, SpotSettings},
    },
    keys::{KeyNews, KeyOffer, KeyRights, KeyRole, KeyRules, Keys},
    machine::{
        Call, CallId, HttpReply, Input, LinkId, Machine, NoReply, Notice, Output, Told, Wanted,
    },
};
use serde_json::{Value, json};

use crate::{
    Chance, KEY,
    fake::{Fake, Params, method_of, refusal, rest_params, socket_params},
    signer,
};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MS;
pub(crate) const START: u64 = 1_780_000_000 * SECOND;

/// What happens at a time.
#[derive(Debug)]
pub(crate) enum Act {
    CallArrives {
        id: CallId,
        method: &'static str,
        path: String,
        body: String,
        key: Option<String>,
        plan: Plan,
    },
    FrameArrives {
        link: LinkId,
        text: String,
        plan: Plan,
    },
    Opened(LinkId),
    Closed(LinkId),
    Frame(LinkId, Vec<u8>),
    Heard(LinkId),
    Reply {
        id: CallId,
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    NoReply(CallId, NoReply),
    Wake,
    EngineWake,
    Trades,
    Strategy,
    Market,
    Cut,
    /// Keys are offered, so many more.
    Rotate(u64),
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    Fine,
    NeverArrives,
    ReplyLost,
    ErrorAfter,
    ErrorBefore,
    Limited,
    Banned,
    Garbled,
}

/// A request that must be answered, how often it was.
pub(crate) type Answers = BTreeMap<(ClientOrderId, Asked), (u32, u32)>;

pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) now: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    acts: BTreeMap<u64, Act>,
    number: u64,
    pub(crate) spot: Spot,
    pub(crate) engine: Option<Engine>,
    pub(crate) fake: Fake,
    pub(crate) faults: bool,
    /// New orders take half a second to arrive, and everything else does not.
    pub(crate) slow: bool,
    /// Own events get lost, and the connection goes on.
    pub(crate) deaf: bool,
    /// No connection to the WebSocket API can be made.
    pub(crate) no_socket: bool,
    pub(crate) skew: i64,
    open: BTreeMap<LinkId, bool>,
    /// By which key.
    subscribed: BTreeMap<LinkId, String>,
    sessions: BTreeMap<LinkId, String>,
    pub(crate) key_news: Vec<KeyNews>,
    /// The key that was offered last.
    pub(crate) offered: u64,

    last: BTreeMap<LinkId, u64>,
    wake: u64,
    engine_wake: u64,
    /// The venue has said that it wants to be left alone until then.
    pub(crate) quiet_until: u64,
    pub(crate) answers: Answers,
    pub(crate) notices: Vec<String>,
    pub(crate) placed: BTreeMap<String, u32>,
    tag: u64,
    pub(crate) trading: bool,
    /// Orders of all kinds, pairs and changes among them.
    pub(crate) rich: bool,
    /// The connection to market data.
    stream: Option<LinkId>,
    /// What the keys may do, as the machine said when it opened.
    pub(crate) rights: Option<KeyRights>,
    pub(crate) fees: u64,
    pub(crate) sent: u64,
    /// Orders that carried no signature.
    pub(crate) unsigned: u64,
}

fn config(instrument: Instrument) -> EngineConfig {
    EngineConfig {
        run: RunId(7),
        instruments: vec![instrument],
        plugins: (0..2)
            .map(|_| PluginConfig {
                budget: Money::from_decimal(Decimal::new(10_000_000, 0)).unwrap(),
                instruments: vec![InstrumentId(0)],
                subscriptions: Subscriptions { kinds: vec![DataKind::Trades] },
                limits: Limits::unlimited(),
            })
            .collect(),
        account_limits: Limits::unlimited(),
        off_tick: OffTick::Deny,
        risk: RiskRules::default(),
        venue: CAPABILITIES,
        recovery: Some(RecoveryConfig {
            grace: Nanos(12 * SECOND),
            query_every: Nanos(500 * MS),
            query_every_max: Nanos(8 * SECOND),
            reconcile_every: Nanos(20 * SECOND),
        }),
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, |_| {})
    }

    pub(crate) fn with(seed: u64, change: impl FnOnce(&mut SpotSettings)) -> Self {
        Self::by(seed, Keys::one(signer(KEY)), change)
    }

    pub(crate) fn by(seed: u64, keys: Keys, change: impl FnOnce(&mut SpotSettings)) -> Self {
        let other = OtherHosts {
            wallet: None,
            rest: "http://127.0.0.1:1".into(),
            stream: "ws://127.0.0.1:1/stream".into(),
            socket: "ws://127.0.0.1:1/ws-api/v3".into(),
        };
        let mut settings =
            SpotSettings::new(Environment::Other(other), vec!["BTCUSDT".into()]).unwrap();
        settings.market.always_marked = false;
        settings.trading.watch_every = Some(Nanos(5 * SECOND));
        change(&mut settings);
        let mut chance = Chance(seed);
        let skew = chance.below(6_000) as i64 - 3_000;
        let mut world = Self {
            now: START,
            queue: BinaryHeap::new(),
            acts: BTreeMap::new(),
            number: 0,
            spot: Spot::with_keys(settings, Some(keys)).unwrap(),
            engine: None,
            fake: Fake::default(),
            faults: false,
            slow: false,
            deaf: false,
            no_socket: false,
            skew: skew * MS as i64,
            open: BTreeMap::new(),
            subscribed: BTreeMap::new(),
            sessions: BTreeMap::new(),
            key_news: Vec::new(),
            offered: 0,
            last: BTreeMap::new(),
            wake: u64::MAX,
            engine_wake: u64::MAX,
            quiet_until: 0,
            answers: Answers::new(),
            notices: Vec::new(),
            placed: BTreeMap::new(),
            tag: 0,
            trading: false,
            rich: false,
            stream: None,
            rights: None,
            fees: 0,
            sent: 0,
            unsigned: 0,
            chance,
        };
        world.at(0, Act::Wake);
        world.wake = world.now;
        world
    }

    pub(crate) fn at(&mut self, delay: u64, act: Act) {
        self.number += 1;
        self.queue.push(Reverse((self.now + delay, self.number)));
        self.acts.insert(self.number, act);
    }

    pub(crate) fn venue_ms(&self) -> u64 {
        self.now.checked_add_signed(self.skew).unwrap() / MS
    }

    /// Goes on until that time.
    pub(crate) fn run_until(&mut self, until: u64) {
        let mut at_once = 0u32;
        while let Some(Reverse((time, number))) = self.queue.peek().copied() {
            if time > until {
                break;
            }
            self.queue.pop();
            at_once = if time > self.now + 1_000 { 0 } else { at_once + 1 };
            assert!(at_once < 10_000, "time stands still, wanted at {:?}", self.spot.next_wake());
            self.now = self.now.max(time);
            let act = self.acts.remove(&number).unwrap();
            self.act(act);
            self.send_events();
        }
        self.now = self.now.max(until);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::CallArrives { id, method, path, body, key, plan } => {
                self.call_arrives(id, method, (&path, &body), key.as_deref(), plan);
            }
            Act::Rotate(more) => self.rotate(more),
            Act::FrameArrives { link, text, plan } => self.frame_arrives(link, &text, plan),
            Act::Opened(link) => {
                if let Some(open) = self.open.get_mut(&link) {
                    *open = true;
                    self.at(20 * SECOND, Act::Heard(link));
                    self.step(Input::Opened(link));
                }
            }
            Act::Closed(link) => {
                if self.open.remove(&link).is_some() {
                    self.subscribed.remove(&link);
                    self.sessions.remove(&link);
                    self.step(Input::Closed(link, "gone"));
                }
            }
            Act::Frame(link, bytes) => self.frame(link, &bytes),
            Act::Heard(link) => {
                if self.open.get(&link) == Some(&true) {
                    self.at(20 * SECOND, Act::Heard(link));
                    self.step(Input::Heard(link));
                }
            }
            Act::Reply { id, status, headers, body } => {
                let after = headers.iter().find(|(name, _)| name == "retry-after");
                if let Some((_, seconds)) = after {
                    self.left_alone(self.now + seconds.parse::<u64>().unwrap() * SECOND);
                }
                self.step(Input::Reply(id, HttpReply { status, headers: &headers, body: &body }));
            }
            Act::NoReply(id, why) => self.step(Input::NoReply(id, why)),
            Act::Wake => {
                if self.now >= self.wake {
                    self.wake = u64::MAX;
                    self.step(Input::Wake);
                }
            }
            Act::EngineWake => {
                if self.now >= self.engine_wake {
                    self.engine_wake = u64::MAX;
                    self.tell_engine(Event::Clock(UnixNanos(self.now)));
                }
            }
            Act::Trades => {
                if self.trading {
                    let now = self.venue_ms();
                    self.fake.trade(&mut self.chance, now);
                    let pause = (50 + self.chance.below(600)) * MS;
                    self.at(pause, Act::Trades);
                }
            }
            Act::Strategy => self.strategy(),
            Act::Market => self.market(),
            Act::Cut => {
                if self.faults {
                    if let Some(link) = self.open.keys().next().copied() {
                        self.at(0, Act::Closed(link));
                    }
                    let pause = (1 + self.chance.below(20)) * SECOND;
                    self.at(pause, Act::Cut);
                }
            }
        }
    }

    fn frame(&mut self, link: LinkId, bytes: &[u8]) {
        if self.open.get(&link) != Some(&true) {
            return;
        }
        if let Ok(frame) = serde_json::from_slice::<Value>(bytes)
            && let Some(until) = frame["error"]["data"]["retryAfter"].as_u64()
        {
            let local = (until * MS).checked_add_signed(-self.skew).unwrap();
            // Within what clocks can differ by.
            self.left_alone(local.saturating_sub(200 * MS));
        }
        self.step(Input::Frame(link, bytes));
    }

    fn market(&mut self) {
        let time = UnixNanos(self.now);
        let data = MarketData::Trade(Trade {
            price: Price(6_000_000),
            quantity: Quantity(1),
            aggressor: None,
            id: 1,
        });
        let instrument = InstrumentId(0);
        self.at(SECOND, Act::Market);
        let event = MarketEvent { instrument, time, venue_time: time, data };
        self.tell_engine(Event::Market(event));
    }

    fn left_alone(&mut self, until: u64) {
        self.quiet_until = self.quiet_until.max(until);
    }

    pub(crate) fn step(&mut self, input: Input<'_>) {
        let (now, chance) = (UnixNanos(self.now), self.chance.next());
        let mut out = Vec::new();
        self.spot.step(input, now, chance, &mut out);
        for output in out {
            self.take(output);
        }
        if let Some(at) = self.spot.next_wake()
            && at.0 < self.wake
        {
            self.wake = at.0.max(self.now);
            self.at(self.wake - self.now, Act::Wake);
        }
    }

    fn plan(&mut self) -> Plan {
        if !self.faults {
            return Plan::Fine;
        }
        match self.chance.below(100) {
            0..=4 => Plan::NeverArrives,
            5..=9 => Plan::ReplyLost,
            10..=13 => Plan::ErrorAfter,
            14..=17 => Plan::ErrorBefore,
            18 => Plan::Limited,
            19 if self.chance.in_hundred(40) => Plan::Banned,
            20..=21 => Plan::Garbled,
            _ => Plan::Fine,
        }
    }

    fn delay(&mut self) -> u64 {
        let slow = self.faults && self.chance.in_hundred(4);
        (1 + self.chance.below(if slow { 8_000 } else { 40 })) * MS
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Open { link, url } => {
                assert!(self.now >= self.quiet_until, "a connection while it is left alone");
                assert!(url.ends_with("/ws-api/v3") || url.ends_with("/stream"), "{url}");
                if url.ends_with("/stream") {
                    self.stream = Some(link);
                }
                self.open.insert(link, false);
                let delay = self.delay();
                let fails = self.no_socket || (self.faults && self.chance.in_hundred(20));
                self.at(delay, if fails { Act::Closed(link) } else { Act::Opened(link) });
            }
            Output::Close(link) => {
                let delay = self.delay();
                self.at(delay, Act::Closed(link));
            }
            Output::Send { link, text } => self.socket_out(link, text),
            Output::Call(call) => self.call_out(call),
            Output::Say(message) => self.said(message),
            Output::Notice(Notice::Opened(opened)) => {
                self.rights = opened.key;
                let instrument = Instrument::new(opened.instruments[0].clone()).unwrap();
                self.notices.push("opened".into());
                let mut engine = Engine::new(config(instrument));
                let mut effects = Vec::new();
                engine.resume(UnixNanos(self.now), &mut effects);
                self.engine = Some(engine);
                self.at(0, Act::Market);
                self.do_effects(effects);
                self.step(Input::Told(Told::Begin(Wanted::default())));
            }
            Output::Notice(Notice::CannotOpen(why)) => self.notices.push(format!("cannot: {why}")),
            Output::Notice(Notice::Key(news)) => self.heard_of_key(news),
            Output::Notice(notice) => self.notices.push(format!("{notice:?}")),
            Output::Market(_) | Output::History(_) => {}
        }
    }

    fn call_out(&mut self, call: Call) {
        assert!(self.now >= self.quiet_until, "asked while it wants to be left alone: {call:?}");
        self.sent += 1;
        let Call { id, method, path, body, timeout, key, .. } = call;
        let key = key.map(|name| name.expose().to_owned());
        if self.faults && self.chance.in_hundred(3) {
            return self.at(30 * MS, Act::NoReply(id, NoReply::NeverSent));
        }
        if path.starts_with("/api/v3/order") && method == "POST" {
            self.note_placed(&rest_params("", &body).0);
        }
        let plan = self.plan();
        if matches!(plan, Plan::NeverArrives | Plan::ReplyLost) {
            let cut = self.chance.in_hundred(30);
            let (after, why) = if cut {
                (500 * MS, NoReply::Disconnected)
            } else {
                (timeout.0, NoReply::TimedOut)
            };
            self.at(after, Act::NoReply(id, why));
        }
        if plan != Plan::NeverArrives {
            let delay = self.delay();
            self.at(delay, Act::CallArrives { id, method, path, body, key, plan });
        }
    }

    fn socket_out(&mut self, link: LinkId, text: String) {
        assert!(self.now >= self.quiet_until, "asked while it wants to be left alone: {text}");
        let frame: Value = serde_json::from_str(&text).unwrap();
        if frame["method"] == "SUBSCRIBE" {
            let answer = json!({"result": null, "id": frame["id"]}).to_string();
            return self.deliver(link, answer.into_bytes());
        }
        self.sent += 1;
        if frame["method"] == "order.place" || frame["method"] == "orderList.place.oco" {
            self.note_placed(&socket_params(&frame["params"]).0);
            self.unsigned += u64::from(frame["params"].get("signature").is_none());
        }
        let plan = self.plan();
        let late = self.slow && frame["method"] == "order.place";
        let delay = self.delay() + if late { 500 * MS } else { 0 };
        if plan != Plan::NeverArrives {
            self.at(delay, Act::FrameArrives { link, text, plan });
        }
    }

    fn note_placed(&mut self, params: &Params) {
        let names = ["newClientOrderId", "aboveClientOrderId", "belowClientOrderId"];
        for name in names.iter().filter_map(|name| params.get(*name)) {
            let sent = self.placed.entry(name.clone()).or_default();
            *sent += 1;
            assert_eq!(*sent, 1, "{params:?} was sent twice");
        }
    }

    /// Asks the exchange, in the name of a key: what is counted, who it is, what it wants.
    fn ask(
        &mut self,
        method: &str,
        params: &Params,
        who: Option<&str>,
        signed: Option<&(String, String)>,
    ) -> (u16, Value, Option<u64>) {
        let now = self.venue_ms();
        if self.fake.rules.maintenance && method != "systemStatus" {
            return (503, Value::Null, None);
        }
        if !matches!(method, "apiRestrictions" | "systemStatus") {
            let how = (params.contains_key("orderId"), params.contains_key("symbol"));
            if let Err((status, after)) = self.fake.limits.count(method, how, now) {
                let code = if after.is_none() && status == 429 && self.fake.limits.says_when {
                    -1015
                } else {
                    -1003
                };
                return (status, json!({"code": code, "msg": "Too many requests."}), after);
            }
        }
        if let Some(who) = who {
            let signed = signed.map(|(payload, said)| (payload.as_str(), said.as_str()));
            if let Err(code) = self.fake.keys.check(who, signed) {
                let text = "Invalid API-key, IP, or permissions for action.";
                let (status, body) = refusal(code, text);
                return (status, body, None);
            }
        }
        let (status, body) = self.fake.ask(method, params, who, now);
        (status, body, None)
    }

    fn call_arrives(
        &mut self,
        id: CallId,
        method: &str,
        (path, body): (&str, &str),
        key: Option<&str>,
        plan: Plan,
    ) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (params, signed) = rest_params(query, body);
        let mut headers = Vec::new();
        let mut wait = None;
        let mut asked = |world: &mut Self| {
            let method = method_of(method, path);
            let (status, body, after) = world.ask(method, &params, key, signed.as_ref());
            wait = after;
            (status, body)
        };
        let (status, body) = match plan {
            Plan::Fine | Plan::ReplyLost => asked(self),
            Plan::ErrorAfter => {
                asked(self);
                (502, json!({"code": -1007, "msg": "Timeout waiting for response."}))
            }
            Plan::ErrorBefore => (503, Value::Null),
            Plan::Garbled => {
                asked(self);
                (200, json!("cut sh"))
            }
            Plan::Limited | Plan::Banned => {
                let (status, seconds) = if plan == Plan::Limited { (429, 2) } else { (418, 7) };
                headers.push(("retry-after".to_owned(), seconds.to_string()));
                (status, json!({"code": -1003, "msg": "Too many requests."}))
            }
            Plan::NeverArrives => unreachable!(),
        };
        headers.extend(wait.map(|seconds| ("retry-after".to_owned(), seconds.to_string())));
        headers.extend(self.fake.limits.headers(self.venue_ms()));
        if plan != Plan::ReplyLost {
            let delay = self.delay();
            let body = body.to_string().into_bytes();
            self.at(delay, Act::Reply { id, status, headers, body });
        }
    }

    fn frame_arrives(&mut self, link: LinkId, text: &str, plan: Plan) {
        if self.open.get(&link) != Some(&true) {
            return;
        }
        let frame: Value = serde_json::from_str(text).unwrap();
        let (id, method) = (&frame["id"], frame["method"].as_str().unwrap());
        let (params, signed) = socket_params(&frame["params"]);
        let now = self.venue_ms();
        let asked = |world: &mut Self| {
            let session = world.sessions.get(&link).cloned();
            let who = params.get("apiKey").cloned().or(session);
            if method.starts_with("userDataStream.subscribe") || method.contains("order") {
                assert!(who.is_some(), "nobody asks {method}");
            }
            let (status, mut body, after) =
                world.ask(method, &params, who.as_deref(), signed.as_ref());
            if let (200, Some(who)) = (status, who) {
                if method.starts_with("userDataStream") {
                    world.subscribed.insert(link, who);
                } else if method == "session.logon" {
                    world.sessions.insert(link, who);
                }
            }
            if let Some(seconds) = after {
                let until = now + seconds * 1_000;
                body["data"] = json!({"serverTime": now, "retryAfter": until});
            }
            let key = if status == 200 { "result" } else { "error" };
            let limits = world.fake.limits.entries(now);
            json!({"id": id, "status": status, key: body, "rateLimits": limits})
        };
        let answer = match plan {
            Plan::Fine | Plan::ReplyLost | Plan::NeverArrives => asked(self).to_string(),
            Plan::ErrorAfter => {
                asked(self);
                json!({"id": id, "status": 500, "error": {"code": -1007, "msg": "Timeout"}})
                    .to_string()
            }
            Plan::ErrorBefore => {
                json!({"id": id, "status": 503, "error": {"code": -1008, "msg": "Busy"}})
                    .to_string()
            }
            Plan::Garbled => {
                let text = asked(self).to_string();
                text[..text.len() / 2].to_owned()
            }
            Plan::Limited | Plan::Banned => {
                let (status, wait) =
                    if plan == Plan::Limited { (429, 2_000) } else { (418, 7_000) };
                json!({"id": id, "status": status, "error": {
                    "code": -1003, "msg": "Too many requests.",
                    "data": {"serverTime": now, "retryAfter": now + wait},
                }})
                .to_string()
            }
        };
        if plan != Plan::ReplyLost {
            self.deliver(link, answer.into_bytes());
        }
    }

    /// Sends a frame to the machine, in order unless that is to be disturbed.
    fn deliver(&mut self, link: LinkId, bytes: Vec<u8>) {
        let at = self.now + self.delay();
        let out_of_order = self.faults && self.chance.in_hundred(5);
        let at = if out_of_order {
            at + self.chance.below(500) * MS
        } else {
            let at = at.max(self.last.get(&link).copied().unwrap_or(0) + 1);
            self.last.insert(link, at);
            at
        };
        self.at(at - self.now, Act::Frame(link, bytes));
    }

    fn send_events(&mut self) {
        let links: Vec<LinkId> = self.subscribed.keys().copied().collect();
        for event in std::mem::take(&mut self.fake.events) {
            for link in &links {
                let frame = json!({"subscriptionId": 0, "event": event}).to_string().into_bytes();
                if self.deaf || (self.faults && self.chance.in_hundred(4)) {
                    continue;
                }
                if self.faults && self.chance.in_hundred(5) {
                    self.deliver(*link, frame.clone());
                }
                self.deliver(*link, frame);
            }
        }
    }

    fn said(&mut self, message: VenueMessage) {
        let event = match message {
            VenueMessage::Answer(answer) => {
                let entry = self.answers.entry((answer.order, answer.to)).or_default();
                entry.1 += 1;
                assert!(entry.1 <= entry.0, "answered without a question: {answer:?}");
                let Some(report) = answer.report() else { return };
                Event::Report(report)
            }
            VenueMessage::Report(report) => Event::Report(report),
            VenueMessage::News(news) => Event::Venue(news),
            VenueMessage::FeePaid(fee) => {
                assert_eq!(fee.asset, "BNB");
                self.fees += 1;
                return;
            }
        };
        self.tell_engine(event);
    }

    pub(crate) fn tell_engine(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.engine.as_mut().unwrap().step(event, &mut effects);
        self.do_effects(effects);
    }

    fn do_effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let request = match effect {
                Effect::Submit(order) => {
                    let key = (order.get().id, Asked::Submit);
                    self.answers.entry(key).or_default().0 += 1;
                    VenueRequest::Submit(order)
                }
                Effect::Cancel(cancel) => {
                    self.answers.entry((cancel.order, Asked::Cancel)).or_default().0 += 1;
                    VenueRequest::Cancel(cancel)
                }
                Effect::SubmitPair { stop, profit } => {
                    for order in [&stop, &profit] {
                        self.answers.entry((order.get().id, Asked::Submit)).or_default().0 += 1;
                    }
                    VenueRequest::SubmitPair { stop, profit }
                }
                Effect::CancelAll(instrument) => VenueRequest::CancelAll(instrument),
                Effect::Amend(change) => {
                    self.answers.entry((change.get().order, Asked::Amend)).or_default().0 += 1;
                    VenueRequest::Amend(change)
                }
                Effect::Query(query) => VenueRequest::Query(query),
                Effect::Reconcile(asked) => VenueRequest::Reconcile(asked),
                Effect::Record(Record::Alert(
                    alert @ (Alert::ImpossibleReport(..) | Alert::StrangeReport(_)),
                )) => panic!("{alert:?}"),
                Effect::Record(_) | Effect::CallPlugin { .. } => continue,
            };
            self.step(Input::Told(Told::Request(request)));
        }
        let next = self.engine.as_ref().and_then(Engine::next_wake);
        if let Some(at) = next
            && at.0 < self.engine_wake
        {
            self.engine_wake = at.0.max(self.now);
            self.at(self.engine_wake - self.now, Act::EngineWake);
        }
    }

    /// Offers a key that the exchange may or may not know.
    pub(crate) fn offer(&mut self, name: &str, role: KeyRole, to_use: bool) -> u64 {
        self.offered += 1;
        let offer = Box::new(KeyOffer {
            number: self.offered,
            role,
            signer: signer(name),
            rules: KeyRules::default(),
        });
        self.step(Input::Told(if to_use { Told::NewKey(offer) } else { Told::ProveKey(offer) }));
        self.offered
    }

    fn rotate(&mut self, more: u64) {
        let name = format!("key-{}-of-a-test", self.offered + 1);
        self.fake.keys.add(&name, crate::keys::Known::default());
        self.offer(&name, KeyRole::All, true);
        if more > 1 {
            let pause = (1_500 + self.chance.below(4_000)) * MS;
            self.at(pause, Act::Rotate(more - 1));
        }
    }

    fn heard_of_key(&mut self, news: KeyNews) {
        self.key_news.push(news);
    }

    /// A key is taken away: the exchange ends what listens with it.
    pub(crate) fn revoke(&mut self, name: &str) {
        self.fake.keys.get(name).revoked = true;
        let now = self.venue_ms();
        self.sessions.retain(|_, who| who != name);
        let ended = self.subscribed.extract_if(.., |_, who| who == name);
        for (link, _) in ended.collect::<Vec<_>>() {
            let event = json!({"subscriptionId": 0, "event": {
                "e": "eventStreamTerminated", "E": now}});
            self.deliver(link, event.to_string().into_bytes());
        }
    }

    /// Cuts all connections.
    pub(crate) fn cut(&mut self) {
        for link in self.open.keys().copied().collect::<Vec<_>>() {
            self.at(0, Act::Closed(link));
        }
    }

    pub(crate) const fn stream_link(&self) -> Option<LinkId> {
        self.stream
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        let counts = self.spot.counts();
        counts.iter().find(|(one, ..)| one == name).map(|(.., value)| *value).unwrap()
    }

    fn strategy(&mut self) {
        use sandpit_core::{
            ids::OrderTag,
            intent::{Intent, Place, PlaceKind, TimeInForce},
        };
        if !self.trading {
            return;
        }
        let plugin = PluginId(self.chance.below(2) as u16);
        if self.rich && self.chance.in_hundred(40) {
            let intent = self.rich_wish();
            let pause = (20 + self.chance.below(700)) * MS;
            self.at(pause, Act::Strategy);
            return self.tell_engine(Event::Intents { plugin, intents: vec![intent] });
        }
        let intent = if self.chance.in_hundred(60) || self.tag == 0 {
            self.tag += 1;
            let buy = self.chance.in_hundred(50);
            let away = self.chance.below(8_000) as i64 - 1_000;
            let cents = if buy { 6_000_000 - away } else { 5_999_000 + away };
            Intent::Place(Place {
                tag: OrderTag(self.tag),
                instrument: 0,
                side: if buy { Side::Buy } else { Side::Sell },
                quantity: Decimal::new(100 + self.chance.below(5_000) as i64, 5),
                kind: PlaceKind::Limit(Decimal::new(cents, 2)),
                time_in_force: TimeInForce::Gtc,
                post_only: false,
                reduce_only: false,
            })
        } else {
            Intent::Cancel(OrderTag(1 + self.chance.below(self.tag)))
        };
        let pause = (20 + self.chance.below(700)) * MS;
        self.at(pause, Act::Strategy);
        self.tell_engine(Event::Intents { plugin, intents: vec![intent] });
    }

    /// A wish of another kind than a plain limit order.
    fn rich_wish(&mut self) -> sandpit_core::intent::Intent {
        use sandpit_core::{
            ids::OrderTag,
            intent::{Amend, Bracket, Intent, Place, PlaceKind, TimeInForce, WishedOffset},
        };
        let now = self.venue_ms();
        let moves = self.chance.below(40_000) as i64 - 20_000;
        self.fake.moves_to(crate::fake::ASK + moves, now);
        self.tag += 1;
        let below = Decimal::new(5_960_000 - self.chance.below(30_000) as i64, 2);
        let above = Decimal::new(6_030_000 + self.chance.below(30_000) as i64, 2);
        let (side, kind, time_in_force) = match self.chance.below(8) {
            0 => (Side::Buy, PlaceKind::Market, TimeInForce::Ioc),
            1 => (Side::Sell, PlaceKind::Stop(below), TimeInForce::Gtc),
            2 => (Side::Buy, PlaceKind::Stop(above), TimeInForce::Gtc),
            3 => {
                let limit = below;
                let kind = PlaceKind::StopLimit { trigger: below, limit };
                (Side::Sell, kind, TimeInForce::Gtc)
            }
            4 => (Side::Sell, PlaceKind::TakeProfit(above), TimeInForce::Gtc),
            5 => {
                let offset = WishedOffset::BasisPoints(20 + self.chance.below(200) as u32);
                (Side::Sell, PlaceKind::TrailingStop(offset), TimeInForce::Gtc)
            }
            6 => {
                let tag = OrderTag(1 + self.chance.below(self.tag));
                let quantity = Some(Decimal::new(50 + self.chance.below(500) as i64, 5));
                return Intent::Amend(Amend { tag, quantity, price: None });
            }
            _ => (Side::Buy, PlaceKind::Market, TimeInForce::Ioc),
        };
        let place = Place {
            tag: OrderTag(self.tag),
            instrument: 0,
            side,
            quantity: Decimal::new(100 + self.chance.below(900) as i64, 5),
            kind,
            time_in_force,
            post_only: false,
            reduce_only: false,
        };
        if kind != PlaceKind::Market || self.chance.in_hundred(30) {
            return Intent::Place(place);
        }
        self.tag += 2;
        Intent::Bracket(Bracket {
            entry: place,
            stop_loss_tag: OrderTag(self.tag - 1),
            stop_loss: below,
            take_profit_tag: OrderTag(self.tag),
            take_profit: above,
        })
    }
}
