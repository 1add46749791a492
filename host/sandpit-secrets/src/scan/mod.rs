//! Looks for keys where none belong: in a working tree, in what git remembers, in components, in
//! configuration and logs.
//!
//! A finding never carries what was found: it says where, by which rule, how long it is, and a
//! fingerprint by which a list can allow it. What is searched is read in pieces that are overwritten.
//!
//! Not here: which folders an operator means, and how a report is printed (`sandpit`).

mod allow;
mod assigned;
mod find;
mod git;
mod report;
mod rule;
mod tree;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use memchr::{memchr_iter, memmem, memrchr};
use zeroize::Zeroizing;

use crate::Mask;

pub use allow::{ALLOW_FILE, ALLOW_MARK, AllowList, Allowed, Fingerprint};
pub use report::{Bound, Finding, Place, ScanReport, Skipped};
pub use rule::Rule;

use find::Hit;

/// Bytes that are looked through at once.
const PIECE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of one piece that are in the next again, so that a key on the border is found whole, and
/// with what stands around it.
const OVERLAP_BYTES: usize = 64 * 1024;

/// Why something cannot be looked through.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The file system said no.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no git, or it says no.
    #[error("git cannot {step} in `{}`: {problem}", root.display())]
    Git {
        /// What was wanted.
        step: &'static str,
        /// Where.
        root: PathBuf,
        /// What it said.
        problem: String,
    },
    /// The list of what may be there has a line that is none.
    #[error("line {line} of `{ALLOW_FILE}` {problem}")]
    Allow {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// When a scan ends before its end. A report that was ended so is not clean.
#[derive(Clone, Copy, Debug)]
pub struct ScanLimits {
    /// Findings that are kept; the rest is counted.
    pub findings_max: usize,
    /// Files and objects of git that are read.
    pub objects_max: u64,
    /// Bytes that are read.
    pub bytes_max: u64,
    /// How long it may take.
    pub time_max: Duration,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self {
            findings_max: 1_000,
            objects_max: 2_000_000,
            bytes_max: 64 * 1024 * 1024 * 1024,
            time_max: Duration::from_secs(1_800),
        }
    }
}

/// Looks for keys, and keeps what it finds.
pub struct Scanner {
    allow: AllowList,
    limits: ScanLimits,
    known: Option<Mask>,
    begun: Instant,
    report: ScanReport,
    /// Where a finding of git's history is in the report: it is in many versions of a file.
    seen: BTreeMap<(String, Rule, Fingerprint), usize>,
}

impl Scanner {
    /// With a list of what may be there.
    #[must_use]
    pub fn new(allow: AllowList, limits: ScanLimits) -> Self {
        let report = ScanReport::default();
        let (known, begun, seen) = (None, Instant::now(), BTreeMap::new());
        Self { allow, limits, known, begun, report, seen }
    }

    /// Looks for the secrets that were registered with this mask besides: a key of this host is found
    /// whatever it looks like, and no list allows it.
    #[must_use]
    pub fn with_known(mut self, known: Mask) -> Self {
        self.known = Some(known);
        self
    }

    /// Looks through the files of a working tree: those that git keeps, or would keep if they were
    /// added. Without git, all of them but build output.
    ///
    /// # Errors
    /// The tree cannot be listed, or a file that is there cannot be read.
    pub fn tree(&mut self, root: &Path) -> Result<(), ScanError> {
        tree::scan(self, root)
    }

    /// Looks through everything that git remembers: every version of every file, messages and tags.
    /// Nothing is fetched, and the repository is not changed.
    ///
    /// # Errors
    /// There is no git here or no repository there.
    pub fn history(&mut self, root: &Path) -> Result<(), ScanError> {
        git::scan(self, root)
    }

    /// Looks through one file, or every file of a folder: a component, a configuration, logs. Marks
    /// in the text allow nothing here.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn files(&mut self, path: &Path) -> Result<(), ScanError> {
        tree::files(self, path)
    }

    /// Looks through bytes that are at hand.
    pub fn bytes(&mut self, place: &Place, bytes: &[u8], marks: Marks) {
        // Reading from memory does not fail.
        let _ = self.read(place, bytes, marks);
    }

    /// What was found, and which entries of the list allowed nothing.
    #[must_use]
    pub fn finish(mut self) -> ScanReport {
        self.report.unused = self.allow.unused();
        self.report
    }

    fn file(&mut self, path: &Path, shown: String, marks: Marks) -> Result<(), ScanError> {
        let fail = |source| ScanError::Io { path: path.to_owned(), source };
        let file = match File::open(path) {
            // It was deleted, and git has it still.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file.map_err(fail)?,
        };
        let metadata = file.metadata().map_err(fail)?;
        if !metadata.is_file() {
            self.report.skip(shown, "it is no file");
            return Ok(());
        }
        self.report.files += 1;
        self.read(&Place { path: shown, object: None }, file, marks).map_err(fail)
    }

    /// Whether a bound is reached.
    fn is_over(&mut self) -> bool {
        if self.report.ended_by.is_some() {
            return true;
        }
        let report = &self.report;
        let bound = if report.files.saturating_add(report.objects) > self.limits.objects_max {
            Bound::Objects
        } else if report.bytes > self.limits.bytes_max {
            Bound::Bytes
        } else if self.begun.elapsed() > self.limits.time_max {
            Bound::Time
        } else {
            return false;
        };
        self.report.ended_by = Some(bound);
        true
    }

    /// Looks through everything that comes, piece by piece.
    fn read(&mut self, place: &Place, reader: impl Read, marks: Marks) -> io::Result<()> {
        let mut reader = reader;
        let mut piece = Zeroizing::new(Vec::with_capacity(PIECE_BYTES));
        // Where the piece begins, how many lines are before it, and up to where all is looked at.
        let (mut base, mut lines, mut done) = (0usize, 0u64, 0usize);
        loop {
            let room = u64::try_from(PIECE_BYTES.saturating_sub(piece.len())).unwrap_or(0);
            let had = piece.len();
            (&mut reader).take(room).read_to_end(&mut piece)?;
            let came = piece.len() - had;
            self.report.bytes += u64::try_from(came).unwrap_or(0);
            let is_last = piece.len() < PIECE_BYTES;
            without_nul(&mut piece, base == 0);
            let end = if is_last { piece.len() } else { piece.len().saturating_sub(OVERLAP_BYTES) };
            for hit in self.hits(&piece) {
                let start = base + hit.range.start;
                if hit.range.start < end && start >= done {
                    self.found(place, &piece, &hit, lines, marks);
                    done = base + hit.range.end;
                }
            }
            if is_last || self.is_over() {
                return Ok(());
            }
            done = done.max(base + end);
            let gone = end.saturating_sub(OVERLAP_BYTES);
            let before = piece.get(..gone).unwrap_or_default();
            lines += u64::try_from(memchr_iter(b'\n', before).count()).unwrap_or(0);
            base += gone;
            piece.drain(..gone);
        }
    }

    fn hits(&self, bytes: &[u8]) -> Vec<Hit> {
        let mut hits = find::find(bytes);
        if let Some(known) = &self.known {
            let places = known.places(bytes);
            hits.retain(|hit| {
                !places.iter().any(|(start, end)| hit.range.start < *end && *start < hit.range.end)
            });
            let known = places.into_iter().map(|(start, end)| start..end);
            hits.extend(known.map(|range| Hit { rule: Rule::Known, range }));
            hits.sort_by_key(|hit| hit.range.start);
        }
        hits
    }

    fn found(&mut self, place: &Place, piece: &[u8], hit: &Hit, lines: u64, marks: Marks) {
        let text = piece.get(hit.range.clone()).unwrap_or_default();
        let before = piece.get(..hit.range.start).unwrap_or_default();
        let fingerprint = Fingerprint::of(hit.rule, text);
        let is_marked = marks == Marks::Count && is_marked(piece, hit.range.start);
        let is_allowed = is_marked || self.allow.allows(&place.path, fingerprint);
        if is_allowed && hit.rule != Rule::Known {
            self.report.allowed += 1;
            return;
        }
        if place.object.is_some() {
            let key = (place.path.clone(), hit.rule, fingerprint);
            if let Some(found) =
                self.seen.get(&key).and_then(|at| self.report.findings.get_mut(*at))
            {
                found.times += 1;
                return;
            }
            self.seen.insert(key, self.report.findings.len());
        }
        if self.report.findings.len() >= self.limits.findings_max {
            self.report.more += 1;
            return;
        }
        let line = lines + u64::try_from(memchr_iter(b'\n', before).count()).unwrap_or(0) + 1;
        self.report.findings.push(Finding {
            place: place.clone(),
            line,
            rule: hit.rule,
            fingerprint,
            length_bytes: text.len(),
            times: 1,
        });
    }
}

/// Whether [`ALLOW_MARK`] in a text counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// In what people wrote and others read.
    Count,
    /// In what a program wrote, or somebody else: a strategy could mark its own.
    Ignore,
}

/// Whether the line, or the one before, says with a reason that this is no key.
fn is_marked(bytes: &[u8], at: usize) -> bool {
    let line_start = |end: usize| {
        memrchr(b'\n', bytes.get(..end).unwrap_or_default()).map_or(0, |newline| newline + 1)
    };
    let this = line_start(at);
    let from = this.checked_sub(1).map_or(0, line_start);
    let rest = bytes.get(at..).unwrap_or_default();
    let to = memchr::memchr(b'\n', rest).map_or(bytes.len(), |length| at + length);
    let lines = bytes.get(from..to).unwrap_or_default();
    memmem::find(lines, ALLOW_MARK.as_bytes()).is_some_and(|found| {
        let reason = lines.get(found + ALLOW_MARK.len()..).unwrap_or_default();
        let reason = reason.split(|byte| *byte == b'\n').next().unwrap_or_default();
        reason.iter().filter(|byte| byte.is_ascii_alphabetic()).count() >= 3
    })
}

/// Text in UTF-16 has a zero in each character of ours.
fn without_nul(piece: &mut Vec<u8>, is_first: bool) {
    let is_utf_16 = piece.starts_with(b"\xff\xfe") || piece.starts_with(b"\xfe\xff");
    if is_first && is_utf_16 {
        piece.retain(|byte| *byte != 0);
    }
}

#[cfg(test)]
mod tests;
