//! From messages to the core's terms: reports, fills, and the parts of a snapshot.
//!
//! **Fees in other assets.** The core books quote money. A fee in the quote asset is taken as it
//! is; one in the base asset is worth its amount at the fill's own price; one in any other asset
//! (a rebate programme's) is converted at the rate that [`Desk::fee_rate`] gives. Without a rate
//! the fill is refused with [`ConvertError::FeeRate`], never booked with a fee of zero: the caller
//! keeps the message, finds a rate and asks again. What was really paid, in which asset, always
//! stands beside the fill ([`FeePaid`]). A fee in the base asset also means that the account holds
//! less than the sum of its fills; that shows in [`positions`].
//!
//! **How orders end.** Everything that the venue calls expired is `Canceled` here: spot has no time
//! in force that runs out, and the core's `Expired` means just that.

mod books;
mod error;
mod report;

pub use books::{account_fill, external_order, positions, venue_order};
pub use error::ConvertError;
pub use report::News;

use sandpit_core::{
    ids::{InstrumentId, TradeId},
    instrument::Instrument,
    market::{read_price, read_quantity},
    num::{Decimal, Price, Quantity},
    order::{Fill, OrderKind, TrailingOffset},
};

use crate::binance::{
    number::{Amount, decimal},
    words::OrderType,
};

/// What is known around a message.
pub trait Desk {
    /// The instrument with the venue's symbol.
    fn instrument(&self, symbol: &str) -> Option<(InstrumentId, &Instrument)>;

    /// How many units of `quote` one unit of `asset` is worth.
    fn fee_rate(&self, asset: &str, quote: &str) -> Option<Decimal>;
}

/// A fee as it was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeePaid {
    /// For which execution.
    pub trade_id: TradeId,
    /// In which asset.
    pub asset: String,
    /// How much of it; negative for a rebate.
    pub amount: Amount,
}

/// A fill in the core's terms, and the fee as it was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueFill {
    /// The fill, its fee in the quote asset.
    pub fill: Fill,
    /// The fee as it was paid; `None` where there was none.
    pub fee_paid: Option<FeePaid>,
}

/// A fill as messages have it.
pub(in crate::binance) struct FillParts<'a> {
    pub(in crate::binance) trade_id: i64,
    pub(in crate::binance) price: &'a str,
    pub(in crate::binance) quantity: &'a str,
    pub(in crate::binance) commission: &'a str,
    pub(in crate::binance) asset: Option<&'a str>,
    pub(in crate::binance) maker: bool,
}

pub(in crate::binance) fn price_of(
    instrument: &Instrument,
    field: &'static str,
    text: &str,
) -> Result<Price, ConvertError> {
    read_price(instrument, text.as_bytes()).map_err(|e| ConvertError::number(field, text, e))
}

/// A quantity of an order or a fill: it may be off the step, never below zero.
pub(in crate::binance) fn quantity_of(
    instrument: &Instrument,
    field: &'static str,
    text: &str,
) -> Result<Quantity, ConvertError> {
    read_quantity(instrument, text.as_bytes()).map_err(|e| ConvertError::number(field, text, e))
}

fn amount_of(field: &'static str, text: &str) -> Result<Amount, ConvertError> {
    Amount::parse(text).map_err(|e| ConvertError::amount(field, text, e))
}

/// Whether a text says zero or nothing.
pub(in crate::binance) fn is_zero(text: Option<&str>) -> bool {
    text.is_none_or(|text| decimal(text).is_ok_and(|number| number.mantissa == 0))
}

pub(in crate::binance) fn fill_of(
    desk: &dyn Desk,
    instrument: &Instrument,
    parts: &FillParts<'_>,
) -> Result<VenueFill, ConvertError> {
    let Ok(id) = u64::try_from(parts.trade_id) else {
        return Err(ConvertError::Contradiction { what: "a fill has no number" });
    };
    let price = price_of(instrument, "price of a fill", parts.price)?;
    let quantity = quantity_of(instrument, "quantity of a fill", parts.quantity)?;
    if quantity.is_zero() {
        return Err(ConvertError::Contradiction { what: "a fill has no quantity" });
    }
    let paid = amount_of("fee", parts.commission)?;
    let spec = instrument.spec();
    let (fee, fee_paid) = match parts.asset {
        _ if paid == Amount::ZERO => (sandpit_core::num::Money::ZERO, None),
        None => return Err(ConvertError::Contradiction { what: "a fee is in no asset" }),
        Some(asset) => {
            let fee = if asset == spec.quote {
                Some(paid.as_money())
            } else if asset == spec.base {
                paid.worth(instrument.price_decimal(price))
            } else {
                let rate = desk.fee_rate(asset, &spec.quote).ok_or_else(|| {
                    ConvertError::FeeRate { asset: asset.to_owned(), quote: spec.quote.clone() }
                })?;
                paid.worth(rate)
            };
            let fee = fee.ok_or_else(|| ConvertError::TooLarge {
                field: "fee",
                text: parts.commission.to_owned(),
            })?;
            (fee, Some(FeePaid { trade_id: TradeId(id), asset: asset.to_owned(), amount: paid }))
        }
    };
    let fill = Fill { trade_id: TradeId(id), price, quantity, fee, maker: parts.maker };
    Ok(VenueFill { fill, fee_paid })
}

/// The core's kind of an order.
fn kind_of(
    instrument: &Instrument,
    order_type: &OrderType,
    price: Option<&str>,
    stop_price: Option<&str>,
    trailing_delta: Option<u32>,
) -> Result<OrderKind, ConvertError> {
    let limit = || price_of(instrument, "limit price", price.unwrap_or_default());
    let trigger = || price_of(instrument, "stop price", stop_price.unwrap_or_default());
    if let Some(delta) = trailing_delta {
        let points = u16::try_from(delta).ok().filter(|points| *points > 0);
        return match (order_type, points, is_zero(stop_price)) {
            (OrderType::StopLoss, Some(points), true) => {
                Ok(OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)))
            }
            _ => Err(ConvertError::Kind { order_type: order_type.to_string() }),
        };
    }
    match order_type {
        OrderType::Market => Ok(OrderKind::Market),
        OrderType::Limit | OrderType::LimitMaker => Ok(OrderKind::Limit(limit()?)),
        OrderType::StopLoss => Ok(OrderKind::Stop(trigger()?)),
        OrderType::StopLossLimit => {
            Ok(OrderKind::StopLimit { trigger: trigger()?, limit: limit()? })
        }
        OrderType::TakeProfit => Ok(OrderKind::TakeProfit(trigger()?)),
        OrderType::TakeProfitLimit | OrderType::Other(_) => {
            Err(ConvertError::Kind { order_type: order_type.to_string() })
        }
    }
}

/// Total quantity less what self-trade prevention took.
fn total_of(
    instrument: &Instrument,
    quantity: &str,
    prevented: Option<&str>,
) -> Result<Quantity, ConvertError> {
    let total = quantity_of(instrument, "quantity", quantity)?;
    let prevented = match prevented {
        Some(text) => quantity_of(instrument, "prevented quantity", text)?,
        None => Quantity::ZERO,
    };
    if prevented > total {
        let what = "more was prevented than there was";
        return Err(ConvertError::Contradiction { what });
    }
    Ok(total - prevented)
}

#[cfg(test)]
mod tests;
