//! Download of Binance's public dumps: files that are checked against the venue's checksums and
//! left in a folder, for `import`.
//!
//! A file that is there and right is not loaded again; one that was cut goes on where it was. The
//! address is an option, so a mirror will do, and so will a server of a test. Source: the README of
//! `binance/binance-public-data`.

mod download;
mod error;

use std::{
    collections::VecDeque, fmt, ops::ControlFlow, path::PathBuf, str::FromStr, time::Duration,
};

use jiff::{ToSpan, civil::Date};
use serde::Serialize;

pub use error::FetchError;

/// Where Binance offers its dumps.
pub const BASE_URL: &str = "https://data.binance.vision";
/// Files of one fetch: 27 years of days.
pub const FILES_MAX: usize = 10_000;
/// Bytes of one file; a month of all trades of the busiest market has about 4 GiB.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;
/// Bytes of a symbol.
const SYMBOL_BYTES_MAX: usize = 32;

/// Which market's dumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Market {
    /// Spot.
    Spot,
    /// USDⓈ-M futures.
    UsdFutures,
    /// COIN-M futures.
    CoinFutures,
}

impl Market {
    const fn folder(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::UsdFutures => "futures/um",
            Self::CoinFutures => "futures/cm",
        }
    }
}

impl FromStr for Market {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "spot" => Ok(Self::Spot),
            "um" => Ok(Self::UsdFutures),
            "cm" => Ok(Self::CoinFutures),
            _ => Err(format!("`{text}` is no market; the markets are spot, um, cm")),
        }
    }
}

/// What a dump holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DumpKind {
    /// Every trade.
    Trades,
    /// Aggregated trades.
    AggTrades,
    /// Bars of this interval.
    Klines(String),
}

/// Intervals of bars that there are dumps of.
const INTERVALS: [&str; 16] = [
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w",
    "1mo",
];

impl FromStr for DumpKind {
    type Err = String;

    /// `trades`, `aggTrades`, or `klines-1m`.
    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("klines-")) {
            ("trades", _) => Ok(Self::Trades),
            ("aggTrades" | "agg-trades", _) => Ok(Self::AggTrades),
            (_, Some(interval)) if INTERVALS.contains(&interval) => {
                Ok(Self::Klines(interval.to_owned()))
            }
            _ => Err(format!(
                "`{text}` is no dump; there are trades, aggTrades and klines-INTERVAL with the intervals {}",
                INTERVALS.join(", ")
            )),
        }
    }
}

/// How much one file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// A day.
    Daily,
    /// A month.
    Monthly,
}

/// What to fetch, and how patiently.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Without a slash at its end.
    pub base_url: String,
    /// Which market.
    pub market: Market,
    /// What the files hold.
    pub kind: DumpKind,
    /// How much each holds.
    pub cadence: Cadence,
    /// Symbol, as the venue writes it.
    pub symbol: String,
    /// First day.
    pub from: Date,
    /// Last day, which is fetched too.
    pub to: Date,
    /// Where the files go; it is made where it is missing.
    pub folder: PathBuf,
    /// Tries of one request, the first included.
    pub attempts_max: u32,
    /// To reach the server.
    pub connect_timeout: Duration,
    /// Between two pieces of an answer.
    pub read_timeout: Duration,
    /// Wait before the second try; it doubles from try to try, less a random part.
    pub backoff_first: Duration,
    /// The longest wait, also where the server asks for a longer one.
    pub backoff_max: Duration,
}

impl FetchOptions {
    /// Of one symbol and kind over a range of days, from Binance itself, as patiently as is usual.
    #[must_use]
    pub fn new(market: Market, kind: DumpKind, symbol: &str, (from, to): (Date, Date)) -> Self {
        Self {
            base_url: BASE_URL.to_owned(),
            market,
            kind,
            cadence: Cadence::Daily,
            symbol: symbol.to_owned(),
            from,
            to,
            folder: PathBuf::from("."),
            attempts_max: 6,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
        }
    }
}

/// How far a fetch is.
#[derive(Clone, Debug)]
pub struct FetchProgress<'a> {
    /// The file that is being fetched.
    pub name: &'a str,
    /// Files that are done.
    pub files_done: usize,
    /// Files in all.
    pub files: usize,
    /// Bytes of this file.
    pub bytes: u64,
    /// Bytes that this file will have, where the server says it.
    pub bytes_total: Option<u64>,
}

/// Hears how far a fetch is, and may stop it.
pub type ProgressFn<'a> = &'a mut (dyn FnMut(FetchProgress<'_>) -> ControlFlow<()> + Send);

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was loaded, and its checksum is right.
    Fetched,
    /// It was there, and its checksum is right.
    Present,
    /// The server has no such file.
    Missing,
}

/// One file.
#[derive(Clone, Debug, Serialize)]
pub struct FetchedFile {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// From where.
    pub url: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of it that were there from an earlier try.
    pub resumed_bytes: u64,
    /// Requests that it took.
    pub attempts: u32,
}

/// What a fetch did.
#[derive(Clone, Debug, Serialize)]
pub struct FetchSummary {
    /// The files, in the order of time.
    pub files: Vec<FetchedFile>,
}

impl FetchSummary {
    /// How many files ended so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.files.iter().filter(|file| file.outcome == outcome).count()
    }
}

/// A span of one file, as its name says it.
struct Stamp(Date, Cadence);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(date, cadence) = self;
        write!(f, "{:04}-{:02}", date.year(), date.month())?;
        match cadence {
            Cadence::Daily => write!(f, "-{:02}", date.day()),
            Cadence::Monthly => Ok(()),
        }
    }
}

/// Fetches all files of the range, one after the other.
///
/// # Errors
/// Options out of bounds, a server that cannot be reached or says no, a checksum that stays wrong,
/// or a folder that cannot be written. Files that were complete before stay. A file that the
/// server has not is no error; it is in the summary.
pub async fn fetch(
    options: &FetchOptions,
    progress: ProgressFn<'_>,
) -> Result<FetchSummary, FetchError> {
    let urls = urls(options)?;
    tokio::fs::create_dir_all(&options.folder).await.map_err(|source| FetchError::Io {
        action: "create",
        path: options.folder.clone(),
        source,
    })?;
    let files = urls.len();
    let mut downloader = download::Downloader::new(options)?;
    let mut summary = FetchSummary { files: Vec::with_capacity(files) };
    let mut urls = VecDeque::from(urls);
    while let Some((name, url)) = urls.pop_front() {
        let files_done = summary.files.len();
        let mut tell = |bytes, bytes_total| {
            progress(FetchProgress { name: &name, files_done, files, bytes, bytes_total })
        };
        summary.files.push(downloader.file(&name, &url, &mut tell).await?);
    }
    Ok(summary)
}

/// Name and address of every file.
fn urls(options: &FetchOptions) -> Result<Vec<(String, String)>, FetchError> {
    let refuse = |problem: String| Err(FetchError::Options(problem));
    let symbol = &options.symbol;
    let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if symbol.is_empty() || symbol.len() > SYMBOL_BYTES_MAX || !symbol.bytes().all(known) {
        return refuse(format!("`{}` is no symbol of Binance", symbol.escape_default()));
    }
    if options.from > options.to {
        return refuse(format!("{} is after {}", options.from, options.to));
    }
    if options.attempts_max == 0 {
        return refuse("at least one attempt is needed".to_owned());
    }
    let (folder, label) = match &options.kind {
        DumpKind::Trades => ("trades".to_owned(), "trades"),
        DumpKind::AggTrades => ("aggTrades".to_owned(), "aggTrades"),
        DumpKind::Klines(interval) => ("klines".to_owned(), interval.as_str()),
    };
    let folder = match &options.kind {
        DumpKind::Klines(interval) => format!("{folder}/{symbol}/{interval}"),
        _ => format!("{folder}/{symbol}"),
    };
    let cadence = match options.cadence {
        Cadence::Daily => "daily",
        Cadence::Monthly => "monthly",
    };
    let base = options.base_url.trim_end_matches('/');
    let market = options.market.folder();
    let mut urls = Vec::new();
    let mut date = match options.cadence {
        Cadence::Daily => options.from,
        Cadence::Monthly => options.from.first_of_month(),
    };
    while date <= options.to {
        if urls.len() >= FILES_MAX {
            return refuse(format!("the range has more than {FILES_MAX} files"));
        }
        let name = format!("{symbol}-{label}-{}.zip", Stamp(date, options.cadence));
        urls.push((name.clone(), format!("{base}/data/{market}/{cadence}/{folder}/{name}")));
        let step = match options.cadence {
            Cadence::Daily => 1.day(),
            Cadence::Monthly => 1.month(),
        };
        match date.checked_add(step) {
            Ok(next) => date = next,
            Err(_) => break,
        }
    }
    Ok(urls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn options(kind: &str, range: (Date, Date)) -> FetchOptions {
        FetchOptions::new(Market::Spot, kind.parse().unwrap(), "BTCUSDT", range)
    }

    #[test]
    fn addresses_are_those_of_the_venue() {
        let mut options = options("trades", (date(2024, 12, 31), date(2025, 1, 1)));
        let found = |options: &FetchOptions| -> Vec<String> {
            urls(options).unwrap().into_iter().map(|(_, url)| url).collect()
        };
        assert_eq!(
            found(&options),
            [
                "https://data.binance.vision/data/spot/daily/trades/BTCUSDT/BTCUSDT-trades-2024-12-31.zip",
                "https://data.binance.vision/data/spot/daily/trades/BTCUSDT/BTCUSDT-trades-2025-01-01.zip",
            ]
        );
        options.cadence = Cadence::Monthly;
        options.market = Market::UsdFutures;
        options.kind = "klines-1m".parse().unwrap();
        options.base_url = "http://127.0.0.1:1/".to_owned();
        assert_eq!(
            found(&options),
            [
                "http://127.0.0.1:1/data/futures/um/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-12.zip",
                "http://127.0.0.1:1/data/futures/um/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01.zip",
            ]
        );
    }

    #[test]
    fn options_out_of_bounds_are_refused() {
        let day = date(2025, 1, 1);
        let mut symbol = options("trades", (day, day));
        symbol.symbol = "../../etc".to_owned();
        let turned = options("trades", (day, date(2024, 1, 1)));
        let long = options("trades", (date(1900, 1, 1), day));
        for options in [symbol, turned, long] {
            assert!(matches!(urls(&options), Err(FetchError::Options(_))));
        }
        assert!("klines-7m".parse::<DumpKind>().is_err());
        assert!("klines".parse::<DumpKind>().is_err());
    }
}
