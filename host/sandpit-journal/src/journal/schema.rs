//! The database's schema, its versions, and the way from each to the next. What the rows mean is
//! the codec's business; views for people are in `views`.

use std::path::Path;

use rusqlite::Connection;

use super::{JournalError, views};

/// The version that is written. Older ones are migrated when they are opened to be written, and
/// read as they are otherwise; newer ones are refused.
pub const VERSION: i64 = 3;

/// What a database file says it is ("SPJL").
const APPLICATION_ID: i64 = 0x5350_4a4c;

/// Version 1: the table, and the triggers that let it only grow.
const ROWS: &[(&str, &str)] = &[
    (
        "journal",
        "CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  step INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  plugin INTEGER,
  instrument INTEGER,
  order_id TEXT,
  body TEXT NOT NULL,
  hash BLOB NOT NULL
) STRICT",
    ),
    (
        "journal_is_never_changed",
        "CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'a row of the journal is never changed'); END",
    ),
    (
        "journal_is_never_cut",
        "CREATE TRIGGER journal_is_never_cut BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'a row of the journal is never removed'); END",
    ),
    (
        "journal_only_grows",
        "CREATE TRIGGER journal_only_grows BEFORE INSERT ON journal
WHEN NEW.seq <= (SELECT max(seq) FROM journal)
BEGIN SELECT RAISE(ABORT, 'a row of the journal comes after all others'); END",
    ),
];

/// The objects of a version, by name.
fn objects(version: i64) -> Vec<(String, String)> {
    let rows = ROWS.iter().map(|(name, sql)| ((*name).to_owned(), (*sql).to_owned()));
    // Version 2 brought the views; version 3 shows plugins that came after the first row.
    let views = if version >= 2 { views::all(version >= 3) } else { Vec::new() };
    rows.chain(views).collect()
}

/// What a file is before it is read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet.
    Empty,
    /// A journal of this version.
    Version(i64),
}

fn pragma(connection: &Connection, path: &Path, name: &str) -> Result<i64, JournalError> {
    connection
        .pragma_query_value(None, name, |row| row.get(0))
        .map_err(|error| JournalError::database("read", path, error))
}

/// Looks at what a file is.
pub(super) fn look(connection: &Connection, path: &Path) -> Result<Found, JournalError> {
    let application = pragma(connection, path, "application_id")?;
    let version = pragma(connection, path, "user_version")?;
    if application == 0 && version == 0 {
        let objects: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(|error| JournalError::database("read", path, error))?;
        if objects == 0 {
            return Ok(Found::Empty);
        }
    }
    if application != APPLICATION_ID || version < 1 {
        return Err(JournalError::NotAJournal { path: path.to_owned() });
    }
    if version > VERSION {
        return Err(JournalError::Newer { path: path.to_owned(), found: version });
    }
    Ok(Found::Version(version))
}

/// Brings a file to [`VERSION`], one version after the other, all or nothing.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    found: Found,
) -> Result<(), JournalError> {
    let from = match found {
        Found::Version(VERSION) => return Ok(()),
        Found::Version(version) => version,
        Found::Empty => 0,
    };
    create(connection, from, VERSION)
        .map_err(|error| JournalError::database("migrate", path, error))
}

/// Adds what the versions after `from` up to `to` have and the ones before have not, or have in
/// another form.
fn create(connection: &mut Connection, from: i64, to: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let before = if from == 0 { Vec::new() } else { objects(from) };
    for (name, sql) in objects(to) {
        match before.iter().find(|(known, _)| *known == name) {
            Some((_, old)) if *old == sql => continue,
            // Nothing but a view has ever changed.
            Some(_) => transaction.execute_batch(&format!("DROP VIEW {name}"))?,
            None => {}
        }
        transaction.execute_batch(&sql)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", to)?;
    transaction.commit()
}

/// Compares every object of the schema with what its version has: a changed view would tell people
/// something else than the rows, and a missing trigger would let rows be changed.
pub(super) fn check(
    connection: &Connection,
    path: &Path,
    version: i64,
) -> Result<(), JournalError> {
    let changed = |what: String| JournalError::Schema { path: path.to_owned(), what };
    let fail = |error| JournalError::database("read", path, error);
    let mut statement =
        connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").map_err(fail)?;
    let found = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(fail)?;
    let expected = objects(version);
    for (name, sql) in &expected {
        match found.iter().find(|(known, _)| known == name) {
            None => return Err(changed(format!("`{name}` is missing"))),
            Some((_, stored)) if stored.as_deref() != Some(sql) => {
                return Err(changed(format!("`{name}` is another")));
            }
            Some(_) => {}
        }
    }
    match found.iter().find(|(name, _)| !expected.iter().any(|(known, _)| known == name)) {
        Some((name, _)) => Err(changed(format!("`{name}` was added"))),
        None => Ok(()),
    }
}

/// A file of an older version, for tests.
#[cfg(test)]
pub(super) fn create_version(connection: &mut Connection, version: i64) -> rusqlite::Result<()> {
    create(connection, 0, version)
}

/// Marks a file as of another version, for tests.
#[cfg(test)]
pub(super) fn mark_version(connection: &Connection, version: i64) -> rusqlite::Result<()> {
    connection.pragma_update(None, "user_version", version)
}
