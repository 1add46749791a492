//! `sandpit plugin list`, `swap` and the like, `sandpit status` and `sandpit kill`: what is said to
//! a session that runs. This process only asks; the session does it.

mod show;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    reply::{Exit, Failure, Reply},
    terminal::Terminal,
};
use crate::{
    admin::{Answer, Client, ClientError, Command, Refusal, RefusalCode},
    author,
    config::{self, ConfigError, Overrides},
};

/// Which session.
#[derive(Debug, Args)]
pub(super) struct SessionArgs {
    /// Folder in which the session remembers
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// Configuration of the session, whose [paper] says the folder
    #[arg(long, value_name = "FILE", conflicts_with = "state")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct KillArgs {
    /// Close all positions as well
    #[arg(long)]
    flatten: bool,
    #[command(flatten)]
    session: SessionArgs,
}

/// One plugin of a session.
#[derive(Debug, Args)]
pub(super) struct OfPlugin {
    /// The plugin's name in the session
    plugin: String,
    #[command(flatten)]
    session: SessionArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    /// Show all plugins of a session that runs
    List(SessionArgs),
    /// Show a plugin of a session that runs: state, limits and their use, faults, walls
    Show(OfPlugin),
    /// Let a plugin of the session's configuration run that does not run now
    Load {
        #[command(flatten)]
        of: OfPlugin,
        /// This component or crate, in the place of the configuration's
        #[arg(long, value_name = "PATH")]
        component: Option<PathBuf>,
        /// Without what it saved
        #[arg(long)]
        cold: bool,
    },
    /// Put another version of a plugin in the place of the one that runs
    Swap {
        #[command(flatten)]
        of: OfPlugin,
        /// The other version: a component, or the folder of a crate that is built first
        component: PathBuf,
    },
    /// Put back the version before the last swap
    Rollback(OfPlugin),
    /// End a plugin; its open orders are canceled
    Unload {
        #[command(flatten)]
        of: OfPlugin,
        /// Leave its open orders at the venue
        #[arg(long)]
        keep_orders: bool,
    },
    /// Do not call a plugin for a while
    Pause(OfPlugin),
    /// Call a plugin again that was paused
    Resume(OfPlugin),
    /// Let a plugin out of quarantine
    Release(OfPlugin),
    /// Change parameters of a plugin that runs
    Set {
        #[command(flatten)]
        of: OfPlugin,
        /// What to change
        #[arg(value_name = "PARAMETER=VALUE", required = true)]
        settings: Vec<String>,
    },
}

pub(super) fn run(command: &PluginCommand, terminal: &Terminal) -> Result<Reply, Failure> {
    let (session, command) = request(command, terminal)?;
    ask(session, &command)
}

pub(super) fn status(session: &SessionArgs) -> Result<Reply, Failure> {
    ask(session, &Command::Status)
}

pub(super) fn rotate_keys(session: &SessionArgs) -> Result<Reply, Failure> {
    ask(session, &Command::RotateKeys)
}

pub(super) fn kill(arguments: &KillArgs) -> Result<Reply, Failure> {
    ask(&arguments.session, &Command::Kill { flatten: arguments.flatten })
}

/// What is typed as what is asked.
fn request<'a>(
    command: &'a PluginCommand,
    terminal: &Terminal,
) -> Result<(&'a SessionArgs, Command), Failure> {
    let name = |of: &OfPlugin| of.plugin.clone();
    Ok(match command {
        PluginCommand::List(session) => (session, Command::List),
        PluginCommand::Show(of) => (&of.session, Command::Show(name(of))),
        PluginCommand::Load { of, component, cold } => {
            let component = component.as_deref().map(|path| built(path, terminal)).transpose()?;
            (&of.session, Command::Load { plugin: name(of), component, cold: *cold })
        }
        PluginCommand::Swap { of, component } => {
            let component = built(component, terminal)?;
            (&of.session, Command::Swap { plugin: name(of), component })
        }
        PluginCommand::Rollback(of) => (&of.session, Command::Rollback(name(of))),
        PluginCommand::Unload { of, keep_orders } => {
            (&of.session, Command::Unload { plugin: name(of), keep_orders: *keep_orders })
        }
        PluginCommand::Pause(of) => (&of.session, Command::Pause(name(of))),
        PluginCommand::Resume(of) => (&of.session, Command::Resume(name(of))),
        PluginCommand::Release(of) => (&of.session, Command::Release(name(of))),
        PluginCommand::Set { of, settings } => {
            let parameters = settings.iter().map(|text| parameter(text)).collect::<Result<_, _>>();
            (&of.session, Command::Set { plugin: name(of), parameters: parameters? })
        }
    })
}

fn parameter(text: &str) -> Result<(String, String), Failure> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{text}` is no setting"))
            .help("write PARAMETER=VALUE, for example fast=12")
    })?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A component where the session finds it; of a crate, what it is built into.
fn built(path: &Path, terminal: &Terminal) -> Result<PathBuf, Failure> {
    let path = match path.is_dir() {
        true => author::build(path, None, terminal.lets_tools_speak())?.path,
        false => path.to_owned(),
    };
    std::path::absolute(&path).map_err(|error| Failure::from_error(Exit::Failed, &error))
}

/// The folder of the session.
fn state(session: &SessionArgs) -> Result<PathBuf, Failure> {
    let said = match (&session.state, &session.config) {
        (Some(state), _) => Some(state.clone()),
        (None, Some(file)) => config::load(file, &Overrides::default())?.paper.state,
        (None, None) => None,
    };
    let said = said.ok_or_else(|| {
        ConfigError::new("nothing says which session")
            .help("add --state FOLDER, or --config FILE with `state` under [paper]")
    })?;
    Ok(said)
}

fn ask(session: &SessionArgs, command: &Command) -> Result<Reply, Failure> {
    let mut client = Client::connect(&state(session)?)?;
    let answer = client.ask(command)?;
    reply(&answer)
}

fn reply(answer: &Answer) -> Result<Reply, Failure> {
    let (text, json) = match answer {
        Answer::Done { message, plugin } => {
            (show::plain(message), json!({ "done": message, "plugin": to_json(plugin)? }))
        }
        Answer::List(list) => (show::list(list), to_json(list)?),
        Answer::Plugin(plugin) => (show::plugin(plugin), to_json(plugin)?),
        Answer::Status(status) => (show::status(status), to_json(status)?),
        Answer::Overview(overview) => as_it_is(overview)?,
        Answer::Orders(orders) => as_it_is(orders)?,
        Answer::Positions(positions) => as_it_is(positions)?,
        Answer::Pnl(pnl) => as_it_is(pnl)?,
        Answer::Risk(risk) => as_it_is(risk)?,
    };
    Ok(Reply::new(text, json))
}

/// What has no table of its own yet, for people as JSON.
fn as_it_is(view: &impl serde::Serialize) -> Result<(String, Value), Failure> {
    let json = to_json(view)?;
    Ok((show::plain(&format!("{json:#}")), json))
}

fn to_json(view: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(view).map_err(|error| Failure::from_error(Exit::Failed, &error))
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(refusal) => refusal.into(),
            error @ ClientError::NoSession { .. } => Self::from_error(Exit::NoSession, &error)
                .help("`sandpit paper --state FOLDER` starts one; `--state` must be the same"),
            error @ (ClientError::HungUp | ClientError::Io { .. }) => {
                Self::from_error(Exit::Failed, &error)
                    .help("nothing says whether it was done: `sandpit plugin list` shows how it is")
            }
            error => Self::from_error(Exit::Failed, &error),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let exit = match refusal.code {
            RefusalCode::ComponentRefused | RefusalCode::StartFault => Exit::PluginRefused,
            RefusalCode::Ending => Exit::NoSession,
            _ => Exit::Failed,
        };
        let code = refusal.reason.unwrap_or_else(|| refusal.code.name().to_owned());
        let failure = Self::new(exit, show::plain(&refusal.message)).code(Some(code));
        match refusal.help {
            Some(help) => failure.help(show::plain(&help)),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_ends_by_its_kind() {
        let exit = |code| Failure::from(Refusal::new(code, "no")).exit();
        for code in RefusalCode::ALL {
            let expected = match code {
                RefusalCode::ComponentRefused | RefusalCode::StartFault => Exit::PluginRefused,
                RefusalCode::Ending => Exit::NoSession,
                _ => Exit::Failed,
            };
            assert_eq!(exit(code), expected, "{}", code.name());
        }
        let refusal = Refusal::new(RefusalCode::ComponentRefused, "no").reason(Some("not-pinned"));
        let json = Failure::from(refusal).to_json();
        assert_eq!(json["error"]["code"], "not-pinned");
        let json = Failure::from(Refusal::new(RefusalCode::NotNow, "no")).to_json();
        assert_eq!(json["error"]["code"], "not-now");
    }

    #[test]
    fn a_setting_has_a_name_and_a_value() {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(parameter("fast=12").unwrap(), set("fast", "12"));
        assert_eq!(parameter("note=a=b").unwrap(), set("note", "a=b"));
        assert_eq!(parameter("note=").unwrap(), set("note", ""));
        for text in ["fast", "=12", ""] {
            assert_eq!(parameter(text).unwrap_err().exit(), Exit::Usage, "{text}");
        }
    }
}
