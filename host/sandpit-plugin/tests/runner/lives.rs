//! The lives and deaths of runner processes: which walls stand, who ends them, and that nothing of
//! them is left.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use sandpit_core::plugin::FaultCode;
use sandpit_plugin::{
    EngineSettings, LaunchError, Launcher, Limits, Runner, StopReason, WallName, WallState,
};

use crate::{
    harness::{
        HOST, Log, RUNNER, Test, compiled, is_gone, launched, launcher, patient, say, settings,
    },
    support::{Guest, instrument, session, trade},
};

pub(crate) const TESTS: &[Test] = &[
    ("lives::walls_stand_or_say_why_not", walls_stand_or_say_why_not),
    ("lives::a_runner_has_nothing_of_the_host", a_runner_has_nothing_of_the_host),
    ("lives::a_required_wall_that_is_missing_refuses", a_required_wall_that_is_missing_refuses),
    ("lives::one_that_is_late_is_ended_from_outside", one_that_is_late_is_ended_from_outside),
    ("lives::one_that_is_killed_is_lost", one_that_is_killed_is_lost),
    ("lives::a_start_that_runs_away_is_a_fault", a_start_that_runs_away_is_a_fault),
    ("lives::a_dropped_one_is_gone", a_dropped_one_is_gone),
    ("lives::none_outlives_its_host", none_outlives_its_host),
    ("lives::nobody_runs_a_runner_by_hand", nobody_runs_a_runner_by_hand),
    ("lives::a_program_that_is_no_runner_is_an_error", a_program_that_is_no_runner_is_an_error),
];

fn is_there(process: u32) -> bool {
    std::fs::exists(format!("/proc/{process}")).unwrap()
}

fn walls_stand_or_say_why_not() {
    let walls = launcher().probe().unwrap();
    let names: Vec<_> = walls.iter().map(|wall| wall.name).collect();
    assert_eq!(names, WallName::ALL);
    for wall in &walls {
        match &wall.state {
            WallState::Standing => {}
            // What this kernel or whoever runs this test does not have is said, not hidden.
            WallState::Missing(reason) => {
                assert!(!reason.is_empty());
                say(&format!("wall {} does not stand here: {reason}", wall.name));
            }
        }
    }
    // Those that need nothing of the kernel's settings stand everywhere.
    for name in [
        WallName::Environment,
        WallName::Descriptors,
        WallName::OwnSession,
        WallName::Capabilities,
        WallName::ParentDeath,
        WallName::NoNewPrivileges,
        WallName::Seccomp,
        WallName::Limits,
        WallName::SealedCode,
    ] {
        let wall = walls.iter().find(|wall| wall.name == name).unwrap();
        assert_eq!(wall.state, WallState::Standing, "{name}");
    }
}

fn a_runner_has_nothing_of_the_host() {
    // A descriptor that every child inherits, as a careless parent leaves them.
    let left_open = std::fs::File::open("/proc/self/status").unwrap();
    rustix::io::fcntl_setfd(&left_open, rustix::io::FdFlags::empty()).unwrap();
    let runner = launched(&Guest::idle(), &patient(), &Log::default());
    let of = |file: &str| format!("/proc/{}/{file}", runner.process_id());
    assert_eq!(std::fs::read(of("environ")).unwrap(), b"");
    let mut open: Vec<String> = std::fs::read_dir(of("fd"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let to = std::fs::read_link(entry.path()).unwrap().display().to_string();
            let kind = to.split(':').next().unwrap_or_default().to_owned();
            format!("{} {kind}", entry.file_name().display())
        })
        .collect();
    open.sort();
    // The last is wasmtime's image of the guest's memory, where the guest has data.
    let expected = ["0 /dev/null", "1 /dev/null", "2 pipe", "3 socket", "4 /memfd"];
    assert_eq!(open, expected);
    let status = std::fs::read_to_string(of("status")).unwrap();
    let field = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_else(|| panic!("no {key} in {status}")).trim().to_owned()
    };
    assert_eq!((field("Threads:"), field("Name:")), ("1".to_owned(), "tested".to_owned()));
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), ("1".to_owned(), "2".to_owned()));
    for set in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    let limits = std::fs::read_to_string(of("limits")).unwrap();
    for limit in ["Max open files", "Max processes", "Max file size", "Max core file size"] {
        let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
        let soft = line[limit.len()..].split_ascii_whitespace().next();
        assert_eq!(soft, Some("0"), "{line}");
    }
}

fn a_required_wall_that_is_missing_refuses() {
    // The host of this test does not protect its memory: the canary's test reads it.
    let mut settings = settings(&[RUNNER]);
    settings.required.insert(WallName::HostMemory);
    let launched = Launcher::new(settings).unwrap().launch(
        "tested",
        &compiled(&Guest::idle()),
        EngineSettings::default(),
        &patient(),
        Log::default().sink(),
    );
    let error = launched.unwrap_err();
    assert!(matches!(error, LaunchError::Wall { wall: WallName::HostMemory, .. }), "{error}");
}

fn one_that_is_late_is_ended_from_outside() {
    // More fuel than the deadline leaves time for: nothing inside ends it.
    let limits = Limits {
        fuel_per_call_max: u64::MAX,
        call_deadline: Duration::from_millis(50),
        ..Limits::default()
    };
    let spinner = Guest::idle().body("on-trade", "(loop $on (br $on)) i32.const 0");
    let mut runner = launched(&spinner, &limits, &Log::default());
    let process = runner.process_id();
    runner.start(&session(&instrument()), &mut Vec::new()).unwrap();
    let begun = Instant::now();
    let fault = runner.call(&trade(1_000, 1), &mut Vec::new()).unwrap_err();
    let took = begun.elapsed();
    assert_eq!(fault.code, FaultCode::DeadlineExceeded, "{}", fault.detail);
    assert!(fault.detail.starts_with("plugin `tested`, on-trade: it was not back in time"));
    assert!(took >= limits.call_deadline, "{took:?}");
    // Generous, for a machine that does much else.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(is_gone(process), "it is reaped");
    assert_eq!(runner.call(&trade(1_000, 1), &mut Vec::new()), Err(fault.clone()));
    assert_eq!(runner.save(), Err(fault.clone()));
    assert_eq!(runner.fault(), Some(&fault));
}

fn one_that_is_killed_is_lost() {
    let mut runner = launched(&Guest::idle(), &patient(), &Log::default());
    runner.start(&session(&instrument()), &mut Vec::new()).unwrap();
    let process = i32::try_from(runner.process_id()).unwrap();
    let process = Pid::from_raw(process).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    let fault = runner.call(&trade(1_000, 1), &mut Vec::new()).unwrap_err();
    assert_eq!(fault.code, FaultCode::RunnerLost);
    assert!(fault.detail.contains("its process is gone: signal: 9 (SIGKILL)"), "{}", fault.detail);
}

fn a_start_that_runs_away_is_a_fault() {
    let limits = Limits { fuel_start_max: 1_000_000, ..patient() };
    let spinner = Guest::idle().body("describe", "(loop $on (br $on)) i32.const 64");
    let inline = spinner.load(&limits).unwrap_err();
    let error = launcher()
        .launch(
            "tested",
            &compiled(&spinner),
            EngineSettings::default(),
            &limits,
            Log::default().sink(),
        )
        .unwrap_err();
    let LaunchError::Fault(fault) = error else { panic!("{error}") };
    assert_eq!(fault, inline);
    assert_eq!(fault.code, FaultCode::FuelExhausted);
}

fn a_dropped_one_is_gone() {
    let mut runner = launched(&Guest::idle(), &patient(), &Log::default());
    let process = runner.process_id();
    runner.start(&session(&instrument()), &mut Vec::new()).unwrap();
    runner.stop(StopReason::Finished).unwrap();
    assert!(is_there(process));
    drop(runner);
    assert!(is_gone(process));
}

/// A host of its own: starts a runner, says its number, and waits.
pub(crate) fn be_a_host() -> ExitCode {
    let runner = launched(&Guest::idle(), &patient(), &Log::default());
    let _ = writeln!(std::io::stdout(), "{}", runner.process_id());
    let _ = std::io::stdin().read(&mut [0]);
    ExitCode::SUCCESS
}

fn none_outlives_its_host() {
    let mut host = Command::new("/proc/self/exe")
        .arg(HOST)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(host.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    let runner = Pid::from_raw(said.trim().parse().unwrap()).unwrap();
    let watched = pidfd_open(runner, PidfdFlags::empty()).unwrap();
    host.kill().unwrap();
    host.wait().unwrap();
    let patience = Timespec { tv_sec: 20, tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(&watched, PollFlags::IN)], Some(&patience)).unwrap();
    assert_eq!(ended, 1, "the runner is still there");
}

fn nobody_runs_a_runner_by_hand() {
    let output = Command::new("/proc/self/exe").arg(RUNNER).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("started by the host and not by people"), "{said}");
}

fn a_program_that_is_no_runner_is_an_error() {
    let launch = |program: &str| {
        let mut settings = settings(&[]);
        settings.executable = program.into();
        Launcher::new(settings).unwrap().probe().unwrap_err()
    };
    let error = launch("/bin/true");
    let LaunchError::Fault(fault) = &error else { panic!("{error}") };
    assert_eq!(fault.code, FaultCode::RunnerLost, "{}", fault.detail);
    let error = launch("/nowhere/sandpit");
    assert!(matches!(error, LaunchError::Start(_)), "{error}");
}
