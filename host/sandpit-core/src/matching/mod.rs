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
//! joined has traded or gone ([`QueueModel`] says what counts as gone), and not at all where that
//! cannot be seen, unless [`Touch::Always`]; and when the other side's offer comes to its price, up to what
//! is offered. Of our own orders the better price is first, then the earlier arrival; they share
//! one print and one queue. Only where a bar opens beyond its price does it fill at the open.
//!
//! **Post-only** orders are rejected where their limit reaches the best offer's price, even if
//! nothing of that offer is left for us. **Reduce-only** looks at the plugin's own position here:
//! an order is rejected where there is nothing to reduce, and clipped when it fills.
//!
//! **Triggers** look at the last print, or, where there never was one, at the offer that the order
//! would take, unless [`TriggerSource`] says otherwise. The best price of a trailing stop is the
//! best of these since it was placed.
//!
//! **Money.** Fees are the instrument's, or a [`FeeSchedule`]'s by what the account traded. Funding
//! moves cash by [`Instrument::funding`]. Where an instrument has [`MarginRules`], an order that
//! would need more initial margin than there is is rejected, and a plugin whose equity falls to
//! its maintenance margin is liquidated.
//!
//! **Pairs.** A stop and a limit may be sent as a pair of which one ends the other: when either
//! trades, or the stop's trigger is reached, the other expires, and a cancel of one cancels both.
//!
//! **Balances.** After [`Exchange::lock_balances`] a sell is rejected where there is not enough of
//! the asset that no other sell locks; the two orders of a pair lock it once. What is paid with is
//! not looked at.
//!
//! **Closings.** While [`Maintenance`] lasts every request is refused and nothing matches.
//!
//! **Not modelled:** our own impact, and trades between our own orders; they are not in the market.

mod bars;
mod desk;
mod fees;
mod liquidity;
mod maintenance;
mod margin;
mod model;
mod queue;
mod resting;
mod triggers;
mod venue;

use alloc::vec::Vec;

use crate::{
    ids::{ClientOrderId, InstrumentId, PluginId},
    instrument::Instrument,
    market::{MarketData, MarketEvent, Side},
    num::{Money, Price, Quantity},
    order::{Order, Report, ReportKind},
    time::UnixNanos,
};
use desk::{Desk, Shared};
use fees::FeeDesk;
use venue::{UNKNOWN_ORDER, Venue};

pub use fees::{FeeSchedule, FeeScheduleError, FeeTier};
pub use maintenance::{Closing, Maintenance, MaintenanceError};
pub use margin::{Liquidation, MarginError, MarginRules, MarginTier};
pub use model::{BarPath, Beyond, FillModel, InstrumentModel, Touch, TriggerSource};
pub use queue::{QueueModel, Split};

/// What a closed venue says to every request.
const CLOSED: &str = "The venue is under maintenance.";

/// A venue for all instruments of a run. Everything it has to say is appended to `out`, in order.
#[derive(Clone, Debug)]
pub struct Exchange {
    venues: Vec<Venue>,
    shared: Shared,
    maintenance: Maintenance,
    /// Closings that have canceled the orders.
    closed: usize,
}

impl Exchange {
    /// A venue without orders; [`InstrumentId`] is the index into `instruments`.
    #[must_use]
    pub fn new(instruments: &[Instrument], model: FillModel) -> Self {
        let venues = (0u16..)
            .zip(instruments)
            .map(|(index, rules)| Venue::new(InstrumentId(index), rules.clone(), &model))
            .collect();
        let mut shared = Shared::default();
        shared.fees = model.fees.map(FeeDesk::new);
        shared.wallets.enabled = model.instruments.values().any(|own| own.margin.is_some());
        Self { venues, shared, maintenance: model.maintenance, closed: 0 }
    }

    /// Puts money into a plugin's margin account. Without it, a plugin has no margin at all.
    pub fn fund(&mut self, plugin: PluginId, amount: Money) {
        self.shared.wallets.fund(plugin, amount);
    }

    /// From now on a working sell locks what it would sell, as on a spot account without margin: one
    /// of more than all plugins have together, and no other sell locks, is rejected.
    pub fn lock_balances(&mut self) {
        for venue in &mut self.venues {
            venue.lock_balances();
        }
    }

    /// A plugin's position, from the venue's own fills.
    #[must_use]
    pub fn position(&self, plugin: PluginId, instrument: InstrumentId) -> Quantity {
        let venue = self.venues.get(usize::from(instrument.0));
        venue.map_or(Quantity::ZERO, |venue| venue.position(plugin))
    }

    /// What a plugin has gained here by now: realized PnL and funding, minus fees.
    #[must_use]
    pub fn cash(&self, plugin: PluginId) -> Money {
        self.venues.iter().map(|venue| venue.cash(plugin)).sum()
    }

    /// What a plugin has in its margin account: funds, cash and unrealized PnL. Only its funds where
    /// no instrument has margin rules: nothing is counted then.
    #[must_use]
    pub fn margin_equity(&self, plugin: PluginId) -> Money {
        self.shared.wallets.of(plugin).equity()
    }

    /// Takes the liquidations since the last time, in order. They come after all reports that were
    /// given in the same call.
    pub fn take_liquidations(&mut self) -> Vec<Liquidation> {
        core::mem::take(&mut self.shared.liquidations)
    }

    /// The market moved: what that means for orders that are here. Orders that end before that are
    /// to be ended before, with [`Self::expire`]. What instruments there are is the caller's to
    /// check: an event of another one means nothing here.
    pub fn market(&mut self, event: &MarketEvent, out: &mut Vec<Report>) {
        let is_closed = self.is_closed(event.time);
        let Some((venue, mut desk)) = self.at(event.instrument, event.time, out) else {
            return;
        };
        match &event.data {
            data if is_closed => return venue.observe(data, &mut desk),
            MarketData::Trade(trade) => venue.trade(trade, &mut desk),
            MarketData::Quote(quote) => venue.quote(quote, &mut desk),
            MarketData::Depth(update) => venue.depth(update, &mut desk),
            MarketData::Bar(bar) => venue.bar(bar, &mut desk),
            MarketData::Mark(price) => venue.mark(*price, &mut desk),
            MarketData::Funding(funding) => venue.fund(funding, &mut desk),
        }
        self.liquidate(event.time, out);
    }

    /// An order arrives: accepted or rejected, and what follows at once.
    pub fn submit(&mut self, order: Order, now: UnixNanos, out: &mut Vec<Report>) {
        let id = order.id;
        if self.is_closed(now) {
            return say(id, now, ReportKind::Rejected(CLOSED.into()), out);
        }
        match self.at(order.instrument, now, out) {
            Some((venue, mut desk)) => venue.submit(order, &mut desk),
            None => say(id, now, ReportKind::Rejected("Unknown instrument.".into()), out),
        }
        self.liquidate(now, out);
    }

    /// A pair of orders of one instrument arrives, of which one ends the other: both are accepted
    /// or both rejected.
    pub fn submit_pair(
        &mut self,
        stop: Order,
        profit: Order,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) {
        let ids = [stop.id, profit.id];
        let is_closed = self.is_closed(now);
        let reason = match self.at(stop.instrument, now, out) {
            _ if is_closed => CLOSED,
            Some((venue, mut desk)) => {
                venue.submit_pair(stop, profit, &mut desk);
                return self.liquidate(now, out);
            }
            None => "Unknown instrument.",
        };
        for id in ids {
            say(id, now, ReportKind::Rejected(reason.into()), out);
        }
    }

    /// A cancel of all orders of an instrument arrives. Nothing is said where there are none, or
    /// while the venue is closed.
    pub fn cancel_all(&mut self, instrument: InstrumentId, now: UnixNanos, out: &mut Vec<Report>) {
        if !self.is_closed(now)
            && let Some((venue, mut desk)) = self.at(instrument, now, out)
        {
            venue.cancel_all(&mut desk);
        }
    }

    /// A cancel arrives. One of a pair takes the other with it.
    pub fn cancel(
        &mut self,
        instrument: InstrumentId,
        id: ClientOrderId,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) {
        if self.is_closed(now) {
            return say(id, now, ReportKind::CancelRejected(CLOSED.into()), out);
        }
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
        if self.is_closed(now) {
            return say(id, now, ReportKind::AmendRejected(CLOSED.into()), out);
        }
        match self.at(instrument, now, out) {
            Some((venue, mut desk)) => venue.amend(id, quantity, price, &mut desk),
            None => say(id, now, ReportKind::AmendRejected(UNKNOWN_ORDER.into()), out),
        }
        self.liquidate(now, out);
    }

    /// When the next order ends of itself: because it expires, or because the venue closes. One
    /// look, however many orders and instruments there are.
    #[must_use]
    pub fn next_expiry(&self) -> Option<UnixNanos> {
        let expiry = self.shared.next_expiry().map(|(at, ..)| self.maintenance.opens(at));
        let closing = self.maintenance.next_cancel(self.closed);
        [expiry, closing].into_iter().flatten().min()
    }

    /// Ends the orders that have expired by `now`, the earliest first, and those that a closing
    /// ended.
    pub fn expire(&mut self, now: UnixNanos, out: &mut Vec<Report>) {
        self.close(now, out);
        if self.is_closed(now) {
            return;
        }
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

    /// What all orders of one side here could still trade; the two of a pair count once.
    #[must_use]
    pub fn working(&self, instrument: InstrumentId, side: Side) -> Quantity {
        let venue = self.venues.get(usize::from(instrument.0));
        venue.map_or(Quantity::ZERO, |venue| venue.working(side))
    }

    fn is_closed(&self, now: UnixNanos) -> bool {
        !self.maintenance.closings().is_empty() && self.maintenance.at(now).is_some()
    }

    /// Cancels all orders where a closing that does so has begun.
    fn close(&mut self, now: UnixNanos, out: &mut Vec<Report>) {
        if self.maintenance.next_cancel(self.closed).is_none_or(|from| from > now) {
            return;
        }
        self.closed = self.maintenance.begun(now);
        let Self { venues, shared, .. } = self;
        for venue in venues {
            venue.cancel_all(&mut Desk { now, shared, out });
        }
    }

    /// Closes the positions of those whose margin is used up, one instrument after the other until
    /// it is enough.
    fn liquidate(&mut self, now: UnixNanos, out: &mut Vec<Report>) {
        if !self.shared.wallets.enabled {
            return;
        }
        let Self { venues, shared, .. } = self;
        for plugin in shared.wallets.take_due() {
            for venue in &mut *venues {
                if shared.wallets.is_used_up(plugin) {
                    venue.liquidate(plugin, &mut Desk { now, shared, out });
                }
            }
        }
        // One plugin's end moves no price, so it makes nobody else due.
        shared.wallets.settle();
    }

    fn at<'a>(
        &'a mut self,
        instrument: InstrumentId,
        now: UnixNanos,
        out: &'a mut Vec<Report>,
    ) -> Option<(&'a mut Venue, Desk<'a>)> {
        let Self { venues, shared, .. } = self;
        let venue = venues.get_mut(usize::from(instrument.0))?;
        Some((venue, Desk { now, shared, out }))
    }
}

fn say(order: ClientOrderId, time: UnixNanos, kind: ReportKind, out: &mut Vec<Report>) {
    out.push(Report { order, time, kind });
}
