//! What an operator's commands lead to in the books: swaps, pauses, quarantine, the kill switch. The
//! market goes at its own pace, so plugins are called as they come back and not in lockstep.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use sandpit_core::{
    engine::{LockReason, Record},
    plugin::FaultCode,
};
use sandpit_journal::journal::{Entry, HostRecord};
use serde_json::Value;

use super::{Stage, grid, grid_plugin, maker, runaway};
use crate::support::{Run, run, sandpit};

/// Events of a market that no test sees the end of, at four events a second.
const EVENTS: u64 = 4_000;
/// The longest that anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A session as a process, with its operator.
struct Session<'a> {
    stage: &'a Stage,
    process: Option<Child>,
}

impl<'a> Session<'a> {
    /// Starts it, and waits until it trades.
    fn start(stage: &'a Stage) -> Self {
        let said = File::create(stage.path().join("said")).unwrap();
        let mut command = sandpit(stage.path());
        command.args(["--json", "paper", "run.toml", "--state", "memory", "--speed", "1"]);
        command.stdout(Stdio::piped()).stderr(said);
        let session = Self { stage, process: Some(command.spawn().unwrap()) };
        session.wait_for("that every plugin runs", |list| {
            plugins(list).iter().all(|plugin| plugin["state"]["name"] == "running")
        });
        session
    }

    fn ask(&self, words: &[&str]) -> Run {
        let words = [&["--json", "plugin"], words, &["--state", "memory"]].concat();
        run(self.stage.path(), &words)
    }

    /// Asks, and looks at how the plugin is afterwards.
    fn done(&self, words: &[&str]) -> Value {
        self.ask(words).ends(0).json()["plugin"].clone()
    }

    fn show(&self, plugin: &str) -> Value {
        self.ask(&["show", plugin]).ends(0).json()
    }

    /// Waits until the list of plugins is as it should be.
    fn wait_for(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let listed = self.ask(&["list"]);
            if listed.exit == Some(0) {
                let list = listed.json();
                if is_so(&list) {
                    return list;
                }
            }
            let said = fs::read_to_string(self.stage.path().join("said")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "waited for {what}: {listed:#?}\n{said}");
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Ends it as Ctrl-C does; what it says.
    fn end(mut self) -> Value {
        let process = self.process.take().unwrap();
        let id = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
        kill_process(id, Signal::INT).unwrap();
        let run = Run::from(process.wait_with_output().unwrap());
        let said = fs::read_to_string(self.stage.path().join("said")).unwrap();
        assert_eq!(run.exit, Some(0), "{run:#?}\n{said}");
        run.json()
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn plugins(list: &Value) -> &[Value] {
    list["plugins"].as_array().unwrap()
}

fn of<'a>(list: &'a Value, name: &str) -> &'a Value {
    plugins(list).iter().find(|plugin| plugin["name"] == name).unwrap()
}

/// The same strategy as another component: a section more, which nothing reads.
fn another(component: &Path, to: &Path) -> PathBuf {
    let mut bytes = fs::read(component).unwrap();
    let name = b"another";
    let size = u8::try_from(name.len() + 1).unwrap();
    bytes.extend([0, size, u8::try_from(name.len()).unwrap()]);
    bytes.extend(name);
    fs::write(to, bytes).unwrap();
    to.to_owned()
}

/// What the journal says that was asked for by an operator.
fn asked_for(stage: &Stage) -> Vec<String> {
    let rows = stage.journal();
    let asked = rows.into_iter().filter_map(|row| match row.entry {
        Entry::Host(HostRecord::Operator { command, .. }) => Some(command),
        _ => None,
    });
    asked.collect()
}

fn swaps(stage: &Stage) -> usize {
    let rows = stage.journal();
    let is_swap = |entry: &Entry| matches!(entry, Entry::Host(HostRecord::PluginSwapped { .. }));
    rows.iter().filter(|row| is_swap(&row.entry)).count()
}

#[test]
fn a_session_is_operated_while_it_trades() {
    let stage = Stage::new(EVENTS, &(maker("mm") + &grid_plugin("grid")));
    let session = Session::start(&stage);
    let before = session.show("grid");
    assert_eq!(before["isolation"], if cfg!(target_os = "linux") { "process" } else { "inline" });

    // Another component, and the one before again; the neighbour never notices.
    let component = another(grid(), &stage.path().join("grid-2.wasm"));
    let swapped = session.done(&["swap", "grid", component.to_str().unwrap()]);
    assert_eq!(swapped["state"]["name"], "probation");
    assert_ne!(swapped["component"], before["component"]);
    assert_eq!(swapped["previous_component"], before["component"]);
    let back = session.done(&["rollback", "grid"]);
    assert_eq!(back["component"], before["component"]);
    session.ask(&["rollback", "grid"]).ends(1);

    // Not called for a while.
    assert_eq!(session.done(&["pause", "grid"])["state"]["name"], "paused");
    let calls = session.show("grid")["calls"].clone();
    session.wait_for("that the other one is called", {
        let until = session.show("mm")["calls"].as_u64().unwrap() + 3;
        move |list| of(list, "mm")["calls"].as_u64().unwrap() >= until
    });
    assert_eq!(session.show("grid")["calls"], calls, "a paused plugin was called");
    assert_eq!(session.done(&["resume", "grid"])["state"]["name"], "running");

    // Parameters.
    let set = session.done(&["set", "mm", "quantity=0.05"]);
    assert!(set["parameters"].to_string().contains("0.05"), "{set}");
    session.ask(&["set", "mm", "quantity=-1"]).ends(1);
    session.ask(&["set", "mm", "nonsense=1"]).ends(1);
    session.ask(&["set", "grid", "lines=6"]).ends(1);

    // Gone, and back.
    assert_eq!(session.done(&["unload", "grid"])["state"]["name"], "unloaded");
    session.ask(&["swap", "grid", component.to_str().unwrap()]).ends(1);
    session.ask(&["load", "mm"]).ends(1);
    assert_eq!(session.done(&["load", "grid"])["state"]["name"], "running");
    session.ask(&["release", "grid"]).ends(1);
    session.ask(&["show", "nobody"]).ends(1);
    // What is no strategy, or another one, is refused, and nothing changes.
    let text = stage.path().join("run.toml");
    session.ask(&["swap", "grid", text.to_str().unwrap()]).ends(5);
    assert_eq!(session.show("grid")["state"]["name"], "running");

    let said = session.end();
    let compared = stage.compare(&said);
    assert!(!compared.orders.is_empty(), "nothing was traded");
    assert_eq!(swaps(&stage), 2);
    let asked = asked_for(&stage);
    for word in ["swap grid", "rollback grid", "pause grid", "set mm", "unload grid", "load grid"] {
        assert!(asked.iter().any(|command| command.starts_with(word)), "{word}: {asked:?}");
    }
    // Everything that both decided is decided again.
    let replayed =
        run(stage.path(), &["--json", "replay", "--state", "memory", "--config", "run.toml"]);
    replayed.ends(0);
}

#[test]
fn a_plugin_that_traps_again_and_again_ends_in_quarantine_and_its_neighbour_trades_on() {
    let faults = "[faults]\nfaults_max = 2\nbackoff_ms = 200\n";
    let plugin = format!(
        "[[plugins]]\nname = \"bad\"\ncomponent = {:?}\nbudget = \"100000\"\n\
         [plugins.parameters]\nattack = \"panic\"\nafter = 2\n",
        runaway()
    );
    let stage = Stage::new(EVENTS, &(faults.to_owned() + &maker("mm") + &plugin));
    let session = Session::start(&stage);
    let list = session
        .wait_for("the quarantine", |list| of(list, "bad")["state"]["name"] == "quarantined");
    let bad = of(&list, "bad");
    assert_eq!(bad["faults"]["total"], 2);
    assert_eq!(bad["restarts"], 1);
    assert_eq!(bad["faults"]["last"]["code"], "trap");
    assert_eq!(bad["trading_state"], "halted");
    let trace = bad["faults"]["last"].to_string();
    assert!(trace.contains("on_trade") || trace.contains("attack"), "no names in {trace}");
    let dump = PathBuf::from(bad["faults"]["last"]["core_dump"].as_str().unwrap());
    let dump = fs::read(stage.path().join(dump)).unwrap();
    assert_eq!(dump[..4], *b"\0asm", "a core dump is WebAssembly");
    // Only a person lets it out.
    assert_eq!(session.done(&["release", "bad"])["state"]["name"], "running");
    session.wait_for("the fault after that", |list| of(list, "bad")["faults"]["total"] == 3);
    session.end();
    let rows = stage.journal();
    let faulted = rows.iter().filter(|row| {
        matches!(&row.entry, Entry::Core(Record::Faulted(_, fault)) if fault.code == FaultCode::Trap)
    });
    assert!(faulted.count() >= 3);
    let locked = rows.iter().any(|row| {
        matches!(&row.entry, Entry::Core(Record::Locked { lock, .. }) if lock.reason == LockReason::Quarantine)
    });
    assert!(locked, "the quarantine is in the journal");
}

#[test]
fn the_kill_switch_is_pulled_from_outside_and_stays_pulled() {
    let stage = Stage::new(EVENTS, &maker("mm"));
    let session = Session::start(&stage);
    session.wait_for("an order", |list| list["session"]["open_orders"].as_u64() > Some(0));
    run(stage.path(), &["--json", "kill", "--state", "memory"]).ends(0);
    session.wait_for("that nothing is open", |list| {
        list["session"]["open_orders"] == 0 && list["session"]["trading_state"] == "halted"
    });
    let said = session.end();
    stage.compare(&said);
    // The next session finds it pulled.
    let session = Session::start(&stage);
    let list = session.ask(&["list"]).ends(0).json();
    assert_eq!(list["session"]["trading_state"], "halted");
    assert_eq!(list["session"]["locks"][0]["reason"], "kill-switch");
    session.end();
}

#[test]
fn a_plugin_that_is_added_to_the_configuration_is_let_in_and_is_there_at_the_next_start() {
    let stage = Stage::new(EVENTS, &maker("mm"));
    let session = Session::start(&stage);
    session.ask(&["load", "grid"]).ends(1);
    // A new one comes last, and its budget is not a profit.
    stage.configure(&(grid_plugin("grid") + &maker("mm")));
    session.ask(&["load", "grid"]).ends(1);
    stage.configure(&(maker("mm") + &grid_plugin("grid")));
    assert_eq!(session.done(&["load", "grid"])["state"]["name"], "running");
    session.wait_for("that it is called", |list| of(list, "grid")["calls"].as_u64() > Some(2));
    let said = session.end();
    stage.compare(&said);
    assert_eq!(said["plugins"].as_array().unwrap().len(), 2);
    let rows = stage.journal();
    let is_added = |entry: &Entry| matches!(entry, Entry::Core(Record::PluginAdded { name, .. }) if name == "grid");
    assert_eq!(rows.iter().filter(|row| is_added(&row.entry)).count(), 1);

    // The next session has both, with their orders; another one is new at its start.
    stage.configure(&(maker("mm") + &grid_plugin("grid") + &maker("late")));
    let session = Session::start(&stage);
    assert_eq!(plugins(&session.ask(&["list"]).ends(0).json()).len(), 3);
    let said = session.end();
    stage.compare(&said);
    let equity = said["plugins"].as_array().unwrap().iter().map(|it| super::number(&it["equity"]));
    let sum: rust_decimal::Decimal = equity.sum();
    assert_eq!(super::number(&said["equity"]), sum);
    run(stage.path(), &["--json", "replay", "--state", "memory", "--config", "run.toml"]).ends(0);
}
