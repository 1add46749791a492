//! From a strategy's folder to a component: by its language, and written whole. In Rust the same
//! sources with the same toolchain give the same bytes, wherever they are built; the snapshots of
//! interpreters hold seeds that were drawn for the build.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    AuthorError, Language, cargo,
    project::Project,
    python,
    tool::{Voice, run_aloud},
    typescript,
};

/// A component that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The strategy's name.
    pub package: String,
    /// Its language.
    pub language: Language,
    /// Where it is.
    pub path: PathBuf,
    /// The component.
    pub bytes: Vec<u8>,
}

/// Builds the strategy in `folder` and writes the component to `out`, or to `sandpit/` in its target
/// folder. With `heard`, tools speak to the terminal.
///
/// # Errors
/// A tool is missing or fails, the folder holds no strategy, or a file cannot be written.
pub fn build(folder: &Path, out: Option<&Path>, heard: bool) -> Result<Built, AuthorError> {
    let voice = if heard { Voice::Heard } else { Voice::Silent };
    let language = Language::of_folder(folder)?;
    let (package, path, bytes) = match language {
        Language::Rust => rust(folder, voice)?,
        Language::Python => other(&Project::read(folder, language)?, voice, python::build)?,
        Language::TypeScript => other(&Project::read(folder, language)?, voice, typescript::build)?,
    };
    let path = out.map_or(path, Path::to_owned);
    write(&path, &bytes)?;
    Ok(Built { package, language, path, bytes })
}

/// Name, usual place and bytes.
type Parts = (String, PathBuf, Vec<u8>);

fn rust(folder: &Path, voice: Voice) -> Result<Parts, AuthorError> {
    let package = cargo::package(folder)?;
    if !package.has_cdylib {
        return Err(AuthorError::NoCdylib { package: package.name });
    }
    cargo::ensure_target(folder)?;
    let module = cargo::build_core_module(&package, voice)?;
    let core = fs::read(&module).map_err(AuthorError::io("read", &module))?;
    let bytes = sandpit_plugin::encode(&core).map_err(|source| AuthorError::Encode {
        package: package.name.clone(),
        source: Box::new(source),
    })?;
    let path = package.target_folder.join("sandpit").join(format!("{}.wasm", package.name));
    Ok((package.name, path, bytes))
}

fn other(
    project: &Project,
    voice: Voice,
    build: impl Fn(&Project, Voice) -> Result<Vec<u8>, AuthorError>,
) -> Result<Parts, AuthorError> {
    let path = project.work_folder().join(format!("{}.wasm", project.name));
    Ok((project.name.clone(), path, build(project, voice)?))
}

/// Runs the unit tests of the strategy in `folder`, without WebAssembly.
///
/// # Errors
/// A test fails, or a tool does.
pub fn test(folder: &Path, heard: bool) -> Result<(), AuthorError> {
    let voice = if heard { Voice::Heard } else { Voice::Silent };
    let language = Language::of_folder(folder)?;
    match language {
        Language::Rust => {
            let package = cargo::package(folder)?;
            let mut command = cargo::command(package.manifest.parent().unwrap_or(folder));
            command.args(["test", "--release", "--manifest-path"]).arg(&package.manifest);
            run_aloud(&mut command, voice)
        }
        Language::Python => python::test(&Project::read(folder, language)?, voice),
        Language::TypeScript => typescript::test(&Project::read(folder, language)?, voice),
    }
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
