//! Text that nobody sees. It is overwritten when it goes away, and only this crate can read it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroize;

/// A secret text: redacted in `Debug`, overwritten on drop, not to be serialized.
#[derive(Clone)]
pub struct SecretText(SecretString);

crate::lacks::lacks!(SecretText: fmt::Display, serde::Serialize, Copy, AsRef<str>, PartialEq);

impl SecretText {
    /// Takes a text over and overwrites where it stood.
    #[must_use]
    pub fn new(mut text: String) -> Self {
        // A copy of exactly its length: turning the string itself into a secret could move it, and
        // leave the old bytes where they were.
        let secret = SecretString::from(text.as_str());
        text.zeroize();
        Self(secret)
    }

    /// Takes bytes over, if they are UTF-8, and overwrites where they stood.
    pub(crate) fn from_bytes(mut bytes: Vec<u8>) -> Option<Self> {
        let secret = std::str::from_utf8(&bytes).ok().map(|text| Self(SecretString::from(text)));
        bytes.zeroize();
        secret
    }

    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Without the white space around it: files end in a line break.
    pub(crate) fn trimmed(&self) -> &str {
        self.expose().trim()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}
