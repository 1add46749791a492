//! Reading without writing: for people and programs, beside a running host too.

use std::path::{Path, PathBuf};

use super::{
    Began, Entries, JournalError, RawRow, Tables, head::Head, schema, store::Store,
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
