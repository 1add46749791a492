//! Attacks on processor time.

use sandpit_core::plugin::FaultCode::{DeadlineExceeded, FuelExhausted, StackExhausted, Trap};

use sandpit_plugin::RefusalCode;

use crate::{
    attack::{Attack, Ends, contained, fault, planned, refused, so, unharmed},
    guest::{BARS, DEPTH, Guest, QUOTES},
    harness::Tests,
    stage::{OTHER, Plan, Seen},
    wish::{BUY, Wish},
};

pub(crate) const TESTS: &[Tests] = &[Tests::Attacks("cpu", ATTACKS)];

pub(crate) const ATTACKS: &[&[Attack]] = &[LOOPS, ELSEWHERE, WORK, DEADLINES];

/// Never ends.
const SPIN: &str = "(loop br 0)";

/// Never ends in an export that is called, once there is an order.
fn spins_in(export: &'static str) -> Guest {
    Guest::idle().asks_once(&[Wish::place(1, OTHER, BUY, 1)]).does(export, SPIN)
}

const LOOPS: &[Attack] = &[
    fault("an endless loop in a trade", (FuelExhausted, "on-trade"), || {
        Guest::idle().does("on-trade", SPIN)
    }),
    fault("an endless loop in a quote", (FuelExhausted, "on-quote"), || {
        Guest::idle().wants(&[QUOTES]).does("on-quote", SPIN)
    }),
    fault("an endless loop in a bar", (FuelExhausted, "on-bar"), || {
        Guest::idle().wants(&[BARS]).does("on-bar", SPIN)
    }),
    fault("an endless loop in a book", (FuelExhausted, "on-depth"), || {
        Guest::idle().wants(&[DEPTH]).does("on-depth", SPIN)
    }),
    fault("an endless loop in an order's news", (FuelExhausted, "on-order"), || {
        spins_in("on-order")
    }),
    fault("an endless loop in a position's news", (FuelExhausted, "on-position"), || {
        spins_in("on-position")
    }),
    fault("an endless loop in a budget's news", (FuelExhausted, "on-budget"), || {
        spins_in("on-budget")
    }),
    fault("an endless loop in a timer", (FuelExhausted, "on-timer"), || {
        Guest::idle().asks_once(&[Wish::timer(1, 0, None)]).does("on-timer", SPIN)
    }),
    fault("an endless loop in new parameters", (FuelExhausted, "on-parameters"), || {
        Guest::idle().does("on-parameters", SPIN)
    }),
    fault("an endless loop in taking its intents", (FuelExhausted, "take-intents"), || {
        Guest::idle().body("on-trade", "i32.const 1").does("take-intents", SPIN)
    }),
    fault("an endless loop in its last call", (FuelExhausted, "stop"), || {
        Guest::idle().body("stop", SPIN)
    }),
    fault("an endless loop while it saves", (FuelExhausted, "save"), || {
        Guest::idle().does("save", SPIN)
    }),
];

const ELSEWHERE: &[Attack] = &[
    fault("an endless loop in its start", (FuelExhausted, "start"), || {
        Guest::idle().does("start", SPIN)
    }),
    fault("an endless loop in its description", (FuelExhausted, "describe"), || {
        Guest::idle().does("describe", SPIN)
    }),
    fault(
        "an endless loop in its constructor, before anything is called",
        (FuelExhausted, "instantiation"),
        || Guest::idle().extra("(func $go (loop br 0)) (start $go)"),
    ),
    fault("an endless loop in its allocator", (FuelExhausted, "start"), || {
        Guest::idle().before_realloc(SPIN)
    }),
    fault(
        "an endless loop after the host has read its intents",
        (FuelExhausted, "take-intents"),
        || Guest::idle().asks(&[Wish::cancel(1)]).post_return("take-intents", SPIN),
    ),
    fault(
        "an endless loop after the host has read its description",
        (FuelExhausted, "describe"),
        || Guest::idle().post_return("describe", SPIN),
    ),
    fault("an endless loop over the log", (FuelExhausted, "on-trade"), || {
        Guest::idle()
            .does("on-trade", "(loop (call $log (i32.const 0) (i32.const 0) (i32.const 0)) br 0)")
    }),
    fault("an endless loop over the log with long texts", (FuelExhausted, "on-trade"), || {
        Guest::idle().pages(2).does(
            "on-trade",
            "(loop (call $log (i32.const 0) (i32.const 65536) (i32.const 60000)) br 0)",
        )
    }),
];

/// Turns of a loop that come to most of a call's fuel.
fn nearly_all(export: &'static str, turns: u32) -> Guest {
    Guest::idle().does(
        export,
        &format!(
            "(local.set $i (i32.const {turns}))
             (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))"
        ),
    )
}

fn used_nearly_all(seen: &Seen) -> Result<(), String> {
    unharmed(seen)?;
    let stats = &seen.stats[0];
    let peak = stats.fuel_per_call_peak;
    so((9_000_000..=10_000_000).contains(&peak), || format!("{peak} of 10,000,000"))?;
    so(stats.fuel_total >= 9_000_000 * 480, || format!("{} in all", stats.fuel_total))
}

fn jumps_among(count: usize) -> Guest {
    let targets = "0 ".repeat(count);
    let jump = format!("(loop (block (br_table {targets} (local.get $i))) (br 0))");
    Guest::idle().does("on-trade", &jump)
}

const WORK: &[Attack] = &[
    contained(
        "just under its fuel, in every call",
        ("fuel", "nothing is late but its own calls"),
        || nearly_all("on-trade", 1_900_000),
        used_nearly_all,
    ),
    fault("burns its fuel, then traps", (Trap, "on-trade"), || {
        let guest = nearly_all("on-trade", 1_900_000);
        let body = "(local.set $i (i32.const 1900000))
            (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) unreachable";
        guest.does("on-trade", body)
    }),
    fault("a branch table of 60,000 entries, for ever", (FuelExhausted, "on-trade"), || {
        jumps_among(60_000)
    }),
    refused("a branch table of 100,000 entries", RefusalCode::CompileRefused, || {
        jumps_among(100_000).component()
    }),
    fault("the slowest instructions, for ever", (FuelExhausted, "on-trade"), || {
        Guest::idle().does(
            "on-trade",
            "(loop (local.set $l (i64.rem_s (i64.const -9223372036854775807)
               (i64.or (local.get $l) (i64.const 3)))) (br 0))",
        )
    }),
    fault("recursion without end", (StackExhausted, "on-trade"), || {
        Guest::idle()
            .extra(
                "(func $deeper (param i64 i64)
                   (call $deeper (local.get 1) (local.get 0)) (drop (i32.load (i32.const 0))))",
            )
            .does("on-trade", "(call $deeper (i64.const 1) (i64.const 2))")
    }),
    fault("recursion without end through a table", (StackExhausted, "on-trade"), || {
        Guest::idle()
            .extra(
                "(type $f (func (param i64))) (table 2 funcref) (elem (i32.const 0) $ping $pong)
                 (func $ping (param i64) (call_indirect (type $f) (local.get 0) (i32.const 1))
                   (drop (i32.load (i32.const 0))))
                 (func $pong (param i64) (call_indirect (type $f) (local.get 0) (i32.const 0))
                   (drop (i32.load (i32.const 0))))",
            )
            .does("on-trade", "(call $ping (i64.const 1))")
    }),
    fault("recursion with frames of 15,000 variables", (StackExhausted, "on-trade"), || {
        let variables = "i64 ".repeat(15_000);
        let keep: String = (1..15_000).step_by(50).fold(String::new(), |text, n| {
            text + &format!("(local.set {n} (i64.load (i32.const {n})))")
        });
        let sum: String = (1..15_000).step_by(50).fold(String::new(), |text, n| {
            text + &format!("(i64.store (i32.const {n}) (local.get {n}))")
        });
        Guest::idle()
            .extra(&format!(
                "(func $wide (param i64) (local {variables})
                   {keep} (call $wide (i64.add (local.get 0) (i64.const 1))) {sum})"
            ))
            .does("on-trade", "(call $wide (i64.const 1))")
    }),
    fault("recursion in its allocator", (StackExhausted, "start"), || {
        Guest::idle().before_realloc(
            "(drop (call $realloc (local.get 0) (local.get 1) (local.get 2) (local.get 3)))",
        )
    }),
];

/// With fuel that never ends, and a clock that does.
fn by_the_clock(guest: &Guest) -> Plan {
    Plan::of(guest.component()).limited(|limits| {
        limits.fuel_per_call_max = u64::MAX;
        limits.fuel_start_max = u64::MAX;
        limits.call_deadline = std::time::Duration::from_millis(20);
        limits.start_deadline = std::time::Duration::from_millis(100);
    })
}

const DEADLINES: &[Attack] = &[
    planned(
        "an endless loop where fuel is without end",
        Ends::Fault(DeadlineExceeded, "on-trade"),
        || by_the_clock(&Guest::idle().does("on-trade", SPIN)),
    ),
    planned(
        "an endless start where fuel is without end",
        Ends::Fault(DeadlineExceeded, "start"),
        || by_the_clock(&Guest::idle().does("start", SPIN)),
    ),
    planned(
        "an endless description where fuel is without end",
        Ends::Fault(DeadlineExceeded, "describe"),
        || by_the_clock(&Guest::idle().does("describe", SPIN)),
    ),
    planned(
        "fills of 16 MiB that cost one instruction each, for ever",
        Ends::Fault(DeadlineExceeded, "on-trade"),
        || {
            let fill = "(loop (memory.fill (i32.const 65536) (i32.const 7) (i32.const 16777216))
                (br 0))";
            by_the_clock(&Guest::idle().pages(300).does("on-trade", fill))
        },
    ),
    planned(
        "copies of 16 MiB onto themselves, for ever",
        Ends::Fault(DeadlineExceeded, "on-trade"),
        || {
            let copy = "(loop (memory.copy (i32.const 65536) (i32.const 65537)
                (i32.const 16777216)) (br 0))";
            by_the_clock(&Guest::idle().pages(300).does("on-trade", copy))
        },
    ),
];
