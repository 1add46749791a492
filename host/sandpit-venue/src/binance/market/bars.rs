//! Bars of one instrument and interval, each told once and in order: those from before over REST,
//! then those of the stream from exactly the next one on.
//!
//! A bar is known by its end. The next one to be told is known too, so whatever comes is it, or was
//! told already, or shows that some are missing; these are then asked for, and later ones wait for
//! them. A bar that does not come in time is asked for as well, so that a bar that closed while the
//! line was down is told soon, however long the interval.
//!
//! An answer over REST may end with a bar that is still being made. It counts as closed where
//! [`SETTLE`] had passed since its end when it was asked for, or where the stream has told a later
//! one by then.

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::{
    market::{Bar, MarketData},
    time::{Nanos, UnixNanos},
};

use super::{
    book::GRACE,
    listed::Place,
    step::{ASK_BACKOFF, Ask, Owner, Step, earliest},
};
use crate::{
    binance::{
        request::{KlineInterval, Klines, Request, TRADES_MAX},
        response::{Answer, Kline},
    },
    machine::HttpReply,
};

/// Bars from before that are told at most, of one instrument and interval.
pub(super) const HISTORY_MAX: u32 = 20_000;
/// How long after its end a bar of an answer is surely closed: our idea of Binance's clock is some
/// milliseconds off, and its own books are some behind its clock.
const SETTLE: Nanos = Nanos(2 * Nanos::SECOND.0);
/// Bars that wait for those before them. More than a day of minutes; the newest are dropped, and
/// asked for again.
const HELD_MAX: usize = 2_000;

#[derive(Debug)]
enum Phase {
    /// Asks for bars from before, the newest first and then those before them: so a market in which
    /// some are missing, or whose newest come late, gives as many as any other. Those that are asked
    /// for end by this time; what there is so far.
    WarmUp { until: Option<UnixNanos>, got: VecDeque<(UnixNanos, Bar)> },
    /// History is complete, though perhaps not told.
    Warm { got: VecDeque<(UnixNanos, Bar)> },
    /// Tells bars.
    Running,
}

/// One row of bars.
#[derive(Debug)]
pub(super) struct Bars {
    pub(super) interval: KlineInterval,
    wanted: u32,
    phase: Phase,
    /// End of the next bar to be told; `None` until there is one to begin with.
    next: Option<UnixNanos>,
    /// Bars of the stream that wait, by their end.
    held: BTreeMap<UnixNanos, Bar>,
    ask: Ask,
    /// When it was asked, the stream had told bars up to this end.
    proved: UnixNanos,
    /// So many were asked for.
    asked: u32,
    failures: u32,
    /// Time of the last one that was told.
    told: UnixNanos,
}

fn millis(time: UnixNanos) -> u64 {
    time.0 / 1_000_000
}

fn earlier(time: UnixNanos, by: Nanos) -> UnixNanos {
    UnixNanos(time.0.saturating_sub(by.0))
}

impl Bars {
    /// At least one bar from before is told, so that the row has a beginning, and nobody takes a
    /// bar of their own making for the first.
    pub(super) fn new(interval: KlineInterval, wanted: u32) -> Self {
        Self {
            interval,
            wanted: wanted.clamp(1, HISTORY_MAX),
            phase: Phase::WarmUp { until: None, got: VecDeque::new() },
            next: None,
            held: BTreeMap::new(),
            ask: Ask::Idle,
            proved: UnixNanos(0),
            asked: 0,
            failures: 0,
            told: UnixNanos(0),
        }
    }

    /// Wants more from before.
    pub(super) fn want(&mut self, wanted: u32) {
        self.wanted = self.wanted.max(wanted.min(HISTORY_MAX));
    }

    pub(super) const fn is_warming_up(&self) -> bool {
        matches!(self.phase, Phase::WarmUp { .. })
    }

    /// How many bars from before there are so far, of how many.
    pub(super) fn progress(&self) -> (usize, u32) {
        match &self.phase {
            Phase::WarmUp { got, .. } | Phase::Warm { got } => (got.len(), self.wanted),
            Phase::Running => (0, self.wanted),
        }
    }

    fn late_at(&self, place: &Place, step: &Step<'_>) -> Option<UnixNanos> {
        let waits = matches!(self.phase, Phase::Running) && self.ask == Ask::Idle;
        self.next.filter(|_| waits).map(|next| step.our_time(next.plus(place.bar_late)))
    }

    pub(super) fn deadline(&self, place: &Place, step: &Step<'_>) -> Option<UnixNanos> {
        earliest([self.ask.due(), self.late_at(place, step)])
    }

    /// The line is up: what closed while it was down is asked for at once.
    pub(super) fn line_joined(&mut self, step: &Step<'_>) {
        let missing = match self.phase {
            Phase::WarmUp { .. } => true,
            Phase::Warm { .. } => false,
            Phase::Running => self.next.is_some_and(|next| next.plus(SETTLE) <= step.venue_now),
        };
        if missing && self.ask == Ask::Idle {
            self.ask = Ask::At(step.now);
        }
    }

    /// A bar of the stream has closed.
    pub(super) fn closed(&mut self, place: &Place, end: UnixNanos, bar: Bar, step: &mut Step<'_>) {
        if bar.interval != self.interval.nanos() {
            step.shared.counts.frames_bad += 1;
            return;
        }
        if self.next.is_some_and(|next| end < next) {
            step.shared.counts.duplicates += 1;
            return;
        }
        if self.held.insert(end, bar).is_some() {
            step.shared.counts.duplicates += 1;
        }
        if self.held.len() > HELD_MAX {
            step.shared.counts.bars_lost += 1;
            self.held.pop_last();
        }
        self.drain(place, step);
        if self.has_hole() && self.ask == Ask::Idle {
            step.shared.counts.bar_holes += 1;
            self.ask = Ask::At(step.now.plus(GRACE));
        }
    }

    fn has_hole(&self) -> bool {
        matches!(self.phase, Phase::Running) && !self.held.is_empty()
    }

    /// Tells what follows without a gap.
    fn drain(&mut self, place: &Place, step: &mut Step<'_>) {
        if !matches!(self.phase, Phase::Running) {
            return;
        }
        while let Some(entry) = self.held.first_entry() {
            let end = *entry.key();
            match self.next {
                Some(next) if end > next => break,
                Some(next) if end < next => {
                    entry.remove();
                }
                _ => {
                    let bar = entry.remove();
                    self.next = Some(end.plus(self.interval.nanos()));
                    self.told = step.stamp_after(self.told);
                    step.tell_at(place.id, self.told, end, MarketData::Bar(bar));
                }
            }
        }
        if self.held.is_empty() && matches!(self.ask, Ask::At(_)) {
            self.ask = Ask::Idle;
        }
    }

    pub(super) fn on_time(&mut self, place: &Place, series: usize, step: &mut Step<'_>) {
        if self.late_at(place, step).is_some_and(|at| at <= step.now) {
            step.shared.counts.bar_holes += 1;
            self.ask = Ask::At(step.now);
        }
        if self.ask.due().is_none_or(|due| due > step.now) {
            return;
        }
        let length = self.interval.nanos();
        let (from, until, asked) = match &self.phase {
            Phase::WarmUp { until, got } => {
                let got = u32::try_from(got.len()).unwrap_or(u32::MAX);
                (None, *until, self.wanted.saturating_sub(got).saturating_add(self.unsettled()))
            }
            Phase::Warm { .. } => (Some(step.venue_now), None, TRADES_MAX),
            Phase::Running => {
                let from = self.next.map_or(step.venue_now, |next| earlier(next, length));
                (Some(from), None, TRADES_MAX)
            }
        };
        self.proved = self.held.keys().next_back().copied().unwrap_or_default();
        self.asked = asked.min(TRADES_MAX);
        let request = Klines {
            symbol: &place.symbol,
            interval: self.interval,
            start_ms: from.map(millis),
            // What is compared there is when a bar begins.
            end_ms: until.map(|until| millis(until).saturating_sub(1)),
            limit: Some(self.asked),
        };
        self.ask = step.ask(Owner::Bars(place.index, series), &Request::Klines(request));
    }

    /// The newest are still being made, or not surely closed: at most so many.
    fn unsettled(&self) -> u32 {
        let settling = SETTLE.0.div_ceil(self.interval.nanos().0.max(1));
        u32::try_from(settling).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(super) fn no_reply(&mut self, step: &mut Step<'_>) {
        step.shared.counts.asks_failed += 1;
        self.ask_later(step);
    }

    fn ask_later(&mut self, step: &mut Step<'_>) {
        self.failures = self.failures.saturating_add(1);
        self.ask = Ask::At(step.now.plus(step.pause(self.failures, ASK_BACKOFF)));
    }

    pub(super) fn reply(&mut self, place: &Place, reply: HttpReply<'_>, step: &mut Step<'_>) {
        let Ask::Under(_, asked) = self.ask else { return };
        let Some(rows) = (reply.status == 200).then(|| self.read(place, reply.body)).flatten()
        else {
            return self.no_reply(step);
        };
        let closed_by = earlier(asked, SETTLE).max(self.proved);
        let full = u32::try_from(rows.len()).is_ok_and(|rows| rows >= self.asked);
        match &mut self.phase {
            Phase::WarmUp { .. } => self.page(rows, closed_by, full, step),
            Phase::Warm { .. } => self.ask = Ask::Idle,
            Phase::Running => self.fill(place, rows, closed_by, full, step),
        }
    }

    /// The bars of an answer, in order. `None` where it is no answer.
    fn read(&self, place: &Place, body: &[u8]) -> Option<Vec<(UnixNanos, Bar)>> {
        let rows = Vec::<Kline<'_>>::decode(body).ok()?;
        let mut bars: Vec<(UnixNanos, Bar)> = Vec::with_capacity(rows.len());
        for row in rows {
            let (bar, end) = row.to_bar(&place.instrument).ok()?;
            let follows = bars.last().is_none_or(|(last, _)| end >= last.plus(bar.interval));
            if bar.interval != self.interval.nanos() || !follows {
                return None;
            }
            bars.push((end, bar));
        }
        Some(bars)
    }

    /// A page of bars from before: those before what there is.
    fn page(
        &mut self,
        rows: Vec<(UnixNanos, Bar)>,
        closed_by: UnixNanos,
        full: bool,
        step: &mut Step<'_>,
    ) {
        let Phase::WarmUp { until, got } = &mut self.phase else { return };
        let wanted = usize::try_from(self.wanted).unwrap_or(usize::MAX);
        let begin = rows.first().map(|(end, bar)| earlier(*end, bar.interval));
        for (end, bar) in rows.into_iter().rev() {
            let is_before = until.is_none_or(|until| end <= until);
            if end <= closed_by && is_before && got.len() < wanted {
                got.push_front((end, bar));
            }
        }
        self.failures = 0;
        step.shared.changed = true;
        // What tells nothing older than before has no more.
        let older = begin.filter(|begin| until.is_none_or(|until| *begin < until));
        if let Some(begin) = older.filter(|_| full && got.len() < wanted) {
            *until = Some(begin);
            self.ask = Ask::At(step.now);
            return;
        }
        let got = std::mem::take(got);
        self.next = got.back().map(|(end, _)| end.plus(self.interval.nanos()));
        self.ask = Ask::Idle;
        self.phase = Phase::Warm { got };
    }

    /// Bars that were missing.
    fn fill(
        &mut self,
        place: &Place,
        rows: Vec<(UnixNanos, Bar)>,
        closed_by: UnixNanos,
        full: bool,
        step: &mut Step<'_>,
    ) {
        let before = self.next;
        let first = rows.first().map(|(end, _)| *end);
        if let (Some(next), Some(first)) = (self.next, first)
            && first > next
            && next <= closed_by
        {
            // It was asked from the beginning of the next one on: Binance has none before this.
            let length = self.interval.nanos().0;
            step.shared.counts.bars_absent += first.since(next).0 / length;
            self.next = Some(first);
        }
        for (end, bar) in rows {
            if end <= closed_by && self.next.is_none_or(|next| end >= next) {
                self.held.entry(end).or_insert(bar);
            }
        }
        self.drain(place, step);
        self.ask = Ask::Idle;
        let went_on = self.next != before;
        if went_on {
            self.failures = 0;
        }
        let late = self.next.is_some_and(|next| next.plus(place.bar_late) <= step.venue_now);
        if self.has_hole() || late || (full && went_on) {
            if went_on {
                self.ask = Ask::At(step.now);
            } else {
                self.ask_later(step);
            }
        }
    }

    /// What is told as history: once all of it is there.
    pub(super) fn take_history(&mut self) -> Vec<(UnixNanos, Bar)> {
        match std::mem::replace(&mut self.phase, Phase::Running) {
            Phase::WarmUp { got, .. } | Phase::Warm { got } => got.into(),
            Phase::Running => Vec::new(),
        }
    }

    /// History is told: goes on with what the stream told meanwhile.
    pub(super) fn release(&mut self, place: &Place, step: &mut Step<'_>) {
        if let Some(next) = self.next {
            self.told = earlier(next, self.interval.nanos());
        }
        self.drain(place, step);
        let missing = self.next.is_some_and(|next| next.plus(SETTLE) <= step.venue_now);
        if (missing || self.has_hole()) && self.ask == Ask::Idle {
            self.ask = Ask::At(step.now);
        }
    }
}
