//! Tools that builds need and that come from a language's package registry: in pinned versions, by
//! content, into a folder of the strategy's own. Set up once, whole or not at all.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest as _, Sha256};

use super::{
    AuthorError,
    project::Project,
    tool::{Voice, run},
};
use crate::backtest::hex;

/// A folder for the tools of many strategies, instead of one in each strategy's.
const SHARED_VARIABLE: &str = "SANDPIT_TOOLCHAINS";
/// Characters of a pin's hash in a folder's name.
const HASH_CHARACTERS: usize = 16;

/// A registry's own client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Client {
    /// `pip`, by a file of requirements.
    Pip,
    /// `npm`, by a lock file.
    Npm,
}

/// The folder with the tools that `pins` (a folder of the SDK) names; set up first where it is not
/// there.
pub(super) fn ensure(
    project: &Project,
    client: Client,
    pins: &Path,
    voice: Voice,
) -> Result<PathBuf, AuthorError> {
    let (kind, pin_file) = match client {
        Client::Pip => ("python", pins.join("requirements.txt")),
        Client::Npm => ("npm", pins.join("package-lock.json")),
    };
    let pinned = fs::read(&pin_file).map_err(AuthorError::io("read", &pin_file))?;
    let mut hash = hex(&Sha256::digest(&pinned));
    hash.truncate(HASH_CHARACTERS);
    let home = match env::var_os(SHARED_VARIABLE) {
        Some(shared) => PathBuf::from(shared),
        None => project.folder.join("target/toolchain"),
    };
    let ready = home.join(format!("{kind}-{hash}"));
    if ready.is_dir() {
        return Ok(ready);
    }
    fs::create_dir_all(&home).map_err(AuthorError::io("create", &home))?;
    let part = home.join(format!(".{kind}-{hash}-{}", std::process::id()));
    if part.exists() {
        fs::remove_dir_all(&part).map_err(AuthorError::io("remove", &part))?;
    }
    fs::create_dir_all(&part).map_err(AuthorError::io("create", &part))?;
    if voice == Voice::Heard {
        tracing::info!("setting up tools for {kind} in {}", ready.display());
    }
    let mut command = match client {
        Client::Pip => pip(&part, &pin_file),
        Client::Npm => npm(&part, pins)?,
    };
    if let Err(error) = run(&mut command, Voice::Silent) {
        // What is half there must not be taken for whole; that it stays is no harm.
        let _ = fs::remove_dir_all(&part);
        return Err(not_set_up(kind, error));
    }
    match fs::rename(&part, &ready) {
        Ok(()) => Ok(ready),
        // Another build was faster, with the same.
        Err(_) if ready.is_dir() => {
            let _ = fs::remove_dir_all(&part);
            Ok(ready)
        }
        Err(error) => Err(AuthorError::io("create", &ready)(error)),
    }
}

fn pip(part: &Path, requirements: &Path) -> Command {
    let mut command = python();
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    command.args(["--no-input", "--no-deps", "--require-hashes", "--only-binary", ":all:"]);
    command.arg("--target").arg(part).arg("--requirement").arg(requirements);
    command
}

fn npm(part: &Path, pins: &Path) -> Result<Command, AuthorError> {
    for name in ["package.json", "package-lock.json"] {
        let (from, to) = (pins.join(name), part.join(name));
        fs::copy(&from, &to).map_err(AuthorError::io("copy", &from))?;
    }
    let mut command = Command::new("npm");
    command.current_dir(part);
    // Nothing that a package brings is run while it is installed.
    command.args(["ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"]);
    Ok(command)
}

/// The interpreter, with nothing in its environment that would change what is built.
pub(super) fn python() -> Command {
    let mut command = Command::new("python3");
    for name in ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV"] {
        command.env_remove(name);
    }
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONHASHSEED", "0");
    command
}

/// The engine that runs the tools of `npm`, and unit tests.
pub(super) fn node() -> Command {
    let mut command = Command::new("node");
    for name in ["NODE_OPTIONS", "NODE_PATH"] {
        command.env_remove(name);
    }
    command
}

fn not_set_up(kind: &'static str, error: AuthorError) -> AuthorError {
    match error {
        AuthorError::ToolFailed { output, .. } => AuthorError::Toolchain { kind, output },
        other => other,
    }
}
