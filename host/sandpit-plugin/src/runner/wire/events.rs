//! Events on the wire. Changes of books, marks and fundings have no form here: no guest is told of
//! them.

use sandpit_core::{
    ids::{InstrumentId, OrderTag, TimerId, TradeId},
    market::{Bar, MarketData, MarketEvent, Quote, Trade},
    num::{Money, Price, Quantity},
    order::{Fill, OrderKind, TrailingOffset},
    plugin::{
        BudgetView, DepthView, OpenOrderView, OrderUpdate, OrderUpdateKind, PluginEvent,
        PositionView, TradingState,
    },
    risk::DenialCode,
    time::{Nanos, UnixNanos},
};

use super::{
    Reader, WireError, Writer,
    intents::{put_side, side},
};

/// Levels of one side of a book: as many as a strategy can ask for.
const LEVELS_MAX: usize = 50;
/// Bytes of a venue's words; a guest sees no more of them.
const WORDS_BYTES_MAX: usize = 256;

/// Writes an event; `false` where it has no form and no guest is told of it.
pub(super) fn put_event(out: &mut Writer, event: &PluginEvent) -> bool {
    match event {
        PluginEvent::Market { event, history } => return put_market(out, event, *history),
        PluginEvent::Depth(view) => {
            out.u8(3);
            out.u16(view.instrument.0);
            out.u64(view.time.0);
            put_levels(out, &view.bids);
            put_levels(out, &view.asks);
        }
        PluginEvent::Order(update) => {
            out.u8(4);
            put_order(out, update);
        }
        PluginEvent::Position(view) => {
            out.u8(5);
            put_position(out, view);
        }
        PluginEvent::Budget(view) => {
            out.u8(6);
            put_budget(out, view);
        }
        PluginEvent::Timer { id, time } => {
            out.u8(7);
            out.u32(id.0);
            out.u64(time.0);
        }
        PluginEvent::TradingState { state, time } => {
            out.u8(8);
            put_trading_state(out, *state);
            out.u64(time.0);
        }
    }
    true
}

fn put_market(out: &mut Writer, event: &MarketEvent, history: bool) -> bool {
    let head = |out: &mut Writer, tag| {
        out.u8(tag);
        out.u16(event.instrument.0);
        out.u64(event.time.0);
        out.u64(event.venue_time.0);
        out.bool(history);
    };
    match &event.data {
        MarketData::Trade(trade) => {
            head(out, 0);
            out.i64(trade.price.0);
            out.i64(trade.quantity.0);
            out.option(trade.aggressor, put_side);
            out.u64(trade.id);
        }
        MarketData::Quote(quote) => {
            head(out, 1);
            out.i64(quote.bid_price.0);
            out.i64(quote.bid_quantity.0);
            out.i64(quote.ask_price.0);
            out.i64(quote.ask_quantity.0);
        }
        MarketData::Bar(bar) => {
            head(out, 2);
            out.u64(bar.interval.0);
            for price in [bar.open, bar.high, bar.low, bar.close] {
                out.i64(price.0);
            }
            out.i64(bar.volume.0);
        }
        MarketData::Depth(_) | MarketData::Mark(_) | MarketData::Funding(_) => return false,
    }
    true
}

pub(super) fn event(from: &mut Reader<'_>) -> Result<PluginEvent, WireError> {
    Ok(match from.u8()? {
        tag @ 0..=2 => market(from, tag)?,
        3 => PluginEvent::Depth(Box::new(DepthView {
            instrument: InstrumentId(from.u16()?),
            time: UnixNanos(from.u64()?),
            bids: levels(from)?,
            asks: levels(from)?,
        })),
        4 => PluginEvent::Order(order(from)?),
        5 => PluginEvent::Position(position(from)?),
        6 => PluginEvent::Budget(budget(from)?),
        7 => PluginEvent::Timer { id: TimerId(from.u32()?), time: UnixNanos(from.u64()?) },
        8 => {
            PluginEvent::TradingState { state: trading_state(from)?, time: UnixNanos(from.u64()?) }
        }
        value => return Err(WireError::Tag { what: "an event", value }),
    })
}

fn market(from: &mut Reader<'_>, tag: u8) -> Result<PluginEvent, WireError> {
    let instrument = InstrumentId(from.u16()?);
    let (time, venue_time) = (UnixNanos(from.u64()?), UnixNanos(from.u64()?));
    let history = from.bool("whether it is history")?;
    let data = match tag {
        0 => MarketData::Trade(Trade {
            price: price(from)?,
            quantity: quantity(from)?,
            aggressor: from.option("an aggressor", side)?,
            id: from.u64()?,
        }),
        1 => MarketData::Quote(Quote {
            bid_price: price(from)?,
            bid_quantity: quantity(from)?,
            ask_price: price(from)?,
            ask_quantity: quantity(from)?,
        }),
        _ => MarketData::Bar(Bar {
            interval: Nanos(from.u64()?),
            open: price(from)?,
            high: price(from)?,
            low: price(from)?,
            close: price(from)?,
            volume: quantity(from)?,
        }),
    };
    Ok(PluginEvent::Market { event: MarketEvent { instrument, time, venue_time, data }, history })
}

fn price(from: &mut Reader<'_>) -> Result<Price, WireError> {
    from.i64().map(Price)
}

fn quantity(from: &mut Reader<'_>) -> Result<Quantity, WireError> {
    from.i64().map(Quantity)
}

fn put_levels(out: &mut Writer, levels: &[(Price, Quantity)]) {
    out.count(levels.len());
    for (price, quantity) in levels {
        out.i64(price.0);
        out.i64(quantity.0);
    }
}

fn levels(from: &mut Reader<'_>) -> Result<Vec<(Price, Quantity)>, WireError> {
    from.list("levels", LEVELS_MAX, |from| Ok((price(from)?, quantity(from)?)))
}

fn put_order(out: &mut Writer, update: &OrderUpdate) {
    out.u64(update.time.0);
    out.u64(update.tag.0);
    out.u16(update.instrument.0);
    put_side(out, update.side);
    out.i64(update.quantity.0);
    out.i64(update.filled.0);
    out.bool(update.closed);
    let coded = |out: &mut Writer, tag, code: DenialCode| {
        out.u8(tag);
        out.u16(code as u16);
    };
    let worded = |out: &mut Writer, tag, words: &str| {
        out.u8(tag);
        out.text(&words[..words.floor_char_boundary(WORDS_BYTES_MAX)]);
    };
    match &update.kind {
        OrderUpdateKind::Accepted => out.u8(0),
        OrderUpdateKind::Denied(code) => coded(out, 1, *code),
        OrderUpdateKind::Rejected(words) => worded(out, 2, words),
        OrderUpdateKind::Triggered => out.u8(3),
        OrderUpdateKind::Amended => out.u8(4),
        OrderUpdateKind::ChangeDenied(code) => coded(out, 5, *code),
        OrderUpdateKind::ChangeRejected(words) => worded(out, 6, words),
        OrderUpdateKind::Filled(fill) => {
            out.u8(7);
            out.u64(fill.trade_id.0);
            out.i64(fill.price.0);
            out.i64(fill.quantity.0);
            out.i128(fill.fee.0);
            out.bool(fill.maker);
        }
        OrderUpdateKind::Canceled => out.u8(8),
        OrderUpdateKind::Expired => out.u8(9),
        OrderUpdateKind::Unknown => out.u8(10),
    }
}

fn order(from: &mut Reader<'_>) -> Result<OrderUpdate, WireError> {
    let (time, tag) = (UnixNanos(from.u64()?), OrderTag(from.u64()?));
    let (instrument, side) = (InstrumentId(from.u16()?), side(from)?);
    let (quantity, filled) = (quantity(from)?, quantity(from)?);
    let closed = from.bool("whether it is closed")?;
    let words =
        |from: &mut Reader<'_>| from.text("a venue's words", WORDS_BYTES_MAX).map(str::to_owned);
    let kind = match from.u8()? {
        0 => OrderUpdateKind::Accepted,
        1 => OrderUpdateKind::Denied(denial(from)?),
        2 => OrderUpdateKind::Rejected(words(from)?),
        3 => OrderUpdateKind::Triggered,
        4 => OrderUpdateKind::Amended,
        5 => OrderUpdateKind::ChangeDenied(denial(from)?),
        6 => OrderUpdateKind::ChangeRejected(words(from)?),
        7 => OrderUpdateKind::Filled(Fill {
            trade_id: TradeId(from.u64()?),
            price: price(from)?,
            quantity: Quantity(from.i64()?),
            fee: Money(from.i128()?),
            maker: from.bool("whether it made liquidity")?,
        }),
        8 => OrderUpdateKind::Canceled,
        9 => OrderUpdateKind::Expired,
        10 => OrderUpdateKind::Unknown,
        value => return Err(WireError::Tag { what: "an order's event", value }),
    };
    Ok(OrderUpdate { time, tag, instrument, side, kind, quantity, filled, closed })
}

fn denial(from: &mut Reader<'_>) -> Result<DenialCode, WireError> {
    let code = from.u16()?;
    let known = DenialCode::ALL.iter().find(|known| **known as u16 == code);
    known.copied().ok_or(WireError::Count { what: "a denial", count: code.into(), limit: 0 })
}

pub(super) fn put_position(out: &mut Writer, view: &PositionView) {
    out.u16(view.instrument.0);
    out.u64(view.time.0);
    out.i64(view.quantity.0);
    out.i128(view.cost.0);
    out.i128(view.realized_pnl.0);
}

pub(super) fn position(from: &mut Reader<'_>) -> Result<PositionView, WireError> {
    Ok(PositionView {
        instrument: InstrumentId(from.u16()?),
        time: UnixNanos(from.u64()?),
        quantity: quantity(from)?,
        cost: Money(from.i128()?),
        realized_pnl: Money(from.i128()?),
    })
}

pub(super) fn put_budget(out: &mut Writer, view: &BudgetView) {
    out.u64(view.time.0);
    out.i128(view.balance.0);
    out.i128(view.equity.0);
    out.i128(view.fees.0);
}

pub(super) fn budget(from: &mut Reader<'_>) -> Result<BudgetView, WireError> {
    Ok(BudgetView {
        time: UnixNanos(from.u64()?),
        balance: Money(from.i128()?),
        equity: Money(from.i128()?),
        fees: Money(from.i128()?),
    })
}

pub(super) fn put_trading_state(out: &mut Writer, state: TradingState) {
    out.u8(match state {
        TradingState::Active => 0,
        TradingState::Reducing => 1,
        TradingState::Halted => 2,
    });
}

pub(super) fn trading_state(from: &mut Reader<'_>) -> Result<TradingState, WireError> {
    match from.u8()? {
        0 => Ok(TradingState::Active),
        1 => Ok(TradingState::Reducing),
        2 => Ok(TradingState::Halted),
        value => Err(WireError::Tag { what: "a trading state", value }),
    }
}

pub(super) fn put_open_order(out: &mut Writer, view: &OpenOrderView) {
    out.u64(view.tag.0);
    out.u16(view.instrument.0);
    put_side(out, view.side);
    match view.kind {
        OrderKind::Market => out.u8(0),
        OrderKind::Limit(limit) => {
            out.u8(1);
            out.i64(limit.0);
        }
        OrderKind::Stop(trigger) => {
            out.u8(2);
            out.i64(trigger.0);
        }
        OrderKind::StopLimit { trigger, limit } => {
            out.u8(3);
            out.i64(trigger.0);
            out.i64(limit.0);
        }
        OrderKind::TakeProfit(trigger) => {
            out.u8(4);
            out.i64(trigger.0);
        }
        OrderKind::TrailingStop(TrailingOffset::Price(distance)) => {
            out.u8(5);
            out.i64(distance.0);
        }
        OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)) => {
            out.u8(6);
            out.u16(points);
        }
    }
    out.i64(view.quantity.0);
    out.i64(view.filled.0);
    out.bool(view.reduce_only);
}

pub(super) fn open_order(from: &mut Reader<'_>) -> Result<OpenOrderView, WireError> {
    Ok(OpenOrderView {
        tag: OrderTag(from.u64()?),
        instrument: InstrumentId(from.u16()?),
        side: side(from)?,
        kind: match from.u8()? {
            0 => OrderKind::Market,
            1 => OrderKind::Limit(price(from)?),
            2 => OrderKind::Stop(price(from)?),
            3 => OrderKind::StopLimit { trigger: price(from)?, limit: price(from)? },
            4 => OrderKind::TakeProfit(price(from)?),
            5 => OrderKind::TrailingStop(TrailingOffset::Price(price(from)?)),
            6 => OrderKind::TrailingStop(TrailingOffset::BasisPoints(from.u16()?)),
            value => return Err(WireError::Tag { what: "a kind of order", value }),
        },
        quantity: quantity(from)?,
        filled: quantity(from)?,
        reduce_only: from.bool("reduce-only")?,
    })
}
