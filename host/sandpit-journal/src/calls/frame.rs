//! The bytes around records: heads of segments and of blocks, and where segments are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{BLOCK_BYTES, CallLogError, RECORD_BYTES_MAX, SEGMENTS_MAX, VERSION};

const SEGMENT_MAGIC: [u8; 8] = *b"SNDCALL\n";
const BLOCK_MAGIC: [u8; 4] = *b"CALL";
const EXTENSION: &str = "calls";

/// Magic, version, number, records before, checksum.
pub(super) const SEGMENT_HEAD_BYTES: usize = 8 + 4 + 4 + 8 + 4;
/// Magic, records, raw, packed, checksum, own checksum.
pub(super) const BLOCK_HEAD_BYTES: usize = 4 + 4 * 3 + 4 + 4;
/// Bytes before a record.
pub(super) const RECORD_HEAD_BYTES: usize = 4;
/// Bytes of one block before compression: one that is not full yet and one more record.
pub(super) const BLOCK_RAW_BYTES_MAX: usize = BLOCK_BYTES + RECORD_HEAD_BYTES + RECORD_BYTES_MAX;
/// Bytes of one block after compression, which can be a little more than before.
const BLOCK_PACKED_BYTES_MAX: usize = BLOCK_RAW_BYTES_MAX + (BLOCK_RAW_BYTES_MAX >> 7) + 1_024;

/// What stands at the beginning of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHead {
    pub(super) number: u32,
    /// Records of all segments before.
    pub(super) records_before: u64,
}

impl SegmentHead {
    pub(super) fn to_bytes(self) -> [u8; SEGMENT_HEAD_BYTES] {
        let mut bytes = [0; SEGMENT_HEAD_BYTES];
        let (head, checksum) = bytes.split_at_mut(SEGMENT_HEAD_BYTES - 4);
        head[..8].copy_from_slice(&SEGMENT_MAGIC);
        head[8..12].copy_from_slice(&VERSION.to_le_bytes());
        head[12..16].copy_from_slice(&self.number.to_le_bytes());
        head[16..24].copy_from_slice(&self.records_before.to_le_bytes());
        checksum.copy_from_slice(&crc32fast::hash(head).to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(
        bytes: &[u8; SEGMENT_HEAD_BYTES],
        path: &Path,
    ) -> Result<Self, CallLogError> {
        let damaged = |problem| CallLogError::Damaged { path: path.to_owned(), offset: 0, problem };
        let number = |at: usize| number_at(bytes, at);
        if bytes[..8] != SEGMENT_MAGIC {
            return Err(damaged("it is no call log"));
        }
        if number(8) != VERSION {
            return Err(CallLogError::Version { path: path.to_owned(), found: number(8) });
        }
        if crc32fast::hash(&bytes[..SEGMENT_HEAD_BYTES - 4]) != number(SEGMENT_HEAD_BYTES - 4) {
            return Err(damaged("the checksum of its head is wrong"));
        }
        let records_before = u64::from(number(20)) << 32 | u64::from(number(16));
        Ok(Self { number: number(12), records_before })
    }
}

/// What stands before the bytes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHead {
    pub(super) records: u32,
    pub(super) raw_bytes: u32,
    pub(super) packed_bytes: u32,
    /// Of the packed bytes.
    pub(super) checksum: u32,
}

impl BlockHead {
    pub(super) fn to_bytes(self) -> [u8; BLOCK_HEAD_BYTES] {
        let mut bytes = [0; BLOCK_HEAD_BYTES];
        let (head, own) = bytes.split_at_mut(BLOCK_HEAD_BYTES - 4);
        head[..4].copy_from_slice(&BLOCK_MAGIC);
        head[4..8].copy_from_slice(&self.records.to_le_bytes());
        head[8..12].copy_from_slice(&self.raw_bytes.to_le_bytes());
        head[12..16].copy_from_slice(&self.packed_bytes.to_le_bytes());
        head[16..20].copy_from_slice(&self.checksum.to_le_bytes());
        own.copy_from_slice(&crc32fast::hash(head).to_le_bytes());
        bytes
    }

    /// Everything is checked before anything is allocated by these numbers.
    pub(super) fn from_bytes(bytes: &[u8; BLOCK_HEAD_BYTES]) -> Result<Self, &'static str> {
        let number = |at: usize| number_at(bytes, at);
        if bytes[..4] != BLOCK_MAGIC
            || crc32fast::hash(&bytes[..BLOCK_HEAD_BYTES - 4]) != number(BLOCK_HEAD_BYTES - 4)
        {
            return Err("the head of a block is not as it was written");
        }
        let head = Self {
            records: number(4),
            raw_bytes: number(8),
            packed_bytes: number(12),
            checksum: number(16),
        };
        if head.records == 0
            || head.raw_bytes as usize > BLOCK_RAW_BYTES_MAX
            || head.packed_bytes as usize > BLOCK_PACKED_BYTES_MAX
        {
            return Err("a block is larger than is allowed, or empty");
        }
        Ok(head)
    }
}

/// The number at `at`; zero beyond the end.
pub(super) fn number_at(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |four| u32::from_le_bytes(*four))
}

pub(super) fn segment_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:06}.{EXTENSION}"))
}

/// Numbers and sizes of the segments of a folder, oldest first; none where there is no folder.
pub(super) fn segments_in(folder: &Path) -> Result<Vec<(u32, u64)>, CallLogError> {
    let fail = |source| CallLogError::io("read", folder, source);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(error)),
    };
    let mut segments = Vec::new();
    for entry in entries.take(SEGMENTS_MAX) {
        let entry = entry.map_err(fail)?;
        let path = entry.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(number) = number.filter(|_| path.extension().is_some_and(|e| e == EXTENSION)) {
            segments.push((number, entry.metadata().map_err(fail)?.len()));
        }
    }
    segments.sort_unstable();
    Ok(segments)
}
