//! The demo: builds two example strategies, makes a synthetic market, runs the well-behaved one
//! alone and then beside two hostile instances, and compares what it did. Printing is the command
//! line's.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use crate::{
    author,
    backtest::{self, BacktestError, Outcome, Watch},
    config::{self, Overrides, PluginSource, RunConfig},
    synthetic,
};

/// The run, as a configuration that anyone can start from.
pub const CONFIG: &str = include_str!("demo.toml");
/// The market's tape within the demo's folder.
pub const TAPE_FILE: &str = "market.tape";

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The example strategies are not here.
    #[error("the demo builds strategies of the repository, and there is none here")]
    NoRepository,
    /// The folder of the report.
    #[error("cannot create `{path}`", path = path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The runs.
    #[error(transparent)]
    Backtest(#[from] BacktestError),
}

/// What the demo showed.
#[derive(Debug)]
pub struct Demo {
    /// The run of all three.
    pub outcome: Outcome,
    /// Whether the well-behaved strategy did the same alone and beside the hostile ones, to the
    /// last digit of every figure.
    pub neighbour_unchanged: bool,
}

/// Runs the demo and leaves its report in `out`.
///
/// # Errors
/// The repository is not found, or something cannot be built or written.
pub fn run(
    out: &Path,
    seed: u64,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<Demo, DemoError> {
    let repository = author::repository().ok_or(DemoError::NoRepository)?;
    fs::create_dir_all(out).map_err(|source| DemoError::Folder { path: out.to_owned(), source })?;
    let overrides = Overrides {
        seed: Some(seed),
        tapes: vec![out.join(TAPE_FILE)],
        out: Some(out.to_owned()),
        ..Overrides::default()
    };
    let mut config = config::parse(&repository.join("plugins/demo.toml"), CONFIG, &overrides)
        .map_err(BacktestError::from)?;
    build(&mut config, watch)?;
    watch.note("making a synthetic market of one day");
    let options = synthetic::Options { seed, ..synthetic::Options::default() };
    synthetic::write(&out.join(TAPE_FILE), options).map_err(BacktestError::from)?;

    watch.note("running ema-cross alone");
    let mut alone = config.clone();
    alone.plugins.truncate(1);
    let alone = backtest::run(&alone, None, &mut (), stop)?;
    watch.note("running ema-cross beside a strategy that loops and one that floods");
    let outcome = backtest::run(&config, Some(out), watch, stop)?;
    let neighbour_unchanged = match (alone.report.plugins.first(), outcome.report.plugins.first()) {
        (Some(alone), Some(beside)) => alone == beside,
        _ => false,
    };
    Ok(Demo { outcome, neighbour_unchanged })
}

/// Builds each crate once, however many instances there are of it.
fn build(config: &mut RunConfig, watch: &mut dyn Watch) -> Result<(), BacktestError> {
    let mut built: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for plugin in &mut config.plugins {
        let PluginSource::Crate(folder) = &plugin.source else {
            continue;
        };
        let component = match built.get(folder) {
            Some(component) => component.clone(),
            None => {
                watch.note(&format!("building {}", folder.display()));
                let component = author::build(folder, None, watch.lets_tools_speak())?.path;
                built.insert(folder.clone(), component.clone());
                component
            }
        };
        plugin.source = PluginSource::Component(component);
    }
    Ok(())
}
