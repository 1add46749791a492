//! The report of a backtest: a [`Recorder`] listens to the run, [`Recorder::finish`] makes a
//! [`Report`], and that is rendered as text, JSON or one HTML file, and hashed into a [`Receipt`].
//!
//! **Architecture invariant:** nothing here reads a clock or decides anything about trading, and
//! memory does not grow with the length of a run. A report holds no text of a rendering, so that
//! `report.json` can be rendered again later.

mod axes;
mod build;
pub(crate) mod calendar;
mod canonical;
mod charts;
mod drawdown;
mod figures;
mod heatmap;
mod histogram;
mod html;
mod machine;
mod metrics;
mod model;
pub(crate) mod numbers;
mod receipt;
mod recorder;
mod returns;
mod round_trips;
mod scope;
mod series;
mod setup;
mod streams;
mod text;
mod value;
mod warnings;

#[cfg(test)]
mod tests;

pub use build::Closing;
pub use canonical::{canonical_json, result_sha256};
pub use html::render_html;
pub use machine::{CallLatency, MachineSection};
pub use model::*;
pub use receipt::{Difference, RECEIPT_BYTES_MAX, RECEIPT_SCHEMA, Receipt, ReceiptError, verify};
pub use recorder::{
    ALERTS_KEPT_MAX, FAULT_DETAIL_BYTES_MAX, FAULTS_KEPT_MAX, OPEN_ORDERS_MAX, PRICE_POINTS_MAX,
    Recorder, STATES_KEPT_MAX, TRADES_KEPT_MAX,
};
pub(crate) use setup::alert_words;
pub use setup::{PluginSetup, Setup};
pub use streams::{FILLS_FILE, ORDERS_FILE, TRADES_FILE};
pub use text::{TextStyle, render_text, render_text_styled};
pub use value::{Amount, BadValue, Stat, Time};
