//! `[paper]`, `[journal]` and `[replay]`: how a session runs and remembers. Nothing of it changes what a
//! strategy does, so it is not part of a run's canonical form.

use std::{ops::Range, path::PathBuf};

use sandpit_core::time::Nanos;
use serde::Deserialize;
use toml::Spanned;

use super::{ConfigError, Setting};
use crate::session::{Durability, OnStop, Speed};

/// How a paper session runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperConfig {
    /// The folder that remembers.
    pub state: Option<PathBuf>,
    /// How fast recorded markets are played.
    pub speed: Speed,
    /// What happens to open orders when a session ends as it should.
    pub on_stop: OnStop,
    /// Market time between two saves of the plugins' states.
    pub save_every: Nanos,
}

impl PaperConfig {
    /// The longest time between two saves: a day.
    pub const SAVE_EVERY_MAX: Nanos = Nanos(86_400 * Nanos::SECOND.0);
}

impl Default for PaperConfig {
    fn default() -> Self {
        Self {
            state: None,
            speed: Speed::REAL,
            on_stop: OnStop::Leave,
            save_every: Nanos(60 * Nanos::SECOND.0),
        }
    }
}

/// How a session's journal is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalConfig {
    /// What it survives.
    pub durability: Durability,
    /// It may not grow beyond; trading halts there.
    pub bytes_max: Option<u64>,
}

/// What is kept to replay a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayConfig {
    /// Bytes of each plugin's call log; the oldest part is dropped beyond. 0 keeps none.
    pub keep_bytes: u64,
}

impl Default for ReplayConfig {
    fn default() -> Self {
        Self { keep_bytes: crate::replay::KEEP_BYTES_DEFAULT }
    }
}

/// `[replay]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayFile {
    keep_bytes: Option<u64>,
}

impl ReplayFile {
    pub(super) fn resolve(self) -> ReplayConfig {
        let default = ReplayConfig::default();
        ReplayConfig { keep_bytes: self.keep_bytes.unwrap_or(default.keep_bytes) }
    }
}

/// `[paper]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaperFile {
    state: Option<PathBuf>,
    speed: Option<Spanned<Setting>>,
    on_stop: Option<OnStopFile>,
    save_every_s: Option<Spanned<u64>>,
}

/// `[journal]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JournalFile {
    durability: Option<DurabilityFile>,
    bytes_max: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnStopFile {
    Leave,
    Cancel,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DurabilityFile {
    Process,
    Power,
}

impl PaperFile {
    /// What it says; `beside` makes paths relative to the file. An error comes with its place.
    pub(super) fn resolve(
        self,
        beside: impl Fn(PathBuf) -> PathBuf,
    ) -> Result<PaperConfig, (Range<usize>, ConfigError)> {
        let mut config = PaperConfig { state: self.state.map(beside), ..PaperConfig::default() };
        if let Some(speed) = self.speed {
            let parsed = speed.get_ref().0.parse::<Speed>();
            config.speed =
                parsed.map_err(|error| (speed.span(), ConfigError::new(error.to_string())))?;
        }
        if let Some(on_stop) = self.on_stop {
            config.on_stop = match on_stop {
                OnStopFile::Leave => OnStop::Leave,
                OnStopFile::Cancel => OnStop::Cancel,
            };
        }
        if let Some(seconds) = self.save_every_s {
            let length = Nanos(seconds.get_ref().saturating_mul(Nanos::SECOND.0));
            if length == Nanos(0) || length > PaperConfig::SAVE_EVERY_MAX {
                let max_s = PaperConfig::SAVE_EVERY_MAX.0 / Nanos::SECOND.0;
                let message = format!("save_every_s must be 1 to {max_s}");
                return Err((seconds.span(), ConfigError::new(message)));
            }
            config.save_every = length;
        }
        Ok(config)
    }
}

impl JournalFile {
    pub(super) const fn resolve(self) -> JournalConfig {
        JournalConfig {
            durability: match self.durability {
                Some(DurabilityFile::Power) => Durability::Power,
                Some(DurabilityFile::Process) | None => Durability::Process,
            },
            bytes_max: self.bytes_max,
        }
    }
}
