//! One instrument with all that is kept of it.

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    market::{MarketData, Quote},
    num::Quantity,
    time::{Nanos, UnixNanos},
};

use super::{
    bars::Bars,
    book::BookSync,
    marks::{MarkMessage, Marks},
    quotes::Quotes,
    step::{Step, earliest},
    trades::Trades,
};
use crate::binance::{
    request::{DepthLimit, KlineInterval},
    stream::{StreamError, StreamMessage},
};

/// An instrument's names and rules, and what is set for it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) id: InstrumentId,
    pub(super) instrument: Instrument,
    pub(super) symbol: String,
    pub(super) levels: DepthLimit,
    pub(super) patience: Nanos,
    pub(super) bar_late: Nanos,
    pub(super) recover_trades_max: u32,
    pub(super) funding: bool,
}

/// What a stream tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Trades,
    Quotes,
    Depth,
    Bars(KlineInterval),
    Marks,
}

/// Kinds whose silence is noticed by itself.
pub(super) const KINDS_WATCHED: usize = 4;

impl Kind {
    /// Its place among those whose silence is noticed. Bars that do not come are asked for, anyway.
    pub(super) const fn watched(self) -> Option<usize> {
        match self {
            Self::Trades => Some(0),
            Self::Quotes => Some(1),
            Self::Depth => Some(2),
            Self::Marks => Some(3),
            Self::Bars(_) => None,
        }
    }
}

/// One instrument; a part is there where it is wanted.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) place: Place,
    pub(super) trades: Option<Trades>,
    pub(super) quotes: Option<Quotes>,
    pub(super) book: Option<BookSync>,
    pub(super) marks: Option<Marks>,
    pub(super) bars: Vec<Bars>,
    is_unusable_told: bool,
}

impl Listed {
    pub(super) const fn new(place: Place) -> Self {
        Self {
            place,
            trades: None,
            quotes: None,
            book: None,
            marks: None,
            bars: Vec::new(),
            is_unusable_told: false,
        }
    }

    pub(super) fn needs_trades(&mut self) {
        self.trades.get_or_insert_default();
    }

    pub(super) fn needs_quotes(&mut self) {
        self.quotes.get_or_insert_default();
    }

    pub(super) fn needs_book(&mut self) {
        self.book.get_or_insert_default();
    }

    pub(super) fn needs_marks(&mut self) {
        self.marks.get_or_insert_default();
    }

    /// The row of bars of this length; it is made where there is none.
    pub(super) fn bars_of(&mut self, interval: KlineInterval, wanted: u32) {
        match self.bars.iter_mut().find(|bars| bars.interval == interval) {
            Some(bars) => bars.want(wanted),
            None => self.bars.push(Bars::new(interval, wanted)),
        }
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        let parts = [
            self.trades.as_ref().map(|_| Kind::Trades),
            self.quotes.as_ref().map(|_| Kind::Quotes),
            self.book.as_ref().map(|_| Kind::Depth),
            self.marks.as_ref().map(|_| Kind::Marks),
        ];
        let bars = self.bars.iter().map(|bars| Kind::Bars(bars.interval));
        parts.into_iter().flatten().chain(bars)
    }

    pub(super) fn deadline(&self, step: &Step<'_>) -> Option<UnixNanos> {
        let bars = self.bars.iter().map(|bars| bars.deadline(&self.place, step));
        let book = self.book.as_ref().and_then(BookSync::deadline);
        let trades = self.trades.as_ref().and_then(Trades::deadline);
        earliest(bars.chain([book, trades]))
    }

    pub(super) fn on_time(&mut self, step: &mut Step<'_>) {
        if let Some(book) = &mut self.book {
            book.on_time(&self.place, step);
        }
        if let Some(trades) = &mut self.trades {
            trades.on_time(&self.place, step);
        }
        for (series, bars) in self.bars.iter_mut().enumerate() {
            bars.on_time(&self.place, series, step);
        }
    }

    /// A message about it. Says which stream is alive by it, where its silence would be noticed.
    pub(super) fn take(
        &mut self,
        message: &StreamMessage<'_>,
        step: &mut Step<'_>,
    ) -> Option<Kind> {
        let received = step.stamp();
        let event = message.to_event(&self.place.instrument, self.place.id, received);
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                self.unusable(&error, step);
                return None;
            }
        };
        let venue_time = event.as_ref().map_or(received, |event| event.venue_time);
        match (message, event.map(|event| event.data)) {
            (StreamMessage::Trade(trade), data) => {
                self.trade(trade.id, venue_time, data.as_ref(), step)
            }
            (StreamMessage::AggTrade(trade), data) => {
                self.trade(trade.id, venue_time, data.as_ref(), step)
            }
            (StreamMessage::BookTicker(ticker), Some(MarketData::Quote(quote))) => {
                self.quote(ticker.sequence, venue_time, quote, step)
            }
            (StreamMessage::DepthUpdate(_), Some(MarketData::Depth(update))) => {
                let Some(book) = &mut self.book else { return unknown(step) };
                book.change(&self.place, venue_time, update, step);
                Some(Kind::Depth)
            }
            (StreamMessage::Kline(kline), None) if !kline.is_closed => None,
            (StreamMessage::Kline(_), Some(MarketData::Bar(bar))) => {
                let interval = bar.interval;
                match self.bars.iter_mut().find(|bars| bars.interval.nanos() == interval) {
                    Some(bars) => bars.closed(&self.place, venue_time, bar, step),
                    None => return unknown(step),
                }
                None
            }
            _ => unknown(step),
        }
    }

    /// A message that cannot be used: a person is told of the first. To connect anew would not
    /// help, where Binance has changed the instrument's rules.
    fn unusable(&mut self, error: &StreamError, step: &mut Step<'_>) {
        step.shared.counts.frames_bad += 1;
        if !std::mem::replace(&mut self.is_unusable_told, true) {
            let symbol = &self.place.symbol;
            step.alert(format!("a message about {symbol} cannot be used: {error}"));
        }
    }

    fn trade(
        &mut self,
        number: u64,
        venue_time: UnixNanos,
        data: Option<&MarketData>,
        step: &mut Step<'_>,
    ) -> Option<Kind> {
        let Some(trades) = &mut self.trades else { return unknown(step) };
        let trade = match data {
            Some(MarketData::Trade(trade)) => Some(*trade),
            _ => None,
        };
        trades.take(&self.place, number, (venue_time, trade), step);
        Some(Kind::Trades)
    }

    fn quote(
        &mut self,
        sequence: u64,
        venue_time: UnixNanos,
        quote: Quote,
        step: &mut Step<'_>,
    ) -> Option<Kind> {
        let Some(quotes) = &mut self.quotes else { return unknown(step) };
        let two_sided = quote.bid_quantity > Quantity::ZERO && quote.ask_quantity > Quantity::ZERO;
        if two_sided && quote.bid_price >= quote.ask_price {
            step.shared.counts.frames_bad += 1;
            return None;
        }
        quotes.take(self.place.id, sequence, venue_time, quote, step);
        Some(Kind::Quotes)
    }

    pub(super) fn mark(&mut self, message: &MarkMessage<'_>, step: &mut Step<'_>) -> Option<Kind> {
        let Some(marks) = &mut self.marks else { return unknown(step) };
        marks.take(&self.place, message, step);
        Some(Kind::Marks)
    }

    /// The line of a stream is down.
    pub(super) fn line_lost(&mut self, kind: Kind, step: &mut Step<'_>) {
        match kind {
            Kind::Depth => {
                if let Some(book) = &mut self.book {
                    book.line_lost(step);
                }
            }
            Kind::Quotes => {
                if let Some(quotes) = &mut self.quotes {
                    quotes.line_lost();
                }
            }
            Kind::Trades | Kind::Bars(_) | Kind::Marks => {}
        }
    }

    /// The line of a stream is up, after it was down.
    pub(super) fn line_joined(&mut self, kind: Kind, step: &mut Step<'_>) {
        match kind {
            Kind::Depth => {
                if let Some(book) = &mut self.book {
                    book.line_joined(&self.place, step);
                }
            }
            Kind::Trades => {
                if let Some(trades) = &mut self.trades {
                    trades.line_joined(&self.place, step);
                }
            }
            Kind::Bars(interval) => {
                if let Some(bars) = self.bars.iter_mut().find(|bars| bars.interval == interval) {
                    bars.line_joined(step);
                }
            }
            Kind::Quotes | Kind::Marks => {}
        }
    }

    /// History is told: goes on with what was kept meanwhile.
    pub(super) fn release(&mut self, step: &mut Step<'_>) {
        if let Some(marks) = &mut self.marks {
            marks.release(self.place.id, step);
        }
        if let Some(quotes) = &mut self.quotes {
            quotes.release(self.place.id, step);
        }
        if let Some(trades) = &mut self.trades {
            trades.release(&self.place, step);
        }
        if let Some(book) = &self.book {
            book.release(&self.place, step);
        }
        for bars in &mut self.bars {
            bars.release(&self.place, step);
        }
    }
}

/// Nobody asked for such a message.
fn unknown(step: &mut Step<'_>) -> Option<Kind> {
    step.shared.counts.frames_unknown += 1;
    None
}
