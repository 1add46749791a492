//! The journal as an operator reads it while the session runs: pages of rows, and what happened
//! lately. It has the file open by itself and a thread of its own reads it, so the session never
//! waits for it. The chain is not verified here: `sandpit audit verify` does that.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
};

use sandpit_core::{engine::Record, ids::PluginId, time::UnixNanos};
use sandpit_journal::journal::{Entry, HostRecord, JournalError, JournalReader, RawRow, Tables};
use serde_json::value::RawValue;

use super::{books, course::moment};
use crate::{
    admin::{
        AlertView, DenialView, EquityPoint, FillView, JournalPage, JournalQuery, JournalRow,
        RecentView, Records, Refusal, RefusalCode,
    },
    report::alert_words,
};

/// Rows that are looked at for one page; what matches none of them has the next page's cursor.
const SCANNED_ROWS_MAX: u64 = 20_000;
/// Rows that are looked at when the journal is read for the first time, from its end back.
const FIRST_ROWS: u64 = 100_000;
/// Rows that are looked at at once after that.
const MORE_ROWS: u64 = 50_000;
/// Acknowledgements that are kept for alerts.
const ACKNOWLEDGED_MAX: usize = 1_000;
/// What an acknowledgement is in the journal; see `admin::Command::line`.
const ACKNOWLEDGE: &str = "acknowledge ";
/// How a note begins that says something to a person at once.
const ALERT: &str = "alert: ";

/// The journal of a session.
pub(super) struct JournalRecords {
    path: PathBuf,
    reader: Option<JournalReader>,
    /// The last row that was taken in.
    seen: Option<u64>,
    recent: RecentView,
    acknowledged: BTreeMap<u64, String>,
    fills: VecDeque<FillView>,
    denials: VecDeque<DenialView>,
    alerts: VecDeque<AlertView>,
}

impl JournalRecords {
    /// Of the journal at a path. It is opened when something is asked.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            reader: None,
            seen: None,
            recent: RecentView::default(),
            acknowledged: BTreeMap::new(),
            fills: VecDeque::new(),
            denials: VecDeque::new(),
            alerts: VecDeque::new(),
        }
    }

    /// The open file; opened anew where a plugin is not known by name, since it may be new.
    fn open(&mut self, plugin: Option<i64>) -> Result<&JournalReader, Refusal> {
        let known = self.reader.as_ref().is_some_and(|reader| {
            let plugins = reader.tables().plugins.len();
            plugin.and_then(|id| usize::try_from(id).ok()).is_none_or(|id| id < plugins)
        });
        let reader = match self.reader.take().filter(|_| known) {
            Some(reader) => reader,
            None => JournalReader::open(&self.path).map_err(|error| refuse(&error))?,
        };
        Ok(self.reader.insert(reader))
    }

    fn take_in(&mut self, row: &RawRow) -> Result<(), Refusal> {
        let entry = self.open(row.plugin)?.entry(row).map_err(|error| refuse(&error))?;
        let Some(reader) = &self.reader else { return Ok(()) };
        let tables = reader.tables();
        match entry {
            Entry::Core(Record::Filled { order, fill, time, .. }) => {
                let rules = tables.instruments.get(usize::from(order.instrument.0));
                let Some(rules) = rules else { return Ok(()) };
                let fill = FillView {
                    seq: row.seq,
                    time: moment(time),
                    order: order.id.to_string(),
                    plugin: plugin_name(tables, order.plugin()),
                    instrument: rules.spec().symbol.clone(),
                    side: books::side_name(order.side).to_owned(),
                    price: rules.price_decimal(fill.price).to_string(),
                    quantity: rules.quantity_decimal(fill.quantity).to_string(),
                    fee: fill.fee.to_string(),
                };
                keep(&mut self.fills, fill, RecentView::FILLS_MAX);
            }
            Entry::Core(Record::Denied { plugin, instrument, denial, .. }) => {
                let rules = instrument.and_then(|id| tables.instruments.get(usize::from(id.0)));
                let denial = DenialView {
                    seq: row.seq,
                    time: time(row),
                    plugin: plugin_name(tables, plugin),
                    instrument: rules.map(|rules| rules.spec().symbol.clone()),
                    code: denial.code().name().to_owned(),
                    words: denial.code().message().to_owned(),
                };
                keep(&mut self.denials, denial, RecentView::DENIALS_MAX);
            }
            Entry::Core(Record::Alert(alert)) => {
                let message = alert_words(&alert, &tables.instruments, &tables.plugins);
                let view = alert_view(row, tables, "critical", message);
                keep(&mut self.alerts, view, RecentView::ALERTS_MAX);
            }
            Entry::Core(Record::Equity { plugin: None, sample }) => {
                self.recent.equity.push(EquityPoint {
                    time: moment(sample.time),
                    equity: sample.equity.to_string(),
                    peak: sample.peak.to_string(),
                });
                thin(&mut self.recent.equity);
            }
            Entry::Host(HostRecord::Note(note)) => {
                if let Some(message) = note.strip_prefix(ALERT) {
                    let view = alert_view(row, tables, "warning", message.to_owned());
                    keep(&mut self.alerts, view, RecentView::ALERTS_MAX);
                }
            }
            Entry::Host(HostRecord::Operator { who, command, .. }) => {
                let alert = command.strip_prefix(ACKNOWLEDGE).and_then(|id| id.parse().ok());
                if let Some(alert) = alert {
                    self.acknowledged.insert(alert, who);
                    while self.acknowledged.len() > ACKNOWLEDGED_MAX {
                        self.acknowledged.pop_first();
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes in what has been written since.
    fn catch_up(&mut self) -> Result<(), Refusal> {
        let head = self.open(None)?.head().map_err(|error| refuse(&error))?.seq;
        let mut seen = self.seen.unwrap_or_else(|| head.saturating_sub(FIRST_ROWS));
        let max = if self.seen.is_none() { FIRST_ROWS } else { MORE_ROWS };
        let end = head.min(seen.saturating_add(max));
        while seen < end {
            let rows = self.open(None)?.rows_after(seen).map_err(|error| refuse(&error))?;
            let Some(last) = rows.last() else { break };
            let last = last.seq;
            for row in &rows {
                self.take_in(row)?;
            }
            seen = last;
        }
        self.seen = Some(seen);
        Ok(())
    }
}

impl Records for JournalRecords {
    fn page(&mut self, query: &JournalQuery) -> Result<JournalPage, Refusal> {
        // Names of plugins as they are now.
        self.reader = None;
        let reader = self.open(None)?;
        let tables = reader.tables();
        let plugin = match &query.plugin {
            None => None,
            Some(name) => {
                let index = tables.plugins.iter().position(|known| known == name);
                let index = index.and_then(|index| i64::try_from(index).ok());
                Some(index.ok_or_else(|| {
                    let message = format!("the journal has no plugin `{name}`");
                    Refusal::new(RefusalCode::UnknownPlugin, message)
                })?)
            }
        };
        let takes = |row: &RawRow| {
            (query.kinds.is_empty() || query.kinds.contains(&row.kind))
                && (plugin.is_none() || row.plugin == plugin)
                && (query.order.is_none() || row.order_id == query.order)
        };
        let mut page = JournalPage::default();
        let mut cursor = query.after.or(query.before).unwrap_or(u64::MAX);
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let mut scanned = 0;
        while scanned < SCANNED_ROWS_MAX {
            let rows = match query.after {
                Some(_) => reader.rows_after(cursor),
                None => reader.rows_before(cursor),
            };
            let rows = rows.map_err(|error| refuse(&error))?;
            if rows.is_empty() {
                return Ok(page);
            }
            for row in rows {
                cursor = row.seq;
                scanned += 1;
                if takes(&row) {
                    page.rows.push(view(row, tables)?);
                }
                if page.rows.len() >= limit {
                    page.next = Some(cursor);
                    return Ok(page);
                }
            }
        }
        page.next = Some(cursor);
        Ok(page)
    }

    fn recent(&mut self) -> Result<RecentView, Refusal> {
        let caught_up = self.catch_up();
        if caught_up.is_err() {
            // The next try begins with the file.
            self.reader = None;
        }
        caught_up?;
        let mut recent = self.recent.clone();
        recent.fills = self.fills.iter().cloned().collect();
        recent.denials = self.denials.iter().cloned().collect();
        recent.alerts = self.alerts.iter().cloned().collect();
        for alert in &mut recent.alerts {
            alert.acknowledged_by = self.acknowledged.get(&alert.id).cloned();
        }
        Ok(recent)
    }
}

/// Keeps the newest, which is the first.
fn keep<T>(all: &mut VecDeque<T>, one: T, max: usize) {
    all.push_front(one);
    all.truncate(max);
}

/// Holds a series to its bound: every other point goes, the newest stays.
fn thin(series: &mut Vec<EquityPoint>) {
    if series.len() <= RecentView::EQUITY_MAX {
        return;
    }
    let mut at = 0;
    series.retain(|_| {
        at += 1;
        at % 2 == 1
    });
}

fn alert_view(row: &RawRow, tables: &Tables, severity: &str, message: String) -> AlertView {
    AlertView {
        id: row.seq,
        time: time(row),
        severity: severity.to_owned(),
        message,
        plugin: name_of(&tables.plugins, row.plugin),
        acknowledged_by: None,
    }
}

fn view(row: RawRow, tables: &Tables) -> Result<JournalRow, Refusal> {
    let symbols = |id: i64| {
        let rules = usize::try_from(id).ok().and_then(|id| tables.instruments.get(id));
        rules.map(|rules| rules.spec().symbol.clone())
    };
    let time = time(&row);
    let RawRow { seq, step, kind, plugin, instrument, order_id, body, hash, .. } = row;
    let body = RawValue::from_string(body).map_err(|_| {
        Refusal::new(RefusalCode::Failed, format!("row {seq} is not as it was written"))
    })?;
    Ok(JournalRow {
        seq,
        step,
        time,
        kind,
        plugin: name_of(&tables.plugins, plugin),
        instrument: instrument.and_then(symbols),
        order: order_id,
        body,
        hash: hash.to_string(),
    })
}

fn name_of(names: &[String], id: Option<i64>) -> Option<String> {
    id.and_then(|id| usize::try_from(id).ok()).and_then(|id| names.get(id)).cloned()
}

fn plugin_name(tables: &Tables, plugin: PluginId) -> String {
    tables.plugins.get(usize::from(plugin.0)).cloned().unwrap_or_default()
}

fn time(row: &RawRow) -> String {
    moment(UnixNanos(u64::try_from(row.at).unwrap_or(0)))
}

fn refuse(error: &JournalError) -> Refusal {
    Refusal::new(RefusalCode::Failed, format!("the journal cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use sandpit_core::{
        engine::{Alert, EquitySample},
        num::Money,
    };
    use sandpit_journal::journal::{Journal, JournalOptions};

    use super::*;

    fn journal(folder: &std::path::Path) -> (Journal, PathBuf) {
        let path = folder.join("journal.db");
        let tables = Tables {
            instruments: Vec::new(),
            plugins: vec!["ema".to_owned()],
            budgets: vec![Money::ZERO],
            currency: "USDT".to_owned(),
        };
        (Journal::open(&path, &tables, &JournalOptions::default()).unwrap(), path)
    }

    #[test]
    fn pages_go_both_ways_and_what_is_rare_has_a_cursor() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, path) = journal(folder.path());
        let notes: Vec<_> = (0..1_200).map(|at| HostRecord::Note(format!("{at}"))).collect();
        journal.append(UnixNanos(1), &notes).unwrap();
        let mut records = JournalRecords::new(path);
        let newest = records.page(&JournalQuery { limit: 3, ..JournalQuery::default() }).unwrap();
        let seqs: Vec<_> = newest.rows.iter().map(|row| row.seq).collect();
        assert_eq!((seqs.as_slice(), newest.next), (&[1_201, 1_200, 1_199][..], Some(1_199)));
        let (mut after, mut count) = (0, 0);
        loop {
            let query = JournalQuery { after: Some(after), limit: 500, ..JournalQuery::default() };
            let page = records.page(&query).unwrap();
            count += page.rows.len();
            let Some(next) = page.next else { break };
            after = next;
        }
        assert_eq!(count, 1_201);
        let kinds = vec!["began".to_owned()];
        let began = records.page(&JournalQuery { kinds, ..JournalQuery::default() }).unwrap();
        assert_eq!((began.rows.len(), began.next), (1, None));
        let query = JournalQuery { plugin: Some("nobody".to_owned()), ..JournalQuery::default() };
        assert_eq!(records.page(&query).unwrap_err().code, RefusalCode::UnknownPlugin);
    }

    #[test]
    fn what_is_new_is_taken_in_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, path) = journal(folder.path());
        let mut records = JournalRecords::new(path);
        let alert = Record::Alert(Alert::Quarantined(PluginId(0)));
        journal.append(UnixNanos(5), [&alert]).unwrap();
        let recent = records.recent().unwrap();
        assert_eq!(recent.alerts.len(), 1);
        let first = recent.alerts[0].clone();
        assert_eq!((first.severity.as_str(), first.acknowledged_by), ("critical", None));
        assert!(first.message.starts_with("ema is in quarantine"), "{}", first.message);
        let known = HostRecord::Operator {
            who: "ada (operator)".to_owned(),
            via: "http 127.0.0.1".to_owned(),
            command: crate::admin::Command::Acknowledge(first.id).line(),
        };
        journal.append(UnixNanos(6), [&known]).unwrap();
        let by = records.recent().unwrap().alerts[0].acknowledged_by.clone();
        assert_eq!(by.as_deref(), Some("ada (operator)"));
        let samples: Vec<_> = (1..3_000)
            .map(|at| Record::Equity {
                plugin: None,
                sample: EquitySample { time: UnixNanos(at), ..EquitySample::default() },
            })
            .collect();
        journal.append(UnixNanos(7), &samples).unwrap();
        let equity = records.recent().unwrap().equity;
        assert!(equity.len() <= RecentView::EQUITY_MAX && equity.len() > 200, "{}", equity.len());
    }
}
