//! Alerts, what is told of them, and what is remembered.

use sandpit_core::time::UnixNanos;
use serde::{Deserialize, Serialize};

use crate::{Name, Severity, Text, signal::Rule, stamp};

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// By which people name it.
    pub id: u64,
    /// Which rule says so.
    pub rule: Rule,
    /// What is wrong.
    pub subject: Name,
    /// How badly, at its worst.
    pub severity: Severity,
    /// In words, as of the last time.
    pub text: Text,
    /// Since when.
    #[serde(with = "stamp::required")]
    pub since: UnixNanos,
    /// Since when it is as bad as that.
    #[serde(with = "stamp::required")]
    pub severe_since: UnixNanos,
    /// When it was said last.
    #[serde(with = "stamp::required")]
    pub last: UnixNanos,
    /// How often it was said.
    pub count: u64,
    /// Who has seen it.
    pub acknowledged: Option<Acknowledgement>,
    /// It seems to be over; it is if it stays away for a while.
    pub ending: Option<Ending>,
    /// Whether any channel took it.
    pub is_told: bool,
    /// How often people were reminded.
    pub reminded: u32,
    /// When they are again.
    #[serde(with = "stamp::optional")]
    pub next_reminder: Option<UnixNanos>,
}

/// Who has seen an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// When.
    #[serde(with = "stamp::required")]
    pub at: UnixNanos,
    /// Who.
    pub by: Name,
}

/// How an alert ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// When.
    #[serde(with = "stamp::required")]
    pub at: UnixNanos,
    /// How that is known.
    pub text: Text,
}

/// What is new about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// It is there.
    Raised,
    /// It is worse.
    Worse,
    /// It is still there, and nobody has said that they saw it.
    Reminder,
    /// A person has seen it.
    Acknowledged,
    /// It is over.
    Resolved,
    /// Nothing is wrong: somebody tries whether this arrives.
    Test,
}

/// One alert in a notice, as it was when it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The alert.
    pub alert: Alert,
    /// What is new about it.
    pub news: News,
}

impl Item {
    /// Whether somebody would miss it.
    pub(super) const fn is_owed(&self) -> bool {
        matches!(self.news, News::Raised | News::Worse | News::Reminder)
    }
}

/// What is sent at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Counted from the start of the host.
    pub id: u64,
    /// When it was written.
    #[serde(with = "stamp::required")]
    pub at: UnixNanos,
    /// The worst in it.
    pub severity: Severity,
    /// At most [`super::GROUP_MAX`].
    pub items: Vec<Item>,
    /// So many came and went during quiet hours, and are not told one by one.
    pub came_and_went: u32,
}

impl Notice {
    /// A notice that says that nothing is wrong.
    #[must_use]
    pub fn test(at: UnixNanos) -> Self {
        let alert = Alert {
            id: 0,
            rule: Rule::Alerting,
            subject: Name::from("test"),
            severity: Severity::Info,
            text: Text::from("nothing is wrong; somebody tries whether alerts arrive"),
            since: at,
            severe_since: at,
            last: at,
            count: 1,
            acknowledged: None,
            ending: None,
            is_told: false,
            reminded: 0,
            next_reminder: None,
        };
        let items = vec![Item { alert, news: News::Test }];
        Self { id: 0, at, severity: Severity::Info, items, came_and_went: 0 }
    }
}

/// Something that happened to an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Past {
    /// Counted from the start of the host, so that a reader knows what is new to it.
    pub sequence: u64,
    /// When.
    #[serde(with = "stamp::required")]
    pub at: UnixNanos,
    /// What.
    pub what: What,
    /// To which alert.
    pub alert: u64,
    /// Of which rule.
    pub rule: Rule,
    /// About what.
    pub subject: Name,
    /// How bad it was.
    pub severity: Severity,
    /// In words.
    pub text: Text,
}

impl Past {
    pub(super) fn of(at: UnixNanos, alert: &Alert, what: What, text: Text) -> Self {
        Self {
            sequence: 0,
            at,
            what,
            alert: alert.id,
            rule: alert.rule,
            subject: alert.subject.clone(),
            severity: alert.severity,
            text,
        }
    }
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It began.
    Raised,
    /// It became worse.
    Worse,
    /// People were reminded.
    Reminded,
    /// A person has seen it.
    Acknowledged,
    /// It is over.
    Resolved,
    /// It came and went in quiet hours, and nobody was told.
    CameAndWent,
    /// A channel took the notice.
    Delivered,
    /// No channel did.
    Undelivered,
    /// There was no room for the notice.
    Dropped,
    /// The alert gave way to a worse one.
    Displaced,
}
