//! A guest that behaves, from its description to its end.

use sandpit_core::{
    ids::{InstrumentId, OrderTag, PluginId, TimerId, TradeId},
    intent::{Intent, PlaceKind, TimeInForce},
    market::{Bar, MarketData, MarketEvent, Quote, Side},
    num::{Decimal, Money, Price, Quantity},
    order::{Fill, OrderKind},
    plugin::{
        BudgetView, DepthView, OpenOrderView, OrderUpdate, OrderUpdateKind, PluginEvent,
        PluginPort, PositionView, TradingState,
    },
    risk::DenialCode,
    time::{Nanos, UnixNanos},
};
use sandpit_plugin::{
    Argument, CallCost, InlinePlugins, Inspection, Limits, Parameters, SavedState, StopReason,
    Value,
};

use crate::support::{Guest, instrument, session, start, trade};

/// Traps unless the two numbers are equal.
fn expect(left: &str, right: &str) -> String {
    let (kind, constant) = right.strip_prefix('L').map_or(("i32", right), |right| ("i64", right));
    format!("(if ({kind}.ne {left} ({kind}.const {constant})) (then unreachable))")
}

fn expects(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(left, right)| expect(left, right)).collect()
}

fn parameters(values: &[(u32, &str)]) -> String {
    values.iter().map(|(index, value)| expect(&format!("(local.get {index})"), value)).collect()
}

fn one_call(guest: &Guest, event: &PluginEvent) -> CallCost {
    let mut instance = guest.started(&Limits::default());
    instance.call(event, &mut Vec::new()).unwrap_or_else(|fault| panic!("{}", fault.detail))
}

fn market(data: MarketData) -> PluginEvent {
    PluginEvent::Market {
        event: MarketEvent {
            instrument: InstrumentId(0),
            time: UnixNanos(5),
            venue_time: UnixNanos(4),
            data,
        },
        history: true,
    }
}

#[test]
fn market_events_arrive_as_they_are() {
    let body = parameters(&[
        (0, "0"),
        (1, "L9"),
        (2, "L138735"),
        (3, "1"),
        (4, "L3"),
        (5, "0"),
        (6, "1"),
        (7, "0"),
    ]);
    one_call(&Guest::idle().body("on-trade", &(body + "i32.const 0")), &trade(9, 138_735));

    let body = parameters(&[
        (1, "L5"),
        (2, "L10"),
        (3, "1"),
        (4, "L20"),
        (5, "0"),
        (6, "L15"),
        (7, "1"),
        (8, "L25"),
        (10, "1"),
    ]);
    let quote = Quote {
        bid_price: Price(10),
        bid_quantity: Quantity(20),
        ask_price: Price(15),
        ask_quantity: Quantity(25),
    };
    one_call(
        &Guest::idle().body("on-quote", &(body + "i32.const 0")),
        &market(MarketData::Quote(quote)),
    );

    // Its time is the end of what it covers, and not when it was heard of.
    let body = parameters(&[
        (1, "L4"),
        (2, "L60"),
        (3, "L1"),
        (5, "L4"),
        (7, "L-1"),
        (9, "L2"),
        (11, "L8"),
        (12, "0"),
        (13, "1"),
    ]);
    let bar = Bar {
        interval: Nanos(60),
        open: Price(1),
        high: Price(4),
        low: Price(-1),
        close: Price(2),
        volume: Quantity(8),
    };
    one_call(&Guest::idle().body("on-bar", &(body + "i32.const 0")), &market(MarketData::Bar(bar)));
}

#[test]
fn depth_arrives_in_columns() {
    let body = parameters(&[
        (0, "0"),
        (1, "L5"),
        (2, "1"),
        (3, "0"),
        (5, "2"),
        (7, "2"),
        (9, "1"),
        (11, "1"),
    ]) + &expects(&[
        ("(i64.load offset=8 (local.get 4))", "L9"),
        ("(i64.load offset=8 (local.get 6))", "L99"),
        ("(i64.load (local.get 8))", "L11"),
        ("(i64.load (local.get 10))", "L111"),
    ]);
    let view = DepthView {
        instrument: InstrumentId(0),
        time: UnixNanos(5),
        bids: vec![(Price(10), Quantity(100)), (Price(9), Quantity(99))],
        asks: vec![(Price(11), Quantity(111))],
    };
    let mut instance =
        Guest::idle().body("on-depth", &(body + "i32.const 0")).started(&Limits::default());
    for _ in 0..3 {
        instance.call(&PluginEvent::Depth(Box::new(view.clone())), &mut Vec::new()).unwrap();
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one event a paragraph, in a row")]
fn own_events_arrive_as_they_are() {
    // order-update in memory: time 0, tag 8, instrument 16, side 20, event 24 (payload 32).
    let at = |load: &str, offset: u32| format!("({load} offset={offset} (local.get 0))");
    let body = expects(&[
        (&at("i64.load", 0), "L5"),
        (&at("i64.load", 8), "L42"),
        (&at("i32.load8_u", 20), "1"),
        (&at("i32.load8_u", 24), "6"),
        // fill: trade-id (pointer, length) at 32, price at 40, quantity at 56, fee at 72, liquidity at 88.
        (&at("i32.load", 36), "3"),
        (&at("i64.load", 40), "L100"),
        (&at("i64.load", 56), "L2"),
        (&at("i64.load", 72), "L-5"),
        (&at("i32.load8_u", 80), "1"),
        (&at("i32.load8_u", 88), "0"),
        (&at("i64.load", 96), "L4"),
        (&at("i64.load", 112), "L2"),
        (&at("i32.load8_u", 128), "0"),
    ]);
    let update = |kind| {
        PluginEvent::Order(OrderUpdate {
            time: UnixNanos(5),
            tag: OrderTag(42),
            instrument: InstrumentId(0),
            side: Side::Sell,
            kind,
            quantity: Quantity(4),
            filled: Quantity(2),
            closed: false,
        })
    };
    let fill = Fill {
        trade_id: TradeId(123),
        price: Price(100),
        quantity: Quantity(2),
        fee: -Money::from_decimal(Decimal::new(5, 1)).unwrap(),
        maker: true,
    };
    one_call(
        &Guest::idle().body("on-order", &(body + "i32.const 0")),
        &update(OrderUpdateKind::Filled(fill)),
    );

    let body = expects(&[
        (&at("i32.load8_u", 24), "1"),
        (&at("i32.load16_u", 32), "115"),
        (&at("i32.load", 40), &DenialCode::DuplicateTag.message().len().to_string()),
    ]);
    one_call(
        &Guest::idle().body("on-order", &(body + "i32.const 0")),
        &update(OrderUpdateKind::Denied(DenialCode::DuplicateTag)),
    );

    let body = parameters(&[
        (1, "L5"),
        (2, "L3"),
        (3, "0"),
        (4, "L333333333333"),
        (5, "9"),
        (6, "L-15"),
        (7, "1"),
    ]);
    let view = PositionView {
        instrument: InstrumentId(0),
        time: UnixNanos(5),
        quantity: Quantity(3),
        cost: Money::from_decimal(Decimal::new(1_000, 0)).unwrap(),
        realized_pnl: Money::from_decimal(Decimal::new(-15, 1)).unwrap(),
    };
    one_call(
        &Guest::idle().body("on-position", &(body + "i32.const 0")),
        &PluginEvent::Position(view),
    );

    let body = parameters(&[
        (0, "L5"),
        (1, "L1000000"),
        (2, "0"),
        (3, "L9999995"),
        (4, "1"),
        (5, "L5"),
        (6, "1"),
    ]);
    let money = |text: &str| Money::from_decimal(text.parse().unwrap()).unwrap();
    let view = BudgetView {
        time: UnixNanos(5),
        balance: money("1000000"),
        equity: money("999999.5"),
        fees: money("0.5"),
    };
    one_call(&Guest::idle().body("on-budget", &(body + "i32.const 0")), &PluginEvent::Budget(view));

    let body = parameters(&[(0, "3"), (1, "L5")]);
    let timer = PluginEvent::Timer { id: TimerId(3), time: UnixNanos(5) };
    one_call(&Guest::idle().body("on-timer", &(body + "i32.const 0")), &timer);

    let body = parameters(&[(0, "2"), (1, "L5")]);
    let state = PluginEvent::TradingState { state: TradingState::Halted, time: UnixNanos(5) };
    one_call(&Guest::idle().body("on-trading-state", &(body + "i32.const 0")), &state);
}

#[test]
fn a_session_arrives_whole() {
    // session: mode 0, time 8, seed 16, instruments 24, arguments 32, positions 40, orders 48,
    // budget 56 (136), trading-state, restored.
    let at = |load: &str, offset: u32| format!("({load} offset={offset} (local.get 0))");
    let first = |load: &str, list: u32, offset: u32| {
        format!("({load} offset={offset} (i32.load offset={list} (local.get 0)))")
    };
    let body = expects(&[
        (&at("i32.load8_u", 0), "0"),
        (&at("i64.load", 8), "L1000"),
        (&at("i64.load", 16), "L7"),
        (&at("i32.load", 28), "1"),
        (&at("i32.load", 36), "2"),
        (&at("i32.load", 44), "1"),
        (&at("i32.load", 52), "1"),
        // instrument: symbol 4, venue 12, kind 20, base 24, quote 32, price-tick 40.
        (&first("i32.load", 24, 8), "6"),
        (&first("i64.load", 24, 40), "L5"),
        (&first("i32.load8_u", 24, 48), "1"),
        // argument: name 0, value 8 (payload 16).
        (&first("i32.load8_u", 32, 8), "1"),
        (&first("i64.load", 32, 16), "L10"),
        // position: instrument 0, time 8, quantity 16.
        (&first("i64.load", 40, 16), "L-2"),
        // open order: tag 0, instrument 8, side 12, kind 16 (payload 24).
        (&first("i64.load", 48, 0), "L31"),
        (&first("i32.load8_u", 48, 16), "1"),
        (&first("i64.load", 48, 24), "L95"),
    ]);
    let guest = Guest::idle().body("start", &(body + "i32.const 16"));
    let instrument = instrument();
    let mut told = session(&instrument);
    told.arguments = vec![
        Argument { name: "fast".to_owned(), value: Value::Integer(10) },
        Argument { name: "side".to_owned(), value: Value::Text("both".to_owned()) },
    ];
    told.positions = vec![PositionView {
        instrument: InstrumentId(0),
        time: UnixNanos(1),
        quantity: Quantity(-2),
        cost: Money(-1),
        realized_pnl: Money(0),
    }];
    told.orders = vec![OpenOrderView {
        tag: OrderTag(31),
        instrument: InstrumentId(0),
        side: Side::Buy,
        kind: OrderKind::Limit(Price(95)),
        quantity: Quantity(1),
        filled: Quantity(0),
        reduce_only: false,
    }];
    told.restored =
        Some(SavedState { version: "1.0.0".to_owned(), schema: 3, data: vec![1, 2, 3] });
    let mut instance = guest.load(&Limits::default()).unwrap();
    instance.start(&told, &mut Vec::new()).unwrap_or_else(|fault| panic!("{}", fault.detail));
}

/// Hands over one intent whose bytes are these.
fn asking(bytes: &[u8]) -> Guest {
    let text: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    Guest::idle().intents(1).extra(&format!("(data (i32.const 8192) \"{text}\")"))
}

fn bytes(parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; 152];
    for (at, part) in parts {
        bytes[*at..at + part.len()].copy_from_slice(part);
    }
    bytes
}

fn asked(guest: &Guest) -> Vec<Intent> {
    let mut instance = guest.started(&Limits::default());
    let mut intents = Vec::new();
    instance.call(&trade(1, 10), &mut intents).unwrap();
    assert_eq!(instance.stats().intents, intents.len() as u64);
    intents
}

#[test]
fn intents_leave_as_they_are() {
    let long = |number: i64| number.to_le_bytes();
    // place: tag 8, instrument 16, side 20, quantity 24, kind 40 (payload 48), time in force 80
    // (payload 88), post-only 96, reduce-only 97.
    let place = asked(&asking(&bytes(&[
        (8, &long(77)),
        (16, &[2]),
        (20, &[1]),
        (24, &long(5)),
        (32, &[1]),
        (40, &[3]),
        (48, &long(100)),
        (56, &[2]),
        (64, &long(99)),
        (72, &[2]),
        (80, &[3]),
        (88, &long(600)),
        (96, &[1]),
        (97, &[0]),
    ])));
    let [Intent::Place(place)] = place[..] else { panic!("{place:?}") };
    assert_eq!((place.tag, place.instrument, place.side), (OrderTag(77), 2, Side::Sell));
    assert_eq!((place.quantity.mantissa, place.quantity.scale), (5, 1));
    let stop_limit =
        PlaceKind::StopLimit { trigger: Decimal::new(1, 0), limit: Decimal::new(99, 2) };
    assert_eq!(place.kind, stop_limit);
    assert_eq!(place.time_in_force, TimeInForce::Gtd(UnixNanos(600)));
    assert!(place.post_only && !place.reduce_only);

    // The other cases are told apart by their first byte.
    assert_eq!(asked(&asking(&bytes(&[(0, &[2]), (8, &long(4))]))), [Intent::Cancel(OrderTag(4))]);
    assert_eq!(
        asked(&asking(&bytes(&[(0, &[3]), (8, &[1]), (12, &[6])]))),
        [Intent::CancelAll(Some(6))]
    );
    assert_eq!(asked(&asking(&bytes(&[(0, &[7]), (8, &[6])]))), [Intent::CancelTimer(TimerId(6))]);
    let timer = bytes(&[(0, &[6]), (8, &[6]), (16, &long(70)), (24, &[1]), (32, &long(8))]);
    let every = Some(Nanos(8));
    assert_eq!(
        asked(&asking(&timer)),
        [Intent::SetTimer { id: TimerId(6), at: UnixNanos(70), every }]
    );
    let amend = asked(&asking(&bytes(&[(0, &[1]), (8, &long(4)), (40, &[1]), (48, &long(3))])));
    let [Intent::Amend(amend)] = amend[..] else { panic!("{amend:?}") };
    assert_eq!((amend.quantity, amend.price), (None, Some(Decimal::new(3, 0))));
    let target = asked(&asking(&bytes(&[(0, &[4]), (8, &long(4)), (24, &long(-3))])));
    let [Intent::TargetPosition(target)] = target[..] else { panic!("{target:?}") };
    assert_eq!((target.quantity, target.limit), (Decimal::new(-3, 0), None));
    let bracket = asked(&asking(&bytes(&[
        (0, &[5]),
        (8, &long(1)),
        (104, &long(2)),
        (112, &long(90)),
        (128, &long(3)),
        (136, &long(110)),
    ])));
    let [Intent::Bracket(bracket)] = bracket[..] else { panic!("{bracket:?}") };
    assert_eq!((bracket.stop_loss_tag, bracket.take_profit_tag), (OrderTag(2), OrderTag(3)));
    assert_eq!(
        (bracket.stop_loss, bracket.take_profit),
        (Decimal::new(90, 0), Decimal::new(110, 0))
    );
}

#[test]
fn what_is_asked_for_while_told_of_history_is_forgotten() {
    let mut instance = Guest::idle().intents(3).started(&Limits::default());
    let PluginEvent::Market { event, .. } = trade(1, 10) else { unreachable!() };
    let mut intents = Vec::new();
    instance.call(&PluginEvent::Market { event, history: true }, &mut intents).unwrap();
    assert!(intents.is_empty());
    instance.call(&trade(2, 10), &mut intents).unwrap();
    assert_eq!(intents.len(), 3);
}

#[test]
fn fuel_is_the_same_in_every_run() {
    let guest = Guest::idle().body(
        "on-trade",
        "(local.set $i (i32.and (i32.wrap_i64 (local.get 2)) (i32.const 255)))
         (block (loop (br_if 1 (i32.eqz (local.get $i)))
           (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br 0)))
         (i32.eqz (i32.and (i32.wrap_i64 (local.get 2)) (i32.const 7)))",
    );
    let run = || {
        let mut instance = guest.started(&Limits::default());
        let costs: Vec<_> = (0..500)
            .map(|n| {
                instance
                    .call(&trade(n, i64::try_from(n * 7 % 300).unwrap()), &mut Vec::new())
                    .unwrap()
            })
            .collect();
        (costs, instance.stats())
    };
    let ((first, stats), (second, _)) = (run(), run());
    assert_eq!(first, second);
    assert_eq!(stats.calls, 500);
    assert_eq!(stats.fuel_total, first.iter().map(|cost| cost.fuel).sum::<u64>());
    assert_eq!(Some(stats.fuel_per_call_peak), first.iter().map(|cost| cost.fuel).max());
    assert_eq!(stats.memory_bytes_peak, 65_536);
}

#[test]
fn parameters_are_taken_or_refused() {
    let arguments = [Argument { name: "dry".to_owned(), value: Value::Boolean(true) }];
    let set = |guest: &Guest| {
        let mut instance = guest.started(&Limits::default());
        let answer = instance.parameters(&arguments, UnixNanos(3), &mut Vec::new()).unwrap();
        instance.call(&trade(4, 10), &mut Vec::new()).unwrap();
        answer
    };
    assert!(matches!(set(&Guest::idle()), Parameters::Taken(CallCost { fuel: 1.. })));
    let refusing = Guest::idle().extra("(data (i32.const 2048) \"not now\")").body(
        "on-parameters",
        "(i32.store8 (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 2048))
         (i32.store (i32.const 24) (i32.const 7)) i32.const 16",
    );
    assert_eq!(set(&refusing), Parameters::Refused("not now".to_owned()));
}

#[test]
fn state_is_saved_and_the_end_is_told() {
    let guest = Guest::idle()
        .extra("(data (i32.const 2048) \"state\")")
        .body(
            "save",
            "(i32.store (i32.const 136) (i32.const 2048)) (i32.store (i32.const 140) (i32.const 5)) i32.const 136",
        )
        .body("stop", &expect("(local.get 0)", "2"));
    let mut instance = guest.started(&Limits::default());
    assert_eq!(instance.save().unwrap(), b"state");
    instance.stop(StopReason::Swapped).unwrap();
}

#[test]
fn a_component_can_be_looked_at() {
    let guest = Guest::idle().named("ema-cross");
    let checked = guest.checked();
    let instance = guest.load(&Limits::default()).unwrap();
    let inspection = Inspection::new(&checked, instance.description(), &Limits::default());
    assert_eq!((inspection.name.as_str(), inspection.version.as_str()), ("ema-cross", "1.2.3"));
    assert_eq!(inspection.world, "sandpit:strategy/strategy@0.1.0");
    assert_eq!(inspection.subscriptions, ["trades"]);
    assert_eq!((inspection.state_schema, inspection.size_bytes), (7, checked.bytes().len()));
    assert_eq!(inspection.limits.memory_bytes_max, 64 * 1024 * 1024);
}

#[test]
fn the_engine_reaches_its_plugins_by_number() {
    let quiet = Guest::idle().started(&Limits::default());
    let eager = start(Guest::idle().intents(2).load(&Limits::default()).unwrap());
    let mut plugins = InlinePlugins::new(vec![quiet, eager]);
    let mut intents = Vec::new();
    plugins.call(PluginId(0), &trade(1, 10), &mut intents).unwrap();
    assert!(intents.is_empty());
    plugins.call(PluginId(1), &trade(1, 10), &mut intents).unwrap();
    assert_eq!(intents.len(), 2);
    plugins.call(PluginId(2), &trade(1, 10), &mut intents).unwrap_err();
    assert_eq!(plugins.runners()[1].stats().intents, 2);
    assert_eq!(plugins.runner_mut(PluginId(0)).unwrap().stats().calls, 1);
}
