//! Events on their way to a guest.

use sandpit_core::{
    market::{Bar, MarketEvent, Quote, Side, Trade},
    order::{Fill, OrderKind, TrailingOffset},
    plugin::{
        BudgetView, DepthView, OpenOrderView, OrderUpdate, OrderUpdateKind, PositionView,
        TradingState,
    },
    risk::DenialCode,
};

use super::numbers::{Grid, Grids, UnknownInstrument, money};
use crate::bindings::sandpit::strategy::types as wire;

/// What a plugin is told where the venue, not the host, refused a change.
const CHANGE_REJECTED_CODE: u16 = 0;
/// Bytes of a venue's words.
const WORDS_BYTES_MAX: usize = 256;

#[inline]
pub(crate) fn trade(
    event: &MarketEvent,
    trade: &Trade,
    history: bool,
    grids: &Grids,
) -> Result<wire::Trade, UnknownInstrument> {
    let grid = grids.get(event.instrument)?;
    Ok(wire::Trade {
        instrument: u32::from(event.instrument.0),
        time: event.time.0,
        price: grid.price(trade.price),
        quantity: grid.quantity(trade.quantity),
        aggressor: match trade.aggressor {
            Some(Side::Buy) => wire::Aggressor::Buyer,
            Some(Side::Sell) => wire::Aggressor::Seller,
            None => wire::Aggressor::Unknown,
        },
        history,
    })
}

#[inline]
pub(crate) fn quote(
    event: &MarketEvent,
    quote: &Quote,
    history: bool,
    grids: &Grids,
) -> Result<wire::Quote, UnknownInstrument> {
    let grid = grids.get(event.instrument)?;
    Ok(wire::Quote {
        instrument: u32::from(event.instrument.0),
        time: event.time.0,
        bid_price: grid.price(quote.bid_price),
        bid_quantity: grid.quantity(quote.bid_quantity),
        ask_price: grid.price(quote.ask_price),
        ask_quantity: grid.quantity(quote.ask_quantity),
        history,
    })
}

#[inline]
pub(crate) fn bar(
    event: &MarketEvent,
    bar: &Bar,
    history: bool,
    grids: &Grids,
) -> Result<wire::Bar, UnknownInstrument> {
    let grid = grids.get(event.instrument)?;
    Ok(wire::Bar {
        instrument: u32::from(event.instrument.0),
        // The end of what it covers, and not when it was heard of.
        time: event.venue_time.0,
        interval: bar.interval.0,
        open: grid.price(bar.open),
        high: grid.price(bar.high),
        low: grid.price(bar.low),
        close: grid.price(bar.close),
        volume: grid.quantity(bar.volume),
        history,
    })
}

/// Fills `columns`, whose memory is used again for every event.
pub(crate) fn fill_depth(
    columns: &mut wire::Depth,
    view: &DepthView,
    grids: &Grids,
) -> Result<(), UnknownInstrument> {
    let grid = grids.get(view.instrument)?;
    columns.instrument = u32::from(view.instrument.0);
    columns.time = view.time.0;
    columns.price_scale = grid.price_scale();
    columns.quantity_scale = grid.quantity_scale();
    for (levels, prices, quantities) in [
        (&view.bids, &mut columns.bid_prices, &mut columns.bid_quantities),
        (&view.asks, &mut columns.ask_prices, &mut columns.ask_quantities),
    ] {
        prices.clear();
        quantities.clear();
        prices.extend(levels.iter().map(|(price, _)| price.0));
        quantities.extend(levels.iter().map(|(_, quantity)| quantity.0));
    }
    Ok(())
}

pub(crate) fn order_update(
    update: &OrderUpdate,
    grids: &Grids,
) -> Result<wire::OrderUpdate, UnknownInstrument> {
    let grid = grids.get(update.instrument)?;
    Ok(wire::OrderUpdate {
        time: update.time.0,
        tag: update.tag.0,
        instrument: u32::from(update.instrument.0),
        side: side(update.side),
        event: order_event(&update.kind, grid),
        quantity: grid.quantity(update.quantity),
        filled: grid.quantity(update.filled),
        closed: update.closed,
    })
}

fn order_event(kind: &OrderUpdateKind, grid: Grid) -> wire::OrderEvent {
    match kind {
        OrderUpdateKind::Accepted => wire::OrderEvent::Accepted,
        OrderUpdateKind::Denied(code) => wire::OrderEvent::Denied(denial(*code)),
        OrderUpdateKind::Rejected(words) => wire::OrderEvent::Rejected(cut(words)),
        OrderUpdateKind::Triggered => wire::OrderEvent::Triggered,
        OrderUpdateKind::Amended => wire::OrderEvent::Amended,
        OrderUpdateKind::ChangeDenied(code) => wire::OrderEvent::ChangeRefused(denial(*code)),
        OrderUpdateKind::ChangeRejected(words) => wire::OrderEvent::ChangeRefused(wire::Denial {
            code: CHANGE_REJECTED_CODE,
            message: cut(words),
        }),
        OrderUpdateKind::Filled(it) => wire::OrderEvent::Filled(fill(it, grid)),
        OrderUpdateKind::Canceled => wire::OrderEvent::Canceled,
        OrderUpdateKind::Expired => wire::OrderEvent::Expired,
        OrderUpdateKind::Unknown => wire::OrderEvent::Unknown,
    }
}

fn denial(code: DenialCode) -> wire::Denial {
    wire::Denial { code: code as u16, message: code.message().to_owned() }
}

/// A venue's words within the contract's bound.
fn cut(words: &str) -> String {
    let end = words.floor_char_boundary(WORDS_BYTES_MAX);
    words[..end].to_owned()
}

fn fill(fill: &Fill, grid: Grid) -> wire::Fill {
    wire::Fill {
        trade_id: fill.trade_id.0.to_string(),
        price: grid.price(fill.price),
        quantity: grid.quantity(fill.quantity),
        fee: money(fill.fee),
        liquidity: if fill.maker { wire::Liquidity::Maker } else { wire::Liquidity::Taker },
    }
}

const fn side(side: Side) -> wire::Side {
    match side {
        Side::Buy => wire::Side::Buy,
        Side::Sell => wire::Side::Sell,
    }
}

pub(crate) fn position(
    view: &PositionView,
    grids: &Grids,
) -> Result<wire::Position, UnknownInstrument> {
    let grid = grids.get(view.instrument)?;
    Ok(wire::Position {
        instrument: u32::from(view.instrument.0),
        time: view.time.0,
        quantity: grid.quantity(view.quantity),
        entry_price: grids.entry_price(view)?,
        realized_pnl: money(view.realized_pnl),
    })
}

pub(crate) fn budget(view: &BudgetView) -> wire::Budget {
    wire::Budget {
        time: view.time.0,
        balance: money(view.balance),
        equity: money(view.equity),
        fees: money(view.fees),
    }
}

pub(crate) const fn trading_state(state: TradingState) -> wire::TradingState {
    match state {
        TradingState::Active => wire::TradingState::Active,
        TradingState::Reducing => wire::TradingState::Reducing,
        TradingState::Halted => wire::TradingState::Halted,
    }
}

pub(crate) fn open_order(
    view: &OpenOrderView,
    grids: &Grids,
) -> Result<wire::OpenOrder, UnknownInstrument> {
    let grid = grids.get(view.instrument)?;
    Ok(wire::OpenOrder {
        tag: view.tag.0,
        instrument: u32::from(view.instrument.0),
        side: side(view.side),
        kind: match view.kind {
            OrderKind::Market => wire::OrderKind::Market,
            OrderKind::Limit(limit) => wire::OrderKind::Limit(grid.price(limit)),
            OrderKind::Stop(trigger) => wire::OrderKind::Stop(grid.price(trigger)),
            OrderKind::StopLimit { trigger, limit } => {
                wire::OrderKind::StopLimit(wire::StopLimit {
                    trigger: grid.price(trigger),
                    limit: grid.price(limit),
                })
            }
            OrderKind::TakeProfit(trigger) => wire::OrderKind::TakeProfit(grid.price(trigger)),
            OrderKind::TrailingStop(TrailingOffset::Price(distance)) => {
                wire::OrderKind::TrailingStop(wire::TrailingOffset::Price(grid.price(distance)))
            }
            OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)) => {
                wire::OrderKind::TrailingStop(wire::TrailingOffset::BasisPoints(u32::from(points)))
            }
        },
        quantity: grid.quantity(view.quantity),
        filled: grid.quantity(view.filled),
        reduce_only: view.reduce_only,
    })
}
