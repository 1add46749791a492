//! The way of a component from bytes to calls. Whatever the bytes are, the end is a refusal, a
//! fault, or a strategy that answers within its limits.

use std::sync::OnceLock;

use sandpit_core::{
    market::{MarketData, MarketEvent, Quote},
    num::{Price, Quantity},
    plugin::{PluginEvent, TradingState},
    time::UnixNanos,
};
use sandpit_plugin::{Engine, Instance, Limits, NoLog, StopReason, check};

use crate::{
    bounds,
    drive::{Answer, Target, run},
    memory, sections,
    support::{Guest, engine, instrument, session, trade},
};

const TARGET: Target = Target { name: "loader", inputs: 2_200, input_bytes_max: 256 * 1024 };
/// A component that was compiled from Rust is a hundred times as much work.
const RUST_TARGET: Target =
    Target { name: "loader-rust", inputs: 220, input_bytes_max: 256 * 1024 };
/// Bytes that the checks may hold for each byte of a component, and beside that.
const CHECK_BYTES_PER_BYTE: usize = 64;
const CHECK_BYTES: usize = 8 * 1024 * 1024;
/// The same of compiling; only what this thread asks for is counted.
const COMPILE_BYTES_PER_BYTE: usize = 1_024;
const COMPILE_BYTES: usize = 64 * 1024 * 1024;
/// Bytes that calls may hold in the host.
const CALLS_BYTES: usize = 4 * 1024 * 1024;

/// One for all inputs, as in a host.
fn compiler() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(engine)
}

/// A component that the SDK made.
pub(crate) fn from_rust() -> Vec<u8> {
    include_bytes!("../fixtures/contract-0.1.0.component").to_vec()
}

/// Components written by hand: each has something that the others do not.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let guests = [
        Guest::idle(),
        Guest::idle().intents(3),
        Guest::idle().extra(
            "(table $t 4 8 funcref) (elem (i32.const 0) $stop $save)
             (func (result i32) (table.grow $t (ref.null func) (i32.const 2)))
             (func (param i32) (call_indirect (param i32) (local.get 0) (i32.const 0)))",
        ),
        Guest::idle().body(
            "on-trade",
            "(local.set $i (memory.grow (i32.const 3)))
             (memory.fill (i32.const 4096) (i32.const 7) (i32.const 64))
             (loop (br_if 0 (i32.lt_u
               (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 50))))
             (call $log (i32.const 1) (i32.const 1024) (i32.const 10)) i32.const 0",
        ),
        Guest::idle().extra(
            "(func (param f64) (result v128)
               (f64x2.div (f64x2.splat (local.get 0)) (v128.const i64x2 0 0)))
             (func $deep (param i32) (result i32) (if (result i32) (local.get 0)
               (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1))))
             (global $g (mut f32) (f32.const nan))",
        ),
        Guest::idle().body(
            "save",
            "(i32.store (i32.const 136) (i32.const 1024)) (i32.store (i32.const 140) (i32.const 99))
             i32.const 136",
        ),
    ];
    guests.iter().map(Guest::component).collect()
}

/// Little enough for a hundred inputs a second, and enough to get through a start.
fn limits() -> Limits {
    Limits {
        memory_bytes_max: 4 << 20,
        fuel_per_call_max: 1_000_000,
        fuel_start_max: 5_000_000,
        ..Limits::default()
    }
    .reproducible()
}

fn load(bytes: &[u8]) -> Answer {
    let room = CHECK_BYTES + bytes.len() * CHECK_BYTES_PER_BYTE;
    let checked = match memory::within(room, "checking", || check(bytes)) {
        Ok(checked) => checked,
        Err(error) => {
            let words = error.to_string();
            bounds::words(&words);
            return Answer::Refused(words);
        }
    };
    let room = COMPILE_BYTES + bytes.len() * COMPILE_BYTES_PER_BYTE;
    let artifact = match memory::within(room, "compiling", || compiler().compile(&checked)) {
        Ok(artifact) => artifact,
        Err(error) => {
            let words = error.to_string();
            bounds::words(&words);
            return Answer::Refused(words);
        }
    };
    memory::within(CALLS_BYTES, "calls", || {
        match Instance::load(&artifact, "changed", &limits(), Box::new(NoLog)) {
            Ok(mut instance) => Answer::Taken(live(&mut instance)),
            Err(fault) => {
                bounds::fault(&fault);
                Answer::Taken(format!("no instance: {}", fault.code.name()))
            }
        }
    })
}

/// Events of a life; how it ended.
fn live(instance: &mut Instance) -> String {
    let limits = limits();
    bounds::description(instance.description());
    let instrument = instrument();
    let mut intents = Vec::new();
    let mut calls = 0;
    let mut told = |instance: &mut Instance| -> Result<(), sandpit_plugin::Fault> {
        instance.start(&session(&instrument), &mut intents)?;
        let quote = Quote {
            bid_price: Price(100_000),
            bid_quantity: Quantity(1),
            ask_price: Price(100_005),
            ask_quantity: Quantity(2),
        };
        let time = UnixNanos(3_000);
        let event = MarketEvent {
            instrument: sandpit_core::ids::InstrumentId(0),
            time,
            venue_time: time,
            data: MarketData::Quote(quote),
        };
        let events = [
            trade(2_000, 100_000),
            PluginEvent::Market { event, history: false },
            PluginEvent::TradingState { state: TradingState::Reducing, time },
            trade(4_000, 100_005),
        ];
        for event in &events {
            intents.clear();
            let cost = instance.call(event, &mut intents)?;
            assert!(cost.fuel <= limits.fuel_per_call_max, "{cost:?}");
            bounds::intents(&intents, &limits);
            calls += 1;
        }
        let state = instance.save()?;
        assert!(state.len() <= limits.state_bytes_max);
        instance.stop(StopReason::Finished)
    };
    let ended = told(instance);
    assert!(instance.stats().memory_bytes_peak <= limits.memory_bytes_max);
    match ended {
        Ok(()) => "lived".to_owned(),
        Err(fault) => {
            bounds::fault(&fault);
            assert_eq!(instance.call(&trade(5_000, 1), &mut Vec::new()), Err(fault.clone()));
            format!("after {} calls {}", ["no", "some"][usize::from(calls > 0)], fault.code.name())
        }
    }
}

#[test]
fn changed_components_are_refused_or_kept_within_limits() {
    let tally = run(TARGET, corpus(), sections::change, load);
    assert!(tally.taken > 0 && tally.refused > 0, "{tally:?}");
    // Far more than one kind of refusal is reached, or the changes do not get past the surface.
    assert!(tally.kinds.len() > 20, "{tally:#?}");
}

#[test]
fn changed_components_of_the_sdk_are_too() {
    let corpus = vec![from_rust(), corpus().swap_remove(0)];
    let tally = run(RUST_TARGET, corpus, sections::change, load);
    assert!(tally.taken > 0 && tally.refused > 0, "{tally:?}");
}
