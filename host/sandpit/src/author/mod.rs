//! What authors of strategies use: a new strategy to start from, and the way from its folder to a
//! component, in each language. Checking and running components is the sandbox's and `backtest`'s.

mod build;
mod cargo;
mod language;
mod project;
mod python;
mod scaffold;
mod tool;
mod toolchain;
mod typescript;
mod vendor;

pub use build::{Built, build, test};
pub use language::Language;
pub use scaffold::{Scaffold, scaffold};

use std::path::{Path, PathBuf};

/// The target that strategies are built for: no system interface at all, so a component imports
/// nothing but the contract.
pub const GUEST_TARGET: &str = "wasm32-unknown-unknown";

/// Why a strategy could not be started, built or tested.
#[derive(Debug, thiserror::Error)]
pub enum AuthorError {
    /// A file or folder.
    #[error("cannot {action} `{path}`", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A tool is not there.
    #[error("cannot run `{tool}`")]
    ToolMissing {
        /// Which.
        tool: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A tool failed.
    #[error("`{command}` failed")]
    ToolFailed {
        /// What was run.
        command: String,
        /// The end of what it said, where it did not say it to the terminal.
        output: String,
    },
    /// The guest target is not installed, and adding it failed.
    #[error("the target `{GUEST_TARGET}` is not installed and could not be added")]
    TargetMissing {
        /// What rustup said.
        output: String,
    },
    /// The folder has no strategy.
    #[error(
        "`{path}` is no strategy: it has no Cargo.toml with a [package], no pyproject.toml and no package.json",
        path = path.display()
    )]
    NoPackage {
        /// Which folder.
        path: PathBuf,
    },
    /// The package builds no core module.
    #[error("package `{package}` builds no core module")]
    NoCdylib {
        /// Which.
        package: String,
    },
    /// A manifest does not say what it must, or the folder is not as it says.
    #[error("`{path}`: {problem}", path = path.display())]
    Manifest {
        /// Which file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The SDK is not where a strategy has it.
    #[error("`{path}` has no SDK: there is no `.sandpit` in it, and no folder above it has one", path = path.display())]
    NoSdk {
        /// The strategy's folder.
        path: PathBuf,
    },
    /// Tools of a language could not be fetched.
    #[error("the tools for {kind} could not be set up from its package registry")]
    Toolchain {
        /// Which.
        kind: &'static str,
        /// What the registry's client said.
        output: String,
    },
    /// A tool answered with something else than it promises.
    #[error("cannot understand the answer of `{tool}`: {problem}")]
    StrangeAnswer {
        /// Which.
        tool: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The core module could not be made into a component.
    #[error("package `{package}` builds a core module that is no strategy")]
    Encode {
        /// Which.
        package: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Not a name for a strategy.
    #[error("`{0}` is no strategy name: 1 to 64 of a-z, 0-9 and `-`, starting with a letter")]
    BadName(String),
    /// There is something already.
    #[error("`{path}` exists already", path = .0.display())]
    Exists(PathBuf),
}

impl AuthorError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::ToolMissing { tool, .. } if tool.ends_with("cargo") => {
                "building a strategy needs Rust: install it with rustup".to_owned()
            }
            Self::ToolMissing { tool, .. } if tool.ends_with("python3") => {
                "a strategy in Python needs Python 3.10 or newer, with pip".to_owned()
            }
            Self::ToolMissing { tool, .. } if tool.ends_with("node") || tool.ends_with("npm") => {
                "a strategy in TypeScript needs Node.js 20 or newer, with npm".to_owned()
            }
            Self::Toolchain { output, .. } => format!(
                "the first build needs the network, later ones do not; the client said: {output}"
            ),
            Self::NoSdk { .. } => {
                "begin a strategy with `sandpit plugin new`, and keep its `.sandpit` folder"
                    .to_owned()
            }
            Self::TargetMissing { output } => {
                format!("run `rustup target add {GUEST_TARGET}` yourself; rustup said: {output}")
            }
            Self::ToolFailed { output, .. } if !output.is_empty() => output.clone(),
            Self::NoPackage { .. } => {
                "name the folder of a strategy; `sandpit plugin new NAME` makes one".to_owned()
            }
            Self::NoCdylib { .. } => {
                "add to its Cargo.toml: [lib] crate-type = [\"cdylib\", \"rlib\"]".to_owned()
            }
            Self::Encode { .. } => {
                "export a strategy with the SDK's macro; see docs/authors/first-strategy.md"
                    .to_owned()
            }
            Self::Exists(_) => "choose another name, or remove it first".to_owned(),
            _ => return None,
        })
    }

    fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// Finds the repository: the folder that has `plugins/` and `wit/`, upwards from here, or where
/// this binary was built.
#[must_use]
pub fn repository() -> Option<PathBuf> {
    let is_root = |folder: &Path| {
        folder.join("plugins/ema-cross/Cargo.toml").is_file()
            && folder.join("wit/strategy.wit").is_file()
    };
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .find(|folder| is_root(folder))
        .map(Path::to_owned)
        .or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().ok())
        .filter(|folder| is_root(folder))
}
