//! What git keeps and remembers, asked of git itself. It runs without our environment, fetches
//! nothing, takes no locks and runs no hooks.

use std::{
    env,
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::{Marks, Place, ScanError, Scanner};

/// Bytes of git's list of a working tree.
const LIST_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of a line of git's: an object's name and a path.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of git's own words that are kept for an error.
const WORDS_BYTES_MAX: usize = 400;

fn git(root: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear();
    // To find it, and whom it trusts with repositories of others.
    for name in ["PATH", "HOME", "XDG_CONFIG_HOME"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C"])
        .arg(root)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// An error of a step.
fn fail(step: &'static str, root: &Path) -> impl Fn(String) -> ScanError {
    let root = root.to_owned();
    move |problem| ScanError::Git { step, root: root.clone(), problem }
}

/// The files of a working tree: kept ones, and new ones that are not ignored. `None` where there is
/// no repository, or no git.
pub(super) fn listed(root: &Path) -> Result<Option<Vec<PathBuf>>, ScanError> {
    let is_tree = git(root).args(["rev-parse", "--is-inside-work-tree"]).output();
    if !is_tree.is_ok_and(|answer| answer.status.success() && answer.stdout.starts_with(b"true")) {
        return Ok(None);
    }
    let fail = fail("list the files", root);
    let mut command = git(root);
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]);
    let mut running = Running::start(command).map_err(|error| fail(error.to_string()))?;
    let mut list = Vec::new();
    let output = (&mut running.output).take(LIST_BYTES_MAX + 1);
    let mut output = BufReader::new(output);
    output.read_to_end(&mut list).map_err(|error| fail(error.to_string()))?;
    if u64::try_from(list.len()).unwrap_or(u64::MAX) > LIST_BYTES_MAX {
        return Err(fail("the list is too long".to_owned()));
    }
    running.end().map_err(fail)?;
    let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(Some(names.map(path_of).collect()))
}

fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    {
        PathBuf::from(OsStr::new(&*String::from_utf8_lossy(bytes)))
    }
}

/// Goes through every object that a branch, a tag, a stash or another reference leads to.
pub(super) fn scan(scanner: &mut Scanner, root: &Path) -> Result<(), ScanError> {
    const STEP: &str = "read the history";
    let fail = fail(STEP, root);
    let asked = git(root).args(["rev-parse", "--git-dir"]).stderr(Stdio::piped()).output();
    let asked = asked.map_err(|error| fail(error.to_string()))?;
    if !asked.status.success() {
        let words = String::from_utf8_lossy(&asked.stderr);
        return Err(fail(words.trim().chars().take(WORDS_BYTES_MAX).collect()));
    }
    let mut command = git(root);
    command.args(["rev-list", "--objects", "--all"]);
    let mut names = Running::start(command).map_err(|error| fail(error.to_string()))?;
    let mut objects = Objects::start(root).map_err(|error| fail(error.to_string()))?;
    let mut line = Vec::new();
    while !scanner.is_over() {
        line.clear();
        let read = (&mut names.output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        if read.map_err(|error| fail(error.to_string()))? == 0 {
            names.end().map_err(&fail)?;
            break;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let name = words.next().unwrap_or_default();
        let path = String::from_utf8_lossy(words.next().unwrap_or_default()).into_owned();
        let object = name_of(name).ok_or_else(|| fail("its list is not understood".to_owned()))?;
        objects.scan(scanner, object, path).map_err(|error| fail(error.to_string()))?;
    }
    Ok(())
}

/// The name of an object, of SHA-1 or SHA-256.
fn name_of(bytes: &[u8]) -> Option<&str> {
    let is_name = matches!(bytes.len(), 40 | 64) && bytes.iter().all(u8::is_ascii_hexdigit);
    std::str::from_utf8(bytes).ok().filter(|_| is_name)
}

/// Gives out objects, one for each name that it is given.
struct Objects {
    running: Running,
    input: ChildStdin,
}

impl Objects {
    fn start(root: &Path) -> io::Result<Self> {
        let mut command = git(root);
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped());
        let mut running = Running::start(command)?;
        let input = running.child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { running, input })
    }

    fn scan(&mut self, scanner: &mut Scanner, object: &str, path: String) -> io::Result<()> {
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        self.input.write_all(format!("{object}\n").as_bytes())?;
        self.input.flush()?;
        let output = &mut self.running.output;
        let mut head = Vec::new();
        output.take(LINE_BYTES_MAX).read_until(b'\n', &mut head)?;
        let head = String::from_utf8_lossy(&head);
        let mut words = head.split_whitespace().skip(1);
        let kind = words.next().ok_or_else(broken)?;
        if kind == "missing" {
            scanner.report.skip(path, "git has it no longer, or not yet");
            return Ok(());
        }
        let length: u64 = words.next().and_then(|text| text.parse().ok()).ok_or_else(broken)?;
        let mut content = output.take(length);
        let path = match kind {
            // Names of files are looked at with the files.
            "tree" => None,
            "blob" => Some(path),
            "commit" => Some("(commit)".to_owned()),
            _ => Some("(tag)".to_owned()),
        };
        if let Some(path) = path {
            scanner.report.objects += 1;
            let place = Place { path, object: Some(object.to_owned()) };
            scanner.read(&place, &mut content, Marks::Count)?;
        }
        // A bound may have been reached within it.
        io::copy(&mut content, &mut io::sink())?;
        let mut newline = [0];
        output.read_exact(&mut newline)
    }
}

/// A git that runs for us, and no longer than we do.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { child, output: BufReader::new(output) })
    }

    /// What it gave is all there is.
    fn end(&mut self) -> Result<(), String> {
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("it ended with {status}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
