//! What a check finds, by code.

use std::ops::ControlFlow;

use sandpit::data::{CheckOptions, CheckReport, check};

use crate::support::{Folder, import};

fn found(name: &str, text: &str) -> (CheckReport, Vec<String>) {
    let folder = Folder::new();
    let options = folder.options(name, text);
    import(&options).unwrap();
    let report =
        check(&options.output, &CheckOptions::default(), &mut |_, _| ControlFlow::Continue(()))
            .unwrap();
    let shown = report.findings.iter().map(|f| format!("{}: {}", f.code, f.text)).collect();
    (report, shown)
}

#[test]
fn a_good_tape_is_good() {
    let (report, shown) = found("x.csv", "time,price,qty,id\n1609459200,1,1,1\n1609459201,1,1,2\n");
    assert!(report.ok && shown.is_empty(), "{shown:?}");
    assert_eq!(report.events, 2);
    assert_eq!(report.instruments[0].gap_longest_ns, 1_000_000_000);
}

#[test]
fn trades() {
    let (report, shown) =
        found("x.csv", "time,price,qty,id\n1609459200,100,1,1\n1609459261,106,1,3\n");
    assert_eq!(
        shown,
        [
            "gap: 61.000 s without an event",
            "price_jump: from 100 to 106",
            "trade_ids_skipped: trade 3 follows trade 1"
        ]
    );
    assert!(report.ok, "notes are no problems");
}

#[test]
fn bars() {
    let (report, shown) = found(
        "x.csv",
        "time,open,high,low,close\n1609459200,1,1,1,1\n1609459260,1,1,1,1\n1609459440,1,1,1,1\n1609459470,1,1,1,1\n",
    );
    // The shortest distance is the interval, 30 s; the rest is missing.
    assert_eq!(report.instruments[0].bars_missing, 6);
    assert_eq!(shown.len(), 2, "{shown:?}");
}

#[test]
fn quotes() {
    let (report, shown) = found(
        "x.csv",
        "time,bid,ask,bid_size,ask_size\n1609459200,2,1,1,1\n1609459200,1,1,1,1\n1609459200,2,1,0,1\n",
    );
    assert_eq!(shown, ["crossed_quote: bid 2 above ask 1"]);
    assert!(!report.ok);
    assert_eq!(report.instruments[0].quotes_locked, 1);
}

#[test]
fn books() {
    let depth = |time: u64, first: u64, last: u64, bid: &str| {
        format!(
            "17231612530000000{time:02} {{\"e\":\"depthUpdate\",\"E\":1723161255208,\"s\":\"X\",\"U\":{first},\"u\":{last},\"b\":[[\"{bid}\",\"1\"]],\"a\":[]}}\n"
        )
    };
    let snapshot = |time: u64, last: u64| {
        format!(
            "17231612530000000{time:02} {{\"lastUpdateId\":{last},\"bids\":[[\"5\",\"1\"]],\"asks\":[[\"7\",\"1\"]]}}\n"
        )
    };
    let text = [
        depth(1, 1, 2, "5"),
        snapshot(2, 2),
        depth(3, 3, 4, "6"),
        depth(4, 6, 7, "6"),
        depth(5, 8, 9, "6"),
        snapshot(6, 9),
        depth(7, 10, 10, "8"),
    ]
    .concat();
    let (report, shown) = found("capture", &text);
    assert_eq!(
        shown,
        [
            "book_without_snapshot: changes of the book come without a snapshot before them",
            "book_gap: the book expected sequence 5, the update begins at 6",
            "book_without_snapshot: changes of the book come without a snapshot before them",
            "book_crossed: the book is crossed",
        ]
    );
    assert_eq!(report.instruments[0].book_changes_unused, 2);
    assert_eq!((report.problems, report.notes), (2, 2));
}

#[test]
fn a_cut_tape_is_a_problem_and_the_rest_is_checked() {
    let folder = Folder::new();
    let options = folder.options("x.csv", "time,price,qty\n1609459200,1,1\n1609459201,1,1\n");
    import(&options).unwrap();
    let bytes = std::fs::read(&options.output).unwrap();
    std::fs::write(&options.output, &bytes[..bytes.len() - 3]).unwrap();
    let report =
        check(&options.output, &CheckOptions::default(), &mut |_, _| ControlFlow::Continue(()))
            .unwrap();
    assert_eq!((report.ok, report.events), (false, 2));
    assert_eq!(report.findings[0].code, "unreadable");
    assert!(report.findings[0].text.contains("ends early"), "{:?}", report.findings[0]);
}

#[test]
fn the_list_is_bounded_and_the_counts_are_not() {
    let rows: String =
        (0..300).map(|i| format!("{},{},1\n", 1_609_459_200 + i, 100 + 50 * (i % 2))).collect();
    let (report, shown) = found("x.csv", &format!("time,price,qty\n{rows}"));
    assert_eq!((shown.len(), report.findings_left_off), (100, 199));
    assert_eq!(report.instruments[0].findings["price_jump"], 299);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["findings"][0]["severity"], "note");
}
