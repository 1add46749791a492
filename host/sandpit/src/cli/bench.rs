//! `sandpit bench`.

use std::fmt::Write as _;

use super::{
    args::BenchArgs,
    reply::{Exit, Failure, Reply},
    terminal::Terminal,
};
use crate::bench::{self, BenchError, Options};

pub(super) fn run(arguments: BenchArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let options =
        Options { tape: arguments.tape, events: arguments.events, repeat: arguments.repeat };
    terminal.note("building ema-cross, then measuring");
    let bench = bench::run(&options)?;
    let mut text = format!(
        "EMA cross over {} events, {} orders, the fastest of {}:\n\n  {:<26} {:>9} {:>14}\n",
        bench.events, bench.orders, options.repeat, "", "ns/event", "events/s"
    );
    for row in &bench.rows {
        let _ = writeln!(
            text,
            "  {:<26} {:>9.1} {:>14.0}",
            row.name, row.ns_per_event, row.events_per_second
        );
    }
    let _ = write!(
        text,
        "\n  sandboxed over native {:.2}, over the bare loop {:.1}",
        bench.sandbox_over_native, bench.sandbox_over_bare
    );
    let json =
        serde_json::to_value(&bench).map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    Ok(Reply::new(text, json))
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Backtest(error) => error.into(),
            error @ BenchError::NoRepository => Self::from_error(Exit::Failed, &error)
                .help("run it in a clone of the repository: `cargo run --release -- bench`"),
            error @ BenchError::NoEvents => Self::from_error(Exit::Data, &error),
            error => Self::from_error(Exit::Failed, &error),
        }
    }
}
