//! Copies beside a writer, and the way back.

use std::{fs, sync::mpsc, thread};

use sandpit_core::time::UnixNanos;
use sandpit_journal::journal::{
    Entry, HostRecord, JournalError, Verdict, backup, head_path, read_head, restore, verify,
};

use super::support::{NOON, open, place, rows, trade, write_trades};

#[test]
fn a_backup_beside_a_writer_is_the_state_of_one_moment() {
    let (folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 50);
    let (stop, stopped) = mpsc::channel::<()>();
    let writer = thread::spawn(move || {
        let mut sequence = 51;
        while stopped.try_recv().is_err() {
            journal.append(UnixNanos(NOON + sequence), &trade(sequence)).unwrap();
            sequence += 1;
        }
        journal.close().unwrap()
    });
    let mut last = 0;
    for number in 0..5 {
        let out = folder.path().join(format!("backup-{number}.journal"));
        let verified = backup(&path, &out).unwrap();
        assert!(verified.head.seq >= last && verified.head.seq > 200);
        assert_eq!((verified.head.seq - 1) % 4, 0, "whole steps");
        assert_eq!(read_head(&out).unwrap(), Some(verified.head));
        assert!(matches!(verify(&out, Some(verified.head)), Ok(Verdict::Verified(_))));
        assert!(matches!(backup(&path, &out), Err(JournalError::Exists { .. })));
        last = verified.head.seq;
    }
    stop.send(()).unwrap();
    let head = writer.join().unwrap();
    assert!(head.seq > last);
    let whole = rows(&path).unwrap();
    let copied = rows(&folder.path().join("backup-4.journal")).unwrap();
    assert_eq!(copied, whole[..copied.len()]);
}

#[test]
fn a_restored_journal_says_so_and_goes_on() {
    let (folder, path) = place();
    let out = folder.path().join("backup.journal");
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 5);
    let verified = backup(&path, &out).unwrap();
    assert!(matches!(restore(&out, &path, true), Err(JournalError::InUse { .. })));
    drop(journal);

    // Into nothing, over a damaged one, over an older one.
    let elsewhere = folder.path().join("new/place.journal");
    let restored = restore(&out, &elsewhere, false).unwrap();
    assert_eq!((restored.backup, restored.set_aside), (verified.head, None));
    assert_eq!(restored.head.seq, verified.head.seq + 1);
    let row = rows(&elsewhere).unwrap().pop().unwrap();
    let expected = HostRecord::Restored { rows: verified.head.seq, hash: verified.head.hash };
    assert_eq!(row.entry, Entry::Host(expected));
    let mut journal = open(&elsewhere).unwrap();
    write_trades(&mut journal, 70, 1);
    drop(journal);

    fs::write(&path, [0xff; 9_000]).unwrap();
    assert!(matches!(restore(&out, &path, false), Err(JournalError::NotAJournal { .. })));
    let aside = restore(&out, &path, true).unwrap().set_aside.unwrap();
    assert_eq!(fs::read(aside).unwrap(), [0xff; 9_000]);
    open(&path).unwrap();
}

#[test]
fn what_knows_more_than_the_backup_is_not_replaced_by_accident() {
    let (folder, path) = place();
    let out = folder.path().join("backup.journal");
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 5);
    backup(&path, &out).unwrap();
    write_trades(&mut journal, 6, 1);
    let newer = journal.close().unwrap();
    let refused = restore(&out, &path, false).unwrap_err();
    assert!(
        matches!(refused, JournalError::NewerThanBackup { has: 25, backup: 21, .. }),
        "{refused}"
    );
    assert!(refused.help().contains("--overwrite"));
    assert!(matches!(verify(&path, Some(newer)), Ok(Verdict::Verified(_))), "it is as it was");
    let aside = restore(&out, &path, true).unwrap().set_aside.unwrap();
    assert_eq!(rows(&aside).unwrap().len(), 25);
    assert_eq!(read_head(&aside).unwrap(), Some(newer));

    // Another journal with fewer rows.
    let other = folder.path().join("other.journal");
    let mut journal = open(&other).unwrap();
    write_trades(&mut journal, 90, 1);
    drop(journal);
    assert!(matches!(restore(&out, &other, false), Err(JournalError::OtherJournal { .. })));

    // A part of the backup.
    let older = folder.path().join("older.journal");
    fs::copy(&out, &older).unwrap();
    fs::copy(head_path(&out), head_path(&older)).unwrap();
    restore(&out, &older, false).unwrap();
}

#[test]
fn a_damaged_backup_replaces_nothing() {
    let (folder, path) = place();
    let out = folder.path().join("backup.journal");
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 5);
    backup(&path, &out).unwrap();
    drop(journal);
    let mut bytes = fs::read(&out).unwrap();
    // The last one: pages keep what they held before they were split.
    let at = bytes.windows(6).rposition(|window| window == b"\"0.05\"").unwrap();
    bytes[at + 1] = b'1';
    fs::write(&out, bytes).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(restore(&out, &path, true), Err(JournalError::Broken { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}
