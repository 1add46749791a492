//! Market streams: their names, who listens, what they are told.

use std::collections::{BTreeMap, BTreeSet};

use sandpit_core::market::Side;
use serde_json::{Value, json};

use crate::{
    Exchange,
    api::{Day, best, kline, levels},
    candles::{Candle, INTERVALS, interval_of},
    market::{Diff, Market},
    order::{Aggregate, Event, SymbolId, Trade},
};

/// What a stream tells. Speed 0 is 100 ms, 1 is 1000 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    Trade,
    Aggregate,
    Best,
    Depth(usize),
    Levels(usize, usize),
    Kline(usize),
    MiniTicker,
    Ticker,
    AveragePrice,
}

/// One stream; without a symbol it is about all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stream {
    pub(crate) symbol: Option<SymbolId>,
    pub(crate) topic: Topic,
}

/// Listeners by stream, with the name that they used.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    by_stream: BTreeMap<Stream, (String, BTreeSet<u64>)>,
    /// The last candle of a stream that was told as closed, by its start.
    closed: BTreeMap<Stream, u64>,
}

/// Something to tell: stream name, message, to whom.
pub(crate) type Tell = (String, Value, Vec<u64>);

impl Stream {
    /// What a name means.
    pub(crate) fn parse(exchange: &Exchange, name: &str) -> Option<Self> {
        if name == "!miniTicker@arr" {
            return Some(Self { symbol: None, topic: Topic::MiniTicker });
        }
        let (symbol, topic) = name.split_once('@')?;
        if symbol.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let symbol = exchange.symbol_of(&symbol.to_ascii_uppercase())?;
        let (topic, speed) = match topic.split_once('@') {
            Some((topic, "100ms")) => (topic, 0),
            Some((topic, "1000ms")) => (topic, 1),
            Some(_) => return None,
            None => (topic, 1),
        };
        let topic = match topic {
            "trade" => Topic::Trade,
            "aggTrade" => Topic::Aggregate,
            "bookTicker" => Topic::Best,
            "miniTicker" => Topic::MiniTicker,
            "ticker" => Topic::Ticker,
            "avgPrice" => Topic::AveragePrice,
            "depth" => Topic::Depth(speed),
            "depth5" => Topic::Levels(5, speed),
            "depth10" => Topic::Levels(10, speed),
            "depth20" => Topic::Levels(20, speed),
            other => Topic::Kline(interval_of(other.strip_prefix("kline_")?)?),
        };
        Some(Self { symbol: Some(symbol), topic })
    }
}

impl Listeners {
    pub(crate) fn add(&mut self, stream: Stream, name: &str, connection: u64) {
        let entry = self.by_stream.entry(stream);
        let (_, listeners) = entry.or_insert_with(|| (name.to_owned(), BTreeSet::new()));
        listeners.insert(connection);
    }

    pub(crate) fn remove(&mut self, stream: Stream, connection: u64) {
        if let Some((_, listeners)) = self.by_stream.get_mut(&stream) {
            listeners.remove(&connection);
            if listeners.is_empty() {
                self.by_stream.remove(&stream);
                self.closed.remove(&stream);
            }
        }
    }

    pub(crate) fn remove_all(&mut self, connection: u64) {
        let of: Vec<_> = self.by_stream.keys().copied().collect();
        for stream in of {
            self.remove(stream, connection);
        }
    }

    fn tell(&self, stream: Stream, message: impl FnOnce() -> Value, out: &mut Vec<Tell>) {
        if let Some((name, listeners)) = self.by_stream.get(&stream) {
            out.push((name.clone(), message(), listeners.iter().copied().collect()));
        }
    }

    /// What events of the exchange mean for streams that tell at once.
    pub(crate) fn on_events(
        &mut self,
        exchange: &Exchange,
        events: &[Event],
        now_ms: u64,
        out: &mut Vec<Tell>,
    ) {
        for event in events {
            match event {
                Event::Trade { symbol, trade } => {
                    let market = &exchange.markets[*symbol];
                    let stream = Stream { symbol: Some(*symbol), topic: Topic::Trade };
                    self.tell(stream, || trade_message(market, trade), out);
                    self.candles(*symbol, market, now_ms, true, out);
                }
                Event::Aggregate { symbol, aggregate } => {
                    let market = &exchange.markets[*symbol];
                    let stream = Stream { symbol: Some(*symbol), topic: Topic::Aggregate };
                    self.tell(stream, || aggregate_message(market, aggregate), out);
                }
                Event::Best { symbol } => {
                    let market = &exchange.markets[*symbol];
                    let stream = Stream { symbol: Some(*symbol), topic: Topic::Best };
                    self.tell(stream, || best_message(market), out);
                }
                Event::Report(_)
                | Event::Balances { .. }
                | Event::Transfer { .. }
                | Event::List { .. } => {}
            }
        }
    }

    /// Candles that are over, and after a trade the one that grows.
    fn candles(
        &mut self,
        symbol: SymbolId,
        market: &Market,
        now_ms: u64,
        grows: bool,
        out: &mut Vec<Tell>,
    ) {
        let name = &market.symbol.rules.name;
        let message = |interval: usize, candle: &Candle, closed: bool| {
            let k = kline(name, INTERVALS[interval].0, candle, closed);
            json!({"e": "kline", "E": now_ms, "s": name, "k": k})
        };
        for interval in 0..INTERVALS.len() {
            let stream = Stream { symbol: Some(symbol), topic: Topic::Kline(interval) };
            if !self.by_stream.contains_key(&stream) {
                continue;
            }
            // Who begins to listen hears of no candle that was over before.
            let newest = || {
                let over = market.candles.of(interval).rev().find(|c| c.end_ms < now_ms);
                over.map_or(0, |candle| candle.start_ms)
            };
            let told = *self.closed.entry(stream).or_insert_with(newest);
            let over: Vec<_> = market
                .candles
                .of(interval)
                .rev()
                .take_while(|candle| candle.start_ms > told)
                .filter(|candle| candle.end_ms < now_ms)
                .copied()
                .collect();
            for candle in over.into_iter().rev() {
                self.tell(stream, || message(interval, &candle, true), out);
                self.closed.insert(stream, candle.start_ms);
            }
            if let Some(last) =
                market.candles.last(interval).filter(|c| grows && c.end_ms >= now_ms)
            {
                self.tell(stream, || message(interval, last, false), out);
            }
        }
    }

    /// What is told by the clock. `slow` at every full second.
    pub(crate) fn on_tick(
        &mut self,
        exchange: &mut Exchange,
        slow: bool,
        now_ms: u64,
        out: &mut Vec<Tell>,
    ) {
        for symbol in 0..exchange.markets.len() {
            let market = &mut exchange.markets[symbol];
            for speed in 0..=usize::from(slow) {
                let Some(diff) = market.take_diff(speed) else { continue };
                let stream = Stream { symbol: Some(symbol), topic: Topic::Depth(speed) };
                self.tell(stream, || diff_message(market, &diff, now_ms), out);
                for count in [5, 10, 20] {
                    let stream =
                        Stream { symbol: Some(symbol), topic: Topic::Levels(count, speed) };
                    self.tell(stream, || levels_message(market, count), out);
                }
            }
            let market = &exchange.markets[symbol];
            self.candles(symbol, market, now_ms, false, out);
            if slow && market.last.is_some() {
                let on = |topic| Stream { symbol: Some(symbol), topic };
                self.tell(on(Topic::Ticker), || ticker_message(market, now_ms, false), out);
                self.tell(on(Topic::MiniTicker), || ticker_message(market, now_ms, true), out);
                self.tell(on(Topic::AveragePrice), || average_message(market, now_ms), out);
            }
        }
        if slow {
            let stream = Stream { symbol: None, topic: Topic::MiniTicker };
            let traded = exchange.markets.iter().filter(|market| market.last.is_some());
            let all = || traded.map(|market| ticker_message(market, now_ms, true)).collect();
            self.tell(stream, all, out);
        }
    }
}

fn trade_message(market: &Market, trade: &Trade) -> Value {
    json!({
        "e": "trade", "E": trade.time_ms, "s": market.symbol.rules.name, "t": trade.id,
        "p": trade.price.to_string(), "q": trade.quantity.to_string(), "T": trade.time_ms,
        "m": trade.buyer_is_maker, "M": true,
    })
}

fn aggregate_message(market: &Market, one: &Aggregate) -> Value {
    json!({
        "e": "aggTrade", "E": one.time_ms, "s": market.symbol.rules.name, "a": one.id,
        "p": one.price.to_string(), "q": one.quantity.to_string(), "f": one.first, "l": one.last,
        "T": one.time_ms, "m": one.buyer_is_maker, "M": true,
    })
}

fn best_message(market: &Market) -> Value {
    let ((bid, bid_quantity), (ask, ask_quantity)) = best(market);
    json!({
        "u": market.update, "s": market.symbol.rules.name, "b": bid, "B": bid_quantity, "a": ask,
        "A": ask_quantity,
    })
}

fn diff_message(market: &Market, diff: &Diff, now_ms: u64) -> Value {
    json!({
        "e": "depthUpdate", "E": now_ms, "s": market.symbol.rules.name, "U": diff.first,
        "u": diff.last, "b": levels(&diff.bids), "a": levels(&diff.asks),
    })
}

fn levels_message(market: &Market, count: usize) -> Value {
    json!({
        "lastUpdateId": market.update,
        "bids": levels(&market.book.levels(Side::Buy, count)),
        "asks": levels(&market.book.levels(Side::Sell, count)),
    })
}

fn average_message(market: &Market, now_ms: u64) -> Value {
    json!({
        "e": "avgPrice", "E": now_ms, "s": market.symbol.rules.name, "i": "5m",
        "w": market.average(now_ms).unwrap_or_default().to_string(),
        "T": market.trades.back().map_or(0, |trade| trade.time_ms),
    })
}

fn ticker_message(market: &Market, now_ms: u64, mini: bool) -> Value {
    const DAY_MS: u64 = 86_400_000;
    let day = Day::of(market, now_ms);
    let zero = crate::Amount::ZERO;
    let (open, high, low, volume, quote) = day
        .candle
        .map_or((zero, zero, zero, zero, zero), |c| (c.open, c.high, c.low, c.volume, c.quote));
    let mut message = json!({
        "e": if mini { "24hrMiniTicker" } else { "24hrTicker" },
        "E": now_ms, "s": market.symbol.rules.name,
        "c": market.last.unwrap_or_default().to_string(),
        "o": open.to_string(), "h": high.to_string(), "l": low.to_string(),
        "v": volume.to_string(), "q": quote.to_string(),
    });
    if mini {
        return message;
    }
    let ((bid, bid_quantity), (ask, ask_quantity)) = best(market);
    let (first, last, count) =
        day.candle.map_or((0, 0, 0), |c| (c.first_trade, c.last_trade, c.trades));
    let more = json!({
        "p": day.change.to_string(), "P": day.percent, "w": day.average.to_string(),
        "x": open.to_string(),
        "Q": market.trades.back().map_or(zero, |trade| trade.quantity).to_string(),
        "b": bid, "B": bid_quantity, "a": ask, "A": ask_quantity,
        "O": now_ms.saturating_sub(DAY_MS), "C": now_ms, "F": first, "L": last, "n": count,
    });
    if let (Some(message), Value::Object(more)) = (message.as_object_mut(), more) {
        message.extend(more);
    }
    message
}
