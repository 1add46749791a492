//! What ends at a bound ends there each time: at the same call, with the same fuel, in the same
//! words, wherever the strategy runs.

use std::process::Command;

use sandpit_core::plugin::FaultCode;
use sandpit_plugin::{Compiler, EngineSettings, Instance, Limits, NoLog, Runner, check};
use sha2::{Digest as _, Sha256};

use crate::{
    harness::{Log, Test, compiled, launcher},
    plays::{every_way, trades},
    support::{Guest, engine, instrument, session, trade},
};

pub(crate) const TESTS: &[Test] = &[
    ("limits::memory_ends_at_the_same_call", memory_ends_at_the_same_call),
    ("limits::tables_end_at_the_same_call", tables_end_at_the_same_call),
    ("limits::a_growth_beyond_what_was_declared_fails", a_growth_beyond_what_was_declared_fails),
    ("limits::fuel_ends_at_the_same_call", fuel_ends_at_the_same_call),
    ("limits::a_stack_ends_at_the_same_depth", a_stack_ends_at_the_same_depth),
    ("limits::threads_of_the_compiler_change_nothing", threads_of_the_compiler_change_nothing),
];

/// The word that makes this program compile, and say what came of it.
pub(crate) const COMPILE: &str = "__compile";

fn small() -> Limits {
    Limits { memory_bytes_max: 4 << 20, ..Limits::default() }.reproducible()
}

/// Asserts that the last call of this many, and none before, ended in this fault.
fn ends(guest: &Guest, limits: &Limits, calls: usize, code: FaultCode) {
    let trace = every_way(&guest.component(), limits, &trades(100));
    // The start, the calls, the stop.
    assert_eq!(trace.calls.len(), calls + 2, "{:#?}", trace.calls);
    let (last, before) = trace.calls[..=calls].split_last().unwrap();
    assert!(before.iter().all(|call| call.starts_with("Ok(")), "{before:#?}");
    assert!(last.contains(&format!("code: {code:?}")), "{last}");
    assert!(trace.fuel > 0);
}

fn memory_ends_at_the_same_call() {
    // One page at first and five more in each trade, of which 64 are allowed.
    let guest = Guest::idle().body("on-trade", "(drop (memory.grow (i32.const 5))) i32.const 0");
    ends(&guest, &small(), 13, FaultCode::MemoryExceeded);
}

fn tables_end_at_the_same_call() {
    let guest = Guest::idle()
        .extra("(table $t 1 funcref)")
        .body("on-trade", "(drop (table.grow $t (ref.null func) (i32.const 1000))) i32.const 0");
    // The encoder's shim has a table as well, so it is not the tenth.
    let trace = every_way(&guest.component(), &small(), &trades(100));
    let last = trace.calls.len() - 2;
    assert!((9..=10).contains(&last), "{:#?}", trace.calls);
    assert!(trace.calls[last].contains("code: MemoryExceeded"), "{:#?}", trace.calls);
    assert!(trace.calls[last].contains("table elements"), "{:#?}", trace.calls);
}

fn a_growth_beyond_what_was_declared_fails() {
    // Three elements at the most, by its own word: the third growth gets -1, and that is no fault.
    let guest = Guest::idle()
        .extra("(table $t 1 3 funcref)")
        .body(
            "on-trade",
            "(i32.store (i32.const 40960) (table.grow $t (ref.null func) (i32.const 1))) i32.const 0",
        )
        .body(
            "save",
            "(i32.store (i32.const 136) (i32.const 40960))
             (i32.store (i32.const 140) (i32.const 4)) i32.const 136",
        );
    for (calls, expected) in [(1, 1i32), (2, 2), (3, -1), (9, -1)] {
        let trace = every_way(&guest.component(), &small(), &trades(calls));
        assert_eq!(trace.state.unwrap(), expected.to_le_bytes());
    }
}

fn fuel_ends_at_the_same_call() {
    // Each trade takes twice as many turns as the one before.
    let guest = Guest::idle().extra("(global $turns (mut i32) (i32.const 64))").body(
        "on-trade",
        "(local.set $i (global.get $turns))
         (global.set $turns (i32.shl (local.get $i) (i32.const 1)))
         (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
         i32.const 0",
    );
    let limits = Limits { fuel_per_call_max: 1_000_000, ..small() };
    // 64 × 2^12 turns of some four instructions are more than a million.
    ends(&guest, &limits, 13, FaultCode::FuelExhausted);
}

/// Calls itself as often as the trade's time says.
fn recursive() -> Guest {
    Guest::idle()
        .extra(
            "(func $deep (param i64) (result i64)
               (if (result i64) (i64.eqz (local.get 0))
                 (then (i64.const 0))
                 (else (i64.add (i64.const 1)
                   (call $deep (i64.sub (local.get 0) (i64.const 1)))))))",
        )
        .body("on-trade", "(drop (call $deep (local.get 1))) i32.const 0")
}

/// The deepest that it gets, by halving.
fn depth<R: Runner>(make: impl Fn() -> R) -> u64 {
    let instrument = instrument();
    let holds = |depth: u64| {
        let mut runner = make();
        runner.start(&session(&instrument), &mut Vec::new()).unwrap();
        match runner.call(&trade(depth, 100_000), &mut Vec::new()) {
            Ok(_) => true,
            Err(fault) => {
                assert_eq!(fault.code, FaultCode::StackExhausted, "{fault:?}");
                false
            }
        }
    };
    let (mut low, mut high) = (1u64, 1 << 18);
    assert!(holds(low) && !holds(high));
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

fn a_stack_ends_at_the_same_depth() {
    let guest = recursive();
    let limits = small();
    let artifact = engine().compile(&guest.checked()).unwrap();
    let inline = || Instance::load(&artifact, "tested", &limits, Box::new(NoLog)).unwrap();
    let found = depth(inline);
    let code = compiled(&guest);
    let launcher = launcher();
    let process = || {
        let log = Log::default();
        launcher.launch("tested", &code, EngineSettings::default(), &limits, log.sink()).unwrap()
    };
    assert_eq!(depth(process), found, "inline and in a process");
    // Where the host itself stands on its own stack does not matter.
    assert_eq!(deeper(64, &|| depth(inline)), found);
    // Half a megabyte of stack, and a frame of this function takes 16 to 512 bytes anywhere.
    assert!((1 << 10..=1 << 15).contains(&found), "{found}");
    crate::harness::say(&format!("a small function calls itself {found} times"));
    // Just below it, and just above it, wherever it runs.
    for (depth, is_ok) in [(found, true), (found + 1, false)] {
        let trace = every_way(&guest.component(), &limits, &[trade(depth, 100_000)]);
        assert_eq!(trace.calls[1].starts_with("Ok("), is_ok, "{:#?}", trace.calls);
    }
}

/// The same from some more frames down.
#[inline(never)]
fn deeper(frames: u32, act: &dyn Fn() -> u64) -> u64 {
    let padding = std::hint::black_box([frames; 256]);
    let found = if frames == 0 { act() } else { deeper(frames - 1, act) };
    found + u64::from(padding[0] - frames)
}

/// What this program says when it is started with [`COMPILE`].
pub(crate) fn compile_and_say() -> std::process::ExitCode {
    let component = include_bytes!("../fixtures/contract-0.1.0.component");
    let checked = check(component).unwrap();
    let code = Compiler::InProcess.compile(&engine(), &checked).unwrap();
    let trace = every_way(component, &small(), &trades(50));
    crate::harness::say(&format!("{:x?} {trace:?}", Sha256::digest(code.code()).as_slice()));
    std::process::ExitCode::SUCCESS
}

fn threads_of_the_compiler_change_nothing() {
    let said = |threads: &str| {
        let program = std::env::current_exe().unwrap();
        let output =
            Command::new(program).arg(COMPILE).env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let one = said("1");
    assert!(one.contains("Trace"), "{one}");
    assert_eq!(one, said("1"), "two processes");
    assert_eq!(one, said("2"), "two threads");
}
