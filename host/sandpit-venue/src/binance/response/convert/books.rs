//! The venue's books of the account, as the parts of a snapshot.

use sandpit_core::{
    engine::{AccountFill, ExternalOrder, VenueOrder, VenueOrderState},
    ids::{ClientOrderId, InstrumentId, VenueOrderId},
    instrument::{Instrument, InstrumentKind},
    market::Side,
    num::Quantity,
};

use super::{
    ConvertError, Desk, FeePaid, FillParts, VenueFill, amount_of, fill_of, is_zero, kind_of,
    quantity_of, total_of,
};
use crate::binance::{
    client_id,
    number::Amount,
    response::{AccountAnswer, OrderRecord, TradeRecord},
    time::time,
    words::OrderStatus,
};

fn find<'d>(
    desk: &'d dyn Desk,
    symbol: &str,
) -> Result<(InstrumentId, &'d Instrument), ConvertError> {
    desk.instrument(symbol).ok_or_else(|| ConvertError::symbol(symbol))
}

fn fill(
    desk: &dyn Desk,
    instrument: &Instrument,
    trade: &TradeRecord<'_>,
) -> Result<VenueFill, ConvertError> {
    let parts = FillParts {
        trade_id: trade.id,
        price: trade.price,
        quantity: trade.qty,
        commission: trade.commission,
        asset: Some(&trade.commission_asset),
        maker: trade.is_maker,
    };
    fill_of(desk, instrument, &parts)
}

fn state(record: &OrderRecord<'_>) -> Result<VenueOrderState, ConvertError> {
    Ok(match &record.status {
        OrderStatus::New
        | OrderStatus::PendingNew
        | OrderStatus::PartiallyFilled
        | OrderStatus::PendingCancel => {
            if record.order_type.is_conditional() && record.is_working {
                VenueOrderState::Triggered
            } else {
                VenueOrderState::Working
            }
        }
        OrderStatus::Filled => VenueOrderState::Filled,
        OrderStatus::Canceled | OrderStatus::Expired | OrderStatus::ExpiredInMatch => {
            VenueOrderState::Canceled
        }
        OrderStatus::Rejected => VenueOrderState::Rejected,
        OrderStatus::Other(word) => {
            return Err(ConvertError::Word { field: "status", word: word.to_string() });
        }
    })
}

/// One of our orders with all its fills, and their fees as they were paid; `None` where it is
/// somebody else's. `trades` may hold those of other orders, too; those of this one must make up
/// what is filled, else [`ConvertError::Fills`]: the two answers are of different moments, and have
/// to be asked for again.
///
/// # Errors
/// See [`ConvertError`].
pub fn venue_order(
    record: &OrderRecord<'_>,
    trades: &[TradeRecord<'_>],
    desk: &dyn Desk,
) -> Result<Option<(VenueOrder, Vec<FeePaid>)>, ConvertError> {
    let Some(order) = client_id::parse(&record.client_order_id) else {
        return Ok(None);
    };
    let (id, instrument) = find(desk, &record.symbol)?;
    let executed = quantity_of(instrument, "filled quantity", record.executed_qty)?;
    let (mut fills, mut fees) = (Vec::new(), Vec::new());
    for trade in trades {
        if trade.order_id == record.order_id && trade.symbol == record.symbol {
            let filled = fill(desk, instrument, trade)?;
            let time = time(trade.time).ok_or(ConvertError::Time { stamp: trade.time })?;
            fills.push((filled.fill, time));
            fees.extend(filled.fee_paid);
        }
    }
    fills.sort_by_key(|(fill, _)| fill.trade_id);
    fills.dedup_by_key(|(fill, _)| fill.trade_id);
    let found = fills
        .iter()
        .try_fold(0i64, |sum, (fill, _)| sum.checked_add(fill.quantity.0))
        .unwrap_or(i64::MAX);
    if found != executed.0 {
        return Err(ConvertError::Fills { executed: executed.0, found });
    }
    let kind = kind_of(
        instrument,
        &record.order_type,
        Some(record.price),
        record.stop_price,
        record.trailing_delta,
    )?;
    let venue_order = VenueOrder {
        order,
        instrument: id,
        venue_id: VenueOrderId(record.order_id),
        state: state(record)?,
        quantity: total_of(instrument, record.orig_qty, record.prevented_quantity)?,
        kind,
        fills,
    };
    Ok(Some((venue_order, fees)))
}

/// An open order that is not ours.
///
/// # Errors
/// See [`ConvertError`].
pub fn external_order(
    record: &OrderRecord<'_>,
    desk: &dyn Desk,
) -> Result<ExternalOrder, ConvertError> {
    let (instrument, rules) = find(desk, &record.symbol)?;
    let side = record
        .side
        .side()
        .ok_or_else(|| ConvertError::Word { field: "side", word: record.side.to_string() })?;
    let total = total_of(rules, record.orig_qty, record.prevented_quantity)?;
    let executed = quantity_of(rules, "filled quantity", record.executed_qty)?;
    if executed > total {
        let what = "more is filled than there was";
        return Err(ConvertError::Contradiction { what });
    }
    Ok(ExternalOrder { instrument, side, remaining: total - executed })
}

/// An execution of the account. The venue tells the order's number and not its name, so the caller
/// says whose it is.
///
/// # Errors
/// See [`ConvertError`].
pub fn account_fill(
    trade: &TradeRecord<'_>,
    order: Option<ClientOrderId>,
    desk: &dyn Desk,
) -> Result<(AccountFill, Option<FeePaid>), ConvertError> {
    let (instrument, rules) = find(desk, &trade.symbol)?;
    let filled = fill(desk, rules, trade)?;
    let time = time(trade.time).ok_or(ConvertError::Time { stamp: trade.time })?;
    let side = if trade.is_buyer { Side::Buy } else { Side::Sell };
    let fill = AccountFill { order, instrument, side, fill: filled.fill, time };
    Ok((fill, filled.fee_paid))
}

/// Positions of an account: on spot, what it has of each instrument's base asset, free or held by
/// orders. What is finer than an instrument's quantities is left out: it cannot be sold.
///
/// # Errors
/// An amount that is no number, or an asset that is the base of several instruments and of which
/// the account has some.
pub fn positions(
    account: &AccountAnswer<'_>,
    instruments: &[(InstrumentId, &Instrument)],
) -> Result<Vec<(InstrumentId, Quantity)>, ConvertError> {
    let mut positions = Vec::new();
    for balance in &account.balances {
        if is_zero(Some(balance.free)) && is_zero(Some(balance.locked)) {
            continue;
        }
        let mut holders = instruments.iter().filter(|(_, instrument)| {
            let spec = instrument.spec();
            spec.kind == InstrumentKind::Spot && spec.base == balance.asset.as_str()
        });
        let Some((id, instrument)) = holders.next() else {
            continue;
        };
        if holders.next().is_some() {
            return Err(ConvertError::SharedBase { asset: balance.asset.to_string() });
        }
        let free = amount_of("free balance", balance.free)?;
        let locked = amount_of("locked balance", balance.locked)?;
        let unit = 10i128.pow(u32::from(Amount::SCALE - instrument.quantity_scale()));
        let raw = i64::try_from((free.0 + locked.0).div_euclid(unit))
            .ok()
            .filter(|raw| raw.unsigned_abs() <= Instrument::QUANTITY_MAX.unsigned_abs())
            .ok_or_else(|| ConvertError::TooLarge {
                field: "balance",
                text: balance.free.to_owned(),
            })?;
        if raw != 0 {
            positions.push((*id, Quantity(raw)));
        }
    }
    Ok(positions)
}
