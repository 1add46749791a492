//! Our adapter's codecs against the local exchange: every request that it can make is understood on
//! both doors, and every answer and event is read. The two share no code, so what fits here was read
//! twice from the venue's documents.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use ring::signature::Ed25519KeyPair;
use sandpit_core::{
    engine::{Effect, Engine, EngineConfig, Event, PluginConfig},
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId},
    instrument::Instrument,
    intent::{Intent, Place, PlaceKind, TimeInForce},
    market::{DataKind, MarketData, MarketEvent, Side, Trade},
    num::{Decimal, Money, Price, Quantity, Rate},
    plugin::Subscriptions,
    risk::{Limits, OffTick, RiskRules},
    time::UnixNanos,
};
use sandpit_venue::binance::{
    filters::ExchangeInfo,
    request::{
        AggTrades, AmendKeepPriority, CAPABILITIES, Cancel, CancelList, CancelReplace,
        CancelReplaceMode, CancelRestriction, Depth, DepthLimit, ENDPOINTS, Identity,
        KlineInterval, Klines, ListRef, MyTrades, NewOco, NewOrder, NewOrderKind, NewOtoco,
        OrderOptions, OrderRef, Pair, RateLimitExceededMode, Request, ResponseType,
        SelfTradePrevention, Size, Tif, Timing, Trigger,
    },
    response::{
        AccountAnswer, AmendAnswer, Answer, ApiRestrictions, AveragePrice, CancelAllEntry,
        CancelReplaceAnswer, CommissionAnswer, DecodeError, Desk, ErrorBody, Incoming, Kline,
        ListAnswer, LogonAnswer, OrderAnswer, OrderRecord, PublicAggTrade, RateLimitUsage,
        ServerTime, SubscribeAnswer, SystemStatus, TradeRecord, UserEvent,
    },
    sign::Signer,
    stream::StreamMessage,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{
    client::{Client, WAIT, hmac_sha256, now_ms, raw},
    stage::{Exchange, Skew, config, pair},
};

struct Hmac;

impl Signer for Hmac {
    fn api_key(&self) -> &str {
        "hosthmac"
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        out.push_str(&hmac_sha256("hostsecret", std::str::from_utf8(payload).unwrap()));
    }
}

struct Ed25519(Ed25519KeyPair);

impl Signer for Ed25519 {
    fn api_key(&self) -> &str {
        "hosted"
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        STANDARD.encode_string(self.0.sign(payload), out);
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Read = fn(&[u8]) -> Result<(), DecodeError>;

/// A door of the exchange, and what has come through it so far.
enum Door {
    Rest(std::net::SocketAddr),
    /// The socket, whether it is logged in, the last id, and events that came between answers.
    Api(Box<Socket>, bool, u64, VecDeque<String>),
}

fn timing() -> Timing {
    Timing { timestamp_ms: now_ms(), recv_window_ms: 5_000 }
}

async fn text(socket: &mut Socket) -> Option<String> {
    loop {
        match timeout(WAIT, socket.next()).await.expect("a message in time") {
            Some(Ok(Message::Text(text))) => return Some(text.to_string()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

impl Door {
    fn has(&self, request: &Request<'_>) -> bool {
        match self {
            Self::Rest(_) => request.endpoint().rest.is_some(),
            Self::Api(..) => request.endpoint().websocket.is_some(),
        }
    }

    /// Asks; gives the status and the answer, or the error where it is none.
    async fn ask(&mut self, request: &Request<'_>) -> (u16, String) {
        match self {
            Self::Rest(to) => {
                let call = request.to_rest(timing(), Some(&Hmac)).unwrap();
                let socket = TcpStream::connect(*to).await.unwrap();
                let key = if call.with_key { Hmac.api_key() } else { "" };
                let method = call.method.as_str();
                let answer = raw(socket, method, &call.target(), key, &call.body).await.unwrap();
                let weight = answer.headers.keys().filter(|name| name.contains("weight")).count();
                assert!(weight > 0, "{:?}", answer.headers);
                (answer.status, answer.text)
            }
            Self::Api(socket, logged_in, id, events) => {
                *id += 1;
                let key = Ed25519(pair("host"));
                let who = if *logged_in { Identity::LoggedIn(&key) } else { Identity::Key(&key) };
                let frame = request.to_websocket(*id, timing(), who).unwrap();
                socket.send(Message::text(frame)).await.unwrap();
                loop {
                    let text = text(socket).await.expect("the connection lasts");
                    let answer = match Incoming::parse(text.as_bytes()).unwrap() {
                        Incoming::Answer(frame) => {
                            assert_eq!(frame.id, Some(*id));
                            assert!(!frame.rate_limits.is_empty());
                            match (frame.result, &frame.error) {
                                (Some(result), None) => (frame.status, result.get().to_owned()),
                                (None, Some(error)) => {
                                    assert!(error.code < 0, "{text}");
                                    let value: serde_json::Value =
                                        serde_json::from_str(&text).unwrap();
                                    (frame.status, value["error"].to_string())
                                }
                                _ => panic!("neither a result nor an error: {text}"),
                            }
                        }
                        Incoming::Event { .. } => {
                            events.push_back(text);
                            continue;
                        }
                    };
                    return answer;
                }
            }
        }
    }
}

fn id(sequence: u64) -> ClientOrderId {
    ClientOrderId { sequence, plugin: PluginId(3), run: RunId(0x1f) }
}

const fn number(mantissa: i64) -> Decimal {
    Decimal::new(mantissa, 0)
}

const SYMBOL: &str = "BTCUSDT";
const OPTIONS: OrderOptions =
    OrderOptions { response: ResponseType::Full, self_trade_prevention: None };

fn new(sequence: u64, side: Side, kind: NewOrderKind) -> NewOrder<'static> {
    NewOrder {
        symbol: SYMBOL,
        side,
        kind,
        size: Size::Base(Decimal::new(1, 2)),
        iceberg: None,
        client_id: id(sequence),
        options: OPTIONS,
    }
}

const fn limit(price: i64) -> NewOrderKind {
    NewOrderKind::Limit { price: number(price), time_in_force: Tif::Gtc }
}

/// Orders of every type, flag and way to answer, on an account with a price of 60,000.
fn orders(first: u64) -> Vec<NewOrder<'static>> {
    use NewOrderKind as K;
    let at = |price| Trigger::Price(number(price));
    let trailing = Trigger::TrailingFrom { price: number(61_000), delta: 100 };
    let tif = Tif::Gtc;
    let all = [
        (Side::Buy, limit(50_000)),
        (Side::Buy, K::Limit { price: number(50_001), time_in_force: Tif::Ioc }),
        (Side::Buy, K::Limit { price: number(50_001), time_in_force: Tif::Fok }),
        (Side::Buy, K::LimitMaker { price: number(50_002) }),
        (Side::Buy, K::Market),
        (Side::Sell, K::StopLoss { trigger: at(55_000) }),
        (Side::Sell, K::StopLoss { trigger: Trigger::Trailing(100) }),
        (
            Side::Sell,
            K::StopLossLimit { trigger: at(55_000), price: number(54_000), time_in_force: tif },
        ),
        (Side::Sell, K::TakeProfit { trigger: at(65_000) }),
        (
            Side::Sell,
            K::TakeProfitLimit { trigger: trailing, price: number(66_000), time_in_force: tif },
        ),
    ];
    let mut orders: Vec<_> =
        (first..).zip(all).map(|(sequence, (side, kind))| new(sequence, side, kind)).collect();
    let next = first + 20;
    orders.push(NewOrder { size: Size::Quote(number(600)), ..new(next, Side::Buy, K::Market) });
    let iceberg = Some(Decimal::new(2, 3));
    orders.push(NewOrder { iceberg, ..new(next + 1, Side::Buy, limit(50_003)) });
    let responses = [ResponseType::Ack, ResponseType::Result, ResponseType::Full];
    for (sequence, response) in (next + 2..).zip(responses) {
        let self_trade_prevention = Some(SelfTradePrevention::ExpireTaker);
        let options = OrderOptions { response, self_trade_prevention };
        orders.push(NewOrder { options, ..new(sequence, Side::Buy, limit(50_004)) });
    }
    orders
}

fn oco(first: u64) -> NewOco<'static> {
    let profit = NewOrderKind::LimitMaker { price: number(70_000) };
    let loss = NewOrderKind::StopLoss { trigger: Trigger::Price(number(40_000)) };
    let pair = Pair {
        side: Side::Sell,
        quantity: Decimal::new(1, 2),
        above: (profit, id(first)),
        below: (loss, id(first + 1)),
    };
    // Named as one of its orders is, as the adapter does.
    NewOco { symbol: SYMBOL, list_id: id(first + 1), pair, options: OPTIONS }
}

fn otoco(first: u64) -> NewOtoco<'static> {
    NewOtoco {
        symbol: SYMBOL,
        list_id: id(first + 2),
        side: Side::Buy,
        quantity: Decimal::new(1, 2),
        working: (limit(50_005), id(first + 2)),
        pending: oco(first).pair,
        options: OPTIONS,
    }
}

macro_rules! read {
    ($type:ty) => {
        |bytes| <$type as Answer<'_>>::decode(bytes).map(drop)
    };
}

const ORDER: Read = read!(OrderAnswer<'_>);
const RECORD: Read = read!(OrderRecord<'_>);
const RECORDS: Read = read!(Vec<OrderRecord<'_>>);
const LIST: Read = read!(ListAnswer<'_>);
const LISTS: Read = read!(Vec<ListAnswer<'_>>);

/// What changes something, in an order in which all of it can be done.
fn changes(first: u64) -> Vec<(Request<'static>, u16, Read)> {
    let mut all: Vec<(Request<'static>, u16, Read)> = Vec::new();
    for order in orders(first) {
        all.push((Request::Place(order), 200, ORDER));
    }
    let old = OrderRef::Client(id(first));
    all.push((Request::OrderStatus(SYMBOL, old), 200, RECORD));
    all.push((Request::OpenOrders(Some(SYMBOL)), 200, RECORDS));
    all.push((Request::OpenOrders(None), 200, RECORDS));
    let amend = AmendKeepPriority {
        symbol: SYMBOL,
        order: old,
        new_quantity: Decimal::new(5, 3),
        client_id: id(first),
    };
    all.push((Request::Amend(amend), 200, read!(AmendAnswer<'_>)));
    let replace = |cancel, sequence, mode| {
        Request::CancelReplace(CancelReplace {
            cancel,
            new: new(sequence, Side::Buy, limit(50_010)),
            mode,
            when_limited: Some(RateLimitExceededMode::CancelOnly),
        })
    };
    let both: Read = |bytes| {
        let answer = CancelReplaceAnswer::decode(bytes).or_else(|error| {
            // Where a half has failed, the answer is within an error.
            let body = ErrorBody::decode(bytes)?;
            CancelReplaceAnswer::from_error(&body).ok_or(error)
        })?;
        let now = UnixNanos(1);
        assert!(answer.cancel.outcome(now).is_some());
        Ok(())
    };
    let (stop, go_on) = (CancelReplaceMode::StopOnFailure, CancelReplaceMode::AllowFailure);
    all.push((replace(old, first + 40, stop), 200, both));
    all.push((replace(old, first + 41, stop), 400, both));
    all.push((replace(old, first + 42, go_on), 409, both));
    let cancel = |sequence, restriction| {
        let order = OrderRef::Client(id(sequence));
        Request::Cancel(Cancel { symbol: SYMBOL, order, restriction })
    };
    let error: Read = read!(ErrorBody<'_>);
    all.push((cancel(first + 40, Some(CancelRestriction::OnlyPartiallyFilled)), 400, error));
    all.push((cancel(first + 40, Some(CancelRestriction::OnlyNew)), 200, ORDER));
    all.push((cancel(first + 40, None), 400, error));
    all.push((Request::OrderStatus(SYMBOL, OrderRef::Client(id(99_999))), 400, error));
    all.push((Request::CancelAll(SYMBOL), 200, read!(Vec<CancelAllEntry<'_>>)));
    all.push((Request::PlaceOco(oco(first + 50)), 200, LIST));
    all.push((Request::ListStatus(ListRef::Client(id(first + 51))), 200, LIST));
    all.push((Request::OpenLists, 200, LISTS));
    let list = ListRef::Client(id(first + 51));
    all.push((Request::CancelList(CancelList { symbol: SYMBOL, list }), 200, LIST));
    all.push((Request::PlaceOtoco(otoco(first + 60)), 200, LIST));
    all.push((Request::PlaceOco(oco(first + 70)), 200, LIST));
    all.push((Request::CancelAll(SYMBOL), 200, read!(Vec<CancelAllEntry<'_>>)));
    all
}

/// What only asks.
fn questions() -> Vec<(Request<'static>, u16, Read)> {
    let info: Read = |bytes| ExchangeInfo::decode(bytes).map(drop);
    let trades: Read = read!(Vec<TradeRecord<'_>>);
    let of = MyTrades { symbol: SYMBOL, ..MyTrades::default() };
    let by_time = MyTrades { start_ms: Some(now_ms() - 1_000), end_ms: Some(now_ms()), ..of };
    let depth: Read = |bytes| {
        let message = StreamMessage::parse(bytes).unwrap();
        assert!(matches!(message, StreamMessage::DepthSnapshot(_)));
        Ok(())
    };
    let klines = Klines {
        symbol: SYMBOL,
        interval: KlineInterval::Minute1,
        start_ms: None,
        end_ms: None,
        limit: Some(500),
    };
    let bars: Read = |bytes| {
        let bars = Vec::<Kline<'_>>::decode(bytes)?;
        assert_eq!(bars.len(), 500, "the past is there");
        Ok(())
    };
    let aggregates = AggTrades { symbol: SYMBOL, limit: Some(10), ..AggTrades::default() };
    vec![
        (Request::ExchangeInfo(&[]), 200, info),
        (Request::ExchangeInfo(&[SYMBOL]), 200, info),
        (Request::ExchangeInfo(&[SYMBOL, "ETHUSDT"]), 200, info),
        (Request::Time, 200, read!(ServerTime)),
        (Request::Depth(Depth { symbol: SYMBOL, limit: None }), 200, depth),
        (Request::Depth(Depth { symbol: SYMBOL, limit: Some(DepthLimit::MAX) }), 200, depth),
        (Request::Klines(klines), 200, bars),
        (Request::AggTrades(aggregates), 200, read!(Vec<PublicAggTrade<'_>>)),
        (
            Request::AggTrades(AggTrades { from_id: Some(3), ..aggregates }),
            200,
            read!(Vec<PublicAggTrade<'_>>),
        ),
        (Request::AveragePrice(SYMBOL), 200, read!(AveragePrice<'_>)),
        (Request::MyTrades(of), 200, trades),
        (Request::MyTrades(MyTrades { from_trade: Some(1), limit: Some(5), ..of }), 200, trades),
        (Request::MyTrades(MyTrades { order: Some(1), ..of }), 200, trades),
        (Request::MyTrades(by_time), 200, trades),
        (Request::Account { omit_zero_balances: false }, 200, read!(AccountAnswer<'_>)),
        (Request::Account { omit_zero_balances: true }, 200, read!(AccountAnswer<'_>)),
        (Request::Commission(SYMBOL), 200, read!(CommissionAnswer<'_>)),
        (Request::OrderCounts, 200, read!(Vec<RateLimitUsage>)),
        (Request::ApiRestrictions, 200, read!(ApiRestrictions)),
        (Request::SystemStatus, 200, read!(SystemStatus<'_>)),
    ]
}

async fn api(exchange: &Exchange) -> Door {
    let url = format!("ws://{}/ws-api/v3", exchange.address);
    Door::Api(Box::new(connect_async(url).await.unwrap().0), false, 0, VecDeque::new())
}

/// Somebody offers on both sides, so that there is a market.
async fn make_market(exchange: &Exchange) -> Client {
    let other = Client::new(exchange.address, "other");
    for (side, price) in [("BUY", 59_990), ("SELL", 60_010)] {
        let query = format!(
            "symbol={SYMBOL}&side={side}&type=LIMIT&timeInForce=GTC&quantity=100&price={price}"
        );
        assert_eq!(other.signed("POST", "/api/v3/order", &query).await.status, 200);
    }
    other
}

async fn check(door: &mut Door, all: Vec<(Request<'static>, u16, Read)>) -> BTreeSet<&'static str> {
    let mut asked = BTreeSet::new();
    for (request, expected, read) in all {
        if !door.has(&request) {
            continue;
        }
        asked.insert(request.endpoint().name);
        let (status, text) = door.ask(&request).await;
        assert_eq!(status, expected, "{request:?}: {text}");
        if let Err(error) = read(text.as_bytes()) {
            panic!("{request:?}: {error}: {text}");
        }
    }
    asked
}

#[tokio::test]
async fn every_request_is_understood_and_every_answer_is_read() {
    let exchange = Exchange::start(config(), None, Skew::NONE).await;
    make_market(&exchange).await;
    let mut asked = BTreeSet::new();
    let mut rest = Door::Rest(exchange.address);
    asked.extend(check(&mut rest, changes(1)).await);
    asked.extend(check(&mut rest, questions()).await);
    // With a key in each request, and on a connection that is logged in.
    let mut api = api(&exchange).await;
    asked.extend(check(&mut api, changes(1_000)).await);
    let session: Vec<(Request<'static>, u16, Read)> = vec![
        (Request::SubscribeSigned, 200, read!(SubscribeAnswer)),
        (Request::Logon, 200, read!(LogonAnswer<'_>)),
    ];
    asked.extend(check(&mut api, session).await);
    let Door::Api(_, logged_in, ..) = &mut api else { unreachable!() };
    *logged_in = true;
    let session: Vec<(Request<'static>, u16, Read)> = vec![
        (Request::Unsubscribe(0), 200, |_| Ok(())),
        (Request::Subscribe, 200, read!(SubscribeAnswer)),
        (Request::Subscribe, 400, read!(ErrorBody<'_>)),
    ];
    asked.extend(check(&mut api, session).await);
    asked.extend(check(&mut api, changes(2_000)).await);
    asked.extend(check(&mut api, questions()).await);
    let all: BTreeSet<_> = ENDPOINTS.iter().map(|endpoint| endpoint.name).collect();
    assert_eq!(asked, all);
    exchange.stop().await;
}

/// The kinds of events, with what happened to orders.
fn kind_of(event: &UserEvent<'_>) -> String {
    match event {
        UserEvent::ExecutionReport(report) => format!("{}", report.execution_type),
        UserEvent::AccountPosition(_) => "balances".to_owned(),
        UserEvent::BalanceUpdate(_) => "transfer".to_owned(),
        UserEvent::ListStatus(_) => "list".to_owned(),
        UserEvent::StreamTerminated(_) => "terminated".to_owned(),
        UserEvent::ServerShutdown(_) => "shutdown".to_owned(),
        UserEvent::ExternalLock(_) | UserEvent::Other(_) => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn every_own_event_is_read() {
    let exchange = Exchange::start(config(), None, Skew::NONE).await;
    let other = make_market(&exchange).await;
    let mut api = api(&exchange).await;
    check(&mut api, vec![(Request::SubscribeSigned, 200, read!(SubscribeAnswer))]).await;
    check(&mut api, changes(1)).await;
    // With oneself, which is prevented; and with a list that works.
    let host = Client::new(exchange.address, "host");
    for query in [
        "side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.01&price=60005",
        "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.02&price=60005",
    ] {
        let query = format!("symbol={SYMBOL}&{query}");
        assert_eq!(host.signed("POST", "/api/v3/order", &query).await.status, 200);
    }
    let query =
        format!("symbol={SYMBOL}&side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.01&price=60005");
    assert_eq!(other.signed("POST", "/api/v3/order", &query).await.status, 200);
    let paid =
        host.signed("POST", "/sandpit/v1/transfer", "asset=USDT&amount=5&direction=IN").await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    let ended = host.try_ask("POST", "/sandpit/v1/control/terminate", "").await.unwrap();
    assert_eq!(ended.json()["ended"], 1);
    let Door::Api(mut socket, _, _, mut events) = api else { unreachable!() };
    drop(tokio::spawn(exchange.stop()));
    while let Some(text) = text(&mut socket).await {
        events.push_back(text);
    }
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for text in &events {
        match Incoming::parse(text.as_bytes()) {
            Ok(Incoming::Event { event, .. }) => *seen.entry(kind_of(&event)).or_default() += 1,
            other => panic!("{other:?}: {text}"),
        }
    }
    let kinds: Vec<_> = seen.keys().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "CANCELED",
            "EXPIRED",
            "NEW",
            "REPLACED",
            "TRADE",
            "TRADE_PREVENTION",
            "balances",
            "list",
            "shutdown",
            "terminated",
            "transfer"
        ]
    );
}

#[tokio::test]
async fn every_message_of_the_market_is_read() {
    let exchange = Exchange::start(config(), None, Skew::NONE).await;
    let names = ["trade", "aggTrade", "bookTicker", "depth@100ms", "kline_1m"];
    let streams: Vec<_> = names.iter().map(|name| format!("btcusdt@{name}")).collect();
    let url = format!("ws://{}/stream?streams={}", exchange.address, streams.join("/"));
    let (mut socket, _) = connect_async(url).await.unwrap();
    make_market(&exchange).await;
    let query = format!("symbol={SYMBOL}&side=SELL&type=MARKET&quantity=1");
    let host = Client::new(exchange.address, "host");
    for _ in 0..3 {
        assert_eq!(host.signed("POST", "/api/v3/order", &query).await.status, 200);
    }
    let mut seen = BTreeSet::new();
    while seen.len() < names.len() {
        let message = text(&mut socket).await.unwrap();
        seen.insert(match StreamMessage::parse(message.as_bytes()) {
            Ok(StreamMessage::Trade(_)) => "trade",
            Ok(StreamMessage::AggTrade(_)) => "aggTrade",
            Ok(StreamMessage::BookTicker(_)) => "bookTicker",
            Ok(StreamMessage::DepthUpdate(_)) => "depth",
            Ok(StreamMessage::Kline(_)) => "kline",
            other => panic!("{other:?}: {message}"),
        });
    }
}

/// One instrument, as the exchange describes it.
struct OneDesk(Instrument);

impl Desk for OneDesk {
    fn instrument(&self, symbol: &str) -> Option<(InstrumentId, &Instrument)> {
        (symbol == SYMBOL).then_some((InstrumentId(0), &self.0))
    }

    fn fee_rate(&self, _: &str, _: &str) -> Option<Decimal> {
        None
    }
}

fn engine(instrument: &Instrument) -> Engine {
    let mut engine = Engine::new(EngineConfig {
        run: RunId(0x19f),
        instruments: vec![instrument.clone()],
        plugins: vec![PluginConfig {
            budget: Money::from_decimal(number(1_000_000)).unwrap(),
            instruments: vec![InstrumentId(0)],
            subscriptions: Subscriptions { kinds: vec![DataKind::Trades] },
            limits: Limits::unlimited(),
        }],
        account_limits: Limits::unlimited(),
        off_tick: OffTick::Deny,
        risk: RiskRules::default(),
        venue: CAPABILITIES,
        recovery: None,
    });
    let trade = Trade { price: Price(6_000_000), quantity: Quantity(1), aggressor: None, id: 1 };
    let (time, data) = (UnixNanos(1), MarketData::Trade(trade));
    let event = MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data };
    engine.step(Event::Market(event), &mut Vec::new());
    engine
}

/// A wish becomes an order, a request, a fill at the exchange, a report, and a position.
#[tokio::test]
async fn a_wish_goes_through_to_a_position() {
    let exchange = Exchange::start(config(), None, Skew::NONE).await;
    make_market(&exchange).await;
    let mut api = api(&exchange).await;
    let (status, info) = api.ask(&Request::ExchangeInfo(&[SYMBOL])).await;
    assert_eq!(status, 200);
    let info = ExchangeInfo::decode(info.as_bytes()).unwrap();
    let instrument =
        info.symbols[0].rules().to_instrument("binance", (Rate(10), Rate(10))).unwrap();
    check(&mut api, vec![(Request::SubscribeSigned, 200, read!(SubscribeAnswer))]).await;
    let mut engine = engine(&instrument);
    let wish = Intent::Place(Place {
        tag: OrderTag(7),
        instrument: 0,
        side: Side::Buy,
        quantity: Decimal::new(25, 2),
        kind: PlaceKind::Limit(number(60_010)),
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    });
    let mut effects = Vec::new();
    engine.step(Event::Intents { plugin: PluginId(0), intents: vec![wish] }, &mut effects);
    let order = effects.iter().find_map(|effect| match effect {
        Effect::Submit(order) => Some(order),
        _ => None,
    });
    let request = NewOrder::approved(order.unwrap(), &instrument, OPTIONS).unwrap();
    let name = request.client_id;
    let (status, answer) = api.ask(&Request::Place(request)).await;
    assert_eq!(status, 200, "{answer}");
    let desk = OneDesk(instrument);
    let Door::Api(mut socket, _, _, mut events) = api else { unreachable!() };
    let quantity = |engine: &Engine| {
        let positions = engine.positions_of(PluginId(0));
        positions.first().map_or(Quantity::ZERO, |position| position.quantity)
    };
    while quantity(&engine) != Quantity(25_000) {
        let event = match events.pop_front() {
            Some(event) => event,
            None => text(&mut socket).await.expect("the connection lasts"),
        };
        let Ok(Incoming::Event { event, .. }) = Incoming::parse(event.as_bytes()) else {
            panic!("{event}")
        };
        let UserEvent::ExecutionReport(report) = event else { continue };
        assert_eq!(report.order(), Some(name));
        for report in report.to_news(&desk).unwrap().unwrap().reports {
            engine.step(Event::Report(report), &mut Vec::new());
        }
    }
    assert_eq!(engine.orders().count(), 0, "it is filled");
}
