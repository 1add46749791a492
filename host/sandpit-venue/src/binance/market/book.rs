//! One book in sequence: changes are kept, a snapshot is asked for, and the two are joined. Handed
//! out is a snapshot and then changes without a gap, and never a book that is crossed.
//!
//! Source: the official documents, "How to manage a local order book correctly", of Spot and of
//! USDⓈ-M futures. Two things are wider here than there. A change may begin before the last one
//! ended, as happens where two connections tell the same book: quantities are absolute, so it says
//! all that happened since. And a change that came too early is kept for [`GRACE`], since the one
//! before it may still come.

use std::collections::BTreeMap;

use sandpit_core::{
    market::{Book, BookError, DepthUpdate, MarketData},
    time::{Nanos, UnixNanos},
};

use super::{
    listed::Place,
    step::{ASK_BACKOFF, Ask, Owner, Step, earliest},
};
use crate::{
    binance::{
        request::{Depth, Request},
        stream::StreamMessage,
    },
    machine::HttpReply,
};

/// How long a missing change is waited for before a snapshot is asked for.
pub(super) const GRACE: Nanos = Nanos::from_millis(250);
/// Changes of one book that are kept while a snapshot is waited for: 100 seconds of them. The
/// oldest go first; the snapshot must then be newer.
const HELD_MAX: usize = 1_000;
/// Levels within them.
const HELD_LEVELS_MAX: usize = 500_000;
/// Changes that come after a missing one before it is given up.
const AHEAD_MAX: usize = 64;
/// A number that was there already, on a change made so much later, is a row that began anew.
pub(super) const RESET_AFTER: Nanos = Nanos(10 * Nanos::SECOND.0);
/// Snapshots older than what has been told that are refused in a row; then the row began anew.
const OLD_SNAPSHOTS_MAX: u32 = 5;

#[derive(Debug)]
struct Change {
    venue_time: UnixNanos,
    update: Box<DepthUpdate>,
}

/// First number that a change covers.
const fn begins(update: &DepthUpdate) -> u64 {
    if update.previous_sequence == 0 {
        update.first_sequence
    } else {
        update.previous_sequence.saturating_add(1)
    }
}

/// One book.
#[derive(Debug, Default)]
pub(super) struct BookSync {
    book: Book,
    live: bool,
    /// Last number of the book, or of the last one that was handed out.
    last: u64,
    /// Stamp of the newest change taken in, or when the snapshot came.
    made: UnixNanos,
    /// Changes by their last number: those that wait for a snapshot, or for one before them.
    held: BTreeMap<u64, Change>,
    held_levels: usize,
    /// Until when a missing change is waited for.
    until: Option<UnixNanos>,
    ask: Ask,
    failures: u32,
    /// When a person is told that it is not in sequence.
    tell_at: Option<UnixNanos>,
}

impl BookSync {
    pub(super) const fn is_live(&self) -> bool {
        self.live
    }

    pub(super) fn deadline(&self) -> Option<UnixNanos> {
        earliest([self.until, self.ask.due(), self.tell_at])
    }

    /// A change has come.
    pub(super) fn change(
        &mut self,
        place: &Place,
        venue_time: UnixNanos,
        update: Box<DepthUpdate>,
        step: &mut Step<'_>,
    ) {
        if update.first_sequence > update.last_sequence || update.last_sequence == 0 {
            step.shared.counts.frames_bad += 1;
            return;
        }
        let change = Change { venue_time, update };
        if !self.live {
            self.hold(change, step);
        } else if change.update.last_sequence <= self.last {
            if venue_time > self.made.plus(RESET_AFTER) {
                step.shared.counts.resets += 1;
                self.last = 0;
                self.lose(place, step);
                self.hold(change, step);
            } else {
                step.shared.counts.duplicates += 1;
            }
        } else if begins(&change.update) <= self.last.saturating_add(1) {
            self.accept(place, change, step);
            self.drain(place, step);
        } else {
            self.hold(change, step);
            if self.live && self.until.is_none() {
                self.until = Some(step.now.plus(GRACE));
            }
            if self.held.len() > AHEAD_MAX {
                self.until = Some(step.now);
            }
        }
    }

    fn hold(&mut self, change: Change, step: &mut Step<'_>) {
        let levels = |change: &Change| change.update.bids.len() + change.update.asks.len();
        self.held_levels += levels(&change);
        if let Some(same) = self.held.insert(change.update.last_sequence, change) {
            self.held_levels -= levels(&same);
            step.shared.counts.duplicates += 1;
        }
        while self.held.len() > HELD_MAX || self.held_levels > HELD_LEVELS_MAX {
            let Some((_, oldest)) = self.held.pop_first() else { break };
            self.held_levels -= levels(&oldest);
        }
    }

    fn pop_held(&mut self) -> Option<Change> {
        let (_, change) = self.held.pop_first()?;
        self.held_levels -= change.update.bids.len() + change.update.asks.len();
        Some(change)
    }

    /// Takes in a change that continues the book, and hands it out.
    fn accept(&mut self, place: &Place, change: Change, step: &mut Step<'_>) {
        let Change { venue_time, mut update } = change;
        // As a book that checks each number wants it, where two lines overlapped.
        update.first_sequence = update.first_sequence.min(self.last.saturating_add(1));
        if update.previous_sequence != 0 {
            update.previous_sequence = self.last;
        }
        match self.book.apply(&update) {
            Ok(()) => {
                self.last = update.last_sequence;
                self.made = self.made.max(venue_time);
                step.tell(place.id, venue_time, MarketData::Depth(update));
            }
            Err(BookError::Crossed) => {
                step.shared.counts.book_crossed += 1;
                self.lose(place, step);
            }
            Err(BookError::Gap { .. }) => {
                step.shared.counts.book_gaps += 1;
                self.lose(place, step);
            }
        }
    }

    /// Takes in what was kept and continues the book now.
    fn drain(&mut self, place: &Place, step: &mut Step<'_>) {
        while self.live {
            let Some((last, first)) = self.held.first_key_value() else { break };
            let (last, begins) = (*last, begins(&first.update));
            if last > self.last && begins > self.last.saturating_add(1) {
                self.until = self.until.or(Some(step.now.plus(GRACE)));
                return;
            }
            let Some(change) = self.pop_held() else { break };
            if last > self.last {
                self.accept(place, change, step);
            }
        }
        self.until = None;
    }

    /// The book is not in sequence any more: a snapshot is needed.
    fn lose(&mut self, place: &Place, step: &mut Step<'_>) {
        self.live = false;
        self.until = None;
        self.book = Book::default();
        self.ask = Ask::At(step.now);
        self.tell_at = Some(step.now.plus(place.patience));
        step.shared.changed = true;
    }

    /// The line is down: what was kept is worth nothing, and nothing is asked before it is up.
    pub(super) fn line_lost(&mut self, step: &mut Step<'_>) {
        self.ask.stop(step);
        self.held.clear();
        self.held_levels = 0;
        (self.live, self.until, self.tell_at) = (false, None, None);
        self.book = Book::default();
        step.shared.changed = true;
    }

    /// The line is up, after it was down.
    pub(super) fn line_joined(&mut self, place: &Place, step: &mut Step<'_>) {
        if !self.live && self.ask == Ask::Idle {
            self.failures = 0;
            self.lose(place, step);
        }
    }

    pub(super) fn on_time(&mut self, place: &Place, step: &mut Step<'_>) {
        if self.until.is_some_and(|until| until <= step.now) {
            step.shared.counts.book_gaps += 1;
            self.lose(place, step);
        }
        if self.ask.due().is_some_and(|due| due <= step.now) {
            let request = Depth { symbol: &place.symbol, limit: Some(place.levels) };
            self.ask = step.ask(Owner::Book(place.index), &Request::Depth(request));
        }
        if self.tell_at.is_some_and(|at| at <= step.now) {
            self.tell_at = Some(step.now.plus(place.patience));
            let symbol = &place.symbol;
            step.alert(format!("the book of {symbol} is not in sequence yet; it is tried again"));
        }
    }

    /// There is no snapshot in this answer, or none that fits.
    fn ask_again(&mut self, step: &mut Step<'_>) {
        self.failures = self.failures.saturating_add(1);
        step.shared.counts.snapshots_refused += 1;
        self.ask = Ask::At(step.now.plus(step.pause(self.failures, ASK_BACKOFF)));
    }

    pub(super) fn no_reply(&mut self, step: &mut Step<'_>) {
        step.shared.counts.asks_failed += 1;
        self.ask_again(step);
    }

    pub(super) fn reply(&mut self, place: &Place, reply: HttpReply<'_>, step: &mut Step<'_>) {
        let stamp = step.stamp();
        let event = (reply.status == 200)
            .then(|| StreamMessage::parse(reply.body).ok())
            .flatten()
            .filter(|message| matches!(message, StreamMessage::DepthSnapshot(_)))
            .and_then(|message| {
                message.to_event(&place.instrument, place.id, stamp).ok().flatten()
            });
        match event.map(|event| (event.venue_time, event.data)) {
            Some((venue_time, MarketData::Depth(snapshot))) => {
                self.snapshot(place, venue_time, snapshot, step);
            }
            _ => self.no_reply(step),
        }
    }

    fn snapshot(
        &mut self,
        place: &Place,
        venue_time: UnixNanos,
        snapshot: Box<DepthUpdate>,
        step: &mut Step<'_>,
    ) {
        let at = snapshot.last_sequence;
        let newer = self.held.range(at.saturating_add(1)..).next();
        let too_old = newer.is_some_and(|(_, next)| begins(&next.update) > at.saturating_add(1));
        let reaches = self.held.keys().next_back().map_or(at, |newest| at.max(*newest));
        let before_told = reaches < self.last;
        if too_old || (before_told && self.failures < OLD_SNAPSHOTS_MAX) {
            return self.ask_again(step);
        }
        let mut book = Book::default();
        if book.apply(&snapshot).is_err() {
            step.shared.counts.book_crossed += 1;
            return self.ask_again(step);
        }
        step.shared.counts.snapshots += 1;
        step.shared.changed = true;
        (self.book, self.live, self.last) = (book, true, at);
        // Changes that it includes already may still come; they are no row that began anew.
        self.made = step.stamp();
        (self.ask, self.failures, self.tell_at, self.until) = (Ask::Idle, 0, None, None);
        step.tell(place.id, venue_time, MarketData::Depth(snapshot));
        self.drain(place, step);
    }

    /// History is told: hands out the book as it is.
    pub(super) fn release(&self, place: &Place, step: &mut Step<'_>) {
        if !self.live {
            return;
        }
        let book = DepthUpdate {
            snapshot: true,
            first_sequence: 0,
            last_sequence: self.last,
            previous_sequence: 0,
            bids: self.book.bids().collect(),
            asks: self.book.asks().collect(),
        };
        step.tell(place.id, self.made, MarketData::Depth(Box::new(book)));
    }
}
