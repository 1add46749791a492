//! `plugin new`: a complete strategy that builds, tests and runs as it is, in each language.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{AuthorError, Language, project::VENDOR_FOLDER, vendor};

/// Files of a new strategy in any language. `{{name}}` is its name, `{{type}}` the name in the form
/// of a type's, `{{source}}` the file that its author edits.
const COMMON: [(&str, &str); 2] = [
    ("README.md", include_str!("template/README.md.in")),
    (".gitignore", include_str!("template/gitignore.in")),
];

const RUST: [(&str, &str); 2] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.in")),
    ("src/lib.rs", include_str!("template/lib.rs.in")),
];

const PYTHON: [(&str, &str); 3] = [
    ("pyproject.toml", include_str!("template/python/pyproject.toml.in")),
    ("strategy.py", include_str!("template/python/strategy.py.in")),
    ("test_strategy.py", include_str!("template/python/test_strategy.py.in")),
];

const TYPESCRIPT: [(&str, &str); 4] = [
    ("package.json", include_str!("template/typescript/package.json.in")),
    ("tsconfig.json", include_str!("template/typescript/tsconfig.json.in")),
    ("src/strategy.ts", include_str!("template/typescript/strategy.ts.in")),
    ("src/strategy.test.ts", include_str!("template/typescript/strategy.test.ts.in")),
];

const fn template(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::Rust => &RUST,
        Language::Python => &PYTHON,
        Language::TypeScript => &TYPESCRIPT,
    }
}

/// A strategy that was begun.
#[derive(Clone, Debug)]
pub struct Scaffold {
    /// Its language.
    pub language: Language,
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
pub fn scaffold(folder: &Path, language: Language) -> Result<Scaffold, AuthorError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    check_name(&name)?;
    if folder.exists() {
        return Err(AuthorError::Exists(folder.to_owned()));
    }
    let fill = |text: &str| {
        text.replace("{{name}}", &name)
            .replace("{{type}}", &type_name(&name))
            .replace("{{source}}", language.source())
    };
    let templates = COMMON.iter().chain(template(language));
    let mut files: Vec<(PathBuf, String)> =
        templates.map(|(path, text)| (PathBuf::from(path), fill(text))).collect();
    if language == Language::Rust {
        files.push(("Cargo.lock".into(), vendor::LOCK_FILE.to_owned()));
        files.push(("rust-toolchain.toml".into(), vendor::TOOLCHAIN_FILE.to_owned()));
    }
    for (path, text) in vendor::files(language)? {
        files.push((Path::new(VENDOR_FOLDER).join(path), text));
    }
    for (path, text) in &files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(AuthorError::io("create", parent))?;
        }
        fs::write(&path, text).map_err(AuthorError::io("write", &path))?;
    }
    Ok(Scaffold { language, name, folder: folder.to_owned(), files: files.len() })
}

pub(super) fn check_name(name: &str) -> Result<(), AuthorError> {
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
