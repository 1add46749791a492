//! Writing a tape.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use sandpit_core::market::MarketEvent;
use zstd::bulk::Compressor;

use super::{
    FOOTER_BYTES_MAX, LEVELS_PER_SIDE_MAX, SEGMENT_EVENTS_MAX, SEGMENT_VALUES_MAX, TapeError,
    TapeHeader, VERSION,
    encode::Encoder,
    frame::{END_MAGIC, FOOT_MAGIC, HEAD_MAGIC, SegmentHead},
    summary::Summary,
};

/// The level that costs about as much as encoding does.
const ZSTD_LEVEL: i32 = 3;
/// A segment that has room for less than the largest event is closed.
const VALUES_BEFORE_SEAL: usize = SEGMENT_VALUES_MAX as usize - (4 * LEVELS_PER_SIDE_MAX + 16);

/// Writes one tape. Until [`Self::finish`] it has the name `<path>.partial`; if the program ends
/// before, that file stays, and every whole segment of it can be read.
pub struct TapeWriter {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
    written: u64,
    encoder: Encoder,
    summary: Summary,
    compressor: Compressor<'static>,
    raw: Vec<u8>,
    packed: Vec<u8>,
}

impl std::fmt::Debug for TapeWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapeWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

impl TapeWriter {
    /// Begins a tape. An existing one of that name is replaced when this one is finished.
    ///
    /// # Errors
    /// A header beyond its bounds, a file system that says no, or another writer of the same tape.
    pub fn create(path: impl Into<PathBuf>, header: &TapeHeader) -> Result<Self, TapeError> {
        let path = path.into();
        let json = header.to_json(&path)?;
        let mut name = OsString::from(&path);
        name.push(".partial");
        let partial = PathBuf::from(name);
        let fail = |action, source| TapeError::Io { action, path: partial.clone(), source };
        // Locked before it is emptied, so that two writers cannot share it.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&partial)
            .map_err(|source| fail("create", source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(TapeError::Busy { path: partial }),
            Err(TryLockError::Error(source)) => return Err(fail("lock", source)),
        }
        file.set_len(0).map_err(|source| fail("empty", source))?;
        let compressor = Compressor::new(ZSTD_LEVEL).map_err(|source| fail("compress", source))?;
        let mut writer = Self {
            path,
            partial,
            file: BufWriter::new(file),
            written: 0,
            encoder: Encoder::new(header.instruments.len()),
            summary: Summary::new(header.instruments.len()),
            compressor,
            raw: Vec::new(),
            packed: Vec::new(),
        };
        let mut head = HEAD_MAGIC.to_vec();
        head.extend(VERSION.to_le_bytes());
        head.extend(length(&json).to_le_bytes());
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&head);
        checksum.update(&json);
        head.extend(checksum.finalize().to_le_bytes());
        writer.write(&head)?;
        writer.write(&json)?;
        Ok(writer)
    }

    /// Takes in the next event.
    ///
    /// # Errors
    /// [`TapeError::Event`] for an event that no tape takes: the writer is as before and can go
    /// on. Anything else: the tape cannot be finished.
    pub fn append(&mut self, event: &MarketEvent) -> Result<(), TapeError> {
        self.encoder
            .push(event)
            .map_err(|problem| TapeError::Event { time: event.time, problem })?;
        self.summary.add(event);
        if self.encoder.events >= SEGMENT_EVENTS_MAX
            || self.encoder.columns.len() >= VALUES_BEFORE_SEAL
        {
            self.seal()?;
        }
        Ok(())
    }

    /// Puts what there is on disk as a segment, so that a crash loses nothing before this.
    ///
    /// # Errors
    /// The file system says no.
    pub fn sync(&mut self) -> Result<(), TapeError> {
        self.seal()?;
        self.file.flush().map_err(|source| self.fail("write", source))?;
        self.file.get_ref().sync_data().map_err(|source| self.fail("sync", source))
    }

    /// Hands what there is to the system as a segment, so that it outlives this process, though not
    /// the machine.
    ///
    /// # Errors
    /// The file system says no.
    pub fn flush(&mut self) -> Result<(), TapeError> {
        self.seal()?;
        self.file.flush().map_err(|source| self.fail("write", source))
    }

    /// Completes the tape and gives it its name. Returns its size in bytes.
    ///
    /// # Errors
    /// The file system says no; the partial file stays.
    pub fn finish(mut self) -> Result<u64, TapeError> {
        self.seal()?;
        let json = serde_json::to_vec(&self.summary)
            .ok()
            .filter(|json| length(json) <= FOOTER_BYTES_MAX)
            .ok_or_else(|| TapeError::Header {
                path: self.path.clone(),
                problem: "its totals have too many bytes",
            })?;
        let offset = self.written;
        self.write(&FOOT_MAGIC)?;
        self.write(&length(&json).to_le_bytes())?;
        self.write(&crc32fast::hash(&json).to_le_bytes())?;
        self.write(&json)?;
        self.write(&offset.to_le_bytes())?;
        self.write(&END_MAGIC)?;
        self.file.flush().map_err(|source| self.fail("write", source))?;
        self.file.get_ref().sync_all().map_err(|source| self.fail("sync", source))?;
        fs::rename(&self.partial, &self.path).map_err(|source| self.fail("rename", source))?;
        sync_folder(&self.path).map_err(|source| self.fail("sync the folder of", source))?;
        Ok(self.written)
    }

    /// Gives up and removes the partial file.
    ///
    /// # Errors
    /// The file system says no.
    pub fn discard(self) -> Result<(), TapeError> {
        fs::remove_file(&self.partial).map_err(|source| self.fail("remove", source))
    }

    fn seal(&mut self) -> Result<(), TapeError> {
        if self.encoder.events == 0 {
            return Ok(());
        }
        self.encoder.columns.pack(&mut self.raw);
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.raw.len()));
        self.compressor
            .compress_to_buffer(&self.raw, &mut self.packed)
            .map_err(|source| self.fail("compress", source))?;
        let head = SegmentHead {
            events: self.encoder.events,
            values: u32::try_from(self.encoder.columns.len()).unwrap_or(u32::MAX),
            raw_bytes: length(&self.raw),
            packed_bytes: length(&self.packed),
            first: self.encoder.first,
            last: self.encoder.time(),
            checksum: crc32fast::hash(&self.packed),
        };
        self.write(&head.to_bytes())?;
        let packed = std::mem::take(&mut self.packed);
        let written = self.write(&packed);
        self.packed = packed;
        written?;
        self.encoder.clear();
        self.summary.segments += 1;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TapeError> {
        self.file.write_all(bytes).map_err(|source| self.fail("write", source))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn fail(&self, action: &'static str, source: io::Error) -> TapeError {
        TapeError::Io { action, path: self.partial.clone(), source }
    }
}

/// The parts of a tape are bounded well below 4 GiB.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// A rename lasts only once the folder is on disk.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
