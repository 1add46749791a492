//! Questions with more than a symbol to them.

use super::{KlineInterval, RequestError};
use crate::binance::sign::{Params, Value};

/// Trades or bars in one answer.
pub const TRADES_MAX: u32 = 1_000;

fn push_limit(params: &mut Params<'_>, limit: Option<u32>) -> Result<(), RequestError> {
    let Some(limit) = limit else { return Ok(()) };
    let (value, max) = (u64::from(limit), u64::from(TRADES_MAX));
    if !(1..=max).contains(&value) {
        return Err(RequestError::OutOfRange { field: "limit", value, min: 1, max });
    }
    params.push("limit", Value::Number(value));
    Ok(())
}

/// Own trades of a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MyTrades<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// Of this order alone, by the venue's number; it cannot be combined with times.
    pub order: Option<u64>,
    /// From this trade on; it cannot be combined with times.
    pub from_trade: Option<u64>,
    /// From here on, in milliseconds.
    pub start_ms: Option<u64>,
    /// Until here; at most a day after the start.
    pub end_ms: Option<u64>,
    /// At most so many, 1 to [`TRADES_MAX`]; 500 where `None`.
    pub limit: Option<u32>,
}

impl<'a> MyTrades<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        let by_id = self.order.is_some() || self.from_trade.is_some();
        if by_id && (self.start_ms.is_some() || self.end_ms.is_some()) {
            let what = "own trades are asked for by time or by number, not both";
            return Err(RequestError::Unsupported { what });
        }
        params.push("symbol", Value::Text(self.symbol));
        params.push_some("orderId", self.order.map(Value::Number));
        params.push_some("fromId", self.from_trade.map(Value::Number));
        params.push_some("startTime", self.start_ms.map(Value::Number));
        params.push_some("endTime", self.end_ms.map(Value::Number));
        push_limit(params, self.limit)
    }
}

/// How deep a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthLimit(u32);

impl DepthLimit {
    /// The deepest.
    pub const MAX: Self = Self(5_000);

    /// So many levels a side, 1 to 5,000.
    ///
    /// # Errors
    /// Any other number.
    pub fn new(levels: u32) -> Result<Self, RequestError> {
        let (value, max) = (u64::from(levels), u64::from(Self::MAX.0));
        if (1..=max).contains(&value) {
            Ok(Self(levels))
        } else {
            Err(RequestError::OutOfRange { field: "limit", value, min: 1, max })
        }
    }
}

/// The book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// How deep; 100 where `None`.
    pub limit: Option<DepthLimit>,
}

impl<'a> Depth<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) {
        params.push("symbol", Value::Text(self.symbol));
        let limit = self.limit.map(|limit| Value::Number(u64::from(limit.0)));
        params.push_some("limit", limit);
    }

    pub(super) const fn weight(&self) -> u32 {
        match self.limit {
            None | Some(DepthLimit(..=100)) => 5,
            Some(DepthLimit(..=500)) => 25,
            Some(DepthLimit(..=1_000)) => 50,
            Some(_) => 250,
        }
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
    /// At most so many, 1 to [`TRADES_MAX`]; 500 where `None`.
    pub limit: Option<u32>,
}

impl<'a> Klines<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.push("symbol", Value::Text(self.symbol));
        params.push("interval", Value::Word(self.interval.word()));
        params.push_some("startTime", self.start_ms.map(Value::Number));
        params.push_some("endTime", self.end_ms.map(Value::Number));
        push_limit(params, self.limit)
    }
}

/// Trades of the market, one for each taking order and price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AggTrades<'a> {
    /// The venue's symbol.
    pub symbol: &'a str,
    /// From this one on.
    pub from_id: Option<u64>,
    /// From here on, in milliseconds.
    pub start_ms: Option<u64>,
    /// Until here.
    pub end_ms: Option<u64>,
    /// At most so many, 1 to [`TRADES_MAX`]; 500 where `None`.
    pub limit: Option<u32>,
}

impl<'a> AggTrades<'a> {
    pub(super) fn push(&self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.push("symbol", Value::Text(self.symbol));
        params.push_some("fromId", self.from_id.map(Value::Number));
        params.push_some("startTime", self.start_ms.map(Value::Number));
        params.push_some("endTime", self.end_ms.map(Value::Number));
        push_limit(params, self.limit)
    }
}
