//! The formats: each turns rows into [`RawEvent`](super::row::RawEvent)s, still as text. What a
//! number means on an instrument's grid is not known here.

mod barter;
mod binance_dumps;
mod binance_raw;
mod generic;
mod tardis;

use std::{fmt, path::Path, str::FromStr};

use super::{
    CsvMapping,
    row::{Out, Refusal},
};

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Binance's public dumps of trades, Spot and futures, with and without a header.
    BinanceTrades,
    /// The same of aggregated trades.
    BinanceAggTrades,
    /// The same of bars, which are stamped with their beginning.
    BinanceKlines,
    /// Separated values with a mapping.
    Csv,
    /// The CSV data sets of Tardis: `trades`, `quotes` and `book_ticker`, `book_snapshot_*`,
    /// `incremental_book_L2`.
    Tardis,
    /// A capture of Binance's streams, one line each: receive time in nanoseconds, a space, the
    /// message; as hftbacktest's collector writes it.
    BinanceRaw,
    /// Normalised events of barter-rs, one JSON object a line.
    BarterNdjson,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::BinanceTrades,
        Self::BinanceAggTrades,
        Self::BinanceKlines,
        Self::Csv,
        Self::Tardis,
        Self::BinanceRaw,
        Self::BarterNdjson,
    ];

    /// Its name on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BinanceTrades => "binance-trades",
            Self::BinanceAggTrades => "binance-agg-trades",
            Self::BinanceKlines => "binance-klines",
            Self::Csv => "csv",
            Self::Tardis => "tardis",
            Self::BinanceRaw => "binance-raw",
            Self::BarterNdjson => "barter-ndjson",
        }
    }

    /// Whether rows say when the recorder received them.
    pub(super) const fn has_host_time(self) -> bool {
        matches!(self, Self::Tardis | Self::BinanceRaw | Self::BarterNdjson)
    }

    /// The venue of an instrument whose rows do not say it.
    pub(super) const fn venue(self) -> &'static str {
        match self {
            Self::BinanceTrades
            | Self::BinanceAggTrades
            | Self::BinanceKlines
            | Self::BinanceRaw => "binance",
            Self::Csv | Self::Tardis | Self::BarterNdjson => "unknown",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is no format; the formats are {names}")
        })
    }
}

/// Turns rows of one format into raw events.
pub(super) trait RowParser {
    /// A file begins, perhaps within an archive; its name may say what its rows do not.
    fn begin(&mut self, name: &Path);

    /// One row, which is not empty.
    fn row(&mut self, line: &[u8], out: Out<'_>) -> Result<(), Refusal>;

    /// The last row has been given.
    fn end(&mut self, _out: Out<'_>) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The parser of a format; a mapping is needed for [`Format::Csv`] alone.
pub(super) fn parser(format: Format, mapping: Option<&CsvMapping>) -> Box<dyn RowParser> {
    use binance_dumps::{BinanceDumps, Dump};
    match (format, mapping) {
        (Format::Csv, Some(mapping)) => Box::new(generic::GenericCsv::new(mapping.clone())),
        (Format::BinanceTrades, _) => Box::new(BinanceDumps::new(Dump::Trades)),
        (Format::BinanceAggTrades, _) => Box::new(BinanceDumps::new(Dump::AggTrades)),
        (Format::BinanceKlines, _) => Box::new(BinanceDumps::new(Dump::Klines)),
        (Format::BinanceRaw, _) => Box::new(binance_raw::BinanceRaw::default()),
        (Format::BarterNdjson, _) => Box::new(barter::BarterNdjson::default()),
        // Tardis names all its columns; so does a CSV that was not mapped, and it is refused there.
        (Format::Tardis | Format::Csv, _) => Box::new(tardis::Tardis::default()),
    }
}
