//! `sandpit config`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use sandpit_core::risk::DenialCode;
use serde_json::json;

use super::reply::{Failure, Reply};
use crate::config::{self, Overrides};

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check a configuration without running it
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print a configuration with every key, explained
    Schema,
    /// Print every code that an order can be denied with
    Denials,
}

pub(super) fn run(command: &ConfigCommand) -> Result<Reply, Failure> {
    match command {
        ConfigCommand::Check { file } => check(file),
        ConfigCommand::Denials => Ok(denials()),
        ConfigCommand::Schema => {
            let json = json!({ "version": config::VERSION, "reference": config::REFERENCE });
            Ok(Reply::new(config::REFERENCE.to_owned(), json))
        }
    }
}

fn denials() -> Reply {
    let codes: Vec<_> = DenialCode::ALL
        .iter()
        .map(|code| {
            json!({
                "code": code.number(),
                "name": code.name(),
                "message": code.message(),
                "by": code.by().words(),
                "data": code.data(),
                "advice": code.advice(),
            })
        })
        .collect();
    Reply::new(config::denials_table(), json!({ "denials": codes }))
}

fn check(file: &Path) -> Result<Reply, Failure> {
    let run = config::load(file, &Overrides::default())?;
    let plugins: Vec<_> = run.plugins.iter().map(|plugin| plugin.name.as_str()).collect();
    let text = format!(
        "{} is well-formed: {} over {} tape(s), seed {}.",
        file.display(),
        plugins.join(", "),
        run.tapes.len(),
        run.seed
    );
    let json = json!({
        "file": file,
        "seed": run.seed,
        "plugins": plugins,
        "tapes": run.tapes,
        "out": run.out,
    });
    Ok(Reply::new(text, json))
}
