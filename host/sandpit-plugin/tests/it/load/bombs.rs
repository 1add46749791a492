//! Components made to keep the compiler busy, and compilers that do not answer as they should. All
//! of it ends within the limits, and the host goes on meanwhile.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use sandpit_plugin::{
    CompileFailure, CompileLimits, ComponentFile, Limits, Origin, Refusal, RefusalCode,
};

use super::{child, code, open_loader, refused, shell, short};
use crate::support::{Guest, trade};

/// Bytes of address space in which the compiler can start, and no more.
pub(super) const MEMORY_TOO_SMALL: u64 = 64 << 20;

/// Takes a compiler seconds: many functions.
pub(super) fn many_functions(count: usize) -> Vec<u8> {
    let function = "(func (param i32 i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (local.get 1))
          (then (i32.div_u (local.get 1) (i32.add (local.get 0) (i32.const 7))))
          (else (i32.mul (local.get 0) (local.get 0)))))";
    Guest::idle().extra(&function.repeat(count)).component()
}

/// Takes a compiler seconds: one function, nearly as long as one may be, where each branch changes
/// one of many variables that all live to the end.
pub(super) fn one_huge_function() -> Vec<u8> {
    const VARIABLES: usize = 50;
    let mut body = String::new();
    for n in 0..60_000usize {
        let (to, from) = (n * 7 % VARIABLES, n * 13 % VARIABLES);
        body.push_str(&format!(
            "(if (local.get {from}) (then (local.set {to} (i32.mul (local.get {to}) (local.get {from})))))"
        ));
    }
    let sum = (0..VARIABLES)
        .fold("(i32.const 1)".to_owned(), |sum, n| format!("(i32.xor {sum} (local.get {n}))"));
    let variables = "i32 ".repeat(VARIABLES);
    let function = format!("(func (param {variables}) (result i32) {body} {sum})");
    Guest::idle().extra(&function).component()
}

#[test]
fn a_bomb_ends_within_the_limits() {
    for (what, bytes) in
        [("many functions", many_functions(50_000)), ("huge function", one_huge_function())]
    {
        let limits = CompileLimits { cpu_seconds_max: 1, ..CompileLimits::default() };
        let begun = Instant::now();
        let by_processor_time = code(&open_loader().with_compiler(child(limits)), &bytes);
        assert_eq!(by_processor_time, RefusalCode::CompileCpuTime, "{what}");
        // Two threads at most use one second of it; the rest is for a machine that is busy.
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {:?}", begun.elapsed());

        let begun = Instant::now();
        let by_the_clock = code(&open_loader().with_compiler(child(short())), &bytes);
        assert_eq!(by_the_clock, RefusalCode::CompileWallTime, "{what}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {:?}", begun.elapsed());

        let limits =
            CompileLimits { memory_bytes_max: MEMORY_TOO_SMALL, ..CompileLimits::default() };
        let by_memory = refused(&open_loader().with_compiler(child(limits)), &bytes);
        assert_eq!(by_memory.code(), RefusalCode::CompileMemory, "{what}: {by_memory}");
    }
}

#[test]
fn the_host_goes_on_while_a_bomb_is_compiled() {
    let bomb = ComponentFile::unsigned(one_huge_function());
    // Long enough for what is done meanwhile, on a machine that does other things as well.
    let limits = CompileLimits { wall_max: Duration::from_secs(10), ..CompileLimits::default() };
    let compiling = thread::spawn(move || {
        let loader = open_loader().with_compiler(child(limits));
        loader.load(&bomb).map(|loaded| loaded.origin)
    });
    let mut honest = Guest::idle().started(&Limits::default().reproducible());
    let (mut calls, mut loads, mut intents) = (0u64, 0, Vec::new());
    while !compiling.is_finished() {
        for _ in 0..1_000 {
            honest.call(&trade(calls, 100_000), &mut intents).unwrap();
            calls += 1;
        }
        if loads < 3 {
            let loader = open_loader().with_compiler(child(CompileLimits::default()));
            loader.load(&ComponentFile::unsigned(Guest::idle().component())).unwrap();
            loads += 1;
        }
    }
    assert!(loads == 3 && calls > 10_000, "{loads} loads, {calls} calls");
    match compiling.join().unwrap() {
        Ok(origin) => assert_eq!(origin, Origin::Compiler),
        Err(refusal) => assert_eq!(refusal.code(), RefusalCode::CompileWallTime),
    }
}

#[test]
fn machine_code_beyond_its_bound_is_not_taken() {
    let limits = CompileLimits { artifact_bytes_max: 10_000, ..CompileLimits::default() };
    let loader = open_loader().with_compiler(child(limits));
    assert_eq!(code(&loader, &Guest::idle().component()), RefusalCode::CompileTooLarge);
    // One that never stops to write.
    let endless = open_loader().with_compiler(shell("cat /dev/zero", limits));
    assert_eq!(code(&endless, &Guest::idle().component()), RefusalCode::CompileTooLarge);
}

#[test]
fn what_the_compilers_process_may_do_wrong() {
    let component = Guest::idle().component();
    for (script, expected) in [
        ("exec sleep 1000", RefusalCode::CompileWallTime),
        // It leaves somebody behind who keeps the pipes open.
        ("sleep 1000 & exec sleep 1000", RefusalCode::CompileWallTime),
        ("while :; do echo more >&2; done", RefusalCode::CompileWallTime),
        ("exec >&- 2>&-; exec sleep 1000", RefusalCode::CompileCrashed),
        ("exit 0", RefusalCode::CompileCrashed),
        ("exit 3", RefusalCode::CompileCrashed),
        ("kill -9 $$", RefusalCode::CompileCrashed),
        ("kill -SEGV $$", RefusalCode::CompileCrashed),
        ("echo memory allocation of 9 bytes failed >&2; exit 1", RefusalCode::CompileMemory),
        ("echo hello", RefusalCode::CompileGarbage),
        ("printf 'SPcode_1'", RefusalCode::CompileGarbage),
        // Whole by its own word: no content.
        ("head -c 9 /dev/zero; head -c 40 /dev/zero; exec sleep 1000", RefusalCode::CompileGarbage),
    ] {
        let begun = Instant::now();
        let loader = open_loader().with_compiler(shell(script, short()));
        assert_eq!(code(&loader, &component), expected, "{script}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{script}: {:?}", begun.elapsed());
    }
    let limits = short();
    let absent = sandpit_plugin::ChildCompiler::new("/nonexistent/sandpit".into(), vec![], limits);
    let absent = open_loader().with_compiler(sandpit_plugin::Compiler::Child(absent));
    assert_eq!(code(&absent, &component), RefusalCode::CompileStart);
}

#[test]
fn what_a_crashed_compiler_said_is_made_fit_for_a_terminal() {
    let script = "printf 'x\\033[31mred\\nline' >&2; exit 7";
    let loader = open_loader().with_compiler(shell(script, short()));
    let Refusal::Compile(CompileFailure::Crashed { ending, said }) =
        refused(&loader, &Guest::idle().component())
    else {
        panic!("it crashed")
    };
    assert_eq!((ending.as_str(), said.as_str()), ("exit status: 7", "x\\u{1b}[31mred\\nline"));
}

/// An answer as the compiler's process writes it.
pub(super) fn answer(kind: u8, content: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let length = (content.len() as u64).to_le_bytes();
    [b"SPcode_1", [kind].as_slice(), &length, &Sha256::digest(content), content].concat()
}

#[test]
fn answers_are_read_for_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer");
    let told = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let script = format!("cat '{}'", path.display());
        let loader = open_loader().with_compiler(shell(&script, CompileLimits::default()));
        refused(&loader, &Guest::idle().component())
    };
    let no = told(&answer(1, b"Code for function is too large"));
    assert_eq!(no.code(), RefusalCode::CompileRefused);
    assert!(no.to_string().contains("Code for function is too large"), "{no}");
    assert_eq!(told(&answer(2, b"")).code(), RefusalCode::CompileOtherBuild);
    assert_eq!(told(&answer(3, b"")).code(), RefusalCode::CompileGarbage);
    // Machine code that wasmtime itself does not know.
    assert_eq!(told(&answer(0, b"no code")).code(), RefusalCode::Link);
    let whole = answer(0, b"no code");
    let mut touched = whole.clone();
    touched[50] ^= 1;
    assert_eq!(told(&touched).code(), RefusalCode::CompileGarbage);
    assert_eq!(told(&whole[..whole.len() - 1]).code(), RefusalCode::CompileGarbage);
}

#[cfg(target_os = "linux")]
#[test]
fn a_compiler_that_is_killed_midway_is_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let noted = folder.path().join("id");
    let program = env!("CARGO_BIN_EXE_sandpit-compile-child");
    // The real compiler, which leaves its number before it begins.
    let script = format!("echo $$ > '{}'; exec '{program}' \"$0\" \"$@\"", noted.display());
    let compiling = thread::spawn(move || {
        let loader = open_loader().with_compiler(shell(&script, CompileLimits::default()));
        code(&loader, &one_huge_function())
    });
    let memory_kib = || {
        let id = fs::read_to_string(&noted).ok()?;
        let status = fs::read_to_string(format!("/proc/{}/status", id.trim())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some((id, line.split_whitespace().next()?.parse::<u64>().ok()?))
    };
    while !compiling.is_finished() {
        match memory_kib() {
            // More than it takes to read the request: it compiles.
            Some((id, kib)) if kib > 60_000 => {
                Command::new("kill").args(["-9", id.trim()]).status().unwrap();
                break;
            }
            _ => thread::yield_now(),
        }
    }
    assert_eq!(compiling.join().unwrap(), RefusalCode::CompileCrashed);
}
