//! The simulated venue: what would have become of an order on a recorded market.
//!
//! The market is a recording and does not react to us. What follows are the rules by which it
//! nevertheless fills orders; where the data does not say, the rule is the one that is worse for
//! us. `docs/authors/fills.md` tells authors the same, with examples.
//!
//! **What is offered.** With depth data, the visible levels; else the best bid and ask of the last
//! quote; else, with trades alone, the last print: its price and its quantity. With nothing but
//! bars, the four prints of [`bars::path`]. What we took is not offered again until the source
//! says something new of that level, side or print.
//!
//! **Takers.** A market order, and the part of a limit order that crosses, takes the best offers
//! first at their prices. What a market order does not get waits for the next offer; IOC is
//! canceled, FOK gets all at once or nothing.
//!
//! **Makers.** A resting limit order fills at its limit: when a trade passes its price, up to the
//! trade's quantity; when a trade is at its price, after what was displayed before it when it
//! joined has traded (less where less is displayed later), and not at all where that cannot be
//! seen, unless [`Touch::Always`]; and when the other side's offer comes to its price, up to what
//! is offered. Of our own orders the better price is first, then the earlier arrival.
//!
//! **Triggers** look at the last print, or, where there never was one, at the offer that the order
//! would take.
//!
//! **Not modelled:** our own impact, and trades between our own orders; they are not in the market.

mod bars;
mod liquidity;
mod resting;
mod triggers;
mod venue;

use alloc::vec::Vec;

use crate::{
    ids::{ClientOrderId, InstrumentId},
    instrument::Instrument,
    market::{MarketData, MarketEvent},
    num::{Price, Quantity},
    order::{Order, Report},
    time::UnixNanos,
};
use venue::{Counters, Desk, Venue};

/// Whether a resting order fills when the market trades at its price and nothing tells what stood
/// before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Touch {
    /// Only when the market trades through its price.
    #[default]
    Never,
    /// As if it were first in the queue: optimistic.
    Always,
}

/// Choices in how the venue fills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FillModel {
    /// Of orders whose queue cannot be seen.
    pub touch: Touch,
}

/// A venue for all instruments of a run. Everything it has to say is appended to `out`, in order.
#[derive(Clone, Debug)]
pub struct Exchange {
    venues: Vec<Venue>,
    counters: Counters,
}

impl Exchange {
    /// A venue without orders; [`InstrumentId`] is the index into `instruments`.
    #[must_use]
    pub fn new(instruments: &[Instrument], model: FillModel) -> Self {
        let venues = instruments
            .iter()
            .map(|rules| Venue::new(rules.clone(), model))
            .collect();
        Self {
            venues,
            counters: Counters::default(),
        }
    }

    /// The market moved: what that means for orders that are here.
    pub fn market(&mut self, event: &MarketEvent, out: &mut Vec<Report>) {
        let (venue, mut desk) = self.at(event.instrument, event.time, out);
        match &event.data {
            MarketData::Trade(trade) => venue.trade(trade, &mut desk),
            MarketData::Quote(quote) => venue.quote(quote, &mut desk),
            MarketData::Depth(update) => venue.depth(update, &mut desk),
            MarketData::Bar(bar) => venue.bar(bar, &mut desk),
        }
    }

    /// An order arrives: accepted or rejected, and what follows at once.
    pub fn submit(&mut self, order: Order, now: UnixNanos, out: &mut Vec<Report>) {
        let (venue, mut desk) = self.at(order.instrument, now, out);
        venue.submit(order, &mut desk);
    }

    /// A cancel arrives.
    pub fn cancel(
        &mut self,
        instrument: InstrumentId,
        id: ClientOrderId,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) {
        let (venue, mut desk) = self.at(instrument, now, out);
        venue.cancel(id, &mut desk);
    }

    /// A change arrives: a new total quantity, a new limit (or trigger where there is no limit). A
    /// larger quantity or another price goes to the end of the queue.
    pub fn amend(
        &mut self,
        (instrument, id): (InstrumentId, ClientOrderId),
        quantity: Option<Quantity>,
        price: Option<Price>,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) {
        let (venue, mut desk) = self.at(instrument, now, out);
        venue.amend(id, quantity, price, &mut desk);
    }

    /// When the next order expires.
    #[must_use]
    pub fn next_expiry(&self) -> Option<UnixNanos> {
        self.venues.iter().filter_map(Venue::next_expiry).min()
    }

    /// Ends the orders that have expired by `now`.
    pub fn expire(&mut self, now: UnixNanos, out: &mut Vec<Report>) {
        let Self { venues, counters } = self;
        for venue in venues {
            venue.expire(&mut Desk { now, counters, out });
        }
    }

    /// How many orders are here.
    #[must_use]
    pub fn open_orders(&self) -> usize {
        self.venues.iter().map(Venue::open_orders).sum()
    }

    fn at<'a>(
        &'a mut self,
        instrument: InstrumentId,
        now: UnixNanos,
        out: &'a mut Vec<Report>,
    ) -> (&'a mut Venue, Desk<'a>) {
        let Self { venues, counters } = self;
        (
            &mut venues[usize::from(instrument.0)],
            Desk { now, counters, out },
        )
    }
}
