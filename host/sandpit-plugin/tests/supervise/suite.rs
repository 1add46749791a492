//! Runs the tests of this file one after the other, as the usual harness would.

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

/// A test and its name.
pub(crate) type Test = (&'static str, fn());

/// Runs all tests whose name contains one of the arguments.
pub(crate) fn run(tests: &[&[Test]]) -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(*word));
    let is_list = words.iter().any(|word| word == "--list");
    let mut out = std::io::stdout();
    let (mut passed, mut failed) = (0, Vec::new());
    for (name, test) in tests.iter().copied().flatten().filter(|(name, _)| chosen(name)) {
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
