//! From the core's orders to requests. What comes out has been approved by risk, and its numbers
//! are on the instrument's grid.

use sandpit_core::{
    engine::{AmendOrder, Amends, CancelOrder, QueryOrder, TrailingStops, VenueCapabilities},
    instrument::Instrument,
    intent::TimeInForce,
    market::Side,
    num::{Decimal, Price, Quantity},
    order::{Order, OrderKind, TrailingOffset},
    risk::Approved,
};

use super::{
    AmendKeepPriority, Cancel, NewOco, NewOrder, NewOrderKind, NewOtoco, OrderRef, Pair, Request,
    RequestError, ResponseType, SelfTradePrevention, Size, Tif, Trigger,
};
use crate::binance::sign::{Params, Value};

/// What of an order Binance Spot keeps by itself.
///
/// Trailing stops follow at a share of the price, within the bounds that most symbols have
/// (`TRAILING_DELTA`: 10 to 2,000 hundredths of a percent). In place an order only becomes smaller
/// ([`amend`]). Nothing is reduce-only on spot, nothing is good till a time, no market order is
/// filled whole or killed, and a working sell locks what it sells: pairs (OCO) serve brackets.
pub const CAPABILITIES: VenueCapabilities = VenueCapabilities {
    stop: true,
    stop_limit: true,
    take_profit: true,
    trailing_stop: TrailingStops::BasisPoints { min: 10, max: 2_000, step: 1 },
    amend: Amends::SmallerQuantity,
    reduce_only: false,
    gtd: false,
    ioc: true,
    fok: true,
    market_fok: false,
    post_only: true,
    oco: true,
    locks_balance: true,
    cancel_all: true,
    self_trade_prevention: true,
    dead_man_switch: false,
};

/// What goes with an order and does not change what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderOptions {
    /// How much the venue answers.
    pub response: ResponseType,
    /// What happens where it would trade with one of the same account; the symbol's own way where
    /// `None`.
    pub self_trade_prevention: Option<SelfTradePrevention>,
}

impl Default for OrderOptions {
    /// Fills in the answer; the symbol's own self-trade prevention.
    fn default() -> Self {
        Self { response: ResponseType::Full, self_trade_prevention: None }
    }
}

impl OrderOptions {
    pub(super) fn push(self, params: &mut Params<'_>) {
        params.push("newOrderRespType", Value::Word(self.response.word()));
        let prevention = self.self_trade_prevention.map(|mode| Value::Word(mode.word()));
        params.push_some("selfTradePreventionMode", prevention);
    }
}

pub(in crate::binance) fn price_on_grid(
    instrument: &Instrument,
    field: &'static str,
    price: Price,
) -> Result<Decimal, RequestError> {
    let on_grid =
        price.0 > 0 && price.0 <= Instrument::PRICE_MAX && price.0 % instrument.price_tick().0 == 0;
    on_grid
        .then(|| instrument.price_decimal(price).normalized())
        .ok_or_else(|| off_grid(instrument, field, price.0))
}

pub(in crate::binance) fn quantity_on_grid(
    instrument: &Instrument,
    quantity: Quantity,
) -> Result<Decimal, RequestError> {
    let on_grid = quantity.0 > 0
        && quantity.0 <= Instrument::QUANTITY_MAX
        && quantity.0 % instrument.quantity_step().0 == 0;
    on_grid
        .then(|| instrument.quantity_decimal(quantity).normalized())
        .ok_or_else(|| off_grid(instrument, "quantity", quantity.0))
}

fn off_grid(instrument: &Instrument, field: &'static str, raw: i64) -> RequestError {
    RequestError::OffGrid { field, raw, symbol: instrument.spec().symbol.clone() }
}

fn time_in_force(time_in_force: TimeInForce) -> Result<Tif, RequestError> {
    match time_in_force {
        TimeInForce::Gtc => Ok(Tif::Gtc),
        TimeInForce::Ioc => Ok(Tif::Ioc),
        TimeInForce::Fok => Ok(Tif::Fok),
        TimeInForce::Gtd(_) => {
            Err(RequestError::Unsupported { what: "the venue has no orders good till a time" })
        }
    }
}

fn kind(order: &Order, instrument: &Instrument) -> Result<NewOrderKind, RequestError> {
    let price = |field, price| price_on_grid(instrument, field, price);
    let trigger = |at| price("stop price", at).map(Trigger::Price);
    let kind = match order.kind {
        OrderKind::Market => NewOrderKind::Market,
        OrderKind::Limit(limit) if order.post_only => {
            if time_in_force(order.time_in_force)? != Tif::Gtc {
                let what = "an order that only makes must be good till canceled";
                return Err(RequestError::Unsupported { what });
            }
            NewOrderKind::LimitMaker { price: price("price", limit)? }
        }
        OrderKind::Limit(limit) => NewOrderKind::Limit {
            price: price("price", limit)?,
            time_in_force: time_in_force(order.time_in_force)?,
        },
        OrderKind::Stop(at) => NewOrderKind::StopLoss { trigger: trigger(at)? },
        OrderKind::StopLimit { trigger: at, limit } => NewOrderKind::StopLossLimit {
            trigger: trigger(at)?,
            price: price("price", limit)?,
            time_in_force: time_in_force(order.time_in_force)?,
        },
        OrderKind::TakeProfit(at) => NewOrderKind::TakeProfit { trigger: trigger(at)? },
        OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)) => {
            NewOrderKind::StopLoss { trigger: Trigger::Trailing(points) }
        }
        OrderKind::TrailingStop(TrailingOffset::Price(_)) => {
            let what =
                "the venue's trailing stops follow at a share of the price, not at a distance";
            return Err(RequestError::Unsupported { what });
        }
    };
    if order.post_only && !matches!(kind, NewOrderKind::LimitMaker { .. }) {
        return Err(RequestError::Unsupported { what: "only a limit order can only make" });
    }
    Ok(kind)
}

impl<'a> NewOrder<'a> {
    /// The request for an order that risk approved.
    ///
    /// Reduce-only has no word here: the host holds the order to its plugin's position before it
    /// lets it go, since [`CAPABILITIES`] says that this venue cannot.
    ///
    /// # Errors
    /// A number off the grid, or something that the venue does not have.
    pub fn approved(
        order: &Approved<Order>,
        instrument: &'a Instrument,
        options: OrderOptions,
    ) -> Result<Self, RequestError> {
        Self::of(order.get(), instrument, options)
    }

    pub(super) fn of(
        order: &Order,
        instrument: &'a Instrument,
        options: OrderOptions,
    ) -> Result<Self, RequestError> {
        Ok(Self {
            symbol: &instrument.spec().symbol,
            side: order.side,
            kind: kind(order, instrument)?,
            size: Size::Base(quantity_on_grid(instrument, order.quantity)?),
            iceberg: None,
            client_id: order.id,
            options,
        })
    }
}

impl Pair {
    /// A stop and a take-profit of one position, as the core's bracket makes them.
    fn of(stop: &Order, profit: &Order, instrument: &Instrument) -> Result<Self, RequestError> {
        if stop.side != profit.side || stop.quantity != profit.quantity {
            let what = "the two orders of a pair have one side and one quantity";
            return Err(RequestError::Unsupported { what });
        }
        let profit_kind = match profit.kind {
            // Far from the market it can only make.
            OrderKind::Limit(limit) => {
                NewOrderKind::LimitMaker { price: price_on_grid(instrument, "price", limit)? }
            }
            _ => kind(profit, instrument)?,
        };
        let stop_leg = (kind(stop, instrument)?, stop.id);
        let profit_leg = (profit_kind, profit.id);
        let (above, below) = match stop.side {
            Side::Sell => (profit_leg, stop_leg),
            Side::Buy => (stop_leg, profit_leg),
        };
        let quantity = quantity_on_grid(instrument, stop.quantity)?;
        Ok(Self { side: stop.side, quantity, above, below })
    }
}

impl<'a> NewOco<'a> {
    /// The request for a stop and a take-profit that risk approved, of which one ends the other.
    /// The list is named as its stop is.
    ///
    /// # Errors
    /// A number off the grid, or orders that make no pair.
    pub fn approved(
        stop: &Approved<Order>,
        profit: &Approved<Order>,
        instrument: &'a Instrument,
        options: OrderOptions,
    ) -> Result<Self, RequestError> {
        Self::of(stop.get(), profit.get(), instrument, options)
    }

    pub(super) fn of(
        stop: &Order,
        profit: &Order,
        instrument: &'a Instrument,
        options: OrderOptions,
    ) -> Result<Self, RequestError> {
        let pair = Pair::of(stop, profit, instrument)?;
        Ok(Self { symbol: &instrument.spec().symbol, list_id: stop.id, pair, options })
    }
}

impl<'a> NewOtoco<'a> {
    /// The request for an entry with its exits that risk approved. The list is named as its entry
    /// is. The exits are placed once the entry is filled whole; until then a part that is filled
    /// has no stop.
    ///
    /// # Errors
    /// A number off the grid, or orders that make no such list.
    pub fn approved(
        entry: &Approved<Order>,
        stop: &Approved<Order>,
        profit: &Approved<Order>,
        instrument: &'a Instrument,
        options: OrderOptions,
    ) -> Result<Self, RequestError> {
        Self::of(entry.get(), (stop.get(), profit.get()), instrument, options)
    }

    pub(super) fn of(
        entry: &Order,
        (stop, profit): (&Order, &Order),
        instrument: &'a Instrument,
        options: OrderOptions,
    ) -> Result<Self, RequestError> {
        Ok(Self {
            symbol: &instrument.spec().symbol,
            list_id: entry.id,
            side: entry.side,
            quantity: quantity_on_grid(instrument, entry.quantity)?,
            working: (kind(entry, instrument)?, entry.id),
            pending: Pair::of(stop, profit, instrument)?,
            options,
        })
    }
}

/// The request for a change that risk approved, where the venue can make it in place: a smaller
/// quantity and nothing else. The order keeps its name.
///
/// # Errors
/// A change of the price, or a quantity off the grid. Whether it is smaller than before, the venue
/// decides (−2038).
pub fn amend<'a>(
    change: &Approved<AmendOrder>,
    instrument: &'a Instrument,
) -> Result<Request<'a>, RequestError> {
    amend_of(change.get(), instrument)
}

pub(super) fn amend_of<'a>(
    change: &AmendOrder,
    instrument: &'a Instrument,
) -> Result<Request<'a>, RequestError> {
    let (None, Some(quantity)) = (change.price, change.quantity) else {
        let what = "in place the venue changes the quantity and nothing else";
        return Err(RequestError::Unsupported { what });
    };
    Ok(Request::Amend(AmendKeepPriority {
        symbol: &instrument.spec().symbol,
        order: OrderRef::Client(change.order),
        new_quantity: quantity_on_grid(instrument, quantity)?,
        client_id: change.order,
    }))
}

/// The request for the end of an order.
#[must_use]
pub fn cancel<'a>(cancel: &CancelOrder, instrument: &'a Instrument) -> Request<'a> {
    Request::Cancel(Cancel {
        symbol: &instrument.spec().symbol,
        order: OrderRef::Client(cancel.order),
        restriction: None,
    })
}

/// The request that asks where an order stands.
#[must_use]
pub fn query<'a>(query: &QueryOrder, instrument: &'a Instrument) -> Request<'a> {
    Request::OrderStatus(&instrument.spec().symbol, OrderRef::Client(query.order))
}
