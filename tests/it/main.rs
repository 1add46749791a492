//! The black-box tests: the command line, the documents, the rules of the house.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cli;
mod docs;
mod isolation;
mod keys;
mod live;
mod paper;
mod plugins;
mod recorded;
mod support;
mod tidy;
