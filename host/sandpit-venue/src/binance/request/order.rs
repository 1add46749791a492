//! Orders as the venue takes them.

use sandpit_core::{ids::ClientOrderId, market::Side, num::Decimal};

use super::{
    CancelReplaceMode, CancelRestriction, OrderOptions, RateLimitExceededMode, RequestError, Tif,
};
use crate::binance::{
    client_id,
    sign::{Params, Value},
};

/// Largest distance of a trailing trigger in hundredths of a percent. Symbols may allow less.
///
/// Source: the venue's "Trailing Stop FAQ": the delta is in basis points.
const TRAILING_DELTA_MAX: u64 = 10_000;

/// When a conditional order becomes active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The last price reaches this.
    Price(Decimal),
    /// The last price comes back so many hundredths of a percent from its best.
    Trailing(u16),
    /// Trailing starts once the last price reaches this.
    TrailingFrom {
        /// Where it starts.
        price: Decimal,
        /// Hundredths of a percent.
        delta: u16,
    },
}

impl Trigger {
    /// The price at which it becomes active or starts to trail.
    #[must_use]
    pub const fn price(self) -> Option<Decimal> {
        match self {
            Self::Price(price) | Self::TrailingFrom { price, .. } => Some(price),
            Self::Trailing(_) => None,
        }
    }

    /// Hundredths of a percent that it trails.
    #[must_use]
    pub const fn delta(self) -> Option<u16> {
        match self {
            Self::Trailing(delta) | Self::TrailingFrom { delta, .. } => Some(delta),
            Self::Price(_) => None,
        }
    }
}

/// Type of an order with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the venue's documents call them")]
pub enum NewOrderKind {
    /// At this price or better.
    Limit { price: Decimal, time_in_force: Tif },
    /// At this price, only as maker.
    LimitMaker { price: Decimal },
    /// At once at any price.
    Market,
    /// Market once triggered from the losing side.
    StopLoss { trigger: Trigger },
    /// Limit once triggered from the losing side.
    StopLossLimit { trigger: Trigger, price: Decimal, time_in_force: Tif },
    /// Market once triggered from the winning side.
    TakeProfit { trigger: Trigger },
    /// Limit once triggered from the winning side.
    TakeProfitLimit { trigger: Trigger, price: Decimal, time_in_force: Tif },
}

impl NewOrderKind {
    /// The venue's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Limit { .. } => "LIMIT",
            Self::LimitMaker { .. } => "LIMIT_MAKER",
            Self::Market => "MARKET",
            Self::StopLoss { .. } => "STOP_LOSS",
            Self::StopLossLimit { .. } => "STOP_LOSS_LIMIT",
            Self::TakeProfit { .. } => "TAKE_PROFIT",
            Self::TakeProfitLimit { .. } => "TAKE_PROFIT_LIMIT",
        }
    }

    /// Limit price.
    #[must_use]
    pub const fn price(self) -> Option<Decimal> {
        match self {
            Self::Limit { price, .. }
            | Self::LimitMaker { price }
            | Self::StopLossLimit { price, .. }
            | Self::TakeProfitLimit { price, .. } => Some(price),
            Self::Market | Self::StopLoss { .. } | Self::TakeProfit { .. } => None,
        }
    }

    /// Trigger.
    #[must_use]
    pub const fn trigger(self) -> Option<Trigger> {
        match self {
            Self::StopLoss { trigger }
            | Self::StopLossLimit { trigger, .. }
            | Self::TakeProfit { trigger }
            | Self::TakeProfitLimit { trigger, .. } => Some(trigger),
            Self::Limit { .. } | Self::LimitMaker { .. } | Self::Market => None,
        }
    }

    /// How long it works, where that is said.
    #[must_use]
    pub const fn time_in_force(self) -> Option<Tif> {
        match self {
            Self::Limit { time_in_force, .. }
            | Self::StopLossLimit { time_in_force, .. }
            | Self::TakeProfitLimit { time_in_force, .. } => Some(time_in_force),
            Self::LimitMaker { .. }
            | Self::Market
            | Self::StopLoss { .. }
            | Self::TakeProfit { .. } => None,
        }
    }
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So much of the base asset.
    Base(Decimal),
    /// For so much of the quote asset; market orders only.
    Quote(Decimal),
}

/// A new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Side.
    pub side: Side,
    /// Type.
    pub kind: NewOrderKind,
    /// How much.
    pub size: Size,
    /// How much of it is shown; `None` for all.
    pub iceberg: Option<Decimal>,
    /// Our name of it.
    pub client_id: ClientOrderId,
    /// What does not change what it is.
    pub options: OrderOptions,
}

pub(super) const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

pub(super) fn positive(field: &'static str, number: Decimal) -> Result<Decimal, RequestError> {
    if number.mantissa > 0 {
        Ok(number.normalized())
    } else {
        Err(RequestError::NotPositive { field })
    }
}

/// Names of the parameters of one order: alone, or as part of a list.
pub(super) struct Names {
    pub(super) kind: &'static str,
    pub(super) client_id: &'static str,
    pub(super) price: &'static str,
    pub(super) stop_price: &'static str,
    pub(super) trailing_delta: &'static str,
    pub(super) time_in_force: &'static str,
}

const ALONE: Names = Names {
    kind: "type",
    client_id: "newClientOrderId",
    price: "price",
    stop_price: "stopPrice",
    trailing_delta: "trailingDelta",
    time_in_force: "timeInForce",
};

/// Writes type, id and prices of an order.
pub(super) fn push_kind(
    params: &mut Params<'_>,
    names: &Names,
    kind: NewOrderKind,
    id: ClientOrderId,
) -> Result<(), RequestError> {
    if !client_id::fits(id) {
        return Err(RequestError::LongClientId(id));
    }
    params.push(names.kind, Value::Word(kind.word()));
    params.push(names.client_id, Value::Id(id));
    if let Some(price) = kind.price() {
        params.push(names.price, Value::Decimal(positive("price", price)?));
    }
    if let Some(trigger) = kind.trigger() {
        if let Some(price) = trigger.price() {
            params.push(names.stop_price, Value::Decimal(positive("stop price", price)?));
        }
        if let Some(delta) = trigger.delta() {
            let (value, max) = (u64::from(delta), TRAILING_DELTA_MAX);
            if !(1..=max).contains(&value) {
                let field = "trailing delta";
                return Err(RequestError::OutOfRange { field, value, min: 1, max });
            }
            params.push(names.trailing_delta, Value::Number(value));
        }
    }
    if let Some(time_in_force) = kind.time_in_force() {
        params.push(names.time_in_force, Value::Word(time_in_force.word()));
    }
    Ok(())
}

impl<'a> NewOrder<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.push("symbol", Value::Text(self.symbol));
        params.push("side", Value::Word(side_word(self.side)));
        push_kind(params, &ALONE, self.kind, self.client_id)?;
        match self.size {
            Size::Base(quantity) => {
                params.push("quantity", Value::Decimal(positive("quantity", quantity)?));
            }
            Size::Quote(amount) if self.kind == NewOrderKind::Market => {
                params.push("quoteOrderQty", Value::Decimal(positive("quote quantity", amount)?));
            }
            Size::Quote(_) => {
                let what = "only market orders can be sized in the quote asset";
                return Err(RequestError::Unsupported { what });
            }
        }
        if let Some(shown) = self.iceberg {
            let gtc = matches!(self.kind.time_in_force(), Some(Tif::Gtc))
                || matches!(self.kind, NewOrderKind::LimitMaker { .. });
            if !gtc {
                let what = "only orders with a limit, good till canceled, can be icebergs";
                return Err(RequestError::Unsupported { what });
            }
            params.push("icebergQty", Value::Decimal(positive("iceberg quantity", shown)?));
        }
        self.options.push(params);
        Ok(())
    }
}

/// Which order is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRef {
    /// By the venue's number, which finds it fastest.
    Venue(u64),
    /// By our own name, which is all there is before the venue has answered.
    Client(ClientOrderId),
}

impl OrderRef {
    pub(super) fn push(self, params: &mut Params<'_>, venue: &'static str, client: &'static str) {
        match self {
            Self::Venue(id) => params.push(venue, Value::Number(id)),
            Self::Client(id) => params.push(client, Value::Id(id)),
        }
    }
}

/// The end of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Which.
    pub order: OrderRef,
    /// Only if it stands so.
    pub restriction: Option<CancelRestriction>,
}

impl<'a> Cancel<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) {
        params.push("symbol", Value::Text(self.symbol));
        self.order.push(params, "orderId", "origClientOrderId");
        let restriction = self.restriction.map(|restriction| Value::Word(restriction.word()));
        params.push_some("cancelRestrictions", restriction);
    }
}

/// The end of an order, and a new one on the same symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelReplace<'a> {
    /// What ends.
    pub cancel: OrderRef,
    /// What comes.
    pub new: NewOrder<'a>,
    /// What happens where the cancel fails.
    pub mode: CancelReplaceMode,
    /// What happens where the count of orders is used up; the venue's own way where `None`.
    pub when_limited: Option<RateLimitExceededMode>,
}

impl<'a> CancelReplace<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.new.push(params)?;
        params.push("cancelReplaceMode", Value::Word(self.mode.word()));
        self.cancel.push(params, "cancelOrderId", "cancelOrigClientOrderId");
        let when_limited = self.when_limited.map(|mode| Value::Word(mode.word()));
        params.push_some("orderRateLimitExceededMode", when_limited);
        Ok(())
    }
}

/// Less of an order, which keeps its place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmendKeepPriority<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Which.
    pub order: OrderRef,
    /// Total quantity from now on, less than before.
    pub new_quantity: Decimal,
    /// Its name from now on. The venue makes one up where none is sent; the old one may be kept.
    pub client_id: ClientOrderId,
}

impl<'a> AmendKeepPriority<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        if !client_id::fits(self.client_id) {
            return Err(RequestError::LongClientId(self.client_id));
        }
        params.push("symbol", Value::Text(self.symbol));
        self.order.push(params, "orderId", "origClientOrderId");
        params.push("newClientOrderId", Value::Id(self.client_id));
        params.push("newQty", Value::Decimal(positive("quantity", self.new_quantity)?));
        Ok(())
    }
}
