//! Why a paper session does not begin, or does not go on.

use std::path::PathBuf;

use sandpit_core::engine::RecordError;
use sandpit_journal::{calls::CallLogError, journal::JournalError, tape::TapeError};

use super::venue::VenueError;
use crate::{admin::AdminError, backtest::BacktestError, config::ConfigError, keys::KeysError};

/// Why a paper session ended otherwise than by its market's end or its operator's wish.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Its keys cannot be looked after.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Something that a backtest would stumble over, too: plugins, tapes, limits.
    #[error(transparent)]
    Setup(#[from] BacktestError),
    /// The folder cannot be used.
    #[error("cannot read or write `{path}`", path = .path.display())]
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Another process has it.
    #[error("another sandpit uses `{path}`", path = .path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// What a plugin saved was changed or cut.
    #[error("the saved state of `{plugin}` in `{path}` is damaged", path = .path.display())]
    DamagedState {
        /// Whose.
        plugin: String,
        /// Where.
        path: PathBuf,
    },
    /// The journal cannot be opened, or its past cannot be believed.
    #[error("the session cannot begin without its journal")]
    Journal(#[source] JournalError),
    /// A row of the journal does not fit the rows before it.
    #[error("row {seq} of the journal does not follow from the rows before it")]
    Replay {
        /// Which.
        seq: u64,
        /// How.
        #[source]
        source: RecordError,
    },
    /// The journal could not be written any more.
    #[error(
        "the journal cannot be written: trading is halted, {canceled} open orders were canceled \
         and {left} are left at the venue"
    )]
    JournalLost {
        /// Why.
        #[source]
        source: JournalError,
        /// Orders that the venue confirmed to be canceled.
        canceled: u32,
        /// Orders that it did not.
        left: u32,
    },
    /// The venue cannot go on.
    #[error("the session cannot trade on its venue")]
    Venue(#[from] VenueError),
    /// The market cannot be read.
    #[error(transparent)]
    Market(#[from] TapeError),
    /// What plugins are told cannot be written down.
    #[error(transparent)]
    Calls(#[from] CallLogError),
    /// Nobody could speak to the session.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// Something asked for does not fit.
    #[error(transparent)]
    Config(#[from] ConfigError),
}
