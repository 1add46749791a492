//! What parts of the way take: the rows that are in the journal before an order leaves, written once
//! more; and what the session's line counted of itself.

use std::{collections::BTreeMap, io::Write as _, path::Path, time::Instant};

use sandpit_core::{engine::Record, time::UnixNanos};
use sandpit_journal::journal::{Entry, Journal, JournalOptions, JournalReader};

use super::{exchange::Failure, report};

/// Steps that are written once more.
const STEPS: usize = 20_000;

/// The rows of one step.
type Step = (UnixNanos, Vec<Entry>);

/// What it takes to write what is written between the decision and the order.
pub(crate) fn journal(journal: &Path) -> Result<String, Failure> {
    let (steps, rows, orders) = steps(journal)?;
    let folder = tempfile::tempdir()?;
    let (tables, options) =
        (JournalReader::open(journal)?.tables().clone(), JournalOptions::default());
    let mut again = Journal::open(folder.path().join("again.journal"), &tables, &options)?;
    let mut took = Vec::new();
    let mut entries = 0;
    for (at, step) in &steps {
        entries += step.len();
        let begun = Instant::now();
        again.append(*at, step.iter())?;
        took.push(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    again.close()?;
    took.sort_unstable();
    let at = |thousandths| report::micros(report::quantile(&took, thousandths));
    Ok(format!(
        "journal, the step that an order leaves by: p50 {}, p99 {} ({:.1} rows; {:.1} rows an order in \
         all)",
        at(500),
        at(990),
        ratio(entries, steps.len()),
        ratio(rows, orders)
    ))
}

/// The means of what the line timed of itself.
pub(crate) fn line(counts: &BTreeMap<String, u64>) -> Vec<String> {
    let timed = counts.iter().filter_map(|(name, sum)| {
        let name = name.strip_suffix("_us_sum")?;
        let count = *counts.get(&format!("{name}_us_count"))?;
        Some((name, *sum, count)).filter(|_| count > 0)
    });
    timed
        .map(|(name, sum, count)| {
            format!("{name}: mean {} of {count}", report::micros(sum * 1_000 / count))
        })
        .collect()
}

fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The last steps by which orders left, and how many rows and orders there are.
fn steps(journal: &Path) -> Result<(Vec<Step>, usize, usize), Failure> {
    let (mut steps, mut rows, mut orders) = (Vec::new(), 0, 0);
    let mut step: Step = (UnixNanos(0), Vec::new());
    let is_order = |entry: &Entry| matches!(entry, Entry::Core(Record::Submitted { .. }));
    let reader = JournalReader::open(journal)?;
    for row in reader.entries() {
        let row = row?;
        rows += 1;
        orders += usize::from(is_order(&row.entry));
        // A step's rows have one time, and hardly two steps have the same.
        if row.at != step.0 {
            let done = std::mem::replace(&mut step, (row.at, Vec::new()));
            if steps.len() < STEPS && done.1.iter().any(is_order) {
                steps.push(done);
            }
        }
        step.1.push(row.entry);
    }
    Ok((steps, rows, orders))
}

/// Prints them, in microseconds.
pub(crate) fn print(shares: &[String]) {
    let mut out = std::io::stdout();
    for share in shares {
        let _ = writeln!(out, "of it: {share}");
    }
}
