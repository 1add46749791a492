//! What is asked of Binance Spot, as types: to REST (method, path, query, body) or to the
//! WebSocket API (id, method, params), with what it costs.
//!
//! Nothing here holds text of a plugin. Of an order the venue sees a symbol, words of its own
//! documents, prices and quantities on the instrument's grid, and our own id.
//!
//! Sources: the official documents "Rest API" and "WebSocket API"; for `/sapi` "Wallet Endpoints".

mod core_order;
mod encode;
mod endpoint;
mod error;
mod kinds;
mod list;
mod order;
mod query;

pub use core_order::{CAPABILITIES, OrderOptions, amend, cancel, query};
pub(super) use core_order::{price_on_grid, quantity_on_grid};
pub use encode::{Identity, RECV_WINDOW_MS_MAX, RestCall, Timing};
pub(super) use encode::{encode_rest, encode_websocket};
pub use endpoint::{Cost, ENDPOINTS, Endpoint, Method, Pool, Security, Target};
pub use error::RequestError;
pub(super) use kinds::sent;
pub use kinds::{
    CancelReplaceMode, CancelRestriction, KlineInterval, RateLimitExceededMode, ResponseType,
    SelfTradePrevention, Tif,
};
pub use list::{CancelList, ListRef, NewOco, NewOtoco, Pair};
pub use order::{
    AmendKeepPriority, Cancel, CancelReplace, NewOrder, NewOrderKind, OrderRef, Size, Trigger,
};
pub use query::{AggTrades, Depth, DepthLimit, Klines, MyTrades, TRADES_MAX};

use super::sign::{Params, Value};

/// Everything that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A new order.
    Place(NewOrder<'a>),
    /// The end of an order.
    Cancel(Cancel<'a>),
    /// The end of all orders of a symbol.
    CancelAll(&'a str),
    /// The end of an order and a new one.
    CancelReplace(CancelReplace<'a>),
    /// Less of an order, which keeps its place in the queue.
    Amend(AmendKeepPriority<'a>),
    /// Two orders of which one ends the other.
    PlaceOco(NewOco<'a>),
    /// An entry that places such two once it is filled.
    PlaceOtoco(NewOtoco<'a>),
    /// The end of a list.
    CancelList(CancelList<'a>),
    /// Where an order stands.
    OrderStatus(&'a str, OrderRef),
    /// Open orders of a symbol, or of all.
    OpenOrders(Option<&'a str>),
    /// Where a list stands.
    ListStatus(ListRef),
    /// Open lists.
    OpenLists,
    /// Own trades.
    MyTrades(MyTrades<'a>),
    /// Balances, rates, what the account may do.
    Account {
        /// Without assets of which there is nothing.
        omit_zero_balances: bool,
    },
    /// Rates of fees on a symbol.
    Commission(&'a str),
    /// How many orders count against the limit.
    OrderCounts,
    /// Symbols with their filters, and the rate limits; of all symbols where none is named.
    ExchangeInfo(&'a [&'a str]),
    /// What the venue's clock says.
    Time,
    /// The book.
    Depth(Depth<'a>),
    /// Bars.
    Klines(Klines<'a>),
    /// Trades of the market, one for each order.
    AggTrades(AggTrades<'a>),
    /// The price that filters compare with.
    AveragePrice(&'a str),
    /// What the key may do.
    ApiRestrictions,
    /// Whether the venue is under maintenance.
    SystemStatus,
    /// Logs the connection in (Ed25519 keys only).
    Logon,
    /// Own events, on a connection that is logged in.
    Subscribe,
    /// Own events, with any key.
    SubscribeSigned,
    /// No more own events.
    Unsubscribe(u64),
}

impl<'a> Request<'a> {
    /// Where it goes.
    #[must_use]
    pub const fn endpoint(&self) -> &'static Endpoint {
        let target = match self {
            Self::Place(_) => Target::Place,
            Self::Cancel(_) => Target::Cancel,
            Self::CancelAll(_) => Target::CancelAll,
            Self::CancelReplace(_) => Target::CancelReplace,
            Self::Amend(_) => Target::Amend,
            Self::PlaceOco(_) => Target::PlaceOco,
            Self::PlaceOtoco(_) => Target::PlaceOtoco,
            Self::CancelList(_) => Target::CancelList,
            Self::OrderStatus(..) => Target::OrderStatus,
            Self::OpenOrders(_) => Target::OpenOrders,
            Self::ListStatus(_) => Target::ListStatus,
            Self::OpenLists => Target::OpenLists,
            Self::MyTrades(_) => Target::MyTrades,
            Self::Account { .. } => Target::Account,
            Self::Commission(_) => Target::Commission,
            Self::OrderCounts => Target::OrderCounts,
            Self::ExchangeInfo(_) => Target::ExchangeInfo,
            Self::Time => Target::Time,
            Self::Depth(_) => Target::Depth,
            Self::Klines(_) => Target::Klines,
            Self::AggTrades(_) => Target::AggTrades,
            Self::AveragePrice(_) => Target::AveragePrice,
            Self::ApiRestrictions => Target::ApiRestrictions,
            Self::SystemStatus => Target::SystemStatus,
            Self::Logon => Target::Logon,
            Self::Subscribe => Target::Subscribe,
            Self::SubscribeSigned => Target::SubscribeSigned,
            Self::Unsubscribe(_) => Target::Unsubscribe,
        };
        target.endpoint()
    }

    /// What it costs.
    ///
    /// Weights are those of the documents. To place an order and to cancel one weighs nothing once
    /// the venue has done it, since 2026-04-02; that is [`Cost::weight_confirmed`].
    #[must_use]
    pub const fn cost(&self) -> Cost {
        let cost = self.endpoint().cost;
        match self {
            Self::OpenOrders(None) => Cost { weight: 80, weight_confirmed: 80, ..cost },
            Self::MyTrades(trades) if trades.order.is_some() => {
                Cost { weight: 5, weight_confirmed: 5, ..cost }
            }
            Self::Depth(depth) => {
                let weight = depth.weight();
                Cost { weight, weight_confirmed: weight, ..cost }
            }
            _ => cost,
        }
    }

    /// Its own parameters, without time, key and signature.
    ///
    /// # Errors
    /// A number that no order may have, or a combination that the venue does not take.
    pub fn params(&self) -> Result<Params<'a>, RequestError> {
        let mut params = Params::default();
        match self {
            Self::Place(order) => order.push(&mut params)?,
            Self::Cancel(cancel) => cancel.push(&mut params),
            Self::CancelAll(symbol) | Self::Commission(symbol) | Self::AveragePrice(symbol) => {
                params.push("symbol", Value::Text(symbol));
            }
            Self::CancelReplace(replace) => replace.push(&mut params)?,
            Self::Amend(amend) => amend.push(&mut params)?,
            Self::PlaceOco(list) => list.push(&mut params)?,
            Self::PlaceOtoco(list) => list.push(&mut params)?,
            Self::CancelList(cancel) => cancel.push(&mut params),
            Self::OrderStatus(symbol, order) => {
                params.push("symbol", Value::Text(symbol));
                order.push(&mut params, "orderId", "origClientOrderId");
            }
            Self::OpenOrders(symbol) => params.push_some("symbol", symbol.map(Value::Text)),
            Self::ListStatus(list) => list.push(&mut params, "orderListId", "origClientOrderId"),
            Self::MyTrades(trades) => trades.push(&mut params)?,
            Self::Account { omit_zero_balances } => {
                if *omit_zero_balances {
                    params.push("omitZeroBalances", Value::Flag(true));
                }
            }
            Self::ExchangeInfo(symbols) => match symbols {
                [] => {}
                [symbol] => params.push("symbol", Value::Text(symbol)),
                symbols => params.push("symbols", Value::Texts(symbols)),
            },
            Self::Depth(depth) => depth.push(&mut params),
            Self::Klines(klines) => klines.push(&mut params)?,
            Self::AggTrades(trades) => trades.push(&mut params)?,
            Self::Unsubscribe(subscription) => {
                params.push("subscriptionId", Value::Number(*subscription));
            }
            Self::OpenLists
            | Self::OrderCounts
            | Self::Time
            | Self::ApiRestrictions
            | Self::SystemStatus
            | Self::Logon
            | Self::Subscribe
            | Self::SubscribeSigned => {}
        }
        Ok(params)
    }
}

#[cfg(test)]
mod tests;
