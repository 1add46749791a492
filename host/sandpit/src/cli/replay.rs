//! `sandpit replay`.

use std::path::PathBuf;

use clap::Args;
use sandpit_plugin::Mode;

use super::{
    places,
    reply::{Exit, Failure, Reply},
};
use crate::{
    config::{self, Overrides},
    replay::{self, Options, ReplayError, Verdict},
};

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Folder of the session
    #[arg(long, value_name = "FOLDER")]
    state: PathBuf,
    /// Configuration of the session: its tapes, its plugins
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only this plugin
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// Run this component in the place of what ran then
    #[arg(long, value_name = "FILE", requires = "plugin")]
    component: Option<PathBuf>,
}

pub(super) fn run(arguments: ReplayArgs) -> Result<Reply, Failure> {
    let mut config = config::load(&arguments.config, &Overrides::default())?;
    config.loading.mode = Mode::Backtest;
    places::equip(&mut config.loading);
    let ReplayArgs { state, plugin, component, .. } = arguments;
    let outcome = replay::run(&config, &Options { state, plugin, component })?;
    let reply = Reply::new(outcome.text(), outcome.json());
    Ok(match outcome.verdict() {
        Verdict::Equal => reply,
        Verdict::Nothing => reply.ending(Exit::Failed),
        Verdict::Different => reply.ending(Exit::Differs),
    })
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Journal(error) => Self::from_error(Exit::Journal, &error)
                .help("`sandpit audit verify` says whether the journal can be believed"),
            ReplayError::Calls(_) | ReplayError::Record { .. } => {
                Self::from_error(Exit::Journal, &error)
                    .help("nothing after it in the log can be replayed")
            }
            ReplayError::Market(error) => Self::from_error(Exit::Data, &error)
                .help("`sandpit data check FILE` says whether a tape is whole"),
            ReplayError::Sandbox(error) => {
                Self::from_error(Exit::PluginRefused, &error).code(error.code())
            }
            error @ ReplayError::UnknownPlugin { .. } => Self::from_error(Exit::Usage, &error),
        }
    }
}
