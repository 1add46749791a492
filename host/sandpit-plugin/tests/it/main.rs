//! The sandbox against guests that mean harm, and against one that does not.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

#[path = "../support/mod.rs"]
mod support;

mod faults;
mod lifecycle;
mod load;
mod log;
mod refusals;
