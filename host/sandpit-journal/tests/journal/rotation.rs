//! Several files, one chain.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sandpit_core::{
    engine::Record,
    ids::{InstrumentId, PluginId},
    num::{Money, Quantity},
    time::UnixNanos,
};
use sandpit_journal::journal::{
    ChainProblem, Entry, HostRecord, Journal, JournalError, JournalOptions, JournalReader, Verdict,
    head_path, journals_in, segment_path, verify, verify_chain,
};

use super::support::{NOON, instrument, open, place, records, rows, tables, write_trades};

fn carry() -> Vec<Record> {
    vec![
        Record::CarriedPosition {
            plugin: PluginId(0),
            instrument: InstrumentId(0),
            quantity: Quantity(5),
            cost: Money(500),
            realized: Money(7),
            fees: Money(3),
            funding: Money(0),
        },
        Record::CarriedSequence(9),
    ]
}

/// A chain of three files; the newest is open.
fn chain(path: &Path) -> Journal {
    let mut journal = open(path).unwrap();
    for segment in 1..3 {
        write_trades(&mut journal, segment * 10, 3);
        let rotated = journal.rotate(UnixNanos(NOON + segment), &tables(), &carry()).unwrap();
        assert_eq!(u64::from(rotated.segment), segment);
        assert_eq!(rotated.archived, segment_path(path, rotated.segment));
    }
    write_trades(&mut journal, 30, 3);
    journal
}

fn segments(path: &Path) -> [PathBuf; 3] {
    [segment_path(path, 1), segment_path(path, 2), path.to_owned()]
}

#[test]
fn a_rotated_journal_begins_with_what_is_carried_and_goes_on() {
    let (folder, path) = place();
    let journal = chain(&path);
    let head = journal.close().unwrap();
    let [first, second, third] = segments(&path);
    assert_eq!(first.file_name().unwrap(), "main.000001.journal");
    assert_eq!(records(&third)[..2], carry());
    let rows = [&first, &second, &third].map(|path| rows(path).unwrap());
    assert_eq!(rows.each_ref().map(Vec::len), [13, 15, 15]);
    let seqs: Vec<u64> = rows.iter().flatten().map(|row| row.seq).collect();
    assert_eq!(seqs, (1..=43).collect::<Vec<_>>());
    assert!(rows.concat().windows(2).all(|two| two[1].step - two[0].step <= 1));
    let Entry::Host(HostRecord::Began(began)) = &rows[2][0].entry else { panic!() };
    assert_eq!((began.segment(), began.rows_before()), (3, 28));
    assert_eq!(Some(began.previous()), rows[1].last().map(|row| row.hash));

    let chain = verify_chain(&path).unwrap();
    assert_eq!(chain.problem, None);
    assert_eq!(chain.segments.iter().map(|it| it.rows).collect::<Vec<_>>(), [13, 15, 15]);
    assert_eq!(chain.segments[2].head, head);
    for segment in segments(&path) {
        assert!(matches!(verify(&segment, None), Ok(Verdict::Verified(_))));
    }
    assert_eq!(journals_in(folder.path()).unwrap(), std::slice::from_ref(&path));
    let mut again = open(&path).unwrap();
    assert!(!again.is_new());
    write_trades(&mut again, 40, 1);
}

#[test]
fn a_missing_segment_is_named() {
    let (folder, path) = place();
    drop(chain(&path));
    let [_, second, _] = segments(&path);
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&second, &elsewhere).unwrap();
    let problem = verify_chain(&path).unwrap().problem;
    assert_eq!(problem, Some(ChainProblem::Missing { segment: 2, path: second.clone() }));
    fs::rename(&elsewhere, &second).unwrap();
    assert_eq!(verify_chain(&path).unwrap().problem, None);
}

#[test]
fn a_changed_cut_or_foreign_segment_is_found() {
    let (_folder, path) = place();
    drop(chain(&path));
    let [first, second, _] = segments(&path);
    let content = fs::read(&first).unwrap();

    // A row of the first file is changed.
    let needle = b"\"0.05\"";
    // The last one: pages keep what they held before they were split.
    let at = content.windows(needle.len()).rposition(|window| window == needle).unwrap();
    let mut bytes = content.clone();
    bytes[at + 1] = b'9';
    fs::write(&first, &bytes).unwrap();
    let chain = verify_chain(&path).unwrap();
    let Some(ChainProblem::Broken(broken)) = chain.problem else { panic!("{chain:?}") };
    assert_eq!(broken.path, first);
    assert_eq!(chain.segments.len(), 2, "the newer ones are sound");

    // The first file ends earlier, and its head file with it.
    fs::write(&first, &content).unwrap();
    let database = rusqlite::Connection::open(&first).unwrap();
    let trigger = "DROP TRIGGER journal_is_never_cut";
    let sql: String = database
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'journal_is_never_cut'", [], |row| {
            row.get(0)
        })
        .unwrap();
    database
        .execute_batch(&format!("{trigger}; DELETE FROM journal WHERE seq > 9; {sql}"))
        .unwrap();
    drop(database);
    fs::remove_file(head_path(&first)).unwrap();
    let problem = verify_chain(&path).unwrap().problem;
    let Some(ChainProblem::Gap { from, before, .. }) = problem else { panic!("{problem:?}") };
    assert_eq!((from.seq, before.seq), (13, 9));

    // Another file is put in its place.
    fs::copy(&second, &first).unwrap();
    assert!(matches!(verify_chain(&path).unwrap().problem, Some(ChainProblem::Gap { .. })));
}

#[test]
fn tables_may_grow_at_their_ends_when_a_file_begins() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 1);
    let mut grown = tables();
    grown.instruments.push(instrument("SOLUSDT"));
    assert!(matches!(
        Journal::open(&path, &grown, &JournalOptions::default()),
        Err(JournalError::InUse { .. })
    ));
    let mut other = grown.clone();
    other.plugins[0] = "renamed".to_owned();
    let refused = journal.rotate(UnixNanos(NOON), &other, &carry()).unwrap_err();
    assert!(matches!(refused, JournalError::OtherTables { .. }));
    write_trades(&mut journal, 2, 1);
    journal.rotate(UnixNanos(NOON), &grown, &carry()).unwrap();
    drop(journal);
    assert!(matches!(open(&path), Err(JournalError::OtherTables { .. })));
    Journal::open(&path, &grown, &JournalOptions::default()).unwrap();
    assert_eq!(JournalReader::open(&path).unwrap().tables().instruments.len(), 3);
    assert_eq!(verify_chain(&path).unwrap().problem, None);
}

#[test]
fn a_reader_puts_a_rotation_off() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 2);
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let _: i64 = reader.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
    write_trades(&mut journal, 3, 1);
    let refused = journal.rotate(UnixNanos(NOON), &tables(), &carry()).unwrap_err();
    assert!(matches!(refused, JournalError::Locked { .. }), "{refused:?}");
    write_trades(&mut journal, 4, 1);
    reader.execute_batch("ROLLBACK").unwrap();
    journal.rotate(UnixNanos(NOON), &tables(), &carry()).unwrap();
    drop(journal);
    assert_eq!(verify_chain(&path).unwrap().problem, None);
}

#[test]
fn a_kill_in_the_middle_of_a_rotation_is_mended_by_the_next_start() {
    let (_folder, path) = place();
    drop(chain(&path));
    let [_, second, third] = segments(&path);
    let next = PathBuf::from(format!("{}.next", path.display()));
    let next_content = fs::read(&third).unwrap();

    // Killed while the new file is made: the old one goes on.
    fs::write(&next, &next_content[..5_000]).unwrap();
    let head = open(&path).unwrap().close().unwrap();
    assert!(!next.exists());
    assert_eq!(head.seq, 43);

    // Killed between the two renames: the new one takes its place. The head file is the old one's.
    fs::rename(&third, &next).unwrap();
    fs::copy(head_path(&second), head_path(&path)).unwrap();
    let journal = open(&path).unwrap();
    assert_eq!((journal.head().seq, journal.began().segment()), (43, 3));
    drop(journal);
    assert_eq!(verify_chain(&path).unwrap().problem, None);
}

#[test]
fn retention_removes_the_oldest_and_says_so_in_the_chain() {
    let (_folder, path) = place();
    let mut journal = chain(&path);
    let [first, second, _] = segments(&path);
    assert_eq!(journal.prune(UnixNanos(NOON), 2).unwrap(), Vec::<PathBuf>::new());
    assert_eq!(journal.prune(UnixNanos(NOON), 1).unwrap(), std::slice::from_ref(&first));
    assert!(!first.exists() && !head_path(&first).exists() && second.exists());
    let proven = verify_chain(&path).unwrap();
    assert_eq!((proven.problem.clone(), proven.pruned_to), (None, 1));
    // A later one that is missing is still missing.
    fs::remove_file(&second).unwrap();
    let problem = verify_chain(&path).unwrap().problem;
    assert!(matches!(problem, Some(ChainProblem::Missing { segment: 2, .. })));
    assert!(matches!(
        journal.prune(UnixNanos(NOON), 0),
        Err(JournalError::SegmentMissing { segment: 2, .. })
    ));
}
