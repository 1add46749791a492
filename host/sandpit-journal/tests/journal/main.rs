//! The journal from the outside: real files, real faults.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod backup;
mod basics;
mod faults;
mod flips;
mod plugins;
mod rotation;
mod support;
mod views;
