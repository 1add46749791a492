//! What others offer, and how much of it has been taken. The market is a recording: it does not
//! know that we took something, so this remembers it until the source says something new.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    market::{Book, DepthUpdate, Quote, Side},
    matching::triggers::Sight,
    num::{Price, Quantity},
};

/// One offer: a price and what is left there.
pub(super) type Offer = (Price, Quantity);

/// What was taken of a level, and what it showed when it was.
#[derive(Clone, Copy, Debug)]
struct Taken {
    quantity: Quantity,
    shown: Quantity,
}

/// The offers of one instrument's market.
#[derive(Clone, Debug)]
pub(super) struct Liquidity {
    /// Nobody gets a part of it.
    step: Quantity,
    last: Option<Price>,
    /// What is left of the last print.
    print: Quantity,
    quote: Option<Quote>,
    bid_taken: Quantity,
    ask_taken: Quantity,
    book: Book,
    /// By the taker's side and price. Entries go when their level says something new.
    taken: BTreeMap<(Side, Price), Taken>,
    saw_trades: bool,
    saw_depth: bool,
}

impl Liquidity {
    pub(super) fn new(step: Quantity) -> Self {
        Self {
            step,
            last: None,
            print: Quantity::ZERO,
            quote: None,
            bid_taken: Quantity::ZERO,
            ask_taken: Quantity::ZERO,
            book: Book::default(),
            taken: BTreeMap::new(),
            saw_trades: false,
            saw_depth: false,
        }
    }

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

    /// Whether the book has been told and has not lost its thread.
    pub(super) const fn book_is_live(&self) -> bool {
        self.book.is_live()
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
        let quote = possible(quote);
        // A side that says the same again has not been refilled.
        let same = |side: fn(&Quote) -> Offer| self.quote.as_ref().map(side) == Some(side(&quote));
        if !same(|quote| (quote.bid_price, quote.bid_quantity)) {
            self.bid_taken = Quantity::ZERO;
        }
        if !same(|quote| (quote.ask_price, quote.ask_quantity)) {
            self.ask_taken = Quantity::ZERO;
        }
        self.quote = Some(quote);
    }

    /// Takes in a change of the book. Where it does not continue, the book offers nothing until
    /// the next snapshot; the engine, which keeps the same book, alerts.
    pub(super) fn apply_depth(&mut self, update: &DepthUpdate) {
        self.saw_depth = true;
        let followed = self.book.apply(update).is_ok();
        if !followed || self.taken.is_empty() {
            return;
        }
        let Self { book, taken, .. } = self;
        let shown = |side: Side, price| book.quantity_at(side.opposite(), price);
        if update.snapshot {
            // It tells all levels, changed or not: one that says the same has not been refilled.
            taken.retain(|(side, price), taken| shown(*side, *price) == taken.shown);
            return;
        }
        // A change tells only levels that changed, be it down and up again.
        for (side, levels) in [(Side::Sell, &update.bids), (Side::Buy, &update.asks)] {
            for (price, quantity) in levels {
                // One that the book passed over says nothing.
                if shown(side, *price) == *quantity {
                    taken.remove(&(side, *price));
                }
            }
        }
    }

    /// The best price that the other side shows a taker of `side`, whatever is left there. Prints
    /// show nothing.
    pub(super) fn shown(&self, side: Side) -> Option<Price> {
        if self.book.is_live() {
            return self.levels(side).next().map(|(price, _)| price);
        }
        let (price, quantity) = quoted(self.quote.as_ref()?, side);
        (quantity > Quantity::ZERO).then_some(price)
    }

    /// The best price that a taker of `side` would get, whatever is left there: what is shown, or
    /// the last print where nothing ever was.
    pub(super) fn touch(&self, side: Side) -> Option<Price> {
        if self.book.is_live() || self.quote.is_some() { self.shown(side) } else { self.last }
    }

    /// What triggers look at: the last print, or what is shown where there never was one.
    pub(super) fn sight(&self) -> Sight {
        self.last.map_or_else(
            || Sight { buy: self.shown(Side::Buy), sell: self.shown(Side::Sell) },
            Sight::print,
        )
    }

    /// Lists offers for a taker of `side` who pays no worse than `limit`, best first, until there
    /// are `wanted` together.
    pub(super) fn offers(
        &self,
        side: Side,
        limit: Option<Price>,
        wanted: Quantity,
        out: &mut Vec<Offer>,
    ) {
        let mut missing = wanted;
        let mut list = |price: Price, left: Quantity| {
            let left = self.whole(left);
            let in_reach = limit.is_none_or(|limit| !is_worse(side, price, limit));
            if in_reach && left > Quantity::ZERO {
                out.push((price, left));
                missing = Quantity(missing.0.saturating_sub(left.0));
            }
            in_reach && missing > Quantity::ZERO
        };
        if self.book.is_live() {
            for (price, shown) in self.levels(side) {
                if !list(price, less(shown, self.taken_of(side, price))) {
                    return;
                }
            }
        } else if let Some(quote) = &self.quote {
            let (price, shown) = quoted(quote, side);
            let taken = match side {
                Side::Buy => self.ask_taken,
                Side::Sell => self.bid_taken,
            };
            list(price, less(shown, taken));
        } else if let Some(last) = self.last {
            list(last, self.print);
        }
    }

    /// Notes that a taker of `side` took `quantity` of the offer at `price`.
    pub(super) fn take(&mut self, side: Side, price: Price, quantity: Quantity) {
        if self.book.is_live() {
            let shown = self.book.quantity_at(side.opposite(), price);
            let none = Taken { quantity: Quantity::ZERO, shown };
            self.taken.entry((side, price)).or_insert(none).quantity += quantity;
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
            return Some(self.book.quantity_at(side, price).max(Quantity::ZERO));
        }
        let (best, quantity) = quoted(self.quote.as_ref()?, side.opposite());
        if quantity.is_zero() || is_better(side, price, best) {
            Some(Quantity::ZERO)
        } else {
            (price == best).then_some(quantity)
        }
    }

    /// The whole steps of a quantity: a source may show or trade less than an order may have.
    pub(super) const fn whole(&self, quantity: Quantity) -> Quantity {
        Quantity(quantity.0 - quantity.0 % self.step.0)
    }

    fn taken_of(&self, side: Side, price: Price) -> Quantity {
        let entry = self.taken.get(&(side, price));
        entry.map_or(Quantity::ZERO, |taken| taken.quantity)
    }

    /// The levels of a live book that a taker of `side` meets, best first.
    fn levels(&self, side: Side) -> impl Iterator<Item = Offer> + '_ {
        let (asks, bids) = match side {
            Side::Buy => (Some(self.book.asks()), None),
            Side::Sell => (None, Some(self.book.bids())),
        };
        asks.into_iter()
            .flatten()
            .chain(bids.into_iter().flatten())
            .filter(|(price, quantity)| price.0 > 0 && *quantity > Quantity::ZERO)
    }
}

/// What a quote shows a taker of `side`.
const fn quoted(quote: &Quote, side: Side) -> Offer {
    match side {
        Side::Buy => (quote.ask_price, quote.ask_quantity),
        Side::Sell => (quote.bid_price, quote.bid_quantity),
    }
}

/// A side that no market can have shows nothing.
fn possible(quote: &Quote) -> Quote {
    let mut quote = *quote;
    if quote.bid_price.0 <= 0 || quote.bid_quantity < Quantity::ZERO {
        quote.bid_quantity = Quantity::ZERO;
    }
    if quote.ask_price.0 <= 0 || quote.ask_quantity < Quantity::ZERO {
        quote.ask_quantity = Quantity::ZERO;
    }
    quote
}

/// What is left, none where more is gone than there was.
pub(super) fn less(quantity: Quantity, gone: Quantity) -> Quantity {
    Quantity(quantity.0.saturating_sub(gone.0)).max(Quantity::ZERO)
}

/// Whether a taker of `side` would pay more at `price` than at `limit`.
pub(super) fn is_worse(side: Side, price: Price, limit: Price) -> bool {
    match side {
        Side::Buy => price > limit,
        Side::Sell => price < limit,
    }
}

/// Whether a maker of `side` at `price` stands before one at `best`.
fn is_better(side: Side, price: Price, best: Price) -> bool {
    is_worse(side, price, best)
}
