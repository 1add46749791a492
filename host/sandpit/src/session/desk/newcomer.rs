//! A plugin that comes while the session runs: the configuration's file is read again, and the first
//! plugin there that the session does not have is let in. At the next start it is there already.

use std::path::PathBuf;

use sandpit_core::ids::PluginId;
use sandpit_plugin::Runner as _;

use crate::{
    admin::{Refusal, RefusalCode},
    backtest,
    config::{self, ConfigError, Overrides, PluginRun, PluginSource, RunConfig},
    sandbox::{self, Loaded},
    session::{
        Options, SessionError,
        host::Host,
        plugins::Calls,
        start,
        workshop::{Order, Purpose, Source},
    },
};

/// One that is on its way.
#[derive(Debug)]
pub(super) struct Newcomer {
    /// The number that it will have.
    pub(super) plugin: PluginId,
    pub(super) run: PluginRun,
}

fn refuse(error: &ConfigError) -> Refusal {
    let refusal = Refusal::new(RefusalCode::NotNow, error.to_string());
    match &error.help {
        Some(help) => refusal.help(help.clone()),
        None => refusal,
    }
}

/// Finds a plugin in the configuration's file.
pub(super) fn find(
    host: &Host,
    config: &RunConfig,
    file: Option<&PathBuf>,
    name: &str,
    component: Option<PathBuf>,
) -> Result<(Newcomer, PathBuf), Refusal> {
    let no = |message: String| Refusal::new(RefusalCode::UnknownPlugin, message);
    let Some(path) = file else {
        return Err(no(format!("no plugin is called `{name}`, and the session has no file"))
            .help("start the session with a configuration to add plugins to"));
    };
    let fresh = config::load(path, &Overrides::default()).map_err(|error| refuse(&error))?;
    let mut plugins = fresh.plugins.iter();
    for member in host.roster.members() {
        let before = plugins.next();
        if before.is_none_or(|run| run.name != member.run.name) {
            let message = format!(
                "`{}` of this session is not in its place in `{}`",
                member.run.name,
                path.display()
            );
            return Err(no(message).help("plugins keep their order; a new one is the last"));
        }
    }
    let run = match plugins.next() {
        Some(run) if run.name == name => run,
        _ => {
            return Err(no(format!("no plugin is called `{name}`"))
                .help(format!("add it to `{}`, after all others", path.display())));
        }
    };
    let all = host.roster.members().map(|member| &member.run.sandbox).chain([&run.sandbox]);
    config
        .sandbox_total
        .admit(all)
        .map_err(|error| Refusal::new(RefusalCode::AboveTotal, error.to_string()))?;
    let configured = match &run.source {
        PluginSource::Component(path) => Some(path.clone()),
        PluginSource::Crate(_) => None,
    };
    let Some(source) = component.or(configured) else {
        return Err(no(format!("`{name}` is built from a crate")).help("name a component to load"));
    };
    let plugin = PluginId(u16::try_from(host.plugins.len()).unwrap_or(u16::MAX));
    Ok((Newcomer { plugin, run: run.clone() }, source))
}

/// Has its runner made.
pub(super) fn order(
    host: &mut Host,
    config: &RunConfig,
    newcomer: &Newcomer,
    path: PathBuf,
    cold: bool,
) {
    host.workshop.order(Order {
        plugin: newcomer.plugin,
        name: newcomer.run.name.clone(),
        source: Source::Path(path),
        limits: sandbox::limits_of(config, &newcomer.run, host.lockstep),
        purpose: Purpose::Load { cold },
    });
}

/// Lets it in: engine, venue, supervisor and roster know it from now on.
pub(super) fn join(
    host: &mut Host,
    config: &RunConfig,
    options: &Options,
    newcomer: &Newcomer,
    loaded: &Loaded,
) -> Result<Result<(), Refusal>, SessionError> {
    let Newcomer { plugin, run } = newcomer;
    let rules = host.engine.config().instruments.clone();
    let description = loaded.instance.description();
    let shares = (&config.account_limits.rates, host.plugins.len() + 1);
    let share = match backtest::plugin_config(run, description, &rules, shares) {
        Ok(share) => share,
        Err(error) => return Ok(Err(refuse(&error))),
    };
    let own = share.instruments.clone();
    let added = host.add_plugin(&run.name, share)?;
    if added != Ok(*plugin) {
        let why =
            added.map_or_else(|error| error.to_string(), |_| "its number is taken".to_owned());
        return Ok(Err(Refusal::new(RefusalCode::Failed, why)));
    }
    host.venue.fund(*plugin, run.budget);
    host.roster.add(config, run, host.folder.path(), options)?;
    let setting = start::setting(config.seed, run, &own, &rules, (&host.currency, host.mode));
    host.plugins.add(&run.name, sandbox::slot_limits(&run.sandbox), setting);
    host.calls.push(Calls::default());
    Ok(Ok(()))
}
