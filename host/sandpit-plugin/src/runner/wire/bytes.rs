//! Numbers and texts as bytes, and back with every length and tag checked.

use sandpit_core::num::{Decimal, SCALE_MAX};

use super::WireError;

/// Writes into a buffer that is used again and again.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives memory back that only a rare large frame needed.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        self.bytes.shrink_to(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.u8(value.into());
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn i128(&mut self, value: i128) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn usize(&mut self, value: usize) {
        self.u64(value as u64);
    }

    /// A length. One that does not fit is written as the largest, which no reader takes.
    pub(crate) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub(crate) fn slice(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.slice(text.as_bytes());
    }

    pub(crate) fn decimal(&mut self, decimal: Decimal) {
        self.i64(decimal.mantissa);
        self.u8(decimal.scale);
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            put(self, value);
        }
    }

    /// Writes over what is there already.
    pub(crate) fn set_u32(&mut self, at: usize, value: u32) {
        if let Some(place) = self.bytes.get_mut(at..at + size_of::<u32>()) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }
}

/// Reads a body from its start to its end.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], WireError> {
        let (taken, left) = self.left.split_at_checked(bytes).ok_or(WireError::Truncated)?;
        self.left = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, left) = self.left.split_first_chunk().ok_or(WireError::Truncated)?;
        self.left = left;
        Ok(*taken)
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), WireError> {
        if self.left.is_empty() { Ok(()) } else { Err(WireError::Trailing(self.left.len())) }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    pub(crate) fn bool(&mut self, what: &'static str) -> Result<bool, WireError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(WireError::Tag { what, value }),
        }
    }

    pub(crate) fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, WireError> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn i128(&mut self) -> Result<i128, WireError> {
        self.array().map(i128::from_le_bytes)
    }

    pub(crate) fn usize(&mut self) -> Result<usize, WireError> {
        self.u64().map(|value| usize::try_from(value).unwrap_or(usize::MAX))
    }

    /// The length of a list, which has at least one byte for each of its entries.
    pub(crate) fn count(&mut self, what: &'static str, limit: usize) -> Result<usize, WireError> {
        let count = self.u32()?;
        let known = usize::try_from(count).unwrap_or(usize::MAX);
        if known > limit {
            return Err(WireError::Count { what, count: count.into(), limit: limit as u64 });
        }
        if known > self.left.len() {
            return Err(WireError::Truncated);
        }
        Ok(known)
    }

    pub(crate) fn slice(
        &mut self,
        what: &'static str,
        limit: usize,
    ) -> Result<&'a [u8], WireError> {
        let length = self.count(what, limit)?;
        self.take(length)
    }

    pub(crate) fn text(&mut self, what: &'static str, limit: usize) -> Result<&'a str, WireError> {
        str::from_utf8(self.slice(what, limit)?).map_err(|_| WireError::Text(what))
    }

    pub(crate) fn decimal(&mut self) -> Result<Decimal, WireError> {
        let (mantissa, scale) = (self.i64()?, self.u8()?);
        if scale > SCALE_MAX {
            Err(WireError::Scale(scale))
        } else {
            Ok(Decimal::new(mantissa, scale))
        }
    }

    pub(crate) fn option<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<Option<T>, WireError> {
        if self.bool(what)? { read(self).map(Some) } else { Ok(None) }
    }

    /// A list of at most `limit` entries.
    pub(crate) fn list<T>(
        &mut self,
        what: &'static str,
        limit: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let count = self.count(what, limit)?;
        (0..count).map(|_| read(self)).collect()
    }
}
