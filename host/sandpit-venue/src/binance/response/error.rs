//! Why a message cannot be read.

/// Why a message cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than are accepted.
    #[error("{what} of {bytes} bytes is longer than the {bytes_max} that are accepted")]
    TooLong {
        /// What it should be.
        what: &'static str,
        /// Its bytes.
        bytes: usize,
        /// Most.
        bytes_max: usize,
    },
    /// No JSON, or not with the fields that it must have.
    #[error("malformed: it should be {what}")]
    Malformed {
        /// What it should be.
        what: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A frame that is neither an answer nor an event.
    #[error("the frame is neither an answer nor an event")]
    Neither,
}
