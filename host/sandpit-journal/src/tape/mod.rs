//! The tape: what the market did, in one file.
//!
//! ```text
//! file     = head segment* foot
//! head     = magic[8] version[4] length[4] checksum[4] JSON
//! segment  = "SEGM" events[4] values[4] raw[4] packed[4] first[8] last[8] checksum[4] own checksum[4]
//!            zstd(columns)
//! foot     = "FOOT" length[4] checksum[4] JSON, then offset of foot[8] magic[8]
//! ```
//! Numbers are little-endian, checksums are CRC-32 (IEEE). The head holds the instruments with all
//! their rules, so a tape needs no other file. Segments are whole in themselves: each is read
//! without the one before. The foot holds totals, for a quick look, and its presence says that the
//! tape was finished; without it a reader gives every whole segment and then says
//! [`TapeError::Truncated`].
//!
//! Everything streams: a reader or writer holds one segment, whatever the tape's length. Here is
//! the format and nothing else; where events come from is not known here.

mod ahead;
mod columns;
mod decode;
mod encode;
mod error;
mod frame;
mod header;
mod merge;
mod reader;
mod summary;
mod writer;

pub use ahead::ReadAhead;
pub use error::{EventProblem, TapeError};
pub(crate) use header::{InstrumentOnDisk, instrument_in, instrument_out};
pub use header::{TapeClock, TapeHeader};
pub use merge::MergedTapes;
pub use reader::{TapeReader, tape_hash};
pub use summary::{InstrumentTally, TapeInfo};
pub use writer::TapeWriter;

/// The version of the format that is written. Version 2 added mark prices and funding; a tape of
/// version 1 is one without them.
pub const VERSION: u32 = 2;
/// The oldest version that is read.
pub const VERSION_OLDEST: u32 = 1;
/// Bytes of the JSON in the head.
pub const HEADER_BYTES_MAX: u32 = 2 << 20;
/// Bytes of the JSON in the foot.
pub const FOOTER_BYTES_MAX: u32 = 2 << 20;
/// Instruments of one tape.
pub const INSTRUMENTS_MAX: usize = 1_024;
/// Bytes of the note that says where the data is from.
pub const SOURCE_BYTES_MAX: usize = 4_096;
/// Events in one segment; a writer begins the next one there.
pub const SEGMENT_EVENTS_MAX: u32 = 65_536;
/// Numbers in one segment, of all its columns; a writer begins the next segment before this.
pub const SEGMENT_VALUES_MAX: u32 = 600_000;
/// Bytes of one segment before compression.
pub const SEGMENT_RAW_BYTES_MAX: u32 = 8 * SEGMENT_VALUES_MAX + 4_096;
/// Bytes of one segment after compression, which can be a little more than before.
pub const SEGMENT_PACKED_BYTES_MAX: u32 = SEGMENT_RAW_BYTES_MAX + (SEGMENT_RAW_BYTES_MAX >> 7);
/// Levels of one side in one change of the book; the largest snapshot that a supported venue gives.
pub const LEVELS_PER_SIDE_MAX: usize = 5_000;
/// Tapes that are read together, of which only those are open that overlap.
pub const TAPES_MAX: usize = 1_024;
