//! Runs the tests of this program as the usual harness would, and knows the words with which it
//! starts itself again in its other parts.

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
    time::Instant,
};

use crate::attack::{Attack, judge};

/// The word that makes this program a runner.
pub(crate) const RUNNER: &str = "__runner";
/// The word that makes it a compiler.
pub(crate) const COMPILER: &str = "__compiler";

/// What `sandpit-tests` knows this very program as, even once its file was replaced.
#[cfg(target_os = "linux")]
pub(crate) fn this_program() -> PathBuf {
    "/proc/self/exe".into()
}

/// The file of this program.
#[cfg(not(target_os = "linux"))]
pub(crate) fn this_program() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// One test, or a table of attacks, each of which is one.
pub(crate) enum Tests {
    /// A test and its name.
    One(&'static str, fn()),
    /// Attacks of a family.
    Attacks(&'static str, &'static [&'static [Attack]]),
}

/// Runs all tests whose name contains one of the arguments.
pub(crate) fn run(tests: &[&[Tests]]) -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let is_list = words.iter().any(|word| word == "--list");
    let mut report = Report { wanted, is_list, passed: 0, failed: Vec::new() };
    let begun = Instant::now();
    for tests in tests.iter().copied().flatten() {
        match tests {
            Tests::One(name, test) => report.one(name, || {
                test();
                Ok(())
            }),
            Tests::Attacks(family, tables) => {
                for attack in tables.iter().copied().flatten() {
                    report.one(&format!("{family}: {}", attack.name), || judge(attack));
                }
            }
        }
    }
    report.end(begun)
}

/// How the tests went.
struct Report<'a> {
    wanted: Vec<&'a String>,
    is_list: bool,
    passed: usize,
    failed: Vec<String>,
}

impl Report<'_> {
    fn one(&mut self, name: &str, test: impl FnOnce() -> Result<(), String>) {
        if !self.wanted.is_empty() && !self.wanted.iter().any(|word| name.contains(*word)) {
            return;
        }
        if self.is_list {
            return say(&format!("{name}: test"));
        }
        let begun = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(test));
        let took = begun.elapsed().as_millis();
        match ended {
            Ok(Ok(())) => {
                self.passed += 1;
                say(&format!("test {name} ... ok ({took} ms)"));
            }
            Ok(Err(problem)) => self.fail(name, &problem),
            Err(_) => self.fail(name, "it panicked"),
        }
    }

    fn fail(&mut self, name: &str, problem: &str) {
        say(&format!("test {name} ... FAILED\n    {problem}"));
        self.failed.push(name.to_owned());
    }

    fn end(self, begun: Instant) -> ExitCode {
        if !self.is_list {
            let (passed, failed) = (self.passed, self.failed.len());
            let seconds = begun.elapsed().as_secs_f32();
            say(&format!(
                "\n{passed} passed, {failed} failed {:#?} in {seconds:.1} s",
                self.failed
            ));
        }
        if self.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// A line of the report.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
