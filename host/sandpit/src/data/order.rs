//! Whether events follow each other: time does not go back, and nothing comes twice.

use sandpit_core::{
    market::{MarketData, MarketEvent},
    time::{Nanos, UnixNanos},
};

use super::RowProblem;

/// Ids of trades of one instrument at one time that are remembered; beyond, a repeated one is not
/// noticed. Venues put a few hundred in one millisecond at most.
const IDS_PER_TIME_MAX: usize = 65_536;

/// Looks at events in the order in which they go on the tape.
#[derive(Debug)]
pub(super) struct OrderCheck {
    time: UnixNanos,
    seen: Vec<Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    time: UnixNanos,
    /// Ids of trades at that time.
    ids: Vec<u64>,
    /// The highest of all times.
    highest: u64,
    bar: Option<(UnixNanos, Nanos)>,
}

impl OrderCheck {
    pub(super) fn new(instruments: usize) -> Self {
        Self { time: UnixNanos(0), seen: vec![Seen::default(); instruments] }
    }

    /// Takes note of the event, unless it is refused.
    pub(super) fn take(&mut self, event: &MarketEvent) -> Result<(), RowProblem> {
        if event.time < self.time {
            return Err(RowProblem::OutOfOrder { before: self.time, now: event.time });
        }
        if let Some(seen) = self.seen.get_mut(usize::from(event.instrument.0)) {
            match &event.data {
                MarketData::Trade(trade) if trade.id != 0 => seen.trade(event.time, trade.id)?,
                MarketData::Bar(bar) => {
                    if seen.bar == Some((event.time, bar.interval)) {
                        return Err(RowProblem::Duplicate { what: "the bar".to_owned() });
                    }
                    seen.bar = Some((event.time, bar.interval));
                }
                _ => {}
            }
        }
        self.time = event.time;
        Ok(())
    }
}

impl Seen {
    fn trade(&mut self, time: UnixNanos, id: u64) -> Result<(), RowProblem> {
        let again = || RowProblem::Duplicate { what: format!("trade {id}") };
        if id == self.highest || (time == self.time && id < self.highest && self.ids.contains(&id))
        {
            return Err(again());
        }
        if time != self.time {
            self.time = time;
            self.ids.clear();
        }
        if self.ids.len() < IDS_PER_TIME_MAX {
            self.ids.push(id);
        }
        self.highest = self.highest.max(id);
        Ok(())
    }
}
