//! A runner that was taken over and still has its socket: it says whatever hurts most. The host's
//! outcome is exact for each lie, and an honest neighbour's results are what they are without it.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    process::ExitCode,
    time::{Duration, Instant},
};

use sandpit_core::plugin::FaultCode;
use sandpit_plugin::{
    Ask, EngineSettings, LaunchError, Launcher, Limits, ProcessRunner, Runner, WallName,
};

use crate::{
    harness::{LIAR, Log, Test, compiled, is_gone, launched, patient, settings},
    support::{Guest, instrument, session, trade},
};

pub(crate) const TESTS: &[Test] = &[
    ("liars::each_lie_has_its_end", each_lie_has_its_end),
    ("liars::a_flood_of_lines_is_held_to_the_budget", a_flood_of_lines_is_held_to_the_budget),
    ("liars::intents_are_counted_by_the_host_as_well", intents_are_counted_by_the_host_as_well),
    ("liars::a_faults_words_are_made_harmless", a_faults_words_are_made_harmless),
    ("liars::walls_that_are_only_claimed_do_not_stand", walls_that_are_only_claimed_do_not_stand),
    ("liars::a_hello_that_is_none_is_a_fault", a_hello_that_is_none_is_a_fault),
    ("liars::a_neighbour_notices_nothing", a_neighbour_notices_nothing),
];

/// A lie, the fault that it ends in, and words of its detail.
type Lie = (&'static str, FaultCode, &'static str);

use FaultCode::{DeadlineExceeded, MalformedOutput, RunnerLost};

const LIES: &[Lie] = &[
    ("length", MalformedOutput, "a frame of 4294967295 bytes"),
    ("length-just-over", MalformedOutput, "are allowed"),
    ("version", MalformedOutput, "version 9 of the wire"),
    ("reserved", MalformedOutput, "unused bytes"),
    ("kind", MalformedOutput, "a frame of kind 200"),
    ("request", MalformedOutput, "a frame of kind 4"),
    ("hello-again", MalformedOutput, "not asked"),
    ("saved", MalformedOutput, "not asked"),
    ("number", MalformedOutput, "an answer to request"),
    ("answer-before", MalformedOutput, "an answer to request"),
    ("empty", MalformedOutput, "ends too early"),
    ("trailing", MalformedOutput, "behind a frame's end"),
    ("two-answers", MalformedOutput, "nobody asked for"),
    ("flood", MalformedOutput, "nobody asked for"),
    ("noise", MalformedOutput, "sent"),
    ("zeros", MalformedOutput, "version 0"),
    ("fuel", MalformedOutput, "fuel: "),
    ("memory", MalformedOutput, "bytes of memory: "),
    ("tables", MalformedOutput, "table elements: "),
    ("output", MalformedOutput, "bytes handed over: "),
    ("intents-count", MalformedOutput, "intents: 65, 64 are allowed"),
    ("intents-missing", MalformedOutput, "ends too early"),
    ("intents-billions", MalformedOutput, "intents: 4294967295"),
    ("intent-tag", MalformedOutput, "9 where an intent is expected"),
    ("side", MalformedOutput, "7 where a side is expected"),
    ("scale", MalformedOutput, "scale 255"),
    ("flag", MalformedOutput, "2 where post-only is expected"),
    ("line-level", MalformedOutput, "77 where a log level is expected"),
    ("line-text", MalformedOutput, "not UTF-8"),
    ("line-length", MalformedOutput, "a log line: 2000, 1024 are allowed"),
    ("lines-count", MalformedOutput, "log lines: 100000"),
    ("fault-code", MalformedOutput, "99 where a fault is expected"),
    ("half", DeadlineExceeded, "not back in time"),
    ("half-head", DeadlineExceeded, "not back in time"),
    ("silence", DeadlineExceeded, "not back in time"),
    ("spin", DeadlineExceeded, "not back in time"),
    ("loud", DeadlineExceeded, "not back in time"),
    ("exit", RunnerLost, "exit status: 7"),
    ("words", RunnerLost, "its last words: it is \\u{1b}[31mover\\nnow"),
    ("abort", RunnerLost, "signal: 6 (SIGABRT)"),
    ("close", RunnerLost, "its process is gone"),
];

pub(crate) fn liar(lie: &str, limits: &Limits, log: &Log) -> Result<ProcessRunner, LaunchError> {
    Launcher::new(settings(&[LIAR, lie])).unwrap().launch(
        "tested",
        &compiled(&Guest::idle()),
        EngineSettings::default(),
        limits,
        log.sink(),
    )
}

fn each_lie_has_its_end() {
    let mut problems = Vec::new();
    for (lie, code, words) in LIES {
        // Those that end by the clock need not wait for long, the others should never meet it.
        let call_deadline =
            Duration::from_millis(if *code == DeadlineExceeded { 50 } else { 20_000 });
        let limits = Limits { call_deadline, ..Limits::default() };
        let log = Log::default();
        let mut runner = liar(lie, &limits, &log).unwrap();
        let process = runner.process_id();
        let mut intents = Vec::new();
        let begun = Instant::now();
        let answer = runner.call(&trade(1_000, 1), &mut intents);
        match answer {
            Err(fault) if fault.code == *code && fault.detail.contains(words) => {}
            other => problems.push(format!("{lie}: {other:?}, not {code:?} with `{words}`")),
        }
        assert!(intents.is_empty(), "{lie}: {intents:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{lie} took {:?}", begun.elapsed());
        assert!(is_gone(process), "{lie} is still there");
        assert!(runner.call(&trade(1_000, 1), &mut intents).is_err(), "{lie} is called again");
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

fn a_flood_of_lines_is_held_to_the_budget() {
    let log = Log::default();
    let limits = Limits { log_bytes_per_second_max: 4_096, ..patient() };
    let mut runner = liar("lines", &limits, &log).unwrap();
    for _ in 0..10 {
        runner.call(&trade(1_000, 1), &mut Vec::new()).unwrap();
    }
    // 40 lines of 100 bytes each fit; all the others are dropped by the host and counted.
    assert_eq!(log.lines().len(), 40);
    let stats = runner.stats();
    assert_eq!((stats.log_lines, stats.log_lines_dropped), (40, 360));
    let escaped = "\\\\u{1b}]0;owned";
    assert!(log.lines()[0].contains(escaped), "{}", log.lines()[0]);
}

fn intents_are_counted_by_the_host_as_well() {
    let limits = Limits { intents_per_second_max: 20, ..patient() };
    let mut runner = liar("rate", &limits, &Log::default()).unwrap();
    let mut intents = Vec::new();
    for _ in 0..3 {
        runner.call(&trade(1_000, 1), &mut intents).unwrap();
    }
    let fault = runner.call(&trade(1_000, 1), &mut intents).unwrap_err();
    assert_eq!(fault.code, FaultCode::IntentRateExceeded, "{}", fault.detail);
    assert_eq!(intents.len(), 3 * 64, "those of the call are dropped");
}

fn a_faults_words_are_made_harmless() {
    let mut runner = liar("fault", &patient(), &Log::default()).unwrap();
    let fault = runner.call(&trade(1_000, 1), &mut Vec::new()).unwrap_err();
    assert_eq!(fault.code, FaultCode::Trap);
    assert_eq!(fault.detail, "over\n  0: \\u{1b}[2Jhere");
}

fn walls_that_are_only_claimed_do_not_stand() {
    for wall in [WallName::Seccomp, WallName::NoNewPrivileges, WallName::NetworkNamespace] {
        let mut settings = settings(&[LIAR, "claims"]);
        settings.required.insert(wall);
        let launched = Launcher::new(settings).unwrap().launch(
            "tested",
            &compiled(&Guest::idle()),
            EngineSettings::default(),
            &patient(),
            Log::default().sink(),
        );
        match launched.unwrap_err() {
            LaunchError::Wall { wall: found, reason } => {
                assert_eq!(found, wall);
                assert_eq!(reason, "the runner says so, the kernel does not");
            }
            other => panic!("{other}"),
        }
    }
}

fn a_hello_that_is_none_is_a_fault() {
    for (lie, words) in [
        ("no-hello", "its process is gone"),
        ("hello-noise", "sent"),
        ("hello-walls", "walls: 200"),
        ("hello-wall", "99 where a wall is expected"),
        ("describe-name", "its description breaks the contract"),
        ("describe-truncated", "ends too early"),
    ] {
        match liar(lie, &patient(), &Log::default()).unwrap_err() {
            LaunchError::Fault(fault) => {
                assert!(fault.detail.contains(words), "{lie}: {}", fault.detail);
            }
            other => panic!("{lie}: {other}"),
        }
    }
}

/// Trades of an honest plugin, with or without liars beside it.
fn honest(beside: &[&str]) -> (Vec<String>, Vec<String>) {
    let asks = Guest::idle()
        .intents(3)
        .body("on-trade", "(call $log (i32.const 1) (i32.const 1024) (i32.const 10)) i32.const 1");
    let log = Log::default();
    let mut runner = launched(&asks, &patient(), &log);
    runner.start(&session(&instrument()), &mut Vec::new()).unwrap();
    let short = Limits { call_deadline: Duration::from_millis(20), ..Limits::default() };
    let mut liars: Vec<_> =
        beside.iter().map(|lie| liar(lie, &short, &Log::default()).unwrap()).collect();
    let mut calls = Vec::new();
    for number in 0..200 {
        let event = trade(1_000_000_000 + number, 1);
        for liar in &mut liars {
            let _ = liar.begin(&Ask::Event(&event));
        }
        let mut intents = Vec::new();
        let answer = runner.call(&event, &mut intents);
        calls.push(format!("{answer:?} {intents:?}"));
        for liar in &mut liars {
            let _ = liar.wait(&mut Vec::new());
        }
    }
    (calls, log.lines())
}

fn a_neighbour_notices_nothing() {
    let alone = honest(&[]);
    assert!(alone.0.iter().all(|call| call.starts_with("Ok")), "{:?}", alone.0[0]);
    assert_eq!(honest(&["flood", "silence", "spin", "noise", "exit", "lines"]), alone);
}

/// Bytes of a frame.
fn frame(number: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
    frame.extend(number.to_le_bytes());
    frame.extend([kind, 1, 0, 0]);
    frame.extend(body);
    frame
}

fn count(count: u32) -> [u8; 4] {
    count.to_le_bytes()
}

fn text(text: &[u8]) -> Vec<u8> {
    [&count(u32::try_from(text.len()).unwrap())[..], text].concat()
}

/// Memory, tables, bytes handed over, lines that were cut and dropped, and no lines.
const NO_EXTRAS: [u8; 44] = [0; 44];
const HELLO: u8 = 65;
const DESCRIBED: u8 = 66;
const DONE: u8 = 67;
const SAVED: u8 = 69;
const FAULT: u8 = 70;
const DUMPED: u8 = 71;

/// The whole body of an answer to a call: fuel, intents, and what comes with it.
fn done(fuel: u64, intents: &[u8], extras: &[u8]) -> Vec<u8> {
    [&fuel.to_le_bytes()[..], intents, extras].concat()
}

/// A market order for nothing, but for its byte at `at`.
fn place(at: usize, value: u8) -> Vec<u8> {
    // Kind, tag, instrument, side, quantity and its scale, kind of order, time in force, flags.
    let mut intent = vec![0u8; 1 + 8 + 4 + 1 + 8 + 1 + 1 + 1 + 2];
    intent[at] = value;
    [&count(1)[..], &intent].concat()
}

fn lines(lines: &[(u8, &[u8])]) -> Vec<u8> {
    let mut extras = vec![0; 40];
    extras.extend(count(u32::try_from(lines.len()).unwrap()));
    for (level, line) in lines {
        extras.push(*level);
        extras.extend(text(line));
    }
    extras
}

/// A description, but for its name.
fn described(name: &[u8]) -> Vec<u8> {
    let zeros = [0u8; 16];
    // Walls, name, version, summary, schema, and three empty lists.
    [&count(0)[..], &text(name), &text(b"1.2.3"), &text(b""), &zeros, &NO_EXTRAS].concat()
}

/// Is a runner that lies: honest until it is called, save for the lies about its start.
pub(crate) fn lie(mut words: impl Iterator<Item = String>) -> ExitCode {
    let lie = words.next().unwrap();
    let input = std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned().unwrap();
    let mut host = UnixStream::from(input);
    let Some(number) = request(&mut host) else { return ExitCode::SUCCESS };
    let hello = match lie.as_str() {
        "no-hello" => return ExitCode::SUCCESS,
        "hello-noise" => noise(),
        "hello-walls" => frame(number, HELLO, &count(200)),
        "hello-wall" => frame(number, HELLO, &[&count(1)[..], &[99, 1]].concat()),
        // Every wall, all of them standing.
        "claims" => {
            let walls: Vec<u8> = (2..=15).flat_map(|wall| [wall, 1]).collect();
            frame(number, HELLO, &[&count(14)[..], &walls].concat())
        }
        _ => frame(number, HELLO, &count(0)),
    };
    let _ = host.write_all(&hello);
    let Some(number) = request(&mut host) else { return ExitCode::SUCCESS };
    let answer = match lie.as_str() {
        "describe-name" => described(b"Not A Name"),
        "describe-truncated" => described(b"liar")[..20].to_vec(),
        _ => described(b"liar"),
    };
    let _ = host.write_all(&frame(number, DESCRIBED, &answer));
    if lie == "deaf" {
        loop {
            std::thread::park();
        }
    }
    let mut asked = 0;
    while let Some(number) = request(&mut host) {
        asked += 1;
        let bytes = match lie.strip_prefix("dump-") {
            None => said(&lie, number, &mut host),
            Some(lie) if asked == 1 => {
                let bytes = if lie == "announced" { u64::MAX } else { 1_000 };
                trapped(number, b"x", bytes)
            }
            Some(lie) => dumped(lie, number),
        };
        let _ = host.write_all(&bytes);
    }
    ExitCode::SUCCESS
}

/// Reads a request; its number, or none where the host is gone.
fn request(host: &mut UnixStream) -> Option<u32> {
    let mut head = [0; 12];
    host.read_exact(&mut head).ok()?;
    let length = u32::from_le_bytes(head[..4].try_into().unwrap());
    let mut body = vec![0; usize::try_from(length).unwrap()];
    host.read_exact(&mut body).ok()?;
    Some(u32::from_le_bytes(head[4..8].try_into().unwrap()))
}

fn noise() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..4_096)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

/// A trap with these words, and a core dump of so many bytes to come.
fn trapped(number: u32, words: &[u8], dump_bytes: u64) -> Vec<u8> {
    let body = [&[0][..], &text(words), &dump_bytes.to_le_bytes(), &NO_EXTRAS].concat();
    frame(number, FAULT, &body)
}

/// What a lie says where its core dump is asked for.
fn dumped(lie: &str, number: u32) -> Vec<u8> {
    let dump = |bytes: usize| {
        let body = [&text(&vec![0xd5; bytes])[..], &NO_EXTRAS].concat();
        frame(number, DUMPED, &body)
    };
    match lie {
        "garbage" => dump(1_000),
        "long" => dump(70_000),
        "half" => dump(1_000)[..500].to_vec(),
        "silence" => Vec::new(),
        "noise" => noise(),
        "done" => frame(number, DONE, &done(0, &count(0), &NO_EXTRAS)),
        "fault" => trapped(number, b"y", 1_000),
        "exit" => std::process::exit(7),
        other => panic!("there is no lie dump-{other}"),
    }
}

/// What a lie says to a call.
fn said(lie: &str, number: u32, host: &mut UnixStream) -> Vec<u8> {
    let none = count(0);
    let honest = frame(number, DONE, &done(5, &none, &NO_EXTRAS));
    let with = |at: usize, value: u8| {
        let mut frame = honest.clone();
        frame[at] = value;
        frame
    };
    let answer = |body: &[u8]| frame(number, DONE, body);
    let intents = |intents: &[u8]| answer(&done(5, intents, &NO_EXTRAS));
    let extras = |extras: &[u8]| answer(&done(5, &none, extras));
    let memory = [&u64::MAX.to_le_bytes()[..], &[0; 36]].concat();
    match lie {
        "length" => [&[0xff; 4][..], &honest[4..]].concat(),
        "length-just-over" => [&(1u32 << 20).to_le_bytes()[..], &honest[4..]].concat(),
        "version" => with(9, 9),
        "reserved" => with(11, 1),
        "kind" => with(8, 200),
        "request" => with(8, 4),
        "hello-again" => frame(number, HELLO, &count(0)),
        "saved" => frame(number, SAVED, &[&text(b"")[..], &NO_EXTRAS].concat()),
        "number" => frame(number.wrapping_add(1), DONE, &done(5, &none, &NO_EXTRAS)),
        "answer-before" => frame(number.wrapping_sub(1), DONE, &done(5, &none, &NO_EXTRAS)),
        "empty" => answer(&[]),
        "trailing" => answer(&[&done(5, &none, &NO_EXTRAS)[..], &[0]].concat()),
        "two-answers" => [&honest[..], &honest].concat(),
        "flood" => honest.repeat(5_000),
        "noise" => noise(),
        "zeros" => vec![0; 4_096],
        "fuel" => answer(&done(u64::MAX, &none, &NO_EXTRAS)),
        "memory" => extras(&memory),
        "tables" => extras(&[&[0; 8][..], &u64::MAX.to_le_bytes(), &[0; 28]].concat()),
        "output" => extras(&[&[0; 16][..], &u64::MAX.to_le_bytes(), &[0; 20]].concat()),
        "rate" => intents(&[&count(64)[..], &place(0, 0)[4..].repeat(64)].concat()),
        "intents-count" => intents(&[&count(65)[..], &place(0, 0)[4..].repeat(65)].concat()),
        "intents-missing" => intents(&count(64)),
        "intents-billions" => intents(&count(u32::MAX)),
        "intent-tag" => intents(&place(0, 9)),
        "side" => intents(&place(13, 7)),
        "scale" => intents(&place(22, 255)),
        "flag" => intents(&place(25, 2)),
        "line-level" => extras(&lines(&[(77, b"x")])),
        "line-text" => extras(&lines(&[(1, b"\xff\xfe")])),
        "line-length" => extras(&lines(&[(1, &[b'x'; 2_000])])),
        "lines-count" => extras(&[&[0; 40][..], &count(100_000), &[1; 5_000]].concat()),
        "lines" => {
            let line = format!("\u{1b}]0;owned{}", "x".repeat(86));
            extras(&lines(&[(1, line.as_bytes()); 40]))
        }
        "fault" => trapped(number, b"over\n  0: \x1b[2Jhere", 0),
        "fault-code" => frame(number, FAULT, &[&[99][..], &text(b"x"), &NO_EXTRAS].concat()),
        "half" => honest[..20].to_vec(),
        "half-head" => honest[..5].to_vec(),
        "silence" => Vec::new(),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "loud" => {
            // More than the pipe holds: nobody reads it, and this blocks for good.
            let _ = std::io::stderr().write_all(&vec![b'x'; 1 << 20]);
            Vec::new()
        }
        "exit" => std::process::exit(7),
        "words" => {
            let _ = std::io::stderr().write_all(b"it is \x1b[31mover\nnow");
            std::process::exit(7)
        }
        "abort" => std::process::abort(),
        "close" => {
            let _ = host.shutdown(std::net::Shutdown::Both);
            loop {
                std::thread::park();
            }
        }
        other => panic!("there is no lie {other}"),
    }
}
