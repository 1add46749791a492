//! Intents on the wire: 0 to 7 in the order of the contract.

use sandpit_core::{
    ids::{OrderTag, TimerId},
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TargetPosition, TimeInForce, WishedOffset},
    market::Side,
    time::{Nanos, UnixNanos},
};

use super::{Reader, WireError, Writer};

pub(super) fn put_side(out: &mut Writer, side: Side) {
    out.bool(side == Side::Sell);
}

pub(super) fn side(from: &mut Reader<'_>) -> Result<Side, WireError> {
    Ok(if from.bool("a side")? { Side::Sell } else { Side::Buy })
}

pub(crate) fn put_intent(out: &mut Writer, intent: &Intent) {
    match intent {
        Intent::Place(it) => {
            out.u8(0);
            put_place(out, it);
        }
        Intent::Amend(it) => {
            out.u8(1);
            out.u64(it.tag.0);
            out.option(it.quantity, Writer::decimal);
            out.option(it.price, Writer::decimal);
        }
        Intent::Cancel(tag) => {
            out.u8(2);
            out.u64(tag.0);
        }
        Intent::CancelAll(instrument) => {
            out.u8(3);
            out.option(*instrument, Writer::u32);
        }
        Intent::TargetPosition(it) => {
            out.u8(4);
            out.u64(it.tag.0);
            out.u32(it.instrument);
            out.decimal(it.quantity);
            out.option(it.limit, Writer::decimal);
        }
        Intent::Bracket(it) => {
            out.u8(5);
            put_place(out, &it.entry);
            out.u64(it.stop_loss_tag.0);
            out.decimal(it.stop_loss);
            out.u64(it.take_profit_tag.0);
            out.decimal(it.take_profit);
        }
        Intent::SetTimer { id, at, every } => {
            out.u8(6);
            out.u32(id.0);
            out.u64(at.0);
            out.option(*every, |out, every: Nanos| out.u64(every.0));
        }
        Intent::CancelTimer(id) => {
            out.u8(7);
            out.u32(id.0);
        }
    }
}

pub(super) fn intent(from: &mut Reader<'_>) -> Result<Intent, WireError> {
    Ok(match from.u8()? {
        0 => Intent::Place(place(from)?),
        1 => Intent::Amend(Amend {
            tag: OrderTag(from.u64()?),
            quantity: from.option("a quantity", Reader::decimal)?,
            price: from.option("a price", Reader::decimal)?,
        }),
        2 => Intent::Cancel(OrderTag(from.u64()?)),
        3 => Intent::CancelAll(from.option("an instrument", Reader::u32)?),
        4 => Intent::TargetPosition(TargetPosition {
            tag: OrderTag(from.u64()?),
            instrument: from.u32()?,
            quantity: from.decimal()?,
            limit: from.option("a limit", Reader::decimal)?,
        }),
        5 => Intent::Bracket(Bracket {
            entry: place(from)?,
            stop_loss_tag: OrderTag(from.u64()?),
            stop_loss: from.decimal()?,
            take_profit_tag: OrderTag(from.u64()?),
            take_profit: from.decimal()?,
        }),
        6 => Intent::SetTimer {
            id: TimerId(from.u32()?),
            at: UnixNanos(from.u64()?),
            every: from.option("a period", Reader::u64)?.map(Nanos),
        },
        7 => Intent::CancelTimer(TimerId(from.u32()?)),
        value => return Err(WireError::Tag { what: "an intent", value }),
    })
}

fn put_place(out: &mut Writer, place: &Place) {
    out.u64(place.tag.0);
    out.u32(place.instrument);
    put_side(out, place.side);
    out.decimal(place.quantity);
    match place.kind {
        PlaceKind::Market => out.u8(0),
        PlaceKind::Limit(limit) => {
            out.u8(1);
            out.decimal(limit);
        }
        PlaceKind::Stop(trigger) => {
            out.u8(2);
            out.decimal(trigger);
        }
        PlaceKind::StopLimit { trigger, limit } => {
            out.u8(3);
            out.decimal(trigger);
            out.decimal(limit);
        }
        PlaceKind::TakeProfit(trigger) => {
            out.u8(4);
            out.decimal(trigger);
        }
        PlaceKind::TrailingStop(WishedOffset::Price(distance)) => {
            out.u8(5);
            out.decimal(distance);
        }
        PlaceKind::TrailingStop(WishedOffset::BasisPoints(points)) => {
            out.u8(6);
            out.u32(points);
        }
    }
    match place.time_in_force {
        TimeInForce::Gtc => out.u8(0),
        TimeInForce::Ioc => out.u8(1),
        TimeInForce::Fok => out.u8(2),
        TimeInForce::Gtd(until) => {
            out.u8(3);
            out.u64(until.0);
        }
    }
    out.bool(place.post_only);
    out.bool(place.reduce_only);
}

fn place(from: &mut Reader<'_>) -> Result<Place, WireError> {
    Ok(Place {
        tag: OrderTag(from.u64()?),
        instrument: from.u32()?,
        side: side(from)?,
        quantity: from.decimal()?,
        kind: match from.u8()? {
            0 => PlaceKind::Market,
            1 => PlaceKind::Limit(from.decimal()?),
            2 => PlaceKind::Stop(from.decimal()?),
            3 => PlaceKind::StopLimit { trigger: from.decimal()?, limit: from.decimal()? },
            4 => PlaceKind::TakeProfit(from.decimal()?),
            5 => PlaceKind::TrailingStop(WishedOffset::Price(from.decimal()?)),
            6 => PlaceKind::TrailingStop(WishedOffset::BasisPoints(from.u32()?)),
            value => return Err(WireError::Tag { what: "a kind of order", value }),
        },
        time_in_force: match from.u8()? {
            0 => TimeInForce::Gtc,
            1 => TimeInForce::Ioc,
            2 => TimeInForce::Fok,
            3 => TimeInForce::Gtd(UnixNanos(from.u64()?)),
            value => return Err(WireError::Tag { what: "a time in force", value }),
        },
        post_only: from.bool("post-only")?,
        reduce_only: from.bool("reduce-only")?,
    })
}
