//! Whole runs: random markets, random plugins, and what must hold after every step.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod invariants;
mod parity;
mod random;
mod replay;
