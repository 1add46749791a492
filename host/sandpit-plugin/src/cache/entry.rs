//! One file of the cache: what it is, of what it was made, how long, the code, and the keyed hash
//! over all of that. Every byte of the file is covered.

use super::host_key::{HostKey, TAG_BYTES};

const MAGIC: &[u8; 8] = b"SPcode\0\x01";
/// Bytes of a file that are not code.
pub(super) const FRAME_BYTES: usize = 8 + 32 + 8 + TAG_BYTES;

/// A file that is not exactly what this host wrote for this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage;

/// The file for code under a name.
pub(super) fn seal(code: &[u8], name: &[u8; 32], key: &HostKey) -> Vec<u8> {
    let length = (code.len() as u64).to_le_bytes();
    let tag = key.tag(&[MAGIC, name, &length, code]);
    [MAGIC.as_slice(), name, &length, code, &tag].concat()
}

/// The code in a file, if all of it is as this host wrote it, for this name.
pub(super) fn open(file: &[u8], name: &[u8; 32], key: &HostKey) -> Result<Vec<u8>, Damage> {
    let (head, tag) = file.split_last_chunk::<TAG_BYTES>().ok_or(Damage)?;
    let rest = head.strip_prefix(MAGIC).ok_or(Damage)?;
    let (found_name, rest) = rest.split_first_chunk::<32>().ok_or(Damage)?;
    let (length, code) = rest.split_first_chunk::<8>().ok_or(Damage)?;
    let is_right = found_name == name && u64::from_le_bytes(*length) == code.len() as u64;
    if is_right && key.is_tag(&[MAGIC, name, length, code], tag) {
        return Ok(code.to_owned());
    }
    Err(Damage)
}
