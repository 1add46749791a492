//! Files that people write, with whatever in them: they are read, or refused in words with a place.
//! How to run this for longer is in docs/fuzzing.md.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod config;
#[path = "../../../../tests/fuzz/drive/mod.rs"]
mod drive;
mod lines;
mod trust;
