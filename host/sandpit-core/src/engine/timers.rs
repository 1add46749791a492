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

/// One timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    pub(crate) plugin: PluginId,
    pub(crate) id: TimerId,
    pub(crate) at: UnixNanos,
    pub(crate) every: Option<Nanos>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    due: BTreeSet<(UnixNanos, PluginId, TimerId)>,
    set: BTreeMap<(PluginId, TimerId), (UnixNanos, Option<Nanos>)>,
}

impl Timers {
    /// The timer that a plugin's wish comes to.
    pub(crate) fn form(&self, wished: Timer, now: UnixNanos) -> Result<Timer, Denial> {
        if wished.every.is_some_and(|every| every < TIMER_LEAD_MIN) {
            return Err(Denial::TimerInvalid);
        }
        let others = self.of(wished.plugin).filter(|(_, id)| *id != wished.id).count();
        if others >= TIMERS_PER_PLUGIN_MAX {
            return Err(Denial::TimerInvalid);
        }
        Ok(Timer { at: wished.at.max(now.plus(TIMER_LEAD_MIN)), ..wished })
    }

    pub(crate) fn set(&mut self, timer: Timer) {
        self.end(timer.plugin, timer.id);
        self.due.insert((timer.at, timer.plugin, timer.id));
        self.set.insert((timer.plugin, timer.id), (timer.at, timer.every));
    }

    pub(crate) fn is_set(&self, plugin: PluginId, id: TimerId) -> bool {
        self.set.contains_key(&(plugin, id))
    }

    pub(crate) fn end(&mut self, plugin: PluginId, id: TimerId) {
        if let Some((at, _)) = self.set.remove(&(plugin, id)) {
            self.due.remove(&(at, plugin, id));
        }
    }

    /// The next time at which one is due.
    pub(crate) fn next(&self) -> Option<UnixNanos> {
        self.due.first().map(|(at, ..)| *at)
    }

    /// One that is due by `now`.
    pub(crate) fn due(&self, now: UnixNanos) -> Option<Timer> {
        let &(at, plugin, id) = self.due.first().filter(|(at, ..)| *at <= now)?;
        let every = self.set.get(&(plugin, id)).and_then(|(_, every)| *every);
        Some(Timer { plugin, id, at, every })
    }

    /// Lets a repeating timer come again; times that have passed meanwhile fall out. This follows
    /// from the clock alone and is not journalled.
    pub(crate) fn repeat(&mut self, timer: Timer, every: Nanos, now: UnixNanos) {
        let passed = now.since(timer.at).0 / every.0.max(1);
        let next = timer.at.0.saturating_add(every.0.saturating_mul(passed + 1));
        self.set(Timer { at: UnixNanos(next), ..timer });
    }

    /// All timers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Timer> {
        self.set.iter().map(|((plugin, id), (at, every))| Timer {
            plugin: *plugin,
            id: *id,
            at: *at,
            every: *every,
        })
    }

    fn of(&self, plugin: PluginId) -> impl Iterator<Item = &(PluginId, TimerId)> {
        self.set.range((plugin, TimerId(0))..=(plugin, TimerId(u32::MAX))).map(|(key, _)| key)
    }
}
