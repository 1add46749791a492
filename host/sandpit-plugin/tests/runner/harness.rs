//! Runs the tests of this file one after the other, as the usual harness would, and starts this
//! program again in its other parts.

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Command, ExitCode},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sandpit_plugin::{
    Compiled, Compiler, EngineSettings, LaunchSettings, Launcher, Limits, LogLine, LogSink,
    ProcessRunner,
};

use crate::support::{Guest, engine};

/// The word that makes this program a runner.
pub(crate) const RUNNER: &str = "__runner";
/// The word that makes it a host with a runner.
pub(crate) const HOST: &str = "__host";
/// The word that makes it a runner that was taken over.
pub(crate) const ATTACKER: &str = "__attacker";
/// The word that makes it a runner that lies to its host.
pub(crate) const LIAR: &str = "__liar";
/// A variable of the host's environment that no runner may know.
pub(crate) const CANARY_VARIABLE: &str = "SANDPIT_TEST_CANARY";
/// Its value.
pub(crate) const CANARY: &str = "canary-5f0c9be2a7d14e83";

/// A test and its name.
pub(crate) type Test = (&'static str, fn());

/// Runs all tests whose name contains one of the arguments.
pub(crate) fn run(tests: &[&[Test]]) -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if std::env::var_os(CANARY_VARIABLE).is_none() {
        // The environment is part of what is tested, so this program runs in one that has a secret.
        let again = Command::new("/proc/self/exe")
            .args(&words)
            .env(CANARY_VARIABLE, CANARY)
            .status()
            .unwrap();
        return if again.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(*word));
    let is_list = words.iter().any(|word| word == "--list");
    let mut out = std::io::stdout();
    let (mut passed, mut failed) = (0, Vec::new());
    for (name, test) in tests.iter().copied().flatten() {
        if !chosen(name) {
            continue;
        }
        if is_list {
            let _ = writeln!(out, "{name}: test");
            continue;
        }
        let ok = catch_unwind(AssertUnwindSafe(test)).is_ok();
        let _ = writeln!(out, "test {name} ... {}", if ok { "ok" } else { "FAILED" });
        if ok {
            passed += 1;
        } else {
            failed.push(name);
        }
    }
    if !is_list {
        let _ = writeln!(out, "\n{passed} passed, {} failed {failed:?}\n", failed.len());
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says on the error output what a test leaves out, and why.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Whether a process that was ended is gone, nothing of it left; the kernel may take its time.
pub(crate) fn is_gone(process: u32) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while std::fs::exists(format!("/proc/{process}")).unwrap() {
        if Instant::now() > until {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

/// A launcher of real runners.
pub(crate) fn launcher() -> Arc<Launcher> {
    Launcher::new(settings(&[RUNNER])).unwrap()
}

/// Settings that start this program with these words.
pub(crate) fn settings(words: &[&str]) -> LaunchSettings {
    let words = words.iter().map(Into::into).collect();
    LaunchSettings::new("/proc/self/exe".into(), words)
}

/// A guest's machine code.
pub(crate) fn compiled(guest: &Guest) -> Compiled {
    Compiler::InProcess.compile(&engine(), &guest.checked()).unwrap()
}

/// A guest in a process of its own.
pub(crate) fn launched(guest: &Guest, limits: &Limits, log: &Log) -> ProcessRunner {
    launcher()
        .launch("tested", &compiled(guest), EngineSettings::default(), limits, log.sink())
        .unwrap()
}

/// Limits whose deadline no busy machine meets, and whose rate of intents no event in quick
/// succession.
pub(crate) fn patient() -> Limits {
    Limits {
        call_deadline: Duration::from_secs(20),
        intents_per_second_max: 1_000_000,
        ..Limits::default()
    }
}

/// Log lines, kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn sink(&self) -> Box<dyn LogSink> {
        let lines = Arc::clone(&self.0);
        Box::new(move |line: &LogLine<'_>| lines.lock().unwrap().push(format!("{line:?}")))
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
