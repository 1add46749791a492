//! Trading to and fro: the same size at nearly the same price, bought and sold again and again by
//! one plugin or between two. It is allowed, and a person should look at it.

use alloc::collections::VecDeque;

use crate::{
    ids::{InstrumentId, PluginId},
    market::Side,
    num::{Price, Quantity},
    risk::BasisPoints,
    time::{Nanos, UnixNanos},
};

/// What counts as trading to and fro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternRule {
    /// Within so long.
    pub window: Nanos,
    /// So many fills that are each the other way of the one before.
    pub trades_min: u32,
    /// Prices that differ by no more than this share.
    pub price_within: BasisPoints,
    /// Quantities that differ by no more than this share.
    pub quantity_within: BasisPoints,
}

/// A pattern that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) plugins: [PluginId; 2],
    pub(crate) trades: u32,
}

/// Fills that are remembered, over all instruments.
const FILLS_MAX: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Trade {
    pub(crate) time: UnixNanos,
    pub(crate) plugin: PluginId,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) price: Price,
    pub(crate) quantity: Quantity,
}

/// The latest fills.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    rule: PatternRule,
    fills: VecDeque<Trade>,
}

impl Pattern {
    pub(crate) const fn new(rule: PatternRule) -> Self {
        Self { rule, fills: VecDeque::new() }
    }

    /// Takes in a fill; the pattern that ends with it, if one does. What was seen is forgotten, so
    /// that it is told once.
    pub(crate) fn note(&mut self, last: Trade) -> Option<Seen> {
        if self.fills.len() == FILLS_MAX {
            self.fills.pop_front();
        }
        self.fills.push_back(last);
        let mut other = last.plugin;
        let mut side = last.side.opposite();
        let mut trades = 1;
        for fill in self.fills.iter().rev().skip(1) {
            if last.time.since(fill.time) > self.rule.window {
                break;
            }
            let near = fill.instrument == last.instrument
                && within(fill.price.0, last.price.0, self.rule.price_within)
                && within(fill.quantity.0, last.quantity.0, self.rule.quantity_within);
            // One other plugin at most.
            let known = fill.plugin == last.plugin || other == last.plugin || fill.plugin == other;
            if near && known && fill.side == side {
                other = if fill.plugin == last.plugin { other } else { fill.plugin };
                side = side.opposite();
                trades += 1;
            }
        }
        if trades < self.rule.trades_min.max(2) {
            return None;
        }
        self.fills.retain(|fill| fill.instrument != last.instrument);
        Some(Seen { plugins: [last.plugin.min(other), last.plugin.max(other)], trades })
    }
}

fn within(a: i64, b: i64, share: BasisPoints) -> bool {
    let difference = (i128::from(a) - i128::from(b)).abs();
    difference * i128::from(BasisPoints::WHOLE.0) <= i128::from(b.abs()) * i128::from(share.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(time: u64, plugin: u16, side: Side, price: i64, quantity: i64) -> Trade {
        Trade {
            time: UnixNanos(time),
            plugin: PluginId(plugin),
            instrument: InstrumentId(0),
            side,
            price: Price(price),
            quantity: Quantity(quantity),
        }
    }

    fn seen(fills: &[Trade]) -> Option<Seen> {
        let mut pattern = Pattern::new(PatternRule {
            window: Nanos(100),
            trades_min: 4,
            price_within: BasisPoints(10),
            quantity_within: BasisPoints(500),
        });
        fills.iter().fold(None, |_, fill| pattern.note(*fill))
    }

    #[test]
    fn to_and_fro_is_seen() {
        use Side::{Buy, Sell};
        let four = |fro: u16, price, quantity, last| {
            [
                fill(1, 0, Buy, 10_000, 100),
                fill(2, fro, Sell, price, quantity),
                fill(3, 0, Buy, 10_000, 100),
                fill(last, fro, Sell, 10_000, 100),
            ]
        };
        let trades = 4;
        let plugins = [PluginId(0), PluginId(0)];
        assert_eq!(seen(&four(0, 10_010, 105, 4)), Some(Seen { plugins, trades }));
        let plugins = [PluginId(0), PluginId(1)];
        assert_eq!(seen(&four(1, 10_000, 100, 4)), Some(Seen { plugins, trades }));
        assert_eq!(seen(&four(1, 10_011, 100, 4)), None, "another price");
        assert_eq!(seen(&four(1, 10_000, 106, 4)), None, "another size");
        assert_eq!(seen(&four(1, 10_000, 100, 103)), None, "too long ago");
        assert_eq!(seen(&four(1, 10_000, 100, 4)[..3]), None, "too few");
        let one_way = [1, 2, 3, 4].map(|time| fill(time, 0, Buy, 10_000, 100));
        assert_eq!(seen(&one_way), None);
    }
}
