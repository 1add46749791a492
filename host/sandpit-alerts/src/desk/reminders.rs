//! Nobody has answered: the next list of channels, and in the end the last one again and again, a
//! bounded number of times.

use std::collections::BTreeMap;

use sandpit_core::time::UnixNanos;

use super::{ChainId, Desk, Item, News, Past, What};
use crate::Severity;

impl Desk {
    pub(super) fn remind(&mut self, now: UnixNanos) {
        let mut by_chain: BTreeMap<ChainId, (Severity, Vec<Item>)> = BTreeMap::new();
        let mut past = Vec::new();
        for alert in self.alerts.values_mut() {
            let is_due = alert.next_reminder.is_some_and(|at| at <= now);
            let is_open = alert.acknowledged.is_none() && alert.ending.is_none();
            if !is_due || !is_open || self.plan.is_held(alert.severity, now) {
                continue;
            }
            let chains = self.plan.reminder_chains(alert.severity, alert.reminded);
            alert.reminded = alert.reminded.saturating_add(1);
            let next = self.plan.reminder(alert.severity, alert.severe_since, alert.reminded);
            // After a long time without ticks not all of them at once.
            alert.next_reminder = next.map(|at| at.max(now.plus(self.plan.group)));
            past.push(Past::of(now, alert, What::Reminded, alert.text.clone()));
            for chain in chains {
                let (severity, items) = by_chain.entry(chain).or_default();
                *severity = (*severity).max(alert.severity);
                items.push(Item { alert: alert.clone(), news: News::Reminder });
            }
        }
        for one in past {
            self.note(one);
        }
        for (chain, (severity, items)) in by_chain {
            self.push_to(now, chain, severity, items);
        }
    }

    /// Whoever was only told because nobody answered hears how it went on, too.
    pub(super) fn tell_reminded(&mut self, now: UnixNanos, item: &Item) {
        let alert = &item.alert;
        for chain in self.plan.reminded_chains(alert.severity, alert.reminded) {
            self.push_to(now, chain, alert.severity, vec![item.clone()]);
        }
    }
}
