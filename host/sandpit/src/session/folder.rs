//! The folder that holds all that a paper session remembers: journal, venue's log, plugins' saved
//! states. One process at a time.

use std::{
    fs::{self, File, TryLockError},
    io::{self, BufReader, Write},
    path::{Path, PathBuf},
};

use sandpit_core::time::UnixNanos;
use sandpit_plugin::SavedState;
use serde::{Deserialize, Serialize};

use super::{
    SessionError,
    frames::{self, Next},
};

const LOCK_FILE: &str = "session.lock";
const JOURNAL_FILE: &str = "session.journal";
const VENUE_FILE: &str = "venue.log";
const STATES_FOLDER: &str = "plugins";
const DUMPS_FOLDER: &str = "dumps";
/// The only version of a saved state's head.
const STATE_FORMAT: u32 = 1;

/// The folder, held for as long as this lives.
#[derive(Debug)]
pub(super) struct StateFolder {
    path: PathBuf,
    /// The operating system lets go of it when the process ends, however that happens.
    _lock: File,
    /// Whether a saved state waits for the disk.
    synced: bool,
}

/// What stands before a saved state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateHead {
    format: u32,
    /// Version of the strategy.
    version: String,
    /// Number of the layout.
    schema: u32,
    /// The engine's time.
    at: u64,
}

impl StateFolder {
    /// Makes the folder where there is none, and takes it.
    pub(super) fn take(path: &Path, synced: bool) -> Result<Self, SessionError> {
        let failed = |source| SessionError::Folder { path: path.to_owned(), source };
        fs::create_dir_all(path.join(STATES_FOLDER)).map_err(failed)?;
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK_FILE))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock, synced }),
            Err(TryLockError::WouldBlock) => Err(SessionError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL_FILE)
    }

    pub(super) fn venue(&self) -> PathBuf {
        self.path.join(VENUE_FILE)
    }

    /// The folder of strategies' core dumps.
    pub(super) fn dumps(&self) -> PathBuf {
        self.path.join(DUMPS_FOLDER)
    }

    fn state(&self, plugin: &str) -> PathBuf {
        self.path.join(STATES_FOLDER).join(format!("{plugin}.state"))
    }

    /// Keeps what a plugin saved, in the place of what it saved before. A crash leaves the one or
    /// the other.
    pub(super) fn save(
        &self,
        plugin: &str,
        state: &SavedState,
        at: UnixNanos,
    ) -> Result<(), SessionError> {
        let path = self.state(plugin);
        let failed = |source| SessionError::Folder { path: path.clone(), source };
        let head = StateHead {
            format: STATE_FORMAT,
            version: state.version.clone(),
            schema: state.schema,
            at: at.0,
        };
        let head = serde_json::to_vec(&head).map_err(|error| failed(error.into()))?;
        // A frame is never empty, and a state may be.
        let data = [&[0], state.data.as_slice()].concat();
        let too_long = || failed(io::ErrorKind::FileTooLarge.into());
        let (head, data) = frames::frame(&head).zip(frames::frame(&data)).ok_or_else(too_long)?;
        let waiting = path.with_extension("new");
        let mut file = File::create(&waiting).map_err(failed)?;
        file.write_all(&head).and_then(|()| file.write_all(&data)).map_err(failed)?;
        if self.synced {
            file.sync_all().map_err(failed)?;
        }
        fs::rename(&waiting, &path).map_err(failed)
    }

    /// What a plugin saved last.
    pub(super) fn saved(&self, plugin: &str) -> Result<Option<SavedState>, SessionError> {
        let path = self.state(plugin);
        let failed = |source| SessionError::Folder { path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let damaged =
            || SessionError::DamagedState { plugin: plugin.to_owned(), path: path.clone() };
        let mut left = file.metadata().map_err(failed)?.len();
        let mut file = BufReader::new(file);
        let mut next = || -> Result<Vec<u8>, SessionError> {
            let (next, bytes) = frames::read(&mut file, left).map_err(failed)?;
            left -= bytes;
            if let Next::Frame(payload) = next { Ok(payload) } else { Err(damaged()) }
        };
        let (head, mut data) = (next()?, next()?);
        let head: StateHead = serde_json::from_slice(&head).map_err(|_| damaged())?;
        if head.format != STATE_FORMAT || data.is_empty() {
            return Err(damaged());
        }
        data.remove(0);
        Ok(Some(SavedState { version: head.version, schema: head.schema, data }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(data: &[u8]) -> SavedState {
        SavedState { version: "1.2.3".to_owned(), schema: 4, data: data.to_vec() }
    }

    #[test]
    fn the_last_saved_state_is_found_and_a_damaged_one_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let held = StateFolder::take(folder.path(), true).unwrap();
        assert_eq!(held.saved("a").unwrap(), None);
        for data in [&b"first"[..], b"", &[7; 100_000]] {
            held.save("a", &state(data), UnixNanos(5)).unwrap();
            assert_eq!(held.saved("a").unwrap(), Some(state(data)));
        }
        let path = held.state("a");
        let mut bytes = fs::read(&path).unwrap();
        bytes.pop();
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(held.saved("a"), Err(SessionError::DamagedState { .. })));
    }

    #[test]
    fn a_folder_is_one_process_s() {
        let folder = tempfile::tempdir().unwrap();
        let held = StateFolder::take(folder.path(), false).unwrap();
        let second = StateFolder::take(folder.path(), false);
        assert!(matches!(second, Err(SessionError::InUse { .. })), "{second:?}");
        drop(held);
        StateFolder::take(folder.path(), false).unwrap();
    }
}
