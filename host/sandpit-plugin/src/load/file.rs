//! A component's file and its signature's, each read once and never more than it may have.

use std::{
    ffi::OsString,
    fs, io,
    io::Read as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::{limits::COMPONENT_BYTES_MAX, trust::SIGNATURE_BYTES_MAX};

/// What follows a component's whole name in that of its signature.
pub const SIGNATURE_EXTENSION: &str = ".minisig";

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("cannot read `{path}`", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("`{path}` is no regular file", path = .0.display())]
    NotAFile(PathBuf),
}

/// A component as it was when it was read, with its signature. What becomes of the file afterwards
/// changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentFile {
    bytes: Vec<u8>,
    signature: Option<Vec<u8>>,
}

impl ComponentFile {
    /// Reads a component, and the signature beside it where there is one. Of a file that is larger
    /// than any component may be, no more is read than shows it; the first check refuses it.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let bytes = read_at_most(path, COMPONENT_BYTES_MAX)?;
        let mut beside = OsString::from(path);
        beside.push(SIGNATURE_EXTENSION);
        let signature = match read_at_most(Path::new(&beside), SIGNATURE_BYTES_MAX) {
            Ok(signature) => Some(signature),
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self { bytes, signature })
    }

    /// A component that is in memory already, for example just built.
    #[must_use]
    pub const fn unsigned(bytes: Vec<u8>) -> Self {
        Self { bytes, signature: None }
    }

    /// The component.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its signature file.
    #[must_use]
    pub fn signature(&self) -> Option<&[u8]> {
        self.signature.as_deref()
    }
}

/// A file's bytes, or one more than the bound where it has more.
fn read_at_most(path: &Path, bytes_max: usize) -> Result<Vec<u8>, ReadError> {
    let fail = |source| ReadError::Io { path: path.to_owned(), source };
    // A pipe that nobody writes to must not stop the host.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile(path.to_owned()));
    }
    let expected = usize::try_from(metadata.len()).unwrap_or(usize::MAX).min(bytes_max);
    let mut bytes = Vec::with_capacity(expected + 1);
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}
