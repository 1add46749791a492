//! Attacks that carry something out, or look for something that a strategy has no business with.
//! What asks for clocks, random numbers, files or the network is in `load`: it is not let in.

use sandpit_core::{order::Order, risk::DenialCode};

use crate::{
    attack::{Attack, Ends, contained, denied, fault, planned, so, unharmed},
    guest::Guest,
    harness::Tests,
    stage::{OTHER, Plan, Seen, play},
    wish::{BUY, KIND_PAYLOAD_AT, QUANTITY_AT, Wish},
};

pub(crate) const TESTS: &[Tests] = &[
    Tests::Attacks("exfiltration", ATTACKS),
    Tests::One("exfiltration: tags change nothing that leaves", tags_change_nothing_that_leaves),
];

pub(crate) const ATTACKS: &[&[Attack]] = &[TAGS, TEXTS, NUMBERS, CHANNELS];

/// What is to be carried out, eight bytes at a time.
const SECRET: &[u8; 64] = b"the key is 5f0c9be2a7d14e83, and here are the positions of all !";

/// Orders whose tags are the secret's bytes.
fn tagged(change: fn(u64) -> u64) -> Guest {
    let tags = SECRET.chunks_exact(8).map(|eight| u64::from_le_bytes(eight.try_into().unwrap()));
    let wishes: Vec<_> =
        tags.map(|tag| Wish::place(change(tag), OTHER, BUY, 1).limit(10_000)).collect();
    Guest::idle().asks_once(&wishes)
}

/// The host's names of orders are run, plugin and a number that it counts itself.
fn ids_are_the_hosts(seen: &Seen) -> Result<(), String> {
    unharmed(seen)?;
    so(seen.submitted.len() == 8, || format!("{} sent", seen.submitted.len()))?;
    for order in &seen.submitted {
        let expected = format!("sp-5a-1-{:x}", order.id.sequence);
        so(order.id.to_string() == expected, || order.id.to_string())?;
        so(order.id.sequence < 10_000, || format!("{} is no count", order.id.sequence))?;
    }
    Ok(())
}

/// An order as the venue hears of it: without its plugin's own name of it.
fn without_tag(order: &Order) -> Order {
    Order { tag: sandpit_core::ids::OrderTag(0), ..order.clone() }
}

fn tags_change_nothing_that_leaves() {
    let sent = |change: fn(u64) -> u64| {
        let seen = play(&Plan::of(tagged(change).component()));
        ids_are_the_hosts(&seen).unwrap();
        seen.submitted
    };
    let (said, plain) = (sent(|tag| tag), sent(|tag| tag ^ u64::MAX));
    assert!(said.iter().zip(&plain).all(|(one, other)| one.tag != other.tag));
    let without = |orders: &[Order]| orders.iter().map(without_tag).collect::<Vec<_>>();
    assert_eq!(without(&said), without(&plain));
}

const TAGS: &[Attack] = &[
    contained(
        "carries data in the tags of its orders",
        ("host's own ids", "no byte of a tag leaves: ids are run, plugin and a count"),
        || tagged(|tag| tag),
        ids_are_the_hosts,
    ),
    contained(
        "carries data in the numbers of its timers",
        ("timers", "they stay within the engine"),
        || {
            let numbers = SECRET.chunks_exact(4).map(|four| four.try_into().unwrap());
            let timers: Vec<_> =
                numbers.map(|four| Wish::timer(u32::from_le_bytes(four), u64::MAX, None)).collect();
            Guest::idle().asks_once(&timers)
        },
        |seen| {
            unharmed(seen)?;
            so(seen.submitted.is_empty(), || format!("{:?}", seen.submitted))
        },
    ),
];

/// One line, as it has to come out.
fn lines_are(seen: &Seen, expected: &str) -> Result<(), String> {
    unharmed(seen)?;
    let wrong = seen.lines.iter().find(|line| !line.ends_with(expected));
    so(wrong.is_none() && !seen.lines.is_empty(), || format!("{wrong:?}"))?;
    let unsafe_line = seen.lines.iter().find(|line| line.contains(char::is_control));
    so(unsafe_line.is_none(), || format!("{unsafe_line:?}"))
}

const TEXTS: &[Attack] = &[
    contained(
        "terminal escapes in its log",
        ("escaping", "it is one line of plain text"),
        || Guest::idle().logs(b"\x1b]0;owned\x07\x1b[31mred\x1b[2J"),
        |seen| lines_are(seen, "\\u{1b}]0;owned\\u{7}\\u{1b}[31mred\\u{1b}[2J"),
    ),
    contained(
        "line breaks in its log, to forge a line of the host",
        ("escaping", "it is one line of plain text"),
        || Guest::idle().logs(b"x\r\n2026-01-01 INFO host: all is well"),
        |seen| lines_are(seen, "x\\r\\n2026-01-01 INFO host: all is well"),
    ),
    contained(
        "marks that turn the direction of text, in its log",
        ("escaping", "they are shown as numbers"),
        || Guest::idle().logs("a\u{202e}b\u{2066}c\u{200f}".as_bytes()),
        |seen| lines_are(seen, "a\\u{202e}b\\u{2066}c\\u{200f}"),
    ),
    contained(
        "eight-bit control characters in its log",
        ("escaping", "they are shown as numbers"),
        || Guest::idle().logs("\u{9b}31m\u{85}x\u{2028}".as_bytes()),
        |seen| lines_are(seen, "\\u{9b}31m\\u{85}x\\u{2028}"),
    ),
    contained(
        "zeros in its log",
        ("escaping", "they are shown as numbers"),
        || Guest::idle().logs(b"a\0b"),
        |seen| lines_are(seen, "a\\u{0}b"),
    ),
    contained(
        "lines of 60,000 bytes in its log",
        ("log: line length", "each is cut at 1 KiB"),
        || {
            Guest::idle().logs(&[b'x'; 4_000]).does(
                "on-trade",
                "(memory.fill (i32.const 4096) (i32.const 120) (i32.const 60000))
             (call $log (i32.const 1) (i32.const 4096) (i32.const 60000))",
            )
        },
        |seen| {
            unharmed(seen)?;
            let longest = seen.lines.iter().map(String::len).max().unwrap_or(0);
            so((1_024..1_100).contains(&longest), || format!("{longest} bytes"))
        },
    ),
    contained(
        "a flood of log lines",
        ("log: budget", "16 KiB a second of the market's time; the rest is dropped and counted"),
        || {
            Guest::idle().data(4_096, &[b'x'; 1_000]).does(
                "on-trade",
                "(local.set $i (i32.const 200))
                 (loop (call $log (i32.const 1) (i32.const 4096) (i32.const 1000))
                   (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))",
            )
        },
        |seen| {
            unharmed(seen)?;
            let bytes: usize = seen.lines.iter().map(String::len).sum();
            let dropped = seen.stats[0].log_lines_dropped;
            so(bytes < 26 * 16_384 * 11 / 10 && dropped > 90_000, || {
                format!("{bytes} bytes, {dropped} dropped")
            })
        },
    ),
    contained(
        "a flood of empty log lines",
        ("log: budget", "an empty line is not free either"),
        || {
            Guest::idle().does(
                "on-trade",
                "(local.set $i (i32.const 1000))
                 (loop (call $log (i32.const 1) (i32.const 0) (i32.const 0))
                   (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))",
            )
        },
        |seen| {
            unharmed(seen)?;
            let (kept, dropped) = (seen.lines.len(), seen.stats[0].log_lines_dropped);
            so(kept <= 26 * 16_384 && dropped > 0, || format!("{kept} kept, {dropped} dropped"))
        },
    ),
    fault(
        "terminal escapes in its reason to refuse the session",
        (sandpit_core::plugin::FaultCode::StartRefused, "\\u{1b}]52;c;"),
        || {
            let words = b"\x1b]52;c;cGF5bG9hZA==\x07";
            Guest::idle().data(2_048, words).refuses("start", 2_048, 20)
        },
    ),
];

const NUMBERS: &[Attack] = &[
    denied("data in the low digits of a price, off the tick", DenialCode::PriceOffTick, || {
        Guest::idle().asks_once(&[Wish::place(1, OTHER, BUY, 1).limit(10_001)])
    }),
    denied("data in digits of a price that the market has not", DenialCode::BadNumber, || {
        let wish = Wish::place(1, OTHER, BUY, 1).limit(1_000_000_007);
        Guest::idle().asks_once(&[wish.byte(KIND_PAYLOAD_AT + 8, 6)])
    }),
    denied("data in digits of a quantity that the market has not", DenialCode::BadNumber, || {
        let wish = Wish::place(1, OTHER, BUY, 1_000_000_007);
        Guest::idle().asks_once(&[wish.byte(QUANTITY_AT + 8, 9)])
    }),
    contained(
        "data in how a number is written",
        ("grid", "the venue gets the number, not its form"),
        || {
            let plain = Wish::place(1, OTHER, BUY, 1).limit(10_000);
            let long = Wish::place(2, OTHER, BUY, 1_000_000)
                .byte(QUANTITY_AT + 8, 6)
                .limit(1_000_000_000)
                .byte(KIND_PAYLOAD_AT + 8, 6);
            Guest::idle().asks_once(&[plain, long])
        },
        |seen| {
            unharmed(seen)?;
            let [first, second] = &seen.submitted[..] else {
                return Err(format!("{:?}", seen.submitted));
            };
            let is_same = first.quantity == second.quantity && first.kind == second.kind;
            so(is_same, || format!("{first:?} {second:?}"))
        },
    ),
    contained(
        "reads the machine from the bits of a NaN",
        ("canonical NaNs", "they are the same on every machine"),
        || {
            // The bits of zero by zero, and of a NaN with a payload that went through the processor.
            Guest::idle()
                .body(
                    "save",
                    "(f64.store (i32.const 640)
                       (f64.div (f64.load (i32.const 700)) (f64.load (i32.const 700))))
                     (f64.store (i32.const 648)
                       (f64.mul (f64.load (i32.const 708)) (f64.const 2)))
                     (i32.store (i32.const 136) (i32.const 640))
                     (i32.store (i32.const 140) (i32.const 16)) i32.const 136",
                )
                .data(708, &0x7ff4_dead_beef_cafe_u64.to_le_bytes())
        },
        |seen| {
            unharmed(seen)?;
            let canonical = 0x7ff8_0000_0000_0000_u64.to_le_bytes();
            so(seen.saved == [[canonical, canonical].concat()], || format!("{:x?}", seen.saved))
        },
    ),
];

const CHANNELS: &[Attack] = &[
    planned(
        "finds out the host's limits by asking for ever more",
        Ends::Contained {
            wall: "risk: words",
            what: "it is told a code, and no number",
            check: |seen| {
                unharmed(seen)?;
                let told: Vec<_> = seen.told.iter().map(|event| format!("{event:?}")).collect();
                let denied: Vec<_> = told.iter().filter(|text| text.contains("Denied")).collect();
                let numbers = denied.iter().find(|text| text.contains("limit"));
                so(denied.len() == 20 && numbers.is_none(), || format!("{denied:?}"))
            },
        },
        || {
            let wishes: Vec<_> = (0..20)
                .map(|n| Wish::place(n, OTHER, BUY, 100_000 + 1_000 * n.cast_signed()))
                .collect();
            Plan::of(Guest::idle().asks_once(&wishes).component())
        },
    ),
    contained(
        "tells its neighbour something by how much memory it takes",
        ("memory of its own", "the neighbour cannot see it"),
        || {
            let grow = "(if (i64.eqz (i64.rem_u (local.get 1) (i64.const 7)))
                (then (drop (memory.grow (i32.const 1)))))";
            Guest::idle().does("on-trade", grow)
        },
        unharmed,
    ),
    contained(
        "tells its neighbour something by how long it takes",
        ("market's time", "the neighbour has no other clock"),
        || {
            Guest::idle().does(
                "on-trade",
                "(if (i64.eqz (i64.rem_u (local.get 2) (i64.const 3))) (then
                   (local.set $i (i32.const 1000000))
                   (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))))",
            )
        },
        unharmed,
    ),
    contained(
        "reads memory that it has just been given, for what others left there",
        ("fresh memory", "it is all zeros"),
        || {
            let looks = "(drop (memory.grow (i32.const 256)))
                (local.set $i (i32.const 65536))
                (loop
                  (if (i64.ne (i64.load (local.get $i)) (i64.const 0)) (then unreachable))
                  (br_if 0 (i32.lt_u
                    (local.tee $i (i32.add (local.get $i) (i32.const 8)))
                    (i32.const 8388608))))";
            Guest::idle().does("stop", looks)
        },
        unharmed,
    ),
    contained(
        "reads variables that it never set, for what others left there",
        ("fresh variables", "they are all zeros"),
        || {
            let locals = "i64 ".repeat(1_000);
            let sum: Vec<_> = (0..1_000).map(|n| format!("(i64.or (local.get {n}))")).collect();
            let or = format!("(i64.const 0) {}", sum.concat());
            let reads = format!("(func $left (result i64) (local {locals}) {or})");
            let looks = "(if (i64.ne (call $left) (i64.const 0)) (then unreachable))";
            Guest::idle().extra(&reads).does("on-trade", looks)
        },
        unharmed,
    ),
];
