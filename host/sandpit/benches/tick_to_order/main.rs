//! From the last byte of a market frame to the first byte of the order that it leads to, on loopback,
//! with everything between that a user has: `sandpit run` as a process, the strategy in a process of
//! its own, journal, signature. `cargo bench -p sandpit --bench tick_to_order [-- EVENTS] [hmac|ed25519]`.
//!
//! Beside it, in the same run: the same frames answered at once by one thread, and by a chain of as
//! many threads as a tick wakes. What is above them is work.

mod answers;
mod chain;
mod exchange;
mod report;
mod rest;
mod run;
mod session;
mod share;

use std::{io::Write as _, process::ExitCode};

fn main() -> ExitCode {
    match run::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
