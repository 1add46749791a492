//! What can go wrong with a call log, with the file and the byte.

use std::{io, path::PathBuf};

/// Why a call log could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CallLogError {
    /// The file system said no.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The bytes contradict themselves, and not only at the end.
    #[error("`{}` is damaged at byte {offset}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the part begins that is damaged.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// A version that this program does not know.
    #[error("`{}` is a call log of version {found}; this program reads {}", path.display(), super::VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// One between two others is not there.
    #[error("segment {number} of `{}` is missing, between others", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The segment's number.
        number: u32,
    },
    /// A record beyond its bound.
    #[error("a record of {bytes} bytes; {} are kept", super::RECORD_BYTES_MAX)]
    RecordLength {
        /// Its bytes.
        bytes: usize,
    },
    /// An earlier error of the same writer; it takes nothing more.
    #[error("`{}` takes nothing more after an earlier error", folder.display())]
    Ended {
        /// The folder.
        folder: PathBuf,
    },
}

impl CallLogError {
    pub(super) fn io(action: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}
