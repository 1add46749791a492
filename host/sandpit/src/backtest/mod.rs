//! A backtest: tapes, simulation, plugins in the sandbox and the recorder wired into one loop, and
//! the folder that a run leaves behind. What the market does to orders is the core's; what a report
//! says is `report`'s.
//!
//! **Architecture invariant:** nothing here that is a matter of speed (threads, progress, where
//! files are) can change a result.

mod assembly;
mod canary;
mod error;
mod folder;
mod input;
mod limits;
mod machine;
mod run;

pub use canary::canary;
pub use error::BacktestError;
pub use folder::{HTML_FILE, RECEIPT_FILE, REPORT_FILE, RUN_FILE};

use std::{path::Path, sync::atomic::AtomicBool};

use sandpit_plugin::ComponentFile;

use crate::{
    author,
    config::{PluginSource, RunConfig},
    report::{Ending, Receipt, Report},
    sandbox,
};
pub(crate) use assembly::{Assembly, fill_model, instruments, plugin_config, plugin_seed, refused};
pub(crate) use input::HistorySearch;
use input::Market;
use run::Run;

/// What a run tells whoever waits for it.
pub trait Watch {
    /// One line about what is going on.
    fn note(&mut self, text: &str) {
        let _ = text;
    }

    /// Whether cargo may speak to the terminal when a crate is built.
    fn lets_tools_speak(&self) -> bool {
        false
    }

    /// The run begins and has about this many events; zero where it is not known.
    fn begins(&mut self, events: u64) {
        let _ = events;
    }

    /// It has done this many.
    fn at(&mut self, events: u64) {
        let _ = events;
    }
}

/// A watch that looks away.
impl Watch for () {}

/// A run that ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its report.
    pub report: Report,
    /// Hashes of what went in and came out.
    pub receipt: Receipt,
}

impl Outcome {
    /// Whether it ended before its tapes did.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.report.run.ending != Ending::Completed
    }
}

/// Runs a configuration: crates are built, tapes read, and with a folder the report and all that is
/// needed to run it again are written there. Setting `stop` ends the run with a partial report.
///
/// # Errors
/// Something cannot be built, read, loaded or written, or does not fit the rest. A tape that breaks
/// in the middle leaves the report of what came before, and is an error all the same.
pub fn run(
    config: &RunConfig,
    folder: Option<&Path>,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<Outcome, BacktestError> {
    let mut components = Vec::new();
    for plugin in &config.plugins {
        components.push(component(&plugin.name, &plugin.source, watch)?);
    }
    let market = Market::of_tapes(config)?;
    let run = Run::new(config, &market, &components)?;
    if let Some(folder) = folder {
        folder::make(folder)?;
    }
    let (outcome, broken) = run.play(folder, watch, stop)?;
    if let Some(folder) = folder {
        folder::write(folder, config, &components, &outcome)?;
    }
    match broken {
        Some(error) => Err(error.into()),
        None => Ok(outcome),
    }
}

/// The bytes of a plugin, built first where it is a crate.
pub(crate) fn component(
    name: &str,
    source: &PluginSource,
    watch: &mut dyn Watch,
) -> Result<ComponentFile, BacktestError> {
    match source {
        PluginSource::Component(path) => sandbox::read_component(path)
            .map_err(|source| BacktestError::Plugin { name: name.to_owned(), source }),
        PluginSource::Crate(folder) => {
            watch.note(&format!("building {}", folder.display()));
            let built = author::build(folder, None, watch.lets_tools_speak())?;
            Ok(ComponentFile::unsigned(built.bytes))
        }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
