//! Events to columns: differences against the last event of the same instrument.
//!
//! Here are the tags, the predictions and the checks of an event; [`super::decode`] mirrors them.

use sandpit_core::{
    instrument::Instrument,
    market::{Bar, DepthUpdate, Funding, MarketData, MarketEvent, Quote, Side, Trade},
    num::{Price, Quantity, Rate},
    time::UnixNanos,
};

use super::{
    EventProblem, LEVELS_PER_SIDE_MAX,
    columns::{COUNT, Columns, INSTRUMENT, PRICE, QUANTITY, SEQUENCE, TAG, TIME, VENUE, zigzag},
};

/// Kinds, in the lowest two bits of a tag and, since version 2, the eighth.
pub(super) const KIND_TRADE: u64 = 0;
pub(super) const KIND_QUOTE: u64 = 1;
pub(super) const KIND_BAR: u64 = 2;
pub(super) const KIND_DEPTH: u64 = 3;
pub(super) const KIND_MARK: u64 = 1 << 7;
pub(super) const KIND_FUNDING: u64 = (1 << 7) | 1;
pub(super) const KIND_MASK: u64 = (1 << 7) | 3;
/// The venue's stamp differs from the event's time.
pub(super) const FLAG_VENUE: u64 = 1 << 2;
/// Another instrument than the event before; the first of a segment is compared with 0.
pub(super) const FLAG_INSTRUMENT: u64 = 1 << 3;
/// Trade: the aggressor is known. Quote: the bid is as before. Bar: the interval is as before.
/// Depth: a snapshot.
pub(super) const FLAG_A: u64 = 1 << 4;
/// Trade: a seller was the aggressor. Quote: the ask is as before. Depth: has the sequence number
/// of the update before.
pub(super) const FLAG_B: u64 = 1 << 5;
/// Trade: the id is another than the predicted one. Depth: has sequence numbers.
pub(super) const FLAG_C: u64 = 1 << 6;

/// The last of everything of one instrument within a segment; what differences are taken against.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    pub(super) trade_price: i64,
    pub(super) trade_id: u64,
    pub(super) bid: (i64, i64),
    pub(super) ask: (i64, i64),
    pub(super) close: i64,
    pub(super) interval: u64,
    pub(super) depth_price: i64,
    pub(super) mark: i64,
    pub(super) sequence: u64,
}

/// The id that the next trade is expected to have: venues count, and sources without ids say zero.
pub(super) const fn predicted_id(last: u64) -> u64 {
    if last == 0 { 0 } else { last.wrapping_add(1) }
}

/// Turns the events of one segment into columns.
#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) columns: Columns,
    last: Vec<Last>,
    instrument: u16,
    time: UnixNanos,
    pub(super) first: UnixNanos,
    pub(super) events: u32,
}

impl Encoder {
    pub(super) fn new(instruments: usize) -> Self {
        Self {
            columns: Columns::default(),
            last: vec![Last::default(); instruments],
            instrument: 0,
            time: UnixNanos(0),
            first: UnixNanos(0),
            events: 0,
        }
    }

    /// Begins the next segment; time goes on.
    pub(super) fn clear(&mut self) {
        self.columns.clear();
        self.last.fill(Last::default());
        self.instrument = 0;
        self.events = 0;
    }

    /// Time of the last event of all segments.
    pub(super) const fn time(&self) -> UnixNanos {
        self.time
    }

    /// Checks and takes in one event; nothing changes where it is refused.
    pub(super) fn push(&mut self, event: &MarketEvent) -> Result<(), EventProblem> {
        if event.time < self.time {
            return Err(EventProblem::TimeGoesBack);
        }
        let index = event.instrument.0;
        let Some(last) = self.last.get_mut(usize::from(index)) else {
            return Err(EventProblem::UnknownInstrument);
        };
        check(&event.data)?;
        if self.events == 0 {
            self.first = event.time;
            self.time = event.time;
        }
        let columns = &mut self.columns;
        let mut tag = match &event.data {
            MarketData::Trade(trade) => push_trade(columns, last, trade),
            MarketData::Quote(quote) => push_quote(columns, last, quote),
            MarketData::Bar(bar) => push_bar(columns, last, bar),
            MarketData::Depth(update) => push_depth(columns, last, update),
            MarketData::Mark(price) => push_mark(columns, last, *price),
            MarketData::Funding(funding) => {
                columns.push(SEQUENCE, zigzag(funding.rate.0));
                push_mark(columns, last, funding.mark) | KIND_FUNDING
            }
        };
        columns.push(TIME, event.time.0 - self.time.0);
        if event.venue_time != event.time {
            tag |= FLAG_VENUE;
            let offset = event.venue_time.0.wrapping_sub(event.time.0).cast_signed();
            columns.push(VENUE, zigzag(offset));
        }
        if index != self.instrument {
            tag |= FLAG_INSTRUMENT;
            columns.push(INSTRUMENT, u64::from(index));
        }
        columns.push(TAG, tag);
        self.instrument = index;
        self.time = event.time;
        self.events += 1;
        Ok(())
    }
}

fn difference(new: i64, old: i64) -> u64 {
    zigzag(new.wrapping_sub(old))
}

fn push_trade(columns: &mut Columns, last: &mut Last, trade: &Trade) -> u64 {
    columns.push(PRICE, difference(trade.price.0, last.trade_price));
    columns.push(QUANTITY, trade.quantity.0.cast_unsigned());
    let mut tag = KIND_TRADE;
    tag |= match trade.aggressor {
        None => 0,
        Some(Side::Buy) => FLAG_A,
        Some(Side::Sell) => FLAG_A | FLAG_B,
    };
    let expected = predicted_id(last.trade_id);
    if trade.id != expected {
        tag |= FLAG_C;
        columns.push(SEQUENCE, zigzag(trade.id.wrapping_sub(expected).cast_signed()));
    }
    last.trade_price = trade.price.0;
    last.trade_id = trade.id;
    tag
}

fn push_quote(columns: &mut Columns, last: &mut Last, quote: &Quote) -> u64 {
    let bid = (quote.bid_price.0, quote.bid_quantity.0);
    let ask = (quote.ask_price.0, quote.ask_quantity.0);
    let mut tag = KIND_QUOTE;
    for (new, old, same) in [(bid, &mut last.bid, FLAG_A), (ask, &mut last.ask, FLAG_B)] {
        if new == *old {
            tag |= same;
            continue;
        }
        columns.push(PRICE, difference(new.0, old.0));
        columns.push(QUANTITY, new.1.cast_unsigned());
        *old = new;
    }
    tag
}

fn push_bar(columns: &mut Columns, last: &mut Last, bar: &Bar) -> u64 {
    let mut tag = KIND_BAR;
    if bar.interval.0 == last.interval {
        tag |= FLAG_A;
    } else {
        columns.push(SEQUENCE, bar.interval.0);
        last.interval = bar.interval.0;
    }
    columns.push(PRICE, difference(bar.open.0, last.close));
    for price in [bar.high, bar.low, bar.close] {
        columns.push(PRICE, difference(price.0, bar.open.0));
    }
    columns.push(QUANTITY, bar.volume.0.cast_unsigned());
    last.close = bar.close.0;
    tag
}

fn push_depth(columns: &mut Columns, last: &mut Last, update: &DepthUpdate) -> u64 {
    let mut tag = KIND_DEPTH;
    let against = |new: u64, old: u64| zigzag(new.wrapping_sub(old).cast_signed());
    if update.snapshot {
        tag |= FLAG_A;
    }
    if update.first_sequence != 0 || update.last_sequence != 0 {
        tag |= FLAG_C;
        columns.push(SEQUENCE, against(update.first_sequence, last.sequence));
        columns.push(SEQUENCE, against(update.last_sequence, update.first_sequence));
    }
    if update.previous_sequence != 0 {
        tag |= FLAG_B;
        columns.push(SEQUENCE, against(update.previous_sequence, last.sequence));
    }
    last.sequence = update.last_sequence;
    for levels in [&update.bids, &update.asks] {
        columns.push(COUNT, levels.len() as u64);
        for (price, quantity) in levels {
            columns.push(PRICE, difference(price.0, last.depth_price));
            columns.push(QUANTITY, quantity.0.cast_unsigned());
            last.depth_price = price.0;
        }
    }
    tag
}

fn push_mark(columns: &mut Columns, last: &mut Last, price: Price) -> u64 {
    columns.push(PRICE, difference(price.0, last.mark));
    last.mark = price.0;
    KIND_MARK
}

const fn price_fits(price: Price) -> bool {
    price.0 > 0 && price.0 <= Instrument::PRICE_MAX
}

const fn quantity_fits(quantity: Quantity) -> bool {
    quantity.0 >= 0 && quantity.0 <= Instrument::QUANTITY_MAX
}

/// The bounds that the rest of the program relies on, the same for writing and reading.
#[inline]
pub(super) fn check(data: &MarketData) -> Result<(), EventProblem> {
    match data {
        MarketData::Trade(trade) => check_trade(trade),
        MarketData::Quote(quote) => check_quote(quote),
        MarketData::Bar(bar) => check_bar(bar),
        MarketData::Depth(update) => check_depth(update),
        MarketData::Mark(price) if price_fits(*price) => Ok(()),
        MarketData::Mark(_) => Err(EventProblem::Price),
        MarketData::Funding(funding) => check_funding(funding),
    }
}

#[inline]
pub(super) fn check_trade(trade: &Trade) -> Result<(), EventProblem> {
    if !price_fits(trade.price) {
        return Err(EventProblem::Price);
    }
    if !quantity_fits(trade.quantity) || trade.quantity.is_zero() {
        return Err(EventProblem::Quantity);
    }
    Ok(())
}

/// A side with quantity zero has no price either: zero or any that fits.
fn check_quote(quote: &Quote) -> Result<(), EventProblem> {
    for (price, quantity) in
        [(quote.bid_price, quote.bid_quantity), (quote.ask_price, quote.ask_quantity)]
    {
        if !quantity_fits(quantity) {
            return Err(EventProblem::Quantity);
        }
        let absent = price.0 == 0 && quantity.is_zero();
        if !price_fits(price) && !absent {
            return Err(EventProblem::Price);
        }
    }
    Ok(())
}

fn check_bar(bar: &Bar) -> Result<(), EventProblem> {
    if !price_fits(bar.low) || !price_fits(bar.high) {
        return Err(EventProblem::Price);
    }
    let inside = |price: Price| (bar.low..=bar.high).contains(&price);
    if bar.interval.0 == 0 || !inside(bar.open) || !inside(bar.close) {
        return Err(EventProblem::Bar);
    }
    if quantity_fits(bar.volume) { Ok(()) } else { Err(EventProblem::Quantity) }
}

fn check_funding(funding: &Funding) -> Result<(), EventProblem> {
    if !price_fits(funding.mark) {
        return Err(EventProblem::Price);
    }
    let fits = funding.rate.0.unsigned_abs() <= Rate::MAX.unsigned_abs();
    if fits { Ok(()) } else { Err(EventProblem::Rate) }
}

fn check_depth(update: &DepthUpdate) -> Result<(), EventProblem> {
    for levels in [&update.bids, &update.asks] {
        if levels.len() > LEVELS_PER_SIDE_MAX {
            return Err(EventProblem::Levels);
        }
        for (price, quantity) in levels {
            if !price_fits(*price) {
                return Err(EventProblem::Price);
            }
            if !quantity_fits(*quantity) {
                return Err(EventProblem::Quantity);
            }
        }
    }
    Ok(())
}
