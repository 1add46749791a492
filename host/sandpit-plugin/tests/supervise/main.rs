//! Plugins under their supervisor, in real processes: swaps under load, neighbours that misbehave,
//! processes that are killed, and what is left of all that. This test is its own runner, which needs
//! a `main` of its own, since walls go up around a process with one thread.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")
)]

#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with tests that need other parts")]
mod support;

#[cfg(target_os = "linux")]
mod guests;
#[cfg(target_os = "linux")]
mod hall;
#[cfg(target_os = "linux")]
mod lives;
#[cfg(target_os = "linux")]
mod neighbours;
#[cfg(target_os = "linux")]
mod suite;
#[cfg(target_os = "linux")]
mod swaps;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(hall::RUNNER) => sandpit_plugin::serve_runner(),
        _ => suite::run(&[swaps::TESTS, neighbours::TESTS, lives::TESTS]),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}
