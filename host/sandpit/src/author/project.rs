//! A strategy's folder in a language other than Rust: what its manifest says, and where the SDK and
//! the files of the build are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{AuthorError, Language, scaffold::check_name};

/// Where `sandpit plugin new` puts SDK and contract.
pub(super) const VENDOR_FOLDER: &str = ".sandpit";
/// What a repository of strategies has, and a vendored folder too.
const CONTRACT: &str = "wit/strategy.wit";
/// Folders above a strategy that are searched for the SDK.
const ANCESTORS_MAX: usize = 8;

/// A strategy as its folder has it.
#[derive(Debug)]
pub(super) struct Project {
    /// Its folder, in full.
    pub(super) folder: PathBuf,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) summary: String,
    /// The file that the strategy is in, where the manifest says one.
    pub(super) main: Option<String>,
    /// What has `sdk/` and `wit/`.
    sdk_root: PathBuf,
}

#[derive(Deserialize)]
struct PyProject {
    project: About,
}

#[derive(Deserialize)]
struct About {
    name: String,
    version: String,
    #[serde(default)]
    description: String,
    main: Option<String>,
}

impl Project {
    /// Reads the manifest and finds the SDK.
    pub(super) fn read(folder: &Path, language: Language) -> Result<Self, AuthorError> {
        let folder = folder.canonicalize().map_err(AuthorError::io("find", folder))?;
        let path = folder.join(language.manifest());
        let text = fs::read_to_string(&path).map_err(AuthorError::io("read", &path))?;
        let problem = |problem: String| AuthorError::Manifest { path: path.clone(), problem };
        let about: About = match language {
            Language::TypeScript => {
                serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?
            }
            Language::Python | Language::Rust => {
                toml::from_str::<PyProject>(&text)
                    .map_err(|error| problem(error.message().to_owned()))?
                    .project
            }
        };
        check_name(&about.name)?;
        semver_like(&about.version).map_err(problem)?;
        let sdk_root = sdk_root(&folder)?;
        Ok(Self {
            folder,
            name: about.name,
            version: about.version,
            summary: about.description,
            main: about.main,
            sdk_root,
        })
    }

    /// Where the build puts what it makes.
    pub(super) fn work_folder(&self) -> PathBuf {
        self.folder.join("target/sandpit")
    }

    /// The SDK of a language.
    pub(super) fn sdk(&self, name: &str) -> PathBuf {
        self.sdk_root.join("sdk").join(name)
    }

    /// What has both the SDK and the strategy in it.
    pub(super) fn common_root(&self) -> PathBuf {
        let vendored = self.folder.join(VENDOR_FOLDER);
        if self.sdk_root == vendored { self.folder.clone() } else { self.sdk_root.clone() }
    }

    /// The contract's folder.
    pub(super) fn contract(&self) -> PathBuf {
        self.sdk_root.join("wit")
    }
}

fn semver_like(version: &str) -> Result<(), String> {
    let parts: Vec<_> = version.split('.').collect();
    if parts.len() >= 3 && parts[..2].iter().all(|part| part.parse::<u32>().is_ok()) {
        return Ok(());
    }
    Err(format!("`{version}` is no semantic version, as 0.1.0 is"))
}

fn sdk_root(folder: &Path) -> Result<PathBuf, AuthorError> {
    let vendored = folder.join(VENDOR_FOLDER);
    if vendored.join(CONTRACT).is_file() {
        return Ok(vendored);
    }
    folder
        .ancestors()
        .take(ANCESTORS_MAX)
        .find(|above| above.join(CONTRACT).is_file() && above.join("sdk").is_dir())
        .map(Path::to_owned)
        .ok_or_else(|| AuthorError::NoSdk { path: folder.to_owned() })
}
