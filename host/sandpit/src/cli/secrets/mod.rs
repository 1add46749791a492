//! `sandpit secrets`: what is to be known of keys without ever seeing one, and what can be done about
//! them.

mod check;
mod scan;
mod set;
mod typed;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sandpit_plugin::Mode;

use super::{
    reply::{Failure, Reply},
    session::{self, SessionArgs},
};

#[derive(Debug, Subcommand)]
pub(super) enum SecretsCommand {
    /// Fetch keys and say what they are, never their values
    Check(CheckArgs),
    /// Have a session that runs fetch new keys, and use those that the exchange takes
    Rotate(SessionArgs),
    /// Look for keys where none belong: in files, in what git remembers, in strategies, in logs
    Scan(ScanArgs),
    /// Put a key into the keyring of the operating system; it is read from the terminal or the input
    Set(SetArgs),
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Where keys are, for example env://main/testnet [default: those of the configuration]
    #[arg(value_name = "URI")]
    uris: Vec<String>,
    /// Configuration whose keys are checked
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Ask the exchange of the configuration what its keys may do
    #[arg(long, requires = "config")]
    venue: bool,
    /// What the keys of the configuration are for [default: as their places say]
    #[arg(long, requires = "config")]
    mode: Option<KeyModeArg>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KeyModeArg {
    /// The exchange's test system
    Testnet,
    /// Money
    Live,
}

impl From<KeyModeArg> for Mode {
    fn from(arg: KeyModeArg) -> Self {
        match arg {
            KeyModeArg::Testnet => Self::Testnet,
            KeyModeArg::Live => Self::Live,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ScanArgs {
    /// Working trees; what git remembers of each is looked through, too [default: this folder]
    paths: Vec<PathBuf>,
    /// Leave out what git remembers
    #[arg(long)]
    no_history: bool,
    /// Look through a configuration, the components that it names and the folder of its sessions, and
    /// look for its own keys everywhere
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Look through these files or folders, too: logs
    #[arg(long = "logs", value_name = "PATH")]
    logs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// Where it goes, for example keyring://sandpit/main
    #[arg(value_name = "URI")]
    uri: String,
    /// It is an Ed25519 private key (PEM or a seed), not a secret of HMAC
    #[arg(long)]
    ed25519: bool,
    /// Take the key away instead
    #[arg(long, conflicts_with = "ed25519")]
    remove: bool,
}

pub(super) fn run(command: SecretsCommand) -> Result<Reply, Failure> {
    match command {
        SecretsCommand::Check(arguments) => check::run(&arguments),
        SecretsCommand::Rotate(session) => session::rotate_keys(&session),
        SecretsCommand::Scan(arguments) => scan::run(&arguments),
        SecretsCommand::Set(arguments) => set::run(&arguments),
    }
}
