//! `plugin new`: a complete crate that builds, tests and runs as it is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{AuthorError, vendor};

/// Folder of the vendored sources within a new crate.
const VENDOR_FOLDER: &str = ".sandpit";

/// Files of a new crate. `{{name}}` is its name, `{{type}}` the name in the form of a Rust type.
const TEMPLATE: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.in")),
    ("README.md", include_str!("template/README.md.in")),
    (".gitignore", include_str!("template/gitignore.in")),
    ("src/lib.rs", include_str!("template/lib.rs.in")),
];

/// A crate that was begun.
#[derive(Clone, Debug)]
pub struct Scaffold {
    /// Name of strategy and package.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// How many files were written, vendored ones included.
    pub files: usize,
}

/// Begins a strategy in `folder`, which must not exist; its last part is the name.
///
/// # Errors
/// The name is none, the folder exists, or a file cannot be written.
pub fn scaffold(folder: &Path) -> Result<Scaffold, AuthorError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    check_name(&name)?;
    if folder.exists() {
        return Err(AuthorError::Exists(folder.to_owned()));
    }
    let fill = |text: &str| text.replace("{{name}}", &name).replace("{{type}}", &type_name(&name));
    let mut files: Vec<(PathBuf, String)> =
        TEMPLATE.iter().map(|(path, text)| (PathBuf::from(path), fill(text))).collect();
    files.push(("Cargo.lock".into(), vendor::LOCK_FILE.to_owned()));
    files.push(("rust-toolchain.toml".into(), vendor::TOOLCHAIN_FILE.to_owned()));
    for (path, text) in vendor::files()? {
        files.push((Path::new(VENDOR_FOLDER).join(path), text));
    }
    for (path, text) in &files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(AuthorError::io("create", parent))?;
        }
        fs::write(&path, text).map_err(AuthorError::io("write", &path))?;
    }
    Ok(Scaffold { name, folder: folder.to_owned(), files: files.len() })
}

fn check_name(name: &str) -> Result<(), AuthorError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if begins && name.len() <= 64 && !name.ends_with('-') && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(AuthorError::BadName(name.chars().take(64).collect()))
}

/// `mean-revert` becomes `MeanRevert`.
fn type_name(name: &str) -> String {
    name.split('-')
        .flat_map(|part| {
            let mut characters = part.chars();
            let first = characters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(characters)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_crate_names() {
        for good in ["a", "mean-revert", "grid2"] {
            check_name(good).unwrap();
        }
        for bad in ["", "2fast", "-x", "x-", "Mean", "a_b", "a b", "ä", &"a".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(type_name("mean-revert2"), "MeanRevert2");
    }
}
