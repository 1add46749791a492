//! The pure core of Sandpit: what a trade, an order, a limit and a position are, and one engine
//! that steps them.
//!
//! **Architecture invariant:** nothing here reads a clock, a random number, a file or a socket,
//! and no money is a float. Everything arrives in an [`engine::Event`] and leaves as an
//! [`engine::Effect`], so backtest, paper and live run the same code and the same inputs give the
//! same bytes out. `no_std` lets the compiler hold us to it.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod account;
pub mod engine;
pub mod ids;
pub mod instrument;
pub mod intent;
pub mod market;
pub mod matching;
pub mod num;
pub mod order;
pub mod plugin;
pub mod risk;
pub mod simulation;
pub mod time;
pub mod venue;
