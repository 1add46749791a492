//! Which account uses which key on this machine, in which mode: what no session knows by itself, since
//! each has one account. A key is in it by a hash of the exchange's name for it; there is no secret in
//! the file, and nothing of one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;
/// Keys that are remembered; those that were added first are forgotten beyond.
const ENTRIES_MAX: usize = 4_096;
/// Bytes of the file.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// Its owner's alone.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Why the ledger does not let a key be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It cannot be read or written.
    #[error("cannot read or write `{}`, which says which account uses which key", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is none.
    #[error("`{}` does not say which account uses which key", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// Another account, or another mode, has the key.
    #[error(
        "the key {fingerprint} is that of {first} on this machine, and was to be that of {second}: \
         every account and every mode needs a key of its own (where an account was given another \
         name, take its line out of `{}`)",
        path.display()
    )]
    Taken {
        /// The hash of its name.
        fingerprint: String,
        /// Account and mode.
        first: String,
        /// Account and mode.
        second: String,
        /// Which file says so.
        path: PathBuf,
    },
}

/// The file.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    keys: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    fingerprint: String,
    account: String,
    mode: String,
}

impl Ledger {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Writes down that this account uses the key in this mode.
    ///
    /// # Errors
    /// Another account or mode does, or the file cannot be used.
    pub(crate) fn claim(
        &self,
        fingerprint: &str,
        account: &str,
        mode: &str,
    ) -> Result<(), LedgerError> {
        let fail = |source| LedgerError::Io { path: self.path.clone(), source };
        // Two sessions that begin at once wait for each other.
        let _lock = self.lock().map_err(fail)?;
        let mut content = self.read()?;
        let has_it = |entry: &&Entry| entry.fingerprint == fingerprint;
        if let Some(entry) = content.keys.iter().find(has_it) {
            if entry.account == account && entry.mode == mode {
                return Ok(());
            }
            return Err(LedgerError::Taken {
                fingerprint: fingerprint.to_owned(),
                first: format!("{}/{}", entry.account, entry.mode),
                second: format!("{account}/{mode}"),
                path: self.path.clone(),
            });
        }
        content.keys.push(Entry {
            fingerprint: fingerprint.to_owned(),
            account: account.to_owned(),
            mode: mode.to_owned(),
        });
        let beyond = content.keys.len().saturating_sub(ENTRIES_MAX);
        content.keys.drain(..beyond);
        self.write(&content).map_err(fail)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(ending);
        name.into()
    }

    fn lock(&self) -> io::Result<File> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.exists()) {
            fs::create_dir_all(folder)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(FOLDER_MODE))?;
        }
        let path = self.beside(".lock");
        let file = create(OpenOptions::new().create(true).truncate(false), &path)?;
        file.lock()?;
        Ok(file)
    }

    fn read(&self) -> Result<Content, LedgerError> {
        let fail = |source| LedgerError::Io { path: self.path.clone(), source };
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Content { version: VERSION, keys: Vec::new() });
            }
            file => file.map_err(fail)?,
        };
        let mut text = String::new();
        file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(fail)?;
        let content: Option<Content> = serde_json::from_str(&text).ok();
        let content = content.filter(|content| content.version == VERSION);
        content.ok_or_else(|| LedgerError::Damaged { path: self.path.clone() })
    }

    /// Puts the whole of it in the old one's place, so that it is never half written.
    fn write(&self, content: &Content) -> io::Result<()> {
        let path = self.beside(".new");
        let mut file = create(OpenOptions::new().create(true).truncate(true), &path)?;
        file.write_all(serde_json::to_string_pretty(content)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(path, &self.path)
    }
}

fn create(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.write(true).mode(FILE_MODE).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_account_and_one_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper").join("keys.json");
        let ledger = Ledger::new(path.clone());
        ledger.claim("aa", "main", "testnet").unwrap();
        ledger.claim("aa", "main", "testnet").unwrap();
        ledger.claim("bb", "main", "live").unwrap();
        for (account, mode) in [("main", "live"), ("other", "testnet")] {
            let error = Ledger::new(path.clone()).claim("aa", account, mode).unwrap_err();
            assert!(matches!(error, LedgerError::Taken { .. }), "{error}");
            assert!(error.to_string().contains("main/testnet"), "{error}");
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // An operator may take a line out.
        let text = fs::read_to_string(&path).unwrap().replace("aa", "cc");
        fs::write(&path, text).unwrap();
        ledger.claim("aa", "other", "live").unwrap();
    }

    #[test]
    fn what_is_no_ledger_lets_nothing_pass() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        for text in ["", "{}", "{\"version\":2,\"keys\":[]}", "[1]"] {
            fs::write(&path, text).unwrap();
            let error = Ledger::new(path.clone()).claim("aa", "main", "live").unwrap_err();
            assert!(matches!(error, LedgerError::Damaged { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(folder.path().join("keys.json"));
        let keys = (0..ENTRIES_MAX).map(|at| Entry {
            fingerprint: format!("{at}"),
            account: "main".to_owned(),
            mode: "live".to_owned(),
        });
        ledger.write(&Content { version: VERSION, keys: keys.collect() }).unwrap();
        ledger.claim("new", "main", "live").unwrap();
        let content = ledger.read().unwrap();
        assert_eq!(content.keys.len(), ENTRIES_MAX);
        assert_eq!(content.keys[0].fingerprint, "1");
        assert_eq!(content.keys[ENTRIES_MAX - 1].fingerprint, "new");
    }
}
