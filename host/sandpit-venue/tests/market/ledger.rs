//! What the machine told, checked against the fake venue as it comes.

use std::collections::BTreeMap;

use sandpit_core::{
    market::{Bar, Book, MarketData, MarketEvent},
    time::UnixNanos,
};

use crate::{
    rig::MS,
    venue::{Candle, FIRST_TRADE, LENGTHS, Symbol},
};

#[derive(Default)]
struct Told {
    book: Book,
    sequence: u64,
    /// The venue's book as of the changes that were compared.
    truth: [BTreeMap<i64, i64>; 2],
    applied: usize,
    trades: Vec<u64>,
    /// For each length in milliseconds: time, end, whether from before.
    bars: BTreeMap<u64, Vec<(UnixNanos, UnixNanos, Bar)>>,
    history: BTreeMap<u64, usize>,
    quotes: usize,
    snapshots: usize,
}

pub(crate) struct Ledger {
    told: Vec<Told>,
    last_time: UnixNanos,
    last_history: UnixNanos,
    began: bool,
    pub(crate) notices: Vec<String>,
}

impl Ledger {
    pub(crate) fn new(symbols: usize) -> Self {
        Self {
            told: (0..symbols).map(|_| Told::default()).collect(),
            last_time: UnixNanos(0),
            last_history: UnixNanos(0),
            began: false,
            notices: Vec::new(),
        }
    }

    pub(crate) fn history(&mut self, event: &MarketEvent) {
        assert!(!self.began, "history after the market");
        assert!(event.time >= self.last_history, "history out of order");
        assert_eq!(event.time, event.venue_time);
        self.last_history = event.time;
        self.last_time = self.last_time.max(event.time);
        let MarketData::Bar(bar) = event.data else { panic!("history is bars") };
        let told = &mut self.told[usize::from(event.instrument.0)];
        let length = bar.interval.0 / MS;
        *told.history.entry(length).or_default() += 1;
        told.bars.entry(length).or_default().push((event.time, event.venue_time, bar));
    }

    pub(crate) fn market(&mut self, event: MarketEvent, symbols: &[Symbol]) {
        self.began = true;
        assert!(event.time >= self.last_time, "time goes back");
        self.last_time = event.time;
        let index = usize::from(event.instrument.0);
        let (told, symbol) = (&mut self.told[index], &symbols[index]);
        match event.data {
            MarketData::Trade(trade) => {
                let row = symbol.trades[usize::try_from(trade.id - FIRST_TRADE).unwrap()];
                assert_eq!((trade.price.0, trade.quantity.0), (row.price, row.quantity));
                assert_eq!(event.venue_time.0, row.time_ms * MS);
                told.trades.push(trade.id);
            }
            MarketData::Quote(quote) => {
                let two_sided = !quote.bid_quantity.is_zero() && !quote.ask_quantity.is_zero();
                assert!(!two_sided || quote.bid_price < quote.ask_price);
                told.quotes += 1;
            }
            MarketData::Bar(bar) => {
                let length = bar.interval.0 / MS;
                told.bars.entry(length).or_default().push((event.time, event.venue_time, bar));
            }
            MarketData::Depth(update) => {
                told.snapshots += usize::from(update.snapshot);
                told.book.apply(&update).expect("the book follows");
                assert!(update.last_sequence >= told.sequence || update.snapshot);
                told.sequence = update.last_sequence;
                assert_book(told, symbol);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Everything that can be known at the end, when all is calm.
    pub(crate) fn assert_whole(&self, symbols: &[Symbol], venue_ms: u64, wants_book: bool) {
        for (told, symbol) in self.told.iter().zip(symbols) {
            let first = *told.trades.first().unwrap();
            let last = *told.trades.last().unwrap();
            assert!((first..=last).eq(told.trades.iter().copied()), "trades of {}", symbol.name);
            let calm = symbol.trades.iter().filter(|row| row.time_ms + 1_000 < venue_ms).count();
            assert!(last + 1 >= FIRST_TRADE + u64::try_from(calm).unwrap(), "the last trades");
            assert!(told.quotes > 100);
            if wants_book {
                assert!(told.snapshots > 0);
                let behind = symbol.sequence() - told.sequence;
                assert!(behind < 60, "the book of {} is {behind} behind", symbol.name);
            }
            for (length, bars) in &told.bars {
                assert_bars(symbol, *length, bars, venue_ms);
            }
        }
    }

    /// How many bars from before were told of an instrument, by length in milliseconds.
    pub(crate) fn history_of(&self, instrument: usize, length: u64) -> usize {
        self.told[instrument].history.get(&length).copied().unwrap_or_default()
    }

    pub(crate) fn snapshots(&self) -> usize {
        self.told.iter().map(|told| told.snapshots).sum()
    }
}

/// At equal numbers the books are equal.
fn assert_book(told: &mut Told, symbol: &Symbol) {
    let until = symbol.changes_until(told.sequence);
    if until < told.applied {
        // A snapshot may be older than what was told before a gap.
        (told.truth, told.applied) = (Default::default(), 0);
    }
    for (is_bid, at, quantity) in &symbol.changes[told.applied..until] {
        let side = &mut told.truth[usize::from(!*is_bid)];
        if *quantity == 0 {
            side.remove(at);
        } else {
            side.insert(*at, *quantity);
        }
    }
    told.applied = until;
    let [bids, asks] = &told.truth;
    let level = |(at, quantity): (&i64, &i64)| (*at, *quantity);
    let ours = |(price, quantity): (sandpit_core::num::Price, sandpit_core::num::Quantity)| {
        (price.0, quantity.0)
    };
    assert!(told.book.bids().map(ours).eq(bids.iter().rev().map(level)), "bids");
    assert!(told.book.asks().map(ours).eq(asks.iter().map(level)), "asks");
    let best = told.book.best();
    assert!(best.is_none_or(|((bid, _), (ask, _))| bid < ask), "crossed");
}

/// No gap, no overlap, and each bar the venue's own.
fn assert_bars(symbol: &Symbol, length: u64, bars: &[(UnixNanos, UnixNanos, Bar)], venue_ms: u64) {
    let place = LENGTHS.iter().position(|(known, _)| *known == length).unwrap();
    let mut next = bars[0].1.0 / MS;
    let mut last_time = UnixNanos(0);
    for (time, end, bar) in bars {
        assert_eq!(end.0 / MS, next, "{} {length}: a gap or an overlap", symbol.name);
        // The engine passes over a bar whose time is not later.
        assert!(*time > last_time, "{} {length}: the time stands still", symbol.name);
        last_time = *time;
        let candle = symbol.candles[place][&(next - length)];
        let told = Candle {
            open: bar.open.0,
            high: bar.high.0,
            low: bar.low.0,
            close: bar.close.0,
            volume: bar.volume.0,
        };
        assert_eq!(told, candle, "{} {length}: the bar until {next}", symbol.name);
        next += length;
    }
    assert!(next + 8_000 > venue_ms, "{} {length}: the last bars are missing", symbol.name);
}
