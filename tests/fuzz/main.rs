//! Whatever bytes come from outside, the end is an answer: a refusal, a fault, or values within
//! their bounds. Never a panic, an endless wait, or memory without bound. What the targets are and
//! how to run them for longer is in docs/fuzzing.md; the targets inside of other crates are there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bounds;
mod cache;
mod drive;
mod lift;
mod loader;
mod memory;
mod sections;
mod signature;
#[path = "../../host/sandpit-plugin/tests/support/mod.rs"]
#[expect(dead_code, reason = "shared with tests that need other parts")]
mod support;
mod tape;
