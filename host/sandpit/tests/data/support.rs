//! Files made for a test, and tapes as text.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sandpit::data::{self, DataError, ImportOptions, ImportSummary};
use sandpit_core::market::{MarketData, Side};
use sandpit_journal::tape::TapeReader;
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

/// A folder that goes with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file; `.gz` and `.zip` are packed.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let mut file = File::create(&path).unwrap();
        if name.ends_with(".gz") {
            let mut packed = GzEncoder::new(file, Compression::fast());
            packed.write_all(text.as_bytes()).unwrap();
            packed.finish().unwrap();
        } else if name.ends_with(".zip") {
            let mut packed = ZipWriter::new(file);
            let inner = name.replace(".zip", ".csv");
            packed.start_file(inner, SimpleFileOptions::default()).unwrap();
            packed.write_all(text.as_bytes()).unwrap();
            packed.finish().unwrap();
        } else {
            file.write_all(text.as_bytes()).unwrap();
        }
        path
    }

    /// Options that import one file of this text.
    pub(crate) fn options(&self, name: &str, text: &str) -> ImportOptions {
        ImportOptions {
            inputs: vec![self.write(name, text)],
            output: self.path("out.tape"),
            ..ImportOptions::default()
        }
    }
}

pub(crate) fn import(options: &ImportOptions) -> Result<ImportSummary, DataError> {
    data::import(options, &mut |_| ControlFlow::Continue(()))
}

/// An error with its sources, and without the folder of the test.
pub(crate) fn error(error: &DataError, folder: &Folder) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        write!(text, ": {error}").unwrap();
        source = error.source();
    }
    let root = format!("{}/", folder.0.path().display());
    text.replace(&root, "")
}

/// A tape as text: one line for each event.
pub(crate) fn show(tape: &Path) -> String {
    let reader = TapeReader::open(tape).unwrap();
    let instruments = reader.header().instruments.clone();
    let mut text = String::new();
    for event in reader {
        let event = event.unwrap();
        let instrument = &instruments[usize::from(event.instrument.0)];
        let price = |price| instrument.price_decimal(price);
        let quantity = |quantity| instrument.quantity_decimal(quantity);
        write!(text, "{} {}", event.time.0, instrument.spec().symbol).unwrap();
        if event.venue_time != event.time {
            write!(text, " (venue {})", event.venue_time.0).unwrap();
        }
        match event.data {
            MarketData::Trade(trade) => {
                let side = match trade.aggressor {
                    None => "",
                    Some(Side::Buy) => " buy",
                    Some(Side::Sell) => " sell",
                };
                let (p, q) = (price(trade.price), quantity(trade.quantity));
                writeln!(text, " trade {p} x {q}{side} #{}", trade.id)
            }
            MarketData::Quote(quote) => writeln!(
                text,
                " quote {} x {} / {} x {}",
                price(quote.bid_price),
                quantity(quote.bid_quantity),
                price(quote.ask_price),
                quantity(quote.ask_quantity)
            ),
            MarketData::Bar(bar) => writeln!(
                text,
                " bar {} s {} {} {} {} volume {}",
                bar.interval.0 / 1_000_000_000,
                price(bar.open),
                price(bar.high),
                price(bar.low),
                price(bar.close),
                quantity(bar.volume)
            ),
            MarketData::Depth(update) => {
                let kind = if update.snapshot { "book" } else { "change" };
                let side = |levels: &[(_, _)]| {
                    let level = |&(p, q): &(_, _)| format!("{} x {}", price(p), quantity(q));
                    levels.iter().map(level).collect::<Vec<_>>().join(", ")
                };
                let (bids, asks) = (side(&update.bids), side(&update.asks));
                writeln!(text, " {kind} {} [{bids}] [{asks}]", update.last_sequence)
            }
            MarketData::Mark(mark) => writeln!(text, " mark {}", price(mark)),
            MarketData::Funding(funding) => {
                let rate = funding.rate.to_decimal();
                writeln!(text, " funding {rate} at {}", price(funding.mark))
            }
        }
        .unwrap();
    }
    text
}

/// Imports a file of this name and text by itself, and compares what is on the tape.
pub(crate) fn check(name: &str, text: &str, expected: &str) -> ImportSummary {
    let folder = Folder::new();
    let options = folder.options(name, text);
    let summary = match import(&options) {
        Ok(summary) => summary,
        Err(e) => panic!("{}", error(&e, &folder)),
    };
    assert_eq!(show(&options.output), expected, "{name}");
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 2, "nothing else is left");
    summary
}

/// The same for a file that is refused.
pub(crate) fn check_refused(name: &str, text: &str, expected: &str) {
    let folder = Folder::new();
    let options = folder.options(name, text);
    let refused = import(&options).unwrap_err();
    assert_eq!(error(&refused, &folder), expected);
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1, "nothing is left");
}
