//! The plugins' side of a session's host: what they are told, and what their supervisor's outcomes
//! lead to in the engine, the journal and the folder.

use std::sync::Arc;

use sandpit_core::{
    engine::{Command, Engine, Event},
    ids::PluginId,
    intent::Intent,
    plugin::{Fault, FaultCode, PluginEvent},
    simulation::CALLS_PER_INSTANT_MAX,
    time::UnixNanos,
};
use sandpit_journal::journal::{Digest, HostRecord};
use sandpit_plugin::{
    Cause, ComponentFile, Consequence, Moment, Outcome, Runner as _, SavedState, Stance, Stances,
    Version,
};

use super::{
    SessionError,
    host::{Host, Stage},
    roster::Running,
    workshop::{self, Made, Order, Purpose, Source},
};
use crate::{config::OnQuarantine, replay, sandbox::Loaded};

/// Calls of one plugin at one time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Calls {
    at: UnixNanos,
    count: u32,
}

/// What happened to a plugin, for whoever asked for it.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Started(Cause),
    Faulted(Fault, Consequence),
    Parameters(Result<(), String>),
    Unloaded,
}

/// Outcomes that nobody has looked at are kept up to so many; what is older nobody waits for.
const TOLD_MAX: usize = 1_024;

/// How plugins stand by the engine's books.
struct Books<'a>(&'a Engine);

impl Stances for Books<'_> {
    fn stance(&self, plugin: PluginId) -> Stance {
        Stance {
            time: self.0.now(),
            positions: self.0.positions_of(plugin),
            orders: self.0.open_orders_of(plugin),
            budget: self.0.budget_of(plugin),
            trading_state: self.0.trading_state(plugin),
        }
    }
}

/// Does something with the supervisor at this moment.
macro_rules! at_this_moment {
    ($host:ident, $method:ident($($argument:expr),* $(,)?)) => {{
        let books = Books(&$host.engine);
        let moment = Moment { now: $host.now.max($host.engine.now()), stances: &books };
        $host.plugins.$method($($argument,)* moment, &mut $host.outcomes)
    }};
}

impl Host {
    /// A plugin is told of an event, or will be.
    pub(super) fn call(
        &mut self,
        plugin: PluginId,
        event: PluginEvent,
    ) -> Result<(), SessionError> {
        if self.stage == Stage::Quiet {
            return Ok(());
        }
        self.inform(plugin, event)
    }

    /// The same at any stage.
    pub(super) fn inform(
        &mut self,
        plugin: PluginId,
        event: PluginEvent,
    ) -> Result<(), SessionError> {
        let calls = &mut self.calls[usize::from(plugin.0)];
        if calls.at != self.now {
            *calls = Calls { at: self.now, count: 0 };
        }
        calls.count += 1;
        if calls.count > CALLS_PER_INSTANT_MAX && self.lockstep {
            *calls = Calls::default();
            at_this_moment!(self, blame(plugin, &storm()));
        } else {
            at_this_moment!(self, tell(plugin, event));
        }
        self.look_after()
    }

    /// Goes on with all that plugins have under way. In lockstep the market waits for them.
    pub(super) fn look_after(&mut self) -> Result<(), SessionError> {
        loop {
            if self.lockstep {
                at_this_moment!(self, settle());
            } else {
                at_this_moment!(self, advance());
            }
            if self.outcomes.is_empty() {
                return Ok(());
            }
            self.work_up()?;
        }
    }

    /// Does what outcomes lead to.
    fn work_up(&mut self) -> Result<(), SessionError> {
        let mut outcomes = std::mem::take(&mut self.outcomes);
        for outcome in outcomes.drain(..) {
            self.outcome(outcome)?;
        }
        // What came meanwhile is worked up next; the memory is kept.
        outcomes.append(&mut self.outcomes);
        self.outcomes = outcomes;
        Ok(())
    }

    fn outcome(&mut self, outcome: Outcome) -> Result<(), SessionError> {
        match outcome {
            Outcome::Intents { plugin, intents } => self.wish(plugin, intents),
            Outcome::Started { plugin, cause, from, to } => self.started(plugin, cause, from, to),
            Outcome::Faulted { plugin, fault, then, .. } => self.faulted(plugin, fault, then),
            Outcome::CoreDump { plugin, bytes } => self.keep_dump(plugin, &bytes),
            Outcome::Make { plugin, ticket, version } => self.want(plugin, ticket, &version),
            Outcome::Saved { plugin, state } => self.keep_state(plugin, &state),
            Outcome::Parameters { plugin, answer } => {
                self.note_told(plugin, Told::Parameters(answer));
                Ok(())
            }
            Outcome::Unloaded { plugin } => {
                let reason = match self.stage {
                    Stage::Closing => "the session ends",
                    Stage::Quiet | Stage::Starting | Stage::Trading => "by the operator",
                };
                let reason = reason.to_owned();
                self.note(&HostRecord::PluginUnloaded { plugin, reason })?;
                self.note_told(plugin, Told::Unloaded);
                Ok(())
            }
        }
    }

    /// Takes what a plugin asks for.
    fn wish(&mut self, plugin: PluginId, intents: Vec<Intent>) -> Result<(), SessionError> {
        match self.stage {
            Stage::Trading => self.step(Event::Intents { plugin, intents }),
            Stage::Starting => {
                self.first_wishes.push((plugin, intents));
                Ok(())
            }
            Stage::Quiet | Stage::Closing => {
                if let Some(runner) = self.plugins.runner_mut(plugin) {
                    runner.untaken();
                }
                Ok(())
            }
        }
    }

    fn started(
        &mut self,
        plugin: PluginId,
        cause: Cause,
        from: Option<[u8; 32]>,
        to: [u8; 32],
    ) -> Result<(), SessionError> {
        let name = self.roster.name(plugin).to_owned();
        let restored = self.plugins.view(plugin).is_some_and(|view| view.saved.is_some());
        let how = if restored { "with its saved state" } else { "without a saved state" };
        let (component, version) = self.component(plugin, to);
        match (cause, from) {
            (Cause::Load, _) if self.stage == Stage::Trading => {
                self.note(&HostRecord::PluginLoaded { plugin, component, version })?;
            }
            (_, Some(from)) => {
                let from = Digest(from);
                self.note(&HostRecord::PluginSwapped { plugin, from, to: component })?;
                if let Some(member) = self.roster.get_mut(plugin) {
                    member.swaps += 1;
                }
            }
            _ => {}
        }
        self.note(&HostRecord::Note(format!("`{name}` starts {how}")))?;
        self.subscribe(plugin);
        if cause != Cause::Load {
            self.step(Event::Command(Command::Restarted(plugin)))?;
        }
        self.note_told(plugin, Told::Started(cause));
        Ok(())
    }

    /// A plugin is told what the component wants that it runs.
    fn subscribe(&mut self, plugin: PluginId) {
        let view = self.plugins.view(plugin);
        if let Some(version) = view.as_ref().and_then(|view| view.version) {
            self.engine.subscribe(plugin, &version.subscriptions);
        }
    }

    fn component(&self, plugin: PluginId, sha256: [u8; 32]) -> (Digest, String) {
        let version =
            self.plugins.view(plugin).and_then(|view| Some(view.version?.version.clone()));
        (Digest(sha256), version.unwrap_or_default())
    }

    /// A plugin is at fault: what follows in the engine is the policy of docs/operators/plugins.md.
    fn faulted(
        &mut self,
        plugin: PluginId,
        fault: Fault,
        then: Consequence,
    ) -> Result<(), SessionError> {
        let name = self.roster.name(plugin);
        tracing::warn!(plugin = name, code = fault.code.name(), "{}", fault.detail);
        match then {
            // What runs was never at fault.
            Consequence::KeepOld => {
                let text = format!(
                    "another component did not start in the place of `{name}`: {}: {}",
                    fault.code.name(),
                    fault.detail
                );
                self.note(&HostRecord::Note(text))?;
                self.subscribe(plugin);
            }
            Consequence::Restart { .. } | Consequence::RollBack => {
                self.step(Event::Command(Command::Fault(plugin, fault.clone())))?;
            }
            Consequence::Quarantine => {
                self.step(Event::Command(Command::Fault(plugin, fault.clone())))?;
                let flatten = self.on_quarantine == OnQuarantine::Flatten;
                self.step(Event::Command(Command::Quarantine { plugin, flatten }))?;
            }
        }
        self.note_told(plugin, Told::Faulted(fault, then));
        Ok(())
    }

    fn keep_dump(&mut self, plugin: PluginId, bytes: &[u8]) -> Result<(), SessionError> {
        let name = self.roster.name(plugin);
        match self.dumps.keep(name, self.now, bytes) {
            Ok(Some(path)) => {
                let text = format!("memory of `{name}` kept in {}", path.display());
                if let Some(member) = self.roster.get_mut(plugin) {
                    member.last_dump = Some(path);
                }
                self.note(&HostRecord::Note(text))
            }
            Ok(None) => Ok(()),
            // It helps an author and nobody else.
            Err(error) => {
                tracing::warn!("the memory of `{name}` is not kept: {error}");
                Ok(())
            }
        }
    }

    /// A state is on disk before anything else happens: what a plugin has seen must not come again.
    fn keep_state(&mut self, plugin: PluginId, state: &SavedState) -> Result<(), SessionError> {
        self.venue.remember()?;
        let name = self.roster.name(plugin);
        self.folder.save(name, state, self.now)?;
        let (bytes, sha256) = (state.data.len(), Digest::of(&state.data));
        let text = format!("state of `{name}` saved: {bytes} bytes, sha256 {sha256}");
        self.note(&HostRecord::Note(text))
    }

    /// The supervisor wants a runner.
    fn want(
        &mut self,
        plugin: PluginId,
        ticket: u64,
        version: &Version,
    ) -> Result<(), SessionError> {
        let source = Source::File(Arc::clone(&version.file));
        self.order(plugin, source, Purpose::Wanted { ticket });
        if self.lockstep
            && let Some(made) = self.workshop.wait()
        {
            self.take_made(made)?;
        }
        Ok(())
    }

    /// Has a runner made for a plugin.
    pub(super) fn order(&mut self, plugin: PluginId, source: Source, purpose: Purpose) {
        let Some(member) = self.roster.get(plugin) else { return };
        let (name, limits) = (member.run.name.clone(), member.limits.clone());
        self.workshop.order(Order { plugin, name, source, limits, purpose });
    }

    /// A runner that the supervisor wanted is there, or is not to be had.
    pub(super) fn take_made(&mut self, made: Made) -> Result<(), SessionError> {
        let Made { plugin, purpose: Purpose::Wanted { ticket }, result, .. } = made else {
            return Ok(());
        };
        let made = match result {
            Ok((loaded, file)) => {
                let version = self.plugins.view(plugin).and_then(|view| view.version.cloned());
                let arguments = version.map(|version| version.arguments).unwrap_or_default();
                Ok(self.runner(plugin, loaded, &file, arguments)?.0)
            }
            Err(error) => Err(workshop::fault_of(self.roster.name(plugin), error)),
        };
        at_this_moment!(self, made(plugin, ticket, made));
        Ok(())
    }

    /// A loaded component as what runs in this session, with its calls written down and a copy of
    /// it kept.
    pub(super) fn runner(
        &self,
        plugin: PluginId,
        loaded: Loaded,
        file: &Arc<ComponentFile>,
        arguments: Vec<sandpit_plugin::Argument>,
    ) -> Result<(Running, Version), SessionError> {
        let sha256 = *loaded.checked.sha256();
        let path = self.folder.path();
        let failed = |source| SessionError::Folder { path: path.to_owned(), source };
        replay::keep_component(path, &sha256, file.bytes()).map_err(failed)?;
        let description = loaded.instance.description();
        let version = Version {
            file: Arc::clone(file),
            sha256,
            version: description.version.clone(),
            schema: description.state_schema,
            arguments,
            subscriptions: description.subscriptions(),
        };
        let runner = self.roster.record(plugin, loaded.instance, sha256);
        Ok((runner, version))
    }

    /// Starts a plugin where none runs.
    pub(super) fn install(
        &mut self,
        plugin: PluginId,
        (runner, version): (Running, Version),
        saved: Option<SavedState>,
    ) -> Result<(), SessionError> {
        at_this_moment!(self, install(plugin, runner, version, saved));
        self.look_after()
    }

    /// Has another component take over.
    pub(super) fn swap(
        &mut self,
        plugin: PluginId,
        (runner, version): (Running, Version),
    ) -> Result<(), SessionError> {
        // What comes from now on is the new one's.
        self.engine.subscribe(plugin, &version.subscriptions);
        at_this_moment!(self, swap(plugin, runner, version));
        self.look_after()
    }

    /// Puts the component before back; `false` where there is none.
    pub(super) fn roll_back(&mut self, plugin: PluginId) -> Result<bool, SessionError> {
        let done = at_this_moment!(self, roll_back(plugin));
        self.look_after()?;
        Ok(done)
    }

    /// Ends a plugin once it is through with what it does.
    pub(super) fn unload(
        &mut self,
        plugin: PluginId,
        reason: sandpit_plugin::StopReason,
    ) -> Result<(), SessionError> {
        at_this_moment!(self, unload(plugin, reason));
        self.look_after()
    }

    /// Lets a plugin out of quarantine; `false` where it was not in one.
    pub(super) fn release(&mut self, plugin: PluginId) -> Result<bool, SessionError> {
        let done = at_this_moment!(self, release(plugin));
        self.look_after()?;
        Ok(done)
    }

    fn note_told(&mut self, plugin: PluginId, told: Told) {
        if self.told.len() == TOLD_MAX {
            self.told.pop_front();
        }
        self.told.push_back((plugin, told));
    }
}

fn storm() -> Fault {
    Fault {
        code: FaultCode::TooManyIntents,
        detail: format!(
            "answered its own updates without end: over {CALLS_PER_INSTANT_MAX} calls at one time"
        ),
    }
}
