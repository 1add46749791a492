//! `[venue]`: the exchange that a session trades on, how it is reached, and where its key is. Of it a
//! run's canonical form has which market it is, and nothing of how it is reached.

mod tuning;

use std::{ops::Range, path::PathBuf};

use sandpit_core::time::Nanos;
use sandpit_venue::binance::Tuning;
use serde::Deserialize;
use toml::{Spanned, Table, Value};

use super::ConfigError;
use tuning::{BreakerFile, ClockFile, ConnectionsFile, RetriesFile, TuningFile};

type Misplaced = (Range<usize>, ConfigError);

/// Symbols of one session.
const SYMBOLS_MAX: usize = 64;
/// The longest time that a signed request may be under way, by the venue's documents.
const RECV_WINDOW_MS_MAX: u64 = 60_000;

/// An exchange that can be traded on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Binance Spot.
    BinanceSpot,
    /// Binance's USDⓈ-M futures.
    BinanceUsdm,
}

/// Another address than the exchange's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherHosts {
    /// Scheme and host of REST.
    pub rest: String,
    /// Scheme and host of the endpoints that say what a key may do; `None` where there are none.
    pub wallet: Option<String>,
    /// Where market streams are joined.
    pub stream: String,
    /// The WebSocket API.
    pub ws_api: String,
}

/// What each lane keeps of every rate limit, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateReserves {
    /// For the kill switch and cancels.
    pub kill_permille: u16,
    /// For finding out what is so.
    pub reconcile_permille: u16,
    /// For orders.
    pub orders_permille: u16,
}

impl Default for RateReserves {
    fn default() -> Self {
        Self { kill_permille: 100, reconcile_permille: 100, orders_permille: 200 }
    }
}

/// How trades of the market are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TradesOf {
    /// One for each taking order and price; what was missed can be asked for.
    #[default]
    Aggregates,
    /// Each by itself; what was missed stays missed.
    Singles,
}

/// How margin is kept of a future's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarginMode {
    /// Each position has its own.
    Isolated,
    /// All have one.
    Crossed,
}

/// What is particular to futures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuturesConfig {
    /// Leverage that is set for every symbol.
    pub leverage: u8,
    /// How margin is kept.
    pub margin: MarginMode,
    /// After so long without a word of ours the venue cancels all orders; `None` never.
    pub dead_man: Option<Nanos>,
}

impl FuturesConfig {
    /// The most that Binance lends.
    pub const LEVERAGE_MAX: u8 = 125;
    /// The shortest useful time: three renewals have to fit into it.
    pub const DEAD_MAN_MIN: Nanos = Nanos(15 * Nanos::SECOND.0);
    /// The longest.
    pub const DEAD_MAN_MAX: Nanos = Nanos(600 * Nanos::SECOND.0);
}

impl Default for FuturesConfig {
    fn default() -> Self {
        Self {
            leverage: 1,
            margin: MarginMode::Isolated,
            dead_man: Some(Nanos(60 * Nanos::SECOND.0)),
        }
    }
}

/// The exchange of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueConfig {
    /// Which.
    pub exchange: Exchange,
    /// What is traded, in the order of the instruments' numbers.
    pub symbols: Vec<String>,
    /// Where the key is; a session without orders of its own needs none.
    pub key: Option<String>,
    /// Another address than the exchange's own.
    pub hosts: Option<OtherHosts>,
    /// A proxy that everything goes through.
    pub proxy: Option<String>,
    /// Certificates that are believed beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How long a signed request may be under way.
    pub recv_window: Nanos,
    /// How trades are told.
    pub trades: TradesOf,
    /// What each lane keeps of the rate limits.
    pub reserves: RateReserves,
    /// Between two comparisons of our books with the venue's while nothing seems wrong.
    pub reconcile_every: Nanos,
    /// What is particular to futures.
    pub futures: FuturesConfig,
    /// How patiently it is asked; what it keeps of limits and how keys are looked after is not here.
    pub tuning: Tuning,
}

impl VenueConfig {
    /// Which market it is, as a file has it.
    pub(super) fn render(&self) -> Table {
        let exchange = match self.exchange {
            Exchange::BinanceSpot => "binance-spot",
            Exchange::BinanceUsdm => "binance-usdm",
        };
        let symbols = self.symbols.iter().cloned().map(Value::String).collect();
        let mut table = Table::new();
        table.insert("exchange".to_owned(), Value::String(exchange.to_owned()));
        table.insert("symbols".to_owned(), Value::Array(symbols));
        table
    }
}

/// `[venue]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VenueFile {
    exchange: ExchangeFile,
    symbols: Spanned<Vec<String>>,
    key: Option<String>,
    hosts: Option<HostsFile>,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
    recv_window_ms: Option<Spanned<u64>>,
    #[serde(default)]
    trades: TradesOf,
    rate_reserves: Option<Spanned<ReservesFile>>,
    reconcile_s: Option<Spanned<u64>>,
    futures: Option<Spanned<FuturesFile>>,
    retries: Option<Spanned<RetriesFile>>,
    breaker: Option<Spanned<BreakerFile>>,
    clock: Option<Spanned<ClockFile>>,
    connections: Option<Spanned<ConnectionsFile>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ExchangeFile {
    BinanceSpot,
    BinanceUsdm,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostsFile {
    rest: String,
    wallet: Option<String>,
    stream: String,
    ws_api: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReservesFile {
    kill_permille: Option<u16>,
    reconcile_permille: Option<u16>,
    orders_permille: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FuturesFile {
    leverage: Option<u8>,
    margin: Option<MarginMode>,
    dead_man_s: Option<u64>,
}

fn within(
    value: Option<Spanned<u64>>,
    bounds: Range<u64>,
    (unit, default): (Nanos, Nanos),
) -> Result<Nanos, Misplaced> {
    let Some(value) = value else {
        return Ok(default);
    };
    let (span, value) = (value.span(), value.into_inner());
    if bounds.contains(&value) {
        return Ok(Nanos(value.saturating_mul(unit.0)));
    }
    let message = format!("{value} is not from {} to {}", bounds.start, bounds.end - 1);
    Err((span, ConfigError::new(message)))
}

impl VenueFile {
    pub(super) fn resolve(
        self,
        beside: impl Fn(PathBuf) -> PathBuf,
    ) -> Result<VenueConfig, Misplaced> {
        let milli = Nanos(1_000_000);
        let symbols = symbols(self.symbols)?;
        let tuning = TuningFile {
            retries: self.retries,
            breaker: self.breaker,
            clock: self.clock,
            connections: self.connections,
        };
        let recv_window = within(
            self.recv_window_ms,
            1..RECV_WINDOW_MS_MAX + 1,
            (milli, Nanos::from_millis(5_000)),
        )?;
        let reconcile_every =
            within(self.reconcile_s, 1..86_401, (Nanos::SECOND, Nanos(60 * Nanos::SECOND.0)))?;
        Ok(VenueConfig {
            exchange: match self.exchange {
                ExchangeFile::BinanceSpot => Exchange::BinanceSpot,
                ExchangeFile::BinanceUsdm => Exchange::BinanceUsdm,
            },
            symbols,
            key: self.key,
            hosts: self.hosts.map(HostsFile::resolve),
            proxy: self.proxy,
            ca_file: self.ca_file.map(beside),
            recv_window,
            trades: self.trades,
            reserves: self.rate_reserves.map(reserves).transpose()?.unwrap_or_default(),
            reconcile_every,
            futures: self.futures.map(futures).transpose()?.unwrap_or_default(),
            tuning: tuning.resolve()?,
        })
    }
}

impl HostsFile {
    /// Where nothing else is said the wallet is where REST is; an empty text says that there is none.
    fn resolve(self) -> OtherHosts {
        let Self { rest, wallet, stream, ws_api } = self;
        let wallet = Some(wallet.unwrap_or_else(|| rest.clone())).filter(|url| !url.is_empty());
        OtherHosts { rest, wallet, stream, ws_api }
    }
}

fn symbols(symbols: Spanned<Vec<String>>) -> Result<Vec<String>, Misplaced> {
    let (span, symbols) = (symbols.span(), symbols.into_inner());
    let wrong = |message: String| Err((span.clone(), ConfigError::new(message)));
    if symbols.is_empty() || symbols.len() > SYMBOLS_MAX {
        return wrong(format!("a session has 1 to {SYMBOLS_MAX} symbols"));
    }
    let is_symbol = |text: &String| {
        !text.is_empty()
            && text.len() <= 32
            && text
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if let Some(other) = symbols.iter().find(|symbol| !is_symbol(symbol)) {
        return wrong(format!("`{other}` is no symbol: write it as the exchange does, `BTCUSDT`"));
    }
    let mut sorted: Vec<_> = symbols.iter().collect();
    sorted.sort_unstable();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return wrong(format!("`{}` is there twice", twice[0]));
    }
    Ok(symbols)
}

fn reserves(file: Spanned<ReservesFile>) -> Result<RateReserves, Misplaced> {
    /// Half of every limit is left to data, which everything else depends on.
    const RESERVES_PERMILLE_MAX: u32 = 500;
    let (span, file) = (file.span(), file.into_inner());
    let default = RateReserves::default();
    let reserves = RateReserves {
        kill_permille: file.kill_permille.unwrap_or(default.kill_permille),
        reconcile_permille: file.reconcile_permille.unwrap_or(default.reconcile_permille),
        orders_permille: file.orders_permille.unwrap_or(default.orders_permille),
    };
    let all = [reserves.kill_permille, reserves.reconcile_permille, reserves.orders_permille];
    let sum: u32 = all.iter().map(|one| u32::from(*one)).sum();
    if all.contains(&0) || sum > RESERVES_PERMILLE_MAX {
        let message = format!(
            "each reserve is above zero, and all together are at most {RESERVES_PERMILLE_MAX}"
        );
        return Err((span, ConfigError::new(message)));
    }
    Ok(reserves)
}

fn futures(file: Spanned<FuturesFile>) -> Result<FuturesConfig, Misplaced> {
    let (span, file) = (file.span(), file.into_inner());
    let default = FuturesConfig::default();
    let leverage = file.leverage.unwrap_or(default.leverage);
    if !(1..=FuturesConfig::LEVERAGE_MAX).contains(&leverage) {
        let message = format!("a leverage is from 1 to {}", FuturesConfig::LEVERAGE_MAX);
        return Err((span, ConfigError::new(message)));
    }
    let dead_man = match file.dead_man_s {
        None => default.dead_man,
        Some(0) => None,
        Some(seconds) => Some(Nanos(seconds.saturating_mul(Nanos::SECOND.0))),
    };
    let bounds = FuturesConfig::DEAD_MAN_MIN..=FuturesConfig::DEAD_MAN_MAX;
    if dead_man.is_some_and(|after| !bounds.contains(&after)) {
        let message = "`dead_man_s` is from 15 to 600, or 0 for never".to_owned();
        return Err((span, ConfigError::new(message)));
    }
    Ok(FuturesConfig { leverage, margin: file.margin.unwrap_or(default.margin), dead_man })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Overrides, parse};

    use super::*;

    fn venue(lines: &str) -> Result<VenueConfig, ConfigError> {
        let text = format!(
            "version = 1\n[venue]\nexchange = \"binance-spot\"\n{lines}\n[[plugins]]\nname = \"a\"\n\
             component = \"a.wasm\"\nbudget = 1\n"
        );
        let config = parse(Path::new("run.toml"), &text, &Overrides::default())?;
        Ok(config.venue.expect("the file has a venue"))
    }

    #[test]
    fn a_venue_needs_symbols_alone() {
        let venue = venue("symbols = [\"BTCUSDT\"]").unwrap();
        assert_eq!(venue.symbols, ["BTCUSDT"]);
        assert_eq!((venue.key, venue.hosts, venue.proxy), (None, None, None));
        assert_eq!(venue.recv_window, Nanos::from_millis(5_000));
        assert_eq!(venue.futures, FuturesConfig::default());
    }

    #[test]
    fn everything_has_bounds() {
        let with = |line: &str| venue(&format!("symbols = [\"BTCUSDT\"]\n{line}"));
        assert!(with("recv_window_ms = 60000").is_ok());
        assert!(with("[venue.futures]\nleverage = 125\ndead_man_s = 0").is_ok());
        let tuned = with(
            "[venue.retries]\norder_patience_ms = 2000\n[venue.breaker]\nopen_most_s = 60\n\
             [venue.clock]\nevery_s = 30\n[venue.connections]\nsilence_s = 30",
        );
        let tuning = tuned.unwrap().tuning;
        assert_eq!(tuning.retries.order_patience, Nanos::from_millis(2_000));
        assert_eq!(tuning.breaker.open_most, Nanos(60 * Nanos::SECOND.0));
        assert_eq!(tuning.clock.every, Nanos(30 * Nanos::SECOND.0));
        assert_eq!(tuning.connections.silence, Some(Nanos(30 * Nanos::SECOND.0)));
        for line in [
            "recv_window_ms = 0",
            "recv_window_ms = 60001",
            "reconcile_s = 0",
            "trades = \"all\"",
            "hosts = { rest = \"http://127.0.0.1:1\" }",
            "misspelled = 1",
            "[venue.rate_reserves]\nkill_permille = 0",
            "[venue.rate_reserves]\nkill_permille = 400",
            "[venue.futures]\nleverage = 0",
            "[venue.futures]\nleverage = 126",
            "[venue.futures]\ndead_man_s = 14",
            "[venue.futures]\ndead_man_s = 18446744073709551615",
            "[venue.retries]\nanswer_timeout_ms = 999",
            "[venue.retries]\nask_least_ms = 18446744073709551615",
            "[venue.breaker]\nfailures = 0",
            "[venue.clock]\nsamples = 17",
            "[venue.connections]\nrenew_after_s = 86400",
            "[venue.connections]\nmisspelled = 1",
        ] {
            assert!(with(line).is_err(), "{line}");
        }
        for line in [
            "symbols = []",
            "symbols = [\"btcusdt\"]",
            "symbols = [\"BTC/USDT\"]",
            "symbols = [\"BTCUSDT\", \"BTCUSDT\"]",
            "symbols = [\"\"]",
        ] {
            assert!(venue(line).is_err(), "{line}");
        }
    }
}
