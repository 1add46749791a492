//! What the market did, as a strategy is told.

use core::time::Duration;

use crate::{Decimal, InstrumentId, Timestamp, wire};

pub use wire::Aggressor;

/// One trade on the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Of what.
    pub instrument: InstrumentId,
    /// When the host saw it. Never goes back from one event to the next.
    pub time: Timestamp,
    /// Greater than zero.
    pub price: Decimal,
    /// Greater than zero.
    pub quantity: Decimal,
    /// Who demanded liquidity.
    pub aggressor: Aggressor,
    /// It happened before the session: intents are ignored while it is handled.
    pub history: bool,
}

impl From<wire::Trade> for Trade {
    #[inline]
    fn from(trade: wire::Trade) -> Self {
        Self {
            instrument: InstrumentId(trade.instrument),
            time: Timestamp(trade.time),
            price: trade.price.into(),
            quantity: trade.quantity.into(),
            aggressor: trade.aggressor,
            history: trade.history,
        }
    }
}

/// Best bid and ask. A side without liquidity has quantity zero, and its price means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Of what.
    pub instrument: InstrumentId,
    /// When.
    pub time: Timestamp,
    /// Best bid.
    pub bid_price: Decimal,
    /// Displayed there.
    pub bid_quantity: Decimal,
    /// Best ask.
    pub ask_price: Decimal,
    /// Displayed there.
    pub ask_quantity: Decimal,
    /// It happened before the session: intents are ignored while it is handled.
    pub history: bool,
}

impl Quote {
    /// The middle between bid and ask, exact; `None` where a side is empty.
    #[must_use]
    pub fn mid(&self) -> Option<Decimal> {
        (self.bid_quantity.is_positive() && self.ask_quantity.is_positive())
            .then(|| middle(self.bid_price, self.ask_price))
    }
}

/// Half of the sum: one digit more than the wider of the two, and exact.
fn middle(a: Decimal, b: Decimal) -> Decimal {
    (a + b) * Decimal::new(5, 1)
}

impl From<wire::Quote> for Quote {
    #[inline]
    fn from(quote: wire::Quote) -> Self {
        Self {
            instrument: InstrumentId(quote.instrument),
            time: Timestamp(quote.time),
            bid_price: quote.bid_price.into(),
            bid_quantity: quote.bid_quantity.into(),
            ask_price: quote.ask_price.into(),
            ask_quantity: quote.ask_quantity.into(),
            history: quote.history,
        }
    }
}

/// One completed bar, told at its close and never before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Of what.
    pub instrument: InstrumentId,
    /// The end of the bar, exclusive.
    pub time: Timestamp,
    /// Its length.
    pub interval: Duration,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Traded quantity; zero where the source does not say.
    pub volume: Decimal,
    /// It happened before the session: intents are ignored while it is handled.
    pub history: bool,
}

impl From<wire::Bar> for Bar {
    #[inline]
    fn from(bar: wire::Bar) -> Self {
        Self {
            instrument: InstrumentId(bar.instrument),
            time: Timestamp(bar.time),
            interval: Duration::from_nanos(bar.interval),
            open: bar.open.into(),
            high: bar.high.into(),
            low: bar.low.into(),
            close: bar.close.into(),
            volume: bar.volume.into(),
            history: bar.history,
        }
    }
}

/// One level of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// At this price.
    pub price: Decimal,
    /// So much.
    pub quantity: Decimal,
}

/// The best levels of the book, best first, at most as many as the strategy asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Depth {
    columns: wire::Depth,
}

impl Depth {
    /// Of what.
    #[must_use]
    pub const fn instrument(&self) -> InstrumentId {
        InstrumentId(self.columns.instrument)
    }

    /// When.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        Timestamp(self.columns.time)
    }

    /// Bids, best first.
    pub fn bids(&self) -> impl ExactSizeIterator<Item = Level> + '_ {
        self.levels(&self.columns.bid_prices, &self.columns.bid_quantities)
    }

    /// Asks, best first.
    pub fn asks(&self) -> impl ExactSizeIterator<Item = Level> + '_ {
        self.levels(&self.columns.ask_prices, &self.columns.ask_quantities)
    }

    /// The middle between the best bid and the best ask, exact; `None` where a side is empty.
    #[must_use]
    pub fn mid(&self) -> Option<Decimal> {
        Some(middle(self.bids().next()?.price, self.asks().next()?.price))
    }

    /// Share of the bids in the quantity of both sides over all levels told: 0.5 is even. For
    /// signals only; `None` where both sides are empty.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a signal")]
    pub fn bid_share(&self) -> Option<f64> {
        let total = |side: &[i64]| side.iter().map(|quantity| *quantity as f64).sum::<f64>();
        let bids = total(&self.columns.bid_quantities);
        let both = bids + total(&self.columns.ask_quantities);
        (both > 0.0).then(|| bids / both)
    }

    fn levels<'a>(
        &self,
        prices: &'a [i64],
        quantities: &'a [i64],
    ) -> impl ExactSizeIterator<Item = Level> + use<'a> {
        let (price_scale, quantity_scale) = (self.columns.price_scale, self.columns.quantity_scale);
        let decimal = |mantissa: i64, scale| Decimal::new(i128::from(mantissa), scale);
        prices.iter().zip(quantities).map(move |(price, quantity)| Level {
            price: decimal(*price, price_scale),
            quantity: decimal(*quantity, quantity_scale),
        })
    }
}

impl From<wire::Depth> for Depth {
    #[inline]
    fn from(columns: wire::Depth) -> Self {
        Self { columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dec;

    #[test]
    fn columns_become_levels() {
        let depth = Depth::from(wire::Depth {
            instrument: 3,
            time: 9,
            price_scale: 1,
            quantity_scale: 3,
            bid_prices: vec![1005, 1000],
            bid_quantities: vec![1_500, 1_500],
            ask_prices: vec![1010],
            ask_quantities: vec![1_000],
        });
        let bids: Vec<Level> = depth.bids().collect();
        assert_eq!(bids[1], Level { price: dec!(100), quantity: dec!(1.5) });
        assert_eq!(depth.asks().len(), 1);
        assert_eq!(depth.mid(), Some(dec!(100.75)));
        assert_eq!(depth.bid_share(), Some(0.75));
    }
}
