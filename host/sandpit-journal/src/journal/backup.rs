//! Copies of a journal, made while it is written, and the way back.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};
use sandpit_core::time::UnixNanos;

use super::{
    Durability, HostRecord, Journal, JournalError, JournalOptions, JournalReader,
    head::{Head, beside, head_path, remove, rename, sync_folder, write_head},
    lock::WriterLock,
    store::Store,
    verify::{Verdict, Verified, verify},
};

/// Copies a journal to a new file, verifies the copy, and writes a head file beside it. May run
/// beside a writer: the copy is the state of one moment.
///
/// # Errors
/// The journal cannot be read, `out` exists or cannot be written, or the copy is not sound.
pub fn backup(path: &Path, out: &Path) -> Result<Verified, JournalError> {
    if out.exists() {
        return Err(JournalError::Exists { path: out.to_owned() });
    }
    let store = Store::open_to_read(path)?;
    let partial = beside(out, ".partial");
    copy(&store, &partial)?;
    let verified = finish(&partial, None)?;
    rename(&partial, out)?;
    write_head(out, verified.head)?;
    sync_folder(out)?;
    Ok(Verified { path: out.to_owned(), has_head_file: true, ..verified })
}

/// Copies all pages in one go: a copy in parts would begin again with every commit.
fn copy(from: &Store, partial: &Path) -> Result<(), JournalError> {
    let fail = |error| JournalError::database("write", partial, error);
    remove(partial)?;
    let mut target = Connection::open(partial).map_err(fail)?;
    let copied = Backup::new(&from.connection, &mut target)
        .and_then(|copy| copy.step(-1))
        .map_err(|error| from.fail("read", error))?;
    if copied != StepResult::Done {
        let source = "its pages could not be read in one go".into();
        return Err(JournalError::Locked { path: from.path.clone(), source });
    }
    // One file and no log, as it will be named.
    target.pragma_update(None, "journal_mode", "delete").map_err(fail)?;
    target.close().map_err(|(_, error)| fail(error))?;
    File::open(partial)
        .and_then(|file| file.sync_all())
        .map_err(|source| JournalError::io("sync", partial, source))
}

/// A copy that must be sound.
fn finish(path: &Path, against: Option<Head>) -> Result<Verified, JournalError> {
    match verify(path, against)? {
        Verdict::Verified(verified) => Ok(verified),
        Verdict::Broken(broken) => {
            Err(JournalError::Broken { path: broken.path, seq: broken.seq, why: broken.why })
        }
    }
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The journal, with the row that says that it was restored.
    pub head: Head,
    /// Last row of the backup.
    pub backup: Head,
    /// Under which name what was there before is kept.
    pub set_aside: Option<PathBuf>,
}

/// Puts a backup in the place of a journal that no host writes. The backup is verified before
/// anything is replaced; what is replaced is kept under another name. A row says that and from
/// where it was restored.
///
/// # Errors
/// The backup is not sound, a host writes the journal, or, without `overwrite`, what would be
/// replaced is not a part of the backup: it has rows that the backup has not, is another journal,
/// or cannot be read.
pub fn restore(backup: &Path, to: &Path, overwrite: bool) -> Result<Restored, JournalError> {
    let verified = finish(backup, None)?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)
            .map_err(|source| JournalError::io("make the folder", folder, source))?;
    }
    let lock = WriterLock::take(to)?;
    if to.exists() && !overwrite {
        must_be_part(to, backup, verified.head)?;
    }
    let partial = beside(to, ".partial");
    copy(&Store::open_to_read(backup)?, &partial)?;
    finish(&partial, Some(verified.head))?;
    let set_aside = set_aside(to)?;
    rename(&partial, to)?;
    write_head(to, verified.head)?;
    drop(lock);
    let tables = JournalReader::open(to)?.tables().clone();
    let options = JournalOptions { durability: Durability::Power, bytes_max: None };
    let mut journal = Journal::open(to, &tables, &options)?;
    let row = HostRecord::Restored { rows: verified.head.seq, hash: verified.head.hash };
    journal.append(UnixNanos(u64::try_from(verified.at).unwrap_or(0)), [&row])?;
    let head = journal.close()?;
    Ok(Restored { head, backup: verified.head, set_aside })
}

/// What is there must be the beginning of the backup.
fn must_be_part(to: &Path, backup: &Path, head: Head) -> Result<(), JournalError> {
    let there = JournalReader::open(to)?.head()?;
    if there.seq > head.seq {
        return Err(JournalError::NewerThanBackup {
            path: to.to_owned(),
            has: there.seq,
            backup: head.seq,
        });
    }
    let same = Store::open_to_read(backup)?.hash_of(there.seq)?;
    match same {
        Some(hash) if hash == there.hash => Ok(()),
        other => Err(JournalError::OtherJournal {
            path: to.to_owned(),
            seq: there.seq,
            has: there.hash,
            backup: other.unwrap_or(head.hash),
        }),
    }
}

/// Copies of what was replaced that are kept.
const SET_ASIDE_MAX: u32 = 1_000;

/// Gives what is there another name, its log included: it may hold rows that nothing else has.
fn set_aside(to: &Path) -> Result<Option<PathBuf>, JournalError> {
    if !to.exists() {
        // A log or a head without its file says nothing any more.
        for suffix in ["-wal", "-shm"] {
            remove(&beside(to, suffix))?;
        }
        return Ok(None);
    }
    let name = |number: u32| beside(to, &format!(".replaced-{number}"));
    let free = (1..=SET_ASIDE_MAX).map(name).find(|path| !path.exists());
    let Some(aside) = free else {
        return Err(JournalError::Exists { path: name(SET_ASIDE_MAX) });
    };
    // The log first: a file without its log would be read as if it had none.
    for suffix in ["-wal", "-shm"] {
        let log = beside(to, suffix);
        if log.exists() {
            rename(&log, &beside(&aside, suffix))?;
        }
    }
    rename(to, &aside)?;
    let head = head_path(to);
    if head.exists() {
        rename(&head, &head_path(&aside))?;
    }
    Ok(Some(aside))
}
