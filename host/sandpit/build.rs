//! Lists the sources that `sandpit plugin new` hands out, so that an installed binary can start a
//! strategy without the repository: the contract, the SDKs, and the core that the Rust test harness
//! runs on.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Files and folders of the repository, as the vendored folder has them too.
const VENDORED: [&str; 7] = [
    "host/sandpit-core/Cargo.toml",
    "host/sandpit-core/clippy.toml",
    "host/sandpit-core/src",
    "sdk/python",
    "sdk/rust",
    "sdk/typescript",
    "wit",
];

fn main() -> io::Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    let root = variable("CARGO_MANIFEST_DIR")?.join("../..").canonicalize()?;
    let mut files = Vec::new();
    for entry in VENDORED {
        println!("cargo::rerun-if-changed={}", root.join(entry).display());
        collect(&root.join(entry), &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        list.push_str(&format!("    ({name:?}, include_str!({:?})),\n", file.display()));
    }
    list.push_str("]\n");
    fs::write(variable("OUT_DIR")?.join("vendored.rs"), list)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Build output and editors' files are nobody's source.
        let is_made = ["target", "__pycache__", "node_modules"].contains(&name.as_str());
        if !is_made && !name.starts_with('.') && !name.ends_with('~') {
            collect(&path, files)?;
        }
    }
    Ok(())
}
