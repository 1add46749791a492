//! The plugins' timers: who wants to be woken when.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::{PluginId, TimerId},
    risk::Denial,
    time::{Nanos, UnixNanos},
};

/// Timers of one plugin.
pub const TIMERS_PER_PLUGIN_MAX: usize = 64;
/// A timer fires no sooner than this after it was set, and repeats no faster.
pub const TIMER_LEAD_MIN: Nanos = Nanos::from_millis(1);

#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    due: BTreeSet<(UnixNanos, PluginId, TimerId)>,
    set: BTreeMap<(PluginId, TimerId), (UnixNanos, Option<Nanos>)>,
}

impl Timers {
    pub(crate) fn set(
        &mut self,
        plugin: PluginId,
        id: TimerId,
        at: UnixNanos,
        every: Option<Nanos>,
        now: UnixNanos,
    ) -> Result<(), Denial> {
        if every.is_some_and(|every| every < TIMER_LEAD_MIN) {
            return Err(Denial::TimerInvalid);
        }
        self.cancel(plugin, id);
        if self.of(plugin).count() >= TIMERS_PER_PLUGIN_MAX {
            return Err(Denial::TimerInvalid);
        }
        let at = at.max(now.plus(TIMER_LEAD_MIN));
        self.due.insert((at, plugin, id));
        self.set.insert((plugin, id), (at, every));
        Ok(())
    }

    pub(crate) fn cancel(&mut self, plugin: PluginId, id: TimerId) {
        if let Some((at, _)) = self.set.remove(&(plugin, id)) {
            self.due.remove(&(at, plugin, id));
        }
    }

    /// The next time at which one is due.
    pub(crate) fn next(&self) -> Option<UnixNanos> {
        self.due.first().map(|(at, ..)| *at)
    }

    /// One that is due by `now`; a repeating one is set again, times that have passed meanwhile
    /// fall out.
    pub(crate) fn take_due(&mut self, now: UnixNanos) -> Option<(PluginId, TimerId)> {
        let &(at, plugin, id) = self.due.first().filter(|(at, ..)| *at <= now)?;
        self.due.pop_first();
        let every = self.set.remove(&(plugin, id)).and_then(|(_, every)| every);
        if let Some(every) = every {
            let passed = now.since(at).0 / every.0;
            let next = UnixNanos(at.0.saturating_add(every.0.saturating_mul(passed + 1)));
            self.due.insert((next, plugin, id));
            self.set.insert((plugin, id), (next, Some(every)));
        }
        Some((plugin, id))
    }

    fn of(&self, plugin: PluginId) -> impl Iterator<Item = &(PluginId, TimerId)> {
        self.set.range((plugin, TimerId(0))..=(plugin, TimerId(u32::MAX))).map(|(key, _)| key)
    }
}
