//! Disks that are full, files that may not be written, damaged pages, torn writes, foreign locks and
//! kills: each ends the writer with an error that says what it was, and loses nothing confirmed.

use std::{
    env,
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rusqlite::Connection;
use sandpit_core::time::UnixNanos;
use sandpit_journal::journal::{
    Durability, Head, HostRecord, Journal, JournalError, JournalOptions, JournalReader, Row,
    Verdict, head_path, read_head, verify,
};

use super::support::{NOON, open, place, rows, tables, trade, write_trades};

/// More steps than any of these disks holds.
const STEPS_MAX: u64 = 100_000;

/// Appends until it cannot; returns the last confirmed head and why it ended.
fn write_until_it_ends(journal: &mut Journal) -> (Head, JournalError) {
    let mut confirmed = journal.head();
    for sequence in 1..STEPS_MAX {
        match journal.append(UnixNanos(NOON + sequence), &trade(sequence)) {
            Ok(head) => confirmed = head,
            Err(error) => return (confirmed, error),
        }
    }
    panic!("the disk is larger than thought");
}

/// What was confirmed is there, and the journal goes on from it.
fn nothing_confirmed_is_lost(path: &Path, confirmed: Head) {
    let Verdict::Verified(verified) = verify(path, Some(confirmed)).unwrap() else {
        panic!("{:?}", verify(path, Some(confirmed)));
    };
    assert!(verified.head.seq >= confirmed.seq);
    let mut journal = open(path).unwrap();
    assert!(journal.head().seq >= confirmed.seq);
    write_trades(&mut journal, STEPS_MAX, 1);
    journal.close().unwrap();
    assert!(matches!(verify(path, Some(confirmed)), Ok(Verdict::Verified(_))));
}

fn takes_nothing_more(journal: &mut Journal) {
    assert!(journal.is_poisoned());
    for _ in 0..3 {
        let refused = journal.append(UnixNanos(NOON), &trade(1)).unwrap_err();
        assert!(matches!(refused, JournalError::Poisoned { .. }), "{refused}");
        assert!(refused.to_string().contains("main.journal"), "{refused}");
    }
    assert!(matches!(journal.commit(), Err(JournalError::Poisoned { .. })));
}

#[test]
fn a_journal_that_may_not_grow_ends() {
    let (_folder, path) = place();
    let options = JournalOptions { durability: Durability::Process, bytes_max: Some(200_000) };
    let mut journal = Journal::open(&path, &tables(), &options).unwrap();
    let (confirmed, error) = write_until_it_ends(&mut journal);
    assert!(matches!(error, JournalError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("main.journal") && !error.help().is_empty());
    assert!(confirmed.seq > 100, "{confirmed:?}");
    takes_nothing_more(&mut journal);
    assert_eq!(journal.head(), confirmed);
    drop(journal);
    assert_eq!(rows(&path).unwrap().len() as u64, confirmed.seq, "no row of the failed step");
    nothing_confirmed_is_lost(&path, confirmed);
}

/// A file system in memory that goes away with the value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=512k", "none"])
            .arg(folder)
            .output()
            .is_ok_and(|done| done.status.success());
        mounted.then(|| Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        eprintln!("skipped: this user cannot mount a small disk");
        return;
    };
    let path = disk.0.join("main.journal");
    let mut journal = open(&path).unwrap();
    let (confirmed, error) = write_until_it_ends(&mut journal);
    assert!(matches!(error, JournalError::Full { .. }), "{error:?}");
    takes_nothing_more(&mut journal);
    drop(journal);
    // Looked at on a disk with room, as an operator would make it.
    let elsewhere = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&disk.0).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), elsewhere.path().join(entry.file_name())).unwrap();
    }
    nothing_confirmed_is_lost(&elsewhere.path().join("main.journal"), confirmed);
}

const CHILD_PATH: &str = "SANDPIT_TEST_JOURNAL";

/// Not a test of its own: what the tests below start as another process.
#[test]
fn child_writes_until_it_ends() {
    let Some(path) = env::var_os(CHILD_PATH) else { return };
    let mut output = std::io::stdout();
    let mut journal = match open(Path::new(&path)) {
        Ok(journal) => journal,
        Err(error) => return writeln!(output, "ended {error:?}").unwrap(),
    };
    let first = journal.head().seq;
    for sequence in first..first + STEPS_MAX {
        match journal.append(UnixNanos(NOON + sequence), &trade(sequence)) {
            Ok(head) => writeln!(output, "confirmed {} {}", head.seq, head.hash).unwrap(),
            Err(error) => return writeln!(output, "ended {error:?}").unwrap(),
        }
        output.flush().unwrap();
    }
}

/// Runs the child below a shell that first does `before`; returns its last confirmed head and its
/// last word.
fn run_child(path: &Path, before: &str) -> (Option<Head>, Option<String>) {
    let shell =
        format!("{before} exec \"$0\" --exact faults::child_writes_until_it_ends --nocapture");
    let done = Command::new("bash")
        .args(["-c", &shell])
        .arg(env::current_exe().unwrap())
        .env(CHILD_PATH, path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let confirmed = text.lines().rev().find_map(confirmed_in);
    (confirmed, text.lines().find_map(|line| line.strip_prefix("ended ")).map(str::to_owned))
}

fn confirmed_in(line: &str) -> Option<Head> {
    let (seq, hash) = line.strip_prefix("confirmed ")?.split_once(' ')?;
    Some(Head { seq: seq.parse().ok()?, hash: hash.parse().ok()? })
}

#[test]
fn a_file_that_the_system_does_not_let_grow_ends_the_writer() {
    let (_folder, path) = place();
    let (confirmed, word) = run_child(&path, "trap '' XFSZ; ulimit -f 300;");
    let word = word.unwrap();
    assert!(word.starts_with("Io") || word.starts_with("Full"), "{word}");
    nothing_confirmed_is_lost(&path, confirmed.unwrap());
}

#[test]
fn a_process_that_dies_in_the_middle_of_a_write_loses_nothing_confirmed() {
    let (_folder, path) = place();
    // The signal kills it within the write that exceeds the limit: a part of it is in the file.
    let (confirmed, word) = run_child(&path, "ulimit -f 301;");
    assert_eq!(word, None, "it had time for a last word");
    nothing_confirmed_is_lost(&path, confirmed.unwrap());
}

#[test]
fn a_killed_process_loses_nothing_confirmed() {
    let (_folder, path) = place();
    for round in 0..20u64 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "faults::child_writes_until_it_ends", "--nocapture"])
            .env(CHILD_PATH, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = usize::try_from(round * round * 7 % 61 + 1).unwrap();
        let mut confirmed: Vec<_> =
            lines.by_ref().filter_map(|line| confirmed_in(&line.unwrap())).take(wanted).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        confirmed.extend(lines.map_while(Result::ok).filter_map(|line| confirmed_in(&line)));
        let head = *confirmed.last().unwrap();
        let Verdict::Verified(verified) = verify(&path, Some(head)).unwrap() else { panic!() };
        assert!(verified.head.seq >= head.seq);
        // The head file is written after the commit: it may be a commit behind, never ahead.
        assert!(read_head(&path).unwrap().unwrap().seq <= verified.head.seq);
    }
    nothing_confirmed_is_lost(&path, read_head(&path).unwrap().unwrap());
}

#[test]
fn a_read_only_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("in");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("main.journal");
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 3);
    let head = journal.close().unwrap();
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    // Root may write everything, so another user tries.
    let prefix = if is_root { "setpriv --reuid=65534 --clear-groups" } else { "" };
    let shell = format!(
        "chmod 755 \"$1\"; cd \"$1/in\"; chmod 444 *; chmod 555 .; {prefix} \"$0\" --exact faults::child_writes_until_it_ends --nocapture; end=$?; chmod 755 .; chmod 644 *; exit $end"
    );
    let done = Command::new("bash")
        .args(["-c", &shell])
        .arg(env::current_exe().unwrap())
        .arg(folder.path())
        .env(CHILD_PATH, &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    let Some(word) = text.lines().find_map(|line| line.strip_prefix("ended ")) else {
        eprintln!("skipped: no other user can run this test here: {done:?}");
        return;
    };
    assert!(word.starts_with("ReadOnly"), "{word}");
    nothing_confirmed_is_lost(&path, head);
}

#[test]
fn a_file_that_another_program_locks_ends_the_writer() {
    let (_folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 3);
    let confirmed = journal.head();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = journal.append(UnixNanos(NOON), &trade(4)).unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }), "{error:?}");
    assert!(error.to_string().contains("main.journal"), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    takes_nothing_more(&mut journal);
    drop((journal, other));
    assert_eq!(rows(&path).unwrap().len() as u64, confirmed.seq);
    nothing_confirmed_is_lost(&path, confirmed);
}

#[test]
fn a_journal_that_another_program_keeps_is_not_opened() {
    let (_folder, path) = place();
    open(&path).unwrap().close().unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }), "{error:?}");
    drop(other);
    open(&path).unwrap();
}

/// Copies a journal with its log and head, as a kill of its writer would leave them.
fn as_if_killed(from: &Path, to: &Path) {
    for suffix in ["", "-wal", ".head"] {
        let name = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        fs::copy(name(from), name(to)).unwrap();
    }
}

fn log_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", path.display()))
}

fn cut(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn a_torn_log_gives_whole_steps_and_says_that_rows_are_missing() {
    /// Bytes of the log's head, and of a frame: a page and its own head.
    const HEAD: u64 = 32;
    const FRAME: u64 = 4_096 + 24;
    let (folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 6);
    let torn = folder.path().join("torn.journal");
    let length = fs::metadata(log_of(&path)).unwrap().len();
    let frames = (length - HEAD) / FRAME;
    let edges = (0..=frames).flat_map(|frame| {
        let edge = HEAD + frame * FRAME;
        [edge.saturating_sub(1), edge, edge + 1]
    });
    let lengths: Vec<u64> =
        (0..length).step_by(509).chain(edges).filter(|at| *at < length).collect();
    let whole: Vec<Row> = journal.entries().map(Result::unwrap).collect();
    let mut cuts = 0;
    for at in lengths {
        as_if_killed(&path, &torn);
        cut(&log_of(&torn), at);
        match open(&torn) {
            Err(JournalError::Cut { has, confirmed, .. }) => {
                assert!(has < confirmed && confirmed == journal.head().seq);
                cuts += 1;
            }
            // So little is left that it is no journal yet.
            Err(JournalError::NotAJournal { .. }) => {}
            other => panic!("cut at {at}: {other:?}"),
        }
        // Without the head file nobody would know; what is read is still whole steps in order.
        fs::remove_file(head_path(&torn)).unwrap();
        if let Ok(reader) = JournalReader::open(&torn) {
            let read: Vec<Row> = reader.entries().map(Result::unwrap).collect();
            assert_eq!(read, whole[..read.len()], "cut at {at}");
            assert!(
                read.is_empty() || (read.len() - 1).is_multiple_of(4),
                "a part of a step at {at}"
            );
        }
    }
    assert!(cuts > 20, "{cuts}");
    as_if_killed(&path, &torn);
    assert_eq!(open(&torn).unwrap().head(), journal.head());
}

#[test]
fn a_torn_file_is_found_out() {
    let (folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 200);
    let head = journal.close().unwrap();
    let whole = rows(&path).unwrap();
    let length = fs::metadata(&path).unwrap().len();
    let torn = folder.path().join("torn.journal");
    for at in (0..length).step_by(1_021).chain([length - 1]) {
        fs::copy(&path, &torn).unwrap();
        fs::copy(head_path(&path), head_path(&torn)).unwrap();
        cut(&torn, at);
        assert!(!matches!(verify(&torn, Some(head)), Ok(Verdict::Verified(_))), "cut at {at}");
        let opened = open(&torn);
        let Ok(journal) = opened else { continue };
        // The last row is there, so a start goes on to read, and comes to what is not.
        let read: Result<Vec<Row>, _> = journal.entries().collect();
        assert!(read.is_err(), "cut at {at}");
        let sound: Vec<Row> = journal.entries().map_while(Result::ok).collect();
        assert_eq!(sound, whole[..sound.len()], "cut at {at}");
    }
}

#[test]
fn a_damaged_page_is_found_out_and_nothing_beyond_it_is_read() {
    let (folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 100);
    journal.close().unwrap();
    let whole = rows(&path).unwrap();
    let content = fs::read(&path).unwrap();
    let damaged = folder.path().join("damaged.journal");
    for page in 1..content.len() / 4_096 {
        for garbage in [0x00, 0xff, 0x5a] {
            let mut bytes = content.clone();
            bytes[page * 4_096..(page + 1) * 4_096].fill(garbage);
            fs::write(&damaged, &bytes).unwrap();
            fs::copy(head_path(&path), head_path(&damaged)).unwrap();
            match verify(&damaged, None) {
                Ok(Verdict::Broken(broken)) => {
                    assert!(broken.seq <= whole.last().unwrap().seq, "{broken:?}");
                }
                Err(error) => assert!(
                    matches!(error, JournalError::Corrupt { .. } | JournalError::Schema { .. }),
                    "{error:?}"
                ),
                Ok(verified) => panic!("page {page}: {verified:?}"),
            }
            if let Ok(journal) = open(&damaged) {
                let sound: Vec<Row> = journal.entries().map_while(Result::ok).collect();
                assert_eq!(sound, whole[..sound.len()], "page {page}");
            }
        }
    }
}

#[test]
fn lost_rows_are_gone_without_only_by_a_persons_word() {
    let (folder, path) = place();
    let mut journal = open(&path).unwrap();
    write_trades(&mut journal, 1, 6);
    let lost = journal.head();
    let torn = folder.path().join("torn.journal");
    as_if_killed(&path, &torn);
    let log = fs::metadata(log_of(&torn)).unwrap().len();
    cut(&log_of(&torn), log - 5_000);
    let error = open(&torn).unwrap_err();
    assert!(matches!(error, JournalError::Cut { .. }) && error.help().contains("accept-cut"));
    let accepted = Journal::accept_cut(&torn, &tables(), "the disk lost power").unwrap();
    let Some(HostRecord::CutAccepted { lost_to, lost_hash, note, .. }) = accepted else {
        panic!("{accepted:?}")
    };
    assert_eq!((lost_to, lost_hash, note.as_str()), (lost.seq, lost.hash, "the disk lost power"));
    let mut journal = open(&torn).unwrap();
    write_trades(&mut journal, 50, 1);
    assert_eq!(
        Journal::accept_cut(&path, &tables(), "again")
            .err()
            .map(|e| e.to_string().contains("in use")),
        Some(true)
    );
    journal.close().unwrap();
    assert!(matches!(verify(&torn, None), Ok(Verdict::Verified(_))));
    // The head that was noted elsewhere still tells.
    assert!(matches!(verify(&torn, Some(lost)), Ok(Verdict::Broken(_))));
    assert_eq!(Journal::accept_cut(&torn, &tables(), "nothing is lost").unwrap(), None);
}

#[test]
fn a_head_file_that_is_damaged_is_not_believed() {
    let (_folder, path) = place();
    open(&path).unwrap().close().unwrap();
    for content in ["00000000000000000001 abc\n", "x", "99999999999999999999 \n"] {
        fs::write(head_path(&path), content).unwrap();
        let error = open(&path).unwrap_err();
        assert!(error.to_string().contains("main.journal.head"), "{error}");
    }
    fs::remove_file(head_path(&path)).unwrap();
    let Verdict::Verified(verified) = verify(&path, None).unwrap() else { panic!() };
    assert!(!verified.has_head_file);
    open(&path).unwrap();
}
