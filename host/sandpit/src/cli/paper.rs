//! `sandpit paper` and `sandpit paper-venue`.

use std::{path::PathBuf, time::SystemTime};

use sandpit_core::market::Side;
use sandpit_plugin::Mode;
use serde_json::json;

use super::{
    args::{PaperArgs, PaperRunArgs, PaperVenueCommand, SideArg, StrategiesArgs},
    backtest::Bar,
    places,
    reply::{Exit, Failure, Reply},
    signals::stop_flag,
    terminal::Terminal,
};
use crate::{
    config::{self, ConfigError, Overrides, RunConfig},
    session::{self, Options, Outcome, SessionError, SystemClock, Trading, VenueError},
};

/// Variables that say who is at the terminal.
const WHO_VARIABLES: [&str; 2] = ["USER", "LOGNAME"];

pub(super) fn run(arguments: &PaperArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let config = read(arguments.run.clone())?;
    let options = options(&config, arguments)?;
    let stop = stop_flag()?;
    let mut watch = Bar::new(*terminal);
    let outcome =
        session::run(&config, &options, Trading::Recorded, &SystemClock::new(), &mut watch, &stop)?;
    watch.end();
    Ok(reply(outcome))
}

pub(super) fn venue(command: PaperVenueCommand) -> Result<Reply, Failure> {
    match command {
        PaperVenueCommand::Show { run } => {
            let config = read(run.clone())?;
            Ok(reply(session::venue_books(&config, &state(&config, &run.strategies)?)?))
        }
        PaperVenueCommand::Order { run, symbol, side, quantity, limit } => {
            let config = read(run.clone())?;
            let state = state(&config, &run.strategies)?;
            let side = match side {
                SideArg::Buy => Side::Buy,
                SideArg::Sell => Side::Sell,
            };
            let number = |text: String| {
                text.parse().map_err(|error| ConfigError::new(format!("`{text}`: {error}")))
            };
            let (quantity, limit) = (number(quantity)?, limit.map(number).transpose()?);
            let order = session::trade_externally(&config, &state, &symbol, side, quantity, limit)?;
            Ok(Reply::new(format!("The venue took order {order}."), json!({ "order": order })))
        }
    }
}

fn reply(outcome: Outcome) -> Reply {
    Reply::new(outcome.text, outcome.json)
}

fn read(arguments: PaperRunArgs) -> Result<RunConfig, Failure> {
    let PaperRunArgs { strategies, tapes, latency_ms } = arguments;
    read_with(strategies, Overrides { tapes, latency_ms, ..Overrides::default() })
}

/// The configuration of a session, with flags over it.
pub(super) fn read_with(
    arguments: StrategiesArgs,
    overrides: Overrides,
) -> Result<RunConfig, Failure> {
    let overrides = Overrides {
        seed: arguments.seed,
        plugins: arguments.granted.plugins(&arguments.plugins)?,
        budget: arguments.budget,
        settings: arguments.settings,
        ..overrides
    };
    let config = match &arguments.config {
        Some(file) => config::load(file, &overrides),
        None => config::from_overrides(&overrides),
    };
    let mut config = config?;
    config.loading.mode = Mode::Paper;
    places::equip(&mut config.loading);
    let isolation = arguments.isolation.map(Into::into);
    places::isolate(&mut config.loading, isolation, places::SAFEST_ISOLATION);
    Ok(config)
}

/// The folder in which a session remembers.
pub(super) fn state(
    config: &RunConfig,
    arguments: &StrategiesArgs,
) -> Result<PathBuf, ConfigError> {
    arguments.state.clone().or_else(|| config.paper.state.clone()).ok_or_else(|| {
        ConfigError::new("nothing says where the session remembers")
            .help("add --state FOLDER, or `state` under [paper] in the file")
    })
}

/// Who asks, for the record.
pub(super) fn who(said: Option<String>) -> String {
    let at_the_terminal = || WHO_VARIABLES.iter().find_map(|name| std::env::var(name).ok());
    said.or_else(at_the_terminal).unwrap_or_else(|| "unknown".to_owned())
}

fn options(config: &RunConfig, arguments: &PaperArgs) -> Result<Options, Failure> {
    let speed = match &arguments.speed {
        Some(text) => text
            .parse()
            .map_err(|error: session::SpeedError| ConfigError::new(error.to_string()))?,
        None => config.paper.speed,
    };
    let unlocks = arguments.unlocks.iter().map(|text| text.parse());
    Ok(Options {
        state: state(config, &arguments.run.strategies)?,
        speed,
        until_end: arguments.until_end,
        on_stop: arguments.on_stop.map_or(config.paper.on_stop, Into::into),
        save_every: config.paper.save_every,
        durability: config.journal.durability,
        journal_bytes_max: config.journal.bytes_max,
        cold: arguments.cold,
        unlocks: unlocks.collect::<Result<_, ConfigError>>()?,
        who: who(arguments.by.clone()),
        run: session::run_id(SystemTime::now()),
        file: arguments.run.strategies.config.clone(),
    })
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Setup(error) => error.into(),
            SessionError::Config(error) => error.into(),
            SessionError::Market(error) => Self::from_error(Exit::Data, &error)
                .help("`sandpit data check FILE` says whether a tape is whole"),
            error @ SessionError::Journal(_) => {
                let help = "`sandpit audit verify` says whether the journal can be believed";
                Self::from_error(Exit::Journal, &error).help(help)
            }
            error @ SessionError::Replay { .. } => Self::from_error(Exit::Journal, &error)
                .help("the journal is of another version or configuration of the run"),
            error @ SessionError::JournalLost { .. } => Self::from_error(Exit::Journal, &error)
                .help("mend what the cause says, then start again: nothing confirmed was lost"),
            error @ SessionError::DamagedState { .. } => Self::from_error(Exit::Failed, &error)
                .help("--cold starts plugins without their saved states"),
            error @ SessionError::InUse { .. } => Self::from_error(Exit::Failed, &error)
                .help("a session is one process; another folder is another session"),
            error @ SessionError::Venue(VenueError::OtherMarket { .. }) => {
                let help = "a folder belongs to its tapes and rules: name another --state";
                Self::from_error(Exit::Config, &error).help(help)
            }
            error @ SessionError::Venue(VenueError::CannotOpen { .. }) => {
                Self::from_error(Exit::Failed, &error)
                    .help("[venue] in the file says what is traded, and where")
            }
            error @ SessionError::Venue(VenueError::KeyRefused { .. }) => {
                Self::from_error(Exit::Failed, &error)
                    .help("docs/operators/keys.md says what a key may do")
            }
            SessionError::Keys(error) => error.into(),
            error => Self::from_error(Exit::Failed, &error),
        }
    }
}
