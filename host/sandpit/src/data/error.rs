//! What can go wrong with data, with the file and the line.

use std::{fmt, io, path::PathBuf};

use sandpit_core::time::UnixNanos;
use sandpit_journal::tape::TapeError;

use super::{RowProblem, RulesError};

/// A line of a file, perhaps of a file within an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The file within the archive.
    pub entry: Option<String>,
    /// The line, from 1.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => write!(f, "{} ({entry}), line {}", self.path.display(), self.line),
            None => write!(f, "{}, line {}", self.path.display(), self.line),
        }
    }
}

/// Why data could not be imported or looked at.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
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
    /// An archive that is damaged or uses what is not supported.
    #[error("cannot read the archive `{}`", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: zip::result::ZipError,
    },
    /// A row that is not believed, and no repair was asked for that covers it.
    #[error("{place}: the row is refused")]
    Row {
        /// Where.
        place: Place,
        /// Why.
        #[source]
        problem: RowProblem,
    },
    /// The same, found after sorting, where the line is not known any more.
    #[error("the event of `{symbol}` at {time} is refused")]
    Event {
        /// Of which instrument.
        symbol: String,
        /// Its time.
        time: UnixNanos,
        /// Why.
        #[source]
        problem: RowProblem,
    },
    /// The format could not be told from the file's name and first lines.
    #[error("the format of `{}` is not recognised: {hint}", path.display())]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What was seen and what to do.
        hint: String,
    },
    /// The columns of a file are not those that the format or mapping needs.
    #[error("the columns of `{}` do not fit", path.display())]
    Mapping {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: MappingError,
    },
    /// Instrument rules that cannot be used.
    #[error("the instrument rules cannot be used")]
    Rules(#[from] RulesError),
    /// Options that contradict each other or the data.
    #[error("{0}")]
    Options(String),
    /// The files hold no event.
    #[error("there is no event in {files} files")]
    Empty {
        /// How many were read.
        files: usize,
    },
    /// The tape could not be written or read.
    #[error("the tape failed")]
    Tape(#[from] TapeError),
    /// The caller said stop.
    #[error("stopped before the end")]
    Interrupted,
}

/// Why a mapping of columns cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not `key=value`, or an unknown key or value.
    #[error("`{0}` is no part of a mapping")]
    Malformed(String),
    /// A column that every row of the kind has.
    #[error("it does not say which column is the {0}")]
    Missing(&'static str),
    /// A name that the header has not.
    #[error("the header has no column `{0}`")]
    NoSuchColumn(String),
    /// A name, where the file has no header.
    #[error("column `{0}` is given by name, but the file has no header; give its number from 0")]
    NameWithoutHeader(String),
}
