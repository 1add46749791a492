//! The two outputs of the process and who may write to them.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use crate::{keys::mask, report::TextStyle};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::EnvFilter;

use super::{
    args::Common,
    reply::{Exit, Failure, Reply},
};

/// Variable that says which log lines are shown, in the syntax of `tracing`'s filters.
pub(super) const LOG_VARIABLE: &str = "SANDPIT_LOG";

/// How often a progress bar is drawn anew.
const DRAWS_PER_SECOND: u8 = 8;

/// The outputs, as the caller wants them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    json: bool,
    quiet: bool,
    verbose: u8,
}

impl Terminal {
    pub(super) const fn new(common: Common) -> Self {
        Self { json: common.json, quiet: common.quiet, verbose: common.verbose }
    }

    /// Whether tools that we run may speak to the terminal themselves.
    pub(super) const fn lets_tools_speak(&self) -> bool {
        !self.quiet && !self.json
    }

    /// Whether the answer is to be one JSON document.
    pub(super) const fn wants_json(&self) -> bool {
        self.json
    }

    /// How a report is set for people: as wide as the terminal, in colour where it has some.
    pub(super) fn text_style(&self) -> TextStyle {
        let output = console::Term::stdout();
        if !output.is_term() || self.json {
            return TextStyle::PLAIN;
        }
        let (_, width) = output.size();
        let width = usize::from(width).clamp(TextStyle::WIDTH_MIN, TextStyle::WIDTH_MAX);
        TextStyle { width, color: console::colors_enabled() }
    }

    /// One line about what is going on.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet && !self.json {
            // Nobody is left to tell when the error output is gone.
            let _ = mask().writer(io::stderr()).write_all(format!("{text}\n").as_bytes());
        }
    }

    /// A bar over `length` units, on a terminal only.
    pub(super) fn progress(&self, length: u64) -> ProgressBar {
        if self.quiet || self.json || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let template = "{percent:>3} % [{bar:40}] {human_pos} events, {per_sec}, {eta} left";
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style.progress_chars("=> ")),
            Err(_) => bar,
        }
    }

    /// A bar over bytes of files, on a terminal only.
    pub(super) fn bytes_progress(&self) -> ProgressBar {
        let bar = self.progress(0);
        let template = "{percent:>3} % [{bar:40}] {bytes} of {total_bytes}, {eta} left";
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style.progress_chars("=> ")),
            Err(_) => bar,
        }
    }

    pub(super) fn start_logging(&self, wished: Option<&str>) -> Result<(), Failure> {
        let filter = match wished {
            Some(text) => EnvFilter::try_new(text).map_err(|error| {
                Failure::from_error(Exit::Config, &error)
                    .help(format!("{LOG_VARIABLE} is a filter like `info` or `plugin=debug`"))
            })?,
            None => EnvFilter::new(match (self.quiet, self.verbose) {
                (true, _) => "error",
                (false, 0) => "warn",
                (false, 1) => "info",
                (false, _) => "debug",
            }),
        };
        let started = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(|| mask().writer(io::stderr()))
            .with_ansi(io::stderr().is_terminal())
            .without_time()
            .try_init();
        started.map_err(|error| Failure::from_error(Exit::Failed, error.as_ref()))
    }

    /// Prints the answer, or why there is none.
    pub(super) fn finish(&self, outcome: Result<Reply, Failure>) -> ExitCode {
        let (exit, printed) = match outcome {
            Ok(reply) if self.json => (reply.exit, print(&format!("{:#}", reply.json))),
            Ok(reply) => (reply.exit, print(reply.text.trim_end())),
            Err(failure) if self.json => {
                (failure.exit(), print(&format!("{:#}", failure.to_json())))
            }
            Err(failure) => (failure.exit(), show(failure)),
        };
        match printed {
            Ok(()) => ExitCode::from(exit.code()),
            // The reader left (`| head`); the work was done.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(exit.code()),
            Err(_) => ExitCode::from(Exit::Failed.code()),
        }
    }
}

fn print(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    // In one piece, so that nothing is cut in two where it is to be found.
    let mut output = mask().writer(io::stdout().lock());
    output.write_all(format!("{text}\n").as_bytes())?;
    output.flush()
}

fn show(failure: Failure) -> io::Result<()> {
    let is_terminal = io::stderr().is_terminal();
    // Fails only where a hook is set already, which does as well.
    let _ = miette::set_hook(Box::new(move |_| {
        let options = miette::MietteHandlerOpts::new().force_graphical(true).unicode(is_terminal);
        Box::new(if is_terminal { options } else { options.color(false) }.build())
    }));
    let text = format!("{:?}\n", miette::Report::new(failure));
    mask().writer(io::stderr()).write_all(text.as_bytes())
}

/// Help, version, and what clap says about wrong arguments.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let asks_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && asks_json {
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let failure =
            Failure::new(Exit::Usage, first).help("`sandpit --help` shows how it is used");
        let _ = print(&format!("{:#}", failure.to_json()));
    } else {
        let _ = error.print();
    }
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
    ExitCode::from(exit.code())
}
