//! Plugins that mean harm, one per attack, and an honest one beside each of them. For every attack
//! it is said exactly how it ends: it is refused, it is a fault, its wishes are denied, or it is
//! contained; and the honest plugin's results must be the same, byte for byte, as without it.
//!
//! This program is also its own runner and its own compiler: it starts itself again with a word in
//! front. That needs a `main` of its own, since walls go up around a process with one thread.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod abi;
mod attack;
mod books;
mod cpu;
mod exfiltration;
mod guest;
mod harness;
mod honest;
mod host;
mod load;
mod market;
mod memory;
mod pieces;
mod protocol;
mod stage;
mod table;
mod trust;
mod weakened;
mod wish;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some(harness::RUNNER) => sandpit_plugin::serve_runner(),
        Some(harness::COMPILER) => sandpit_plugin::serve_compiler(&words.collect::<Vec<_>>()),
        _ => harness::run(&[
            table::TESTS,
            stage::TESTS,
            weakened::TESTS,
            exfiltration::TESTS,
            cpu::TESTS,
            memory::TESTS,
            abi::TESTS,
            load::TESTS,
            trust::TESTS,
            protocol::TESTS,
            host::TESTS,
        ]),
    }
}
