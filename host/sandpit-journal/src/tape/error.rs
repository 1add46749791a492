//! What can go wrong with a tape, with the file and the byte.

use std::{io, path::PathBuf};

use sandpit_core::{instrument::InstrumentError, time::UnixNanos};

/// Why a tape could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
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
    /// Another writer has the file.
    #[error("`{}` is being written by another process", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("`{}` is not a tape", path.display())]
    NotATape {
        /// The file.
        path: PathBuf,
    },
    /// A version that this program does not know.
    #[error("`{}` is a tape of version {found}; this program reads versions up to {}", path.display(), super::VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The bytes contradict themselves.
    #[error("`{}` is damaged at byte {offset}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the part begins that is damaged.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// The writer never finished, or the file was cut. All whole segments have been read.
    #[error(
        "`{}` ends early at byte {offset}, after {segments} whole segments with {events} events, the last at {last}",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where the part begins that is not whole.
        offset: u64,
        /// Whole segments before it.
        segments: u64,
        /// Events in those.
        events: u64,
        /// Time of the last of those; zero where there is none.
        last: UnixNanos,
    },
    /// The head describes instruments that cannot be.
    #[error("the instruments of `{}` cannot be used", path.display())]
    Instruments {
        /// The file.
        path: PathBuf,
        /// Which, and why.
        #[source]
        source: InstrumentError,
    },
    /// The head is beyond its bounds.
    #[error("the head of `{}` is refused: {problem}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// Tapes that are to be read together do not fit each other.
    #[error("`{}` cannot be read together with the others: {problem}", path.display())]
    Merge {
        /// The first tape that does not fit.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// An event that no tape takes.
    #[error("the event at {time} is refused: {problem}")]
    Event {
        /// Its time.
        time: UnixNanos,
        /// Why.
        #[source]
        problem: EventProblem,
    },
    /// The thread that reads ahead ended without a word.
    #[error("the thread that reads the tape ahead was lost")]
    ReaderLost,
}

/// Why a tape takes an event not, or why an event of a file is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventProblem {
    /// Earlier than the event before.
    #[error("time goes back")]
    TimeGoesBack,
    /// Not in the tape's table.
    #[error("the tape has no such instrument")]
    UnknownInstrument,
    /// A price of zero or less, or beyond the bound.
    #[error("a price is not positive or is beyond its bound")]
    Price,
    /// A negative quantity, a zero where there must be some, or beyond the bound.
    #[error("a quantity is negative, zero or beyond its bound")]
    Quantity,
    /// Open or close outside high and low, or no interval.
    #[error("open, high, low, close or interval of the bar contradict each other")]
    Bar,
    /// More than [`super::LEVELS_PER_SIDE_MAX`].
    #[error("more levels on one side than are accepted")]
    Levels,
    /// A funding rate beyond its bound.
    #[error("a funding rate is beyond its bound")]
    Rate,
}
