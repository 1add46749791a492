//! The sources that a new strategy is built on, carried in the binary: contract, SDK, test harness
//! and, for Rust, the core under it. They are laid out as in the repository; those in Rust under a
//! workspace manifest of their own, so that their manifests work unchanged.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{AuthorError, Language};

/// Path in the repository and text of every vendored file.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/vendored.rs"));

const ROOT_MANIFEST: &str = include_str!("../../../../Cargo.toml");

/// Versions of all dependencies that this sandpit was built with. Cargo drops what a crate does
/// not use and keeps the rest, so a new strategy begins with versions that are known to work.
pub(super) const LOCK_FILE: &str = include_str!("../../../../Cargo.lock");

/// The toolchain that this sandpit was built with.
pub(super) const TOOLCHAIN_FILE: &str = include_str!("../../../../rust-toolchain.toml");

const MEMBERS: [&str; 4] = ["host/sandpit-core", "sdk/rust", "sdk/rust/macros", "sdk/rust/testing"];

/// Folders that a language's strategies are built on.
const fn folders(language: Language) -> &'static [&'static str] {
    match language {
        Language::Rust => &["wit/", "host/sandpit-core/", "sdk/rust/"],
        Language::Python => &["wit/", "sdk/python/"],
        Language::TypeScript => &["wit/", "sdk/typescript/"],
    }
}

/// All files of the vendored folder, with paths relative to it.
pub(super) fn files(language: Language) -> Result<Vec<(&'static str, String)>, AuthorError> {
    let mut files = Vec::new();
    if language == Language::Rust {
        files.push(("Cargo.toml", workspace_manifest()?));
    }
    let wanted = |path: &str| folders(language).iter().any(|folder| path.starts_with(folder));
    files.extend(
        FILES
            .iter()
            .filter(|(path, _)| wanted(path))
            .map(|(path, text)| (*path, (*text).to_owned())),
    );
    Ok(files)
}

/// The repository's manifest, cut down to what the vendored members inherit.
fn workspace_manifest() -> Result<String, AuthorError> {
    let strange = |problem: &str| AuthorError::StrangeAnswer {
        tool: "the vendored manifest",
        problem: problem.to_owned(),
    };
    let root: Table = ROOT_MANIFEST.parse().map_err(|_| strange("not TOML"))?;
    let workspace =
        root.get("workspace").and_then(Value::as_table).ok_or_else(|| strange("no workspace"))?;
    let wanted = inherited_dependencies();
    let dependencies: Table = workspace
        .get("dependencies")
        .and_then(Value::as_table)
        .ok_or_else(|| strange("no dependencies"))?
        .iter()
        .filter(|(name, _)| wanted.contains(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut kept = Table::new();
    let members = MEMBERS.map(|member| Value::String(member.to_owned())).to_vec();
    kept.insert("resolver".to_owned(), Value::String("3".to_owned()));
    kept.insert("members".to_owned(), Value::Array(members));
    kept.insert("dependencies".to_owned(), Value::Table(dependencies));
    for key in ["package", "lints"] {
        let value = workspace.get(key).ok_or_else(|| strange("an inherited table is missing"))?;
        kept.insert(key.to_owned(), value.clone());
    }
    let manifest = Table::from_iter([("workspace".to_owned(), Value::Table(kept))]);
    let text = toml::to_string(&manifest).map_err(|error| strange(&error.to_string()))?;
    Ok(format!("# Sources that came with `sandpit plugin new`; not for editing.\n{text}"))
}

/// Names of everything that a vendored manifest takes from its workspace.
fn inherited_dependencies() -> BTreeSet<String> {
    let manifests = FILES.iter().filter(|(path, _)| path.ends_with("Cargo.toml"));
    let mut names = BTreeSet::new();
    for table in manifests.filter_map(|(_, text)| text.parse::<Table>().ok()) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            if let Some(dependencies) = table.get(kind).and_then(Value::as_table) {
                names.extend(dependencies.keys().cloned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_there_with_what_it_inherits() {
        let files = files(Language::Rust).unwrap();
        let has = |path: &str| files.iter().any(|(name, _)| *name == path);
        for member in MEMBERS {
            assert!(has(&format!("{member}/Cargo.toml")), "{member}");
            assert!(has(&format!("{member}/src/lib.rs")), "{member}");
        }
        assert!(has("wit/strategy.wit"));
        let manifest: Table = files[0].1.parse().unwrap();
        let workspace = manifest["workspace"].as_table().unwrap();
        for name in inherited_dependencies() {
            assert!(workspace["dependencies"].get(&name).is_some(), "{name}");
        }
        assert!(workspace["dependencies"].get("wasmtime").is_none(), "the host stays at home");
    }

    #[test]
    fn nothing_of_this_machine_is_in_it() {
        for language in Language::ALL {
            let files = files(language).unwrap();
            assert!(files.iter().any(|(path, _)| *path == "wit/strategy.wit"));
            for (path, text) in files {
                assert!(!path.starts_with('/') && !path.contains(".."), "{path}");
                assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{path}");
            }
        }
    }
}
