//! The list of symbols with their rules, as the venue tells it.

use serde::Deserialize;

use super::Filter;
use crate::binance::{
    response::{Answer, DecodeError, EXCHANGE_INFO_BYTES_MAX, RateLimitUsage},
    text::Text,
    words::{OrderType, StpMode, SymbolStatus},
};

/// All symbols, or those that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeInfo<'a> {
    /// The venue's time.
    pub server_time: i64,
    /// Rate limits, without usage.
    pub rate_limits: Vec<RateLimitUsage>,
    /// Filters of the whole exchange.
    #[serde(default)]
    pub exchange_filters: Vec<Filter>,
    /// Symbols.
    #[serde(borrow)]
    pub symbols: Vec<SymbolInfo<'a>>,
}

/// One symbol.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a symbol allows")]
pub struct SymbolInfo<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Where it stands.
    pub status: SymbolStatus,
    /// Base asset.
    #[serde(borrow)]
    pub base_asset: Text<'a>,
    /// Digits of base amounts.
    pub base_asset_precision: u8,
    /// Quote asset.
    #[serde(borrow)]
    pub quote_asset: Text<'a>,
    /// Digits of quote amounts.
    pub quote_asset_precision: u8,
    /// Types of orders.
    pub order_types: Vec<OrderType>,
    /// Icebergs.
    #[serde(default)]
    pub iceberg_allowed: bool,
    /// Pairs.
    #[serde(default)]
    pub oco_allowed: bool,
    /// Entries that place other orders.
    #[serde(default)]
    pub oto_allowed: bool,
    /// Market orders sized in the quote asset.
    #[serde(default)]
    pub quote_order_qty_market_allowed: bool,
    /// Trailing triggers.
    #[serde(default)]
    pub allow_trailing_stop: bool,
    /// Cancel-replace.
    #[serde(default)]
    pub cancel_replace_allowed: bool,
    /// Amends.
    #[serde(default)]
    pub amend_allowed: bool,
    /// Spot at all.
    #[serde(default)]
    pub is_spot_trading_allowed: bool,
    /// Filters.
    pub filters: Vec<Filter>,
    /// Self-trade prevention where an order does not say.
    #[serde(default)]
    pub default_self_trade_prevention_mode: Option<StpMode>,
    /// What an order may say.
    #[serde(default)]
    pub allowed_self_trade_prevention_modes: Vec<StpMode>,
}

/// What of a symbol is kept for the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolRules {
    /// Symbol.
    pub symbol: String,
    /// Where it stood.
    pub status: SymbolStatus,
    /// Base asset.
    pub base: String,
    /// Quote asset.
    pub quote: String,
    /// Digits of base and quote amounts.
    pub precision: (u8, u8),
    /// Types of orders.
    pub order_types: Vec<OrderType>,
    /// Filters of the symbol.
    pub filters: Vec<Filter>,
    /// What an order may say about self-trade prevention.
    pub self_trade_prevention: Vec<StpMode>,
    /// Whether orders can be made smaller in place.
    pub amend_allowed: bool,
    /// Whether pairs are taken.
    pub oco_allowed: bool,
    /// Whether entries that place pairs are taken.
    pub oto_allowed: bool,
    /// Whether orders can be replaced.
    pub cancel_replace_allowed: bool,
}

impl SymbolInfo<'_> {
    /// What is kept.
    #[must_use]
    pub fn rules(&self) -> SymbolRules {
        SymbolRules {
            symbol: self.symbol.to_string(),
            status: self.status.clone(),
            base: self.base_asset.to_string(),
            quote: self.quote_asset.to_string(),
            precision: (self.base_asset_precision, self.quote_asset_precision),
            order_types: self.order_types.clone(),
            filters: self.filters.clone(),
            self_trade_prevention: self.allowed_self_trade_prevention_modes.clone(),
            amend_allowed: self.amend_allowed,
            oco_allowed: self.oco_allowed,
            oto_allowed: self.oto_allowed,
            cancel_replace_allowed: self.cancel_replace_allowed,
        }
    }
}

impl<'a> Answer<'a> for ExchangeInfo<'a> {
    const WHAT: &'static str = "the list of symbols";

    fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (what, bytes_max) = (Self::WHAT, EXCHANGE_INFO_BYTES_MAX);
        if bytes.len() > bytes_max {
            return Err(DecodeError::TooLong { what, bytes: bytes.len(), bytes_max });
        }
        serde_json::from_slice(bytes).map_err(|source| DecodeError::Malformed { what, source })
    }
}
