//! Attacks on the host from a process of the attacker's own, beside an honest plugin in another.
//! Native code behind the walls, and runners that lie, are tried in the sandbox's own tests; here
//! a component does the same as in this process, and is ended from outside where it has to be.

use std::time::Duration;

use sandpit_core::plugin::FaultCode::{
    DeadlineExceeded, FuelExhausted, IntentRateExceeded, MalformedOutput, MemoryExceeded,
    OutputExceeded, StackExhausted, StartRefused, TooManyIntents, Trap,
};

use crate::{
    attack::{Attack, Ends, planned, so, unharmed},
    guest::Guest,
    harness::Tests,
    stage::{OTHER, Plan},
    wish::{BUY, Wish},
};

pub(crate) const TESTS: &[Tests] = &[Tests::Attacks("host", ATTACKS)];

pub(crate) const ATTACKS: &[&[Attack]] = &[KILLED, ENDED, HELD];

const SPIN: &str = "(loop br 0)";

fn apart(guest: &Guest) -> Plan {
    Plan::of(guest.component()).in_processes()
}

/// With fuel that never ends: only the host's clock is left.
fn by_the_clock(guest: &Guest) -> Plan {
    apart(guest).limited(|limits| {
        limits.fuel_per_call_max = u64::MAX;
        limits.fuel_start_max = u64::MAX;
        limits.call_deadline = Duration::from_millis(50);
        limits.start_deadline = Duration::from_millis(500);
    })
}

const KILLED: &[Attack] = &[
    planned(
        "spins in a process of its own, with fuel without end",
        Ends::Fault(DeadlineExceeded, "on-trade"),
        || by_the_clock(&Guest::idle().does("on-trade", SPIN)),
    ),
    planned(
        "spins in its start, in a process of its own",
        Ends::Fault(DeadlineExceeded, "start"),
        || by_the_clock(&Guest::idle().does("start", SPIN)),
    ),
    planned(
        "spins as it saves, in a process of its own",
        Ends::Fault(DeadlineExceeded, "save"),
        || by_the_clock(&Guest::idle().does("save", SPIN)),
    ),
    planned(
        "spins in its last call, in a process of its own",
        Ends::Fault(DeadlineExceeded, "stop"),
        || by_the_clock(&Guest::idle().does("stop", SPIN)),
    ),
    planned(
        "spins after the host has read its intents, in a process of its own",
        Ends::Fault(DeadlineExceeded, "on-trade"),
        || {
            let spins = Guest::idle().asks(&[Wish::cancel(1)]).post_return("take-intents", SPIN);
            by_the_clock(&spins)
        },
    ),
    planned(
        "fills memory for ever, in a process of its own",
        Ends::Fault(DeadlineExceeded, "on-trade"),
        || {
            let fill = "(loop (memory.fill (i32.const 65536) (i32.const 7) (i32.const 16777216))
                (br 0))";
            by_the_clock(&Guest::idle().pages(300).does("on-trade", fill))
        },
    ),
];

const ENDED: &[Attack] = &[
    planned(
        "uses its fuel, in a process of its own",
        Ends::Fault(FuelExhausted, "on-trade"),
        || apart(&Guest::idle().does("on-trade", SPIN)),
    ),
    planned(
        "takes memory without end, in a process of its own",
        Ends::Fault(MemoryExceeded, "on-trade"),
        || {
            apart(
                &Guest::idle().does("on-trade", "(loop (drop (memory.grow (i32.const 16))) br 0)"),
            )
        },
    ),
    planned(
        "begins with 4 GiB, in a process of its own",
        Ends::Fault(MemoryExceeded, "instantiation"),
        || apart(&Guest::idle().pages(65_536)),
    ),
    planned(
        "goes deeper without end, in a process of its own",
        Ends::Fault(StackExhausted, "on-trade"),
        || {
            let deeper = "(func $deeper (param i64) (call $deeper (i64.const 1))
                (drop (i32.load (i32.const 0))))";
            apart(&Guest::idle().extra(deeper).does("on-trade", "(call $deeper (i64.const 1))"))
        },
    ),
    planned("panics, in a process of its own", Ends::Fault(Trap, "on-trade"), || {
        apart(&Guest::idle().body("on-trade", "unreachable"))
    }),
    planned(
        "hands over an intent that is none, in a process of its own",
        Ends::Fault(MalformedOutput, "take-intents"),
        || apart(&Guest::idle().asks(&[Wish::place(1, OTHER, BUY, 1).byte(0, 9)])),
    ),
    planned(
        "hands over 65 intents, in a process of its own",
        Ends::Fault(TooManyIntents, "on-trade"),
        || apart(&Guest::idle().asks(&vec![Wish::cancel(1); 65])),
    ),
    planned(
        "hands over 60,000 intents, in a process of its own",
        Ends::Fault(OutputExceeded, "take-intents"),
        || {
            let flood = Guest::idle().pages(200).body("on-trade", "i32.const 1");
            apart(&flood.hands_over_list(65_536, 60_000))
        },
    ),
    planned(
        "asks without a pause, in a process of its own",
        Ends::Fault(IntentRateExceeded, "on-trade"),
        || apart(&Guest::idle().asks(&vec![Wish::cancel(1); 64])),
    ),
    planned("saves too much, in a process of its own", Ends::Fault(OutputExceeded, "save"), || {
        apart(&Guest::idle().pages(200).saves(65_536, 12 << 20))
    }),
    planned(
        "refuses the session with escapes, in a process of its own",
        Ends::Fault(StartRefused, "\\u{1b}[31m"),
        || apart(&Guest::idle().data(2_048, b"\x1b[31mno").refuses("start", 2_048, 7)),
    ),
];

const HELD: &[Attack] = &[
    planned(
        "a flood of log lines, in a process of its own",
        Ends::Contained {
            wall: "log: budget",
            what: "dropped and counted, by the host's own count as well",
            check: |seen| {
                unharmed(seen)?;
                let bytes: usize = seen.lines.iter().map(String::len).sum();
                let dropped = seen.stats[0].log_lines_dropped;
                so(bytes < 26 * 16_384 * 11 / 10 && dropped > 90_000, || {
                    format!("{bytes} bytes, {dropped} dropped")
                })
            },
        },
        || {
            apart(&Guest::idle().data(4_096, &[b'x'; 1_000]).does(
                "on-trade",
                "(local.set $i (i32.const 200))
                 (loop (call $log (i32.const 1) (i32.const 4096) (i32.const 1000))
                   (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))",
            ))
        },
    ),
    planned(
        "terminal escapes in its log, in a process of its own",
        Ends::Contained {
            wall: "escaping",
            what: "it is one line of plain text",
            check: |seen| {
                unharmed(seen)?;
                let wrong = seen.lines.iter().find(|line| line.contains(char::is_control));
                so(wrong.is_none() && !seen.lines.is_empty(), || format!("{wrong:?}"))
            },
        },
        || apart(&Guest::idle().logs(b"\x1b]0;owned\x07\r\n")),
    ),
    planned(
        "just under its fuel in every call, in a process of its own",
        Ends::Contained {
            wall: "fuel",
            what: "nothing is late but its own calls",
            check: |seen| {
                unharmed(seen)?;
                let peak = seen.stats[0].fuel_per_call_peak;
                so((9_000_000..=10_000_000).contains(&peak), || format!("{peak}"))
            },
        },
        || {
            apart(&Guest::idle().does(
                "on-trade",
                "(local.set $i (i32.const 1900000))
                 (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))",
            ))
        },
    ),
];
