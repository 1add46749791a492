//! Whether git tracks a file, by git's own index: no other program is asked, which would inherit our
//! environment.
//!
//! Source: git's `Documentation/gitformat-index.txt`. An index that is not understood counts as one
//! without the file: this is a warning for people, not a wall.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Bytes of an index that are read; that of a large project has some tens of megabytes.
const INDEX_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes before the first entry: `DIRC`, version, number of entries.
const HEADER_BYTES: usize = 12;
/// Bytes of an entry before its flags: times, device, inode, mode, owner, size, SHA-1.
const BEFORE_FLAGS_BYTES: usize = 60;
/// The same with SHA-256.
const BEFORE_FLAGS_BYTES_SHA256: usize = 72;
/// There are two more bytes of flags.
const EXTENDED: u16 = 0x4000;

/// Whether the repository that a file lies in tracks it.
pub(super) fn is_tracked(path: &Path) -> bool {
    let Some((index, name)) = find(path) else {
        return false;
    };
    let is_small = fs::metadata(&index).is_ok_and(|metadata| metadata.len() <= INDEX_BYTES_MAX);
    let Some(content) = is_small.then(|| fs::read(&index).ok()).flatten() else {
        return false;
    };
    [BEFORE_FLAGS_BYTES, BEFORE_FLAGS_BYTES_SHA256]
        .into_iter()
        .any(|before_flags| has(&content, name.as_bytes(), before_flags).unwrap_or(false))
}

/// The index, and the file's name in it.
fn find(path: &Path) -> Option<(PathBuf, String)> {
    let path = fs::canonicalize(path).ok()?;
    let (root, git) = path.ancestors().skip(1).find_map(|folder| {
        let git = folder.join(".git");
        git.exists().then_some((folder, git))
    })?;
    // A work tree beside the first has a file that says where its folder is.
    let folder = if git.is_dir() {
        git
    } else {
        root.join(fs::read_to_string(git).ok()?.trim().strip_prefix("gitdir: ")?)
    };
    let name = path.strip_prefix(root).ok()?.to_str()?.replace('\\', "/");
    Some((folder.join("index"), name))
}

/// Goes through the entries; `None` where the index is of another form.
fn has(index: &[u8], wanted: &[u8], before_flags: usize) -> Option<bool> {
    let number = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    if !index.starts_with(b"DIRC") {
        return None;
    }
    let (version, entries) = (number(4)?, number(8)?);
    if !(2..=4).contains(&version) {
        return None;
    }
    let mut at = HEADER_BYTES;
    let mut name: Vec<u8> = Vec::new();
    for _ in 0..entries {
        let flags_at = at.checked_add(before_flags)?;
        let flags = u16::from_be_bytes(index.get(flags_at..flags_at + 2)?.try_into().ok()?);
        let mut name_at = flags_at + if flags & EXTENDED == 0 { 2 } else { 4 };
        if version == 4 {
            let (cut, bytes) = varint(index.get(name_at..)?)?;
            name.truncate(name.len().checked_sub(cut)?);
            name_at += bytes;
        } else {
            name.clear();
        }
        let rest = index.get(name_at..)?;
        let length = rest.iter().position(|byte| *byte == 0)?;
        name.extend_from_slice(rest.get(..length)?);
        if name == wanted {
            return Some(true);
        }
        at = name_at + length + 1;
        if version != 4 {
            // Entries begin at a multiple of eight bytes, counted from the first.
            let bytes = at - HEADER_BYTES;
            at = HEADER_BYTES + bytes.next_multiple_of(8);
        }
    }
    Some(false)
}

/// A number as git's pack files have it, and its bytes.
fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for (at, byte) in bytes.iter().take(size_of::<usize>()).enumerate() {
        value = (value << 7) | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
        value += 1;
    }
    None
}

/// Reads bytes as an index, whatever they are.
#[cfg(test)]
pub(super) fn parses(index: &[u8]) {
    let _ = has(index, b"name", BEFORE_FLAGS_BYTES);
}
