//! `[plugins.sandbox]`, `[sandbox_total]`, `[faults]`, `[swap]` and `[watch]`: what strategies' code
//! may use, what follows when it uses more, and how another version of it comes in. What is here is
//! said; the sandbox and its supervisor hold strategies to it.

mod limit;
mod table;
#[cfg(test)]
mod tests;

pub use limit::{Exceeded, Limit, SandboxLimits, Total};
pub use table::{command_refusals_table, faults_table, sandbox_table, totals_table};

pub(super) use limit::{SandboxFile, resolve};

use std::{
    ops::{Range, RangeInclusive},
    path::PathBuf,
    time::Duration,
};

use sandpit_core::time::Nanos;
use sandpit_plugin::{FaultRules as Restarts, SuperviseRules};
use serde::Deserialize;
use toml::Spanned;

use super::{ConfigError, PLUGINS_MAX};
use limit::out_of;

/// An error and where it is.
type Misplaced = (Range<usize>, ConfigError);

/// Plugins of a session that can be allowed.
const PLUGINS_TOTAL_MAX: u64 = PLUGINS_MAX as u64;
/// Plugins of a session where nobody says.
const PLUGINS_TOTAL_DEFAULT: u64 = 256;
/// The longest window, probation and pause: a day.
const SECONDS_MAX: u64 = 86_400;
/// The most faults in a window that can be allowed.
const FAULTS_MAX: u64 = 1_000;
/// The most core dumps that can be kept.
const CORE_DUMPS_MAX: u64 = 1_000;
/// The largest core dump that can be kept.
const CORE_DUMP_BYTES_MAX: u64 = 1 << 30;
/// Between two looks at a watched folder.
const POLL_MS: RangeInclusive<u64> = 100..=60_000;

/// What all strategies together may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SandboxTotals {
    /// Plugins of a session.
    pub plugins_max: u64,
    /// Sum of what plugins may use of memory.
    pub memory_bytes_max: u64,
    /// Percent of one core, over a minute.
    pub cpu_share_percent_max: u32,
    /// Intents per second, over ten seconds.
    pub intents_per_second_max: u32,
    /// Bytes of log lines per second.
    pub log_bytes_per_second_max: u64,
}

impl Default for SandboxTotals {
    fn default() -> Self {
        let short = |total: Total| u32::try_from(total.default_value()).unwrap_or(u32::MAX);
        Self {
            plugins_max: Total::Plugins.default_value(),
            memory_bytes_max: Total::MemoryBytes.default_value(),
            cpu_share_percent_max: short(Total::CpuShare),
            intents_per_second_max: short(Total::IntentsPerSecond),
            log_bytes_per_second_max: Total::LogBytesPerSecond.default_value(),
        }
    }
}

impl SandboxTotals {
    /// What holds.
    #[must_use]
    pub fn value(&self, total: Total) -> u64 {
        match total {
            Total::Plugins => self.plugins_max,
            Total::MemoryBytes => self.memory_bytes_max,
            Total::CpuShare => self.cpu_share_percent_max.into(),
            Total::IntentsPerSecond => self.intents_per_second_max.into(),
            Total::LogBytesPerSecond => self.log_bytes_per_second_max,
        }
    }

    /// Whether plugins with these limits may run together: by their number, and by the memory that
    /// each of them may use.
    ///
    /// # Errors
    /// They may not.
    pub fn admit<'a>(
        &self,
        plugins: impl IntoIterator<Item = &'a SandboxLimits>,
    ) -> Result<(), ConfigError> {
        let (mut count, mut memory) = (0u64, 0u64);
        for limits in plugins {
            count += 1;
            memory = memory.saturating_add(limits.value(Limit::MemoryBytes));
        }
        let above = |total: Total, asked: u64| {
            let message = format!(
                "{count} plugins would have {asked} {what}; {key} of [sandbox_total] is {max}",
                what = match total {
                    Total::MemoryBytes => "bytes of memory",
                    _ => "places",
                },
                key = total.key(),
                max = self.value(total),
            );
            Err(ConfigError::new(message)
                .help("allow more under [sandbox_total], or less under [plugins.sandbox]"))
        };
        if count > self.plugins_max {
            return above(Total::Plugins, count);
        }
        if memory > self.memory_bytes_max {
            return above(Total::MemoryBytes, memory);
        }
        Ok(())
    }
}

/// What happens to the positions of a plugin in quarantine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnQuarantine {
    /// They stay, under their stops.
    #[default]
    Keep,
    /// They are closed.
    Flatten,
}

/// What follows from faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultRules {
    /// Faults are counted over so long, by the session's time.
    pub window: Nanos,
    /// So many faults in the window are quarantine.
    pub faults_max: u32,
    /// The pause before the first restart; it doubles with each.
    pub backoff: Nanos,
    /// The longest pause.
    pub backoff_max: Nanos,
    /// What happens to positions in quarantine.
    pub on_quarantine: OnQuarantine,
    /// So many core dumps are kept, the newest.
    pub core_dumps_max: u32,
    /// What is larger is not kept.
    pub core_dump_bytes_max: u64,
}

impl Default for FaultRules {
    fn default() -> Self {
        let Restarts { window, faults_max, backoff, backoff_max } = Restarts::default();
        Self {
            window,
            faults_max,
            backoff,
            backoff_max,
            on_quarantine: OnQuarantine::Keep,
            core_dumps_max: 8,
            core_dump_bytes_max: 16 << 20,
        }
    }
}

/// How another version of a strategy takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwapRules {
    /// After it, a fault puts the old one back for so long, by the session's time.
    pub probation: Nanos,
}

impl Default for SwapRules {
    fn default() -> Self {
        Self { probation: SuperviseRules::default().probation }
    }
}

/// A folder whose components are swapped in when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRules {
    /// The folder; none is watched where there is none.
    pub folder: Option<PathBuf>,
    /// Between two looks.
    pub poll: Duration,
    /// Whether it is watched where there is money.
    pub live: bool,
}

impl Default for WatchRules {
    fn default() -> Self {
        Self { folder: None, poll: Duration::from_millis(1_000), live: false }
    }
}

/// `[sandbox_total]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TotalsFile {
    plugins_max: Option<Spanned<u64>>,
    memory_bytes_max: Option<Spanned<u64>>,
    cpu_share_percent_max: Option<Spanned<u64>>,
    intents_per_second_max: Option<Spanned<u64>>,
    log_bytes_per_second_max: Option<Spanned<u64>>,
}

/// `[faults]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultsFile {
    window_s: Option<Spanned<u64>>,
    faults_max: Option<Spanned<u64>>,
    backoff_ms: Option<Spanned<u64>>,
    backoff_ms_max: Option<Spanned<u64>>,
    on_quarantine: Option<OnQuarantineFile>,
    core_dumps_max: Option<Spanned<u64>>,
    core_dump_bytes_max: Option<Spanned<u64>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnQuarantineFile {
    Keep,
    Flatten,
}

/// `[swap]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SwapFile {
    probation_s: Option<Spanned<u64>>,
}

/// `[watch]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchFile {
    folder: Option<PathBuf>,
    poll_ms: Option<Spanned<u64>>,
    live: Option<bool>,
}

/// What is said of a key, or its default, where that is within bounds.
fn within(
    said: Option<Spanned<u64>>,
    key: &str,
    range: RangeInclusive<u64>,
    default: u64,
) -> Result<u64, Misplaced> {
    match said {
        None => Ok(default),
        Some(said) if range.contains(said.get_ref()) => Ok(said.into_inner()),
        Some(said) => Err((said.span(), out_of(key, &range))),
    }
}

/// The same of a number of 32 bits; the range is of such.
fn within_short(
    said: Option<Spanned<u64>>,
    key: &str,
    range: RangeInclusive<u64>,
    default: u32,
) -> Result<u32, Misplaced> {
    let value = within(said, key, range, default.into())?;
    Ok(u32::try_from(value).unwrap_or(u32::MAX))
}

/// The same of a time of the session, in so many nanoseconds.
fn within_time(
    said: Option<Spanned<u64>>,
    key: &str,
    unit: u64,
    range: RangeInclusive<u64>,
    default: Nanos,
) -> Result<Nanos, Misplaced> {
    Ok(Nanos(within(said, key, range, default.0 / unit)?.saturating_mul(unit)))
}

const SECOND: u64 = Nanos::SECOND.0;
const MILLI: u64 = SECOND / 1_000;

impl TotalsFile {
    /// What it says.
    pub(super) fn resolve(self) -> Result<SandboxTotals, Misplaced> {
        let of =
            |said, total: Total| within(said, total.key(), total.range(), total.default_value());
        let short = |said, total: Total| {
            of(said, total).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
        };
        Ok(SandboxTotals {
            plugins_max: of(self.plugins_max, Total::Plugins)?,
            memory_bytes_max: of(self.memory_bytes_max, Total::MemoryBytes)?,
            cpu_share_percent_max: short(self.cpu_share_percent_max, Total::CpuShare)?,
            intents_per_second_max: short(self.intents_per_second_max, Total::IntentsPerSecond)?,
            log_bytes_per_second_max: of(self.log_bytes_per_second_max, Total::LogBytesPerSecond)?,
        })
    }
}

impl FaultsFile {
    /// What it says.
    pub(super) fn resolve(self) -> Result<FaultRules, Misplaced> {
        let default = FaultRules::default();
        let pauses = || 1..=SECONDS_MAX * 1_000;
        let backoff = within_time(self.backoff_ms, "backoff_ms", MILLI, pauses(), default.backoff)?;
        // What is said of the first pause is not cut by a bound that nobody said.
        let longest = default.backoff_max.max(backoff);
        let place = self.backoff_ms_max.as_ref().map(Spanned::span);
        let backoff_max =
            within_time(self.backoff_ms_max, "backoff_ms_max", MILLI, pauses(), longest)?;
        if let Some(place) = place.filter(|_| backoff_max < backoff) {
            let message = "backoff_ms_max is below backoff_ms";
            return Err((place, ConfigError::new(message)));
        }
        let window =
            within_time(self.window_s, "window_s", SECOND, 1..=SECONDS_MAX, default.window)?;
        Ok(FaultRules {
            window,
            faults_max: within_short(
                self.faults_max,
                "faults_max",
                1..=FAULTS_MAX,
                default.faults_max,
            )?,
            backoff,
            backoff_max,
            on_quarantine: match self.on_quarantine {
                Some(OnQuarantineFile::Flatten) => OnQuarantine::Flatten,
                Some(OnQuarantineFile::Keep) | None => OnQuarantine::Keep,
            },
            core_dumps_max: within_short(
                self.core_dumps_max,
                "core_dumps_max",
                0..=CORE_DUMPS_MAX,
                default.core_dumps_max,
            )?,
            core_dump_bytes_max: within(
                self.core_dump_bytes_max,
                "core_dump_bytes_max",
                1..=CORE_DUMP_BYTES_MAX,
                default.core_dump_bytes_max,
            )?,
        })
    }
}

impl SwapFile {
    /// What it says.
    pub(super) fn resolve(self) -> Result<SwapRules, Misplaced> {
        let default = SwapRules::default().probation;
        let probation =
            within_time(self.probation_s, "probation_s", SECOND, 0..=SECONDS_MAX, default)?;
        Ok(SwapRules { probation })
    }
}

impl WatchFile {
    /// What it says; `beside` makes paths relative to the file.
    pub(super) fn resolve(
        self,
        beside: impl Fn(PathBuf) -> PathBuf,
    ) -> Result<WatchRules, Misplaced> {
        let default = WatchRules::default();
        let default_ms = u64::try_from(default.poll.as_millis()).unwrap_or(u64::MAX);
        let poll = within(self.poll_ms, "poll_ms", POLL_MS, default_ms)?;
        Ok(WatchRules {
            folder: self.folder.map(beside),
            poll: Duration::from_millis(poll),
            live: self.live.unwrap_or(default.live),
        })
    }
}
