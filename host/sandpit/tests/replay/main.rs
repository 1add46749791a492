//! `sandpit replay`: real components are recorded, asked again, and found to do the same; and each
//! thing that could have been changed is found where it was.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod session;

use std::{fs, path::Path, process::Command};

use sandpit::{
    config::{self, Overrides},
    replay::{self, Difference, Options, Outcome, PluginOutcome, component_path},
};
use sandpit_core::{market::MarketData, num::Price, plugin::PluginEvent};
use sandpit_journal::journal::Digest;
use sandpit_plugin::{Answered, CallRecord, RecordedAsk};
use session::{Run, Stage, component, with_section};

const EVENTS: usize = 12_000;
const WHOLE: Run = Run {
    number: 5,
    from: 0,
    to: EVENTS,
    killed: false,
    drop_answer: None,
    change_row: None,
    leave_out: None,
    conflate: false,
};

fn replay(stage: &Stage, instead: Option<&Path>) -> Outcome {
    let path = stage.folder.path().join("run.toml");
    let config = config::load(&path, &Overrides::default()).unwrap();
    let component = instead.map(Path::to_owned);
    replay::run(&config, &Options { state: stage.state(), plugin: None, component }).unwrap()
}

fn one(stage: &Stage) -> PluginOutcome {
    let mut outcome = replay(stage, None);
    assert_eq!(outcome.plugins.len(), 1, "{outcome:#?}");
    outcome.plugins.remove(0)
}

fn difference(stage: &Stage) -> Difference {
    let found = one(stage);
    found.difference.clone().unwrap_or_else(|| panic!("nothing differs: {found:#?}"))
}

fn played(plugin: &'static str, run: Run) -> Stage {
    let mut stage = Stage::new(plugin);
    let asked = stage.play(run);
    assert!(asked > 10, "too few intents to compare: {asked}");
    stage
}

#[test]
fn what_was_recorded_is_done_again_over_restarts_and_a_kill() {
    let mut stage = Stage::new("ema-cross");
    let first = stage.play(Run { to: 5_000, ..WHOLE });
    let second =
        stage.play(Run { number: 6, from: 5_000, to: 9_000, drop_answer: Some(3), ..WHOLE });
    let killed = stage.play(Run { number: 7, from: 9_000, killed: true, ..WHOLE });
    let found = one(&stage);
    assert_eq!(found.difference, None, "{found:#?}");
    let counts = &found.counts;
    assert!(counts.without_call > 0, "the last block is lost: {found:#?}");
    assert_eq!(counts.intents + counts.without_call, first + second + killed, "{found:#?}");
    assert_eq!((counts.untaken, counts.states, counts.not_again), (1, 2, 0), "{found:#?}");
    assert_eq!(counts.again, counts.calls);
    assert!(counts.told > 1_000 && counts.uncompared == 0, "{found:#?}");
}

#[test]
fn quotes_and_books_may_be_replaced_by_newer_ones() {
    let mut stage = Stage::new("market-maker");
    // Nobody answers its orders, so it asks but once.
    assert!(stage.play(Run { conflate: true, ..WHOLE }) > 0);
    let found = one(&stage);
    assert_eq!(found.difference, None, "{found:#?}");
    assert!(found.counts.replaced > 100, "{found:#?}");
}

#[test]
fn nothing_is_written_where_nothing_is_kept() {
    let stage = Stage::new("ema-cross");
    let folder = stage.folder.path().join("log");
    drop(stage.started(None));
    assert!(!folder.exists());
    drop(stage.started(Some(&folder)));
    assert!(folder.join("calls/ema-cross/000001.calls").exists());
}

#[test]
fn a_trade_that_was_not_told_is_found() {
    // Some event near is a trade of the instrument.
    let found = (5_000..5_040).find_map(|at| {
        let stage = played("ema-cross", Run { leave_out: Some(at), ..WHOLE });
        one(&stage).difference
    });
    let found = found.expect("one of them was a trade");
    assert_eq!(found.what, "event");
    assert!(found.came.starts_with("it was not told of it"), "{found:?}");
}

#[test]
fn a_changed_row_of_the_journal_is_found() {
    let stage = played("ema-cross", Run { change_row: Some(7), ..WHOLE });
    let found = difference(&stage);
    assert_eq!(found.what, "intents");
    assert!(found.expected.contains("CancelAll"), "{found:?}");
    assert!(found.came.contains("TargetPosition"), "{found:?}");
    assert!(found.call > 0);
}

#[test]
fn a_changed_event_of_the_log_is_found_on_the_tape_and_without_one_by_its_answer() {
    let stage = played("ema-cross", WHOLE);
    stage.change_log(|call, record| {
        let CallRecord::Call { ask: RecordedAsk::Event(event), .. } = record else { return };
        let PluginEvent::Market { event, .. } = event else { return };
        if let MarketData::Trade(trade) = &mut event.data
            && call >= 200
        {
            trade.price = Price(trade.price.0 + if call % 7 < 3 { 90_000 } else { 0 });
        }
    });
    let found = difference(&stage);
    assert_eq!((found.what, found.call >= 200), ("event", true), "{found:?}");
    fs::remove_file(stage.folder.path().join("market.tape")).unwrap();
    let found = difference(&stage);
    assert!(["fuel", "intents"].contains(&found.what), "{found:?}");
}

#[test]
fn a_changed_answer_of_the_log_is_found() {
    let stage = played("ema-cross", WHOLE);
    stage.change_log(|call, record| {
        if let CallRecord::Call { answer: Answered::Done { fuel, .. }, .. } = record
            && call == 300
        {
            *fuel += 1;
        }
    });
    let found = difference(&stage);
    assert_eq!((found.what, found.call), ("fuel", 300), "{found:?}");
    stage.change_log(|_, record| {
        if let CallRecord::Call { answer: Answered::Done { fuel, .. }, .. } = record {
            *fuel -= u64::from(found.expected == fuel.to_string());
        }
    });
}

#[test]
fn another_component_is_found_and_a_missing_one_is_said() {
    let stage = played("ema-cross", WHOLE);
    let other = stage.folder.path().join("other.wasm");
    fs::write(&other, with_section(component("ema-cross"))).unwrap();
    let found = replay(&stage, Some(&other)).plugins.remove(0).difference.unwrap();
    assert_eq!((found.what, found.call), ("component", 0));
    assert!(found.expected.contains(&Digest::of(&component("ema-cross")).to_string()));
    // One that trades otherwise is found where it does.
    fs::write(&other, component("market-maker")).unwrap();
    let found = replay(&stage, Some(&other)).plugins.remove(0).difference.unwrap();
    assert!(found.call > 0, "{found:?}");
    fs::remove_file(component_path(&stage.state(), &Digest::of(&component("ema-cross")).0))
        .unwrap();
    let found = one(&stage);
    assert_eq!((found.difference, found.counts.again), (None, 0));
    assert!(found.notes.iter().any(|note| note.contains("is not there")), "{:?}", found.notes);
    assert!(
        found.counts.intents > 10,
        "the log's digests and the journal are compared all the same"
    );
}

#[test]
fn the_command_says_it_with_its_exit_code() {
    let run = |stage: &Stage| {
        let folder = stage.folder.path();
        let output = Command::new(env!("CARGO_BIN_EXE_sandpit"))
            .args(["replay", "--json", "--config", "run.toml", "--state", "state"])
            .current_dir(folder)
            .env("XDG_CACHE_HOME", folder)
            .env("XDG_STATE_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let json: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        (output.status.code(), json)
    };
    let (exit, json) = run(&played("ema-cross", WHOLE));
    assert_eq!((exit, &json["equal"]), (Some(0), &true.into()), "{json:#}");
    let (exit, json) = run(&played("ema-cross", Run { change_row: Some(9), ..WHOLE }));
    assert_eq!((exit, &json["equal"]), (Some(6), &false.into()), "{json:#}");
    assert_eq!(json["plugins"][0]["difference"]["what"], "intents", "{json:#}");
    // A byte of the log is no difference but damage.
    let stage = played("ema-cross", WHOLE);
    let path = stage.calls().join("000001.calls");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (exit, json) = run(&stage);
    assert_eq!(exit, Some(7), "{json:#}");
}
