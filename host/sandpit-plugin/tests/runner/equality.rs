//! A plugin in a process of its own does what it does inline: the same intents, log lines, fuel,
//! state and faults, to the byte.

use sandpit_core::{
    ids::{InstrumentId, OrderTag, TimerId, TradeId},
    intent::Intent,
    market::{Bar, DepthUpdate, Funding, MarketData, MarketEvent, Quote, Side},
    num::{Money, Price, Quantity, Rate},
    order::Fill,
    plugin::{
        BudgetView, DepthView, OrderUpdate, OrderUpdateKind, PluginEvent, PositionView,
        TradingState,
    },
    risk::DenialCode,
    time::{Nanos, UnixNanos},
};
use sandpit_plugin::{
    Argument, Ask, Fault, Limits, Parameters, Reply, Runner, SavedState, Session, Stats,
    StopReason, Value,
};

use crate::{
    harness::{Log, Test, launched, patient},
    support::{Guest, instrument, session, trade},
};

pub(crate) const TESTS: &[Test] = &[
    ("equality::a_market_is_the_same_in_both", a_market_is_the_same_in_both),
    ("equality::every_event_is_the_same_in_both", every_event_is_the_same_in_both),
    ("equality::every_fault_is_the_same_in_both", every_fault_is_the_same_in_both),
    ("equality::a_refusal_is_the_same_in_both", a_refusal_is_the_same_in_both),
    ("equality::state_comes_back_whole", state_comes_back_whole),
    ("equality::several_are_called_at_once", several_are_called_at_once),
];

/// Asks for an intent of any kind in every third trade, and logs in every second.
fn talker() -> Guest {
    Guest::idle().intents(1).body(
        "on-trade",
        "(i64.store (i32.const 8200) (i64.shl (local.get 2) (i64.const 8)))
         (i32.store8 (i32.const 8192) (i32.wrap_i64 (i64.rem_u (local.get 2) (i64.const 8))))
         (if (i64.eqz (i64.rem_u (local.get 2) (i64.const 2)))
           (then (call $log (i32.wrap_i64 (i64.rem_u (local.get 2) (i64.const 4)))
             (i32.const 1020) (i32.const 14))))
         (i64.eqz (i64.rem_u (local.get 2) (i64.const 3)))",
    )
}

/// What a run left behind.
#[derive(Debug, PartialEq)]
struct Trace {
    calls: Vec<String>,
    lines: Vec<String>,
    stats: Stats,
}

fn play(runner: &mut impl Runner, log: &Log, events: &[PluginEvent]) -> Trace {
    let instrument = instrument();
    let mut calls = Vec::new();
    let mut intents = Vec::new();
    calls.push(format!("{:?}", runner.start(&session(&instrument), &mut intents)));
    for event in events {
        let outcome = runner.call(event, &mut intents);
        calls.push(format!("{outcome:?} {intents:?}"));
        intents.clear();
        if outcome.is_err() {
            break;
        }
    }
    calls.push(format!("{:?}", runner.save()));
    calls.push(format!("{:?}", runner.stop(StopReason::Finished)));
    // What took how long is the one thing that may differ.
    let stats = Stats { latency: Stats::default().latency, ..runner.stats() };
    Trace { calls, lines: log.lines(), stats }
}

/// The same guest over the same events both ways.
fn both(guest: &Guest, limits: &Limits, events: &[PluginEvent]) -> Trace {
    let (inline_log, process_log) = (Log::default(), Log::default());
    let mut inline = guest.load_with(limits, inline_log.sink()).unwrap();
    let mut process = launched(guest, limits, &process_log);
    assert_eq!(inline.description(), process.description());
    let expected = play(&mut inline, &inline_log, events);
    let found = play(&mut process, &process_log, events);
    assert_eq!(expected, found);
    found
}

fn a_market_is_the_same_in_both() {
    let mut state = 88_172_645_463_325_252u64;
    let mut price = 100_000i64;
    let events: Vec<_> = (0..20_000u64)
        .map(|number| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            price += i64::try_from(state % 21).unwrap() - 10;
            trade(1_000_000_000 + number * 1_000_000, price)
        })
        .collect();
    // A budget that runs dry, so that what is dropped is compared as well.
    let limits = Limits { log_bytes_per_second_max: 4_096, ..patient() };
    let trace = both(&talker(), &limits, &events);
    assert_eq!(trace.stats.calls, 20_000);
    assert!(trace.stats.intents > 5_000, "{:?}", trace.stats);
    assert!(trace.stats.log_lines > 1_000, "{:?}", trace.stats);
    assert!(trace.stats.log_lines_dropped > 1_000, "{:?}", trace.stats);
}

fn market(data: MarketData) -> PluginEvent {
    let time = UnixNanos(2_000);
    let event = MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data };
    PluginEvent::Market { event, history: false }
}

/// What can happen to an order.
fn every_order_kind(fill: Fill) -> [OrderUpdateKind; 11] {
    let words = || "ü".repeat(300);
    [
        OrderUpdateKind::Accepted,
        OrderUpdateKind::Denied(DenialCode::BadNumber),
        OrderUpdateKind::Rejected(words()),
        OrderUpdateKind::Triggered,
        OrderUpdateKind::Amended,
        OrderUpdateKind::ChangeDenied(DenialCode::NumberOverflow),
        OrderUpdateKind::ChangeRejected(words()),
        OrderUpdateKind::Filled(fill),
        OrderUpdateKind::Canceled,
        OrderUpdateKind::Expired,
        OrderUpdateKind::Unknown,
    ]
}

/// One event of every kind.
fn every_event() -> Vec<PluginEvent> {
    let time = UnixNanos(2_000);
    let (price, quantity) = (Price(100_005), Quantity(3));
    let order = |kind| {
        PluginEvent::Order(OrderUpdate {
            time,
            tag: OrderTag(u64::MAX),
            instrument: InstrumentId(0),
            side: Side::Sell,
            kind,
            quantity,
            filled: Quantity(1),
            closed: false,
        })
    };
    let fill = Fill { trade_id: TradeId(9), price, quantity, fee: Money(-5), maker: true };
    let depth = DepthUpdate {
        snapshot: true,
        first_sequence: 1,
        last_sequence: 2,
        previous_sequence: 0,
        bids: vec![(price, quantity)],
        asks: Vec::new(),
    };
    let mut events = vec![
        market(MarketData::Quote(Quote {
            bid_price: price,
            bid_quantity: quantity,
            ask_price: Price(100_010),
            ask_quantity: quantity,
        })),
        market(MarketData::Bar(Bar {
            interval: Nanos::SECOND,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: quantity,
        })),
        market(MarketData::Depth(Box::new(depth))),
        market(MarketData::Mark(price)),
        market(MarketData::Funding(Funding { rate: Rate(1), mark: price })),
        PluginEvent::Depth(Box::new(DepthView {
            instrument: InstrumentId(0),
            time,
            bids: vec![(price, quantity); 50],
            asks: vec![(price, quantity); 3],
        })),
        PluginEvent::Position(PositionView {
            instrument: InstrumentId(0),
            time,
            quantity: Quantity(-3),
            cost: Money(i128::from(i64::MIN)),
            realized_pnl: Money(7),
        }),
        PluginEvent::Budget(BudgetView {
            time,
            balance: Money(i128::from(i64::MAX) * 3),
            equity: Money(1),
            fees: Money(-1),
        }),
        PluginEvent::Timer { id: TimerId(7), time },
        PluginEvent::TradingState { state: TradingState::Reducing, time },
    ];
    events.extend(every_order_kind(fill).map(order));
    let PluginEvent::Market { event, .. } = trade(2_000, 100_010) else { unreachable!() };
    events.push(PluginEvent::Market { event, history: true });
    events
}

fn every_event_is_the_same_in_both() {
    let trace = both(&talker(), &patient(), &every_event());
    assert_eq!(trace.stats.calls, every_event().len() as u64);
}

fn every_fault_is_the_same_in_both() {
    let on_trade = |body: &str| Guest::idle().body("on-trade", body);
    let deep = Guest::idle()
        .extra("(func $deep (param i64 i64 i64) (result i64) (i64.add (i64.const 1) (call $deep (local.get 0) (local.get 1) (local.get 2))))")
        .body("on-trade", "(drop (call $deep (i64.const 1) (i64.const 2) (i64.const 3))) i32.const 0");
    let guests = [
        on_trade("unreachable"),
        on_trade("(loop $on (br $on)) i32.const 0"),
        on_trade("(drop (memory.grow (i32.const 2000))) i32.const 0"),
        deep,
        Guest::idle().intents(65),
        Guest::idle().intents(1).intent_byte(0, 200),
        Guest::idle().intents(1).intent_byte(40, 200),
        on_trade("i32.const 1").body("take-intents", "i32.const 0x7ffffff0"),
    ];
    let mut codes = std::collections::BTreeSet::new();
    for guest in guests {
        let trace = both(&guest, &patient(), &[trade(1_000, 100_000), trade(2_000, 100_000)]);
        assert!(trace.calls[1].starts_with("Err("), "{:?}", trace.calls);
        codes.insert(trace.calls[1].split(',').next().unwrap().to_owned());
    }
    assert!(codes.len() >= 6, "{codes:?}");
}

fn a_refusal_is_the_same_in_both() {
    // `start` answers with a result: a refusal has its text at 1024, the guest's own name.
    let refuses = Guest::idle().body(
        "start",
        "(i32.store8 (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 1024))
         (i32.store (i32.const 24) (i32.const 10)) i32.const 16",
    );
    let trace = both(&refuses, &patient(), &[]);
    assert!(trace.calls[0].contains("StartRefused"), "{:?}", trace.calls);
    let stubborn = Guest::idle().body(
        "on-parameters",
        "(i32.store8 (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 1024))
         (i32.store (i32.const 24) (i32.const 10)) i32.const 16",
    );
    let ask = |runner: &mut dyn Runner| -> Result<Parameters, Fault> {
        let argument = Argument { name: "fast".to_owned(), value: Value::Integer(1) };
        runner.parameters(&[argument], UnixNanos(5), &mut Vec::<Intent>::new())
    };
    let mut inline = stubborn.load(&patient()).unwrap();
    let mut process = launched(&stubborn, &patient(), &Log::default());
    let answer = ask(&mut process);
    assert_eq!(answer, Ok(Parameters::Refused("test-guest".to_owned())));
    assert_eq!(ask(&mut inline), answer);
}

fn state_comes_back_whole() {
    // Hands over as state what it was told at its start, a page of memory.
    let guest = Guest::idle().body(
        "save",
        "(i32.store (i32.const 136) (i32.const 0)) (i32.store (i32.const 140) (i32.const 65536)) i32.const 136",
    );
    let instrument = instrument();
    let data: Vec<u8> = (0..=255).cycle().take(30_000).collect();
    let restored = SavedState { version: "0.9.0".to_owned(), schema: 3, data };
    let session = Session { restored: Some(restored), ..session(&instrument) };
    let saved = |runner: &mut dyn Runner| {
        runner.start(&session, &mut Vec::new()).unwrap();
        runner.save().unwrap()
    };
    let expected = saved(&mut guest.load(&patient()).unwrap());
    assert_eq!(saved(&mut launched(&guest, &patient(), &Log::default())), expected);
    assert_eq!(expected.len(), 65_536);
}

fn several_are_called_at_once() {
    let mut runners: Vec<_> =
        (0..4).map(|_| launched(&talker(), &patient(), &Log::default())).collect();
    let instrument = instrument();
    for runner in &mut runners {
        runner.start(&session(&instrument), &mut Vec::new()).unwrap();
    }
    let mut alone = talker().started(&patient());
    for number in 0..100u64 {
        let event = trade(1_000 + number, 99_000 + i64::try_from(number).unwrap());
        let mut expected = Vec::new();
        let cost = alone.call(&event, &mut expected).unwrap();
        for runner in &mut runners {
            runner.begin(&Ask::Event(&event)).unwrap();
            assert!(runner.is_busy());
        }
        for runner in &mut runners {
            let mut intents = Vec::new();
            assert_eq!(runner.wait(&mut intents), Ok(Reply::Done(cost)));
            assert_eq!(format!("{intents:?}"), format!("{expected:?}"));
        }
    }
}
