//! Whole sessions: against a backtest, restarted, interrupted, locked, and out of room.

use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    process::{Command, Stdio},
};

use sandpit_core::{
    engine::{Lock, LockReason, Origin, Record},
    ids::PluginId,
    order::OrderState,
    plugin::TradingState,
    time::UnixNanos,
};
use sandpit_journal::journal::{
    Durability, Entry, HostRecord, Journal, JournalOptions, JournalReader, Row,
};
use serde_json::Value;

use super::{
    super::support::{Run, run, sandpit},
    START, Stage, grid_plugin, list, maker, number, runaway,
};

/// A moment of the market, as a configuration says it.
fn minute(minute: u64) -> String {
    assert!(minute < 24 * 60);
    format!("2026-01-01T{:02}:{:02}:00Z", minute / 60, minute % 60)
}

fn rows_with(rows: &[Row], wanted: impl Fn(&Entry) -> bool) -> usize {
    rows.iter().filter(|row| wanted(&row.entry)).count()
}

fn notes(rows: &[Row]) -> Vec<&str> {
    rows.iter()
        .filter_map(|row| match &row.entry {
            Entry::Host(HostRecord::Note(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_session_does_what_a_backtest_does() {
    let stage = Stage::new(8_000, &format!("{}{}", maker("maker"), grid_plugin("grid")));
    for latency in ["0", "300"] {
        let _ = fs::remove_dir_all(stage.path().join("memory"));
        let said = stage.play(&["--latency-ms", latency], 0);
        let words = ["--json", "backtest", "run.toml", "--latency-ms", latency, "--out", "out"];
        let tested = run(stage.path(), &words).ends(0).json();
        stage.compare(&said);
        // With latency plugins start later: the venue's first answer is waited for.
        if latency == "0" {
            assert_eq!(said["orders"], tested["report"]["account"]["metrics"]["orders"]);
            for (at, plugin) in list(&said["plugins"]).iter().enumerate() {
                let share = &tested["report"]["plugins"][at]["scope"]["metrics"];
                for (ours, theirs) in [("equity", "end_equity"), ("fees", "fees")] {
                    let theirs = number(&share[theirs]);
                    assert_eq!(number(&plugin[ours]), theirs, "{ours} of {plugin}");
                }
            }
        }
    }
}

#[test]
fn a_warm_restart_goes_on_as_if_nothing_had_happened() {
    let plugins = format!("{}{}", maker("maker"), grid_plugin("grid"));
    let steady = Stage::new(8_000, &plugins);
    let whole = steady.play(&[], 0);
    let stage = Stage::new(8_000, "");
    for to in [7, 15, 24] {
        stage.configure(&format!("to = \"{}\"\n{plugins}", minute(to)));
        let said = stage.play(&[], 0);
        stage.compare(&said);
    }
    stage.configure(&plugins);
    let said = stage.play(&[], 0);
    stage.compare(&said);
    for key in ["orders", "fills", "denied", "cash", "equity", "fees", "plugins"] {
        assert_eq!(said[key], whole[key], "{key}");
    }
    assert_eq!(said["mended"], 0, "{said:#}");
    let rows = stage.journal();
    let warm = notes(&rows).iter().filter(|note| note.contains("with its saved state")).count();
    assert_eq!(warm, 6, "three restarts of two plugins");
}

#[test]
fn a_cold_restart_has_positions_and_orders_but_no_state() {
    let plugins = format!("{}{}", maker("maker"), grid_plugin("grid"));
    let stage = Stage::new(8_000, "");
    stage.configure(&format!("to = \"{}\"\n{plugins}", minute(15)));
    let before = stage.play(&[], 0);
    assert!(before["open_orders"].as_u64() > Some(2), "{before:#}");
    // The market is over at once: what is there was not traded now.
    let after = stage.play(&["--cold"], 0);
    for key in ["orders", "fills", "cash", "equity"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    let held = |said: &Value| {
        let plugins = list(&said["plugins"]).iter();
        plugins.map(|plugin| plugin["positions"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(held(&after), held(&before));
    stage.configure(&plugins);
    let said = stage.play(&["--cold"], 0);
    stage.compare(&said);
    let rows = stage.journal();
    let cold = notes(&rows).iter().filter(|note| note.contains("without a saved state")).count();
    assert_eq!(cold, 6, "{:?}", notes(&rows));

    // A state that was cut is no state, and nobody guesses.
    let state = stage.memory("plugins/grid.state");
    let mut bytes = fs::read(&state).unwrap();
    bytes.truncate(bytes.len() - 1);
    fs::write(&state, bytes).unwrap();
    let refused = stage.play(&[], 1);
    assert!(refused["error"]["message"].as_str().unwrap().contains("`grid`"), "{refused:#}");
    stage.play(&["--cold"], 0);
}

#[test]
fn what_somebody_else_does_is_seen_and_counted_and_nobody_s() {
    let stage = Stage::new(8_000, "");
    // Room for the maker's 0.5, and for a change of both its orders on top.
    let limit = "[account.instruments.BTCUSDT]\nposition_quantity_max = \"1\"\n";
    let plugins = format!("{limit}{}", maker("maker"));
    stage.configure(&format!("to = \"{}\"\n{plugins}", minute(10)));
    let before = stage.play(&[], 0);
    // One wish comes before the first price.
    let denied = |said: &Value| said["denied"].as_u64().unwrap();
    assert!(denied(&before) <= 1, "{before:#}");
    let base = ["--json", "paper-venue", "order", "run.toml", "--state", "memory"];
    let order = |more: &[&str], exit| run(stage.path(), &[&base, more].concat()).ends(exit).json();
    order(&["--symbol", "BTCUSDT", "--side", "buy", "--quantity", "1"], 0);
    let far = ["--symbol", "BTCUSDT", "--side", "sell", "--quantity", "0.05"];
    order(&[&far[..], &["--limit", "90000"]].concat(), 0);
    order(&["--symbol", "DOGE", "--side", "buy", "--quantity", "1"], 3);

    stage.configure(&plugins);
    let said = stage.play(&[], 0);
    stage.compare(&said);
    assert_eq!(list(&said["external"])[0]["quantity"], "1.000", "{said:#}");
    assert!(denied(&said) > denied(&before) + 10, "it counts in the account's limits: {said:#}");
    let rows = stage.journal();
    let seen = rows_with(&rows, |entry| {
        matches!(entry, Entry::Core(Record::External { position, selling, .. })
            if position.0 == 1_000 && selling.0 == 50)
    });
    assert!(seen > 0, "position and order of somebody else are in the journal");
}

#[test]
fn quarantine_is_shown_at_the_next_start_and_ended_by_a_person() {
    let stage = Stage::new(4_000, "");
    let hostile = format!(
        "[[plugins]]\nname = \"wild\"\ncomponent = {:?}\nbudget = \"100000\"\n\
         [plugins.parameters]\nattack = \"panic\"\nafter = 300\n\
         [faults]\nfaults_max = 1\n",
        runaway()
    );
    stage.configure(&format!("to = \"{}\"\n{hostile}", minute(5)));
    let said = stage.play(&[], 0);
    assert_eq!((&said["faults"], &said["locks"][0]["scope"]), (&1.into(), &"wild".into()));
    let orders = said["orders"].as_u64().unwrap();
    assert!(orders > 0);

    stage.configure(&hostile);
    let words = ["paper", "run.toml", "--state", "memory", "--speed", "max", "--until-end"];
    let shown = run(stage.path(), &words).ends(0);
    let note = "wild is locked (quarantine, Halted)";
    assert!(
        shown.errors.contains(note) && shown.errors.contains("--unlock wild:quarantine"),
        "{shown:#?}"
    );
    assert!(shown.output.contains("locked: wild (quarantine)"), "{shown:#?}");
    let rows = stage.journal();
    let submitted = |rows: &[Row]| {
        rows_with(rows, |entry| matches!(entry, Entry::Core(Record::Submitted { .. }))) as u64
    };
    assert_eq!(submitted(&rows), orders, "nothing was sent");
    for wrong in ["wild:bored", "tame:fault", "account:fault"] {
        assert_eq!(stage.play(&["--unlock", wrong], 3)["error"]["kind"], "config", "{wrong}");
    }
}

/// Writes an account's kill lock, as the kill switch of another part of the host would.
fn pull_the_kill_switch(stage: &Stage) {
    let path = stage.memory("session.journal");
    let tables = JournalReader::open(&path).unwrap().tables().clone();
    let options = JournalOptions { durability: Durability::Process, ..JournalOptions::default() };
    let mut journal = Journal::open(path, &tables, &options).unwrap();
    let since = UnixNanos(START + 600 * 1_000_000_000);
    let lock = Lock {
        reason: LockReason::KillSwitch,
        state: TradingState::Halted,
        since,
        unlock_at: None,
    };
    journal.append(since, [&Record::Locked { plugin: None::<PluginId>, lock }]).unwrap();
    journal.close().unwrap();
}

#[test]
fn nothing_trades_after_a_kill_until_a_person_says_so() {
    let stage = Stage::new(8_000, "");
    let plugins = maker("maker");
    stage.configure(&format!("to = \"{}\"\n{plugins}", minute(10)));
    let before = stage.play(&["--on-stop", "cancel"], 0);
    assert_eq!(before["open_orders"], 0, "{before:#}");
    pull_the_kill_switch(&stage);
    stage.configure(&format!("to = \"{}\"\n{plugins}", minute(20)));
    let killed = stage.play(&[], 0);
    assert_eq!(killed["orders"], before["orders"], "{killed:#}");
    assert_eq!(killed["locks"][0]["reason"], "kill-switch");
    assert_eq!(killed["plugins"][0]["state"], "halted");
    stage.configure(&plugins);
    let free = stage.play(&["--unlock", "account:kill-switch", "--by", "anna"], 0);
    assert!(free["orders"].as_u64() > before["orders"].as_u64(), "{free:#}");
    assert_eq!(free["locks"], Value::Array(vec![]));
    stage.compare(&free);
    let said_by = |entry: &Entry| {
        matches!(entry, Entry::Host(HostRecord::Operator { who, command, .. })
            if who == "anna" && command == "unlock account:kill-switch")
    };
    assert_eq!(rows_with(&stage.journal(), said_by), 1);
}

#[test]
fn a_journal_that_is_full_halts_trading_and_orders_are_canceled() {
    let stage = Stage::new(8_000, "");
    let plugins = maker("maker");
    stage.configure(&format!("[journal]\nbytes_max = 1500000\n{plugins}"));
    let halted = stage.play(&["--latency-ms", "40"], 7);
    let message = halted["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("trading is halted") && message.contains("0 are left"), "{message}");
    assert_eq!(halted["error"]["kind"], "journal");
    assert_eq!(stage.venue()["open_orders"], 0);
    // With room it goes on, and finds out what became of everything.
    stage.configure(&plugins);
    let said = stage.play(&[], 0);
    stage.compare(&said);
    let found_out = rows_with(&stage.journal(), |entry| {
        let moved = |to: &OrderState| *to == OrderState::Canceled;
        matches!(entry, Entry::Core(Record::Moved { to, origin: Origin::Reconciliation, .. })
            if moved(to))
    });
    assert!(found_out > 0, "{said:#}");
}

#[cfg(unix)]
#[test]
fn a_file_system_without_room_is_the_same() {
    let stage = Stage::new(8_000, &maker("maker"));
    // Blocks of 1,024 bytes; the signal would end the process where the write should fail.
    let script = "trap '' XFSZ; ulimit -f 1500; exec \"$@\"";
    let plain = stage.command(&[]);
    let limited = sandpit(stage.path());
    let done: Run = Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(limited.get_program())
        .args(plain.get_args())
        .current_dir(stage.path())
        .output()
        .unwrap()
        .into();
    let halted = done.ends(7).json();
    assert_eq!(halted["error"]["kind"], "journal", "{halted:#}");
    assert_eq!(stage.venue()["open_orders"], 0);
    let said = stage.play(&[], 0);
    stage.compare(&said);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_session_with_everything_saved() {
    for (signal, more) in [("-TERM", &[][..]), ("-INT", &["--on-stop", "cancel"][..])] {
        let stage = Stage::new(8_000, &format!("{}{}", maker("maker"), grid_plugin("grid")));
        // In real time the market goes on for half an hour.
        let mut child = sandpit(stage.path())
            .args(["paper", "run.toml", "--state", "memory"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("the plugins trade") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it began");
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        io::copy(&mut said, &mut io::sink()).unwrap();
        let stopped = Run::from(child.wait_with_output().unwrap()).ends(0);
        assert!(stopped.output.contains("A paper session at"), "{stopped:#?}");
        for plugin in ["maker", "grid"] {
            assert!(stage.memory(&format!("plugins/{plugin}.state")).is_file(), "{plugin}");
        }
        let rows = stage.journal();
        let stop =
            rows_with(&rows, |entry| matches!(entry, Entry::Host(HostRecord::Stopped { .. })));
        assert_eq!(stop, 1);
        let said = stage.play(&[], 0);
        stage.compare(&said);
    }
}

#[test]
fn a_folder_is_one_session_s_and_belongs_to_its_tapes_and_rules() {
    let stage = Stage::new(2_000, &maker("maker"));
    stage.play(&[], 0);
    let fees = "[[instruments]]\nsymbol = \"BTCUSDT\"\ntaker_fee = \"0.001\"\n";
    stage.configure(&format!("{fees}{}", maker("maker")));
    let other = stage.play(&[], 3);
    let message = other["error"]["causes"].to_string();
    assert!(message.contains("other rules"), "{other:#}");
    super::write_market(&stage.path().join("market.tape"), 2_001);
    stage.configure(&maker("maker"));
    let other = stage.play(&[], 3);
    assert!(other["error"]["causes"].to_string().contains("other tapes"), "{other:#}");
    stage.configure(&maker("other"));
    assert_eq!(run(stage.path(), &["paper", "run.toml"]).exit, Some(3), "no folder is named");
}
