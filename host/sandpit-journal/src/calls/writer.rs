//! Writing a call log. Taking a record in is a copy into a block's memory; a full block is
//! compressed and written at once, by whoever brought the record that filled it.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use zstd::{bulk::Compressor, zstd_safe::compress_bound};

use super::{
    BLOCK_AGE_MAX, BLOCK_BYTES, CallLogError, KEEP_BYTES_MIN, RECORD_BYTES_MAX,
    frame::{
        BLOCK_HEAD_BYTES, BlockHead, RECORD_HEAD_BYTES, SegmentHead, segment_path, segments_in,
    },
    reader,
};

/// The fastest of the ordinary levels: it runs on the thread of the plugin's caller.
const ZSTD_LEVEL: i32 = 1;
/// Into so many segments the bytes that are kept are divided, so that not much is dropped at once.
const SEGMENTS_KEPT: u64 = 16;

/// Writes the call log of one plugin.
pub struct CallLogWriter {
    folder: PathBuf,
    keep_bytes: u64,
    /// The segment that is written, once there is a block for it.
    file: Option<File>,
    /// Its number, or the next one's.
    number: u32,
    segment_bytes: u64,
    /// Of all segments, those that were dropped among them.
    records: u64,
    block: Vec<u8>,
    block_records: u32,
    block_since: Option<Instant>,
    /// The block as it is written, its head first.
    packed: Vec<u8>,
    compressor: Compressor<'static>,
    ended: bool,
}

impl std::fmt::Debug for CallLogWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallLogWriter").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl CallLogWriter {
    /// Goes on in a folder, or begins one, with a segment of its own: what a writer before left
    /// behind is not touched, save that the oldest is dropped beyond `keep_bytes`.
    ///
    /// # Errors
    /// The folder cannot be made or read, or its newest segment is damaged in its middle.
    pub fn open(folder: impl Into<PathBuf>, keep_bytes: u64) -> Result<Self, CallLogError> {
        let folder = folder.into();
        fs::create_dir_all(&folder)
            .map_err(|source| CallLogError::io("make the folder", &folder, source))?;
        let (number, records) = match segments_in(&folder)?.last() {
            Some((newest, _)) => (newest + 1, reader::records_up_to(&folder, *newest)?),
            None => (1, 0),
        };
        let compressor = Compressor::new(ZSTD_LEVEL)
            .map_err(|source| CallLogError::io("compress", &folder, source))?;
        Ok(Self {
            folder,
            keep_bytes: keep_bytes.max(KEEP_BYTES_MIN),
            file: None,
            number,
            segment_bytes: 0,
            records,
            block: Vec::with_capacity(2 * BLOCK_BYTES),
            block_records: 0,
            block_since: None,
            packed: vec![0; BLOCK_HEAD_BYTES + compress_bound(2 * BLOCK_BYTES)],
            compressor,
            ended: false,
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes in one record.
    ///
    /// # Errors
    /// [`CallLogError::RecordLength`] for one that no log takes: the writer is as before. Anything
    /// else: it takes nothing more.
    #[inline]
    pub fn append(&mut self, record: &[u8]) -> Result<(), CallLogError> {
        let length = match u32::try_from(record.len()) {
            Ok(length) if record.len() <= RECORD_BYTES_MAX => length,
            _ => return Err(CallLogError::RecordLength { bytes: record.len() }),
        };
        self.block.extend_from_slice(&length.to_le_bytes());
        self.block.extend_from_slice(record);
        self.block_records += 1;
        let now = Instant::now();
        let since = *self.block_since.get_or_insert(now);
        if self.block.len() >= BLOCK_BYTES || now.duration_since(since) >= BLOCK_AGE_MAX {
            return self.flush();
        }
        Ok(())
    }

    /// Writes what there is, so that the end of the process loses nothing.
    ///
    /// # Errors
    /// The file system says no; nothing more is taken.
    pub fn flush(&mut self) -> Result<(), CallLogError> {
        if self.ended {
            self.forget_block();
            return Err(CallLogError::Ended { folder: self.folder.clone() });
        }
        if self.block_records == 0 {
            return Ok(());
        }
        let written = self.write_block();
        self.ended = written.is_err();
        self.records += u64::from(self.block_records);
        self.forget_block();
        written
    }

    fn forget_block(&mut self) {
        self.block.clear();
        // Only a rare large record needs more.
        self.block.shrink_to(2 * BLOCK_BYTES);
        self.block_records = 0;
        self.block_since = None;
    }

    fn write_block(&mut self) -> Result<(), CallLogError> {
        let room = BLOCK_HEAD_BYTES + compress_bound(self.block.len());
        if self.packed.len() < room {
            self.packed.resize(room, 0);
        }
        let (head, packed) = self.packed.split_at_mut(BLOCK_HEAD_BYTES);
        let bytes = self
            .compressor
            .compress_to_buffer(&self.block, packed)
            .map_err(|source| CallLogError::io("compress a block of", &self.folder, source))?;
        let number = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let block = BlockHead {
            records: self.block_records,
            raw_bytes: number(self.block.len()),
            packed_bytes: number(bytes),
            checksum: crc32fast::hash(&packed[..bytes]),
        };
        head.copy_from_slice(&block.to_bytes());
        let whole = BLOCK_HEAD_BYTES + bytes;
        self.make_room(whole as u64)?;
        if let Some(file) = &mut self.file {
            file.write_all(&self.packed[..whole]).map_err(|source| {
                CallLogError::io("write", &segment_path(&self.folder, self.number), source)
            })?;
            self.segment_bytes += whole as u64;
        }
        let kept = BLOCK_HEAD_BYTES + compress_bound(2 * BLOCK_BYTES);
        if self.packed.len() > kept {
            self.packed.truncate(kept);
            self.packed.shrink_to_fit();
        }
        Ok(())
    }

    /// Begins the next segment where this one is full, and drops the oldest ones for it.
    fn make_room(&mut self, bytes: u64) -> Result<(), CallLogError> {
        let segment_max = self.keep_bytes / SEGMENTS_KEPT;
        if self.file.is_some() {
            if self.segment_bytes + bytes <= segment_max {
                return Ok(());
            }
            self.file = None;
            self.number += 1;
        }
        let segments = segments_in(&self.folder)?;
        let mut held: u64 = segments.iter().map(|(_, bytes)| bytes).sum();
        for (oldest, oldest_bytes) in segments {
            if held.saturating_add(segment_max.max(bytes)) <= self.keep_bytes {
                break;
            }
            let path = segment_path(&self.folder, oldest);
            fs::remove_file(&path).map_err(|source| CallLogError::io("remove", &path, source))?;
            held -= oldest_bytes;
        }
        let path = segment_path(&self.folder, self.number);
        let fail = |action, source| CallLogError::io(action, &path, source);
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| fail("make", source))?;
        let head = SegmentHead { number: self.number, records_before: self.records };
        file.write_all(&head.to_bytes()).map_err(|source| fail("write", source))?;
        self.segment_bytes = head.to_bytes().len() as u64;
        self.file = Some(file);
        Ok(())
    }
}

impl Drop for CallLogWriter {
    fn drop(&mut self) {
        // Whoever has to know calls `flush` before.
        let _ = self.flush();
    }
}

/// A record must fit a block's numbers whatever came before it.
const _: () = assert!(RECORD_BYTES_MAX + RECORD_HEAD_BYTES + BLOCK_BYTES < u32::MAX as usize);
