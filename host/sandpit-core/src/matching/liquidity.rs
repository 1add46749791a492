//! What others offer, and how much of it has been taken. The market is a recording: it does not
//! know that we took something, so this remembers it until the source says something new.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    instrument::Instrument,
    market::{Book, DepthUpdate, Quote, Side},
    matching::{Beyond, TriggerSource, triggers::Sight},
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

/// The end of what is shown to one side: its last price, how much there is up to it, and at how
/// many prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Edge {
    price: Price,
    shown: Quantity,
    levels: i64,
}

impl Edge {
    fn add(&mut self, price: Price, shown: Quantity) {
        self.price = price;
        self.shown = Quantity(self.shown.0.saturating_add(shown.0));
        self.levels += 1;
    }
}

/// What was taken beyond an edge.
#[derive(Clone, Copy, Debug, Default)]
struct TakenBeyond {
    quantity: Quantity,
    edge: Edge,
}

/// The offers of one instrument's market.
#[derive(Clone, Debug)]
pub(super) struct Liquidity {
    /// Nobody gets a part of it.
    step: Quantity,
    tick: Price,
    last: Option<Price>,
    mark: Option<Price>,
    /// What is left of the last print.
    print: Quantity,
    /// What there was of it.
    printed: Quantity,
    quote: Option<Quote>,
    bid_taken: Quantity,
    ask_taken: Quantity,
    book: Book,
    /// By the taker's side and price. Entries go when their level says something new.
    taken: BTreeMap<(Side, Price), Taken>,
    /// By the taker's side: buyers, sellers.
    beyond: [TakenBeyond; 2],
    saw_trades: bool,
    saw_depth: bool,
}

impl Liquidity {
    pub(super) fn new(rules: &Instrument) -> Self {
        Self {
            step: rules.quantity_step(),
            tick: rules.price_tick(),
            last: None,
            mark: None,
            print: Quantity::ZERO,
            printed: Quantity::ZERO,
            quote: None,
            bid_taken: Quantity::ZERO,
            ask_taken: Quantity::ZERO,
            book: Book::default(),
            taken: BTreeMap::new(),
            beyond: [TakenBeyond::default(); 2],
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
        self.printed = left;
        self.beyond[0].quantity = Quantity::ZERO;
        self.beyond[1].quantity = Quantity::ZERO;
    }

    pub(super) const fn set_mark(&mut self, price: Price) {
        self.mark = Some(price);
    }

    /// The price at which positions are valued: the mark, else the last print, else the middle of
    /// what is shown, rounded down.
    pub(super) fn valuation(&self) -> Option<Price> {
        self.mark.or(self.last).or_else(|| {
            let (ask, bid) = (self.shown(Side::Buy)?, self.shown(Side::Sell)?);
            Some(Price(bid.0.midpoint(ask.0)))
        })
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

    /// What triggers look at.
    pub(super) fn sight(&self, source: TriggerSource) -> Sight {
        match (source, self.mark, self.last) {
            (TriggerSource::Mark, Some(mark), _) => Sight::print(mark),
            (TriggerSource::Last | TriggerSource::Mark, _, Some(last)) => Sight::print(last),
            (TriggerSource::Quotes, _, Some(last)) if !self.shows() => Sight::print(last),
            _ => Sight { buy: self.shown(Side::Buy), sell: self.shown(Side::Sell) },
        }
    }

    /// Whether triggers move with prints.
    pub(super) fn follows_prints(&self, source: TriggerSource) -> bool {
        match source {
            TriggerSource::Last => true,
            TriggerSource::Mark => self.mark.is_none(),
            TriggerSource::Quotes => !self.shows(),
        }
    }

    /// Whether triggers move with what is shown.
    pub(super) fn follows_offers(&self, source: TriggerSource) -> bool {
        match source {
            TriggerSource::Last => self.last.is_none(),
            TriggerSource::Mark => self.mark.is_none() && self.last.is_none(),
            TriggerSource::Quotes => true,
        }
    }

    fn shows(&self) -> bool {
        self.book.is_live() || self.quote.is_some()
    }

    /// Lists offers for a taker of `side` who pays no worse than `limit`, best first, until there
    /// are `wanted` together; `beyond` what is shown as far as that says, or not at all.
    pub(super) fn offers(
        &mut self,
        side: Side,
        limit: Option<Price>,
        wanted: Quantity,
        beyond: Option<Beyond>,
        out: &mut Vec<Offer>,
    ) {
        let step = self.step;
        let mut missing = wanted;
        let mut list = |price: Price, left: Quantity| {
            let left = whole(left, step);
            let in_reach = limit.is_none_or(|limit| !is_worse(side, price, limit));
            if in_reach && left > Quantity::ZERO {
                out.push((price, left));
                missing = Quantity(missing.0.saturating_sub(left.0));
            }
            in_reach && missing > Quantity::ZERO
        };
        let mut edge = Edge::default();
        if self.book.is_live() {
            for (price, shown) in self.levels(side) {
                edge.add(price, shown);
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
            edge.add(price, shown);
            if !list(price, less(shown, taken)) {
                return;
            }
        } else if let Some(last) = self.last {
            edge.add(last, self.printed);
            if !list(last, self.print) {
                return;
            }
        }
        if let Some(Beyond::Levels { basis_points }) = beyond
            && edge.shown > Quantity::ZERO
        {
            self.list_beyond(side, edge, basis_points, &mut list);
        }
    }

    /// Lists levels that nobody showed, until `list` wants no more.
    fn list_beyond(
        &mut self,
        side: Side,
        edge: Edge,
        basis_points: u16,
        list: &mut impl FnMut(Price, Quantity) -> bool,
    ) {
        /// One, in hundredths of a percent.
        const WHOLE: i128 = 10_000;
        let taken = &mut self.beyond[usize::from(side == Side::Sell)];
        if taken.edge != edge {
            *taken = TakenBeyond { quantity: Quantity::ZERO, edge };
        }
        let mut gone = taken.quantity;
        let size = whole(Quantity(edge.shown.0 / edge.levels), self.step).max(self.step);
        let per_tick = WHOLE * i128::from(self.tick.0);
        for level in 1..=i64::from(Beyond::LEVELS_MAX) {
            let exact = i128::from(edge.price.0) * i128::from(basis_points) * i128::from(level);
            let ticks = exact.div_euclid(per_tick) + i128::from(exact.rem_euclid(per_tick) != 0);
            let ticks = i64::try_from(ticks).unwrap_or(i64::MAX).max(level);
            let distance = ticks.saturating_mul(self.tick.0);
            let price = Price(match side {
                Side::Buy => edge.price.0.saturating_add(distance),
                Side::Sell => edge.price.0.saturating_sub(distance),
            });
            let is_price = (1..=Instrument::PRICE_MAX).contains(&price.0);
            if !is_price || !list(price, less(size, gone)) {
                return;
            }
            gone = less(gone, size);
        }
    }

    /// Notes that a taker of `side` took `quantity` of the offer at `price`.
    pub(super) fn take(&mut self, side: Side, price: Price, quantity: Quantity) {
        let mut is_beyond = false;
        if self.book.is_live() {
            let shown = self.book.quantity_at(side.opposite(), price);
            is_beyond = shown <= Quantity::ZERO;
            if !is_beyond {
                let none = Taken { quantity: Quantity::ZERO, shown };
                self.taken.entry((side, price)).or_insert(none).quantity += quantity;
            }
        } else if let Some(quote) = &self.quote {
            is_beyond = quoted(quote, side).0 != price;
            match side {
                _ if is_beyond => {}
                Side::Buy => self.ask_taken += quantity,
                Side::Sell => self.bid_taken += quantity,
            }
        } else if self.last == Some(price) {
            self.print -= quantity;
        } else {
            is_beyond = true;
        }
        if is_beyond {
            // Its edge was noted when it was listed, just before.
            self.beyond[usize::from(side == Side::Sell)].quantity += quantity;
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
        whole(quantity, self.step)
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

const fn whole(quantity: Quantity, step: Quantity) -> Quantity {
    Quantity(quantity.0 - quantity.0 % step.0)
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
