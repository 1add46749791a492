//! A session that runs, commanded from outside: over its socket, and through its watched folder.

use std::{
    fs::{self, File},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use sandpit_journal::journal::{Entry, HostRecord};
use serde_json::Value;

use super::{Stage, maker, market_maker};
use crate::support::{Run, run, sandpit};

/// The longest that anything here may take.
const LONG: Duration = Duration::from_secs(60);
/// Between two looks at something that is to come.
const LOOK: Duration = Duration::from_millis(20);
/// Events of the market: a quarter of a second each, so none of these sessions comes to its end.
const EVENTS: u64 = 4_000;

/// A session at the speed of its market.
struct Session {
    stage: Stage,
    process: Child,
}

impl Session {
    /// Starts it, and waits until it takes commands.
    fn start(stage: Stage) -> Self {
        let said = File::create(stage.path().join("said")).unwrap();
        let process = sandpit(stage.path())
            .args(["paper", "run.toml", "--state", "memory", "--speed", "1"])
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .unwrap();
        let mut session = Self { stage, process };
        session.wait("the session takes commands", |session| {
            let ended = session.process.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}: {}", session.said());
            session.ask(&["status"]).exit == Some(0)
        });
        session.wait("the plugin runs", |session| session.show("maker")["calls"] != 0);
        session
    }

    fn said(&self) -> String {
        fs::read_to_string(self.stage.path().join("said")).unwrap()
    }

    fn ask(&self, words: &[&str]) -> Run {
        let all = [&["--json"], words, &["--state", "memory"]].concat();
        run(self.stage.path(), &all)
    }

    fn show(&self, plugin: &str) -> Value {
        self.ask(&["plugin", "show", plugin]).ends(0).json()
    }

    /// The code with which a command is refused.
    fn refused(&self, words: &[&str], exit: i32) -> String {
        let json = self.ask(words).ends(exit).json();
        json["error"]["code"].as_str().unwrap().to_owned()
    }

    fn wait(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(begun.elapsed() < LONG, "not within {LONG:?}: {what}\n{}", self.said());
            thread::sleep(LOOK);
        }
    }

    /// Ends it as an operator does, and gives back what it leaves.
    fn end(mut self) -> Stage {
        let id = self.process.id().to_string();
        let sent = std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success());
        self.wait("the session ends", |session| session.process.try_wait().unwrap().is_some());
        assert_eq!(self.process.wait().unwrap().code(), Some(0), "{}", self.said());
        let other = Stage { folder: tempfile::tempdir().unwrap() };
        std::mem::replace(&mut self.stage, other)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What operators did, by the journal.
fn commands(stage: &Stage) -> Vec<String> {
    let rows = stage.journal().into_iter();
    rows.filter_map(|row| match row.entry {
        Entry::Host(HostRecord::Operator { who, command, .. }) => {
            assert!(!who.is_empty());
            Some(command)
        }
        _ => None,
    })
    .collect()
}

#[test]
fn no_session_is_not_a_session_that_says_no() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        &["plugin", "list"][..],
        &["plugin", "show", "maker"],
        &["plugin", "pause", "maker"],
        &["status"],
        &["kill", "--flatten"],
    ] {
        let words = [&["--json"], words, &["--state", "memory"]].concat();
        let json = run(folder.path(), &words).ends(8).json();
        assert_eq!(json["error"]["kind"], "no-session", "{words:?}");
    }
    run(folder.path(), &["plugin", "list"]).ends(3);
    run(folder.path(), &["plugin", "list", "--state", "a", "--config", "b"]).ends(2);
    run(folder.path(), &["plugin", "set", "maker", "fast", "--state", "memory"]).ends(2);
}

#[test]
fn an_operator_commands_a_session() {
    let session = Session::start(Stage::new(EVENTS, &maker("maker")));
    let list = session.ask(&["plugin", "list"]).ends(0).json();
    assert_eq!(list["plugins"][0]["name"], "maker");
    assert_eq!(list["session"]["mode"], "paper");
    let shown = session.show("maker");
    assert_eq!(shown["state"]["name"], "running");
    let limits = shown["limits"].as_array().unwrap();
    let limit = |key: &str| limits.iter().find(|limit| limit["key"] == key).unwrap();
    assert_eq!(limit("call_deadline_ms")["max"], 50, "the deadline of a session");
    assert_eq!(limit("memory_bytes_max")["max"], 64 << 20);

    // What is let in is decided as anywhere else, and what runs goes on.
    fs::write(session.stage.path().join("broken.wasm"), "not a component").unwrap();
    let broken = ["plugin", "swap", "maker", "broken.wasm"];
    assert_eq!(session.refused(&broken, 5), "text");
    assert_eq!(session.refused(&["plugin", "swap", "maker", "nowhere.wasm"], 5), "unreadable");
    assert_eq!(session.show("maker")["state"]["name"], "running");

    let component = market_maker().to_str().unwrap();
    session.ask(&["plugin", "swap", "maker", component]).ends(0);
    let shown = session.show("maker");
    assert_eq!((&shown["state"]["name"], &shown["swaps"]), (&"probation".into(), &1.into()));
    session.ask(&["plugin", "rollback", "maker"]).ends(0);

    session.ask(&["plugin", "pause", "maker"]).ends(0);
    assert_eq!(session.show("maker")["state"]["name"], "paused");
    session.ask(&["plugin", "resume", "maker"]).ends(0);
    assert_eq!(session.refused(&["plugin", "release", "maker"], 1), "not-now");
    assert_eq!(session.refused(&["plugin", "show", "nobody"], 1), "unknown-plugin");
    assert_eq!(session.refused(&["plugin", "show", "No/Body"], 1), "malformed");
    assert_eq!(session.refused(&["plugin", "set", "maker", "depth=2"], 1), "bad-parameter");

    session.ask(&["plugin", "unload", "maker"]).ends(0);
    assert_eq!(session.show("maker")["state"]["name"], "unloaded");
    session.ask(&["plugin", "load", "maker"]).ends(0);
    session.ask(&["kill"]).ends(0);
    let status = session.ask(&["status"]).ends(0).json();
    assert_eq!(status["trading_state"], "halted");
    assert_eq!(status["locks"][0]["reason"], "kill-switch");

    let stage = session.end();
    let said = commands(&stage);
    let starts = ["swap maker ", "rollback maker", "pause maker", "unload maker", "load maker"];
    for start in starts.into_iter().chain(["kill"]) {
        assert!(said.iter().any(|command| command.starts_with(start)), "{start}: {said:?}");
    }
    assert!(
        !said.iter().any(|command| command.starts_with("show")),
        "who only looks leaves no row"
    );
    run(stage.path(), &["status", "--state", "memory"]).ends(8);
}

#[test]
fn a_component_in_the_watched_folder_is_swapped_in() {
    let watch = "[watch]\nfolder = \"watched\"\npoll_ms = 100\n";
    let stage = Stage::new(EVENTS, &format!("{watch}{}", maker("maker")));
    let watched = stage.path().join("watched");
    fs::create_dir(&watched).unwrap();
    let mut session = Session::start(stage);
    let put = |name: &str, bytes: &[u8]| {
        let whole = session.stage.path().join("whole");
        fs::write(&whole, bytes).unwrap();
        fs::rename(&whole, watched.join(name)).unwrap();
    };
    let component = fs::read(market_maker()).unwrap();
    put("nobody.wasm", &component);
    put("maker.wasm", b"not a component");
    session.wait("the broken one is refused", |session| {
        session.said().contains("a watched component")
    });
    assert_eq!(session.show("maker")["swaps"], 0);
    let whole = session.stage.path().join("whole");
    fs::write(&whole, &component).unwrap();
    fs::rename(&whole, watched.join("maker.wasm")).unwrap();
    session.wait("the whole one is swapped in", |session| session.show("maker")["swaps"] == 1);
    fs::remove_file(watched.join("maker.wasm")).unwrap();
    let said = session.said();
    let strange = said.matches("`nobody.wasm` is passed over").count();
    assert_eq!(strange, 1, "{said}");
    assert_eq!(session.show("maker")["state"]["name"], "probation", "it runs on without the file");
    let stage = session.end();
    assert!(commands(&stage).iter().any(|command| command.starts_with("swap maker ")));
}
