//! The operator's trust list as a file: whose signatures and which hashes are good enough. Read and
//! written whole, versioned and closed like a run's configuration; what a list means for a component
//! is `sandpit-plugin`'s.

mod file;

pub use file::{TRUST_FILE_BYTES_MAX, edit, read};

use std::{fmt::Write as _, path::PathBuf};

use sandpit_plugin::{COMMENT_BYTES_MAX, KEYS_MAX, KeyId, PINS_MAX, PublicKey, TrustList};

/// Characters of a hash that are enough to name a pin.
pub const PIN_PREFIX_MIN: usize = 8;

/// Why a trust list cannot be used or changed.
#[derive(Debug, thiserror::Error)]
pub enum TrustFileError {
    /// It cannot be read or written.
    #[error("cannot use the trust list `{path}`", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Others may write it.
    #[error(
        "the trust list `{path}` can be written by others than its owner, who then decide what runs here: `chmod go-w` it",
        path = .0.display()
    )]
    Shared(PathBuf),
    /// Somebody else's.
    #[error(
        "the trust list `{path}` belongs to another user, who decides what runs here: make your own",
        path = .0.display()
    )]
    Foreign(PathBuf),
    /// What it says cannot be.
    #[error("the trust list `{path}` cannot be used: {problem}", path = .path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What is wrong, with its line where it has one.
        problem: String,
    },
    /// It is there already.
    #[error("{0} is in the trust list already")]
    Twice(String),
    /// There is no more room.
    #[error("the trust list has {0} already: remove some")]
    Full(String),
    /// A comment or a name that does not fit.
    #[error("a comment or a name has at most {COMMENT_BYTES_MAX} bytes, on one line")]
    Comment,
    /// There is no such entry.
    #[error(
        "nothing in the trust list is called `{0}`: `sandpit trust list` shows the ids of keys and the hashes of pins, of which {PIN_PREFIX_MIN} characters are enough"
    )]
    Unknown(String),
    /// There are several.
    #[error("several pins begin with `{0}`: give more of the hash")]
    Ambiguous(String),
}

/// A key in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub key: PublicKey,
    /// Whose it is.
    pub comment: String,
    /// When it was added, as RFC 3339.
    pub added: String,
}

/// A hash in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// SHA-256 of the component.
    pub sha256: [u8; 32],
    /// Which component.
    pub name: String,
    /// Why it is trusted.
    pub comment: String,
    /// When it was added, as RFC 3339.
    pub added: String,
}

impl Pin {
    /// The hash in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        self.sha256.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// A list, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    keys: Vec<Key>,
    pins: Vec<Pin>,
}

/// What was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removed {
    /// A key.
    Key(Key),
    /// A hash.
    Pin(Pin),
}

impl Document {
    /// Keys, in the order in which they were added.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Hashes, in the order in which they were added.
    #[must_use]
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// As the sandbox wants it.
    #[must_use]
    pub fn list(&self) -> TrustList {
        let key = |key: &Key| sandpit_plugin::TrustedKey {
            key: key.key.clone(),
            comment: key.comment.clone(),
        };
        let pin = |pin: &Pin| sandpit_plugin::Pin { sha256: pin.sha256, name: pin.name.clone() };
        TrustList {
            keys: self.keys.iter().map(key).collect(),
            pins: self.pins.iter().map(pin).collect(),
        }
    }

    /// Adds a key.
    ///
    /// # Errors
    /// Another one of this id is there, there is no room, or the comment does not fit.
    pub fn add_key(&mut self, key: Key) -> Result<(), TrustFileError> {
        check_text(&key.comment)?;
        let id = key.key.id();
        if self.keys.iter().any(|known| known.key.id() == id) {
            return Err(TrustFileError::Twice(format!("key {id}")));
        }
        if self.keys.len() >= KEYS_MAX {
            return Err(TrustFileError::Full(format!("{KEYS_MAX} keys")));
        }
        self.keys.push(key);
        Ok(())
    }

    /// Adds a hash.
    ///
    /// # Errors
    /// It is there, there is no room, or the name or the comment does not fit.
    pub fn add_pin(&mut self, pin: Pin) -> Result<(), TrustFileError> {
        check_text(&pin.name)?;
        check_text(&pin.comment)?;
        if self.pins.iter().any(|known| known.sha256 == pin.sha256) {
            return Err(TrustFileError::Twice(format!("hash {}", pin.hash())));
        }
        if self.pins.len() >= PINS_MAX {
            return Err(TrustFileError::Full(format!("{PINS_MAX} pins")));
        }
        self.pins.push(pin);
        Ok(())
    }

    /// Removes what has this id: a key's id, or a pin's hash or the beginning of it.
    ///
    /// # Errors
    /// Nothing has it, or more than one pin begins with it.
    pub fn remove(&mut self, id: &str) -> Result<Removed, TrustFileError> {
        let is_key = |key: &Key| key.key.id().to_string().eq_ignore_ascii_case(id);
        if let Some(at) = self.keys.iter().position(is_key) {
            return Ok(Removed::Key(self.keys.remove(at)));
        }
        let prefix = id.to_ascii_lowercase();
        if prefix.len() < PIN_PREFIX_MIN {
            return Err(TrustFileError::Unknown(shown(id)));
        }
        let mut found =
            (0..self.pins.len()).filter(|at| self.pins[*at].hash().starts_with(&prefix));
        match (found.next(), found.next()) {
            (Some(at), None) => Ok(Removed::Pin(self.pins.remove(at))),
            (Some(_), Some(_)) => Err(TrustFileError::Ambiguous(shown(id))),
            (None, _) => Err(TrustFileError::Unknown(shown(id))),
        }
    }

    /// The key of this id.
    #[must_use]
    pub fn key(&self, id: KeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.key.id() == id)
    }
}

/// Fits on one line of a list.
fn check_text(text: &str) -> Result<(), TrustFileError> {
    if text.len() <= COMMENT_BYTES_MAX && !text.contains(char::is_control) {
        return Ok(());
    }
    Err(TrustFileError::Comment)
}

fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests;
