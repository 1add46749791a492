//! `sandpit secrets` as people and programs use it.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use serde_json::json;

use super::{put, start};
use crate::{
    live::{Stage, exchange::secret, maker, variable, venue},
    support::{Run, run, sandpit},
};

const KEY: &str = "hostkeythatischecked";

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    format!("file://{}", path.display())
}

#[test]
fn check_says_what_a_key_is_and_never_the_key() {
    let stage = Stage::new();
    let exchange = start(&stage, &[(KEY, "created_ms = 1600000000000")]);
    put(stage.path(), KEY, &secret(KEY));
    stage.configure(
        &venue(&["BTCUSDT"], &exchange.address, "testnet"),
        &maker("btc", "BTCUSDT", "0.1"),
    );
    let words = ["--json", "secrets", "check", "--config", "run.toml", "--venue"];
    let told = run(stage.path(), &words).ends(0);
    assert!(!told.output.contains(KEY) && !told.output.contains("secret\""), "{told:#?}");
    let told = told.json();
    let key = &told["keys"][0];
    assert_eq!(key["uri"], "env://main/testnet", "{told:#}");
    assert_eq!((&key["provider"], &key["kind"]), (&json!("environment"), &json!("HMAC-SHA256")));
    assert_eq!((&key["account"], &key["mode"]), (&json!("main"), &json!("testnet")));
    assert_eq!(key["name"], "host…");
    assert_eq!(key["fingerprint"].as_str().unwrap().len(), 16);
    assert_eq!(
        (&told["venue"]["trade"], &told["venue"]["withdraw"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(told["venue"]["created"], "2020-09-13T12:26:40Z");
    let shown = run(stage.path(), &words[1..]).ends(0);
    assert!(shown.output.contains("withdraw     no"), "{shown:#?}");
    assert!(!shown.output.contains(KEY), "{shown:#?}");

    // Two accounts, one key; a place that is none; one that has nothing.
    let document = json!({ "api_key": KEY, "secret": secret(KEY) }).to_string();
    let uri = file(stage.path(), "key.json", &document);
    let told = run(stage.path(), &["--json", "secrets", "check", "env://main/testnet", &uri]);
    let told = told.ends(3).json();
    assert!(told["shared"].as_str().unwrap().contains("main/testnet"), "{told:#}");
    run(stage.path(), &["secrets", "check", "http://nowhere"]).ends(3);
    let told = run(stage.path(), &["--json", "secrets", "check", "env://other/testnet"]).ends(3);
    let problem = told.json()["keys"][0]["problem"].to_string();
    assert!(problem.contains("SANDPIT_OTHER_TESTNET_API_KEY"), "{problem}");
    run(stage.path(), &["secrets", "check"]).ends(3);
    // One that the exchange refuses.
    exchange.control("key/revoke", &format!("apiKey={KEY}"));
    let told = run(stage.path(), &words).ends(1).json();
    assert!(told["venue"]["problem"].as_str().unwrap().contains("-2015"), "{told:#}");
}

#[test]
fn rotate_needs_a_session_that_has_a_key() {
    let stage = Stage::new();
    run(stage.path(), &["secrets", "rotate", "--state", "memory"]).ends(8);
}

#[test]
fn scan_finds_a_key_in_files_history_components_and_logs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let scan = |words: &[&str]| run(path, &[&["--json", "secrets", "scan"], words].concat());
    fs::write(path.join("clean.txt"), "nothing here\n").unwrap();
    assert_eq!(scan(&[]).ends(0).json()["clean"], true);
    // Put together here, so that this file has none in it.
    let planted = ["AKIA", "Q7XN2VRT", "5LMPWD6H"].concat();
    fs::write(path.join("notes.txt"), format!("aws_access_key_id = {planted}\n")).unwrap();
    let told = scan(&[]).ends(9);
    assert!(!told.output.contains(&planted), "{told:#?}");
    let told = told.json();
    assert_eq!(told["findings"][0]["path"], "notes.txt", "{told:#}");
    assert_eq!(told["findings"][0]["line"], 1);

    // What git remembers is there, even once the file is gone.
    let git = |words: &[&str]| {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
        let mut git = std::process::Command::new("git");
        let done = git.current_dir(path).args(identity).args(words).output().unwrap();
        assert!(done.status.success(), "{words:?}: {done:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    fs::remove_file(path.join("notes.txt")).unwrap();
    git(&["commit", "--quiet", "-a", "-m", "second"]);
    assert_eq!(scan(&["--no-history"]).ends(0).json()["clean"], true);
    let told = scan(&[]).ends(9).json();
    assert!(told["findings"][0]["object"].is_string(), "{told:#}");

    // In a log, and in a component that a configuration names.
    let log = tempfile::tempdir().unwrap();
    fs::write(log.path().join("host.log"), format!("… {planted} …")).unwrap();
    let log = log.path().to_str().unwrap();
    scan(&["--no-history", "--logs", log]).ends(9);
    let text = "version = 1\n[venue]\nexchange = \"binance-spot\"\nsymbols = [\"BTCUSDT\"]\n\
                [[plugins]]\nname = \"a\"\ncomponent = \"a.wasm\"\nbudget = 1\n";
    fs::write(path.join("run.toml"), text).unwrap();
    fs::write(path.join(".gitignore"), "a.wasm\n").unwrap();
    fs::write(path.join("a.wasm"), format!("\0asm {planted}")).unwrap();
    scan(&["--no-history"]).ends(0);
    scan(&["--no-history", "--config", "run.toml"]).ends(9);
}

#[test]
fn scan_knows_the_configurations_own_keys_whatever_they_look_like() {
    let stage = Stage::new();
    let plain = "plainwordswithoutmeaning";
    stage
        .configure(&venue(&["BTCUSDT"], "127.0.0.1:1", "testnet"), &maker("btc", "BTCUSDT", "0.1"));
    let words = ["--json", "secrets", "scan", "--no-history", "--config", "run.toml"];
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("log"), format!("it said: {plain}")).unwrap();
    let log = elsewhere.path().join("log");
    let words = [words.as_slice(), &["--logs", log.to_str().unwrap()]].concat();
    let scan = |knows: bool| -> Run {
        let mut command = sandpit(stage.path());
        if knows {
            command.env(variable("testnet", "API_KEY"), KEY);
            command.env(variable("testnet", "SECRET"), plain);
        }
        command.args(&words).output().unwrap().into()
    };
    scan(false).ends(0);
    let told = scan(true).ends(9).json();
    assert_eq!(told["findings"][0]["rule"], "known-key", "{told:#}");
}

/// The kernel's keyring, where there is one: containers often forbid it.
#[test]
fn set_takes_a_key_from_the_input_and_from_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let uri = format!("keyring://sandpit-test/set-{}", std::process::id());
    run(folder.path(), &["secrets", "set", &uri, "--secret", "x"]).ends(2);
    let set = |words: &[&str], text: &str| -> Run {
        let mut command = sandpit(folder.path());
        command.args([&["secrets", "set"], words].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        process.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        process.wait_with_output().unwrap().into()
    };
    set(&["env://main/testnet"], "a\nb\n").ends(3);
    set(&[&uri], "\n\n").ends(3);
    let done = set(&[&uri], &format!("{KEY}\n{}\n", secret(KEY)));
    assert!(!done.output.contains(KEY) && !done.errors.contains(&secret(KEY)), "{done:#?}");
    if done.exit != Some(0) {
        assert!(done.errors.contains("keyring"), "{done:#?}");
        println!("the kernel's keyring cannot be used here: {}", done.errors);
        return;
    }
    let told = run(folder.path(), &["--json", "secrets", "check", &uri]).ends(0).json();
    assert_eq!(told["keys"][0]["provider"], "keyring", "{told:#}");
    set(&[&uri, "--remove"], "").ends(0);
    run(folder.path(), &["secrets", "check", &uri]).ends(3);
}
