//! Files made to exhaust, confuse or slip past whoever loads them.

use std::{fs, os::unix::fs::symlink};

use sandpit_plugin::{
    ChildCompiler, CompileLimits, Compiler, ComponentFile, FaultCode, Loader, Mode, Policy,
    Prepared, Refusal, RefusalCode, TrustList, check,
};
use wit_component::StringEncoding;

use crate::{
    attack::{Attack, Ends, planned, refused, so, unharmed},
    guest::{CONTRACT, Guest, embed},
    harness::{COMPILER, Tests, this_program},
    pieces::{
        COMPONENT, CUSTOM, Random, component, in_module, section, with_component,
        with_idle_component,
    },
    stage::{Plan, engine, load, open_loader},
};

pub(crate) const TESTS: &[Tests] = &[
    Tests::Attacks("load", ATTACKS),
    Tests::One("load: mutated components are answered", mutated_components_are_answered),
];

pub(crate) const ATTACKS: &[&[Attack]] =
    &[NO_COMPONENTS, TOO_MANY, DEEP, NAMES, SYSTEM, HIDDEN, FILES, COMPILER_BOMBS];

/// Mutated components that are tried.
const MUTATIONS: usize = 2_000;

const NO_COMPONENTS: &[Attack] = &[
    refused("nothing", RefusalCode::Empty, Vec::new),
    refused("a header that ends early", RefusalCode::Truncated, || b"\0asm\x0d\0".to_vec()),
    refused("a core module", RefusalCode::CoreModule, || Guest::idle().module()),
    refused("text of WebAssembly", RefusalCode::Text, || Guest::idle().wat().into_bytes()),
    refused("a `.cwasm` that poses as a `.wasm`", RefusalCode::NativeCode, || {
        load(Guest::idle().component()).unwrap().compiled.code().to_vec()
    }),
    refused("a program of the machine", RefusalCode::NativeCode, || {
        b"\x7fELF\x02\x01\x01".to_vec()
    }),
    refused("machine code behind a component's header", RefusalCode::Malformed, || {
        let strategy = Guest::idle().component();
        let prepared = load(strategy.clone()).unwrap();
        [&strategy[..8], prepared.compiled.code()].concat()
    }),
    refused("a header of another version", RefusalCode::UnknownBinaryVersion, || {
        b"\0asm\x63\0\x01\0\0\0\0\0".to_vec()
    }),
    refused("a packed archive", RefusalCode::NotWasm, || {
        b"PK\x03\x04\x14\0\0\0\x08\0\x9e\xff".to_vec()
    }),
    refused("64 KiB of chance", RefusalCode::NotWasm, || {
        let mut random = Random::new(0x5eed);
        (0..8_192).flat_map(|_| random.next().to_le_bytes()).collect()
    }),
    refused("64 KiB of chance behind a component's header", RefusalCode::Malformed, || {
        let mut random = Random::new(0x5eed);
        let noise = (0..8_192).flat_map(|_| random.next().to_le_bytes());
        b"\0asm\x0d\0\x01\0".iter().copied().chain(noise).collect()
    }),
    refused("a strategy that is cut in half", RefusalCode::Malformed, || {
        let strategy = Guest::idle().component();
        strategy[..strategy.len() / 2].to_vec()
    }),
    refused("a section that claims 4 GiB", RefusalCode::Malformed, || {
        [&Guest::idle().component()[..], &[4, 0xff, 0xff, 0xff, 0xff, 0x0f]].concat()
    }),
];

const TOO_MANY: &[Attack] = &[
    refused("a custom section of 100 MiB", RefusalCode::TooLarge, || {
        [Guest::idle().component(), section(CUSTOM, &vec![0; 100 << 20])].concat()
    }),
    refused("a custom section of 60 MiB", RefusalCode::TooMany, || {
        [Guest::idle().component(), section(CUSTOM, &vec![0; 60 << 20])].concat()
    }),
    refused("60 custom sections of 1 MiB", RefusalCode::TooMany, || {
        [Guest::idle().component(), section(CUSTOM, &[0; 1 << 20]).repeat(60)].concat()
    }),
    refused("a million types", RefusalCode::TooMany, || component(&"(type u8)".repeat(1_000_000))),
    refused("a million types of functions", RefusalCode::TooMany, || {
        in_module(&"(type (func))".repeat(1_000_000))
    }),
    refused("100,000 exports", RefusalCode::TooMany, || {
        let exports: Vec<_> = (0..100_000).map(|n| format!("(export \"e{n}\" (func 0))")).collect();
        in_module(&format!("(func) {}", exports.concat()))
    }),
    refused("10,000 imports", RefusalCode::TooMany, || {
        let imports: Vec<_> =
            (0..10_000).map(|n| format!("(import \"m\" \"i{n}\" (func))")).collect();
        in_module(&imports.concat())
    }),
    refused("40,000 segments of data", RefusalCode::TooMany, || {
        in_module(&format!("(memory 1) {}", "(data (i32.const 0))".repeat(40_000)))
    }),
    refused("40,000 segments of a table", RefusalCode::TooMany, || {
        in_module(&format!("(table 1 funcref) {}", "(elem (i32.const 0))".repeat(40_000)))
    }),
    refused("60,001 functions", RefusalCode::TooMany, || in_module(&"(func)".repeat(60_001))),
    refused("10,001 globals", RefusalCode::TooMany, || {
        in_module(&"(global i32 (i32.const 0))".repeat(10_001))
    }),
    refused("65 modules", RefusalCode::TooMany, || component(&"(core module)".repeat(65))),
    refused("10,000 instances", RefusalCode::TooMany, || {
        component(&format!("(core module) {}", "(core instance (instantiate 0))".repeat(10_000)))
    }),
    refused("a function with 257 parameters", RefusalCode::TooMany, || {
        in_module(&format!("(type (func (param {})))", "i32 ".repeat(257)))
    }),
    refused("a function with four billion variables", RefusalCode::TooMany, || {
        // One group of them in a body of five bytes, written past the text parser.
        let body = [8u8, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b];
        let module = [
            &b"\0asm\x01\0\0\0"[..],
            &section(1, &[1, 0x60, 0, 0]),
            &section(3, &[1, 0]),
            &section(10, &[&[1][..], &body].concat()),
        ];
        [&b"\0asm\x0d\0\x01\0"[..], &section(1, &module.concat())].concat()
    }),
    refused("a function of more than 1 MiB", RefusalCode::TooMany, || {
        in_module(&format!("(func {})", "nop ".repeat(1 << 20)))
    }),
    refused("a branch table that takes a validator seconds", RefusalCode::TooMany, || {
        let types = "i32 ".repeat(200);
        let zeros = "(i32.const 0)".repeat(200);
        let targets = "0 ".repeat(900_000);
        let function = format!(
            "(func (param i32) (result {types}) (block (result {types}) {zeros}
               (br_table {targets} (local.get 0))))"
        );
        in_module(&format!("(type (func (result {types}))) {function} {function}"))
    }),
];

const DEEP: &[Attack] = &[
    refused("a thousand components within each other", RefusalCode::TooMany, || {
        let header = b"\0asm\x0d\0\x01\0".as_slice();
        (0..1_000).fold(header.to_vec(), |inner, _| [header, &section(COMPONENT, &inner)].concat())
    }),
    refused("100,000 types within each other", RefusalCode::TooMany, || {
        let mut types = vec![1];
        for _ in 0..100_000 {
            types.extend([0x42, 0x01, 0x01]);
        }
        [&b"\0asm\x0d\0\x01\0"[..], &section(7, &types)].concat()
    }),
    refused("a list of lists, 19,000 deep", RefusalCode::Malformed, || {
        let lists: Vec<_> = (0..19_000).map(|n| format!("(type (list {n}))")).collect();
        component(&format!("(type u8) {}", lists.concat()))
    }),
    refused("a type that doubles ninety times", RefusalCode::Malformed, || {
        let pairs: Vec<_> = (0..90).map(|n| format!("(type (tuple {n} {n}))")).collect();
        component(&format!("(type u8) {}", pairs.concat()))
    }),
];

/// A component that imports this, and nothing else.
fn imports(name: &str) -> Vec<u8> {
    component(&format!("(import \"{name}\" (instance))"))
}

const NAMES: &[Attack] = &[
    refused("an import without a version", RefusalCode::ForeignImport, || {
        imports("sandpit:strategy/logging")
    }),
    refused("an import with a letter less", RefusalCode::ForeignImport, || {
        imports("sandpit:strategy/loggin@0.1.0")
    }),
    refused("an import of the contract's other side", RefusalCode::ForeignImport, || {
        imports("sandpit:strategy/handlers@0.1.0")
    }),
    refused("an import of a package with a letter more", RefusalCode::ForeignImport, || {
        imports("sandpit:strategys/logging@0.1.0")
    }),
    refused("an import that is a function and no interface", RefusalCode::ForeignImport, || {
        component("(import \"sandpit:strategy/logging@0.1.0\" (func))")
    }),
    refused("an import with a letter of another alphabet", RefusalCode::Malformed, || {
        let mut bytes = imports("sandpit:strategy/logging@0.1.0");
        let at = bytes.windows(7).position(|window| window == b"logging").unwrap();
        bytes[at..at + 2].copy_from_slice("д".as_bytes());
        bytes
    }),
    refused("the contract's next minor version", RefusalCode::UnsupportedContract, || {
        imports("sandpit:strategy/logging@0.2.0")
    }),
    refused("the contract's first major version", RefusalCode::UnsupportedContract, || {
        imports("sandpit:strategy/logging@1.0.0")
    }),
    refused("a version of the contract before its time", RefusalCode::UnsupportedContract, || {
        imports("sandpit:strategy/logging@0.1.0-rc.1")
    }),
    refused("two versions of the contract", RefusalCode::MixedContracts, || {
        component(
            "(import \"sandpit:strategy/logging@0.1.9\" (instance))
             (instance $i) (export \"sandpit:strategy/handlers@0.1.0\" (instance $i))",
        )
    }),
    refused("another world", RefusalCode::NotAStrategy, || {
        component("(instance $i) (export \"other:things/run@1.0.0\" (instance $i))")
    }),
    refused("handlers with nothing in them", RefusalCode::TypesDiffer, || {
        component("(instance $i) (export \"sandpit:strategy/handlers@0.1.0\" (instance $i))")
    }),
    refused("handlers in which one type differs", RefusalCode::TypesDiffer, || {
        let contract = CONTRACT.replace(
            "on-timer: func(id: timer-id, time: timestamp) -> bool",
            "on-timer: func(id: timer-id, time: s64) -> bool",
        );
        let wat = Guest::idle().wat();
        let module = embed(&wat, &contract, "strategy", StringEncoding::UTF8);
        sandpit_plugin::encode(&module).unwrap()
    }),
];

/// What an honest name of the system would give.
const SYSTEM: &[Attack] = &[
    refused("asks for a clock on the wall", RefusalCode::ForeignImport, || {
        imports("wasi:clocks/wall-clock@0.2.0")
    }),
    refused("asks for a clock to measure with", RefusalCode::ForeignImport, || {
        imports("wasi:clocks/monotonic-clock@0.2.0")
    }),
    refused("asks for random numbers", RefusalCode::ForeignImport, || {
        imports("wasi:random/random@0.2.0")
    }),
    refused("asks for weak random numbers", RefusalCode::ForeignImport, || {
        imports("wasi:random/insecure-seed@0.2.0")
    }),
    refused("asks for files", RefusalCode::ForeignImport, || {
        imports("wasi:filesystem/preopens@0.2.0")
    }),
    refused("asks for the environment", RefusalCode::ForeignImport, || {
        imports("wasi:cli/environment@0.2.0")
    }),
    refused("asks for the standard output", RefusalCode::ForeignImport, || {
        imports("wasi:cli/stdout@0.2.0")
    }),
    refused("asks for sockets", RefusalCode::ForeignImport, || imports("wasi:sockets/tcp@0.2.0")),
    refused("asks for names of the network", RefusalCode::ForeignImport, || {
        imports("wasi:sockets/ip-name-lookup@0.2.0")
    }),
    refused("asks for the web", RefusalCode::ForeignImport, || {
        imports("wasi:http/outgoing-handler@0.2.0")
    }),
    refused("asks for the keys of the host", RefusalCode::ForeignImport, || {
        imports("sandpit:strategy/secrets@0.1.0")
    }),
];

const HIDDEN: &[Attack] = &[
    refused("a component within that wants sockets, and is made", RefusalCode::Malformed, || {
        let wants = "(import \"wasi:sockets/tcp@0.2.0\" (instance))";
        with_component(Guest::idle().component(), wants)
    }),
    planned(
        "a component within that wants sockets, and is not made",
        Ends::Contained {
            wall: "nothing is passed on",
            what: "dead weight: it runs and gets nothing",
            check: unharmed,
        },
        || {
            let wants = "(import \"wasi:sockets/tcp@0.2.0\" (instance))";
            Plan::of(with_idle_component(Guest::idle().component(), wants))
        },
    ),
    refused("shared memory", RefusalCode::Malformed, || in_module("(memory 1 1 shared)")),
    refused("a memory of 64 bits", RefusalCode::Malformed, || in_module("(memory i64 1)")),
    refused("two memories in one module", RefusalCode::Malformed, || {
        in_module("(memory 0) (memory 0)")
    }),
    refused("objects that are collected", RefusalCode::Malformed, || in_module("(type (struct))")),
    refused("exceptions", RefusalCode::Malformed, || in_module("(tag)")),
    refused("tail calls", RefusalCode::Malformed, || in_module("(func (return_call 0))")),
    refused("vectors that differ between machines", RefusalCode::Malformed, || {
        let vector = "(v128.const i64x2 0 0)";
        in_module(&format!("(func (drop (i8x16.relaxed_swizzle {vector} {vector})))"))
    }),
];

/// A loader's answer to a path that is made here.
fn file(make: impl Fn(&std::path::Path)) -> Result<Prepared, Refusal> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategy.wasm");
    make(&path);
    open_loader().prepare(&ComponentFile::read(&path)?)
}

fn without_attackers() -> Plan {
    Plan { attackers: Vec::new(), ..Plan::of(Vec::new()) }
}

/// Strategies with one bit changed by chance, which are let in all the same.
fn twelve_changed() -> Vec<Vec<u8>> {
    let whole = Guest::idle().component();
    let mut random = Random::new(0x0bad_cafe_5eed);
    let changed = std::iter::repeat_with(|| {
        let mut bytes = whole.clone();
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        bytes
    });
    changed.filter(|bytes| check(bytes).is_ok()).take(12).collect()
}

const FILES: &[Attack] = &[
    planned("a folder", Ends::Refused(RefusalCode::NotAFile), || {
        Plan::loaded(Box::new(|| file(|path| fs::create_dir(path).unwrap())))
    }),
    planned("a device that never ends", Ends::Refused(RefusalCode::NotAFile), || {
        Plan::loaded(Box::new(|| file(|path| symlink("/dev/zero", path).unwrap())))
    }),
    planned("a link to itself", Ends::Refused(RefusalCode::Unreadable), || {
        Plan::loaded(Box::new(|| file(|path| symlink(path, path).unwrap())))
    }),
    planned("a file that is not there", Ends::Refused(RefusalCode::Unreadable), || {
        Plan::loaded(Box::new(|| file(|_| ())))
    }),
    planned(
        "a file that is swapped between its check and its start",
        Ends::Contained {
            wall: "read once",
            what: "what was checked is what runs",
            check: |seen| {
                unharmed(seen)?;
                so(seen.saved == [b"honest as checked".to_vec()], || format!("{:?}", seen.saved))
            },
        },
        || {
            let saves = |text: &[u8]| {
                let bytes = u32::try_from(text.len()).unwrap();
                Guest::idle().data(2_048, text).saves(2_048, bytes).component()
            };
            Plan::loaded(Box::new(move || {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("strategy.wasm");
                fs::write(&path, saves(b"honest as checked")).unwrap();
                let file = ComponentFile::read(&path)?;
                check(file.bytes())?;
                fs::write(&path, saves(b"swapped")).unwrap();
                open_loader().prepare(&file)
            }))
        },
    ),
    planned(
        "twelve strategies with one bit changed that still pass every check, side by side",
        Ends::Contained {
            wall: "every step",
            what: "each does its work, or is at fault",
            // Which of them, is not said: a panic or a wait would be seen.
            check: |seen| so(seen.calls > 0, || "none of them ran".to_owned()),
        },
        || twelve_changed().into_iter().fold(without_attackers(), Plan::and),
    ),
    planned("anybody's strategy in a live session", Ends::Refused(RefusalCode::AnyInLive), || {
        Plan::loaded(Box::new(|| {
            Loader::new(engine().clone(), Mode::Live, Policy::Any, TrustList::default())?
                .prepare(&ComponentFile::unsigned(Guest::idle().component()))
        }))
    }),
];

/// Compiles in a process of its own, within these limits.
fn compiled_within(limits: CompileLimits, bytes: Vec<u8>) -> Plan {
    Plan::loaded(Box::new(move || {
        let child = ChildCompiler::new(this_program(), vec![COMPILER.into()], limits);
        open_loader()
            .with_compiler(Compiler::Child(child))
            .prepare(&ComponentFile::unsigned(bytes.clone()))
    }))
}

/// Takes a compiler seconds: many functions.
fn many_functions() -> Vec<u8> {
    let function = "(func (param i32 i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (local.get 1))
          (then (i32.div_u (local.get 1) (i32.add (local.get 0) (i32.const 7))))
          (else (i32.mul (local.get 0) (local.get 0)))))";
    Guest::idle().extra(&function.repeat(50_000)).component()
}

/// Takes a compiler seconds: one function, nearly as long as one may be, where each branch changes
/// one of many variables that all live to the end.
fn one_giant_function() -> Vec<u8> {
    const VARIABLES: usize = 50;
    let branches: Vec<_> = (0..60_000usize)
        .map(|n| {
            let (to, from) = (n * 7 % VARIABLES, n * 13 % VARIABLES);
            format!(
                "(if (local.get {from})
                   (then (local.set {to} (i32.mul (local.get {to}) (local.get {from})))))"
            )
        })
        .collect();
    let sum = (0..VARIABLES)
        .fold("(i32.const 1)".to_owned(), |sum, n| format!("(i32.xor {sum} (local.get {n}))"));
    let variables = "i32 ".repeat(VARIABLES);
    let function = format!("(func (param {variables}) (result i32) {} {sum})", branches.concat());
    Guest::idle().extra(&function).component()
}

fn one_second() -> CompileLimits {
    CompileLimits { cpu_seconds_max: 1, ..CompileLimits::default() }
}

fn by_the_clock() -> CompileLimits {
    let wall_max = std::time::Duration::from_millis(300);
    CompileLimits { wall_max, ..CompileLimits::default() }
}

fn little_memory() -> CompileLimits {
    CompileLimits { memory_bytes_max: 64 << 20, ..CompileLimits::default() }
}

const COMPILER_BOMBS: &[Attack] = &[
    planned(
        "50,000 functions, for the compiler's processor time",
        Ends::Refused(RefusalCode::CompileCpuTime),
        || compiled_within(one_second(), many_functions()),
    ),
    planned(
        "one giant function, for the compiler's processor time",
        Ends::Refused(RefusalCode::CompileCpuTime),
        || compiled_within(one_second(), one_giant_function()),
    ),
    planned(
        "50,000 functions, for the compiler's patience",
        Ends::Refused(RefusalCode::CompileWallTime),
        || compiled_within(by_the_clock(), many_functions()),
    ),
    planned(
        "one giant function, for the compiler's patience",
        Ends::Refused(RefusalCode::CompileWallTime),
        || compiled_within(by_the_clock(), one_giant_function()),
    ),
    planned(
        "one giant function, for the compiler's memory",
        Ends::Refused(RefusalCode::CompileMemory),
        || compiled_within(little_memory(), one_giant_function()),
    ),
    planned(
        "machine code that is larger than it may be",
        Ends::Refused(RefusalCode::CompileTooLarge),
        || {
            let limits = CompileLimits { artifact_bytes_max: 4_096, ..CompileLimits::default() };
            compiled_within(limits, Guest::idle().component())
        },
    ),
    planned(
        "runs in a loop after it was compiled elsewhere",
        Ends::Fault(FaultCode::FuelExhausted, "on-trade"),
        || {
            let spins = Guest::idle().does("on-trade", "(loop br 0)");
            compiled_within(CompileLimits::default(), spins.component())
        },
    ),
];

/// One to four changes by chance: bits, bytes, pieces cut out, doubled, or taken from elsewhere.
fn mutated(random: &mut Random, whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let some = random.below(64).min(bytes.len() - at);
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next().to_le_bytes()[0],
            2 => drop(bytes.drain(at..at + some)),
            3 => {
                let again = bytes[at..at + some].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, again);
            }
            _ => bytes[at] = 0xff,
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// Each is refused or loaded; the honest one's results are the same with all of them on the way.
fn mutated_components_are_answered() {
    let whole = Guest::idle().component();
    let mut random = Random::new(0xabcd_ef01_2345_6789);
    let mut let_in = 0;
    for _ in 0..MUTATIONS {
        let bytes = mutated(&mut random, &whole);
        match check(&bytes) {
            Ok(_) => {
                let_in += 1;
                if let Err(refusal) = load(bytes) {
                    assert_eq!(refusal.code(), RefusalCode::CompileRefused, "{refusal}");
                }
            }
            Err(error) => assert!(!error.to_string().contains(char::is_control), "{error:?}"),
        }
    }
    assert!(let_in > 0 && let_in < MUTATIONS / 2, "{let_in} of {MUTATIONS}");
}
