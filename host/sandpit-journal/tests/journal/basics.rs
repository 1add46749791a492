//! Writing, reading, committing, and who may do it.

use std::time::{Duration, Instant};

use sandpit_core::time::UnixNanos;
use sandpit_journal::journal::{
    Digest, Durability, Entry, GROUP_ROWS_MAX, Head, HostRecord, Journal, JournalError,
    JournalOptions, JournalReader, RunMode, Verdict, host_text, read_head, verify,
};

use super::support::{NOON, instrument, open, place, records, rows, tables, trade, write_trades};

#[test]
fn what_is_appended_is_read_in_order() {
    for durability in [Durability::Process, Durability::Power] {
        let (_folder, path) = place();
        let options = JournalOptions { durability, bytes_max: None };
        let mut journal = Journal::open(&path, &tables(), &options).unwrap();
        assert!(journal.is_new());
        let started = HostRecord::Started {
            run: sandpit_core::ids::RunId(1),
            mode: RunMode::Paper,
            version: "0.1.0".to_owned(),
            config: Digest::of(b"config"),
            components: vec![Digest::of(b"one"), Digest::of(b"two")],
        };
        journal.append(UnixNanos(NOON), [&started]).unwrap();
        write_trades(&mut journal, 1, 3);
        let again: Vec<_> = journal.entries().map(Result::unwrap).collect();
        let head = journal.close().unwrap();

        let rows = rows(&path).unwrap();
        assert_eq!(rows, again);
        assert_eq!(rows.len(), 2 + 3 * 4);
        assert_eq!(rows[1].entry, Entry::Host(started));
        let expected: Vec<_> = (1..4).flat_map(trade).collect();
        assert_eq!(records(&path), expected);
        assert!(rows.iter().zip(1..).all(|(row, seq)| row.seq == seq));
        assert_eq!(rows.iter().map(|row| row.step).max(), Some(5));
        assert_eq!(rows.last().map(|row| (row.seq, row.hash)), Some((head.seq, head.hash)));
        assert_eq!(read_head(&path).unwrap(), Some(head));
        assert!(!open(&path).unwrap().is_new());
    }
}

#[test]
fn a_step_without_entries_is_nothing() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    let before = journal.head();
    assert_eq!(journal.append(UnixNanos(1), &[] as &[Entry]).unwrap(), before);
    assert!(journal.is_new() && !journal.is_due());
}

#[test]
fn a_group_is_committed_when_asked_or_when_it_is_full() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    journal.stage(UnixNanos(1), &trade(1)).unwrap();
    assert_eq!(journal.head().seq, 1, "staged is not committed");
    assert_eq!(rows(&path).unwrap().len(), 1);
    journal.stage(UnixNanos(2), &trade(2)).unwrap();
    assert_eq!(journal.commit().unwrap().seq, 9);
    assert_eq!(rows(&path).unwrap().len(), 9);
    let mut steps = 0;
    while journal.head().seq == 9 {
        journal.stage(UnixNanos(3), &trade(3)).unwrap();
        steps += 1;
    }
    assert_eq!(steps * 4, GROUP_ROWS_MAX);
    journal.stage(UnixNanos(4), &trade(4)).unwrap();
    let head = journal.head();
    drop(journal);
    // Nothing followed from what was staged and not committed.
    assert_eq!(rows(&path).unwrap().len() as u64, head.seq);
}

#[test]
fn a_group_is_due_after_a_while() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    journal.stage(UnixNanos(1), &trade(1)).unwrap();
    let start = Instant::now();
    while !journal.is_due() {
        assert!(start.elapsed() < Duration::from_secs(5), "it is never due");
        std::thread::yield_now();
    }
    journal.commit().unwrap();
    assert!(!journal.is_due());
}

#[test]
fn a_second_writer_is_refused_and_told_which_file_and_process() {
    let (_folder, path) = place();
    let journal = open(&path).unwrap();
    let refused = open(&path).unwrap_err();
    let this = std::process::id();
    assert!(matches!(refused, JournalError::InUse { process: Some(id), .. } if id == this));
    let text = refused.to_string();
    assert!(text.contains("main.journal") && text.contains(&this.to_string()), "{text}");
    drop(journal);
    open(&path).unwrap();
}

#[test]
fn readers_read_beside_a_writer() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 2);
    let reader = JournalReader::open(&path).unwrap();
    assert_eq!(reader.entries().count(), 9);
    write_trades(&mut journal, 3, 2);
    assert_eq!(reader.entries().count(), 17);
    let Verdict::Verified(verified) = verify(&path, Some(journal.head())).unwrap() else {
        panic!()
    };
    assert_eq!((verified.rows, verified.head), (17, journal.head()));
}

#[test]
fn ids_keep_their_meaning() {
    let (_folder, path) = place();
    open(&path).unwrap().close().unwrap();
    let refused = |tables, expected: &str| {
        let error = Journal::open(&path, &tables, &JournalOptions::default()).unwrap_err();
        assert!(matches!(error, JournalError::OtherTables { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let mut swapped = tables();
    swapped.instruments.swap(0, 1);
    refused(swapped, "ETHUSDT");
    let mut renamed = tables();
    renamed.plugins[1] = "other".to_owned();
    refused(renamed, "plugin 1 is `other` now and was `maker`");
    let mut fewer = tables();
    fewer.instruments.pop();
    refused(fewer, "ETHUSDT");
    let mut more = tables();
    more.instruments.push(instrument("SOLUSDT"));
    refused(more, "rotate");
    let mut other = tables();
    other.currency = "EUR".to_owned();
    refused(other, "EUR");
    open(&path).unwrap();
}

#[test]
fn what_is_no_journal_is_refused_and_left_alone() {
    let (folder, path) = place();
    for content in [&b"not a database, and longer than its magic"[..], &[0xff; 4_096]] {
        std::fs::write(&path, content).unwrap();
        assert!(matches!(open(&path), Err(JournalError::NotAJournal { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
    let other = folder.path().join("other.journal");
    let database = rusqlite::Connection::open(&other).unwrap();
    database.execute_batch("CREATE TABLE mine (a)").unwrap();
    drop(database);
    let before = std::fs::read(&other).unwrap();
    assert!(matches!(open(&other), Err(JournalError::NotAJournal { .. })));
    assert_eq!(std::fs::read(&other).unwrap(), before);
    let missing = folder.path().join("none.journal");
    assert!(matches!(JournalReader::open(&missing), Err(JournalError::Missing { .. })));
    assert!(!missing.exists());
}

#[test]
fn rows_are_never_changed_through_the_database() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 1);
    drop(journal);
    let database = rusqlite::Connection::open(&path).unwrap();
    for sql in [
        "UPDATE journal SET body = 'x' WHERE seq = 2",
        "DELETE FROM journal WHERE seq = 5",
        "INSERT OR REPLACE INTO journal VALUES (2, 1, 1, 'note', NULL, NULL, NULL, '{}', x'00')",
        "INSERT INTO journal VALUES (0, 1, 1, 'note', NULL, NULL, NULL, '{}', x'00')",
    ] {
        let error = database.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("a row of the journal"), "{sql}: {error}");
    }
}

#[test]
fn a_row_beyond_its_bounds_is_refused_and_ends_the_writer() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    let long = HostRecord::Note("x".repeat(2 << 20));
    assert!(matches!(journal.append(UnixNanos(1), [&long]), Err(JournalError::Refused { .. })));
    assert!(matches!(
        journal.append(UnixNanos(2), &trade(1)),
        Err(JournalError::Poisoned { at: UnixNanos(1), .. })
    ));
    drop(journal);
    let mut journal = open(&path).unwrap();
    let late = journal.append(UnixNanos(u64::MAX), &trade(1));
    assert!(matches!(late, Err(JournalError::Refused { .. })));
    assert_eq!(host_text(&"ä".repeat(4_000)).len(), 4_096);
}

#[test]
fn an_empty_journal_has_a_head() {
    let (_folder, path) = place();
    let journal = open(&path).unwrap();
    assert_eq!(journal.head().seq, 1);
    assert_eq!(read_head(&path).unwrap(), Some(journal.head()));
    assert_ne!(journal.head().hash, Head::NONE.hash);
    assert!(matches!(verify(&path, None), Ok(Verdict::Verified(_))));
}
