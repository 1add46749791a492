//! Each limit at its bound, inline and in a process of its own: so much passes and is counted, one
//! more is the fault, and both are the same in both.

use sandpit_core::plugin::{Fault, FaultCode};
use sandpit_plugin::{Limits, Runner, Stats, StopReason};

use crate::{
    harness::{Log, Test, launched, patient},
    support::{Guest, instrument, session, trade},
};

pub(crate) const TESTS: &[Test] = &[
    ("bounds::each_limit_holds_at_its_bound", each_limit_holds_at_its_bound),
    ("bounds::the_stack_ends_at_the_same_depth", the_stack_ends_at_the_same_depth),
    ("bounds::the_log_is_cut_and_dropped_at_its_bound", the_log_is_cut_and_dropped_at_its_bound),
];

/// Times of the events that a plugin is told of.
type Times = &'static [u64];

/// One limit.
struct Limit {
    name: &'static str,
    limits: Limits,
    /// Uses so much of it.
    uses: fn(u64) -> Guest,
    most: u64,
    code: FaultCode,
    times: Times,
    /// What counts it, and what it says at the bound.
    figure: fn(&Stats) -> u64,
}

const ONCE: Times = &[1_000_000_000];
/// The last one is within ten seconds of the first.
const FOUR_TIMES: Times = &[1_000_000_000, 4_000_000_000, 7_000_000_000, 10_999_999_999];

fn limits() -> Vec<Limit> {
    [limits_of_space(), limits_of_fuel(), limits_of_what_is_handed_over()]
        .into_iter()
        .flatten()
        .collect()
}

fn limits_of_fuel() -> Vec<Limit> {
    let spin = |turns: u64| {
        format!(
            "(local.set $i (i32.const {turns}))
             (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))"
        )
    };
    // What one turn less uses, so that the fuel of one turn more is not there.
    let fuel = |guest: Guest| {
        let mut instance = guest.started(&patient());
        instance.call(&trade(1, 1), &mut Vec::new()).unwrap();
        instance.stats()
    };
    let calls = fuel(Guest::idle().body("on-trade", &format!("{} i32.const 0", spin(1_000))));
    let starts = fuel(Guest::idle().body("start", &format!("{} i32.const 16", spin(2_000))));
    vec![
        Limit {
            name: "fuel of a call",
            limits: Limits { fuel_per_call_max: calls.fuel_per_call_peak, ..patient() },
            uses: |turns| {
                let body = format!(
                    "(local.set $i (i32.const {turns}))
                     (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
                     i32.const 0"
                );
                Guest::idle().body("on-trade", &body)
            },
            most: 1_000,
            code: FaultCode::FuelExhausted,
            times: ONCE,
            figure: |stats| u64::from(stats.fuel_per_call_peak > 3_000) * 1_000,
        },
        Limit {
            name: "fuel of a start",
            limits: Limits { fuel_start_max: starts.fuel_start_peak, ..patient() },
            uses: |turns| {
                let body = format!(
                    "(local.set $i (i32.const {turns}))
                     (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
                     i32.const 16"
                );
                Guest::idle().body("start", &body)
            },
            most: 2_000,
            code: FaultCode::FuelExhausted,
            times: ONCE,
            figure: |stats| u64::from(stats.fuel_start_peak > 6_000) * 2_000,
        },
    ]
}

fn limits_of_space() -> Vec<Limit> {
    vec![
        Limit {
            name: "memory",
            limits: Limits { memory_bytes_max: 10 * 65_536, ..patient() },
            uses: |pages| {
                let grow = format!("(drop (memory.grow (i32.const {})))", pages - 1);
                Guest::idle().body("on-trade", &format!("{grow} i32.const 0"))
            },
            most: 10,
            code: FaultCode::MemoryExceeded,
            times: ONCE,
            figure: |stats| stats.memory_bytes_peak as u64 / 65_536,
        },
        Limit {
            name: "tables",
            limits: Limits { table_elements_max: 100, ..patient() },
            // The component's own shim has a table of one.
            uses: |elements| {
                let more = elements - 1;
                let grow = format!("(drop (table.grow $t (ref.null func) (i32.const {more})))");
                Guest::idle()
                    .extra("(table $t 0 funcref)")
                    .body("on-trade", &format!("{grow} i32.const 0"))
            },
            most: 100,
            code: FaultCode::MemoryExceeded,
            times: ONCE,
            figure: |stats| stats.table_elements_peak as u64,
        },
    ]
}

fn limits_of_what_is_handed_over() -> Vec<Limit> {
    vec![
        Limit {
            name: "intents of a call",
            limits: Limits { intents_per_call_max: 5, ..patient() },
            uses: |intents| Guest::idle().intents(u32::try_from(intents).unwrap()),
            most: 5,
            code: FaultCode::TooManyIntents,
            times: ONCE,
            figure: |stats| stats.intents_per_call_peak as u64,
        },
        Limit {
            name: "intents per second",
            limits: Limits { intents_per_second_max: 2, ..patient() },
            uses: |intents| Guest::idle().intents(u32::try_from(intents).unwrap()),
            most: 5,
            code: FaultCode::IntentRateExceeded,
            times: FOUR_TIMES,
            figure: |stats| stats.intents_per_window_peak / 4,
        },
        Limit {
            name: "output",
            limits: Limits { output_bytes_max: 30_000, intents_per_call_max: 1, ..patient() },
            uses: |bytes| {
                let log =
                    format!("(call $log (i32.const 1) (i32.const 65536) (i32.const {bytes}))");
                // Where the session has left nothing.
                Guest::idle().pages(2).body("on-trade", &format!("{log} i32.const 0"))
            },
            most: 30_000,
            code: FaultCode::OutputExceeded,
            times: ONCE,
            figure: |stats| stats.output_bytes_peak as u64,
        },
        Limit {
            name: "state",
            limits: Limits { state_bytes_max: 50_000, ..patient() },
            uses: |bytes| {
                let save = format!("(i32.store (i32.const 140) (i32.const {bytes}))");
                Guest::idle().body("save", &format!("{save} i32.const 136"))
            },
            most: 50_000,
            code: FaultCode::OutputExceeded,
            times: ONCE,
            figure: |stats| stats.state_bytes_peak as u64,
        },
    ]
}

/// A start, the events, a state, an end.
fn live(runner: &mut dyn Runner, times: Times) -> Result<Stats, Fault> {
    let mut intents = Vec::new();
    let lived = (|| {
        runner.start(&session(&instrument()), &mut intents)?;
        for time in times {
            runner.call(&trade(*time, 1), &mut intents)?;
        }
        runner.save()?;
        runner.stop(StopReason::Finished)
    })();
    let stats = runner.stats();
    lived.map(|()| Stats { latency: Stats::default().latency, ..stats })
}

fn in_both(guest: &Guest, limits: &Limits, times: Times) -> Result<Stats, Fault> {
    let inline = live(&mut guest.load(limits).unwrap(), times);
    let process = live(&mut launched(guest, limits, &Log::default()), times);
    assert_eq!(process, inline);
    inline
}

fn each_limit_holds_at_its_bound() {
    for limit in limits() {
        let name = limit.name;
        let stats = in_both(&(limit.uses)(limit.most), &limit.limits, limit.times)
            .unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
        assert_eq!((limit.figure)(&stats), limit.most, "{name}: {stats:?}");
        // The engine looks at fuel at the turns of a loop: some turns may be free.
        let more = if name.starts_with("fuel") { 20 } else { 1 };
        let fault = in_both(&(limit.uses)(limit.most + more), &limit.limits, limit.times);
        let fault = fault.err().unwrap_or_else(|| panic!("{name}: one more passes"));
        assert_eq!(fault.code, limit.code, "{name}: {}", fault.detail);
    }
}

fn the_stack_ends_at_the_same_depth() {
    let deep = |depth: u64| {
        Guest::idle()
            .extra(
                "(func $down (param i64 i64) (result i64)
                   (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1))
                     (else (i64.add (local.get 1)
                       (call $down (i64.sub (local.get 0) (i64.const 1)) (local.get 0))))))",
            )
            .body(
                "on-trade",
                &format!("(drop (call $down (i64.const {depth}) (i64.const 1))) i32.const 0"),
            )
    };
    let passes = |depth| live(&mut deep(depth).load(&patient()).unwrap(), ONCE);
    let (mut most, mut over) = (1u64, 1 << 20);
    while over - most > 1 {
        let middle = most.midpoint(over);
        match passes(middle) {
            Ok(_) => most = middle,
            Err(fault) => {
                assert_eq!(fault.code, FaultCode::StackExhausted, "{}", fault.detail);
                over = middle;
            }
        }
    }
    // A frame has some dozens of bytes.
    assert!((2_000..40_000).contains(&most), "{most}");
    in_both(&deep(most), &patient(), ONCE).unwrap();
    let fault = in_both(&deep(over), &patient(), ONCE).unwrap_err();
    assert_eq!(fault.code, FaultCode::StackExhausted);
}

fn the_log_is_cut_and_dropped_at_its_bound() {
    let says = |bytes: u32, times: usize| {
        let line = format!("(call $log (i32.const 1) (i32.const 1024) (i32.const {bytes}))");
        Guest::idle().body("on-trade", &format!("{} i32.const 0", line.repeat(times)))
    };
    // Ten characters of the guest's name, and zeros that are escaped.
    let limits = Limits { log_line_bytes_max: 10, log_bytes_per_second_max: 40, ..patient() };
    let figures = |guest: &Guest| {
        let stats = in_both(guest, &limits, ONCE).unwrap();
        (stats.log_lines, stats.log_lines_cut, stats.log_lines_dropped)
    };
    assert_eq!(figures(&says(10, 4)), (4, 0, 0));
    assert_eq!(figures(&says(11, 4)), (4, 4, 0));
    assert_eq!(figures(&says(10, 5)), (4, 0, 1));
}
