//! The gate by itself: lanes, fair shares, the reserve, silence.

use sandpit_core::{
    ids::{ClientOrderId, PluginId, RunId},
    market::Side,
    num::Decimal,
    time::{Nanos, UnixNanos},
};
use sandpit_venue::{
    binance::{
        gate::{Ended, Gate, GateSettings, News, SocketSettings, Wish},
        limits::{Lane, Limit, LimitKind},
        request::{Cancel, NewOrder, NewOrderKind, OrderOptions, OrderRef, Request, Size, Tif},
    },
    keys::{KeyRole, Keys},
    machine::{Call, CallId, HttpReply, Input, LinkId, NoReply, Output},
};

use crate::{KEY, signer};

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_780_000_030 * SECOND;

struct Bench {
    gate: Gate,
    now: u64,
    out: Vec<Output>,
}

fn id(plugin: u16, sequence: u64) -> ClientOrderId {
    ClientOrderId { run: RunId(1), plugin: PluginId(plugin), sequence }
}

fn order(plugin: u16, sequence: u64) -> Wish {
    Wish::spot(&Request::Place(NewOrder {
        symbol: "BTCUSDT",
        side: Side::Buy,
        kind: NewOrderKind::Limit { price: Decimal::new(1, 0), time_in_force: Tif::Gtc },
        size: Size::Base(Decimal::new(1, 0)),
        iceberg: None,
        client_id: id(plugin, sequence),
        options: OrderOptions::default(),
    }))
    .unwrap()
}

fn cancel(sequence: u64) -> Wish {
    Wish::spot(&Request::Cancel(Cancel {
        symbol: "BTCUSDT",
        order: OrderRef::Client(id(0, sequence)),
        restriction: None,
    }))
    .unwrap()
}

impl Bench {
    /// A gate that knows the time.
    fn new(change: impl FnOnce(&mut GateSettings)) -> Self {
        let time = Wish::spot(&Request::Time).unwrap();
        let mut settings =
            GateSettings::new(vec!["https://a".into(), "https://b".into()], 0..16, time);
        settings.clock_samples = 1;
        change(&mut settings);
        assert_eq!(settings.problem(), None);
        let gate = Gate::new(settings, Some(Keys::one(signer(KEY))));
        let mut bench = Self { gate, now: START, out: Vec::new() };
        let calls = bench.step(&Input::Wake);
        assert_eq!(calls.len(), 1);
        let body = format!("{{\"serverTime\":{}}}", START / 1_000_000);
        bench.reply(&calls[0], 200, &[], &body);
        bench
    }

    fn step(&mut self, input: &Input<'_>) -> Vec<Call> {
        self.gate.step(input, UnixNanos(self.now), 7, &mut self.out);
        self.calls()
    }

    fn calls(&mut self) -> Vec<Call> {
        self.out
            .drain(..)
            .filter_map(|output| match output {
                Output::Call(call) => Some(call),
                _ => None,
            })
            .collect()
    }

    fn reply(
        &mut self,
        call: &Call,
        status: u16,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Vec<Call> {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let reply = HttpReply { status, headers: &headers, body: body.as_bytes() };
        self.step(&Input::Reply(call.id, reply))
    }

    fn ask(&mut self, lane: Lane, share: u16, wish: Wish) -> (CallId, Vec<Call>) {
        let id = self.gate.ask_wish(lane, share, wish, UnixNanos(self.now), &mut self.out);
        (id, self.calls())
    }

    fn news(&mut self) -> Vec<(CallId, Ended)> {
        std::iter::from_fn(|| self.gate.take_news())
            .filter_map(|news| match news {
                News::Ended(id, ended) => Some((id, ended)),
                _ => None,
            })
            .collect()
    }
}

fn ten_orders(settings: &mut GateSettings) {
    settings.limits = vec![
        Limit { kind: LimitKind::Orders, window: Nanos(10 * SECOND), most: 10 },
        Limit { kind: LimitKind::Weight, window: Nanos(60 * SECOND), most: 40 },
    ];
}

#[test]
fn plugins_take_turns_and_what_waits_too_long_comes_back_unsent() {
    let mut bench = Bench::new(ten_orders);
    bench.gate.hold_orders(true, UnixNanos(bench.now), &mut Vec::new());
    let mut asked = Vec::new();
    for sequence in 0..9 {
        asked.push(bench.ask(Lane::Orders, 0, order(0, sequence)).0);
    }
    asked.push(bench.ask(Lane::Orders, 1, order(1, 0)).0);
    assert!(bench.calls().is_empty());
    let mut out = Vec::new();
    bench.gate.hold_orders(false, UnixNanos(bench.now), &mut out);
    bench.out = out;
    let sent = bench.calls();
    // Of ten, a tenth each is kept for cancels and for finding out.
    assert_eq!(sent.len(), 8);
    let of_one: Vec<usize> =
        (0..sent.len()).filter(|at| sent[*at].body.contains("sp-1-1-")).collect();
    assert!(of_one[0] <= 1, "the one of the other plugin came {of_one:?}");
    bench.now += 5 * SECOND;
    bench.step(&Input::Wake);
    let back = bench.news();
    assert_eq!(back.len(), 2);
    assert!(back.iter().all(|(_, ended)| matches!(ended, Ended::NeverSent(_))));
}

#[test]
fn nothing_but_cancels_spends_the_reserve() {
    let mut bench = Bench::new(ten_orders);
    let time = || Wish::spot(&Request::OrderStatus("BTCUSDT", OrderRef::Venue(1))).unwrap();
    let mut sent = 0;
    for _ in 0..40 {
        for lane in [Lane::Data, Lane::Reconcile] {
            sent += bench.ask(lane, 0, time()).1.len();
        }
    }
    assert!(sent > 0);
    for sequence in 0..4 {
        let (_, calls) = bench.ask(Lane::Kill, 0, cancel(sequence));
        assert_eq!(calls.len(), 1, "cancel {sequence} waits");
        assert_eq!(calls[0].method, "DELETE");
    }
}

#[test]
fn nothing_is_asked_while_the_venue_wants_to_be_left_alone() {
    let mut bench = Bench::new(|_| {});
    let (question, calls) = bench.ask(Lane::Reconcile, 0, Wish::spot(&Request::OpenLists).unwrap());
    let (placed, order_calls) = bench.ask(Lane::Orders, 0, order(0, 1));
    let limited = "{\"code\":-1003,\"msg\":\"Too many requests.\"}";
    assert!(bench.reply(&calls[0], 429, &[("retry-after", "7")], limited).is_empty());
    assert!(bench.reply(&order_calls[0], 429, &[("retry-after", "3")], limited).is_empty());
    // A change is not done, and whoever asked is told; a question waits.
    let news = bench.news();
    assert_eq!(news.len(), 1);
    assert_eq!(news[0].0, placed);
    let (_, calls) = bench.ask(Lane::Kill, 0, cancel(1));
    assert!(calls.is_empty());
    bench.now += 7 * SECOND - 1;
    assert!(bench.step(&Input::Wake).is_empty());
    bench.now += 1;
    let calls = bench.step(&Input::Wake);
    assert_eq!(calls[0].method, "DELETE", "the cancel first");
    assert!(calls.len() <= 2, "one at a time until one is answered");
    bench.reply(&calls[0], 400, &[], "{\"code\":-2011,\"msg\":\"Unknown order sent.\"}");
    for _ in 0..40 {
        bench.now += SECOND;
        for call in bench.step(&Input::Wake) {
            bench.reply(&call, 200, &[], "[]");
        }
    }
    assert!(bench.news().iter().any(|(id, _)| *id == question));
}

#[test]
fn a_change_is_sent_once_unless_nothing_left() {
    let mut bench = Bench::new(|settings| settings.patience = Nanos(20 * SECOND));
    let (placed, calls) = bench.ask(Lane::Orders, 0, order(0, 1));
    assert!(bench.step(&Input::NoReply(calls[0].id, NoReply::NeverSent)).is_empty());
    assert!(bench.news().is_empty());
    bench.now += 5 * SECOND;
    let again = bench.step(&Input::Wake);
    assert_eq!(again.len(), 1, "nothing had left");
    assert_ne!(again[0].base, calls[0].base, "another server");
    bench.step(&Input::NoReply(again[0].id, NoReply::TimedOut));
    let news = bench.news();
    assert!(matches!(&news[..], [(id, Ended::Lost(_))] if *id == placed), "{news:?}");
    for _ in 0..60 {
        bench.now += SECOND;
        let calls = bench.step(&Input::Wake);
        assert!(calls.iter().all(|call| call.method == "GET"), "{calls:?}");
    }
    // Whatever comes now comes too late.
    bench.reply(&again[0], 200, &[], "{}");
    assert!(bench.news().is_empty());
}

#[test]
fn without_a_clock_nothing_signed_is_sent() {
    let mut bench = Bench::new(|_| {});
    let (_, calls) = bench.ask(Lane::Orders, 0, order(0, 1));
    let skew = "{\"code\":-1021,\"msg\":\"Timestamp for this request is outside.\"}";
    let clock = bench.reply(&calls[0], 400, &[], skew);
    assert_eq!(clock.len(), 1);
    assert!(clock[0].path.ends_with("/time"));
    assert!(matches!(bench.news()[..], [(_, Ended::Answered(_))]), "it was refused");
    let (_, calls) = bench.ask(Lane::Kill, 0, cancel(2));
    assert!(calls.is_empty());
    let body = format!("{{\"serverTime\":{}}}", bench.now / 1_000_000 + 9_000);
    let calls = bench.reply(&clock[0], 200, &[], &body);
    assert_eq!(calls.len(), 1);
    let stamp = calls[0].path.split("timestamp=").nth(1).unwrap();
    let stamp: u64 = stamp.split('&').next().unwrap().parse().unwrap();
    assert_eq!(stamp, bench.now / 1_000_000 + 9_000);
}

#[test]
fn what_is_asked_again_is_asked_with_the_key_that_is_in_use_then() {
    let mut bench = Bench::new(|_| {});
    let name = |call: &Call| call.key.as_ref().map(|key| key.expose().to_owned());
    let (canceled, cancels) = bench.ask(Lane::Kill, 0, cancel(1));
    let (placed, orders) = bench.ask(Lane::Orders, 0, order(0, 1));
    let (asked, questions) =
        bench.ask(Lane::Reconcile, 0, Wish::spot(&Request::OpenLists).unwrap());
    for call in [&cancels[0], &orders[0], &questions[0]] {
        assert_eq!(name(call).as_deref(), Some(KEY));
    }
    let (now, second) = (UnixNanos(bench.now), signer("second"));
    bench.gate.replace_key(KeyRole::All, second, 1, now, &mut bench.out);
    assert_eq!(bench.gate.take_retired(), None, "three are under way");
    // The old key is taken away meanwhile.
    let gone = "{\"code\":-2015,\"msg\":\"Invalid API-key, IP, or permissions for action.\"}";
    for call in [&cancels[0], &orders[0], &questions[0]] {
        bench.reply(call, 401, &[], gone);
    }
    let news = bench.news();
    assert!(matches!(&news[..], [(id, Ended::Answered(_))] if *id == placed), "{news:?}");
    assert_eq!(bench.gate.take_retired(), Some(1));
    assert_eq!(bench.gate.take_retired(), None, "it is said once");
    bench.now += 2 * SECOND;
    let again = bench.step(&Input::Wake);
    assert_eq!(again.len(), 2, "the cancel and the question");
    for call in &again {
        assert_eq!(name(call).as_deref(), Some("second"));
        bench.reply(call, 200, &[], "[]");
    }
    let ended: Vec<CallId> = bench.news().into_iter().map(|(id, _)| id).collect();
    assert!(ended.contains(&canceled) && ended.contains(&asked), "{ended:?}");
    // The key in use is refused: that is an answer.
    let (_, calls) = bench.ask(Lane::Kill, 0, cancel(2));
    bench.reply(&calls[0], 401, &[], gone);
    assert_eq!(bench.news().len(), 1);
}

#[test]
fn where_the_venue_does_not_say_how_long_it_is_left_alone_for_as_long_as_it_may_mean() {
    for (status, code, seconds) in [(429, -1003, 60), (418, -1003, 120)] {
        let mut bench = Bench::new(|_| {});
        let (_, calls) = bench.ask(Lane::Reconcile, 0, Wish::spot(&Request::OpenLists).unwrap());
        let body = format!("{{\"code\":{code},\"msg\":\"Too many requests.\"}}");
        bench.reply(&calls[0], status, &[], &body);
        assert!(bench.ask(Lane::Kill, 0, cancel(1)).1.is_empty());
        bench.now += seconds * SECOND - 1;
        assert!(bench.step(&Input::Wake).is_empty(), "{status}");
        bench.now += 1;
        assert_eq!(bench.step(&Input::Wake)[0].method, "DELETE", "{status}");
    }
}

#[test]
fn where_orders_alone_are_too_many_only_orders_wait() {
    let mut bench = Bench::new(|settings| settings.patience = Nanos(30 * SECOND));
    let (placed, calls) = bench.ask(Lane::Orders, 0, order(0, 1));
    let body = "{\"code\":-1015,\"msg\":\"Too many new orders.\"}";
    bench.reply(&calls[0], 429, &[], body);
    assert!(bench.news().iter().any(|(id, _)| *id == placed), "it is not done, and told");
    assert!(bench.ask(Lane::Orders, 0, order(0, 2)).1.is_empty());
    assert_eq!(bench.ask(Lane::Kill, 0, cancel(1)).1.len(), 1);
    for _ in 0..9 {
        bench.now += SECOND;
        assert!(bench.step(&Input::Wake).is_empty());
    }
    bench.now += 2 * SECOND;
    assert_eq!(bench.step(&Input::Wake).len(), 1);
}

/// Found by the simulation: the answer of a connection that was given up meanwhile.
#[test]
fn a_connection_that_was_given_up_may_still_say_to_leave_it_alone() {
    let mut bench = Bench::new(|settings| {
        settings.socket = Some(SocketSettings::new(vec!["wss://a".into()], Vec::new()));
    });
    bench.gate.want_socket(UnixNanos(bench.now), &mut bench.out);
    let link = LinkId(0);
    assert!(matches!(bench.out[..], [Output::Open { link: opened, .. }] if opened == link));
    bench.step(&Input::Opened(link));
    bench.gate.ask_wish(Lane::Kill, 0, cancel(1), UnixNanos(bench.now), &mut bench.out);
    let [Output::Send { text, .. }] = &bench.out[..] else { panic!("{:?}", bench.out) };
    assert!(text.contains("order.cancel"), "{text}");
    bench.gate.drop_socket(link, UnixNanos(bench.now), &mut bench.out);
    bench.out.clear();
    let limited = br#"{"id":4,"status":429,"error":{"code":-1003,"msg":"Too many requests.",
        "data":{"serverTime":1780000000000,"retryAfter":1780000009000}}}"#;
    bench.step(&Input::Frame(link, limited));
    assert!(bench.ask(Lane::Kill, 0, cancel(2)).1.is_empty());
    bench.now += 9 * SECOND - 1;
    assert!(bench.step(&Input::Wake).is_empty());
    bench.now += 1;
    assert_eq!(bench.step(&Input::Wake).len(), 1);
}
