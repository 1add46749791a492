//! Reading in order, with the chain verified row by row: what is given out is as it was written.

use super::{
    Began, Digest, Entry, HostRecord, JournalError, RawRow, Row, codec,
    head::Head,
    store::{ReadError, Store},
};
use sandpit_core::time::UnixNanos;

/// Raw rows, oldest first. Ends after the first error.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    store: &'a Store,
    page: std::vec::IntoIter<RawRow>,
    /// What the page ended with.
    page_error: Option<rusqlite::Error>,
    /// The last row that was given out; before the first one, what the file goes on from.
    last: Option<(Head, u64)>,
    began: Option<Began>,
    done: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self {
            store,
            page: Vec::new().into_iter(),
            page_error: None,
            last: None,
            began: None,
            done: false,
        }
    }

    /// The row that was given out last.
    pub(super) fn head(&self) -> Option<Head> {
        self.last.map(|(head, _)| head)
    }

    /// What the first row says, once it was given out.
    pub(super) fn began(&self) -> Option<&Began> {
        self.began.as_ref()
    }

    /// The row that has to come next, as far as is known.
    fn next_seq(&self) -> u64 {
        self.last.map_or(1, |(head, _)| head.seq + 1)
    }

    fn broken(&self, why: impl Into<String>) -> JournalError {
        JournalError::Broken {
            path: self.store.path.clone(),
            seq: self.next_seq(),
            why: why.into(),
        }
    }

    pub(super) fn next_raw(&mut self) -> Result<Option<RawRow>, JournalError> {
        if self.done {
            return Ok(None);
        }
        let next = self.advance();
        self.done = !matches!(next, Ok(Some(_)));
        next
    }

    fn advance(&mut self) -> Result<Option<RawRow>, JournalError> {
        if self.page.len() == 0 {
            if let Some(error) = self.page_error.take() {
                return Err(self.read_failed(error));
            }
            let after =
                self.last.map_or(-1, |(head, _)| i64::try_from(head.seq).unwrap_or(i64::MAX));
            let page = match self.store.rows_after(after) {
                Ok(page) => page,
                Err(ReadError { page, error }) => {
                    self.page_error = Some(error);
                    page
                }
            };
            self.page = page.into_iter();
        }
        let Some(row) = self.page.next() else {
            return match self.page_error.take() {
                Some(error) => Err(self.read_failed(error)),
                None => Ok(None),
            };
        };
        self.check(&row)?;
        self.last = Some((Head { seq: row.seq, hash: row.hash }, row.step));
        Ok(Some(row))
    }

    /// A row that the database cannot read is a row that is not as it was written; a database that
    /// cannot be read at all is another matter.
    fn read_failed(&self, error: rusqlite::Error) -> JournalError {
        match self.store.fail("read", error) {
            JournalError::Corrupt { source, .. } | JournalError::Io { source, .. } => {
                self.broken(source.to_string())
            }
            other => other,
        }
    }

    fn check(&mut self, row: &RawRow) -> Result<(), JournalError> {
        let (previous, step) = match self.last {
            Some((head, step)) => {
                if row.seq != head.seq + 1 {
                    return Err(self.broken(format!("row {} is in its place", row.seq)));
                }
                (head.hash, step)
            }
            None => (self.begin(row)?, row.step),
        };
        if row.step != step && row.step != step + 1 {
            return Err(self.broken("its step does not follow from the row before"));
        }
        if row.link().hash(&previous) != row.hash {
            return Err(self.broken("its hash is not that of its contents after the row before"));
        }
        Ok(())
    }

    /// The first row says what it goes on from.
    fn begin(&mut self, row: &RawRow) -> Result<Digest, JournalError> {
        let at = |why: &str| JournalError::Broken {
            path: self.store.path.clone(),
            seq: row.seq,
            why: why.to_owned(),
        };
        let began = match codec::decode(row) {
            Ok(Entry::Host(HostRecord::Began(began))) => began,
            Ok(_) => return Err(at("it is not the first of its file: rows before it are missing")),
            Err(why) => return Err(at(why)),
        };
        if row.seq != began.rows_before + 1 {
            return Err(at("its number is not that which its contents say"));
        }
        if (began.segment == 1) != (began.rows_before == 0 && began.previous == Digest::ZERO) {
            return Err(at("it says that it is the first of all and goes on from another"));
        }
        let previous = began.previous;
        self.began = Some(began);
        Ok(previous)
    }
}

/// Every row of a journal, oldest first, with the chain verified as it goes. Ends after the first
/// error.
#[derive(Debug)]
pub struct Entries<'a> {
    walk: Walk<'a>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { walk: Walk::new(store) }
    }

    /// The next row with its columns as stored.
    ///
    /// # Errors
    /// The file cannot be read, or a row is not as it was written.
    pub fn next_raw(&mut self) -> Result<Option<RawRow>, JournalError> {
        self.walk.next_raw()
    }

    fn read(&self, raw: &RawRow) -> Result<Row, JournalError> {
        let unreadable = |why: &str| JournalError::Unreadable {
            path: self.walk.store.path.clone(),
            seq: raw.seq,
            why: why.to_owned(),
        };
        let at = u64::try_from(raw.at).map_err(|_| unreadable("its time is before 1970"))?;
        let entry = codec::decode(raw).map_err(unreadable)?;
        Ok(Row { seq: raw.seq, step: raw.step, at: UnixNanos(at), entry, hash: raw.hash })
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Row, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.walk.next_raw() {
            Ok(None) => None,
            Ok(Some(raw)) => {
                let read = self.read(&raw);
                self.walk.done |= read.is_err();
                Some(read)
            }
            Err(error) => Some(Err(error)),
        }
    }
}
