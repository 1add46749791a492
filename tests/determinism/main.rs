//! The same component over the same events does the same: inline and in a process, compiled anew
//! and from the cache, today and by an old SDK. docs/decisions/0007-determinism.md says what of it
//! holds between machines; docs/authors/contract.md, which versions of the contract are served.
//!
//! A report is the same with one thread and with two, and with strategies in processes: that is
//! shown through the command in `tests/it/isolation.rs` and `tests/it/cli.rs`.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")
)]

#[cfg(target_os = "linux")]
mod contract;
#[cfg(target_os = "linux")]
mod floats;
#[cfg(target_os = "linux")]
#[path = "../../host/sandpit-plugin/tests/runner/harness.rs"]
#[expect(dead_code, reason = "shared with tests that need other parts")]
mod harness;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod plays;
#[cfg(target_os = "linux")]
#[path = "../../host/sandpit-plugin/tests/support/mod.rs"]
#[expect(dead_code, reason = "shared with tests that need other parts")]
mod support;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(harness::RUNNER) => sandpit_plugin::serve_runner(),
        Some(limits::COMPILE) => limits::compile_and_say(),
        _ => harness::run(&[floats::TESTS, limits::TESTS, contract::TESTS]),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}
