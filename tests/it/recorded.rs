//! Runs over recorded market data, against a plain reckoning that shares no code with the host.
//!
//! The data lies beside the repository and not in it; where it is missing, these tests say so.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use flate2::read::GzDecoder;
use rust_decimal::Decimal;
use serde_json::Value;

use super::support::{root, run};

const TRADES: &str = "trades/bitmex-xbtusd-1m-trades-2018-01.csv.gz";
const RULES: &str = "[[instruments]]\nsymbol = \"XBTUSD\"\nprice_tick = \"0.5\"\n\
                     quantity_step = \"1\"\ntaker_fee = \"0.0005\"\n";

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn recorded(name: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: there is no {}", path.display());
    None
}

/// The tape of the recorded trades, imported once for all tests here.
fn tape() -> Option<&'static Path> {
    static TAPE: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();
    let made = TAPE.get_or_init(|| {
        let trades = recorded(TRADES)?;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rules.toml"), RULES).unwrap();
        let words = ["data", "import", trades.to_str().unwrap()];
        let flags = ["--rules", "rules.toml", "--out", "trades.tape"];
        run(folder.path(), &[&words[..], &flags[..]].concat()).ends(0);
        let tape = folder.path().join("trades.tape");
        Some((folder, tape))
    });
    made.as_ref().map(|(_, tape)| tape.as_path())
}

/// One backtest over the tape; the answer, and the report folder's files by name.
fn backtest(tape: &Path, plugin: &str, flags: &[&str]) -> (Value, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let crate_folder = root().join("plugins").join(plugin);
    let named = format!("it={}", crate_folder.display());
    let words = ["--json", "backtest", "--tape", tape.to_str().unwrap(), "--plugin", &named];
    let out = folder.path().join("out");
    let all = [&words[..], &["--out", out.to_str().unwrap()], flags].concat();
    run(folder.path(), &all).ends(0);
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    (serde_json::from_str(&report).unwrap(), folder)
}

fn money(report: &Value, name: &str) -> Decimal {
    report["account"]["metrics"][name].as_str().unwrap().parse().unwrap()
}

/// What the EMA cross must come to.
#[derive(Debug, PartialEq, Eq)]
struct Plain {
    orders: u64,
    fees: Decimal,
    equity: Decimal,
    notional: Decimal,
    max_drawdown: Decimal,
}

/// The strategy, the fills and the books again, in the slowest and plainest way: long one contract
/// or flat, each order filled at the trade that called it forth, five basis points of fee.
fn reckon(trades: &Path) -> Plain {
    let lines = BufReader::new(GzDecoder::new(fs::File::open(trades).unwrap())).lines();
    let start = Decimal::from(1_000_000);
    let fee_rate = Decimal::new(5, 4);
    let (fast_weight, slow_weight) = (2.0 / 11.0, 2.0 / 21.0);
    let (mut fast, mut slow, mut seen, mut sign) = (0.0, 0.0, 0, 0);
    let (mut cash, mut held) = (start, Decimal::ZERO);
    let (mut peak, mut max_drawdown, mut equity) = (start, Decimal::ZERO, start);
    let (mut orders, mut fees, mut notional) = (0, Decimal::ZERO, Decimal::ZERO);
    for line in lines.skip(1) {
        let line = line.unwrap();
        let text = line.split(',').nth(1).unwrap();
        let (price, exact): (f64, Decimal) = (text.parse().unwrap(), text.parse().unwrap());
        seen += 1;
        (fast, slow) = if seen == 1 {
            (price, price)
        } else {
            (
                fast_weight * price + (1.0 - fast_weight) * fast,
                slow_weight * price + (1.0 - slow_weight) * slow,
            )
        };
        let now = i32::from(fast > slow) - i32::from(fast < slow);
        let turned = now != 0 && now != sign;
        sign = if now == 0 { sign } else { now };
        let wanted = Decimal::from(i32::from(now > 0));
        if turned && seen >= 20 && wanted != held {
            orders += 1;
            notional += exact;
            fees += exact * fee_rate;
            cash -= (wanted - held) * exact + exact * fee_rate;
            held = wanted;
        }
        equity = cash + held * exact;
        peak = peak.max(equity);
        max_drawdown = max_drawdown.max(peak - equity);
    }
    Plain { orders, fees, equity, notional, max_drawdown }
}

#[test]
fn the_ema_cross_equals_a_plain_reckoning_to_the_last_digit() {
    let (Some(tape), Some(trades)) = (tape(), recorded(TRADES)) else { return };
    let plain = reckon(&trades);
    // What five other engines make of the same rules.
    assert_eq!(plain.orders, 27_610);
    let (report, _folder) = backtest(tape, "ema-cross", &[]);
    let ours = Plain {
        orders: report["account"]["metrics"]["orders"].as_u64().unwrap(),
        fees: money(&report, "fees"),
        equity: money(&report, "end_equity"),
        notional: money(&report, "traded_notional"),
        max_drawdown: money(&report, "max_drawdown"),
    };
    assert_eq!(ours, plain);
}

#[test]
fn runs_are_the_same_byte_for_byte_on_one_thread_and_on_two() {
    let Some(tape) = tape() else { return };
    let folders =
        ["1", "1", "2"].map(|threads| backtest(tape, "ema-cross", &["--threads", threads]).1);
    for file in ["receipt.json", "fills.csv", "orders.csv", "trades.csv"] {
        let [first, again, threaded] = folders
            .each_ref()
            .map(|folder| fs::read(folder.path().join("out").join(file)).unwrap());
        assert!(first == again, "{file} of two runs");
        assert!(first == threaded, "{file} of one and two threads");
    }
    run(folders[0].path(), &["report", "verify", "out"]).ends(0);
}

/// Every other recorded file through the command line, and a strategy that fits over what it
/// makes.
#[test]
fn strategies_run_over_every_recording() {
    let maker = "market-maker";
    let inputs: [(&str, &[&str], &str, &[&str]); 6] = [
        (
            "trades/quotes-quote_tick_data.csv.gz",
            &[],
            maker,
            &["--set", "it.quantity=1000", "--set", "it.max-inventory=5000"],
        ),
        ("streams/binance-spot-btcusdt-20240808.gz", &[], maker, &[]),
        ("streams/binance-spot-btcusdt-20240809.gz", &[], maker, &[]),
        ("streams/binance-usdm-btcusdt-20240808.gz", &[], maker, &[]),
        (
            "streams/binance-spot-btc-eth-sol-normalised-20250325.ndjson.gz",
            &["--repair", "sort"],
            "rebalancer",
            &["--set", "it.interval-minutes=1"],
        ),
        (
            "bars/btc-perp-1m-2022-01.csv.gz",
            &["--repair", "round-volume"],
            "breakout",
            &["--set", "it.quantity=1"],
        ),
    ];
    for (name, repairs, plugin, parameters) in inputs {
        let Some(input) = recorded(name) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let words = ["data", "import", input.to_str().unwrap(), "--out", "it.tape"];
        run(folder.path(), &[&words[..], repairs].concat()).ends(0);
        run(folder.path(), &["data", "check", "it.tape"]).ends(0);
        let (report, _folder) = backtest(&folder.path().join("it.tape"), plugin, parameters);
        assert!(report["plugins"][0]["faults"].as_array().unwrap().is_empty(), "{name}");
        let orders = report["account"]["metrics"]["orders"].as_u64().unwrap();
        assert!(orders > 1, "{name}: {orders} orders");
        let made = money(&report, "gross_pnl") - money(&report, "fees");
        let gained = money(&report, "end_equity") - money(&report, "start_equity");
        assert_eq!(gained, made, "{name}: equity is what was made");
    }
}
