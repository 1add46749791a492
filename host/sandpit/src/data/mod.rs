//! Recorded market data: importers that make tapes of what venues and others publish, a look at a
//! tape, a check of it, and the download of Binance's public dumps.
//!
//! Everything streams. A row that cannot be believed is an error with its file and line, or, where
//! the caller asked for a repair, a count in the summary; nothing is dropped in silence. What a
//! command line looks like is not known here.

mod check;
mod convert;
mod csv;
mod error;
pub mod fetch;
mod formats;
mod grid;
mod import;
mod info;
mod lines;
mod order;
mod row;
mod rules;
mod sink;
mod sniff;
mod sort;
mod stamp;
mod summary;

pub use check::{CheckOptions, CheckReport, Finding, InstrumentCheck, Severity, check};
pub use csv::{BarStamp, Column, CsvColumns, CsvMapping, SideFrom};
pub use error::{DataError, MappingError, Place};
pub use formats::Format;
pub use import::{ImportOptions, Progress, Repair, Repairs, import};
pub use info::{InstrumentInfo, TapeReport, info};
pub use row::RowProblem;
pub use rules::{ImportRules, RulesError};
pub use stamp::TimeFormat;
pub use summary::{ImportSummary, ImportedInstrument, InputSummary};

use sandpit_core::time::UnixNanos;

/// Files of one import.
pub const INPUTS_MAX: usize = 8_192;
/// Files within one zip archive.
pub const ARCHIVE_ENTRIES_MAX: usize = 1_024;
/// Bytes of one line; a snapshot of the deepest book has about 300 KiB.
pub const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Columns of one row; the widest known format, 25 levels of a book, has 104.
pub const FIELDS_MAX: usize = 512;

/// A time as people write it, in UTC.
fn show_time(time: UnixNanos) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(time.0))
        .map_or_else(|_| format!("{time} ns"), |time| time.to_string())
}

/// SHA-256 as people write it.
fn show_hash(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
