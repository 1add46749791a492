//! The market data of a Binance connection, stepped with a virtual clock: recorded streams, and a
//! hand-written fake of the venue with faults.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod faults;
mod joints;
mod ledger;
mod recorded;
mod rig;
mod venue;
mod world;
