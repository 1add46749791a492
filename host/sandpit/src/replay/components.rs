//! Components that a session ran, kept by their hashes, so that what they did can be done again
//! once their files have been replaced.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::backtest::hex;

const COMPONENTS_FOLDER: &str = "components";
const EXTENSION: &str = "wasm";
/// Components that a session keeps; the one that was loaded longest ago goes first.
pub const COMPONENTS_MAX: usize = 64;
/// Bytes of all of them; of that as well.
pub const COMPONENTS_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Where a session keeps the component of this hash.
#[must_use]
pub fn component_path(state: &Path, sha256: &[u8; 32]) -> PathBuf {
    state.join(COMPONENTS_FOLDER).join(format!("{}.{EXTENSION}", hex(sha256)))
}

/// Keeps a component that is about to run. To be called at every load: it is then the newest.
///
/// # Errors
/// It cannot be written; what was kept before is as it was.
pub fn keep_component(state: &Path, sha256: &[u8; 32], bytes: &[u8]) -> io::Result<()> {
    let path = component_path(state, sha256);
    let folder = state.join(COMPONENTS_FOLDER);
    fs::create_dir_all(&folder)?;
    let is_kept = fs::metadata(&path).is_ok_and(|found| found.len() == bytes.len() as u64);
    if is_kept {
        File::options().write(true).open(&path)?.set_modified(SystemTime::now())?;
    } else {
        let waiting = path.with_extension("new");
        File::create(&waiting)?.write_all(bytes)?;
        fs::rename(&waiting, &path)?;
    }
    prune(&folder, &path)
}

/// Removes the oldest beyond the bounds, never `newest`.
fn prune(folder: &Path, newest: &Path) -> io::Result<()> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) && path != newest {
            let metadata = entry.metadata()?;
            kept.push((metadata.modified()?, metadata.len(), path));
        }
    }
    kept.sort();
    let mut count = kept.len() + 1;
    let mut bytes =
        fs::metadata(newest)?.len() + kept.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
    for (_, oldest_bytes, oldest) in kept {
        if count <= COMPONENTS_MAX && bytes <= COMPONENTS_BYTES_MAX {
            break;
        }
        fs::remove_file(oldest)?;
        count -= 1;
        bytes -= oldest_bytes;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_components_go_first() {
        let state = tempfile::tempdir().unwrap();
        let hash = |number: usize| [u8::try_from(number).unwrap(); 32];
        for number in 0..COMPONENTS_MAX {
            keep_component(state.path(), &hash(number), b"component").unwrap();
            let file = File::options()
                .write(true)
                .open(component_path(state.path(), &hash(number)))
                .unwrap();
            let age = Duration::from_secs(1_000 - number as u64);
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        // It is loaded again, so the second is the oldest.
        keep_component(state.path(), &hash(0), b"component").unwrap();
        keep_component(state.path(), &hash(200), b"another").unwrap();
        let is_kept = |number| component_path(state.path(), &hash(number)).exists();
        assert!(is_kept(0) && !is_kept(1) && is_kept(2) && is_kept(200));
        assert_eq!(fs::read(component_path(state.path(), &hash(200))).unwrap(), b"another");
    }
}
