//! `sandpit audit` as its users see it: real journals, the real command.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sandpit_core::{
    engine::{Alert, Lock, LockReason, Origin, Record},
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId, TradeId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::TimeInForce,
    market::Side,
    num::{Decimal, Money, Price, Quantity, Rate},
    order::{Fill, Order, OrderKind, OrderState},
    plugin::{Fault, FaultCode, TradingState},
    risk::{Denial, Purpose},
    time::UnixNanos,
};
use sandpit_journal::journal::{
    Digest, HostRecord, Journal, JournalOptions, RunMode, Tables, head_path,
};
use serde_json::Value;
use tempfile::TempDir;

/// 2026-11-24T12:00:00Z.
const NOON: u64 = 1_795_521_600_000_000_000;
const MONTH: u64 = 30 * 24 * 3_600_000_000_000;

fn tables() -> Tables {
    let instrument = Instrument::new(InstrumentSpec {
        symbol: "BTCUSDT".to_owned(),
        venue: "test".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: Decimal::new(1, 2),
        quantity_step: Decimal::new(1, 3),
        min_quantity: Decimal::new(1, 3),
        max_quantity: Decimal::new(1_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    });
    Tables {
        instruments: vec![instrument.unwrap()],
        // A name that a spreadsheet would take for a formula.
        plugins: vec!["cross".to_owned(), "=maker".to_owned()],
        budgets: vec![Money::from_scaled(1_000, 0).unwrap(); 2],
        currency: "USDT".to_owned(),
    }
}

/// An order that trades at once.
fn trade(plugin: u16, sequence: u64, side: Side, price: i64, quantity: i64) -> Vec<Record> {
    let order = Order {
        id: ClientOrderId { sequence, plugin: PluginId(plugin), run: RunId(1) },
        tag: OrderTag(sequence),
        instrument: InstrumentId(0),
        side,
        quantity: Quantity(quantity),
        kind: OrderKind::Market,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    };
    let fill = Fill {
        trade_id: TradeId(sequence),
        price: Price(price),
        quantity: Quantity(quantity),
        fee: Money::from_scaled(25, 2).unwrap(),
        maker: false,
    };
    vec![
        Record::Submitted { order: order.clone(), purpose: Purpose::Plain, replaces: None },
        Record::Filled { order: order.clone(), fill, time: UnixNanos(NOON), origin: Origin::Venue },
        Record::Closed { order, state: OrderState::Filled, filled: Quantity(quantity) },
    ]
}

/// A journal of two months: 2 bought in October, 3 sold in November.
fn journal(path: &Path) -> Journal {
    let mut journal = Journal::open(path, &tables(), &JournalOptions::default()).unwrap();
    let started = HostRecord::Started {
        run: RunId(1),
        mode: RunMode::Paper,
        version: "0.1.0".to_owned(),
        config: Digest::of(b"config"),
        components: Vec::new(),
    };
    journal.append(UnixNanos(NOON - MONTH), [&started]).unwrap();
    journal.append(UnixNanos(NOON - MONTH), &trade(0, 1, Side::Buy, 10_000, 2_000)).unwrap();
    journal.append(UnixNanos(NOON), &trade(0, 2, Side::Sell, 11_000, 3_000)).unwrap();
    journal.append(UnixNanos(NOON + 1), &trade(1, 3, Side::Buy, 11_000, 500)).unwrap();
    let denied = Record::Denied {
        plugin: PluginId(1),
        instrument: Some(InstrumentId(0)),
        tag: None,
        denial: Denial::DuplicateTag,
    };
    let order = ClientOrderId { sequence: 9, plugin: PluginId(0), run: RunId(1) };
    let alert = Record::Alert(Alert::StrangeReport(order));
    journal.append(UnixNanos(NOON + 2), &[denied, alert]).unwrap();
    journal
}

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `sandpit audit …` here.
    fn audit(&self, words: &[&str]) -> Answer {
        let done = Command::new(env!("CARGO_BIN_EXE_sandpit"))
            .current_dir(self.folder.path())
            .arg("audit")
            .args(words)
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        Answer {
            exit: done.status.code().unwrap(),
            text: String::from_utf8(done.stdout).unwrap(),
            errors: String::from_utf8(done.stderr).unwrap(),
        }
    }
}

#[derive(Debug)]
struct Answer {
    exit: i32,
    text: String,
    errors: String,
}

impl Answer {
    fn ends(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "{self:#?}");
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// Changes the last place of `from` in a file.
fn change(path: &Path, from: &[u8], to: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(from.len()).rposition(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    fs::write(path, bytes).unwrap();
}

#[test]
fn verify_proves_and_names_what_is_wrong() {
    let place = Place::new();
    let path = place.path("a.journal");
    let head = journal(&path).close().unwrap();
    let (hash, rows) = (head.hash.to_string(), head.seq.to_string());

    let sound = place.audit(&["verify", "a.journal", "--head", &hash, "--rows", &rows]).ends(0);
    assert!(sound.text.contains(&format!("head 13 {hash}")), "{sound:?}");
    let json = place.audit(&["verify", "a.journal", "--json"]).ends(0).json();
    assert_eq!((&json["verified"], &json["rows"]), (&Value::Bool(true), &13.into()));

    let other = place.audit(&["verify", "a.journal", "--head", &hash, "--rows", "12"]).ends(6);
    assert!(other.text.contains("row 12"), "{other:?}");
    place.audit(&["verify", "a.journal", "--head", &hash, "--rows", "40"]).ends(6);
    place.audit(&["verify", "a.journal", "--head", "xyz", "--rows", "1"]).ends(2);
    place.audit(&["verify", "a.journal", "--head", &hash]).ends(2);
    place.audit(&["verify", "none.journal"]).ends(7);

    fs::remove_file(head_path(&path)).unwrap();
    assert!(place.audit(&["verify", "a.journal"]).ends(0).text.contains("no head file"));

    // The price of the second fill, row 7.
    change(&path, b"\"price\":11000,\"quantity\":3000", b"\"price\":19000");
    let broken = place.audit(&["verify", "a.journal"]).ends(6);
    assert!(broken.text.contains("row 7 of a.journal"), "{broken:?}");
    let json = place.audit(&["verify", "a.journal", "--json"]).ends(6).json();
    assert_eq!((&json["verified"], &json["row"]), (&Value::Bool(false), &7.into()));
    let shown = place.audit(&["show", "a.journal"]).ends(6);
    assert!(shown.errors.contains("row 7") && shown.errors.contains("audit restore"), "{shown:?}");
}

#[test]
fn show_filters() {
    let place = Place::new();
    drop(journal(&place.path("a.journal")));
    let all = place.audit(&["show", "a.journal"]).ends(0);
    assert_eq!(all.text.lines().count(), 13);
    let last = place.audit(&["show", "a.journal", "--last", "2"]).ends(0).text;
    assert!(last.lines().count() == 2 && last.contains("strange-report"), "{last}");
    let count = |words: &[&str]| {
        let words = [&["show", "a.journal", "--json"], words].concat();
        place.audit(&words).ends(0).json()["rows"].as_array().unwrap().len()
    };
    assert_eq!(count(&["--kind", "filled"]), 3);
    assert_eq!(count(&["--kind", "filled", "--kind", "denied"]), 4);
    assert_eq!(count(&["--kind", "filled", "--plugin", "cross"]), 2);
    assert_eq!(count(&["--order", "sp-1-0-2"]), 3);
    assert_eq!(count(&["--from", "2026-11-01", "--kind", "filled"]), 2);
    assert_eq!(count(&["--to", "2026-11-24T12:00:00Z", "--kind", "filled"]), 1);
    place.audit(&["show", "a.journal", "--plugin", "nobody"]).ends(2);
    place.audit(&["show", "a.journal", "--from", "yesterday"]).ends(2);
}

#[test]
fn export_writes_csv_and_json_lines() {
    let place = Place::new();
    drop(journal(&place.path("a.journal")));
    let csv = place.audit(&["export", "a.journal", "--format", "csv", "--kind", "denied"]).ends(0);
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(lines[0], "seq,step,time,at_ns,kind,plugin,symbol,order_id,body,hash");
    let expected = "12,6,2026-11-24T12:00:00.000000002Z,1795521600000000002,denied,'=maker,BTCUSDT,,\"{\"\"v\"\":1,\"\"denied\"\":{\"\"plugin\"\":1,\"\"instrument\"\":0,\"\"tag\"\":null,\"\"denial\"\":\"\"duplicate-tag\"\"}}\",";
    assert!(lines[1].starts_with(expected), "{}", lines[1]);
    assert_eq!(lines.len(), 2);

    let out = ["export", "a.journal", "--format", "jsonl", "--out", "a.jsonl"];
    let exported = place.audit(&out).ends(0);
    assert!(exported.text.contains("Exported 13 rows"), "{exported:?}");
    let text = fs::read_to_string(place.path("a.jsonl")).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 13);
    assert_eq!(rows[3]["body"]["filled"]["fill"]["fee"], "0.25");
    assert_eq!(rows[3]["plugin"], "cross");
    assert_eq!(rows[0]["plugin"], Value::Null);
    place.audit(&out).ends(1);
    place.audit(&["export", "a.journal", "--format", "xml"]).ends(2);
    place.audit(&["export", "a.journal", "--format", "csv", "--json"]).ends(2);
}

#[test]
fn report_reckons_a_month() {
    let place = Place::new();
    let head = journal(&place.path("a.journal")).close().unwrap();
    let json = place.audit(&["report", "a.journal", "--month", "2026-11", "--json"]).ends(0).json();
    assert_eq!(json["rows"], 8);
    assert_eq!(json["head"], head.hash.to_string());
    let scopes = json["scopes"].as_array().unwrap();
    let names: Vec<_> = scopes.iter().map(|scope| scope["scope"].as_str().unwrap()).collect();
    assert_eq!(names, ["cross", "=maker", "account"]);
    // 3 sold at 110, of which 2 were bought at 100 the month before: 20 realized.
    let figures = |scope: &Value| {
        ["orders", "fills", "volume", "fees", "realized"].map(|name| scope[name].to_string())
    };
    assert_eq!(figures(&scopes[0]), ["1", "1", "\"330.00\"", "\"0.25\"", "\"20.00\""]);
    assert_eq!(figures(&scopes[1]), ["1", "1", "\"55.00\"", "\"0.25\"", "\"0.00\""]);
    assert_eq!(figures(&scopes[2]), ["2", "2", "\"385.00\"", "\"0.50\"", "\"20.00\""]);
    assert_eq!(scopes[1]["denials"]["duplicate-tag"], 1);
    assert_eq!(scopes[0]["alerts"]["strange-report"], 1);

    let text = place.audit(&["report", "a.journal", "--month", "2026-11"]).ends(0).text;
    assert!(
        text.contains("net") && text.contains("19.50") && text.contains("duplicate-tag"),
        "{text}"
    );
    let before = place.audit(&["report", "a.journal", "--month", "2026-10", "--json"]).json();
    assert_eq!(before["scopes"][0]["volume"], "200.00");
    place.audit(&["report", "a.journal", "--month", "11.2026"]).ends(2);
}

#[test]
fn a_rotated_journal_keeps_its_figures_and_its_proof() {
    let place = Place::new();
    let path = place.path("a.journal");
    let held = journal(&path);
    place.audit(&["rotate", "a.journal"]).ends(7);
    drop(held);
    let before = place.audit(&["report", "a.journal", "--month", "2026-11", "--json"]).json();
    let rotated = place.audit(&["rotate", "a.journal"]).ends(0);
    assert!(rotated.text.contains("a.000001.journal"), "{rotated:?}");
    // The position goes on: 1 short at 110, bought back at 100.
    let mut journal = Journal::open(&path, &tables(), &JournalOptions::default()).unwrap();
    journal.append(UnixNanos(NOON + 9), &trade(0, 7, Side::Buy, 10_000, 1_000)).unwrap();
    drop(journal);
    let verified = place.audit(&["verify", "."]).ends(0);
    assert!(verified.text.contains("2 sound segments"), "{verified:?}");
    let after = place.audit(&["report", "a.journal", "--month", "2026-11", "--json"]).json();
    assert_eq!(before["scopes"][0]["realized"], "20.00");
    assert_eq!(after["scopes"][0]["realized"], "30.00");
    // The same from the new file alone, whose first rows carry the position.
    let archived = place.path("a.000001.journal");
    fs::rename(&archived, place.path("away")).unwrap();
    let alone =
        place.audit(&["report", "a.journal", "--month", "2026-11", "--json"]).ends(0).json();
    assert_eq!(
        (&alone["scopes"][0]["realized"], &alone["segments_missing"]),
        (&"10.00".into(), &1.into())
    );
    let missing = place.audit(&["verify", "."]).ends(6);
    assert!(missing.text.contains("segment 1 is missing"), "{missing:?}");
    fs::rename(place.path("away"), &archived).unwrap();
    let pruned = place.audit(&["rotate", "a.journal", "--keep", "1"]).ends(0);
    assert!(pruned.text.contains("removed"), "{pruned:?}");
    assert!(!archived.exists());
    let verified = place.audit(&["verify", "."]).ends(0);
    assert!(verified.text.contains("segments 1 to 1 were removed"), "{verified:?}");
}

#[test]
fn backup_and_restore() {
    let place = Place::new();
    let path = place.path("a.journal");
    let mut held = journal(&path);
    place.audit(&["backup", "a.journal", "--out", "b.journal"]).ends(0);
    place.audit(&["backup", "a.journal", "--out", "b.journal"]).ends(7);
    held.append(UnixNanos(NOON + 9), &trade(0, 7, Side::Buy, 10_000, 1_000)).unwrap();
    place.audit(&["restore", "b.journal", "--to", "a.journal", "--overwrite"]).ends(7);
    drop(held);
    let newer = place.audit(&["restore", "b.journal", "--to", "a.journal"]).ends(7);
    assert!(newer.errors.contains("--overwrite"), "{newer:?}");
    let restored =
        place.audit(&["restore", "b.journal", "--to", "a.journal", "--overwrite"]).ends(0);
    assert!(restored.text.contains("replaced-1"), "{restored:?}");
    let verified = place.audit(&["verify", "a.journal", "--json"]).ends(0).json();
    assert_eq!(verified["rows"], 14);
    let shown = place.audit(&["show", "a.journal", "--last", "1"]).ends(0).text;
    assert!(shown.contains("restored"), "{shown}");
}

#[test]
fn a_cut_is_accepted_only_with_a_note() {
    let place = Place::new();
    let path = place.path("a.journal");
    let mut held = journal(&path);
    let backup = place.path("b.journal");
    place.audit(&["backup", "a.journal", "--out", "b.journal"]).ends(0);
    held.append(UnixNanos(NOON + 9), &trade(0, 7, Side::Buy, 10_000, 1_000)).unwrap();
    held.close().unwrap();
    // As a loss of power would leave it: the head file knows of more than the journal has.
    fs::copy(&backup, &path).unwrap();
    let cut = place.audit(&["verify", "a.journal"]).ends(6);
    assert!(
        cut.text.contains("row 14") && cut.text.contains("row 16 had been confirmed"),
        "{cut:?}"
    );
    place.audit(&["accept-cut", "a.journal"]).ends(2);
    let accepted = place.audit(&["accept-cut", "a.journal", "--note", "no power"]).ends(0);
    assert!(accepted.text.contains("rows 14 to 16"), "{accepted:?}");
    place.audit(&["verify", "a.journal"]).ends(0);
    let again = place.audit(&["accept-cut", "a.journal", "--note", "again"]).ends(0);
    assert!(again.text.contains("Nothing is lost"), "{again:?}");
}

#[test]
fn plugins_that_came_later_have_their_names_everywhere() {
    let place = Place::new();
    let path = place.path("main.journal");
    let mut journal = journal(&path);
    let budget = Money::from_scaled(500, 0).unwrap();
    let late = PluginId(2);
    let added = Record::PluginAdded { plugin: late, name: "late".to_owned(), budget };
    let fault = Fault { code: FaultCode::Trap, detail: String::new() };
    let lock = Lock {
        reason: LockReason::Quarantine,
        state: TradingState::Halted,
        since: UnixNanos(NOON + 4),
        unlock_at: None,
    };
    journal.append(UnixNanos(NOON + 3), &[added]).unwrap();
    journal.append(UnixNanos(NOON + 3), &trade(2, 10, Side::Buy, 11_000, 100)).unwrap();
    let quarantined = [
        Record::Faulted(late, fault),
        Record::Alert(Alert::Quarantined(late)),
        Record::Locked { plugin: Some(late), lock },
    ];
    journal.append(UnixNanos(NOON + 4), &quarantined).unwrap();
    journal.close().unwrap();

    let shown = place.audit(&["show", "main.journal", "--plugin", "late"]).ends(0);
    assert!(shown.text.contains("plugin-added"), "{shown:?}");
    assert!(shown.text.contains("quarantine"), "{shown:?}");
    let exported = place.audit(&["export", "main.journal", "--format", "csv"]);
    assert!(exported.text.contains(",filled,late,BTCUSDT,"), "{exported:?}");
    let report = place.audit(&["report", "main.journal", "--month", "2026-11", "--json"]);
    let text = report.text.replace([' ', '\n'], "");
    assert!(text.contains(r#""scope":"late""#), "{text}");
    assert!(text.contains(r#""quarantined":1"#), "{text}");
    // The next file names it in its first row, and its position is carried.
    place.audit(&["rotate", "main.journal"]).ends(0);
    let shown = place.audit(&["show", "main.journal", "--plugin", "late"]);
    assert!(shown.text.contains("carried-position"), "{shown:?}");
    assert!(!shown.text.contains("plugin-added"), "{shown:?}");
    place.audit(&["verify", "."]).ends(0);
}
