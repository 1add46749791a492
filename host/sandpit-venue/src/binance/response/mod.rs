//! What Binance Spot answers and tells: bytes to typed messages, and these to the core's terms.
//!
//! Numbers stay text until an instrument says what their grid is. Fields that are not known are
//! passed over, words that are not known are kept as `Other`, everything else that is wrong is a
//! [`DecodeError`].
//!
//! Bounds: a message has at most [`MESSAGE_BYTES_MAX`] bytes, and the list of all symbols
//! [`EXCHANGE_INFO_BYTES_MAX`]; lists within are bounded by that, since no element is smaller than
//! its text. No type here holds itself, so nesting is bounded by the types, and what is passed over
//! is skipped without recursion.
//!
//! Sources: the official documents "Rest API", "WebSocket API" and "User Data Streams".

mod account;
mod convert;
mod error;
mod event;
mod frame;
mod list;
mod market;
mod order;

pub use account::{
    AccountAnswer, ApiRestrictions, Balance, Commission, CommissionAnswer, CommissionDiscount,
    CommissionRates, LogonAnswer, ServerTime, SubscribeAnswer, SystemStatus, TradeFee, TradeRecord,
};
pub use convert::{
    ConvertError, Desk, FeePaid, News, VenueFill, account_fill, external_order, positions,
    venue_order,
};
pub(super) use convert::{FillParts, fill_of, is_zero, price_of, quantity_of};
pub use error::DecodeError;
pub use event::{
    AccountPosition, BalanceUpdate, EventBalance, ExecutionReport, ExternalLock, ListStatus,
    ListedOrder, UserEvent,
};
pub use frame::{ErrorBody, Frame, Incoming, RateLimitUsage};
pub use list::{ListAnswer, ListEntry};
pub use market::{
    AveragePrice, BookTicker, Kline, PriceTicker, PublicAggTrade, PublicTrade, Ticker, TickerEvent,
};
pub use order::{
    AmendAnswer, AmendedOrder, CancelAllEntry, CancelReplaceAnswer, FillText, Half, OrderAnswer,
    OrderRecord,
};

use serde::Deserialize;

/// Bytes of one message; a thousand open orders have about 600 KiB.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of the list of all symbols with their filters; today it has about 15 MiB.
pub const EXCHANGE_INFO_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One kind of answer.
pub trait Answer<'a>: Sized {
    /// What it is, for errors.
    const WHAT: &'static str;

    /// Reads one.
    ///
    /// # Errors
    /// Too long, or not what it should be.
    fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError>;

    /// The answer that an error carries in it, where it does.
    #[must_use]
    fn from_error(_error: &ErrorBody<'a>) -> Option<Self> {
        None
    }
}

pub(in crate::binance) fn decode<'a, T: Deserialize<'a>>(
    what: &'static str,
    bytes_max: usize,
    bytes: &'a [u8],
) -> Result<T, DecodeError> {
    if bytes.len() > bytes_max {
        return Err(DecodeError::TooLong { what, bytes: bytes.len(), bytes_max });
    }
    serde_json::from_slice(bytes).map_err(|source| DecodeError::Malformed { what, source })
}

macro_rules! answers {
    ($($what:literal: $type:ty,)+) => {$(
        impl<'a> Answer<'a> for $type {
            const WHAT: &'static str = $what;

            fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
                decode(Self::WHAT, MESSAGE_BYTES_MAX, bytes)
            }
        }
    )+};
}

pub(in crate::binance) use answers;

answers! {
    "an answer about an order": OrderAnswer<'a>,
    "a record of an order": OrderRecord<'a>,
    "records of orders": Vec<OrderRecord<'a>>,
    "an amended order": AmendAnswer<'a>,
    "canceled orders": Vec<CancelAllEntry<'a>>,
    "a list of orders": ListAnswer<'a>,
    "lists of orders": Vec<ListAnswer<'a>>,
    "own trades": Vec<TradeRecord<'a>>,
    "an account": AccountAnswer<'a>,
    "rates of fees": CommissionAnswer<'a>,
    "a fee of a symbol": TradeFee<'a>,
    "fees of symbols": Vec<TradeFee<'a>>,
    "a time": ServerTime,
    "permissions of a key": ApiRestrictions,
    "a status of the venue": SystemStatus<'a>,
    "an answer to a log-in": LogonAnswer<'a>,
    "an answer to a subscription": SubscribeAnswer,
    "usages of rate limits": Vec<RateLimitUsage>,
    "bars": Vec<Kline<'a>>,
    "an average price": AveragePrice<'a>,
    "a price": PriceTicker<'a>,
    "a best bid and ask": BookTicker<'a>,
    "a day's statistics": Ticker<'a>,
    "statistics of a day": Vec<Ticker<'a>>,
    "a day's statistics of the stream": TickerEvent<'a>,
    "trades": Vec<PublicTrade<'a>>,
    "aggregate trades": Vec<PublicAggTrade<'a>>,
    "an error": ErrorBody<'a>,
}

impl<'a> Answer<'a> for CancelReplaceAnswer<'a> {
    const WHAT: &'static str = "an answer to a cancel-replace";

    fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        decode(Self::WHAT, MESSAGE_BYTES_MAX, bytes)
    }

    fn from_error(error: &ErrorBody<'a>) -> Option<Self> {
        Self::decode(error.data?.get().as_bytes()).ok()
    }
}
