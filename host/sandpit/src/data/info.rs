//! A look at a tape, from its head and foot.

use std::path::{Path, PathBuf};

use sandpit_core::{
    instrument::{Instrument, InstrumentKind},
    num::Price,
};
use sandpit_journal::tape::{InstrumentTally, TapeClock, TapeReader, tape_hash};
use serde::Serialize;

use super::{DataError, show_hash, show_time};

/// What a tape is.
#[derive(Clone, Debug, Serialize)]
pub struct TapeReport {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of it.
    pub sha256: String,
    /// Bytes of it.
    pub bytes: u64,
    /// Events on it.
    pub events: u64,
    /// Segments of it.
    pub segments: u64,
    /// Bytes per event.
    pub bytes_per_event: f64,
    /// Time of the first event; `None` for an empty tape.
    pub first: Option<String>,
    /// Time of the last event.
    pub last: Option<String>,
    /// Whose clock stamped the events.
    pub clock: TapeClock,
    /// Where the data is from.
    pub source: String,
    /// The instruments.
    pub instruments: Vec<InstrumentInfo>,
}

/// One instrument of a tape; numbers as text, exact.
#[derive(Clone, Debug, Serialize)]
pub struct InstrumentInfo {
    /// Symbol.
    pub symbol: String,
    /// Venue.
    pub venue: String,
    /// `spot`, `perpetual` or `future`.
    pub kind: &'static str,
    /// Base asset.
    pub base: String,
    /// Quote asset.
    pub quote: String,
    /// Price tick.
    pub price_tick: String,
    /// Quantity step.
    pub quantity_step: String,
    /// Least quantity of an order.
    pub min_quantity: String,
    /// Largest quantity of an order.
    pub max_quantity: String,
    /// Least notional of an order.
    pub min_notional: String,
    /// Units of the base asset in one contract.
    pub multiplier: String,
    /// Fee rate for making liquidity.
    pub maker_fee: String,
    /// Fee rate for taking liquidity.
    pub taker_fee: String,
    /// Trades.
    pub trades: u64,
    /// Quotes.
    pub quotes: u64,
    /// Bars.
    pub bars: u64,
    /// Changes of the book, and whole books.
    pub depths: u64,
    /// Mark prices.
    pub marks: u64,
    /// Fundings.
    pub fundings: u64,
    /// Time of its first event.
    pub first: Option<String>,
    /// Time of its last event.
    pub last: Option<String>,
    /// Least price of trades, bars and two-sided quotes.
    pub price_low: Option<String>,
    /// Largest price of the same.
    pub price_high: Option<String>,
}

/// Looks at a tape without reading its events.
///
/// # Errors
/// The file is no tape, is damaged, or was not finished.
pub fn info(path: &Path) -> Result<TapeReport, DataError> {
    let info = TapeReader::info(path)?;
    let any = info.events > 0;
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    let bytes_per_event = info.bytes as f64 / info.events.max(1) as f64;
    let instruments = info.header.instruments.iter().zip(&info.instruments);
    Ok(TapeReport {
        path: path.to_owned(),
        sha256: show_hash(&tape_hash(path)?),
        bytes: info.bytes,
        events: info.events,
        segments: info.segments,
        bytes_per_event,
        first: any.then(|| show_time(info.first)),
        last: any.then(|| show_time(info.last)),
        clock: info.header.clock,
        source: info.header.source.clone(),
        instruments: instruments.map(|(instrument, tally)| describe(instrument, tally)).collect(),
    })
}

fn describe(instrument: &Instrument, tally: &InstrumentTally) -> InstrumentInfo {
    let spec = instrument.spec();
    let any = tally.events() > 0;
    let time = |ns| any.then(|| show_time(sandpit_core::time::UnixNanos(ns)));
    let price = |raw| (raw != 0).then(|| instrument.price_decimal(Price(raw)).to_string());
    InstrumentInfo {
        symbol: spec.symbol.clone(),
        venue: spec.venue.clone(),
        kind: match spec.kind {
            InstrumentKind::Spot => "spot",
            InstrumentKind::Perpetual => "perpetual",
            InstrumentKind::Future => "future",
        },
        base: spec.base.clone(),
        quote: spec.quote.clone(),
        price_tick: spec.price_tick.to_string(),
        quantity_step: spec.quantity_step.to_string(),
        min_quantity: spec.min_quantity.to_string(),
        max_quantity: spec.max_quantity.to_string(),
        min_notional: spec.min_notional.to_string(),
        multiplier: spec.multiplier.to_string(),
        maker_fee: spec.maker_fee.to_decimal().to_string(),
        taker_fee: spec.taker_fee.to_decimal().to_string(),
        trades: tally.trades,
        quotes: tally.quotes,
        bars: tally.bars,
        depths: tally.depths,
        marks: tally.marks,
        fundings: tally.fundings,
        first: time(tally.first_ns),
        last: time(tally.last_ns),
        price_low: price(tally.price_low),
        price_high: price(tally.price_high),
    }
}
