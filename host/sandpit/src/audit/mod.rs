//! What a person asks of a journal: proof, rows, files for other programs, the month's figures. The
//! format and the proof itself are `sandpit-journal`'s; what is typed and printed is `cli`'s.

mod chosen;
mod export;
mod month;
mod rotate;
mod tally;

pub use chosen::{Chosen, Names, Period, Picker};
pub use export::{Exported, Format, export};
pub use month::{LockNote, MonthReport, ScopeFigures, report};
pub use rotate::rotate;

use std::io;

use sandpit_core::engine::RecordError;
use sandpit_journal::journal::JournalError;

/// Why a question about a journal could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The journal itself.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What was asked makes no sense.
    #[error("{0}")]
    Options(String),
    /// The answer cannot be written.
    #[error("the export cannot be written")]
    Write(#[source] io::Error),
    /// The rows cannot be applied one after the other.
    #[error("row {seq} cannot be replayed")]
    Replay {
        /// Which.
        seq: u64,
        /// Why.
        #[source]
        source: RecordError,
    },
}
