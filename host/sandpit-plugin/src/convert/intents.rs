//! Intents on their way from a guest: hostile.

use sandpit_core::{
    ids::{OrderTag, TimerId},
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TargetPosition, TimeInForce, WishedOffset},
    market::Side,
    num::{Decimal, SCALE_MAX},
    time::{Nanos, UnixNanos},
};

use crate::bindings::sandpit::strategy::types as wire;

/// What a guest handed over breaks the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// More than 18 digits after the point.
    #[error("a decimal has scale {0}, {SCALE_MAX} is the largest")]
    Scale(u8),
    /// A text that is too long.
    #[error("{what} has {bytes} bytes, {limit} are allowed")]
    Length {
        /// Which text.
        what: &'static str,
        /// How long.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
}

pub(crate) const fn core_decimal(decimal: wire::Decimal) -> Result<Decimal, Malformed> {
    if decimal.scale > SCALE_MAX {
        return Err(Malformed::Scale(decimal.scale));
    }
    Ok(Decimal::new(decimal.mantissa, decimal.scale))
}

fn optional(decimal: Option<wire::Decimal>) -> Result<Option<Decimal>, Malformed> {
    decimal.map(core_decimal).transpose()
}

pub(crate) fn intent(intent: wire::Intent) -> Result<Intent, Malformed> {
    Ok(match intent {
        wire::Intent::Place(it) => Intent::Place(place(it)?),
        wire::Intent::Amend(it) => Intent::Amend(Amend {
            tag: OrderTag(it.tag),
            quantity: optional(it.quantity)?,
            price: optional(it.price)?,
        }),
        wire::Intent::Cancel(tag) => Intent::Cancel(OrderTag(tag)),
        wire::Intent::CancelAll(instrument) => Intent::CancelAll(instrument),
        wire::Intent::TargetPosition(it) => Intent::TargetPosition(TargetPosition {
            tag: OrderTag(it.tag),
            instrument: it.instrument,
            quantity: core_decimal(it.quantity)?,
            limit: optional(it.limit)?,
        }),
        wire::Intent::Bracket(it) => Intent::Bracket(Bracket {
            entry: place(it.entry)?,
            stop_loss_tag: OrderTag(it.stop_loss_tag),
            stop_loss: core_decimal(it.stop_loss)?,
            take_profit_tag: OrderTag(it.take_profit_tag),
            take_profit: core_decimal(it.take_profit)?,
        }),
        wire::Intent::SetTimer(it) => Intent::SetTimer {
            id: TimerId(it.id),
            at: UnixNanos(it.at),
            every: it.every.map(Nanos),
        },
        wire::Intent::CancelTimer(id) => Intent::CancelTimer(TimerId(id)),
    })
}

fn place(place: wire::Place) -> Result<Place, Malformed> {
    Ok(Place {
        tag: OrderTag(place.tag),
        instrument: place.instrument,
        side: match place.side {
            wire::Side::Buy => Side::Buy,
            wire::Side::Sell => Side::Sell,
        },
        quantity: core_decimal(place.quantity)?,
        kind: match place.kind {
            wire::OrderKind::Market => PlaceKind::Market,
            wire::OrderKind::Limit(limit) => PlaceKind::Limit(core_decimal(limit)?),
            wire::OrderKind::Stop(trigger) => PlaceKind::Stop(core_decimal(trigger)?),
            wire::OrderKind::StopLimit(it) => PlaceKind::StopLimit {
                trigger: core_decimal(it.trigger)?,
                limit: core_decimal(it.limit)?,
            },
            wire::OrderKind::TakeProfit(trigger) => PlaceKind::TakeProfit(core_decimal(trigger)?),
            wire::OrderKind::TrailingStop(wire::TrailingOffset::Price(distance)) => {
                PlaceKind::TrailingStop(WishedOffset::Price(core_decimal(distance)?))
            }
            wire::OrderKind::TrailingStop(wire::TrailingOffset::BasisPoints(points)) => {
                PlaceKind::TrailingStop(WishedOffset::BasisPoints(points))
            }
        },
        time_in_force: match place.time_in_force {
            wire::TimeInForce::Gtc => TimeInForce::Gtc,
            wire::TimeInForce::Ioc => TimeInForce::Ioc,
            wire::TimeInForce::Fok => TimeInForce::Fok,
            wire::TimeInForce::Gtd(until) => TimeInForce::Gtd(UnixNanos(until)),
        },
        post_only: place.post_only,
        reduce_only: place.reduce_only,
    })
}
