//! The count of one limit.

use sandpit_core::time::{Nanos, UnixNanos};

use super::{Limit, LimitKind, Usage};

/// How far our idea of the venue's clock may be off, with the time a request travels.
pub const CLOCK_GUARD: Nanos = Nanos(Nanos::SECOND.0);

#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) limit: Limit,
    /// Which window it is, counted from 1970.
    index: u64,
    /// Counted in it, the venue's word included.
    used: u32,
    /// The venue's word about it.
    said: u32,
    /// What of `used` was asked within the guard before its end.
    late: u32,
    /// Counted in the window before, for the guard at its begin.
    before: u32,
    /// Asked and not answered.
    under_way: u32,
}

impl Window {
    pub(super) const fn new(limit: Limit) -> Self {
        Self { limit, index: 0, used: 0, said: 0, late: 0, before: 0, under_way: 0 }
    }

    const fn index_at(&self, at: UnixNanos) -> u64 {
        at.0 / self.limit.window.0
    }

    /// The guard is at most a quarter of a window.
    fn guard(&self) -> u64 {
        CLOCK_GUARD.0.min(self.limit.window.0 / 4)
    }

    /// When the window of `now` is over.
    pub(super) const fn end(&self, now: UnixNanos) -> UnixNanos {
        UnixNanos((self.index_at(now) + 1).saturating_mul(self.limit.window.0))
    }

    /// Comes to `now`; time that goes back stays where it is.
    pub(super) fn roll(&mut self, now: UnixNanos) {
        let index = self.index_at(now);
        if index <= self.index {
            return;
        }
        let next = index == self.index + 1;
        // What was asked last may have arrived in this window.
        let carried = if next { self.late } else { 0 };
        self.before = if next { self.used } else { 0 };
        self.index = index;
        self.used = carried;
        self.said = 0;
        self.late = 0;
    }

    /// What is used, as far as a request at `now` is concerned.
    pub(super) fn used_at(&self, now: UnixNanos) -> u32 {
        let start = self.index.saturating_mul(self.limit.window.0);
        let early = now.0.saturating_sub(start) < self.guard();
        // The venue may still be in the window before.
        if early { self.used.max(self.before.saturating_add(self.used)) } else { self.used }
    }

    pub(super) fn has_room(&self, cost: u32, share: u32, now: UnixNanos) -> bool {
        self.used_at(now).saturating_add(cost) <= share
    }

    pub(super) fn take(&mut self, cost: u32, now: UnixNanos) {
        self.used = self.used.saturating_add(cost);
        self.under_way = self.under_way.saturating_add(cost);
        if self.end(now).0.saturating_sub(now.0) <= self.guard() {
            self.late = self.late.saturating_add(cost);
        }
    }

    /// What was asked at `asked` is no longer under way; `back` of it does not count after all.
    pub(super) fn settle(&mut self, cost: u32, back: u32, asked: UnixNanos) {
        self.under_way = self.under_way.saturating_sub(cost);
        if self.index_at(asked) == self.index {
            let floor = self.said.saturating_add(self.under_way);
            self.used = self.used.saturating_sub(back).max(floor.min(self.used));
        }
    }

    /// The venue's word, as of `at`. What is said of a window that is over is of no use.
    pub(super) fn hear(&mut self, usage: &Usage, at: UnixNanos) {
        if let Some(most) = usage.most {
            self.limit.most = most;
        }
        if self.index_at(at) == self.index {
            self.said = self.said.max(usage.used);
            self.used = self.used.max(self.said.saturating_add(self.under_way));
        }
    }

    pub(super) fn is(&self, kind: LimitKind, window: Nanos) -> bool {
        self.limit.kind == kind && self.limit.window == window
    }

    pub(super) const fn used(&self) -> u32 {
        self.used
    }
}
