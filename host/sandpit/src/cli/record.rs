//! `sandpit data record`.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use sandpit_core::{market::DataKind, time::Nanos};
use serde_json::json;

use super::{
    backtest::Bar,
    reply::{Exit, Failure, Reply},
    signals::stop_flag,
    terminal::Terminal,
};
use crate::{
    config,
    session::{self, Recording},
    venues,
};

/// Levels of a book are all recorded; what a strategy is told of them is its own choice.
const LEVELS: u16 = 1_000;
/// The longest bar: a week.
const BAR_SECONDS_MAX: u64 = 7 * 86_400;

#[derive(Debug, Args)]
pub(super) struct RecordArgs {
    /// Its [venue] says which exchange and which symbols; no key is read
    config: PathBuf,
    /// The tape to make
    #[arg(long, value_name = "TAPE")]
    out: PathBuf,
    /// End after so long
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Changes of the book, too
    #[arg(long)]
    depth: bool,
    /// Bars of this length, too
    #[arg(long = "bars", value_name = "SECONDS")]
    bars: Vec<u64>,
    /// Replace an existing tape
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(arguments: &RecordArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let venue = config::load_venue(&arguments.config)?;
    if arguments.out.exists() && !arguments.overwrite {
        let message = format!("`{}` is there already", arguments.out.display());
        return Err(Failure::new(Exit::Usage, message).help("name another, or add --overwrite"));
    }
    let mut kinds = vec![DataKind::Trades, DataKind::Quotes];
    if arguments.depth {
        kinds.push(DataKind::Depth(LEVELS));
    }
    for seconds in &arguments.bars {
        if !(1..=BAR_SECONDS_MAX).contains(seconds) {
            let message = format!("a bar of {seconds} seconds cannot be recorded");
            return Err(
                Failure::new(Exit::Usage, message).help(format!("write 1 to {BAR_SECONDS_MAX}"))
            );
        }
        kinds.push(DataKind::Bars(Nanos(seconds.saturating_mul(Nanos::SECOND.0))));
    }
    let recording = Recording { kinds, length: arguments.seconds.map(Duration::from_secs) };
    let stop = stop_flag()?;
    let mut watch = Bar::new(*terminal);
    let connection = venues::market_connection(&venue)?;
    let recorded = session::record(connection, &recording, &arguments.out, &mut watch, &stop)?;
    watch.end();
    let text = format!(
        "{} events in {} bytes: {}\n",
        recorded.events,
        recorded.bytes,
        arguments.out.display()
    );
    let json = json!({
        "tape": arguments.out,
        "events": recorded.events,
        "bytes": recorded.bytes,
    });
    Ok(Reply::new(text, json))
}
