//! The public name of a key. It is no secret, but whoever has it knows half, so it is not shown
//! whole either.

use std::fmt;

use crate::credential::CredentialError;

/// Bytes of a key's name; Binance's have 64.
const API_KEY_BYTES_MAX: usize = 256;
/// Characters of a name that are shown.
const SHOWN: usize = 4;
/// A name shorter than this is not shown at all.
const SHOWN_FROM_BYTES: usize = 16;

/// The public name of a key, as the exchange gave it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKey(Box<str>);

impl ApiKey {
    /// Checks a name.
    ///
    /// # Errors
    /// It is empty, too long, or has characters that no header may have.
    pub fn new(text: &str) -> Result<Self, CredentialError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(CredentialError::Empty { what: "the API key" });
        }
        if text.len() > API_KEY_BYTES_MAX {
            return Err(CredentialError::TooLong { what: "the API key", max: API_KEY_BYTES_MAX });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialError::Characters { what: "the API key" });
        }
        Ok(Self(text.into()))
    }

    /// The whole name, for the header of a request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first characters, to tell keys apart.
impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.0.len() < SHOWN_FROM_BYTES { 0 } else { SHOWN };
        write!(f, "{}…", self.0.get(..shown).unwrap_or_default())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({self})")
    }
}
