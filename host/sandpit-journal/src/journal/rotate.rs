//! From one file to the next of the same chain. The new file is whole before the old one gets its
//! archive name, so that a kill at any moment leaves either the old or the new one to go on with.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use sandpit_core::time::UnixNanos;

use super::{
    EntryRef, HostRecord, Journal, JournalError, Tables,
    head::{Head, beside, head_path, remove, rename, sync_folder, write_head},
    store::Store,
    verify::{Chain, segment_path, verify_chain},
    writer::{begin, checkpoint},
};

/// What a rotation left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The archived file.
    pub archived: PathBuf,
    /// Its number in the chain.
    pub segment: u32,
    /// Its last row.
    pub head: Head,
}

/// The new file while it is made.
fn next_path(journal: &Path) -> PathBuf {
    beside(journal, ".next")
}

/// Removes what belongs to a database file.
fn remove_database(path: &Path) -> Result<(), JournalError> {
    for suffix in ["", "-wal", "-shm"] {
        remove(&beside(path, suffix))?;
    }
    Ok(())
}

/// Ends a rotation in which the host was killed.
pub(super) fn mend(journal: &Path) -> Result<(), JournalError> {
    let next = next_path(journal);
    if !next.exists() {
        return Ok(());
    }
    if journal.exists() {
        // The old file is still the one to go on with.
        return remove_database(&next);
    }
    remove(&beside(journal, "-wal"))?;
    remove(&beside(journal, "-shm"))?;
    rename(&next, journal)
}

impl Journal {
    /// Goes on in a new file, which begins with `carry`: what a start from it must know. The old
    /// one is kept beside it as `NAME.000001.journal`. `tables` name all plugins that have come by
    /// now, and may have more instruments at their end.
    ///
    /// # Errors
    /// [`JournalError::Locked`] while somebody reads the old file: nothing has changed, try again.
    /// Otherwise the journal takes nothing more; the next start goes on with one of the two files.
    pub fn rotate<'a, E: Into<EntryRef<'a>>>(
        &mut self,
        at: UnixNanos,
        tables: &Tables,
        carry: impl IntoIterator<Item = E>,
    ) -> Result<Rotated, JournalError> {
        self.commit()?;
        let path = self.store.path.clone();
        let old = self.head;
        if let Some(what) = tables.differs(&self.began, &self.plugins, true) {
            return Err(JournalError::OtherTables { path, what });
        }
        let began = tables.began(&path, self.began.segment + 1, old)?;
        // No log may stay behind under the name that the new file will have.
        checkpoint(&self.store)?;
        let carry: Vec<EntryRef<'a>> = carry.into_iter().map(Into::into).collect();
        let rotated = self.move_over(at, began, old, &carry);
        rotated.inspect_err(|_| self.poison(at))
    }

    fn move_over(
        &mut self,
        at: UnixNanos,
        began: super::Began,
        old: Head,
        carry: &[EntryRef<'_>],
    ) -> Result<Rotated, JournalError> {
        let path = self.store.path.clone();
        let (next, segment) = (next_path(&path), self.began.segment);
        let archived = segment_path(&path, segment);
        if archived.exists() {
            return Err(JournalError::Exists { path: archived });
        }
        remove_database(&next)?;
        let mut store = Store::open_to_write(&next, &self.options)?;
        begin(&mut store, began, at, old, self.step(), carry)?;
        checkpoint(&store)?;
        close(store)?;
        sync_folder(&next)?;
        let elsewhere = Connection::open_in_memory()
            .map_err(|error| JournalError::database("open", &path, error))?;
        std::mem::replace(&mut self.store.connection, elsewhere)
            .close()
            .map_err(|(_, error)| JournalError::database("close", &path, error))?;
        remove(&beside(&path, "-wal"))?;
        remove(&beside(&path, "-shm"))?;
        rename(&path, &archived)?;
        write_head(&archived, old)?;
        rename(&next, &path)?;
        let store = Store::open_to_write(&path, &self.options)?;
        let last = store.last_row()?.ok_or(JournalError::Missing { path })?;
        let began = super::writer::first(&store)?;
        self.go_on(store, began, &last);
        self.head_file.write(self.head)?;
        self.head_file.sync()?;
        Ok(Rotated { archived, segment, head: old })
    }

    /// Removes archived files but the newest `keep`, after verifying the whole chain, and writes
    /// down that it did, so that the chain says itself why they are missing. Returns what was
    /// removed.
    ///
    /// # Errors
    /// The chain is not sound (nothing is removed), or the journal or a file cannot be written.
    pub fn prune(&mut self, at: UnixNanos, keep: u32) -> Result<Vec<PathBuf>, JournalError> {
        let path = self.store.path.clone();
        let chain = sound(&path)?;
        let newest = self.began.segment.saturating_sub(1);
        let Some(to) = newest.checked_sub(keep).filter(|to| *to > 0) else {
            return Ok(Vec::new());
        };
        let gone: Vec<_> = chain.segments.iter().filter(|it| it.segment <= to).collect();
        let Some(last) = gone.last() else { return Ok(Vec::new()) };
        let record = HostRecord::Pruned { segments_to: to, hash: last.head.hash };
        self.append(at, [&record])?;
        let mut removed = Vec::with_capacity(gone.len());
        for segment in gone {
            remove_database(&segment.path)?;
            remove(&head_path(&segment.path))?;
            removed.push(segment.path.clone());
        }
        sync_folder(&path)?;
        Ok(removed)
    }
}

/// The chain of a journal, if nothing is wrong with it.
fn sound(path: &Path) -> Result<Chain, JournalError> {
    use super::verify::ChainProblem as Problem;
    let chain = verify_chain(path)?;
    match chain.problem {
        None => Ok(chain),
        Some(Problem::Broken(broken)) => {
            Err(JournalError::Broken { path: broken.path, seq: broken.seq, why: broken.why })
        }
        Some(Problem::Missing { segment, path: missing }) => Err(JournalError::SegmentMissing {
            path: path.parent().unwrap_or(Path::new(".")).to_owned(),
            segment,
            name: missing.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }),
        Some(Problem::Gap { path, from, .. }) => Err(JournalError::Broken {
            path,
            seq: from.seq,
            why: "the next segment does not go on from it".to_owned(),
        }),
    }
}

fn close(store: Store) -> Result<(), JournalError> {
    let path = store.path;
    store.connection.close().map_err(|(_, error)| JournalError::database("close", path, error))
}
