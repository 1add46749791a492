//! What an import did, for people and programs.

use std::{collections::BTreeMap, path::PathBuf};

use sandpit_core::num::Decimal;
use sandpit_journal::tape::{TapeClock, TapeReader, tape_hash};
use serde::Serialize;

use super::{
    DataError, ImportOptions,
    import::{ASSUMED_QUOTE_QUANTITY, Told},
    show_hash, show_time,
    sink::Counts,
    sniff::Plan,
};

/// What an import did.
#[derive(Clone, Debug, Serialize)]
pub struct ImportSummary {
    /// The tape.
    pub output: PathBuf,
    /// SHA-256 of it.
    pub sha256: String,
    /// Bytes of it.
    pub bytes: u64,
    /// The format.
    pub format: String,
    /// What was recognised, in words.
    pub recognised: String,
    /// The files.
    pub inputs: Vec<InputSummary>,
    /// Lines of all files, headers and empty ones included.
    pub lines: u64,
    /// Events on the tape.
    pub events: u64,
    /// Time of the first event.
    pub first: String,
    /// Time of the last event.
    pub last: String,
    /// Whose clock stamped the events: `host` or `venue`.
    pub clock: TapeClock,
    /// The instruments.
    pub instruments: Vec<ImportedInstrument>,
    /// Rows that were left out because they could not be believed, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Events that were earlier than one before them and were moved.
    pub sorted: u64,
    /// Trades and bars that came twice and were left out.
    pub deduplicated: u64,
    /// Volumes of bars that were rounded to the grid.
    pub volumes_rounded: u64,
    /// Rows that say nothing for a tape, by what they are.
    pub passed_over: BTreeMap<String, u64>,
    /// What was assumed, and what else should be known.
    pub notes: Vec<String>,
}

/// One file of an import.
#[derive(Clone, Debug, Serialize)]
pub struct InputSummary {
    /// The file.
    pub path: PathBuf,
    /// Its lines.
    pub lines: u64,
}

/// One instrument of an import.
#[derive(Clone, Debug, Serialize)]
pub struct ImportedInstrument {
    /// Symbol.
    pub symbol: String,
    /// Price tick.
    pub price_tick: String,
    /// Quantity step.
    pub quantity_step: String,
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
}

/// Puts together what the sink, the files and the tape say.
pub(super) fn summary(
    options: &ImportOptions,
    plan: &Plan,
    counts: Counts,
    moved: u64,
    mut told: Told,
) -> Result<ImportSummary, DataError> {
    let info = TapeReader::info(&options.output)?;
    if counts.quotes_without_quantity > 0 {
        let assumed = options.quote_quantity.unwrap_or(Decimal::new(ASSUMED_QUOTE_QUANTITY, 0));
        told.notes.push(format!(
            "{} quotes have no quantity; {assumed} was assumed on both sides",
            counts.quotes_without_quantity
        ));
    }
    if counts.bridged > 0 {
        told.notes.push(format!(
            "{} changes of a book came before a snapshot that is older; they are on the tape again after it",
            counts.bridged
        ));
    }
    if counts.events == 0 {
        told.notes.push("the tape has no event".to_owned());
    }
    let instruments = info.header.instruments.iter().zip(&info.instruments);
    Ok(ImportSummary {
        output: options.output.clone(),
        sha256: show_hash(&tape_hash(&options.output)?),
        bytes: info.bytes,
        format: plan.format.to_string(),
        recognised: plan.recognised.clone(),
        lines: told.inputs.iter().map(|input| input.lines).sum(),
        inputs: told.inputs,
        events: info.events,
        first: show_time(info.first),
        last: show_time(info.last),
        clock: info.header.clock,
        instruments: instruments
            .map(|(instrument, tally)| ImportedInstrument {
                symbol: instrument.spec().symbol.clone(),
                price_tick: instrument.spec().price_tick.to_string(),
                quantity_step: instrument.spec().quantity_step.to_string(),
                trades: tally.trades,
                quotes: tally.quotes,
                bars: tally.bars,
                depths: tally.depths,
                marks: tally.marks,
                fundings: tally.fundings,
            })
            .collect(),
        dropped: told.dropped,
        sorted: moved,
        deduplicated: counts.deduplicated,
        volumes_rounded: counts.volumes_rounded,
        passed_over: counts.passed_over.into_iter().map(|(what, n)| (what.to_owned(), n)).collect(),
        notes: told.notes,
    })
}
