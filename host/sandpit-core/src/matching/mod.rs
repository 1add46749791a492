//! The simulated venue: what would have become of an order on a recorded market.
//!
//! The market is a recording and does not react to us. What follows are the rules by which it
//! nevertheless fills orders; where the data does not say, the rule is the one that is worse for
//! us. `docs/authors/fills.md` tells authors the same, with examples.
//!
//! **What is offered.** With depth data, the visible levels; else the best bid and ask of the last
//! quote; else, with trades alone, the last print: its price and its quantity. With nothing but
//! bars, the four prints of [`bars::path`]. What we took is not offered again until the source
//! says something new of that level, side or print; the same said again is nothing new. Fills are
//! whole steps of the quantity. What no market can have (a price or quantity that is not positive)
//! is passed over.
//!
//! **Takers.** A market order, and the part of a limit order that crosses, takes the best offers
//! first at their prices. What a market order does not get waits for the next offer; IOC is
//! canceled, FOK gets all at once or nothing.
//!
//! **Makers.** A resting limit order fills at its limit: when a trade passes its price, up to the
//! trade's quantity; when a trade is at its price, after what was displayed before it when it
//! joined has traded (less where less is displayed later), and not at all where that cannot be
//! seen, unless [`Touch::Always`]; and when the other side's offer comes to its price, up to what
//! is offered. Of our own orders the better price is first, then the earlier arrival; they share
//! one print and one queue. Only where a bar opens beyond its price does it fill at the open.
//!
//! **Post-only** orders are rejected where their limit reaches the best offer's price, even if
//! nothing of that offer is left for us. **Reduce-only** looks at the plugin's own position here:
//! an order is rejected where there is nothing to reduce, and clipped when it fills.
//!
//! **Triggers** look at the last print, or, where there never was one, at the offer that the order
//! would take. The best price of a trailing stop is the best of these since it was placed.
//!
//! **Not modelled:** our own impact, and trades between our own orders; they are not in the market.

mod bars;
mod desk;
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
    order::{Order, Report, ReportKind},
    time::UnixNanos,
};
use desk::{Desk, Shared};
use venue::{UNKNOWN_ORDER, Venue};

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
    shared: Shared,
}

impl Exchange {
    /// A venue without orders; [`InstrumentId`] is the index into `instruments`.
    #[must_use]
    pub fn new(instruments: &[Instrument], model: FillModel) -> Self {
        let venues = (0u16..)
            .zip(instruments)
            .map(|(index, rules)| Venue::new(InstrumentId(index), rules.clone(), model))
            .collect();
        Self { venues, shared: Shared::default() }
    }

    /// The market moved: what that means for orders that are here. Orders that end before that are
    /// to be ended before, with [`Self::expire`]. What instruments there are is the caller's to
    /// check: an event of another one means nothing here.
    pub fn market(&mut self, event: &MarketEvent, out: &mut Vec<Report>) {
        let Some((venue, mut desk)) = self.at(event.instrument, event.time, out) else {
            return;
        };
        match &event.data {
            MarketData::Trade(trade) => venue.trade(trade, &mut desk),
            MarketData::Quote(quote) => venue.quote(quote, &mut desk),
            MarketData::Depth(update) => venue.depth(update, &mut desk),
            MarketData::Bar(bar) => venue.bar(bar, &mut desk),
        }
    }

    /// An order arrives: accepted or rejected, and what follows at once.
    pub fn submit(&mut self, order: Order, now: UnixNanos, out: &mut Vec<Report>) {
        let id = order.id;
        match self.at(order.instrument, now, out) {
            Some((venue, mut desk)) => venue.submit(order, &mut desk),
            None => say(id, now, ReportKind::Rejected("Unknown instrument.".into()), out),
        }
    }

    /// A cancel arrives.
    pub fn cancel(
        &mut self,
        instrument: InstrumentId,
        id: ClientOrderId,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) {
        match self.at(instrument, now, out) {
            Some((venue, mut desk)) => venue.cancel(id, &mut desk),
            None => say(id, now, ReportKind::CancelRejected(UNKNOWN_ORDER.into()), out),
        }
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
        match self.at(instrument, now, out) {
            Some((venue, mut desk)) => venue.amend(id, quantity, price, &mut desk),
            None => say(id, now, ReportKind::AmendRejected(UNKNOWN_ORDER.into()), out),
        }
    }

    /// When the next order expires. One look, however many orders and instruments there are.
    #[must_use]
    pub fn next_expiry(&self) -> Option<UnixNanos> {
        self.shared.next_expiry().map(|(at, ..)| at)
    }

    /// Ends the orders that have expired by `now`, the earliest first.
    pub fn expire(&mut self, now: UnixNanos, out: &mut Vec<Report>) {
        while let Some((at, instrument, id)) = self.shared.next_expiry()
            && at <= now
            && let Some((venue, mut desk)) = self.at(instrument, now, out)
        {
            venue.end(id, ReportKind::Expired, &mut desk);
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
    ) -> Option<(&'a mut Venue, Desk<'a>)> {
        let Self { venues, shared } = self;
        let venue = venues.get_mut(usize::from(instrument.0))?;
        Some((venue, Desk { now, shared, out }))
    }
}

fn say(order: ClientOrderId, time: UnixNanos, kind: ReportKind, out: &mut Vec<Report>) {
    out.push(Report { order, time, kind });
}
