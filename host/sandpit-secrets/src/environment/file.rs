//! Files with secrets: read once, whole, within a bound, after a look at who else can read them.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

use super::{Care, EnvironmentError, tracked::is_tracked};
use crate::SecretText;

/// Bytes of a `.env` file.
const FILE_BYTES_MAX: usize = 256 * 1024;

/// Reads a `.env` file; `None` where there is none.
pub(super) fn read(
    path: &Path,
    care: Care,
    warnings: &mut Vec<EnvironmentError>,
) -> Result<Option<Vec<(String, SecretText)>>, EnvironmentError> {
    let content = match read_guarded(path, FILE_BYTES_MAX, care, warnings) {
        Err(EnvironmentError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        content => content?,
    };
    if is_tracked(path) {
        judge(care, EnvironmentError::Tracked { path: path.to_owned() }, warnings)?;
    }
    let mut variables: Vec<(String, SecretText)> = Vec::new();
    // A mark that some editors put before the first line.
    let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&content);
    for line in dotenvy::from_read_iter(text) {
        // The library's error repeats the line.
        let Ok((name, value)) = line else {
            let place = match variables.last() {
                Some((name, _)) => format!("what follows `{name}`"),
                None => "the first line".to_owned(),
            };
            return Err(EnvironmentError::Syntax { path: path.to_owned(), place });
        };
        variables.push((name, SecretText::new(value)));
    }
    Ok(Some(variables))
}

fn judge(
    care: Care,
    problem: EnvironmentError,
    warnings: &mut Vec<EnvironmentError>,
) -> Result<(), EnvironmentError> {
    match care {
        Care::Refuse => Err(problem),
        Care::Warn => {
            tracing::warn!("{problem}");
            warnings.push(problem);
            Ok(())
        }
    }
}

/// Reads a file that only its owner may read.
pub(crate) fn read_guarded(
    path: &Path,
    bytes_max: usize,
    care: Care,
    warnings: &mut Vec<EnvironmentError>,
) -> Result<Zeroizing<Vec<u8>>, EnvironmentError> {
    let (file, metadata) = open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        /// Reading and changing, by the group and by others.
        const OTHERS: u32 = 0o066;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & OTHERS != 0 {
            judge(care, EnvironmentError::Permissions { path: path.to_owned(), mode }, warnings)?;
        }
    }
    read_bounded(path, file, bytes_max)
}

/// Reads a file that the platform made, with the permissions that the platform chose.
pub(crate) fn read_platform_file(
    path: &Path,
    bytes_max: usize,
) -> Result<SecretText, EnvironmentError> {
    let (file, _) = open(path)?;
    let mut content = read_bounded(path, file, bytes_max)?;
    SecretText::from_bytes(std::mem::take(&mut *content))
        .ok_or_else(|| EnvironmentError::NotText { path: path.to_owned() })
}

fn open(path: &Path) -> Result<(File, Metadata), EnvironmentError> {
    let fail = |source| EnvironmentError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(fail)?;
    // Of the file that was opened, so that it cannot be another one by now.
    let metadata = file.metadata().map_err(fail)?;
    if !metadata.is_file() {
        return Err(EnvironmentError::NotAFile { path: path.to_owned() });
    }
    Ok((file, metadata))
}

/// Everything, unless it is more than that. The room is taken at once: a buffer that grows leaves
/// copies behind.
fn read_bounded(
    path: &Path,
    file: File,
    bytes_max: usize,
) -> Result<Zeroizing<Vec<u8>>, EnvironmentError> {
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Zeroizing::new(Vec::with_capacity(bytes_max.saturating_add(1)));
    file.take(most)
        .read_to_end(&mut content)
        .map_err(|source| EnvironmentError::Io { path: path.to_owned(), source })?;
    if content.len() > bytes_max {
        return Err(EnvironmentError::TooLong { path: path.to_owned(), max: bytes_max });
    }
    Ok(content)
}
