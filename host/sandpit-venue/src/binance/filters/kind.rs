//! The filters, one by one.

use sandpit_core::num::Decimal;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

use crate::binance::{
    number::decimal,
    text::{Text, cut},
};

/// Bytes of an unknown filter's name that are kept.
const NAME_BYTES_MAX: usize = 64;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)+) => {
        /// Which filter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FilterKind {
            $($(#[$doc])* $variant,)+
        }

        impl FilterKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The venue's name of it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The one with this name.
            #[must_use]
            pub fn of(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }
    };
}

kinds! {
    /// Prices: least, most, tick.
    PriceFilter = "PRICE_FILTER",
    /// Prices: how far from the average.
    PercentPrice = "PERCENT_PRICE",
    /// Prices: how far from the average, for each side.
    PercentPriceBySide = "PERCENT_PRICE_BY_SIDE",
    /// Quantities: least, most, step.
    LotSize = "LOT_SIZE",
    /// Quantities of market orders: least, most, step.
    MarketLotSize = "MARKET_LOT_SIZE",
    /// Least worth.
    MinNotional = "MIN_NOTIONAL",
    /// Least and most worth.
    Notional = "NOTIONAL",
    /// In how many parts an iceberg shows itself.
    IcebergParts = "ICEBERG_PARTS",
    /// Open orders.
    MaxNumOrders = "MAX_NUM_ORDERS",
    /// Open orders with a trigger.
    MaxNumAlgoOrders = "MAX_NUM_ALGO_ORDERS",
    /// Open icebergs.
    MaxNumIcebergOrders = "MAX_NUM_ICEBERG_ORDERS",
    /// What the account may have.
    MaxPosition = "MAX_POSITION",
    /// Distances of trailing triggers.
    TrailingDelta = "TRAILING_DELTA",
    /// Amends of one order.
    MaxNumOrderAmends = "MAX_NUM_ORDER_AMENDS",
    /// Open lists.
    MaxNumOrderLists = "MAX_NUM_ORDER_LISTS",
    /// Open orders on the whole exchange.
    ExchangeMaxNumOrders = "EXCHANGE_MAX_NUM_ORDERS",
    /// Open orders with a trigger on the whole exchange.
    ExchangeMaxNumAlgoOrders = "EXCHANGE_MAX_NUM_ALGO_ORDERS",
    /// Open icebergs on the whole exchange.
    ExchangeMaxNumIcebergOrders = "EXCHANGE_MAX_NUM_ICEBERG_ORDERS",
    /// Open lists on the whole exchange.
    ExchangeMaxNumOrderLists = "EXCHANGE_MAX_NUM_ORDER_LISTS",
    /// How much of an asset one order may move.
    MaxAsset = "MAX_ASSET",
}

/// Which price a filter compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The last price.
    Last,
    /// The average over so many minutes.
    Average(u32),
}

/// One filter with its numbers. A zero switches a bound off where the document says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the venue's document calls them")]
pub enum Filter {
    Price {
        min: Decimal,
        max: Decimal,
        tick: Decimal,
    },
    PercentPrice {
        up: Decimal,
        down: Decimal,
        reference: Reference,
    },
    PercentPriceBySide {
        bid_up: Decimal,
        bid_down: Decimal,
        ask_up: Decimal,
        ask_down: Decimal,
        reference: Reference,
    },
    LotSize {
        min: Decimal,
        max: Decimal,
        step: Decimal,
    },
    MarketLotSize {
        min: Decimal,
        max: Decimal,
        step: Decimal,
    },
    MinNotional {
        min: Decimal,
        market: bool,
        reference: Reference,
    },
    Notional {
        min: Decimal,
        min_to_market: bool,
        max: Decimal,
        max_to_market: bool,
        reference: Reference,
    },
    IcebergParts(u32),
    MaxNumOrders(u32),
    MaxNumAlgoOrders(u32),
    MaxNumIcebergOrders(u32),
    MaxPosition(Decimal),
    TrailingDelta {
        above: (u32, u32),
        below: (u32, u32),
    },
    MaxNumOrderAmends(u32),
    MaxNumOrderLists(u32),
    ExchangeMaxNumOrders(u32),
    ExchangeMaxNumAlgoOrders(u32),
    ExchangeMaxNumIcebergOrders(u32),
    ExchangeMaxNumOrderLists(u32),
    MaxAsset {
        asset: String,
        limit: Decimal,
    },
    /// One that is not known here; only the venue can apply it.
    Unknown(Box<str>),
}

impl Filter {
    /// Which it is; `None` for one that is not known.
    #[must_use]
    pub const fn kind(&self) -> Option<FilterKind> {
        Some(match self {
            Self::Price { .. } => FilterKind::PriceFilter,
            Self::PercentPrice { .. } => FilterKind::PercentPrice,
            Self::PercentPriceBySide { .. } => FilterKind::PercentPriceBySide,
            Self::LotSize { .. } => FilterKind::LotSize,
            Self::MarketLotSize { .. } => FilterKind::MarketLotSize,
            Self::MinNotional { .. } => FilterKind::MinNotional,
            Self::Notional { .. } => FilterKind::Notional,
            Self::IcebergParts(_) => FilterKind::IcebergParts,
            Self::MaxNumOrders(_) => FilterKind::MaxNumOrders,
            Self::MaxNumAlgoOrders(_) => FilterKind::MaxNumAlgoOrders,
            Self::MaxNumIcebergOrders(_) => FilterKind::MaxNumIcebergOrders,
            Self::MaxPosition(_) => FilterKind::MaxPosition,
            Self::TrailingDelta { .. } => FilterKind::TrailingDelta,
            Self::MaxNumOrderAmends(_) => FilterKind::MaxNumOrderAmends,
            Self::MaxNumOrderLists(_) => FilterKind::MaxNumOrderLists,
            Self::ExchangeMaxNumOrders(_) => FilterKind::ExchangeMaxNumOrders,
            Self::ExchangeMaxNumAlgoOrders(_) => FilterKind::ExchangeMaxNumAlgoOrders,
            Self::ExchangeMaxNumIcebergOrders(_) => FilterKind::ExchangeMaxNumIcebergOrders,
            Self::ExchangeMaxNumOrderLists(_) => FilterKind::ExchangeMaxNumOrderLists,
            Self::MaxAsset { .. } => FilterKind::MaxAsset,
            Self::Unknown(_) => return None,
        })
    }
}

/// All fields of all filters, so that one pass reads any of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    filter_type: Text<'a>,
    min_price: Option<&'a str>,
    max_price: Option<&'a str>,
    tick_size: Option<&'a str>,
    multiplier_up: Option<&'a str>,
    multiplier_down: Option<&'a str>,
    bid_multiplier_up: Option<&'a str>,
    bid_multiplier_down: Option<&'a str>,
    ask_multiplier_up: Option<&'a str>,
    ask_multiplier_down: Option<&'a str>,
    avg_price_mins: Option<u32>,
    min_qty: Option<&'a str>,
    max_qty: Option<&'a str>,
    step_size: Option<&'a str>,
    min_notional: Option<&'a str>,
    max_notional: Option<&'a str>,
    apply_to_market: Option<bool>,
    apply_min_to_market: Option<bool>,
    apply_max_to_market: Option<bool>,
    limit: Option<&'a RawValue>,
    max_num_orders: Option<u32>,
    max_num_algo_orders: Option<u32>,
    max_num_iceberg_orders: Option<u32>,
    max_num_order_amends: Option<u32>,
    max_num_order_lists: Option<u32>,
    max_position: Option<&'a str>,
    min_trailing_above_delta: Option<u32>,
    max_trailing_above_delta: Option<u32>,
    min_trailing_below_delta: Option<u32>,
    max_trailing_below_delta: Option<u32>,
    #[serde(borrow)]
    asset: Option<Text<'a>>,
}

/// A number that must be there, zero or more.
fn number<E: Error>(field: &'static str, text: Option<&str>) -> Result<Decimal, E> {
    let text = text.ok_or_else(|| E::missing_field(field))?;
    match decimal(text) {
        Ok(number) if number.mantissa >= 0 => Ok(number),
        _ => Err(E::custom(format_args!("`{}` is no {field}", cut(text, NAME_BYTES_MAX)))),
    }
}

fn there<T, E: Error>(field: &'static str, value: Option<T>) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(field))
}

impl Wire<'_> {
    fn reference(&self) -> Reference {
        match self.avg_price_mins {
            None | Some(0) => Reference::Last,
            Some(minutes) => Reference::Average(minutes),
        }
    }

    fn lot<E: Error>(&self) -> Result<(Decimal, Decimal, Decimal), E> {
        Ok((
            number("minQty", self.min_qty)?,
            number("maxQty", self.max_qty)?,
            number("stepSize", self.step_size)?,
        ))
    }

    fn prices<E: Error>(&self, kind: FilterKind) -> Result<Filter, E> {
        let reference = self.reference();
        Ok(match kind {
            FilterKind::PercentPrice => Filter::PercentPrice {
                up: number("multiplierUp", self.multiplier_up)?,
                down: number("multiplierDown", self.multiplier_down)?,
                reference,
            },
            FilterKind::PercentPriceBySide => Filter::PercentPriceBySide {
                bid_up: number("bidMultiplierUp", self.bid_multiplier_up)?,
                bid_down: number("bidMultiplierDown", self.bid_multiplier_down)?,
                ask_up: number("askMultiplierUp", self.ask_multiplier_up)?,
                ask_down: number("askMultiplierDown", self.ask_multiplier_down)?,
                reference,
            },
            FilterKind::MinNotional => Filter::MinNotional {
                min: number("minNotional", self.min_notional)?,
                market: there("applyToMarket", self.apply_to_market)?,
                reference,
            },
            FilterKind::Notional => Filter::Notional {
                min: number("minNotional", self.min_notional)?,
                min_to_market: there("applyMinToMarket", self.apply_min_to_market)?,
                max: number("maxNotional", self.max_notional)?,
                max_to_market: there("applyMaxToMarket", self.apply_max_to_market)?,
                reference,
            },
            _ => Filter::Price {
                min: number("minPrice", self.min_price)?,
                max: number("maxPrice", self.max_price)?,
                tick: number("tickSize", self.tick_size)?,
            },
        })
    }

    fn limit<E: Error>(&self) -> Result<u32, E> {
        let limit = there("limit", self.limit)?;
        limit.get().parse().map_err(|_| E::custom("limit is no whole number"))
    }

    fn asset_limit<E: Error>(&self) -> Result<Filter, E> {
        let limit = there("limit", self.limit)?.get().trim_matches('"');
        let asset = there("asset", self.asset.as_ref())?.to_string();
        Ok(Filter::MaxAsset { asset, limit: number("limit", Some(limit))? })
    }

    fn filter<E: Error>(&self) -> Result<Filter, E> {
        use FilterKind as K;
        let Some(kind) = K::of(&self.filter_type) else {
            return Ok(Filter::Unknown(cut(&self.filter_type, NAME_BYTES_MAX).into()));
        };
        Ok(match kind {
            K::PriceFilter
            | K::PercentPrice
            | K::PercentPriceBySide
            | K::MinNotional
            | K::Notional => self.prices(kind)?,
            K::LotSize => {
                let (min, max, step) = self.lot()?;
                Filter::LotSize { min, max, step }
            }
            K::MarketLotSize => {
                let (min, max, step) = self.lot()?;
                Filter::MarketLotSize { min, max, step }
            }
            K::IcebergParts => Filter::IcebergParts(self.limit()?),
            K::MaxNumOrders => Filter::MaxNumOrders(there("maxNumOrders", self.max_num_orders)?),
            K::MaxNumAlgoOrders => {
                Filter::MaxNumAlgoOrders(there("maxNumAlgoOrders", self.max_num_algo_orders)?)
            }
            K::MaxNumIcebergOrders => Filter::MaxNumIcebergOrders(there(
                "maxNumIcebergOrders",
                self.max_num_iceberg_orders,
            )?),
            K::MaxPosition => Filter::MaxPosition(number("maxPosition", self.max_position)?),
            K::TrailingDelta => Filter::TrailingDelta {
                above: (
                    there("minTrailingAboveDelta", self.min_trailing_above_delta)?,
                    there("maxTrailingAboveDelta", self.max_trailing_above_delta)?,
                ),
                below: (
                    there("minTrailingBelowDelta", self.min_trailing_below_delta)?,
                    there("maxTrailingBelowDelta", self.max_trailing_below_delta)?,
                ),
            },
            K::MaxNumOrderAmends => {
                Filter::MaxNumOrderAmends(there("maxNumOrderAmends", self.max_num_order_amends)?)
            }
            K::MaxNumOrderLists => {
                Filter::MaxNumOrderLists(there("maxNumOrderLists", self.max_num_order_lists)?)
            }
            K::ExchangeMaxNumOrders => {
                Filter::ExchangeMaxNumOrders(there("maxNumOrders", self.max_num_orders)?)
            }
            K::ExchangeMaxNumAlgoOrders => Filter::ExchangeMaxNumAlgoOrders(there(
                "maxNumAlgoOrders",
                self.max_num_algo_orders,
            )?),
            K::ExchangeMaxNumIcebergOrders => Filter::ExchangeMaxNumIcebergOrders(there(
                "maxNumIcebergOrders",
                self.max_num_iceberg_orders,
            )?),
            K::ExchangeMaxNumOrderLists => Filter::ExchangeMaxNumOrderLists(there(
                "maxNumOrderLists",
                self.max_num_order_lists,
            )?),
            K::MaxAsset => self.asset_limit()?,
        })
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Wire::<'de>::deserialize(deserializer)?.filter()
    }
}
