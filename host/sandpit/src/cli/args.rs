//! What can be typed. Nothing outside `cli` sees these types: each command turns its arguments
//! into the options of the room that does the work.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::granted::{LanguageArg, ProfileArgs, TrustArgs};

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 configuration, 4 market data,
5 plugin refused, 6 verification differs, 7 journal, 8 no session, 9 keys found,
130 interrupted.

Begin with `sandpit demo`, then `sandpit plugin new my-strategy`.";

/// A trading host that runs strategies as sandboxed WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(name = "sandpit", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Common {
    /// Print one JSON document instead of text, errors included
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say more on the error output; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(super) verbose: u8,
    /// Say nothing but the answer and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show it all: two strategies over a synthetic market, one of them hostile
    Demo(DemoArgs),
    /// Start, build, look at and try strategies; command those of a session that runs
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Say whose components are let in: keys of signers, hashes of components
    #[command(subcommand)]
    Trust(super::trust::TrustCommand),
    /// Fetch, import, look at and check recorded market data
    #[command(subcommand)]
    Data(DataCommand),
    /// Run strategies over recorded market data
    Backtest(BacktestArgs),
    /// Run strategies against a simulated venue, with a memory that survives
    Paper(PaperArgs),
    /// Show how a session that runs is
    Status(super::session::SessionArgs),
    /// Stop all trading of a session that runs: nothing but cancels goes out until a person ends it
    Kill(super::session::KillArgs),
    /// Run strategies on an exchange's market as it happens: simulated, on its test system, or live
    Run(super::run::RunArgs),
    /// Look at the simulated venue of a paper session, or trade there past the host
    #[command(subcommand)]
    PaperVenue(PaperVenueCommand),
    /// Show or verify the report of a run
    #[command(subcommand)]
    Report(ReportCommand),
    /// Ask the plugins of a session the same again, and compare every answer
    Replay(super::replay::ReplayArgs),
    /// Say who may use the HTTP interface of a session
    #[command(subcommand)]
    Admin(super::admin::AdminCommand),
    /// Try whether alerts arrive
    #[command(subcommand)]
    Alerts(super::alerts::AlertsCommand),
    /// Verify, show, export, report, back up and rotate a journal
    #[command(subcommand)]
    Audit(super::audit::AuditCommand),
    /// Check, change and store keys, and look for keys where none belong
    #[command(subcommand)]
    Secrets(super::secrets::SecretsCommand),
    /// Run the whole host in a hostile world, by chance from a seed, and check that it holds
    Simulate(SimulateArgs),
    /// Be an exchange on loopback that speaks Binance Spot's dialect, to test any bot against
    Exchange(super::exchange::ExchangeArgs),
    /// Measure time per event: a strategy in the sandbox, the same natively, and a bare loop
    Bench(BenchArgs),
    /// Say what keeps this machine safe: the walls around strategies, and which do not stand
    Doctor,
    /// Check a run's configuration, or print one with every key
    #[command(subcommand)]
    Config(super::config::ConfigCommand),
    /// Be the compiler of the host that started this process
    #[command(hide = true)]
    CompileChild {
        /// What the host says
        words: Vec<String>,
    },
    /// Print a completion script
    Completions {
        /// For this shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Seed of the synthetic market
    #[arg(long, default_value_t = 42)]
    pub(super) seed: u64,
    /// Folder of the report
    #[arg(long, default_value = "sandpit-out/demo")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    /// Start a new strategy: a folder that builds, tests and runs as it is
    New {
        /// Folder to make; its last part is the name (a-z, 0-9 and `-`)
        folder: PathBuf,
        /// What it is written in
        #[arg(long, default_value = "rust")]
        language: LanguageArg,
    },
    /// Build a strategy into a component, and check it
    Build {
        /// Folder of the strategy
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Where to write the component [default: sandpit/<name>.wasm in the target folder]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Show what a component is: name, hash, imports, exports, parameters
    Inspect {
        /// The component
        component: PathBuf,
        #[command(flatten)]
        granted: ProfileArgs,
        #[command(flatten)]
        trust: TrustArgs,
    },
    /// Show which walls stand around a strategy's process on this machine
    Walls,
    /// Check that a component would be loaded, and let it trade a short synthetic market
    Check {
        /// A component, or the folder of a strategy that is built first
        plugin: PathBuf,
        #[command(flatten)]
        granted: ProfileArgs,
        /// Seed of the synthetic market
        #[arg(long, default_value_t = 42)]
        seed: u64,
        #[command(flatten)]
        trust: TrustArgs,
    },
    /// Run a strategy's own tests, then the checks of `plugin check`
    Test {
        /// Folder of the strategy
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Seed of the synthetic market
        #[arg(long, default_value_t = 42)]
        seed: u64,
    },
    #[command(flatten)]
    Session(super::session::PluginCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Make a tape of files: Binance dumps, captures, Tardis data sets, any CSV
    Import(ImportArgs),
    /// Show what is on a tape
    Info {
        /// The tape
        tape: PathBuf,
    },
    /// Read a whole tape and look for gaps, duplicates, crossed quotes and jumps
    Check(CheckArgs),
    /// Download Binance's public dumps, for `data import`
    Fetch(FetchArgs),
    /// Record an exchange's market as it happens; Ctrl-C ends it
    Record(super::record::RecordArgs),
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Files in the order of their time: plain, gzip or zip
    #[arg(required = true)]
    pub(super) inputs: Vec<PathBuf>,
    /// The tape to make
    #[arg(long, value_name = "TAPE")]
    pub(super) out: PathBuf,
    /// What the files are: binance-trades, binance-agg-trades, binance-klines, csv, tardis,
    /// binance-raw, barter-ndjson [default: by their first lines]
    #[arg(long)]
    pub(super) format: Option<String>,
    /// For csv, which column is what: kind=trades,time=timestamp,price=price,quantity=size
    #[arg(long, value_name = "KEY=COLUMN,...")]
    pub(super) mapping: Option<String>,
    /// Rules of the instruments: a TOML or JSON file
    #[arg(long, value_name = "FILE")]
    pub(super) rules: Option<PathBuf>,
    /// What may be done to rows that would else be errors; counted: drop-bad, sort,
    /// dedup, round-volume
    #[arg(long = "repair", value_name = "REPAIR", value_delimiter = ',')]
    pub(super) repairs: Vec<String>,
    /// Whose stamps order the tape [default: the host's where the files have them]
    #[arg(long)]
    pub(super) clock: Option<ClockArg>,
    /// Quantity on both sides of quotes whose file says none
    #[arg(long, value_name = "QUANTITY")]
    pub(super) quote_quantity: Option<String>,
    /// Replace an existing tape
    #[arg(long)]
    pub(super) overwrite: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ClockArg {
    /// The recording host's, on arrival
    Host,
    /// The venue's own
    Venue,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The tape
    pub(super) tape: PathBuf,
    /// Note a longer silence of an instrument
    #[arg(long, value_name = "MS", default_value_t = 60_000)]
    pub(super) gap_ms: u64,
    /// Note a larger jump of the price, in hundredths of a percent
    #[arg(long, value_name = "BPS", default_value_t = 500)]
    pub(super) jump_bps: u32,
    /// How many findings to list; all are counted
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(super) findings: usize,
}

#[derive(Debug, Args)]
pub(super) struct FetchArgs {
    /// As Binance writes it, for example BTCUSDT
    pub(super) symbol: String,
    /// First day, for example 2025-01-31
    #[arg(long, value_name = "DATE")]
    pub(super) from: String,
    /// Last day, which is fetched too [default: the first]
    #[arg(long, value_name = "DATE")]
    pub(super) to: Option<String>,
    /// trades, aggTrades or klines-INTERVAL, for example klines-1m
    #[arg(long, default_value = "trades")]
    pub(super) kind: String,
    /// spot, um (USD-M futures) or cm (COIN-M futures)
    #[arg(long, default_value = "spot")]
    pub(super) market: String,
    /// Files of a month each, not of a day
    #[arg(long)]
    pub(super) monthly: bool,
    /// Where the files go
    #[arg(long, value_name = "FOLDER", default_value = "sandpit-data")]
    pub(super) folder: PathBuf,
    /// From here, for a mirror [default: Binance]
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct BacktestArgs {
    /// Configuration of the run; flags win over it
    pub(super) config: Option<PathBuf>,
    /// Recorded market data; replaces the file's tapes
    #[arg(long = "tape", value_name = "FILE")]
    pub(super) tapes: Vec<PathBuf>,
    /// A strategy: a component (.wasm) or a crate's folder; adds to the file's plugins
    #[arg(long = "plugin", value_name = "[NAME=]PATH")]
    pub(super) plugins: Vec<String>,
    /// Share of each --plugin, in the account's currency [default: 1000000]
    #[arg(long, value_name = "AMOUNT")]
    pub(super) budget: Option<String>,
    #[command(flatten)]
    pub(super) granted: ProfileArgs,
    /// A parameter of a strategy
    #[arg(long = "set", value_name = "PLUGIN.PARAMETER=VALUE")]
    pub(super) settings: Vec<String>,
    /// First moment played: a date or RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<String>,
    /// First moment not played any more
    #[arg(long, value_name = "TIME")]
    pub(super) to: Option<String>,
    /// From an event until the order that it led to is at the venue
    #[arg(long, value_name = "MS")]
    pub(super) latency_ms: Option<u64>,
    /// Seed of everything that is random
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Folder of the report [default: sandpit-out]
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    /// 1 or 2; never changes a result
    #[arg(long)]
    pub(super) threads: Option<u8>,
    /// Where strategies run; never changes a result [default: inline]
    #[arg(long, value_name = "WHERE")]
    pub(super) isolation: Option<IsolationArg>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum IsolationArg {
    /// Each in a process of its own
    Process,
    /// All in this process
    Inline,
}

impl From<IsolationArg> for crate::sandbox::Isolation {
    fn from(arg: IsolationArg) -> Self {
        match arg {
            IsolationArg::Process => Self::Process,
            IsolationArg::Inline => Self::Inline,
        }
    }
}

#[derive(Clone, Debug, Args)]
pub(super) struct StrategiesArgs {
    /// Configuration of the run; flags win over it
    pub(super) config: Option<PathBuf>,
    /// A strategy: a component (.wasm) or a crate's folder; adds to the file's plugins
    #[arg(long = "plugin", value_name = "[NAME=]PATH")]
    pub(super) plugins: Vec<String>,
    /// Share of each --plugin, in the account's currency [default: 1000000]
    #[arg(long, value_name = "AMOUNT")]
    pub(super) budget: Option<String>,
    #[command(flatten)]
    pub(super) granted: ProfileArgs,
    /// A parameter of a strategy
    #[arg(long = "set", value_name = "PLUGIN.PARAMETER=VALUE")]
    pub(super) settings: Vec<String>,
    /// Seed of everything that is random
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Folder in which the session remembers [default: `state` under [paper] in the file]
    #[arg(long, value_name = "FOLDER")]
    pub(super) state: Option<PathBuf>,
    /// Where strategies run; never changes a result [default: process, on Linux]
    #[arg(long, value_name = "WHERE")]
    pub(super) isolation: Option<IsolationArg>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct PaperRunArgs {
    #[command(flatten)]
    pub(super) strategies: StrategiesArgs,
    /// Recorded market data; replaces the file's tapes
    #[arg(long = "tape", value_name = "FILE")]
    pub(super) tapes: Vec<PathBuf>,
    /// From a decision to the venue, and from the venue to us
    #[arg(long, value_name = "MS")]
    pub(super) latency_ms: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct PaperArgs {
    #[command(flatten)]
    pub(super) run: PaperRunArgs,
    /// How many times real time the market goes, or `max` [default: 1]
    #[arg(long, value_name = "N|max")]
    pub(super) speed: Option<String>,
    /// End when the market is over, instead of waiting for Ctrl-C
    #[arg(long)]
    pub(super) until_end: bool,
    /// What happens to open orders when the session ends as it should [default: leave]
    #[arg(long)]
    pub(super) on_stop: Option<OnStopArg>,
    /// Start plugins without what they saved
    #[arg(long)]
    pub(super) cold: bool,
    /// End a lock before plugins start: account:kill-switch, NAME:daily-loss; it is recorded who
    #[arg(long = "unlock", value_name = "SCOPE:REASON")]
    pub(super) unlocks: Vec<String>,
    /// Who asks, for the record [default: the user at the terminal]
    #[arg(long, value_name = "NAME")]
    pub(super) by: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum OnStopArg {
    /// They stay at the venue
    Leave,
    /// They are canceled
    Cancel,
}

impl From<OnStopArg> for crate::session::OnStop {
    fn from(arg: OnStopArg) -> Self {
        match arg {
            OnStopArg::Leave => Self::Leave,
            OnStopArg::Cancel => Self::Cancel,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum PaperVenueCommand {
    /// Show what the venue knows: orders, fills, positions, cash
    Show {
        #[command(flatten)]
        run: PaperRunArgs,
    },
    /// Trade with the account past the host, as somebody with its keys could
    Order {
        #[command(flatten)]
        run: PaperRunArgs,
        /// Which instrument
        #[arg(long)]
        symbol: String,
        /// Which side
        #[arg(long)]
        side: SideArg,
        /// How much
        #[arg(long)]
        quantity: String,
        /// At this price or better [default: at the market]
        #[arg(long, value_name = "PRICE")]
        limit: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SideArg {
    /// Get
    Buy,
    /// Give
    Sell,
}

#[derive(Debug, Subcommand)]
pub(super) enum ReportCommand {
    /// Print a report
    Show {
        /// The report's JSON file, or the folder of the run
        report: PathBuf,
    },
    /// Run again what a report says and compare, byte for byte
    Verify {
        /// The report's JSON file, or the folder of the run
        report: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// What the world is made from
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// How many things happen before the faults end and all must come to rest
    #[arg(long, default_value_t = 10_000)]
    pub(super) steps: u64,
    /// How many worlds: this seed and those after it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seeds: u64,
    /// Worlds at a time [default: one per core]
    #[arg(long)]
    pub(super) threads: Option<u8>,
    /// Write everything that happens in the world to a file
    #[arg(long, value_name = "FILE", conflicts_with = "seeds")]
    pub(super) trace: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Tape to run over [default: a synthetic market]
    #[arg(long, value_name = "FILE")]
    pub(super) tape: Option<PathBuf>,
    /// Events of the synthetic market
    #[arg(long, default_value_t = 1_000_000, conflicts_with = "tape")]
    pub(super) events: u64,
    /// How often each is measured; the fastest counts
    #[arg(long, default_value_t = 3)]
    pub(super) repeat: u32,
}
