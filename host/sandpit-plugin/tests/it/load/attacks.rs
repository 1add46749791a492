//! Files made to exhaust, confuse or slip past whoever loads them; all are whole files and go the
//! whole way. The list is that of what befell other hosts.

use std::time::{Duration, Instant};

use sandpit_plugin::{ComponentFile, RefusalCode};
use wasmparser::{Parser, Payload};

use super::{code, open_loader};
use crate::support::Guest;

/// The longest that a refusal may take, on a machine with other things to do.
const REFUSED_WITHIN: Duration = Duration::from_secs(10);

/// What is refused, with this code, soon.
fn refused(what: &str, bytes: &[u8], expected: RefusalCode) {
    let begun = Instant::now();
    assert_eq!(code(&open_loader(), bytes), expected, "{what}");
    assert!(begun.elapsed() < REFUSED_WITHIN, "{what}: {:?}", begun.elapsed());
}

fn component(fields: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {fields})")).unwrap_or_else(|error| panic!("{error}"))
}

fn in_module(fields: &str) -> Vec<u8> {
    component(&format!("(core module {fields})"))
}

/// A section to put after others.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut section = vec![id];
    let mut rest = content.len();
    while rest >= 0x80 {
        section.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    section.push(rest.to_le_bytes()[0]);
    section.extend_from_slice(content);
    section
}

#[test]
fn custom_sections_of_a_hundred_megabytes() {
    let strategy = Guest::idle().component();
    let with = |bytes: usize| [&strategy[..], &section(0, &vec![0; bytes])].concat();
    refused("100 MB", &with(100 << 20), RefusalCode::TooLarge);
    refused("60 MB", &with(60 << 20), RefusalCode::TooMany);
    let many = section(0, &[0; 1 << 20]).repeat(60);
    refused("60 of 1 MB", &[&strategy[..], &many].concat(), RefusalCode::TooMany);
    // Sections that claim more than there is.
    for claim in [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0x80, 0x80, 0x80, 0x80, 0x10], &[5]] {
        for id in 0..=12 {
            let claims = [&strategy[..], &[id], claim].concat();
            refused("a claim", &claims, RefusalCode::Malformed);
        }
    }
}

#[test]
fn a_million_of_anything() {
    let types = |count| "(type (func))".repeat(count);
    refused("types", &component(&types(1_000_000)), RefusalCode::TooMany);
    refused("core types", &in_module(&types(1_000_000)), RefusalCode::TooMany);
    let exports: String = (0..100_000).map(|n| format!("(export \"e{n}\" (func 0))")).collect();
    refused("exports", &in_module(&format!("(func) {exports}")), RefusalCode::TooMany);
    let segments = format!("(memory 1) {}", "(data (i32.const 0))".repeat(40_000));
    refused("data segments", &in_module(&segments), RefusalCode::TooMany);
    let elements = format!("(table 1 funcref) {}", "(elem (i32.const 0))".repeat(40_000));
    refused("element segments", &in_module(&elements), RefusalCode::TooMany);
    let imports: String = (0..10_000).map(|n| format!("(import \"m\" \"i{n}\" (func))")).collect();
    refused("imports", &in_module(&imports), RefusalCode::TooMany);
    refused("modules", &component(&"(core module)".repeat(10_000)), RefusalCode::TooMany);
    let instances = format!("(core module) {}", "(core instance (instantiate 0))".repeat(10_000));
    refused("instances", &component(&instances), RefusalCode::TooMany);
}

#[test]
fn everything_within_everything() {
    let header = b"\0asm\x0d\0\x01\0".as_slice();
    let deep = (0..1_000).fold(header.to_vec(), |inner, _| [header, &section(4, &inner)].concat());
    refused("components", &deep, RefusalCode::TooMany);
    let lists: String = (0..19_000).map(|n| format!("(type (list {n}))")).collect();
    let lists = component(&format!("(type u8) {lists}"));
    refused("types of types", &lists, RefusalCode::Malformed);
    // Each twice the one before: two to the power of ninety in all.
    let pairs: String = (0..90).map(|n| format!("(type (tuple {n} {n}))")).collect();
    refused("pairs", &component(&format!("(type u8) {pairs}")), RefusalCode::Malformed);
    // As many doublings as are still valid, in what is compared with the contract.
    let pairs: String = (0..17).map(|n| format!("(type (tuple {n} {n}))")).collect();
    let import = format!(
        "(import \"sandpit:strategy/types@0.1.0\"
           (instance (type u8) {pairs} (export \"timestamp\" (type (eq 17)))))
         (instance $i) (export \"sandpit:strategy/handlers@0.1.0\" (instance $i))"
    );
    refused("pairs in an import", &component(&import), RefusalCode::TypesDiffer);
    let blocks = format!("(func {} {})", "(block ".repeat(50_000), ")".repeat(50_000));
    let begun = Instant::now();
    // The text parser has bounds of its own; what it takes is answered.
    if let Ok(bytes) = wat::parse_str(format!("(component (core module {blocks}))")) {
        refused("blocks", &bytes, RefusalCode::NotAStrategy);
    }
    assert!(begun.elapsed() < REFUSED_WITHIN);
}

#[test]
fn names_that_are_nearly_right() {
    for name in [
        "sandpit:strategy/logging",
        "sandpit:strategy/loggin@0.1.0",
        "sandpit:strategy/logging-ext@0.1.0",
        "sandpit:strategy/handlers@0.1.0",
        "sandpit:strategies/logging@0.1.0",
        "sandpits:strategy/logging@0.1.0",
        "sandpit:strategy-x/logging@0.1.0",
        "x-sandpit:strategy/logging@0.1.0",
        "logging",
        "wasi:logging/logging@0.1.0",
        "wasi:sockets/tcp@0.2.0",
    ] {
        let import = component(&format!("(import \"{name}\" (instance))"));
        refused(name, &import, RefusalCode::ForeignImport);
    }
    for version in ["0.1.0-rc.1", "0.1.0+build", "0.0.9", "0.2.0", "1.0.0", "0.11.0", "10.1.0"] {
        let name = format!("sandpit:strategy/logging@{version}");
        let import = component(&format!("(import \"{name}\" (instance))"));
        refused(&name, &import, RefusalCode::UnsupportedContract);
    }
    // What is no name at all is written past the text parser: same length, other bytes.
    let right = component("(import \"sandpit:strategy/logging@0.1.0\" (instance))");
    let text = b"sandpit:strategy/logging@0.1.0";
    let at = right.windows(text.len()).position(|window| window == text).unwrap();
    for other in [
        &b"Sandpit:strategy/logging@0.1.0"[..],
        b"sandpit:strategy/loggin\xd0\xb4@.1.0",
        b"sandpit:strategy/logging@0.1.\0",
        b"sandpit:strategy/logging@0.1.\n",
        b"sandpit:strategy/logging@00.10",
        b"sandpit:strategy/../etc@0.1.0x",
        b"sandpit;strategy/logging@0.1.0",
        b"\xff\xfe\xfdsandpit:strategy/log@0.1.0",
    ] {
        let mut changed = right.clone();
        let mut other = other.to_vec();
        other.resize(text.len(), b'x');
        changed[at..at + text.len()].copy_from_slice(&other);
        let code = code(&open_loader(), &changed);
        assert!(
            matches!(code, RefusalCode::Malformed | RefusalCode::ForeignImport),
            "{:?}: {code:?}",
            String::from_utf8_lossy(&other)
        );
    }
    let twice = "(import \"sandpit:strategy/logging@0.1.0\" (instance))
        (import \"sandpit:strategy/logging@0.1.9\" (instance))
        (instance $i) (export \"sandpit:strategy/handlers@0.1.0\" (instance $i))";
    refused("two versions", &component(twice), RefusalCode::MixedContracts);
}

/// How many components a component has directly in it.
fn components_in(bytes: &[u8]) -> u32 {
    let (mut depth, mut found) = (0, 0);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentSection { .. } if depth == 1 => found += 1,
            _ => {}
        }
    }
    found
}

#[test]
fn a_component_within_gets_nothing_that_the_outer_one_does_not_have() {
    let strategy = Guest::idle().component();
    let hidden = component("(import \"wasi:sockets/tcp@0.2.0\" (instance))");
    // Where nobody makes an instance of it, it is dead weight.
    let idle = [&strategy[..], &section(4, &hidden)].concat();
    let loaded = open_loader().load(&ComponentFile::unsigned(idle.clone())).unwrap();
    assert!(loaded.checked.imports().iter().all(|name| name.starts_with("sandpit:strategy/")));
    // An instance of it needs what it imports, and nobody has that.
    let index = u8::try_from(components_in(&strategy)).unwrap();
    let instance = section(5, &[1, 0, index, 0]);
    refused("an instance", &[idle, instance].concat(), RefusalCode::Malformed);
}

#[test]
fn what_is_something_else_under_our_name() {
    let strategy = Guest::idle().component();
    let prepared = open_loader().prepare(&ComponentFile::unsigned(strategy.clone())).unwrap();
    refused("a .cwasm", prepared.compiled.code(), RefusalCode::NativeCode);
    refused("a core module", &Guest::idle().module(), RefusalCode::CoreModule);
    refused("text", Guest::idle().wat().as_bytes(), RefusalCode::Text);
    let marked = [b"\xef\xbb\xbf", Guest::idle().wat().as_bytes()].concat();
    assert!(matches!(code(&open_loader(), &marked), RefusalCode::Text | RefusalCode::NotWasm));
    // Machine code behind a component's header, and a component behind that of machine code.
    let posing = [&strategy[..8], prepared.compiled.code()].concat();
    refused("code behind a header", &posing, RefusalCode::Malformed);
    let posing = [b"\x7fELF", &strategy[..]].concat();
    refused("a header before a component", &posing, RefusalCode::NativeCode);
    let two = [&strategy[..], &strategy].concat();
    refused("two in one", &two, RefusalCode::Malformed);
    refused("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\xff", RefusalCode::NotWasm);
}

#[test]
fn a_component_cut_anywhere_is_refused_or_still_itself() {
    let strategy = Guest::idle().component();
    let loader = open_loader();
    for cut in 0..strategy.len() {
        let loaded = loader.prepare(&ComponentFile::unsigned(strategy[..cut].to_owned()));
        if let Ok(prepared) = loaded {
            assert_eq!(prepared.checked.exports(), ["sandpit:strategy/handlers@0.1.0"]);
        }
    }
}

/// What a validator does for one byte grows with the width of types: tables of branches to wide
/// blocks, calls of wide functions, blocks within wide blocks.
#[test]
fn code_that_is_dear_to_validate() {
    for width in [1, 16, 64, 256] {
        let types = "i32 ".repeat(width);
        let wide = format!("(type $t (func (param {types}) (result {types})))");
        let targets = "0 ".repeat(60_000);
        let tables = format!("unreachable br_table {targets} ").repeat(16);
        let function = format!("(func unreachable (block (type $t) {tables}) unreachable)");
        let tables = in_module(&format!("{wide} {}", function.repeat(20)));
        let calls = format!("(func (type $t) unreachable {})", "call 0 ".repeat(500_000));
        let calls = in_module(&format!("{wide} {}", calls.repeat(10)));
        let blocks = "loop (type $t) end ".repeat(250_000);
        let blocks = format!("(func unreachable {blocks} unreachable)");
        let blocks = in_module(&format!("{wide} {}", blocks.repeat(10)));
        for (what, bytes) in [("branches", tables), ("calls", calls), ("blocks", blocks)] {
            let begun = Instant::now();
            let code = code(&open_loader(), &bytes);
            let taken = begun.elapsed();
            assert!(taken < REFUSED_WITHIN, "{what} {width}: {code:?}, {taken:?}");
            // Not a strategy, or not even valid: what counts is how soon that is said.
            let ends = [RefusalCode::TooMany, RefusalCode::NotAStrategy, RefusalCode::Malformed];
            assert!(ends.contains(&code), "{what} {width}: {code:?}");
            assert!(width < 64 || what != "branches" || code == RefusalCode::TooMany);
        }
    }
}
