//! Core dumps on their way out of a runner: they come whole, within their bound, and whoever lies
//! about one has changed nothing but what is in it.

use std::time::{Duration, Instant};

use sandpit_core::plugin::{Fault, FaultCode};
use sandpit_plugin::{
    Compiler, Engine, EngineSettings, Instance, Limits, NoLog, ProcessRunner, Runner,
};

use crate::{
    harness::{CANARY, Log, Test, is_gone, launcher, patient},
    liars::liar,
    support::{Guest, instrument, session, trade},
};

pub(crate) const TESTS: &[Test] = &[
    ("dumps::one_is_the_same_in_both", one_is_the_same_in_both),
    ("dumps::one_that_is_too_large_is_left_out", one_that_is_too_large_is_left_out),
    ("dumps::where_none_is_wanted_there_is_none", where_none_is_wanted_there_is_none),
    ("dumps::garbage_is_kept_as_what_it_is", garbage_is_kept_as_what_it_is),
    ("dumps::a_lie_about_one_is_still_the_same_fault", a_lie_about_one_is_still_the_same_fault),
];

fn traps() -> Guest {
    Guest::idle().body("on-trade", "unreachable")
}

fn fault(runner: &mut dyn Runner) -> Fault {
    runner.start(&session(&instrument()), &mut Vec::new()).unwrap();
    let fault = runner.call(&trade(1_000, 1), &mut Vec::new()).unwrap_err();
    assert_eq!(runner.fault(), Some(&fault));
    fault
}

/// Inline and in a process of its own, with core dumps.
fn both(limits: &Limits) -> (Instance, ProcessRunner) {
    let settings = EngineSettings { core_dumps: true, ..EngineSettings::default() };
    let engine = Engine::new(settings).unwrap();
    let compiled = Compiler::InProcess.compile(&engine, &traps().checked()).unwrap();
    let artifact = engine.link(&compiled).unwrap();
    let inline = Instance::load(&artifact, "tested", limits, Box::new(NoLog)).unwrap();
    let sink = Log::default().sink();
    let process = launcher().launch("tested", &compiled, settings, limits, sink).unwrap();
    (inline, process)
}

fn one_is_the_same_in_both() {
    let (mut inline, mut process) = both(&patient());
    assert_eq!(fault(&mut process), fault(&mut inline));
    let expected = inline.take_core_dump().unwrap();
    assert!(expected.starts_with(b"\0asm\x01\0\0\0"), "a module");
    let secret = CANARY.as_bytes();
    assert!(!expected.windows(secret.len()).any(|bytes| bytes == secret), "a secret of the host");
    assert_eq!(process.take_core_dump(), Some(expected));
    assert_eq!(process.take_core_dump(), None, "once");
}

fn one_that_is_too_large_is_left_out() {
    let limits = Limits { core_dump_bytes_max: 65_535, ..patient() };
    let (mut inline, mut process) = both(&limits);
    let fault_inline = fault(&mut inline);
    assert_eq!(fault(&mut process), fault_inline);
    let words = "\nits core dump is left out: it has 65536 bytes, 65535 are allowed";
    assert!(fault_inline.detail.ends_with(words), "{}", fault_inline.detail);
    assert_eq!((process.take_core_dump(), inline.take_core_dump()), (None, None));
}

fn where_none_is_wanted_there_is_none() {
    let (mut inline, mut process) = both(&Limits { core_dump_bytes_max: 0, ..patient() });
    let fault_inline = fault(&mut inline);
    assert_eq!(fault(&mut process), fault_inline);
    assert!(!fault_inline.detail.contains("core dump"), "{}", fault_inline.detail);
    assert_eq!((process.take_core_dump(), inline.take_core_dump()), (None, None));
}

fn garbage_is_kept_as_what_it_is() {
    let mut runner = liar("dump-garbage", &patient(), &Log::default()).unwrap();
    let fault = runner.call(&trade(1_000, 1), &mut Vec::new()).unwrap_err();
    assert_eq!((fault.code, fault.detail.as_str()), (FaultCode::Trap, "x"));
    assert_eq!(runner.take_core_dump(), Some(vec![0xd5; 1_000]));
    assert!(is_gone(runner.process_id()));
}

fn a_lie_about_one_is_still_the_same_fault() {
    for (lie, words) in [
        ("dump-silence", "it was not back in time"),
        ("dump-half", "it was not back in time"),
        ("dump-done", "an answer to something that was not asked"),
        ("dump-fault", "an answer to something that was not asked"),
        ("dump-long", "its process sent a core dump: 70000, 65536 are allowed"),
        ("dump-noise", "its process sent"),
        ("dump-exit", "its process is gone: exit status: 7"),
    ] {
        let limits = Limits { core_dump_bytes_max: 65_536, ..patient() };
        let mut runner = liar(lie, &limits, &Log::default()).unwrap();
        let begun = Instant::now();
        let mut intents = Vec::new();
        let fault = runner.call(&trade(1_000, 1), &mut intents).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(10), "{lie}: {:?}", begun.elapsed());
        assert_eq!(fault.code, FaultCode::Trap, "{lie}: {}", fault.detail);
        assert!(fault.detail.starts_with("x\nits core dump is left out: "), "{}", fault.detail);
        assert!(fault.detail.contains(words), "{lie}: {}", fault.detail);
        assert_eq!((runner.take_core_dump(), intents.len()), (None, 0), "{lie}");
        assert_eq!(runner.call(&trade(1_000, 1), &mut intents), Err(fault), "{lie}");
        assert!(is_gone(runner.process_id()), "{lie}");
    }
    // One that is announced and is more than can be: the fault is that lie.
    let mut runner = liar("dump-announced", &patient(), &Log::default()).unwrap();
    let fault = runner.call(&trade(1_000, 1), &mut Vec::new()).unwrap_err();
    assert_eq!(fault.code, FaultCode::MalformedOutput, "{}", fault.detail);
    assert!(fault.detail.contains("bytes of a core dump: "), "{}", fault.detail);
}
