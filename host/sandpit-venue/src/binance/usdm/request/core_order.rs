//! From the core's orders to requests. What comes out has been approved by risk, and its numbers
//! are on the instrument's grid.

use sandpit_core::{
    engine::{AmendOrder, Amends, TrailingStops, VenueCapabilities},
    instrument::Instrument,
    intent::TimeInForce,
    num::{Decimal, Price, Quantity},
    order::{Order, OrderKind, TrailingOffset},
};

use super::{
    Lifetime, Modify, New, NewAlgo, NewAlgoKind, NewOrder, NewOrderKind, OrderOptions, OrderRef,
    Request, Tif,
};
use crate::binance::request::{RequestError, price_on_grid, quantity_on_grid};

/// What of an order futures keep by themselves.
///
/// Trailing stops know distances in tenths of a percent, from 0.1 to 10. Amend is off although limit
/// orders can be changed: conditional ones cannot, and the core asks for changes of all orders or
/// none; a change is a cancel and a new order then. Good till a time is off although there is such a
/// thing: it has to be ten minutes away. The pairs of the exchange's pages are not in its API.
pub const CAPABILITIES: VenueCapabilities = VenueCapabilities {
    stop: true,
    stop_limit: true,
    take_profit: true,
    trailing_stop: TrailingStops::BasisPoints { min: 10, max: 1_000, step: 10 },
    amend: Amends::None,
    reduce_only: true,
    gtd: false,
    ioc: true,
    fok: true,
    market_fok: false,
    post_only: true,
    oco: false,
    locks_balance: false,
    cancel_all: true,
    self_trade_prevention: true,
    dead_man_switch: true,
};

/// An order as a request: of the matching engine, or of the algo service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// Of the matching engine.
    Engine(NewOrder<'a>),
    /// Of the algo service.
    Algo(NewAlgo<'a>),
}

impl<'a> Asked<'a> {
    /// As a request.
    #[must_use]
    pub const fn request(self) -> Request<'a> {
        match self {
            Self::Engine(order) => Request::Place(order),
            Self::Algo(order) => Request::PlaceAlgo(order),
        }
    }
}

fn lifetime(time_in_force: TimeInForce) -> Lifetime {
    match time_in_force {
        TimeInForce::Gtc => Lifetime::Tif(Tif::Gtc),
        TimeInForce::Ioc => Lifetime::Tif(Tif::Ioc),
        TimeInForce::Fok => Lifetime::Tif(Tif::Fok),
        TimeInForce::Gtd(until) => Lifetime::Until(until.0 / 1_000_000),
    }
}

/// Hundredths of a percent as tenths, where they are whole tenths.
fn tenths(points: u16) -> Result<u16, RequestError> {
    if points.is_multiple_of(10) {
        Ok(points / 10)
    } else {
        let what = "the venue's trailing stops follow at whole tenths of a percent";
        Err(RequestError::Unsupported { what })
    }
}

fn algo_kind(order: &Order, instrument: &Instrument) -> Result<Option<NewAlgoKind>, RequestError> {
    let price = |field, price: Price| price_on_grid(instrument, field, price);
    Ok(Some(match order.kind {
        OrderKind::Market | OrderKind::Limit(_) => return Ok(None),
        OrderKind::Stop(at) => NewAlgoKind::StopMarket { trigger: price("trigger", at)? },
        OrderKind::StopLimit { trigger, limit } => NewAlgoKind::Stop {
            trigger: price("trigger", trigger)?,
            price: price("price", limit)?,
            lifetime: lifetime(order.time_in_force),
        },
        OrderKind::TakeProfit(at) => {
            NewAlgoKind::TakeProfitMarket { trigger: price("trigger", at)? }
        }
        OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)) => {
            NewAlgoKind::TrailingStop { callback_tenths: tenths(points)? }
        }
        OrderKind::TrailingStop(TrailingOffset::Price(_)) => {
            let what =
                "the venue's trailing stops follow at a share of the price, not at a distance";
            return Err(RequestError::Unsupported { what });
        }
    }))
}

fn engine_kind(order: &Order, instrument: &Instrument) -> Result<NewOrderKind, RequestError> {
    let OrderKind::Limit(limit) = order.kind else {
        return Ok(NewOrderKind::Market);
    };
    let price = price_on_grid(instrument, "price", limit)?;
    let lifetime = match (order.post_only, lifetime(order.time_in_force)) {
        (false, lifetime) => lifetime,
        (true, Lifetime::Tif(Tif::Gtc)) => Lifetime::Tif(Tif::Gtx),
        (true, _) => {
            let what = "an order that only makes must be good till canceled";
            return Err(RequestError::Unsupported { what });
        }
    };
    Ok(NewOrderKind::Limit { price, lifetime })
}

/// The request for an order.
///
/// # Errors
/// A number off the grid, or something that futures do not have.
pub fn new_order<'a>(
    order: &Order,
    instrument: &'a Instrument,
    options: OrderOptions,
) -> Result<Asked<'a>, RequestError> {
    let quantity = quantity_on_grid(instrument, order.quantity)?;
    let symbol = instrument.spec().symbol.as_str();
    if order.post_only && !matches!(order.kind, OrderKind::Limit(_)) {
        return Err(RequestError::Unsupported { what: "only a limit order can only make" });
    }
    Ok(match algo_kind(order, instrument)? {
        Some(kind) => Asked::Algo(with(order, symbol, quantity, kind, options)),
        None => {
            let kind = engine_kind(order, instrument)?;
            Asked::Engine(with(order, symbol, quantity, kind, options))
        }
    })
}

const fn with<'a, K: Copy>(
    order: &Order,
    symbol: &'a str,
    quantity: Decimal,
    kind: K,
    options: OrderOptions,
) -> New<'a, K> {
    New {
        symbol,
        side: order.side,
        kind,
        quantity,
        reduce_only: order.reduce_only,
        client_id: order.id,
        options,
    }
}

/// The request for a change of a limit order. The venue wants price and quantity, so that what does
/// not change comes from `now`: the order as it is.
///
/// # Errors
/// A conditional order, or a number off the grid.
pub fn amend<'a>(
    change: &AmendOrder,
    now: &Order,
    instrument: &'a Instrument,
) -> Result<Request<'a>, RequestError> {
    let OrderKind::Limit(limit) = now.kind else {
        let what = "the venue changes limit orders and no others";
        return Err(RequestError::Unsupported { what });
    };
    let quantity: Quantity = change.quantity.unwrap_or(now.quantity);
    Ok(Request::Modify(Modify {
        symbol: &instrument.spec().symbol,
        order: OrderRef::Client(change.order),
        side: now.side,
        quantity: quantity_on_grid(instrument, quantity)?,
        price: price_on_grid(instrument, "price", change.price.unwrap_or(limit))?,
    }))
}
