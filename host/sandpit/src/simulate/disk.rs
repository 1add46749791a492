//! The journal's disk, in memory: rows in a hash chain, committed a step at a time. What was
//! committed is never lost; what was not may leave half a step and a torn row behind.

use std::fmt::Write as _;

use sandpit_core::{engine::Record, time::UnixNanos};
use sha2::{Digest as _, Sha256};

type Hash = [u8; 32];

/// Rows that come to a journal before it is followed by another.
const ROTATE_ROWS: usize = 3_000;

#[derive(Debug)]
struct Row {
    at: UnixNanos,
    record: Record,
    /// As it is on the disk.
    text: String,
    hash: Hash,
    /// Whether it is the last of its step; without one the step was never committed.
    commits: bool,
}

/// Why a journal cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) row: usize,
}

/// A disk with one journal on it.
#[derive(Debug, Default)]
pub(super) struct Disk {
    rows: Vec<Row>,
    /// Hash of the last row of the journal before.
    before: Hash,
    /// Rows that it began with.
    carried: usize,
    written: u64,
}

impl Disk {
    /// Rows that were ever committed.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Whether it is time for another journal.
    pub(super) const fn is_long(&self) -> bool {
        self.rows.len() >= self.carried + ROTATE_ROWS
    }

    /// Hash of the last row.
    pub(super) fn head(&self) -> Hash {
        self.rows.last().map_or(self.before, |row| row.hash)
    }

    /// Writes the records of one step, all of them or none.
    pub(super) fn commit<'a>(&mut self, at: UnixNanos, records: impl Iterator<Item = &'a Record>) {
        let first = self.rows.len();
        for record in records {
            self.push(at, record);
        }
        if self.rows.len() > first
            && let Some(last) = self.rows.last_mut()
        {
            last.commits = true;
        }
        self.written += u64::try_from(self.rows.len() - first).unwrap_or(0);
    }

    /// Begins to write the records of one step and does not come to the end: some rows are whole,
    /// the last is torn.
    pub(super) fn tear<'a>(
        &mut self,
        at: UnixNanos,
        records: impl Iterator<Item = &'a Record>,
        whole: usize,
    ) {
        let first = self.rows.len();
        for record in records.take(whole + 1) {
            self.push(at, record);
        }
        if self.rows.len() > first
            && let Some(last) = self.rows.last_mut()
        {
            last.text.truncate(last.text.len() / 2);
        }
    }

    fn push(&mut self, at: UnixNanos, record: &Record) {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write!(text, "{at} {record:?}");
        let hash = chained(&self.head(), &text);
        self.rows.push(Row { at, record: record.clone(), text, hash, commits: false });
    }

    /// Checks the chain; what was never committed falls off its end.
    pub(super) fn open(&mut self) -> Result<(), Broken> {
        self.rows.truncate(self.committed());
        self.verify()
    }

    fn committed(&self) -> usize {
        self.rows.iter().rposition(|row| row.commits).map_or(0, |last| last + 1)
    }

    /// Checks the chain of what was committed.
    pub(super) fn verify(&self) -> Result<(), Broken> {
        let mut previous = self.before;
        for (at, row) in self.rows.iter().take(self.committed()).enumerate() {
            if chained(&previous, &row.text) != row.hash {
                return Err(Broken { row: at });
            }
            previous = row.hash;
        }
        Ok(())
    }

    /// All records, oldest first.
    pub(super) fn records(&self) -> impl Iterator<Item = (UnixNanos, &Record)> {
        self.rows.iter().map(|row| (row.at, &row.record))
    }

    /// Begins another journal, which stands for this one.
    pub(super) fn rotate(&mut self, at: UnixNanos, carried: &[Record]) {
        self.before = self.head();
        self.rows.clear();
        self.commit(at, carried.iter());
        self.carried = self.rows.len();
    }
}

fn chained(previous: &Hash, text: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(text.as_bytes());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(steps: &[u64]) -> Disk {
        let mut disk = Disk::default();
        for sequence in steps {
            let records = [Record::CarriedSequence(*sequence), Record::CarriedSequence(0)];
            disk.commit(UnixNanos(*sequence), records.iter());
        }
        disk
    }

    #[test]
    fn a_torn_step_falls_off() {
        let mut disk = with(&[1, 2]);
        let head = disk.head();
        let records = [Record::CarriedSequence(3), Record::CarriedSequence(4)];
        disk.tear(UnixNanos(3), records.iter(), 1);
        assert_ne!(disk.head(), head);
        assert_eq!(disk.open(), Ok(()));
        assert_eq!((disk.rows(), disk.head()), (4, head));
    }

    #[test]
    fn a_changed_row_is_named() {
        let mut disk = with(&[1, 2]);
        disk.rows[2].text.push('x');
        assert_eq!(disk.open(), Err(Broken { row: 2 }));
    }

    #[test]
    fn the_chain_goes_on_over_a_rotation() {
        let mut disk = with(&[1]);
        let head = disk.head();
        disk.rotate(UnixNanos(9), &[Record::CarriedSequence(1)]);
        assert_eq!((disk.rows(), disk.verify()), (1, Ok(())));
        assert_ne!(disk.head(), head);
        disk.before = [0; 32];
        assert_eq!(disk.verify(), Err(Broken { row: 0 }));
    }
}
