//! `sandpit run`.

use std::time::SystemTime;

use clap::{Args, ValueEnum};
use sandpit_plugin::Mode;

use super::{
    args::{OnStopArg, StrategiesArgs},
    backtest::Bar,
    paper, places,
    reply::{Exit, Failure, Reply},
    signals::{hangup_flag, stop_flag},
    terminal::Terminal,
};
use crate::{
    config::{ConfigError, Overrides},
    keys::KeysError,
    session::{self, Options, Speed, SystemClock, Trading},
    venues::{self, VenuesError},
};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    run: StrategiesArgs,
    /// What the orders are
    #[arg(long)]
    mode: ModeArg,
    /// Yes, with money: --mode live does not begin without it
    #[arg(long)]
    real_money: bool,
    /// What happens to open orders when the session ends as it should [default: leave]
    #[arg(long)]
    on_stop: Option<OnStopArg>,
    /// Start plugins without what they saved
    #[arg(long)]
    cold: bool,
    /// End a lock before plugins start: account:kill-switch, NAME:daily-loss; it is recorded who
    #[arg(long = "unlock", value_name = "SCOPE:REASON")]
    unlocks: Vec<String>,
    /// Who asks, for the record [default: the user at the terminal]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeArg {
    /// The exchange's market as it happens, simulated fills, no key
    Paper,
    /// Orders on the exchange's test system
    Testnet,
    /// Orders with money
    Live,
}

impl From<ModeArg> for Mode {
    fn from(arg: ModeArg) -> Self {
        match arg {
            ModeArg::Paper => Self::Paper,
            ModeArg::Testnet => Self::Testnet,
            ModeArg::Live => Self::Live,
        }
    }
}

pub(super) fn run(arguments: &RunArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let mode = Mode::from(arguments.mode);
    if mode == Mode::Live && !arguments.real_money {
        return Err(Failure::new(Exit::Usage, "a live session trades with money")
            .help("add --real-money if that is what you want; begin with --mode testnet"));
    }
    let overrides = Overrides { on_exchange: true, ..Overrides::default() };
    let mut config = paper::read_with(arguments.run.clone(), overrides)?;
    config.loading.mode = mode;
    let unlocks = arguments.unlocks.iter().map(|text| text.parse());
    let options = Options {
        state: paper::state(&config, &arguments.run)?,
        speed: Speed::REAL,
        until_end: false,
        on_stop: arguments.on_stop.map_or(config.paper.on_stop, Into::into),
        save_every: config.paper.save_every,
        durability: config.journal.durability,
        journal_bytes_max: config.journal.bytes_max,
        cold: arguments.cold,
        unlocks: unlocks.collect::<Result<_, ConfigError>>()?,
        who: paper::who(arguments.by.clone()),
        run: session::run_id(SystemTime::now()),
        file: arguments.run.config.clone(),
    };
    let mut connection = venues::connection(&config, mode, places::key_ledger())?;
    if let Some(keys) = &mut connection.keys {
        keys.on_hangup(hangup_flag()?);
    }
    let trading = match mode {
        Mode::Testnet | Mode::Live => Trading::Real(connection),
        Mode::Backtest | Mode::Paper => Trading::Simulated(connection),
    };
    let stop = stop_flag()?;
    let mut watch = Bar::new(*terminal);
    let clock = SystemClock::new();
    let outcome = session::run(&config, &options, trading, &clock, &mut watch, &stop)?;
    watch.end();
    Ok(Reply::new(outcome.text, outcome.json))
}

impl From<VenuesError> for Failure {
    fn from(error: VenuesError) -> Self {
        match error {
            VenuesError::Config(error) => error.into(),
            VenuesError::Keys(error) => error.into(),
        }
    }
}

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        let help = match &error {
            KeysError::Source(_) | KeysError::Keeper(_) | KeysError::Environment(_) => {
                "docs/operators/keys.md says where keys can be, and in what form"
            }
            KeysError::OnePurpose(_) | KeysError::Shared(_) | KeysError::Ledger(_) => {
                "make a key for each account, mode and purpose: docs/operators/keys.md"
            }
            _ => "`key` under [venue] says where the key is: docs/operators/keys.md",
        };
        Self::from_error(Exit::Config, &error).help(help)
    }
}
