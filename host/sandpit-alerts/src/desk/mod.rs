//! From signals to notices: what is one alert, who is told of it, when, and what becomes of it while
//! nobody answers. Pure: time is an argument, and the service asks what is to be sent next.
//!
//! One alert is a rule and a subject. It is told once when it begins, once more when it becomes worse,
//! and once when it has stayed away for a while, so that one that comes and goes is one that lasts.
//!
//! Not here: how a notice looks and travels ([`crate::channels`]).

mod alert;
mod config;
mod group;
mod plan;
mod queue;
mod reminders;
mod state;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use sandpit_core::time::{Nanos, UnixNanos};
use serde::Serialize;

pub use alert::{Acknowledgement, Alert, Ending, Item, News, Notice, Past, What};
pub use config::{EscalationConfig, LevelConfig, QuietConfig, RouteConfig, TimeOfDay, Zone};
pub use plan::{ChainId, Plan, PlanError};
pub use queue::Delivery;
pub use state::{DeskState, StateError};

use crate::{
    Name, Severity, Text,
    signal::{Change, Rule, Signal},
};
use group::Bucket;
use queue::Queue;

/// Alerts that are on at once. Past it, the oldest of the least severity goes, and where all are as
/// severe as the new one, its rule has one alert for all that there is no room for.
pub const ALERTS_MAX: usize = 1_024;
/// Alerts in one notice; a fuller one is sent before its time.
pub const GROUP_MAX: usize = 50;
/// Items that wait for the end of the quiet hours. Past it the oldest of the least severity is left
/// out of the digest; it is still among the alerts.
pub const HELD_MAX: usize = 256;
/// A critical alert that reached nobody is sent again after so long, until it is over.
const AGAIN_AFTER: Nanos = Nanos(60 * Nanos::SECOND.0);

type Key = (Rule, Name);

/// Counts that should be zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Losses {
    /// Notices that there was no room for; never a critical alert that is still on.
    pub dropped: u64,
    /// Notices that no channel of their list took.
    pub undelivered: u64,
    /// Alerts below critical that gave way to others.
    pub displaced: u64,
}

/// What a dashboard shows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DeskView {
    /// What is on.
    pub active: Vec<Alert>,
    /// What happened, the newest last.
    pub recent: Vec<Past>,
    /// Notices that wait to be sent.
    pub queued: usize,
    /// Items that wait for the end of the quiet hours.
    pub held: usize,
    /// Whether it is quiet hours.
    pub is_quiet: bool,
    /// Counts that should be zero.
    pub losses: Losses,
}

/// Why an alert cannot be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcknowledgeError {
    /// There is none.
    #[error("there is no alert {0} that is on")]
    Unknown(u64),
    /// Somebody did.
    #[error("alert {0} is acknowledged already")]
    Already(u64),
}

/// All alerts, and what is to be sent.
#[derive(Debug)]
pub struct Desk {
    plan: Plan,
    next_alert: u64,
    next_notice: u64,
    next_past: u64,
    alerts: BTreeMap<Key, Alert>,
    /// From before the restart, and not seen since: until when they are waited for.
    unseen: BTreeSet<Key>,
    unseen_until: UnixNanos,
    buckets: [Bucket; 3],
    held: Vec<Item>,
    /// Came and went within quiet hours.
    came_and_went: u32,
    /// Critical alerts that a chain has not been told of though it should: when to try again.
    owed: BTreeMap<(ChainId, u64), UnixNanos>,
    queue: Queue,
    history: VecDeque<Past>,
    losses: Losses,
}

impl Desk {
    /// A desk without alerts.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self {
            queue: Queue::new(plan.queue_max),
            plan,
            next_alert: 1,
            next_notice: 1,
            next_past: 1,
            alerts: BTreeMap::new(),
            unseen: BTreeSet::new(),
            unseen_until: UnixNanos::default(),
            buckets: [const { Bucket::new() }; 3],
            held: Vec::new(),
            came_and_went: 0,
            owed: BTreeMap::new(),
            history: VecDeque::new(),
            losses: Losses::default(),
        }
    }

    /// The lists of channels that deliveries name.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes in what a rule says.
    pub fn take(&mut self, signal: Signal) {
        let Signal { at, rule, subject, change } = signal;
        match change {
            Change::Raised { severity, text } => self.raised(at, (rule, subject), severity, text),
            Change::Cleared { text } => {
                let key = (rule, subject);
                self.unseen.remove(&key);
                if let Some(alert) = self.alerts.get_mut(&key) {
                    alert.ending = Some(Ending { at, text });
                }
            }
        }
    }

    fn raised(&mut self, now: UnixNanos, key: Key, severity: Severity, text: Text) {
        let key = self.room_for(now, key, severity);
        self.unseen.remove(&key);
        let next_reminder = self.plan.reminder(severity, now, 0);
        let Some(alert) = self.alerts.get_mut(&key) else {
            let alert = Alert {
                id: self.next_alert,
                rule: key.0,
                subject: key.1.clone(),
                severity,
                text,
                since: now,
                severe_since: now,
                last: now,
                count: 1,
                acknowledged: None,
                ending: None,
                is_told: false,
                reminded: 0,
                next_reminder,
            };
            self.next_alert = self.next_alert.saturating_add(1);
            self.alerts.insert(key, alert.clone());
            return self.emit(now, Item { alert, news: News::Raised });
        };
        alert.count = alert.count.saturating_add(1);
        alert.last = alert.last.max(now);
        alert.text = text;
        alert.ending = None;
        if severity > alert.severity {
            alert.severity = severity;
            alert.severe_since = now;
            alert.acknowledged = None;
            alert.is_told = false;
            (alert.reminded, alert.next_reminder) = (0, next_reminder);
            let item = Item { alert: alert.clone(), news: News::Worse };
            // What was to be said of it at its lesser severity would come late and mislead.
            self.forget(item.alert.id);
            self.emit(now, item);
        }
    }

    /// Lets time pass: groups that are full of time, quiet hours that end, alerts that stayed away,
    /// people who did not answer. To be called about every second.
    pub fn tick(&mut self, now: UnixNanos) {
        self.end_quiet(now);
        self.end_unseen(now);
        self.end_alerts(now);
        self.remind(now);
        self.pay(now);
        self.send_groups(now, false);
    }

    /// Closes all groups, so that what is to be said can be sent before the end.
    pub fn flush(&mut self, now: UnixNanos) {
        self.send_groups(now, true);
    }

    /// What is to be sent next on a chain for which `is_free` says yes. Critical ones first.
    pub fn next(&mut self, is_free: impl Fn(ChainId) -> bool) -> Option<Delivery> {
        self.queue.pop(is_free)
    }

    /// How many notices wait.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// A channel took it.
    pub fn delivered(&mut self, now: UnixNanos, delivery: &Delivery, channel: &Name) {
        for item in &delivery.notice.items {
            let (id, severity) = (item.alert.id, item.alert.severity);
            match self.alerts.values_mut().find(|one| one.id == id) {
                // It has become worse since, and nobody knows that yet.
                Some(alert) if alert.severity > severity => continue,
                Some(alert) => alert.is_told = true,
                None => {}
            }
            self.owed.remove(&(delivery.chain, id));
        }
        let text = Text::from(format!("taken by {channel}"));
        self.note_delivery(now, delivery, What::Delivered, &text);
    }

    /// No channel of the list took it. What is critical and still on comes again.
    pub fn undelivered(&mut self, now: UnixNanos, delivery: &Delivery) {
        self.losses.undelivered = self.losses.undelivered.saturating_add(1);
        self.owe(now.plus(AGAIN_AFTER), delivery);
        let text = Text::from("no channel of its list took it");
        self.note_delivery(now, delivery, What::Undelivered, &text);
    }

    /// A person has seen it: nobody is reminded of it any more, unless it becomes worse.
    ///
    /// # Errors
    /// There is no such alert, or somebody did before.
    pub fn acknowledge(
        &mut self,
        now: UnixNanos,
        id: u64,
        by: &Name,
    ) -> Result<(), AcknowledgeError> {
        let found = self.alerts.values_mut().find(|alert| alert.id == id);
        let alert = found.ok_or(AcknowledgeError::Unknown(id))?;
        if alert.acknowledged.is_some() {
            return Err(AcknowledgeError::Already(id));
        }
        alert.acknowledged = Some(Acknowledgement { at: now, by: by.clone() });
        alert.next_reminder = None;
        let item = Item { alert: alert.clone(), news: News::Acknowledged };
        self.tell_reminded(now, &item);
        self.emit(now, item);
        Ok(())
    }

    /// The same for all that are on. Says for how many.
    pub fn acknowledge_all(&mut self, now: UnixNanos, by: &Name) -> usize {
        let open = self.alerts.values().filter(|alert| alert.acknowledged.is_none());
        let ids: Vec<u64> = open.map(|alert| alert.id).collect();
        ids.iter().filter(|id| self.acknowledge(now, **id, by).is_ok()).count()
    }

    /// What a dashboard shows.
    #[must_use]
    pub fn view(&self, now: UnixNanos) -> DeskView {
        let mut active: Vec<Alert> = self.alerts.values().cloned().collect();
        active.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.since, alert.id));
        DeskView {
            active,
            recent: self.history.iter().cloned().collect(),
            queued: self.queue.len(),
            held: self.held.len(),
            is_quiet: self.plan.is_quiet(now),
            losses: self.losses,
        }
    }

    fn note(&mut self, past: Past) {
        while self.history.len() >= self.plan.history_max {
            self.history.pop_front();
        }
        self.history.push_back(Past { sequence: self.next_past, ..past });
        self.next_past = self.next_past.saturating_add(1);
    }

    fn note_delivery(&mut self, now: UnixNanos, delivery: &Delivery, what: What, text: &Text) {
        for item in &delivery.notice.items {
            self.note(Past::of(now, &item.alert, what, text.clone()));
        }
    }

    /// What a chain was not told of is tried again, if it is critical.
    fn owe(&mut self, at: UnixNanos, delivery: &Delivery) {
        let news = delivery.notice.items.iter().filter(|item| item.is_owed());
        for item in news.filter(|item| item.alert.severity == Severity::Critical) {
            self.owed.insert((delivery.chain, item.alert.id), at);
        }
    }

    /// Sends what is owed, as far as it is still so.
    fn pay(&mut self, now: UnixNanos) {
        let due: Vec<(ChainId, u64)> =
            self.owed.iter().filter(|(_, at)| **at <= now).map(|(key, _)| *key).collect();
        let mut by_chain: BTreeMap<ChainId, Vec<Item>> = BTreeMap::new();
        for (chain, id) in due {
            let alert = self.alerts.values().find(|one| one.id == id);
            // One that seems to be over may come back, and is owed until it is gone.
            if alert.is_some_and(|alert| alert.ending.is_some()) {
                continue;
            }
            self.owed.remove(&(chain, id));
            if let Some(alert) = alert {
                let item = Item { alert: alert.clone(), news: News::Raised };
                by_chain.entry(chain).or_default().push(item);
            }
        }
        for (chain, items) in by_chain {
            self.push_to(now, chain, Severity::Critical, items);
        }
    }

    /// Queues notices for one chain.
    fn push_to(
        &mut self,
        now: UnixNanos,
        chain: ChainId,
        severity: Severity,
        mut items: Vec<Item>,
    ) {
        while !items.is_empty() {
            let rest = items.split_off(items.len().min(GROUP_MAX));
            let notice = Arc::new(self.notice(now, severity, items));
            self.push(now, Delivery { chain, notice });
            items = rest;
        }
    }

    fn notice(&mut self, at: UnixNanos, severity: Severity, items: Vec<Item>) -> Notice {
        let id = self.next_notice;
        self.next_notice = self.next_notice.saturating_add(1);
        let came_and_went = std::mem::take(&mut self.came_and_went);
        Notice { id, at, severity, items, came_and_went }
    }

    fn push(&mut self, now: UnixNanos, delivery: Delivery) {
        let Some(lost) = self.queue.push(delivery) else { return };
        self.owe(now.plus(Nanos::SECOND), &lost);
        self.losses.dropped = self.losses.dropped.saturating_add(1);
        let text = Text::from("there was no room in the queue");
        self.note_delivery(now, &lost, What::Dropped, &text);
    }
}

#[cfg(test)]
mod tests;
