//! Attacks on memory: the guest's own, and the host's through what it is handed.

use sandpit_core::plugin::FaultCode::{
    MalformedOutput, MemoryExceeded, OutputExceeded, TooManyIntents, Trap,
};
use sandpit_plugin::RefusalCode;

use crate::{
    attack::{Attack, Ends, Make, contained, fault, planned, refused, so, unharmed},
    guest::Guest,
    harness::Tests,
    pieces::{in_module, with_component, with_module},
    stage::{Plan, Seen},
};

pub(crate) const TESTS: &[Tests] = &[Tests::Attacks("memory", ATTACKS)];

pub(crate) const ATTACKS: &[&[Attack]] = &[MEMORIES, TABLES, AMPLIFIED, OUTPUT];

/// 64 MiB, by default.
const MEMORY_BYTES_MAX: usize = 64 << 20;

/// A file that is a fault, made by hand.
const fn fault_of_bytes(
    name: &'static str,
    (code, within): (sandpit_plugin::FaultCode, &'static str),
    bytes: fn() -> Vec<u8>,
) -> Attack {
    Attack { name, make: Make::Bytes(bytes), ends: Ends::Fault(code, within) }
}

fn stays_within(seen: &Seen) -> Result<(), String> {
    unharmed(seen)?;
    let peak = seen.stats[0].memory_bytes_peak;
    so(peak <= MEMORY_BYTES_MAX, || format!("{peak} bytes"))
}

const MEMORIES: &[Attack] = &[
    fault("grows its memory until it gets no more", (MemoryExceeded, "on-trade"), || {
        Guest::idle().does("on-trade", "(loop (drop (memory.grow (i32.const 16))) (br 0))")
    }),
    fault("grows its memory by 4 GiB at once", (MemoryExceeded, "on-trade"), || {
        Guest::idle().does("on-trade", "(drop (memory.grow (i32.const 65535)))")
    }),
    fault("begins with 4 GiB", (MemoryExceeded, "instantiation"), || Guest::idle().pages(65_536)),
    fault("begins with one page too many", (MemoryExceeded, "instantiation"), || {
        Guest::idle().pages(1_025)
    }),
    fault_of_bytes(
        "two more memories, of which each is within its bound",
        (MemoryExceeded, "instantiation"),
        || {
            let more = with_module(Guest::idle().component(), "(memory 600)");
            with_module(more, "(memory 600)")
        },
    ),
    fault_of_bytes(
        "a memory that is hidden in a component within",
        (MemoryExceeded, "instantiation"),
        || {
            let hidden = "(core module $m (memory 1020)) (core instance (instantiate $m))";
            with_component(Guest::idle().pages(10).component(), hidden)
        },
    ),
    refused("five memories", RefusalCode::TooMany, || {
        (0..4).fold(Guest::idle().component(), |bytes, _| with_module(bytes, "(memory 1)"))
    }),
    planned("a leak of one page in every call", Ends::Fault(MemoryExceeded, "on-trade"), || {
        let leak = Guest::idle().does("on-trade", "(drop (memory.grow (i32.const 1)))");
        Plan::of(leak.component()).limited(|limits| limits.memory_bytes_max = 100 << 16)
    }),
    contained(
        "writes to all of its memory, in every call",
        ("memory limit", "it has what it has, and no more"),
        || {
            let fill = "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 8388608))";
            Guest::idle().pages(129).does("on-trade", fill)
        },
        stays_within,
    ),
    contained(
        "grows past the maximum that it declared itself",
        ("memory limit", "it is told no"),
        || {
            let grow =
                "(if (i32.ne (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))";
            Guest::idle().extra("(memory $second 1 2)").does("on-trade", grow)
        },
        |_| Ok(()),
    ),
    fault("grows its memory in its allocator", (MemoryExceeded, "start"), || {
        Guest::idle().before_realloc("(drop (memory.grow (i32.const 2000)))")
    }),
    fault("data that lies beyond its memory", (Trap, "instantiation"), || {
        Guest::idle().data(65_530, b"seven bytes too many")
    }),
];

const TABLES: &[Attack] = &[
    fault("a table of ten million entries", (MemoryExceeded, "instantiation"), || {
        Guest::idle().extra("(table 10000001 funcref)")
    }),
    fault("grows a table until it gets no more", (MemoryExceeded, "on-trade"), || {
        Guest::idle().extra("(table $t 1 funcref)").does(
            "on-trade",
            "(loop (drop (table.grow $t (ref.null func) (i32.const 1000))) (br 0))",
        )
    }),
    fault("four tables that are too large together", (MemoryExceeded, "instantiation"), || {
        Guest::idle().extra("(table 3500 funcref) (table 3500 funcref) (table 3500 funcref)")
    }),
    refused("five tables", RefusalCode::TooMany, || in_module(&"(table 0 funcref)".repeat(5))),
];

/// A description whose first parameter is a choice of this many options, all of them here; the
/// list of options begins at 65,536.
fn choices(options: u32, at: u32, bytes: u32, step: u32) -> Guest {
    // A parameter: name, summary, and the case and content of its type.
    let mut parameter = Vec::new();
    for word in [1_024u32, 8, 0, 0, 3, 0, 1_024, 8, 65_536, options] {
        parameter.extend(word.to_le_bytes());
    }
    parameter.resize(72, 0);
    Guest::idle().pages(200).data(2_048, &parameter).word(6, 2_048).word(7, 1).body(
        "describe",
        &format!(
            "(loop
                   (i32.store (i32.add (i32.const 65536) (i32.mul (local.get $i) (i32.const 8)))
                     (i32.add (i32.const {at}) (i32.mul (local.get $i) (i32.const {step}))))
                   (i32.store offset=4
                     (i32.add (i32.const 65536) (i32.mul (local.get $i) (i32.const 8)))
                     (i32.const {bytes}))
                   (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                     (i32.const {options}))))
                 i32.const 64"
        ),
    )
}

const AMPLIFIED: &[Attack] = &[
    fault(
        "a list of 30,000 texts of 60,000 bytes that are all the same bytes",
        (OutputExceeded, "describe"),
        || choices(30_000, 2_000_000, 60_000, 0),
    ),
    fault("a list of 30,000 texts that overlap", (OutputExceeded, "describe"), || {
        choices(30_000, 2_000_000, 1_000, 1)
    }),
    fault("a list of 100,000 empty texts", (OutputExceeded, "describe"), || {
        choices(100_000, 4_096, 0, 0)
    }),
    fault("overlapping texts that are few enough", (MalformedOutput, "describe"), || {
        choices(32, 1_024, 8, 0)
    }),
    fault("60,000 parameters that are all the same", (OutputExceeded, "describe"), || {
        Guest::idle().pages(200).word(6, 65_536).word(7, 60_000)
    }),
    fault("a summary of 8 MiB", (OutputExceeded, "describe"), || {
        Guest::idle().pages(200).word(4, 65_536).word(5, 8 << 20)
    }),
    fault("a summary of 2 KiB", (MalformedOutput, "describe"), || {
        Guest::idle().word(4, 65_536 - 2_048).word(5, 2_048)
    }),
];

const OUTPUT: &[Attack] = &[
    fault("a log line of 8 MiB", (OutputExceeded, "on-trade"), || {
        Guest::idle()
            .pages(200)
            .does("on-trade", "(call $log (i32.const 1) (i32.const 65536) (i32.const 8388608))")
    }),
    fault("60,000 intents in one call", (OutputExceeded, "take-intents"), || {
        Guest::idle().pages(200).body("on-trade", "i32.const 1").hands_over_list(65_536, 60_000)
    }),
    fault("65 intents in one call", (TooManyIntents, "on-trade"), || {
        Guest::idle().pages(200).body("on-trade", "i32.const 1").hands_over_list(65_536, 65)
    }),
    fault("a state of one byte too many", (OutputExceeded, "save"), || {
        Guest::idle().pages(200).saves(65_536, (1 << 20) + 1)
    }),
    fault("a state of 12 MiB", (OutputExceeded, "save"), || {
        Guest::idle().pages(200).saves(65_536, 12 << 20)
    }),
    fault("a reason of 8 MiB to refuse the session", (OutputExceeded, "start"), || {
        Guest::idle().pages(200).refuses("start", 65_536, 8 << 20)
    }),
    fault("a reason of 8 MiB to refuse parameters", (OutputExceeded, "on-parameters"), || {
        Guest::idle().pages(200).refuses("on-parameters", 65_536, 8 << 20)
    }),
];
