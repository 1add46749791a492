//! Strategies in processes of their own, through the command: the same reports, and walls that are
//! seen and required.

use std::{fs, path::Path};

use super::support::{root, run};

/// The demo's market and one strategy over it.
fn backtest(folder: &Path, out: &str, more: &[&str]) -> super::support::Run {
    let (tape, out) = (folder.join("demo/market.tape"), folder.join(out));
    let words = ["backtest", "docs/examples/two-strategies.toml", "--tape", tape.to_str().unwrap()];
    run(&root(), &[&words[..], &["--out", out.to_str().unwrap()], more].concat())
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_of_its_own_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    run(&root(), &["demo", "--out", folder.path().join("demo").to_str().unwrap()]).ends(0);
    let receipt = |isolation: &str| {
        backtest(folder.path(), isolation, &["--isolation", isolation]).ends(0);
        fs::read(folder.path().join(isolation).join("receipt.json")).unwrap()
    };
    assert_eq!(receipt("inline"), receipt("process"));
}

#[cfg(target_os = "linux")]
#[test]
fn walls_are_shown_and_required() {
    let folder = tempfile::tempdir().unwrap();
    let shown = run(folder.path(), &["--json", "plugin", "walls"]).ends(0).json();
    let walls = shown["walls"].as_array().unwrap();
    let wall = |name: &str| walls.iter().find(|wall| wall["name"] == name).unwrap();
    for name in ["host-memory", "seccomp", "limits", "sealed-code", "no-new-privileges"] {
        assert_eq!(wall(name)["stands"], true, "{shown:#}");
    }
    for wall in walls.iter().filter(|wall| wall["stands"] == false) {
        assert!(!wall["reason"].as_str().unwrap().is_empty(), "{shown:#}");
    }
    assert_eq!(run(folder.path(), &["--json", "doctor"]).ends(0).json(), shown);
    let text = run(folder.path(), &["plugin", "walls"]).ends(0).output;
    assert!(text.contains("stands   seccomp"), "{text}");
}

#[test]
fn the_document_tells_of_every_wall() {
    let document = fs::read_to_string(root().join("docs/security.md")).unwrap();
    for wall in sandpit_plugin::WallName::ALL {
        let row = format!("| `{wall}` | {} |", wall.stops());
        assert!(document.contains(&row), "docs/security.md lacks `{row}`");
    }
}

#[test]
fn a_runner_is_not_for_people() {
    let run = run(&root(), &["__runner"]);
    assert_ne!(run.exit, Some(0), "{run:#?}");
    assert!(run.errors.contains("sandpit runner: "), "{run:#?}");
}
