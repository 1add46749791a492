//! Orders as futures take them: those of the matching engine, and conditional ones of the algo
//! service, which are other requests with other names of the same things.

use sandpit_core::{ids::ClientOrderId, market::Side, num::Decimal};

use super::{ResponseType, SelfTradePrevention, Tif, WorkingType};
use crate::binance::{
    client_id,
    request::RequestError,
    sign::{Params, Value},
};

/// Least distance of a trailing stop, in tenths of a percent.
pub const CALLBACK_TENTHS_MIN: u16 = 1;
/// Largest distance of a trailing stop, in tenths of a percent: 10 %.
///
/// Source: the document "New Algo Order". The change log of 2026-10-23 says 20 %; what one of the
/// two documents refuses is not sent.
pub const CALLBACK_TENTHS_MAX: u16 = 100;

/// How long an order works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Without a time.
    Tif(Tif),
    /// Until this moment, in milliseconds; the venue keeps its full seconds.
    Until(u64),
}

impl Lifetime {
    fn push(self, params: &mut Params<'_>) {
        match self {
            Self::Tif(tif) => params.push("timeInForce", Value::Word(tif.word())),
            Self::Until(ms) => {
                params.push("timeInForce", Value::Word("GTD"));
                params.push("goodTillDate", Value::Number(ms));
            }
        }
    }
}

/// Type of an order of the matching engine, with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewOrderKind {
    /// At this price or better.
    Limit {
        /// The price.
        price: Decimal,
        /// How long.
        lifetime: Lifetime,
    },
    /// At once at any price.
    Market,
}

/// Type of a conditional order, with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewAlgoKind {
    /// Limit once triggered from the losing side.
    Stop {
        /// Trigger.
        trigger: Decimal,
        /// Limit.
        price: Decimal,
        /// How long the limit order works.
        lifetime: Lifetime,
    },
    /// Market once triggered from the losing side.
    StopMarket {
        /// Trigger.
        trigger: Decimal,
    },
    /// Limit once triggered from the winning side.
    TakeProfit {
        /// Trigger.
        trigger: Decimal,
        /// Limit.
        price: Decimal,
        /// How long the limit order works.
        lifetime: Lifetime,
    },
    /// Market once triggered from the winning side.
    TakeProfitMarket {
        /// Trigger.
        trigger: Decimal,
    },
    /// A stop that follows the price from now on.
    TrailingStop {
        /// Distance in tenths of a percent, [`CALLBACK_TENTHS_MIN`] to [`CALLBACK_TENTHS_MAX`].
        callback_tenths: u16,
    },
}

/// What goes with an order and does not change what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderOptions {
    /// How much the venue answers.
    pub response: ResponseType,
    /// What a trigger is compared with; the last price where `None`.
    pub working: Option<WorkingType>,
    /// What happens where it would trade with one of the same account; the venue's own way where
    /// `None` (the older one ends).
    pub self_trade_prevention: Option<SelfTradePrevention>,
}

impl Default for OrderOptions {
    /// Where it stands in the answer; triggers at the last price; the venue's own self-trade
    /// prevention.
    fn default() -> Self {
        Self { response: ResponseType::Result, working: None, self_trade_prevention: None }
    }
}

/// A new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct New<'a, K> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Side.
    pub side: Side,
    /// Type.
    pub kind: K,
    /// How much of the base asset.
    pub quantity: Decimal,
    /// Only to shrink the position.
    pub reduce_only: bool,
    /// Our name of it.
    pub client_id: ClientOrderId,
    /// What does not change what it is.
    pub options: OrderOptions,
}

/// A new order of the matching engine.
pub type NewOrder<'a> = New<'a, NewOrderKind>;
/// A new conditional order.
pub type NewAlgo<'a> = New<'a, NewAlgoKind>;

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

impl<'a, K> New<'a, K> {
    fn push_common(
        &self,
        params: &mut Params<'a>,
        word: &'static str,
        id: &'static str,
    ) -> Result<(), RequestError> {
        if !client_id::fits(self.client_id) {
            return Err(RequestError::LongClientId(self.client_id));
        }
        params.push("symbol", Value::Text(self.symbol));
        params.push("side", Value::Word(side_word(self.side)));
        params.push("type", Value::Word(word));
        params.push(id, Value::Id(self.client_id));
        params.push("quantity", Value::Decimal(positive("quantity", self.quantity)?));
        if self.reduce_only {
            params.push("reduceOnly", Value::Word("true"));
        }
        params.push("newOrderRespType", Value::Word(self.options.response.word()));
        let prevention = self.options.self_trade_prevention;
        params
            .push_some("selfTradePreventionMode", prevention.map(|mode| Value::Word(mode.word())));
        Ok(())
    }
}

impl<'a> NewOrder<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        match self.kind {
            NewOrderKind::Market => self.push_common(params, "MARKET", "newClientOrderId"),
            NewOrderKind::Limit { price, lifetime } => {
                self.push_common(params, "LIMIT", "newClientOrderId")?;
                params.push("price", Value::Decimal(positive("price", price)?));
                lifetime.push(params);
                Ok(())
            }
        }
    }
}

impl NewAlgoKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Stop { .. } => "STOP",
            Self::StopMarket { .. } => "STOP_MARKET",
            Self::TakeProfit { .. } => "TAKE_PROFIT",
            Self::TakeProfitMarket { .. } => "TAKE_PROFIT_MARKET",
            Self::TrailingStop { .. } => "TRAILING_STOP_MARKET",
        }
    }
}

impl<'a> NewAlgo<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.push("algoType", Value::Word("CONDITIONAL"));
        self.push_common(params, self.kind.word(), "clientAlgoId")?;
        let mut trigger = |trigger| -> Result<(), RequestError> {
            params.push("triggerPrice", Value::Decimal(positive("trigger", trigger)?));
            Ok(())
        };
        match self.kind {
            NewAlgoKind::StopMarket { trigger: at }
            | NewAlgoKind::TakeProfitMarket { trigger: at } => {
                trigger(at)?;
            }
            NewAlgoKind::Stop { trigger: at, price, lifetime }
            | NewAlgoKind::TakeProfit { trigger: at, price, lifetime } => {
                trigger(at)?;
                params.push("price", Value::Decimal(positive("price", price)?));
                // Good till canceled is what it is without a word.
                if lifetime != Lifetime::Tif(Tif::Gtc) {
                    lifetime.push(params);
                }
            }
            NewAlgoKind::TrailingStop { callback_tenths } => {
                let (value, min, max) = (
                    u64::from(callback_tenths),
                    u64::from(CALLBACK_TENTHS_MIN),
                    u64::from(CALLBACK_TENTHS_MAX),
                );
                if !(min..=max).contains(&value) {
                    let field = "callback in tenths of a percent";
                    return Err(RequestError::OutOfRange { field, value, min, max });
                }
                let percent = Decimal::new(i64::from(callback_tenths), 1).normalized();
                params.push("callbackRate", Value::Decimal(percent));
            }
        }
        let working = self.options.working.map(|working| Value::Word(working.word()));
        params.push_some("workingType", working);
        Ok(())
    }
}

/// A change of a limit order, which goes to the end of the queue at its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modify<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Which.
    pub order: OrderRef,
    /// Its side, which does not change.
    pub side: Side,
    /// Total quantity from now on.
    pub quantity: Decimal,
    /// Price from now on.
    pub price: Decimal,
}

impl<'a> Modify<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.push("symbol", Value::Text(self.symbol));
        params.push("side", Value::Word(side_word(self.side)));
        self.order.push(params, "orderId", "origClientOrderId");
        params.push("quantity", Value::Decimal(positive("quantity", self.quantity)?));
        params.push("price", Value::Decimal(positive("price", self.price)?));
        Ok(())
    }
}

/// Which order is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRef {
    /// By the venue's number; those of the algo service and of the matching engine differ.
    Venue(u64),
    /// By our own name.
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
