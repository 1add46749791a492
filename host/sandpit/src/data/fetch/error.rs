//! What can go wrong with a download.

use std::{io, path::PathBuf};

/// Why a fetch ended early.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Options that are out of bounds.
    #[error("{0}")]
    Options(String),
    /// The file system said no.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// No client could be made, for want of certificates perhaps.
    #[error("cannot set up an HTTPS client")]
    Client(#[source] reqwest::Error),
    /// The server could not be reached, or its answer broke off, each time.
    #[error("cannot load `{url}`, tried {attempts} times")]
    Request {
        /// From where.
        url: String,
        /// How often it was tried.
        attempts: u32,
        /// The last failure.
        #[source]
        source: reqwest::Error,
    },
    /// The server said no, each time.
    #[error("the server answers {status} for `{url}`, tried {attempts} times")]
    Status {
        /// From where.
        url: String,
        /// What it answered.
        status: u16,
        /// How often it was tried.
        attempts: u32,
    },
    /// The answer is not what was asked for.
    #[error("the answer of `{url}` cannot be used: {problem}")]
    Answer {
        /// From where.
        url: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The file is there, but not its checksum.
    #[error("the server has `{url}` but no checksum of it")]
    NoChecksum {
        /// From where.
        url: String,
    },
    /// The content has another checksum, each time.
    #[error("`{url}` has the checksum {found}, not {expected}, tried {attempts} times")]
    Checksum {
        /// From where.
        url: String,
        /// What the venue says.
        expected: String,
        /// What the content has.
        found: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The caller said stop. What has been loaded stays, and the next fetch goes on from there.
    #[error("stopped before the end")]
    Interrupted,
}
