//! The form of a wish: are its numbers numbers of this instrument, and is it an order at all?
//! Knows rules and prices, but no limits.

use crate::{
    instrument::Instrument,
    intent::{Place, PlaceKind, TimeInForce, WishedOffset},
    market::{MarketState, Side},
    num::{Decimal, Price, Quantity},
    order::{OrderKind, TrailingOffset},
    risk::Denial,
    time::UnixNanos,
};

/// What happens to a price that is not a multiple of the tick. A quantity is never changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffTick {
    /// The intent is denied.
    #[default]
    Deny,
    /// The price is moved to the tick on the side that is never worse for the account: down for a
    /// buy's limit, up for a sell's. A trigger moves away from the market: up for a buy stop.
    Round,
}

/// The price-independent part of an order, on the instrument's grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Formed {
    pub(crate) quantity: Quantity,
    pub(crate) kind: OrderKind,
}

/// Checks a wish against the rules of its instrument.
pub(crate) fn form(
    place: &Place,
    instrument: &Instrument,
    market: &MarketState,
    off_tick: OffTick,
    now: UnixNanos,
) -> Result<Formed, Denial> {
    let quantity = form_quantity(place.quantity, instrument)?;
    let kind = form_kind(place.kind, place.side, instrument, off_tick)?;
    check_time_in_force(place, kind, now)?;
    let mark = market.mark();
    if mark.is_none() && kind.limit().is_none() {
        return Err(Denial::NoMarketPrice);
    }
    check_trigger(kind, place.side, mark)?;
    check_min_notional(kind, quantity, place.reduce_only, mark, instrument)?;
    Ok(Formed { quantity, kind })
}

/// Puts a quantity on the grid, within the instrument's bounds.
pub(crate) fn form_quantity(wished: Decimal, instrument: &Instrument) -> Result<Quantity, Denial> {
    let quantity = instrument.quantity(wished).ok_or(Denial::BadNumber(wished))?;
    if quantity <= Quantity::ZERO {
        return Err(Denial::QuantityNotPositive(quantity));
    }
    if quantity.0 % instrument.quantity_step().0 != 0 {
        return Err(Denial::QuantityOffStep(quantity));
    }
    if quantity < instrument.min_quantity() {
        return Err(Denial::QuantityBelowMin(quantity));
    }
    if quantity > instrument.max_quantity() {
        return Err(Denial::QuantityAboveMax(quantity));
    }
    Ok(quantity)
}

/// Which way an off-tick price moves when the operator lets it.
#[derive(Clone, Copy)]
enum Toward {
    Down,
    Up,
}

/// Puts a limit price on the tick.
pub(crate) fn form_limit(
    wished: Decimal,
    side: Side,
    instrument: &Instrument,
    off_tick: OffTick,
) -> Result<Price, Denial> {
    let toward = match side {
        Side::Buy => Toward::Down,
        Side::Sell => Toward::Up,
    };
    form_price(wished, toward, instrument, off_tick)
}

/// Puts a trigger on the tick; `rising` is a trigger reached from below.
pub(crate) fn form_trigger(
    wished: Decimal,
    rising: bool,
    instrument: &Instrument,
    off_tick: OffTick,
) -> Result<Price, Denial> {
    let toward = if rising { Toward::Up } else { Toward::Down };
    form_price(wished, toward, instrument, off_tick)
}

fn form_price(
    wished: Decimal,
    toward: Toward,
    instrument: &Instrument,
    off_tick: OffTick,
) -> Result<Price, Denial> {
    let tick = instrument.price_tick();
    let price = match (instrument.price(wished), off_tick) {
        (Some(price), _) if price.0 % tick.0 == 0 => price,
        (None, OffTick::Deny) => return Err(Denial::BadNumber(wished)),
        (Some(price), OffTick::Deny) => return Err(Denial::PriceOffTick(price)),
        (_, OffTick::Round) => {
            let floor = instrument.price_floor(wished).ok_or(Denial::BadNumber(wished))?;
            match toward {
                Toward::Down => floor,
                Toward::Up => Price(floor.0 + tick.0),
            }
        }
    };
    if price.0 <= 0 {
        return Err(Denial::PriceNotPositive(price));
    }
    Ok(price)
}

fn form_kind(
    wished: PlaceKind,
    side: Side,
    instrument: &Instrument,
    off_tick: OffTick,
) -> Result<OrderKind, Denial> {
    let limit = |price| form_limit(price, side, instrument, off_tick);
    let buy = side == Side::Buy;
    Ok(match wished {
        PlaceKind::Market => OrderKind::Market,
        PlaceKind::Limit(price) => OrderKind::Limit(limit(price)?),
        PlaceKind::Stop(trigger) => {
            OrderKind::Stop(form_trigger(trigger, buy, instrument, off_tick)?)
        }
        PlaceKind::StopLimit { trigger, limit: price } => OrderKind::StopLimit {
            trigger: form_trigger(trigger, buy, instrument, off_tick)?,
            limit: limit(price)?,
        },
        PlaceKind::TakeProfit(trigger) => {
            OrderKind::TakeProfit(form_trigger(trigger, !buy, instrument, off_tick)?)
        }
        PlaceKind::TrailingStop(offset) => {
            OrderKind::TrailingStop(form_offset(offset, instrument)?)
        }
    })
}

fn form_offset(wished: WishedOffset, instrument: &Instrument) -> Result<TrailingOffset, Denial> {
    match wished {
        WishedOffset::Price(distance) => instrument
            .price(distance)
            .filter(|price| price.0 > 0 && price.0 % instrument.price_tick().0 == 0)
            .map(TrailingOffset::Price)
            .ok_or(Denial::TrailingOffsetInvalid),
        WishedOffset::BasisPoints(points) => u16::try_from(points)
            .ok()
            .filter(|points| (1..=9_999).contains(points))
            .map(TrailingOffset::BasisPoints)
            .ok_or(Denial::TrailingOffsetInvalid),
    }
}

fn check_time_in_force(place: &Place, kind: OrderKind, now: UnixNanos) -> Result<(), Denial> {
    let may_rest = matches!(place.time_in_force, TimeInForce::Gtc | TimeInForce::Gtd(_));
    if place.post_only && !(may_rest && matches!(kind, OrderKind::Limit(_))) {
        return Err(Denial::PostOnlyNotResting);
    }
    match place.time_in_force {
        TimeInForce::Gtd(until) if until <= now => Err(Denial::TimeInForceInvalid),
        // What waits for a trigger cannot be immediate.
        TimeInForce::Ioc | TimeInForce::Fok if kind.is_conditional() => {
            Err(Denial::TimeInForceInvalid)
        }
        _ => Ok(()),
    }
}

/// A stop that the market has passed would trade at once, which is not what a stop asks for.
fn check_trigger(kind: OrderKind, side: Side, mark: Option<Price>) -> Result<(), Denial> {
    let (Some(trigger), Some(mark)) = (kind.trigger(), mark) else {
        return Ok(());
    };
    let rising = (side == Side::Buy) != matches!(kind, OrderKind::TakeProfit(_));
    let passed = if rising { mark >= trigger } else { mark <= trigger };
    if passed { Err(Denial::TriggerPassed(trigger)) } else { Ok(()) }
}

/// Reduce-only orders are exempt: what is left of a position may be worth less than the minimum.
fn check_min_notional(
    kind: OrderKind,
    quantity: Quantity,
    reduce_only: bool,
    mark: Option<Price>,
    instrument: &Instrument,
) -> Result<(), Denial> {
    let Some(price) = reference_price(kind, mark) else {
        return Err(Denial::NoMarketPrice);
    };
    let notional = instrument.notional(price, quantity).ok_or(Denial::NumberOverflow)?;
    if !reduce_only && notional < instrument.min_notional() {
        return Err(Denial::NotionalBelowMin(notional));
    }
    Ok(())
}

/// The price at which an order is valued before it has traded: its limit, else its trigger, else
/// the mark.
pub(crate) fn reference_price(kind: OrderKind, mark: Option<Price>) -> Option<Price> {
    kind.limit().or(kind.trigger()).or(mark)
}
