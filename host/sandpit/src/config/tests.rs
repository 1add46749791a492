//! Text in, configuration or error out.

use super::*;
use std::path::Path;

const MINIMAL: &str = r#"
version = 1
tapes = ["market.tape"]
[[plugins]]
name = "ema"
component = "ema.wasm"
budget = "1000"
"#;

fn read(text: &str) -> Result<RunConfig, ConfigError> {
    parse(Path::new("runs/test.toml"), text, &Overrides::default())
}

/// The message, and the text that it points at.
fn refused(text: &str) -> (String, String) {
    let error = read(text).expect_err("refused");
    let at = error.place.map(|place| place.text[place.span].to_owned()).unwrap_or_default();
    (error.message, at)
}

#[test]
fn the_reference_says_every_key() {
    let config = parse(Path::new("reference.toml"), REFERENCE, &Overrides::default()).unwrap();
    assert_eq!(config.plugins[0].limits.short_allowed, Some(false));
    assert_eq!(config.plugins[0].parameters["fast"], Setting("10".to_owned()));
    assert_eq!(config.fill.latency, Nanos::from_millis(5));
    assert_eq!(config.from, Some(UnixNanos(1_767_225_600_000_000_000)));
    assert_eq!(config.to, Some(UnixNanos(1_767_247_200_000_000_000)));
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = read(MINIMAL).unwrap();
    assert_eq!(config.tapes, [PathBuf::from("runs/market.tape")]);
    assert_eq!(config.plugins[0].source, PluginSource::Component("runs/ema.wasm".into()));
}

#[test]
fn an_unknown_key_is_shown_in_its_place() {
    let (message, at) = refused(&format!("{MINIMAL}[plugins.limits]\nshort_alowed = false\n"));
    assert!(message.contains("unknown field `short_alowed`"), "{message}");
    assert_eq!(at, "short_alowed");
}

#[test]
fn what_cannot_be_is_shown_in_its_place() {
    let budget = |value: &str| MINIMAL.replace("\"1000\"", value);
    for (text, message, at) in [
        (MINIMAL.replace("= 1", "= 7"), "version 7", "7"),
        (budget("0.5"), "write 0.5 as a string", "0.5"),
        (budget("\"-5\""), "not an amount greater than zero", "\"-5\""),
        (budget("\"1e3\""), "not a plain decimal", "\"1e3\""),
        (MINIMAL.replace("\"ema\"", "\"Ema 1\""), "is no plugin name", "\"Ema 1\""),
        (format!("from = \"soon\"\n{MINIMAL}"), "`soon` is no time", "\"soon\""),
        (format!("threads = 9\n{MINIMAL}"), "threads must be 1 to 2", "9"),
    ] {
        let (said, where_at) = refused(&text);
        assert!(said.contains(message), "{said}");
        assert_eq!(where_at, at, "{said}");
    }
}

#[test]
fn a_run_without_plugins_or_tapes_or_time_is_refused() {
    assert!(refused("version = 1\ntapes = [\"a\"]").0.contains("no plugin"));
    assert!(refused(&MINIMAL.replace("\"market.tape\"", "")).0.contains("no tape"));
    let times = "from = \"2026-01-02\"\nto = \"2026-01-02\"\n";
    assert!(refused(&format!("{times}{MINIMAL}")).0.contains("nothing would be played"));
    let second = MINIMAL.split_once("[[").unwrap().1;
    assert!(refused(&format!("{MINIMAL}[[{second}")).0.contains("two plugins are called `ema`"));
}

#[test]
fn flags_win_over_the_file() {
    let overrides = Overrides {
        seed: Some(9),
        latency_ms: Some(3),
        to: Some("2026-02-01".to_owned()),
        settings: vec!["ema.fast=12".to_owned()],
        plugins: vec![PluginOverride::parse("second=x/other.wasm").unwrap()],
        budget: Some("2_000.50".to_owned()),
        ..Overrides::default()
    };
    let config = parse(Path::new("test.toml"), MINIMAL, &overrides).unwrap();
    assert_eq!((config.seed, config.fill.latency), (9, Nanos::from_millis(3)));
    assert_eq!(config.plugins[0].parameters["fast"], Setting("12".to_owned()));
    assert_eq!(config.plugins[1].name, "second");
    assert_eq!(config.plugins[1].budget.to_string(), "2000.50");
    let bad = Overrides { settings: vec!["emma.fast=1".to_owned()], ..Overrides::default() };
    let error = parse(Path::new("test.toml"), MINIMAL, &bad).unwrap_err();
    assert_eq!(error.help.as_deref(), Some("the run has: ema"));
}

#[test]
fn a_plugin_flag_is_a_component_or_a_crate() {
    let parsed = |text: &str| PluginOverride::parse(text).unwrap();
    assert_eq!(parsed("a/b.wasm").name, "b");
    assert_eq!(parsed("x=a/b.wasm").source, PluginSource::Component("a/b.wasm".into()));
    assert_eq!(parsed("plugins/grid").source, PluginSource::Crate("plugins/grid".into()));
    assert!(PluginOverride::parse("=").is_err());
}

#[test]
fn a_run_is_the_same_after_writing_and_reading_it() {
    let config = parse(Path::new("reference.toml"), REFERENCE, &Overrides::default()).unwrap();
    let text = config.to_file(&[Path::new("ema.wasm")]);
    let again = parse(Path::new("run.toml"), &text, &Overrides::default()).unwrap();
    assert_eq!(again.canonical(), config.canonical());
    assert_eq!(again.plugins[0].source, PluginSource::Component("ema.wasm".into()));
    assert_eq!(again.tapes, config.tapes);
}

#[test]
fn the_canonical_form_has_what_matters_and_no_paths() {
    let config = read(MINIMAL).unwrap();
    let moved = read(&MINIMAL.replace("market.tape", "x/y.tape").replace("ema.wasm", "z.wasm"));
    assert_eq!(config.canonical(), moved.unwrap().canonical());
    for (from, to) in [("version = 1", "version = 1\nseed = 1"), ("\"1000\"", "\"1001\"")] {
        let changed = read(&MINIMAL.replace(from, to)).unwrap();
        assert_ne!(config.canonical(), changed.canonical(), "{to}");
    }
    let same = read(&MINIMAL.replace("\"1000\"", "\"1000.00\"")).unwrap();
    assert_eq!(config.canonical(), same.canonical());
}
