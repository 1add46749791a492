//! The figures of a month, per plugin and for the account, over all files of a chain.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use sandpit_core::{num::Money, time::UnixNanos};
use sandpit_journal::journal::{Digest, Entry, Head, JournalError, JournalReader, segment_path};
use serde::Serialize;

use super::{AuditError, Period, tally::Tally};
use crate::report::{calendar, numbers};

/// Figures of one plugin, or of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScopeFigures {
    /// The plugin's name, or `account`.
    pub scope: String,
    /// Orders that risk approved.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Positions that the venue closed.
    pub liquidations: u64,
    /// Sum of the notionals of all executions.
    #[serde(serialize_with = "text")]
    pub volume: Money,
    /// Fees paid, rebates taken off.
    #[serde(serialize_with = "text")]
    pub fees: Money,
    /// Funding paid, what was received taken off.
    #[serde(serialize_with = "text")]
    pub funding: Money,
    /// Realized PnL, without fees and funding.
    #[serde(serialize_with = "text")]
    pub realized: Money,
    /// Denied intents, by code.
    pub denials: BTreeMap<String, u64>,
    /// Faults, by code.
    pub faults: BTreeMap<String, u64>,
    /// Alerts, by name.
    pub alerts: BTreeMap<String, u64>,
    /// Locks that began or ended.
    pub locks: Vec<LockNote>,
}

/// A lock that began or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockNote {
    /// When.
    #[serde(serialize_with = "iso")]
    pub at: UnixNanos,
    /// Whose: a plugin's, or the account's.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// Whether it ended.
    pub ended: bool,
}

impl ScopeFigures {
    pub(super) fn new(scope: &str) -> Self {
        Self {
            scope: scope.to_owned(),
            orders: 0,
            fills: 0,
            liquidations: 0,
            volume: Money::ZERO,
            fees: Money::ZERO,
            funding: Money::ZERO,
            realized: Money::ZERO,
            denials: BTreeMap::new(),
            faults: BTreeMap::new(),
            alerts: BTreeMap::new(),
            locks: Vec::new(),
        }
    }

    /// Realized PnL after fees and funding.
    #[must_use]
    pub fn net(&self) -> Money {
        self.realized - self.fees - self.funding
    }
}

fn text<S: serde::Serializer>(amount: &Money, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

fn iso<S: serde::Serializer>(at: &UnixNanos, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&calendar::iso(*at))
}

fn hash<S: serde::Serializer>(hash: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}

/// The figures of a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MonthReport {
    /// `2026-11`.
    pub month: String,
    /// The account's currency.
    pub currency: String,
    /// Rows of the month.
    pub rows: u64,
    /// Last row of the journal; a note of it elsewhere proves later that nothing was cut.
    pub head_rows: u64,
    /// Its hash.
    #[serde(serialize_with = "hash")]
    pub head: Digest,
    /// Segments before the first that is there; what they say of positions was carried over.
    pub segments_missing: u32,
    /// Every plugin, and the account last.
    pub scopes: Vec<ScopeFigures>,
}

/// Reckons a month. The chain of every file is verified on the way.
///
/// # Errors
/// The month is none, or a file is not sound.
pub fn report(path: &Path, month: &str) -> Result<MonthReport, AuditError> {
    let period = Period::month(month)?;
    let newest = JournalReader::open(path)?;
    let last = newest.began().segment();
    // The archived files that are there without a gap before the newest.
    let first = (1..last)
        .rev()
        .take_while(|segment| segment_path(path, *segment).exists())
        .last()
        .unwrap_or(last);
    let mut tally = Tally::new(newest.tables());
    let (mut rows, mut head) = (0, Head::NONE);
    for segment in first..=last {
        let file = if segment == last { path.to_owned() } else { segment_path(path, segment) };
        let reader = JournalReader::open(&file)?;
        if segment > first && reader.began().previous() != head.hash {
            return Err(AuditError::Journal(JournalError::Broken {
                path: file,
                seq: head.seq + 1,
                why: "it does not go on from the segment before".to_owned(),
            }));
        }
        for row in reader.entries() {
            let row = row?;
            head = Head { seq: row.seq, hash: row.hash };
            let counts = period.contains(i64::try_from(row.at.0).unwrap_or(i64::MAX));
            rows += u64::from(counts);
            if let Entry::Core(record) = &row.entry {
                tally.take(row.at, record, counts);
            }
        }
    }
    Ok(MonthReport {
        month: month.to_owned(),
        currency: newest.tables().currency.clone(),
        rows,
        head_rows: head.seq,
        head: head.hash,
        segments_missing: first - 1,
        scopes: tally.into_figures(),
    })
}

impl MonthReport {
    /// As text for people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{} in {}: {} rows\n  head {} {}\n",
            self.month,
            numbers::name(&self.currency),
            numbers::count(self.rows),
            self.head_rows,
            self.head,
        );
        if self.segments_missing > 0 {
            let _ = writeln!(
                text,
                "  note: {} older segments are not here; months before the first one are not whole",
                self.segments_missing
            );
        }
        for it in &self.scopes {
            let _ = writeln!(text, "\n{}", numbers::name(&it.scope));
            for (name, value) in [
                ("orders", numbers::count(it.orders)),
                ("fills", numbers::count(it.fills)),
                ("volume", amount(it.volume)),
                ("realized PnL", amount(it.realized)),
                ("fees", amount(it.fees)),
                ("funding", amount(it.funding)),
                ("net", amount(it.net())),
            ] {
                let _ = writeln!(text, "  {name:<14}{value:>28}");
            }
            if it.liquidations > 0 {
                let _ = writeln!(text, "  {:<14}{:>28}", "liquidations", it.liquidations);
            }
            for (title, counts) in
                [("denials", &it.denials), ("faults", &it.faults), ("alerts", &it.alerts)]
            {
                for (name, count) in counts {
                    let _ = writeln!(text, "  {title:<14}{name:<28}{count:>8}");
                }
            }
            for lock in &it.locks {
                let what = if lock.ended { "ended" } else { "began" };
                let _ = writeln!(
                    text,
                    "  lock {what:<9}{:<28}{} {}",
                    lock.reason,
                    calendar::readable(lock.at),
                    numbers::name(&lock.scope),
                );
            }
        }
        text
    }
}

/// An amount with all its digits, as an auditor wants it.
fn amount(amount: Money) -> String {
    numbers::group_decimal(&amount.to_string())
}
