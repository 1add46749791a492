//! What is told together: a window for each severity, and the quiet hours. The first critical alert
//! goes at once; those that come within the window after it go together.

use std::sync::Arc;

use sandpit_core::time::UnixNanos;

use super::{Delivery, Desk, GROUP_MAX, HELD_MAX, Item, News, Past, What};
use crate::Severity;

#[derive(Debug)]
pub(super) struct Bucket {
    /// Since when there is a window.
    opened: Option<UnixNanos>,
    items: Vec<Item>,
}

impl Bucket {
    pub(super) const fn new() -> Self {
        Self { opened: None, items: Vec::new() }
    }
}

impl Desk {
    /// Something is to be told.
    pub(super) fn emit(&mut self, now: UnixNanos, item: Item) {
        let what = match item.news {
            News::Raised | News::Test => What::Raised,
            News::Worse => What::Worse,
            News::Reminder => What::Reminded,
            News::Acknowledged => What::Acknowledged,
            News::Resolved => What::Resolved,
        };
        let ending = item.alert.ending.as_ref().filter(|_| item.news == News::Resolved);
        let text = ending.map_or_else(|| item.alert.text.clone(), |ending| ending.text.clone());
        self.note(Past::of(now, &item.alert, what, text));
        let severity = item.alert.severity;
        if self.plan.is_held(severity, now) || self.was_held(&item) {
            self.hold(now, item);
        } else {
            self.group(now, severity, item);
        }
    }

    /// Nothing of what waits is said about this alert.
    pub(super) fn forget(&mut self, id: u64) {
        self.queue.forget(id);
        self.held.retain(|item| item.alert.id != id);
        for bucket in &mut self.buckets {
            bucket.items.retain(|item| item.alert.id != id);
        }
    }

    /// Whether nobody knows of the beginning of what ends here.
    fn was_held(&self, item: &Item) -> bool {
        item.news == News::Resolved && self.held.iter().any(|one| one.alert.id == item.alert.id)
    }

    fn hold(&mut self, now: UnixNanos, item: Item) {
        let before = self.held.len();
        if item.news != News::Acknowledged {
            // Only the last word about an alert is told afterwards.
            self.held.retain(|one| one.alert.id != item.alert.id);
        }
        let had_begun_here = self.held.len() < before;
        if item.news == News::Resolved && had_begun_here && !item.alert.is_told {
            self.came_and_went = self.came_and_went.saturating_add(1);
            let text = item.alert.text.clone();
            return self.note(Past::of(now, &item.alert, What::CameAndWent, text));
        }
        if self.held.len() >= HELD_MAX {
            let weakest =
                self.held.iter().enumerate().min_by_key(|(at, one)| (one.alert.severity, *at));
            if let Some((at, _)) = weakest {
                self.held.remove(at);
                self.losses.dropped = self.losses.dropped.saturating_add(1);
            }
        }
        self.held.push(item);
    }

    /// What waited for the morning.
    pub(super) fn end_quiet(&mut self, now: UnixNanos) {
        if self.held.is_empty() || self.plan.is_quiet(now) {
            return;
        }
        for item in std::mem::take(&mut self.held) {
            self.group(now, item.alert.severity, item);
        }
    }

    fn group(&mut self, now: UnixNanos, severity: Severity, item: Item) {
        let Some(bucket) = self.buckets.get_mut(severity.index()) else { return };
        let is_first = bucket.opened.is_none();
        bucket.opened.get_or_insert(now);
        bucket.items.push(item);
        let is_urgent = is_first && severity == Severity::Critical;
        if is_urgent || bucket.items.len() >= GROUP_MAX {
            self.send_group(now, severity);
        }
    }

    /// Sends the groups whose time is over, or all.
    pub(super) fn send_groups(&mut self, now: UnixNanos, is_end: bool) {
        let window = self.plan.group;
        for severity in Severity::ALL {
            let Some(bucket) = self.buckets.get_mut(severity.index()) else { continue };
            let Some(opened) = bucket.opened else { continue };
            if !is_end && now.since(opened) < window {
                continue;
            }
            // As long as critical ones come, there is a window for the next.
            let goes_on = severity == Severity::Critical && !bucket.items.is_empty();
            bucket.opened = (goes_on && !is_end).then_some(now);
            self.send_group(now, severity);
        }
    }

    fn send_group(&mut self, now: UnixNanos, severity: Severity) {
        let Some(bucket) = self.buckets.get_mut(severity.index()) else { return };
        let items = std::mem::take(&mut bucket.items);
        let chains = self.plan.chains_of(severity);
        if items.is_empty() || chains.is_empty() {
            return;
        }
        let notice = Arc::new(self.notice(now, severity, items));
        for chain in chains {
            self.push(now, Delivery { chain, notice: Arc::clone(&notice) });
        }
    }
}
