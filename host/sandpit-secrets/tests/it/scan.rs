//! Keys where none belong: in a tree, in what git remembers, in files. And this repository itself.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sandpit_secrets::scan::{
    ALLOW_FILE, AllowList, Bound, Rule, ScanError, ScanLimits, ScanReport, Scanner,
};

/// Random, and of nothing; in pieces, so that it is not in this file.
fn secret(at: usize) -> String {
    let text = ["kT9vQx2LmWn7", "RzB4pYc8HsJd", "Gf3XeUaZ6oCv", "Nw1bQy5uIiMt"].concat();
    let (end, begin) = text.split_at(at);
    format!("{begin}{end}")
}

fn line(at: usize) -> String {
    format!("api_token = \"{}\"\n", secret(at))
}

fn scanner() -> Scanner {
    Scanner::new(AllowList::default(), ScanLimits::default())
}

/// Paths and lines of what was found.
fn found(report: &ScanReport) -> Vec<String> {
    let shown = format!("{report:?}");
    for at in 0..40 {
        assert!(!shown.contains(&secret(at)), "a report shows a key");
    }
    report.findings.iter().map(|found| format!("{}:{}", found.place.path, found.line)).collect()
}

fn git(root: &Path, arguments: &[&str]) {
    let names =
        ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    let status = Command::new("git")
        .args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", "-C"])
        .arg(root)
        .args(arguments)
        .envs(names.map(|name| (name, "test@example.com")))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "git {arguments:?}");
}

#[test]
fn a_tree_is_what_git_keeps_or_would_keep() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let write = |path: &str, content: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    write(".gitignore", ".env\n/out/\n");
    write(".env", &line(1));
    write("out/log", &line(2));
    write("src/kept.rs", &format!("\n{}", line(3)));
    write("src/ü name.rs", &line(4));
    write("gone.rs", &line(5));
    write("target/built", &line(6));
    std::os::unix::fs::symlink("src/kept.rs", root.join("link")).unwrap();

    // Without git there is nobody to say what is ignored, but build output is.
    let mut scan = scanner();
    scan.tree(root).unwrap();
    let report = scan.finish();
    let expected = [".env:1", "gone.rs:1", "out/log:1", "src/kept.rs:2", "src/ü name.rs:1"];
    let mut paths = found(&report);
    paths.sort();
    assert_eq!(paths, expected);

    git(root, &["init", "--quiet"]);
    git(root, &["add", "src/kept.rs", "gone.rs"]);
    fs::remove_file(root.join("gone.rs")).unwrap();
    let mut scan = scanner();
    scan.tree(root).unwrap();
    let report = scan.finish();
    let mut paths = found(&report);
    paths.sort();
    assert_eq!(paths, ["src/kept.rs:2", "src/ü name.rs:1", "target/built:1"]);
    assert_eq!(report.skipped.len(), 1);
    assert_eq!((report.skipped[0].path.as_str(), report.skipped[0].why), ("link", "it is a link"));

    // What was found can be allowed, with a reason, and what a list allows in vain is said.
    let print = report.findings.iter().find(|found| found.place.path == "src/kept.rs").unwrap();
    let list = format!("{} src/kept.rs of a test\n0123456789abcdef none old\n", print.fingerprint);
    write(ALLOW_FILE, &list);
    let mut scan = Scanner::new(AllowList::of_tree(root).unwrap(), ScanLimits::default());
    scan.tree(root).unwrap();
    let report = scan.finish();
    assert_eq!(report.findings.len(), 2);
    assert_eq!((report.allowed, report.unused.len()), (1, 1));
    assert_eq!(report.unused[0].path, "none");
    write(ALLOW_FILE, "nonsense");
    assert!(matches!(AllowList::of_tree(root), Err(ScanError::Allow { line: 1, .. })));
}

#[test]
fn what_git_remembers_is_found_after_it_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "--quiet"]);
    let commit = |message: &str| {
        git(root, &["add", "-A"]);
        git(root, &["commit", "--quiet", "--allow-empty", "-m", message]);
    };
    for version in 0..5 {
        fs::write(root.join("a.rs"), format!("{}// {version}\n", line(7))).unwrap();
        commit("a version");
    }
    fs::write(root.join("a.rs"), "nothing\n").unwrap();
    commit("a key is gone");
    // On another branch, in a message, in a tag, and in a stash.
    git(root, &["checkout", "--quiet", "-b", "other"]);
    fs::write(root.join("b c.rs"), line(8)).unwrap();
    commit(&format!("with {}", line(9)));
    git(root, &["tag", "-a", "v1", "-m", &line(10)]);
    git(root, &["checkout", "--quiet", "main"]);
    fs::write(root.join("a.rs"), line(11)).unwrap();
    git(root, &["stash", "--quiet"]);

    let mut scan = scanner();
    scan.tree(root).unwrap();
    assert!(scan.finish().is_clean());
    let mut scan = scanner();
    scan.history(root).unwrap();
    let report = scan.finish();
    let mut paths = found(&report);
    paths.sort();
    assert_eq!(paths[0].rsplit_once(':').unwrap().0, "(commit)");
    assert_eq!(paths[1].rsplit_once(':').unwrap().0, "(tag)");
    assert_eq!(paths[2..], ["a.rs:1", "a.rs:1", "b c.rs:1"]);
    let times: u64 = report.findings.iter().map(|found| found.times).max().unwrap();
    assert_eq!(times, 5, "one key in five versions is one finding");
    assert!(report.findings.iter().all(|found| found.place.object.is_some()));
    assert!(report.objects >= 16);

    let limits = ScanLimits { objects_max: 3, ..ScanLimits::default() };
    let mut scan = Scanner::new(AllowList::default(), limits);
    scan.history(root).unwrap();
    let report = scan.finish();
    assert_eq!(report.ended_by, Some(Bound::Objects));
    assert!(!report.is_clean());

    let none = tempfile::tempdir().unwrap();
    let error = scanner().history(none.path()).unwrap_err();
    assert!(error.to_string().contains("not a git repository"), "{error}");
}

/// What a program wrote cannot allow itself.
#[test]
fn files_and_folders_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategy.wasm");
    let mut content = b"\0asm\x0d\0\x01\0".to_vec();
    content.extend_from_slice(format!("sandpit-scan: allow it\n{}", line(1)).as_bytes());
    fs::write(&path, content).unwrap();
    let mut scan = scanner();
    scan.files(&path).unwrap();
    let report = scan.finish();
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].rule, Rule::Assigned);
    let logs = folder.path().join("target/logs");
    fs::create_dir_all(&logs).unwrap();
    fs::write(logs.join("host.log"), line(2)).unwrap();
    let mut scan = scanner();
    scan.files(folder.path()).unwrap();
    assert_eq!(scan.finish().findings.len(), 2);
    let error = scanner().files(&folder.path().join("none")).unwrap_err();
    assert!(matches!(error, ScanError::Io { .. }));
}

/// The whole of this project, as it is and as git remembers it.
#[test]
fn this_repository_has_no_keys() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut scan = Scanner::new(AllowList::of_tree(&root).unwrap(), ScanLimits::default());
    scan.tree(&root).unwrap();
    if root.join(".git").exists() {
        scan.history(&root).unwrap();
    } else {
        eprintln!("not checked: the history, which is not here");
    }
    let report = scan.finish();
    let shown: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert!(report.is_clean(), "{}\n{:?}", shown.join("\n"), report.ended_by);
    assert!(report.files > 500, "only {} files were read", report.files);
    assert!(report.unused.is_empty(), "allowed and not there: {:?}", report.unused);
}
