//! The command line as its users meet it: what it prints, where, and how it ends.

use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::support::{Run, root, run, sandpit};

fn empty() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Runs it twice: as text and with `--json`. Both end the same way, and the second prints one
/// document and nothing else.
fn both(folder: &Path, words: &[&str], exit: i32) -> (Run, Value) {
    let text = run(folder, words).ends(exit);
    let json = run(folder, &[&["--json"], words].concat()).ends(exit);
    (text, json.json())
}

#[test]
fn help_names_every_command_and_exit_code() {
    let help = run(&root(), &["--help"]).ends(0).output;
    for word in
        ["demo", "plugin", "data", "backtest", "paper", "report", "bench", "completions", "config"]
    {
        assert!(help.contains(&format!("\n  {word}")), "{word} is not in:\n{help}");
    }
    let document = fs::read_to_string(root().join("docs/operators/exit-codes.md")).unwrap();
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "130"] {
        assert!(help.contains(&format!("{code} ")), "{code} is not in:\n{help}");
        assert!(document.contains(&format!("\n| {code} |")), "{code} is not documented");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    let wrong = run(&root(), &["backtset"]).ends(2);
    assert!(wrong.output.is_empty() && wrong.errors.contains("backtest"), "{wrong:#?}");
    let json = run(&root(), &["--json", "plugin", "new"]).ends(2).json();
    assert_eq!(json["error"]["kind"], "usage");
}

#[test]
fn a_wrong_configuration_is_shown_in_its_place_and_ends_with_3() {
    let folder = empty();
    let text = "version = 1\ntapes = [\"x.tape\"]\nsed = 3\n";
    fs::write(folder.path().join("run.toml"), text).unwrap();
    let (shown, json) = both(folder.path(), &["config", "check", "run.toml"], 3);
    assert!(shown.output.is_empty());
    assert!(shown.errors.contains("unknown field `sed`"), "{}", shown.errors);
    assert!(shown.errors.contains("run.toml:3:1"), "{}", shown.errors);
    assert_eq!(json["error"]["place"]["line"], 3);
    assert_eq!(json["error"]["kind"], "config");
    both(folder.path(), &["config", "check", "absent.toml"], 3);
    both(folder.path(), &["backtest"], 3);
}

#[test]
fn a_broken_env_file_is_a_configuration_error() {
    let folder = empty();
    fs::write(folder.path().join(".env"), "SANDPIT_LOG = \"unclosed\n").unwrap();
    let (shown, _) = both(folder.path(), &["config", "schema"], 3);
    assert!(shown.errors.contains(".env"), "{}", shown.errors);
    fs::write(folder.path().join(".env"), "SANDPIT_LOG=;;nonsense=;\n").unwrap();
    let (shown, _) = both(folder.path(), &["config", "schema"], 3);
    assert!(shown.errors.contains("SANDPIT_LOG"), "{}", shown.errors);
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&root(), &["completions", shell]).ends(0).output;
        assert!(script.contains("sandpit") && script.contains("backtest"), "{shell}");
    }
}

#[test]
fn a_strategy_is_started_built_and_tested() {
    let folder = empty();
    let begun = run(folder.path(), &["plugin", "new", "first"]).ends(0);
    assert!(begun.output.contains("sandpit plugin test"), "{begun:#?}");
    let again = run(folder.path(), &["plugin", "new", "first"]).ends(1);
    assert!(again.errors.contains("exists already"), "{again:#?}");
    run(folder.path(), &["plugin", "new", "No_Name"]).ends(2);

    let crate_folder = folder.path().join("first");
    let tested = run(&crate_folder, &["plugin", "test"]).ends(0);
    assert!(tested.output.contains("first"), "{tested:#?}");
    let built =
        run(&crate_folder, &["--json", "plugin", "build", "--out", "a.wasm"]).ends(0).json();
    for import in built["imports"].as_array().unwrap() {
        assert!(import.as_str().unwrap().starts_with("sandpit:strategy/"), "{built:#}");
    }

    // The same sources elsewhere give the same component, and no machine is named in it.
    let other = empty();
    copy(&crate_folder, &other.path().join("deeper/first"));
    let again =
        run(&other.path().join("deeper/first"), &["--json", "plugin", "build", "--out", "b.wasm"]);
    assert_eq!(again.ends(0).json()["sha256"], built["sha256"]);
    let bytes = fs::read(crate_folder.join("a.wasm")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for place in [folder.path().to_str().unwrap(), env!("CARGO_MANIFEST_DIR")] {
        assert!(!text.contains(place), "{place} is in the component");
    }

    let shown = both(&crate_folder, &["plugin", "inspect", "a.wasm"], 0).1;
    assert_eq!(shown["sha256"], built["sha256"]);
    assert_eq!(shown["name"], "first");
}

/// Copies a crate without what was built from it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() && name != "target" {
            copy(&path, &to.join(name));
        } else if path.is_file() {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

#[test]
fn what_is_no_strategy_is_refused_with_one_clear_line() {
    let folder = empty();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("empty.wasm", b"");
    write("text.wasm", b"(component)");
    write("core.wasm", b"\0asm\x01\0\0\0");
    write("component.wasm", b"\0asm\x0d\0\x01\0");
    write("random.wasm", &[0xa5; 4_096]);
    for name in ["empty.wasm", "text.wasm", "core.wasm", "component.wasm", "random.wasm"] {
        for command in ["inspect", "check"] {
            let (shown, json) = both(folder.path(), &["plugin", command, name], 5);
            assert!(shown.output.is_empty(), "{shown:#?}");
            assert!(shown.errors.contains(name), "{shown:#?}");
            assert_eq!(json["error"]["kind"], "plugin-refused");
        }
    }
    let (absent, _) = both(folder.path(), &["plugin", "inspect", "absent.wasm"], 1);
    assert!(absent.errors.contains("absent.wasm"), "{absent:#?}");
    let (no_crate, _) = both(folder.path(), &["plugin", "build", "."], 1);
    assert!(no_crate.errors.contains("is no strategy"), "{no_crate:#?}");
}

#[test]
fn data_is_imported_looked_at_and_checked_and_a_bad_row_is_named() {
    let folder = empty();
    let here = folder.path();
    let mapping = "kind=trades,time=timestamp,price=price,quantity=size,side=signed";
    let header = "timestamp,price,size\n";
    let rows = "1514764802610,13873.5,20\n1514764803110,13874,-5\n";
    fs::write(here.join("good.csv"), format!("{header}{rows}")).unwrap();
    fs::write(here.join("bad.csv"), format!("{header}{rows}1514764804000,NaN,1\n")).unwrap();
    let import = |file: &str, more: &[&str], exit| {
        let out = format!("{file}.tape");
        let words = ["--json", "data", "import", file, "--out", &out, "--mapping", mapping];
        run(here, &[&words[..], more].concat()).ends(exit).json()
    };
    assert_eq!(import("good.csv", &[], 0)["events"], 2);
    assert_eq!(import("good.csv", &[], 2)["error"]["kind"], "usage", "it is not replaced");
    let refused = import("bad.csv", &[], 4);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("bad.csv, line 4"), "{message}");
    assert!(!here.join("bad.csv.tape").exists());
    let repaired = import("bad.csv", &["--repair", "drop-bad"], 0);
    assert_eq!(repaired["events"], 2);
    assert_eq!(repaired["dropped"].as_object().unwrap().len(), 1);

    let shown = both(here, &["data", "info", "good.csv.tape"], 0).1;
    assert_eq!(shown["instruments"][0]["price_high"], "13874.0");
    assert_eq!(both(here, &["data", "check", "good.csv.tape"], 0).1["ok"], true);
    let mut damaged = fs::read(here.join("good.csv.tape")).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    fs::write(here.join("damaged.tape"), damaged).unwrap();
    both(here, &["data", "check", "damaged.tape"], 4);
    both(here, &["data", "info", "good.csv"], 4);
    run(here, &["data", "import", "good.csv", "--out", "x.tape", "--format", "parquet"]).ends(2);
}

#[test]
fn the_demo_contains_a_hostile_strategy_and_spares_its_neighbour() {
    let folder = empty();
    let out = folder.path().join("out");
    let words = ["--json", "demo", "--out", out.to_str().unwrap()];
    let shown = run(&root(), &words).ends(0).json();
    assert_eq!(shown["neighbour_unchanged"], true, "{shown:#}");
    assert!(shown["faults"].as_array().unwrap().len() >= 2, "{shown:#}");
    assert!(out.join("report.html").is_file());
    let text = run(&root(), &["demo", "--out", out.to_str().unwrap()]).ends(0);
    assert!(text.output.contains("Try next"), "{text:#?}");

    // Its receipt can be checked by anyone, and a change is found.
    let verified = both(folder.path(), &["report", "verify", "out"], 0).1;
    assert_eq!(verified["verified"], true);
    run(folder.path(), &["report", "show", "out"]).ends(0);
    let run_file = out.join("run.toml");
    let changed = fs::read_to_string(&run_file).unwrap().replace("latency_ms = ", "latency_ms = 1");
    fs::write(&run_file, changed).unwrap();
    let (differs, json) = both(folder.path(), &["report", "verify", "out"], 6);
    assert!(differs.output.contains("configuration"), "{differs:#?}");
    assert_eq!(json["verified"], false);
}

#[test]
fn one_and_two_threads_give_the_same_bytes() {
    let folder = empty();
    run(&root(), &["demo", "--out", folder.path().join("demo").to_str().unwrap()]).ends(0);
    let tape = folder.path().join("demo/market.tape");
    let mut receipts = Vec::new();
    for threads in ["1", "2", "2"] {
        let out = folder.path().join(format!("out-{}", receipts.len()));
        let out = out.to_str().unwrap();
        let words = ["backtest", "docs/examples/two-strategies.toml", "--tape"];
        let more = [tape.to_str().unwrap(), "--threads", threads, "--out", out];
        run(&root(), &[&words[..], &more[..]].concat()).ends(0);
        receipts.push(fs::read(Path::new(out).join("receipt.json")).unwrap());
    }
    assert_eq!(receipts[0], receipts[1]);
    assert_eq!(receipts[1], receipts[2]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_a_partial_report() {
    let folder = empty();
    let out = folder.path().join("out");
    run(&root(), &["demo", "--out", folder.path().join("demo").to_str().unwrap()]).ends(0);
    let tape = folder.path().join("demo/market.tape");
    let mut words = vec!["backtest".to_owned()];
    // The same tape many times over is long enough to be stopped.
    for _ in 0..40 {
        words.extend(["--tape".to_owned(), tape.display().to_string()]);
    }
    words.push("docs/examples/ema-cross.toml".to_owned());
    words.extend(["--out".to_owned(), out.display().to_string()]);
    let mut child = sandpit(&root())
        .args(&words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It says when the market begins to play.
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("playing") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it began");
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    io::copy(&mut said, &mut io::sink()).unwrap();
    let stopped = Run::from(child.wait_with_output().unwrap()).ends(130);
    assert!(stopped.output.contains("partial"), "{stopped:#?}");
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["run"]["ending"], "interrupted");
}
