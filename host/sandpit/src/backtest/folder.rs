//! What a run leaves behind: the report in its forms, its receipt, and all that is needed to run it
//! again, the components included.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sandpit_plugin::ComponentFile;

use super::{BacktestError, Outcome};
use crate::{config::RunConfig, report};

/// The report for programs.
pub const REPORT_FILE: &str = "report.json";
/// The report for people.
pub const HTML_FILE: &str = "report.html";
/// The hashes.
pub const RECEIPT_FILE: &str = "receipt.json";
/// The run's configuration, resolved.
pub const RUN_FILE: &str = "run.toml";

/// Makes the folder.
pub(super) fn make(folder: &Path) -> Result<(), BacktestError> {
    fs::create_dir_all(folder).map_err(failed(folder))
}

/// Writes all that a run leaves behind, save for the streams that were written as it ran.
pub(super) fn write(
    folder: &Path,
    config: &RunConfig,
    components: &[ComponentFile],
    outcome: &Outcome,
) -> Result<(), BacktestError> {
    let put = |path: &Path, bytes: &[u8]| fs::write(path, bytes).map_err(failed(path));
    let mut names = Vec::new();
    for (plugin, component) in config.plugins.iter().zip(components) {
        let name = PathBuf::from(format!("{}.wasm", plugin.name));
        put(&folder.join(&name), component.bytes())?;
        names.push(name);
    }
    let mut again = config.clone();
    for tape in &mut again.tapes {
        *tape = tape.canonicalize().map_err(failed(tape))?;
    }
    let names: Vec<&Path> = names.iter().map(PathBuf::as_path).collect();
    put(&folder.join(RUN_FILE), again.to_file(&names).as_bytes())?;
    let json = serde_json::to_vec_pretty(&outcome.report)
        .map_err(|error| failed(&folder.join(REPORT_FILE))(error.into()))?;
    put(&folder.join(REPORT_FILE), &json)?;
    let html = report::render_html(&outcome.report, Some(&outcome.receipt));
    put(&folder.join(HTML_FILE), html.as_bytes())?;
    outcome.receipt.write(&folder.join(RECEIPT_FILE))?;
    Ok(())
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> BacktestError + use<> {
    let path = path.to_owned();
    move |source| BacktestError::Report { path, source }
}
