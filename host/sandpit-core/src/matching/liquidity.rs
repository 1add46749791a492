//! What others offer, and how much of it has been taken. The market is a recording: it does not
//! know that we took something, so this remembers it until the source says something new.

use alloc::collections::BTreeMap;

use crate::{
    market::{Book, BookError, DepthUpdate, Quote, Side},
    num::{Price, Quantity},
};

/// The offers of one instrument's market.
#[derive(Clone, Debug, Default)]
pub(super) struct Liquidity {
    last: Option<Price>,
    /// What is left of the last print.
    print: Quantity,
    quote: Option<Quote>,
    bid_taken: Quantity,
    ask_taken: Quantity,
    book: Book,
    /// What was taken of levels that have not changed since.
    taken: BTreeMap<Price, Quantity>,
    saw_trades: bool,
    saw_depth: bool,
}

impl Liquidity {
    /// Price of the last print.
    pub(super) const fn last(&self) -> Option<Price> {
        self.last
    }

    /// What is left of the last print.
    pub(super) const fn print_left(&self) -> Quantity {
        self.print
    }

    /// Whether bars are the only source so far.
    pub(super) const fn bars_only(&self) -> bool {
        !self.saw_trades && self.quote.is_none() && !self.saw_depth
    }

    /// Whether triggers look at prints, or at the touch since there were never any.
    pub(super) const fn has_prints(&self) -> bool {
        self.last.is_some()
    }

    pub(super) const fn saw_trade(&mut self) {
        self.saw_trades = true;
    }

    /// A print of which `left` is still to be had.
    pub(super) const fn set_print(&mut self, price: Price, left: Quantity) {
        self.last = Some(price);
        self.print = left;
    }

    pub(super) fn set_quote(&mut self, quote: &Quote) {
        // A side that says the same again has not been refilled.
        let same = |side: fn(&Quote) -> (Price, Quantity)| {
            self.quote.as_ref().map(side) == Some(side(quote))
        };
        if !same(|quote| (quote.bid_price, quote.bid_quantity)) {
            self.bid_taken = Quantity::ZERO;
        }
        if !same(|quote| (quote.ask_price, quote.ask_quantity)) {
            self.ask_taken = Quantity::ZERO;
        }
        self.quote = Some(*quote);
    }

    pub(super) fn apply_depth(&mut self, update: &DepthUpdate) -> Result<(), BookError> {
        self.saw_depth = true;
        if update.snapshot {
            self.taken.clear();
        }
        for (price, _) in update.bids.iter().chain(&update.asks) {
            self.taken.remove(price);
        }
        self.book.apply(update)
    }

    /// The best price that a taker of `side` would get, whatever is left there.
    pub(super) fn touch(&self, side: Side) -> Option<Price> {
        if self.book.is_live() {
            let level = match side {
                Side::Buy => self.book.asks().next(),
                Side::Sell => self.book.bids().next(),
            };
            return level.map(|(price, _)| price);
        }
        match (&self.quote, side) {
            (Some(quote), Side::Buy) => {
                (quote.ask_quantity > Quantity::ZERO).then_some(quote.ask_price)
            }
            (Some(quote), Side::Sell) => {
                (quote.bid_quantity > Quantity::ZERO).then_some(quote.bid_price)
            }
            (None, _) => self.last,
        }
    }

    /// The best offer with something left, for a taker of `side` who pays no worse than `limit`.
    pub(super) fn best(&self, side: Side, limit: Option<Price>) -> Option<(Price, Quantity)> {
        self.offers(side, limit).next()
    }

    /// How much a taker would get at once.
    pub(super) fn total(&self, side: Side, limit: Option<Price>) -> i128 {
        self.offers(side, limit)
            .map(|(_, quantity)| i128::from(quantity.0))
            .sum()
    }

    /// All offers with something left, best first.
    fn offers(
        &self,
        side: Side,
        limit: Option<Price>,
    ) -> impl Iterator<Item = (Price, Quantity)> + '_ {
        let levels = self.book.is_live().then(|| {
            let (asks, bids) = match side {
                Side::Buy => (Some(self.book.asks()), None),
                Side::Sell => (None, Some(self.book.bids())),
            };
            asks.into_iter()
                .flatten()
                .chain(bids.into_iter().flatten())
                .map(|(price, quantity)| {
                    (
                        price,
                        quantity - self.taken.get(&price).copied().unwrap_or_default(),
                    )
                })
        });
        let top = if self.book.is_live() {
            None
        } else {
            self.top(side)
        };
        levels
            .into_iter()
            .flatten()
            .chain(top)
            .take_while(move |(price, _)| limit.is_none_or(|limit| !is_worse(side, *price, limit)))
            .filter(|(_, quantity)| *quantity > Quantity::ZERO)
    }

    fn top(&self, side: Side) -> Option<(Price, Quantity)> {
        match (&self.quote, side) {
            (Some(quote), Side::Buy) => {
                Some((quote.ask_price, quote.ask_quantity - self.ask_taken))
            }
            (Some(quote), Side::Sell) => {
                Some((quote.bid_price, quote.bid_quantity - self.bid_taken))
            }
            (None, _) => self.last.map(|last| (last, self.print)),
        }
    }

    /// Notes that a taker of `side` took `quantity` of the offer at `price`.
    pub(super) fn take(&mut self, side: Side, price: Price, quantity: Quantity) {
        if self.book.is_live() {
            *self.taken.entry(price).or_default() += quantity;
        } else if self.quote.is_some() {
            match side {
                Side::Buy => self.ask_taken += quantity,
                Side::Sell => self.bid_taken += quantity,
            }
        } else {
            self.print -= quantity;
        }
    }

    /// What others show at a price of `side`, as far as it can be seen: `None` where it cannot.
    pub(super) fn displayed(&self, side: Side, price: Price) -> Option<Quantity> {
        if self.book.is_live() {
            return Some(self.book.quantity_at(side, price));
        }
        let quote = self.quote.as_ref()?;
        let (best, quantity) = match side {
            Side::Buy => (quote.bid_price, quote.bid_quantity),
            Side::Sell => (quote.ask_price, quote.ask_quantity),
        };
        if quantity.is_zero() || is_better(side, price, best) {
            Some(Quantity::ZERO)
        } else {
            (price == best).then_some(quantity)
        }
    }
}

/// Whether a taker of `side` would pay more at `price` than at `limit`.
pub(super) fn is_worse(side: Side, price: Price, limit: Price) -> bool {
    match side {
        Side::Buy => price > limit,
        Side::Sell => price < limit,
    }
}

/// Whether a maker of `side` at `price` stands before one at `best`.
pub(super) fn is_better(side: Side, price: Price, best: Price) -> bool {
    match side {
        Side::Buy => price > best,
        Side::Sell => price < best,
    }
}
