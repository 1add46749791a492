//! What is read from the journal, beside the session and without asking it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Refusal;

/// Rows of a page, unless said otherwise.
pub const PAGE_ROWS_DEFAULT: u32 = 100;
/// Rows of a page at most.
pub const PAGE_ROWS_MAX: u32 = 500;
/// Kinds that are chosen at once.
pub const KINDS_MAX: usize = 16;

/// Which rows of the journal are wanted. Without a cursor, the newest, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalQuery {
    /// Rows after this one, oldest first.
    pub after: Option<u64>,
    /// Rows before this one, newest first.
    pub before: Option<u64>,
    /// At most so many; no more than [`PAGE_ROWS_MAX`].
    pub limit: u32,
    /// Of these kinds; of all where there is none.
    pub kinds: Vec<String>,
    /// Of this plugin.
    pub plugin: Option<String>,
    /// Of this order.
    pub order: Option<String>,
}

impl Default for JournalQuery {
    fn default() -> Self {
        Self {
            after: None,
            before: None,
            limit: PAGE_ROWS_DEFAULT,
            kinds: Vec::new(),
            plugin: None,
            order: None,
        }
    }
}

/// A page of the journal.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct JournalPage {
    /// Its rows.
    pub rows: Vec<JournalRow>,
    /// The cursor of the page after it in the same direction: `after` or `before`. `None` where
    /// there is nothing more. A page may be short, or empty, and have one: so much is read for one
    /// answer and no more.
    pub next: Option<u64>,
}

/// A row of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JournalRow {
    /// Its place.
    pub seq: u64,
    /// Rows of one step were written together.
    pub step: u64,
    /// The session's time.
    pub time: String,
    /// What kind.
    pub kind: String,
    /// The plugin that it is about.
    pub plugin: Option<String>,
    /// The instrument that it is about.
    pub instrument: Option<String>,
    /// The order that it is about.
    pub order: Option<String>,
    /// What it says, digit for digit as it was written.
    pub body: Box<RawValue>,
    /// SHA-256 over the row before and this one.
    pub hash: String,
}

/// What happened lately, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentView {
    /// Executions.
    pub fills: Vec<FillView>,
    /// Wishes that were denied.
    pub denials: Vec<DenialView>,
    /// What a person should know.
    pub alerts: Vec<AlertView>,
    /// How the account's equity went, oldest first.
    pub equity: Vec<EquityPoint>,
}

impl RecentView {
    /// Executions that are kept.
    pub const FILLS_MAX: usize = 50;
    /// Denials that are kept.
    pub const DENIALS_MAX: usize = 50;
    /// Alerts that are kept.
    pub const ALERTS_MAX: usize = 100;
    /// Samples of the equity that are kept; beyond, every other one goes.
    pub const EQUITY_MAX: usize = 600;
}

/// An execution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillView {
    /// Row of the journal.
    pub seq: u64,
    /// When.
    pub time: String,
    /// Of which order.
    pub order: String,
    /// Whose.
    pub plugin: String,
    /// Symbol of the instrument.
    pub instrument: String,
    /// `buy` or `sell`.
    pub side: String,
    /// At which price.
    pub price: String,
    /// How much.
    pub quantity: String,
    /// Fee paid, in the account's currency.
    pub fee: String,
}

/// A wish that was denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenialView {
    /// Row of the journal.
    pub seq: u64,
    /// When.
    pub time: String,
    /// Whose.
    pub plugin: String,
    /// Symbol of the instrument, where it is known.
    pub instrument: Option<String>,
    /// The stable code.
    pub code: String,
    /// Why, in words.
    pub words: String,
}

/// Something that a person should know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertView {
    /// Its number: the row of the journal.
    pub id: u64,
    /// When.
    pub time: String,
    /// `warning` or `critical`.
    pub severity: String,
    /// What, in a sentence.
    pub message: String,
    /// The plugin that it is about.
    pub plugin: Option<String>,
    /// Who has said that they know.
    pub acknowledged_by: Option<String>,
}

/// How the account stood.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EquityPoint {
    /// When.
    pub time: String,
    /// Balance plus unrealized.
    pub equity: String,
    /// The highest so far.
    pub peak: String,
}

/// Reads the journal beside the session. It is used by one thread of its own and may wait for the
/// disk; the session never waits for it.
pub trait Records: Send {
    /// A page.
    ///
    /// # Errors
    /// The journal cannot be read, or has no such plugin.
    fn page(&mut self, query: &JournalQuery) -> Result<JournalPage, Refusal>;

    /// What happened lately.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn recent(&mut self) -> Result<RecentView, Refusal>;
}
