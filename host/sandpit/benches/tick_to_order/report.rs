//! What was measured, as a table.

use std::{fs, io::Write as _, thread};

/// A row's name, and how long each event took, in nanoseconds.
pub(crate) type Row = (String, Vec<u64>);

/// In tenths of a percent of all events.
const SHARES: [(&str, u64); 3] = [("p50", 500), ("p99", 990), ("p99.9", 999)];

/// The value that so many thousandths of all are not above.
pub(crate) fn quantile(sorted: &[u64], thousandths: u64) -> u64 {
    let count = u64::try_from(sorted.len()).unwrap_or_default();
    let rank = (count * thousandths).div_ceil(1_000).max(1) - 1;
    usize::try_from(rank).ok().and_then(|rank| sorted.get(rank)).copied().unwrap_or_default()
}

/// What else the machine does: the load of its last minute, where it says so.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().next().unwrap_or("unknown").to_owned()
}

/// Prints the rows, in microseconds.
pub(crate) fn print(rows: Vec<Row>, events: u64, load_before: &str) {
    let mut out = std::io::stdout();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let _ = writeln!(
        out,
        "tick to order on loopback, {events} events a row, {processors} processors, load {load_before} \
         before and {} after; microseconds",
        load()
    );
    let _ = write!(out, "{:<44}", "");
    for (name, _) in SHARES {
        let _ = write!(out, "{name:>9}");
    }
    let _ = writeln!(out, "{:>9}", "max");
    for (name, mut took) in rows {
        took.sort_unstable();
        let _ = write!(out, "{name:<44}");
        for (_, thousandths) in SHARES {
            let _ = write!(out, "{:>9}", micros(quantile(&took, thousandths)));
        }
        let _ = writeln!(out, "{:>9}", micros(took.last().copied().unwrap_or_default()));
    }
}

/// Nanoseconds as microseconds with one digit after the point.
pub(crate) fn micros(nanos: u64) -> String {
    let tenths = (nanos + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}
