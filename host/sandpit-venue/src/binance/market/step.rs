//! What all parts of the market data share while one thing that happened is dealt with: the time,
//! the way out, the counts, the next alarm.

use std::collections::BTreeMap;

use sandpit_core::{
    ids::InstrumentId,
    market::{MarketData, MarketEvent},
    time::{Nanos, UnixNanos},
};

use super::Turn;
use super::counts::Counts;
use crate::{
    binance::{gate::Asks, limits::Lane, request::Request},
    machine::{CallId, Notice, Output},
};

/// Alerts in one [`ALERT_WINDOW`]; more are counted only.
const ALERTS_MAX: u32 = 10;
/// Window of [`ALERTS_MAX`].
const ALERT_WINDOW: Nanos = Nanos(60 * Nanos::SECOND.0);

/// Who waits for an answer: which instrument's which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// A snapshot for the book.
    Book(usize),
    /// Bars for the series at this place.
    Bars(usize, usize),
    /// Trades.
    Trades(usize),
}

/// When something is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ask {
    /// Nothing is wanted.
    #[default]
    Idle,
    /// At this time.
    At(UnixNanos),
    /// It was asked, when the venue's clock said this.
    Under(CallId, UnixNanos),
}

impl Ask {
    pub(super) const fn due(&self) -> Option<UnixNanos> {
        match self {
            Self::At(time) => Some(*time),
            Self::Idle | Self::Under(..) => None,
        }
    }

    /// Ends what is under way, if anything is.
    pub(super) fn stop(&mut self, step: &mut Step<'_>) {
        if let Self::Under(call, _) = *self {
            step.forget(call);
        }
        *self = Self::Idle;
    }
}

/// What lasts from one step to the next.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Time of the last event that was told.
    told: UnixNanos,
    /// Whether events of the market are told yet: not before history is.
    pub(super) telling: bool,
    /// Whether what is waited for may have changed.
    pub(super) changed: bool,
    pub(super) counts: Counts,
    pub(super) calls: BTreeMap<CallId, Owner>,
    alarm: Option<UnixNanos>,
    messages: u64,
    alerts: (UnixNanos, u32),
}

impl Shared {
    pub(super) const fn alarm(&self) -> Option<UnixNanos> {
        self.alarm
    }

    pub(super) fn take_alarm(&mut self, now: UnixNanos) -> bool {
        self.alarm.take_if(|alarm| *alarm <= now).is_some()
    }

    /// Whatever is told from now on is not before this.
    pub(super) fn not_before(&mut self, time: UnixNanos) {
        self.told = self.told.max(time);
    }
}

/// One thing that happened.
pub(super) struct Step<'a> {
    pub(super) now: UnixNanos,
    pub(super) venue_now: UnixNanos,
    pub(super) shared: &'a mut Shared,
    chance: u64,
    asks: &'a mut dyn Asks,
    out: &'a mut Vec<Output>,
}

impl<'a> Step<'a> {
    pub(super) fn new(turn: &'a mut Turn<'_>, shared: &'a mut Shared) -> Self {
        Self {
            now: turn.now,
            venue_now: turn.asks.venue_time(turn.now),
            shared,
            chance: turn.chance,
            asks: &mut *turn.asks,
            out: &mut *turn.out,
        }
    }

    pub(super) fn put(&mut self, output: Output) {
        self.out.push(output);
    }

    /// Asks over REST.
    pub(super) fn ask(&mut self, owner: Owner, request: &Request<'_>) -> Ask {
        let call = self.asks.ask(Lane::Data, request, self.now, self.out);
        self.shared.calls.insert(call, owner);
        Ask::Under(call, self.venue_now)
    }

    pub(super) fn forget(&mut self, call: CallId) {
        self.shared.calls.remove(&call);
        self.asks.forget(call);
    }

    /// Something that a person must look at.
    pub(super) fn alert(&mut self, text: String) {
        let (since, told) = &mut self.shared.alerts;
        if self.now.since(*since) >= ALERT_WINDOW {
            (*since, *told) = (self.now, 0);
        }
        if *told < ALERTS_MAX {
            *told += 1;
            self.out.push(Output::Notice(Notice::Alert(text)));
        } else {
            self.shared.counts.alerts_held_back += 1;
        }
    }

    /// The time of an event that is told now: the venue's clock as we know it, never going back.
    pub(super) fn stamp(&mut self) -> UnixNanos {
        self.stamp_after(UnixNanos(0))
    }

    /// The same, later than `last`.
    pub(super) fn stamp_after(&mut self, last: UnixNanos) -> UnixNanos {
        let least = if last.0 == 0 { last } else { last.plus(Nanos(1)) };
        self.shared.told = self.shared.told.max(self.venue_now).max(least);
        self.shared.told
    }

    /// Tells an event of the market, unless history comes first.
    pub(super) fn tell(&mut self, id: InstrumentId, venue_time: UnixNanos, data: MarketData) {
        if self.shared.telling {
            let time = self.stamp();
            self.tell_at(id, time, venue_time, data);
        }
    }

    /// The same, with a time of [`Self::stamp_after`].
    pub(super) fn tell_at(
        &mut self,
        instrument: InstrumentId,
        time: UnixNanos,
        venue_time: UnixNanos,
        data: MarketData,
    ) {
        let counts = &mut self.shared.counts;
        match data {
            MarketData::Trade(_) => counts.trades += 1,
            MarketData::Quote(_) => counts.quotes += 1,
            MarketData::Bar(_) => counts.bars += 1,
            MarketData::Depth(_) => counts.depth += 1,
            MarketData::Mark(_) | MarketData::Funding(_) => counts.marks += 1,
        }
        self.out.push(Output::Market(MarketEvent { instrument, time, venue_time, data }));
    }

    /// Wants to be woken at this time at the latest.
    pub(super) fn alarm(&mut self, at: Option<UnixNanos>) {
        let alarm = &mut self.shared.alarm;
        *alarm = match (*alarm, at) {
            (Some(first), Some(second)) => Some(first.min(second)),
            (first, second) => first.or(second),
        };
    }

    /// When our clock will say what the venue's says then.
    pub(super) const fn our_time(&self, venue: UnixNanos) -> UnixNanos {
        let later = venue.since(self.venue_now);
        let earlier = self.venue_now.since(venue);
        UnixNanos(self.now.plus(later).0.saturating_sub(earlier.0))
    }

    /// A number for a message of ours; never used twice.
    pub(super) const fn message_number(&mut self) -> u64 {
        self.shared.messages += 1;
        self.shared.messages
    }

    /// A random length of time up to `max`.
    pub(super) const fn random(&mut self, max: Nanos) -> Nanos {
        // SplitMix64: the next of a row that begins with what the step was given.
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        Nanos(mixed % max.0.saturating_add(1))
    }

    /// How long to wait after so many failures in a row: by chance between nothing and a bound that
    /// doubles, and `least` on top.
    pub(super) fn pause(&mut self, failures: u32, backoff: Backoff) -> Nanos {
        let factor = 1u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
        let bound = backoff.first.0.saturating_mul(factor).min(backoff.most.0);
        Nanos(self.random(Nanos(bound)).0.saturating_add(backoff.least.0))
    }
}

/// How pauses between attempts grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    /// Every pause is at least so long.
    pub(super) least: Nanos,
    /// Bound of the chance after the first failure.
    pub(super) first: Nanos,
    /// Bound of the chance after many.
    pub(super) most: Nanos,
}

/// Between two questions over REST for the same.
pub(super) const ASK_BACKOFF: Backoff = Backoff {
    least: Nanos::from_millis(100),
    first: Nanos::from_millis(500),
    most: Nanos::from_millis(30_000),
};

/// The earlier of two times, where there are any.
pub(super) fn earliest(times: impl IntoIterator<Item = Option<UnixNanos>>) -> Option<UnixNanos> {
    times.into_iter().flatten().min()
}
