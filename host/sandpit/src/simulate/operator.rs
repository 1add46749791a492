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
    faulted: Vec<bool>,
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
            instruments: u64::try_from(instruments).unwrap_or(1),
            chance,
        }
    }

    /// The next command. What is stopped is let go again more often than it is stopped.
    pub(super) fn command(&mut self) -> Command {
        if self.killed && self.chance.below(3) > 0 {
            return Command::Unlock(None, LockReason::KillSwitch);
        }
        if let Some(plugin) = self.faulted.iter().position(|faulted| *faulted)
            && self.chance.flip()
        {
            return Command::Unlock(Some(plugin_id(plugin)), LockReason::Fault);
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
            Command::Unlock(Some(plugin), LockReason::Fault) => {
                self.faulted[usize::from(plugin.0)] = false;
            }
            Command::Unlock(..)
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
        if self.faulted[at] { TradingState::Halted } else { self.plugins[at] }
    }

    /// At most this may be let through for a plugin.
    pub(super) fn allows(&self, plugin: PluginId) -> TradingState {
        self.own(plugin).max(self.account())
    }
}

pub(super) fn plugin_id(index: usize) -> PluginId {
    PluginId(u16::try_from(index).unwrap_or(u16::MAX))
}
