//! Candles of all intervals, made from trades.

use std::collections::VecDeque;

use crate::{amount::Amount, order::Trade};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Candles kept of each interval: one more than a day of minutes, which the ticker needs.
const KEPT_MAX: usize = 1_500;

/// Names of intervals with their lengths in milliseconds; a month has none.
pub(crate) const INTERVALS: [(&str, u64); 16] = [
    ("1s", SECOND),
    ("1m", MINUTE),
    ("3m", 3 * MINUTE),
    ("5m", 5 * MINUTE),
    ("15m", 15 * MINUTE),
    ("30m", 30 * MINUTE),
    ("1h", HOUR),
    ("2h", 2 * HOUR),
    ("4h", 4 * HOUR),
    ("6h", 6 * HOUR),
    ("8h", 8 * HOUR),
    ("12h", 12 * HOUR),
    ("1d", DAY),
    ("3d", 3 * DAY),
    ("1w", 7 * DAY),
    ("1M", 0),
];
/// Index of one minute.
const MINUTES: usize = 1;

pub(crate) fn interval_of(name: &str) -> Option<usize> {
    INTERVALS.iter().position(|(known, _)| *known == name)
}

/// One candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candle {
    pub(crate) start_ms: u64,
    /// The last millisecond in it.
    pub(crate) end_ms: u64,
    pub(crate) open: Amount,
    pub(crate) high: Amount,
    pub(crate) low: Amount,
    pub(crate) close: Amount,
    pub(crate) volume: Amount,
    pub(crate) quote: Amount,
    pub(crate) taker_volume: Amount,
    pub(crate) taker_quote: Amount,
    pub(crate) trades: u64,
    /// Zero where there is none.
    pub(crate) first_trade: u64,
    pub(crate) last_trade: u64,
}

impl Candle {
    const fn flat(start_ms: u64, end_ms: u64, price: Amount) -> Self {
        Self {
            start_ms,
            end_ms,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Amount::ZERO,
            quote: Amount::ZERO,
            taker_volume: Amount::ZERO,
            taker_quote: Amount::ZERO,
            trades: 0,
            first_trade: 0,
            last_trade: 0,
        }
    }

    fn take(&mut self, trade: &Trade) {
        if self.trades == 0 {
            self.open = trade.price;
            self.high = trade.price;
            self.low = trade.price;
            self.first_trade = trade.id;
        }
        self.add(&Self {
            volume: trade.quantity,
            quote: trade.price.times(trade.quantity),
            taker_volume: if trade.buyer_is_maker { Amount::ZERO } else { trade.quantity },
            taker_quote: if trade.buyer_is_maker {
                Amount::ZERO
            } else {
                trade.price.times(trade.quantity)
            },
            trades: 1,
            first_trade: trade.id,
            last_trade: trade.id,
            ..Self::flat(self.start_ms, self.end_ms, trade.price)
        });
    }

    /// Takes in a later one.
    fn add(&mut self, later: &Self) {
        if self.trades == 0 {
            self.first_trade = later.first_trade;
        }
        if later.trades > 0 {
            self.last_trade = later.last_trade;
        }
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.volume += later.volume;
        self.quote += later.quote;
        self.taker_volume += later.taker_volume;
        self.taker_quote += later.taker_quote;
        self.trades += later.trades;
    }
}

/// Days since 1970 of the first day of the month that has this day, and of the next month.
fn month_of(day: u64) -> (u64, u64) {
    // Civil calendar from days, with years that begin in March.
    let z = day + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let first = |mp: u64| (153 * mp + 2) / 5;
    let start = day - (doy - first(mp));
    // The year of March ends with February, whose length the next year's begin tells.
    let next = if mp == 11 {
        let year = era * 400 + yoe + 1;
        let (era, yoe) = (year / 400, year % 400);
        era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 - 719_468
    } else {
        start + first(mp + 1) - first(mp)
    };
    (start, next)
}

/// First and last millisecond of the candle of an interval that has this moment.
fn bounds(interval: usize, time_ms: u64) -> (u64, u64) {
    const MONDAY: u64 = 4 * DAY;
    let (name, length) = INTERVALS[interval];
    if length == 0 {
        let (start, next) = month_of(time_ms / DAY);
        return (start * DAY, next * DAY - 1);
    }
    let offset = if name == "1w" { MONDAY } else { 0 };
    let start = (time_ms.saturating_sub(offset)) / length * length + offset;
    (start, start + length - 1)
}

/// All candles of a symbol.
#[derive(Clone, Debug)]
pub(crate) struct Candles {
    kept: [VecDeque<Candle>; INTERVALS.len()],
}

impl Default for Candles {
    fn default() -> Self {
        Self { kept: std::array::from_fn(|_| VecDeque::new()) }
    }
}

impl Candles {
    pub(crate) fn take(&mut self, trade: &Trade) {
        for interval in 0..INTERVALS.len() {
            self.advance(interval, trade.time_ms, trade.price);
            if let Some(candle) = self.kept[interval].back_mut() {
                candle.take(trade);
            }
        }
    }

    /// Comes to the candle of a moment, with flat ones for those without a trade.
    fn advance(&mut self, interval: usize, time_ms: u64, price: Amount) {
        let kept = &mut self.kept[interval];
        let (start, end) = bounds(interval, time_ms);
        let gap = kept.back().map_or(0, |last| start.saturating_sub(last.end_ms));
        let steps = gap / (end - start + 1);
        if steps > u64::try_from(KEPT_MAX).unwrap_or(u64::MAX) {
            kept.clear();
        }
        while kept.back().is_some_and(|last| last.end_ms + 1 < start) {
            let (next, close) =
                kept.back().map_or((start, price), |last| (last.end_ms + 1, last.close));
            let (from, to) = bounds(interval, next);
            kept.push_back(Candle::flat(from, to, close));
        }
        if kept.back().is_none_or(|last| last.end_ms < start) {
            kept.push_back(Candle::flat(start, end, price));
        }
        while kept.len() > KEPT_MAX {
            kept.pop_front();
        }
    }

    pub(crate) fn of(&self, interval: usize) -> impl DoubleEndedIterator<Item = &Candle> {
        self.kept[interval].iter()
    }

    pub(crate) fn last(&self, interval: usize) -> Option<&Candle> {
        self.kept[interval].back()
    }

    /// All minutes that end after `from_ms`, as one candle.
    pub(crate) fn since(&self, from_ms: u64) -> Option<Candle> {
        let mut minutes =
            self.of(MINUTES).filter(|candle| candle.end_ms > from_ms).skip_while(|c| c.trades == 0);
        let mut sum = *minutes.next()?;
        for minute in minutes {
            sum.add(minute);
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(id: u64, time_ms: u64, price: i128) -> Trade {
        Trade {
            id,
            price: Amount(price * Amount::ONE.0),
            quantity: Amount::ONE,
            time_ms,
            buyer_is_maker: id.is_multiple_of(2),
        }
    }

    #[test]
    fn candles_begin_where_the_calendar_says() {
        // 2024-02-29T12:00:00Z, a Thursday.
        let at = 1_709_208_000_000;
        let day = 86_400_000;
        assert_eq!(bounds(15, at), (1_706_745_600_000, 1_709_251_199_999));
        assert_eq!(bounds(14, at), (1_708_905_600_000, 1_708_905_600_000 + 7 * day - 1));
        assert_eq!(bounds(1, at + 59_999).0, at);
        // Every day of eight years is in a month that has at least 28 days and joins the next.
        let mut start = 0;
        for day in 19_000..22_000 {
            let (from, to) = month_of(day);
            assert!(from <= day && day < to && (28..=31).contains(&(to - from)), "{day}");
            assert!(start == 0 || start == from || from == day, "{day}");
            start = from;
        }
    }

    #[test]
    fn minutes_without_a_trade_are_flat() {
        let mut candles = Candles::default();
        candles.take(&trade(1, 60_000, 10));
        candles.take(&trade(2, 61_000, 12));
        candles.take(&trade(3, 240_500, 11));
        let minutes: Vec<_> =
            candles.of(1).map(|c| (c.start_ms, c.trades, c.close.0 / Amount::ONE.0)).collect();
        assert_eq!(
            minutes,
            [(60_000, 2, 12), (120_000, 0, 12), (180_000, 0, 12), (240_000, 1, 11)]
        );
        let sum = candles.since(0).unwrap();
        assert_eq!((sum.trades, sum.first_trade, sum.last_trade), (3, 1, 3));
        assert_eq!((sum.open.0, sum.high.0), (10 * Amount::ONE.0, 12 * Amount::ONE.0));
        assert_eq!(candles.since(240_000).unwrap().trades, 1);
        // A year later nothing old is made up.
        candles.take(&trade(4, 31_536_000_000, 9));
        assert_eq!(candles.of(1).count(), 1);
        assert!(candles.of(0).count() <= KEPT_MAX);
    }
}
