//! What a session shows of itself: plain values, in the words of docs/operators/plugins.md. The
//! session fills them; nothing here knows where they come from.

mod books;
mod records;

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

pub use books::{
    OrderView, OverviewView, PnlView, PositionView, RiskView, ScopePnlView, ScopeRiskView,
};
pub use records::{
    AlertView, DenialView, EquityPoint, FillView, JournalPage, JournalQuery, JournalRow, KINDS_MAX,
    PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, RecentView, Records,
};

/// All of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ListView {
    /// The session itself.
    pub session: StatusView,
    /// Its plugins, in the order of their numbers.
    pub plugins: Vec<PluginView>,
}

/// A session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StatusView {
    /// `paper`, `testnet` or `live`.
    pub mode: String,
    /// Version of the host.
    pub version: String,
    /// Its process.
    pub process: u32,
    /// Number of the run.
    pub run: u64,
    /// The session's time.
    pub now: String,
    /// `active`, `reducing` or `halted`: of the account.
    pub trading_state: String,
    /// Locks of the account.
    pub locks: Vec<LockView>,
    /// Plugins that it has, whatever they do.
    pub plugins: u64,
    /// Open orders of the account.
    pub open_orders: u64,
    /// Rows of its journal.
    pub journal_rows: u64,
    /// The line to an exchange; nothing where there is none.
    #[serde(default)]
    pub line: Option<LineView>,
    /// The keys that sign; nothing of them but what may be shown.
    #[serde(default)]
    pub keys: Vec<KeyView>,
    /// How often something like a key had to be masked in what the host said: a flaw of the host's.
    #[serde(default)]
    pub masked: u64,
    /// Limits over all plugins together.
    pub limits: Vec<LimitView>,
}

/// The line to an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    /// Everything has run that was asked for.
    pub live: bool,
    /// The account's events come.
    pub orders: bool,
    /// The markets come.
    pub markets: bool,
    /// What it waits for.
    pub waiting: Option<String>,
    /// Counts of the line and its protocol, by name.
    pub counts: BTreeMap<String, u64>,
}

/// A key of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Where it is.
    pub source: String,
    /// What it is used for.
    pub role: String,
    /// The first characters of its public name.
    pub name: String,
    /// A hash of its public name.
    pub fingerprint: String,
    /// The source's name for its version.
    pub version: Option<String>,
    /// Since when it exists.
    pub created: Option<String>,
    /// Its age in days.
    pub age_days: Option<u32>,
    /// `fresh`, `old` or `too-old`.
    pub age: Option<String>,
    /// When its source was asked last with success.
    pub fetched: String,
    /// Until when it is lent.
    pub lent_until: Option<String>,
    /// Why no other could be had last, if that is so.
    pub problem: Option<String>,
}

/// A lock, which a person or a time ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockView {
    /// Stable name of the reason.
    pub reason: String,
    /// `reducing` or `halted`.
    pub state: String,
    /// When it ends by itself.
    pub until: Option<String>,
}

/// A plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginView {
    /// The operator's name of it.
    pub name: String,
    /// What it is doing.
    pub state: PluginState,
    /// `active`, `reducing` or `halted`: what its orders are held to.
    pub trading_state: String,
    /// Its locks.
    pub locks: Vec<LockView>,
    /// SHA-256 of the component that runs, or ran last.
    pub component: Option<String>,
    /// The file that it came from.
    pub component_path: Option<PathBuf>,
    /// The strategy's own version.
    pub version: Option<String>,
    /// SHA-256 of the component that `rollback` puts back.
    pub previous_component: Option<String>,
    /// `process` or `inline`.
    pub isolation: String,
    /// Its process.
    pub process: Option<u32>,
    /// Walls around it; none inline.
    pub walls: Vec<WallView>,
    /// Every limit, with what it uses of it.
    pub limits: Vec<LimitView>,
    /// What it did wrong.
    pub faults: FaultsView,
    /// How often it was restarted after a fault.
    pub restarts: u64,
    /// How often another component took its place.
    pub swaps: u64,
    /// What waits for it.
    pub queue: QueueView,
    /// How long it takes.
    #[serde(default)]
    pub latency: LatencyView,
    /// Bytes of memory that its process has; of its own memory where it has no process.
    pub memory_bytes: Option<u64>,
    /// Share of one core over the last minute, in hundredths of a percent.
    pub cpu_share_bp: Option<u64>,
    /// Events that it was told of.
    pub calls: u64,
    /// Wishes that it had.
    pub intents: u64,
    /// Log lines beyond its budget.
    pub log_lines_dropped: u64,
    /// Its parameters, as text.
    pub parameters: Vec<(String, String)>,
}

/// What a plugin is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum PluginState {
    /// Its process is being started, or it has not answered `start` yet.
    #[default]
    Starting,
    /// It is called.
    Running,
    /// It is not called, by an operator's wish.
    Paused,
    /// It was at fault and waits for its restart.
    Restarting {
        /// When it is restarted.
        at: String,
    },
    /// Another component is being made ready beside it.
    Swapping {
        /// SHA-256 of that one, once it is known.
        to: Option<String>,
    },
    /// It took another's place; a fault puts that one back.
    Probation {
        /// When that ends.
        until: String,
    },
    /// It was at fault too often; a person has to release it.
    Quarantined {
        /// Since when.
        since: String,
    },
    /// It does not run.
    Unloaded,
}

impl PluginState {
    /// Stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting { .. } => "restarting",
            Self::Swapping { .. } => "swapping",
            Self::Probation { .. } => "probation",
            Self::Quarantined { .. } => "quarantined",
            Self::Unloaded => "unloaded",
        }
    }

    /// The same for people, with its time.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Restarting { at } => format!("restarting at {at}"),
            Self::Swapping { to: Some(to) } => format!("swapping to {}", short_hash(to)),
            Self::Probation { until } => format!("on probation until {until}"),
            Self::Quarantined { since } => format!("quarantined since {since}"),
            Self::Starting
            | Self::Running
            | Self::Paused
            | Self::Unloaded
            | Self::Swapping { .. } => self.name().to_owned(),
        }
    }
}

/// Digits of a hash that people are shown where there is little room.
const SHORT_HASH_CHARS: usize = 12;

/// The beginning of a hash.
#[must_use]
pub fn short_hash(hash: &str) -> String {
    hash.chars().take(SHORT_HASH_CHARS).collect()
}

/// A wall around a plugin's process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WallView {
    /// Stable name.
    pub name: String,
    /// Whether it stands.
    pub stands: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// A limit and what is used of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitView {
    /// Its key in the configuration.
    pub key: String,
    /// Its value.
    pub max: u64,
    /// What is used now, or was by the last call; `None` where it is not measured.
    pub used: Option<u64>,
    /// The most that was used.
    pub peak: Option<u64>,
    /// How often it was reached.
    pub reached: u64,
}

/// What a plugin did wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultsView {
    /// Faults of the session.
    pub total: u64,
    /// Faults in the window after which it is quarantined.
    pub in_window: u64,
    /// So many in the window are quarantine.
    pub in_window_max: u64,
    /// How often there was which.
    pub by_code: Vec<FaultCount>,
    /// The last one.
    pub last: Option<FaultView>,
}

/// How often there was a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCount {
    /// Its code.
    pub code: String,
    /// How often.
    pub count: u64,
}

/// A fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultView {
    /// Its code.
    pub code: String,
    /// When, in the session's time.
    pub at: String,
    /// What happened.
    pub detail: String,
    /// Where in the strategy, the innermost first.
    pub backtrace: Vec<String>,
    /// The file with its memory as it was.
    pub core_dump: Option<PathBuf>,
}

/// What waits for a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// Events.
    pub waiting: u64,
    /// Time of events between the oldest and now.
    pub lag_ms: u64,
    /// Quotes and depths that a newer one replaced before they were told.
    pub conflated: u64,
}

/// How long calls of a plugin take: a sample of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyView {
    /// Calls that were timed.
    pub samples: u64,
    /// Half of them took no longer.
    pub median_ns: u64,
    /// 99 of 100 took no longer.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}
