//! Binance's public dumps. Source: the README of `binance/binance-public-data`.
//!
//! Spot files of old have no header, futures files have one; Spot stamps are in microseconds from
//! 2025-01-01 on. Trades: id, price, quantity, quote quantity, time, buyer is maker (, best match).
//! Aggregates: id, price, quantity, first id, last id, time, buyer is maker (, best match). Bars:
//! open time, open, high, low, close, volume, close time, and five more.

use std::path::Path;

use sandpit_core::{market::Side, time::Nanos};

use super::RowParser;
use crate::data::{
    RowProblem, TimeFormat,
    csv::{Fields, Row, read_id},
    row::{Out, RawData, RawEvent, Refusal},
};

/// Columns of a bar.
const KLINE_COLUMNS: usize = 12;
/// From here on a stamp is in microseconds.
const MICROSECONDS_FROM: u64 = 100_000_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dump {
    Trades,
    AggTrades,
    Klines,
}

#[derive(Debug)]
pub(super) struct BinanceDumps {
    dump: Dump,
    symbol: String,
    fields: Fields,
    first: bool,
}

impl BinanceDumps {
    pub(super) fn new(dump: Dump) -> Self {
        Self { dump, symbol: String::new(), fields: Fields::default(), first: true }
    }
}

impl RowParser for BinanceDumps {
    fn begin(&mut self, name: &Path) {
        self.first = true;
        let name = name.file_name().unwrap_or_default().to_string_lossy();
        // `BTCUSDT-trades-2025-01-01.csv`
        self.symbol = name.split(['-', '.']).next().unwrap_or_default().to_owned();
    }

    fn row(&mut self, line: &[u8], out: Out<'_>) -> Result<(), Refusal> {
        if std::mem::take(&mut self.first) && is_header(line) {
            return Ok(());
        }
        let row = self.fields.split(line, b',')?;
        let (stamp, data) = match self.dump {
            Dump::Trades => trade(row, 6, 4)?,
            Dump::AggTrades => trade(row, 7, 5)?,
            Dump::Klines => kline(row)?,
        };
        out(RawEvent {
            name: Some(&self.symbol),
            venue: None,
            host_time: None,
            venue_time: Some(stamp),
            data,
        })
    }
}

/// Futures files name their columns; no name of a column begins with a digit.
fn is_header(line: &[u8]) -> bool {
    let has = |name: &[u8]| memchr::memmem::find(line, name).is_some();
    line.first().is_some_and(u8::is_ascii_alphabetic) && (has(b"price") || has(b"open"))
}

/// `columns` in futures files, one more in Spot files.
fn trade(
    row: Row<'_>,
    columns: usize,
    time: usize,
) -> Result<(sandpit_core::time::UnixNanos, RawData<'_>), RowProblem> {
    if row.len() != columns && row.len() != columns + 1 {
        let expected = format!("{columns} or {}", columns + 1);
        return Err(RowProblem::Columns { found: row.len(), expected });
    }
    let maker = row.get(time + 1);
    let aggressor = if maker.eq_ignore_ascii_case(b"true") {
        Side::Sell
    } else if maker.eq_ignore_ascii_case(b"false") {
        Side::Buy
    } else {
        return Err(RowProblem::malformed("buyer-is-maker flag", maker));
    };
    let data = RawData::Trade {
        price: row.get(1),
        quantity: row.get(2),
        aggressor: Some(aggressor),
        id: read_id(row.get(0))?,
    };
    Ok((TimeFormat::Auto.read(row.get(time))?, data))
}

fn kline(row: Row<'_>) -> Result<(sandpit_core::time::UnixNanos, RawData<'_>), RowProblem> {
    row.expect(KLINE_COLUMNS)?;
    let start = TimeFormat::Auto.read(row.get(0))?;
    let last = TimeFormat::Auto.read(row.get(6))?;
    // The close time is the last moment within, so the end is one unit later.
    let micros = read_id(row.get(6))? >= MICROSECONDS_FROM;
    let end = last.plus(Nanos(if micros { 1_000 } else { 1_000_000 }));
    let interval = end.since(start);
    if interval == Nanos(0) {
        return Err(RowProblem::malformed("close time after the open time", row.get(6)));
    }
    let prices = [1, 2, 3, 4].map(|index| row.get(index));
    Ok((end, RawData::Bar { interval, prices, volume: Some(row.get(5)) }))
}
