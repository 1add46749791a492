//! Plugins at fault. A fault lets a plugin's positions only shrink until it runs again; what it has
//! working stays, and so do its timers. A plugin that is at fault too often, as its host counts, is
//! put in quarantine: it is halted and its orders are canceled until a person lets it go. How often
//! a plugin is started again, and when, is its host's business.
//!
//! Both locks are like all others: they are in the journal and outlive the host. A host that starts
//! and finds the lock of a fault ends it by [`Command::Restarted`] as
//! soon as the plugin runs; until then the plugin is not trusted to grow anything.

use alloc::vec::Vec;

use crate::{
    engine::{Alert, Command, Effect, Engine, Flaws, Lock, LockReason, Record},
    ids::PluginId,
    plugin::{Fault, TradingState},
};

impl<F: Flaws> Engine<F> {
    fn lock_of(&self, plugin: PluginId, reason: LockReason) -> Option<&Lock> {
        self.locks(Some(plugin)).find(|lock| lock.reason == reason)
    }

    /// A plugin does not run any more.
    pub(super) fn fault(&mut self, plugin: PluginId, fault: Fault, effects: &mut Vec<Effect>) {
        self.commit(Record::Faulted(plugin, fault), effects);
        let before = self.lock_of(plugin, LockReason::Fault).map(|lock| lock.state);
        let state = before.unwrap_or(TradingState::Reducing).max(TradingState::Reducing);
        self.lock(Some(plugin), LockReason::Fault, state, None, effects);
    }

    /// A plugin runs again. A lock that is more than reducing was set by an older host, which
    /// promised that it would last until a person ends it.
    pub(super) fn restarted(&mut self, plugin: PluginId, effects: &mut Vec<Effect>) {
        let lock = self.lock_of(plugin, LockReason::Fault);
        if lock.is_some_and(|lock| lock.state <= TradingState::Reducing) {
            self.commit(Record::Commanded(Command::Restarted(plugin)), effects);
            self.unlock(Some(plugin), LockReason::Fault, effects);
        }
    }

    /// A plugin is to be left alone until a person has looked at it.
    pub(super) fn quarantine(
        &mut self,
        plugin: PluginId,
        flatten: bool,
        effects: &mut Vec<Effect>,
    ) {
        self.commit(Record::Alert(Alert::Quarantined(plugin)), effects);
        let (reason, state) = (LockReason::Quarantine, TradingState::Halted);
        self.lock(Some(plugin), reason, state, None, effects);
        self.cancel_own(plugin, effects);
        if flatten {
            self.flatten(plugin, effects);
        }
    }

    /// A person lets a plugin go. The fault that led there is forgiven with it, and first, so that
    /// what is let through changes once.
    pub(super) fn let_go(&mut self, plugin: PluginId, effects: &mut Vec<Effect>) {
        if self.lock_of(plugin, LockReason::Quarantine).is_some() {
            self.unlock(Some(plugin), LockReason::Fault, effects);
            self.unlock(Some(plugin), LockReason::Quarantine, effects);
        }
    }
}
