//! `.env` files: who else can read them, what is in them, what an error may say.

use std::{fs, path::Path, process::Command};

use super::*;

const CANARY: &str = "canary0environment0value";

fn write(path: &Path, content: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn load(content: &str) -> Result<Variables, EnvironmentError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    write(&path, content, 0o600);
    Environment::default().with_file(path, Care::Refuse).load()
}

fn value(variables: &Variables, name: &str) -> Option<String> {
    variables.get(name).unwrap().map(|value| value.expose().to_owned())
}

#[test]
fn a_file_is_read_and_not_exported() {
    const NAME: &str = "SANDPIT_TEST_OF_ENVIRONMENT_API_KEY";
    let variables = load(&format!(
        "\u{feff}# a comment\n{NAME}=plain\nexport B='single $ # quoted'\nC=\"a\\nb\"\nD=\nB=later\n"
    ))
    .unwrap();
    assert_eq!(value(&variables, NAME).as_deref(), Some("plain"));
    assert_eq!(value(&variables, "B").as_deref(), Some("single $ # quoted"));
    assert_eq!(value(&variables, "C").as_deref(), Some("a\nb"));
    assert_eq!(value(&variables, "D"), None);
    assert_eq!(value(&variables, "E"), None);
    assert_eq!(env::var_os(NAME), None);
}

#[test]
fn the_process_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    write(&path, "PATH=of-the-file\nONLY_HERE_A7=yes\n", 0o600);
    let variables = Environment::process().with_file(path, Care::Refuse).load().unwrap();
    assert_ne!(value(&variables, "PATH").as_deref(), Some("of-the-file"));
    assert_eq!(value(&variables, "ONLY_HERE_A7").as_deref(), Some("yes"));
}

#[test]
fn a_file_that_is_not_there_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::default().with_file(folder.path().join("none"), Care::Refuse);
    assert_eq!(value(&environment.load().unwrap(), "A"), None);
}

#[test]
fn a_file_that_others_can_read_is_refused_or_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    for (mode, is_open) in
        [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o620, true), (0o644, true)]
    {
        write(&path, "A=1\n", mode);
        let refused = Environment::default().with_file(path.clone(), Care::Refuse).load();
        let warned = Environment::default().with_file(path.clone(), Care::Warn).load().unwrap();
        assert_eq!(refused.is_err(), is_open, "{mode:o}");
        assert_eq!(warned.warnings.len(), usize::from(is_open));
        assert_eq!(value(&warned, "A").as_deref(), Some("1"));
        if let Err(error) = refused {
            let error = error.to_string();
            assert!(error.contains("chmod 600") && error.contains(&format!("{mode:o}")), "{error}");
        }
    }
}

#[test]
fn a_file_that_git_tracks_is_refused() {
    for version in ["2", "3", "4"] {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let output = Command::new("git").current_dir(folder.path()).args(arguments).output();
            output.is_ok_and(|output| output.status.success())
        };
        if !git(&["init", "--quiet"]) {
            eprintln!("not checked: there is no git here");
            return;
        }
        let sub = folder.path().join("sub");
        fs::create_dir(&sub).unwrap();
        let path = sub.join(".env");
        write(&path, "A=1\n", 0o600);
        for name in ["sub/.env.example", "sub/a", "b", "subway"] {
            write(&folder.path().join(name), "x", 0o600);
        }
        assert!(git(&["add", "sub/.env.example", "sub/a", "b", "subway"]));
        let load = || Environment::default().with_file(path.clone(), Care::Refuse).load();
        load().unwrap();
        assert!(git(&["add", "--force", "sub/.env"]));
        if version == "3" {
            // Two more bytes of flags for this one.
            assert!(git(&["update-index", "--skip-worktree", "sub/.env.example"]));
        }
        assert!(git(&["update-index", "--index-version", version]));
        assert!(matches!(load(), Err(EnvironmentError::Tracked { .. })), "version {version}");
        assert!(git(&["rm", "--cached", "--quiet", "sub/.env"]));
        load().unwrap();
    }
}

#[test]
fn a_line_that_is_none_is_not_repeated() {
    for content in [
        format!("A=1\n{CANARY}\n"),
        format!("A=1\nB=\"{CANARY}\n"),
        format!("A=1\nB=two words {CANARY}\n"),
    ] {
        let error = load(&content).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(CANARY), "{shown}");
        assert!(shown.contains("what follows `A`"), "{shown}");
    }
}

#[test]
fn bounds() {
    assert!(matches!(load(&"#".repeat(256 * 1024 + 1)), Err(EnvironmentError::TooLong { .. })));
    let long = load(&format!("A='{}'\n", "x".repeat(VALUE_BYTES_MAX + 1))).unwrap();
    assert!(matches!(long.get("A"), Err(EnvironmentError::Value { .. })));
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::default().with_file(folder.path().to_owned(), Care::Refuse);
    assert!(matches!(environment.load(), Err(EnvironmentError::NotAFile { .. })));
}

proptest::proptest! {
    /// An index is a file that anybody may have written.
    #[test]
    fn no_index_ends_in_a_panic(tail: Vec<u8>, version in 0u8..6, entries in 0u8..4) {
        let mut index = b"DIRC\0\0\0".to_vec();
        index.extend([version, 0, 0, 0, entries]);
        index.extend(tail);
        tracked::parses(&index);
    }

    #[test]
    fn no_file_ends_in_a_panic(content in "[ -~\n\"'$\\\\#=]{0,200}") {
        let _ = load(&content);
    }
}
