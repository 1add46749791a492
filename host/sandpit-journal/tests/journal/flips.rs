//! Any byte that is changed is found, and the row is named.

use std::{collections::BTreeSet, fs, path::Path};

use rusqlite::{Connection, params, types::Value};
use sandpit_core::time::UnixNanos;
use sandpit_journal::journal::{
    Broken, HostRecord, JournalError, JournalReader, RawRow, Verdict, head_path, verify,
};

use super::support::{NOON, alert, denied, open, place, trade, write_trades};

fn broken(path: &Path) -> Option<Broken> {
    match verify(path, None).unwrap() {
        Verdict::Verified(_) => None,
        Verdict::Broken(broken) => Some(broken),
    }
}

/// Triggers as stored, to be put back after each change.
fn triggers(database: &Connection) -> Vec<(String, String)> {
    let mut statement =
        database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    found.map(Result::unwrap).collect()
}

/// Sets one column of one row, past the triggers.
fn set(
    database: &Connection,
    triggers: &[(String, String)],
    seq: i64,
    column: &str,
    value: &Value,
) {
    database.execute_batch("BEGIN").unwrap();
    for (name, _) in triggers {
        database.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    let is_text = ["kind", "order_id", "body"].contains(&column);
    // Bytes that are no text are put in as bytes that are called text.
    let sql = match (is_text, value) {
        (true, Value::Blob(_)) => {
            format!("UPDATE journal SET {column} = CAST(?1 AS TEXT) WHERE seq = ?2")
        }
        _ => format!("UPDATE journal SET {column} = ?1 WHERE seq = ?2"),
    };
    database.execute(&sql, params![value, seq]).unwrap();
    for (_, sql) in triggers {
        database.execute_batch(sql).unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
}

/// Every value that differs from this one in one byte.
fn flips(value: &Value) -> Vec<Value> {
    let bytes = |bytes: &[u8], wrap: fn(Vec<u8>) -> Value| {
        (0..bytes.len())
            .map(|at| {
                let mut changed = bytes.to_vec();
                changed[at] ^= 1 << (at % 8);
                wrap(changed)
            })
            .collect()
    };
    match value {
        Value::Null => vec![Value::Integer(0)],
        Value::Integer(number) => (0..8)
            .map(|byte| Value::Integer(number ^ (1 << (byte * 8))))
            .chain([Value::Null])
            .collect(),
        Value::Text(text) => bytes(text.as_bytes(), Value::Blob),
        Value::Blob(blob) => bytes(blob, Value::Blob),
        Value::Real(_) => panic!("no column is a float"),
    }
}

#[test]
fn every_byte_of_every_column_of_every_row_is_guarded() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 1);
    journal.append(UnixNanos(NOON), &[denied(), alert()]).unwrap();
    journal.append(UnixNanos(NOON), [&HostRecord::Note("a note".to_owned())]).unwrap();
    let head = journal.close().unwrap();
    let database = Connection::open(&path).unwrap();
    // Without a copy on the disk at each of some thousand changes.
    database.execute_batch("PRAGMA synchronous = OFF").unwrap();
    let triggers = triggers(&database);
    assert_eq!(triggers.len(), 3);
    assert_eq!(broken(&path), None);
    let mut tried = 0;
    for seq in 1..=i64::try_from(head.seq).unwrap() {
        for column in ["step", "at", "kind", "plugin", "instrument", "order_id", "body", "hash"] {
            let sql = format!("SELECT {column} FROM journal WHERE seq = {seq}");
            let before: Value = database.query_row(&sql, [], |row| row.get(0)).unwrap();
            for changed in flips(&before) {
                // Columns that must not be empty guard themselves.
                if changed == Value::Null && !["plugin", "instrument", "order_id"].contains(&column)
                {
                    continue;
                }
                set(&database, &triggers, seq, column, &changed);
                let found = broken(&path).map(|broken| i64::try_from(broken.seq).unwrap());
                assert_eq!(found, Some(seq), "{column} of row {seq} as {changed:?}");
                tried += 1;
                set(&database, &triggers, seq, column, &before);
            }
        }
    }
    assert_eq!(broken(&path), None, "all is as before");
    assert!(tried > 2_000, "{tried}");
}

#[test]
fn rows_that_are_moved_removed_or_put_in_are_found() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 2);
    journal.close().unwrap();
    let content = fs::read(&path).unwrap();
    let drop_all = "DROP TRIGGER journal_is_never_changed; DROP TRIGGER journal_is_never_cut; DROP TRIGGER journal_only_grows;";
    for (sql, expected) in [
        ("DELETE FROM journal WHERE seq = 4", 4),
        ("DELETE FROM journal WHERE seq = 9", 9),
        ("DELETE FROM journal WHERE seq > 5", 6),
        ("DELETE FROM journal WHERE seq = 1", 2),
        ("UPDATE journal SET seq = 40 WHERE seq = 4", 4),
        (
            "UPDATE journal SET seq = seq + 1000 WHERE seq > 4; UPDATE journal SET seq = seq - 999 WHERE seq > 4; INSERT INTO journal SELECT 5, step, at, kind, plugin, instrument, order_id, body, hash FROM journal WHERE seq = 4",
            5,
        ),
        (
            "UPDATE journal SET seq = 100 WHERE seq = 5; UPDATE journal SET seq = 5 WHERE seq = 6; UPDATE journal SET seq = 6 WHERE seq = 100",
            5,
        ),
    ] {
        fs::write(&path, &content).unwrap();
        let database = Connection::open(&path).unwrap();
        let triggers = triggers(&database);
        database.execute_batch(&format!("{drop_all} {sql}")).unwrap();
        for (_, trigger) in &triggers {
            database.execute_batch(trigger).unwrap();
        }
        drop(database);
        assert_eq!(broken(&path).map(|broken| broken.seq), Some(expected), "{sql}");
    }
    fs::write(&path, &content).unwrap();
    Connection::open(&path).unwrap().execute_batch(drop_all).unwrap();
    assert!(matches!(verify(&path, None), Err(JournalError::Schema { .. })));
    assert!(matches!(open(&path), Err(JournalError::Schema { .. })));
}

#[test]
fn a_changed_view_is_found() {
    let (_folder, path) = place();
    open(&path).unwrap().close().unwrap();
    let database = Connection::open(&path).unwrap();
    database.execute_batch("DROP VIEW fills; CREATE VIEW fills AS SELECT 1 AS seq").unwrap();
    drop(database);
    let error = verify(&path, None).unwrap_err();
    assert!(
        matches!(&error, JournalError::Schema { what, .. } if what.contains("fills")),
        "{error}"
    );
}

/// All that a journal says.
fn said(path: &Path) -> Result<Vec<RawRow>, JournalError> {
    let reader = JournalReader::open(path)?;
    let mut entries = reader.entries();
    let mut rows = Vec::new();
    while let Some(row) = entries.next_raw()? {
        rows.push(row);
    }
    Ok(rows)
}

#[test]
fn a_changed_byte_of_the_file_is_found_or_says_nothing() {
    change_bytes(29);
}

#[test]
#[ignore = "takes minutes; the one above takes every 29th byte"]
fn every_changed_byte_of_the_file_is_found_or_says_nothing() {
    change_bytes(1);
}

fn change_bytes(stride: usize) {
    let (folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 12);
    journal.append(UnixNanos(NOON), &trade(13)).unwrap();
    journal.close().unwrap();
    let whole = said(&path).unwrap();
    let content = fs::read(&path).unwrap();
    // Where in the file the body of each row stands. Pages keep what they held before they were
    // split, so a body that is there more than once is left out.
    let bodies: Vec<_> = whole
        .iter()
        .filter_map(|row| {
            let body = row.body.as_bytes();
            let mut places = (0..content.len()).filter(|at| content[*at..].starts_with(body));
            match (places.next(), places.next()) {
                (Some(at), None) => Some((at..at + body.len(), row.seq)),
                _ => None,
            }
        })
        .collect();
    assert!(bodies.len() > 30, "{}", bodies.len());
    let changed = folder.path().join("changed.journal");
    fs::copy(head_path(&path), head_path(&changed)).unwrap();
    let (mut named, mut harmless) = (BTreeSet::new(), 0);
    for at in (0..content.len()).step_by(stride) {
        let mut bytes = content.clone();
        bytes[at] ^= [0x01, 0x80, 0xff, 0x20][at / stride % 4];
        fs::write(&changed, &bytes).unwrap();
        match verify(&changed, None) {
            Ok(Verdict::Verified(_)) => {
                assert_eq!(said(&changed).unwrap(), whole, "byte {at}");
                harmless += 1;
            }
            Ok(Verdict::Broken(broken)) => {
                // After the last row, where a page leads to what is no further row.
                assert!(broken.seq <= whole.last().unwrap().seq + 1, "byte {at}: {broken:?}");
                named.insert(broken.seq);
            }
            Err(error) => assert!(
                matches!(
                    error,
                    JournalError::Corrupt { .. }
                        | JournalError::NotAJournal { .. }
                        | JournalError::Newer { .. }
                        | JournalError::Schema { .. }
                        | JournalError::Io { .. }
                ),
                "byte {at}: {error:?}"
            ),
        }
        if let Some((_, seq)) = bodies.iter().find(|(range, _)| range.contains(&at)) {
            let found = broken(&changed);
            assert_eq!(found.map(|broken| broken.seq), Some(*seq), "byte {at}");
        }
    }
    // Every row has bytes in the file that were changed.
    assert!(whole.iter().all(|row| named.contains(&row.seq)));
    assert!(harmless > 0);
}
