//! What the engine does, told as scripts.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod answers;
mod denials;
mod held;
mod lifecycle;
mod orders;
mod recovery;
mod script;
mod switches;
