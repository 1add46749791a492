//! Columns to events: the mirror of [`super::encode`]. The columns are hostile.

use sandpit_core::{
    ids::InstrumentId,
    market::{Bar, DepthUpdate, Funding, Levels, MarketData, MarketEvent, Quote, Side, Trade},
    num::{Price, Quantity, Rate},
    time::{Nanos, UnixNanos},
};

use super::{
    LEVELS_PER_SIDE_MAX,
    columns::{COUNT, Columns, INSTRUMENT, PRICE, QUANTITY, SEQUENCE, TAG, TIME, VENUE, unzigzag},
    encode::{
        FLAG_A, FLAG_B, FLAG_C, FLAG_INSTRUMENT, FLAG_VENUE, KIND_BAR, KIND_DEPTH, KIND_FUNDING,
        KIND_MARK, KIND_MASK, KIND_QUOTE, KIND_TRADE, Last, check, check_trade, predicted_id,
    },
};

const CUT: &str = "a column ends too early";

/// Turns the columns of one segment into events.
#[derive(Debug)]
pub(super) struct Decoder {
    pub(super) columns: Columns,
    last: Vec<Last>,
    instrument: u16,
    time: UnixNanos,
    last_time: UnixNanos,
    /// Events that are still to come.
    left: u32,
}

impl Decoder {
    pub(super) fn new(instruments: usize) -> Self {
        Self {
            columns: Columns::default(),
            last: vec![Last::default(); instruments],
            instrument: 0,
            time: UnixNanos(0),
            last_time: UnixNanos(0),
            left: 0,
        }
    }

    /// Begins a segment of `events` events; the columns have been filled.
    pub(super) fn begin(&mut self, events: u32, first: UnixNanos, last: UnixNanos) {
        self.last.fill(Last::default());
        self.instrument = 0;
        self.time = first;
        self.last_time = last;
        self.left = events;
    }

    /// The next event; `None` at the end of the segment.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<MarketEvent>, &'static str> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let columns = &mut self.columns;
        let tag = columns.take(TAG).ok_or(CUT)?;
        let step = columns.take(TIME).ok_or(CUT)?;
        let time = self.time.0.checked_add(step).ok_or("a time is beyond its bound")?;
        self.time = UnixNanos(time);
        let mut venue_time = time;
        if tag & FLAG_VENUE != 0 {
            let offset = unzigzag(columns.take(VENUE).ok_or(CUT)?);
            venue_time = time.wrapping_add_signed(offset);
        }
        if tag & FLAG_INSTRUMENT != 0 {
            let index = columns.take(INSTRUMENT).ok_or(CUT)?;
            self.instrument = u16::try_from(index).map_err(|_| "there is no such instrument")?;
        }
        let last =
            self.last.get_mut(usize::from(self.instrument)).ok_or("there is no such instrument")?;
        let data = match tag & KIND_MASK {
            KIND_TRADE => MarketData::Trade(take_trade(columns, last, tag)?),
            kind => take_other(columns, last, tag, kind)?,
        };
        if self.left == 0 && (self.time != self.last_time || !self.columns.is_spent()) {
            return Err("the segment does not end where its head says");
        }
        Ok(Some(MarketEvent {
            instrument: InstrumentId(self.instrument),
            time: self.time,
            venue_time: UnixNanos(venue_time),
            data,
        }))
    }
}

#[inline]
fn take_price(columns: &mut Columns, old: i64) -> Result<i64, &'static str> {
    Ok(old.wrapping_add(unzigzag(columns.take(PRICE).ok_or(CUT)?)))
}

#[inline]
fn take_quantity(columns: &mut Columns) -> Result<Quantity, &'static str> {
    // Beyond i64 it turns negative, which the check of the event refuses.
    Ok(Quantity(columns.take(QUANTITY).ok_or(CUT)?.cast_signed()))
}

#[inline]
fn take_trade(columns: &mut Columns, last: &mut Last, tag: u64) -> Result<Trade, &'static str> {
    let price = take_price(columns, last.trade_price)?;
    let quantity = take_quantity(columns)?;
    let mut id = predicted_id(last.trade_id);
    if tag & FLAG_C != 0 {
        let offset = unzigzag(columns.take(SEQUENCE).ok_or(CUT)?);
        id = id.wrapping_add_signed(offset);
    }
    last.trade_price = price;
    last.trade_id = id;
    let aggressor = match (tag & FLAG_A != 0, tag & FLAG_B != 0) {
        (false, _) => None,
        (true, false) => Some(Side::Buy),
        (true, true) => Some(Side::Sell),
    };
    let trade = Trade { price: Price(price), quantity, aggressor, id };
    check_trade(&trade).map_err(|_| "a trade has a price or quantity out of bounds")?;
    Ok(trade)
}

fn take_other(
    columns: &mut Columns,
    last: &mut Last,
    tag: u64,
    kind: u64,
) -> Result<MarketData, &'static str> {
    let data = match kind {
        KIND_QUOTE => MarketData::Quote(take_quote(columns, last, tag)?),
        KIND_BAR => MarketData::Bar(take_bar(columns, last, tag)?),
        KIND_DEPTH => MarketData::Depth(Box::new(take_depth(columns, last, tag)?)),
        KIND_MARK => MarketData::Mark(take_mark(columns, last)?),
        KIND_FUNDING => MarketData::Funding(Funding {
            rate: Rate(unzigzag(columns.take(SEQUENCE).ok_or(CUT)?)),
            mark: take_mark(columns, last)?,
        }),
        _ => return Err("an event is of no known kind"),
    };
    check(&data).map_err(|_| "an event has a price, quantity, rate or interval out of bounds")?;
    Ok(data)
}

fn take_mark(columns: &mut Columns, last: &mut Last) -> Result<Price, &'static str> {
    last.mark = take_price(columns, last.mark)?;
    Ok(Price(last.mark))
}

fn take_quote(columns: &mut Columns, last: &mut Last, tag: u64) -> Result<Quote, &'static str> {
    for (old, same) in [(&mut last.bid, FLAG_A), (&mut last.ask, FLAG_B)] {
        if tag & same == 0 {
            *old = (take_price(columns, old.0)?, take_quantity(columns)?.0);
        }
    }
    Ok(Quote {
        bid_price: Price(last.bid.0),
        bid_quantity: Quantity(last.bid.1),
        ask_price: Price(last.ask.0),
        ask_quantity: Quantity(last.ask.1),
    })
}

fn take_bar(columns: &mut Columns, last: &mut Last, tag: u64) -> Result<Bar, &'static str> {
    if tag & FLAG_A == 0 {
        last.interval = columns.take(SEQUENCE).ok_or(CUT)?;
    }
    let open = take_price(columns, last.close)?;
    let high = take_price(columns, open)?;
    let low = take_price(columns, open)?;
    let close = take_price(columns, open)?;
    last.close = close;
    Ok(Bar {
        interval: Nanos(last.interval),
        open: Price(open),
        high: Price(high),
        low: Price(low),
        close: Price(close),
        volume: take_quantity(columns)?,
    })
}

fn take_depth(
    columns: &mut Columns,
    last: &mut Last,
    tag: u64,
) -> Result<DepthUpdate, &'static str> {
    let against = |columns: &mut Columns, old: u64| {
        columns.take(SEQUENCE).ok_or(CUT).map(|new| old.wrapping_add_signed(unzigzag(new)))
    };
    let (mut first_sequence, mut last_sequence, mut previous_sequence) = (0, 0, 0);
    if tag & FLAG_C != 0 {
        first_sequence = against(columns, last.sequence)?;
        last_sequence = against(columns, first_sequence)?;
    }
    if tag & FLAG_B != 0 {
        previous_sequence = against(columns, last.sequence)?;
    }
    last.sequence = last_sequence;
    let bids = take_levels(columns, last)?;
    let asks = take_levels(columns, last)?;
    let snapshot = tag & FLAG_A != 0;
    Ok(DepthUpdate { snapshot, first_sequence, last_sequence, previous_sequence, bids, asks })
}

fn take_levels(columns: &mut Columns, last: &mut Last) -> Result<Levels, &'static str> {
    let count = columns.take(COUNT).ok_or(CUT)?;
    let count = usize::try_from(count)
        .ok()
        .filter(|count| *count <= LEVELS_PER_SIDE_MAX)
        .ok_or("an update has more levels than are accepted")?;
    let mut levels = Levels::with_capacity(count);
    for _ in 0..count {
        let price = take_price(columns, last.depth_price)?;
        last.depth_price = price;
        levels.push((Price(price), take_quantity(columns)?));
    }
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::tape::encode::Encoder;

    fn segment() -> (Vec<u8>, u32) {
        let mut encoder = Encoder::new(2);
        for i in 0..42u16 {
            let price = Price(100 + i64::from(i % 5));
            let levels = vec![(price, Quantity(3)); usize::from(i % 4)];
            let data = match i % 6 {
                4 => MarketData::Mark(price),
                5 => MarketData::Funding(Funding { rate: Rate(-100), mark: price }),
                0 => MarketData::Trade(Trade {
                    price,
                    quantity: Quantity(1),
                    aggressor: Some(Side::Buy),
                    id: u64::from(i),
                }),
                1 => MarketData::Quote(Quote {
                    bid_price: price,
                    bid_quantity: Quantity(1),
                    ask_price: price,
                    ask_quantity: Quantity(2),
                }),
                2 => MarketData::Bar(Bar {
                    interval: Nanos(60),
                    open: price,
                    high: price,
                    low: price,
                    close: price,
                    volume: Quantity(9),
                }),
                _ => MarketData::Depth(Box::new(DepthUpdate {
                    snapshot: false,
                    first_sequence: 1,
                    last_sequence: 2,
                    previous_sequence: 3,
                    bids: levels.clone(),
                    asks: levels,
                })),
            };
            let instrument = InstrumentId(i % 2);
            let time = UnixNanos(1_000 + u64::from(i));
            let venue_time = UnixNanos(900);
            encoder.push(&MarketEvent { instrument, time, venue_time, data }).unwrap();
        }
        let mut raw = Vec::new();
        encoder.columns.pack(&mut raw);
        (raw, encoder.events)
    }

    fn decode(raw: &[u8], events: u32) -> Result<u32, &'static str> {
        let mut decoder = Decoder::new(2);
        decoder.columns.unpack(raw)?;
        decoder.begin(events, UnixNanos(1_000), UnixNanos(1_041));
        let mut count = 0;
        while let Some(event) = decoder.next()? {
            assert!(check(&event.data).is_ok(), "{event:?}");
            count += 1;
        }
        Ok(count)
    }

    proptest! {
        /// Columns whose checksum is right and whose content is hostile: an error or events
        /// within their bounds, never a panic.
        #[test]
        fn hostile_columns_do_no_harm(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in prop::option::of(any::<prop::sample::Index>()),
            events in 1u32..60,
        ) {
            let (mut raw, whole) = segment();
            prop_assert_eq!(decode(&raw, whole), Ok(whole));
            for (at, byte) in changes {
                let at = at.index(raw.len());
                raw[at] = byte;
            }
            if let Some(cut) = cut {
                raw.truncate(cut.index(raw.len()));
            }
            let _ = decode(&raw, events);
        }
    }
}
