//! Importers, the look at a tape, its check, and the download: files in, text out.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod checks;
mod fetch;
mod formats;
mod hostile;
mod queues;
mod recorded;
mod repairs;
mod support;
