//! Reading a call log, block by block, from its oldest record that is kept.

use std::{
    fs::File,
    io::{BufReader, Read as _},
    path::{Path, PathBuf},
};

use zstd::bulk::Decompressor;

use super::{
    CallLogError,
    frame::{
        BLOCK_HEAD_BYTES, BlockHead, RECORD_HEAD_BYTES, SEGMENT_HEAD_BYTES, SegmentHead, number_at,
        segment_path, segments_in,
    },
};

/// The end of a segment that was being written when its writer was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment's number.
    pub segment: u32,
    /// Where the part begins that is not whole.
    pub offset: u64,
    /// Bytes that are left out.
    pub bytes: u64,
}

/// What is known of a log, as far as it has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallLogState {
    /// Segments.
    pub segments: u32,
    /// Records that were dropped with the oldest segments.
    pub dropped: u64,
    /// Records that were given out.
    pub records: u64,
    /// Torn tails that were left out.
    pub torn: Vec<Torn>,
}

/// Reads the call log of one plugin, beside its writer too.
pub struct CallLogReader {
    folder: PathBuf,
    /// Segments that were not begun, newest first.
    left: Vec<u32>,
    segment: Option<Segment>,
    decompressor: Decompressor<'static>,
    raw: Vec<u8>,
    /// How far the block has been given out.
    at: usize,
    records_left: u32,
    state: CallLogState,
    /// The segment that has to come next, where one was read.
    next: Option<u32>,
}

impl std::fmt::Debug for CallLogReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallLogReader").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl CallLogReader {
    /// Opens a folder; one that is not there is an empty log.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, CallLogError> {
        let folder = folder.into();
        let left: Vec<_> = segments_in(&folder)?.iter().rev().map(|(number, _)| *number).collect();
        let decompressor =
            Decompressor::new().map_err(|source| CallLogError::io("read", &folder, source))?;
        Ok(Self {
            folder,
            left,
            segment: None,
            decompressor,
            raw: Vec::new(),
            at: 0,
            records_left: 0,
            state: CallLogState::default(),
            next: None,
        })
    }

    /// What is known by now; all of it once [`Self::next_record`] has given out the last record.
    #[must_use]
    pub const fn state(&self) -> &CallLogState {
        &self.state
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// A file cannot be read, is damaged, or is missing between others.
    pub fn next_record(&mut self) -> Result<Option<&[u8]>, CallLogError> {
        while self.records_left == 0 {
            if !self.next_block()? {
                return Ok(None);
            }
        }
        let from = self.at + RECORD_HEAD_BYTES;
        let to = from.saturating_add(number_at(&self.raw, self.at) as usize);
        self.records_left -= 1;
        self.at = to;
        let is_last = self.records_left == 0;
        if to > self.raw.len() || (is_last && to < self.raw.len()) {
            return Err(self.damaged("the lengths of a block's records do not fill it"));
        }
        self.state.records += 1;
        Ok(Some(&self.raw[from..to]))
    }

    fn damaged(&self, problem: &'static str) -> CallLogError {
        let (path, offset) = match &self.segment {
            Some(segment) => (segment.path.clone(), segment.block_at),
            None => (self.folder.clone(), 0),
        };
        CallLogError::Damaged { path, offset, problem }
    }

    /// `false` at the end of the last segment.
    fn next_block(&mut self) -> Result<bool, CallLogError> {
        loop {
            if self.segment.is_none() {
                let Some(number) = self.left.pop() else { return Ok(false) };
                self.begin_segment(number)?;
            }
            let Some(segment) = &mut self.segment else { continue };
            match segment.next_head()? {
                Next::Block(head) => {
                    let Some(packed) = segment.bytes_of(head)? else {
                        self.end_torn();
                        continue;
                    };
                    self.raw.resize(head.raw_bytes as usize, 0);
                    let unpacked =
                        self.decompressor.decompress_to_buffer(packed, self.raw.as_mut_slice());
                    if unpacked.ok() != Some(self.raw.len()) {
                        return Err(self.damaged("a block does not decompress to its length"));
                    }
                    (self.at, self.records_left) = (0, head.records);
                    return Ok(true);
                }
                Next::End => self.segment = None,
                Next::Torn => self.end_torn(),
            }
        }
    }

    fn end_torn(&mut self) {
        if let Some(segment) = self.segment.take() {
            let bytes = segment.bytes.saturating_sub(segment.block_at);
            self.state.torn.push(Torn { segment: segment.number, offset: segment.block_at, bytes });
        }
    }

    fn begin_segment(&mut self, number: u32) -> Result<(), CallLogError> {
        if let Some(next) = self.next.filter(|next| *next != number) {
            return Err(CallLogError::Missing { folder: self.folder.clone(), number: next });
        }
        self.next = Some(number + 1);
        self.state.segments += 1;
        let (segment, head) = Segment::open(&self.folder, number)?;
        match head {
            Some(head) if self.state.segments == 1 => self.state.dropped = head.records_before,
            Some(_) => {}
            // Killed before it had written the head.
            None => {
                self.segment = Some(segment);
                self.end_torn();
                return Ok(());
            }
        }
        self.segment = Some(segment);
        Ok(())
    }
}

/// What comes next in a segment.
enum Next {
    Block(BlockHead),
    End,
    Torn,
}

/// One open segment.
struct Segment {
    path: PathBuf,
    number: u32,
    file: BufReader<File>,
    /// Of the file when it was opened.
    bytes: u64,
    /// Where the block began that is being read.
    block_at: u64,
    /// Where the next one begins.
    at: u64,
    packed: Vec<u8>,
}

impl Segment {
    fn open(folder: &Path, number: u32) -> Result<(Self, Option<SegmentHead>), CallLogError> {
        let path = segment_path(folder, number);
        let fail = |source| CallLogError::io("read", &path, source);
        let file = File::open(&path).map_err(fail)?;
        let bytes = file.metadata().map_err(fail)?.len();
        let mut file = BufReader::new(file);
        let mut head = None;
        if bytes >= SEGMENT_HEAD_BYTES as u64 {
            let mut read = [0; SEGMENT_HEAD_BYTES];
            file.read_exact(&mut read).map_err(fail)?;
            head = Some(SegmentHead::from_bytes(&read, &path)?);
        }
        if head.is_some_and(|head| head.number != number) {
            let problem = "its head has another number than its name";
            return Err(CallLogError::Damaged { path, offset: 0, problem });
        }
        let at = if head.is_some() { SEGMENT_HEAD_BYTES as u64 } else { 0 };
        Ok((Self { path, number, file, bytes, block_at: at, at, packed: Vec::new() }, head))
    }

    fn fail(&self, source: std::io::Error) -> CallLogError {
        CallLogError::io("read", &self.path, source)
    }

    fn next_head(&mut self) -> Result<Next, CallLogError> {
        self.block_at = self.at;
        let left = self.bytes.saturating_sub(self.at);
        if left == 0 {
            return Ok(Next::End);
        }
        if left < BLOCK_HEAD_BYTES as u64 {
            return Ok(Next::Torn);
        }
        let mut bytes = [0; BLOCK_HEAD_BYTES];
        self.file.read_exact(&mut bytes).map_err(|source| self.fail(source))?;
        match BlockHead::from_bytes(&bytes) {
            Ok(head) => {
                self.at += BLOCK_HEAD_BYTES as u64 + u64::from(head.packed_bytes);
                Ok(if self.at > self.bytes { Next::Torn } else { Next::Block(head) })
            }
            // A loss of power can leave a hole where the last block would have been.
            Err(_) if bytes == [0; BLOCK_HEAD_BYTES] && self.is_zero_to_its_end()? => {
                Ok(Next::Torn)
            }
            Err(problem) => {
                let (path, offset) = (self.path.clone(), self.block_at);
                Err(CallLogError::Damaged { path, offset, problem })
            }
        }
    }

    /// The packed bytes of a block; `None` where it is the last one and not whole.
    fn bytes_of(&mut self, head: BlockHead) -> Result<Option<&[u8]>, CallLogError> {
        self.packed.resize(head.packed_bytes as usize, 0);
        let read = self.file.read_exact(&mut self.packed);
        read.map_err(|source| self.fail(source))?;
        if crc32fast::hash(&self.packed) == head.checksum {
            return Ok(Some(&self.packed));
        }
        if self.at == self.bytes {
            return Ok(None);
        }
        let (path, offset) = (self.path.clone(), self.block_at);
        Err(CallLogError::Damaged { path, offset, problem: "the checksum of a block is wrong" })
    }

    fn is_zero_to_its_end(&mut self) -> Result<bool, CallLogError> {
        let mut chunk = [0; 4_096];
        loop {
            match self.file.read(&mut chunk).map_err(|source| self.fail(source))? {
                0 => return Ok(true),
                read if chunk.iter().take(read).any(|byte| *byte != 0) => return Ok(false),
                _ => {}
            }
        }
    }
}

/// Records of all segments up to this one, from heads alone.
pub(super) fn records_up_to(folder: &Path, number: u32) -> Result<u64, CallLogError> {
    let (mut segment, head) = Segment::open(folder, number)?;
    let Some(head) = head else {
        // It was never begun, so what came before it is told by the one before, if there is one.
        let before = segments_in(folder)?.into_iter().rfind(|(other, _)| *other < number);
        return before.map_or(Ok(0), |(before, _)| records_up_to(folder, before));
    };
    let mut records = head.records_before;
    while let Next::Block(block) = segment.next_head()? {
        let is_last = segment.at == segment.bytes;
        if is_last && segment.bytes_of(block)?.is_none() {
            break;
        }
        if !is_last {
            let behind = i64::from(block.packed_bytes);
            segment.file.seek_relative(behind).map_err(|source| segment.fail(source))?;
        }
        records += u64::from(block.records);
    }
    Ok(records)
}
