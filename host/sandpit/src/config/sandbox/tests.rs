//! Text in, rules or error out.

use std::{path::Path, time::Duration};

use sandpit_plugin::Profile;

use super::*;
use crate::config::{Overrides, REFERENCE, RunConfig, parse};

fn read(text: &str) -> Result<RunConfig, ConfigError> {
    parse(Path::new("runs/test.toml"), text, &Overrides::default())
}

/// A run with `plugin` in its plugin and `rest` behind it.
fn run(plugin: &str, rest: &str) -> Result<RunConfig, ConfigError> {
    read(&format!(
        "version = 1\ntapes = [\"market.tape\"]\n[[plugins]]\nname = \"ema\"\n\
         component = \"ema.wasm\"\nbudget = \"1000\"\n{plugin}\n{rest}\n"
    ))
}

fn with_limits(lines: &str) -> Result<RunConfig, ConfigError> {
    run(&format!("[plugins.sandbox]\n{lines}"), "")
}

/// The message, and the text that it points at.
fn refused(read: Result<RunConfig, ConfigError>) -> (String, String) {
    let error = read.expect_err("refused");
    let at = error.place.map(|place| place.text[place.span].to_owned()).unwrap_or_default();
    (error.message, at)
}

#[test]
fn what_nobody_says_is_the_default() {
    let config = run("", "").unwrap();
    assert_eq!(config.plugins[0].sandbox, SandboxLimits::default());
    assert_eq!(config.sandbox_total, SandboxTotals::default());
    assert_eq!(config.faults, FaultRules::default());
    assert_eq!(config.swap, SwapRules::default());
    assert_eq!(config.watch, WatchRules::default());
    let defaults = [
        (Limit::CpuShare, 25),
        (Limit::IntentsPerSecond, 20),
        (Limit::QueueEvents, 4_096),
        (Limit::QueueLag, 5_000),
        (Limit::CallDeadline, 50),
        (Limit::MemoryBytes, 64 << 20),
    ];
    for (limit, value) in defaults {
        assert_eq!(config.plugins[0].sandbox.value(limit), value, "{}", limit.key());
    }
    let totals = [
        (Total::Plugins, 256),
        (Total::MemoryBytes, 16 << 30),
        (Total::CpuShare, 150),
        (Total::IntentsPerSecond, 1_000),
        (Total::LogBytesPerSecond, 1 << 20),
    ];
    for (total, value) in totals {
        assert_eq!(config.sandbox_total.value(total), value, "{}", total.key());
    }
    let faults = config.faults;
    assert_eq!((faults.window, faults.faults_max), (Nanos(600 * SECOND), 5));
    assert_eq!((faults.backoff, faults.backoff_max), (Nanos(SECOND), Nanos(60 * SECOND)));
    assert_eq!((faults.core_dumps_max, faults.core_dump_bytes_max), (8, 16 << 20));
    assert_eq!(config.swap.probation, Nanos(300 * SECOND));
}

#[test]
fn every_limit_is_read_at_both_its_bounds_and_no_further() {
    for limit in Limit::ALL {
        let (least, most) = (*limit.range().start(), *limit.range().end());
        assert!(limit.range().contains(&limit.default_value()), "{}", limit.key());
        // One plugin with the most memory is let in by the total.
        for value in [least, most] {
            let config = with_limits(&format!("{} = {value}", limit.key())).unwrap();
            assert_eq!(config.plugins[0].sandbox.said(limit), Some(value), "{}", limit.key());
        }
        let beyond = [most.checked_add(1), least.checked_sub(1)];
        for value in beyond.into_iter().flatten() {
            let (said, at) = refused(with_limits(&format!("{} = {value}", limit.key())));
            assert_eq!(said, format!("{} must be {least} to {most}", limit.key()));
            assert_eq!(at, value.to_string());
        }
        for value in ["-1", "\"1\"", "1.5", "true", "[1]"] {
            let (said, at) = refused(with_limits(&format!("{} = {value}", limit.key())));
            assert!(said.contains("must be"), "{said}");
            assert_eq!(at, value);
        }
    }
}

#[test]
fn a_profile_is_granted_by_its_name_and_a_number_wins_over_it() {
    let config = with_limits("profile = \"heavy\"\nstate_bytes_max = 7").unwrap();
    let limits = config.plugins[0].sandbox;
    assert_eq!(limits.profile(), Profile::Heavy);
    assert_eq!(limits.value(Limit::StateBytes), 7);
    for limit in Limit::ALL.into_iter().filter(|limit| *limit != Limit::StateBytes) {
        assert_eq!(limits.value(limit), limit.default_in(Profile::Heavy), "{}", limit.key());
        assert!(limit.range().contains(&limit.default_in(Profile::Heavy)), "{}", limit.key());
    }
    assert!(limits.value(Limit::FuelPerCall) > Limit::FuelPerCall.default_value());
    for said in ["\"huge\"", "1", "true"] {
        let (message, at) = refused(with_limits(&format!("profile = {said}")));
        assert_eq!(message, "profile must be \"standard\" or \"heavy\"");
        assert_eq!(at, said);
    }
}

#[test]
fn every_total_is_read_at_both_its_bounds_and_no_further() {
    for total in Total::ALL {
        let (least, most) = (*total.range().start(), *total.range().end());
        assert!(total.range().contains(&total.default_value()), "{}", total.key());
        let said = |value: u64| {
            run(
                "[plugins.sandbox]\nmemory_bytes_max = 65536",
                &format!("[sandbox_total]\n{} = {value}", total.key()),
            )
        };
        for value in [least, most] {
            assert_eq!(said(value).unwrap().sandbox_total.value(total), value, "{}", total.key());
        }
        let beyond = [most.checked_add(1), least.checked_sub(1)];
        for value in beyond.into_iter().flatten() {
            let (message, at) = refused(said(value));
            assert_eq!(message, format!("{} must be {least} to {most}", total.key()));
            assert_eq!(at, value.to_string());
        }
    }
}

#[test]
fn rules_are_read() {
    let config = run(
        "",
        "[faults]\nwindow_s = 60\nfaults_max = 2\nbackoff_ms = 10\nbackoff_ms_max = 20\n\
         on_quarantine = \"flatten\"\ncore_dumps_max = 0\ncore_dump_bytes_max = 1000\n\
         [swap]\nprobation_s = 0\n[watch]\nfolder = \"strategies\"\npoll_ms = 250\nlive = true",
    )
    .unwrap();
    let expected = FaultRules {
        window: Nanos(60 * SECOND),
        faults_max: 2,
        backoff: Nanos(10 * MILLI),
        backoff_max: Nanos(20 * MILLI),
        on_quarantine: OnQuarantine::Flatten,
        core_dumps_max: 0,
        core_dump_bytes_max: 1_000,
    };
    assert_eq!(config.faults, expected);
    assert_eq!(config.swap, SwapRules { probation: Nanos(0) });
    let folder = Some("runs/strategies".into());
    let watch = WatchRules { folder, poll: Duration::from_millis(250), live: true };
    assert_eq!(config.watch, watch);
    // A first pause beyond the longest that nobody said is not cut.
    let config = run("", "[faults]\nbackoff_ms = 90000").unwrap();
    assert_eq!(config.faults.backoff_max, Nanos(90_000 * MILLI));
}

#[test]
fn what_cannot_be_is_shown_in_its_place() {
    for (lines, message, where_at) in [
        ("[faults]\nwindow_s = 0", "window_s must be 1 to 86400", "0"),
        ("[faults]\nfaults_max = 0", "faults_max must be 1 to 1000", "0"),
        ("[faults]\nbackoff_ms = 0", "backoff_ms must be 1 to 86400000", "0"),
        ("[faults]\nbackoff_ms_max = 999", "backoff_ms_max is below backoff_ms", "999"),
        ("[faults]\non_quarantine = \"sell\"", "unknown variant `sell`", "\"sell\""),
        ("[faults]\ncore_dumps_max = 1001", "core_dumps_max must be 0 to 1000", "1001"),
        ("[faults]\ncore_dump_bytes_max = 0", "core_dump_bytes_max must be 1 to", "0"),
        ("[faults]\nwindows_s = 1", "unknown field `windows_s`", "windows_s"),
        ("[swap]\nprobation_s = 86401", "probation_s must be 0 to 86400", "86401"),
        ("[watch]\npoll_ms = 99", "poll_ms must be 100 to 60000", "99"),
        ("[watch]\nfolders = \"x\"", "unknown field `folders`", "folders"),
        ("[sandbox_total]\ncpu = 1", "unknown field `cpu`", "cpu"),
    ] {
        let (said, at) = refused(run("", lines));
        assert!(said.contains(message), "{lines}: {said}");
        assert_eq!(at, where_at, "{said}");
    }
    let (said, at) = refused(with_limits("memory_bytes = 65536"));
    let expected = "unknown field `memory_bytes`, expected one of `profile`, `memory_";
    assert!(said.starts_with(expected), "{said}");
    assert_eq!(at, "memory_bytes");
}

#[test]
fn what_all_may_use_bounds_what_each_may() {
    let small = |count: usize| vec![SandboxLimits::default(); count];
    let totals = SandboxTotals::default();
    totals.admit(&small(256)).unwrap();
    let error = totals.admit(&small(257)).unwrap_err();
    assert!(error.message.contains("plugins_max of [sandbox_total] is 256"), "{error}");
    let large = SandboxLimits::default().with(Limit::MemoryBytes, 4 << 30);
    totals.admit(&[large; 4]).unwrap();
    let error = totals.admit(&[large; 5]).unwrap_err();
    assert!(error.message.contains("memory_bytes_max of [sandbox_total] is"), "{error}");
    let (said, _) = refused(run("", "[sandbox_total]\nmemory_bytes_max = 65536"));
    assert!(said.contains("1 plugins would have 67108864 bytes of memory"), "{said}");
}

#[test]
fn the_canonical_form_has_what_changes_a_backtest_and_nothing_else() {
    let plain = run("", "").unwrap().canonical();
    for limit in Limit::ALL {
        let (least, key) = (*limit.range().start(), limit.key());
        let changed = with_limits(&format!("{key} = {least}")).unwrap().canonical();
        assert_eq!(changed != plain, limit.changes_a_backtest(), "{key}");
    }
    for rest in [
        "[faults]\nwindow_s = 60\non_quarantine = \"flatten\"",
        "[swap]\nprobation_s = 1",
        "[watch]\nfolder = \"strategies\"",
        "[sandbox_total]\nplugins_max = 3",
    ] {
        assert_eq!(run("", rest).unwrap().canonical(), plain, "{rest}");
    }
}

#[test]
fn the_reference_says_every_key() {
    let file = toml::from_str::<toml::Table>(REFERENCE).unwrap();
    let keys = |table: &toml::Value| {
        let mut keys: Vec<_> = table.as_table().unwrap().keys().cloned().collect();
        keys.sort_unstable();
        keys
    };
    let sorted = |mut keys: Vec<&str>| {
        keys.sort_unstable();
        keys.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let limits = Limit::ALL.map(Limit::key).into_iter().chain(["profile"]).collect();
    assert_eq!(keys(&file["plugins"][0]["sandbox"]), sorted(limits));
    assert_eq!(keys(&file["sandbox_total"]), sorted(Total::ALL.map(Total::key).to_vec()));
    // The reference shows the defaults, so that they are seen.
    let config = parse(Path::new("reference.toml"), REFERENCE, &Overrides::default()).unwrap();
    for limit in Limit::ALL {
        let said = config.plugins[0].sandbox.said(limit);
        assert_eq!(said, Some(limit.default_value()), "{}", limit.key());
    }
    assert_eq!(config.sandbox_total, SandboxTotals::default());
    assert_eq!(config.faults, FaultRules::default());
    assert_eq!(config.swap, SwapRules::default());
    let rules = WatchRules { folder: None, ..config.watch };
    assert_eq!(rules, WatchRules::default());
}
