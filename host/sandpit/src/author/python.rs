//! Python: the strategy and the SDK are put together in one folder, and `componentize-py` links them
//! with an interpreter into a component that has run its imports already.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    AuthorError,
    project::Project,
    tool::{Voice, run, run_aloud},
    toolchain::{self, Client},
};

/// The module that the component begins with; no author's module may have its name.
const ENTRY: &str = "sandpit_entry";
/// The world of the contract.
const WORLD: &str = "strategy";
/// Python files of a strategy, in all.
const FILES_MAX: usize = 1_000;
/// Folders that hold nothing of the strategy.
const SKIPPED: [&str; 4] = ["target", "__pycache__", "tests", "node_modules"];

/// The component's bytes.
pub(super) fn build(project: &Project, voice: Voice) -> Result<Vec<u8>, AuthorError> {
    let sdk = project.sdk("python");
    let tools = toolchain::ensure(project, Client::Pip, &sdk.join("toolchain"), voice)?;
    let sources = project.work_folder().join("python");
    if sources.exists() {
        fs::remove_dir_all(&sources).map_err(AuthorError::io("remove", &sources))?;
    }
    let mut files = 0;
    copy(&sdk.join("sandpit"), &sources.join("sandpit"), &mut files)?;
    copy(&project.folder, &sources, &mut files)?;
    let entry = sources.join(format!("{ENTRY}.py"));
    fs::write(&entry, entry_text(project)?).map_err(AuthorError::io("write", &entry))?;
    let out = project.work_folder().join(format!("{}.part.wasm", project.name));
    let mut command = toolchain::python();
    command.current_dir(&sources).env("PYTHONPATH", &tools);
    command.arg("-c").arg("import sys, componentize_py; sys.exit(componentize_py.script())");
    command.arg("-d").arg(project.contract()).args(["-w", WORLD, "componentize", "--stub-wasi"]);
    command.arg("-p").arg(&sources).arg("-o").arg(&out).arg(ENTRY);
    let made = run(&mut command, Voice::Silent)
        .and_then(|_| fs::read(&out).map_err(AuthorError::io("read", &out)));
    // The component is written by the caller; this one was the tool's.
    let _ = fs::remove_file(&out);
    made
}

/// Runs the unit tests: `test*.py`, with the standard library's runner.
pub(super) fn test(project: &Project, voice: Voice) -> Result<(), AuthorError> {
    let path =
        std::env::join_paths([project.sdk("python"), project.folder.clone()]).map_err(|error| {
            AuthorError::Manifest { path: project.folder.clone(), problem: error.to_string() }
        })?;
    let mut command = toolchain::python();
    command.current_dir(&project.folder).env("PYTHONPATH", path);
    command.args(["-m", "unittest", "discover", "--start-directory", "."]);
    run_aloud(&mut command, voice)
}

fn entry_text(project: &Project) -> Result<String, AuthorError> {
    let quoted = |text: &str| {
        serde_json::to_string(text).map_err(|error| AuthorError::StrangeAnswer {
            tool: "the manifest",
            problem: error.to_string(),
        })
    };
    Ok(format!(
        "import strategy\nfrom sandpit.component import handlers, strategy_of\n\n\
         Handlers = handlers(strategy_of(strategy), {}, {}, {})\n",
        quoted(&project.name)?,
        quoted(&project.version)?,
        quoted(&project.summary)?,
    ))
}

/// Copies the Python files of a folder, and of the folders in it.
fn copy(from: &Path, to: &Path, files: &mut usize) -> Result<(), AuthorError> {
    fs::create_dir_all(to).map_err(AuthorError::io("create", to))?;
    for (name, path) in entries(from)? {
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) && !name.starts_with('.') {
                copy(&path, &to.join(&name), files)?;
            }
        } else if is_source(&name) {
            *files += 1;
            if *files > FILES_MAX {
                return Err(AuthorError::Manifest {
                    path: from.to_owned(),
                    problem: format!("there are more than {FILES_MAX} Python files"),
                });
            }
            fs::copy(&path, to.join(&name)).map_err(AuthorError::io("copy", &path))?;
        }
    }
    Ok(())
}

fn is_source(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "py")
        && !name.starts_with("test")
        || name == "testing.py"
}

/// Names and paths in a folder, in their order: a component must not depend on a disk's.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, AuthorError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(AuthorError::io("read", folder))? {
        let entry = entry.map_err(AuthorError::io("read", folder))?;
        entries.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    entries.sort();
    Ok(entries)
}
