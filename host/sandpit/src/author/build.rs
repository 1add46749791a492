//! From a Rust crate to a component: compile for the guest target, encode, write. The same sources
//! with the same toolchain give the same bytes, wherever they are built.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    AuthorError,
    cargo::{self, Voice},
};

/// A component that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The package's name.
    pub package: String,
    /// Where it is.
    pub path: PathBuf,
    /// The component.
    pub bytes: Vec<u8>,
}

/// Builds the crate in `folder` and writes the component to `out`, or to `sandpit/` in the crate's
/// target folder. With `heard`, cargo speaks to the terminal.
///
/// # Errors
/// A tool is missing or fails, the folder holds no strategy, or a file cannot be written.
pub fn build(folder: &Path, out: Option<&Path>, heard: bool) -> Result<Built, AuthorError> {
    let package = cargo::package(folder)?;
    if !package.has_cdylib {
        return Err(AuthorError::NoCdylib { package: package.name });
    }
    cargo::ensure_target(folder)?;
    let voice = if heard { Voice::Heard } else { Voice::Silent };
    let module = cargo::build_core_module(&package, voice)?;
    let core = fs::read(&module).map_err(AuthorError::io("read", &module))?;
    let bytes = sandpit_plugin::encode(&core).map_err(|source| AuthorError::Encode {
        package: package.name.clone(),
        source: Box::new(source),
    })?;
    let path = match out {
        Some(path) => path.to_owned(),
        None => package.target_folder.join("sandpit").join(format!("{}.wasm", package.name)),
    };
    write(&path, &bytes)?;
    Ok(Built { package: package.name, path, bytes })
}

/// Runs `cargo test` in `folder`.
///
/// # Errors
/// A test fails, or cargo does.
pub fn test(folder: &Path, heard: bool) -> Result<(), AuthorError> {
    let package = cargo::package(folder)?;
    let mut command = cargo::command(package.manifest.parent().unwrap_or(folder));
    command.args(["test", "--release", "--manifest-path"]).arg(&package.manifest);
    cargo::run_aloud(&mut command, if heard { Voice::Heard } else { Voice::Silent })
}

/// Writes whole or not at all: a run that reads the file while it is built sees the old one.
fn write(path: &Path, bytes: &[u8]) -> Result<(), AuthorError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(AuthorError::io("create", folder))?;
    }
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    fs::write(&beside, bytes).map_err(AuthorError::io("write", &beside))?;
    fs::rename(&beside, path).map_err(AuthorError::io("write", path))
}
