//! Trades of one instrument, by their numbers: each told once and in order. Where numbers are
//! missing, later trades wait for [`GRACE`], since another connection may still tell them; then
//! they are asked for where that is possible and wanted, and given up and counted where not.

use std::collections::BTreeMap;

use sandpit_core::{
    market::{MarketData, Trade},
    time::UnixNanos,
};

use super::{
    book::{GRACE, RESET_AFTER},
    listed::Place,
    step::{ASK_BACKOFF, Ask, Owner, Step, earliest},
};
use crate::{
    binance::{
        request::{AggTrades, Request, TRADES_MAX},
        response::{Answer, PublicAggTrade},
        stream::{AggTradeMessage, StreamMessage},
    },
    machine::HttpReply,
};

/// Trades that wait for those before them. More are not waited for.
const HELD_MAX: usize = 20_000;
/// Answers in a row without what was asked for; then it is given up.
const FAILURES_MAX: u32 = 5;

/// A trade, or nothing where its number belongs to something that is none.
pub(super) type Numbered = (UnixNanos, Option<Trade>);

/// Trades of one instrument.
#[derive(Debug, Default)]
pub(super) struct Trades {
    /// The last number that was told, and its stamp.
    last: Option<(u64, UnixNanos)>,
    /// The newest before history was told.
    kept: Option<(UnixNanos, Trade)>,
    held: BTreeMap<u64, Numbered>,
    /// Until when missing ones are waited for.
    until: Option<UnixNanos>,
    ask: Ask,
    /// Asked for since the last time that nothing was missing.
    recovered: u32,
    failures: u32,
}

impl Trades {
    pub(super) fn deadline(&self) -> Option<UnixNanos> {
        earliest([self.until, self.ask.due()])
    }

    /// A trade of the stream.
    pub(super) fn take(
        &mut self,
        place: &Place,
        number: u64,
        (venue_time, trade): Numbered,
        step: &mut Step<'_>,
    ) {
        let Some((last, last_time)) = self.last else {
            return self.accept(place, number, (venue_time, trade), step);
        };
        if number <= last {
            if venue_time > last_time.plus(RESET_AFTER) {
                step.shared.counts.resets += 1;
                self.ask.stop(step);
                self.held.clear();
                self.until = None;
                self.accept(place, number, (venue_time, trade), step);
            } else {
                step.shared.counts.duplicates += 1;
            }
        } else if !step.shared.telling {
            // Trades begin to be told after history; the newest of those before is enough.
            self.accept(place, number, (venue_time, trade), step);
        } else if number == last.saturating_add(1) {
            self.accept(place, number, (venue_time, trade), step);
            self.drain(place, step);
        } else {
            if self.held.insert(number, (venue_time, trade)).is_some() {
                step.shared.counts.duplicates += 1;
            }
            if self.held.len() > HELD_MAX {
                self.give_up(place, step);
            } else if self.until.is_none() && self.ask == Ask::Idle {
                self.until = Some(step.now.plus(GRACE));
            }
        }
    }

    fn accept(
        &mut self,
        place: &Place,
        number: u64,
        (venue_time, trade): Numbered,
        step: &mut Step<'_>,
    ) {
        self.last = Some((number, venue_time));
        let Some(trade) = trade else { return };
        if step.shared.telling {
            step.tell(place.id, venue_time, MarketData::Trade(trade));
        } else {
            self.kept = Some((venue_time, trade));
        }
    }

    /// Tells what follows without a gap.
    fn drain(&mut self, place: &Place, step: &mut Step<'_>) {
        while let Some(entry) = self.held.first_entry() {
            let number = *entry.key();
            let last = self.last.map_or(0, |(last, _)| last);
            if number > last.saturating_add(1) {
                return;
            }
            let numbered = entry.remove();
            if number > last {
                self.accept(place, number, numbered, step);
            }
        }
        self.until = None;
        self.recovered = 0;
        self.failures = 0;
        if matches!(self.ask, Ask::At(_)) {
            self.ask = Ask::Idle;
        }
    }

    /// What is missing before the first that waits stays missing.
    fn give_up(&mut self, place: &Place, step: &mut Step<'_>) {
        self.ask.stop(step);
        (self.until, self.recovered, self.failures) = (None, 0, 0);
        let Some((first, _)) = self.held.first_key_value() else { return };
        let (first, last) = (*first, self.last.unwrap_or_default());
        step.shared.counts.trades_lost += first.saturating_sub(last.0.saturating_add(1));
        self.last = Some((first.saturating_sub(1), last.1));
        self.drain(place, step);
        if !self.held.is_empty() {
            self.until = Some(step.now);
        }
    }

    /// How many are missing before the first that waits; zero where none waits.
    fn missing(&self) -> u64 {
        let last = self.last.map_or(0, |(last, _)| last);
        self.held
            .first_key_value()
            .map_or(0, |(first, _)| first.saturating_sub(last.saturating_add(1)))
    }

    /// The line is up, after it was down: asks for what was missed.
    pub(super) fn line_joined(&mut self, place: &Place, step: &Step<'_>) {
        if place.recover_trades_max > 0
            && step.shared.telling
            && self.last.is_some()
            && self.ask == Ask::Idle
        {
            self.until = None;
            self.ask = Ask::At(step.now);
        }
    }

    pub(super) fn on_time(&mut self, place: &Place, step: &mut Step<'_>) {
        if self.until.is_some_and(|until| until <= step.now) {
            self.until = None;
            let left = place.recover_trades_max.saturating_sub(self.recovered);
            if self.missing() <= u64::from(left) {
                self.ask = Ask::At(step.now);
            } else {
                self.give_up(place, step);
            }
        }
        let Some((last, _)) = self.last else { return };
        if self.ask.due().is_some_and(|due| due <= step.now) {
            let request = AggTrades {
                symbol: &place.symbol,
                from_id: Some(last.saturating_add(1)),
                start_ms: None,
                end_ms: None,
                limit: Some(TRADES_MAX),
            };
            self.ask = step.ask(Owner::Trades(place.index), &Request::AggTrades(request));
        }
    }

    pub(super) fn no_reply(&mut self, place: &Place, step: &mut Step<'_>) {
        step.shared.counts.asks_failed += 1;
        self.ask_later(place, step);
    }

    fn ask_later(&mut self, place: &Place, step: &mut Step<'_>) {
        self.failures = self.failures.saturating_add(1);
        if self.failures > FAILURES_MAX {
            self.ask = Ask::Idle;
            self.give_up(place, step);
        } else {
            self.ask = Ask::At(step.now.plus(step.pause(self.failures, ASK_BACKOFF)));
        }
    }

    pub(super) fn reply(&mut self, place: &Place, reply: HttpReply<'_>, step: &mut Step<'_>) {
        let Some(rows) = (reply.status == 200).then(|| read(place, reply.body)).flatten() else {
            return self.no_reply(place, step);
        };
        self.ask = Ask::Idle;
        let (last, last_time) = self.last.unwrap_or_default();
        let full = u32::try_from(rows.len()).is_ok_and(|rows| rows >= TRADES_MAX);
        if let Some((first, _)) = rows.first()
            && *first > last.saturating_add(1)
        {
            // It was asked from the next number on: Binance has none before this.
            self.last = Some((first - 1, last_time));
        }
        for (number, numbered) in rows {
            let next = self.last.map_or(0, |(last, _)| last).saturating_add(1);
            if number < next {
                continue;
            }
            if number == next {
                step.shared.counts.trades_recovered += 1;
                self.recovered = self.recovered.saturating_add(1);
                self.held.remove(&number);
                self.accept(place, number, numbered, step);
            } else {
                self.held.entry(number).or_insert(numbered);
            }
        }
        let went_on = self.last.map_or(0, |(last, _)| last) > last;
        let recovered = self.recovered;
        self.drain(place, step);
        if self.held.is_empty() && !full {
            return;
        }
        self.recovered = recovered;
        if recovered >= place.recover_trades_max {
            self.give_up(place, step);
        } else if went_on {
            self.failures = 0;
            self.ask = Ask::At(step.now);
        } else {
            self.ask_later(place, step);
        }
    }

    /// History is told.
    pub(super) fn release(&mut self, place: &Place, step: &mut Step<'_>) {
        if let Some((venue_time, trade)) = self.kept.take() {
            step.tell(place.id, venue_time, MarketData::Trade(trade));
        }
    }
}

/// The trades of an answer, in order. `None` where it is no answer.
fn read(place: &Place, body: &[u8]) -> Option<Vec<(u64, Numbered)>> {
    let rows = Vec::<PublicAggTrade<'_>>::decode(body).ok()?;
    let mut trades: Vec<(u64, Numbered)> = Vec::with_capacity(rows.len());
    for row in rows {
        let message = StreamMessage::AggTrade(AggTradeMessage {
            symbol: &place.symbol,
            id: row.id,
            price: row.price,
            quantity: row.quantity,
            trade_time: row.time,
            buyer_is_maker: row.buyer_is_maker,
        });
        let event = message.to_event(&place.instrument, place.id, UnixNanos(0)).ok()??;
        let MarketData::Trade(trade) = event.data else { return None };
        if trades.last().is_some_and(|(last, _)| *last >= row.id) {
            return None;
        }
        trades.push((row.id, (event.venue_time, Some(trade))));
    }
    Some(trades)
}
