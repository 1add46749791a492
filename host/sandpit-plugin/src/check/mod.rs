//! Loading hostile bytes: a list of checks against constants, before anything is compiled or run.
//! Only what passed all of them is a [`Checked`].

mod counts;
mod error;
mod kind;
mod names;
mod nesting;
mod types;

pub use counts::CountError;
pub use error::CheckError;
pub(crate) use names::{LOGGING, TYPES};
pub(crate) use types::FEATURES;

use std::fmt::{self, Write as _};

use semver::Version;
use sha2::{Digest as _, Sha256};

use crate::limits::COMPONENT_BYTES_MAX;

/// A component that may be compiled.
#[derive(Clone)]
pub struct Checked {
    bytes: Vec<u8>,
    sha256: [u8; 32],
    contract: Version,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Checked {
    /// The component itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its SHA-256.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Its SHA-256 in hexadecimal.
    #[must_use]
    pub fn sha256_hex(&self) -> String {
        hex(&self.sha256)
    }

    /// Version of the contract that it was built for.
    #[must_use]
    pub fn contract(&self) -> String {
        self.contract.to_string()
    }

    /// Names of its imports, all of the contract.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Names of its exports.
    #[must_use]
    pub fn exports(&self) -> &[String] {
        &self.exports
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked")
            .field("sha256", &self.sha256_hex())
            .field("size_bytes", &self.bytes.len())
            .field("imports", &self.imports)
            .field("exports", &self.exports)
            .finish_non_exhaustive()
    }
}

/// Checks a component. Each step relies on those before it.
///
/// # Errors
/// The first check that it does not pass; see [`CheckError`].
pub fn check(bytes: &[u8]) -> Result<Checked, CheckError> {
    check_size(bytes)?;
    check_hashed(bytes, sha256(bytes))
}

/// [`check`] for bytes whose size has been checked and whose hash is known.
pub(crate) fn check_hashed(bytes: &[u8], sha256: [u8; 32]) -> Result<Checked, CheckError> {
    kind::check_kind(bytes)?;
    counts::check_counts(bytes)?;
    types::check_well_formed(bytes)?;
    let names = names::read_names(bytes)?;
    names::check_imports(&names)?;
    let contract = names::check_exports(&names)?;
    types::check_types(bytes, &contract)?;
    Ok(Checked {
        bytes: bytes.to_owned(),
        sha256,
        contract,
        imports: names.imports.into_iter().map(|import| import.name).collect(),
        exports: names.exports.into_iter().map(|export| export.name).collect(),
    })
}

/// The hash by which components are known.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The first check, before anything is read or hashed.
pub(crate) fn check_size(bytes: &[u8]) -> Result<(), CheckError> {
    match bytes.len() {
        0 => Err(CheckError::Empty),
        size if size > COMPONENT_BYTES_MAX => Err(CheckError::TooLarge { size }),
        _ => Ok(()),
    }
}
