//! Whole runs: random markets, random plugins, and what must hold after every step.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod invariants;
mod limits;
mod parity;
mod perpetual;
mod random;
mod replay;
mod rough;
