//! Text in, configuration or error out.

use super::*;
use std::path::Path;

use sandpit_core::{
    matching::{Beyond, QueueModel, Split},
    num::Rate,
    simulation::Latency,
};

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
fn the_venue_behaves_as_it_is_told() {
    let fill = parse(Path::new("reference.toml"), REFERENCE, &Overrides::default()).unwrap().fill;
    assert_eq!(fill.queue, QueueModel::Probable(Split::Power(2)));
    assert_eq!(fill.beyond, Beyond::Levels { basis_points: 5 });
    let (orders, reports) = fill.latencies(7);
    let (base, spread) = (Nanos::from_millis(2), Nanos::from_millis(3));
    assert_eq!(orders, Latency::Jitter { base, spread, seed: 7 });
    let factor = Rate::from_decimal(Decimal::new(15, 1)).unwrap();
    assert_eq!(reports, Latency::Recorded { factor, plus: Nanos(500_000) });
    assert_eq!(fill.fees.unwrap().tiers().len(), 2);
    assert_eq!(fill.maintenance.closings().len(), 1);
    let defaults = read(MINIMAL).unwrap().fill;
    assert_eq!(defaults, FillModel::default());
    let none = Latency::Fixed(Nanos(0));
    assert_eq!(defaults.latencies(7), (none, none));
}

#[test]
fn a_venue_that_cannot_be_is_shown_in_its_place() {
    let fill = |keys: &str| refused(&format!("{MINIMAL}[fill]\n{keys}\n"));
    let margin = |keys: &str| {
        let table = "[[instruments]]\nsymbol = \"A\"\n[instruments.margin]\n";
        refused(&format!("{MINIMAL}{table}{keys}\n"))
    };
    let tiers = "tiers = [{ from = \"0\", rate = \"0.2\" }]";
    for ((said, at), message, where_at) in [
        (fill("queue_power = 3"), "is for queue = \"power\"", "3"),
        (fill("queue = \"power\"\nqueue_power = 9"), "must be 1 to 8", "9"),
        (fill("beyond_depth_bp = 0"), "must be 1 to 9,999", "0"),
        (fill("order_latency = { model = \"fixed\", base_us = 60000001 }"), "above the", "{ m"),
        (fill("order_latency = { model = \"fixed\" }"), "missing field `base_us`", ""),
        (
            fill("order_latency = { model = \"fixed\", base_us = 1, spread_us = 1 }"),
            "spread_us",
            "",
        ),
        (fill("report_latency = { model = \"recorded\", factor = \"-1\" }"), "must be 0 to", "{ m"),
        (fill("fees = { tiers = [] }"), "a schedule has 1 to 64 tiers", "{ tiers = [] }"),
        (fill("maintenance = [{ from = \"soon\", to = \"2026-01-02\" }]"), "is no time", "{ f"),
        (
            fill("maintenance = [{ from = \"2026-01-02\", to = \"2026-01-02\" }]"),
            "must end after they begin",
            "{ f",
        ),
        (margin(&format!("leverage_max = 0\n{tiers}")), "leverage_max must be 1 to 1,000", ""),
        (margin(&format!("leverage_max = 5\n{tiers}")), "must be below 1/leverage_max", ""),
    ] {
        assert!(said.contains(message), "{said}");
        assert!(at.starts_with(where_at), "{said}: {at}");
    }
}

#[test]
fn what_changes_a_fill_changes_the_canonical_form() {
    let plain = read(MINIMAL).unwrap().canonical();
    for keys in [
        "queue = \"log\"",
        "queue = \"power\"",
        "queue = \"power\"\nqueue_power = 3",
        "beyond_depth_bp = 1",
        "triggers = \"quotes\"",
        "bars = \"low-first\"",
        "order_latency = { model = \"fixed\", base_us = 1 }",
        "report_latency = { model = \"jitter\", base_us = 1, spread_us = 1 }",
        "fees = { tiers = [{ from = 0, maker = 0, taker = 0 }] }",
        "maintenance = [{ from = \"2026-01-02\", to = \"2026-01-03\" }]",
    ] {
        let changed = read(&format!("{MINIMAL}[fill]\n{keys}\n")).unwrap();
        assert_ne!(changed.canonical(), plain, "{keys}");
    }
    // What only says the default changes nothing.
    let said = "queue = \"conservative\"\ntriggers = \"last\"\nbars = \"nearer-first\"";
    let same = read(&format!("{MINIMAL}[fill]\n{said}\n")).unwrap();
    assert_eq!(same.canonical(), plain);
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

#[test]
fn limits_are_read_with_their_defaults() {
    use sandpit_core::{
        plugin::TradingState,
        risk::{BasisPoints, LossLimit, ProtectiveStop, RampStage, SelfTrade, Unlock},
    };
    let text = format!(
        "{MINIMAL}[plugins.limits]\nleverage_bp_max = 20000\nmarket_age_ms_max = 1500\n\
         protective_stop = {{ trailing_bp = 250 }}\n\
         ramp = [{{ basis_points = 1000, days = 7 }}, {{ basis_points = 10000 }}]\n\
         daily_loss = {{ amount = \"50.5\" }}\n\
         drawdown = {{ basis_points = 1000, state = \"halted\", flatten = true }}\n\
         losing_streak = {{ losses_max = 4, unlock_after_minutes = 30 }}\n\
         [risk]\nself_trade = \"cancel-oldest\"\n"
    );
    let config = read(&text).unwrap();
    let limits = &config.plugins[0].limits;
    assert_eq!(limits.leverage_max, Some(BasisPoints(20_000)));
    assert_eq!(limits.market_age_max, Some(Nanos::from_millis(1_500)));
    assert_eq!(limits.protective_stop, Some(ProtectiveStop::Trailing(250)));
    let stage = |share, days| RampStage { share: BasisPoints(share), days };
    assert_eq!(limits.ramp, [stage(1_000, 7), stage(10_000, 0)]);
    let daily = limits.guards.daily_loss.unwrap();
    assert_eq!(daily.limit, LossLimit::Amount(Money(50_500_000_000_000_000_000)));
    assert_eq!(daily.policy.state, TradingState::Reducing);
    assert_eq!(daily.policy.unlock, Unlock::NextSession);
    let drawdown = limits.guards.drawdown.unwrap();
    assert_eq!(drawdown.limit, LossLimit::Share(BasisPoints(1_000)));
    assert_eq!((drawdown.policy.state, drawdown.policy.flatten), (TradingState::Halted, true));
    assert_eq!(drawdown.policy.unlock, Unlock::Person);
    let streak = limits.guards.losing_streak.unwrap();
    assert_eq!(streak.policy.unlock, Unlock::After(Nanos::from_millis(30 * 60_000)));
    assert_eq!(config.risk.self_trade, SelfTrade::CancelOldest);
    assert_eq!(config.account_limits, MoneyLimits::default());
}

#[test]
fn limits_that_cannot_be_are_shown_in_their_place() {
    for (line, message) in [
        ("leverage_bp_max = 0", "basis points are 1 to"),
        ("orders_per_second_max = 10001", "a rate is 1 to 10000"),
        ("net_notional_max = \"0\"", "not an amount greater than zero"),
        ("daily_loss = {}", "an `amount` or so many `basis_points`"),
        ("daily_loss = { amount = 1, basis_points = 1 }", "an `amount` or so many"),
        ("daily_loss = { amount = 1, losses_max = 1 }", "this guard has no `losses_max`"),
        ("losing_streak = { amount = 1 }", "this guard has no `amount`"),
        ("pnl_velocity = { amount = 1, minutes = 241 }", "1 to 240 `minutes`"),
        (
            "drawdown = { amount = 1, unlock = \"person\", unlock_after_minutes = 1 }",
            "a lock ends by",
        ),
        ("protective_stop = { basis_points = 10000 }", "a stop is at"),
        ("ramp = [{ basis_points = 5000 }, { basis_points = 10000 }]", "a ramp has at most"),
        (
            "ramp = [{ basis_points = 5000, days = 1 }, { basis_points = 5000 }]",
            "a ramp has at most",
        ),
        ("sides_allowed = \"long\"", "unknown variant `long`"),
    ] {
        let (said, at) = refused(&format!("{MINIMAL}[plugins.limits]\n{line}\n"));
        assert!(said.contains(message), "{line}: {said}");
        assert!(!at.is_empty() && line.contains(&at), "{line}: points at `{at}`");
    }
    let (said, at) = refused(&format!("{MINIMAL}[risk]\ntime_zone = \"Moon/Far\"\n"));
    assert!(said.contains("no time zone"), "{said}");
    assert_eq!(at, "\"Moon/Far\"");
}
