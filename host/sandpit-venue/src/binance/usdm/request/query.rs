//! What is asked about the account and the market.

use super::{IncomeType, MarginMode};
use crate::binance::{
    request::{KlineInterval, RequestError},
    sign::{Params, Value},
};

/// Most own trades, funding rates and rows of income in one answer.
pub const ROWS_MAX: u32 = 1_000;
/// Most bars in one answer.
pub const KLINES_MAX: u32 = 1_500;
/// Largest leverage that is asked for.
pub const LEVERAGE_MAX: u32 = 125;
/// The depths of a book that there are.
pub const DEPTHS: [u32; 7] = [5, 10, 20, 50, 100, 500, 1_000];

fn bounded(field: &'static str, value: u32, max: u32) -> Result<Value<'static>, RequestError> {
    let (value, max) = (u64::from(value), u64::from(max));
    if (1..=max).contains(&value) {
        Ok(Value::Number(value))
    } else {
        Err(RequestError::OutOfRange { field, value, min: 1, max })
    }
}

fn push_limit(params: &mut Params<'_>, limit: Option<u32>, max: u32) -> Result<(), RequestError> {
    if let Some(limit) = limit {
        params.push("limit", bounded("limit", limit, max)?);
    }
    Ok(())
}

/// Own trades on a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserTrades<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Of this order only, by the matching engine's number.
    pub order: Option<u64>,
    /// From this one on; not together with times.
    pub from_trade: Option<u64>,
    /// From here on, in milliseconds; at most seven days back from the end.
    pub start_ms: Option<u64>,
    /// Until here.
    pub end_ms: Option<u64>,
    /// At most so many, 1 to [`ROWS_MAX`]; 500 where `None`.
    pub limit: Option<u32>,
}

impl<'a> UserTrades<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        if self.from_trade.is_some() && (self.start_ms.is_some() || self.end_ms.is_some()) {
            let what = "own trades are asked for by time or by number, not both";
            return Err(RequestError::Unsupported { what });
        }
        params.push("symbol", Value::Text(self.symbol));
        params.push_some("orderId", self.order.map(Value::Number));
        params.push_some("fromId", self.from_trade.map(Value::Number));
        params.push_some("startTime", self.start_ms.map(Value::Number));
        params.push_some("endTime", self.end_ms.map(Value::Number));
        push_limit(params, self.limit, ROWS_MAX)
    }
}

/// The book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Levels a side; 500 where `None`. The documents have the depths of [`DEPTHS`]; others are the
    /// venue's to refuse (−4021).
    pub limit: Option<u32>,
}

impl<'a> Depth<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.push("symbol", Value::Text(self.symbol));
        push_limit(params, self.limit, ROWS_MAX)
    }
}

/// Weight of a book so deep.
pub(in crate::binance::usdm) const fn depth_weight(limit: Option<u32>) -> u32 {
    match limit {
        Some(..=50) => 2,
        Some(..=100) => 5,
        None | Some(..=500) => 10,
        Some(_) => 20,
    }
}

/// Bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Klines<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Length of a bar.
    pub interval: KlineInterval,
    /// From here on, in milliseconds.
    pub start_ms: Option<u64>,
    /// Until here.
    pub end_ms: Option<u64>,
    /// At most so many, 1 to [`KLINES_MAX`]; 500 where `None`.
    pub limit: Option<u32>,
}

impl<'a> Klines<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.push("symbol", Value::Text(self.symbol));
        params.push("interval", Value::Word(self.interval.word()));
        params.push_some("startTime", self.start_ms.map(Value::Number));
        params.push_some("endTime", self.end_ms.map(Value::Number));
        push_limit(params, self.limit, KLINES_MAX)
    }
}

/// Weight of so many bars.
pub(in crate::binance::usdm) const fn klines_weight(limit: Option<u32>) -> u32 {
    match limit {
        Some(..=99) => 1,
        Some(..=499) => 2,
        None | Some(..=1_000) => 5,
        Some(_) => 10,
    }
}

/// Rows between two times: trades of the market, funding rates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Trades: from this one on.
    pub from_id: Option<u64>,
    /// From here on, in milliseconds.
    pub start_ms: Option<u64>,
    /// Until here.
    pub end_ms: Option<u64>,
    /// At most so many, 1 to [`ROWS_MAX`].
    pub limit: Option<u32>,
}

impl<'a> Rows<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.push("symbol", Value::Text(self.symbol));
        params.push_some("fromId", self.from_id.map(Value::Number));
        params.push_some("startTime", self.start_ms.map(Value::Number));
        params.push_some("endTime", self.end_ms.map(Value::Number));
        push_limit(params, self.limit, ROWS_MAX)
    }
}

/// What the account got and paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Income<'a> {
    /// Of one symbol, or of all.
    pub symbol: Option<&'a str>,
    /// Of one kind, or of all.
    pub kind: Option<IncomeType>,
    /// From here on, in milliseconds; seven days back where neither end is said.
    pub start_ms: Option<u64>,
    /// Until here.
    pub end_ms: Option<u64>,
    /// At most so many, 1 to [`ROWS_MAX`]; 100 where `None`.
    pub limit: Option<u32>,
}

impl<'a> Income<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.push_some("symbol", self.symbol.map(Value::Text));
        params.push_some("incomeType", self.kind.map(|kind| Value::Word(kind.word())));
        params.push_some("startTime", self.start_ms.map(Value::Number));
        params.push_some("endTime", self.end_ms.map(Value::Number));
        push_limit(params, self.limit, ROWS_MAX)
    }
}

pub(super) fn push_leverage<'a>(
    params: &mut Params<'a>,
    symbol: &'a str,
    leverage: u32,
) -> Result<(), RequestError> {
    params.push("symbol", Value::Text(symbol));
    params.push("leverage", bounded("leverage", leverage, LEVERAGE_MAX)?);
    Ok(())
}

pub(super) fn push_margin<'a>(params: &mut Params<'a>, symbol: &'a str, mode: MarginMode) {
    params.push("symbol", Value::Text(symbol));
    params.push("marginType", Value::Word(mode.word()));
}
