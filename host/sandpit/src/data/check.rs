//! Whether a tape can be believed: what is missing, doubled, crossed or jumps.
//!
//! That time does not go back is part of the format, so the reader finds it; it is reported here
//! like the rest. A finding is a problem where the data contradicts itself, and a note where the
//! market may have been so.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use sandpit_core::{
    instrument::Instrument,
    market::{Bar, Book, BookError, DepthUpdate, MarketData, MarketEvent, Quote, Trade},
    num::Price,
    time::{Nanos, UnixNanos},
};
use sandpit_journal::tape::TapeReader;
use serde::Serialize;

use super::{DataError, order::OrderCheck, row::chain, show_time};

/// Events between two words to the caller.
const EVENTS_PER_PROGRESS: u64 = 65_536;
/// One hundredth of a percent.
const BASIS_POINTS: i128 = 10_000;

/// What is worth saying.
#[derive(Clone, Copy, Debug)]
pub struct CheckOptions {
    /// A longer silence of an instrument is noted.
    pub gap_max: Nanos,
    /// A larger jump between two trades or two bars is noted, in hundredths of a percent.
    pub jump_basis_points_max: u32,
    /// Findings that are listed; all are counted.
    pub findings_max: usize,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self { gap_max: Nanos(60 * Nanos::SECOND.0), jump_basis_points_max: 500, findings_max: 100 }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The data contradicts itself.
    Problem,
    /// The market may have been so.
    Note,
}

/// One thing that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// A stable name: `gap`, `missing_bars`, `bar_overlap`, `duplicate`, `trade_ids_skipped`,
    /// `crossed_quote`, `book_gap`, `book_crossed`, `book_without_snapshot`, `price_jump`,
    /// `unreadable`.
    pub code: &'static str,
    /// Of which instrument.
    pub symbol: String,
    /// When.
    pub time: String,
    /// What, in words.
    pub text: String,
}

/// Counts of one instrument.
#[derive(Clone, Debug, Serialize)]
pub struct InstrumentCheck {
    /// Symbol.
    pub symbol: String,
    /// Events.
    pub events: u64,
    /// The longest silence, in nanoseconds.
    pub gap_longest_ns: u64,
    /// Bars that are missing between the first and the last.
    pub bars_missing: u64,
    /// Quotes whose bid is above the ask.
    pub quotes_crossed: u64,
    /// Quotes whose bid is the ask.
    pub quotes_locked: u64,
    /// Changes of a book before its first snapshot or after a gap.
    pub book_changes_unused: u64,
    /// How many findings there are, by code.
    pub findings: BTreeMap<&'static str, u64>,
}

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// The file.
    pub path: PathBuf,
    /// Whether there is no problem. Notes are none.
    pub ok: bool,
    /// Events that were read.
    pub events: u64,
    /// How many problems.
    pub problems: u64,
    /// How many notes.
    pub notes: u64,
    /// The instruments.
    pub instruments: Vec<InstrumentCheck>,
    /// The first findings.
    pub findings: Vec<Finding>,
    /// Findings that are counted but not listed.
    pub findings_left_off: u64,
}

/// Reads a whole tape and looks for what is wrong. `progress` is given bytes read and bytes in
/// all; when it breaks, the check stops.
///
/// # Errors
/// The file cannot be opened or has no readable head. Damage after that is a finding.
pub fn check(
    path: &Path,
    options: &CheckOptions,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<CheckReport, DataError> {
    let mut reader = TapeReader::open(path)?;
    let bytes = std::fs::metadata(path)
        .map_err(|source| DataError::Io { action: "read", path: path.to_owned(), source })?
        .len();
    let mut checker = Checker::new(path, &reader.header().instruments, *options);
    loop {
        match reader.next_event() {
            Ok(Some(event)) => checker.take(&event),
            Ok(None) => break,
            Err(error) => {
                checker.unreadable(&chain(&error));
                break;
            }
        }
        if checker.report.events.is_multiple_of(EVENTS_PER_PROGRESS)
            && progress(reader.bytes_read(), bytes).is_break()
        {
            return Err(DataError::Interrupted);
        }
    }
    Ok(checker.finish())
}

struct Checker {
    options: CheckOptions,
    report: CheckReport,
    order: OrderCheck,
    states: Vec<State>,
    time: UnixNanos,
}

struct State {
    instrument: Instrument,
    last: Option<UnixNanos>,
    bar: Option<(UnixNanos, Bar)>,
    trade: Option<Trade>,
    book: Book,
    /// Whether changes came since the book was live, which is said once.
    said_without_snapshot: bool,
}

/// A finding without its place.
type Found = (Severity, &'static str, String);

impl Checker {
    fn new(path: &Path, instruments: &[Instrument], options: CheckOptions) -> Self {
        let empty = |instrument: &Instrument| InstrumentCheck {
            symbol: instrument.spec().symbol.clone(),
            events: 0,
            gap_longest_ns: 0,
            bars_missing: 0,
            quotes_crossed: 0,
            quotes_locked: 0,
            book_changes_unused: 0,
            findings: BTreeMap::new(),
        };
        let state = |instrument: &Instrument| State {
            instrument: instrument.clone(),
            last: None,
            bar: None,
            trade: None,
            book: Book::default(),
            said_without_snapshot: false,
        };
        Self {
            options,
            order: OrderCheck::new(instruments.len()),
            states: instruments.iter().map(state).collect(),
            time: UnixNanos(0),
            report: CheckReport {
                path: path.to_owned(),
                ok: true,
                events: 0,
                problems: 0,
                notes: 0,
                instruments: instruments.iter().map(empty).collect(),
                findings: Vec::new(),
                findings_left_off: 0,
            },
        }
    }

    fn take(&mut self, event: &MarketEvent) {
        self.report.events += 1;
        self.time = event.time;
        let id = usize::from(event.instrument.0);
        let mut found = Vec::new();
        if let Err(problem) = self.order.take(event) {
            found.push((Severity::Problem, "duplicate", problem.to_string()));
        }
        let (Some(state), Some(counts)) =
            (self.states.get_mut(id), self.report.instruments.get_mut(id))
        else {
            return;
        };
        counts.events += 1;
        if let Some(last) = state.last.replace(event.time) {
            let silence = event.time.since(last);
            counts.gap_longest_ns = counts.gap_longest_ns.max(silence.0);
            // A bar says itself how long it lasts.
            if silence > self.options.gap_max && !matches!(event.data, MarketData::Bar(_)) {
                let text = format!("{} without an event", show_length(silence));
                found.push((Severity::Note, "gap", text));
            }
        }
        match &event.data {
            MarketData::Trade(trade) => state.trade(trade, self.options, &mut found),
            MarketData::Quote(quote) => state.quote(quote, counts, &mut found),
            MarketData::Bar(bar) => {
                state.bar(event.venue_time, bar, self.options, counts, &mut found)
            }
            MarketData::Depth(update) => state.depth(update, counts, &mut found),
            MarketData::Mark(_) | MarketData::Funding(_) => {}
        }
        for found in found {
            self.say(Some(id), found);
        }
    }

    fn say(&mut self, id: Option<usize>, (severity, code, text): Found) {
        match severity {
            Severity::Problem => self.report.problems += 1,
            Severity::Note => self.report.notes += 1,
        }
        let counts = id.and_then(|id| self.report.instruments.get_mut(id));
        let symbol = counts.as_ref().map_or_else(String::new, |counts| counts.symbol.clone());
        if let Some(counts) = counts {
            *counts.findings.entry(code).or_default() += 1;
        }
        if self.report.findings.len() >= self.options.findings_max {
            self.report.findings_left_off += 1;
            return;
        }
        let time = show_time(self.time);
        self.report.findings.push(Finding { severity, code, symbol, time, text });
    }

    fn unreadable(&mut self, text: &str) {
        self.say(None, (Severity::Problem, "unreadable", text.to_owned()));
    }

    fn finish(mut self) -> CheckReport {
        self.report.ok = self.report.problems == 0;
        self.report
    }
}

impl State {
    fn trade(&mut self, trade: &Trade, options: CheckOptions, found: &mut Vec<Found>) {
        let Some(last) = self.trade.replace(*trade) else {
            return;
        };
        self.jump(last.price, trade.price, options, found);
        if last.id != 0 && trade.id > last.id.saturating_add(1) {
            let text = format!("trade {} follows trade {}", trade.id, last.id);
            found.push((Severity::Note, "trade_ids_skipped", text));
        }
    }

    fn jump(&self, from: Price, to: Price, options: CheckOptions, found: &mut Vec<Found>) {
        let change = i128::from(to.0) - i128::from(from.0);
        if change.abs() * BASIS_POINTS
            <= i128::from(from.0) * i128::from(options.jump_basis_points_max)
        {
            return;
        }
        let show = |price| self.instrument.price_decimal(price);
        found.push((Severity::Note, "price_jump", format!("from {} to {}", show(from), show(to))));
    }

    fn quote(&self, quote: &Quote, counts: &mut InstrumentCheck, found: &mut Vec<Found>) {
        if quote.bid_quantity.is_zero() || quote.ask_quantity.is_zero() {
            return;
        }
        if quote.bid_price == quote.ask_price {
            counts.quotes_locked += 1;
        }
        if quote.bid_price > quote.ask_price {
            counts.quotes_crossed += 1;
            let show = |price| self.instrument.price_decimal(price);
            let text = format!("bid {} above ask {}", show(quote.bid_price), show(quote.ask_price));
            found.push((Severity::Problem, "crossed_quote", text));
        }
    }

    fn bar(
        &mut self,
        end: UnixNanos,
        bar: &Bar,
        options: CheckOptions,
        counts: &mut InstrumentCheck,
        found: &mut Vec<Found>,
    ) {
        let Some((last_end, last)) = self.bar.replace((end, *bar)) else {
            return;
        };
        self.jump(last.close, bar.open, options, found);
        if last.interval != bar.interval {
            return;
        }
        let step = end.since(last_end);
        if step < bar.interval && step > Nanos(0) {
            let text = format!(
                "it begins {} before the one before ends",
                show_length(Nanos(bar.interval.0 - step.0))
            );
            found.push((Severity::Problem, "bar_overlap", text));
        }
        let missing = (step.0 / bar.interval.0).saturating_sub(1);
        if missing > 0 {
            counts.bars_missing += missing;
            let text = format!("{missing} bars are missing after {}", show_time(last_end));
            found.push((Severity::Note, "missing_bars", text));
        }
    }

    fn depth(
        &mut self,
        update: &DepthUpdate,
        counts: &mut InstrumentCheck,
        found: &mut Vec<Found>,
    ) {
        if !update.snapshot && !self.book.is_live() {
            counts.book_changes_unused += 1;
            if !std::mem::replace(&mut self.said_without_snapshot, true) {
                let text = "changes of the book come without a snapshot before them".to_owned();
                found.push((Severity::Note, "book_without_snapshot", text));
            }
        }
        match self.book.apply(update) {
            Ok(()) => {}
            Err(error @ BookError::Gap { .. }) => {
                found.push((Severity::Problem, "book_gap", error.to_string()));
            }
            Err(error @ BookError::Crossed) => {
                found.push((Severity::Problem, "book_crossed", error.to_string()));
            }
        }
        self.said_without_snapshot &= !self.book.is_live();
    }
}

fn show_length(length: Nanos) -> String {
    let (seconds, rest) = (length.0 / Nanos::SECOND.0, length.0 % Nanos::SECOND.0);
    format!("{seconds}.{:03} s", rest / 1_000_000)
}
