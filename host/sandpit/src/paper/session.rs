//! A paper session from its first question to the venue to its last word in the journal.

use std::sync::atomic::{AtomicBool, Ordering};

use sandpit_core::{
    engine::{Command, Effect, Event},
    ids::PluginId,
    intent::Intent,
    plugin::{Fault, PluginPort},
    time::{Nanos, UnixNanos},
};
use sandpit_journal::journal::{Digest, HostRecord};
use sandpit_plugin::{Mode, Runner as _, SavedState, Session, StopReason};

use super::{
    OnStop, PaperError, Unlock,
    clock::{Clock, Pacer},
    host::{Host, Stage},
    market::{MarketSource, RecordedMarket},
    start::{Started, history_engine},
};
use crate::{
    backtest::{BacktestError, Watch, plugin_seed, refused},
    config::ConfigError,
    sandbox::SandboxError,
};

/// Market events between two words about progress.
const EVENTS_PER_WORD: u64 = 8_192;
/// Steps in which a session that ends has to come to rest.
const LAST_STEPS_MAX: u32 = 100_000;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The market was over.
    MarketOver,
    /// The operator stopped it.
    Stopped,
}

impl Started<'_> {
    /// Runs the session to its end.
    pub(super) fn run<C: Clock>(
        &mut self,
        pacer: &mut Pacer<'_, C>,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
    ) -> Result<Ending, PaperError> {
        self.host.resume()?;
        // Nothing is traded on a memory that has not been compared.
        let mut ending = self.play(pacer, watch, stop, Until::Reconciled)?;
        if let Some(funding) = self.missed.take().filter(|_| ending.is_none()) {
            self.host.event(Event::Market(funding))?;
        }
        self.unlock()?;
        self.show_locks(watch);
        if ending.is_none() {
            self.start_plugins()?;
            watch.note("the plugins trade");
            ending = self.play(pacer, watch, stop, Until::End)?;
        }
        let ending = ending.unwrap_or(Ending::MarketOver);
        self.end(ending)?;
        Ok(ending)
    }

    /// Lets events happen. `None` where what was waited for has come.
    fn play<C: Clock>(
        &mut self,
        pacer: &mut Pacer<'_, C>,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
        until: Until,
    ) -> Result<Option<Ending>, PaperError> {
        let mut save_at = self.host.now().plus(self.options.save_every);
        loop {
            if until == Until::Reconciled && self.host.engine.is_reconciled() {
                return Ok(None);
            }
            let (market, due) = (self.host.venue.next_time(), self.host.next_due());
            let next = match (market, due) {
                (None, _) if until == Until::End => {
                    return Ok(Some(self.wait_at_the_end(pacer, watch, stop)));
                }
                (Some(market), Some(due)) => market.min(due),
                (Some(at), None) | (None, Some(at)) => at,
                (None, None) => return Ok(Some(Ending::MarketOver)),
            };
            if !pacer.wait_until(next, stop) {
                return Ok(Some(Ending::Stopped));
            }
            if due.is_some_and(|due| due <= next) {
                self.host.do_due(next)?;
            } else {
                self.host.market()?;
                let position = self.host.venue.position();
                if position.is_multiple_of(EVENTS_PER_WORD) {
                    watch.at(position);
                }
            }
            if until == Until::End && self.host.now() >= save_at {
                self.save()?;
                save_at = self.host.now().plus(self.options.save_every.max(Nanos(1)));
            }
        }
    }

    fn wait_at_the_end<C: Clock>(
        &self,
        pacer: &Pacer<'_, C>,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
    ) -> Ending {
        if !self.options.until_end && !stop.load(Ordering::Relaxed) {
            watch.note("the market is over; Ctrl-C ends the session");
            pacer.wait_for_stop(stop);
            return Ending::Stopped;
        }
        Ending::MarketOver
    }

    /// Comes to rest: what is under way arrives, plugins are saved and stopped, the journal ends.
    fn end(&mut self, ending: Ending) -> Result<(), PaperError> {
        if self.host.stage == Stage::Trading {
            self.host.stage = Stage::Closing;
        }
        if self.options.on_stop == OnStop::Cancel {
            self.cancel_orders()?;
        }
        let mut steps = 0;
        while let Some(at) = self.host.next_message().filter(|_| steps < LAST_STEPS_MAX) {
            self.host.do_due(at)?;
            steps += 1;
        }
        if self.host.stage == Stage::Closing {
            self.save()?;
            self.stop_plugins(ending)?;
        }
        let reason = match ending {
            Ending::MarketOver => "the market was over",
            Ending::Stopped => "stopped by the operator",
        };
        let stopped = HostRecord::Stopped { run: self.options.run, reason: reason.to_owned() };
        self.host.note(&stopped)
    }

    fn cancel_orders(&mut self) -> Result<(), PaperError> {
        let command = "cancels all open orders as the session ends".to_owned();
        let note =
            HostRecord::Operator { who: self.options.who.clone(), via: "cli".to_owned(), command };
        self.host.note(&note)?;
        for plugin in self.plugin_ids() {
            let intents = vec![Intent::CancelAll(None)];
            self.host.event(Event::Intents { plugin, intents })?;
        }
        Ok(())
    }

    fn plugin_ids(&self) -> impl Iterator<Item = PluginId> + use<> {
        (0..u16::try_from(self.config.plugins.len()).unwrap_or(u16::MAX)).map(PluginId)
    }

    fn name(&self, plugin: PluginId) -> &str {
        self.config.plugins.get(usize::from(plugin.0)).map_or("?", |plugin| &plugin.name)
    }

    /// Ends the locks that the operator wants to end.
    fn unlock(&mut self) -> Result<(), PaperError> {
        for Unlock { scope, reason } in &self.options.unlocks {
            let plugin = match scope {
                None => None,
                Some(name) => Some(self.find(name)?),
            };
            if !self.host.engine.locks(plugin).any(|lock| lock.reason == *reason) {
                let shown = scope.as_deref().unwrap_or("account");
                let error = ConfigError::new(format!("{shown} has no lock `{}`", reason.name()))
                    .help("the locks are shown when a session starts");
                return Err(error.into());
            }
            let shown = scope.as_deref().unwrap_or("account");
            self.host.note(&HostRecord::Operator {
                who: self.options.who.clone(),
                via: "cli".to_owned(),
                command: format!("unlock {shown}:{}", reason.name()),
            })?;
            self.host.event(Event::Command(Command::Unlock(plugin, *reason)))?;
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Result<PluginId, ConfigError> {
        let found = self.plugin_ids().find(|plugin| self.name(*plugin) == name);
        found.ok_or_else(|| {
            ConfigError::new(format!("no plugin is called `{name}`"))
                .help("write account:REASON, or the name of a plugin of the run")
        })
    }

    /// Says what is locked, since nothing of it trades.
    fn show_locks(&self, watch: &mut dyn Watch) {
        for (scope, lock) in locks(&self.host, |plugin| self.name(plugin).to_owned()) {
            watch.note(&format!(
                "{scope} is locked ({reason}, {state:?}): nothing else is let through until a person \
                 ends it with --unlock {scope}:{reason}",
                reason = lock.reason.name(),
                state = lock.state,
            ));
        }
    }

    /// Starts every plugin with what it has and had, and tells it of the past that it wants.
    fn start_plugins(&mut self) -> Result<(), PaperError> {
        let mut first_wishes = Vec::new();
        for plugin in self.plugin_ids() {
            let restored = match self.options.cold {
                true => None,
                false => self.folder.saved(self.name(plugin))?,
            };
            let warm = restored.is_some();
            let mut intents = Vec::new();
            self.start_one(plugin, restored, &mut intents).map_err(|fault| {
                let error: BacktestError = refused(self.name(plugin))(SandboxError::Fault(fault));
                PaperError::from(error)
            })?;
            let how = if warm { "with its saved state" } else { "without a saved state" };
            self.host.note(&HostRecord::Note(format!("`{}` starts {how}", self.name(plugin))))?;
            first_wishes.push((plugin, intents));
        }
        self.tell_history()?;
        self.host.stage = Stage::Trading;
        for (plugin, intents) in first_wishes {
            if !intents.is_empty() && !self.host.is_out(plugin) {
                self.host.event(Event::Intents { plugin, intents })?;
            }
        }
        Ok(())
    }

    fn start_one(
        &mut self,
        plugin: PluginId,
        restored: Option<SavedState>,
        intents: &mut Vec<Intent>,
    ) -> Result<(), Fault> {
        let index = usize::from(plugin.0);
        let Host { engine, plugins, .. } = &mut self.host;
        let rules = &engine.config().instruments;
        let own = engine.config().plugins.get(index).map(|plugin| plugin.instruments.as_slice());
        let instruments = own.unwrap_or_default().iter();
        let session = Session {
            mode: Mode::Paper,
            time: engine.now(),
            seed: plugin_seed(self.config.seed, &self.config.plugins[index].name),
            instruments: instruments.map(|id| (*id, &rules[usize::from(id.0)])).collect(),
            arguments: self.arguments[index].clone(),
            positions: engine.positions_of(plugin),
            orders: engine.open_orders_of(plugin),
            currency: self.currency.clone(),
            budget: engine.budget_of(plugin),
            trading_state: engine.trading_state(plugin),
            restored,
        };
        match plugins.runner_mut(plugin) {
            Some(instance) => instance.start(&session, intents).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Plays the end of the past once more, for plugins that want history.
    fn tell_history(&mut self) -> Result<(), PaperError> {
        let (begin, events) = self.history;
        if self.warm_up.is_empty() {
            return Ok(());
        }
        let mut market = RecordedMarket::open(&self.config.tapes, self.config.to)?;
        let mut engine = history_engine(self.host.engine.config());
        let (mut effects, mut ignored) = (Vec::new(), Vec::new());
        for _ in 0..events {
            let Some(event) = market.next_event()? else { break };
            if event.time < begin {
                continue;
            }
            engine.step(Event::History(event), &mut effects);
            for effect in effects.drain(..) {
                let Effect::CallPlugin { plugin, event } = effect else { continue };
                if self.host.is_out(plugin) {
                    continue;
                }
                if let Err(fault) = self.host.plugins.call(plugin, &event, &mut ignored) {
                    self.host.fault(plugin, fault)?;
                }
                ignored.clear();
            }
        }
        Ok(())
    }

    /// Keeps every plugin's state as it is now. What a plugin has seen must not come again.
    fn save(&mut self) -> Result<(), PaperError> {
        self.host.venue.remember()?;
        for plugin in self.plugin_ids() {
            if self.host.is_out(plugin) {
                continue;
            }
            let Some(instance) = self.host.plugins.runner_mut(plugin) else { continue };
            let description = instance.description();
            let (version, schema) = (description.version.clone(), description.state_schema);
            match instance.save() {
                Ok(data) => {
                    let text = format!(
                        "state of `{}` saved: {} bytes, sha256 {}",
                        self.name(plugin),
                        data.len(),
                        Digest::of(&data),
                    );
                    let state = SavedState { version, schema, data };
                    self.folder.save(self.name(plugin), &state, self.host.now())?;
                    self.host.note(&HostRecord::Note(text))?;
                }
                Err(fault) => self.host.fault(plugin, fault)?,
            }
        }
        Ok(())
    }

    fn stop_plugins(&mut self, ending: Ending) -> Result<(), PaperError> {
        self.host.stage = Stage::Quiet;
        let reason = match ending {
            Ending::MarketOver => StopReason::Finished,
            Ending::Stopped => StopReason::Operator,
        };
        for plugin in self.plugin_ids() {
            let Some(instance) = self.host.plugins.runner_mut(plugin) else { continue };
            // A fault in its last call changes nothing any more.
            let _ = instance.stop(reason);
            let reason = "the session ends".to_owned();
            self.host.note(&HostRecord::PluginUnloaded { plugin, reason })?;
        }
        Ok(())
    }
}

/// What a part of a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Reconciled,
    End,
}

/// All locks with the names of their scopes.
pub(super) fn locks(
    host: &Host,
    name: impl Fn(PluginId) -> String,
) -> Vec<(String, sandpit_core::engine::Lock)> {
    let plugins = u16::try_from(host.engine.config().plugins.len()).unwrap_or(u16::MAX);
    let scopes = std::iter::once(None).chain((0..plugins).map(|plugin| Some(PluginId(plugin))));
    scopes
        .flat_map(|plugin| {
            let scope = plugin.map_or_else(|| "account".to_owned(), &name);
            host.engine.locks(plugin).map(move |lock| (scope.clone(), *lock)).collect::<Vec<_>>()
        })
        .collect()
}

/// The moment of the session, for people.
pub(super) fn moment(at: UnixNanos) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or_default().to_string()
}
