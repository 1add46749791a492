//! Every limit on what strategies' code may use, once: its key, its bounds, its default, what it is
//! shown as, and what comes of exceeding it. Tables in documents, views and the file are made from
//! this.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use sandpit_core::plugin::FaultCode;
use sandpit_plugin::{Profile, SlotLimits, Totals};
use toml::{Spanned, Table, Value};

use super::Misplaced;
use crate::{
    config::{
        ConfigError,
        render::{integer, put},
    },
    sandbox::Loading,
};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// The longest deadline: ten minutes.
const DEADLINE_MS_MAX: u64 = 600_000;
/// The most fuel that may be allowed: minutes of work.
const FUEL_MAX: u64 = 1_000_000_000_000;
/// The longest lag that may be allowed: an hour.
const LAG_MS_MAX: u64 = 3_600_000;

/// A limit of one strategy: `[plugins.sandbox]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Linear memories.
    MemoryBytes,
    /// Tables.
    TableElements,
    /// Fuel of a call.
    FuelPerCall,
    /// Fuel of the start.
    FuelStart,
    /// Wall time of a call.
    CallDeadline,
    /// Wall time of the start.
    StartDeadline,
    /// Intents of a call.
    IntentsPerCall,
    /// Intents over time.
    IntentsPerSecond,
    /// Bytes that a call hands over.
    OutputBytes,
    /// A saved state.
    StateBytes,
    /// A log line.
    LogLineBytes,
    /// Log lines over time.
    LogBytesPerSecond,
    /// Processor time.
    CpuShare,
    /// Events that wait.
    QueueEvents,
    /// Time for which they wait.
    QueueLag,
}

/// What comes of exceeding a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// A fault.
    Fault(FaultCode),
    /// Nothing but a shorter log.
    LogCut,
    /// A plugin more is not let in.
    Refused,
}

impl Exceeded {
    /// For tables.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Fault(code) => format!("`{}`", code.name()),
            Self::LogCut => "no fault: the log is cut".to_owned(),
            Self::Refused => "no fault: another plugin is refused".to_owned(),
        }
    }
}

impl Limit {
    /// All, in the order of documents.
    pub const ALL: [Self; 15] = [
        Self::MemoryBytes,
        Self::TableElements,
        Self::FuelPerCall,
        Self::FuelStart,
        Self::CallDeadline,
        Self::StartDeadline,
        Self::IntentsPerCall,
        Self::IntentsPerSecond,
        Self::OutputBytes,
        Self::StateBytes,
        Self::LogLineBytes,
        Self::LogBytesPerSecond,
        Self::CpuShare,
        Self::QueueEvents,
        Self::QueueLag,
    ];

    /// Its key in the file, and its name in `plugin show`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::MemoryBytes => "memory_bytes_max",
            Self::TableElements => "table_elements_max",
            Self::FuelPerCall => "fuel_per_call_max",
            Self::FuelStart => "fuel_start_max",
            Self::CallDeadline => "call_deadline_ms",
            Self::StartDeadline => "start_deadline_ms",
            Self::IntentsPerCall => "intents_per_call_max",
            Self::IntentsPerSecond => "intents_per_second_max",
            Self::OutputBytes => "output_bytes_max",
            Self::StateBytes => "state_bytes_max",
            Self::LogLineBytes => "log_line_bytes_max",
            Self::LogBytesPerSecond => "log_bytes_per_second_max",
            Self::CpuShare => "cpu_share_percent_max",
            Self::QueueEvents => "queue_events_max",
            Self::QueueLag => "queue_lag_ms_max",
        }
    }

    /// The one with this key.
    #[must_use]
    pub fn of(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.key() == key)
    }

    /// What it bounds.
    #[must_use]
    pub const fn bounds(self) -> &'static str {
        match self {
            Self::MemoryBytes => "bytes of all linear memories together",
            Self::TableElements => "elements of all tables together",
            Self::FuelPerCall => {
                "fuel of one call: about one for each instruction, the same on every machine"
            }
            Self::FuelStart => "fuel of instantiation, `describe`, `start` and `save`, each",
            Self::CallDeadline => "milliseconds of one call, by the clock",
            Self::StartDeadline => {
                "milliseconds of instantiation, `describe`, `start` and `save`, each"
            }
            Self::IntentsPerCall => "intents of one call",
            Self::IntentsPerSecond => "intents per second, over ten seconds of the session's time",
            Self::OutputBytes => "bytes that one call hands over",
            Self::StateBytes => "bytes of a saved state",
            Self::LogLineBytes => "bytes of one log line; what is longer is cut",
            Self::LogBytesPerSecond => {
                "bytes of log lines per second of the session's time; what is beyond is dropped and counted"
            }
            Self::CpuShare => "percent of one core, over a minute; with `isolation = \"process\"`",
            Self::QueueEvents => {
                "events that wait for it; of quotes and depth the latest of each instrument"
            }
            Self::QueueLag => "milliseconds of the session's time that the oldest may wait",
        }
    }

    /// What `plugin show` says of its use.
    #[must_use]
    pub const fn metric(self) -> &'static str {
        match self {
            Self::MemoryBytes
            | Self::TableElements
            | Self::FuelPerCall
            | Self::FuelStart
            | Self::CallDeadline
            | Self::IntentsPerCall
            | Self::IntentsPerSecond
            | Self::OutputBytes => "peak",
            Self::StartDeadline => "how often it was reached",
            Self::StateBytes => "last saved, peak",
            Self::LogLineBytes => "lines cut",
            Self::LogBytesPerSecond => "lines dropped",
            Self::CpuShare => "over the last minute",
            Self::QueueEvents => "now",
            Self::QueueLag => "now, under `queue`",
        }
    }

    /// What comes of exceeding it.
    #[must_use]
    pub const fn exceeded(self) -> Exceeded {
        match self {
            Self::MemoryBytes | Self::TableElements => Exceeded::Fault(FaultCode::MemoryExceeded),
            Self::FuelPerCall | Self::FuelStart => Exceeded::Fault(FaultCode::FuelExhausted),
            Self::CallDeadline | Self::StartDeadline => {
                Exceeded::Fault(FaultCode::DeadlineExceeded)
            }
            Self::IntentsPerCall => Exceeded::Fault(FaultCode::TooManyIntents),
            Self::IntentsPerSecond => Exceeded::Fault(FaultCode::IntentRateExceeded),
            Self::OutputBytes | Self::StateBytes => Exceeded::Fault(FaultCode::OutputExceeded),
            Self::LogLineBytes | Self::LogBytesPerSecond => Exceeded::LogCut,
            Self::CpuShare => Exceeded::Fault(FaultCode::CpuShareExceeded),
            Self::QueueEvents | Self::QueueLag => Exceeded::Fault(FaultCode::Lagging),
        }
    }

    /// Values that it may have.
    #[must_use]
    pub const fn range(self) -> RangeInclusive<u64> {
        match self {
            Self::MemoryBytes => 64 * KIB..=4 * GIB,
            Self::TableElements => 1..=10_000_000,
            Self::FuelPerCall | Self::FuelStart => 1_000..=FUEL_MAX,
            Self::CallDeadline | Self::StartDeadline => 1..=DEADLINE_MS_MAX,
            Self::IntentsPerCall => 1..=10_000,
            Self::IntentsPerSecond => 1..=100_000,
            Self::OutputBytes => KIB..=64 * MIB,
            Self::StateBytes => 1..=64 * MIB,
            Self::LogLineBytes => 1..=64 * KIB,
            Self::LogBytesPerSecond => 0..=16 * MIB,
            Self::CpuShare => 1..=100,
            Self::QueueEvents => 1..=1_000_000,
            Self::QueueLag => 1..=LAG_MS_MAX,
        }
    }

    /// Its value where nobody says one.
    #[must_use]
    pub fn default_value(self) -> u64 {
        self.default_in(Profile::Standard)
    }

    /// Its value where nothing but a profile is said.
    #[must_use]
    pub fn default_in(self, profile: Profile) -> u64 {
        let (limits, slot) = (profile.limits(), SlotLimits::default());
        match self {
            Self::MemoryBytes => wide(limits.memory_bytes_max),
            Self::TableElements => wide(limits.table_elements_max),
            Self::FuelPerCall => limits.fuel_per_call_max,
            Self::FuelStart => limits.fuel_start_max,
            Self::CallDeadline => millis(limits.call_deadline),
            Self::StartDeadline => millis(limits.start_deadline),
            Self::IntentsPerCall => wide(limits.intents_per_call_max),
            Self::IntentsPerSecond => u64::from(limits.intents_per_second_max),
            Self::OutputBytes => wide(limits.output_bytes_max),
            Self::StateBytes => wide(limits.state_bytes_max),
            Self::LogLineBytes => wide(limits.log_line_bytes_max),
            Self::LogBytesPerSecond => limits.log_bytes_per_second_max,
            Self::CpuShare => slot.cpu_share_percent_max.into(),
            Self::QueueEvents => wide(slot.queue.events_max),
            Self::QueueLag => slot.queue.lag_max.0 / 1_000_000,
        }
    }

    /// Whether it can change what comes of a backtest, where nobody waits in a queue and processor
    /// time is not counted.
    #[must_use]
    pub const fn changes_a_backtest(self) -> bool {
        !matches!(self, Self::CpuShare | Self::QueueEvents | Self::QueueLag)
    }

    const fn index(self) -> usize {
        self as usize
    }
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a strategy's code may use. What is not said is the sandbox's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SandboxLimits {
    profile: Profile,
    said: [Option<u64>; Limit::ALL.len()],
}

impl SandboxLimits {
    /// What the operator says.
    #[must_use]
    pub const fn said(&self, limit: Limit) -> Option<u64> {
        self.said[limit.index()]
    }

    /// The profile that is granted: the values of what is not said.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// The same with another profile.
    #[must_use]
    pub const fn granted(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// What holds.
    #[must_use]
    pub fn value(&self, limit: Limit) -> u64 {
        self.said(limit).unwrap_or_else(|| limit.default_in(self.profile))
    }

    /// The same with one more said.
    #[must_use]
    pub const fn with(mut self, limit: Limit, value: u64) -> Self {
        self.said[limit.index()] = Some(value);
        self
    }

    /// What can change what comes of a run, as a file says it.
    pub(in crate::config) fn render(&self) -> Table {
        let mut table = Table::new();
        if self.profile != Profile::default() {
            let name = Value::String(self.profile.name().to_owned());
            table.insert(PROFILE_KEY.to_owned(), name);
        }
        for limit in Limit::ALL.into_iter().filter(|limit| limit.changes_a_backtest()) {
            put(&mut table, limit.key(), self.said(limit).and_then(|said| integer(Some(said))));
        }
        table
    }
}

/// Key of the profile in `[plugins.sandbox]`.
const PROFILE_KEY: &str = "profile";

/// `[plugins.sandbox]` as it is written.
pub(in crate::config) type SandboxFile = BTreeMap<Spanned<String>, Spanned<Value>>;

/// What it says, each within its bounds.
pub(in crate::config) fn resolve(file: &SandboxFile) -> Result<SandboxLimits, Misplaced> {
    let mut limits = SandboxLimits::default();
    for (key, value) in file {
        if key.get_ref() == PROFILE_KEY {
            limits.profile = profile(value)?;
            continue;
        }
        let Some(limit) = Limit::of(key.get_ref()) else {
            let known = Limit::ALL.map(Limit::key).join("`, `");
            let message =
                format!("unknown field `{}`, expected one of `profile`, `{known}`", key.get_ref());
            return Err((key.span(), ConfigError::new(message)));
        };
        let range = limit.range();
        let number = value.get_ref().as_integer().and_then(|number| u64::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => limits = limits.with(limit, number),
            None => return Err((value.span(), out_of(limit.key(), &range))),
        }
    }
    Ok(limits)
}

fn profile(value: &Spanned<Value>) -> Result<Profile, Misplaced> {
    value.get_ref().as_str().and_then(Profile::of).ok_or_else(|| {
        let names = Profile::ALL.map(Profile::name).join("\" or \"");
        (value.span(), ConfigError::new(format!("profile must be \"{names}\"")))
    })
}

/// What is said of a number that is out of bounds.
pub(super) fn out_of(key: &str, range: &RangeInclusive<u64>) -> ConfigError {
    ConfigError::new(format!("{key} must be {} to {}", range.start(), range.end()))
}

/// A limit over all strategies together: `[sandbox_total]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Total {
    /// Plugins.
    Plugins,
    /// What all may use of memory.
    MemoryBytes,
    /// Processor time.
    CpuShare,
    /// Intents over time.
    IntentsPerSecond,
    /// Log lines over time.
    LogBytesPerSecond,
}

impl Total {
    /// All, in the order of documents.
    pub const ALL: [Self; 5] = [
        Self::Plugins,
        Self::MemoryBytes,
        Self::CpuShare,
        Self::IntentsPerSecond,
        Self::LogBytesPerSecond,
    ];

    /// Its key in the file, and its name in `plugin list`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Plugins => "plugins_max",
            Self::MemoryBytes => "memory_bytes_max",
            Self::CpuShare => "cpu_share_percent_max",
            Self::IntentsPerSecond => "intents_per_second_max",
            Self::LogBytesPerSecond => "log_bytes_per_second_max",
        }
    }

    /// What it bounds.
    #[must_use]
    pub const fn bounds(self) -> &'static str {
        match self {
            Self::Plugins => "plugins of a session",
            Self::MemoryBytes => "bytes: the sum of every plugin's own `memory_bytes_max`",
            Self::CpuShare => "percent of one core, over a minute",
            Self::IntentsPerSecond => "intents per second, over ten seconds of the session's time",
            Self::LogBytesPerSecond => "bytes of log lines per second of the session's time",
        }
    }

    /// What comes of exceeding it. A fault is that of the plugin that used most.
    #[must_use]
    pub const fn exceeded(self) -> Exceeded {
        match self {
            Self::Plugins | Self::MemoryBytes => Exceeded::Refused,
            Self::CpuShare => Exceeded::Fault(FaultCode::CpuShareExceeded),
            Self::IntentsPerSecond => Exceeded::Fault(FaultCode::IntentRateExceeded),
            Self::LogBytesPerSecond => Exceeded::LogCut,
        }
    }

    /// Values that it may have.
    #[must_use]
    pub const fn range(self) -> RangeInclusive<u64> {
        match self {
            Self::Plugins => 1..=super::PLUGINS_TOTAL_MAX,
            Self::MemoryBytes => 64 * KIB..=1024 * GIB,
            Self::CpuShare => 1..=102_400,
            Self::IntentsPerSecond => 1..=1_000_000,
            Self::LogBytesPerSecond => 0..=GIB,
        }
    }

    /// Its value where nobody says one.
    #[must_use]
    pub fn default_value(self) -> u64 {
        let totals = Totals::default();
        match self {
            Self::Plugins => super::PLUGINS_TOTAL_DEFAULT,
            Self::MemoryBytes => 16 * GIB,
            Self::CpuShare => totals.cpu_share_percent_max.into(),
            Self::IntentsPerSecond => totals.intents_per_second_max.into(),
            Self::LogBytesPerSecond => Loading::default().log_bytes_per_second_max,
        }
    }
}
