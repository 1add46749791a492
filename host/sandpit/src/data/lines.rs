//! Lines of files, whatever they are packed in: plain, gzip or zip, told by their first bytes.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::{ARCHIVE_ENTRIES_MAX, DataError, LINE_BYTES_MAX, RowProblem};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZIP_MAGIC: [u8; 4] = *b"PK\x03\x04";
const BUFFER_BYTES: usize = 256 * 1024;

/// What the caller is told of one line. A line that cannot be read is a problem in its place.
pub(super) struct Line<'a> {
    /// Without its end.
    pub(super) bytes: Result<&'a [u8], RowProblem>,
    /// From 1.
    pub(super) number: u64,
    /// The file within the archive.
    pub(super) entry: Option<&'a str>,
    /// Whether it had an end. The last one of a file that was cut has none.
    pub(super) ended: bool,
}

/// Whether to go on.
pub(super) enum Flow {
    More,
    Stop,
}

/// Gives every line of a file to `take`, one after the other. Bytes that have been read from the
/// file, packed as they are, are added to `read`.
pub(super) fn for_each_line(
    path: &Path,
    read: &Arc<AtomicU64>,
    take: &mut dyn FnMut(Line<'_>) -> Result<Flow, DataError>,
) -> Result<(), DataError> {
    let fail = |action, source| DataError::Io { action, path: path.to_owned(), source };
    let mut file = File::open(path).map_err(|source| fail("open", source))?;
    let mut magic = Vec::new();
    (&mut file).take(4).read_to_end(&mut magic).map_err(|source| fail("read", source))?;
    file.rewind().map_err(|source| fail("read", source))?;
    let counted = Counted { file, read: Arc::clone(read) };
    if magic.starts_with(&GZIP_MAGIC) {
        lines(MultiGzDecoder::new(BufReader::new(counted)), None, true, take)
            .map_err(|e| e.into_data_error(path))?;
    } else if magic.starts_with(&ZIP_MAGIC) {
        archive(counted, path, take)?;
    } else {
        lines(counted, None, false, take).map_err(|e| e.into_data_error(path))?;
    }
    Ok(())
}

fn archive(
    file: Counted,
    path: &Path,
    take: &mut dyn FnMut(Line<'_>) -> Result<Flow, DataError>,
) -> Result<(), DataError> {
    let fail = |source| DataError::Archive { path: path.to_owned(), source };
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(fail)?;
    if archive.len() > ARCHIVE_ENTRIES_MAX {
        let problem = format!("`{}` holds more than {ARCHIVE_ENTRIES_MAX} files", path.display());
        return Err(DataError::Options(problem));
    }
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(fail)?;
        if entry.is_dir() {
            continue;
        }
        let name = entry.name().map_err(fail)?.into_owned();
        match lines(entry, Some(&name), true, take).map_err(|e| e.into_data_error(path))? {
            Flow::More => {}
            Flow::Stop => break,
        }
    }
    Ok(())
}

enum LinesError {
    Io(io::Error),
    Taken(DataError),
}

impl LinesError {
    fn into_data_error(self, path: &Path) -> DataError {
        match self {
            Self::Io(source) => DataError::Io { action: "read", path: path.to_owned(), source },
            Self::Taken(error) => error,
        }
    }
}

/// `packed`: a read error is damage of the content, which a repair can pass over, and not of the
/// disk.
fn lines(
    source: impl Read,
    entry: Option<&str>,
    packed: bool,
    take: &mut dyn FnMut(Line<'_>) -> Result<Flow, DataError>,
) -> Result<Flow, LinesError> {
    let mut source = BufReader::with_capacity(BUFFER_BYTES, source);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        number += 1;
        line.clear();
        let outcome = read_line(&mut source, &mut line);
        let (bytes, ended, last) = match outcome {
            Ok(End::File) if line.is_empty() => return Ok(Flow::More),
            Ok(End::File) => (Ok(line.as_slice()), false, true),
            Ok(End::Line) => (Ok(line.as_slice()), true, false),
            Ok(End::TooLong) => (Err(RowProblem::LineTooLong), true, false),
            Err(error) if packed => (Err(RowProblem::CutShort(error.to_string())), false, true),
            Err(error) => return Err(LinesError::Io(error)),
        };
        let bytes = bytes.map(|bytes| trim(bytes, number == 1));
        match take(Line { bytes, number, entry, ended }).map_err(LinesError::Taken)? {
            Flow::Stop => return Ok(Flow::Stop),
            Flow::More if last => return Ok(Flow::More),
            Flow::More => {}
        }
    }
}

/// Without a carriage return, and without a byte order mark where one may be.
fn trim(line: &[u8], first: bool) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line }
}

enum End {
    Line,
    File,
    TooLong,
}

/// Reads up to the next line end, which is not part of the line. Of a line that is too long the
/// rest is passed over without being kept.
fn read_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<End> {
    let mut too_long = false;
    loop {
        let buffer = match source.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(if too_long { End::TooLong } else { End::File });
        }
        let end = memchr::memchr(b'\n', buffer);
        let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        too_long |= line.len() + part.len() > LINE_BYTES_MAX;
        if !too_long {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        source.consume(used);
        if end.is_some() {
            return Ok(if too_long { End::TooLong } else { End::Line });
        }
    }
}

/// Counts what is read, for progress.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
