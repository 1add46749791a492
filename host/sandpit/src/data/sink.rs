//! From raw events to the tape: onto the instrument's grid, in order, counted.

use std::collections::BTreeMap;

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    market::{MarketData, MarketEvent},
    num::Quantity,
    time::UnixNanos,
};
use sandpit_journal::tape::{TapeClock, TapeWriter};
use sandpit_venue::binance::stream::SnapshotBridge;

use super::{
    DataError, Repair, Repairs, RowProblem,
    convert::Grid,
    order::OrderCheck,
    row::{RawData, RawEvent, Refusal, quote},
    sort::Sorter,
};

/// What was done besides putting rows on the tape.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) events: u64,
    /// Rows that say nothing for a tape, by what they are.
    pub(super) passed_over: BTreeMap<&'static str, u64>,
    /// Changes of a book that came before a snapshot that is older, and were put after it again.
    pub(super) bridged: u64,
    pub(super) deduplicated: u64,
    pub(super) volumes_rounded: u64,
    pub(super) quotes_without_quantity: u64,
}

/// The way to one tape.
#[derive(Debug)]
pub(super) struct Sink {
    instruments: Vec<Instrument>,
    names: BTreeMap<String, u16>,
    /// The name that was looked up last, since rows of one instrument come together.
    last: (String, u16),
    clock: TapeClock,
    /// On both sides of quotes whose file has none.
    assumed_quantities: Vec<Quantity>,
    bridges: Vec<SnapshotBridge>,
    rounds_volumes: bool,
    stage: Stage,
    pub(super) counts: Counts,
}

/// What comes after conversion.
#[derive(Debug)]
struct Stage {
    sorter: Option<Sorter>,
    order: OrderCheck,
    dedup: bool,
    writer: TapeWriter,
}

impl Sink {
    pub(super) fn new(
        instruments: Vec<Instrument>,
        names: BTreeMap<String, u16>,
        clock: TapeClock,
        assumed_quantities: Vec<Quantity>,
        writer: TapeWriter,
    ) -> Self {
        let count = instruments.len();
        let order = OrderCheck::new(count);
        Self {
            instruments,
            names,
            last: (String::new(), u16::MAX),
            clock,
            assumed_quantities,
            bridges: vec![SnapshotBridge::default(); count],
            rounds_volumes: false,
            stage: Stage { sorter: None, order, dedup: false, writer },
            counts: Counts::default(),
        }
    }

    /// With what was asked for; a sorter where that was.
    pub(super) fn with_repairs(mut self, sorter: Option<Sorter>, repairs: &Repairs) -> Self {
        self.stage.sorter = sorter;
        self.stage.dedup = repairs.contains(&Repair::Dedup);
        self.rounds_volumes = repairs.contains(&Repair::RoundVolume);
        self
    }

    /// Takes one raw event.
    pub(super) fn take(&mut self, raw: &RawEvent<'_>) -> Result<(), Refusal> {
        if let RawData::Nothing(what) = raw.data {
            *self.counts.passed_over.entry(what).or_default() += 1;
            return Ok(());
        }
        let id = self.lookup(raw.name)?;
        let Some(instrument) = self.instruments.get(usize::from(id)) else {
            return Err(unknown(raw.name).into());
        };
        let event = match &raw.data {
            RawData::Binance(message) => {
                let received = raw.host_time.unwrap_or_default();
                let event = message
                    .to_event(instrument, InstrumentId(id), received)
                    .map_err(|error| RowProblem::message(&error))?;
                let Some(mut event) = event else {
                    let what = "open bars and trades outside the book";
                    *self.counts.passed_over.entry(what).or_default() += 1;
                    return Ok(());
                };
                if self.clock == TapeClock::Venue {
                    if event.venue_time == event.time {
                        let problem = "it has no stamp of the venue; use the host's clock";
                        return Err(RowProblem::Message(problem.to_owned()).into());
                    }
                    event.time = event.venue_time;
                }
                event
            }
            data => {
                let assumed = self.assumed_quantities.get(usize::from(id)).copied();
                if matches!(data, RawData::Quote { quantities: None, .. }) {
                    self.counts.quotes_without_quantity += 1;
                }
                let grid = Grid {
                    instrument,
                    assumed: assumed.unwrap_or(Quantity(1)),
                    rounds_volumes: self.rounds_volumes,
                };
                let data = grid.convert(data, &mut self.counts.volumes_rounded)?;
                let (time, venue_time) = times(self.clock, raw)?;
                MarketEvent { instrument: InstrumentId(id), time, venue_time, data }
            }
        };
        self.put(event)
    }

    fn put(&mut self, event: MarketEvent) -> Result<(), Refusal> {
        let again = match self.bridges.get_mut(usize::from(event.instrument.0)) {
            Some(bridge) if has_sequence(&event.data) => bridge.after(&event),
            _ => Vec::new(),
        };
        self.stage.put(event, &mut self.counts)?;
        for event in again {
            self.counts.bridged += 1;
            self.stage.put(event, &mut self.counts)?;
        }
        Ok(())
    }

    fn lookup(&mut self, name: Option<&str>) -> Result<u16, RowProblem> {
        if name.is_none() && self.instruments.len() == 1 {
            return Ok(0);
        }
        let text = name.unwrap_or_default();
        if self.last.1 != u16::MAX && self.last.0 == text {
            return Ok(self.last.1);
        }
        let id = *self.names.get(text).ok_or_else(|| unknown(name))?;
        text.clone_into(&mut self.last.0);
        self.last.1 = id;
        Ok(id)
    }

    /// Puts what is sorted on the tape and completes it. Returns the counts, how many events were
    /// moved by sorting, and the tape's size in bytes.
    pub(super) fn finish(mut self) -> Result<(Counts, u64, u64), DataError> {
        let mut moved = 0;
        if let Some(sorter) = self.stage.sorter.take() {
            moved = sorter.moved;
            let (stage, counts, instruments) =
                (&mut self.stage, &mut self.counts, &self.instruments);
            let drained = sorter.drain(&mut |event| {
                let (time, id) = (event.time, usize::from(event.instrument.0));
                stage.put(event, counts).map_err(|refusal| match refusal {
                    Refusal::Fatal(error) => error,
                    Refusal::Row(problem) => DataError::Event {
                        symbol: instruments
                            .get(id)
                            .map_or_else(String::new, |i| i.spec().symbol.clone()),
                        time,
                        problem,
                    },
                })
            });
            if let Err(error) = drained {
                self.discard();
                return Err(error);
            }
        }
        let bytes = self.stage.writer.finish()?;
        Ok((self.counts, moved, bytes))
    }

    /// Gives up; the partial tape is removed.
    pub(super) fn discard(self) {
        // The error that led here matters more than a file that stays.
        let _ = self.stage.writer.discard();
    }
}

impl Stage {
    fn put(&mut self, event: MarketEvent, counts: &mut Counts) -> Result<(), Refusal> {
        if let Some(sorter) = &mut self.sorter {
            return Ok(sorter.push(event)?);
        }
        match self.order.take(&event) {
            Err(RowProblem::Duplicate { .. }) if self.dedup => {
                counts.deduplicated += 1;
                return Ok(());
            }
            order => order?,
        }
        self.writer.append(&event).map_err(DataError::Tape)?;
        counts.events += 1;
        Ok(())
    }
}

fn unknown(name: Option<&str>) -> RowProblem {
    RowProblem::UnknownInstrument { name: quote(name.unwrap_or("(without a name)").as_bytes()) }
}

/// Snapshots are bridged where changes are numbered.
fn has_sequence(data: &MarketData) -> bool {
    matches!(data, MarketData::Depth(update) if update.last_sequence != 0)
}

fn times(clock: TapeClock, raw: &RawEvent<'_>) -> Result<(UnixNanos, UnixNanos), RowProblem> {
    let missing = || RowProblem::malformed("time, since the row has none", b"");
    let time = match clock {
        TapeClock::Host => raw.host_time.or(raw.venue_time),
        TapeClock::Venue => raw.venue_time,
    };
    let time = time.ok_or_else(missing)?;
    Ok((time, raw.venue_time.unwrap_or(time)))
}
