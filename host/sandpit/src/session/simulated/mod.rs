//! The simulated venue of a paper session, as another party: it has a market, matches by the
//! core's rules, and remembers by itself. It never sees the host's journal.
//!
//! Its memory is its log: every request, with how much of the market it had seen when it took it.
//! The market is recorded and matching is deterministic, so market and log together give all of
//! it again, with the same trade ids: orders, fills, positions. What the venue has once said stays
//! true: before anything that follows from the market is handed out, the log says how far the
//! market had gone. So after a restart there are things that the venue knows and the host never
//! heard of, as with any venue, and none the other way round.

mod books;
mod entry;
mod line;
mod log;
mod spec;
mod wire;

use std::path::Path;

use sandpit_core::{
    engine::{
        AccountFill, AmendOrder, CancelOrder, OrderStatus, QueryOrder, Reconcile, VenueSnapshot,
    },
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId},
    intent::TimeInForce,
    market::{MarketData, MarketEvent, Side},
    matching::{Exchange, Liquidation},
    num::{Money, Price, Quantity},
    order::{Order, OrderKind, Report, ReportKind},
    risk::Approved,
    time::UnixNanos,
};

pub(super) use books::is_ours;
pub(super) use line::SimulatedVenue;
pub(super) use spec::VenueSpec;

use super::{market::MarketSource, venue::VenueError};
use books::{BookedOrder, Books, EXTERNAL_RUN, Keep};
use entry::{Entry, Request, What};
use log::VenueLog;

/// What the venue says to an order whose name it has heard before.
const DUPLICATE: &str = "Duplicate order sent.";

/// A simulated venue with a memory that outlives the process.
pub(super) struct PaperVenue {
    exchange: Exchange,
    books: Books,
    market: Box<dyn MarketSource>,
    /// The market event that comes next.
    waiting: Option<MarketEvent>,
    /// Market events so far.
    position: u64,
    /// How far the log knows the market, and the time, to have gone.
    logged: (u64, UnixNanos),
    now: UnixNanos,
    log: VenueLog,
    /// Scratch, kept for its memory.
    said: Vec<Report>,
    /// Positions that were closed and nobody was told of.
    liquidated: Vec<Liquidation>,
}

impl PaperVenue {
    /// Opens a venue as it was when it was last heard of. `past` is shown the market that led
    /// there. With how many bytes of a cut write were cut off.
    pub(super) fn open(
        path: &Path,
        spec: &VenueSpec,
        market: Box<dyn MarketSource>,
        past: &mut dyn FnMut(&MarketEvent),
    ) -> Result<(Self, u64), VenueError> {
        Self::open_keeping(path, spec, market, past, Keep::RUNNING)
    }

    /// The same, to look at: it forgets nothing.
    pub(super) fn open_whole(
        path: &Path,
        spec: &VenueSpec,
        market: Box<dyn MarketSource>,
    ) -> Result<Self, VenueError> {
        Self::open_keeping(path, spec, market, &mut |_| {}, Keep::ALL).map(|(venue, _)| venue)
    }

    fn open_keeping(
        path: &Path,
        spec: &VenueSpec,
        mut market: Box<dyn MarketSource>,
        past: &mut dyn FnMut(&MarketEvent),
        keep: Keep,
    ) -> Result<(Self, u64), VenueError> {
        let waiting = market.next_event()?;
        let (log, mut entries) = VenueLog::open(path, &spec.head(), spec.synced)?;
        let mut venue = Self {
            exchange: spec.exchange(),
            books: Books::new(&spec.instruments, keep),
            market,
            waiting,
            position: 0,
            logged: (0, UnixNanos(0)),
            now: UnixNanos(0),
            log,
            said: Vec::new(),
            liquidated: Vec::new(),
        };
        while let Some(entry) = entries.next_entry()? {
            while venue.position < entry.after {
                let event = venue.advance_market()?.ok_or(VenueError::MarketTooShort {
                    events: venue.position,
                    wanted: entry.after,
                })?;
                venue.forget_said();
                past(&event);
            }
            venue.advance_clock(UnixNanos(entry.time));
            if let Some(request) = entry.what.request() {
                venue.take(request);
            }
            venue.forget_said();
            venue.logged = (entry.after, UnixNanos(entry.time));
        }
        let cut = venue.log.begin(&entries)?;
        Ok((venue, cut))
    }

    /// Lets the market go on to `until` while nobody listens: `past` is shown it, and what happens
    /// to orders meanwhile is told to nobody.
    pub(super) fn pass(
        &mut self,
        until: UnixNanos,
        past: &mut dyn FnMut(&MarketEvent),
    ) -> Result<(), VenueError> {
        while self.next_time().is_some_and(|time| time < until) {
            let Some(event) = self.advance_market()? else {
                break;
            };
            self.forget_said();
            past(&event);
        }
        self.advance_clock(until);
        self.forget_said();
        Ok(())
    }

    /// The venue's time.
    pub(super) const fn now(&self) -> UnixNanos {
        self.now
    }

    /// How many market events it has seen.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// When the market moves next; what a live market has ready moves at once.
    #[inline]
    pub(super) fn next_time(&self) -> Option<UnixNanos> {
        self.waiting.as_ref().map(|event| event.time).or_else(|| self.market.ready())
    }

    /// Where its market comes from.
    pub(super) fn market(&self) -> &dyn MarketSource {
        self.market.as_ref()
    }

    /// The same, to hear what it says of itself.
    pub(super) fn market_mut(&mut self) -> &mut dyn MarketSource {
        self.market.as_mut()
    }

    /// Whether no market event will come any more.
    pub(super) fn is_over(&self) -> bool {
        self.waiting.is_none() && !self.market.is_live()
    }

    /// When an order ends next by itself.
    #[inline]
    pub(super) fn next_expiry(&self) -> Option<UnixNanos> {
        self.exchange.next_expiry()
    }

    /// The market moves: its event for those who listen, and reports to the host.
    pub(super) fn publish(
        &mut self,
        out: &mut Vec<Report>,
    ) -> Result<Option<MarketEvent>, VenueError> {
        let event = self.advance_market()?;
        self.hand_out(out)?;
        Ok(event)
    }

    /// Time comes to `now`: orders end.
    pub(super) fn expire(
        &mut self,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) -> Result<(), VenueError> {
        self.advance_clock(now);
        self.hand_out(out)
    }

    /// An order arrives.
    pub(super) fn submit(
        &mut self,
        order: Approved<Order>,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) -> Result<(), VenueError> {
        self.receive(Request::Submit(order.into_inner()), now, out)
    }

    /// Two orders arrive of which one ends the other.
    pub(super) fn submit_pair(
        &mut self,
        stop: Approved<Order>,
        profit: Approved<Order>,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) -> Result<(), VenueError> {
        self.receive(Request::SubmitPair(stop.into_inner(), profit.into_inner()), now, out)
    }

    /// A cancel arrives.
    pub(super) fn cancel(
        &mut self,
        cancel: CancelOrder,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) -> Result<(), VenueError> {
        self.receive(Request::Cancel(cancel), now, out)
    }

    /// The end of all open orders of an instrument arrives.
    pub(super) fn cancel_all(
        &mut self,
        instrument: InstrumentId,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) -> Result<(), VenueError> {
        for order in self.books.open_of(instrument) {
            self.receive(Request::Cancel(CancelOrder { order, instrument }), now, out)?;
        }
        Ok(())
    }

    /// A change arrives.
    pub(super) fn amend(
        &mut self,
        amend: Approved<AmendOrder>,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) -> Result<(), VenueError> {
        self.receive(Request::Amend(amend.into_inner()), now, out)
    }

    /// What became of an order, however long ago.
    pub(super) fn query(
        &mut self,
        query: QueryOrder,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) -> Result<OrderStatus, VenueError> {
        self.expire(now, out)?;
        self.remember()?;
        Ok(OrderStatus { order: query.order, time: self.now, found: self.books.order(query.order) })
    }

    /// The account's books.
    pub(super) fn snapshot(
        &mut self,
        asked: Reconcile,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) -> Result<VenueSnapshot, VenueError> {
        self.expire(now, out)?;
        self.remember()?;
        Ok(VenueSnapshot {
            time: self.now,
            open: self.books.open(),
            fills: self.books.fills_since(asked.since),
            external_orders: self.books.external_orders(),
            positions: self.books.positions(),
        })
    }

    /// Positions that the venue closed from `since` on.
    pub(super) fn liquidations_since(&self, since: UnixNanos) -> Vec<Liquidation> {
        self.books.liquidations_since(since)
    }

    /// Positions that the venue closed since this was last asked.
    pub(super) fn take_liquidations(&mut self) -> Vec<Liquidation> {
        std::mem::take(&mut self.liquidated)
    }

    /// Somebody else trades with the account: a limit order, or one at the market. Its name.
    pub(super) fn trade_externally(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        quantity: Quantity,
        limit: Option<Price>,
    ) -> Result<ClientOrderId, VenueError> {
        let id = ClientOrderId {
            sequence: self.books.externals() + 1,
            plugin: PluginId(u16::MAX),
            run: EXTERNAL_RUN,
        };
        let order = Order {
            id,
            tag: OrderTag(0),
            instrument,
            side,
            quantity,
            kind: limit.map_or(OrderKind::Market, OrderKind::Limit),
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            reduce_only: false,
        };
        self.receive(Request::Submit(order), self.now, &mut Vec::new())?;
        Ok(id)
    }

    /// Everything that is remembered.
    pub(super) fn account(&self) -> Account<'_> {
        Account { books: &self.books }
    }

    /// Takes a request: first into the log, then into the market.
    fn receive(
        &mut self,
        request: Request,
        now: UnixNanos,
        out: &mut Vec<Report>,
    ) -> Result<(), VenueError> {
        let time = self.now.max(now);
        let what = match &request {
            Request::Submit(order) => What::from(order),
            Request::SubmitPair(stop, profit) => {
                What::SubmitPair { stop: stop.into(), profit: profit.into() }
            }
            Request::Cancel(cancel) => What::from(*cancel),
            Request::Amend(amend) => What::from(*amend),
        };
        self.market.keep()?;
        self.log.append(&Entry { after: self.position, time: time.0, what })?;
        self.logged = (self.position, time);
        self.advance_clock(time);
        self.take(request);
        self.hand_out(out)
    }

    /// Not for the books: they have an order of this name, and it goes on.
    fn refuse_duplicate(&mut self, order: ClientOrderId) {
        let kind = ReportKind::Rejected(DUPLICATE.to_owned());
        self.said.push(Report { order, time: self.now, kind });
    }

    fn take(&mut self, request: Request) {
        let (now, begin) = (self.now, self.said.len());
        match request {
            Request::Submit(order) if self.books.submitted(&order) => {
                self.exchange.submit(order, now, &mut self.said);
            }
            Request::Submit(order) => return self.refuse_duplicate(order.id),
            Request::SubmitPair(stop, profit) => {
                let [first, second] = [&stop, &profit].map(|order| self.books.submitted(order));
                if !(first && second) {
                    self.refuse_duplicate(stop.id);
                    return self.refuse_duplicate(profit.id);
                }
                self.exchange.submit_pair(stop, profit, now, &mut self.said);
            }
            Request::Cancel(cancel) => {
                self.exchange.cancel(cancel.instrument, cancel.order, now, &mut self.said);
            }
            Request::Amend(amend) => {
                let order = (amend.instrument, amend.order);
                self.exchange.amend(order, amend.quantity, amend.price, now, &mut self.said);
            }
        }
        self.book(begin);
    }

    fn advance_market(&mut self) -> Result<Option<MarketEvent>, VenueError> {
        if self.waiting.is_none() {
            self.waiting = self.market.next_event()?;
        }
        let Some(time) = self.waiting.as_ref().map(|event| event.time) else {
            return Ok(None);
        };
        self.advance_clock(time);
        let next = self.market.next_event()?;
        let Some(event) = std::mem::replace(&mut self.waiting, next) else {
            return Ok(None);
        };
        self.position += 1;
        let begin = self.said.len();
        self.exchange.market(&event, &mut self.said);
        if let MarketData::Funding(funding) = &event.data {
            self.books.funded(event.instrument, funding);
        }
        self.book(begin);
        Ok(Some(event))
    }

    /// Ends orders, each at its own time, so that it does not matter how often this is called.
    fn advance_clock(&mut self, now: UnixNanos) {
        while let Some(at) = self.exchange.next_expiry().filter(|at| *at <= now) {
            self.now = self.now.max(at);
            let begin = self.said.len();
            self.exchange.expire(self.now, &mut self.said);
            self.book(begin);
        }
        self.now = self.now.max(now);
    }

    fn book(&mut self, begin: usize) {
        for report in self.said.iter().skip(begin) {
            self.books.report(report);
        }
        for told in self.exchange.take_liquidations() {
            self.books.liquidated(told);
            self.liquidated.push(told);
        }
    }

    /// Nobody listened.
    fn forget_said(&mut self) {
        self.said.clear();
        self.liquidated.clear();
    }

    /// Gives the host what is about its orders, once it is certain to stay true.
    #[inline]
    fn hand_out(&mut self, out: &mut Vec<Report>) -> Result<(), VenueError> {
        if self.said.is_empty() && self.liquidated.is_empty() {
            return Ok(());
        }
        let ours = self.said.iter().any(|report| is_ours(report.order));
        if ours || !self.liquidated.is_empty() {
            self.remember()?;
        }
        out.extend(self.said.drain(..).filter(|report| is_ours(report.order)));
        Ok(())
    }

    /// Has the log say how far the market has gone: to be called before anybody may depend on it.
    #[inline]
    pub(super) fn remember(&mut self) -> Result<(), VenueError> {
        let reached = (self.position, self.now);
        if self.logged < reached {
            let entry = Entry { after: self.position, time: self.now.0, what: What::Spoke };
            self.market.keep()?;
            self.log.append(&entry)?;
            self.logged = reached;
        }
        Ok(())
    }
}

impl PaperVenue {
    /// One plugin more trades here.
    pub(super) fn fund(&mut self, plugin: PluginId, budget: Money) {
        self.exchange.fund(plugin, budget);
    }
}

/// The account as the venue has it, to look at.
pub(super) struct Account<'a> {
    books: &'a Books,
}

impl<'a> Account<'a> {
    pub(super) fn orders(&self) -> impl Iterator<Item = &'a BookedOrder> {
        self.books.all()
    }

    pub(super) fn fills(&self) -> impl Iterator<Item = &'a AccountFill> {
        self.books.all_fills()
    }

    pub(super) fn positions(&self) -> Vec<(InstrumentId, Quantity)> {
        self.books.positions()
    }

    pub(super) const fn cash(&self) -> Money {
        self.books.cash()
    }

    pub(super) const fn duplicates(&self) -> u64 {
        self.books.duplicates()
    }
}

#[cfg(test)]
mod tests;
