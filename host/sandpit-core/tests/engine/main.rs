//! What the engine does, told as scripts.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod answers;
mod codes;
mod denials;
mod faults;
mod guards;
mod held;
mod joining;
mod lacking;
mod lifecycle;
mod orders;
mod protection;
mod recovery;
mod script;
mod self_trades;
mod switches;
