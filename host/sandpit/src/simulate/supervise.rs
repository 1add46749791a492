//! What the host does with its plugins: faults, restarts, quarantine, and one that comes later. In
//! production that is the supervisor's work; here it is chance, since the engine has to hold
//! whatever it does.

use sandpit_core::{
    engine::{Command, Event, Flaws, LockReason},
    ids::PluginId,
    plugin::Fault,
    time::UnixNanos,
};

use super::{
    players::Player,
    queue::Happening,
    violation::{Held, Invariant, broke},
    world::World,
};

/// Milliseconds from a plugin's fault to its next call, and from there to the host's word that it
/// runs again.
const FAULT_MS: (u64, u64) = (10, 30_000);
const WORD_MS: (u64, u64) = (0, 5_000);
/// Faults of which one ends in quarantine.
const QUARANTINE_ONE_IN: u64 = 3;

/// Milliseconds until a plugin is tried again that could not come.
const AGAIN_MS: (u64, u64) = (1_000, 20_000);

impl<F: Flaws> World<F> {
    /// A plugin is at fault: it is called again after a while, and some time after that the host
    /// says so; or it is put in quarantine. What runs and what is said of it are not one: the engine
    /// has to hold either way.
    pub(super) fn fault(&mut self, plugin: PluginId, fault: Fault) -> Held {
        self.counts.plugin_faults += 1;
        self.host.down[usize::from(plugin.0)] = true;
        self.step_engine(Event::Command(Command::Fault(plugin, fault)))?;
        if self.chance.one_in(QUARANTINE_ONE_IN) {
            let flatten = self.chance.flip();
            return self.quarantine(Command::Quarantine { plugin, flatten });
        }
        self.start_again(plugin);
        Ok(())
    }

    fn quarantine(&mut self, command: Command) -> Held {
        self.counts.quarantines += 1;
        self.step_engine(Event::Command(command))
    }

    fn start_again(&mut self, plugin: PluginId) {
        let life = self.host.life();
        let called = self.now.plus(self.chance.pause_ms(FAULT_MS.0, FAULT_MS.1));
        self.queue.at(called, Happening::Revive { life, plugin });
        self.say_restarted(plugin, called);
    }

    /// The host will say of a plugin that runs from `runs` on that it does. One that was at fault
    /// before a start of the host begins with all others.
    pub(super) fn say_restarted(&mut self, plugin: PluginId, runs: UnixNanos) {
        let told = runs.plus(self.chance.pause_ms(WORD_MS.0, WORD_MS.1));
        self.queue.at(told, Happening::Restarted { life: self.host.life(), plugin });
    }

    /// A plugin is called again, in quarantine too: a host that forgets it is not to matter.
    pub(super) fn revive(&mut self, life: u64, plugin: PluginId) {
        if life == self.host.life() {
            self.note(|| format!("plugin {} is called again", plugin.0));
            self.host.down[usize::from(plugin.0)] = false;
        }
    }

    /// The host says that a plugin runs again.
    pub(super) fn restarted(&mut self, life: u64, plugin: PluginId) -> Held {
        if life != self.host.life() {
            return Ok(());
        }
        self.counts.plugin_restarts += 1;
        self.tell(Event::Command(Command::Restarted(plugin)))
    }

    /// The operator has decided.
    pub(super) fn command(&mut self, command: Command) -> Held {
        match &command {
            Command::Quarantine { .. } => self.counts.quarantines += 1,
            Command::Unlock(Some(plugin), LockReason::Quarantine) => {
                self.counts.releases += 1;
                self.host.down[usize::from(plugin.0)] = false;
            }
            _ => {}
        }
        self.tell(Event::Command(command))
    }

    /// A plugin comes while the host runs. Where its row does not reach the disk it has not come,
    /// and is tried again.
    pub(super) fn newcomer(&mut self) -> Held {
        let Some(plugin) = self.newcomer.clone() else {
            return Ok(());
        };
        if self.host.is_up() && self.host.engine.now() < self.now {
            self.step_engine(Event::Clock(self.now))?;
        }
        if !self.host.is_up() || self.host.is_crippled() {
            let pause = self.chance.pause_ms(AGAIN_MS.0, AGAIN_MS.1);
            self.queue.at(self.now.plus(pause), Happening::Newcomer);
            return Ok(());
        }
        self.note(|| format!("a plugin comes: {plugin:?}"));
        let was_reconciled = self.host.engine.is_reconciled();
        let mut effects = Vec::new();
        if let Err(error) = self.host.engine.add_plugin("newcomer", plugin.clone(), &mut effects) {
            return Err(broke(Invariant::NoPanic, error.to_string()));
        }
        self.absorb(&mut effects, None, was_reconciled)?;
        if !self.host.is_up() || self.host.is_crippled() {
            return self.newcomer();
        }
        self.newcomer = None;
        self.counts.newcomers += 1;
        self.config.plugins.push(plugin);
        self.operator.add_plugin();
        self.host.players.push(Player::new(self.chance.fork()));
        self.host.down.push(false);
        self.work()
    }
}
