//! Attacks on the binary interface: what a guest hands over is not what the contract says.

use sandpit_core::{
    plugin::FaultCode::{FuelExhausted, MalformedOutput, OutputExceeded, StartRefused, Trap},
    risk::DenialCode,
};
use wit_component::StringEncoding;

use crate::{
    attack::{Attack, Ends, Make, contained, denied, fault, planned, so, unharmed},
    guest::Guest,
    harness::Tests,
    pieces::with_component,
    stage::{OTHER, Plan, Seen},
    wish::{
        BUY, KIND_AT, KIND_PAYLOAD_AT, POST_ONLY_AT, REDUCE_ONLY_AT, SCALE_AT, SIDE_AT, TIME_AT,
        Wish,
    },
};

pub(crate) const TESTS: &[Tests] = &[Tests::Attacks("abi", ATTACKS)];

pub(crate) const ATTACKS: &[&[Attack]] =
    &[BOOLEANS, CASES, CASES_ELSEWHERE, TEXTS, POINTERS, ALLOCATORS, CALLS, HANDLES];

const MALFORMED_INTENT: (sandpit_core::plugin::FaultCode, &str) = (MalformedOutput, "take-intents");

fn buy() -> Wish {
    Wish::place(1, OTHER, BUY, 1)
}

/// One wish, with one byte that is not of the contract.
fn asks_with(at: usize, value: u8) -> Guest {
    Guest::idle().asks(&[buy().byte(at, value)])
}

fn nothing_asked(seen: &Seen) -> Result<(), String> {
    unharmed(seen)?;
    so(seen.asked == 0, || "it asked".to_owned())
}

const BOOLEANS: &[Attack] = &[
    contained(
        "answers whether intents wait with 2",
        ("contract", "what is not zero is yes; the list is empty"),
        || Guest::idle().body("on-trade", "i32.const 2"),
        nothing_asked,
    ),
    contained(
        "answers whether intents wait with −1",
        ("contract", "what is not zero is yes; the list is empty"),
        || Guest::idle().body("on-trade", "i32.const -1"),
        nothing_asked,
    ),
    contained(
        "says that intents wait, and has none, in every call",
        ("contract", "nothing is asked"),
        || Guest::idle().body("on-trade", "i32.const 1").hands_over(&[]),
        nothing_asked,
    ),
    denied("post-only is 2", DenialCode::PostOnlyNotResting, || asks_with(POST_ONLY_AT, 2)),
    denied("reduce-only is 255", DenialCode::NotReducing, || asks_with(REDUCE_ONLY_AT, 255)),
];

const CASES: &[Attack] = &[
    fault("an intent of case 8", MALFORMED_INTENT, || asks_with(0, 8)),
    fault("an intent of case 255", MALFORMED_INTENT, || asks_with(0, 255)),
    fault("a side that is neither", MALFORMED_INTENT, || asks_with(SIDE_AT, 2)),
    fault("an order of kind 6", MALFORMED_INTENT, || asks_with(KIND_AT, 6)),
    fault("a time in force of case 4", MALFORMED_INTENT, || asks_with(TIME_AT, 4)),
    fault("a trailing offset of case 2", MALFORMED_INTENT, || {
        Guest::idle().asks(&[buy().byte(KIND_AT, 5).byte(KIND_PAYLOAD_AT, 2)])
    }),
    fault("a change whose quantity is there twice over", MALFORMED_INTENT, || {
        Guest::idle().asks(&[Wish::amend(1, None, None).byte(16, 2)])
    }),
    fault("a change whose price is there twice over", MALFORMED_INTENT, || {
        Guest::idle().asks(&[Wish::amend(1, None, None).byte(40, 255)])
    }),
    fault("cancels all of an instrument that is there twice over", MALFORMED_INTENT, || {
        Guest::idle().asks(&[Wish::cancel_all(None).byte(8, 2)])
    }),
    fault("a target whose limit is there twice over", MALFORMED_INTENT, || {
        Guest::idle().asks(&[Wish::target(1, OTHER, 1).byte(40, 7)])
    }),
    fault("a timer whose interval is there twice over", MALFORMED_INTENT, || {
        Guest::idle().asks(&[Wish::timer(1, 0, None).byte(24, 2)])
    }),
    fault("a quantity of scale 255", MALFORMED_INTENT, || asks_with(SCALE_AT, 255)),
    fault("a quantity of scale 19", MALFORMED_INTENT, || asks_with(SCALE_AT, 19)),
    fault("a price of scale 200", MALFORMED_INTENT, || {
        Guest::idle().asks(&[buy().limit(1).byte(KIND_PAYLOAD_AT + 8, 200)])
    }),
    fault("63 good intents, and one that is not", MALFORMED_INTENT, || {
        let mut wishes = vec![buy(); 63];
        wishes.push(buy().byte(0, 8));
        Guest::idle().asks(&wishes)
    }),
];

const CASES_ELSEWHERE: &[Attack] = &[
    fault("a parameter of case 5", (MalformedOutput, "describe"), || {
        let mut parameter = [0; 72];
        parameter[16] = 5;
        Guest::idle().data(2_048, &parameter).word(6, 2_048).word(7, 1)
    }),
    fault("a subscription of case 4", (MalformedOutput, "describe"), || {
        Guest::idle().wants(&[(4, 0)])
    }),
    fault("a warm-up of case 200", (MalformedOutput, "describe"), || {
        let mut warm_up = [0; 24];
        warm_up[0] = 200;
        Guest::idle().data(2_048, &warm_up).word(10, 2_048).word(11, 1)
    }),
    fault("neither takes nor refuses the session", (MalformedOutput, "start"), || {
        Guest::idle().does("start", "(i32.store8 (i32.const 16) (i32.const 2))")
    }),
    fault("neither takes nor refuses parameters", (MalformedOutput, "on-parameters"), || {
        Guest::idle().does("on-parameters", "(i32.store8 (i32.const 16) (i32.const 9))")
    }),
    fault("a log level of 4", (MalformedOutput, "on-trade"), || {
        Guest::idle().does("on-trade", "(call $log (i32.const 4) (i32.const 1024) (i32.const 8))")
    }),
    fault("a log level of −1", (MalformedOutput, "on-trade"), || {
        Guest::idle().does("on-trade", "(call $log (i32.const -1) (i32.const 1024) (i32.const 8))")
    }),
    fault("a name with an escape in it", (MalformedOutput, "describe"), || {
        Guest::idle().named(b"\x1b[2Jx")
    }),
    fault("a version that is none", (MalformedOutput, "describe"), || {
        Guest::idle().data(1_200, b"x.y.z")
    }),
    fault("bars of one nanosecond", (MalformedOutput, "describe"), || {
        Guest::idle().wants(&[(2, 1)])
    }),
    fault("a book of 65,535 levels", (MalformedOutput, "describe"), || {
        Guest::idle().wants(&[(3, 65_535)])
    }),
    fault("a history of four billion trades", (MalformedOutput, "describe"), || {
        let mut warm_up = [0; 24];
        warm_up[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        Guest::idle().data(2_048, &warm_up).word(10, 2_048).word(11, 1)
    }),
    fault("refuses the session in 257 bytes", (MalformedOutput, "start"), || {
        Guest::idle().refuses("start", 32_768, 257)
    }),
    fault("refuses parameters in 257 bytes", (MalformedOutput, "on-parameters"), || {
        Guest::idle().refuses("on-parameters", 32_768, 257)
    }),
    fault("refuses the session, with an escape", (StartRefused, "\\u{1b}[31m"), || {
        Guest::idle().data(2_048, b"\x1b[31mno\n").refuses("start", 2_048, 8)
    }),
];

const TEXTS: &[Attack] = &[
    fault("a name that is no UTF-8", (MalformedOutput, "describe"), || {
        Guest::idle().named(b"a\xff\xfe")
    }),
    fault("a name with half of a surrogate pair", (MalformedOutput, "describe"), || {
        Guest::idle().named(b"a\xed\xa0\x80")
    }),
    fault("a name in overlong UTF-8", (MalformedOutput, "describe"), || {
        Guest::idle().named(b"a\xc1\xa1")
    }),
    fault("a reason that ends within a character", (MalformedOutput, "start"), || {
        Guest::idle().data(2_048, "no €".as_bytes()).refuses("start", 2_048, 5)
    }),
    fault("a log line that is no UTF-8", (MalformedOutput, "on-trade"), || {
        Guest::idle().logs(b"a\x80b")
    }),
    fault("a log line with half of a surrogate pair", (MalformedOutput, "on-trade"), || {
        Guest::idle().logs(b"\xed\xbf\xbf")
    }),
    fault("UTF-16 with half of a surrogate pair", (MalformedOutput, "describe"), || {
        let texts = Guest::idle().encoded(StringEncoding::UTF16);
        texts.named(&[0x61, 0, 0, 0xd8]).word(1, 2)
    }),
    fault("UTF-16 at an odd address", (MalformedOutput, "describe"), || {
        Guest::idle().encoded(StringEncoding::UTF16).word(0, 1_025)
    }),
    fault("UTF-16 that is twice as long as its memory", (MalformedOutput, "describe"), || {
        Guest::idle().encoded(StringEncoding::UTF16).word(1, 40_000)
    }),
];

/// A pointer to the list of intents that is itself no pointer.
fn returns(pointer: &str) -> Guest {
    Guest::idle()
        .body("on-trade", "i32.const 1")
        .body("take-intents", &format!("i32.const {pointer}"))
}

fn list(at: u32, count: u32) -> Guest {
    Guest::idle().body("on-trade", "i32.const 1").hands_over_list(at, count)
}

const POINTERS: &[Attack] = &[
    fault("an answer at the last byte of its memory", MALFORMED_INTENT, || returns("65535")),
    fault("an answer beyond its memory", MALFORMED_INTENT, || returns("65536")),
    fault("an answer at the last address that there is", MALFORMED_INTENT, || returns("-4")),
    fault("an answer at an odd address", MALFORMED_INTENT, || returns("129")),
    fault("a list of 4,294,967,295 intents", MALFORMED_INTENT, || list(8_192, u32::MAX)),
    fault("a list whose size is more than a number holds", MALFORMED_INTENT, || {
        list(8_192, 1 << 30)
    }),
    fault("a list that ends one byte beyond its memory", MALFORMED_INTENT, || list(65_392, 1)),
    fault("a list at an odd address", MALFORMED_INTENT, || list(8_193, 1)),
    fault("a list that wraps around the end of addresses", MALFORMED_INTENT, || {
        list(0xffff_ff00, 2)
    }),
    fault("a state of four billion bytes", (MalformedOutput, "save"), || {
        Guest::idle().saves(0, u32::MAX)
    }),
    fault("a state beyond its memory", (MalformedOutput, "save"), || {
        Guest::idle().saves(65_535, 2)
    }),
    fault("a name of four billion bytes", (MalformedOutput, "describe"), || {
        Guest::idle().word(1, u32::MAX)
    }),
    fault("a description at the last byte of its memory", (MalformedOutput, "describe"), || {
        Guest::idle().body("describe", "i32.const 65532")
    }),
    fault("a log line beyond its memory", (MalformedOutput, "on-trade"), || {
        Guest::idle().does("on-trade", "(call $log (i32.const 1) (i32.const 65530) (i32.const 7))")
    }),
    fault("a log line that wraps around the end", (MalformedOutput, "on-trade"), || {
        Guest::idle().does("on-trade", "(call $log (i32.const 1) (i32.const -2) (i32.const 4))")
    }),
];

const ALLOCATORS: &[Attack] = &[
    fault("an allocator that traps", (Trap, "start"), || Guest::idle().realloc("unreachable")),
    fault("an allocator that points beyond its memory", (MalformedOutput, "start"), || {
        Guest::idle().realloc("i32.const -16")
    }),
    fault("an allocator that points to the last byte", (MalformedOutput, "start"), || {
        Guest::idle().realloc("i32.const 65535")
    }),
    fault("an allocator that points to odd addresses", (MalformedOutput, "start"), || {
        Guest::idle().realloc("i32.const 24577")
    }),
    contained(
        "an allocator that always points to the same place",
        ("its own memory", "it overwrites what it was told with itself"),
        || Guest::idle().realloc("i32.const 24576"),
        unharmed,
    ),
    contained(
        "an allocator that points to its own description",
        ("its own memory", "nobody asks for it again"),
        || Guest::idle().realloc("i32.const 64"),
        unharmed,
    ),
    fault("an allocator that calls the log", (Trap, "start"), || {
        Guest::idle().before_realloc("(call $log (i32.const 1) (i32.const 1024) (i32.const 8))")
    }),
    fault("an allocator that calls an export", (FuelExhausted, "start"), || {
        Guest::idle()
            .before_realloc("(drop (call $describe))")
            .does(
                "describe",
                "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                (if (i32.gt_u (global.get $calls) (i32.const 1)) (then (loop br 0)))",
            )
            .extra("(global $calls (mut i32) (i32.const 0))")
    }),
];

const CALLS: &[Attack] = &[
    fault("calls the log after the host has read its intents", (Trap, "take-intents"), || {
        let log = "(call $log (i32.const 1) (i32.const 1024) (i32.const 8))";
        Guest::idle().asks(&[Wish::cancel(1)]).post_return("take-intents", log)
    }),
    fault("traps after the host has read its intents", (Trap, "take-intents"), || {
        Guest::idle().asks(&[buy()]).post_return("take-intents", "unreachable")
    }),
    fault("traps after the host has read its description", (Trap, "describe"), || {
        Guest::idle().post_return("describe", "unreachable")
    }),
    fault("traps after the host has read its state", (Trap, "save"), || {
        Guest::idle().post_return("save", "unreachable")
    }),
    fault("panics while it is told of an order", (Trap, "on-order"), || {
        Guest::idle().asks_once(&[buy()]).body("on-order", "unreachable")
    }),
    fault("divides by zero", (Trap, "on-trade"), || {
        Guest::idle().does("on-trade", "(drop (i32.div_u (i32.const 1) (i32.const 0)))")
    }),
    fault("reads beyond its memory", (Trap, "on-trade"), || {
        Guest::idle().does("on-trade", "(drop (i32.load (i32.const -4)))")
    }),
    fault("writes beyond its memory", (Trap, "on-trade"), || {
        Guest::idle().does("on-trade", "(i64.store offset=4294967295 (i32.const -1) (i64.const 1))")
    }),
    fault("calls a function by the type of another", (Trap, "on-trade"), || {
        Guest::idle()
            .extra(
                "(type $two (func (param i64 i64))) (table 1 funcref) (elem (i32.const 0) $stop)",
            )
            .does(
                "on-trade",
                "(call_indirect (type $two) (i64.const 1) (i64.const 2) (i32.const 0))",
            )
    }),
    fault("calls what is not in its table", (Trap, "on-trade"), || {
        Guest::idle()
            .extra("(type $none (func)) (table 1 funcref)")
            .does("on-trade", "(call_indirect (type $none) (i32.const 1000000))")
    }),
    fault("names of functions with terminal escapes, in a panic", (Trap, "\\u{1b}[2J"), || {
        Guest::idle()
            .extra("(func $\"\\1b[2J over\\0d\\0a\" unreachable)")
            .does("on-trade", "(call $\"\\1b[2J over\\0d\\0a\")")
    }),
];

/// A component within the strategy that has a kind of resource, and does this as it is made.
fn with_handles(what: &str) -> Plan {
    let within = format!(
        "(type $r (resource (rep i32)))
         (core func $drop (canon resource.drop $r))
         (core func $new (canon resource.new $r))
         (core func $rep (canon resource.rep $r))
         (core module $m
           (import \"\" \"drop\" (func $drop (param i32)))
           (import \"\" \"new\" (func $new (param i32) (result i32)))
           (import \"\" \"rep\" (func $rep (param i32) (result i32)))
           (func $go {what}) (start $go))
         (core instance (instantiate $m (with \"\" (instance
           (export \"drop\" (func $drop)) (export \"new\" (func $new))
           (export \"rep\" (func $rep))))))"
    );
    Plan::of(with_component(Guest::idle().component(), &within))
}

const HANDLES: &[Attack] = &[
    planned(
        "drops a handle that it never had",
        Ends::Fault(MalformedOutput, "instantiation"),
        || with_handles("(call $drop (i32.const 42))"),
    ),
    planned("drops a handle twice", Ends::Fault(MalformedOutput, "instantiation"), || {
        with_handles(
            "(local i32) (local.set 0 (call $new (i32.const 7)))
             (call $drop (local.get 0)) (call $drop (local.get 0))",
        )
    }),
    planned(
        "reads what is behind a forged handle",
        Ends::Fault(MalformedOutput, "instantiation"),
        || with_handles("(drop (call $rep (i32.const -1)))"),
    ),
    planned("makes handles without end", Ends::Fault(MalformedOutput, "instantiation"), || {
        with_handles("(loop (drop (call $new (i32.const 7))) (br 0))")
    }),
    Attack {
        name: "a constructor within a component within, without end",
        make: Make::Bytes(|| {
            let spins = "(core module $m (func $go (loop br 0)) (start $go))
                (core instance (instantiate $m))";
            with_component(Guest::idle().component(), spins)
        }),
        ends: Ends::Fault(FuelExhausted, "instantiation"),
    },
    fault("a text of 1 GiB in a memory that has it not", (MalformedOutput, "describe"), || {
        Guest::idle().word(4, 4).word(5, 1 << 30)
    }),
    fault("64 intents behind one log line of 60 KiB", (OutputExceeded, "on-trade"), || {
        Guest::idle()
            .pages(4)
            .does("on-trade", "(call $log (i32.const 1) (i32.const 65536) (i32.const 70000))")
    }),
];
