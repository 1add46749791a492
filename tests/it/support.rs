//! What the black-box tests share: where things are, and the command under test.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The binary, built like everything else: a test run of this package alone would find an old one.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .current_dir(root())
            .args(["build", "--release", "--quiet", "--bin", "sandpit"])
            .status()
            .unwrap();
        assert!(built.success(), "the binary does not build");
        // This test runs from `target/release/deps`.
        let here = env::current_exe().unwrap();
        here.ancestors().nth(2).unwrap().join("sandpit")
    })
}

/// Where strategies are built that a test begins: one folder for all, so that what they are built
/// on is compiled once.
pub(crate) fn strategies_target() -> PathBuf {
    root().join("target/strategies")
}

/// A folder of the user as whom the tests run the command.
pub(crate) fn user_folder(name: &str) -> PathBuf {
    strategies_target().join("user").join(name)
}

/// The command in a folder, with nothing of the caller's settings.
pub(crate) fn sandpit(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", strategies_target())
        .env_remove("SANDPIT_LOG")
        // Nothing of the caller's: an empty list of whom to trust, and a cache of the tests' own.
        .env("XDG_CONFIG_HOME", user_folder("config"))
        .env("XDG_CACHE_HOME", user_folder("cache"))
        .env("XDG_STATE_HOME", user_folder("state"))
        .env("NO_COLOR", "1");
    command
}

/// What a run of the command left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) exit: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Run {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.output)
            .unwrap_or_else(|error| panic!("one JSON document: {error}\n{self:#?}"))
    }

    /// Asserts how it ended; everything it said is in the message if not.
    pub(crate) fn ends(self, exit: i32) -> Self {
        assert_eq!(self.exit, Some(exit), "{self:#?}");
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code(),
            output: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the command with these words in `folder`.
pub(crate) fn run(folder: &Path, words: &[&str]) -> Run {
    sandpit(folder).args(words).output().unwrap().into()
}

/// Every file of the repository that people write, with its path from the root.
pub(crate) fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&root(), &root(), &mut files);
    files.sort();
    assert!(files.len() > 50, "the repository is elsewhere");
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if ["target", ".git", "sandpit-out", ".env"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).unwrap().to_owned());
        }
    }
}

/// The text of a repository file; `None` where it is not text.
pub(crate) fn text(path: &Path) -> Option<String> {
    String::from_utf8(fs::read(root().join(path)).unwrap()).ok()
}
