//! A hand-written fake of the venue's market: books that change, trades, bars, streams over
//! connections, and answers over REST. It knows nothing of the machine under test, and keeps all
//! that happened, so that what was told can be compared with it.

use std::{collections::BTreeMap, fmt::Write};

use crate::rig::{Asked, Dice};

/// Lengths of bars that it has, in milliseconds, and their names.
pub(crate) const LENGTHS: [(u64, &str); 2] = [(1_000, "1s"), (60_000, "1m")];
/// Bars of each length that there are from before it began.
pub(crate) const PAST_BARS: u64 = 2_600;
/// Milliseconds between two steps of it; the book is told every second one.
pub(crate) const STEP_MS: u64 = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candle {
    pub(crate) open: i64,
    pub(crate) high: i64,
    pub(crate) low: i64,
    pub(crate) close: i64,
    pub(crate) volume: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TradeRow {
    pub(crate) price: i64,
    pub(crate) quantity: i64,
    pub(crate) time_ms: u64,
    pub(crate) buyer_is_maker: bool,
}

/// One change of a book: which side, at which price, how much is there now.
pub(crate) type Change = (bool, i64, i64);

/// A symbol's market. Prices and quantities are whole numbers; all text has two digits of price
/// and three of quantity.
pub(crate) struct Symbol {
    pub(crate) name: String,
    middle: i64,
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    /// Change number `FIRST_CHANGE + at` is at this place.
    pub(crate) changes: Vec<Change>,
    told: usize,
    best: Option<(i64, i64)>,
    /// Trade number `FIRST_TRADE + at` is at this place.
    pub(crate) trades: Vec<TradeRow>,
    /// For each length, bars by their beginning in milliseconds.
    pub(crate) candles: [BTreeMap<u64, Candle>; 2],
    last_price: i64,
    /// Whether numbers of changes have holes between messages, as on futures.
    futures: bool,
}

pub(crate) const FIRST_CHANGE: u64 = 7_001;
pub(crate) const FIRST_TRADE: u64 = 500;

fn price(raw: i64) -> String {
    format!("{}.{:02}", raw / 100, raw % 100)
}

fn quantity(raw: i64) -> String {
    format!("{}.{:03}", raw / 1_000, raw % 1_000)
}

impl Symbol {
    pub(crate) fn new(name: &str, now_ms: u64, futures: bool, dice: &mut Dice) -> Self {
        let mut symbol = Self {
            name: name.to_owned(),
            middle: 10_000,
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            changes: Vec::new(),
            told: 0,
            best: None,
            trades: Vec::new(),
            candles: [BTreeMap::new(), BTreeMap::new()],
            last_price: 10_000,
            futures,
        };
        for (place, (length, _)) in LENGTHS.into_iter().enumerate() {
            let current = now_ms - now_ms % length;
            for back in 1..=PAST_BARS {
                let close = 9_000 + i64::try_from(dice.below(2_000)).unwrap();
                let candle =
                    Candle { open: close, high: close + 3, low: close - 2, close, volume: 5 };
                symbol.candles[place].insert(current - back * length, candle);
            }
            symbol.candles[place].insert(current, symbol.flat());
        }
        for depth in 1..=10 {
            symbol.change(true, 10_000 - depth, 1_000 * depth);
            symbol.change(false, 10_000 + depth, 1_000 * depth);
        }
        symbol.told = symbol.changes.len();
        symbol
    }

    fn flat(&self) -> Candle {
        let last = self.last_price;
        Candle { open: last, high: last, low: last, close: last, volume: 0 }
    }

    fn change(&mut self, is_bid: bool, at: i64, quantity: i64) {
        let side = if is_bid { &mut self.bids } else { &mut self.asks };
        if quantity == 0 {
            side.remove(&at);
        } else {
            side.insert(at, quantity);
        }
        self.changes.push((is_bid, at, quantity));
    }

    /// Number of the last change. On futures each takes three numbers.
    pub(crate) fn sequence(&self) -> u64 {
        self.number(self.changes.len())
    }

    /// Number of the change before the one at this place.
    fn number(&self, place: usize) -> u64 {
        FIRST_CHANGE - 1 + u64::try_from(place).unwrap() * if self.futures { 3 } else { 1 }
    }

    /// How many changes are within a number.
    pub(crate) fn changes_until(&self, sequence: u64) -> usize {
        let step = if self.futures { 3 } else { 1 };
        usize::try_from((sequence + 1 - FIRST_CHANGE) / step).unwrap()
    }

    /// Lives on for a step that ends at `now_ms`. Returns what its streams tell.
    pub(crate) fn live(&mut self, now_ms: u64, dice: &mut Dice) -> Vec<(String, String)> {
        let mut told = Vec::new();
        self.begin_candles(now_ms, &mut told);
        for _ in 0..dice.below(4) {
            self.move_book(dice);
        }
        if dice.permille(400) {
            self.trade(now_ms, dice, &mut told);
        }
        self.tell_best(&mut told);
        if now_ms.is_multiple_of(2 * STEP_MS) && self.told < self.changes.len() {
            self.tell_depth(now_ms, &mut told);
        }
        if now_ms.is_multiple_of(500) {
            for place in 0..LENGTHS.len() {
                if let Some((start, candle)) = self.candles[place].last_key_value() {
                    told.push(self.kline(place, *start, *candle, false));
                }
            }
        }
        told
    }

    fn stream(&self, kind: &str) -> String {
        format!("{}@{kind}", self.name.to_lowercase())
    }

    fn begin_candles(&mut self, now_ms: u64, told: &mut Vec<(String, String)>) {
        for (place, (length, _)) in LENGTHS.into_iter().enumerate() {
            let (start, candle) = self.candles[place].last_key_value().unwrap();
            let (start, candle) = (*start, *candle);
            if now_ms >= start + length {
                told.push(self.kline(place, start, candle, true));
                let flat = self.flat();
                self.candles[place].insert(start + length, flat);
            }
        }
    }

    fn kline(&self, place: usize, start: u64, candle: Candle, closed: bool) -> (String, String) {
        let (length, word) = LENGTHS[place];
        let text = format!(
            r#"{{"e":"kline","E":{start},"s":"{}","k":{{"t":{start},"T":{},"s":"{}","i":"{word}","o":"{}","c":"{}","h":"{}","l":"{}","v":"{}","x":{closed}}}}}"#,
            self.name,
            start + length - 1,
            self.name,
            price(candle.open),
            price(candle.close),
            price(candle.high),
            price(candle.low),
            quantity(candle.volume)
        );
        (self.stream(&format!("kline_{word}")), text)
    }

    fn move_book(&mut self, dice: &mut Dice) {
        let depth = 1 + i64::try_from(dice.below(12)).unwrap();
        let amount = i64::try_from(dice.below(9)).unwrap() * 500;
        match dice.below(6) {
            0 => {
                self.change(false, self.middle + 1, 0);
                self.middle += 1;
                self.change(true, self.middle - 1, 700);
            }
            1 => {
                self.change(true, self.middle - 1, 0);
                self.middle -= 1;
                self.change(false, self.middle + 1, 900);
            }
            2 | 3 => self.change(true, self.middle - depth, amount),
            _ => self.change(false, self.middle + depth, amount),
        }
    }

    fn trade(&mut self, now_ms: u64, dice: &mut Dice, told: &mut Vec<(String, String)>) {
        for _ in 0..=dice.below(3) {
            let buyer_is_maker = dice.permille(500);
            let at = if buyer_is_maker { self.middle - 1 } else { self.middle + 1 };
            let row = TradeRow {
                price: at,
                quantity: 1 + i64::try_from(dice.below(5_000)).unwrap(),
                time_ms: now_ms,
                buyer_is_maker,
            };
            let id = FIRST_TRADE + u64::try_from(self.trades.len()).unwrap();
            self.trades.push(row);
            self.last_price = at;
            for candles in &mut self.candles {
                let mut candle = candles.last_entry().unwrap();
                let candle = candle.get_mut();
                candle.high = candle.high.max(at);
                candle.low = candle.low.min(at);
                candle.close = at;
                candle.volume += row.quantity;
            }
            let text = format!(
                r#"{{"e":"aggTrade","E":{now_ms},"s":"{}","a":{id},"p":"{}","q":"{}","f":{id},"l":{id},"T":{now_ms},"m":{buyer_is_maker}}}"#,
                self.name,
                price(row.price),
                quantity(row.quantity)
            );
            told.push((self.stream("aggTrade"), text));
        }
    }

    fn tell_best(&mut self, told: &mut Vec<(String, String)>) {
        let bid = self.bids.last_key_value().map_or((0, 0), |(price, size)| (*price, *size));
        let ask = self.asks.first_key_value().map_or((0, 0), |(price, size)| (*price, *size));
        let best = Some((bid.0 * 1_000_000 + bid.1, ask.0 * 1_000_000 + ask.1));
        if std::mem::replace(&mut self.best, best) != best {
            let text = format!(
                r#"{{"u":{},"s":"{}","b":"{}","B":"{}","a":"{}","A":"{}"}}"#,
                self.sequence(),
                self.name,
                price(bid.0),
                quantity(bid.1),
                price(ask.0),
                quantity(ask.1)
            );
            told.push((self.stream("bookTicker"), text));
        }
    }

    fn tell_depth(&mut self, now_ms: u64, told: &mut Vec<(String, String)>) {
        let mut sides = [BTreeMap::new(), BTreeMap::new()];
        for (is_bid, at, size) in &self.changes[self.told..] {
            sides[usize::from(!*is_bid)].insert(*at, *size);
        }
        let [bids, asks] = sides.map(|side| levels(side.into_iter()));
        let before = self.number(self.told);
        let (first, previous) = if self.futures {
            (before + 2, format!(r#""pu":{before},"#))
        } else {
            (before + 1, String::new())
        };
        let text = format!(
            r#"{{"e":"depthUpdate","E":{now_ms},"s":"{}","U":{first},"u":{},{previous}"b":[{bids}],"a":[{asks}]}}"#,
            self.name,
            self.sequence(),
        );
        self.told = self.changes.len();
        told.push((self.stream("depth@100ms"), text));
    }

    /// What REST answers now.
    pub(crate) fn answer(&self, asked: &Asked) -> String {
        match asked {
            Asked::Depth { .. } => {
                let bids = levels(self.bids.iter().rev().map(|(at, size)| (*at, *size)));
                let asks = levels(self.asks.iter().map(|(at, size)| (*at, *size)));
                let last = self.sequence();
                format!(r#"{{"lastUpdateId":{last},"bids":[{bids}],"asks":[{asks}]}}"#)
            }
            Asked::Klines { interval, start_ms, end_ms, limit, .. } => {
                let length = interval.0 / 1_000_000;
                let place = LENGTHS.iter().position(|(known, _)| *known == length).unwrap();
                let all = self.candles[place].range(start_ms.unwrap_or(0)..);
                let all = all.filter(|(at, _)| end_ms.is_none_or(|end| **at <= end));
                // From a beginning on the first of them, and without one the last.
                let skipped = match start_ms {
                    Some(_) => 0,
                    None => all.clone().count().saturating_sub(*limit),
                };
                let rows = all.skip(skipped).take(*limit);
                let rows: Vec<String> = rows.map(|(at, one)| kline_row(*at, length, one)).collect();
                format!("[{}]", rows.join(","))
            }
            Asked::AggTrades { from_id, limit, .. } => {
                let from = usize::try_from(from_id.saturating_sub(FIRST_TRADE)).unwrap();
                let rows = self.trades.iter().enumerate().skip(from).take(*limit);
                let rows: Vec<String> = rows.map(|(at, row)| trade_row(at, row)).collect();
                format!("[{}]", rows.join(","))
            }
        }
    }
}

fn levels(levels: impl Iterator<Item = (i64, i64)>) -> String {
    let mut text = String::new();
    for (at, size) in levels {
        let comma = if text.is_empty() { "" } else { "," };
        write!(text, r#"{comma}["{}","{}"]"#, price(at), quantity(size)).unwrap();
    }
    text
}

fn kline_row(start: u64, length: u64, candle: &Candle) -> String {
    format!(
        r#"[{start},"{}","{}","{}","{}","{}",{},"0",1,"0","0","0"]"#,
        price(candle.open),
        price(candle.high),
        price(candle.low),
        price(candle.close),
        quantity(candle.volume),
        start + length - 1
    )
}

fn trade_row(at: usize, row: &TradeRow) -> String {
    let id = FIRST_TRADE + u64::try_from(at).unwrap();
    format!(
        r#"{{"a":{id},"p":"{}","q":"{}","f":{id},"l":{id},"T":{},"m":{},"M":true}}"#,
        price(row.price),
        quantity(row.quantity),
        row.time_ms,
        row.buyer_is_maker
    )
}
