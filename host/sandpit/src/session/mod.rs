//! Paper trading: the engine of a backtest, stepped by a loop, against a venue that is another
//! party, with the journal between decision and effect. A session lives in a folder and survives
//! its process: the venue remembers by itself, the host by its journal, and at each start the two
//! are compared before a plugin is called.
//!
//! The market is recorded, played once more at a speed; a live one is another
//! [`MarketSource`]. Faster than real time, the market waits for the plugins; at its own pace it
//! does not, and a plugin is told as soon as it can be told.
//!
//! **Architecture invariant:** time in a session is the market's. Where the market waits for the
//! plugins, wall time only paces and names runs, and no decision depends on it: a session that was
//! never interrupted does what a backtest does. At real time wall time decides one thing more: how
//! long a plugin takes to answer.
//!
//! Rooms: `host` (engine, journal, venue), `plugins` (what happens to plugins, and what it leads
//! to), `roster` (who they are), `workshop` (where components become runners), `desk` (what an
//! operator asks), `look` and `books` (what an operator
//! sees).

mod books;
mod clock;
mod course;
mod desk;
mod dumps;
mod error;
mod folder;
mod frames;
mod ground;
mod host;
mod keys;
mod live;
mod look;
mod market;
mod plugins;
mod records;
mod roster;
mod simulated;
mod start;
mod summary;
mod tally;
mod venue;
mod workshop;

pub use clock::{Clock, Speed, SpeedError, SystemClock};
pub use course::Ending;
pub use error::SessionError;
pub(crate) use live::recorded_tapes;
pub use live::{Connection, Recorded, Recording, Trading, record};
pub use market::{MarketSource, RecordedMarket};
pub use sandpit_journal::journal::Durability;
pub use summary::Outcome;
pub use tally::Tally;
pub use venue::VenueError;

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::atomic::AtomicBool,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sandpit_core::{engine::LockReason, ids::RunId, market::Side, num::Decimal, time::Nanos};
use sandpit_journal::tape::MergedTapes;

use crate::{
    backtest::{self, Watch},
    config::{ConfigError, RunConfig},
};
use clock::Pacer;
use folder::StateFolder;
use simulated::PaperVenue;

/// What happens to open orders when a session ends as it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStop {
    /// They stay at the venue.
    #[default]
    Leave,
    /// They are canceled.
    Cancel,
}

/// The end of one lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlock {
    /// A plugin's name; `None` is the account.
    pub scope: Option<String>,
    /// Which of its locks.
    pub reason: LockReason,
}

impl FromStr for Unlock {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let known = || LockReason::ALL.map(LockReason::name).join(", ");
        let parsed = text.split_once(':').and_then(|(scope, reason)| {
            let reason = LockReason::ALL.into_iter().find(|known| known.name() == reason)?;
            let scope = (scope != "account").then(|| scope.to_owned());
            Some(Self { scope, reason })
        });
        parsed.ok_or_else(|| {
            ConfigError::new(format!("`{text}` is no lock"))
                .help(format!("write account:REASON or PLUGIN:REASON with one of: {}", known()))
        })
    }
}

/// How a session runs. What it trades is the configuration's.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that remembers.
    pub state: PathBuf,
    /// How fast the market goes.
    pub speed: Speed,
    /// Whether the end of the market ends the session.
    pub until_end: bool,
    /// What happens to open orders at the end.
    pub on_stop: OnStop,
    /// Market time between two saves of the plugins' states.
    pub save_every: Nanos,
    /// What the memory survives.
    pub durability: Durability,
    /// The journal may not grow beyond.
    pub journal_bytes_max: Option<u64>,
    /// Whether plugins start without what they saved.
    pub cold: bool,
    /// Locks to end before plugins start.
    pub unlocks: Vec<Unlock>,
    /// Who asks.
    pub who: String,
    /// This run of the host.
    pub run: RunId,
    /// The file that the configuration was read from: plugins that are added to it can be let in
    /// while the session runs.
    pub file: Option<PathBuf>,
}

/// A number for a run that begins now: below 2^48, and larger than that of any run that began
/// earlier by at least 66 microseconds.
#[must_use]
pub fn run_id(now: SystemTime) -> RunId {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    RunId((nanos >> 16).max(1))
}

/// Runs a session until its market is over or `stop` is set.
///
/// # Errors
/// It cannot begin, or cannot go on: see [`SessionError`].
pub fn run(
    config: &RunConfig,
    options: &Options,
    trading: Trading,
    clock: &impl Clock,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<Outcome, SessionError> {
    let Some((mut started, found)) = start::start(config, options, trading, watch, stop)? else {
        return Ok(summary::never_began());
    };
    watch.note(&format!("journal verified and replayed: {} rows", found.rows));
    if found.cut > 0 {
        watch.note(&format!("the venue's log ended in a cut write: {} bytes left out", found.cut));
    }
    let mut pacer = match &started.live {
        Some(live) => Pacer::live(clock, live.clock_offset_nanos),
        None => Pacer::new(clock, options.speed),
    };
    let ending = started.run(&mut pacer, watch, stop)?;
    let outcome = summary::summary(&started.host, found, ending);
    let link = started.live.map(|live| live.link);
    started.host.close()?;
    if let Some(link) = link {
        link.close().map_err(VenueError::Market)?;
    }
    Ok(outcome)
}

/// What the venue of a session that does not run knows of the account.
///
/// # Errors
/// The session runs, or its venue cannot be opened.
pub fn venue_books(config: &RunConfig, state: &Path) -> Result<Outcome, SessionError> {
    let (venue, instruments, _folder) = open_venue(config, state)?;
    Ok(summary::venue_books(&venue.account(), &instruments, venue.now()))
}

/// Trades with the account of a session that does not run as somebody else would: by hand, past
/// the host. The venue's name of the order.
///
/// # Errors
/// The session runs, its venue cannot be opened, or there is no such instrument or quantity.
pub fn trade_externally(
    config: &RunConfig,
    state: &Path,
    symbol: &str,
    side: Side,
    quantity: Decimal,
    limit: Option<Decimal>,
) -> Result<String, SessionError> {
    let (mut venue, instruments, _folder) = open_venue(config, state)?;
    let found = (0u16..).zip(&instruments).find(|(_, it)| it.spec().symbol == symbol);
    let Some((index, rules)) = found else {
        return Err(ConfigError::new(format!("the tapes have no instrument `{symbol}`")).into());
    };
    let off_grid = |what: &str, value: Decimal| {
        ConfigError::new(format!("{value} is no {what} of `{symbol}`"))
    };
    let quantity = rules.quantity(quantity).ok_or_else(|| off_grid("quantity", quantity))?;
    let limit = match limit {
        Some(limit) => Some(rules.price(limit).ok_or_else(|| off_grid("price", limit))?),
        None => None,
    };
    let instrument = sandpit_core::ids::InstrumentId(index);
    let order = venue.trade_externally(instrument, side, quantity, limit)?;
    Ok(order.to_string())
}

type OpenedVenue = (PaperVenue, Vec<sandpit_core::instrument::Instrument>, StateFolder);

fn open_venue(config: &RunConfig, state: &Path) -> Result<OpenedVenue, SessionError> {
    let folder = StateFolder::take(state, false)?;
    let market = MergedTapes::open(&config.tapes)?.instruments().to_vec();
    let instruments = backtest::instruments(config, &market)?;
    let spec = ground::venue_spec(config, instruments.clone(), true)?;
    let market = Box::new(RecordedMarket::open(&config.tapes, config.to)?);
    let venue = PaperVenue::open_whole(&folder.venue(), &spec, market)?;
    Ok((venue, instruments, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_named_by_scope_and_reason() {
        let account = Unlock { scope: None, reason: LockReason::KillSwitch };
        assert_eq!("account:kill-switch".parse::<Unlock>().unwrap(), account);
        let plugin = Unlock { scope: Some("ema".to_owned()), reason: LockReason::DailyLoss };
        assert_eq!("ema:daily-loss".parse::<Unlock>().unwrap(), plugin);
        for text in ["account", "ema:", "ema:bored", ""] {
            assert!(text.parse::<Unlock>().is_err(), "{text}");
        }
    }

    #[test]
    fn runs_have_numbers_of_48_bits_that_rise() {
        let at = |nanos| run_id(UNIX_EPOCH + Duration::from_nanos(nanos));
        assert_eq!(at(0), RunId(1), "never the number of what is not ours");
        assert!(at(1_800_000_000_000_000_000) < at(1_800_000_000_000_066_000));
        assert!(at(u64::MAX).0 < 1 << 48);
    }
}
