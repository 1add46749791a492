//! Every code by a real file, and the document that lists them.

use std::{collections::BTreeSet, fs, process::Command};

use sandpit_plugin::{
    COMPONENT_BYTES_MAX, CompileLimits, ComponentFile, Loader, Mode, Policy, Refusal, RefusalCode,
    TrustList, encode,
};
use tempfile::TempDir;

use super::{
    bombs::{MEMORY_TOO_SMALL, answer, one_huge_function},
    child, loader, open_loader, shell, short,
    trust::{Signer, on_disk},
};
use crate::support::{Guest, embed, engine};

/// A refusal of a file with these bytes.
fn of(bytes: &[u8]) -> Refusal {
    open_loader().load(&on_disk(bytes, None)).unwrap_err()
}

fn of_wat(text: &str) -> Refusal {
    of(&wat::parse_str(text).unwrap())
}

/// A refusal of a good component by a compiler that does this.
fn of_compiler(script: &str) -> Refusal {
    let loader = open_loader().with_compiler(shell(script, short()));
    loader.load(&on_disk(&Guest::idle().component(), None)).unwrap_err()
}

fn of_limits(bytes: &[u8], limits: CompileLimits) -> Refusal {
    let loader = open_loader().with_compiler(child(limits));
    loader.load(&on_disk(bytes, None)).unwrap_err()
}

fn files() -> Vec<Refusal> {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe.wasm");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let read = |path| Refusal::from(ComponentFile::read(path).unwrap_err());
    let huge = folder.path().join("huge.wasm");
    let bytes = u64::try_from(COMPONENT_BYTES_MAX).unwrap() + 1;
    // A hole: it has a length and takes no room.
    fs::File::create(&huge).unwrap().set_len(bytes).unwrap();
    let huge = open_loader().load(&ComponentFile::read(&huge).unwrap()).unwrap_err();
    vec![
        read(&folder.path().join("absent.wasm")),
        read(folder.path()),
        read(&pipe),
        huge,
        of(b""),
        of(b"\0as"),
        of(&Guest::idle().module()),
        of(b"\x7fELF\x02\x01\x01"),
        of(b"(component)"),
        of(b"\0asm\x63\0\x01\0\0\0\0\0"),
        of(&[0xa5; 4_096]),
    ]
}

fn contents() -> Vec<Refusal> {
    let contract = include_str!("../../../../../wit/strategy.wit");
    let other = contract.replace(
        "on-timer: func(id: timer-id, time: timestamp) -> bool",
        "on-timer: func(id: timer-id, time: s64) -> bool",
    );
    vec![
        of_wat(&format!("(component (core module {}))", "(func)".repeat(60_001))),
        of(&Guest::idle().component()[..500]),
        of_wat("(component (import \"wasi:cli/environment@0.2.0\" (instance)))"),
        of_wat("(component (import \"sandpit:strategy/logging@0.2.0\" (instance)))"),
        of_wat(
            "(component (import \"sandpit:strategy/types@0.1.1\" (instance))
            (instance $i) (export \"sandpit:strategy/handlers@0.1.0\" (instance $i)))",
        ),
        of_wat("(component)"),
        of(&encode(&embed(&Guest::idle().wat(), &other, "strategy")).unwrap()),
    ]
}

fn trust() -> Vec<Refusal> {
    let (signer, stranger) = (Signer::new(), Signer::new());
    let bytes = Guest::idle().component();
    let strict = loader(Policy::Signed, signer.trusted());
    let of_signature =
        |signature: &str| strict.load(&on_disk(&bytes, Some(signature))).unwrap_err();
    let live = Loader::new(engine(), Mode::Live, Policy::Any, TrustList::default());
    vec![
        live.unwrap_err().into(),
        loader(Policy::Pinned, signer.trusted()).load(&on_disk(&bytes, None)).unwrap_err(),
        strict.load(&on_disk(&bytes, None)).unwrap_err(),
        of_signature("no signature"),
        of_signature(&stranger.sign(&bytes, "")),
        of_signature(&signer.sign(b"something else", "")),
    ]
}

fn compilers() -> Vec<Refusal> {
    let bomb = one_huge_function();
    let limits = CompileLimits::default();
    let folder = TempDir::new().unwrap();
    let told = |kind: u8, content: &[u8]| {
        let path = folder.path().join(kind.to_string());
        fs::write(&path, answer(kind, content)).unwrap();
        of_compiler(&format!("cat '{}'", path.display()))
    };
    let absent =
        sandpit_plugin::ChildCompiler::new("/nonexistent/sandpit".into(), Vec::new(), limits);
    let absent = open_loader().with_compiler(sandpit_plugin::Compiler::Child(absent));
    vec![
        told(1, b"Code for function is too large"),
        of_limits(&bomb, short()),
        of_limits(&bomb, CompileLimits { cpu_seconds_max: 1, ..limits }),
        of_limits(&bomb, CompileLimits { memory_bytes_max: MEMORY_TOO_SMALL, ..limits }),
        of_limits(&bomb[..], CompileLimits { artifact_bytes_max: 1_000, ..limits }),
        of_compiler("kill -9 $$"),
        of_compiler("echo hello"),
        told(2, b""),
        absent.load(&on_disk(&Guest::idle().component(), None)).unwrap_err(),
        told(0, b"no machine code"),
    ]
}

#[test]
fn every_code_is_the_answer_to_a_real_file() {
    let refusals: Vec<_> =
        [files(), contents(), trust(), compilers()].into_iter().flatten().collect();
    for refusal in &refusals {
        let line = refusal.to_string();
        assert!(!line.is_empty() && !line.contains(char::is_control), "{line:?}");
        assert!(line.len() < 700, "{line}");
    }
    let met: BTreeSet<_> = refusals.iter().map(|refusal| refusal.code().name()).collect();
    let all: BTreeSet<_> = RefusalCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(met, all);
}

#[test]
fn names_are_unique_and_plain() {
    let names: BTreeSet<_> = RefusalCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), RefusalCode::ALL.len());
    for name in names {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
    }
}

#[test]
fn the_document_lists_what_there_is() {
    let document = include_str!("../../../../../docs/operators/plugins.md");
    let table = RefusalCode::table();
    assert!(document.contains(&table), "docs/operators/plugins.md must have this table:\n{table}");
}
