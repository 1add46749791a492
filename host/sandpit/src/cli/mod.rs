//! The command line: what is typed becomes options, a room does the work, one answer is printed.
//! The answer goes to the output, whole and alone; progress, notes and errors go to the error
//! output. With `--json` both answers and errors are one JSON document on the output.

mod admin;
mod alerts;
mod args;
mod audit;
mod backtest;
mod bench;
mod config;
mod data;
mod demo;
mod exchange;
mod granted;
mod paper;
mod places;
mod plugin;
mod record;
mod replay;
mod reply;
mod report;
mod run;
mod secrets;
mod session;
mod signals;
mod simulate;
mod terminal;
mod trust;
mod walls;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser};
use sandpit_secrets::{Care, Environment};

use args::{Arguments, Command};
use reply::{Exit, Failure, Reply};
use terminal::{LOG_VARIABLE, Terminal};

use crate::{keys, sandbox::RUNNER_COMMAND};

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    // Before anything else of this process, the command line included: a runner has one socket and
    // nothing of ours.
    if std::env::args_os().nth(1).is_some_and(|word| word == RUNNER_COMMAND) {
        return sandpit_plugin::serve_runner();
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return terminal::usage(&error),
    };
    // Before anything else of this process: it has a component to compile and nothing of ours.
    if let Command::CompileChild { words } = &arguments.command {
        return sandpit_plugin::serve_compiler(words);
    }
    // Before there is a secret in it. Where this fails, `plugin walls` says so.
    let _ = sandpit_plugin::protect_host_memory();
    keys::protect_process();
    let terminal = Terminal::new(arguments.common);
    let outcome = prepare(&terminal).and_then(|()| run(arguments.command, &terminal));
    terminal.finish(outcome)
}

/// Beside the caller; see `.env.example`.
const ENV_FILE: &str = ".env";

/// What every command needs: somewhere for log lines to go. `.env` is read and not exported, so that
/// no process that is started from here inherits what is in it.
fn prepare(terminal: &Terminal) -> Result<(), Failure> {
    let environment = Environment::process().with_file(PathBuf::from(ENV_FILE), Care::Warn);
    let log = environment.load().and_then(|variables| variables.plain(LOG_VARIABLE));
    let log = log.map_err(|error| {
        Failure::from_error(Exit::Config, &error)
            .help("mend the `.env` file, or remove it: see .env.example")
    })?;
    terminal.start_logging(log.as_deref())
}

fn run(command: Command, terminal: &Terminal) -> Result<Reply, Failure> {
    match command {
        Command::Config(command) => config::run(&command),
        Command::Demo(arguments) => demo::run(&arguments, terminal),
        Command::Bench(arguments) => bench::run(arguments, terminal),
        Command::Doctor => walls::run(),
        Command::Exchange(arguments) => exchange::run(&arguments, terminal),
        Command::Plugin(command) => plugin::run(&command, terminal),
        Command::Trust(command) => trust::run(command),
        Command::Data(command) => data::run(command, terminal),
        Command::Backtest(arguments) => backtest::run(arguments, terminal),
        Command::Paper(arguments) => paper::run(&arguments, terminal),
        Command::Run(arguments) => run::run(&arguments, terminal),
        Command::PaperVenue(command) => paper::venue(command),
        Command::Status(arguments) => session::status(&arguments),
        Command::Kill(arguments) => session::kill(&arguments),
        Command::Report(command) => report::run(&command, terminal),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Admin(command) => admin::run(&command),
        Command::Alerts(command) => alerts::run(&command),
        Command::Audit(command) => audit::run(command, terminal),
        Command::Secrets(command) => secrets::run(command),
        Command::Simulate(arguments) => simulate::run(&arguments, terminal),
        Command::CompileChild { .. } => {
            Err(Failure::new(Exit::Usage, "this command is for the host itself"))
        }
        Command::Completions { shell } => Ok(completions(shell)),
    }
}

fn completions(shell: clap_complete::Shell) -> Reply {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "sandpit", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let json = serde_json::json!({ "shell": shell.to_string(), "script": script });
    Reply::new(script, json)
}
