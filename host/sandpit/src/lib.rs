//! A trading host that runs strategies as sandboxed WebAssembly plugins: the shell around the
//! core. It owns the command line, configuration, the loop of a backtest, reports and the market
//! data importers; what trading *is* lives in `sandpit-core`, foreign code in `sandpit-plugin`,
//! disk formats in `sandpit-journal`.

#![forbid(unsafe_code)]

pub mod alerts;
pub mod audit;
pub mod author;
pub mod backtest;
pub mod bench;
pub mod cli;
pub mod config;
pub mod data;
pub mod demo;
pub mod keys;
pub mod replay;
pub mod report;
pub mod sandbox;
pub mod session;
pub mod simulate;
pub mod synthetic;
pub mod trust;
pub mod venues;
pub mod watch;

pub use sandpit_admin as admin;
