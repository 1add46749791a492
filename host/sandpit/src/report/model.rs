//! The report as a value: what is in `report.json`, and all that a rendering needs. It holds no
//! text of a rendering, and nothing here computes.

use serde::{Deserialize, Serialize};

use super::{
    machine::MachineSection,
    value::{Amount, Stat, Time},
};

/// The format of [`Report`].
pub const REPORT_SCHEMA: u32 = 1;

/// Everything that is known of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: u32,
    /// What ran.
    pub run: RunSection,
    /// What the market did.
    pub market: MarketSection,
    /// All plugins together.
    pub account: ScopeSection,
    /// Each of them, in the order of their ids.
    pub plugins: Vec<PluginSection>,
    /// The last trades that closed, oldest first; all of them are in `trades.csv`.
    pub trades: Vec<TradeRow>,
    /// What a person must look at: the first ones.
    pub alerts: Vec<AlertRow>,
    /// Alerts in all.
    pub alerts_total: u64,
    /// What a reader must know before believing a figure.
    pub warnings: Vec<String>,
    /// SHA-256 over every fill, closed order and trade in order, as their CSV lines.
    pub stream_sha256: String,
    /// What depends on the machine and the moment. Not part of the canonical result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineSection>,
}

/// What ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSection {
    /// Version of the engine.
    pub engine_version: String,
    /// SHA-256 of the resolved configuration.
    pub config_sha256: String,
    /// The recorded or synthetic market data, in the order of the configuration.
    pub tapes: Vec<NamedHash>,
    /// Seed of everything that is random.
    pub seed: u64,
    /// Name of the account's currency.
    pub currency: String,
    /// From an order's event to its arrival at the venue, in nanoseconds.
    pub latency_ns: u64,
    /// Whether the market data was made up.
    pub synthetic: bool,
    /// How it ended.
    pub ending: Ending,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// At the end of the data.
    Completed,
    /// The operator stopped it.
    Interrupted,
    /// An error, in these words.
    Failed(String),
}

/// A name and the SHA-256 of what it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedHash {
    /// For people.
    pub name: String,
    /// In lower-case hexadecimal.
    pub sha256: String,
}

/// What the market did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketSection {
    /// Of the first event.
    pub first: Option<Time>,
    /// Of the last event or fill.
    pub last: Option<Time>,
    /// Events of all kinds.
    pub events: EventCounts,
    /// What was traded, in the order of the ids.
    pub instruments: Vec<InstrumentSection>,
}

/// Events by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventCounts {
    /// Trades.
    pub trades: u64,
    /// Quotes.
    pub quotes: u64,
    /// Bars.
    pub bars: u64,
    /// Book updates.
    pub depth: u64,
    /// Mark prices.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub marks: u64,
    /// Fundings.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fundings: u64,
}

/// Kinds of events that most runs do not have are told where there are some.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl EventCounts {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.trades + self.quotes + self.bars + self.depth + self.marks + self.fundings
    }
}

/// One instrument of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentSection {
    /// Symbol.
    pub symbol: String,
    /// Venue.
    pub venue: String,
    /// Fee rate for making liquidity.
    pub maker_fee: String,
    /// Fee rate for taking liquidity.
    pub taker_fee: String,
    /// Its price over time.
    pub price: Curve,
}

/// A curve in buckets of equal width. A bucket without events is left out; the value before it
/// holds. For pictures: exact figures stand elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// When bucket 0 begins.
    pub start: Time,
    /// Width of a bucket in nanoseconds.
    pub width_ns: u64,
    /// Bucket number, least, largest and last value.
    pub points: Vec<(u64, Stat, Stat, Stat)>,
}

/// One scope's figures: the account's or a plugin's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeSection {
    /// The figures.
    pub metrics: Metrics,
    /// What was held at the end.
    pub positions: Vec<PositionRow>,
    /// UTC days with events.
    pub days: Vec<PeriodRow>,
    /// UTC months with events, from the days.
    pub months: Vec<PeriodRow>,
    /// UTC hours with events, of the first month at most.
    pub hours: Vec<PeriodRow>,
    /// Equity over time.
    pub equity: Curve,
    /// Fraction below the peak over time: the deepest of each bucket, as a negative number.
    pub drawdown: Curve,
    /// Fees paid so far over time.
    pub fees: Curve,
    /// Position and fills by instrument; instruments without fills are left out.
    pub instruments: Vec<InstrumentActivity>,
    /// Net PnL of the closed trades.
    pub trade_pnl: Bars,
}

/// Figures of one scope. Amounts are in the account's currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Equity at the start: the budget.
    pub start_equity: Amount,
    /// Equity at the end, open positions at their last mark.
    pub end_equity: Amount,
    /// `end_equity − start_equity`.
    pub net_pnl: Amount,
    /// Realized and unrealized PnL before fees.
    pub gross_pnl: Amount,
    /// Part of the gross PnL that is realized.
    pub realized_pnl: Amount,
    /// Part of the gross PnL that is not.
    pub unrealized_pnl: Amount,
    /// Fees paid, rebates taken off.
    pub fees: Amount,
    /// Return over the run.
    pub total_return: Stat,
    /// Compound annual growth rate.
    pub cagr: Stat,
    /// Length of the periods that the following four come from.
    pub returns_of: ReturnPeriod,
    /// How many such periods there were.
    pub returns_count: u64,
    /// Annualised standard deviation of returns.
    pub volatility: Stat,
    /// Sharpe ratio, annualised.
    pub sharpe: Stat,
    /// Sortino ratio, annualised.
    pub sortino: Stat,
    /// Calmar ratio.
    pub calmar: Stat,
    /// Largest fall from a peak, in money.
    pub max_drawdown: Amount,
    /// Largest fall from a peak as a fraction of it.
    pub max_drawdown_fraction: Stat,
    /// When the largest fall (in money) began.
    pub max_drawdown_peak: Option<Time>,
    /// When it was deepest.
    pub max_drawdown_trough: Option<Time>,
    /// When it was made good; absent if it never was.
    pub max_drawdown_recovery: Option<Time>,
    /// Seconds of the largest fall from peak to recovery, or to the end.
    pub max_drawdown_seconds: Stat,
    /// Seconds of the longest time below a peak.
    pub longest_drawdown_seconds: Stat,
    /// Trades (round trips) that closed.
    pub trades: u64,
    /// With a net PnL above zero.
    pub winning_trades: u64,
    /// With a net PnL below zero.
    pub losing_trades: u64,
    /// Winners over trades.
    pub win_rate: Stat,
    /// Net gains over net losses.
    pub profit_factor: Stat,
    /// Mean net PnL of a trade.
    pub expectancy: Option<Amount>,
    /// Mean net PnL of a winner.
    pub average_win: Option<Amount>,
    /// Mean net PnL of a loser.
    pub average_loss: Option<Amount>,
    /// Best trade.
    pub best_trade: Option<Amount>,
    /// Worst trade.
    pub worst_trade: Option<Amount>,
    /// Mean maximum adverse excursion.
    pub average_mae: Option<Amount>,
    /// Mean maximum favorable excursion.
    pub average_mfe: Option<Amount>,
    /// Mean seconds from opening to closing.
    pub average_trade_seconds: Stat,
    /// Most losing trades in a row, in the order of their closing.
    pub longest_losing_streak: u64,
    /// Orders sent.
    pub orders: u64,
    /// Fills.
    pub fills: u64,
    /// Intents denied.
    pub denials: u64,
    /// Price × quantity of all fills.
    pub traded_notional: Amount,
    /// Traded notional over start equity.
    pub turnover: Stat,
    /// Share of the traded notional that made liquidity.
    pub maker_share: Stat,
    /// Share of the run's time with any position open.
    pub exposure: Stat,
}

/// Periods whose returns the statistics come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReturnPeriod {
    /// UTC days, 365 a year.
    Day,
    /// UTC hours, 8,760 a year: where there are fewer than 30 days.
    Hour,
}

/// Equity over one period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodRow {
    /// `2018-01`, `2018-01-31` or `2018-01-31T23`.
    pub period: String,
    /// Equity at its end.
    pub equity: Amount,
    /// Return over it.
    pub change: Stat,
}

/// A position at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionRow {
    /// Symbol.
    pub symbol: String,
    /// Signed.
    pub quantity: String,
    /// Signed notional at which it was entered.
    pub cost: Amount,
    /// At the last mark.
    pub value: Amount,
    /// Value minus cost.
    pub unrealized_pnl: Amount,
}

/// What one scope did in one instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentActivity {
    /// Index into [`MarketSection::instruments`].
    pub instrument: u16,
    /// Signed quantity over time.
    pub position: Curve,
    /// Fills over time.
    pub fills: FillCurve,
}

/// Fills by bucket and side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FillCurve {
    /// When bucket 0 begins.
    pub start: Time,
    /// Width of a bucket in nanoseconds.
    pub width_ns: u64,
    /// The buckets.
    pub points: Vec<FillPoint>,
}

/// Fills of one bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FillPoint {
    /// Bucket number.
    pub bucket: u64,
    /// Number of buys.
    pub buys: u64,
    /// Average price of the buys.
    pub buy_price: Stat,
    /// Number of sells.
    pub sells: u64,
    /// Average price of the sells.
    pub sell_price: Stat,
}

/// A distribution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bars {
    /// Lower edge of the first bar.
    pub low: Amount,
    /// Width of a bar.
    pub width: Amount,
    /// How many in each.
    pub counts: Vec<u64>,
}

/// One plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginSection {
    /// Its name; hostile text.
    pub name: String,
    /// Its own version; hostile text.
    pub version: String,
    /// SHA-256 of the component; absent for native code.
    pub component_sha256: Option<String>,
    /// Its figures.
    pub scope: ScopeSection,
    /// Intents denied, by code.
    pub denials: Vec<DenialRow>,
    /// Faults: the first ones.
    pub faults: Vec<FaultRow>,
    /// Faults in all.
    pub faults_total: u64,
    /// Changes of the trading state: the first ones.
    pub states: Vec<StateRow>,
    /// Changes of the trading state in all.
    pub states_total: u64,
    /// What it used.
    pub resources: Resources,
}

/// Denials of one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenialRow {
    /// Number of the code.
    pub code: u16,
    /// Name of the code.
    pub name: String,
    /// What it means.
    pub message: String,
    /// How many.
    pub count: u64,
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRow {
    /// When.
    pub time: Time,
    /// Name of the code.
    pub code: String,
    /// For people; hostile text.
    pub detail: String,
}

/// Something that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRow {
    /// When.
    pub time: Time,
    /// What.
    pub text: String,
}

/// A change of the trading state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateRow {
    /// When.
    pub time: Time,
    /// `active`, `reducing` or `halted`.
    pub state: String,
}

/// What a plugin used, the same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Calls.
    pub calls: u64,
    /// Fuel of all calls.
    pub fuel_total: u64,
    /// Fuel of the dearest call.
    pub fuel_max: u64,
    /// Largest linear memory in bytes, where it is known.
    pub memory_peak_bytes: Option<u64>,
}

/// A closed trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TradeRow {
    /// Index of the plugin.
    pub plugin: u16,
    /// Index of the instrument.
    pub instrument: u16,
    /// `long` or `short`.
    pub side: String,
    /// When it left flat.
    pub opened: Time,
    /// When it was flat again.
    pub closed: Time,
    /// Largest quantity held.
    pub quantity: String,
    /// Average entry price.
    pub entry_price: String,
    /// Average exit price.
    pub exit_price: String,
    /// Fills.
    pub fills: u64,
    /// PnL before fees.
    pub gross_pnl: Amount,
    /// Fees.
    pub fees: Amount,
    /// PnL after fees.
    pub net_pnl: Amount,
    /// Maximum adverse excursion.
    pub mae: Amount,
    /// Maximum favorable excursion.
    pub mfe: Amount,
}
