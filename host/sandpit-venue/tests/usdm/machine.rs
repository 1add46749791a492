//! The machine with a virtual clock.

use std::sync::Arc;

use sandpit_core::{
    engine::{
        AmendOrder, CancelOrder, Effect, Engine, EngineConfig, Event, PluginConfig, QueryOrder,
        Reconcile, VenueEvent, VenueOrderState,
    },
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::{Intent, Place, PlaceKind, TimeInForce, WishedOffset},
    market::{DataKind, Funding, MarketData, MarketEvent, Side, Trade},
    num::{Decimal, Money, Price, Quantity, Rate},
    order::{Order, ReportKind},
    plugin::Subscriptions,
    risk::{Approved, Limits, OffTick, RiskRules},
    time::UnixNanos,
    venue::{Asked, Outcome, VenueMessage, VenueRequest},
};
use sandpit_venue::{
    binance::usdm::{Usdm, request::CAPABILITIES, settings::Countdown},
    keys::{KeyNews, KeyOffer, KeyRole, KeyRules},
    machine::{Input, Machine, Notice, Output, Told},
};

use super::fake::{Fake, NoSigner, START, Trouble, seconds, settings};

fn instrument() -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: "BTCUSDT".to_owned(),
        venue: "binance-usdm".to_owned(),
        kind: InstrumentKind::Perpetual,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: Decimal::new(1, 1),
        quantity_step: Decimal::new(1, 3),
        min_quantity: Decimal::new(1, 3),
        max_quantity: Decimal::new(120, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

/// Orders that risk has approved, by an engine of their own.
struct Desk(Engine, u64);

impl Desk {
    fn new() -> Self {
        let mut engine = Engine::new(EngineConfig {
            run: RunId(0x19f),
            instruments: vec![instrument()],
            plugins: vec![PluginConfig {
                budget: Money::from_decimal(Decimal::new(1_000_000_000, 0)).unwrap(),
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
        let (price, quantity) = (Price(600_000), Quantity(1));
        let data = MarketData::Trade(Trade { price, quantity, aggressor: None, id: 1 });
        let event =
            MarketEvent { instrument: InstrumentId(0), time: START, venue_time: START, data };
        engine.step(Event::Market(event), &mut Vec::new());
        Self(engine, 0)
    }

    fn order(&mut self, side: Side, kind: PlaceKind) -> Approved<Order> {
        self.1 += 1;
        let place = Place {
            tag: OrderTag(self.1),
            instrument: 0,
            side,
            quantity: Decimal::new(2, 3),
            kind,
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            reduce_only: false,
        };
        let mut effects = Vec::new();
        let event = Event::Intents { plugin: PluginId(0), intents: vec![Intent::Place(place)] };
        self.0.step(event, &mut effects);
        let submit = effects.into_iter().find_map(|effect| match effect {
            Effect::Submit(order) => Some(order),
            _ => None,
        });
        submit.unwrap()
    }

    fn limit(&mut self) -> Approved<Order> {
        self.order(Side::Buy, PlaceKind::Limit(Decimal::new(590_000, 1)))
    }

    fn stop(&mut self) -> Approved<Order> {
        self.order(Side::Sell, PlaceKind::Stop(Decimal::new(550_000, 1)))
    }
}

fn ask(fake: &mut Fake, request: VenueRequest) {
    fake.step(Input::Told(Told::Request(request)));
}

fn outcomes(fake: &Fake, id: ClientOrderId, to: Asked) -> Vec<Outcome> {
    fake.says()
        .into_iter()
        .filter_map(|message| match message {
            VenueMessage::Answer(answer) if answer.order == id && answer.to == to => {
                Some(answer.outcome.clone())
            }
            _ => None,
        })
        .collect()
}

fn reports(fake: &Fake, id: ClientOrderId) -> Vec<ReportKind> {
    fake.says()
        .into_iter()
        .filter_map(|message| match message {
            VenueMessage::Report(report) if report.order == id => Some(report.kind.clone()),
            _ => None,
        })
        .collect()
}

fn query(id: ClientOrderId) -> VenueRequest {
    VenueRequest::Query(QueryOrder { order: id, instrument: InstrumentId(0) })
}

fn cancel(id: ClientOrderId) -> VenueRequest {
    VenueRequest::Cancel(CancelOrder { order: id, instrument: InstrumentId(0) })
}

#[test]
fn opens_with_leverage_and_margin_mode_as_they_are_set() {
    let fake = Fake::new(settings()).begun();
    assert_eq!((fake.leverage, fake.margin), (5, "ISOLATED"));
    let opened = fake.told.iter().find_map(|told| match told {
        Output::Notice(Notice::Opened(opened)) => Some(opened),
        _ => None,
    });
    let spec = &opened.unwrap().instruments[0];
    assert_eq!(spec.kind, InstrumentKind::Perpetual);
    assert_eq!(spec.min_notional, Decimal::new(50, 0));
    assert_eq!(spec.max_quantity.normalized(), Decimal::new(120, 0), "that of market orders");
    assert_eq!(spec.maker_fee.to_decimal(), Decimal::new(2, 4));
    assert_eq!(spec.taker_fee.to_decimal(), Decimal::new(4, 4));
    assert!(fake.alerts().is_empty(), "{:?}", fake.alerts());
}

fn cannot_open(mut fake: Fake) -> String {
    fake.step(Input::Wake);
    fake.run(seconds(60));
    let why = fake.told.iter().find_map(|told| match told {
        Output::Notice(Notice::CannotOpen(why)) => Some(why.clone()),
        _ => None,
    });
    assert!(!fake.has(|notice| matches!(notice, Notice::Opened(_))));
    why.unwrap()
}

#[test]
fn refuses_hedge_mode_and_settings_that_do_not_hold() {
    let mut fake = Fake::new(settings());
    fake.hedge = true;
    assert!(cannot_open(fake).contains("hedge mode"));
    let mut fake = Fake::new(settings());
    fake.multi_assets = true;
    assert!(cannot_open(fake).contains("multi-assets mode"));
    let mut fake = Fake::new(settings());
    fake.stuck_leverage = true;
    assert!(cannot_open(fake).contains("could not be set"));
    let mut wrong = settings();
    wrong.symbols[0].symbol = "NOSUCH".to_owned();
    assert!(cannot_open(Fake::new(wrong)).contains("there is no symbol NOSUCH"));
    let mut high = settings();
    high.symbols[0].leverage = 126;
    assert!(Usdm::new(high, None).unwrap_err().contains("leverage"));
}

#[test]
fn a_hedged_position_in_the_run_stops_orders() {
    let mut fake = Fake::new(settings()).begun();
    fake.tell(r#"{"e":"ACCOUNT_UPDATE","T":1790000000000,"E":1790000000000,"a":{"m":"ORDER","B":[],"P":[{"s":"BTCUSDT","pa":"1","ep":"1","cr":"0","up":"0","mt":"isolated","iw":"0","ps":"LONG"}]}}"#);
    let order = Desk::new().limit();
    let id = order.get().id;
    ask(&mut fake, VenueRequest::Submit(order));
    fake.run(seconds(2));
    assert!(matches!(&outcomes(&fake, id, Asked::Submit)[..], [Outcome::Rejected(_)]));
    assert!(fake.names.is_empty());
    assert!(fake.alerts()[0].contains("hedge mode"));
}

#[test]
fn orders_go_where_they_belong_and_are_canceled_there() {
    let mut fake = Fake::new(settings()).begun();
    let mut desk = Desk::new();
    let (limit, stop) = (desk.limit(), desk.stop());
    let (limit_id, stop_id) = (limit.get().id, stop.get().id);
    ask(&mut fake, VenueRequest::Submit(limit));
    ask(&mut fake, VenueRequest::Submit(stop));
    fake.run(seconds(1));
    assert_eq!(outcomes(&fake, limit_id, Asked::Submit), [Outcome::Confirmed]);
    assert_eq!(outcomes(&fake, stop_id, Asked::Submit), [Outcome::Confirmed]);
    let [first, second] = &fake.orders[..] else { panic!("{:?}", fake.orders) };
    assert!(!first.algo && second.algo);
    assert_eq!(second.params["type"], "STOP_MARKET");
    assert_eq!(second.params["triggerPrice"], "55000");
    assert!(matches!(reports(&fake, limit_id)[..], [ReportKind::Accepted(_)]));
    ask(&mut fake, cancel(stop_id));
    ask(&mut fake, cancel(limit_id));
    fake.run(seconds(1));
    assert_eq!(outcomes(&fake, limit_id, Asked::Cancel), [Outcome::Confirmed]);
    assert_eq!(outcomes(&fake, stop_id, Asked::Cancel), [Outcome::Confirmed]);
    assert!(fake.orders.iter().all(|order| !order.open));
    // Of an order that is not known here, both places are asked.
    let strange = ClientOrderId { sequence: 9_999, ..limit_id };
    let before = fake.calls.len();
    ask(&mut fake, cancel(strange));
    fake.run(seconds(1));
    let asked: Vec<_> =
        fake.calls[before..].iter().filter(|call| call.starts_with("DELETE")).collect();
    assert_eq!(asked, ["DELETE /fapi/v1/order", "DELETE /fapi/v1/algoOrder"]);
    assert!(matches!(&outcomes(&fake, strange, Asked::Cancel)[..], [Outcome::Rejected(_)]));
    ask(&mut fake, VenueRequest::CancelAll(InstrumentId(0)));
    fake.run(seconds(1));
    assert!(fake.paths().contains("DELETE /fapi/v1/allOpenOrders"));
    assert!(fake.paths().contains("DELETE /fapi/v1/algoOpenOrders"));
}

/// Answers get lost in every way that there is; no name arrives twice, whatever follows.
#[test]
fn a_lost_answer_is_unknown_and_no_name_is_sent_twice() {
    let mut fake = Fake::new(settings()).begun();
    let mut desk = Desk::new();
    let path = "POST /fapi/v1/order";
    let troubles = [Trouble::AnswerLost, Trouble::Lost, Trouble::Status(503), Trouble::Status(408)];
    for trouble in troubles {
        fake.trouble.push((path, trouble));
        let order = desk.limit();
        let id = order.get().id;
        ask(&mut fake, VenueRequest::Submit(order.clone()));
        fake.run(seconds(20));
        assert_eq!(outcomes(&fake, id, Asked::Submit), [Outcome::Unknown], "{trouble:?}");
        // The host would not, but if it did: it is not sent again.
        ask(&mut fake, VenueRequest::Submit(order));
        ask(&mut fake, query(id));
        fake.run(seconds(2));
        let status = fake.says().into_iter().rev().find_map(|message| match message {
            VenueMessage::News(VenueEvent::Status(status)) => Some(status.clone()),
            _ => None,
        });
        let status = status.unwrap();
        assert_eq!(status.order, id);
        let arrived = trouble != Trouble::Lost;
        assert_eq!(status.found.is_some(), arrived, "{trouble:?}");
        if let Some(found) = status.found {
            assert_eq!(found.state, VenueOrderState::Working);
        }
    }
    let mut names = fake.names.clone();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!((all, names.len()), (3, 3), "three of four arrived, each once");
}

#[test]
fn that_there_is_no_order_both_places_must_say() {
    let mut fake = Fake::new(settings()).begun();
    let id = Desk::new().limit().get().id;
    // One of them does not answer for a while: nothing is said until it does.
    fake.trouble.extend([("GET /fapi/v1/algoOrder", Trouble::Lost)]);
    ask(&mut fake, query(id));
    fake.run(seconds(5));
    let told = |fake: &Fake| {
        fake.says()
            .into_iter()
            .filter(|m| matches!(m, VenueMessage::News(VenueEvent::Status(s)) if s.found.is_none()))
            .count()
    };
    assert_eq!(told(&fake), 0);
    fake.run(seconds(20));
    assert_eq!(told(&fake), 1);
}

#[test]
fn the_dead_mans_switch_is_renewed_in_time() {
    let mut settings = settings();
    settings.countdown = Some(Countdown { ms: 60_000, orders_stay: false });
    let mut fake = Fake::new(settings).begun();
    // Every tenth renewal gets lost, one is refused, and one answer does not come.
    for round in 0..60 {
        let trouble = match round % 10 {
            3 => Some(Trouble::Lost),
            5 => Some(Trouble::Status(503)),
            8 => Some(Trouble::AnswerLost),
            _ => None,
        };
        fake.trouble.extend(trouble.map(|t| ("POST /fapi/v1/countdownCancelAll", t)));
        fake.run(seconds(60));
        assert!(fake.countdowns["BTCUSDT"].is_some(), "in round {round}");
    }
    assert!(fake.fired.is_empty(), "it never ran out in an hour");
    let renewals = fake.calls.iter().filter(|call| call.contains("countdownCancelAll")).count();
    assert!((180..=230).contains(&renewals), "{renewals}: three a minute and those that failed");
    let failed = fake.alerts().iter().filter(|alert| alert.contains("not renewed")).count();
    assert_eq!(failed, 18, "each failure is told");
    // When the machine stops, it is left to run out.
    fake.step(Input::Told(Told::Stop));
    fake.run(seconds(90));
    assert_eq!(fake.fired, ["BTCUSDT"]);
}

#[test]
fn the_switch_is_stopped_where_orders_are_to_stay() {
    let mut settings = settings();
    settings.countdown = Some(Countdown { ms: 60_000, orders_stay: true });
    let mut fake = Fake::new(settings).begun();
    fake.trouble.push(("POST /fapi/v1/countdownCancelAll", Trouble::Status(503)));
    fake.step(Input::Told(Told::Stop));
    fake.run(seconds(300));
    assert!(fake.fired.is_empty());
    assert_eq!(fake.countdowns["BTCUSDT"], None);
}

#[test]
fn too_many_countdowns_are_refused_before_anything_is_asked() {
    let mut settings = settings();
    let one = settings.symbols[0].clone();
    settings.symbols = (0..100)
        .map(|n| sandpit_venue::binance::usdm::settings::SymbolSettings {
            symbol: format!("S{n}"),
            ..one.clone()
        })
        .collect();
    settings.countdown = Some(Countdown { ms: 60_000, orders_stay: false });
    assert!(settings.problem().unwrap().contains("weigh 3000 a minute"));
    settings.countdown = Some(Countdown { ms: 300_000, orders_stay: false });
    assert_eq!(settings.problem(), None);
}

#[test]
fn own_events_are_kept_alive_and_replaced_without_a_gap() {
    let mut fake = Fake::new(settings()).begun();
    fake.run(seconds(10));
    let (first, ups) = (fake.own_link(), |fake: &Fake| {
        fake.told.iter().filter(|told| matches!(told, Output::Notice(Notice::Orders(true)))).count()
    });
    // Pings keep the line alive.
    for _ in 0..(24 * 20) {
        let link = fake.own_link();
        fake.step(Input::Heard(link));
        fake.run(seconds(180));
    }
    assert!((40..=60).contains(&fake.kept), "{} times in a day", fake.kept);
    assert_ne!(fake.own_link(), first, "it was replaced before the day was over");
    assert_eq!(ups(&fake), 1, "and was never down");
    assert_eq!(fake.links.values().filter(|url| url.contains("/private/")).count(), 1);
    // A key that is over: another, and the host is told of the gap.
    fake.key_dead = true;
    fake.tell(r#"{"e":"listenKeyExpired","E":1790000000000,"listenKey":"key1"}"#);
    assert!(fake.has(|notice| matches!(notice, Notice::Orders(false))));
    fake.run(seconds(60));
    assert!(fake.links.values().any(|url| url.ends_with("/private/ws/key2")), "{:?}", fake.links);
    assert_eq!(ups(&fake), 2);
    assert!(
        fake.says().iter().any(|m| matches!(m, VenueMessage::News(VenueEvent::Reconnected(_))))
    );
    // A line that says nothing at all is not believed.
    fake.run(seconds(900));
    assert!(ups(&fake) >= 3);
}

#[test]
fn while_own_events_are_not_heard_orders_do_not_go_and_cancels_do() {
    let mut fake = Fake::new(settings()).begun();
    let mut desk = Desk::new();
    let order = desk.limit();
    let working = order.get().id;
    ask(&mut fake, VenueRequest::Submit(order));
    fake.run(seconds(1));
    fake.refuse_links = true;
    let link = fake.own_link();
    fake.cut(link);
    let order = desk.limit();
    let held = order.get().id;
    ask(&mut fake, VenueRequest::Submit(order));
    ask(&mut fake, cancel(working));
    fake.run(seconds(8));
    assert!(matches!(&outcomes(&fake, held, Asked::Submit)[..], [Outcome::Rejected(_)]));
    assert_eq!(outcomes(&fake, working, Asked::Cancel), [Outcome::Confirmed]);
    assert_eq!(fake.names.len(), 1);
    fake.refuse_links = false;
    fake.run(seconds(60));
    assert!(
        fake.says().iter().any(|m| matches!(m, VenueMessage::News(VenueEvent::Reconnected(_))))
    );
}

fn order_event(id: &str, x: &str, status: &str, rest: &str) -> String {
    format!(
        r#"{{"e":"ORDER_TRADE_UPDATE","T":1790000001000,"E":1790000001001,"o":{{"s":"BTCUSDT","c":"{id}","S":"SELL","o":"MARKET","f":"GTC","q":"0.002","p":"0","ap":"0","sp":"0","x":"{x}","X":"{status}","i":77,{rest},"T":1790000001000,"b":"0","a":"0","m":false,"R":false,"wt":"CONTRACT_PRICE","ot":"STOP_MARKET","ps":"BOTH","cp":false,"rp":"0","V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}}}"#
    )
}

#[test]
fn a_conditional_order_is_one_order_from_its_trigger_to_its_fill() {
    let mut fake = Fake::new(settings()).begun();
    let stop = Desk::new().stop();
    let id = stop.get().id;
    ask(&mut fake, VenueRequest::Submit(stop));
    fake.run(seconds(1));
    let algo = |status: &str, number: &str| {
        format!(
            r#"{{"e":"ALGO_UPDATE","T":1790000000500,"E":1790000000501,"o":{{"caid":"{id}","aid":1001,"at":"CONDITIONAL","o":"STOP_MARKET","s":"BTCUSDT","S":"SELL","ps":"BOTH","f":"GTC","q":"0.002","X":"{status}","ai":"{number}","tp":"55000","p":"0","cp":false,"R":false,"tt":0,"gtd":0,"ia":false}}}}"#
        )
    };
    let none = r#""l":"0","z":"0","L":"0","t":0"#;
    // A fee in the venue's own asset: its worth is asked for, and nothing overtakes.
    let fill = r#""l":"0.002","z":"0.002","L":"54999.9","N":"BNB","n":"0.00010000","t":4242"#;
    fake.tell(&algo("NEW", ""));
    fake.tell(&algo("TRIGGERING", ""));
    fake.tell(&order_event(&id.to_string(), "NEW", "NEW", none));
    fake.tell(&algo("TRIGGERED", "77"));
    fake.tell(&order_event(&id.to_string(), "TRADE", "FILLED", fill));
    fake.tell(&algo("FINISHED", "77"));
    fake.tell(&order_event(&id.to_string(), "TRADE", "FILLED", fill));
    fake.run(seconds(1));
    let told = reports(&fake, id);
    let fills: Vec<_> = told
        .iter()
        .filter_map(|kind| match kind {
            ReportKind::Filled(fill) => Some(fill),
            _ => None,
        })
        .collect();
    assert_eq!(fills.len(), 2, "told twice, and the same: the engine knows it by its number");
    assert_eq!(fills[0], fills[1]);
    assert_eq!(fills[0].trade_id.0, 4_242);
    assert_eq!(fills[0].fee.to_string(), "0.060012345678", "0.0001 BNB at 600.12345678");
    assert!(told.contains(&ReportKind::Triggered));
    let paid = fake.says().into_iter().any(|message| {
        matches!(message, VenueMessage::FeePaid(fee) if fee.asset == "BNB" && fee.order == id)
    });
    assert!(paid);
}

#[test]
fn what_the_venue_closes_by_itself_is_nobodys() {
    let mut fake = Fake::new(settings()).begun();
    fake.position = "-0.100".to_owned();
    fake.trades = r#"{"buyer":false,"commission":"5","commissionAsset":"USDT","id":9,"maker":false,"orderId":78,"price":"50000.0","qty":"0.100","symbol":"BTCUSDT","time":1790000030000}"#.to_owned();
    for name in ["autoclose-123", "adl_autoclose", "settlement_autoclose-1"] {
        let fill = r#""l":"0.100","z":"0.100","L":"50000.0","N":"USDT","n":"5","t":9"#;
        let event =
            order_event(name, "CALCULATED", "FILLED", fill).replace(r#""i":77"#, r#""i":78"#);
        fake.tell(&event);
        fake.run(seconds(2));
    }
    assert_eq!(
        fake.alerts().iter().filter(|alert| alert.contains("belongs to no plugin")).count(),
        3
    );
    assert!(!fake.says().iter().any(|m| matches!(m, VenueMessage::Report(_))));
    assert!(
        !fake.says().iter().any(|m| matches!(m, VenueMessage::News(VenueEvent::Liquidated { .. })))
    );
    // The books show it, so that it becomes somebody else's position beside ours.
    let snapshot = fake.says().into_iter().find_map(|message| match message {
        VenueMessage::News(VenueEvent::Snapshot(snapshot)) => Some(snapshot.clone()),
        _ => None,
    });
    let snapshot = snapshot.unwrap();
    assert_eq!(snapshot.positions, [(InstrumentId(0), Quantity(-100))]);
    assert_eq!(snapshot.fills[0].order, None);
    assert_eq!(snapshot.fills[0].side, Side::Sell);
}

#[test]
fn books_show_orders_of_both_places_and_fail_no_comparison() {
    let mut fake = Fake::new(settings()).begun();
    let mut desk = Desk::new();
    let (limit, stop) = (desk.limit(), desk.stop());
    let ids = [limit.get().id, stop.get().id];
    ask(&mut fake, VenueRequest::Submit(limit));
    ask(&mut fake, VenueRequest::Submit(stop));
    fake.run(seconds(1));
    fake.position = "0.050".to_owned();
    fake.trouble.push(("GET /fapi/v1/openAlgoOrders", Trouble::Status(503)));
    ask(&mut fake, VenueRequest::Reconcile(Reconcile { since: UnixNanos(START.0 - 1) }));
    fake.run(seconds(10));
    let snapshots: Vec<_> = fake
        .says()
        .into_iter()
        .filter_map(|message| match message {
            VenueMessage::News(VenueEvent::Snapshot(snapshot)) => Some(snapshot.clone()),
            _ => None,
        })
        .collect();
    let [snapshot] = &snapshots[..] else { panic!("{snapshots:?}") };
    let mut shown: Vec<_> = snapshot.open.iter().map(|open| open.order).collect();
    shown.sort();
    assert_eq!(shown, ids);
    assert!(snapshot.open.iter().all(|open| open.state == VenueOrderState::Working));
    assert_eq!(snapshot.positions, [(InstrumentId(0), Quantity(50))]);
    assert!(snapshot.time > START && snapshot.time < fake.now);
}

#[test]
fn funding_is_told_with_its_rate_and_mark() {
    let mut fake = Fake::new(settings()).begun();
    let link = fake.market_link();
    let mark = |at: u64, price: &str, rate: &str, next: u64| {
        format!(
            r#"{{"stream":"btcusdt@markPrice@1s","data":{{"e":"markPriceUpdate","E":{at},"s":"BTCUSDT","p":"{price}","i":"1","P":"1","ap":"1","r":"{rate}","T":{next}}}}}"#
        )
    };
    fake.step(Input::Frame(
        link,
        mark(1_790_000_399_000, "60000.10000000", "0.00010000", 1_790_000_400_000).as_bytes(),
    ));
    fake.step(Input::Frame(
        link,
        mark(1_790_000_401_000, "60000.20000000", "0.00020000", 1_790_028_800_000).as_bytes(),
    ));
    let told: Vec<_> = fake
        .told
        .iter()
        .filter_map(|told| match told {
            Output::Market(event) => Some(event.data.clone()),
            _ => None,
        })
        .collect();
    let rate = Rate::from_decimal(Decimal::new(1, 4)).unwrap();
    assert!(told.contains(&MarketData::Mark(Price(600_001))), "{told:?}");
    assert!(
        told.contains(&MarketData::Funding(Funding { rate, mark: Price(600_002) })),
        "{told:?}"
    );
}

#[test]
fn a_margin_call_and_changes_by_others_are_told() {
    let mut fake = Fake::new(settings()).begun();
    fake.tell(r#"{"e":"MARGIN_CALL","E":1587727187525,"cw":"3.16812045","p":[{"s":"BTCUSDT","ps":"BOTH","pa":"1.327","mt":"CROSSED","iw":"0","mp":"187.17127","up":"-1.166074","mm":"1.614445"}]}"#);
    fake.tell(r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":1611646737479,"T":1611646737476,"ac":{"s":"BTCUSDT","l":25}}"#);
    fake.tell(
        r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":1611646737479,"T":1611646737476,"ai":{"j":true}}"#,
    );
    let alerts = fake.alerts();
    assert!(alerts[0].contains("margin call"), "{alerts:?}");
    assert!(alerts[1].contains("changed to 25"), "{alerts:?}");
    assert!(alerts[2].contains("multi-assets"), "{alerts:?}");
}

/// Without a key: public data only, nothing of the account is asked.
#[test]
fn without_a_key_the_market_is_told() {
    let mut fake = Fake::with_key(settings(), false).begun();
    let order = Desk::new().limit();
    let id = order.get().id;
    ask(&mut fake, VenueRequest::Submit(order));
    assert!(matches!(&outcomes(&fake, id, Asked::Submit)[..], [Outcome::Rejected(_)]));
    fake.run(seconds(300));
    let public = ["GET /fapi/v1/time", "GET /fapi/v1/exchangeInfo", "GET /fapi/v1/aggTrades"];
    assert!(fake.paths().iter().all(|path| public.contains(path)), "{:?}", fake.paths());
    assert!(!fake.links.values().any(|url| url.contains("private")));
}

/// The core never asks for it where a venue cannot amend, but the machine can.
#[test]
fn a_change_has_price_and_quantity() {
    let order = Desk::new().limit().into_inner();
    let change = AmendOrder {
        order: order.id,
        instrument: InstrumentId(0),
        quantity: None,
        price: Some(Price(580_005)),
    };
    let rules = instrument();
    let request = sandpit_venue::binance::usdm::request::amend(&change, &order, &rules).unwrap();
    let text = request.params().unwrap().to_query();
    assert!(text.starts_with("symbol=BTCUSDT&side=BUY&origClientOrderId=sp-19f-0-"), "{text}");
    assert!(text.ends_with("&quantity=0.002&price=58000.5"), "{text}");
}

#[test]
fn the_machine_says_what_it_counts() {
    let fake = Fake::new(settings()).begun();
    let counts = fake.machine.counts();
    let kept = counts.iter().find(|(name, ..)| name == "usdm_deadman_renewed_total").unwrap();
    assert!(kept.2 >= 1);
}

fn offer(fake: &mut Fake, number: u64, name: &'static str, role: KeyRole) {
    let signer = Arc::new(NoSigner(name));
    let rules = KeyRules::default();
    fake.step(Input::Told(Told::NewKey(Box::new(KeyOffer { number, role, signer, rules }))));
}

fn key_news(fake: &Fake) -> Vec<&KeyNews> {
    fake.told
        .iter()
        .filter_map(|told| match told {
            Output::Notice(Notice::Key(news)) => Some(news),
            _ => None,
        })
        .collect()
}

#[test]
fn a_new_key_is_proved_and_own_events_are_heard_with_it_before_the_old_ones_are_given_up() {
    let mut fake = Fake::new(settings()).begun();
    fake.keys.insert("second".to_owned(), "SgsR".to_owned());
    let (before, old) = (fake.told.len(), fake.own_link());
    offer(&mut fake, 1, "second", KeyRole::All);
    fake.run(seconds(5));
    let news = key_news(&fake);
    assert!(matches!(news[0], KeyNews::Proven(proof) if proof.account == "SgsR"), "{news:?}");
    assert_eq!(news[1], &KeyNews::Retired { number: 1 });
    assert_ne!(fake.own_link(), old);
    assert_eq!(fake.links.values().filter(|url| url.contains("/private/")).count(), 1);
    let after = &fake.told[before..];
    let down = |told: &Output| matches!(told, Output::Notice(Notice::Orders(false)));
    assert!(!after.iter().any(down), "own events were heard throughout");
    let compared =
        |told: &Output| matches!(told, Output::Say(VenueMessage::News(VenueEvent::Reconnected(_))));
    assert!(after.iter().any(compared), "and what they said is looked at");
    // The old key is taken away; orders go with the new one.
    fake.keys.remove(super::fake::KEY);
    let mut desk = Desk::new();
    let order = desk.limit();
    let id = order.get().id;
    ask(&mut fake, VenueRequest::Submit(order));
    fake.run(seconds(5));
    assert_eq!(outcomes(&fake, id, Asked::Submit), [Outcome::Confirmed]);
    let (by, what) = fake.by.iter().rfind(|(_, what)| what == "POST /fapi/v1/order").unwrap();
    assert_eq!((by.as_str(), what.as_str()), ("second", "POST /fapi/v1/order"));
}

#[test]
fn a_key_of_another_account_is_not_used() {
    let mut fake = Fake::new(settings()).begun();
    fake.keys.insert("stranger".to_owned(), "XyzQ".to_owned());
    offer(&mut fake, 1, "stranger", KeyRole::All);
    offer(&mut fake, 2, "gone", KeyRole::All);
    fake.run(seconds(5));
    let refused: Vec<(u64, &str)> = key_news(&fake)
        .into_iter()
        .map(|news| match news {
            KeyNews::Refused { number, why } => (*number, why.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(refused.contains(&(1, "it is a key of another account")), "{refused:?}");
    assert!(refused.iter().any(|(number, why)| *number == 2 && why.contains("-2015")));
    let mut desk = Desk::new();
    ask(&mut fake, VenueRequest::Submit(desk.limit()));
    fake.run(seconds(5));
    let (by, _) = fake.by.iter().rfind(|(_, what)| what == "POST /fapi/v1/order").unwrap();
    assert_eq!(by, super::fake::KEY, "the one before it goes on");
}

#[test]
fn a_trailing_stop_is_a_conditional_order_that_follows_at_a_share() {
    let mut fake = Fake::new(settings()).begun();
    let mut desk = Desk::new();
    let offset = PlaceKind::TrailingStop(WishedOffset::BasisPoints(150));
    let order = desk.order(Side::Sell, offset);
    let id = order.get().id;
    ask(&mut fake, VenueRequest::Submit(order));
    fake.run(seconds(5));
    assert_eq!(outcomes(&fake, id, Asked::Submit), [Outcome::Confirmed]);
    let sent = &fake.orders[0];
    assert!(sent.algo && sent.open);
    let param = |name: &str| sent.params.get(name).map(String::as_str);
    assert_eq!(param("type"), Some("TRAILING_STOP_MARKET"));
    assert_eq!(param("callbackRate"), Some("1.5"));
    assert_eq!((param("triggerPrice"), param("price")), (None, None));
    ask(&mut fake, cancel(id));
    fake.run(seconds(5));
    assert!(!fake.orders[0].open);
    assert_eq!(outcomes(&fake, id, Asked::Cancel), [Outcome::Confirmed]);
}

#[test]
fn a_price_far_from_the_mark_is_not_sent() {
    let mut fake = Fake::new(settings()).begun();
    let mut desk = Desk::new();
    // Not known yet: the venue decides.
    ask(
        &mut fake,
        VenueRequest::Submit(desk.order(Side::Buy, PlaceKind::Limit(Decimal::new(700_000, 1)))),
    );
    fake.run(seconds(5));
    assert_eq!(fake.names.len(), 1);
    let link = fake.market_link();
    let mark = format!(
        r#"{{"stream":"btcusdt@markPrice@1s","data":{{"e":"markPriceUpdate","E":{0},"s":"BTCUSDT","p":"60000.00000000","ap":"60000","i":"60000","P":"60000","r":"0.0001","T":{1}}}}}"#,
        fake.now.0 / 1_000_000,
        fake.now.0 / 1_000_000 + 3_600_000
    );
    fake.step(Input::Frame(link, mark.as_bytes()));
    // 5 % either way.
    for (side, price, fits) in [
        (Side::Buy, 630_000, true),
        (Side::Buy, 630_001, false),
        (Side::Sell, 570_000, true),
        (Side::Sell, 569_999, false),
    ] {
        let order = desk.order(side, PlaceKind::Limit(Decimal::new(price, 1)));
        let (id, before) = (order.get().id, fake.names.len());
        ask(&mut fake, VenueRequest::Submit(order));
        fake.run(seconds(2));
        assert_eq!(fake.names.len(), before + usize::from(fits), "{side:?} {price}");
        let outcome = &outcomes(&fake, id, Asked::Submit)[0];
        let refused =
            matches!(outcome, Outcome::Rejected(no) if no.message.contains("PERCENT_PRICE"));
        assert_eq!(refused, !fits, "{outcome:?}");
    }
}

#[test]
fn a_key_that_changes_while_own_events_are_being_joined_joins_them_itself() {
    let mut fake = Fake::new(settings()).begun();
    fake.keys.insert("second".to_owned(), "SgsR".to_owned());
    fake.stall_links = true;
    let link = fake.own_link();
    fake.cut(link);
    fake.run(seconds(3));
    let stalled = fake.own_link();
    fake.stall_links = false;
    offer(&mut fake, 1, "second", KeyRole::All);
    fake.run(seconds(5));
    assert!(!fake.links.contains_key(&stalled));
    assert!(key_news(&fake).contains(&&KeyNews::Retired { number: 1 }));
    let last = fake.told.iter().rev().find_map(|told| match told {
        Output::Notice(Notice::Orders(up)) => Some(*up),
        _ => None,
    });
    assert_eq!(last, Some(true));
    fake.keys.remove(super::fake::KEY);
    let mut desk = Desk::new();
    let order = desk.limit();
    let id = order.get().id;
    ask(&mut fake, VenueRequest::Submit(order));
    fake.run(seconds(5));
    assert_eq!(outcomes(&fake, id, Asked::Submit), [Outcome::Confirmed]);
}
