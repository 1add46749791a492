//! Each fault at its bound.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use sandpit_core::{
    ids::InstrumentId,
    market::{MarketData, MarketEvent},
    plugin::PluginEvent,
    time::UnixNanos,
};
use sandpit_plugin::{
    Engine, EngineSettings, Fault, FaultCode, Instance, Limits, NoLog, Sampling, StopReason,
};

use crate::support::{Guest, INTENT_BYTES, instrument, session, start, trade};

/// The fault of one trade, after which the instance is gone.
fn fault_in_trade(guest: &Guest, limits: &Limits) -> Fault {
    let mut instance = guest.started(limits);
    fault_of(&mut instance)
}

fn fault_of(instance: &mut Instance) -> Fault {
    let mut intents = vec![sandpit_core::intent::Intent::Cancel(sandpit_core::ids::OrderTag(9))];
    let fault = instance.call(&trade(1, 10), &mut intents).unwrap_err();
    assert_eq!(intents.len(), 1, "the intents of others are as they were");
    assert!(fault.detail.contains("plugin `tested`"), "{}", fault.detail);
    assert!(fault.detail.len() <= 4_096);
    let fuel = instance.stats().fuel_total;
    assert_eq!(instance.call(&trade(2, 10), &mut intents).unwrap_err(), fault, "gone for good");
    assert_eq!(instance.save().unwrap_err(), fault);
    assert_eq!(instance.stop(StopReason::Finished).unwrap_err(), fault);
    assert_eq!(instance.stats().fuel_total, fuel, "and not entered again");
    assert_eq!(instance.fault(), Some(&fault));
    fault
}

/// Fuel that a trade of `guest` uses.
fn fuel_of_trade(guest: &Guest) -> u64 {
    let mut instance = guest.started(&Limits::default());
    instance.call(&trade(1, 10), &mut Vec::new()).unwrap().fuel
}

fn spinning() -> Guest {
    Guest::idle()
        .extra("(func $spin_for_ever (loop br 0))")
        .body("on-trade", "call $spin_for_ever i32.const 0")
}

#[test]
fn an_endless_loop_uses_its_fuel() {
    let fault = fault_in_trade(&spinning(), &Limits::default());
    assert_eq!(fault.code, FaultCode::FuelExhausted);
    assert!(fault.detail.contains("on-trade: it used all fuel of one call"), "{}", fault.detail);
    assert!(fault.detail.contains("0: spin_for_ever"), "{}", fault.detail);
}

#[test]
fn fuel_ends_a_call_at_its_bound_exactly() {
    let guest = Guest::idle().body(
        "on-trade",
        "(local.set $i (i32.const 1000))
         (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
         i32.const 0",
    );
    let needed = fuel_of_trade(&guest);
    assert!(needed > 3_000, "{needed}");
    let with = |fuel| Limits { fuel_per_call_max: fuel, ..Limits::default() };
    let mut enough = guest.started(&with(needed));
    for _ in 0..3 {
        assert_eq!(enough.call(&trade(1, 10), &mut Vec::new()).unwrap().fuel, needed);
    }
    // The engine looks at the fuel at loops and calls: one turn of the loop decides.
    assert_eq!(fault_in_trade(&guest, &with(needed - 20)).code, FaultCode::FuelExhausted);
}

#[test]
fn taking_intents_is_paid_from_the_same_fuel() {
    let guest = Guest::idle()
        .body("on-trade", "i32.const 1")
        .body("take-intents", "(loop br 0) i32.const 128");
    let fault = fault_in_trade(&guest, &Limits::default());
    assert_eq!(fault.code, FaultCode::FuelExhausted);
    assert!(fault.detail.contains("take-intents"), "{}", fault.detail);
}

#[test]
fn the_deadline_ends_what_fuel_does_not() {
    let limits = Limits {
        fuel_per_call_max: u64::MAX,
        call_deadline: Duration::from_millis(20),
        ..Limits::default()
    };
    let begun = Instant::now();
    let fault = fault_in_trade(&spinning(), &limits);
    assert_eq!(fault.code, FaultCode::DeadlineExceeded, "{}", fault.detail);
    assert!(begun.elapsed() >= Duration::from_millis(20), "never early");
    assert!(fault.detail.contains("spin_for_ever"), "{}", fault.detail);
}

#[test]
fn one_plugins_deadline_is_not_anothers() {
    let engine = Engine::new(EngineSettings::default()).unwrap();
    let load = |guest: &Guest, deadline| {
        let artifact = engine.compile(&guest.checked()).unwrap();
        let limits = Limits {
            fuel_per_call_max: u64::MAX,
            call_deadline: Duration::from_millis(deadline),
            ..Limits::default()
        };
        start(Instance::load(&artifact, "tested", &limits, Box::new(NoLog)).unwrap())
    };
    // Works for several deadlines of the other one, and not for ever.
    let patient = Guest::idle().body(
        "on-trade",
        "(local.set $i (i32.const 500000000))
         (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
         i32.const 0",
    );
    let (mut impatient, mut patient) = (load(&spinning(), 1), load(&patient, 600_000));
    let thread =
        std::thread::spawn(move || patient.call(&trade(1, 10), &mut Vec::new()).map(|_| ()));
    let fault = impatient.call(&trade(1, 10), &mut Vec::new()).unwrap_err();
    assert_eq!(fault.code, FaultCode::DeadlineExceeded);
    assert_eq!(thread.join().unwrap(), Ok(()));
}

#[test]
fn memory_is_bounded_while_it_grows() {
    let grow = |pages: u32| {
        Guest::idle()
            .body("on-trade", &format!("(drop (memory.grow (i32.const {pages}))) i32.const 0"))
    };
    let limits = Limits { memory_bytes_max: 10 * 65_536, ..Limits::default() };
    let mut most = grow(9).started(&limits);
    most.call(&trade(1, 10), &mut Vec::new()).unwrap();
    assert_eq!(most.stats().memory_bytes_peak, 10 * 65_536);
    let fault = fault_in_trade(&grow(10), &limits);
    assert_eq!(fault.code, FaultCode::MemoryExceeded);
    assert!(
        fault.detail.contains("it wanted 720896 bytes of memory, 655360 are allowed"),
        "{}",
        fault.detail
    );
    assert!(fault.detail.contains("on-trade"), "{}", fault.detail);
}

#[test]
fn memory_is_bounded_before_anything_runs() {
    let fault = Guest::idle().pages(1_025).load(&Limits::default()).unwrap_err();
    assert_eq!(fault.code, FaultCode::MemoryExceeded);
    assert!(fault.detail.contains("plugin `tested`, instantiation"), "{}", fault.detail);
}

#[test]
fn a_table_is_bounded() {
    let fault =
        Guest::idle().extra("(table 10000001 funcref)").load(&Limits::default()).unwrap_err();
    assert_eq!(fault.code, FaultCode::MemoryExceeded);
    assert!(fault.detail.contains("table elements"), "{}", fault.detail);
}

#[test]
fn recursion_uses_its_stack() {
    let guest = Guest::idle()
        .extra("(func $recurse (param i64 i64) (call $recurse (local.get 1) (local.get 0)) (drop (i32.load (i32.const 0))))")
        .body("on-trade", "(call $recurse (i64.const 1) (i64.const 2)) i32.const 0");
    let fault = fault_in_trade(&guest, &Limits::default());
    assert_eq!(fault.code, FaultCode::StackExhausted, "{}", fault.detail);
    assert!(fault.detail.contains("recurse"), "{}", fault.detail);
}

#[test]
fn a_panic_names_the_authors_functions() {
    let guest = Guest::idle()
        .extra(
            "(func $_ZN9my_signal7average17h0123456789abcdefE unreachable)
             (func $\"a\\1b[31m name\\0awith tricks\" call $_ZN9my_signal7average17h0123456789abcdefE)",
        )
        .body("on-trade", "call $\"a\\1b[31m name\\0awith tricks\" i32.const 0");
    let fault = fault_in_trade(&guest, &Limits::default());
    assert_eq!(fault.code, FaultCode::Trap);
    assert!(fault.detail.contains("on-trade: it panicked or aborted"), "{}", fault.detail);
    assert!(fault.detail.contains("0: my_signal::average\n"), "{}", fault.detail);
    assert!(fault.detail.contains("1: a\\u{1b}[31m name\\nwith tricks\n"), "{}", fault.detail);
}

#[test]
fn a_long_back_trace_is_cut() {
    let name = "n".repeat(5_000);
    let guest = Guest::idle()
        .extra(&format!(
            "(func ${name} (param i32) (if (i32.eqz (local.get 0)) (then unreachable))
               (call ${name} (i32.sub (local.get 0) (i32.const 1))) (drop (i32.load (i32.const 0))))"
        ))
        .body("on-trade", &format!("(call ${name} (i32.const 200)) i32.const 0"));
    assert_eq!(fault_in_trade(&guest, &Limits::default()).code, FaultCode::Trap);
}

#[test]
fn other_traps_say_what_they_are() {
    for (body, words) in [
        ("(i32.div_u (i32.const 1) (i32.const 0))", "integer divide by zero"),
        ("(i32.load (i32.const -4))", "out of bounds memory access"),
        ("(i32.trunc_f64_s (f64.const nan))", "invalid conversion to integer"),
    ] {
        let fault = fault_in_trade(&Guest::idle().body("on-trade", body), &Limits::default());
        assert_eq!(fault.code, FaultCode::Trap);
        assert!(fault.detail.contains(words), "{}", fault.detail);
    }
}

#[test]
fn the_number_of_intents_is_bounded() {
    let mut most = Guest::idle().intents(64).started(&Limits::default());
    let mut intents = Vec::new();
    most.call(&trade(1, 10), &mut intents).unwrap();
    assert_eq!(intents.len(), 64);
    let wide =
        Limits { intents_per_call_max: 1_000, intents_per_second_max: 100, ..Limits::default() };
    // Beyond what a session left in its memory.
    let far = "(i32.store (i32.const 128) (i32.const 131072)) (i32.store (i32.const 132) (i32.const 1000)) i32.const 128";
    let mut many = Guest::idle().pages(6).intents(1).body("take-intents", far).started(&wide);
    many.call(&trade(1, 10), &mut Vec::new()).unwrap();
    let fault = fault_in_trade(&Guest::idle().intents(65), &Limits::default());
    assert_eq!(fault.code, FaultCode::TooManyIntents);
    assert!(fault.detail.contains("65 intents, 64 are allowed"), "{}", fault.detail);
}

#[test]
fn the_bytes_of_a_call_are_bounded() {
    // Fits its memory, and is far more than may be handed over.
    let flood = Guest::idle().pages(160).intents(60_000);
    let fault = fault_in_trade(&flood, &Limits::default());
    assert_eq!(fault.code, FaultCode::OutputExceeded, "{}", fault.detail);
}

#[test]
fn output_that_breaks_the_contract() {
    for (what, guest) in [
        // Quantity's scale within a placed order, the variant's case, and that of the order's kind.
        ("scale 200", Guest::idle().intents(1).intent_byte(8 + 24, 200)),
        ("scale 19", Guest::idle().intents(1).intent_byte(8 + 24, 19)),
        ("discriminant", Guest::idle().intents(1).intent_byte(0, 8)),
        ("discriminant", Guest::idle().intents(1).intent_byte(8 + 32, 6)),
        ("out-of-bounds", Guest::idle().intents(1_000_000_000)),
        (
            "out of bounds",
            Guest::idle().body("on-trade", "i32.const 1").body("take-intents", "i32.const -8"),
        ),
        (
            "not aligned",
            Guest::idle().body("on-trade", "i32.const 1").body("take-intents", "i32.const 129"),
        ),
    ] {
        let fault = fault_in_trade(&guest, &Limits::default());
        assert_eq!(fault.code, FaultCode::MalformedOutput, "{what}: {}", fault.detail);
    }
}

#[test]
fn a_malformed_intent_takes_those_before_it_along() {
    let guest = Guest::idle().intents(3).intent_byte(2 * INTENT_BYTES + 8 + 24, 77);
    let fault = fault_in_trade(&guest, &Limits::default());
    assert!(fault.detail.contains("a decimal has scale 77, 18 is the largest"), "{}", fault.detail);
}

#[test]
fn a_boolean_is_whatever_is_not_zero() {
    let mut instance = Guest::idle().body("on-trade", "i32.const 2").started(&Limits::default());
    instance.call(&trade(1, 10), &mut Vec::new()).unwrap();
}

#[test]
fn a_session_may_be_refused() {
    let refusing = |length: u32| {
        Guest::idle().extra("(data (i32.const 2048) \"no BTC\\1b here\")").body(
            "start",
            &format!(
                "(i32.store8 (i32.const 16) (i32.const 1))
                 (i32.store (i32.const 20) (i32.const 2048))
                 (i32.store (i32.const 24) (i32.const {length}))
                 i32.const 16"
            ),
        )
    };
    let refuse = |length| {
        let instrument = instrument();
        let mut instance = refusing(length).load(&Limits::default()).unwrap();
        instance.start(&session(&instrument), &mut Vec::new()).unwrap_err()
    };
    let fault = refuse(12);
    assert_eq!(fault.code, FaultCode::StartRefused);
    assert_eq!(fault.detail, "plugin `tested` refuses the session: no BTC\\u{1b} here");
    assert_eq!(refuse(257).code, FaultCode::MalformedOutput);
}

#[test]
fn the_start_has_its_own_bounds() {
    let limits = Limits { fuel_start_max: 1_000_000, ..Limits::default() };
    let in_start_function = Guest::idle().extra("(func $init (loop br 0)) (start $init)");
    let fault = in_start_function.load(&limits).unwrap_err();
    assert_eq!(fault.code, FaultCode::FuelExhausted);
    assert!(fault.detail.contains("instantiation"), "{}", fault.detail);

    let in_describe = Guest::idle().body("describe", "(loop br 0) i32.const 64");
    let fault = in_describe.load(&limits).unwrap_err();
    assert_eq!(fault.code, FaultCode::FuelExhausted);
    assert!(fault.detail.contains("describe"), "{}", fault.detail);

    let instrument = instrument();
    let mut in_start =
        Guest::idle().body("start", "(loop br 0) i32.const 16").load(&limits).unwrap();
    let fault = in_start.start(&session(&instrument), &mut Vec::new()).unwrap_err();
    assert_eq!(fault.code, FaultCode::FuelExhausted);

    let slow = Limits {
        fuel_start_max: u64::MAX,
        start_deadline: Duration::from_millis(10),
        ..Limits::default()
    };
    assert_eq!(in_describe.load(&slow).unwrap_err().code, FaultCode::DeadlineExceeded);
}

#[test]
fn a_description_is_held_to_the_contract() {
    let fault = Guest::idle().named("Not A Name").load(&Limits::default()).unwrap_err();
    assert_eq!(fault.code, FaultCode::MalformedOutput);
    assert!(
        fault.detail.contains("describe: its description breaks the contract: name `Not A Name`"),
        "{}",
        fault.detail
    );
}

#[test]
fn an_allocator_that_lies() {
    // Handing a session over calls the guest's allocator: it may trap, loop, or point anywhere.
    let lying = |body: &str| {
        let idle = Guest::idle().wat();
        let (before, after) = idle.split_once("(local $at i32)").unwrap();
        let (_, after) = after.split_once("(local.get $at))").unwrap();
        // The tests' guests are text: put another allocator in.
        let wat = format!("{before} (local $at i32) {body}) {after}");
        let module =
            crate::support::embed(&wat, include_str!("../../../../wit/strategy.wit"), "strategy");
        let checked = sandpit_plugin::check(&sandpit_plugin::encode(&module).unwrap()).unwrap();
        let artifact = crate::support::engine().compile(&checked).unwrap();
        let limits = Limits { fuel_start_max: 1_000_000, ..Limits::default() };
        let mut instance = Instance::load(&artifact, "tested", &limits, Box::new(NoLog)).unwrap();
        let instrument = instrument();
        instance.start(&session(&instrument), &mut Vec::new()).unwrap_err().code
    };
    assert_eq!(lying("unreachable"), FaultCode::Trap);
    assert_eq!(lying("(loop br 0) i32.const 0"), FaultCode::FuelExhausted);
    assert_eq!(lying("i32.const -16"), FaultCode::MalformedOutput);
    assert_eq!(lying("i32.const 1"), FaultCode::MalformedOutput);
}

#[test]
fn an_event_of_a_foreign_instrument_is_not_delivered() {
    let mut instance = Guest::idle().started(&Limits::default());
    let PluginEvent::Market { event, .. } = trade(1, 10) else { unreachable!() };
    let event = MarketEvent { instrument: InstrumentId(5), ..event };
    let fault =
        instance.call(&PluginEvent::Market { event, history: false }, &mut Vec::new()).unwrap_err();
    assert_eq!(fault.code, FaultCode::RunnerLost);
    assert!(fault.detail.contains("instrument 5 is not part of the session"), "{}", fault.detail);
}

#[test]
fn a_saved_state_is_bounded() {
    let saving = |bytes: u32| {
        Guest::idle()
            .pages(20)
            .body("save", &format!("(i32.store (i32.const 140) (i32.const {bytes})) i32.const 136"))
    };
    let mut most = saving(1_048_576).started(&Limits::default());
    assert_eq!(most.save().unwrap().len(), 1_048_576);
    let mut more = saving(1_048_577).started(&Limits::default());
    assert_eq!(more.save().unwrap_err().code, FaultCode::OutputExceeded);
}

#[test]
fn a_core_dump_is_made_where_it_is_asked_for() {
    let guest = Guest::idle().body("on-trade", "unreachable");
    let load = |settings| {
        let engine = Engine::new(settings).unwrap();
        let artifact = engine.compile(&guest.checked()).unwrap();
        start(Instance::load(&artifact, "tested", &Limits::default(), Box::new(NoLog)).unwrap())
    };
    let mut with = load(EngineSettings { core_dumps: true, ..EngineSettings::default() });
    fault_of(&mut with);
    let dump = with.take_core_dump().unwrap();
    assert!(dump.starts_with(b"\0asm\x01\0\0\0"), "a module");
    assert!(dump.windows(4).any(|bytes| bytes == b"core"));
    let mut without = load(EngineSettings::default());
    fault_of(&mut without);
    assert_eq!(without.take_core_dump(), None);
}

#[test]
fn calls_are_timed_as_asked() {
    let mut instance = Guest::idle().started(&Limits::default());
    let call = |instance: &mut Instance, times| {
        for time in 0..times {
            instance.call(&trade(time, 10), &mut Vec::new()).unwrap();
        }
        instance.stats().latency.samples()
    };
    assert_eq!(call(&mut instance, 128), 2, "every 64th by default");
    instance.set_sampling(Sampling::Every(NonZeroU32::MIN));
    assert_eq!(call(&mut instance, 10), 12);
    instance.set_sampling(Sampling::Off);
    assert_eq!(call(&mut instance, 100), 12);
    let latency = instance.stats().latency;
    assert!(latency.quantile_ns(500) <= latency.quantile_ns(990));
    assert!(latency.quantile_ns(990) <= latency.max_ns());
}

#[test]
fn a_change_of_a_book_is_no_event_of_a_guest() {
    use sandpit_core::market::DepthUpdate;
    let mut instance = Guest::idle().body("on-depth", "unreachable").started(&Limits::default());
    let update = DepthUpdate {
        snapshot: true,
        first_sequence: 0,
        last_sequence: 0,
        previous_sequence: 0,
        bids: Vec::new(),
        asks: Vec::new(),
    };
    let event = MarketEvent {
        instrument: InstrumentId(0),
        time: UnixNanos(1),
        venue_time: UnixNanos(1),
        data: MarketData::Depth(Box::new(update)),
    };
    instance.call(&PluginEvent::Market { event, history: false }, &mut Vec::new()).unwrap();
}
