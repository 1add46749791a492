//! One symbol as everybody sees it: book, trades, candles, sequence numbers.

use std::collections::{BTreeSet, VecDeque};

use sandpit_core::market::Side;

use crate::{
    amount::Amount,
    book::Book,
    candles::{Candle, Candles},
    order::{Aggregate, OrderId, Prevented, Trade},
    symbol::{AVERAGE_MINUTES, Symbol},
};

/// Trades kept of each kind.
const TRADES_MAX: usize = 5_000;
/// Prevented matches kept.
const PREVENTED_MAX: usize = 5_000;
const DAY_MS: u64 = 86_400_000;

/// Best prices with what is shown there.
pub(crate) type Best = (Option<(Amount, Amount)>, Option<(Amount, Amount)>);

/// Levels that changed since they were last told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// The first change among them.
    pub(crate) first: u64,
    levels: BTreeSet<(bool, Amount)>,
}

/// What a depth stream tells: numbers of the first and the last change, bids and asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diff {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) bids: Vec<(Amount, Amount)>,
    pub(crate) asks: Vec<(Amount, Amount)>,
}

/// One symbol.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    pub(crate) symbol: Symbol,
    pub(crate) book: Book,
    pub(crate) candles: Candles,
    pub(crate) trades: VecDeque<Trade>,
    pub(crate) aggregates: VecDeque<Aggregate>,
    pub(crate) prevented: VecDeque<Prevented>,
    pub(crate) last: Option<Amount>,
    /// Orders that wait for a trigger.
    pub(crate) waiting: BTreeSet<OrderId>,
    /// Number of the last change of the book.
    pub(crate) update: u64,
    /// By stream speed: 100 ms, 1000 ms.
    changes: [Changes; 2],
    pub(crate) told_best: Best,
    pub(crate) next_trade: u64,
    pub(crate) next_aggregate: u64,
    pub(crate) next_prevented: u64,
    /// Aggregate that may still grow.
    pub(crate) growing: Option<Aggregate>,
    /// What the source has said so far: depth, quotes, and the last quote of each side.
    pub(crate) has_depth: bool,
    pub(crate) has_quotes: bool,
    pub(crate) said: [Option<(Amount, Amount)>; 2],
}

impl Market {
    pub(crate) fn new(symbol: Symbol) -> Self {
        Self {
            symbol,
            book: Book::default(),
            candles: Candles::default(),
            trades: VecDeque::new(),
            aggregates: VecDeque::new(),
            prevented: VecDeque::new(),
            last: None,
            waiting: BTreeSet::new(),
            update: 1,
            changes: [Changes::default(), Changes::default()],
            told_best: (None, None),
            next_trade: 1,
            next_aggregate: 1,
            next_prevented: 1,
            growing: None,
            has_depth: false,
            has_quotes: false,
            said: [None, None],
        }
    }

    /// A level changed.
    pub(crate) fn touch(&mut self, side: Side, price: Amount) {
        self.update += 1;
        for changes in &mut self.changes {
            if changes.levels.is_empty() {
                changes.first = self.update;
            }
            changes.levels.insert((side == Side::Buy, price));
        }
    }

    /// What changed since the last time; speed 0 is 100 ms, 1 is 1000 ms.
    pub(crate) fn take_diff(&mut self, speed: usize) -> Option<Diff> {
        let changes = std::mem::take(&mut self.changes[speed]);
        if changes.levels.is_empty() {
            return None;
        }
        let of = |is_bid: bool, side: Side| {
            let levels = changes.levels.iter().filter(move |(bid, _)| *bid == is_bid);
            levels.map(|(_, price)| (*price, self.book.quantity(side, *price))).collect()
        };
        Some(Diff {
            first: changes.first,
            last: self.update,
            bids: of(true, Side::Buy),
            asks: of(false, Side::Sell),
        })
    }

    pub(crate) fn best(&self) -> Best {
        let first = |side| self.book.levels(side, 1).first().copied();
        (first(Side::Buy), first(Side::Sell))
    }

    /// Remembers a trade; gives the aggregate that it completes.
    pub(crate) fn print(&mut self, trade: Trade) -> Option<Aggregate> {
        self.last = Some(trade.price);
        self.candles.take(&trade);
        self.trades.push_back(trade);
        if self.trades.len() > TRADES_MAX {
            self.trades.pop_front();
        }
        if let Some(growing) = &mut self.growing
            && growing.price == trade.price
            && growing.buyer_is_maker == trade.buyer_is_maker
        {
            growing.last = trade.id;
            growing.quantity += trade.quantity;
            return None;
        }
        let complete = self.seal();
        self.growing = Some(Aggregate {
            id: self.next_aggregate,
            first: trade.id,
            last: trade.id,
            price: trade.price,
            quantity: trade.quantity,
            time_ms: trade.time_ms,
            buyer_is_maker: trade.buyer_is_maker,
        });
        self.next_aggregate += 1;
        complete
    }

    /// The taker is done: its aggregate grows no more.
    pub(crate) fn seal(&mut self) -> Option<Aggregate> {
        let complete = self.growing.take()?;
        self.aggregates.push_back(complete);
        if self.aggregates.len() > TRADES_MAX {
            self.aggregates.pop_front();
        }
        Some(complete)
    }

    pub(crate) fn prevent(&mut self, prevented: Prevented) {
        self.prevented.push_back(prevented);
        if self.prevented.len() > PREVENTED_MAX {
            self.prevented.pop_front();
        }
    }

    /// The average price of the last minutes by volume; the last price where nothing was traded.
    pub(crate) fn average(&self, now_ms: u64) -> Option<Amount> {
        let from = now_ms.saturating_sub(AVERAGE_MINUTES * 60_000);
        let sum = self.candles.since(from).filter(|sum| sum.volume.is_positive());
        sum.map_or(self.last, |sum| Some(sum.quote.buys(sum.volume, Amount(1))))
    }

    /// The last 24 hours; a candle without trades where there were none.
    pub(crate) fn day(&self, now_ms: u64) -> Option<Candle> {
        self.candles.since(now_ms.saturating_sub(DAY_MS))
    }
}
