//! Machine code that was made before, on disk. A file of it is as good as a program, so none is
//! believed: each carries a keyed hash by this host over what it was made from and what it is, and
//! whatever is not exactly right is a miss, is counted, and is compiled again.
//!
//! **Architecture invariant:** bytes that fail the keyed hash are never handed on.

mod entry;
mod host_key;

pub use host_key::HOST_KEY_BYTES;

use std::{
    fs, io,
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};

use crate::{
    check::hex,
    compile::{ARTIFACT_BYTES_MAX, Compiled},
    engine::Engine,
};
use entry::Damage;
use host_key::HostKey;

/// Bytes of all files together, by default.
const BYTES_MAX_DEFAULT: u64 = 1 << 30;
/// Files, by default.
const ENTRIES_MAX_DEFAULT: usize = 1_024;
/// Files that are looked at to make room; a folder with more is not ours alone.
const FILES_LISTED_MAX: usize = 100_000;
const EXTENSION: &str = "code";
const PART_EXTENSION: &str = "part";
/// Permissions of the folder and of the files in it: the owner's.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Permissions that nobody but the owner may have.
const OTHERS_WRITE: u32 = 0o022;

/// How much the cache may keep. Beyond it the oldest go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Bytes of all files together.
    pub bytes_max: u64,
    /// Files.
    pub entries_max: usize,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self { bytes_max: BYTES_MAX_DEFAULT, entries_max: ENTRIES_MAX_DEFAULT }
    }
}

/// Why there is no cache. Everything works without one, only slower.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A folder or a file cannot be used.
    #[error("cannot use `{path}`", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Others may write there.
    #[error(
        "`{path}` can be written by others than you: it holds what runs as code. Make it yours with `chmod go-w`",
        path = .0.display()
    )]
    Shared(PathBuf),
    /// Somebody else's.
    #[error("`{path}` belongs to another user: it holds what runs as code", path = .0.display())]
    Foreign(PathBuf),
    /// No key that can be used.
    #[error(
        "`{path}` is no key of this host: {problem}. Remove it, and a new one is made; what was compiled is compiled again",
        path = .path.display()
    )]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
}

impl CacheError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// How the cache did since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Found and whole.
    pub hits: u64,
    /// Not there.
    pub misses: u64,
    /// There, and not believed: truncated, changed, swapped, by another host. Each is a miss as
    /// well, and nobody who keeps the folder to themselves sees any.
    pub rejected: u64,
    /// Written.
    pub stored: u64,
    /// Not written; see the log.
    pub store_failures: u64,
    /// Removed to make room.
    pub evicted: u64,
}

#[derive(Debug, Default)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    rejected: AtomicU64,
    stored: AtomicU64,
    store_failures: AtomicU64,
    evicted: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A folder of machine code. Many processes may share it.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    key: HostKey,
    limits: CacheLimits,
    counters: Counters,
}

impl Cache {
    /// Opens a folder, which is made where it is missing, with this host's key, which is made where
    /// it is missing. Neither may be open to others' writing.
    ///
    /// # Errors
    /// See [`CacheError`].
    pub fn open(folder: &Path, key_file: &Path, limits: CacheLimits) -> Result<Self, CacheError> {
        make_folder(folder)?;
        if let Some(parent) = key_file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            make_folder(parent)?;
        }
        let key = HostKey::open(key_file)?;
        Ok(Self { folder: folder.to_owned(), key, limits, counters: Counters::default() })
    }

    /// How it did.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        CacheStats {
            hits: of(&counters.hits),
            misses: of(&counters.misses),
            rejected: of(&counters.rejected),
            stored: of(&counters.stored),
            store_failures: of(&counters.store_failures),
            evicted: of(&counters.evicted),
        }
    }

    /// What was compiled of a component for an engine, if there is exactly that.
    pub(crate) fn find(&self, engine: &Engine, component: &[u8; 32]) -> Option<Compiled> {
        let name = entry_name(engine, component);
        let path = self.path(&name);
        let found = read(&path).map(|bytes| match bytes {
            Some(bytes) => entry::open(&bytes, &name, &self.key),
            None => Err(Damage),
        });
        match found {
            Ok(Ok(code)) => {
                count(&self.counters.hits);
                Some(Compiled::from_our_compiler(*component, code))
            }
            Ok(Err(Damage)) => {
                count(&self.counters.misses);
                count(&self.counters.rejected);
                // What cannot be removed is replaced by what is compiled now.
                let _ = fs::remove_file(&path);
                None
            }
            Err(error) => {
                count(&self.counters.misses);
                if error.kind() != io::ErrorKind::NotFound {
                    count(&self.counters.rejected);
                }
                None
            }
        }
    }

    /// Keeps what was compiled for an engine. A cache that cannot is counted and no error: the
    /// component runs all the same.
    pub(crate) fn store(&self, engine: &Engine, compiled: &Compiled) {
        let name = entry_name(engine, compiled.component());
        let bytes = entry::seal(compiled.code(), &name, &self.key);
        let stored = self.make_room(bytes.len() as u64).and_then(|()| self.write(&name, &bytes));
        match stored {
            Ok(()) => count(&self.counters.stored),
            Err(_) => count(&self.counters.store_failures),
        }
    }

    /// The file appears whole under its name, or not at all.
    fn write(&self, name: &[u8; 32], bytes: &[u8]) -> io::Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let path = self.path(name);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let part = path.with_extension(format!("{}-{number}.{PART_EXTENSION}", std::process::id()));
        let written = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&part)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&part, &path));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }

    /// Removes the oldest until another file of this size is within the bounds.
    fn make_room(&self, bytes: u64) -> io::Result<()> {
        if bytes > self.limits.bytes_max || self.limits.entries_max == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut files = self.files()?;
        files.sort_by_key(|file| file.written);
        let mut total = files.iter().map(|file| file.bytes).fold(bytes, u64::saturating_add);
        let mut entries = files.len() + 1;
        for file in &files {
            if total <= self.limits.bytes_max && entries <= self.limits.entries_max {
                break;
            }
            match fs::remove_file(&file.path) {
                Ok(()) => count(&self.counters.evicted),
                // Another process was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            total = total.saturating_sub(file.bytes);
            entries -= 1;
        }
        Ok(())
    }

    fn files(&self) -> io::Result<Vec<File>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)?.take(FILES_LISTED_MAX) {
            let path = entry?.path();
            let is_ours = path
                .extension()
                .is_some_and(|extension| extension == EXTENSION || extension == PART_EXTENSION);
            // A file that went away meanwhile takes no room.
            if let (true, Ok(metadata)) = (is_ours, path.symlink_metadata()) {
                let written = metadata.modified()?;
                files.push(File { path, bytes: metadata.len(), written });
            }
        }
        Ok(files)
    }

    fn path(&self, name: &[u8; 32]) -> PathBuf {
        self.folder.join(hex(name)).with_extension(EXTENSION)
    }
}

struct File {
    path: PathBuf,
    bytes: u64,
    written: SystemTime,
}

/// Names machine code by all that it depends on: the component, and what the engine's fingerprint
/// covers (release of wasmtime, our configuration, target, features of the processor).
fn entry_name(engine: &Engine, component: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(engine.fingerprint());
    hash.update(component);
    hash.finalize().into()
}

/// A file's bytes; `None` where it is longer than any entry, or no file.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let bytes_max = (ARTIFACT_BYTES_MAX + entry::FRAME_BYTES) as u64;
    let file = open_without_links(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > bytes_max {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

/// Opens a file to read it, without following a link at its place and without waiting for a pipe.
fn open_without_links(path: &Path) -> io::Result<fs::File> {
    use rustix::fs::OFlags;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    fs::OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)
}

/// A folder of the owner's alone, made where it is missing.
fn make_folder(folder: &Path) -> Result<(), CacheError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
        .map_err(CacheError::io(folder))?;
    check_owner(folder, &fs::metadata(folder).map_err(CacheError::io(folder))?)
}

/// Only we may write it.
fn check_owner(path: &Path, metadata: &fs::Metadata) -> Result<(), CacheError> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(CacheError::Foreign(path.to_owned()));
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(CacheError::Shared(path.to_owned()));
    }
    Ok(())
}
