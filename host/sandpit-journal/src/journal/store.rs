//! The database file: how it is opened, and the reading of raw rows. Nothing here knows what a row
//! says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, params};

use super::{
    BUSY_MAX, Digest, Durability, JournalError, JournalOptions, READ_ROWS, RawRow,
    head::beside,
    schema::{self, Found},
};

/// Pages of the write-ahead log after which it is copied into the file.
const CHECKPOINT_PAGES: u32 = 1_000;
/// Bytes of the log's file that stay after that.
const LOG_BYTES_KEPT: u32 = 16 << 20;

/// Pages of the largest file that the database knows.
const PAGES_MAX: u64 = 4_294_967_294;

/// An open database.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) version: i64,
}

impl Store {
    /// Opens to write; makes the file where there is none, and brings it to the present version.
    pub(super) fn open_to_write(
        path: &Path,
        options: &JournalOptions,
    ) -> Result<Self, JournalError> {
        let fail = |error| JournalError::database("open", path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(fail)?;
        connection.busy_timeout(BUSY_MAX).map_err(fail)?;
        if connection.is_readonly("main").map_err(fail)? {
            let source = "the database was opened read-only".into();
            return Err(JournalError::ReadOnly { path: path.to_owned(), source });
        }
        let found = schema::look(&connection, path)?;
        prepare(&connection, options).map_err(fail)?;
        schema::migrate(&mut connection, path, found)?;
        schema::check(&connection, path, schema::VERSION)?;
        Ok(Self { connection, path: path.to_owned(), version: schema::VERSION })
    }

    /// Opens to read, beside a writer or alone.
    pub(super) fn open_to_read(path: &Path) -> Result<Self, JournalError> {
        if !path.exists() {
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags)
            .and_then(|connection| {
                connection.busy_timeout(BUSY_MAX)?;
                // Opening alone reads nothing.
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
                Ok(connection)
            })
            .or_else(|error| open_still(path, error));
        let connection = opened.map_err(|error| JournalError::database("read", path, error))?;
        match schema::look(&connection, path)? {
            Found::Empty => Err(JournalError::NotAJournal { path: path.to_owned() }),
            Found::Version(version) => Ok(Self { connection, path: path.to_owned(), version }),
        }
    }

    pub(super) fn fail(&self, action: &'static str, error: rusqlite::Error) -> JournalError {
        JournalError::database(action, &self.path, error)
    }

    /// The next rows after one, at most [`READ_ROWS`]. The chain is not looked at.
    pub(super) fn rows_after(&self, seq: i64) -> Result<Vec<RawRow>, ReadError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, step, at, kind, plugin, instrument, order_id, body, hash FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )?;
        let mut rows = statement.query(params![seq, READ_ROWS])?;
        let mut page = Vec::new();
        loop {
            match rows.next() {
                Ok(Some(row)) => match raw(row) {
                    Ok(raw) => page.push(raw),
                    Err(error) => return Err(ReadError { page, error }),
                },
                Ok(None) => return Ok(page),
                Err(error) => return Err(ReadError { page, error }),
            }
        }
    }

    /// The rows before one, newest first, at most [`READ_ROWS`]. The chain is not looked at.
    pub(super) fn rows_before(&self, seq: i64) -> rusqlite::Result<Vec<RawRow>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, step, at, kind, plugin, instrument, order_id, body, hash FROM journal WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
        )?;
        statement.query_map(params![seq, READ_ROWS], raw)?.collect()
    }

    /// The rows of one kind, oldest first, as far as the file can be read. The chain is not looked
    /// at.
    pub(super) fn rows_of_kind(&self, kind: &str) -> Vec<RawRow> {
        let mut rows = Vec::new();
        // The error, where there is one, meets whoever walks all rows.
        let _ = self.each_of_kind(kind, &mut rows);
        rows
    }

    fn each_of_kind(&self, kind: &str, rows: &mut Vec<RawRow>) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, step, at, kind, plugin, instrument, order_id, body, hash FROM journal WHERE kind = ?1 ORDER BY seq",
        )?;
        let mut found = statement.query(params![kind])?;
        while let Some(row) = found.next()? {
            rows.push(raw(row)?);
        }
        Ok(())
    }

    /// The last row.
    pub(super) fn last_row(&self) -> Result<Option<RawRow>, JournalError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT seq, step, at, kind, plugin, instrument, order_id, body, hash FROM journal ORDER BY seq DESC LIMIT 1",
            )
            .and_then(|mut statement| statement.query_row([], raw));
        match found {
            Ok(row) => Ok(Some(row)),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            Err(error) => Err(self.fail("read", error)),
        }
    }

    /// The first row.
    pub(super) fn first_row(&self) -> Result<Option<RawRow>, JournalError> {
        let first = self.rows_after(-1).map(|page| page.into_iter().next());
        match first {
            Ok(first) => Ok(first),
            // Something further on is damaged, which whoever reads that far will say.
            Err(ReadError { page, error }) => match page.into_iter().next() {
                Some(row) => Ok(Some(row)),
                None => Err(self.fail("read", error)),
            },
        }
    }

    /// Hash of one row.
    pub(super) fn hash_of(&self, seq: u64) -> Result<Option<Digest>, JournalError> {
        let Ok(seq) = i64::try_from(seq) else { return Ok(None) };
        let page = match self.rows_after(seq - 1) {
            Ok(page) => page,
            Err(ReadError { page, error }) if page.is_empty() => {
                return Err(self.fail("read", error));
            }
            Err(ReadError { page, .. }) => page,
        };
        Ok(page.first().filter(|row| i64::try_from(row.seq) == Ok(seq)).map(|row| row.hash))
    }
}

/// A read that failed, with the rows before.
#[derive(Debug)]
pub(super) struct ReadError {
    pub(super) page: Vec<RawRow>,
    pub(super) error: rusqlite::Error,
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self { page: Vec::new(), error }
    }
}

/// What a writer's connection is set to.
fn prepare(connection: &Connection, options: &JournalOptions) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    // NORMAL: a commit is in the system's hands, FULL: it is on the disk, when it returns.
    connection.pragma_update(
        None,
        "synchronous",
        match options.durability {
            Durability::Process => "normal",
            Durability::Power => "full",
        },
    )?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
    connection.pragma_update(None, "trusted_schema", "off")?;
    connection.pragma_update(None, "cell_size_check", "on")?;
    if let Some(bytes) = options.bytes_max {
        let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = (bytes / u64::from(page.max(1))).clamp(1, PAGES_MAX);
        connection.pragma_update(None, "max_page_count", i64::try_from(pages).unwrap_or(1))?;
    }
    Ok(())
}

/// A file in a folder that must not be written: it can be read where nobody writes it and its log
/// is empty.
fn open_still(path: &Path, error: rusqlite::Error) -> rusqlite::Result<Connection> {
    let refused = matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly)
    );
    let log = fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len());
    if !refused || log > 0 {
        return Err(error);
    }
    let Some(text) = path.to_str() else { return Err(error) };
    let mut uri = "file:".to_owned();
    for character in text.chars() {
        match character {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            other => uri.push(other),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags)
}

fn raw(row: &rusqlite::Row<'_>) -> rusqlite::Result<RawRow> {
    let place = |column: usize| -> rusqlite::Result<u64> {
        let value: i64 = row.get(column)?;
        u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
    };
    Ok(RawRow {
        seq: place(0)?,
        step: place(1)?,
        at: row.get(2)?,
        kind: row.get(3)?,
        plugin: row.get(4)?,
        instrument: row.get(5)?,
        order_id: row.get(6)?,
        body: row.get(7)?,
        hash: Digest(row.get(8)?),
    })
}
