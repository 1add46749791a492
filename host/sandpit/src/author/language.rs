//! The languages that strategies are written in, and how a folder's is told.

use std::path::Path;

use sandpit_plugin::Profile;

use super::AuthorError;

/// A language with an SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Rust: compiled, checked, the fastest.
    Rust,
    /// Python, with its interpreter.
    Python,
    /// TypeScript and JavaScript, with an engine.
    TypeScript,
}

impl Language {
    /// All, in the order of documents.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::TypeScript];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::TypeScript => "typescript",
        }
    }

    /// The file that a strategy's folder is told by.
    #[must_use]
    pub const fn manifest(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Python => "pyproject.toml",
            Self::TypeScript => "package.json",
        }
    }

    /// The file that an author edits, in a new strategy.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Python => "strategy.py",
            Self::TypeScript => "src/strategy.ts",
        }
    }

    /// What its runtime needs.
    #[must_use]
    pub const fn profile(self) -> Profile {
        match self {
            Self::Rust => Profile::Standard,
            Self::Python | Self::TypeScript => Profile::Heavy,
        }
    }

    /// The language of the strategy in `folder`.
    ///
    /// # Errors
    /// The folder has no manifest that is known.
    pub fn of_folder(folder: &Path) -> Result<Self, AuthorError> {
        Self::ALL
            .into_iter()
            .find(|language| folder.join(language.manifest()).is_file())
            .ok_or_else(|| AuthorError::NoPackage { path: folder.to_owned() })
    }
}
