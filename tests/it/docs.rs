//! Every command that a document shows between console fences is run here, in the order in which a
//! reader would run them, in an empty folder for each document; or it is listed as not run, with
//! the reason.

use std::{fs, path::Path, process::Command};

use super::support::{binary, files, root, strategies_target, text, user_folder};

/// Commands that are not run, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("cargo test --release", "this test is part of it"),
    ("cargo run --release -- ", "run as `sandpit`, without cargo around it"),
    ("cargo install ", "installs into the reader's home"),
    ("git clone ", "needs the network"),
    ("rustup ", "changes the reader's toolchain"),
];

/// Commands between console fences, without their prompt; a command ends in `\` where it goes on.
fn commands(document: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut in_fence = false;
    let mut goes_on = false;
    for line in document.lines() {
        if line.starts_with("```") {
            in_fence = line == "```console";
            goes_on = false;
        } else if in_fence && (goes_on || line.starts_with("$ ")) {
            let words = line.trim_start_matches("$ ").trim();
            let ended = words.trim_end_matches('\\').trim();
            match commands.last_mut() {
                Some(last) if goes_on => {
                    last.push(' ');
                    last.push_str(ended);
                }
                _ => commands.push(ended.to_owned()),
            }
            goes_on = words.ends_with('\\');
        }
    }
    commands
}

#[test]
fn commands_are_found() {
    let document = "```console\n$ a b \\\n    c\nsaid\n$ d\n```\n```toml\n$ e\n```\n";
    assert_eq!(commands(document), ["a b c", "d"]);
}

#[test]
fn every_command_in_the_documents_works() {
    let is_document = |path: &Path| {
        path == Path::new("README.md")
            || (path.starts_with("docs") && path.extension().is_some_and(|e| e == "md"))
    };
    let path = format!(
        "{}:{}",
        binary().parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut ran = 0;
    for document in files().into_iter().filter(|path| is_document(path)) {
        let folder = tempfile::tempdir().unwrap();
        // Documents speak of the repository's files by their paths from its root.
        for linked in ["plugins", "docs", "wit"] {
            link(&root().join(linked), &folder.path().join(linked));
        }
        let mut here = folder.path().to_owned();
        for command in commands(&text(&document).unwrap()) {
            if NOT_RUN.iter().any(|(start, _)| command.starts_with(start)) {
                continue;
            }
            if let Some(to) = command.strip_prefix("cd ") {
                here = here.join(to);
                continue;
            }
            let done = Command::new("bash")
                .args(["-euo", "pipefail", "-c", &command])
                .current_dir(&here)
                .env("PATH", &path)
                .env("CARGO_TARGET_DIR", strategies_target())
                .env("NO_COLOR", "1")
                // Each document's reader trusts nobody yet.
                .env("XDG_CONFIG_HOME", folder.path().join(".config"))
                .env("XDG_CACHE_HOME", user_folder("cache"))
                .env("XDG_STATE_HOME", user_folder("state"))
                .output()
                .unwrap();
            assert!(
                done.status.success(),
                "{}: `{command}` ended with {}\n{}{}",
                document.display(),
                done.status,
                String::from_utf8_lossy(&done.stdout),
                String::from_utf8_lossy(&done.stderr),
            );
            ran += 1;
        }
    }
    assert!(ran > 5, "only {ran} commands were found");
}

fn link(from: &Path, to: &Path) {
    #[cfg(unix)]
    std::os::unix::fs::symlink(from, to).unwrap();
    #[cfg(not(unix))]
    let _ = (from, to);
}

#[test]
fn every_example_configuration_is_whole() {
    let mut checked = 0;
    for entry in fs::read_dir(root().join("docs/examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let shown = path.display().to_string();
            super::support::run(&root(), &["config", "check", &shown]).ends(0);
            checked += 1;
        }
    }
    assert!(checked >= 2, "only {checked} examples");
}
