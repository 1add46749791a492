//! Who is let in, as an operator meets it: the trust list, policies, codes, compiled code that is
//! kept.

use std::{
    fs,
    io::Cursor,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use minisign::KeyPair;
use serde_json::Value;

use super::support::{Run, root, run, sandpit, strategies_target};

/// An example strategy, built once.
fn component() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let out = strategies_target().join("plugins-test.wasm");
        let words = ["plugin", "build", "plugins/ema-cross", "--out", out.to_str().unwrap()];
        run(&root(), &words).ends(0);
        fs::read(&out).unwrap()
    })
}

/// A folder with the component in it, and a trust list beside it that is empty yet.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ema.wasm"), component()).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, words: &[&str], exit: i32) -> Value {
        run(self.folder.path(), &[&["--json"], words].concat()).ends(exit).json()
    }

    fn trust(&self, words: &[&str], exit: i32) -> Value {
        self.run(&[&["trust"], words, &["--file", "trust.toml"]].concat(), exit)
    }

    /// `plugin inspect`, with what it says of trust.
    fn inspect(&self) -> Value {
        self.run(&["plugin", "inspect", "ema.wasm", "--trust", "trust.toml"], 0)["trust"].clone()
    }

    /// The code with which a policy refuses the component.
    fn refused(&self, policy: &str) -> String {
        let words = ["plugin", "inspect", "ema.wasm", "--trust", "trust.toml", "--policy", policy];
        let answer = self.run(&words, 5);
        assert_eq!(answer["error"]["kind"], "plugin-refused");
        answer["error"]["code"].as_str().unwrap().to_owned()
    }

    fn let_in(&self, policy: &str) {
        let words = ["plugin", "inspect", "ema.wasm", "--trust", "trust.toml", "--policy", policy];
        self.run(&words, 0);
    }

    fn sign(&self, pair: &KeyPair) {
        let bytes = fs::read(self.path("ema.wasm")).unwrap();
        let signature =
            minisign::sign(Some(&pair.pk), &pair.sk, Cursor::new(bytes), Some("release 7"), None);
        fs::write(self.path("ema.wasm.minisig"), signature.unwrap().into_string()).unwrap();
    }
}

#[test]
fn a_key_and_a_pin_come_and_go() {
    let desk = Desk::new();
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let key = pair.pk.to_base64();
    let file = pair.pk.to_box().unwrap().into_string();
    fs::write(desk.path("team.pub"), file).unwrap();

    let added = desk.trust(&["add", "team.pub", "--comment", "the team"], 0);
    let id = added["key"]["id"].as_str().unwrap().to_owned();
    assert_eq!(added["key"]["public_key"], key.as_str());
    desk.trust(&["add", &key], 1);
    let pinned = desk.trust(&["add", "--pin", "ema.wasm"], 0);
    let hash = pinned["pin"]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(pinned["pin"]["name"], "ema");
    let listed = desk.trust(&["list"], 0);
    assert_eq!(listed["keys"][0]["comment"], "the team");
    assert_eq!(listed["pins"][0]["sha256"], hash.as_str());
    let shown = run(desk.folder.path(), &["trust", "list", "--file", "trust.toml"]).ends(0);
    assert!(shown.output.contains(&id) && shown.output.contains(&hash), "{shown:#?}");

    desk.trust(&["remove", "0000000000000000"], 1);
    desk.trust(&["remove", &id], 0);
    desk.trust(&["remove", &hash[..8]], 0);
    let listed = desk.trust(&["list"], 0);
    assert_eq!(listed["keys"].as_array().unwrap().len(), 0);
    assert_eq!(listed["pins"].as_array().unwrap().len(), 0);
}

#[test]
fn what_is_no_key_no_component_and_no_list() {
    let desk = Desk::new();
    desk.trust(&["add", "nonsense"], 2);
    desk.trust(&["add"], 2);
    desk.trust(&["add", "ema.wasm"], 2);
    fs::write(desk.path("text.wasm"), "(component)").unwrap();
    desk.trust(&["add", "--pin", "text.wasm"], 5);
    desk.trust(&["add", "--pin", "absent.wasm"], 1);
    assert!(!desk.path("trust.toml").exists());

    fs::write(desk.path("trust.toml"), "version = 1\ncolour = 1\n").unwrap();
    fs::set_permissions(desk.path("trust.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    let wrong = desk.trust(&["list"], 3);
    assert!(wrong["error"]["message"].as_str().unwrap().contains("line 2"), "{wrong:#}");
    desk.run(&["plugin", "inspect", "ema.wasm", "--trust", "trust.toml"], 3);
    fs::write(desk.path("trust.toml"), "version = 1\n").unwrap();
    desk.trust(&["list"], 0);
    fs::set_permissions(desk.path("trust.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    desk.trust(&["list"], 3);
    desk.run(&["plugin", "inspect", "ema.wasm", "--trust", "absent.toml"], 3);
}

#[test]
fn inspect_says_what_is_known_of_a_component() {
    let desk = Desk::new();
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let list_begins = desk.trust(&["add", &pair.pk.to_base64(), "--comment", "the team"], 0);
    let id = list_begins["key"]["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.inspect()["signature"]["state"], "absent");
    assert_eq!(desk.inspect()["meets"], serde_json::json!(["any"]));
    assert_eq!(desk.refused("signed"), "not-signed");
    assert_eq!(desk.refused("pinned"), "not-pinned");

    desk.sign(&pair);
    let known = desk.inspect();
    assert_eq!(known["signature"]["state"], "valid");
    assert_eq!(known["signature"]["key"], id.as_str());
    assert_eq!(known["signature"]["whose"], "the team");
    assert_eq!(known["signature"]["comment"], "release 7");
    assert_eq!(known["meets"], serde_json::json!(["signed", "any"]));
    desk.let_in("signed");
    let words = ["plugin", "inspect", "ema.wasm", "--trust", "trust.toml"];
    let shown = run(desk.folder.path(), &words).ends(0);
    assert!(shown.output.contains("valid, by key"), "{shown:#?}");
    assert!(shown.output.contains("signed by a trusted key"), "{shown:#?}");

    desk.trust(&["remove", &id], 0);
    assert_eq!(desk.inspect()["signature"]["state"], "unknown-key");
    assert_eq!(desk.refused("signed"), "unknown-key");
    desk.trust(&["add", &pair.pk.to_base64()], 0);
    // A custom section more: the same strategy, another file.
    let mut longer = component().to_vec();
    longer.extend([0, 2, 1, b'x']);
    fs::write(desk.path("ema.wasm"), longer).unwrap();
    assert_eq!(desk.inspect()["signature"]["state"], "wrong");
    assert_eq!(desk.refused("signed"), "wrong-signature");
    fs::write(desk.path("ema.wasm.minisig"), "no signature").unwrap();
    assert_eq!(desk.inspect()["signature"]["state"], "unreadable");
    assert_eq!(desk.refused("signed"), "unreadable-signature");

    desk.trust(&["add", "--pin", "ema.wasm"], 0);
    assert_eq!(desk.inspect()["pinned"], "ema");
    assert_eq!(desk.inspect()["meets"], serde_json::json!(["pinned", "signed", "any"]));
    desk.let_in("pinned");
    desk.let_in("signed");
}

#[test]
fn a_run_lets_in_what_its_policy_lets_in() {
    let desk = Desk::new();
    let demo = desk.path("demo");
    run(&root(), &["demo", "--out", demo.to_str().unwrap()]).ends(0);
    let config = |policy: &str| {
        let text = format!(
            "version = 1\ntapes = [\"demo/market.tape\"]\nto = \"2026-01-01T01:00:00Z\"\n\
             [trust]\npolicy = \"{policy}\"\nfile = \"trust.toml\"\n\
             [[plugins]]\nname = \"ema\"\ncomponent = \"ema.wasm\"\nbudget = \"1000000\"\n\
             instruments = [\"BTCUSDT\"]\n"
        );
        fs::write(desk.path("run.toml"), text).unwrap();
    };
    let backtest = ["backtest", "run.toml", "--out", "out"];
    let paper = ["paper", "run.toml", "--state", "state", "--speed", "max", "--until-end"];
    // A list that is named has to be there.
    config("pinned");
    desk.run(&backtest, 3);
    desk.trust(&["add", "--pin", "demo/ema-cross.wasm"], 0);
    desk.trust(&["remove", &pin_of(&desk)], 0);
    for words in [&backtest[..], &paper] {
        for (policy, code) in [("pinned", "not-pinned"), ("signed", "not-signed")] {
            config(policy);
            let refused = desk.run(words, 5);
            assert_eq!(refused["error"]["code"], code, "{refused:#}");
        }
    }
    desk.trust(&["add", "--pin", "ema.wasm"], 0);
    config("pinned");
    desk.run(&backtest, 0);
    desk.run(&paper, 0);
    config("everybody");
    desk.run(&backtest, 3);
}

/// The only pin of a desk's list.
fn pin_of(desk: &Desk) -> String {
    desk.trust(&["list"], 0)["pins"][0]["sha256"].as_str().unwrap().to_owned()
}

#[test]
fn compiled_code_is_kept_and_never_believed_when_it_was_touched() {
    let desk = Desk::new();
    let inspect = |more: &[(&str, &Path)]| -> Run {
        let mut command = sandpit(desk.folder.path());
        command
            .args(["plugin", "inspect", "ema.wasm"])
            .env("SANDPIT_LOG", "sandpit=debug")
            .env("XDG_CACHE_HOME", desk.path("cache"))
            .env("XDG_STATE_HOME", desk.path("state"));
        command.envs(more.iter().copied());
        Run::from(command.output().unwrap()).ends(0)
    };
    let kept = || {
        let mut files: Vec<_> = fs::read_dir(desk.path("cache/sandpit/code"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    };
    assert!(inspect(&[]).errors.contains("hits: 0"), "compiled");
    assert!(inspect(&[]).errors.contains("hits: 1"), "found");
    let whole = fs::read(kept()).unwrap();
    let mut touched = whole.clone();
    touched[whole.len() / 2] ^= 1;
    fs::write(kept(), &touched).unwrap();
    let shown = inspect(&[]);
    assert!(shown.errors.contains("rejected: 1"), "{shown:#?}");
    assert_ne!(fs::read(kept()).unwrap(), touched, "replaced by what was compiled anew");
    assert!(inspect(&[]).errors.contains("hits: 1"), "found");

    // Where others may write, nothing is kept, and it is said.
    let shared = desk.path("cache/sandpit/code");
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    let shown = inspect(&[]);
    assert!(shown.errors.contains("can be written by others"), "{shown:#?}");
    // Without a home it works, too.
    let nowhere = Path::new("relative");
    let shown = inspect(&[("HOME", nowhere), ("XDG_CACHE_HOME", nowhere)]);
    assert!(!shown.errors.contains("hits"), "{shown:#?}");
}

#[test]
fn the_compilers_command_is_for_the_host_alone() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(folder.path(), &["--help"]).ends(0).output;
    assert!(!help.contains("compile-child"), "{help}");
    let by_hand = run(folder.path(), &["compile-child"]).ends(1);
    assert!(by_hand.errors.contains("started by the host"), "{by_hand:#?}");
    let wrong = run(folder.path(), &["compile-child", "1", "2", "3", "false", "maybe"]).ends(1);
    assert!(wrong.output.is_empty(), "{wrong:#?}");
}
