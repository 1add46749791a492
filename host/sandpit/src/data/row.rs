//! A row between the file and the tape: what it says, still as text, and what is wrong with it.

use sandpit_core::{
    market::{ReadingError, Side},
    time::{Nanos, UnixNanos},
};
use sandpit_venue::binance::stream::{StreamError, StreamMessage};

use super::DataError;

/// Characters of a row that an error quotes.
const QUOTED_CHARS_MAX: usize = 80;

/// Price and quantity as text.
pub(super) type LevelText<'a> = (&'a [u8], &'a [u8]);

/// What one row says.
#[derive(Debug)]
pub(super) struct RawEvent<'a> {
    /// The instrument's name in the file; `None` where rows have none.
    pub(super) name: Option<&'a str>,
    /// The venue, where the row says it.
    pub(super) venue: Option<&'a str>,
    /// When the recorder received it.
    pub(super) host_time: Option<UnixNanos>,
    /// When it happened. For a bar, its end.
    pub(super) venue_time: Option<UnixNanos>,
    /// What.
    pub(super) data: RawData<'a>,
}

/// What one row says, by kind.
#[derive(Debug)]
pub(super) enum RawData<'a> {
    Trade {
        price: &'a [u8],
        quantity: &'a [u8],
        aggressor: Option<Side>,
        id: u64,
    },
    /// Prices, and quantities where the file has them.
    Quote {
        bid: &'a [u8],
        ask: &'a [u8],
        quantities: Option<(&'a [u8], &'a [u8])>,
    },
    Bar {
        interval: Nanos,
        prices: [&'a [u8]; 4],
        volume: Option<&'a [u8]>,
    },
    Depth {
        snapshot: bool,
        bids: &'a [LevelText<'a>],
        asks: &'a [LevelText<'a>],
    },
    Mark {
        mark: &'a [u8],
    },
    Funding {
        rate: &'a [u8],
        mark: &'a [u8],
    },
    Binance(&'a StreamMessage<'a>),
    /// Nothing that belongs on a tape, and what it is; it is counted.
    Nothing(&'static str),
}

/// Why a row is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// Another number of columns than the format has; a row that was cut short looks so.
    #[error("it has {found} columns, not {expected}")]
    Columns {
        /// In the row.
        found: usize,
        /// In the format.
        expected: String,
    },
    /// A field that cannot be read, `NaN` among them.
    #[error("`{text}` is no {field}")]
    Malformed {
        /// Which field.
        field: &'static str,
        /// What stands there.
        text: String,
    },
    /// A price or quantity below zero.
    #[error("the {field} `{text}` is negative")]
    Negative {
        /// Which field.
        field: &'static str,
        /// What stands there.
        text: String,
    },
    /// A price or quantity of zero.
    #[error("the {field} is zero")]
    Zero {
        /// Which field.
        field: &'static str,
    },
    /// A number that is not on the instrument's grid.
    #[error("the {field} `{text}` is not on the instrument's grid")]
    OffGrid {
        /// Which field.
        field: &'static str,
        /// What stands there.
        text: String,
    },
    /// A number beyond every bound.
    #[error("the {field} `{text}` is too large")]
    TooLarge {
        /// Which field.
        field: &'static str,
        /// What stands there.
        text: String,
    },
    /// A bar's volume with more digits than its grid, as sums of floats have.
    #[error(
        "the volume `{text}` is finer than the instrument's grid; the repair `round-volume` rounds it"
    )]
    FineVolume {
        /// What stands there.
        text: String,
    },
    /// Earlier than the row before.
    #[error("time goes back from {before} to {now}")]
    OutOfOrder {
        /// Nanoseconds of the row before.
        before: UnixNanos,
        /// Nanoseconds of this row.
        now: UnixNanos,
    },
    /// The same trade or bar again.
    #[error("{what} comes twice")]
    Duplicate {
        /// Which.
        what: String,
    },
    /// Open, high, low and close contradict each other.
    #[error("open, high, low and close of the bar contradict each other")]
    Bar,
    /// An instrument without rules, where rules were given.
    #[error("no rules are given for instrument `{name}`")]
    UnknownInstrument {
        /// Its name in the file.
        name: String,
    },
    /// A message of a capture that is malformed.
    #[error("the message is refused: {0}")]
    Message(String),
    /// More levels than a tape takes.
    #[error("there are more levels on one side than are accepted")]
    Levels,
    /// A line longer than [`super::LINE_BYTES_MAX`].
    #[error("the line is longer than {} bytes", super::LINE_BYTES_MAX)]
    LineTooLong,
    /// The compressed file ends in the middle.
    #[error("the file is cut short or damaged here: {0}")]
    CutShort(String),
}

impl RowProblem {
    /// The name under which a summary counts it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Columns { .. } => "wrong_columns",
            Self::Malformed { .. } => "malformed",
            Self::Negative { .. } => "negative",
            Self::Zero { .. } => "zero",
            Self::OffGrid { .. } => "off_grid",
            Self::TooLarge { .. } => "too_large",
            Self::FineVolume { .. } => "fine_volume",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::Duplicate { .. } => "duplicate",
            Self::Bar => "bar_contradiction",
            Self::UnknownInstrument { .. } => "unknown_instrument",
            Self::Message(_) => "malformed_message",
            Self::Levels => "too_many_levels",
            Self::LineTooLong => "line_too_long",
            Self::CutShort(_) => "cut_short",
        }
    }

    pub(super) fn malformed(field: &'static str, text: &[u8]) -> Self {
        Self::Malformed { field, text: quote(text) }
    }

    pub(super) fn number(field: &'static str, text: &[u8], problem: ReadingError) -> Self {
        match problem {
            ReadingError::Malformed => Self::malformed(field, text),
            ReadingError::TooLarge => Self::TooLarge { field, text: quote(text) },
            ReadingError::OffGrid => Self::OffGrid { field, text: quote(text) },
            ReadingError::Negative => Self::Negative { field, text: quote(text) },
            ReadingError::Zero => Self::Zero { field },
        }
    }

    pub(super) fn message(error: &StreamError) -> Self {
        match error {
            StreamError::Number { field, text, problem } => {
                Self::number(field, text.as_bytes(), *problem)
            }
            StreamError::TooManyLevels { .. } => Self::Levels,
            StreamError::Bar => Self::Bar,
            other => Self::Message(chain(other)),
        }
    }
}

/// An error with its sources, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Text of a file for an error: cut short, and nothing that a terminal would obey.
pub(super) fn quote(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .take(QUOTED_CHARS_MAX)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Why a row was not taken: its own fault, which a repair may cover, or one that ends the import.
#[derive(Debug)]
pub(super) enum Refusal {
    Row(RowProblem),
    Fatal(DataError),
}

impl From<RowProblem> for Refusal {
    fn from(problem: RowProblem) -> Self {
        Self::Row(problem)
    }
}

impl From<DataError> for Refusal {
    fn from(error: DataError) -> Self {
        Self::Fatal(error)
    }
}

/// Where a parser puts what rows say.
pub(super) type Out<'a> = &'a mut dyn FnMut(RawEvent<'_>) -> Result<(), Refusal>;
