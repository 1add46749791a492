//! The list of symbols with their rules, and the core's instruments that follow.
//!
//! Futures write some filters otherwise than Spot does (`limit`, `notional`), and compare prices
//! with the mark price.

use sandpit_core::{
    instrument::{Instrument, InstrumentError, InstrumentKind, InstrumentSpec},
    num::{Decimal, Rate, SCALE_MAX},
};
use serde::Deserialize;

use crate::binance::{
    decimal,
    response::{Answer, DecodeError, EXCHANGE_INFO_BYTES_MAX, RateLimitUsage},
    text::Text,
    usdm::words::{ContractStatus, ContractType},
};

/// All symbols.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeInfo<'a> {
    /// Rate limits, without usage.
    pub rate_limits: Vec<RateLimitUsage>,
    /// Symbols.
    #[serde(borrow)]
    pub symbols: Vec<SymbolInfo<'a>>,
}

/// One filter: the fields of those that are known here. A filter of another kind is the venue's to
/// apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter<'a> {
    /// Which.
    #[serde(borrow)]
    pub filter_type: Text<'a>,
    /// `PRICE_FILTER`: least price.
    #[serde(borrow, default)]
    pub min_price: Option<&'a str>,
    /// Largest price.
    #[serde(borrow, default)]
    pub max_price: Option<&'a str>,
    /// Tick.
    #[serde(borrow, default)]
    pub tick_size: Option<&'a str>,
    /// `LOT_SIZE`, `MARKET_LOT_SIZE`: least quantity.
    #[serde(borrow, default)]
    pub min_qty: Option<&'a str>,
    /// Largest quantity.
    #[serde(borrow, default)]
    pub max_qty: Option<&'a str>,
    /// Step.
    #[serde(borrow, default)]
    pub step_size: Option<&'a str>,
    /// `MAX_NUM_ORDERS`, `MAX_NUM_ALGO_ORDERS`: most open orders.
    #[serde(default)]
    pub limit: Option<u32>,
    /// `MIN_NOTIONAL`.
    #[serde(borrow, default)]
    pub notional: Option<&'a str>,
    /// `PERCENT_PRICE`: how many times the mark price a buy may bid.
    #[serde(borrow, default)]
    pub multiplier_up: Option<&'a str>,
    /// How many times the mark price a sell must ask at least.
    #[serde(borrow, default)]
    pub multiplier_down: Option<&'a str>,
}

/// One symbol.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SymbolInfo<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Type of contract; nothing for some that are over.
    pub contract_type: ContractType,
    /// Where it stands.
    #[serde(alias = "contractStatus")]
    pub status: ContractStatus,
    /// Base asset.
    #[serde(borrow)]
    pub base_asset: Text<'a>,
    /// Quote asset.
    #[serde(borrow)]
    pub quote_asset: Text<'a>,
    /// In which asset wins and losses are.
    #[serde(borrow)]
    pub margin_asset: Text<'a>,
    /// Base asset in one contract: of coin-margined contracts only, which are not traded here.
    #[serde(default)]
    pub contract_size: Option<u64>,
    /// Filters.
    #[serde(borrow)]
    pub filters: Vec<Filter<'a>>,
}

/// Why a symbol cannot be traded here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// Not a perpetual whose wins and losses are in its quote asset.
    #[error("symbol `{symbol}` is no perpetual margined in its quote asset")]
    Contract {
        /// Which symbol.
        symbol: String,
    },
    /// A filter without which nothing is known about its orders, or one that cannot be read.
    #[error("symbol `{symbol}` has no {filter} that can be read")]
    NoFilter {
        /// Which symbol.
        symbol: String,
        /// Which filter.
        filter: &'static str,
    },
    /// Rules that make no instrument.
    #[error("symbol `{symbol}` makes no instrument")]
    Instrument {
        /// Which symbol.
        symbol: String,
        /// Why.
        #[source]
        source: InstrumentError,
    },
}

/// What of a symbol's filters is kept for the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Largest quantity of a market order, where it is less than that of others.
    pub market_quantity_max: Option<Decimal>,
    /// How many times the mark price a buy may bid.
    pub multiplier_up: Option<Decimal>,
    /// How many times the mark price a sell must ask at least.
    pub multiplier_down: Option<Decimal>,
    /// Most open orders.
    pub orders_max: Option<u32>,
}

fn number(text: Option<&str>) -> Option<Decimal> {
    decimal(text?).ok().filter(|number| number.mantissa >= 0)
}

impl<'a> SymbolInfo<'a> {
    fn filter(&self, name: &str) -> Option<&Filter<'a>> {
        self.filters.iter().find(|filter| filter.filter_type.as_str() == name)
    }

    /// Whether orders are taken.
    #[must_use]
    pub fn is_trading(&self) -> bool {
        self.status == ContractStatus::Trading
    }

    /// What is kept beside the instrument.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let percent = self.filter("PERCENT_PRICE");
        Bounds {
            market_quantity_max: self.filter("MARKET_LOT_SIZE").and_then(|f| number(f.max_qty)),
            multiplier_up: percent.and_then(|filter| number(filter.multiplier_up)),
            multiplier_down: percent.and_then(|filter| number(filter.multiplier_down)),
            orders_max: self.filter("MAX_NUM_ORDERS").and_then(|filter| filter.limit),
        }
    }

    /// The instrument. `fees` are those for making and for taking.
    ///
    /// The largest quantity is that of market orders, where that is less: the core has one bound for
    /// both. A step of zero cannot be traded.
    ///
    /// # Errors
    /// See [`RulesError`].
    pub fn to_instrument(&self, venue: &str, fees: (Rate, Rate)) -> Result<Instrument, RulesError> {
        let symbol = || self.symbol.to_string();
        let missing = |filter| RulesError::NoFilter { symbol: symbol(), filter };
        let linear = self.margin_asset == self.quote_asset && self.contract_size.is_none();
        if self.contract_type != ContractType::Perpetual || !linear {
            return Err(RulesError::Contract { symbol: symbol() });
        }
        let tick = self.filter("PRICE_FILTER").and_then(|filter| number(filter.tick_size));
        let lot = self.filter("LOT_SIZE").ok_or_else(|| missing("LOT_SIZE"))?;
        let parts = (number(lot.min_qty), number(lot.max_qty), number(lot.step_size));
        let (Some(min), Some(max), Some(step)) = parts else {
            return Err(missing("LOT_SIZE"));
        };
        let market = self.bounds().market_quantity_max.filter(|market| market.mantissa > 0);
        let max = market.map_or(max, |market| market.min(max));
        let notional = self.filter("MIN_NOTIONAL").and_then(|filter| number(filter.notional));
        let spec = InstrumentSpec {
            symbol: symbol(),
            venue: venue.to_owned(),
            kind: InstrumentKind::Perpetual,
            base: self.base_asset.to_string(),
            quote: self.quote_asset.to_string(),
            price_tick: tick.ok_or_else(|| missing("PRICE_FILTER"))?,
            quantity_step: step,
            min_quantity: if min.mantissa == 0 { step } else { min },
            max_quantity: largest(max, step),
            min_notional: notional.unwrap_or(Decimal::ZERO),
            multiplier: Decimal::new(1, 0),
            maker_fee: fees.0,
            taker_fee: fees.1,
        };
        Instrument::new(spec).map_err(|source| RulesError::Instrument { symbol: symbol(), source })
    }
}

/// The largest quantity on the step that is not above `max` nor beyond the core's bound.
fn largest(max: Decimal, step: Decimal) -> Decimal {
    let bound = Instrument::QUANTITY_MAX;
    let factor = 10i128.pow(u32::from(step.scale.min(SCALE_MAX)));
    let divisor = 10i128.pow(u32::from(max.scale.min(SCALE_MAX)));
    let raw = (i128::from(max.mantissa) * factor) / divisor;
    let raw = i64::try_from(raw).unwrap_or(bound).min(bound);
    Decimal::new(raw - raw % step.mantissa.max(1), step.scale)
}

impl<'a> Answer<'a> for ExchangeInfo<'a> {
    const WHAT: &'static str = "the list of symbols";

    fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        crate::binance::response::decode(Self::WHAT, EXCHANGE_INFO_BYTES_MAX, bytes)
    }
}
