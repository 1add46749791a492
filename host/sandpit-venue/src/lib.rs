//! Exchanges as Sandpit sees them.
//!
//! **Architecture invariant:** a codec and a protocol are pure: bytes to values, and a state machine
//! that says what is to be sent ([`machine`]); they open no socket and read no clock. What a venue
//! says is hostile until it is on an instrument's grid. Sockets, clock and chance are in [`client`]
//! alone, which knows no protocol.

#![forbid(unsafe_code)]

pub mod binance;
pub mod client;
pub mod gauges;
pub mod keys;
pub mod machine;
