//! Every command that a document shows between console fences is run here, in the order in which a
//! reader would run them, in an empty folder for each document; or it is listed as not run, with
//! the reason. A command that ends in `&` goes on while those after it run; it is a session, and is
//! waited for until it takes commands, or an exchange, until it takes connections.

use std::{
    fs::{self, File},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use super::support::{binary, files, root, strategies_target, text, user_folder};

/// Commands that are not run, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("cargo test --release", "this test is part of it"),
    ("cargo run --release -- ", "run as `sandpit`, without cargo around it"),
    ("cargo install ", "installs into the reader's home"),
    ("git clone ", "needs the network"),
    ("rustup ", "changes the reader's toolchain"),
];

/// Documents for which the reader has a language, and a tool that it comes with.
const NEEDS: [(&str, &str); 2] =
    [("docs/authors/python.md", "python3"), ("docs/authors/typescript.md", "npm")];

/// Whether a tool is not on this machine; says so, and fails in CI.
#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn is_missing(tool: &str) -> bool {
    if Command::new(tool).arg("--version").output().is_ok_and(|it| it.status.success()) {
        return false;
    }
    assert!(std::env::var_os("CI").is_none(), "{tool} is missing");
    eprintln!("skipped: what needs {tool} is not run");
    true
}

/// The longest that a session may take until it takes commands.
const SESSION_START_MAX: Duration = Duration::from_secs(120);
/// Where an exchange listens that is told nothing else.
const EXCHANGE: &str = "127.0.0.1:8787";
/// Between two tries to reach a session.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// A session that goes on until its document is through.
struct Session {
    process: Child,
    /// What it says on either output.
    said: PathBuf,
}

impl Session {
    /// Starts it, and waits until it can be spoken to.
    fn start(mut command: Command, words: &str, folder: &Path) -> Self {
        let is_exchange = words.contains("sandpit exchange");
        let said = folder.join(if is_exchange { "exchange.out" } else { "session.out" });
        let file = File::create(&said).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let mut session = Self { process: command.spawn().unwrap(), said };
        let begun = Instant::now();
        let is_there = || match is_exchange {
            true => TcpStream::connect(EXCHANGE).is_ok(),
            false => UnixStream::connect(folder.join("session/admin.sock")).is_ok(),
        };
        while !is_there() {
            let ended = session.process.try_wait().unwrap();
            let (said, waited) = (fs::read_to_string(&session.said).unwrap(), begun.elapsed());
            assert!(ended.is_none(), "the session ended with {ended:?}: {said}");
            assert!(waited < SESSION_START_MAX, "the session takes no commands: {said}");
            thread::sleep(TRY_EVERY);
        }
        session
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

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
        if NEEDS.iter().any(|(path, tool)| document == Path::new(path) && is_missing(tool)) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        // Documents speak of the repository's files by their paths from its root.
        for linked in ["plugins", "docs", "wit"] {
            link(&root().join(linked), &folder.path().join(linked));
        }
        let mut here = folder.path().to_owned();
        let mut sessions = Vec::new();
        for command in commands(&text(&document).unwrap()) {
            if NOT_RUN.iter().any(|(start, _)| command.starts_with(start)) {
                continue;
            }
            if let Some(to) = command.strip_prefix("cd ") {
                here = here.join(to);
                continue;
            }
            let words = command.trim_end_matches('&').trim_end();
            // The process itself is to be ended, and not a shell around it.
            let words = if words == command { command.clone() } else { format!("exec {words}") };
            let mut run = Command::new("bash");
            run.args(["-euo", "pipefail", "-c", &words])
                .current_dir(&here)
                .env("PATH", &path)
                .env("CARGO_TARGET_DIR", strategies_target())
                .env("SANDPIT_TOOLCHAINS", strategies_target().join("toolchains"))
                .env("NO_COLOR", "1")
                // Each document's reader trusts nobody yet.
                .env("XDG_CONFIG_HOME", folder.path().join(".config"))
                .env("XDG_CACHE_HOME", user_folder("cache"))
                .env("XDG_STATE_HOME", user_folder("state"));
            ran += 1;
            if words != command {
                sessions.push(Session::start(run, &words, &here));
                continue;
            }
            let done = run.output().unwrap();
            assert!(
                done.status.success(),
                "{}: `{command}` ended with {}\n{}{}",
                document.display(),
                done.status,
                String::from_utf8_lossy(&done.stdout),
                String::from_utf8_lossy(&done.stderr),
            );
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
