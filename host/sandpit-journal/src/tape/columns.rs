//! The columns of a segment: each a list of numbers of one sort, stored as planes of bytes.
//!
//! All first bytes of a column lie together, then all second bytes, and so on; a plane that is all
//! zeros costs nothing after compression, and unpacking is a straight loop.

use super::{SEGMENT_RAW_BYTES_MAX, SEGMENT_VALUES_MAX};

/// Columns of a segment.
pub(super) const COLUMNS: usize = 8;
/// Kind and flags of each event.
pub(super) const TAG: usize = 0;
/// Instrument, where it is another than the event's before.
pub(super) const INSTRUMENT: usize = 1;
/// Time since the event before.
pub(super) const TIME: usize = 2;
/// The venue's stamp, against the event's time.
pub(super) const VENUE: usize = 3;
/// Differences of prices.
pub(super) const PRICE: usize = 4;
/// Quantities.
pub(super) const QUANTITY: usize = 5;
/// Ids, sequence numbers, intervals.
pub(super) const SEQUENCE: usize = 6;
/// Numbers of levels.
pub(super) const COUNT: usize = 7;

/// Width, count and unit of one column.
const ENTRY_BYTES: usize = 1 + 4 + 8;
const DIRECTORY_BYTES: usize = COLUMNS * ENTRY_BYTES;

/// The numbers of one segment.
#[derive(Debug, Default)]
pub(super) struct Columns {
    values: [Vec<u64>; COLUMNS],
    /// How far each has been read.
    read: [usize; COLUMNS],
}

impl Columns {
    pub(super) fn clear(&mut self) {
        self.values.iter_mut().for_each(Vec::clear);
        self.read = [0; COLUMNS];
    }

    /// Numbers in all columns.
    pub(super) fn len(&self) -> usize {
        self.values.iter().map(Vec::len).sum()
    }

    #[inline]
    pub(super) fn push(&mut self, column: usize, value: u64) {
        self.values[column].push(value);
    }

    /// The next number of a column.
    #[inline]
    pub(super) fn take(&mut self, column: usize) -> Option<u64> {
        let at = self.read[column];
        let value = *self.values[column].get(at)?;
        self.read[column] = at + 1;
        Some(value)
    }

    /// Whether every number has been taken.
    pub(super) fn is_spent(&self) -> bool {
        self.values.iter().zip(self.read).all(|(values, read)| values.len() == read)
    }

    /// Writes all columns to `raw`, which is cleared first.
    pub(super) fn pack(&self, raw: &mut Vec<u8>) {
        raw.clear();
        raw.resize(DIRECTORY_BYTES, 0);
        for (column, values) in self.values.iter().enumerate() {
            let unit = unit_of(values);
            let largest = values.iter().copied().max().unwrap_or(0) / unit;
            let width = (64 - largest.leading_zeros()).div_ceil(8);
            // Bounded by SEGMENT_VALUES_MAX, which the writer keeps.
            let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
            if let Some(entry) = raw.get_mut(column * ENTRY_BYTES..(column + 1) * ENTRY_BYTES) {
                entry[0] = width.to_le_bytes()[0];
                entry[1..5].copy_from_slice(&count.to_le_bytes());
                entry[5..].copy_from_slice(&unit.to_le_bytes());
            }
            for plane in 0..width {
                raw.extend(
                    values.iter().map(|value| ((value / unit) >> (8 * plane)).to_le_bytes()[0]),
                );
            }
        }
    }

    /// Reads all columns from `raw`. Nothing is allocated beyond [`SEGMENT_VALUES_MAX`] numbers.
    pub(super) fn unpack(&mut self, raw: &[u8]) -> Result<(), &'static str> {
        self.clear();
        let (directory, mut planes) =
            raw.split_at_checked(DIRECTORY_BYTES).ok_or("the segment has no directory")?;
        if raw.len() > SEGMENT_RAW_BYTES_MAX as usize {
            return Err("the segment is too large");
        }
        let mut total = 0u32;
        for (column, entry) in directory.chunks_exact(ENTRY_BYTES).enumerate() {
            let width = usize::from(entry[0]);
            let count = u32::from_le_bytes(fixed(&entry[1..5]));
            let unit = u64::from_le_bytes(fixed(&entry[5..]));
            total = total.saturating_add(count);
            if width > 8 || total > SEGMENT_VALUES_MAX {
                return Err("a column is wider or longer than is allowed");
            }
            let count = count as usize;
            let bytes = planes.split_off(..width * count).ok_or("a column is cut short")?;
            unpack_column(&mut self.values[column], bytes, width, count, unit);
        }
        if planes.is_empty() { Ok(()) } else { Err("the segment has bytes to spare") }
    }
}

fn unpack_column(values: &mut Vec<u64>, bytes: &[u8], width: usize, count: usize, unit: u64) {
    values.resize(count, 0);
    if count == 0 {
        return;
    }
    // The first plane sets and the others add; most columns have one to three.
    for (plane, bytes) in bytes.chunks_exact(count).enumerate().take(width) {
        let shift = 8 * plane;
        for (value, byte) in values.iter_mut().zip(bytes) {
            *value |= u64::from(*byte) << shift;
        }
    }
    if unit != 1 {
        // A hostile unit may wrap; every number is checked where it is used.
        values.iter_mut().for_each(|value| *value = value.wrapping_mul(unit));
    }
}

/// The largest number that divides all; 1 for none. Stamps of a millisecond clock shrink by it.
fn unit_of(values: &[u64]) -> u64 {
    let mut unit = 0u64;
    for value in values {
        if unit == 1 {
            return 1;
        }
        if unit == 0 || value % unit != 0 {
            unit = greatest_common_divisor(*value, unit);
        }
    }
    unit.max(1)
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A slice whose length the caller has made sure of; zeros where it has not.
pub(super) fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}

/// Signed numbers as unsigned ones, small in magnitude to small in value.
#[inline]
pub(super) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The reverse of [`zigzag`].
#[inline]
pub(super) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}
