//! Plugins in their own processes, and processes that were taken over. This test is its own runner,
//! its own attacker and its own liar: it starts itself again with a word in front. That needs a
//! `main` of its own, since walls go up around a process with one thread.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")
)]

#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with tests that need other parts")]
mod support;

#[cfg(target_os = "linux")]
mod asks;
#[cfg(target_os = "linux")]
mod attacks;
#[cfg(target_os = "linux")]
mod bounds;
#[cfg(target_os = "linux")]
mod canary;
#[cfg(target_os = "linux")]
mod dumps;
#[cfg(target_os = "linux")]
mod equality;
#[cfg(target_os = "linux")]
mod harness;
#[cfg(target_os = "linux")]
mod liars;
#[cfg(target_os = "linux")]
mod lives;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some(harness::RUNNER) => sandpit_plugin::serve_runner(),
        Some(harness::HOST) => lives::be_a_host(),
        Some(harness::ATTACKER) => attacks::attack(words),
        Some(harness::LIAR) => liars::lie(words),
        _ => harness::run(&[
            equality::TESTS,
            asks::TESTS,
            bounds::TESTS,
            dumps::TESTS,
            lives::TESTS,
            attacks::TESTS,
            liars::TESTS,
            canary::TESTS,
        ]),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}
