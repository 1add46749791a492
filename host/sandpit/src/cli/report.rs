//! `sandpit report`.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{
    args::ReportCommand,
    backtest::Bar,
    places,
    reply::{Exit, Failure, Reply},
    signals::stop_flag,
    terminal::Terminal,
};
use crate::{
    backtest,
    config::{self, Overrides},
    report::{self, Receipt, Report},
};

/// Bytes of a report that are read.
const REPORT_BYTES_MAX: u64 = 256 << 20;

pub(super) fn run(command: &ReportCommand, terminal: &Terminal) -> Result<Reply, Failure> {
    match command {
        ReportCommand::Show { report } => show(&folder(report), terminal),
        ReportCommand::Verify { report } => verify(&folder(report), terminal),
    }
}

/// A run's folder, whether it or a file in it is named.
fn folder(report: &Path) -> PathBuf {
    if report.is_dir() {
        return report.to_owned();
    }
    let parent = report.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

fn show(folder: &Path, terminal: &Terminal) -> Result<Reply, Failure> {
    let path = folder.join(backtest::REPORT_FILE);
    let unreadable = |problem: String| {
        Failure::new(Exit::Failed, format!("cannot read report `{}`: {problem}", path.display()))
            .help("name the folder that `sandpit backtest` wrote")
    };
    let mut text = String::new();
    fs::File::open(&path)
        .and_then(|file| file.take(REPORT_BYTES_MAX).read_to_string(&mut text))
        .map_err(|error| unreadable(error.to_string()))?;
    let report: Report =
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    let text = report::render_text_styled(&report, terminal.text_style());
    let json = serde_json::to_value(&report).map_err(|error| unreadable(error.to_string()))?;
    Ok(Reply::new(text, json))
}

fn verify(folder: &Path, terminal: &Terminal) -> Result<Reply, Failure> {
    let written = Receipt::read(&folder.join(backtest::RECEIPT_FILE)).map_err(|error| {
        Failure::from_error(Exit::Failed, &error)
            .help("name the folder that `sandpit backtest` wrote")
    })?;
    let mut config = config::load(&folder.join(backtest::RUN_FILE), &Overrides::default())?;
    places::equip(&mut config.loading);
    let stop = stop_flag()?;
    let mut watch = Bar::new(*terminal);
    let outcome = backtest::run(&config, None, &mut watch, &stop)?;
    watch.end();
    if outcome.is_partial() {
        return Err(Failure::new(Exit::Interrupted, "the verification was interrupted"));
    }
    let differences = report::verify(&written, &outcome.receipt);
    let listed: Vec<_> = differences
        .iter()
        .map(|d| json!({ "field": d.field, "expected": d.expected, "found": d.found }))
        .collect();
    let json = json!({ "verified": differences.is_empty(), "differences": listed });
    if differences.is_empty() {
        let text = format!(
            "Verified: the run gives the same result again.\n  result {}",
            written.result_sha256
        );
        return Ok(Reply::new(text, json));
    }
    let mut text = "The run gives another result than its receipt says:\n".to_owned();
    for difference in &differences {
        text.push_str(&format!(
            "  {}\n    receipt {}\n    now     {}\n",
            difference.field, difference.expected, difference.found
        ));
    }
    Ok(Reply::new(text, json).ending(Exit::Differs))
}
