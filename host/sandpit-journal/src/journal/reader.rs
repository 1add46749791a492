//! Reading without writing: for people and programs, beside a running host too.

use std::path::{Path, PathBuf};

use super::{
    Began, Entries, Entry, JournalError, RawRow, Tables, codec, head::Head, schema, store::Store,
    tables::plugins_of, writer,
};

/// A journal that is read.
#[derive(Debug)]
pub struct JournalReader {
    store: Store,
    began: Began,
    tables: Tables,
}

impl JournalReader {
    /// Opens a journal to read it. It is never changed by that.
    ///
    /// # Errors
    /// There is none, it is something else, newer, or its schema or first row are not as written.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let path = path.into();
        let store = Store::open_to_read(&path)?;
        schema::check(&store.connection, &path, store.version)?;
        let began = writer::first(&store)?;
        let plugins = plugins_of(&store, &began)?;
        let tables = Tables::read(&began, &plugins).map_err(|why| JournalError::Unreadable {
            path,
            seq: began.rows_before + 1,
            why: why.to_owned(),
        })?;
        Ok(Self { store, began, tables })
    }

    /// Every row of this file, oldest first, with the chain verified as it goes.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        Entries::new(&self.store)
    }

    /// Rows after one, oldest first; at most [`super::READ_ROWS`]. For looking: the chain is not
    /// verified.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn rows_after(&self, seq: u64) -> Result<Vec<RawRow>, JournalError> {
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        self.store.rows_after(seq).map_err(|failed| self.store.fail("read", failed.error))
    }

    /// Rows before one, newest first; at most [`super::READ_ROWS`]. For looking: the chain is not
    /// verified.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn rows_before(&self, seq: u64) -> Result<Vec<RawRow>, JournalError> {
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        self.store.rows_before(seq).map_err(|error| self.store.fail("read", error))
    }

    /// What a row says.
    ///
    /// # Errors
    /// It is not of this program's form.
    pub fn entry(&self, row: &RawRow) -> Result<Entry, JournalError> {
        codec::decode(row).map_err(|why| JournalError::Unreadable {
            path: self.store.path.clone(),
            seq: row.seq,
            why: why.to_owned(),
        })
    }

    /// The last row; the chain before it is not looked at.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last(&self) -> Result<Option<RawRow>, JournalError> {
        self.store.last_row()
    }

    /// Place and hash of the last row.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn head(&self) -> Result<Head, JournalError> {
        let last = self.store.last_row()?;
        Ok(last.map_or(Head::NONE, |row| Head { seq: row.seq, hash: row.hash }))
    }

    /// What ids mean, as of when it was opened.
    #[must_use]
    pub const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The first row of the file.
    #[must_use]
    pub const fn began(&self) -> &Began {
        &self.began
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.store.path
    }
}

#[cfg(test)]
mod tests {
    use sandpit_core::time::UnixNanos;

    use super::*;
    use crate::journal::{HostRecord, Journal, JournalOptions, READ_ROWS};

    #[test]
    fn rows_are_read_from_anywhere_beside_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.journal");
        let tables = Tables {
            instruments: Vec::new(),
            plugins: Vec::new(),
            budgets: Vec::new(),
            currency: "USDT".to_owned(),
        };
        let mut journal = Journal::open(&path, &tables, &JournalOptions::default()).unwrap();
        let notes: Vec<_> = (0..1_000).map(|at| HostRecord::Note(at.to_string())).collect();
        journal.append(UnixNanos(1), &notes).unwrap();
        let reader = JournalReader::open(&path).unwrap();
        let seqs = |rows: Vec<RawRow>| rows.iter().map(|row| row.seq).collect::<Vec<_>>();
        assert_eq!(seqs(reader.rows_after(999).unwrap()), [1_000, 1_001]);
        assert_eq!(seqs(reader.rows_before(3).unwrap()), [2, 1]);
        assert_eq!(reader.rows_before(u64::MAX).unwrap().len(), READ_ROWS as usize);
        assert!(reader.rows_after(u64::MAX).unwrap().is_empty());
        assert!(reader.rows_before(0).unwrap().is_empty());
        // What is written meanwhile is there at the next look.
        journal.append(UnixNanos(2), [&HostRecord::Note("new".to_owned())]).unwrap();
        let new = reader.rows_after(1_001).unwrap();
        let entry = reader.entry(&new[0]).unwrap();
        assert_eq!(entry, Entry::Host(HostRecord::Note("new".to_owned())));
        let changed = RawRow { body: "{}".to_owned(), ..new[0].clone() };
        assert!(matches!(reader.entry(&changed), Err(JournalError::Unreadable { seq: 1_002, .. })));
    }
}
