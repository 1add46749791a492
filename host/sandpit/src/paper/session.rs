//! A paper session from its first question to the venue to its last word in the journal.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use sandpit_core::{
    engine::{Command, Effect, Event},
    ids::PluginId,
    plugin::Fault,
    time::{Nanos, UnixNanos},
};
use sandpit_journal::journal::HostRecord;
use sandpit_plugin::{Phase, StopReason};

use super::{
    OnStop, PaperError, Unlock,
    clock::{Clock, Pacer},
    host::{Host, Stage},
    market::{MarketSource, RecordedMarket},
    plugins::Told,
    start::{Started, history_engine},
};
use crate::{
    backtest::{BacktestError, Watch, refused},
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
            self.desk.look(&mut self.host)?;
            let (market, due) = (self.host.venue.next_time(), self.host.next_due());
            let next = match (market, due) {
                (None, _) if until == Until::End => {
                    return self.wait_at_the_end(pacer, watch, stop).map(Some);
                }
                (Some(market), Some(due)) => market.min(due),
                (Some(at), None) | (None, Some(at)) => at,
                (None, None) => return Ok(Some(Ending::MarketOver)),
            };
            if !self.wait(pacer, next, stop)? {
                return Ok(Some(Ending::Stopped));
            }
            if self.host.next_due().is_some_and(|due| due <= next) {
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

    /// Waits until `next` is due. What plugins answer meanwhile, and what the operator asks for,
    /// happens meanwhile. `false` where the session was stopped.
    fn wait<C: Clock>(
        &mut self,
        pacer: &mut Pacer<'_, C>,
        next: UnixNanos,
        stop: &AtomicBool,
    ) -> Result<bool, PaperError> {
        if self.host.lockstep {
            return Ok(pacer.wait_until(next, stop));
        }
        while !stop.load(Ordering::Relaxed) {
            let (left, now) = pacer.look(next);
            let Some(left) = left else { return Ok(true) };
            self.host.now = self.host.now.max(now);
            self.host.look_after()?;
            self.host.settle()?;
            self.desk.look(&mut self.host)?;
            self.desk.wait(&self.host, pacer, left);
            // An answer can lead to something that is due before.
            if self.host.next_due().is_some_and(|due| due < next) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn wait_at_the_end<C: Clock>(
        &mut self,
        pacer: &Pacer<'_, C>,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
    ) -> Result<Ending, PaperError> {
        if self.options.until_end || stop.load(Ordering::Relaxed) {
            return Ok(Ending::MarketOver);
        }
        watch.note("the market is over; Ctrl-C ends the session");
        while !stop.load(Ordering::Relaxed) {
            self.host.look_after()?;
            self.host.settle()?;
            self.desk.look(&mut self.host)?;
            self.desk.wait(&self.host, pacer, Duration::from_millis(50));
        }
        Ok(Ending::Stopped)
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
        for plugin in self.host.roster.ids() {
            self.host.event(Event::Command(Command::CancelOrders(plugin)))?;
        }
        Ok(())
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
        self.host.roster.find(name).ok_or_else(|| {
            ConfigError::new(format!("no plugin is called `{name}`"))
                .help("write account:REASON, or the name of a plugin of the run")
        })
    }

    /// Says what is locked, since nothing of it trades.
    fn show_locks(&self, watch: &mut dyn Watch) {
        for (scope, lock) in locks(&self.host) {
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
        self.host.stage = Stage::Starting;
        for (plugin, first) in self.host.roster.ids().zip(std::mem::take(&mut self.first)) {
            let saved = match self.options.cold {
                true => None,
                false => self.host.folder.saved(self.host.roster.name(plugin))?,
            };
            self.host.install(plugin, first, saved)?;
        }
        self.wait_for_plugins()?;
        self.tell_history()?;
        // So that even a plugin that is at fault at once comes back with what it has learnt.
        self.save()?;
        self.wait_for_plugins()?;
        self.host.stage = Stage::Trading;
        for (plugin, intents) in std::mem::take(&mut self.host.first_wishes) {
            if self.host.plugins.phase(plugin) == Phase::Running {
                self.host.event(Event::Intents { plugin, intents })?;
            }
        }
        Ok(())
    }

    /// Waits for all that plugins have under way before the session begins. One that is at fault
    /// already is a reason not to begin.
    fn wait_for_plugins(&mut self) -> Result<(), PaperError> {
        loop {
            self.host.look_after()?;
            self.host.settle()?;
            while let Some((plugin, told)) = self.host.told.pop_front() {
                if let Told::Faulted(fault, _) = told {
                    return Err(self.refuse(plugin, fault));
                }
            }
            if self.host.plugins.is_idle() {
                return Ok(());
            }
            self.host.plugins.wait(None, None);
        }
    }

    fn refuse(&self, plugin: PluginId, fault: Fault) -> PaperError {
        let name = self.host.roster.name(plugin);
        let error: BacktestError = refused(name)(SandboxError::Fault(fault));
        error.into()
    }

    /// Plays the end of the past once more, for plugins that want history.
    fn tell_history(&mut self) -> Result<(), PaperError> {
        let (begin, events) = self.history;
        if self.warm_up.is_empty() {
            return Ok(());
        }
        let mut market = RecordedMarket::open(&self.config.tapes, self.config.to)?;
        let mut engine = history_engine(self.host.engine.config());
        let mut effects = Vec::new();
        for _ in 0..events {
            let Some(event) = market.next_event()? else { break };
            if event.time < begin {
                continue;
            }
            engine.step(Event::History(event), &mut effects);
            for effect in effects.drain(..) {
                let Effect::CallPlugin { plugin, event } = effect else { continue };
                self.host.inform(plugin, event)?;
            }
            // The past comes as fast as it can be told, so it waits.
            self.wait_for_plugins()?;
        }
        Ok(())
    }

    /// Has every plugin's state kept as it is between two events.
    fn save(&mut self) -> Result<(), PaperError> {
        for plugin in self.host.roster.ids() {
            if self.host.plugins.phase(plugin) == Phase::Running {
                self.host.plugins.save(plugin);
            }
        }
        self.host.roster.say_problems();
        self.host.look_after()
    }

    /// Ends every plugin, with its state saved; waits for that.
    fn stop_plugins(&mut self, ending: Ending) -> Result<(), PaperError> {
        let reason = match ending {
            Ending::MarketOver => StopReason::Finished,
            Ending::Stopped => StopReason::Operator,
        };
        for plugin in self.host.roster.ids() {
            if self.host.plugins.phase(plugin) != Phase::Empty {
                self.host.unload(plugin, reason)?;
            }
        }
        while !self.host.plugins.is_idle() {
            self.host.plugins.wait(None, None);
            self.host.look_after()?;
        }
        self.host.stage = Stage::Quiet;
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
pub(super) fn locks(host: &Host) -> Vec<(String, sandpit_core::engine::Lock)> {
    let scopes = std::iter::once(None).chain(host.roster.ids().map(Some));
    scopes
        .flat_map(|plugin| {
            let scope = plugin.map_or("account", |plugin| host.roster.name(plugin)).to_owned();
            host.engine.locks(plugin).map(move |lock| (scope.clone(), *lock)).collect::<Vec<_>>()
        })
        .collect()
}

/// The moment of the session, for people.
pub(super) fn moment(at: UnixNanos) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or_default().to_string()
}
