//! Why a venue cannot go on.

use std::path::PathBuf;

use sandpit_journal::tape::TapeError;
use sandpit_venue::client::ClientError;

/// Why a venue cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum VenueError {
    /// Its log cannot be read or written.
    #[error("cannot read or write the venue's log `{path}`", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Its log was changed.
    #[error("the venue's log `{path}` is damaged at byte {offset}", path = .path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
    /// A line of its log is not one that this version writes.
    #[error("the venue's log `{path}` cannot be understood at byte {offset}", path = .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// Its log is of another market.
    #[error("the venue's log `{path}` {what}", path = .path.display())]
    OtherMarket {
        /// Which.
        path: PathBuf,
        /// How it differs.
        what: &'static str,
    },
    /// The market ended before something that happened in it.
    #[error("the market ended after {events} events, and the venue had seen {wanted}")]
    MarketTooShort {
        /// How many there are.
        events: u64,
        /// How many there were.
        wanted: u64,
    },
    /// The market is broken, or cannot be recorded.
    #[error(transparent)]
    Market(#[from] TapeError),
    /// The venue cannot be traded on as it was asked for.
    #[error("the venue cannot be opened: {why}")]
    CannotOpen {
        /// Why not.
        why: String,
    },
    /// The key is none that a host may have.
    #[error("the key is refused: {why}")]
    KeyRefused {
        /// Why.
        why: String,
    },
    /// The line to the venue is down for good.
    #[error("the line to the venue has ended")]
    Client(#[from] ClientError),
}
