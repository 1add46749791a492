//! `sandpit alerts test`: whether alerts arrive, tried before it matters.

use std::{fmt::Write as _, path::PathBuf};

use clap::Subcommand;
use sandpit_alerts::{
    secret::LocalSecrets,
    service::{StartError, TestResult, test_channels},
};
use sandpit_secrets::Clock;
use serde_json::json;

use super::reply::{Exit, Failure, Reply};
use crate::{config, keys::mask};

#[derive(Debug, Subcommand)]
pub(super) enum AlertsCommand {
    /// Send a test alert through every channel, and say what became of each
    Test {
        /// Configuration with an [alerts] section; it need not be a whole run
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

pub(super) fn run(command: &AlertsCommand) -> Result<Reply, Failure> {
    let AlertsCommand::Test { config } = command;
    let alerts = config::load_alerts(config)?;
    if alerts.channels.is_empty() {
        return Err(Failure::new(Exit::Config, "the configuration has no channel for alerts")
            .help("add [alerts.channels.NAME] and [[alerts.routes]]: docs/operators/alerts.md"));
    }
    let results = test_channels(&alerts, &LocalSecrets, mask(), &Clock::system());
    let results = results.map_err(|error| {
        let exit = match error {
            StartError::Config(_) => Exit::Config,
            _ => Exit::Failed,
        };
        Failure::from_error(exit, &error)
    })?;
    let has_failed = results.iter().any(|result| result.problem.is_some());
    let exit = if has_failed { Exit::Failed } else { Exit::Done };
    Ok(Reply::new(text(&results), json!({ "channels": results })).ending(exit))
}

fn text(results: &[TestResult]) -> String {
    let mut text = String::from("A test alert, through every channel:\n");
    for TestResult { channel, kind, took_ms, problem } in results {
        let name = channel.as_str();
        // Writing to a string does not fail.
        let _ = match problem {
            None => writeln!(text, "  taken   {name:<20} {kind:<10} {took_ms} ms"),
            Some(problem) => writeln!(text, "  FAILED  {name:<20} {kind:<10} {problem}"),
        };
    }
    let taken = results.iter().filter(|result| result.problem.is_none()).count();
    let _ = write!(
        text,
        "{taken} of {} took it. Whether a person saw it, only a person knows.",
        results.len()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_each_is_said() {
        let result = |channel: &str, problem: Option<&str>| TestResult {
            channel: channel.into(),
            kind: "slack",
            took_ms: 12,
            problem: problem.map(str::to_owned),
        };
        let text = text(&[result("a", None), result("b", Some("cannot be reached"))]);
        assert!(text.contains("taken   a                    slack      12 ms"), "{text}");
        assert!(text.contains("FAILED  b                    slack      cannot be reached"));
        assert!(text.contains("1 of 2 took it"));
    }
}
