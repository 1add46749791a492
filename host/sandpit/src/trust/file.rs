//! The list's file: TOML, read with bounds and written in one step, so that whoever reads it sees
//! the list before a change or after it.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{Document, Key, Pin, TrustFileError};

/// Bytes of a list.
pub const TRUST_FILE_BYTES_MAX: u64 = 8 << 20;
/// Version of the format.
const VERSION: u32 = 1;
/// Permissions of a list: nobody but its owner may write it.
const FILE_MODE: u32 = 0o644;
const OTHERS_WRITE: u32 = 0o022;
/// The user whom everybody trusts anyway.
const ROOT: u32 = 0;
const HEAD: &str =
    "# Whom this host trusts. Changed by `sandpit trust add | remove`, or by hand.\n";

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<WrittenKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pins: Vec<WrittenPin>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    id: String,
    public_key: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    added: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WrittenPin {
    sha256: String,
    name: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    added: String,
}

/// Reads a list.
///
/// # Errors
/// It cannot be read, others may write it, or what it says cannot be.
pub fn read(path: &Path) -> Result<Document, TrustFileError> {
    let io = |source| TrustFileError::Io { path: path.to_owned(), source };
    let wrong = |problem: String| TrustFileError::Wrong { path: path.to_owned(), problem };
    let file = fs::File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(TrustFileError::Shared(path.to_owned()));
    }
    let owner = metadata.uid();
    if owner != ROOT && owner != rustix::process::geteuid().as_raw() {
        return Err(TrustFileError::Foreign(path.to_owned()));
    }
    let mut text = String::new();
    file.take(TRUST_FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(io)?;
    if text.len() as u64 > TRUST_FILE_BYTES_MAX {
        return Err(wrong(format!("it has more than {TRUST_FILE_BYTES_MAX} bytes")));
    }
    parse(&text).map_err(wrong)
}

/// Changes a list, which begins empty where there is none. Changes by several processes follow
/// each other.
///
/// # Errors
/// It cannot be read or written, or the change is refused; then it stays as it is.
pub fn edit<T>(
    path: &Path,
    change: impl FnOnce(&mut Document) -> Result<T, TrustFileError>,
) -> Result<T, TrustFileError> {
    let io = |source| TrustFileError::Io { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(io)?;
    }
    let lock = path.with_added_extension("lock");
    let lock = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(lock)
        .map_err(io)?;
    lock.lock().map_err(io)?;
    let mut document = match read(path) {
        Err(TrustFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Document::default()
        }
        read => read?,
    };
    let changed = change(&mut document)?;
    write(path, &render(&document)).map_err(io)?;
    Ok(changed)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_added_extension("new");
    // Left by a process that was killed; the lock is ours, so nobody writes it now.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn parse(text: &str) -> Result<Document, String> {
    let written: Written = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("line {}: {}", before.matches('\n').count() + 1, error.message())
    })?;
    if written.version != VERSION {
        return Err(format!("it is of version {}, this sandpit reads {VERSION}", written.version));
    }
    let mut document = Document::default();
    for key in written.keys {
        let parsed = key.public_key.parse::<sandpit_plugin::PublicKey>();
        let parsed = parsed.map_err(|error| format!("key `{}`: {error}", super::shown(&key.id)))?;
        // The id is for people; it must not lead them to believe another key.
        if parsed.id().to_string() != key.id {
            return Err(format!("key `{}` has the id {}", super::shown(&key.id), parsed.id()));
        }
        let entry = Key { key: parsed, comment: key.comment, added: key.added };
        document.add_key(entry).map_err(|error| error.to_string())?;
    }
    for pin in written.pins {
        let sha256 = hash(&pin.sha256).ok_or_else(|| {
            format!("`{}` is no SHA-256 in hexadecimal", super::shown(&pin.sha256))
        })?;
        let entry = Pin { sha256, name: pin.name, comment: pin.comment, added: pin.added };
        document.add_pin(entry).map_err(|error| error.to_string())?;
    }
    Ok(document)
}

fn render(document: &Document) -> String {
    let key = |key: &Key| WrittenKey {
        id: key.key.id().to_string(),
        public_key: key.key.base64().to_owned(),
        comment: key.comment.clone(),
        added: key.added.clone(),
    };
    let pin = |pin: &Pin| WrittenPin {
        sha256: pin.hash(),
        name: pin.name.clone(),
        comment: pin.comment.clone(),
        added: pin.added.clone(),
    };
    let written = Written {
        version: VERSION,
        keys: document.keys.iter().map(key).collect(),
        pins: document.pins.iter().map(pin).collect(),
    };
    // Strings and a number always become TOML.
    format!("{HEAD}\n{}", toml::to_string(&written).unwrap_or_default())
}

/// 64 characters of hexadecimal, in lower case as we write them.
fn hash(text: &str) -> Option<[u8; 32]> {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 64 || !text.bytes().all(is_hex) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(hash)
}
