//! What can be wrong with a message.

use sandpit_core::market::ReadingError;

/// Bytes of a message's text that an error quotes.
const QUOTED_CHARS_MAX: usize = 64;

/// Why a message cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// More bytes than [`super::MESSAGE_BYTES_MAX`].
    #[error("the message has {bytes} bytes, more than are accepted")]
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
    /// No JSON, or not with the fields that its kind has.
    #[error("the message is malformed")]
    Malformed {
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A kind that is not market data, or that is not known.
    #[error("messages of kind `{kind}` are not market data that is known here")]
    Unsupported {
        /// What it calls itself.
        kind: String,
    },
    /// A number that is none on the instrument's grid.
    #[error("`{text}` is no {field}")]
    Number {
        /// Which number.
        field: &'static str,
        /// What stands there, cut short.
        text: String,
        /// Why.
        #[source]
        problem: ReadingError,
    },
    /// A stamp before 1970 or after 2262, or bar ends in the wrong order.
    #[error("the stamp {stamp} is no time")]
    Time {
        /// As the venue says it.
        stamp: i64,
    },
    /// More levels than [`super::LEVELS_PER_SIDE_MAX`].
    #[error("the message has {levels} levels on one side, more than are accepted")]
    TooManyLevels {
        /// How many.
        levels: usize,
    },
    /// Open or close outside high and low.
    #[error("open, high, low and close of the bar contradict each other")]
    Bar,
}

impl StreamError {
    pub(super) fn number(field: &'static str, text: &str, problem: ReadingError) -> Self {
        Self::Number { field, text: quoted(text), problem }
    }

    pub(super) fn unsupported(kind: &str) -> Self {
        Self::Unsupported { kind: quoted(kind) }
    }
}

impl From<serde_json::Error> for StreamError {
    fn from(source: serde_json::Error) -> Self {
        Self::Malformed { source }
    }
}

fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_CHARS_MAX).collect()
}
