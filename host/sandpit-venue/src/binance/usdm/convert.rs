//! From messages to the core's terms. Fees, numbers and errors as on Spot.
//!
//! **Conditional orders** are one order to the core and two to the venue: the algo service's, and
//! once it is triggered the matching engine's, which has the same name. The first `NEW` of the
//! second is the core's `Triggered`. What the engine refuses when the trigger is reached was
//! accepted before, so that it is `Canceled` here.
//!
//! **Positions that the venue closes** (liquidation, deleveraging, settlement, delivery) belong to
//! the account: which plugin's part was closed is not said, and guessing would book one plugin's loss
//! on another. No report is made of them; they show as the account's position beside ours, and a
//! person is told.

use sandpit_core::{
    engine::{AccountFill, ExternalOrder, VenueOrder, VenueOrderState},
    ids::{ClientOrderId, InstrumentId, VenueOrderId},
    instrument::Instrument,
    market::Side,
    num::Quantity,
    order::{OrderKind, Report, ReportKind, TrailingOffset},
    time::UnixNanos,
    venue::FeePaid,
};

use super::{
    response::{AlgoRecord, AlgoUpdate, OrderRecord, OrderUpdate, PositionRecord, UserTrade},
    words::{AlgoStatus, ExecutionType, OrderStatus, OrderType, PositionSide, TimeInForce},
};
use crate::binance::{
    decimal,
    response::{ConvertError, Desk, FillParts, fill_of, is_zero, price_of, quantity_of},
    time::time,
    words::OrderSide,
};

/// How the names of orders begin by which the venue itself closes positions.
const CLOSERS: [&str; 4] =
    ["autoclose-", "adl_autoclose", "settlement_autoclose-", "delivery_autoclose-"];

/// The reason of an end that says that a conditional order made way for the order it triggered.
const TRIGGERED_REASON: &str = "8";

/// What a message says about one of our orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// In their order.
    pub reports: Vec<Report>,
    /// Fees as they were paid.
    pub fees_paid: Vec<FeePaid>,
}

fn stamp(stamp: i64) -> Result<UnixNanos, ConvertError> {
    time(stamp).ok_or(ConvertError::Time { stamp })
}

fn find<'d>(
    desk: &'d dyn Desk,
    symbol: &str,
) -> Result<(InstrumentId, &'d Instrument), ConvertError> {
    desk.instrument(symbol).ok_or_else(|| ConvertError::symbol(symbol))
}

fn side(side: &OrderSide) -> Result<Side, ConvertError> {
    side.side().ok_or_else(|| ConvertError::Word { field: "side", word: side.to_string() })
}

fn paid(order: ClientOrderId, filled: &crate::binance::response::VenueFill) -> Option<FeePaid> {
    filled.fee_paid.as_ref().map(|fee| FeePaid {
        order,
        trade_id: filled.fill.trade_id,
        asset: fee.asset.clone(),
        amount: fee.amount.to_string(),
    })
}

impl OrderUpdate<'_> {
    /// Whether the venue closes a position with it.
    #[must_use]
    pub fn closes_by_the_venue(&self) -> bool {
        CLOSERS.iter().any(|name| self.client_order_id.starts_with(name))
            || self.order_type == OrderType::Liquidation
    }

    /// Whether it is about one side of a hedged position.
    #[must_use]
    pub fn is_hedged(&self) -> bool {
        matches!(self.position_side, Some(PositionSide::Long | PositionSide::Short))
    }

    /// What it says about our order `order`, which waited for a trigger first where `conditional`.
    ///
    /// # Errors
    /// See [`ConvertError`].
    pub fn to_news(
        &self,
        order: ClientOrderId,
        conditional: bool,
        desk: &dyn Desk,
    ) -> Result<News, ConvertError> {
        let (_, instrument) = find(desk, &self.symbol)?;
        let at = stamp(self.time)?;
        let mut news = News::default();
        let mut tell = |kind| news.reports.push(Report { order, time: at, kind });
        let waits =
            conditional || self.original_type.as_ref().is_some_and(OrderType::is_conditional);
        match &self.execution_type {
            ExecutionType::New => {
                tell(ReportKind::Accepted(VenueOrderId(self.order_id)));
                if waits {
                    tell(ReportKind::Triggered);
                }
            }
            ExecutionType::Trade | ExecutionType::Calculated => {
                if quantity_of(instrument, "quantity of a fill", self.last_quantity)?
                    != Quantity::ZERO
                {
                    let parts = FillParts {
                        trade_id: self.trade_id,
                        price: self.last_price,
                        quantity: self.last_quantity,
                        commission: self.commission.unwrap_or("0"),
                        asset: self.commission_asset.as_deref(),
                        maker: self.is_maker,
                    };
                    let filled = fill_of(desk, instrument, &parts)?;
                    tell(ReportKind::Filled(filled.fill));
                    news.fees_paid.extend(paid(order, &filled));
                }
            }
            ExecutionType::Canceled => tell(ReportKind::Canceled),
            // It made way for the order that it triggered.
            ExecutionType::Expired if waits && self.expiry_reason == Some(TRIGGERED_REASON) => {}
            ExecutionType::Expired => tell(ended(&self.time_in_force)),
            ExecutionType::Amendment => tell(ReportKind::Amended {
                quantity: quantity_of(instrument, "quantity", self.quantity)?,
                kind: OrderKind::Limit(price_of(instrument, "limit price", self.price)?),
            }),
            ExecutionType::Other(word) => {
                let field = "execution type";
                return Err(ConvertError::Word { field, word: word.to_string() });
            }
        }
        if self.execution_type == ExecutionType::Trade
            && matches!(self.status, OrderStatus::Canceled | OrderStatus::ExpiredInMatch)
        {
            news.reports.push(Report { order, time: at, kind: ReportKind::Canceled });
        }
        Ok(news)
    }
}

/// What ends by itself: by its time, or by the rules of its type.
const fn ended(time_in_force: &TimeInForce) -> ReportKind {
    match time_in_force {
        TimeInForce::Gtd => ReportKind::Expired,
        _ => ReportKind::Canceled,
    }
}

impl AlgoUpdate<'_> {
    /// What it says about our order `order`.
    ///
    /// # Errors
    /// See [`ConvertError`].
    pub fn to_news(&self, order: ClientOrderId) -> Result<News, ConvertError> {
        let at = stamp(self.time)?;
        let kind = match &self.status {
            AlgoStatus::New => ReportKind::Accepted(VenueOrderId(self.algo_id)),
            AlgoStatus::Triggered => ReportKind::Triggered,
            AlgoStatus::Canceled | AlgoStatus::Rejected => ReportKind::Canceled,
            AlgoStatus::Expired => ended(&self.time_in_force),
            // What comes of it is told by the engine's order.
            AlgoStatus::Triggering | AlgoStatus::Finished => return Ok(News::default()),
            AlgoStatus::Other(word) => {
                let field = "status of a conditional order";
                return Err(ConvertError::Word { field, word: word.to_string() });
            }
        };
        let reports = vec![Report { order, time: at, kind }];
        Ok(News { reports, fees_paid: Vec::new() })
    }
}

/// The core's kind of an order of the matching engine.
fn engine_kind(
    record: &OrderRecord<'_>,
    instrument: &Instrument,
) -> Result<OrderKind, ConvertError> {
    match record.order_type {
        OrderType::Market | OrderType::Liquidation => Ok(OrderKind::Market),
        OrderType::Limit => {
            Ok(OrderKind::Limit(price_of(instrument, "limit price", record.price)?))
        }
        _ => Err(ConvertError::Kind { order_type: record.order_type.to_string() }),
    }
}

/// The core's kind of a conditional order.
///
/// # Errors
/// See [`ConvertError`].
pub fn algo_kind(
    record: &AlgoRecord<'_>,
    instrument: &Instrument,
) -> Result<OrderKind, ConvertError> {
    let trigger = || price_of(instrument, "trigger", record.trigger_price);
    match record.order_type {
        OrderType::StopMarket => Ok(OrderKind::Stop(trigger()?)),
        OrderType::TakeProfitMarket => Ok(OrderKind::TakeProfit(trigger()?)),
        OrderType::Stop => Ok(OrderKind::StopLimit {
            trigger: trigger()?,
            limit: price_of(instrument, "limit price", record.price)?,
        }),
        OrderType::TrailingStopMarket => {
            let points = decimal(record.callback_rate)
                .ok()
                .and_then(|percent| percent.at_scale(2))
                .and_then(|points| u16::try_from(points).ok())
                .filter(|points| *points > 0);
            let offset = points.map(TrailingOffset::BasisPoints);
            let unknown = || ConvertError::Kind { order_type: record.order_type.to_string() };
            Ok(OrderKind::TrailingStop(offset.ok_or_else(unknown)?))
        }
        _ => Err(ConvertError::Kind { order_type: record.order_type.to_string() }),
    }
}

fn engine_state(record: &OrderRecord<'_>, waited: bool) -> Result<VenueOrderState, ConvertError> {
    Ok(match &record.status {
        OrderStatus::New | OrderStatus::PartiallyFilled if waited => VenueOrderState::Triggered,
        OrderStatus::New
        | OrderStatus::PartiallyFilled
        | OrderStatus::NewInsurance
        | OrderStatus::NewAdl => VenueOrderState::Working,
        OrderStatus::Filled => VenueOrderState::Filled,
        OrderStatus::Canceled | OrderStatus::ExpiredInMatch => VenueOrderState::Canceled,
        OrderStatus::Expired if record.time_in_force == TimeInForce::Gtd => {
            VenueOrderState::Expired
        }
        OrderStatus::Expired => VenueOrderState::Canceled,
        OrderStatus::Rejected => VenueOrderState::Rejected,
        OrderStatus::Other(word) => {
            return Err(ConvertError::Word { field: "status", word: word.to_string() });
        }
    })
}

/// One of our orders as the matching engine has it, with all its fills. `waited` is what it was
/// before its trigger was reached, where it waited for one. `trades` may hold those of others, too;
/// those of this one must make up what is filled, else [`ConvertError::Fills`]: the two answers are
/// of different moments, and have to be asked for again.
///
/// # Errors
/// See [`ConvertError`].
pub fn engine_order(
    order: ClientOrderId,
    record: &OrderRecord<'_>,
    waited: Option<OrderKind>,
    trades: &[UserTrade<'_>],
    desk: &dyn Desk,
) -> Result<(VenueOrder, Vec<FeePaid>), ConvertError> {
    let (id, instrument) = find(desk, &record.symbol)?;
    let executed = quantity_of(instrument, "filled quantity", record.executed_qty)?;
    let (mut fills, mut fees) = (Vec::new(), Vec::new());
    for trade in trades {
        if trade.order_id == record.order_id && trade.symbol == record.symbol {
            let filled = fill_of(desk, instrument, &parts(trade))?;
            fills.push((filled.fill, stamp(trade.time)?));
            fees.extend(paid(order, &filled));
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
    let venue_order = VenueOrder {
        order,
        instrument: id,
        venue_id: VenueOrderId(record.order_id),
        state: engine_state(record, waited.is_some())?,
        quantity: quantity_of(instrument, "quantity", record.orig_qty)?,
        kind: waited.map_or_else(|| engine_kind(record, instrument), Ok)?,
        fills,
    };
    Ok((venue_order, fees))
}

/// One of our orders that the algo service has, and the matching engine has not (yet).
///
/// # Errors
/// See [`ConvertError`].
pub fn algo_order(
    order: ClientOrderId,
    record: &AlgoRecord<'_>,
    desk: &dyn Desk,
) -> Result<VenueOrder, ConvertError> {
    let (id, instrument) = find(desk, &record.symbol)?;
    let state = match &record.algo_status {
        AlgoStatus::New | AlgoStatus::Triggering | AlgoStatus::Triggered => {
            VenueOrderState::Working
        }
        AlgoStatus::Expired if record.time_in_force == Some(TimeInForce::Gtd) => {
            VenueOrderState::Expired
        }
        AlgoStatus::Canceled
        | AlgoStatus::Rejected
        | AlgoStatus::Expired
        | AlgoStatus::Finished => VenueOrderState::Canceled,
        AlgoStatus::Other(word) => {
            return Err(ConvertError::Word { field: "status", word: word.to_string() });
        }
    };
    Ok(VenueOrder {
        order,
        instrument: id,
        venue_id: VenueOrderId(record.algo_id),
        state,
        quantity: quantity_of(instrument, "quantity", record.quantity)?,
        kind: algo_kind(record, instrument)?,
        fills: Vec::new(),
    })
}

const fn unknown_left(what: &'static str) -> ConvertError {
    ConvertError::Contradiction { what }
}

/// An open order of the matching engine that is not ours.
///
/// # Errors
/// See [`ConvertError`].
pub fn external_order(
    record: &OrderRecord<'_>,
    desk: &dyn Desk,
) -> Result<ExternalOrder, ConvertError> {
    let (instrument, rules) = find(desk, &record.symbol)?;
    let total = quantity_of(rules, "quantity", record.orig_qty)?;
    let executed = quantity_of(rules, "filled quantity", record.executed_qty)?;
    if executed > total {
        return Err(unknown_left("more is filled than there was"));
    }
    Ok(ExternalOrder { instrument, side: side(&record.side)?, remaining: total - executed })
}

/// A conditional order that waits and is not ours. One that closes the whole position has no
/// quantity of its own, and only shrinks: nothing is left out of it that could grow a position.
///
/// # Errors
/// See [`ConvertError`].
pub fn external_algo(
    record: &AlgoRecord<'_>,
    desk: &dyn Desk,
) -> Result<ExternalOrder, ConvertError> {
    let (instrument, rules) = find(desk, &record.symbol)?;
    let remaining = if is_zero(Some(record.quantity).filter(|text| !text.is_empty())) {
        Quantity::ZERO
    } else {
        quantity_of(rules, "quantity", record.quantity)?
    };
    Ok(ExternalOrder { instrument, side: side(&record.side)?, remaining })
}

fn parts<'a>(trade: &'a UserTrade<'a>) -> FillParts<'a> {
    FillParts {
        trade_id: trade.id,
        price: trade.price,
        quantity: trade.qty,
        commission: trade.commission,
        asset: Some(trade.commission_asset.as_str()),
        maker: trade.maker,
    }
}

/// An execution of the account. The venue tells the order's number and not its name, so the caller
/// says whose it is.
///
/// # Errors
/// See [`ConvertError`].
pub fn account_fill(
    trade: &UserTrade<'_>,
    order: Option<ClientOrderId>,
    desk: &dyn Desk,
) -> Result<AccountFill, ConvertError> {
    let (instrument, rules) = find(desk, &trade.symbol)?;
    let filled = fill_of(desk, rules, &parts(trade))?;
    let side = if trade.buyer { Side::Buy } else { Side::Sell };
    Ok(AccountFill { order, instrument, side, fill: filled.fill, time: stamp(trade.time)? })
}

/// Net positions of the instruments that are known. The account must be in one-way mode.
///
/// # Errors
/// A position of hedge mode, or a number off the grid.
pub fn positions(
    records: &[PositionRecord<'_>],
    desk: &dyn Desk,
) -> Result<Vec<(InstrumentId, Quantity)>, ConvertError> {
    let mut positions = Vec::new();
    for record in records {
        let Some((id, instrument)) = desk.instrument(&record.symbol) else { continue };
        let (negative, text) = match record.position_amt.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, record.position_amt),
        };
        let size = quantity_of(instrument, "position", text)?;
        if size.is_zero() {
            continue;
        }
        if record.position_side != PositionSide::Both {
            return Err(unknown_left("a position of hedge mode"));
        }
        positions.push((id, if negative { Quantity(-size.0) } else { size }));
    }
    Ok(positions)
}
