//! Framed, checksummed records in a file: what the venue's log and the plugins' saved states are
//! written in.
//!
//! ```text
//! frame = length[4] checksum[4] payload
//! ```
//! Little-endian; the checksum is CRC-32 (IEEE) of the payload. What a frame says is not known
//! here.

use std::io::{self, Read};

/// Bytes of one payload.
pub(super) const FRAME_BYTES_MAX: u32 = 4 << 20;
/// Bytes before the payload.
const HEAD_BYTES: usize = 8;

/// What came next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A whole frame.
    Frame(Vec<u8>),
    /// The file is over.
    End,
    /// The last write was cut: the file ends within a frame, or in a hole that was never filled.
    Torn,
    /// Something else than a cut write: nothing after it can be believed.
    Damaged,
}

/// A payload with its head; `None` where it is too long.
pub(super) fn frame(payload: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(payload.len()).ok().filter(|length| *length <= FRAME_BYTES_MAX)?;
    let mut bytes = Vec::with_capacity(HEAD_BYTES + payload.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    Some(bytes)
}

/// Reads the next frame of `file`, of which `left` bytes are left, and says how many it took.
///
/// # Errors
/// The file cannot be read.
pub(super) fn read(file: &mut impl Read, left: u64) -> io::Result<(Next, u64)> {
    if left == 0 {
        return Ok((Next::End, 0));
    }
    let mut head = [0; HEAD_BYTES];
    let head_bytes = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    if left < head_bytes {
        return Ok((Next::Torn, 0));
    }
    file.read_exact(&mut head)?;
    let [a, b, c, d, e, f, g, h] = head;
    let (length, checksum) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    let left = left - head_bytes;
    if length == 0 || length > FRAME_BYTES_MAX {
        let hole = head == [0; HEAD_BYTES] && is_zero_to_its_end(file)?;
        return Ok((if hole { Next::Torn } else { Next::Damaged }, 0));
    }
    if u64::from(length) > left {
        return Ok((Next::Torn, 0));
    }
    let mut payload = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    file.read_exact(&mut payload)?;
    if crc32fast::hash(&payload) == checksum {
        return Ok((Next::Frame(payload), head_bytes + u64::from(length)));
    }
    // The very last frame may have got its length before its bytes.
    let last = u64::from(length) == left;
    Ok((if last { Next::Torn } else { Next::Damaged }, 0))
}

fn is_zero_to_its_end(file: &mut impl Read) -> io::Result<bool> {
    let mut chunk = [0; 4_096];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(true),
            read if chunk.iter().take(read).any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> (Vec<Vec<u8>>, Next) {
        let (mut rest, mut frames) = (bytes, Vec::new());
        loop {
            let left = rest.len() as u64;
            match read(&mut rest, left).unwrap() {
                (Next::Frame(payload), _) => frames.push(payload),
                (end, _) => return (frames, end),
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_anywhere_gives_its_whole_frames() {
        let mut bytes = frame(b"first").unwrap();
        let whole = bytes.len();
        bytes.extend(frame(b"second").unwrap());
        assert_eq!(all(&bytes), (vec![b"first".to_vec(), b"second".to_vec()], Next::End));
        for length in whole + 1..bytes.len() {
            assert_eq!(all(&bytes[..length]), (vec![b"first".to_vec()], Next::Torn), "{length}");
        }
        bytes.truncate(whole);
        bytes.extend([0; 100]);
        assert_eq!(all(&bytes), (vec![b"first".to_vec()], Next::Torn));
    }

    #[test]
    fn a_byte_that_was_changed_is_no_cut() {
        let mut bytes = frame(b"first").unwrap();
        bytes.extend(frame(b"second").unwrap());
        for at in 4..HEAD_BYTES + b"first".len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(all(&changed), (vec![], Next::Damaged), "{at}");
        }
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(all(&bytes), (vec![b"first".to_vec()], Next::Torn), "as if never written");
    }
}
