//! The ground of a session: its market, recorded or an exchange's, and the venue on it, with an
//! engine that knows the market of the past.

use std::{cell::RefCell, path::PathBuf, rc::Rc, sync::atomic::AtomicBool};

use sandpit_core::{
    engine::{Engine, Event, VenueCapabilities},
    instrument::Instrument,
    market::{MarketData, MarketEvent},
    simulation::Line,
    time::UnixNanos,
};
use sandpit_journal::tape::{MergedTapes, tape_hash};

use super::{
    SessionError, SystemClock, Trading,
    clock::Clock as _,
    desk::Reception,
    folder::StateFolder,
    live::{self, Connected, Link, LiveMarket, LiveVenue, Tapes},
    market::{MarketSource, RecordedMarket},
    simulated::{PaperVenue, SimulatedVenue, VenueSpec},
    venue::SessionVenue,
};
use crate::{
    backtest::{self, Assembly, HistorySearch, Watch},
    config::{ConfigError, RunConfig},
};

/// In the place of the tapes' hashes, for a market that is not over.
const LIVE_MARKET: &str = "live";

/// What the simulated venue of a session does not do is refused and not passed over.
fn refuse_what_paper_lacks(config: &RunConfig) -> Result<(), ConfigError> {
    if config.instruments.iter().any(|rules| rules.margin.is_some()) {
        return Err(ConfigError::new("a paper session does not know margin")
            .help("leave `[instruments.margin]` out, or run a backtest"));
    }
    if config.fill.order_latency.is_some() || config.fill.report_latency.is_some() {
        return Err(ConfigError::new("a paper session knows the latency `latency_ms` alone")
            .help("leave `[fill.order_latency]` and `[fill.report_latency]` out"));
    }
    Ok(())
}

/// The venue of a configuration.
pub(super) fn venue_spec(
    config: &RunConfig,
    instruments: Vec<Instrument>,
    synced: bool,
) -> Result<VenueSpec, SessionError> {
    refuse_what_paper_lacks(config)?;
    let hash = |path: &PathBuf| tape_hash(path).map(|hash| backtest::hex(&hash));
    Ok(VenueSpec {
        model: backtest::fill_model(config, &instruments)?,
        instruments,
        budgets: config.plugins.iter().map(|plugin| plugin.budget).collect(),
        tapes: config.tapes.iter().map(hash).collect::<Result<_, _>>()?,
        locks_balance: false,
        synced,
    })
}

/// Where the history that plugins want comes from.
pub(super) enum Past {
    /// The tapes: where it begins, and how many market events there were before the session.
    Tapes { begin: UnixNanos, events: u64 },
    /// The venue, which tells it once the session listens.
    Venue,
}

/// The market of a session, and how it is traded on.
pub(super) enum Ground {
    Recorded(Vec<Instrument>),
    Live { connected: Connected, capabilities: VenueCapabilities, real: bool },
}

impl Ground {
    /// `None` where the session was stopped before the venue was open.
    pub(super) fn open(
        config: &RunConfig,
        trading: Trading,
        reception: &mut Reception,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
    ) -> Result<Option<Self>, SessionError> {
        let real = matches!(trading, Trading::Real(_));
        let connection = match trading {
            Trading::Recorded => {
                let instruments = MergedTapes::open(&config.tapes)?.instruments().to_vec();
                return Ok(Some(Self::Recorded(instruments)));
            }
            Trading::Simulated(connection) | Trading::Real(connection) => connection,
        };
        let capabilities = connection.capabilities;
        let any_address = config.keys.any_address;
        let mut meanwhile = |waiting: Option<&str>| reception.meanwhile(waiting);
        let connected = live::connect(connection, any_address, &mut meanwhile, watch, stop)?;
        Ok(connected.map(|connected| Self::Live { connected, capabilities, real }))
    }

    pub(super) fn instruments(&self) -> &[Instrument] {
        match self {
            Self::Recorded(instruments) => instruments,
            Self::Live { connected, .. } => &connected.instruments,
        }
    }
}

/// A venue that is open, with an engine that knows its market of the past.
pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) venue: Box<dyn SessionVenue>,
    pub(super) past: Past,
    /// Bytes of a cut write.
    pub(super) cut: u64,
    /// The funding that was reckoned last, if nothing has happened since.
    pub(super) last: Option<MarketEvent>,
    /// The venue's time.
    pub(super) now: UnixNanos,
    /// The line to the exchange, and its clock less ours.
    pub(super) link: Option<(Rc<Link>, i64)>,
}

/// The simulated venue of a recorded market. The market of the past comes first, while there are no
/// positions for it to move: prices, books and bars that are being built. What it leads to was dealt
/// with when it happened.
pub(super) fn open_recorded(
    config: &RunConfig,
    folder: &StateFolder,
    synced: bool,
    assembly: &Assembly,
    engine: Engine,
) -> Result<Opened, SessionError> {
    let spec = venue_spec(config, assembly.engine.instruments.clone(), synced)?;
    let market = Box::new(RecordedMarket::open(&config.tapes, config.to)?);
    let from = config.from.unwrap_or_default();
    let simulated = Simulated { folder, spec, market, from };
    let (mut opened, search) = simulated.open(config, assembly, engine)?;
    if opened.now == UnixNanos(0) {
        opened.now = opened.venue.next_market().unwrap_or_default();
    }
    let now = opened.now.max(opened.engine.now());
    opened.past = Past::Tapes { begin: search.begin(now), events: opened.venue.events() };
    Ok(opened)
}

/// The venue of a live market: the exchange, or a simulated one.
pub(super) fn open_live(
    config: &RunConfig,
    folder: &StateFolder,
    synced: bool,
    assembly: &Assembly,
    engine: Engine,
    (connected, real): (Connected, bool),
) -> Result<Opened, SessionError> {
    let Connected { link, clock_offset_nanos, .. } = connected;
    let tapes = Tapes::open(folder.path())?;
    let now = UnixNanos(SystemClock::new().date().0.saturating_add_signed(clock_offset_nanos));
    let mut opened = if real {
        let venue = LiveVenue::new(Rc::clone(&link), assembly.engine.venue);
        Opened {
            engine,
            venue: Box::new(venue),
            past: Past::Venue,
            cut: 0,
            last: None,
            now,
            link: None,
        }
    } else {
        let mut spec = venue_spec(config, assembly.engine.instruments.clone(), synced)?;
        spec.tapes = vec![LIVE_MARKET.to_owned()];
        spec.locks_balance = assembly.engine.venue.locks_balance;
        let market = Box::new(LiveMarket::new(tapes.recorded()?, Rc::clone(&link)));
        let simulated = Simulated { folder, spec, market, from: now };
        simulated.open(config, assembly, engine)?.0
    };
    link.record(tapes.begin(assembly.engine.run, &assembly.engine.instruments)?, tapes.last()?);
    opened.past = Past::Venue;
    opened.now = opened.now.max(now);
    opened.link = Some((link, clock_offset_nanos));
    Ok(opened)
}

/// A simulated venue that is about to be opened.
struct Simulated<'a> {
    folder: &'a StateFolder,
    spec: VenueSpec,
    market: Box<dyn MarketSource>,
    /// Before this its market goes on while nobody listens.
    from: UnixNanos,
}

impl Simulated<'_> {
    fn open(
        self,
        config: &RunConfig,
        assembly: &Assembly,
        engine: Engine,
    ) -> Result<(Opened, HistorySearch), SessionError> {
        let Self { folder, spec, market, from } = self;
        let search = HistorySearch::new(&assembly.warm_up, assembly.engine.instruments.len());
        let past = RefCell::new((engine, search));
        let (mut effects, mut last) = (Vec::new(), None);
        let mut see = |event: &MarketEvent| {
            last = matches!(event.data, MarketData::Funding(_)).then(|| event.clone());
            let (engine, search) = &mut *past.borrow_mut();
            search.see(event);
            engine.step(Event::History(event.clone()), &mut effects);
            effects.clear();
        };
        let (mut venue, cut) = PaperVenue::open(&folder.venue(), &spec, market, &mut see)?;
        venue.pass(from, &mut see)?;
        let (engine, search) = past.into_inner();
        let latencies = config.fill.latencies(config.seed);
        let lines = (Line::new(latencies.0), Line::new(latencies.1));
        let now = venue.now();
        let venue = Box::new(SimulatedVenue::new(venue, assembly.engine.venue, lines));
        let opened = Opened { engine, venue, past: Past::Venue, cut, last, now, link: None };
        Ok((opened, search))
    }
}
