//! Alerts from their cause to whoever is told: every rule by a real cause, every channel against a
//! server that speaks its protocol.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![expect(clippy::print_stderr, reason = "what is not checked is said")]

mod canary;
mod channels;
mod documents;
mod mail;
mod rules;
mod service;
mod support;
