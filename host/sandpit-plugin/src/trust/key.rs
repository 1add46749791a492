//! minisign's public keys, and the ids by which people know them.

use std::{fmt, str::FromStr};

/// Bytes of a key's id.
const ID_BYTES: usize = 8;
/// Characters of a public key in base64: two bytes of algorithm, eight of id, 32 of key.
const KEY_CHARACTERS: usize = 56;

/// What tells keys apart, as minisign shows it. It is no secret and no proof: only the key is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u64);

impl KeyId {
    /// From the first bytes of a key or a signature in base64: two of algorithm, then the id.
    pub(super) fn at_start_of(base64: &str) -> Option<Self> {
        let bytes: [u8; 12] = decode_start(base64)?;
        let id: [u8; ID_BYTES] = bytes[2..2 + ID_BYTES].try_into().ok()?;
        Some(Self(u64::from_le_bytes(id)))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Why text is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no minisign public key: give the line that begins with `RW`, or the `.pub` file that `minisign -G` made"
)]
pub struct KeyError;

/// A key that can check signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    base64: String,
    key: minisign_verify::PublicKey,
}

impl PublicKey {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// As it is written.
    #[must_use]
    pub fn base64(&self) -> &str {
        &self.base64
    }

    pub(super) const fn verifier(&self) -> &minisign_verify::PublicKey {
        &self.key
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    /// A key in base64, or a key file: a comment and, on the next line, the key.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let is_comment = |line: &&str| !line.is_empty() && !line.contains("comment:");
        let mut lines = text.lines().map(str::trim).filter(is_comment);
        let base64 = lines.next().ok_or(KeyError)?;
        if lines.next().is_some() || base64.len() != KEY_CHARACTERS || !base64.is_ascii() {
            return Err(KeyError);
        }
        let key = minisign_verify::PublicKey::from_base64(base64).map_err(|_| KeyError)?;
        let id = KeyId::at_start_of(base64).ok_or(KeyError)?;
        Ok(Self { id, base64: base64.to_owned(), key })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.base64)
    }
}

/// The first twelve bytes of text in base64, which are its first sixteen characters.
fn decode_start(base64: &str) -> Option<[u8; 12]> {
    let mut bytes = [0; 12];
    let quartets = base64.as_bytes().get(..16)?.chunks_exact(4);
    for (three, four) in bytes.chunks_exact_mut(3).zip(quartets) {
        let mut bits = 0u32;
        for character in four {
            bits = bits << 6 | u32::from(sextet(*character)?);
        }
        three.copy_from_slice(&bits.to_be_bytes()[1..]);
    }
    Some(bytes)
}

const fn sextet(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    #[test]
    fn a_key_is_known_by_the_id_that_minisign_shows() {
        let key: PublicKey = KEY.parse().unwrap();
        assert_eq!(key.id().to_string(), "E7620F1842B4E81F");
        let file = format!("untrusted comment: minisign public key E7620F1842B4E81F\n{KEY}\n");
        assert_eq!(file.parse::<PublicKey>().unwrap(), key);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "RWQ", &KEY[1..], &KEY.replace("RWQf", "RmQf"), &format!("{KEY}\n{KEY}")] {
            assert_eq!(text.parse::<PublicKey>().unwrap_err(), KeyError, "{text}");
        }
        let wide = format!("{}\u{00e9}", &KEY[..54]);
        assert!(wide.parse::<PublicKey>().is_err());
    }
}
