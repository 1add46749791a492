//! What a journal holds: the engine's records, and beside them what only the host knows.

use sandpit_core::{
    engine::Record,
    ids::{ClientOrderId, PluginId, RunId, TradeId},
    num::Money,
    time::UnixNanos,
};

use super::Digest;
use crate::tape::InstrumentOnDisk;

/// One row, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Place in the chain, over all segments; the first is 1.
    pub seq: u64,
    /// Step, over all segments; rows of one step were committed together.
    pub step: u64,
    /// The engine's time.
    pub at: UnixNanos,
    /// What it says.
    pub entry: Entry,
    /// SHA-256 over the row before and this one.
    pub hash: Digest,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// By the engine; replayed at a restart.
    Core(Record),
    /// By the host.
    Host(HostRecord),
}

/// An entry to be written, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum EntryRef<'a> {
    /// By the engine.
    Core(&'a Record),
    /// By the host.
    Host(&'a HostRecord),
}

impl<'a> From<&'a Record> for EntryRef<'a> {
    fn from(record: &'a Record) -> Self {
        Self::Core(record)
    }
}

impl<'a> From<&'a HostRecord> for EntryRef<'a> {
    fn from(record: &'a HostRecord) -> Self {
        Self::Host(record)
    }
}

impl<'a> From<&'a Entry> for EntryRef<'a> {
    fn from(entry: &'a Entry) -> Self {
        match entry {
            Entry::Core(record) => Self::Core(record),
            Entry::Host(record) => Self::Host(record),
        }
    }
}

/// What only the host knows. Texts are cut at [`super::TEXT_BYTES_MAX`] by [`host_text`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostRecord {
    /// The first row of every file; the journal itself writes it.
    Began(Began),
    /// A run of the host begins.
    Started {
        /// Its number; part of every client order id.
        run: RunId,
        /// What the orders are.
        mode: RunMode,
        /// Version of sandpit.
        version: String,
        /// Hash of the configuration.
        config: Digest,
        /// Hash of each plugin's component, by plugin.
        components: Vec<Digest>,
    },
    /// A run of the host ends in good order. Without it, it was killed or lost power.
    Stopped {
        /// Which.
        run: RunId,
        /// Why.
        reason: String,
    },
    /// A plugin's component was loaded while the host ran.
    PluginLoaded {
        /// Which plugin.
        plugin: PluginId,
        /// Hash of the component.
        component: Digest,
        /// Its version, as it says.
        version: String,
    },
    /// A plugin goes on as another component.
    PluginSwapped {
        /// Which plugin.
        plugin: PluginId,
        /// Hash of the component before.
        from: Digest,
        /// Hash of the component now.
        to: Digest,
    },
    /// A plugin is called no more.
    PluginUnloaded {
        /// Which plugin.
        plugin: PluginId,
        /// Why.
        reason: String,
    },
    /// An operator asked for something; what the engine made of it follows.
    Operator {
        /// Who.
        who: String,
        /// By which way: the command line, an address.
        via: String,
        /// What, in words.
        command: String,
    },
    /// What a venue really took for a fill, where that was not in the account's currency. The fill's
    /// own row has what it was worth.
    FeePaid {
        /// For which order.
        order: ClientOrderId,
        /// For which execution.
        trade: TradeId,
        /// In which asset.
        asset: String,
        /// How much of it, as the venue writes it.
        amount: String,
    },
    /// Whatever a person should read later.
    Note(String),
    /// Rows that had been confirmed are lost, and a person decided to go on without them.
    CutAccepted {
        /// First row that is lost.
        lost_from: u64,
        /// Last row that had been confirmed.
        lost_to: u64,
        /// Hash of that row.
        lost_hash: Digest,
        /// What the person says about it.
        note: String,
    },
    /// The journal was put back from a backup that ends here.
    Restored {
        /// Last row of the backup.
        rows: u64,
        /// Its hash.
        hash: Digest,
    },
    /// The oldest segments were removed, as the operator's retention says.
    Pruned {
        /// The last one that was removed.
        segments_to: u32,
        /// Hash of its last row.
        hash: Digest,
    },
}

impl HostRecord {
    /// The plugin that it is about, where there is one.
    #[must_use]
    pub const fn plugin(&self) -> Option<PluginId> {
        match self {
            Self::PluginLoaded { plugin, .. }
            | Self::PluginSwapped { plugin, .. }
            | Self::PluginUnloaded { plugin, .. } => Some(*plugin),
            _ => None,
        }
    }
}

/// What the orders of a run are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunMode {
    /// Simulated, over a tape.
    Backtest,
    /// Simulated, over the live market.
    Paper,
    /// On a venue's test system.
    Testnet,
    /// Real.
    Live,
    /// Simulated, by the simulator of faults.
    Simulation,
}

/// What a file says about itself in its first row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Began {
    /// Number of the file in its chain, from 1.
    pub(super) segment: u32,
    /// Rows of all files before.
    pub(super) rows_before: u64,
    /// Hash of the last of those.
    pub(super) previous: Digest,
    /// Currency of the account.
    pub(super) currency: String,
    /// The instruments, by id.
    pub(super) instruments: Vec<InstrumentOnDisk>,
    /// The plugins, by id.
    pub(super) plugins: Vec<PluginTable>,
}

impl Began {
    /// Number of the file in its chain, from 1.
    #[must_use]
    pub const fn segment(&self) -> u32 {
        self.segment
    }

    /// Rows of all files before.
    #[must_use]
    pub const fn rows_before(&self) -> u64 {
        self.rows_before
    }

    /// How many plugins the first row names; later ones are in rows of their own. An engine that
    /// replays the file begins with so many.
    #[must_use]
    pub const fn plugins(&self) -> usize {
        self.plugins.len()
    }

    /// Hash of the last row of the file before; zeros where there is none.
    #[must_use]
    pub const fn previous(&self) -> Digest {
        self.previous
    }
}

/// A plugin in the first row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PluginTable {
    pub(super) name: String,
    pub(super) budget: Money,
}

/// A text as the journal takes it: at most [`super::TEXT_BYTES_MAX`] bytes, cut between two
/// characters.
#[must_use]
pub fn host_text(text: &str) -> String {
    let mut end = text.len().min(super::TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
