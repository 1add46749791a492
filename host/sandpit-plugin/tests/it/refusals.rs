//! Files that are not loaded, each with its one clear line.

use sandpit_plugin::{CheckError, EncodeError, check, encode};

use crate::support::{Guest, embed, engine};

fn refused(bytes: &[u8], expected: &str) -> CheckError {
    let error = check(bytes).unwrap_err();
    let line = error.to_string();
    assert!(line.contains(expected), "{line}");
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(line.len() < 700, "{line}");
    error
}

#[test]
fn a_plain_strategy_passes() {
    let checked = Guest::idle().checked();
    assert_eq!(checked.contract(), "0.1.0");
    assert!(checked.imports().iter().all(|name| name.starts_with("sandpit:strategy/")));
    assert_eq!(checked.exports(), ["sandpit:strategy/handlers@0.1.0"]);
    assert_eq!(checked.sha256_hex().len(), 64);
    engine().compile(&checked).unwrap();
}

#[test]
fn what_is_no_component() {
    refused(b"", "the file is empty");
    refused(b"\0as", "truncated");
    refused(b"\0asm\x0d\0", "truncated");
    refused(&Guest::idle().module(), "core module, not a component");
    refused(b"\x7fELF\x02\x01\x01", "native code");
    refused(b"\0asm\x63\0\x01\0\0\0\0\0", "unknown binary version (1.99)");
    refused(b"PK\x03\x04\x14\0\0\0\x08\0\x9e\xff", "no WebAssembly");
    refused(b"(component)", "the file is text");
    refused(Guest::idle().wat().as_bytes(), "the file is text");
}

#[test]
fn compiled_code_of_wasmtime_is_native_code() {
    // What `wasmtime compile` writes, and what a `.cwasm` renamed to `.wasm` is.
    let engine = wasmtime::Engine::default();
    let compiled = engine.precompile_component(&Guest::idle().component()).unwrap();
    refused(&compiled, "native code");
}

#[test]
fn a_component_cut_anywhere() {
    let component = Guest::idle().component();
    let whole: Vec<_> =
        (0..component.len()).filter(|cut| check(&component[..*cut]).is_ok()).collect();
    // Without its last sections, names and what tool made it, it is still the same strategy.
    assert!(whole.len() <= 2 && whole.iter().all(|cut| component[*cut] == 0), "{whole:?}");
}

#[test]
fn random_and_mutated_bytes_are_refused_or_compile() {
    // A small generator with a fixed seed: the same bytes in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..2_000 {
        let length = usize::try_from(random() % 256).unwrap();
        let mut bytes: Vec<u8> = (0..length).map(|_| random().to_le_bytes()[0]).collect();
        check(&bytes).unwrap_err();
        bytes.splice(0..0, *b"\0asm\x0d\0\x01\0");
        // The empty component is valid, and no strategy.
        check(&bytes).unwrap_err();
    }
    let component = Guest::idle().component();
    let engine = engine();
    for _ in 0..500 {
        let mut mutated = component.clone();
        let at = usize::try_from(random()).unwrap_or(usize::MAX) % mutated.len();
        mutated[at] ^= 1 << (random() % 8);
        if let Ok(checked) = check(&mutated) {
            let _ = engine.compile(&checked);
        }
    }
}

#[test]
fn a_component_of_another_world() {
    let contract = "package other:things@1.0.0; world thing { export run: func(); }";
    let module = embed("(module (func (export \"run\")))", contract, "thing");
    refused(
        &encode(&module).unwrap(),
        "no strategy: it does not export `sandpit:strategy/handlers`, but `run`",
    );
    refused(b"\0asm\x0d\0\x01\0", "but nothing");
}

#[test]
fn an_import_outside_the_contract() {
    let contract = "package other:things@1.0.0;
        interface clock { now: func() -> u64; }
        world thing { import clock; export run: func(); }";
    let wat = "(module (import \"other:things/clock@1.0.0\" \"now\" (func (result i64)))
        (func (export \"run\")))";
    refused(
        &encode(&embed(wat, contract, "thing")).unwrap(),
        "imports `other:things/clock@1.0.0`, which is outside the contract",
    );
}

#[test]
fn imports_that_look_like_the_contract() {
    for (import, expected) in [
        ("(import \"sandpit:strategy/logging\" (instance))", "outside the contract"),
        ("(import \"sandpit:strategy/loggin@0.1.0\" (instance))", "outside the contract"),
        ("(import \"sandpit:strategy/handlers@0.1.0\" (instance))", "outside the contract"),
        ("(import \"sandpit:strategies/logging@0.1.0\" (instance))", "outside the contract"),
        ("(import \"sandbox:strategy/logging@0.1.0\" (instance))", "outside the contract"),
        ("(import \"log\" (func))", "outside the contract"),
        ("(import \"sandpit:strategy/logging@0.1.0\" (func))", "outside the contract"),
        ("(import \"sandpit:strategy/logging@0.1.0\" (component))", "outside the contract"),
        ("(import \"sandpit:strategy/logging@0.2.0\" (instance))", "this host serves 0.1"),
        ("(import \"sandpit:strategy/logging@1.1.0\" (instance))", "version 1.1.0 of the contract"),
        (
            "(import \"sandpit:strategy/logging@0.1.0-rc.1\" (instance))",
            "version 0.1.0-rc.1 of the contract",
        ),
        (
            "(import \"wasi:cli/environment@0.2.0\" (instance))",
            "imports `wasi:cli/environment@0.2.0`",
        ),
    ] {
        let component = wat::parse_str(format!("(component {import})")).unwrap();
        refused(&component, expected);
    }
}

#[test]
fn handlers_of_another_version() {
    for (version, expected) in
        [("0.2.0", "version 0.2.0"), ("1.0.0", "version 1.0.0"), ("0.0.1", "version 0.0.1")]
    {
        let component = wat::parse_str(format!(
            "(component (instance $i) (export \"sandpit:strategy/handlers@{version}\" (instance $i)))"
        ))
        .unwrap();
        refused(&component, expected);
    }
    let mixed = "(component (import \"sandpit:strategy/types@0.1.1\" (instance))
        (instance $i) (export \"sandpit:strategy/handlers@0.1.0\" (instance $i)))";
    refused(&wat::parse_str(mixed).unwrap(), "mixes versions 0.1.0 and 0.1.1");
}

#[test]
fn a_later_patch_of_the_contract_is_served() {
    let contract = include_str!("../../../../wit/strategy.wit").replace("@0.1.0", "@0.1.9");
    let wat = Guest::idle().wat().replace("@0.1.0", "@0.1.9");
    let checked = check(&encode(&embed(&wat, &contract, "strategy")).unwrap()).unwrap();
    assert_eq!(checked.contract(), "0.1.9");
    let artifact = engine().compile(&checked).unwrap();
    let limits = sandpit_plugin::Limits::default();
    sandpit_plugin::Instance::load(&artifact, "later", &limits, Box::new(sandpit_plugin::NoLog))
        .unwrap();
}

#[test]
fn the_right_names_with_other_types() {
    let contract = include_str!("../../../../wit/strategy.wit").replace(
        "on-timer: func(id: timer-id, time: timestamp) -> bool",
        "on-timer: func(id: timer-id, time: s64) -> bool",
    );
    let module = embed(&Guest::idle().wat(), &contract, "strategy");
    refused(&encode(&module).unwrap(), "differ from version 0.1.0 of the contract");
    let empty =
        "(component (instance $i) (export \"sandpit:strategy/handlers@0.1.0\" (instance $i)))";
    refused(&wat::parse_str(empty).unwrap(), "differ from version 0.1.0 of the contract");
}

#[test]
fn more_of_something_than_is_allowed() {
    let core =
        |fields: &str| wat::parse_str(format!("(component (core module {fields}))")).unwrap();
    for (fields, expected) in [
        ("(func)".repeat(60_001), "60001 functions, 60000 are allowed"),
        (format!("(func (local {}))", "i32 ".repeat(20_001)), "20001 locals in one function"),
        (format!("(func {})", "nop ".repeat(1024 * 1024)), "bytes in one function"),
        (format!("(type (func (param {})))", "i32 ".repeat(257)), "257 parameters of one function"),
        ("(global i32 (i32.const 0))".repeat(10_001), "10001 globals"),
        (format!("(memory 1){}", "(data (i32.const 0))".repeat(20_001)), "20001 data segments"),
        ("(table 0 funcref)".repeat(5), "5 tables, 4 are allowed"),
        ("(memory 0)".repeat(5), "5 memories, 4 are allowed"),
    ] {
        refused(&core(&fields), expected);
    }
    let exports: String = (0..10_001).fold(String::from("(func $f)"), |mut text, n| {
        text.push_str(&format!("(export \"e{n}\" (func $f))"));
        text
    });
    refused(&core(&exports), "10001 exports");
    let types = "(type (func))".repeat(20_001);
    refused(&wat::parse_str(format!("(component {types})")).unwrap(), "20001 types");
    let nested_types = format!("(component (type (instance {types})))");
    refused(&wat::parse_str(nested_types).unwrap(), "types, 20000 are allowed");
    let deep = format!("{}{}", "(component ".repeat(9), ")".repeat(9));
    refused(&wat::parse_str(deep).unwrap(), "9 modules and components within each other");
    let many = format!("(component {})", "(core module)".repeat(65));
    refused(&wat::parse_str(many).unwrap(), "65 modules and components");
    let mut heavy = wat::parse_str("(component)").unwrap();
    let section = wasm_custom_section(49 * 1024 * 1024);
    heavy.extend(section);
    refused(&heavy, "bytes of custom sections");
    refused(&vec![0; 64 * 1024 * 1024 + 1], "67108864 are allowed");
}

fn wasm_custom_section(bytes: u32) -> Vec<u8> {
    let mut section = vec![0];
    let mut rest = bytes;
    while rest >= 0x80 {
        section.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    section.push(rest.to_le_bytes()[0]);
    section.resize(section.len() + usize::try_from(bytes).unwrap(), 0);
    section
}

#[test]
fn types_nested_without_end_do_not_exhaust_the_host() {
    // A type section whose instance types open one another, 100,000 deep.
    let mut payload = vec![1];
    for _ in 0..100_000 {
        payload.extend([0x42, 0x01, 0x01]);
    }
    let mut component = b"\0asm\x0d\0\x01\0\x07".to_vec();
    let length = u32::try_from(payload.len()).unwrap();
    component.extend([
        (length & 0x7f | 0x80).to_le_bytes()[0],
        (length >> 7 & 0x7f | 0x80).to_le_bytes()[0],
        (length >> 14).to_le_bytes()[0],
    ]);
    component.extend(payload);
    refused(&component, "types within each other, 16 are allowed");
    // The same depth by reference, one type of the next.
    let lists: String = (0..19_000).map(|n| format!("(type (list {n}))")).collect();
    let component = wat::parse_str(format!("(component (type (list u8)) {lists})")).unwrap();
    check(&component).unwrap_err();
}

#[test]
fn proposals_that_are_not_allowed() {
    for fields in [
        "(memory i64 1)",
        "(memory 1 1 shared)",
        "(memory 0) (memory 0)",
        "(func (return_call 0))",
        "(tag)",
        "(type (struct))",
        "(func (param (ref null 0))) (type (func))",
        "(func (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
        "(func (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))",
        "(memory 1 (pagesize 1))",
    ] {
        let component = wat::parse_str(format!("(component (core module {fields}))")).unwrap();
        refused(&component, "not valid");
    }
}

#[test]
fn what_cannot_be_encoded() {
    let refused = |bytes: &[u8], expected: &str| {
        let error: EncodeError = encode(bytes).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    refused(b"\0asm\x01\0\0\0", "exports no strategy");
    refused(&Guest::idle().component(), "component already");
    refused(b"(module)", "no WebAssembly core module");
    refused(&Guest::idle().module()[..200], "no WebAssembly core module");
    let missing = Guest::idle().wat().replace("handlers@0.1.0#on-timer", "handlers@0.1.0#on-time");
    let contract = include_str!("../../../../wit/strategy.wit");
    refused(&embed(&missing, contract, "strategy"), "on-time");
}
