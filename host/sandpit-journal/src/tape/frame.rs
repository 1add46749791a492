//! The bytes around the parts of a tape: magics, lengths, checksums.

use sandpit_core::time::UnixNanos;

use super::{
    SEGMENT_EVENTS_MAX, SEGMENT_PACKED_BYTES_MAX, SEGMENT_RAW_BYTES_MAX, SEGMENT_VALUES_MAX,
    columns::fixed,
};

pub(super) const HEAD_MAGIC: [u8; 8] = *b"SNDTAPE\n";
pub(super) const END_MAGIC: [u8; 8] = *b"SNDEND.\n";
pub(super) const SEGMENT_MAGIC: [u8; 4] = *b"SEGM";
pub(super) const FOOT_MAGIC: [u8; 4] = *b"FOOT";

/// Magic, version, length, checksum.
pub(super) const HEAD_BYTES: usize = 8 + 4 + 4 + 4;
/// See [`SegmentHead`].
pub(super) const SEGMENT_HEAD_BYTES: usize = 4 + 4 * 4 + 2 * 8 + 4 + 4;
/// Magic, length, checksum.
pub(super) const FOOT_BYTES: usize = 4 + 4 + 4;
/// Offset of the foot, magic.
pub(super) const END_BYTES: usize = 8 + 8;

/// What stands before the bytes of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentHead {
    pub(super) events: u32,
    /// Numbers in all columns.
    pub(super) values: u32,
    pub(super) raw_bytes: u32,
    pub(super) packed_bytes: u32,
    pub(super) first: UnixNanos,
    pub(super) last: UnixNanos,
    /// Of the packed bytes.
    pub(super) checksum: u32,
}

impl SegmentHead {
    pub(super) fn to_bytes(self) -> [u8; SEGMENT_HEAD_BYTES] {
        let mut bytes = [0; SEGMENT_HEAD_BYTES];
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        put(&SEGMENT_MAGIC);
        for number in [self.events, self.values, self.raw_bytes, self.packed_bytes] {
            put(&number.to_le_bytes());
        }
        put(&self.first.0.to_le_bytes());
        put(&self.last.0.to_le_bytes());
        put(&self.checksum.to_le_bytes());
        let own = crc32fast::hash(&bytes[..SEGMENT_HEAD_BYTES - 4]);
        bytes[SEGMENT_HEAD_BYTES - 4..].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    /// Everything is checked before anything is allocated by these numbers.
    pub(super) fn from_bytes(bytes: &[u8; SEGMENT_HEAD_BYTES]) -> Result<Self, &'static str> {
        let number = |at: usize| u32::from_le_bytes(fixed(&bytes[at..at + 4]));
        let time = |at: usize| UnixNanos(u64::from_le_bytes(fixed(&bytes[at..at + 8])));
        if crc32fast::hash(&bytes[..SEGMENT_HEAD_BYTES - 4]) != number(SEGMENT_HEAD_BYTES - 4) {
            return Err("the checksum of a segment's head is wrong");
        }
        let head = Self {
            events: number(4),
            values: number(8),
            raw_bytes: number(12),
            packed_bytes: number(16),
            first: time(20),
            last: time(28),
            checksum: number(36),
        };
        if head.events == 0
            || head.events > SEGMENT_EVENTS_MAX
            || head.values > SEGMENT_VALUES_MAX
            || head.raw_bytes > SEGMENT_RAW_BYTES_MAX
            || head.packed_bytes > SEGMENT_PACKED_BYTES_MAX
        {
            return Err("a segment is larger than is allowed, or empty");
        }
        if head.first > head.last {
            return Err("a segment ends before it begins");
        }
        Ok(head)
    }
}
