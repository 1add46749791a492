//! What plugins were told, kept and done again. While a session runs, a [`Recorder`] for each plugin
//! keeps its call log, and [`keep_component`] what it ran; [`run`] asks the same of the same
//! components once more and compares every answer: with the log (fuel, intents, saved states,
//! faults), with the journal, which has the last word on what was asked for, and with the tapes,
//! which have it on what the market did.
//!
//! The replay of a backtest is `report verify`: there everything follows from the configuration and
//! the tapes, and no log is needed.
//!
//! **Architecture invariant:** a replay changes nothing and trusts nothing but the journal's chain. A
//! part that is missing is said, and is never taken for equal.

mod code;
mod components;
mod decided;
mod outcome;
mod player;
mod recorder;
mod told;

pub use components::{COMPONENTS_BYTES_MAX, COMPONENTS_MAX, component_path, keep_component};
pub use outcome::{Counts, Difference, Outcome, PluginOutcome, Verdict};
pub use recorder::{Recorder, calls_folder};

use std::path::{Path, PathBuf};

use sandpit_core::{ids::PluginId, time::UnixNanos};
use sandpit_journal::{
    calls::{CallLogError, CallLogReader},
    journal::JournalError,
    tape::{MergedTapes, TapeError},
};
use sandpit_plugin::{CallRecord, CallRecordError};

use crate::{
    config::RunConfig,
    sandbox::{Sandbox, SandboxError},
    session::recorded_tapes,
};
use code::Code;
use decided::Decisions;
use player::Player;
use told::{Tapes, Told};

/// Bytes of a plugin's call log that are kept where the operator does not say.
pub const KEEP_BYTES_DEFAULT: u64 = 1024 * 1024 * 1024;
/// The journal in a session's folder.
const JOURNAL_FILE: &str = "session.journal";

/// What is replayed.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the session.
    pub state: PathBuf,
    /// This plugin alone.
    pub plugin: Option<String>,
    /// This component, in the place of what ran.
    pub component: Option<PathBuf>,
}

/// Why a session cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal cannot be read, or its rows are not as they were written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A call log cannot be read, or is damaged.
    #[error(transparent)]
    Calls(#[from] CallLogError),
    /// A record of a call log is none.
    #[error("record {record} of the call log of `{plugin}` cannot be read")]
    Record {
        /// Whose log.
        plugin: String,
        /// Which, from 1, of those that are kept.
        record: u64,
        /// Why not.
        #[source]
        source: CallRecordError,
    },
    /// A tape breaks off.
    #[error(transparent)]
    Market(#[from] TapeError),
    /// A component cannot be loaded again.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The session has no plugin of this name.
    #[error("the journal of the session has no plugin `{name}`; it has: {known}")]
    UnknownPlugin {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
}

/// Makes all calls of a session again, and compares.
///
/// # Errors
/// Something that is needed for it cannot be read: see [`ReplayError`].
pub fn run(config: &RunConfig, options: &Options) -> Result<Outcome, ReplayError> {
    let decisions = Decisions::open(&options.state.join(JOURNAL_FILE))?;
    let mut outcome = Outcome::default();
    if decisions.pruned > 0 {
        let note = format!("{} oldest files of the journal are not there", decisions.pruned);
        outcome.notes.push(note);
    }
    if let Some(name) = options.plugin.as_ref().filter(|name| !decisions.plugins().contains(name)) {
        let known = decisions.plugins().join(", ");
        return Err(ReplayError::UnknownPlugin { name: name.clone(), known });
    }
    // A session on a live market has tapes of its own.
    let mut paths = config.tapes.clone();
    if paths.is_empty() {
        paths = recorded_tapes(&options.state);
    }
    let tapes = Tapes { paths, to: config.to.unwrap_or(UnixNanos::MAX) };
    let tapes = match MergedTapes::open(&tapes.paths) {
        Ok(_) => Some(tapes),
        Err(error) => {
            let note = format!("no event was held against a tape: {error}");
            outcome.notes.push(note);
            None
        }
    };
    let session = Session { config, options, decisions: &decisions, tapes: tapes.as_ref() };
    let sandbox = code::sandbox(config)?;
    for (id, name) in (0u16..).zip(decisions.plugins()) {
        if options.plugin.as_ref().is_none_or(|chosen| chosen == name) {
            outcome.plugins.push(session.plugin(PluginId(id), name, &sandbox)?);
        }
    }
    Ok(outcome)
}

/// What is the same for all plugins.
struct Session<'a> {
    config: &'a RunConfig,
    options: &'a Options,
    decisions: &'a Decisions,
    tapes: Option<&'a Tapes>,
}

impl Session<'_> {
    fn plugin(
        &self,
        id: PluginId,
        name: &str,
        sandbox: &Sandbox,
    ) -> Result<PluginOutcome, ReplayError> {
        let state: &Path = &self.options.state;
        let code = Code {
            sandbox,
            state,
            configured: code::configured(self.config, name),
            instead: self.options.component.as_deref(),
            differs: None,
        };
        let told = self.tapes.map(Told::new);
        let mut player = Player::new(name, code, self.decisions.of(id), told);
        let mut log = CallLogReader::open(calls_folder(state, name))?;
        let (mut difference, mut record) = (None, 0);
        while let Some(bytes) = log.next_record()? {
            record += 1;
            let read = CallRecord::read(bytes).map_err(|source| ReplayError::Record {
                plugin: name.to_owned(),
                record,
                source,
            })?;
            player.counts.dropped = log.state().dropped;
            difference = player.record(read)?;
            if difference.is_some() {
                break;
            }
        }
        if difference.is_none() {
            difference = player.finish()?;
        }
        let Player { counts, mut notes, .. } = player;
        let known = log.state();
        if known.segments == 0 {
            notes.push("there is no call log of it: nothing was compared".to_owned());
        }
        for torn in &known.torn {
            notes.push(format!(
                "segment {} of its call log ends in a cut write: {} bytes left out",
                torn.segment, torn.bytes
            ));
        }
        Ok(PluginOutcome { name: name.to_owned(), counts, notes, difference })
    }
}
