//! Exchanges as Sandpit sees them.
//!
//! **Architecture invariant:** a codec is pure, bytes to values; it opens no socket and reads no
//! clock. What a venue says is hostile until it is on an instrument's grid.

#![forbid(unsafe_code)]

pub mod binance;
