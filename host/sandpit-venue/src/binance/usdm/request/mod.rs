//! What is asked of USDⓈ-M futures, as types. How it becomes bytes is shared with Spot.
//!
//! Conditional orders have requests of their own since 2025-12-09: the algo service keeps them until
//! their trigger is reached, and `/fapi/v1/order` refuses them (−4120). An order that was triggered
//! is one of the matching engine with the same name, and is canceled and asked about there.
//!
//! Nothing here holds text of a plugin, as on Spot.
//!
//! Sources: the official documents of USDⓈ-M futures at developers.binance.com as of 2026-05-28
//! (in a public repository that mirrors them), and their change log up to 2026-10-23.

mod core_order;
mod kinds;
mod order;
mod query;

pub use core_order::{Asked, CAPABILITIES, amend, new_order};
pub use kinds::{IncomeType, MarginMode, ResponseType, SelfTradePrevention, Tif, WorkingType};
pub use order::{
    CALLBACK_TENTHS_MAX, CALLBACK_TENTHS_MIN, Lifetime, Modify, New, NewAlgo, NewAlgoKind,
    NewOrder, NewOrderKind, OrderOptions, OrderRef,
};
pub use query::{
    DEPTHS, Depth, Income, KLINES_MAX, Klines, LEVERAGE_MAX, ROWS_MAX, Rows, UserTrades,
};
pub(super) use query::{depth_weight, klines_weight};

use super::endpoint::Target;
use crate::binance::{
    gate::Wish,
    request::{
        Cost, Endpoint, Identity, RequestError, RestCall, Timing, encode_rest, encode_websocket,
    },
    sign::{Params, Signer, Value},
};

/// Everything that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A new order of the matching engine.
    Place(NewOrder<'a>),
    /// A change of a limit order.
    Modify(Modify<'a>),
    /// The end of an order of the matching engine.
    Cancel(&'a str, OrderRef),
    /// The end of all orders of a symbol in the matching engine.
    CancelAll(&'a str),
    /// Where an order of the matching engine stands.
    OrderStatus(&'a str, OrderRef),
    /// Open orders of the matching engine, of a symbol or of all.
    OpenOrders(Option<&'a str>),
    /// All orders of the matching engine on a symbol, of the last seven days.
    AllOrders(&'a str),
    /// A new conditional order.
    PlaceAlgo(NewAlgo<'a>),
    /// The end of a conditional order that was not triggered.
    CancelAlgo(OrderRef),
    /// The end of all such orders of a symbol.
    CancelAllAlgo(&'a str),
    /// Where a conditional order stands.
    AlgoStatus(OrderRef),
    /// Conditional orders that wait, of a symbol or of all.
    OpenAlgos(Option<&'a str>),
    /// All open orders of the symbol end after so many milliseconds, unless this comes again; zero
    /// stops the clock.
    Countdown(&'a str, u64),
    /// Own trades.
    UserTrades(UserTrades<'a>),
    /// The account.
    Account,
    /// Balances.
    Balances,
    /// Positions, of a symbol or of all.
    Positions(Option<&'a str>),
    /// What the account may do and how it is set.
    AccountConfig,
    /// Leverage and margin mode of symbols.
    SymbolConfig(Option<&'a str>),
    /// Sets the leverage of a symbol.
    SetLeverage(&'a str, u32),
    /// Sets the margin mode of a symbol.
    SetMarginType(&'a str, MarginMode),
    /// Whether the account is in hedge mode.
    PositionMode,
    /// Whether all assets are margin of all positions.
    AssetsMode,
    /// The largest leverage for each notional.
    Brackets(Option<&'a str>),
    /// What the account got and paid.
    Income(Income<'a>),
    /// Rates of fees on a symbol.
    Commission(&'a str),
    /// All symbols with their rules, and the rate limits.
    ExchangeInfo,
    /// What the venue's clock says.
    Time,
    /// The book.
    Depth(Depth<'a>),
    /// Bars.
    Klines(Klines<'a>),
    /// Trades of the market.
    AggTrades(Rows<'a>),
    /// Mark price, index and funding of a symbol, or of all.
    PremiumIndex(Option<&'a str>),
    /// Funding rates that were paid.
    FundingRates(Rows<'a>),
    /// The key by which own events are listened to; the same one while it lives.
    StartListen,
    /// Keeps it alive for another hour.
    KeepListen,
    /// Ends it.
    StopListen,
    /// Logs the connection in (Ed25519 keys only).
    Logon,
}

impl<'a> Request<'a> {
    /// Where it goes.
    #[must_use]
    pub const fn endpoint(&self) -> &'static Endpoint {
        let target = match self {
            Self::Place(_) => Target::Place,
            Self::Modify(_) => Target::Modify,
            Self::Cancel(..) => Target::Cancel,
            Self::CancelAll(_) => Target::CancelAll,
            Self::OrderStatus(..) => Target::OrderStatus,
            Self::OpenOrders(_) => Target::OpenOrders,
            Self::AllOrders(_) => Target::AllOrders,
            Self::PlaceAlgo(_) => Target::PlaceAlgo,
            Self::CancelAlgo(_) => Target::CancelAlgo,
            Self::CancelAllAlgo(_) => Target::CancelAllAlgo,
            Self::AlgoStatus(_) => Target::AlgoStatus,
            Self::OpenAlgos(_) => Target::OpenAlgos,
            Self::Countdown(..) => Target::Countdown,
            Self::UserTrades(_) => Target::UserTrades,
            Self::Account => Target::Account,
            Self::Balances => Target::Balances,
            Self::Positions(_) => Target::Positions,
            Self::AccountConfig => Target::AccountConfig,
            Self::SymbolConfig(_) => Target::SymbolConfig,
            Self::SetLeverage(..) => Target::SetLeverage,
            Self::SetMarginType(..) => Target::SetMarginType,
            Self::PositionMode => Target::PositionMode,
            Self::AssetsMode => Target::AssetsMode,
            Self::Brackets(_) => Target::Brackets,
            Self::Income(_) => Target::Income,
            Self::Commission(_) => Target::Commission,
            Self::ExchangeInfo => Target::ExchangeInfo,
            Self::Time => Target::Time,
            Self::Depth(_) => Target::Depth,
            Self::Klines(_) => Target::Klines,
            Self::AggTrades(_) => Target::AggTrades,
            Self::PremiumIndex(_) => Target::PremiumIndex,
            Self::FundingRates(_) => Target::FundingRates,
            Self::StartListen => Target::StartListen,
            Self::KeepListen => Target::KeepListen,
            Self::StopListen => Target::StopListen,
            Self::Logon => Target::Logon,
        };
        target.endpoint()
    }

    /// What it costs.
    #[must_use]
    pub const fn cost(&self) -> Cost {
        let cost = self.endpoint().cost;
        let weight = match self {
            Self::OpenOrders(None) | Self::OpenAlgos(None) => 40,
            Self::PremiumIndex(None) => 10,
            Self::Depth(depth) => depth_weight(depth.limit),
            Self::Klines(klines) => klines_weight(klines.limit),
            _ => cost.weight,
        };
        Cost { weight, weight_confirmed: weight, ..cost }
    }

    /// Its own parameters, without time, key and signature.
    ///
    /// # Errors
    /// A number that no order may have, or a combination that the venue does not take.
    pub fn params(&self) -> Result<Params<'a>, RequestError> {
        let mut params = Params::default();
        match self {
            Self::Place(order) => order.push(&mut params)?,
            Self::PlaceAlgo(order) => order.push(&mut params)?,
            Self::Modify(change) => change.push(&mut params)?,
            Self::Cancel(symbol, order) | Self::OrderStatus(symbol, order) => {
                params.push("symbol", Value::Text(symbol));
                order.push(&mut params, "orderId", "origClientOrderId");
            }
            Self::CancelAlgo(order) | Self::AlgoStatus(order) => {
                order.push(&mut params, "algoId", "clientAlgoId");
            }
            Self::CancelAll(symbol)
            | Self::CancelAllAlgo(symbol)
            | Self::AllOrders(symbol)
            | Self::Commission(symbol) => params.push("symbol", Value::Text(symbol)),
            Self::OpenOrders(symbol)
            | Self::OpenAlgos(symbol)
            | Self::Positions(symbol)
            | Self::SymbolConfig(symbol)
            | Self::Brackets(symbol)
            | Self::PremiumIndex(symbol) => params.push_some("symbol", symbol.map(Value::Text)),
            Self::Countdown(symbol, ms) => {
                params.push("symbol", Value::Text(symbol));
                params.push("countdownTime", Value::Number(*ms));
            }
            Self::UserTrades(trades) => trades.push(&mut params)?,
            Self::SetLeverage(symbol, leverage) => {
                query::push_leverage(&mut params, symbol, *leverage)?;
            }
            Self::SetMarginType(symbol, mode) => query::push_margin(&mut params, symbol, *mode),
            Self::Income(income) => income.push(&mut params)?,
            Self::Depth(depth) => depth.push(&mut params)?,
            Self::Klines(klines) => klines.push(&mut params)?,
            Self::AggTrades(rows) | Self::FundingRates(rows) => rows.push(&mut params)?,
            Self::Account
            | Self::Balances
            | Self::AccountConfig
            | Self::PositionMode
            | Self::AssetsMode
            | Self::ExchangeInfo
            | Self::Time
            | Self::StartListen
            | Self::KeepListen
            | Self::StopListen
            | Self::Logon => {}
        }
        Ok(params)
    }

    /// In a form that can wait.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn wish(&self) -> Result<Wish, RequestError> {
        Ok(Wish::new(self.endpoint(), self.cost(), &self.params()?))
    }

    /// As a REST request.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn to_rest(
        &self,
        timing: Timing,
        signer: Option<&dyn Signer>,
    ) -> Result<RestCall, RequestError> {
        encode_rest(self.endpoint(), self.params()?, timing, signer)
    }

    /// As one text frame of the WebSocket API. `id` comes back with the answer.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn to_websocket(
        &self,
        id: u64,
        timing: Timing,
        identity: Identity<'a>,
    ) -> Result<String, RequestError> {
        encode_websocket(self.endpoint(), self.params()?, id, timing, identity)
    }
}

#[cfg(test)]
mod tests;
