//! Mark prices and funding of USDⓈ-M futures, as `@markPrice@1s` tells them.
//!
//! Source: the official document "Mark Price Stream" of USDⓈ-M futures.

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    market::{Funding, MarketData},
    num::{Price, Rate},
    time::{Nanos, UnixNanos},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{listed::Place, step::Step};
use crate::binance::{decimal, stream::MESSAGE_BYTES_MAX, time::time};

/// How long before a funding the last rate must have been told to be the one that was paid.
const RATE_FRESH: Nanos = Nanos(30 * Nanos::SECOND.0);

/// One message.
#[derive(Debug, Deserialize)]
pub(super) struct MarkMessage<'a> {
    #[serde(rename = "e")]
    kind: &'a str,
    #[serde(rename = "E")]
    event_time: i64,
    #[serde(rename = "s")]
    pub(super) symbol: &'a str,
    #[serde(rename = "p")]
    mark: &'a str,
    /// Empty for a contract that has no funding.
    #[serde(rename = "r", default)]
    rate: &'a str,
    #[serde(rename = "T", default)]
    next_funding: i64,
}

impl<'a> MarkMessage<'a> {
    /// Reads one, raw or combined; `None` where it is something else.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Combined<'a> {
            #[serde(borrow)]
            data: &'a RawValue,
        }
        if bytes.len() > MESSAGE_BYTES_MAX {
            return None;
        }
        let combined = serde_json::from_slice::<Combined<'a>>(bytes).ok();
        let inner = combined.map_or(bytes, |combined| combined.data.get().as_bytes());
        let message: Self = serde_json::from_slice(inner).ok()?;
        (message.kind == "markPriceUpdate").then_some(message)
    }
}

/// A mark price on the instrument's scale. It is computed by Binance with more digits than an order
/// may have, so it is rounded half up at the scale; it may be off the tick.
fn rounded(instrument: &Instrument, text: &str) -> Option<Price> {
    let number = decimal(text).ok()?;
    let (mantissa, scale) = (i128::from(number.mantissa), u32::from(number.scale));
    let wanted = u32::from(instrument.price_scale());
    let raw = if scale <= wanted {
        mantissa.checked_mul(10i128.checked_pow(wanted - scale)?)?
    } else {
        let unit = 10i128.checked_pow(scale - wanted)?;
        (mantissa + unit / 2).div_euclid(unit)
    };
    let raw = i64::try_from(raw).ok()?;
    (1..=Instrument::PRICE_MAX).contains(&raw).then_some(Price(raw))
}

/// What the last message said.
#[derive(Clone, Copy, Debug)]
struct Last {
    mark: Price,
    rate: Option<Rate>,
    made: UnixNanos,
    next_funding: i64,
}

/// Mark prices of one instrument.
#[derive(Debug, Default)]
pub(super) struct Marks {
    last: Option<Last>,
}

impl Marks {
    pub(super) fn take(&mut self, place: &Place, message: &MarkMessage<'_>, step: &mut Step<'_>) {
        let mark = rounded(&place.instrument, message.mark);
        let (Some(mark), Some(made)) = (mark, time(message.event_time)) else {
            step.shared.counts.frames_bad += 1;
            return;
        };
        let rate = decimal(message.rate).ok().and_then(Rate::from_decimal);
        let now = Last { mark, rate, made, next_funding: message.next_funding };
        if self.last.is_some_and(|last| made <= last.made) {
            step.shared.counts.duplicates += 1;
            return;
        }
        let before = self.last.replace(now);
        if before.is_none_or(|before| before.mark != mark) {
            step.tell(place.id, made, MarketData::Mark(mark));
        }
        if let Some(before) = before
            && place.funding
            && now.next_funding > before.next_funding
        {
            fund(place, before, mark, step);
        }
    }

    /// History is told.
    pub(super) fn release(&self, id: InstrumentId, step: &mut Step<'_>) {
        if let Some(last) = self.last {
            step.tell(id, last.made, MarketData::Mark(last.mark));
        }
    }
}

/// The moment of funding that was ahead is over: the rate that was told last before it is paid.
fn fund(place: &Place, before: Last, mark: Price, step: &mut Step<'_>) {
    let Some(moment) = time(before.next_funding) else { return };
    match before.rate {
        Some(rate) if moment.since(before.made) <= RATE_FRESH => {
            step.tell(place.id, moment, MarketData::Funding(Funding { rate, mark }));
        }
        _ => {
            let symbol = &place.symbol;
            step.alert(format!(
                "{symbol} had a funding while its mark price was not heard; its rate is not known"
            ));
        }
    }
}
