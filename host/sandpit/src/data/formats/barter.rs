//! Normalised events of barter-rs (`MarketStreamEvent` of barter-data, as its engine records
//! them): one JSON object a line; trades and the best bid and ask.
//!
//! Instruments are numbers of the recorder's own table; their name here is `<exchange>:<number>`.
//! Prices of trades are JSON numbers; their text is taken as it stands, not as a float.

use std::path::Path;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::RowParser;
use crate::data::{
    RowProblem, TimeFormat,
    csv::read_side,
    row::{Out, RawData, RawEvent, Refusal, quote},
};

/// Digits that an exponent can add before or after the point; no price or quantity has more.
const EXPONENT_MAX: u32 = 18;

#[derive(Debug, Default)]
pub(super) struct BarterNdjson {
    name: String,
    price: Vec<u8>,
    quantity: Vec<u8>,
}

#[derive(Deserialize)]
enum Line<'a> {
    #[serde(borrow)]
    Item(Item<'a>),
    Reconnecting(IgnoredAny),
}

#[derive(Deserialize)]
struct Item<'a> {
    time_exchange: &'a str,
    time_received: &'a str,
    exchange: &'a str,
    #[serde(borrow)]
    instrument: &'a RawValue,
    #[serde(borrow)]
    kind: Kind<'a>,
}

#[derive(Deserialize)]
enum Kind<'a> {
    #[serde(borrow)]
    Trade(Trade<'a>),
    #[serde(borrow, rename = "OrderBookL1")]
    Best(Best<'a>),
}

#[derive(Deserialize)]
struct Trade<'a> {
    id: &'a str,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    amount: &'a RawValue,
    side: &'a str,
}

#[derive(Deserialize)]
struct Best<'a> {
    #[serde(borrow)]
    best_bid: Option<Level<'a>>,
    #[serde(borrow)]
    best_ask: Option<Level<'a>>,
}

#[derive(Deserialize)]
struct Level<'a> {
    price: &'a str,
    amount: &'a str,
}

impl RowParser for BarterNdjson {
    fn begin(&mut self, _name: &Path) {}

    fn row(&mut self, line: &[u8], out: Out<'_>) -> Result<(), Refusal> {
        let line: Line<'_> =
            serde_json::from_slice(line).map_err(|error| RowProblem::Message(error.to_string()))?;
        let item = match line {
            Line::Item(item) => item,
            Line::Reconnecting(_) => {
                let data = RawData::Nothing("reconnects of the recorder");
                return out(RawEvent {
                    name: None,
                    venue: None,
                    host_time: None,
                    venue_time: None,
                    data,
                });
            }
        };
        self.name.clear();
        self.name.push_str(item.exchange);
        self.name.push(':');
        self.name.push_str(item.instrument.get().trim_matches('"'));
        match &item.kind {
            Kind::Trade(trade) => {
                write_plain(trade.price.get(), &mut self.price)?;
                write_plain(trade.amount.get(), &mut self.quantity)?;
                let data = RawData::Trade {
                    price: &self.price,
                    quantity: &self.quantity,
                    aggressor: read_side(trade.side.as_bytes())?,
                    id: trade.id.parse().unwrap_or(0),
                };
                self.put(&item, data, out)
            }
            Kind::Best(best) => {
                let (bid, bid_quantity) = side(best.best_bid.as_ref());
                let (ask, ask_quantity) = side(best.best_ask.as_ref());
                let quantities = Some((bid_quantity, ask_quantity));
                self.put(&item, RawData::Quote { bid, ask, quantities }, out)
            }
        }
    }
}

/// A side that is not there has neither price nor amount.
fn side<'a>(level: Option<&Level<'a>>) -> (&'a [u8], &'a [u8]) {
    level.map_or((b"0", b"0"), |level| (level.price.as_bytes(), level.amount.as_bytes()))
}

impl BarterNdjson {
    fn put(&self, item: &Item<'_>, data: RawData<'_>, out: Out<'_>) -> Result<(), Refusal> {
        out(RawEvent {
            name: Some(&self.name),
            venue: Some(item.exchange),
            host_time: Some(TimeFormat::Text.read(item.time_received.as_bytes())?),
            venue_time: Some(TimeFormat::Text.read(item.time_exchange.as_bytes())?),
            data,
        })
    }
}

/// A JSON number as a plain decimal: `1.5e-7` is how a float's shortest text can look.
fn write_plain(text: &str, plain: &mut Vec<u8>) -> Result<(), RowProblem> {
    plain.clear();
    let text = text.trim_matches('"');
    let refused = || RowProblem::Malformed { field: "number", text: quote(text.as_bytes()) };
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        plain.extend_from_slice(text.as_bytes());
        return Ok(());
    };
    let exponent: i32 = exponent.parse().map_err(|_| refused())?;
    if exponent.unsigned_abs() > EXPONENT_MAX {
        return Err(refused());
    }
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    // Where the point goes, counted from the first digit.
    let point = i64::try_from(whole.len()).map_err(|_| refused())? + i64::from(exponent);
    plain.extend_from_slice(sign.as_bytes());
    match usize::try_from(point) {
        Ok(point) if point >= digits.len() => {
            plain.extend_from_slice(digits.as_bytes());
            plain.resize(plain.len() + point - digits.len(), b'0');
        }
        Ok(point) if point > 0 => {
            let (whole, fraction) = digits.split_at_checked(point).ok_or_else(refused)?;
            plain.extend_from_slice(format!("{whole}.{fraction}").as_bytes());
        }
        _ => {
            let zeros = usize::try_from(-point).map_err(|_| refused())?;
            plain.extend_from_slice(b"0.");
            plain.resize(plain.len() + zeros, b'0');
            plain.extend_from_slice(digits.as_bytes());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_become_plain() {
        for (text, expected) in [
            ("87232.0", "87232.0"),
            ("\"2059.10\"", "2059.10"),
            ("1e-5", "0.00001"),
            ("1.25E-7", "0.000000125"),
            ("1.5e3", "1500"),
            ("12.345e1", "123.45"),
            ("-1e2", "-100"),
        ] {
            let mut plain = Vec::new();
            write_plain(text, &mut plain).unwrap();
            assert_eq!(String::from_utf8(plain).unwrap(), expected, "{text}");
        }
        assert!(write_plain("1e999", &mut Vec::new()).is_err());
        assert!(write_plain("1e", &mut Vec::new()).is_err());
    }
}
