//! This host's key: 32 random bytes that only their owner can read. Who has it can make code that
//! this host runs, so it is checked like a private key, and never leaves this folder of the source.

use std::{
    fmt, fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{CacheError, FILE_MODE, check_owner, open_without_links};

/// Bytes of the key.
pub const HOST_KEY_BYTES: usize = 32;
/// Permissions that nobody but the owner may have.
const OTHERS: u32 = 0o077;
/// Bytes of a keyed hash.
pub(super) const TAG_BYTES: usize = 32;

pub(super) struct HostKey(Hmac<Sha256>);

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostKey(..)")
    }
}

impl HostKey {
    /// Reads the key, or makes one. Two processes that make one at the same time end with the same.
    pub(super) fn open(path: &Path) -> Result<Self, CacheError> {
        match Self::read(path) {
            Err(CacheError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                make(path)?;
                Self::read(path)
            }
            read => read,
        }
    }

    fn read(path: &Path) -> Result<Self, CacheError> {
        let wrong = |problem| CacheError::Key { path: path.to_owned(), problem };
        let file = open_without_links(path).map_err(CacheError::io(path))?;
        let metadata = file.metadata().map_err(CacheError::io(path))?;
        check_owner(path, &metadata)?;
        if !metadata.is_file() {
            return Err(wrong("it is no file"));
        }
        if metadata.mode() & OTHERS != 0 {
            return Err(wrong("others may read it"));
        }
        let mut bytes = Vec::with_capacity(HOST_KEY_BYTES + 1);
        file.take(HOST_KEY_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(CacheError::io(path))?;
        let length = "it does not have 32 bytes";
        if bytes.len() != HOST_KEY_BYTES {
            return Err(wrong(length));
        }
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| wrong(length))
    }

    /// A hash of all parts that only this key makes. Parts are of fixed length, save for the last.
    pub(super) fn tag(&self, parts: &[&[u8]]) -> [u8; TAG_BYTES] {
        self.over(parts).finalize().into_bytes().into()
    }

    /// Compares in a time that says nothing about where they differ.
    pub(super) fn is_tag(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.over(parts).verify_slice(tag).is_ok()
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

/// Makes a key that appears whole, and only where there is none.
fn make(path: &Path) -> Result<(), CacheError> {
    let mut key = [0; HOST_KEY_BYTES];
    let mut number = [0; 8];
    getrandom::fill(&mut key).map_err(|_| CacheError::NoRandom)?;
    getrandom::fill(&mut number).map_err(|_| CacheError::NoRandom)?;
    let part = path.with_extension(format!("{:016x}.part", u64::from_le_bytes(number)));
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(&part)
        .and_then(|mut file| file.write_all(&key).and_then(|()| file.sync_all()))
        // Unlike a rename it does not replace another process's key.
        .and_then(|()| fs::hard_link(&part, path));
    let _ = fs::remove_file(&part);
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(CacheError::io(path)(error))
        }
        _ => Ok(()),
    }
}
