//! One writer per journal, held by a lock file that the system frees when the process ends, however
//! it ends. The database's own locks are not enough: they are free between two transactions.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{JournalError, head::beside};

/// Bytes of a lock file that are read: a process number.
const BYTES_MAX: u64 = 32;

/// The right to write one journal.
#[derive(Debug)]
pub(super) struct WriterLock {
    file: File,
}

fn lock_path(journal: &Path) -> PathBuf {
    beside(journal, ".lock")
}

impl WriterLock {
    pub(super) fn take(journal: &Path) -> Result<Self, JournalError> {
        let path = lock_path(journal);
        let fail = |action, source| JournalError::io(action, &path, source);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| fail("open", source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // The number is a hint; without it the message is still right.
                let read = (&file).take(BYTES_MAX).read_to_string(&mut text);
                let process = read.ok().and_then(|_| text.trim().parse().ok());
                return Err(JournalError::InUse { path: journal.to_owned(), process });
            }
            Err(TryLockError::Error(source)) => return Err(fail("lock", source)),
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(|source| fail("write", source))?;
        Ok(Self { file })
    }
}

impl Drop for WriterLock {
    /// Gives the lock back itself: a child that is just being started has a copy of the file for a
    /// moment, and the end of ours alone would not free it.
    fn drop(&mut self) {
        // One that cannot be given back ends with the process.
        let _ = self.file.unlock();
    }
}
