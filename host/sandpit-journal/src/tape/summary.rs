//! The foot of a tape: totals, so that a look at a tape of any length is quick.

use sandpit_core::{
    market::{MarketData, MarketEvent},
    num::Price,
    time::UnixNanos,
};
use serde::{Deserialize, Serialize};

use super::TapeHeader;

/// Totals of one instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentTally {
    /// Trades.
    pub trades: u64,
    /// Changes of the best bid or ask.
    pub quotes: u64,
    /// Bars.
    pub bars: u64,
    /// Changes of the book, and whole books.
    pub depths: u64,
    /// Mark prices.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub marks: u64,
    /// Fundings.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fundings: u64,
    /// Time of the first event, in nanoseconds since 1970; zero where there is none.
    pub first_ns: u64,
    /// Time of the last event.
    pub last_ns: u64,
    /// Least raw price of trades, bars and two-sided quotes; zero where there is none.
    pub price_low: i64,
    /// Largest raw price of the same.
    pub price_high: i64,
}

impl InstrumentTally {
    /// Events of all kinds.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.trades + self.quotes + self.bars + self.depths + self.marks + self.fundings
    }

    /// Counts one event of this instrument.
    pub fn add(&mut self, event: &MarketEvent) {
        if self.events() == 0 {
            self.first_ns = event.time.0;
        }
        self.last_ns = event.time.0;
        match &event.data {
            MarketData::Trade(trade) => {
                self.trades += 1;
                self.widen(trade.price, trade.price);
            }
            MarketData::Quote(quote) => {
                self.quotes += 1;
                if !quote.bid_quantity.is_zero() && !quote.ask_quantity.is_zero() {
                    self.widen(quote.bid_price, quote.ask_price);
                }
            }
            MarketData::Bar(bar) => {
                self.bars += 1;
                self.widen(bar.low, bar.high);
            }
            MarketData::Depth(_) => self.depths += 1,
            MarketData::Mark(_) => self.marks += 1,
            MarketData::Funding(_) => self.fundings += 1,
        }
    }

    fn widen(&mut self, low: Price, high: Price) {
        let (low, high) = (low.min(high).0, low.max(high).0);
        self.price_low = if self.price_low == 0 { low } else { self.price_low.min(low) };
        self.price_high = self.price_high.max(high);
    }
}

/// A tally that an older tape does not have is left out, so that its foot has the same bytes.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What the foot says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Summary {
    pub(super) events: u64,
    pub(super) segments: u64,
    pub(super) first_ns: u64,
    pub(super) last_ns: u64,
    /// In the order of the head's instruments.
    pub(super) instruments: Vec<InstrumentTally>,
}

impl Summary {
    pub(super) fn new(instruments: usize) -> Self {
        Self { instruments: vec![InstrumentTally::default(); instruments], ..Self::default() }
    }

    pub(super) fn add(&mut self, event: &MarketEvent) {
        if self.events == 0 {
            self.first_ns = event.time.0;
        }
        self.events += 1;
        self.last_ns = event.time.0;
        if let Some(tally) = self.instruments.get_mut(usize::from(event.instrument.0)) {
            tally.add(event);
        }
    }
}

/// A tape at a glance, from its head and foot.
#[derive(Clone, Debug)]
pub struct TapeInfo {
    /// The head.
    pub header: TapeHeader,
    /// Events.
    pub events: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Time of the first event; zero for an empty tape.
    pub first: UnixNanos,
    /// Time of the last event; zero for an empty tape.
    pub last: UnixNanos,
    /// Totals, in the order of the head's instruments.
    pub instruments: Vec<InstrumentTally>,
}
