//! What kind of file it is, from its first bytes.

use super::CheckError;

const HEADER_BYTES: usize = 8;
const MAGIC: &[u8] = b"\0asm";
const ELF_MAGIC: &[u8] = b"\x7fELF";
const COMPONENT: (u16, u16) = (0x0d, 1);
const CORE_MODULE: (u16, u16) = (1, 0);
/// How much of a file is looked at to call it text.
const TEXT_PROBE_BYTES: usize = 512;

/// Lets components through.
pub(super) fn check_kind(bytes: &[u8]) -> Result<(), CheckError> {
    if bytes.starts_with(ELF_MAGIC) {
        return Err(CheckError::Native);
    }
    if !bytes.starts_with(MAGIC) {
        return Err(match bytes.len() {
            0..HEADER_BYTES if MAGIC.starts_with(bytes) => CheckError::TruncatedHeader,
            _ if is_text(bytes) => CheckError::Text,
            _ => CheckError::NotWasm,
        });
    }
    let Some(&[a, b, c, d]) = bytes.get(MAGIC.len()..HEADER_BYTES) else {
        return Err(CheckError::TruncatedHeader);
    };
    match (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])) {
        COMPONENT => Ok(()),
        CORE_MODULE => Err(CheckError::CoreModule),
        (version, layer) => Err(CheckError::UnknownBinaryVersion { layer, version }),
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let probe = &bytes[..bytes.len().min(TEXT_PROBE_BYTES)];
    let text = match std::str::from_utf8(probe) {
        Ok(text) => text,
        // The probe may end within a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&probe[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}
