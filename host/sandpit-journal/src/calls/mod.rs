//! Call logs: what a plugin was told and what it answered, as records that mean nothing here. One
//! folder for each plugin, with segments in it that are only appended to.
//!
//! ```text
//! folder   = 000001.calls 000002.calls …        a writer begins a new one; the oldest are dropped
//! segment  = magic[8] version[4] number[4] records before[8] checksum[4] block*
//! block    = "CALL" records[4] raw[4] packed[4] checksum[4] own checksum[4] zstd(record*)
//! record   = length[4] bytes
//! ```
//! Numbers are little-endian, checksums are CRC-32 (IEEE): the form of a tape's segments. Each block
//! is whole in itself. A writer that is killed loses the block that it was filling: at most
//! [`BLOCK_BYTES`], and no record that is older than [`BLOCK_AGE_MAX`] once the next one came. What
//! it was writing at that moment is a torn tail: readers leave it out and say so.
//!
//! **Bounded:** a folder keeps at most as many bytes as its writer is told; whole segments are
//! dropped, oldest first, and the next segment's head says how many records went with them.

mod error;
mod frame;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use error::CallLogError;
pub use reader::{CallLogReader, CallLogState, Torn};
pub use writer::CallLogWriter;

/// The version of the format.
pub const VERSION: u32 = 1;
/// Bytes of records at which a block is written.
pub const BLOCK_BYTES: usize = 64 * 1024;
/// A record that comes later than this after the first of its block ends the block.
pub const BLOCK_AGE_MAX: Duration = Duration::from_secs(1);
/// Bytes of one record: the state that a plugin is given back is in one. A larger one is refused.
pub const RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes that a folder keeps at the least, whatever its writer is told.
pub const KEEP_BYTES_MIN: u64 = 1024 * 1024;
/// Segments of one folder that are looked at.
pub const SEGMENTS_MAX: usize = 100_000;
