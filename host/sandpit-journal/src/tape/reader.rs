//! Reading a tape.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use sandpit_core::{market::MarketEvent, time::UnixNanos};
use sha2::{Digest, Sha256};
use zstd::bulk::Decompressor;

use super::{
    FOOTER_BYTES_MAX, HEADER_BYTES_MAX, TapeError, TapeHeader, TapeInfo, VERSION, VERSION_OLDEST,
    columns::fixed,
    decode::Decoder,
    frame::{
        END_BYTES, END_MAGIC, FOOT_BYTES, FOOT_MAGIC, HEAD_BYTES, HEAD_MAGIC, SEGMENT_HEAD_BYTES,
        SEGMENT_MAGIC, SegmentHead,
    },
    summary::Summary,
};

/// Reads one tape from its beginning, an event at a time, holding one segment.
pub struct TapeReader {
    path: PathBuf,
    file: File,
    header: TapeHeader,
    decoder: Decoder,
    decompressor: Decompressor<'static>,
    packed: Vec<u8>,
    raw: Vec<u8>,
    /// Where the next part begins.
    offset: u64,
    /// Where the segment began that is being read.
    segment_offset: u64,
    segments: u64,
    events: u64,
    last: UnixNanos,
    ended: bool,
}

impl std::fmt::Debug for TapeReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapeReader")
            .field("path", &self.path)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl TapeReader {
    /// Opens a tape and reads its head.
    ///
    /// # Errors
    /// No such file, not a tape, another version, or a damaged head.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TapeError> {
        let path = path.into();
        let io_error = |action, source| TapeError::Io { action, path: path.clone(), source };
        let mut file = File::open(&path).map_err(|source| io_error("open", source))?;
        let json = read_head(&mut file, &path)?;
        let header = TapeHeader::from_json(&json, &path)?;
        let decompressor = Decompressor::new().map_err(|source| io_error("decompress", source))?;
        Ok(Self {
            file,
            decoder: Decoder::new(header.instruments.len()),
            header,
            decompressor,
            packed: Vec::new(),
            raw: Vec::new(),
            offset: (HEAD_BYTES + json.len()) as u64,
            segment_offset: 0,
            segments: 0,
            events: 0,
            last: UnixNanos(0),
            ended: false,
            path,
        })
    }

    /// The head.
    #[must_use]
    pub const fn header(&self) -> &TapeHeader {
        &self.header
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes of the file have been read, for progress.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.offset
    }

    /// The next event; `None` at the end of a finished tape, and ever after an error.
    ///
    /// # Errors
    /// Damage, with the byte where the damaged part begins; [`TapeError::Truncated`] after the last
    /// whole segment of a tape that was not finished or was cut.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        match self.decoder.next() {
            Ok(Some(event)) => Ok(Some(event)),
            Ok(None) => self.next_of_next_segment(),
            Err(problem) => {
                self.end();
                Err(self.damaged(self.segment_offset, problem))
            }
        }
    }

    #[cold]
    fn next_of_next_segment(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        if self.ended {
            return Ok(None);
        }
        match self.load_segment() {
            Ok(true) => self.next_event(),
            Ok(false) => {
                self.end();
                Ok(None)
            }
            Err(error) => {
                self.end();
                Err(error)
            }
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.decoder.begin(0, UnixNanos(0), UnixNanos(0));
    }

    /// Loads the next segment; `false` where the foot came instead and is right.
    fn load_segment(&mut self) -> Result<bool, TapeError> {
        let at = self.offset;
        let mut magic = [0; 4];
        self.read(&mut magic)?;
        match magic {
            SEGMENT_MAGIC => {}
            FOOT_MAGIC => return self.check_foot(at).map(|()| false),
            _ => return Err(self.damaged(at, "neither a segment nor the foot begins here")),
        }
        let mut bytes = [0; SEGMENT_HEAD_BYTES];
        bytes[..4].copy_from_slice(&magic);
        self.read(&mut bytes[4..])?;
        let head = SegmentHead::from_bytes(&bytes).map_err(|problem| self.damaged(at, problem))?;
        if head.first < self.last {
            return Err(self.damaged(at, "a segment begins before the one before it ends"));
        }
        let mut packed = std::mem::take(&mut self.packed);
        packed.resize(head.packed_bytes as usize, 0);
        let read = self.read(&mut packed);
        self.packed = packed;
        if let Err(error) = read {
            // What is not whole begins at the segment's head.
            self.offset = at;
            return Err(match error {
                TapeError::Truncated { .. } => self.truncated(),
                other => other,
            });
        }
        self.unpack(&head).map_err(|problem| self.damaged(at, problem))?;
        self.decoder.begin(head.events, head.first, head.last);
        self.segment_offset = at;
        self.segments += 1;
        self.events += u64::from(head.events);
        self.last = head.last;
        Ok(true)
    }

    fn unpack(&mut self, head: &SegmentHead) -> Result<(), &'static str> {
        if crc32fast::hash(&self.packed) != head.checksum {
            return Err("the checksum of a segment is wrong");
        }
        self.raw.resize(head.raw_bytes as usize, 0);
        let bytes = self
            .decompressor
            .decompress_to_buffer(&self.packed, self.raw.as_mut_slice())
            .map_err(|_| "a segment does not decompress")?;
        if bytes != self.raw.len() {
            return Err("a segment is shorter than its head says");
        }
        self.decoder.columns.unpack(&self.raw)?;
        if self.decoder.columns.len() == head.values as usize {
            Ok(())
        } else {
            Err("a segment has not the numbers that its head says")
        }
    }

    fn check_foot(&mut self, at: u64) -> Result<(), TapeError> {
        let mut rest = Vec::new();
        let limit = u64::from(FOOTER_BYTES_MAX) + (FOOT_BYTES + END_BYTES) as u64;
        (&mut self.file)
            .take(limit)
            .read_to_end(&mut rest)
            .map_err(|source| self.io("read", source))?;
        let summary = match parse_foot(&rest, at) {
            Ok(summary) => summary,
            Err(FootProblem::Short) => {
                self.offset = at;
                return Err(self.truncated());
            }
            Err(FootProblem::Damaged(problem)) => return Err(self.damaged(at, problem)),
        };
        self.offset += rest.len() as u64;
        let whole = summary.events == self.events
            && summary.segments == self.segments
            && summary.last_ns == self.last.0
            && summary.instruments.len() == self.header.instruments.len();
        if whole {
            Ok(())
        } else {
            Err(self.damaged(at, "the totals of the foot are not those of the segments"))
        }
    }

    /// Fills `bytes`; a file that ends first is [`TapeError::Truncated`] at the part's beginning.
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), TapeError> {
        match self.file.read_exact(bytes) {
            Ok(()) => {
                self.offset += bytes.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.truncated()),
            Err(source) => Err(self.io("read", source)),
        }
    }

    fn truncated(&self) -> TapeError {
        TapeError::Truncated {
            path: self.path.clone(),
            offset: self.offset,
            segments: self.segments,
            events: self.events,
            last: self.last,
        }
    }

    fn damaged(&self, offset: u64, problem: &'static str) -> TapeError {
        TapeError::Damaged { path: self.path.clone(), offset, problem }
    }

    fn io(&self, action: &'static str, source: io::Error) -> TapeError {
        TapeError::Io { action, path: self.path.clone(), source }
    }

    /// Totals from the head and the foot, without reading what is between.
    ///
    /// # Errors
    /// As [`Self::open`]; [`TapeError::Truncated`] where there is no foot.
    pub fn info(path: impl Into<PathBuf>) -> Result<TapeInfo, TapeError> {
        let mut reader = Self::open(path)?;
        let fail = |source| TapeError::Io { action: "read", path: reader.path.clone(), source };
        let bytes = reader.file.seek(SeekFrom::End(0)).map_err(fail)?;
        let Some(end) = bytes.checked_sub(END_BYTES as u64).filter(|end| *end >= reader.offset)
        else {
            return Err(reader.truncated());
        };
        let mut tail = [0; END_BYTES];
        reader.file.seek(SeekFrom::Start(end)).map_err(fail)?;
        reader.file.read_exact(&mut tail).map_err(fail)?;
        let at = u64::from_le_bytes(fixed(&tail[..8]));
        if tail[8..] != END_MAGIC {
            return Err(reader.truncated());
        }
        if at < reader.offset || at > end {
            return Err(reader.damaged(end, "the place of the foot is not in the file"));
        }
        let mut magic = [0; 4];
        let mut rest = Vec::new();
        reader.file.seek(SeekFrom::Start(at)).map_err(fail)?;
        reader.file.read_exact(&mut magic).map_err(fail)?;
        let limit = u64::from(FOOTER_BYTES_MAX) + (FOOT_BYTES + END_BYTES) as u64;
        (&mut reader.file).take(limit).read_to_end(&mut rest).map_err(fail)?;
        let summary = match parse_foot(&rest, at) {
            Ok(summary) if magic == FOOT_MAGIC => summary,
            Err(FootProblem::Damaged(problem)) => return Err(reader.damaged(at, problem)),
            _ => return Err(reader.damaged(at, "no foot begins here")),
        };
        if summary.instruments.len() != reader.header.instruments.len() {
            return Err(
                reader.damaged(at, "the foot has another number of instruments than the head")
            );
        }
        Ok(TapeInfo {
            header: reader.header,
            events: summary.events,
            segments: summary.segments,
            bytes,
            first: UnixNanos(summary.first_ns),
            last: UnixNanos(summary.last_ns),
            instruments: summary.instruments,
        })
    }
}

impl Iterator for TapeReader {
    type Item = Result<MarketEvent, TapeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.next_event().transpose()
    }
}

fn read_head(file: &mut File, path: &Path) -> Result<Vec<u8>, TapeError> {
    let io_error =
        |source: io::Error| TapeError::Io { action: "read", path: path.to_owned(), source };
    let damaged = |problem| TapeError::Damaged { path: path.to_owned(), offset: 0, problem };
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(io_error)?;
    if !head.starts_with(&HEAD_MAGIC) {
        return Err(TapeError::NotATape { path: path.to_owned() });
    }
    if head.len() < HEAD_BYTES {
        return Err(damaged("the head is cut short"));
    }
    let number = |at: usize| u32::from_le_bytes(fixed(&head[at..at + 4]));
    if !(VERSION_OLDEST..=VERSION).contains(&number(8)) {
        return Err(TapeError::Version { path: path.to_owned(), found: number(8) });
    }
    let length = number(12);
    if length > HEADER_BYTES_MAX {
        return Err(damaged("the head is larger than is allowed"));
    }
    let mut json = Vec::new();
    file.take(u64::from(length)).read_to_end(&mut json).map_err(io_error)?;
    if json.len() < length as usize {
        return Err(damaged("the head is cut short"));
    }
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&head[..16]);
    checksum.update(&json);
    if checksum.finalize() == number(16) {
        Ok(json)
    } else {
        Err(damaged("the checksum of the head is wrong"))
    }
}

enum FootProblem {
    Short,
    Damaged(&'static str),
}

/// Reads the foot from what follows its magic, up to the end of the file.
fn parse_foot(rest: &[u8], at: u64) -> Result<Summary, FootProblem> {
    let (head, body) = rest.split_at_checked(FOOT_BYTES - 4).ok_or(FootProblem::Short)?;
    let length = u32::from_le_bytes(fixed(&head[..4]));
    let checksum = u32::from_le_bytes(fixed(&head[4..]));
    if length > FOOTER_BYTES_MAX {
        return Err(FootProblem::Damaged("the foot is larger than is allowed"));
    }
    let (json, end) = body.split_at_checked(length as usize).ok_or(FootProblem::Short)?;
    if end.len() < END_BYTES {
        return Err(FootProblem::Short);
    }
    if crc32fast::hash(json) != checksum {
        return Err(FootProblem::Damaged("the checksum of the foot is wrong"));
    }
    if end.len() > END_BYTES || end[8..] != END_MAGIC || end[..8] != at.to_le_bytes() {
        return Err(FootProblem::Damaged("the file does not end where the foot ends"));
    }
    serde_json::from_slice(json)
        .map_err(|_| FootProblem::Damaged("the foot has not the right fields"))
}

/// SHA-256 of the file's content: the tape's identity in a receipt.
///
/// # Errors
/// The file system says no.
pub fn tape_hash(path: &Path) -> Result<[u8; 32], TapeError> {
    let fail = |source| TapeError::Io { action: "read", path: path.to_owned(), source };
    let mut file = File::open(path).map_err(fail)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer).map_err(fail)? {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(&buffer[..count]),
        }
    }
}
