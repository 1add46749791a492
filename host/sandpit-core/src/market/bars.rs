//! Bars made of trades, for plugins that want bars where the source has none of that interval.

use crate::{
    market::{Bar, Trade},
    num::{Price, Quantity},
    time::{Nanos, UnixNanos},
};

/// Builds the bars of one instrument and interval. Bars begin at multiples of the interval since
/// 1970; an interval without trades makes no bar.
#[derive(Clone, Debug)]
pub struct BarBuilder {
    interval: Nanos,
    open: Option<(UnixNanos, Bar)>,
}

impl BarBuilder {
    /// For bars of `interval`, which must not be zero.
    #[must_use]
    pub const fn new(interval: Nanos) -> Self {
        Self { interval, open: None }
    }

    /// The interval.
    #[must_use]
    pub const fn interval(&self) -> Nanos {
        self.interval
    }

    /// The end of the bar that is being built.
    #[must_use]
    pub fn due(&self) -> Option<UnixNanos> {
        self.open.as_ref().map(|(end, _)| *end)
    }

    /// The bar that has ended by `now`, with its end.
    pub fn take_ended(&mut self, now: UnixNanos) -> Option<(UnixNanos, Bar)> {
        self.open.take_if(|(end, _)| *end <= now)
    }

    /// Takes in a trade at `time`; bars that have ended must have been taken.
    pub fn trade(&mut self, time: UnixNanos, trade: &Trade) {
        let (price, quantity) = (trade.price, trade.quantity);
        match &mut self.open {
            Some((_, bar)) => {
                bar.high = bar.high.max(price);
                bar.low = bar.low.min(price);
                bar.close = price;
                bar.volume = Quantity(bar.volume.0.saturating_add(quantity.0));
            }
            None => {
                let start = time.0 - time.0 % self.interval.0;
                let end = UnixNanos(start).plus(self.interval);
                self.open = Some((end, new_bar(self.interval, price, quantity)));
            }
        }
    }
}

const fn new_bar(interval: Nanos, price: Price, volume: Quantity) -> Bar {
    Bar { interval, open: price, high: price, low: price, close: price, volume }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(price: i64, quantity: i64) -> Trade {
        Trade { price: Price(price), quantity: Quantity(quantity), aggressor: None, id: 0 }
    }

    #[test]
    fn a_bar_covers_its_interval_and_ends_before_the_next_begins() {
        let mut bars = BarBuilder::new(Nanos(10));
        for (time, price) in [(12, 5), (15, 9), (19, 3)] {
            assert_eq!(bars.take_ended(UnixNanos(time)), None);
            bars.trade(UnixNanos(time), &trade(price, 2));
        }
        let (end, bar) = bars.take_ended(UnixNanos(20)).unwrap();
        assert_eq!(end, UnixNanos(20));
        let Bar { open, high, low, close, volume, .. } = bar;
        assert_eq!((open.0, high.0, low.0, close.0, volume.0), (5, 9, 3, 3, 6));
        assert_eq!(bars.due(), None);
    }
}
