//! The chain: each row's hash covers the hash of the row before and every column of its own, so
//! that no row can be changed, moved, left out or put in without all later hashes changing.

use sha2::{Digest as _, Sha256};

use super::Digest;

/// The columns of a row, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRow {
    /// Place in the chain, over all segments; the first is 1.
    pub seq: u64,
    /// Step of the engine, over all segments; rows of one step were committed together.
    pub step: u64,
    /// The engine's time, nanoseconds since 1970.
    pub at: i64,
    /// What kind of row.
    pub kind: String,
    /// The plugin that it is about.
    pub plugin: Option<i64>,
    /// The instrument that it is about.
    pub instrument: Option<i64>,
    /// The order that it is about.
    pub order_id: Option<String>,
    /// The row's contents as JSON.
    pub body: String,
    /// SHA-256 over the row before and this one.
    pub hash: Digest,
}

/// What a row's hash begins with, so that it is the hash of nothing else.
const DOMAIN: &[u8] = b"sandpit journal row 1";

/// A row about to be hashed; text borrowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'a> {
    pub(super) seq: u64,
    pub(super) step: u64,
    pub(super) at: i64,
    pub(super) kind: &'a str,
    pub(super) plugin: Option<i64>,
    pub(super) instrument: Option<i64>,
    pub(super) order_id: Option<&'a str>,
    pub(super) body: &'a str,
}

impl Link<'_> {
    /// The hash of this row after one whose hash is `previous`.
    pub(super) fn hash(&self, previous: &Digest) -> Digest {
        let mut hasher = Sha256::new();
        hasher.update(DOMAIN);
        hasher.update(previous.0);
        let mut column = |value: Option<&[u8]>| {
            // A length no column has stands for none.
            let length = value.map_or(u64::MAX, |bytes| bytes.len() as u64);
            hasher.update(length.to_le_bytes());
            hasher.update(value.unwrap_or_default());
        };
        column(Some(&self.seq.to_le_bytes()));
        column(Some(&self.step.to_le_bytes()));
        column(Some(&self.at.to_le_bytes()));
        column(Some(self.kind.as_bytes()));
        column(self.plugin.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice));
        column(self.instrument.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice));
        column(self.order_id.map(str::as_bytes));
        column(Some(self.body.as_bytes()));
        Digest(hasher.finalize().into())
    }
}

impl RawRow {
    pub(super) fn link(&self) -> Link<'_> {
        Link {
            seq: self.seq,
            step: self.step,
            at: self.at,
            kind: &self.kind,
            plugin: self.plugin,
            instrument: self.instrument,
            order_id: self.order_id.as_deref(),
            body: &self.body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_between_columns_changes_the_hash() {
        let link = Link {
            seq: 1,
            step: 1,
            at: 1,
            kind: "ab",
            plugin: None,
            instrument: Some(0),
            order_id: None,
            body: "cd",
        };
        let hash = link.hash(&Digest::ZERO);
        assert_ne!(Link { kind: "a", body: "bcd", ..link }.hash(&Digest::ZERO), hash);
        assert_ne!(Link { plugin: Some(0), instrument: None, ..link }.hash(&Digest::ZERO), hash);
        assert_ne!(Link { order_id: Some(""), ..link }.hash(&Digest::ZERO), hash);
        assert_ne!(link.hash(&hash), hash);
        assert_eq!(link.hash(&Digest::ZERO), hash);
    }
}
