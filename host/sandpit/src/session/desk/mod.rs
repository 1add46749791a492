//! Where a session's operator is listened to: commands over the socket, and components in a watched
//! folder. A command is answered when what it asked for has happened or cannot; the session never
//! waits for that.

mod answers;
mod newcomer;
mod reception;
mod trading;

use std::{
    net::SocketAddr,
    os::fd::BorrowedFd,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use sandpit_core::{
    engine::{Command as EngineCommand, Event, LockReason},
    ids::PluginId,
};
use sandpit_journal::journal::HostRecord;
use sandpit_plugin::{Argument, ComponentFile, Phase, Runner as _, StopReason};

use super::{
    Options, SessionError,
    clock::{Clock, Pacer},
    host::Host,
    keys::KeyDesk,
    look,
    workshop::{Made, Purpose, Source},
};
use crate::{
    admin::{Answer, Asked, Command, HttpServer, Refusal, RefusalCode, Server},
    config::{RunConfig, Setting},
    keys::SessionKeys,
    sandbox::{self, Loaded, SandboxError},
    watch::{Change, Watch},
};
use newcomer::Newcomer;
pub(super) use reception::Reception;

/// Under this name the journal has what comes of the watched folder.
const VIA_FOLDER: &str = "watched folder";

/// A command that was begun.
#[derive(Debug)]
struct Waiting {
    asked: Option<Asked>,
    plugin: PluginId,
    what: What,
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A component that is being made ready.
    Ready,
    Start,
    Parameters,
    Unload {
        keep_orders: bool,
    },
}

/// The operator's side of a session.
#[derive(Debug)]
pub(super) struct Desk {
    /// Before the socket, so that it ends first.
    http: Option<HttpServer>,
    server: Option<Server>,
    watch: Option<Watch>,
    waiting: Vec<Waiting>,
    /// A plugin that is new and on its way.
    newcomer: Option<Newcomer>,
    keys: Option<KeyDesk>,
    config: RunConfig,
    options: Options,
}

impl Desk {
    /// Takes over from the reception.
    pub(super) fn open(
        config: &RunConfig,
        options: &Options,
        keys: Option<SessionKeys>,
        reception: Reception,
    ) -> Result<Self, SessionError> {
        let names = config.plugins.iter().map(|plugin| plugin.name.as_str());
        let (server, http) = reception.into_servers();
        Ok(Self {
            http,
            server: Some(server),
            watch: Watch::new(&config.watch, config.loading.mode, names)?,
            waiting: Vec::new(),
            newcomer: None,
            keys: keys.map(|keys| KeyDesk::open(keys, options.who.clone())).transpose()?,
            config: config.clone(),
            options: options.clone(),
        })
    }

    /// Where the HTTP interface is, if there is one.
    pub(super) fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(HttpServer::address)
    }

    /// Waits until a plugin has answered, the venue speaks, somebody asks for something, or so much
    /// time has passed.
    pub(super) fn wait<C: Clock>(&self, host: &Host, pacer: &Pacer<'_, C>, length: Duration) {
        let venue = host.venue.wake();
        if host.plugins.is_idle() && venue.is_none() {
            pacer.pause(length);
            return;
        }
        let server = self.server.as_ref().map(Server::wake_fd);
        let wakes: Vec<BorrowedFd<'_>> = [server, venue].into_iter().flatten().collect();
        host.plugins.wait(Some(Instant::now() + length), &wakes);
    }

    /// Does what can be done now.
    pub(super) fn look(&mut self, host: &mut Host) -> Result<(), SessionError> {
        while let Some(made) = host.workshop.take() {
            self.made(host, made)?;
        }
        while let Some((plugin, told)) = host.told.pop_front() {
            self.told(host, plugin, told)?;
        }
        while let Some(asked) = self.server.as_ref().and_then(Server::take) {
            self.asked(host, asked)?;
        }
        self.write_accesses(host)?;
        if let Some(keys) = &mut self.keys {
            keys.look(host)?;
        }
        let changes = self.watch.as_mut().map(|watch| watch.look(Instant::now()));
        for change in changes.into_iter().flatten() {
            self.changed(host, change)?;
        }
        Ok(())
    }

    /// Nobody is served over HTTP any more, and the last of who was is written down.
    pub(super) fn end(&mut self, host: &mut Host) -> Result<(), SessionError> {
        self.http = None;
        self.write_accesses(host)
    }

    fn write_accesses(&self, host: &mut Host) -> Result<(), SessionError> {
        while let Some(access) = self.server.as_ref().and_then(|it| it.queue().take_access()) {
            host.note(&operator(&access.who, &access.via.to_string(), access.line()))?;
        }
        Ok(())
    }

    /// A command: what can be answered at once is, and the rest waits.
    fn asked(&mut self, host: &mut Host, asked: Asked) -> Result<(), SessionError> {
        let command = asked.command.clone();
        let plugin = match command.plugin().map(|name| (host.roster.find(name), name)) {
            None => None,
            Some((Some(plugin), _)) => Some(plugin),
            Some((None, name)) => {
                let name = name.to_owned();
                return self.of_unknown(host, &name, asked);
            }
        };
        if let Some(answer) = self.seen(host, &command, plugin) {
            asked.answer(Ok(answer));
            return Ok(());
        }
        host.note(&operator(&asked.who, &asked.via.to_string(), command.line()))?;
        if command == Command::RotateKeys {
            match &mut self.keys {
                Some(keys) => keys.rotate(asked),
                None => {
                    let why = "this session has no key: its orders are simulated";
                    asked.answer(Err(Refusal::new(RefusalCode::NotNow, why)));
                }
            }
            return Ok(());
        }
        if let Some(answer) = self.traded(host, &command, plugin)? {
            asked.answer(answer);
            return Ok(());
        }
        let Some(plugin) = plugin else { return Ok(()) };
        self.act(host, plugin, command, asked)
    }

    /// A command for a plugin that the session does not have: it may be a new one.
    fn of_unknown(
        &mut self,
        host: &mut Host,
        name: &str,
        asked: Asked,
    ) -> Result<(), SessionError> {
        let Command::Load { component, cold, .. } = asked.command.clone() else {
            asked.answer(Err(unknown(host, name)));
            return Ok(());
        };
        if self.newcomer.is_some() {
            let refusal = Refusal::new(RefusalCode::Busy, "another new plugin is being loaded");
            asked.answer(Err(refusal));
            return Ok(());
        }
        let file = self.options.file.as_ref();
        let (newcomer, path) = match newcomer::find(host, &self.config, file, name, component) {
            Ok(found) => found,
            Err(refusal) => {
                asked.answer(Err(refusal));
                return Ok(());
            }
        };
        host.note(&operator(&asked.who, &asked.via.to_string(), asked.command.line()))?;
        newcomer::order(host, &self.config, &newcomer, path, cold);
        self.wait_for(Some(asked), newcomer.plugin, What::Ready);
        self.newcomer = Some(newcomer);
        Ok(())
    }

    fn act(
        &mut self,
        host: &mut Host,
        plugin: PluginId,
        command: Command,
        asked: Asked,
    ) -> Result<(), SessionError> {
        let phase = host.plugins.phase(plugin);
        let name = host.roster.name(plugin).to_owned();
        let not_now = |why: &str| Refusal::new(RefusalCode::NotNow, format!("`{name}` {why}"));
        let refused = match command {
            Command::Load { .. } if phase != Phase::Empty => {
                Err(not_now("runs already").help("`sandpit plugin swap` puts another in its place"))
            }
            Command::Load { component, cold, .. } => match self.source(host, plugin, component) {
                Some(source) => {
                    host.order(plugin, source, Purpose::Load { cold });
                    Ok(What::Ready)
                }
                None => Err(not_now("is built from a crate").help("name a component to load")),
            },
            Command::Swap { .. } if phase == Phase::Empty => {
                Err(not_now("does not run").help("`sandpit plugin load` lets it run"))
            }
            Command::Swap { component, .. } => {
                host.order(plugin, Source::Path(component), Purpose::Swap);
                Ok(What::Ready)
            }
            Command::Rollback(_) => match host.roll_back(plugin)? {
                true => Ok(What::Start),
                false => Err(not_now("has no component before this one")),
            },
            Command::Unload { .. } if phase == Phase::Empty => Err(not_now("does not run")),
            Command::Unload { keep_orders, .. } => {
                self.wait_for(Some(asked), plugin, What::Unload { keep_orders });
                return host.unload(plugin, StopReason::Operator);
            }
            Command::Pause(_) | Command::Resume(_) if phase == Phase::Empty => {
                Err(not_now("does not run"))
            }
            Command::Pause(_) => return self.pause(host, plugin, true, asked),
            Command::Resume(_) => return self.pause(host, plugin, false, asked),
            Command::Release(_) => match host.release(plugin)? {
                true => {
                    let unlock = EngineCommand::Unlock(Some(plugin), LockReason::Quarantine);
                    host.event(Event::Command(unlock))?;
                    Ok(What::Start)
                }
                false => Err(not_now("is not in quarantine")),
            },
            Command::Set { parameters, .. } => self.set(host, plugin, &parameters),
            // All others have been answered.
            _ => return Ok(()),
        };
        match refused {
            Ok(what) => self.wait_for(Some(asked), plugin, what),
            Err(refusal) => asked.answer(Err(refusal)),
        }
        host.look_after()?;
        host.settle()
    }

    fn wait_for(&mut self, asked: Option<Asked>, plugin: PluginId, what: What) {
        // Whoever left is not answered.
        self.waiting.retain(|waiting| {
            !waiting.asked.as_ref().is_some_and(Asked::is_abandoned) || waiting.what != what
        });
        self.waiting.push(Waiting { asked, plugin, what });
    }

    /// Where a plugin's component comes from.
    fn source(&self, host: &Host, plugin: PluginId, said: Option<PathBuf>) -> Option<Source> {
        let before = host.plugins.view(plugin).and_then(|view| view.version.cloned());
        let configured = host.roster.get(plugin).and_then(|member| member.path.clone());
        match (said.or(configured), before) {
            (Some(path), _) => Some(Source::Path(path)),
            (None, Some(version)) => Some(Source::File(version.file)),
            (None, None) => None,
        }
    }

    fn pause(
        &self,
        host: &mut Host,
        plugin: PluginId,
        paused: bool,
        asked: Asked,
    ) -> Result<(), SessionError> {
        if paused && let Some(runner) = host.plugins.runner_mut(plugin) {
            runner.gap();
        }
        host.plugins.pause(plugin, paused, host.now);
        host.look_after()?;
        host.settle()?;
        let name = host.roster.name(plugin);
        let message = match paused {
            true => format!("`{name}` is not called; its orders stay"),
            false => format!("`{name}` is called again"),
        };
        let view = look::plugin(host, &self.config, plugin);
        asked.answer(Ok(Answer::done_with(message, view)));
        Ok(())
    }

    /// Hands over all parameters with some of them changed.
    fn set(
        &self,
        host: &mut Host,
        plugin: PluginId,
        parameters: &[(String, String)],
    ) -> Result<What, Refusal> {
        let name = host.roster.name(plugin).to_owned();
        let bad = |error: SandboxError| Refusal::new(RefusalCode::BadParameter, error.to_string());
        let view = host.plugins.view(plugin);
        let Some(runner) = view.as_ref().and_then(|view| view.runner) else {
            return Err(Refusal::new(RefusalCode::NotNow, format!("`{name}` does not run")));
        };
        let now = view.as_ref().and_then(|view| view.version).map(|it| it.arguments.as_slice());
        let mut said: std::collections::BTreeMap<String, Setting> = now
            .unwrap_or_default()
            .iter()
            .map(|argument| (argument.name.clone(), Setting(argument.value.to_string())))
            .collect();
        for (name, value) in parameters {
            said.insert(name.clone(), Setting(value.clone()));
        }
        let arguments = sandbox::arguments(runner.description(), &said).map_err(bad)?;
        host.plugins.parameters(plugin, arguments, host.now);
        Ok(What::Parameters)
    }

    /// A component is ready, or refused.
    fn made(&mut self, host: &mut Host, made: Made) -> Result<(), SessionError> {
        let Made { plugin, source, purpose, result } = made;
        if matches!(purpose, Purpose::Wanted { .. }) {
            let made = Made { plugin, source, purpose, result };
            host.take_made(made)?;
            host.look_after()?;
            return host.settle();
        }
        let (loaded, file) = match result {
            Ok(made) => made,
            Err(error) => return self.refuse(host, plugin, &error),
        };
        let arguments = match self.arguments(host, plugin, &loaded) {
            Ok(arguments) => arguments,
            Err(error) => return self.refuse(host, plugin, &error),
        };
        if let Some(newcomer) = self.newcomer.take_if(|newcomer| newcomer.plugin == plugin)
            && let Err(refusal) =
                newcomer::join(host, &self.config, &self.options, &newcomer, &loaded)?
        {
            self.answer(plugin, What::Ready, Err(refusal));
            return Ok(());
        }
        if let Some(watch) = &mut self.watch {
            watch.add(host.roster.name(plugin));
        }
        if let (Source::Path(path), Some(member)) = (&source, host.roster.get_mut(plugin)) {
            member.path = Some(path.clone());
        }
        let file: Arc<ComponentFile> = file;
        let running = host.runner(plugin, loaded, &file, arguments)?;
        for waiting in &mut self.waiting {
            if waiting.plugin == plugin && waiting.what == What::Ready {
                waiting.what = What::Start;
            }
        }
        match purpose {
            Purpose::Load { cold } => {
                let saved = match cold {
                    true => None,
                    false => host.folder.saved(host.roster.name(plugin))?,
                };
                host.install(plugin, running, saved)?;
            }
            Purpose::Swap | Purpose::Wanted { .. } => host.swap(plugin, running)?,
        }
        host.settle()
    }

    /// The values of a new component's parameters: what the operator has set, where it has them.
    fn arguments(
        &self,
        host: &Host,
        plugin: PluginId,
        loaded: &Loaded,
    ) -> Result<Vec<Argument>, SandboxError> {
        let description = loaded.instance.description();
        let new = self.newcomer.as_ref().filter(|newcomer| newcomer.plugin == plugin);
        let run = new.map(|newcomer| &newcomer.run);
        let run = run.or_else(|| host.roster.get(plugin).map(|member| &member.run));
        let mut said = run.map(|run| run.parameters.clone()).unwrap_or_default();
        let view = host.plugins.view(plugin);
        let version = view.as_ref().and_then(|view| view.version);
        for argument in version.map_or(&[][..], |version| version.arguments.as_slice()) {
            if description.parameters.iter().any(|it| it.name == argument.name) {
                said.insert(argument.name.clone(), Setting(argument.value.to_string()));
            }
        }
        sandbox::arguments(description, &said)
    }

    /// A component in the watched folder is another one now.
    fn changed(&mut self, host: &mut Host, change: Change) -> Result<(), SessionError> {
        let (name, path) = match change {
            Change::Swap { plugin, component } => (plugin, component),
            Change::Ignored(why) => {
                tracing::warn!("{why}");
                return Ok(());
            }
        };
        let Some(plugin) = host.roster.find(&name) else { return Ok(()) };
        let command = format!("swap {name} {}", path.display());
        host.note(&operator(&self.options.who, VIA_FOLDER, command))?;
        let purpose = match host.plugins.phase(plugin) {
            Phase::Empty => Purpose::Load { cold: false },
            _ => Purpose::Swap,
        };
        host.order(plugin, Source::Path(path), purpose);
        self.wait_for(None, plugin, What::Ready);
        Ok(())
    }
}

fn operator(who: &str, via: &str, command: String) -> HostRecord {
    HostRecord::Operator { who: who.to_owned(), via: via.to_owned(), command }
}

fn unknown(host: &Host, name: &str) -> Refusal {
    let known: Vec<_> = host.roster.ids().map(|id| host.roster.name(id)).collect();
    Refusal::new(RefusalCode::UnknownPlugin, format!("no plugin is called `{name}`"))
        .help(format!("this session has: {}", known.join(", ")))
}
