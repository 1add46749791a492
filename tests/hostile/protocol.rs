//! Attacks with what a strategy may say: wishes, timers, changes, and the order in which it is asked.

use sandpit_core::{
    plugin::{
        FaultCode::{IntentRateExceeded, MalformedOutput, TooManyIntents, Trap},
        PluginEvent,
    },
    risk::{DenialCode, Rates, SelfTrade},
    time::Nanos,
};
use sandpit_plugin::SavedState;

use crate::{
    attack::{Attack, Ends, contained, denied, fault, planned, so, unharmed},
    guest::Guest,
    harness::Tests,
    market::BEGIN,
    stage::{OTHER, Plan, Seen},
    wish::{BUY, KIND_PAYLOAD_AT, QUANTITY_AT, SELL, Wish},
};

pub(crate) const TESTS: &[Tests] = &[Tests::Attacks("protocol", ATTACKS)];

pub(crate) const ATTACKS: &[&[Attack]] =
    &[FLOODS, STORMS, NUMBERS, FORMS, OTHERS, BRACKETS, PANICS, TOGETHER, OUT_OF_TURN];

/// About where the market of the attackers' own instrument is, in tenths.
const MARKET: i64 = 50_000;

fn buy(tag: u64, quantity: i64) -> Wish {
    Wish::place(tag, OTHER, BUY, quantity)
}

/// An order that rests far from the market.
fn far(tag: u64) -> Wish {
    buy(tag, 1).limit(10_000)
}

/// Asks for these in every trade, under other tags each time.
fn asks_anew(count: u64) -> Guest {
    let wishes: Vec<_> = (0..count).map(far).collect();
    let retag: String = (0..count).fold(String::new(), |text, n| {
        let at = 8_192 + n * 152 + 8;
        text + &format!(
            "(i64.store (i32.const {at}) (i64.add (i64.load (i32.const {at})) (i64.const {count})))"
        )
    });
    Guest::idle().hands_over(&wishes).body("on-trade", &format!("{retag} i32.const 1"))
}

/// One wish, once, by its code.
fn once(wish: Wish) -> Guest {
    Guest::idle().asks_once(&[wish])
}

/// So many wishes over time as the sandbox does not mind.
fn whatever_the_rate(guest: &Guest) -> Plan {
    Plan::of(guest.component()).limited(|limits| limits.intents_per_second_max = u32::MAX)
}

const FLOODS: &[Attack] = &[
    fault("65 intents in one call", (TooManyIntents, "on-trade"), || asks_anew(65)),
    fault("65 intents in its start", (TooManyIntents, "start"), || {
        let wishes: Vec<_> = (0..65).map(far).collect();
        Guest::idle().hands_over(&wishes).does("start", "(i32.store8 (i32.const 20) (i32.const 1))")
    }),
    fault("64 intents in every call", (IntentRateExceeded, "on-trade"), || asks_anew(64)),
    fault("two intents in every call, for long", (IntentRateExceeded, "on-trade"), || asks_anew(2)),
    fault("64 cancels of nothing in every call", (IntentRateExceeded, "on-trade"), || {
        let wishes: Vec<_> = (900_000..900_064).map(Wish::cancel).collect();
        Guest::idle().asks(&wishes)
    }),
    planned(
        "64 orders in every call, where that is allowed",
        Ends::Contained {
            wall: "risk: open orders",
            what: "200 work, all others are denied `open-orders-above-max`",
            check: |seen| {
                unharmed(seen)?;
                let denied: Vec<_> = seen.denials.keys().copied().collect();
                so(denied == [DenialCode::OpenOrdersAboveMax], || format!("{denied:?}"))?;
                so(seen.submitted.len() == 200, || format!("{} sent", seen.submitted.len()))
            },
        },
        || whatever_the_rate(&asks_anew(64)),
    ),
    planned(
        "orders faster than the operator allows",
        Ends::Contained {
            wall: "risk: rates",
            what: "five a second are sent, the rest is denied `order-rate-above-max`",
            check: |seen| {
                unharmed(seen)?;
                let denied: Vec<_> = seen.denials.keys().copied().collect();
                so(denied == [DenialCode::OrderRateAboveMax], || format!("{denied:?}"))?;
                so((115..=125).contains(&seen.submitted.len()), || {
                    format!("{} sent", seen.submitted.len())
                })
            },
        },
        || {
            whatever_the_rate(&asks_anew(4)).risking(|limits| {
                limits.rates = Rates { orders_per_second_max: Some(5), ..Rates::NONE };
            })
        },
    ),
];

/// Places an order and cancels it again in every trade.
fn places_and_cancels() -> Guest {
    Guest::idle().asks(&[far(1), Wish::cancel(1)])
}

const STORMS: &[Attack] = &[
    fault("a storm of cancels", (IntentRateExceeded, "on-trade"), places_and_cancels),
    planned(
        "a storm of cancels, where that is allowed",
        Ends::Contained {
            wall: "risk: rates",
            what: "cancels pass, and nothing new does until they are fewer: \
                   `cancel-rate-above-max`",
            check: |seen| {
                unharmed(seen)?;
                let expected = [DenialCode::DuplicateTag, DenialCode::UnknownOrder];
                let storm = seen.denials.contains_key(&DenialCode::CancelRateAboveMax);
                let others = seen
                    .denials
                    .keys()
                    .all(|code| *code == DenialCode::CancelRateAboveMax || expected.contains(code));
                so(storm && others && seen.submitted.len() < 100, || {
                    format!("{:?}, {} sent", seen.denials, seen.submitted.len())
                })
            },
        },
        || {
            whatever_the_rate(&places_and_cancels()).risking(|limits| {
                limits.rates = Rates { cancels_per_second_max: Some(2), ..Rates::NONE };
            })
        },
    ),
    planned(
        "a storm of changes, where that is allowed",
        Ends::Contained {
            wall: "risk: rates",
            what: "two a second pass: `amend-rate-above-max`",
            check: |seen| {
                unharmed(seen)?;
                let storm = seen.denials.contains_key(&DenialCode::AmendRateAboveMax);
                so(storm && seen.submitted.len() == 1, || format!("{:?}", seen.denials))
            },
        },
        || {
            let changes = Guest::idle().asks(&[far(1), Wish::amend(1, None, Some(10_000))]).body(
                "on-trade",
                "(i64.store (i32.const 8392) (i64.add (i64.load (i32.const 8392)) (i64.const 5)))
                     i32.const 1",
            );
            whatever_the_rate(&changes).risking(|limits| {
                limits.rates = Rates { amends_per_second_max: Some(2), ..Rates::NONE };
            })
        },
    ),
    contained(
        "eight timers that fire every millisecond, for ever",
        ("timers", "none is faster; the market is not kept waiting"),
        || {
            let timers: Vec<_> = (0..8).map(|id| Wish::timer(id, 0, Some(1_000_000))).collect();
            Guest::idle().asks_once(&timers)
        },
        |seen| {
            unharmed(seen)?;
            so((150_000..=202_000).contains(&seen.calls), || format!("{} calls", seen.calls))
        },
    ),
    contained(
        "more timers than there may be",
        ("timers", "64 are set, the rest is denied `timer-invalid`"),
        || {
            let timers: Vec<_> = (0..50).map(|id| Wish::timer(id, u64::MAX, None)).collect();
            let more = (0..50).fold(String::new(), |text, n| {
                let at = 8_192 + n * 152 + 8;
                text + &format!(
                    "(i32.store (i32.const {at}) (i32.add (i32.load (i32.const {at})) (i32.const 50)))"
                )
            });
            Guest::idle().hands_over(&timers).extra("(global $n (mut i32) (i32.const 0))").body(
                "on-trade",
                &format!(
                    "(if (local.get 7) (then (return (i32.const 0))))
                         (global.set $n (i32.add (global.get $n) (i32.const 1)))
                         {more} (i32.le_u (global.get $n) (i32.const 2))"
                ),
            )
        },
        |seen| {
            unharmed(seen)?;
            let denied: Vec<_> = seen.denials.iter().map(|(code, n)| (*code, *n)).collect();
            so(denied == [(DenialCode::TimerInvalid, 36)], || format!("{denied:?}"))
        },
    ),
    denied("a timer that repeats without a pause", DenialCode::TimerInvalid, || {
        once(Wish::timer(1, 0, Some(0)))
    }),
    denied("a timer that repeats every nanosecond", DenialCode::TimerInvalid, || {
        once(Wish::timer(1, u64::MAX, Some(1)))
    }),
    fault(
        "answers each of its own updates with an order",
        (IntentRateExceeded, "on-order"),
        || Guest::idle().asks_once(&[buy(1, 0)]).body("on-order", "i32.const 1"),
    ),
    planned(
        "answers each of its own updates with an order, at no latency, where that is allowed",
        Ends::Fault(TooManyIntents, "without end"),
        || {
            let storm = Guest::idle().asks_once(&[buy(1, 0)]).body("on-order", "i32.const 1");
            whatever_the_rate(&storm).under(|rules| rules.latency = Nanos(0))
        },
    ),
];

const NUMBERS: &[Attack] = &[
    denied("buys nothing", DenialCode::QuantityNotPositive, || once(buy(1, 0))),
    denied("buys less than nothing", DenialCode::QuantityNotPositive, || once(buy(1, -1))),
    denied("buys the least that there is", DenialCode::BadNumber, || once(buy(1, i64::MIN))),
    denied("buys the most that there is", DenialCode::BadNumber, || once(buy(1, i64::MAX))),
    denied("buys more than one order may have", DenialCode::QuantityAboveMax, || {
        once(buy(1, 1_000_001))
    }),
    denied("buys more than its budget", DenialCode::GrossNotionalAboveMax, || {
        once(buy(1, 1_000_000))
    }),
    denied("buys half of what cannot be divided", DenialCode::BadNumber, || {
        once(buy(1, 15).byte(QUANTITY_AT + 8, 1))
    }),
    denied("a price of the most that there is", DenialCode::BadNumber, || {
        once(buy(1, 1).limit(i64::MAX))
    }),
    denied("a price that overflows when it is put on the grid", DenialCode::BadNumber, || {
        once(buy(1, 1).limit(i64::MAX).byte(KIND_PAYLOAD_AT + 8, 0))
    }),
    denied("a price of zero", DenialCode::PriceNotPositive, || once(buy(1, 1).limit(0))),
    denied("a price below zero", DenialCode::PriceNotPositive, || once(buy(1, 1).limit(-MARKET))),
    denied("a price that with its quantity is too much", DenialCode::NumberOverflow, || {
        once(buy(1, 1_000_000).limit(999_999_999_999_995))
    }),
    denied("a trailing stop at no distance", DenialCode::TrailingOffsetInvalid, || {
        once(buy(1, 1).trailing(0))
    }),
    denied("a trailing stop at all of the price", DenialCode::TrailingOffsetInvalid, || {
        once(buy(1, 1).trailing(10_000))
    }),
    denied("a trailing stop at 65,537 points", DenialCode::TrailingOffsetInvalid, || {
        once(buy(1, 1).trailing(65_537))
    }),
    denied("a target of the most that there is", DenialCode::BadNumber, || {
        once(Wish::target(1, OTHER, i64::MAX))
    }),
    denied("a target of the least that there is", DenialCode::BadNumber, || {
        once(Wish::target(1, OTHER, i64::MIN))
    }),
    denied("a target beyond its budget", DenialCode::GrossNotionalAboveMax, || {
        once(Wish::target(1, OTHER, -900_000))
    }),
];

const FORMS: &[Attack] = &[
    denied("an order whose time is over", DenialCode::TimeInForceInvalid, || {
        once(far(1).time_in_force(3, 1))
    }),
    denied("a stop that is immediate", DenialCode::TimeInForceInvalid, || {
        once(buy(1, 1).kind(2, MARKET * 2).time_in_force(1, 0))
    }),
    denied("a stop that the market has passed", DenialCode::TriggerPassed, || {
        once(buy(1, 1).kind(2, 5))
    }),
    denied("a market order as maker", DenialCode::PostOnlyNotResting, || {
        once(buy(1, 1).post_only())
    }),
    denied("shrinks a position that is none", DenialCode::NotReducing, || {
        once(buy(1, 1).reduce_only())
    }),
    contained(
        "64 orders of one tag",
        ("risk: form", "one is sent, 63 are denied `duplicate-tag`"),
        || Guest::idle().asks_once(&vec![far(1); 64]),
        |seen| {
            unharmed(seen)?;
            let denied: Vec<_> = seen.denials.iter().map(|(code, n)| (*code, *n)).collect();
            so(denied == [(DenialCode::DuplicateTag, 63)], || format!("{denied:?}"))?;
            so(seen.submitted.len() == 1, || format!("{} sent", seen.submitted.len()))
        },
    ),
    contained(
        "changes an order to nothing, to less than nothing, to too much",
        ("risk: form", "the order works on as it was"),
        || {
            let quantities = [0, -1, i64::MAX, i64::MIN, 1];
            let mut wishes = vec![far(1)];
            wishes.extend(quantities.map(|quantity| Wish::amend(1, Some(quantity), None)));
            wishes.push(Wish::amend(1, None, None));
            wishes.push(Wish::amend(1, None, Some(-5)));
            Guest::idle().asks_once(&wishes)
        },
        |seen| {
            unharmed(seen)?;
            so(seen.denials.values().sum::<u32>() == 7, || format!("{:?}", seen.denials))?;
            so(seen.submitted.len() == 1 && seen.canceled == 0, || "it changed".to_owned())
        },
    ),
];

/// With an instrument of its own only.
fn apart(guest: &Guest) -> Plan {
    Plan { shares_instrument: false, ..Plan::of(guest.component()) }
}

const OTHERS: &[Attack] = &[
    denied("an instrument that is none", DenialCode::UnknownInstrument, || {
        once(Wish::place(1, 7, BUY, 1))
    }),
    denied("an instrument of number 4,294,967,295", DenialCode::UnknownInstrument, || {
        once(Wish::place(1, u32::MAX, BUY, 1))
    }),
    denied(
        "an instrument whose number is another's in 16 bits",
        DenialCode::UnknownInstrument,
        || once(Wish::place(1, 65_536, BUY, 1)),
    ),
    planned(
        "an instrument that only its neighbour was given",
        Ends::Denied(DenialCode::UnknownInstrument),
        || apart(&once(Wish::place(1, 0, BUY, 1))),
    ),
    planned(
        "listens for what only its neighbour was given",
        Ends::Contained {
            wall: "its own session",
            what: "it is told of its own instrument alone, and of nobody's orders",
            check: |seen| {
                unharmed(seen)?;
                let foreign = seen.told.iter().find(|event| match event {
                    PluginEvent::Market { event, .. } => u32::from(event.instrument.0) != OTHER,
                    PluginEvent::Depth(view) => u32::from(view.instrument.0) != OTHER,
                    PluginEvent::Timer { .. } | PluginEvent::TradingState { .. } => false,
                    _ => true,
                });
                so(foreign.is_none() && !seen.told.is_empty(), || format!("{foreign:?}"))
            },
        },
        || {
            use crate::guest::{BARS, DEPTH, QUOTES, TRADES};
            apart(&Guest::idle().wants(&[TRADES, QUOTES, BARS, DEPTH]))
        },
    ),
    denied("cancels its neighbour's order", DenialCode::UnknownOrder, || {
        Guest::idle().asks(&[Wish::cancel(2)])
    }),
    denied("cancels whatever its neighbour may have", DenialCode::UnknownOrder, || {
        Guest::idle().asks_once(&(0..64).map(Wish::cancel).collect::<Vec<_>>())
    }),
    denied("changes its neighbour's order", DenialCode::UnknownOrder, || {
        Guest::idle().asks(&[Wish::amend(2, Some(1_000), Some(5))])
    }),
    denied("cancels an exit of its neighbour's bracket", DenialCode::UnknownOrder, || {
        Guest::idle().asks_once(&(1_000_000..1_000_064).map(Wish::cancel).collect::<Vec<_>>())
    }),
    contained(
        "cancels everything, in every call",
        ("own orders only", "there is nothing of its own"),
        || Guest::idle().asks(&[Wish::cancel_all(None)]),
        unharmed,
    ),
    contained(
        "cancels everything of its neighbour's instrument",
        ("own orders only", "there is nothing of its own"),
        || Guest::idle().asks(&[Wish::cancel_all(Some(0))]),
        unharmed,
    ),
    contained(
        "cancels its neighbour's timer",
        ("own timers only", "there is nothing of its own"),
        || {
            // The case of a timer that is canceled has its number where a tag would be.
            Guest::idle().asks(&[Wish::cancel(1).byte(0, 7)])
        },
        unharmed,
    ),
];

fn bracket(stop: (u64, i64), profit: (u64, i64)) -> Guest {
    once(Wish::bracket(buy(1, 1), stop, profit))
}

const BRACKETS: &[Attack] = &[
    denied(
        "a bracket with its exits the wrong way round",
        DenialCode::BracketPricesInvalid,
        || bracket((2, MARKET + 5_000), (3, MARKET - 5_000)),
    ),
    denied("a bracket with both exits on one side", DenialCode::BracketPricesInvalid, || {
        bracket((2, MARKET + 5_000), (3, MARKET + 6_000))
    }),
    denied("a bracket with exits without a price", DenialCode::PriceNotPositive, || {
        bracket((2, 0), (3, 0))
    }),
    denied("a bracket with one tag for all", DenialCode::DuplicateTag, || {
        bracket((1, MARKET - 5_000), (1, MARKET + 5_000))
    }),
    denied("a bracket that only shrinks", DenialCode::BracketPricesInvalid, || {
        let entry = buy(1, 1).reduce_only();
        once(Wish::bracket(entry, (2, MARKET - 5_000), (3, MARKET + 5_000)))
    }),
    denied("a bracket around more than its budget", DenialCode::GrossNotionalAboveMax, || {
        let entry = buy(1, 999_999);
        once(Wish::bracket(entry, (2, MARKET - 5_000), (3, MARKET + 5_000)))
    }),
];

fn state(bytes: usize) -> SavedState {
    SavedState { version: "0.9.0".to_owned(), schema: u32::MAX, data: vec![0xa5; bytes] }
}

const PANICS: &[Attack] = &[
    fault("panics in its description", (Trap, "describe"), || {
        Guest::idle().body("describe", "unreachable")
    }),
    fault("panics in its constructor", (Trap, "instantiation"), || {
        Guest::idle().extra("(func $go unreachable) (start $go)")
    }),
    fault("panics in its start", (Trap, "start"), || Guest::idle().body("start", "unreachable")),
    fault("panics as it saves", (Trap, "save"), || Guest::idle().body("save", "unreachable")),
    fault("panics in its last call", (Trap, "stop"), || Guest::idle().body("stop", "unreachable")),
    fault("panics at new parameters", (Trap, "on-parameters"), || {
        Guest::idle().body("on-parameters", "unreachable")
    }),
    fault("panics as its intents are taken", (Trap, "take-intents"), || {
        Guest::idle().body("on-trade", "i32.const 1").body("take-intents", "unreachable")
    }),
    planned("panics at the state that it is handed back", Ends::Fault(Trap, "start"), || {
        let panics = Guest::idle().body("start", "unreachable");
        Plan { restored: Some(state(16)), ..Plan::of(panics.component()) }
    }),
    planned(
        "is handed back a state that does not fit its memory",
        Ends::Fault(MalformedOutput, "start"),
        || Plan { restored: Some(state(1 << 20)), ..Plan::of(Guest::idle().component()) },
    ),
    planned(
        "a small state that it unpacks without end",
        Ends::Fault(sandpit_core::plugin::FaultCode::MemoryExceeded, "start"),
        || {
            let unpacks =
                Guest::idle().does("start", "(loop (drop (memory.grow (i32.const 64))) (br 0))");
            Plan { restored: Some(state(16)), ..Plan::of(unpacks.component()) }
        },
    ),
];

/// A maker far above the market, and a taker who would meet it.
fn collude(rule: fn(&mut crate::stage::Rules)) -> Plan {
    let maker = Wish::place(1, OTHER, SELL, 1).limit(MARKET + 20_000);
    let taker = Wish::place(1, OTHER, BUY, 1).limit(MARKET + 20_000);
    Plan::of(once(maker).component()).and(once(taker).component()).under(rule)
}

const TOGETHER: &[Attack] = &[
    planned(
        "two plugins that trade with each other, where that is denied",
        Ends::Contained {
            wall: "risk: self-trades",
            what: "the second is denied `self-trade`",
            check: |seen| {
                unharmed(seen)?;
                let denied: Vec<_> = seen.denials.iter().map(|(code, n)| (*code, *n)).collect();
                so(denied == [(DenialCode::SelfTrade, 1)] && seen.fills == 0, || {
                    format!("{denied:?}, {} fills", seen.fills)
                })
            },
        },
        || collude(|rules| rules.self_trade = SelfTrade::Deny),
    ),
    planned(
        "two plugins that trade with each other, where the later order gives way",
        Ends::Contained {
            wall: "risk: self-trades",
            what: "the second is canceled before it is sent",
            check: |seen| {
                unharmed(seen)?;
                so(seen.fills == 0 && seen.canceled == 1, || {
                    format!("{} canceled, {} sent", seen.canceled, seen.submitted.len())
                })
            },
        },
        || collude(|rules| rules.self_trade = SelfTrade::CancelNewest),
    ),
    planned(
        "two plugins that trade with each other, where the earlier order gives way",
        Ends::Contained {
            wall: "risk: self-trades",
            what: "the first is canceled before the second is sent, which meets the market alone",
            check: |seen| {
                unharmed(seen)?;
                so(seen.canceled == 1 && seen.fills == 1, || {
                    format!("{} canceled, {} fills", seen.canceled, seen.fills)
                })
            },
        },
        || collude(|rules| rules.self_trade = SelfTrade::CancelOldest),
    ),
];

fn nothing_sent(seen: &Seen) -> Result<(), String> {
    unharmed(seen)?;
    so(seen.submitted.is_empty() && seen.asked == 0, || format!("{} asked", seen.asked))
}

const OUT_OF_TURN: &[Attack] = &[
    contained(
        "asks for orders while it is told of history",
        ("warm-up", "what it asks for is taken and forgotten"),
        || Guest::idle().hands_over(&[buy(1, 1)]).body("on-trade", "local.get 7"),
        nothing_sent,
    ),
    fault("65 intents while it is told of history", (TooManyIntents, "on-trade"), || {
        let wishes: Vec<_> = (0..65).map(far).collect();
        Guest::idle().hands_over(&wishes).body("on-trade", "local.get 7")
    }),
    contained(
        "has orders ready in its last call",
        ("contract", "nobody takes them"),
        || Guest::idle().hands_over(&[buy(1, 1)]),
        nothing_sent,
    ),
    fault("leaves an order behind and traps", (Trap, "on-trade"), || {
        let asks = Guest::idle().asks_once(&[far(1)]);
        asks.body(
            "on-trade",
            "(if (local.get 7) (then (return (i32.const 0))))
             (if (global.get $asked) (then unreachable))
             (global.set $asked (i32.const 1)) i32.const 1",
        )
    }),
    fault("asks, and traps in the same call", (Trap, "take-intents"), || {
        Guest::idle().asks(&[buy(1, 1)]).post_return("take-intents", "unreachable")
    }),
    denied(
        "an order for a time that never comes, from the past",
        DenialCode::TimeInForceInvalid,
        || once(far(1).time_in_force(3, BEGIN - 1)),
    ),
];
