//! The recorded files, where they are beside the project: each imports, and is as its table says.

use std::{ops::ControlFlow, path::PathBuf, time::Instant};

use sandpit::data::{
    CheckOptions, ImportOptions, ImportRules, ImportSummary, Repair, check, import,
};
use sandpit_core::market::{MarketData, Side};
use sandpit_journal::tape::TapeReader;

use crate::support::Folder;

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn recorded(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is missing", path.display());
    None
}

pub(crate) struct Imported {
    pub(crate) folder: Folder,
    summary: ImportSummary,
}

impl Imported {
    pub(crate) fn reader(&self) -> TapeReader {
        TapeReader::open(self.folder.path("out.tape")).unwrap()
    }
}

/// Imports a file and says how fast that was.
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
pub(crate) fn imported(name: &str, change: impl FnOnce(&mut ImportOptions)) -> Option<Imported> {
    let path = recorded(name)?;
    let folder = Folder::new();
    let mut options = ImportOptions {
        inputs: vec![path],
        output: folder.path("out.tape"),
        ..ImportOptions::default()
    };
    change(&mut options);
    let start = Instant::now();
    let summary = import(&options, &mut |_| ControlFlow::Continue(())).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name}: {} lines, {} events, {:.0} lines/s, {} bytes; {}; {:?}",
        summary.lines,
        summary.events,
        f64::from(u32::try_from(summary.lines).unwrap()) / seconds,
        summary.bytes,
        summary.recognised,
        summary.notes,
    );
    let report =
        check(&summary.output, &CheckOptions::default(), &mut |_, _| ControlFlow::Continue(()));
    let report = report.unwrap();
    let instrument = &report.instruments[0];
    println!("  {} problems, {} notes; {:?}", report.problems, report.notes, instrument.findings);
    assert_eq!(report.events, summary.events);
    Some(Imported { folder, summary })
}

#[test]
fn bitmex_trades() {
    let Some(it) = imported("trades/bitmex-xbtusd-1m-trades-2018-01.csv.gz", |options| {
        options.rules = vec![ImportRules {
            symbol: Some("XBTUSD".to_owned()),
            price_tick: Some("0.5".parse().unwrap()),
            quantity_step: Some("1".parse().unwrap()),
            ..ImportRules::default()
        }];
    }) else {
        return;
    };
    assert_eq!(it.summary.events, 1_000_000);
    let (mut low, mut high, mut sells) = (i64::MAX, 0, 0);
    for event in it.reader() {
        let event = event.unwrap();
        let MarketData::Trade(trade) = event.data else { panic!("{event:?}") };
        low = low.min(trade.price.0);
        high = high.max(trade.price.0);
        sells += i32::from(trade.aggressor == Some(Side::Sell));
    }
    assert_eq!((low, high), (127_720, 155_240));
    assert!(sells > 400_000);
    assert_eq!(
        (it.summary.first.as_str(), it.summary.last.as_str()),
        ("2018-01-01T00:00:02.61Z", "2018-01-05T03:13:32.822Z")
    );
}

#[test]
fn fx_quotes() {
    let Some(it) = imported("trades/quotes-quote_tick_data.csv.gz", |_| {}) else {
        return;
    };
    assert_eq!(it.summary.events, 9_500);
    assert_eq!(it.summary.first, "2020-01-01T17:00:00.065Z");
    assert_eq!(it.summary.instruments[0].price_tick, "0.00001");
}

#[test]
fn perpetual_bars() {
    let Some(it) = imported("bars/btc-perp-1m-2022-01.csv.gz", |options| {
        // A few volumes are sums of floats, such as 235431.18029999998.
        options.repairs = [Repair::RoundVolume].into();
    }) else {
        return;
    };
    assert_eq!((it.summary.events, it.summary.lines), (45_031, 45_032));
    assert_eq!(it.summary.volumes_rounded, 9);
    // The first bar begins at 23:01 and is known at 23:02.
    assert_eq!(it.summary.first, "2021-12-31T23:02:00Z");
    let report = check(&it.folder.path("out.tape"), &CheckOptions::default(), &mut |_, _| {
        ControlFlow::Continue(())
    });
    assert_eq!(report.unwrap().instruments[0].bars_missing, 0);
}

#[test]
fn binance_captures() {
    for (name, trades, quotes, live) in [
        ("binance-spot-btcusdt-20240808.gz", 9_757, 28_040, true),
        ("binance-spot-btcusdt-20240809.gz", 10_147, 45_134, false),
        ("binance-usdm-btcusdt-20240808.gz", 21_313, 66_089, true),
    ] {
        let Some(it) = imported(&format!("streams/{name}"), |_| {}) else {
            continue;
        };
        let instrument = &it.summary.instruments[0];
        assert_eq!((instrument.trades, instrument.quotes), (trades, quotes), "{name}");
        let report = check(&it.folder.path("out.tape"), &CheckOptions::default(), &mut |_, _| {
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(report.ok, "{name}: {:?}", report.findings);
        let unused = report.instruments[0].book_changes_unused;
        assert_eq!(unused < 100, live, "{name}: {unused} changes without a book");
    }
}

/// Two days of one capture are one tape, and the book lives through midnight.
#[test]
fn binance_captures_of_two_days() {
    let Some(second) = recorded("streams/binance-spot-btcusdt-20240809.gz") else {
        return;
    };
    let Some(it) =
        imported("streams/binance-spot-btcusdt-20240808.gz", |options| options.inputs.push(second))
    else {
        return;
    };
    let report = check(&it.folder.path("out.tape"), &CheckOptions::default(), &mut |_, _| {
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(report.ok, "{:?}", report.findings);
    assert!(report.instruments[0].book_changes_unused < 100);
}

/// Three recorder tasks wrote into one file; their lines are not in order.
#[test]
fn barter_events() {
    let name = "streams/binance-spot-btc-eth-sol-normalised-20250325.ndjson.gz";
    let Some(it) = imported(name, |options| options.repairs = [Repair::Sort].into()) else {
        return;
    };
    assert_eq!((it.summary.events, it.summary.instruments.len()), (50_000, 3));
    assert!(it.summary.sorted > 20_000);
    assert!(it.reader().map(|event| event.unwrap().time).is_sorted());
}
