//! Why there is no result.

use std::path::PathBuf;

use sandpit_core::{instrument::InstrumentError, simulation::SimulationError};
use sandpit_journal::tape::TapeError;

use crate::{
    author::AuthorError, config::ConfigError, report::ReceiptError, sandbox::SandboxError,
};

/// Why a backtest could not be run or its report not be written.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The configuration does not fit the tapes or the plugins.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A crate could not be built.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// A tape cannot be read.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// A plugin was refused before it traded.
    #[error("plugin `{name}` was refused")]
    Plugin {
        /// Which.
        name: String,
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// The thread that reads ahead.
    #[error("cannot start the thread that reads ahead")]
    Thread(#[source] std::io::Error),
    /// A file of the report.
    #[error("cannot write the report to `{path}`", path = .path.display())]
    Report {
        /// Which file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The market is not in order.
    #[error("the market data cannot be played")]
    Market(#[from] SimulationError),
    /// An instrument's rules.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// The receipt.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
}
