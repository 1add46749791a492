//! `sandpit backtest`.

use std::{
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use indicatif::ProgressBar;
use serde_json::json;

use super::{
    args::BacktestArgs,
    places,
    reply::{Exit, Failure, Reply},
    terminal::Terminal,
};
use crate::{
    backtest::{self, BacktestError, Outcome, Watch},
    config::{self, Overrides, PluginOverride},
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
    let plugins = arguments
        .plugins
        .iter()
        .map(|text| PluginOverride::parse(text))
        .collect::<Result<_, _>>()?;
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

/// Is set by the first Ctrl-C; the second ends the process at once, should a run not stop.
pub(super) fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(stop) = STOP.get() {
        return Ok(Arc::clone(stop));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let in_handler = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if in_handler.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted.code().into());
        }
    })
    .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    Ok(Arc::clone(STOP.get_or_init(|| stop)))
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
