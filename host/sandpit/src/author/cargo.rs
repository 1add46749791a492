//! Running cargo and rustup: which one, in which environment, and what their answers mean.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use super::{
    AuthorError, GUEST_TARGET,
    tool::{Voice, run},
};

/// The guest profile, said on the command line so that a crate needs no profile of its own and a
/// `plugins/` workspace keeps its one profile. The name section stays: back-traces need it.
const PROFILE: [&str; 9] = [
    "profile.guest.inherits=\"release\"",
    "profile.guest.opt-level=3",
    "profile.guest.lto=\"fat\"",
    "profile.guest.codegen-units=1",
    "profile.guest.panic=\"abort\"",
    "profile.guest.debug=false",
    "profile.guest.strip=\"debuginfo\"",
    "profile.guest.overflow-checks=true",
    "profile.guest.incremental=false",
];

/// Variables that would change what is built. A component depends on its sources and its
/// toolchain, not on who builds it.
const INFLUENCES: [&str; 5] = [
    "RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
    "RUSTC_BOOTSTRAP",
];

/// A package as cargo sees it.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) manifest: PathBuf,
    pub(super) workspace_root: PathBuf,
    pub(super) target_folder: PathBuf,
    pub(super) has_cdylib: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// cargo, as the caller's environment names it, with nothing in it that would change the result.
pub(super) fn command(folder: &Path) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(folder);
    for name in INFLUENCES {
        command.env_remove(name);
    }
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PROFILE_") {
            command.env_remove(&name);
        }
    }
    // Empty, not absent: it wins over every configuration file's `rustflags`.
    command.env("CARGO_ENCODED_RUSTFLAGS", "");
    command
}

/// Looks at the package in `folder`.
pub(super) fn package(folder: &Path) -> Result<Package, AuthorError> {
    let manifest = folder.join("Cargo.toml");
    let none = || AuthorError::NoPackage { path: folder.to_owned() };
    let manifest = manifest.canonicalize().map_err(|_| none())?;
    let folder = manifest.parent().unwrap_or(folder);
    let mut cargo = command(folder);
    cargo.args(["metadata", "--no-deps", "--format-version=1"]);
    let answer = run(&mut cargo, Voice::Silent)?;
    let metadata: Metadata = serde_json::from_slice(&answer).map_err(|error| {
        AuthorError::StrangeAnswer { tool: "cargo metadata", problem: error.to_string() }
    })?;
    let same = |path: &Path| path.canonicalize().is_ok_and(|path| path == manifest);
    let package = metadata
        .packages
        .into_iter()
        .find(|package| same(&package.manifest_path))
        .ok_or_else(none)?;
    let is_cdylib = |target: &Target| target.crate_types.iter().any(|kind| kind == "cdylib");
    Ok(Package {
        has_cdylib: package.targets.iter().any(is_cdylib),
        name: package.name,
        manifest,
        workspace_root: metadata.workspace_root,
        target_folder: metadata.target_directory,
    })
}

/// Makes sure that the guest target is there.
pub(super) fn ensure_target(folder: &Path) -> Result<(), AuthorError> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = Command::new(rustc);
    rustc.current_dir(folder).args(["--print", "target-libdir", "--target", GUEST_TARGET]);
    let answer = run(&mut rustc, Voice::Silent)?;
    let library = PathBuf::from(String::from_utf8_lossy(&answer).trim());
    let installed = fs::read_dir(&library).is_ok_and(|mut files| files.next().is_some());
    if installed {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.current_dir(folder).args(["target", "add", GUEST_TARGET]);
    match run(&mut rustup, Voice::Silent) {
        Ok(_) => Ok(()),
        Err(AuthorError::ToolFailed { output, .. }) => Err(AuthorError::TargetMissing { output }),
        Err(error) => Err(AuthorError::TargetMissing { output: error.to_string() }),
    }
}

/// Builds the package's core module and says where it is.
pub(super) fn build_core_module(package: &Package, voice: Voice) -> Result<PathBuf, AuthorError> {
    let mut cargo = command(package.manifest.parent().unwrap_or(&package.workspace_root));
    cargo.args(["build", "--lib", "--profile=guest", "--target", GUEST_TARGET]);
    cargo.args(["--message-format=json-render-diagnostics", "--manifest-path"]);
    cargo.arg(&package.manifest);
    for setting in PROFILE {
        cargo.args(["--config", setting]);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", remaps(&package.workspace_root));
    let answer = run(&mut cargo, voice)?;
    let is_module = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
    String::from_utf8_lossy(&answer)
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter(|message| message.manifest_path.as_ref() == Some(&package.manifest))
        .find_map(|message| message.filenames.into_iter().find(is_module))
        .ok_or_else(|| AuthorError::NoCdylib { package: package.name.clone() })
}

/// Flags that keep the builder's folders out of panic messages, in cargo's encoding. The last one
/// that fits wins, so the widest comes first.
fn remaps(workspace_root: &Path) -> String {
    let home = env::home_dir();
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| home.as_ref().map(|home| home.join(".cargo")));
    [(home, "/home"), (cargo_home, "/cargo"), (Some(workspace_root.to_owned()), "/strategy")]
        .into_iter()
        .filter_map(|(from, to)| Some(format!("--remap-path-prefix={}={to}", from?.display())))
        .collect::<Vec<_>>()
        .join("\u{1f}")
}
