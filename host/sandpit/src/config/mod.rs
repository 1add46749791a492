//! What a run is made of, as people write it: a TOML file with flags over it, parsed once into
//! [`RunConfig`]. Nothing behind this module sees TOML, and nothing here opens a tape or a
//! component: what depends on them (instruments' grids, plugins' parameters) is resolved by
//! `backtest`.
//!
//! The file is versioned and closed: an unknown key is an error with its place, so a limit that is
//! misspelled is never silently absent.

mod admin;
mod alerts;
mod document;
mod error;
mod file;
mod fill;
mod keys;
mod limits;
mod number;
mod overrides;
mod paper;
mod render;
mod resolve;
mod risk;
mod sandbox;
mod trust;
mod venue;

pub use document::{denials_table, limits_table};
pub use error::{ConfigError, Place};
pub use fill::{FillModel, LatencyModel};
pub use keys::{AnyAddress, KeysConfig};
pub use limits::{MoneyLimits, QuantityLimits};
pub use overrides::{Overrides, PluginOverride, Setting};
pub use paper::{JournalConfig, PaperConfig, ReplayConfig};
pub(crate) use resolve::no_venue;
pub use resolve::{from_overrides, load, load_alerts, load_venue, parse};
pub use risk::RiskConfig;
pub use sandbox::{
    Exceeded, FaultRules, Limit, OnQuarantine, SandboxLimits, SandboxTotals, SwapRules, Total,
    WatchRules, command_refusals_table, faults_table, sandbox_table, totals_table,
};

pub use venue::{
    Exchange, FuturesConfig, MarginMode, OtherHosts, RateReserves, TradesOf, VenueConfig,
};

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use sandpit_alerts::AlertsConfig;
use sandpit_core::{
    instrument::InstrumentSpec,
    matching::{MarginRules, TriggerSource},
    num::{Decimal, Money},
    time::{Nanos, UnixNanos},
};

use crate::{admin::HttpOptions, sandbox::Loading};

/// Version of the file format.
pub const VERSION: u32 = 1;
/// Bytes of a configuration file.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Plugins of one run, however many `[sandbox_total]` allows: what a journal knows.
pub const PLUGINS_MAX: usize = 1_024;
/// Tapes of one run.
pub const TAPES_MAX: usize = 1_024;
/// Threads of one run: the engine's and one that reads ahead.
pub const THREADS_MAX: u8 = 2;
/// The longest latency that is modelled: one minute.
pub const LATENCY_MAX: Nanos = Nanos(60 * 1_000_000_000);

/// The annotated reference file, which tests parse.
pub const REFERENCE: &str = include_str!("reference.toml");

/// A run, fully said.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// For everything that is random.
    pub seed: u64,
    /// The account's currency: the quote asset of every instrument. `None` takes the tapes'.
    pub currency: Option<String>,
    /// First moment of the tapes that is played.
    pub from: Option<UnixNanos>,
    /// First moment that is not played any more.
    pub to: Option<UnixNanos>,
    /// Folder of the report.
    pub out: PathBuf,
    /// 1 or 2. Never changes a result.
    pub threads: u8,
    /// Recorded market data, read as one stream.
    pub tapes: Vec<PathBuf>,
    /// How orders meet the market.
    pub fill: FillModel,
    /// Limits over all plugins together.
    pub account_limits: MoneyLimits,
    /// Rules of risk over all scopes.
    pub risk: RiskConfig,
    /// Rules that replace those of the tapes, by symbol.
    pub instruments: Vec<InstrumentRules>,
    /// How a paper session runs.
    pub paper: PaperConfig,
    /// How a session's journal is kept.
    pub journal: JournalConfig,
    /// What is kept to replay a session.
    pub replay: ReplayConfig,
    /// The exchange that a session trades on.
    pub venue: Option<VenueConfig>,
    /// Where an operator reaches a session over HTTP; nowhere unless it is said.
    pub admin: Option<HttpOptions>,
    /// What is warned of, and who is told.
    pub alerts: AlertsConfig,
    /// How its keys are looked after.
    pub keys: KeysConfig,
    /// What all strategies together may use.
    pub sandbox_total: SandboxTotals,
    /// What follows from faults.
    pub faults: FaultRules,
    /// How another version of a strategy takes over.
    pub swap: SwapRules,
    /// A folder whose components are swapped in.
    pub watch: WatchRules,
    /// How components are let in and compiled.
    pub loading: Loading,
    /// Strategies, each with its share.
    pub plugins: Vec<PluginRun>,
}

/// Rules of an instrument that replace the tape's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentRules {
    /// Which.
    pub symbol: String,
    /// What replaces the tape's rule, where given.
    pub maker_fee: Option<Decimal>,
    /// What replaces the tape's rule, where given.
    pub taker_fee: Option<Decimal>,
    /// What replaces the tape's rule, where given.
    pub min_quantity: Option<Decimal>,
    /// What replaces the tape's rule, where given.
    pub max_quantity: Option<Decimal>,
    /// What replaces the tape's rule, where given.
    pub min_notional: Option<Decimal>,
    /// What triggers look at, in the place of the run's choice.
    pub triggers: Option<TriggerSource>,
    /// Margin and liquidation; `None` lends without end.
    pub margin: Option<MarginRules>,
}

impl InstrumentRules {
    /// `spec` with these rules in it.
    ///
    /// # Errors
    /// A fee that is finer than 10^-12 or beyond 1,000.
    pub fn apply(&self, mut spec: InstrumentSpec) -> Result<InstrumentSpec, ConfigError> {
        let rate = |fee: Decimal| {
            sandpit_core::num::Rate::from_decimal(fee).ok_or_else(|| {
                ConfigError::new(format!("the fee {fee} of `{}` is out of bounds", self.symbol))
            })
        };
        if let Some(fee) = self.maker_fee {
            spec.maker_fee = rate(fee)?;
        }
        if let Some(fee) = self.taker_fee {
            spec.taker_fee = rate(fee)?;
        }
        spec.min_quantity = self.min_quantity.unwrap_or(spec.min_quantity);
        spec.max_quantity = self.max_quantity.unwrap_or(spec.max_quantity);
        spec.min_notional = self.min_notional.unwrap_or(spec.min_notional);
        Ok(spec)
    }
}

/// One strategy of a run.
#[derive(Clone, Debug)]
pub struct PluginRun {
    /// Its name in this run; unique.
    pub name: String,
    /// Where it comes from.
    pub source: PluginSource,
    /// What it is given.
    pub budget: Money,
    /// Symbols that it sees and may trade; all where empty.
    pub instruments: Vec<String>,
    /// Its parameters; what is not here has its default.
    pub parameters: BTreeMap<String, Setting>,
    /// What it may risk.
    pub limits: MoneyLimits,
    /// What its code may use.
    pub sandbox: SandboxLimits,
}

impl PluginSource {
    /// The component's file, or the crate's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Component(path) | Self::Crate(path) => path,
        }
    }
}

/// Where a strategy comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginSource {
    /// A built component.
    Component(PathBuf),
    /// A Rust crate, built first.
    Crate(PathBuf),
}

#[cfg(test)]
mod tests;
