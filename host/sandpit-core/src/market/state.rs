//! What the host knows of one instrument's market.

use crate::{
    market::{Book, BookError, MarketData, MarketEvent, Quote},
    num::{Price, Quantity},
    time::UnixNanos,
};

/// The last of everything.
#[derive(Clone, Debug, Default)]
pub struct MarketState {
    last: Option<Price>,
    venue_mark: Option<Price>,
    quote: Option<Quote>,
    time: UnixNanos,
    book: Book,
}

impl MarketState {
    /// Takes in an event of this instrument.
    ///
    /// # Errors
    /// The event does not continue the book; the book is empty until the next snapshot.
    pub fn apply(&mut self, event: &MarketEvent) -> Result<(), BookError> {
        self.time = event.time;
        match &event.data {
            MarketData::Trade(trade) => self.last = Some(trade.price),
            MarketData::Quote(quote) => self.quote = Some(*quote),
            MarketData::Bar(bar) => self.last = Some(bar.close),
            MarketData::Depth(update) => return self.book.apply(update),
            MarketData::Mark(price) => self.venue_mark = Some(*price),
            // Its mark is that of one moment: where a source tells no others, prints are newer.
            MarketData::Funding(_) => {}
        }
        Ok(())
    }

    /// Price of the last trade or the close of the last bar.
    #[must_use]
    pub const fn last(&self) -> Option<Price> {
        self.last
    }

    /// Best bid and ask as last told.
    #[must_use]
    pub const fn quote(&self) -> Option<&Quote> {
        self.quote.as_ref()
    }

    /// The book, empty where there is no depth data.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// When the market last moved.
    #[must_use]
    pub const fn time(&self) -> UnixNanos {
        self.time
    }

    /// The venue's own mark price, where the source tells it.
    #[must_use]
    pub const fn venue_mark(&self) -> Option<Price> {
        self.venue_mark
    }

    /// The price at which positions are valued: the venue's own mark, else the last trade, else the
    /// middle of a two-sided quote rounded down to the grid, else the middle of the book.
    #[must_use]
    pub fn mark(&self) -> Option<Price> {
        if let Some(price) = self.venue_mark.or(self.last) {
            return Some(price);
        }
        let middle = |bid: Price, ask: Price| Price(bid.0.midpoint(ask.0));
        match (&self.quote, self.book.best()) {
            (Some(quote), _) if both_sides(quote) => Some(middle(quote.bid_price, quote.ask_price)),
            (_, Some(((bid, _), (ask, _)))) => Some(middle(bid, ask)),
            _ => None,
        }
    }
}

fn both_sides(quote: &Quote) -> bool {
    quote.bid_quantity > Quantity::ZERO && quote.ask_quantity > Quantity::ZERO
}
