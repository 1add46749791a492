//! What is let through, per plugin and for the account: what the operator set, or, where that is
//! tighter, what the locks of the scope allow.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    engine::{Effect, Engine, Flaws, Record},
    ids::PluginId,
    plugin::{PluginEvent, TradingState},
    time::UnixNanos,
};

/// Why a scope may do less than it could, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Why. A scope has one lock of a reason; a new one replaces it.
    pub reason: LockReason,
    /// What is let through meanwhile.
    pub state: TradingState,
    /// From when.
    pub since: UnixNanos,
    /// Until when; `None` is until a person ends it.
    pub unlock_at: Option<UnixNanos>,
}

/// Why a scope is locked, with stable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockReason {
    /// Somebody pulled it.
    KillSwitch,
    /// The plugin is at fault, and runs again in a while.
    Fault,
    /// The plugin has been at fault too often: a person is to look at it.
    Quarantine,
    /// The loss of the day.
    DailyLoss,
    /// The loss since the peak.
    Drawdown,
    /// Too many losing trades in a row.
    LosingStreak,
    /// Too much lost too fast.
    PnlVelocity,
    /// The journal cannot be written.
    Journal,
}

impl LockReason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::KillSwitch,
        Self::Fault,
        Self::Quarantine,
        Self::DailyLoss,
        Self::Drawdown,
        Self::LosingStreak,
        Self::PnlVelocity,
        Self::Journal,
    ];

    /// Stable name, as documented and journalled.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KillSwitch => "kill-switch",
            Self::Fault => "fault",
            Self::Quarantine => "quarantine",
            Self::DailyLoss => "daily-loss",
            Self::Drawdown => "drawdown",
            Self::LosingStreak => "losing-streak",
            Self::PnlVelocity => "pnl-velocity",
            Self::Journal => "journal",
        }
    }
}

/// One scope.
#[derive(Clone, Debug)]
pub(crate) struct ScopeState {
    set: TradingState,
    locks: BTreeMap<LockReason, Lock>,
}

impl ScopeState {
    pub(crate) const fn new() -> Self {
        Self { set: TradingState::Active, locks: BTreeMap::new() }
    }

    /// What is let through.
    pub(crate) fn state(&self) -> TradingState {
        self.locks.values().map(|lock| lock.state).fold(self.set, TradingState::max)
    }

    pub(crate) const fn set_by_operator(&self) -> TradingState {
        self.set
    }

    pub(crate) const fn set(&mut self, state: TradingState) {
        self.set = state;
    }

    pub(crate) fn lock(&mut self, lock: Lock) {
        self.locks.insert(lock.reason, lock);
    }

    pub(crate) fn unlock(&mut self, reason: LockReason) {
        self.locks.remove(&reason);
    }

    pub(crate) fn locks(&self) -> impl Iterator<Item = &Lock> {
        self.locks.values()
    }

    fn next_end(&self) -> Option<UnixNanos> {
        self.locks.values().filter_map(|lock| lock.unlock_at).min()
    }

    fn ended(&self, now: UnixNanos) -> Option<LockReason> {
        let ended = |lock: &&Lock| lock.unlock_at.is_some_and(|at| at <= now);
        self.locks.values().find(ended).map(|lock| lock.reason)
    }
}

impl<F: Flaws> Engine<F> {
    pub(super) fn scope_state(&self, plugin: Option<PluginId>) -> &ScopeState {
        match plugin {
            Some(plugin) => &self.plugin_states[usize::from(plugin.0)],
            None => &self.account_state,
        }
    }

    pub(super) fn scope_state_mut(&mut self, plugin: Option<PluginId>) -> &mut ScopeState {
        match plugin {
            Some(plugin) => &mut self.plugin_states[usize::from(plugin.0)],
            None => &mut self.account_state,
        }
    }

    pub(super) fn set_state(
        &mut self,
        plugin: Option<PluginId>,
        state: TradingState,
        effects: &mut Vec<Effect>,
    ) {
        if self.scope_state(plugin).set_by_operator() != state {
            self.change_state(plugin, Record::StateSet { plugin, state }, effects);
        }
    }

    /// Locks a scope; a lock of the same reason is replaced.
    pub(super) fn lock(
        &mut self,
        plugin: Option<PluginId>,
        reason: LockReason,
        state: TradingState,
        unlock_at: Option<UnixNanos>,
        effects: &mut Vec<Effect>,
    ) {
        let lock = Lock { reason, state, since: self.now, unlock_at };
        self.change_state(plugin, Record::Locked { plugin, lock }, effects);
    }

    pub(super) fn unlock(
        &mut self,
        plugin: Option<PluginId>,
        reason: LockReason,
        effects: &mut Vec<Effect>,
    ) {
        if self.scope_state(plugin).locks().any(|lock| lock.reason == reason) {
            self.change_state(plugin, Record::Unlocked { plugin, reason }, effects);
            self.measure_anew(plugin, reason, effects);
        }
    }

    /// Ends the locks whose time is over.
    pub(super) fn end_locks(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        if self.next_lock_end().is_none_or(|at| at > now) {
            return;
        }
        let scopes = self.plugin_ids().map(Some).chain([None]).collect::<Vec<_>>();
        for plugin in scopes {
            while let Some(reason) = self.scope_state(plugin).ended(now) {
                self.unlock(plugin, reason, effects);
            }
        }
    }

    /// When the next lock ends by itself. Kept, since every look at the clock asks.
    pub(super) const fn next_lock_end(&self) -> Option<UnixNanos> {
        self.lock_end
    }

    pub(super) fn find_lock_end(&self) -> Option<UnixNanos> {
        let scopes = self.plugin_states.iter().chain([&self.account_state]);
        scopes.filter_map(ScopeState::next_end).min()
    }

    fn change_state(
        &mut self,
        plugin: Option<PluginId>,
        record: Record,
        effects: &mut Vec<Effect>,
    ) {
        let before = self.scope_state(plugin).state();
        self.commit(record, effects);
        let state = self.scope_state(plugin).state();
        if state == before {
            return;
        }
        self.commit(Record::TradingState { plugin, state }, effects);
        match plugin {
            Some(plugin) => self.tell_state(plugin, effects),
            None => {
                for plugin in self.plugin_ids() {
                    self.tell_state(plugin, effects);
                }
            }
        }
    }

    /// A plugin is told the tighter of both states; whose it is, is none of its business.
    fn tell_state(&self, plugin: PluginId, effects: &mut Vec<Effect>) {
        let event = PluginEvent::TradingState { state: self.trading_state(plugin), time: self.now };
        effects.push(Effect::CallPlugin { plugin, event });
    }
}
