//! `sandpit backtest`.

use std::path::Path;

use indicatif::ProgressBar;
use serde_json::json;

use super::{
    args::BacktestArgs,
    places,
    reply::{Exit, Failure, Reply},
    signals::stop_flag,
    terminal::Terminal,
};
use crate::{
    backtest::{self, BacktestError, Outcome, Watch},
    config::{self, Overrides},
    report,
    sandbox::{Isolation, SandboxError},
};

pub(super) fn run(arguments: BacktestArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let (file, isolation) = (arguments.config.clone(), arguments.isolation);
    let overrides = overrides(arguments)?;
    let mut config = match &file {
        Some(file) => config::load(file, &overrides)?,
        None => config::from_overrides(&overrides)?,
    };
    places::equip(&mut config.loading);
    places::isolate(&mut config.loading, isolation.map(Into::into), Isolation::Inline);
    let stop = stop_flag()?;
    let mut watch = Bar::new(*terminal);
    let outcome = backtest::run(&config, Some(&config.out), &mut watch, &stop)?;
    watch.end();
    Ok(reply(&outcome, &config.out, terminal))
}

fn overrides(arguments: BacktestArgs) -> Result<Overrides, Failure> {
    let plugins = arguments.granted.plugins(&arguments.plugins)?;
    Ok(Overrides {
        on_exchange: false,
        seed: arguments.seed,
        tapes: arguments.tapes,
        from: arguments.from,
        to: arguments.to,
        latency_ms: arguments.latency_ms,
        out: arguments.out,
        threads: arguments.threads,
        plugins,
        budget: arguments.budget,
        settings: arguments.settings,
    })
}

/// The answer of a run: its report, and where it was written.
pub(super) fn reply(outcome: &Outcome, folder: &Path, terminal: &Terminal) -> Reply {
    let partial = outcome.is_partial();
    let mut text = report::render_text_styled(&outcome.report, terminal.text_style());
    if partial {
        text.push_str("\nThe run was interrupted: this report is partial.\n");
    }
    text.push_str(&format!("\nReport: {}\n", folder.join(backtest::HTML_FILE).display()));
    let json = json!({
        "partial": partial,
        "folder": folder,
        "report": outcome.report,
        "receipt": outcome.receipt,
    });
    let reply = Reply::new(text, json);
    if partial { reply.ending(Exit::Interrupted) } else { reply }
}

/// Shows how far a run is.
pub(super) struct Bar {
    terminal: Terminal,
    bar: ProgressBar,
}

impl Bar {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal, bar: ProgressBar::hidden() }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Bar {
    fn note(&mut self, text: &str) {
        self.terminal.note(text);
    }

    fn lets_tools_speak(&self) -> bool {
        self.terminal.lets_tools_speak()
    }

    fn begins(&mut self, events: u64) {
        self.bar = self.terminal.progress(events);
    }

    fn at(&mut self, events: u64) {
        self.bar.set_position(events);
    }
}

impl From<BacktestError> for Failure {
    fn from(error: BacktestError) -> Self {
        match error {
            BacktestError::Config(error) => error.into(),
            BacktestError::Author(error) => error.into(),
            BacktestError::Tape(error) => Self::from_error(Exit::Data, &error)
                .help("`sandpit data check FILE` says whether a tape is whole"),
            BacktestError::Plugin { source: SandboxError::TrustFile(error), .. } => error.into(),
            BacktestError::Plugin { name, source } => {
                let code = source.code();
                let error = BacktestError::Plugin { name, source };
                Self::from_error(Exit::PluginRefused, &error)
                    .code(code)
                    .help("`sandpit plugin inspect FILE` shows what a component is")
            }
            error => Self::from_error(Exit::Failed, &error),
        }
    }
}
