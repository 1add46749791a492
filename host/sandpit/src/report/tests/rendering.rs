//! Renderings, the canonical form and the receipt.

use super::play::{Play, START, walk};
use crate::report::*;

fn sample() -> Report {
    let mut play = Play::new(&["BTCUSD", "ETHUSD"], &["ema-cross", "market-maker"], None);
    play.remember = false;
    walk(&mut play, 5, 24 * 4, 120);
    play.misbehave(1, "wasm trap: unreachable\n  0: market_maker::quote\n  1: on-trade");
    play.finish()
}

#[test]
fn the_page_shows_everything() {
    let report = sample();
    let receipt = Receipt::of(&report).unwrap();
    let html = render_html(&report, Some(&receipt));
    super::keep("short.html", &html);
    for needle in [
        "ema-cross",
        "market-maker",
        "BTCUSD price and fills",
        "Equity",
        "Drawdown",
        "Fees paid so far",
        "Net PnL of trades",
        "Returns by hour",
        "short-not-allowed",
        "is halted: a number left its bounds",
        "wasm trap: unreachable",
        "Sharpe",
        "synthetic",
        &receipt.result_sha256,
        "1.1 MiB",
    ] {
        assert!(html.contains(needle), "{needle}");
    }
    for outside in ["http://", "https://", "src=", "href=", "@import", "NaN", "inf%"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
}

#[test]
fn text_fits_any_terminal() {
    let report = sample();
    super::keep("short.txt", &render_text(&report));
    super::keep("narrow.txt", &render_text_styled(&report, TextStyle { width: 40, color: false }));
    for width in [0, 40, 60, 80, 120, 300] {
        let text = render_text_styled(&report, TextStyle { width, color: false });
        let limit = width.clamp(TextStyle::WIDTH_MIN, TextStyle::WIDTH_MAX);
        for line in text.lines() {
            assert!(line.chars().count() <= limit, "{width}: {line:?}");
            assert!(!line.contains('\u{1b}'));
        }
        for needle in [
            "Net PnL",
            "ema-cross",
            "Account",
            "Denied intents",
            "duplicate-tag",
            "Faults of market-maker",
            "Alerts: 1",
        ] {
            assert!(text.contains(needle), "{needle} at {width}");
        }
    }
    let colored = render_text_styled(&report, TextStyle { width: 80, color: true });
    assert!(colored.contains("\u{1b}[1m"));
    assert_eq!(render_text(&report), render_text_styled(&report, TextStyle::PLAIN));
}

const HOSTILE: &str =
    "</script><script>alert(1)</script><img src=x onerror='a\"b'>\u{1b}[2J\u{202e}";

#[test]
fn hostile_text_stays_text() {
    let mut play = Play::new(&["<b>X</b>"], &[HOSTILE, "two"], None);
    play.event(START, 0, 1_000, &[(0, 10, false)]);
    play.event(START + 1, 0, 1_000, &[(0, -10, false)]);
    play.misbehave(0, HOSTILE);
    let mut closing = super::play::closing();
    closing.warnings = vec![HOSTILE.to_owned()];
    closing.run.currency = HOSTILE.to_owned();
    closing.run.ending = Ending::Failed(HOSTILE.to_owned());
    closing.run.config_sha256 = HOSTILE.to_owned();
    closing.run.tapes[0].name = HOSTILE.to_owned();
    let report = play.recorder.finish(&play.account, closing).unwrap();
    let html = render_html(&report, Some(&Receipt::of(&report).unwrap()));
    // Two scripts of our own, and nothing of theirs.
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</script").count(), 2);
    for needle in ["<img", "<b>X", "alert(1)<", "onerror='", "\u{1b}", "\u{202e}"] {
        assert!(!html.contains(needle), "{needle:?}");
    }
    assert!(html.contains("&lt;/script&gt;"));
    let text = render_text(&report);
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn the_policy_names_the_script_that_is_there() {
    let html = render_html(&sample(), None);
    assert!(html.contains("default-src 'none'"));
    assert!(html.contains("script-src 'sha256-"));
    let script = html.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    assert_eq!(script, include_str!("../template/script.js"));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let first = canonical_json(&sample()).unwrap();
    let mut again = sample();
    again.machine = None;
    assert_eq!(first, canonical_json(&again).unwrap());
    // The file that people keep leads to the same bytes.
    let read = serde_json::from_slice::<Report>(&serde_json::to_vec(&sample()).unwrap()).unwrap();
    assert_eq!(first, canonical_json(&read).unwrap());
    assert_eq!(render_html(&read, None), render_html(&sample(), None));
    let text = String::from_utf8(first).unwrap();
    assert!(text.starts_with("{\"account\":{"));
    assert!(!text.contains("machine") && !text.contains("p50_ns") && !text.contains("NaN"));
}

#[test]
fn a_receipt_shows_every_difference() {
    let report = sample();
    let receipt = Receipt::of(&report).unwrap();
    assert_eq!(verify(&receipt, &Receipt::of(&sample()).unwrap()), []);
    type Change = fn(&mut Report);
    let changes: [(&str, Change); 8] = [
        ("engine version", |r| r.run.engine_version.push('1')),
        ("configuration", |r| r.run.config_sha256.push('1')),
        ("component 2", |r| r.plugins[1].component_sha256 = None),
        ("component 1", |r| r.plugins[0].name.push('x')),
        ("tape 1", |r| r.run.tapes.clear()),
        ("tape 2", |r| r.run.tapes.push(NamedHash { name: "b".to_owned(), sha256: String::new() })),
        ("fills, orders and trades", |r| r.stream_sha256.push('1')),
        ("result", |r| r.account.metrics.fees.0.0 += 1),
    ];
    for (field, change) in changes {
        let mut other = report.clone();
        change(&mut other);
        let differences = verify(&receipt, &Receipt::of(&other).unwrap());
        assert!(differences.iter().any(|d| d.field == field && d.expected != d.found), "{field}");
        // Every input is part of the result too.
        assert!(differences.iter().any(|d| d.field == "result"), "{field}");
    }
    let mut slower = report;
    slower.machine.as_mut().unwrap().wall_seconds = Stat::new(Some(99.0));
    assert_eq!(verify(&receipt, &Receipt::of(&slower).unwrap()), []);
}

#[test]
fn one_changed_fill_changes_the_receipt() {
    let run = |price: i64| {
        let mut play = Play::new(&["AAA"], &["one"], None);
        play.event(START, 0, 1_000, &[(0, 10, false)]);
        play.event(START + 1, 0, price, &[(0, -10, false)]);
        play.event(START + 2, 0, 1_000, &[]);
        Receipt::of(&play.finish()).unwrap()
    };
    assert_eq!(run(1_000), run(1_000));
    let fields = verify(&run(1_000), &run(1_005)).into_iter().map(|d| d.field).collect::<Vec<_>>();
    assert_eq!(fields, ["fills, orders and trades", "result"]);
}

#[test]
fn receipts_are_read_with_care() {
    let folder = scratch("receipts");
    let path = folder.join("receipt.json");
    let receipt = Receipt::of(&sample()).unwrap();
    receipt.write(&path).unwrap();
    assert_eq!(Receipt::read(&path).unwrap(), receipt);
    for (text, what) in [
        ("{}", "is not a receipt"),
        ("\u{0}", "is not a receipt"),
        (&*serde_json::to_string(&Receipt { schema: 9, ..receipt }).unwrap(), "schema 9"),
    ] {
        std::fs::write(&path, text).unwrap();
        assert!(Receipt::read(&path).unwrap_err().to_string().contains(what));
    }
    let absent = Receipt::read(&folder.join("none")).unwrap_err();
    assert!(matches!(absent, ReceiptError::File { what: "read", .. }));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_hold_every_line() {
    let folder = scratch("files");
    let mut play = Play::new(&["AAA,\"B\""], &["=evil", "two"], Some(&folder));
    walk(&mut play, 11, 30, 60);
    let report = play.finish();
    let lines = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let columns = text.lines().next().unwrap().split(',').count();
        // The instrument's name holds a comma.
        assert!(text.lines().skip(1).all(|line| line.split(',').count() == columns + 1), "{name}");
        assert!(!text.contains(",=evil"));
        u64::try_from(text.lines().count()).unwrap() - 1
    };
    assert_eq!(lines(FILLS_FILE), report.account.metrics.fills);
    assert_eq!(lines(ORDERS_FILE), report.account.metrics.orders);
    assert_eq!(lines(TRADES_FILE), report.account.metrics.trades);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let setup = Setup { instruments: Vec::new(), plugins: Vec::new() };
    assert!(Recorder::new(setup, Some(&std::env::temp_dir().join("sandpit-none/none"))).is_err());
}

fn scratch(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("sandpit-report-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
