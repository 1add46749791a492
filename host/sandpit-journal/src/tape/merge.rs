//! Several tapes as one, in the order of time.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    path::{Path, PathBuf},
};

use sandpit_core::{
    ids::InstrumentId, instrument::Instrument, market::MarketEvent, time::UnixNanos,
};

use super::{INSTRUMENTS_MAX, TAPES_MAX, TapeClock, TapeError, TapeHeader, TapeReader};

/// Reads several tapes together. Events of one time come in the order in which the tapes were
/// named, and within a tape in its own order, so the same tapes always give the same sequence.
///
/// Instruments of the same venue and symbol are one instrument, and must have the same rules.
///
/// A tape is opened when its first event is due and closed after its last, so a year of daily
/// tapes takes the memory of one.
#[derive(Debug)]
pub struct MergedTapes {
    tapes: Vec<Source>,
    /// Times of the tapes' next events, the earliest first; of equals the first tape.
    order: BinaryHeap<Reverse<(UnixNanos, usize)>>,
    instruments: Vec<Instrument>,
    clock: TapeClock,
    failed: Option<TapeError>,
}

#[derive(Debug)]
struct Source {
    path: PathBuf,
    /// The tape's instrument ids as ids of all tapes together.
    ids: Vec<InstrumentId>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Its first event is not due yet.
    Waiting,
    Open {
        reader: Box<TapeReader>,
        next: Option<MarketEvent>,
    },
    /// It has been read, all of these bytes.
    Done {
        bytes: u64,
    },
}

impl MergedTapes {
    /// Looks at the head and the foot of each tape.
    ///
    /// # Errors
    /// None or too many tapes, tapes of different clocks, one instrument with two sets of rules,
    /// or a tape that cannot be read.
    pub fn open(paths: &[PathBuf]) -> Result<Self, TapeError> {
        let path = paths.first().cloned().unwrap_or_default();
        if paths.is_empty() || paths.len() > TAPES_MAX {
            let problem =
                format!("{} tapes were named; 1 to {TAPES_MAX} are read together", paths.len());
            return Err(TapeError::Merge { path, problem });
        }
        let mut merged = Self {
            tapes: Vec::with_capacity(paths.len()),
            order: BinaryHeap::with_capacity(paths.len()),
            instruments: Vec::new(),
            clock: TapeClock::Venue,
            failed: None,
        };
        for path in paths {
            merged.add(path)?;
        }
        Ok(merged)
    }

    /// The instruments of all tapes; an event's id is an index here.
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Whose clock stamped the events.
    #[must_use]
    pub const fn clock(&self) -> TapeClock {
        self.clock
    }

    /// How many bytes of all files have been read, for progress.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        let bytes = |tape: &Source| match &tape.state {
            State::Waiting => 0,
            State::Open { reader, .. } => reader.bytes_read(),
            State::Done { bytes } => *bytes,
        };
        self.tapes.iter().map(bytes).sum()
    }

    fn add(&mut self, path: &Path) -> Result<(), TapeError> {
        match TapeReader::info(path) {
            // An empty tape is due at once, and found to be empty then.
            Ok(info) => self.put(path, &info.header, info.first, State::Waiting),
            Err(TapeError::Truncated { .. }) => {
                let mut reader = Box::new(TapeReader::open(path)?);
                let header = reader.header().clone();
                let next = reader.next_event()?;
                let first = next.as_ref().map_or(UnixNanos(0), |event| event.time);
                self.put(path, &header, first, State::Open { reader, next })
            }
            Err(error) => Err(error),
        }
    }

    fn put(
        &mut self,
        path: &Path,
        header: &TapeHeader,
        first: UnixNanos,
        state: State,
    ) -> Result<(), TapeError> {
        let refuse = |problem: String| refused(path, problem);
        if self.tapes.is_empty() {
            self.clock = header.clock;
        } else if self.clock != header.clock {
            let problem = "some are stamped by the host's clock and some by the venue's";
            return Err(refuse(problem.to_owned()));
        }
        let ids = header.instruments.iter().map(|instrument| self.place(instrument));
        let ids = ids.collect::<Result<_, _>>().map_err(refuse)?;
        self.order.push(Reverse((first, self.tapes.len())));
        self.tapes.push(Source { path: path.to_owned(), ids, state });
        Ok(())
    }

    fn place(&mut self, instrument: &Instrument) -> Result<InstrumentId, String> {
        let name = |i: &Instrument| (i.spec().venue.clone(), i.spec().symbol.clone());
        let known = self.instruments.iter().position(|known| name(known) == name(instrument));
        let index = match known {
            Some(index) => {
                let same =
                    self.instruments.get(index).is_some_and(|known| same_rules(known, instrument));
                if !same {
                    let symbol = &instrument.spec().symbol;
                    return Err(format!("`{symbol}` has other rules than in a tape before"));
                }
                index
            }
            None if self.instruments.len() >= INSTRUMENTS_MAX => {
                return Err(format!("there are more than {INSTRUMENTS_MAX} instruments in all"));
            }
            None => {
                self.instruments.push(instrument.clone());
                self.instruments.len() - 1
            }
        };
        u16::try_from(index).map(InstrumentId).map_err(|_| "too many instruments".to_owned())
    }

    /// The next event of all tapes.
    ///
    /// # Errors
    /// As [`TapeReader::next_event`], after all events before the error have been given.
    pub fn next_event(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        if let Some(error) = self.failed.take() {
            self.order.clear();
            return Err(error);
        }
        loop {
            let Some(mut top) = self.order.peek_mut() else {
                return Ok(None);
            };
            let Reverse((due, index)) = *top;
            let Some(tape) = self.tapes.get_mut(index) else {
                return Ok(None);
            };
            let (event, following) = match tape.step() {
                Ok(step) => step,
                Err(failure) => {
                    drop(top);
                    let (event, error) = *failure;
                    let Some(event) = event else {
                        self.order.clear();
                        return Err(error);
                    };
                    self.failed = Some(error);
                    return Ok(Some(event));
                }
            };
            match following {
                Some(time) if event.is_none() && time < due => {
                    let problem = "its first event is earlier than its foot says".to_owned();
                    let error = refused(&tape.path, problem);
                    drop(top);
                    self.order.clear();
                    return Err(error);
                }
                Some(time) => *top = Reverse((time, index)),
                None => {
                    PeekMut::pop(top);
                }
            }
            if event.is_some() {
                return Ok(event);
            }
        }
    }
}

/// An event that was due, and when the tape's next one is.
type Step = (Option<MarketEvent>, Option<UnixNanos>);

impl Source {
    /// Gives the event that is due and reads the next one. A tape that waits is opened and gives
    /// none yet. An error comes with the event before it.
    #[inline]
    fn step(&mut self) -> Result<Step, Box<(Option<MarketEvent>, TapeError)>> {
        let State::Open { reader, next } = &mut self.state else {
            return self.open().map_err(|error| Box::new((None, error)));
        };
        let following = reader.next_event();
        let renumber = |mut event: MarketEvent| {
            let id = self.ids.get(usize::from(event.instrument.0));
            event.instrument = id.copied().unwrap_or(event.instrument);
            event
        };
        match following {
            Ok(Some(following)) => {
                let time = following.time;
                Ok((next.replace(following).map(renumber), Some(time)))
            }
            Ok(None) => {
                let event = next.take().map(renumber);
                self.state = State::Done { bytes: reader.bytes_read() };
                Ok((event, None))
            }
            Err(error) => Err(Box::new((next.take().map(renumber), error))),
        }
    }

    #[cold]
    fn open(&mut self) -> Result<Step, TapeError> {
        if matches!(self.state, State::Done { .. }) {
            return Ok((None, None));
        }
        let mut reader = Box::new(TapeReader::open(&self.path)?);
        let next = reader.next_event()?;
        let first = next.as_ref().map(|event| event.time);
        self.state = match next {
            Some(_) => State::Open { reader, next },
            None => State::Done { bytes: reader.bytes_read() },
        };
        Ok((None, first))
    }
}

fn refused(path: &Path, problem: String) -> TapeError {
    TapeError::Merge { path: path.to_owned(), problem }
}

impl Iterator for MergedTapes {
    type Item = Result<MarketEvent, TapeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.next_event().transpose()
    }
}

/// By value, so that a tick of 0.10 is one of 0.1; but scales must agree, since raw numbers do.
fn same_rules(a: &Instrument, b: &Instrument) -> bool {
    let (x, y) = (a.spec(), b.spec());
    let scales = |i: &Instrument| (i.price_scale(), i.quantity_scale());
    let numbers = |i: &Instrument| {
        (i.price_tick(), i.quantity_step(), i.min_quantity(), i.max_quantity(), i.min_notional())
    };
    scales(a) == scales(b)
        && numbers(a) == numbers(b)
        && x.kind == y.kind
        && (&x.base, &x.quote) == (&y.base, &y.quote)
        && x.multiplier == y.multiplier
        && (x.maker_fee, x.taker_fee) == (y.maker_fee, y.taker_fee)
}
