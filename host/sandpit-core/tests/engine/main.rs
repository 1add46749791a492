//! What the engine does, told as scripts.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod denials;
mod lifecycle;
mod orders;
mod script;
