//! `sandpit data`.

use std::{
    fmt::Write as _,
    ops::ControlFlow,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use sandpit_core::{num::Decimal, time::Nanos};
use sandpit_journal::tape::TapeClock;
use serde::Serialize;
use serde_json::Value;

use super::{
    args::{CheckArgs, ClockArg, DataCommand, FetchArgs, ImportArgs},
    reply::{Exit, Failure, Reply},
    signals::stop_flag,
    terminal::Terminal,
};
use crate::data::{
    self, CheckOptions, CheckReport, DataError, ImportOptions, ImportRules, ImportSummary,
    Severity, TapeReport,
    fetch::{Cadence, FetchError, FetchOptions, FetchSummary, Outcome},
};

pub(super) fn run(command: DataCommand, terminal: &Terminal) -> Result<Reply, Failure> {
    match command {
        DataCommand::Import(arguments) => import(arguments, terminal),
        DataCommand::Info { tape } => info(&tape),
        DataCommand::Check(arguments) => check(&arguments, terminal),
        DataCommand::Fetch(arguments) => fetch(arguments, terminal),
        DataCommand::Record(arguments) => super::record::run(&arguments, terminal),
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        let help = match &error {
            DataError::Row { .. } | DataError::Event { .. } => Some(
                "mend the file, or ask for a repair that is counted: --repair drop-bad, sort or dedup",
            ),
            DataError::Unrecognised { .. } | DataError::Mapping { .. } => Some(
                "say what it is with --format, and for csv which column is what with --mapping",
            ),
            _ => None,
        };
        let exit = match &error {
            DataError::Interrupted => Exit::Interrupted,
            DataError::Options(_) => Exit::Usage,
            DataError::Rules(_) => Exit::Config,
            _ => Exit::Data,
        };
        let failure = Self::from_error(exit, &error);
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

fn import(arguments: ImportArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let decimal = |text: &String| -> Result<Decimal, Failure> {
        text.parse().map_err(|error| usage(format!("--quote-quantity: {error}")))
    };
    let rules = match &arguments.rules {
        Some(path) => ImportRules::load(path).map_err(DataError::from)?,
        None => Vec::new(),
    };
    let options = ImportOptions {
        inputs: arguments.inputs,
        output: arguments.out,
        format: arguments.format.map(|text| text.parse()).transpose().map_err(usage)?,
        mapping: arguments
            .mapping
            .map(|text| text.parse())
            .transpose()
            .map_err(|error| Failure::from_error(Exit::Usage, &error))?,
        rules,
        repairs: arguments
            .repairs
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()
            .map_err(usage)?,
        clock: arguments.clock.map(|clock| match clock {
            ClockArg::Host => TapeClock::Host,
            ClockArg::Venue => TapeClock::Venue,
        }),
        quote_quantity: arguments.quote_quantity.as_ref().map(decimal).transpose()?,
        overwrite: arguments.overwrite,
    };
    let stop = stop_flag()?;
    let bar = terminal.bytes_progress();
    let summary = data::import(&options, &mut |progress| {
        bar.set_length(progress.bytes_total * u64::from(progress.passes));
        bar.set_position(progress.bytes_total * u64::from(progress.pass - 1) + progress.bytes_read);
        flow(&stop)
    })?;
    bar.finish_and_clear();
    Ok(Reply::new(imported(&summary), to_json(&summary)?))
}

fn flow(stop: &AtomicBool) -> ControlFlow<()> {
    if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Told where there are some: most tapes have none.
fn marks_and_fundings(marks: u64, fundings: u64) -> String {
    if marks + fundings == 0 {
        return String::new();
    }
    format!(", {marks} marks, {fundings} fundings")
}

fn imported(summary: &ImportSummary) -> String {
    let mut text = format!(
        "{}: {} events, {} to {}\n  {} bytes, sha256 {}\n  {}, {} lines\n",
        summary.output.display(),
        summary.events,
        summary.first,
        summary.last,
        summary.bytes,
        summary.sha256,
        summary.recognised,
        summary.lines,
    );
    for instrument in &summary.instruments {
        let _ = writeln!(
            text,
            "  {}: {} trades, {} quotes, {} bars, {} depth{}; tick {}, step {}",
            instrument.symbol,
            instrument.trades,
            instrument.quotes,
            instrument.bars,
            instrument.depths,
            marks_and_fundings(instrument.marks, instrument.fundings),
            instrument.price_tick,
            instrument.quantity_step,
        );
    }
    for (reason, count) in &summary.dropped {
        let _ = writeln!(text, "  left out {count} rows: {reason}");
    }
    if summary.sorted + summary.deduplicated > 0 {
        let _ = writeln!(
            text,
            "  moved {} events, left out {} that came twice",
            summary.sorted, summary.deduplicated
        );
    }
    for (what, count) in &summary.passed_over {
        let _ = writeln!(text, "  passed over {count} rows: {what}");
    }
    for note in &summary.notes {
        let _ = writeln!(text, "  note: {note}");
    }
    text
}

fn info(tape: &Path) -> Result<Reply, Failure> {
    let report = data::info(tape)?;
    Ok(Reply::new(described(&report), to_json(&report)?))
}

fn described(report: &TapeReport) -> String {
    let none = || "none".to_owned();
    let mut text = format!(
        "{}: {} events in {} segments, {} bytes ({:.1} an event)\n  {} to {}\n  sha256 {}\n  from {}\n",
        report.path.display(),
        report.events,
        report.segments,
        report.bytes,
        report.bytes_per_event,
        report.first.clone().unwrap_or_else(none),
        report.last.clone().unwrap_or_else(none),
        report.sha256,
        report.source,
    );
    for it in &report.instruments {
        let _ = writeln!(
            text,
            "  {} ({}, {}): {} trades, {} quotes, {} bars, {} depth{}\n    price {} to {}; tick {}, step {}, quantity {} to {}, fees {} / {}",
            it.symbol,
            it.venue,
            it.kind,
            it.trades,
            it.quotes,
            it.bars,
            it.depths,
            marks_and_fundings(it.marks, it.fundings),
            it.price_low.clone().unwrap_or_else(none),
            it.price_high.clone().unwrap_or_else(none),
            it.price_tick,
            it.quantity_step,
            it.min_quantity,
            it.max_quantity,
            it.maker_fee,
            it.taker_fee,
        );
    }
    text
}

fn check(arguments: &CheckArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let options = CheckOptions {
        gap_max: Nanos::from_millis(arguments.gap_ms),
        jump_basis_points_max: arguments.jump_bps,
        findings_max: arguments.findings,
    };
    let stop = stop_flag()?;
    let bar = terminal.bytes_progress();
    let report = data::check(&arguments.tape, &options, &mut |read, total| {
        bar.set_length(total);
        bar.set_position(read);
        flow(&stop)
    })?;
    bar.finish_and_clear();
    let reply = Reply::new(judged(&report), to_json(&report)?);
    Ok(if report.ok { reply } else { reply.ending(Exit::Data) })
}

fn judged(report: &CheckReport) -> String {
    let verdict = if report.ok { "sound" } else { "not sound" };
    let mut text = format!(
        "{} is {verdict}: {} events, {} problems, {} notes\n",
        report.path.display(),
        report.events,
        report.problems,
        report.notes
    );
    for finding in &report.findings {
        let severity = match finding.severity {
            Severity::Problem => "problem",
            Severity::Note => "note",
        };
        let _ = writeln!(
            text,
            "  {severity:<8} {:<20} {} {} {}",
            finding.code, finding.symbol, finding.time, finding.text
        );
    }
    if report.findings_left_off > 0 {
        let _ = writeln!(text, "  and {} more; --findings N lists more", report.findings_left_off);
    }
    text
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let exit = match &error {
            FetchError::Options(_) => Exit::Usage,
            FetchError::Interrupted => Exit::Interrupted,
            _ => Exit::Data,
        };
        let failure = Self::from_error(exit, &error);
        match exit {
            Exit::Data => {
                failure.help("run it again: what has been loaded stays, and a cut file goes on")
            }
            _ => failure,
        }
    }
}

fn fetch(arguments: FetchArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let date = |text: &str| -> Result<jiff::civil::Date, Failure> {
        text.parse().map_err(|_| usage(format!("`{text}` is no date: write 2025-01-31")))
    };
    let from = date(&arguments.from)?;
    let to = arguments.to.as_deref().map_or(Ok(from), date)?;
    let market = arguments.market.parse().map_err(usage)?;
    let kind = arguments.kind.parse().map_err(usage)?;
    let mut options = FetchOptions::new(market, kind, &arguments.symbol, (from, to));
    options.folder = arguments.folder;
    if let Some(base_url) = arguments.base_url {
        options.base_url = base_url;
    }
    if arguments.monthly {
        options.cadence = Cadence::Monthly;
    }
    let stop = stop_flag()?;
    let bar = terminal.bytes_progress();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    let summary = runtime.block_on(data::fetch::fetch(&options, &mut |progress| {
        bar.set_length(progress.bytes_total.unwrap_or(progress.bytes));
        bar.set_position(progress.bytes);
        flow(&stop)
    }))?;
    bar.finish_and_clear();
    Ok(Reply::new(fetched(&summary), to_json(&summary)?))
}

fn fetched(summary: &FetchSummary) -> String {
    let mut text = format!(
        "{} files fetched, {} were there, {} are not on the server\n",
        summary.count(Outcome::Fetched),
        summary.count(Outcome::Present),
        summary.count(Outcome::Missing),
    );
    for file in &summary.files {
        let outcome = match file.outcome {
            Outcome::Fetched => "fetched",
            Outcome::Present => "present",
            Outcome::Missing => "missing",
        };
        let _ = writeln!(text, "  {outcome:<8} {} ({} bytes)", file.path.display(), file.bytes);
    }
    text
}

fn to_json(value: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::from_error(Exit::Failed, &error))
}
