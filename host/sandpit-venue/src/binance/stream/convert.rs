//! Messages to the core's events, on the instrument's grid.

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    market::{
        Bar, DepthUpdate, Levels, MarketData, MarketEvent, Quote, ReadingError, Side, Trade,
        read_price, read_quantity, read_quote_side,
    },
    num::{Price, Quantity},
    time::{Nanos, UnixNanos},
};

use super::{
    AggTradeMessage, BookTickerMessage, DepthSnapshotMessage, DepthUpdateMessage, KlineMessage,
    LEVELS_PER_SIDE_MAX, LevelText, StreamError, StreamMessage, TradeMessage,
};

impl StreamMessage<'_> {
    /// The event that the message says, received at `received`. `None` where it says nothing that
    /// happened in the book: a bar that has not closed, or a trade of the insurance fund.
    ///
    /// The event's time is `received`; the venue's stamp, where there is one, is its `venue_time`.
    /// For a bar that is its end.
    ///
    /// # Errors
    /// A number off the instrument's grid, a stamp that is no time, or too many levels.
    pub fn to_event(
        &self,
        instrument: &Instrument,
        id: InstrumentId,
        received: UnixNanos,
    ) -> Result<Option<MarketEvent>, StreamError> {
        let (stamp, data) = match self {
            Self::Trade(message) => match trade(instrument, message)? {
                Some(trade) => (Some(message.trade_time), MarketData::Trade(trade)),
                None => return Ok(None),
            },
            Self::AggTrade(message) => {
                let trade = agg_trade(instrument, message)?;
                (Some(message.trade_time), MarketData::Trade(trade))
            }
            Self::BookTicker(message) => {
                (message.transaction_time, MarketData::Quote(quote(instrument, message)?))
            }
            Self::DepthUpdate(message) => {
                let stamp = message.transaction_time.unwrap_or(message.event_time);
                (Some(stamp), MarketData::Depth(Box::new(update(instrument, message)?)))
            }
            Self::DepthSnapshot(message) => {
                let book = snapshot(instrument, message)?;
                (message.transaction_time, MarketData::Depth(Box::new(book)))
            }
            Self::Kline(message) if !message.is_closed => return Ok(None),
            Self::Kline(message) => {
                let (bar, end) = bar(instrument, message)?;
                let data = MarketData::Bar(bar);
                return Ok(Some(MarketEvent {
                    instrument: id,
                    time: received,
                    venue_time: end,
                    data,
                }));
            }
        };
        let venue_time = stamp.map(time).transpose()?.unwrap_or(received);
        Ok(Some(MarketEvent { instrument: id, time: received, venue_time, data }))
    }
}

fn time(stamp: i64) -> Result<UnixNanos, StreamError> {
    super::super::time::time(stamp).ok_or(StreamError::Time { stamp })
}

fn price(instrument: &Instrument, field: &'static str, text: &str) -> Result<Price, StreamError> {
    read_price(instrument, text.as_bytes()).map_err(|e| StreamError::number(field, text, e))
}

fn quantity(
    instrument: &Instrument,
    field: &'static str,
    text: &str,
) -> Result<Quantity, StreamError> {
    read_quantity(instrument, text.as_bytes()).map_err(|e| StreamError::number(field, text, e))
}

fn traded(
    instrument: &Instrument,
    (price_text, quantity_text): LevelText<'_>,
    id: u64,
    buyer_is_maker: bool,
) -> Result<Trade, StreamError> {
    let quantity = quantity(instrument, "quantity of a trade", quantity_text)?;
    if quantity.is_zero() {
        return Err(StreamError::number("quantity of a trade", quantity_text, ReadingError::Zero));
    }
    let aggressor = Some(if buyer_is_maker { Side::Sell } else { Side::Buy });
    Ok(Trade { price: price(instrument, "price of a trade", price_text)?, quantity, aggressor, id })
}

fn trade(
    instrument: &Instrument,
    message: &TradeMessage<'_>,
) -> Result<Option<Trade>, StreamError> {
    if message.kind.is_some_and(|kind| kind != "MARKET") {
        return Ok(None);
    }
    let level = (message.price, message.quantity);
    traded(instrument, level, message.id, message.buyer_is_maker).map(Some)
}

fn agg_trade(instrument: &Instrument, message: &AggTradeMessage<'_>) -> Result<Trade, StreamError> {
    let level = (message.price, message.quantity);
    traded(instrument, level, message.id, message.buyer_is_maker)
}

fn quote(instrument: &Instrument, message: &BookTickerMessage<'_>) -> Result<Quote, StreamError> {
    let side = |field, price: &str, quantity: &str| {
        read_quote_side(instrument, price.as_bytes(), quantity.as_bytes())
            .map_err(|e| StreamError::number(field, &format!("{quantity} at {price}"), e))
    };
    let bid = side("bid", message.bid_price, message.bid_quantity)?;
    let ask = side("ask", message.ask_price, message.ask_quantity)?;
    Ok(Quote { bid_price: bid.0, bid_quantity: bid.1, ask_price: ask.0, ask_quantity: ask.1 })
}

fn levels(instrument: &Instrument, levels: &[LevelText<'_>]) -> Result<Levels, StreamError> {
    if levels.len() > LEVELS_PER_SIDE_MAX {
        return Err(StreamError::TooManyLevels { levels: levels.len() });
    }
    levels
        .iter()
        .map(|(price_text, quantity_text)| {
            Ok((
                price(instrument, "price of a level", price_text)?,
                quantity(instrument, "quantity of a level", quantity_text)?,
            ))
        })
        .collect()
}

fn update(
    instrument: &Instrument,
    message: &DepthUpdateMessage<'_>,
) -> Result<DepthUpdate, StreamError> {
    Ok(DepthUpdate {
        snapshot: false,
        first_sequence: message.first_sequence,
        last_sequence: message.last_sequence,
        previous_sequence: message.previous_sequence.unwrap_or(0),
        bids: levels(instrument, &message.bids)?,
        asks: levels(instrument, &message.asks)?,
    })
}

fn snapshot(
    instrument: &Instrument,
    message: &DepthSnapshotMessage<'_>,
) -> Result<DepthUpdate, StreamError> {
    Ok(DepthUpdate {
        snapshot: true,
        first_sequence: 0,
        last_sequence: message.last_sequence,
        previous_sequence: 0,
        bids: levels(instrument, &message.bids)?,
        asks: levels(instrument, &message.asks)?,
    })
}

fn bar(
    instrument: &Instrument,
    message: &KlineMessage<'_>,
) -> Result<(Bar, UnixNanos), StreamError> {
    let refused = StreamError::Time { stamp: message.close_time };
    let start = time(message.open_time)?;
    // The close time is the last moment within, so the end is one unit later.
    let end = message.close_time.checked_add(1).map(time).ok_or(refused)??;
    let interval = end.since(start);
    if interval == Nanos(0) {
        return Err(StreamError::Time { stamp: message.close_time });
    }
    let bar = Bar {
        interval,
        open: price(instrument, "open", message.open)?,
        high: price(instrument, "high", message.high)?,
        low: price(instrument, "low", message.low)?,
        close: price(instrument, "close", message.close)?,
        volume: quantity(instrument, "volume", message.volume)?,
    };
    let inside = |price| (bar.low..=bar.high).contains(&price);
    if inside(bar.open) && inside(bar.close) { Ok((bar, end)) } else { Err(StreamError::Bar) }
}
