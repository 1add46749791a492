//! The head file beside a journal: the last confirmed row and its hash, written after each commit.
//! A journal that ends before it has lost rows, however that came about.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{Digest, JournalError};

/// Place of a row in the chain, and its hash, which stands for it and all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

impl Head {
    /// Before the first row of the first segment.
    pub const NONE: Self = Self { seq: 0, hash: Digest::ZERO };
}

/// Bytes of a head file: 20 digits, a space, 64 digits, the end of the line. Always overwritten in
/// place, so that it takes no new room on the disk; one sector, so that it is never half old.
const BYTES: usize = 86;

/// `path` with something after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The head file of a journal.
#[must_use]
pub fn head_path(journal: &Path) -> PathBuf {
    beside(journal, ".head")
}

/// An open head file.
#[derive(Debug)]
pub(super) struct HeadFile {
    path: PathBuf,
    file: File,
}

impl HeadFile {
    pub(super) fn open(journal: &Path) -> Result<Self, JournalError> {
        let path = head_path(journal);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| JournalError::io("open", &path, source))?;
        Ok(Self { path, file })
    }

    pub(super) fn write(&mut self, head: Head) -> Result<(), JournalError> {
        let text = render(head);
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(&text))
            .map_err(|source| JournalError::io("write", &self.path, source))
    }

    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_all().map_err(|source| JournalError::io("sync", &self.path, source))
    }
}

fn render(head: Head) -> Vec<u8> {
    format!("{:020} {}\n", head.seq, head.hash).into_bytes()
}

/// What the head file of a journal says; `None` where there is none.
///
/// # Errors
/// It cannot be read, or is no head file.
pub fn read_head(journal: &Path) -> Result<Option<Head>, JournalError> {
    let path = head_path(journal);
    let mut text = Vec::new();
    match File::open(&path).and_then(|file| file.take(BYTES as u64 + 1).read_to_end(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(JournalError::io("read", path, source)),
    }
    // Made and not yet written to.
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = std::str::from_utf8(&text).ok().and_then(|text| {
        let (seq, hash) = text.trim_end().split_once(' ')?;
        Some(Head { seq: seq.parse().ok()?, hash: hash.parse().ok()? })
    });
    match parsed.filter(|head| render(*head) == text) {
        Some(head) => Ok(Some(head)),
        None => Err(JournalError::Io {
            action: "understand",
            path,
            source: "it holds no row number and hash".into(),
        }),
    }
}

/// Writes a head file that lasts.
pub(super) fn write_head(journal: &Path, head: Head) -> Result<(), JournalError> {
    let mut file = HeadFile::open(journal)?;
    file.write(head)?;
    file.sync()
}

/// A rename or a new file lasts only once its folder is on disk.
pub(super) fn sync_folder(path: &Path) -> Result<(), JournalError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| JournalError::io("sync", folder, source))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Gives a file another name and makes that last.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), JournalError> {
    fs::rename(from, to).map_err(|source| JournalError::io("rename", from, source))?;
    sync_folder(to)
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), JournalError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(JournalError::io("remove", path, source)),
    }
}
