//! The operator: commands by chance, and what must hold after them. The model here is written
//! down apart from the engine's own, so that one can be held against the other.

use sandpit_core::{
    engine::{Command, LockReason},
    ids::{InstrumentId, PluginId},
    plugin::TradingState,
};

use super::chance::Chance;

/// What the operator has decided, as far as the journal knows of it.
#[derive(Debug)]
pub(super) struct Operator {
    account: TradingState,
    plugins: Vec<TradingState>,
    killed: bool,
    /// Plugins at fault that have not been started again.
    faulted: Vec<bool>,
    quarantined: Vec<bool>,
    instruments: u64,
    chance: Chance,
}

impl Operator {
    pub(super) fn new(plugins: usize, instruments: usize, chance: Chance) -> Self {
        Self {
            account: TradingState::Active,
            plugins: vec![TradingState::Active; plugins],
            killed: false,
            faulted: vec![false; plugins],
            quarantined: vec![false; plugins],
            instruments: u64::try_from(instruments).unwrap_or(1),
            chance,
        }
    }

    /// A plugin has come.
    pub(super) fn add_plugin(&mut self) {
        self.plugins.push(TradingState::Active);
        self.faulted.push(false);
        self.quarantined.push(false);
    }

    /// The next command. What is stopped is let go again more often than it is stopped.
    pub(super) fn command(&mut self) -> Command {
        if self.killed && self.chance.below(3) > 0 {
            return Command::Unlock(None, LockReason::KillSwitch);
        }
        if let Some(plugin) = self.quarantined.iter().position(|quarantined| *quarantined)
            && self.chance.flip()
        {
            return Command::Unlock(Some(plugin_id(plugin)), LockReason::Quarantine);
        }
        let plugin = plugin_id(self.chance.index(self.plugins.len()));
        match self.chance.below(20) {
            0..3 => Command::Kill { flatten: self.chance.flip() },
            3..5 => Command::Flatten(self.chance.flip().then_some(plugin)),
            5 => {
                let instrument = self.chance.below(self.instruments);
                Command::ResumeInstrument(InstrumentId(u16::try_from(instrument).unwrap_or(0)))
            }
            6 => Command::Unlock(self.chance.flip().then_some(plugin), LockReason::Journal),
            7..13 => Command::SetPluginState(plugin, self.state()),
            // By hand, and of a plugin that is not at fault, most often.
            13 => Command::Quarantine { plugin, flatten: self.chance.flip() },
            14 => Command::Unlock(Some(plugin), LockReason::Fault),
            _ => Command::SetAccountState(self.state()),
        }
    }

    fn state(&mut self) -> TradingState {
        match self.chance.below(5) {
            0 => TradingState::Halted,
            1 => TradingState::Reducing,
            _ => TradingState::Active,
        }
    }

    /// A command was carried out and written down.
    pub(super) fn note(&mut self, command: &Command) {
        match command {
            Command::SetPluginState(plugin, state) => {
                self.plugins[usize::from(plugin.0)] = *state;
            }
            Command::SetAccountState(state) => self.account = *state,
            Command::Kill { .. } => self.killed = true,
            Command::Fault(plugin, _) => self.faulted[usize::from(plugin.0)] = true,
            Command::Unlock(None, LockReason::KillSwitch) => self.killed = false,
            Command::Restarted(plugin) | Command::Unlock(Some(plugin), LockReason::Fault) => {
                self.faulted[usize::from(plugin.0)] = false;
            }
            Command::Quarantine { plugin, .. } => self.quarantined[usize::from(plugin.0)] = true,
            // The fault that led there is forgiven with it.
            Command::Unlock(Some(plugin), LockReason::Quarantine) => {
                let at = usize::from(plugin.0);
                self.faulted[at] &= !self.quarantined[at];
                self.quarantined[at] = false;
            }
            Command::Unlock(..)
            | Command::CancelOrders(_)
            | Command::Flatten(_)
            | Command::ResumeInstrument(_)
            | Command::LoseJournal => {}
        }
    }

    /// Whether the kill switch is on.
    pub(super) const fn is_killed(&self) -> bool {
        self.killed
    }

    /// At most this may be let through for the account.
    pub(super) fn account(&self) -> TradingState {
        if self.killed { TradingState::Halted } else { self.account }
    }

    /// At most this may be let through for a plugin by its own state.
    pub(super) fn own(&self, plugin: PluginId) -> TradingState {
        let at = usize::from(plugin.0);
        match (self.quarantined[at], self.faulted[at]) {
            (true, _) => TradingState::Halted,
            (false, true) => self.plugins[at].max(TradingState::Reducing),
            (false, false) => self.plugins[at],
        }
    }

    /// Whether a plugin was at fault and does not run yet.
    pub(super) fn is_faulted(&self, plugin: PluginId) -> bool {
        self.faulted[usize::from(plugin.0)]
    }

    /// Whether a plugin waits for a person.
    pub(super) fn is_quarantined(&self, plugin: PluginId) -> bool {
        self.quarantined[usize::from(plugin.0)]
    }

    /// At most this may be let through for a plugin.
    pub(super) fn allows(&self, plugin: PluginId) -> TradingState {
        self.own(plugin).max(self.account())
    }
}

pub(super) fn plugin_id(index: usize) -> PluginId {
    PluginId(u16::try_from(index).unwrap_or(u16::MAX))
}
