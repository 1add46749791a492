//! A paper session from its first question to the venue to its last word in the journal.

use std::{
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use sandpit_core::{
    engine::{Command, Effect, Engine, Event, VenueEvent},
    ids::PluginId,
    market::MarketEvent,
    plugin::Fault,
    time::{Nanos, UnixNanos},
};
use sandpit_journal::journal::HostRecord;
use sandpit_plugin::{Phase, StopReason};
use sandpit_venue::machine::Told as ToldVenue;

use super::{
    OnStop, SessionError, Unlock, VenueError,
    clock::{Clock, Pacer},
    ground::Past,
    host::{Host, Stage},
    live::Link,
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
/// How long a real venue's answers are waited for as a session ends.
const LAST_WAIT: Duration = Duration::from_secs(10);
const LAST_WAIT_SLICE: Duration = Duration::from_millis(100);
/// Why the line does not begin: it has no room for its first request.
const NO_ROOM: &str = "its line takes nothing";
/// Where nothing is due, the session looks around after so long.
const IDLE_LOOK: Nanos = Nanos(Nanos::SECOND.0 / 10);

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
    ) -> Result<Ending, SessionError> {
        if let Some(address) = self.desk.http() {
            let scheme = match self.config.admin.as_ref().is_some_and(|admin| admin.tls.is_some()) {
                true => "https",
                false => "http",
            };
            watch.note(&format!("operators are served at {scheme}://{address}"));
        }
        if !self.go_live(pacer, watch, stop)? {
            self.end(Ending::Stopped)?;
            return Ok(Ending::Stopped);
        }
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

    /// Begins to listen to an exchange, and waits until all of it is live: the account first, so
    /// that nothing happens there unheard, then the markets, with what came before. `false` where
    /// the session was stopped meanwhile.
    fn go_live<C: Clock>(
        &mut self,
        pacer: &mut Pacer<'_, C>,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
    ) -> Result<bool, SessionError> {
        let Some(live) = &mut self.live else {
            return Ok(true);
        };
        let link = Rc::clone(&live.link);
        let begin = ToldVenue::Begin(std::mem::take(&mut live.wanted));
        link.tell(begin).map_err(|_| VenueError::CannotOpen { why: NO_ROOM.to_owned() })?;
        while !self.host.line.live {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            self.host.line_news(watch)?;
            // What came before the word that all is live is there by now.
            self.take_history(&link)?;
            self.desk.look(&mut self.host)?;
            let (_, now) = pacer.look(UnixNanos(0));
            self.host.now = self.host.now.max(now);
            self.desk.wait(&self.host, pacer, LAST_WAIT_SLICE);
        }
        Ok(true)
    }

    /// Takes the bars of the past that have been told.
    fn take_history(&mut self, link: &Link) -> Result<(), SessionError> {
        while let Some(event) = link.take_history() {
            link.keep_history(&event).map_err(VenueError::Market)?;
            self.host.see_past(&event);
            if let Some(live) = &mut self.live {
                live.history.push(event);
            }
        }
        Ok(())
    }

    /// Lets events happen. `None` where what was waited for has come.
    fn play<C: Clock>(
        &mut self,
        pacer: &mut Pacer<'_, C>,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
        until: Until,
    ) -> Result<Option<Ending>, SessionError> {
        let mut save_at = self.host.now().plus(self.options.save_every);
        loop {
            if until == Until::Reconciled && self.host.engine.is_reconciled() {
                return Ok(None);
            }
            self.desk.look(&mut self.host)?;
            let (market, due) = (self.host.venue.next_market(), self.host.next_due());
            let is_over = self.host.venue.is_over();
            let next = match (market, due) {
                (None, _) if is_over && until == Until::End => {
                    return self.wait_at_the_end(pacer, watch, stop).map(Some);
                }
                (Some(market), Some(due)) => market.min(due),
                (Some(at), None) | (None, Some(at)) => at,
                (None, None) if is_over => return Ok(Some(Ending::MarketOver)),
                // Whatever comes wakes us.
                (None, None) => self.host.now().plus(IDLE_LOOK),
            };
            let Some(reached) = self.wait(pacer, next, stop)? else {
                return Ok(Some(Ending::Stopped));
            };
            self.host.line_news(watch)?;
            if self.host.next_due().is_some_and(|due| due <= reached) {
                self.host.do_due(reached)?;
            } else if self.host.market(reached)? {
                let events = self.host.venue.events();
                if events.is_multiple_of(EVENTS_PER_WORD) {
                    watch.at(events);
                }
            }
            if until == Until::End && self.host.now() >= save_at {
                self.save()?;
                save_at = self.host.now().plus(self.options.save_every.max(Nanos(1)));
            }
        }
    }

    /// Waits until `next` is due, or something comes sooner. What plugins answer meanwhile, and what
    /// the operator asks for, happens meanwhile. The time that has come; `None` where the session
    /// was stopped.
    fn wait<C: Clock>(
        &mut self,
        pacer: &mut Pacer<'_, C>,
        next: UnixNanos,
        stop: &AtomicBool,
    ) -> Result<Option<UnixNanos>, SessionError> {
        if self.host.lockstep {
            return Ok(pacer.wait_until(next, stop).then_some(next));
        }
        while !stop.load(Ordering::Relaxed) {
            let (left, now) = pacer.look(next);
            self.host.now = self.host.now.max(now);
            let Some(left) = left else { return Ok(Some(self.host.now)) };
            self.host.look_after()?;
            self.host.settle()?;
            self.desk.look(&mut self.host)?;
            self.desk.wait(&self.host, pacer, left);
            // An answer can lead to something that is due before, and a live venue speaks whenever
            // it wants to.
            let sooner = |at: Option<UnixNanos>| at.is_some_and(|at| at < next);
            if sooner(self.host.next_due()) || sooner(self.host.venue.next_market()) {
                let (_, now) = pacer.look(next);
                self.host.now = self.host.now.max(now);
                return Ok(Some(self.host.now));
            }
        }
        Ok(None)
    }

    fn wait_at_the_end<C: Clock>(
        &mut self,
        pacer: &Pacer<'_, C>,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
    ) -> Result<Ending, SessionError> {
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
    fn end(&mut self, ending: Ending) -> Result<(), SessionError> {
        if self.host.stage == Stage::Trading {
            self.host.stage = Stage::Closing;
        }
        if self.options.on_stop == OnStop::Cancel {
            self.cancel_orders()?;
        }
        self.come_to_rest()?;
        self.compare_books()?;
        if self.host.stage == Stage::Closing {
            self.stop_plugins(ending)?;
        }
        self.desk.end(&mut self.host)?;
        let reason = match ending {
            Ending::MarketOver => "the market was over",
            Ending::Stopped => "stopped by the operator",
        };
        let stopped = HostRecord::Stopped { run: self.options.run, reason: reason.to_owned() };
        self.host.note(&stopped)
    }

    /// Takes what is under way. A real venue's answers are waited for, for a while, as long as
    /// something was asked that has none.
    fn come_to_rest(&mut self) -> Result<(), SessionError> {
        self.hear_while(Host::is_anything_unanswered)
    }

    /// Compares the books with a venue's once more: an execution in a moment in which the account's
    /// events did not come would otherwise be found out at the next start only.
    fn compare_books(&mut self) -> Result<(), SessionError> {
        if self.live.is_none() || !self.host.engine.is_reconciled() {
            return Ok(());
        }
        let before = self.host.engine.reconciled_at();
        // It is asked as it is after an interruption, whether or not there was one.
        let now = self.host.now();
        self.host.event(Event::Venue(VenueEvent::Reconnected(now)))?;
        self.hear_while(|host| host.engine.reconciled_at() == before)?;
        if self.host.engine.reconciled_at() == before {
            let note = "the books could not be compared as the session ended".to_owned();
            self.host.note(&HostRecord::Note(note))?;
        }
        self.come_to_rest()
    }

    /// Takes all that a venue has said already, and then what it says while something is waited for.
    fn hear_while(&mut self, waits: impl Fn(&Host) -> bool) -> Result<(), SessionError> {
        let begin = Instant::now();
        for _ in 0..LAST_STEPS_MAX {
            if let Some(at) = self.host.venue.next_message() {
                self.host.do_due(at)?;
                continue;
            }
            let goes_on = waits(&self.host) && begin.elapsed() < LAST_WAIT;
            if !(goes_on && self.host.venue.wait(LAST_WAIT_SLICE)) {
                break;
            }
        }
        Ok(())
    }

    fn cancel_orders(&mut self) -> Result<(), SessionError> {
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
    fn unlock(&mut self) -> Result<(), SessionError> {
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
    fn start_plugins(&mut self) -> Result<(), SessionError> {
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
    fn wait_for_plugins(&mut self) -> Result<(), SessionError> {
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
            self.host.plugins.wait(None, &[]);
        }
    }

    fn refuse(&self, plugin: PluginId, fault: Fault) -> SessionError {
        let name = self.host.roster.name(plugin);
        let error: BacktestError = refused(name)(SandboxError::Fault(fault));
        error.into()
    }

    /// Tells plugins of the past that they want.
    fn tell_history(&mut self) -> Result<(), SessionError> {
        if self.warm_up.is_empty() {
            return Ok(());
        }
        let mut engine = history_engine(self.host.engine.config());
        match self.past {
            Past::Tapes { begin, events } => {
                let mut market = RecordedMarket::open(&self.config.tapes, self.config.to)?;
                for _ in 0..events {
                    let Some(event) = market.next_event()? else { break };
                    if event.time >= begin {
                        self.tell_of(&mut engine, event)?;
                    }
                }
            }
            Past::Venue => {
                let told = self.live.as_mut().map(|live| std::mem::take(&mut live.history));
                for event in told.unwrap_or_default() {
                    self.tell_of(&mut engine, event)?;
                }
            }
        }
        Ok(())
    }

    fn tell_of(&mut self, engine: &mut Engine, event: MarketEvent) -> Result<(), SessionError> {
        let mut effects = Vec::new();
        engine.step(Event::History(event), &mut effects);
        for effect in effects {
            let Effect::CallPlugin { plugin, event } = effect else { continue };
            self.host.inform(plugin, event)?;
        }
        // The past comes as fast as it can be told, so it waits.
        self.wait_for_plugins()
    }

    /// Has every plugin's state kept as it is between two events.
    fn save(&mut self) -> Result<(), SessionError> {
        for plugin in self.host.roster.ids() {
            if self.host.plugins.phase(plugin) == Phase::Running {
                self.host.plugins.save(plugin);
            }
        }
        self.host.roster.say_problems();
        self.host.look_after()
    }

    /// Ends every plugin, with its state saved; waits for that.
    fn stop_plugins(&mut self, ending: Ending) -> Result<(), SessionError> {
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
            self.host.plugins.wait(None, &[]);
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
