//! `sandpit admin token`: who may use the HTTP interface of a session. A token is shown once, when
//! it is made; the file has its hash.

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::reply::{Exit, Failure, Reply};
use crate::{
    admin::{Role, Token, TokenError, Tokens},
    config::{self, ConfigError, Overrides},
};

const DAY_S: u64 = 86_400;
/// Days that a token is good for, where nobody says otherwise.
const DAYS_DEFAULT: u64 = 90;
/// The most days: ten years.
const DAYS_MAX: u64 = 3_650;

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Make, list and end tokens of the HTTP interface
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token; it is shown this once
    New {
        /// What it is for: unique, of a-z, 0-9 and -
        #[arg(long)]
        name: String,
        /// Look, or look and act
        #[arg(long)]
        role: RoleArg,
        /// Days until it ends
        #[arg(long, default_value_t = DAYS_DEFAULT, value_parser = clap::value_parser!(u64).range(1..=DAYS_MAX))]
        days: u64,
        #[command(flatten)]
        file: TokensArgs,
    },
    /// Show whose tokens there are
    List(TokensArgs),
    /// End a token; a session that runs refuses it within seconds
    Revoke {
        /// Which
        #[arg(long)]
        name: String,
        #[command(flatten)]
        file: TokensArgs,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RoleArg {
    /// Look
    Viewer,
    /// Look, and do everything that an operator can
    Operator,
}

/// Which file.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct TokensArgs {
    /// The file of tokens
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Configuration whose [admin] says the file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl TokensArgs {
    fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.tokens {
            return Ok(path.clone());
        }
        let file = self.config.clone().unwrap_or_default();
        let options = config::load(&file, &Overrides::default())?.admin.ok_or_else(|| {
            ConfigError::new("the configuration has no `listen` under [admin]")
                .help("add it, or name the file of tokens: --tokens FILE")
        })?;
        Ok(options.tokens)
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let exit = match error {
            TokenError::Name(_) => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::from_error(exit, &error)
    }
}

pub(super) fn run(command: &AdminCommand) -> Result<Reply, Failure> {
    let AdminCommand::Token(command) = command;
    match command {
        TokenCommand::New { name, role, days, file } => new(name, *role, *days, &file.path()?),
        TokenCommand::List(file) => list(&file.path()?),
        TokenCommand::Revoke { name, file } => revoke(name, &file.path()?),
    }
}

fn new(name: &str, role: RoleArg, days: u64, path: &Path) -> Result<Reply, Failure> {
    let role = match role {
        RoleArg::Viewer => Role::Viewer,
        RoleArg::Operator => Role::Operator,
    };
    let now = now_s();
    let mut tokens = Tokens::read(path)?;
    let end = now.saturating_add(days.saturating_mul(DAY_S));
    let secret = tokens.add(name, role, now, Some(end))?;
    tokens.write(path)?;
    let text = format!(
        "{}\n  {name}, {}, until {}: keep it in a password manager, it is not shown again\n",
        secret.show(),
        role.name(),
        day(end),
    );
    let json = json!({
        "token": secret.show(), "name": name, "role": role, "expires": day(end), "file": path,
    });
    Ok(Reply::new(text, json))
}

fn list(path: &Path) -> Result<Reply, Failure> {
    let tokens = Tokens::read(path)?;
    let now = now_s();
    let state = |token: &Token| match token.expires_s {
        Some(end) if end <= now => format!("ended {}", day(end)),
        Some(end) => format!("until {}", day(end)),
        None => "without end".to_owned(),
    };
    let lines = tokens.all().iter().map(|token| {
        let made = day(token.created_s);
        format!("{}  {}  made {made}, {}\n", token.name, token.role.name(), state(token))
    });
    let mut text: String = lines.collect();
    if text.is_empty() {
        text.push_str("there are no tokens\n");
    }
    let all: Vec<_> = tokens
        .all()
        .iter()
        .map(|token| {
            json!({
                "name": token.name,
                "role": token.role,
                "created": day(token.created_s),
                "expires": token.expires_s.map(day),
            })
        })
        .collect();
    Ok(Reply::new(text, json!({ "tokens": all })))
}

fn revoke(name: &str, path: &Path) -> Result<Reply, Failure> {
    let mut tokens = Tokens::read(path)?;
    if !tokens.revoke(name) {
        return Err(Failure::new(Exit::Usage, format!("there is no token `{name}`")));
    }
    tokens.write(path)?;
    Ok(Reply::new(format!("`{name}` is no token any more\n"), json!({ "revoked": name })))
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn day(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    moment.unwrap_or_default().strftime("%Y-%m-%d").to_string()
}
