//! Plugins that come while the engine runs, or that are new since it last did. A plugin gets the next
//! number and keeps it; none ever leaves or changes its place, since rows of the journal name it.
//!
//! The budget of a plugin that comes makes the account larger by as much: its peak, the start of its
//! day and its last minutes move up with it, so no guard sees a profit.
//!
//! A restart with a configuration that lists all of them: the engine is made with the plugins that
//! the journal's first row names ([`Engine::begun_with`]), the rows are applied, and each row that
//! adds a plugin takes the next of the configuration, with what that says of it now. Plugins that
//! are left over are new; [`Engine::add_waiting`] adds them. A journal that goes on from another
//! names all plugins in its first row, and [`Engine::carry`] has no row that adds one.

use alloc::{string::String, vec::Vec};

use crate::{
    engine::{
        Effect, Engine, EngineConfig, Flaws, PluginConfig, Record, RecordError, locks::ScopeState,
    },
    ids::{InstrumentId, PluginId},
    num::Money,
};

/// Plugins of one run.
const PLUGINS_MAX: usize = u16::MAX as usize;

/// Why a plugin cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddPluginError {
    /// There is no number left.
    #[error("there are {PLUGINS_MAX} plugins already")]
    TooMany,
    /// It wants an instrument that this run does not have.
    #[error("instrument {} is not in this run", .0.0)]
    UnknownInstrument(InstrumentId),
    /// Plugins of the configuration wait to be added first.
    #[error("{0} plugins of the configuration are to be added first")]
    OthersWait(usize),
}

impl<F: Flaws> Engine<F> {
    /// An engine as its journal began: with the first `plugins` plugins of the configuration. Those
    /// after them wait for the records that add them.
    #[must_use]
    pub fn begun_with(mut config: EngineConfig, plugins: usize) -> Self {
        let waiting = config.plugins.split_off(plugins.min(config.plugins.len()));
        let mut engine = Self::with_flaws(config);
        for plugin in &waiting {
            engine.feed.expect(plugin);
        }
        engine.waiting = waiting.into();
        engine
    }

    /// How many plugins of the configuration no record has added yet.
    #[must_use]
    pub fn waiting_plugins(&self) -> usize {
        self.waiting.len()
    }

    /// Adds the plugins of the configuration that no record has added: they are new since the last
    /// run. `name` says what each is called. To be done after the last record of the journal was
    /// applied; it writes records.
    pub fn add_waiting(&mut self, name: impl Fn(PluginId) -> String, effects: &mut Vec<Effect>) {
        while let Some(budget) = self.waiting.front().map(|plugin| plugin.budget) {
            let plugin = self.next_plugin();
            self.add_next(plugin, name(plugin), budget, effects);
        }
    }

    /// Adds a plugin, which gets the next number. It has no orders and no positions, may trade at
    /// once, and is told of the market from the next event on.
    ///
    /// # Errors
    /// It cannot be added; nothing has changed.
    pub fn add_plugin(
        &mut self,
        name: &str,
        plugin: PluginConfig,
        effects: &mut Vec<Effect>,
    ) -> Result<PluginId, AddPluginError> {
        if !self.waiting.is_empty() {
            return Err(AddPluginError::OthersWait(self.waiting.len()));
        }
        if self.config.plugins.len() >= PLUGINS_MAX {
            return Err(AddPluginError::TooMany);
        }
        let instruments = self.config.instruments.len();
        let unknown = plugin.instruments.iter().find(|id| usize::from(id.0) >= instruments);
        if let Some(id) = unknown {
            return Err(AddPluginError::UnknownInstrument(*id));
        }
        let (id, budget) = (self.next_plugin(), plugin.budget);
        self.waiting.push_back(plugin);
        self.add_next(id, name.into(), budget, effects);
        Ok(id)
    }

    fn next_plugin(&self) -> PluginId {
        PluginId(u16::try_from(self.config.plugins.len()).unwrap_or(u16::MAX))
    }

    fn add_next(
        &mut self,
        plugin: PluginId,
        name: String,
        budget: Money,
        effects: &mut Vec<Effect>,
    ) {
        self.commit(Record::PluginAdded { plugin, name, budget }, effects);
        // How both stand is written down at once, so that readers see where the jump comes from.
        // Where this minute has no sample yet, the next one tells it.
        if self.now < self.risk.sample_next {
            for scope in [Some(plugin), None] {
                if self.risk.sampled.contains(&scope) {
                    self.sample_now(scope, effects);
                }
            }
        }
    }

    /// Applies the record of a plugin that came.
    pub(super) fn plugin_added(&mut self, id: PluginId) -> Result<(), RecordError> {
        if id != self.next_plugin() {
            return Err(RecordError::NotTheNext(id));
        }
        let plugin = self.waiting.pop_front().ok_or(RecordError::UnknownPlugin(id))?;
        self.account.add(plugin.budget, self.config.instruments.len());
        self.orders.add_plugin();
        let stop = plugin.limits.protective_stop.or(self.config.account_limits.protective_stop);
        if stop.is_some() {
            self.orders.protect(id);
        }
        self.plugin_states.push(ScopeState::new());
        self.risk.add(&self.config, id, &plugin);
        self.feed.subscribe(id, &plugin);
        self.config.plugins.push(plugin);
        Ok(())
    }
}
