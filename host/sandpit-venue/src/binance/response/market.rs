//! Answers about the market.

use sandpit_core::{
    instrument::Instrument,
    market::{Bar, read_price, read_quantity},
    time::{Nanos, UnixNanos},
};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::ConvertError;
use crate::binance::{text::Text, time::time};

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kline<'a> {
    /// First moment.
    pub open_time: i64,
    /// First price.
    pub open: &'a str,
    /// Highest price.
    pub high: &'a str,
    /// Lowest price.
    pub low: &'a str,
    /// Last price.
    pub close: &'a str,
    /// Traded quantity.
    pub volume: &'a str,
    /// Last moment, inclusive.
    pub close_time: i64,
}

impl<'de: 'a, 'a> Deserialize<'de> for Kline<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        type Wire<'a> = (
            i64,
            &'a str,
            &'a str,
            &'a str,
            &'a str,
            &'a str,
            i64,
            IgnoredAny,
            IgnoredAny,
            IgnoredAny,
            IgnoredAny,
            IgnoredAny,
        );
        let (open_time, open, high, low, close, volume, close_time, ..) =
            Wire::<'a>::deserialize(deserializer)?;
        Ok(Self { open_time, open, high, low, close, volume, close_time })
    }
}

impl Kline<'_> {
    /// The bar and its end. The last of an answer may still be in the making: it is closed only if
    /// its end has passed by the venue's clock.
    ///
    /// # Errors
    /// A number off the instrument's grid, a stamp that is no time, or prices that contradict each
    /// other.
    pub fn to_bar(&self, instrument: &Instrument) -> Result<(Bar, UnixNanos), ConvertError> {
        let no_time = ConvertError::Time { stamp: self.close_time };
        let start = time(self.open_time).ok_or(ConvertError::Time { stamp: self.open_time })?;
        let end = self.close_time.checked_add(1).and_then(time);
        let Some(end) = end.filter(|end| end.since(start) > Nanos(0)) else {
            return Err(no_time);
        };
        let price = |field, text: &str| {
            read_price(instrument, text.as_bytes())
                .map_err(|e| ConvertError::number(field, text, e))
        };
        let bar = Bar {
            interval: end.since(start),
            open: price("open", self.open)?,
            high: price("high", self.high)?,
            low: price("low", self.low)?,
            close: price("close", self.close)?,
            volume: read_quantity(instrument, self.volume.as_bytes())
                .map_err(|e| ConvertError::number("volume", self.volume, e))?,
        };
        let inside = |price| (bar.low..=bar.high).contains(&price);
        if inside(bar.open) && inside(bar.close) {
            Ok((bar, end))
        } else {
            Err(ConvertError::Contradiction { what: "open, high, low and close of a bar" })
        }
    }
}

/// The price that filters compare with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AveragePrice<'a> {
    /// Over so many minutes.
    pub mins: u32,
    /// Price.
    pub price: &'a str,
    /// Time of the last trade in it; absent in old answers.
    #[serde(default)]
    pub close_time: Option<i64>,
}

/// The last price.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PriceTicker<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Price.
    pub price: &'a str,
}

/// Best bid and ask.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BookTicker<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Best bid.
    pub bid_price: &'a str,
    /// Quantity there.
    pub bid_qty: &'a str,
    /// Best ask.
    pub ask_price: &'a str,
    /// Quantity there.
    pub ask_qty: &'a str,
}

/// A day's statistics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticker<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Average, weighted by quantity.
    pub weighted_avg_price: &'a str,
    /// Last price.
    pub last_price: &'a str,
    /// First price.
    pub open_price: &'a str,
    /// Highest price.
    pub high_price: &'a str,
    /// Lowest price.
    pub low_price: &'a str,
    /// Traded quantity.
    pub volume: &'a str,
    /// The same in the quote asset.
    pub quote_volume: &'a str,
    /// From here on.
    pub open_time: i64,
    /// Until here.
    pub close_time: i64,
    /// Trades.
    pub count: u64,
}

/// One trade of the market.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicTrade<'a> {
    /// Trade id.
    pub id: u64,
    /// Price.
    pub price: &'a str,
    /// Quantity.
    pub qty: &'a str,
    /// When.
    pub time: i64,
    /// Whether the seller was the aggressor.
    pub is_buyer_maker: bool,
}

/// Trades of one taking order at one price.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PublicAggTrade<'a> {
    /// Id of the aggregate.
    #[serde(rename = "a")]
    pub id: u64,
    /// Price.
    #[serde(rename = "p")]
    pub price: &'a str,
    /// Quantity.
    #[serde(rename = "q")]
    pub quantity: &'a str,
    /// When.
    #[serde(rename = "T")]
    pub time: i64,
    /// Whether the seller was the aggressor.
    #[serde(rename = "m")]
    pub buyer_is_maker: bool,
}

/// A day's statistics, as the stream tells them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TickerEvent<'a> {
    /// When the message was made.
    #[serde(rename = "E")]
    pub event_time: i64,
    /// Symbol.
    #[serde(rename = "s", borrow)]
    pub symbol: Text<'a>,
    /// Average, weighted by quantity.
    #[serde(rename = "w")]
    pub weighted_avg_price: &'a str,
    /// Last price.
    #[serde(rename = "c")]
    pub last_price: &'a str,
    /// First price.
    #[serde(rename = "o")]
    pub open_price: &'a str,
    /// Highest price.
    #[serde(rename = "h")]
    pub high_price: &'a str,
    /// Lowest price.
    #[serde(rename = "l")]
    pub low_price: &'a str,
    /// Traded quantity.
    #[serde(rename = "v")]
    pub volume: &'a str,
    /// The same in the quote asset.
    #[serde(rename = "q")]
    pub quote_volume: &'a str,
}
