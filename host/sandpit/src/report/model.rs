//! The report as a value: what is in `report.json`, and all that a rendering needs. It holds no
//! text of a rendering, and nothing here computes.

use serde::{Deserialize, Serialize};

use super::{
    machine::MachineSection,
    value::{Amount, Stat, Time},
};

/// The format of [`Report`].
pub const REPORT_SCHEMA: u32 = 1;

/// Everything that is known of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: u32,
    /// What ran.
    pub run: RunSection,
    /// What the market did.
    pub market: MarketSection,
    /// All plugins together.
    pub account: ScopeSection,
    /// Each of them, in the order of their ids.
    pub plugins: Vec<PluginSection>,
    /// The last trades that closed, oldest first; all of them are in `trades.csv`.
    pub trades: Vec<TradeRow>,
    /// What a person must look at: the first ones.
    pub alerts: Vec<AlertRow>,
    /// Alerts in all.
    pub alerts_total: u64,
    /// What a reader must know before believing a figure.
    pub warnings: Vec<String>,
    /// SHA-256 over every fill, closed order and trade in order, as their CSV lines.
    pub stream_sha256: String,
