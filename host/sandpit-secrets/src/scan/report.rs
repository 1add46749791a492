//! What a scan says. Nothing in it can be turned back into a key.

use std::fmt;

use super::{Allowed, Fingerprint, Rule};

/// Things that were not looked through and are listed; the rest is counted.
const SKIPPED_MAX: usize = 100;

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, below what was scanned. Of a message in git's history: `(commit)` or `(tag)`.
    pub path: String,
    /// The object of git's history that it is in, as git names it.
    pub object: Option<String>,
}

impl Place {
    /// A file.
    #[must_use]
    pub fn file(path: impl Into<String>) -> Self {
        Self { path: path.into(), object: None }
    }
}

/// A file, or a file in an object of git's history.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Digits of an object's name that git shows.
        const SHOWN: usize = 12;
        write!(f, "{}", self.path)?;
        let object = self.object.as_ref().and_then(|object| object.get(..SHOWN));
        object.map_or(Ok(()), |object| write!(f, " in git's history (object {object})"))
    }
}

/// Something that is held for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// The line, from 1 on; of a file that is no text, one more than the line breaks before.
    pub line: u64,
    /// Why.
    pub rule: Rule,
    /// By which a list can allow it.
    pub fingerprint: Fingerprint,
    /// Bytes that it has.
    pub length_bytes: usize,
    /// In how many versions of the file it is.
    pub times: u64,
}

/// Place, line, rule, length and fingerprint, and nothing of what was found.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, line, rule, fingerprint, length_bytes, times } = self;
        write!(f, "{place}:{line}: {rule}: {} ({length_bytes} bytes", rule.about())?;
        if *times > 1 {
            write!(f, ", in {times} versions")?;
        }
        write!(f, ", fingerprint {fingerprint})")
    }
}

/// Which bound ended a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Files and objects.
    Objects,
    /// Bytes.
    Bytes,
    /// Time.
    Time,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Objects => "there are more files and objects than may be read",
            Self::Bytes => "there are more bytes than may be read",
            Self::Time => "it took longer than it may",
        })
    }
}

/// Something that was not looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// What.
    pub path: String,
    /// Why not.
    pub why: &'static str,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct ScanReport {
    /// What is held for a key and is not allowed, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// Findings beyond the bound.
    pub more: u64,
    /// Findings that a mark or the list allowed.
    pub allowed: u64,
    /// Files that were read.
    pub files: u64,
    /// Objects of git's history that were read.
    pub objects: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What was not read: links, other repositories. A hundred are listed.
    pub skipped: Vec<Skipped>,
    /// How many were not read.
    pub skipped_count: u64,
    /// Entries of the list that allowed nothing. After a scan of everything they can go.
    pub unused: Vec<Allowed>,
    /// Why it ended before its end, if it did.
    pub ended_by: Option<Bound>,
}

impl ScanReport {
    /// Everything was looked through, and nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.more == 0 && self.ended_by.is_none()
    }

    pub(super) fn skip(&mut self, path: String, why: &'static str) {
        self.skipped_count += 1;
        if self.skipped.len() < SKIPPED_MAX {
            self.skipped.push(Skipped { path, why });
        }
    }
}
