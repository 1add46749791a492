//! Rows that cannot be believed: an error with file and line, or a repair that is counted.

use std::ops::ControlFlow;

use sandpit::data::{DataError, ImportOptions, ImportSummary, Repair, import as import_with};

use crate::support::{Folder, check, check_refused, error, import, show};

const GOOD: &str = "1609459200000,1.5,2\n";

fn with(row: &str) -> String {
    format!("timestamp,price,size,id\n{}{row}\n", GOOD.replace('\n', ",1\n"))
}

#[test]
fn each_bad_row_is_an_error_with_its_line() {
    for (row, expected) in [
        ("1609459200001,1.5,2", "it has 3 columns, not 4"),
        ("1609459200001,1.5,2,2,9", "it has 5 columns, not 4"),
        ("1609459200001,NaN,2,2", "`NaN` is no price"),
        ("1609459200001,1e3,2,2", "`1e3` is no price"),
        ("1609459200001,,2,2", "`` is no price"),
        ("1609459200001,-1.5,2,2", "the price `-1.5` is negative"),
        ("1609459200001,0,2,2", "the price is zero"),
        ("1609459200001,1.5,0,2", "the quantity is zero"),
        ("1609459200001,9999999999999999999,2,2", "the price `9999999999999999999` is too large"),
        ("yesterday,1.5,2,2", "`yesterday` is no time"),
        ("1609459199999,1.5,2,2", "time goes back from 1609459200000000000 to 1609459199999000000"),
        ("1609459200001,1.5,2,1", "trade 1 comes twice"),
        ("1609459200001,1.5,2,x", "`x` is no id"),
        (
            "1609459200001,\"1.5,2,2",
            "`1609459200001,\"1.5,2,2` is no row, since a quote is not closed",
        ),
    ] {
        check_refused(
            "x.csv",
            &with(row),
            &format!("x.csv, line 3: the row is refused: {expected}"),
        );
    }
}

#[test]
fn a_row_of_an_archive_is_named_with_its_entry() {
    check_refused(
        "BTCUSDT-trades-2025-01-01.zip",
        "1,1.5,2,3,1735689600000,true,true\n2,1.5,2,3,1735689600000,maybe,true\n",
        "BTCUSDT-trades-2025-01-01.zip (BTCUSDT-trades-2025-01-01.csv), line 2: the row is refused: `maybe` is no buyer-is-maker flag",
    );
}

#[test]
fn what_is_off_the_given_grid_is_an_error() {
    let folder = Folder::new();
    let mut options = folder.options("x.csv", &with("1609459200001,1.55,2,2"));
    options.rules = vec![sandpit::data::ImportRules {
        symbol: Some("X".to_owned()),
        price_tick: Some("0.5".parse().unwrap()),
        quantity_step: Some("1".parse().unwrap()),
        ..Default::default()
    }];
    let refused = import(&options).unwrap_err();
    assert_eq!(
        error(&refused, &folder),
        "x.csv, line 3: the row is refused: the price `1.55` is not on the instrument's grid"
    );
}

fn repaired(text: &str, repairs: &[Repair]) -> (ImportSummary, String) {
    let folder = Folder::new();
    let mut options = folder.options("x.csv", text);
    options.repairs = repairs.iter().copied().collect();
    let summary = import(&options).unwrap();
    (summary, show(&options.output))
}

#[test]
fn dropped_rows_are_counted_by_reason() {
    let rows = "1609459200001,NaN,2,2\n1609459200001,1,2\n1609459200001,-1,2,3\n1609459200001,1,-2,3\nx,1,2,4\n1609459200001,1.5,3,5";
    let (summary, tape) = repaired(&with(rows), &[Repair::DropBad]);
    // A negative size makes it a signed file, where it is a sell.
    assert_eq!(summary.events, 3);
    let dropped: Vec<_> = summary.dropped.iter().map(|(code, n)| format!("{code} {n}")).collect();
    assert_eq!(dropped, ["malformed 2", "negative 1", "wrong_columns 1"]);
    assert!(tape.ends_with("trade 1.5 x 3 buy #5\n"), "{tape}");
}

#[test]
fn sequence_errors_are_not_dropped_as_bad() {
    let folder = Folder::new();
    let mut options = folder.options("x.csv", &with("1609459199999,1.5,2,2"));
    options.repairs = [Repair::DropBad, Repair::Dedup].into();
    assert!(matches!(import(&options), Err(DataError::Row { .. })));
}

#[test]
fn sorting_keeps_the_order_of_equals_and_counts_what_moved() {
    let rows = "1609459100000,1.5,2,7\n1609459200000,1.6,2,8\n1609459100000,1.7,2,9";
    let (summary, tape) = repaired(&with(rows), &[Repair::Sort]);
    assert_eq!((summary.sorted, summary.events), (2, 4));
    let ids: Vec<_> = tape.lines().map(|line| line.split('#').next_back().unwrap()).collect();
    assert_eq!(ids, ["7", "9", "1", "8"]);
}

#[test]
fn duplicates_are_left_out_also_when_sorting_brought_them_together() {
    let rows = "1609459200000,1.5,2,1\n1609459300000,1.5,2,2\n1609459200000,1.5,2,1";
    let (summary, _) = repaired(&with(rows), &[Repair::Sort, Repair::Dedup]);
    assert_eq!((summary.deduplicated, summary.events), (2, 2));
    let folder = Folder::new();
    let mut options = folder.options("x.csv", &with(rows));
    options.repairs = [Repair::Sort].into();
    let refused = import(&options).unwrap_err();
    assert_eq!(
        error(&refused, &folder),
        "the event of `x` at 1609459200000000000 is refused: trade 1 comes twice"
    );
    let bars = "timestamp,open,high,low,close\n1609459200,1,1,1,1\n1609459260,1,1,1,1\n1609459260,1,1,1,1\n";
    check_refused("b.csv", bars, "b.csv, line 4: the row is refused: the bar comes twice");
    let (summary, _) = repaired(bars, &[Repair::Dedup]);
    assert_eq!((summary.deduplicated, summary.events), (1, 2));
}

/// More events than are sorted in memory at once.
#[test]
fn sorting_streams() {
    let mut text = String::from("time,price,qty,id\n");
    let count = 600_000u64;
    for i in 0..count {
        // Two interleaved halves, the later one first.
        let time = 1_609_459_200_000 + (i / 2) + if i % 2 == 0 { count } else { 0 };
        text.push_str(&format!("{time},1,1,{}\n", i + 1));
    }
    let folder = Folder::new();
    let mut options = folder.options("x.csv", &text);
    options.repairs = [Repair::Sort].into();
    let summary = import(&options).unwrap();
    assert_eq!(summary.events, count);
    let reader = sandpit_journal::tape::TapeReader::open(&options.output).unwrap();
    let times: Vec<_> = reader.map(|event| event.unwrap().time).collect();
    assert!(times.is_sorted());
    assert_eq!(times.len() as u64, count);
    let left: Vec<_> =
        std::fs::read_dir(folder.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_cut_archive_is_an_error_or_counted() {
    let folder = Folder::new();
    let rows: String = (0..5_000u64)
        .map(|i| format!("{},1.{},{}\n", 1_609_459_200_000 + i, i * 7 % 1000, i + 1))
        .collect();
    let mut options = folder.options("x.csv.gz", &format!("timestamp,price,size\n{rows}"));
    let path = options.inputs[0].clone();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let refused = import(&options).unwrap_err();
    let text = error(&refused, &folder);
    assert!(text.contains("the file is cut short or damaged here"), "{text}");
    options.repairs = [Repair::DropBad].into();
    let summary = import(&options).unwrap();
    assert_eq!(summary.dropped["cut_short"], 1);
    assert!(summary.events > 1_000 && summary.events < 5_000);
}

#[test]
fn a_last_line_without_end_is_noted() {
    let summary = check(
        "x.csv",
        "timestamp,price,size\n1609459200000,1.5,2",
        "1609459200000000000 x trade 1.5 x 2 #0\n",
    );
    assert!(summary.notes.iter().any(|note| note.contains("no line end")), "{summary:?}");
}

#[test]
fn options_that_contradict_are_refused() {
    let folder = Folder::new();
    let options = folder.options("x.csv", &with("1609459200001,1.5,2,2"));
    let refused = |options: &ImportOptions| error(&import(options).unwrap_err(), &folder);
    let none = ImportOptions { inputs: Vec::new(), ..options.clone() };
    assert_eq!(refused(&none), "no file to import was given");
    let clock = Some(sandpit_journal::tape::TapeClock::Host);
    let host = ImportOptions { clock, ..options.clone() };
    assert_eq!(refused(&host), "files of csv have the venue's stamps only");
    import(&options).unwrap();
    assert_eq!(refused(&options), "`out.tape` exists already");
    import(&ImportOptions { overwrite: true, ..options }).unwrap();
    let empty = folder.options("e.csv", "timestamp,price,size\n");
    let empty = ImportOptions { output: folder.path("e.tape"), ..empty };
    assert_eq!(refused(&empty), "there is no event in 1 files");
    let unknown =
        ImportOptions { output: folder.path("u.tape"), ..folder.options("u.csv", "1,2,3\n") };
    assert!(refused(&unknown).starts_with("the format of `u.csv` is not recognised"));
}

#[test]
fn the_caller_can_stop_and_nothing_is_left() {
    let rows: String = (0..40_000u64).map(|i| format!("{},1,1\n", 1_609_459_200_000 + i)).collect();
    let folder = Folder::new();
    let options = folder.options("x.csv", &format!("timestamp,price,size\n{rows}"));
    let mut calls = 0;
    let stopped = import_with(&options, &mut |progress| {
        calls += 1;
        assert!(progress.bytes_read <= progress.bytes_total);
        if progress.pass == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(DataError::Interrupted)));
    assert_eq!(calls, 3);
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 1);
}
