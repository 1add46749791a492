//! What looks like a key and is none: a list beside the code, one line for each, with the reason.

use std::{fmt, fs, io, path::Path};

use ring::digest;

use super::{Rule, ScanError};

/// The list's name, at the root of what is scanned.
pub const ALLOW_FILE: &str = ".sandpit-scan-allow";
/// What stands in a line, or in the line before, with a reason behind it, where a text of that line
/// is no key.
pub const ALLOW_MARK: &str = "sandpit-scan: allow";
/// Entries of a list.
const ENTRIES_MAX: usize = 1_000;
/// Bytes of a list.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Bytes of a fingerprint.
const FINGERPRINT_BYTES: usize = 8;

/// What a finding is known by, without the key: the first 64 bits of a hash. What is found is long
/// and random, so that nobody comes from the hash to it by guessing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; FINGERPRINT_BYTES]);

impl Fingerprint {
    pub(super) fn of(rule: Rule, text: &[u8]) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(b"sandpit-scan\0");
        hash.update(rule.code().as_bytes());
        hash.update(b"\0");
        hash.update(text);
        let mut out = [0; FINGERPRINT_BYTES];
        for (to, from) in out.iter_mut().zip(hash.finish().as_ref()) {
            *to = *from;
        }
        Self(out)
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() != FINGERPRINT_BYTES * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return None;
        }
        u64::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Of the finding.
    pub fingerprint: Fingerprint,
    /// Where it may stand: the file's path below the root, or `*` for everywhere.
    pub path: String,
    /// Why it is no key.
    pub reason: String,
}

/// What may be there.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    entries: Vec<(Allowed, bool)>,
}

impl AllowList {
    /// Reads `FINGERPRINT PATH REASON…`, one for each line; a line with `#` at its beginning is a
    /// remark.
    ///
    /// # Errors
    /// A line is of another form, or gives no reason.
    pub fn parse(text: &str) -> Result<Self, ScanError> {
        let mut list = Self::default();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = |problem| ScanError::Allow { line: at + 1, problem };
            if list.entries.len() >= ENTRIES_MAX {
                return Err(bad("is one too many; a thousand may be there"));
            }
            let (fingerprint, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let fingerprint = Fingerprint::parse(fingerprint)
                .ok_or_else(|| bad("does not begin with a fingerprint of 16 digits"))?;
            let (path, reason) =
                rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest, ""));
            let reason = reason.trim();
            if path.is_empty() || reason.is_empty() {
                return Err(bad("has no path, or no reason behind it"));
            }
            let entry = Allowed { fingerprint, path: path.to_owned(), reason: reason.to_owned() };
            list.entries.push((entry, false));
        }
        Ok(list)
    }

    /// Reads the list at the root of a tree, which need not have one.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn of_tree(root: &Path) -> Result<Self, ScanError> {
        let path = root.join(ALLOW_FILE);
        let fail = |source| ScanError::Io { path: path.clone(), source };
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(fail(error)),
            Ok(found) if found.len() > FILE_BYTES_MAX => {
                return Err(fail(io::ErrorKind::FileTooLarge.into()));
            }
            Ok(_) => {}
        }
        Self::parse(&fs::read_to_string(&path).map_err(fail)?)
    }

    /// Whether it may be there; the entry that says so is in use.
    pub(super) fn allows(&mut self, path: &str, fingerprint: Fingerprint) -> bool {
        let mut is_allowed = false;
        for (entry, is_used) in &mut self.entries {
            if entry.fingerprint == fingerprint && (entry.path == "*" || entry.path == path) {
                *is_used = true;
                is_allowed = true;
            }
        }
        is_allowed
    }

    /// Entries that allowed nothing.
    pub(super) fn unused(self) -> Vec<Allowed> {
        self.entries.into_iter().filter(|(_, is_used)| !is_used).map(|(entry, _)| entry).collect()
    }
}
