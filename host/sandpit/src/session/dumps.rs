//! Core dumps of strategies, kept for their authors: the newest few, each within its bound. There
//! are no keys in them: a strategy's process has none.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sandpit_core::time::UnixNanos;

/// What follows a dump's name.
const EXTENSION: &str = "coredump";

/// The folder of a session's dumps.
#[derive(Debug)]
pub(super) struct Dumps {
    folder: PathBuf,
    count_max: usize,
}

impl Dumps {
    /// In this folder, at most so many.
    pub(super) fn new(folder: PathBuf, count_max: u32) -> Self {
        Self { folder, count_max: usize::try_from(count_max).unwrap_or(usize::MAX) }
    }

    /// Keeps one, and lets the oldest go. The file.
    pub(super) fn keep(
        &self,
        plugin: &str,
        at: UnixNanos,
        bytes: &[u8],
    ) -> io::Result<Option<PathBuf>> {
        if self.count_max == 0 {
            return Ok(None);
        }
        fs::create_dir_all(&self.folder)?;
        // Ordered by name, they are ordered by time.
        let path = self.folder.join(format!("{:020}-{plugin}.{EXTENSION}", at.0));
        fs::write(&path, bytes)?;
        let mut kept = self.list()?;
        kept.sort();
        let too_many = kept.len().saturating_sub(self.count_max);
        for old in kept.iter().take(too_many) {
            fs::remove_file(old)?;
        }
        Ok(Some(path))
    }

    fn list(&self) -> io::Result<Vec<PathBuf>> {
        let is_dump = |path: &Path| path.extension().is_some_and(|end| end == EXTENSION);
        let entries = fs::read_dir(&self.folder)?.map(|entry| entry.map(|entry| entry.path()));
        entries.filter(|path| path.as_ref().is_ok_and(|path| is_dump(path))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_few_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let dumps = Dumps::new(folder.path().join("dumps"), 2);
        for at in [30, 9, 100] {
            dumps.keep("ema", UnixNanos(at), &[7]).unwrap().unwrap();
        }
        let mut kept = dumps.list().unwrap();
        kept.sort();
        let names: Vec<_> = kept.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(
            names,
            ["00000000000000000030-ema.coredump", "00000000000000000100-ema.coredump"]
        );
        let none = Dumps::new(folder.path().join("none"), 0);
        assert_eq!(none.keep("ema", UnixNanos(1), &[7]).unwrap(), None);
        assert!(!folder.path().join("none").exists());
    }
}
