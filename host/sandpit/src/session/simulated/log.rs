//! The venue's memory on disk: an append-only file of frames, the first of which says of which
//! market it is. A write that was cut is cut off when the file is opened; anything else that is
//! wrong with it is an error.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    VenueError,
    entry::{Entry, Head},
};
use crate::session::frames::{self, Next};

/// The only version of the format.
pub(super) const FORMAT: u32 = 1;

/// The log, open for appending.
#[derive(Debug)]
pub(super) struct VenueLog {
    path: PathBuf,
    file: File,
    /// Where the last whole frame ends.
    end: u64,
    /// Whether every append waits for the disk.
    synced: bool,
}

/// What is already in a log, oldest first.
#[derive(Debug)]
pub(super) struct Entries {
    path: PathBuf,
    file: BufReader<File>,
    at: u64,
    length: u64,
}

impl VenueLog {
    /// Opens or makes a log of this market. What is in it is to be read to its end before the
    /// first append.
    pub(super) fn open(
        path: &Path,
        head: &Head,
        synced: bool,
    ) -> Result<(Self, Entries), VenueError> {
        let failed = io_error(path);
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = file.map_err(&failed)?;
        let length = file.metadata().map_err(&failed)?.len();
        let reader = BufReader::new(File::open(path).map_err(&failed)?);
        let mut log = Self { path: path.to_owned(), file, end: 0, synced };
        let mut entries = Entries { path: path.to_owned(), file: reader, at: 0, length };
        match entries.next_payload()? {
            Some(payload) => {
                let found: Head = serde_json::from_slice(&payload)
                    .map_err(|source| unreadable(path, 0, source))?;
                check_head(path, &found, head)?;
            }
            None => {
                log.cut(0)?;
                log.append_json(head)?;
                entries = Entries { at: log.end, length: log.end, ..entries };
            }
        }
        Ok((log, entries))
    }

    /// Takes the file from where its entries end; what is after that was a write that was cut.
    /// Says how many bytes that were.
    pub(super) fn begin(&mut self, entries: &Entries) -> Result<u64, VenueError> {
        let cut = entries.length.saturating_sub(entries.at);
        self.cut(entries.at)?;
        Ok(cut)
    }

    /// Writes one entry. Where that fails, the log is as it was before.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), VenueError> {
        self.append_json(entry)
    }

    fn append_json(&mut self, what: &impl serde::Serialize) -> Result<(), VenueError> {
        let payload =
            serde_json::to_vec(what).map_err(|error| io_error(&self.path)(error.into()))?;
        let too_long = || io::Error::from(io::ErrorKind::FileTooLarge);
        let frame = frames::frame(&payload).ok_or_else(too_long).map_err(io_error(&self.path))?;
        let written = self
            .file
            .write_all(&frame)
            .and_then(|()| if self.synced { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            // Half a frame must not stand before the next one. It is cut at the next start too.
            let _ = self.file.set_len(self.end);
            return Err(io_error(&self.path)(error));
        }
        self.end += u64::try_from(frame.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    fn cut(&mut self, end: u64) -> Result<(), VenueError> {
        let failed = io_error(&self.path);
        self.file.set_len(end).map_err(&failed)?;
        self.file.seek(SeekFrom::End(0)).map_err(&failed)?;
        self.end = end;
        Ok(())
    }
}

impl Entries {
    /// The next entry; `None` at the end, or where a write was cut.
    pub(super) fn next_entry(&mut self) -> Result<Option<Entry>, VenueError> {
        let at = self.at;
        let Some(payload) = self.next_payload()? else {
            return Ok(None);
        };
        let entry = serde_json::from_slice(&payload);
        entry.map(Some).map_err(|source| unreadable(&self.path, at, source))
    }

    fn next_payload(&mut self) -> Result<Option<Vec<u8>>, VenueError> {
        let left = self.length.saturating_sub(self.at);
        let (next, bytes) = frames::read(&mut self.file, left).map_err(io_error(&self.path))?;
        match next {
            Next::Frame(payload) => {
                self.at += bytes;
                Ok(Some(payload))
            }
            Next::End | Next::Torn => Ok(None),
            Next::Damaged => Err(VenueError::Damaged { path: self.path.clone(), offset: self.at }),
        }
    }
}

fn check_head(path: &Path, found: &Head, wanted: &Head) -> Result<(), VenueError> {
    let what = if found.format != FORMAT {
        "has another format"
    } else if found.tapes != wanted.tapes {
        "belongs to other tapes"
    } else if found.rules != wanted.rules {
        "belongs to other rules of the instruments or of filling"
    } else {
        return Ok(());
    };
    Err(VenueError::OtherMarket { path: path.to_owned(), what })
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> VenueError + use<> {
    let path = path.to_owned();
    move |source| VenueError::Io { path: path.clone(), source }
}

fn unreadable(path: &Path, offset: u64, source: serde_json::Error) -> VenueError {
    VenueError::Unreadable { path: path.to_owned(), offset, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::simulated::entry::What;
    use std::fs;

    fn head(rules: &str) -> Head {
        Head { format: FORMAT, tapes: vec!["a".to_owned()], rules: rules.to_owned() }
    }

    fn spoke(after: u64) -> Entry {
        Entry { after, time: after * 10, what: What::Spoke }
    }

    /// What a log holds, and how much was cut off.
    fn read(path: &Path) -> Result<(VenueLog, Vec<Entry>, u64), VenueError> {
        let (mut log, mut entries) = VenueLog::open(path, &head("r"), false)?;
        let mut all = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        let cut = log.begin(&entries)?;
        Ok((log, all, cut))
    }

    #[test]
    fn what_was_appended_is_there_after_a_cut_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("venue.log");
        let (mut log, all, cut) = read(&path).unwrap();
        assert_eq!((all.len(), cut), (0, 0));
        log.append(&spoke(1)).unwrap();
        let one = fs::metadata(&path).unwrap().len();
        log.append(&spoke(2)).unwrap();
        drop(log);
        let whole = fs::read(&path).unwrap();
        for length in (one..whole.len() as u64).rev() {
            fs::write(&path, &whole[..usize::try_from(length).unwrap()]).unwrap();
            let (mut log, all, cut) = read(&path).unwrap();
            assert_eq!((all, cut), (vec![spoke(1)], length - one));
            log.append(&spoke(3)).unwrap();
            drop(log);
            assert_eq!(read(&path).unwrap().1, [spoke(1), spoke(3)]);
        }
        // Cut within its head: it never was.
        fs::write(&path, &whole[..5]).unwrap();
        assert_eq!(read(&path).unwrap().1, []);
    }

    #[test]
    fn damage_and_other_markets_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("venue.log");
        let (mut log, ..) = read(&path).unwrap();
        log.append(&spoke(1)).unwrap();
        log.append(&spoke(2)).unwrap();
        drop(log);
        let other = VenueLog::open(&path, &head("other"), false);
        assert!(matches!(other, Err(VenueError::OtherMarket { .. })), "{other:?}");
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 4;
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(read(&path), Err(VenueError::Damaged { .. })));
    }
}
