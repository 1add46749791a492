//! A scope's way up its ramp, and down.

use alloc::vec::Vec;

use crate::{
    engine::{Effect, Engine, Flaws, Record},
    ids::PluginId,
    risk::{Limits, RampState},
};

impl<F: Flaws> Engine<F> {
    /// The limits as the operator wrote them.
    fn full_limits(&self, plugin: Option<PluginId>) -> &Limits {
        match plugin {
            Some(plugin) => &self.config.plugins[usize::from(plugin.0)].limits,
            None => &self.config.account_limits,
        }
    }

    /// Counts the day that is over, when a new one has begun.
    pub(super) fn begin_day(&mut self, plugin: Option<PluginId>, effects: &mut Vec<Effect>) {
        let scope = self.risk.scope(plugin);
        let Some(day) = scope.watch.day() else {
            return;
        };
        let stages = &self.full_limits(plugin).ramp;
        if stages.is_empty() || day == self.config.risk.days.start_of(self.now) {
            return;
        }
        let clean = scope.breached_at.is_none_or(|at| at < day);
        let after = if clean { scope.ramp.after_clean_day(stages) } else { scope.ramp };
        self.set_ramp(plugin, after, effects);
    }

    /// Goes back a stage after a breach.
    pub(super) fn step_down(&mut self, plugin: Option<PluginId>, effects: &mut Vec<Effect>) {
        if !self.full_limits(plugin).ramp.is_empty() {
            self.set_ramp(plugin, self.risk.scope(plugin).ramp.after_breach(), effects);
        }
    }

    fn set_ramp(&mut self, plugin: Option<PluginId>, state: RampState, effects: &mut Vec<Effect>) {
        if state != self.risk.scope(plugin).ramp {
            let RampState { stage, clean_days } = state;
            self.commit(Record::Ramp { plugin, stage, clean_days }, effects);
        }
    }

    /// Applies a stage: limits and guards are the share of it.
    pub(super) fn ramped(&mut self, plugin: Option<PluginId>, state: RampState) {
        let full = self.full_limits(plugin);
        let limits = full.scaled(state.share(&full.ramp));
        let scope = self.risk.scope_mut(plugin);
        scope.ramp = state;
        scope.watch.set_guards(limits.guards);
        scope.limits = limits;
    }
}
