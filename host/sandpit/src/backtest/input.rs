//! What a run plays: tapes as one stream, on the engine's thread or ahead of it, or the synthetic
//! market; and how much of it.

use std::path::PathBuf;

use sandpit_core::{
    instrument::Instrument,
    market::{DataKind, MarketData, MarketEvent},
    time::{Nanos, UnixNanos},
};
use sandpit_journal::tape::{MergedTapes, ReadAhead, TapeError, TapeReader, tape_hash};
use sandpit_plugin::WarmUp;

use super::BacktestError;
use crate::{config::RunConfig, report::NamedHash, synthetic};

/// A market to play.
pub(super) struct Market {
    /// As the source has them, before the operator's rules.
    pub(super) instruments: Vec<Instrument>,
    /// Names and hashes of the tapes.
    pub(super) hashes: Vec<NamedHash>,
    /// Whether it is made up.
    pub(super) synthetic: bool,
    /// About how many events it has; zero where it is not known.
    pub(super) events: u64,
    source: Source,
}

enum Source {
    Tapes { paths: Vec<PathBuf>, threads: u8 },
    Made(synthetic::Options),
}

enum Events {
    /// Unpacked on the engine's thread.
    Here(MergedTapes),
    /// Unpacked ahead, on a thread of its own.
    Ahead(ReadAhead),
    Made(synthetic::Market),
}

impl Events {
    #[inline]
    fn next_event(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        match self {
            Self::Here(tapes) => tapes.next_event(),
            Self::Ahead(tapes) => tapes.next_event(),
            Self::Made(market) => Ok(market.next()),
        }
    }
}

impl Market {
    /// The tapes of a configuration.
    pub(super) fn of_tapes(config: &RunConfig) -> Result<Self, BacktestError> {
        let (mut events, mut synthetic, mut hashes) = (Some(0), false, Vec::new());
        for path in &config.tapes {
            // A tape that was not finished has no totals; it is read all the same.
            events = events.zip(TapeReader::info(path).ok()).map(|(sum, info)| sum + info.events);
            synthetic |= TapeReader::open(path)?.header().source.starts_with(synthetic::SOURCE);
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            hashes.push(NamedHash { name, sha256: super::hex(&tape_hash(path)?) });
        }
        Ok(Self {
            instruments: MergedTapes::open(&config.tapes)?.instruments().to_vec(),
            hashes,
            synthetic,
            events: events.unwrap_or(0),
            source: Source::Tapes { paths: config.tapes.clone(), threads: config.threads },
        })
    }

    /// The synthetic market, without a tape.
    pub(super) fn made(options: synthetic::Options) -> Result<Self, BacktestError> {
        Ok(Self {
            instruments: synthetic::instruments()?,
            hashes: Vec::new(),
            synthetic: true,
            events: 0,
            source: Source::Made(options),
        })
    }

    fn open(&self) -> Result<Events, BacktestError> {
        match &self.source {
            Source::Tapes { paths, threads } => {
                let tapes = MergedTapes::open(paths)?;
                if *threads > 1 {
                    return Ok(Events::Ahead(
                        ReadAhead::new(tapes).map_err(BacktestError::Thread)?,
                    ));
                }
                Ok(Events::Here(tapes))
            }
            Source::Made(options) => Ok(Events::Made(synthetic::Market::new(*options))),
        }
    }

    /// Opens it at the first event that is needed: where the run begins, or earlier where a
    /// strategy wants history.
    pub(super) fn play(
        &self,
        from: Option<UnixNanos>,
        to: Option<UnixNanos>,
        warm_up: &[WarmUp],
    ) -> Result<Input, BacktestError> {
        let from = from.unwrap_or_default();
        let mut history = from;
        if from > UnixNanos(0) && !warm_up.is_empty() {
            let mut events = self.open()?;
            let mut search = HistorySearch::new(warm_up, self.instruments.len());
            while let Some(event) = events.next_event()?.filter(|event| event.time < from) {
                search.see(&event);
            }
            history = search.begin(from);
        }
        let mut events = self.open()?;
        let mut waiting = events.next_event()?;
        while waiting.as_ref().is_some_and(|event| event.time < history) {
            waiting = events.next_event()?;
        }
        Ok(Input { events, waiting, from, to: to.unwrap_or(UnixNanos::MAX) })
    }
}

/// Events in the order of time, history first.
pub(super) struct Input {
    events: Events,
    waiting: Option<MarketEvent>,
    from: UnixNanos,
    to: UnixNanos,
}

impl Input {
    /// When the session begins: where the operator said, or at the first event.
    pub(super) fn begin(&self) -> UnixNanos {
        if self.from > UnixNanos(0) {
            return self.from;
        }
        self.waiting.as_ref().map_or(UnixNanos(0), |event| event.time)
    }

    /// The next event from before the session.
    pub(super) fn next_history(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        if self.waiting.as_ref().is_none_or(|event| event.time >= self.from) {
            return Ok(None);
        }
        let next = self.events.next_event()?;
        Ok(std::mem::replace(&mut self.waiting, next))
    }

    /// The next event of the session.
    #[inline]
    pub(super) fn next_event(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        let next = match self.waiting.take() {
            Some(event) => Some(event),
            None => self.events.next_event()?,
        };
        Ok(next.filter(|event| event.time < self.to))
    }
}

/// Finds where history has to begin so that every strategy gets what it wants. It keeps times of
/// as many events as are asked for, which the contract bounds, and no events.
pub(crate) struct HistorySearch {
    trades: usize,
    quotes: usize,
    /// Bars are made of trades, so they ask for a length of time.
    bars: Nanos,
    times: Vec<[std::collections::VecDeque<UnixNanos>; 2]>,
}

impl HistorySearch {
    pub(crate) fn new(warm_up: &[WarmUp], instruments: usize) -> Self {
        let (mut trades, mut quotes, mut bars) = (0, 0, Nanos(0));
        for wanted in warm_up {
            let count = usize::try_from(wanted.count).unwrap_or(usize::MAX);
            match wanted.kind {
                DataKind::Trades => trades = trades.max(count),
                DataKind::Quotes => quotes = quotes.max(count),
                // One more: the interval that `from` cuts is not whole.
                DataKind::Bars(interval) => {
                    let length = interval.0.saturating_mul(u64::from(wanted.count) + 1);
                    bars = bars.max(Nanos(length));
                }
                DataKind::Depth(_) => {}
            }
        }
        Self { trades, quotes, bars, times: vec![Default::default(); instruments] }
    }

    pub(crate) fn see(&mut self, event: &MarketEvent) {
        let (index, wanted) = match event.data {
            MarketData::Trade(_) => (0, self.trades),
            MarketData::Quote(_) => (1, self.quotes),
            MarketData::Bar(_)
            | MarketData::Depth(_)
            | MarketData::Mark(_)
            | MarketData::Funding(_) => return,
        };
        let Some(times) = self.times.get_mut(usize::from(event.instrument.0)) else {
            return;
        };
        times[index].push_back(event.time);
        if times[index].len() > wanted {
            times[index].pop_front();
        }
    }

    /// Where the history of a session that begins at `from` has to begin, once everything before
    /// it was seen.
    pub(crate) fn begin(&self, from: UnixNanos) -> UnixNanos {
        let counted = self.times.iter().flatten().filter_map(|times| times.front().copied()).min();
        let bars = UnixNanos(from.0.saturating_sub(self.bars.0));
        counted.unwrap_or(from).min(bars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandpit_core::ids::InstrumentId;

    const HOUR: Nanos = Nanos(3_600 * 1_000_000_000);

    fn market() -> Market {
        Market::made(synthetic::Options { seed: 5, length: Nanos(3 * HOUR.0) }).unwrap()
    }

    /// Times of history and of the session.
    fn played(warm_up: &[WarmUp]) -> (Vec<MarketEvent>, Vec<MarketEvent>) {
        let from = synthetic::START.plus(HOUR);
        let mut input = market().play(Some(from), Some(from.plus(HOUR)), warm_up).unwrap();
        assert_eq!(input.begin(), from);
        let (mut history, mut session) = (Vec::new(), Vec::new());
        while let Some(event) = input.next_history().unwrap() {
            history.push(event);
        }
        while let Some(event) = input.next_event().unwrap() {
            session.push(event);
        }
        assert!(history.iter().all(|event| event.time < from));
        assert!(session.iter().all(|event| event.time >= from && event.time < from.plus(HOUR)));
        (history, session)
    }

    #[test]
    fn without_a_wish_there_is_no_history() {
        let (history, session) = played(&[]);
        assert!(history.is_empty());
        assert!(session.len() > 1_000);
    }

    #[test]
    fn every_instrument_has_the_trades_that_were_asked_for() {
        let (history, session) = played(&[WarmUp { kind: DataKind::Trades, count: 50 }]);
        for id in [InstrumentId(0), InstrumentId(1)] {
            let is_own = |event: &&MarketEvent| {
                event.instrument == id && matches!(event.data, MarketData::Trade(_))
            };
            let trades = history.iter().filter(is_own).count();
            assert!((50..150).contains(&trades), "{trades}");
        }
        assert_eq!(session, played(&[]).1, "history changes nothing of the session");
    }

    #[test]
    fn bars_have_the_time_that_they_are_made_of() {
        let minute = Nanos(HOUR.0 / 60);
        let (history, _) = played(&[WarmUp { kind: DataKind::Bars(minute), count: 20 }]);
        let first = history.first().unwrap().time;
        let before = synthetic::START.plus(HOUR).since(first);
        assert!(before <= Nanos(21 * minute.0) && before > Nanos(20 * minute.0), "{before:?}");
    }
}
