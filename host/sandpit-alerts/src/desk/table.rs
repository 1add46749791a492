//! Room for alerts, and their end.

use sandpit_core::time::UnixNanos;

use super::{ALERTS_MAX, Desk, Ending, Item, Key, News, Past, What};
use crate::{Name, Severity, Text, rules::OTHERS};

impl Desk {
    /// Under which key an alert is kept, with room made for it.
    pub(super) fn room_for(&mut self, now: UnixNanos, key: Key, severity: Severity) -> Key {
        if self.alerts.contains_key(&key) || self.alerts.len() < ALERTS_MAX {
            return key;
        }
        let weakest = self
            .alerts
            .values()
            .filter(|alert| alert.severity < severity)
            .min_by_key(|alert| (alert.severity, alert.last, alert.id));
        let Some(weakest) = weakest.map(|alert| (alert.rule, alert.subject.clone())) else {
            return (key.0, Name::from(OTHERS));
        };
        if let Some(alert) = self.alerts.remove(&weakest) {
            self.unseen.remove(&weakest);
            self.losses.displaced = self.losses.displaced.saturating_add(1);
            let text = Text::from("it gave way to a worse alert");
            self.note(Past::of(now, &alert, What::Displaced, text));
        }
        key
    }

    /// What was on before the restart and was not seen again is over.
    pub(super) fn end_unseen(&mut self, now: UnixNanos) {
        if self.unseen.is_empty() || now < self.unseen_until {
            return;
        }
        for key in std::mem::take(&mut self.unseen) {
            if let Some(alert) = self.alerts.get_mut(&key) {
                let text = Text::from("not seen again since the restart");
                alert.ending.get_or_insert(Ending { at: now, text });
            }
        }
    }

    /// What has stayed away for long enough is over.
    pub(super) fn end_alerts(&mut self, now: UnixNanos) {
        let hold = self.plan.resolve_hold;
        let is_over = |ending: &Option<Ending>| {
            ending.as_ref().is_some_and(|ending| now.since(ending.at) >= hold)
        };
        let over: Vec<Key> = self
            .alerts
            .iter()
            .filter(|(_, alert)| is_over(&alert.ending))
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            if let Some(mut alert) = self.alerts.remove(&key) {
                alert.next_reminder = None;
                let item = Item { alert, news: News::Resolved };
                self.tell_reminded(now, &item);
                self.emit(now, item);
            }
        }
    }
}
