//! What the black-box tests share: where things are, and the command under test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

pub(crate) use sandpit_tests::{binary, root, sandpit, strategies_target, user_folder};

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
