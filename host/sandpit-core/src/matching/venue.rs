//! One instrument at the venue: its offers, our orders, and how the one meets the other.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use crate::{
    ids::{ClientOrderId, PluginId, TradeId, VenueOrderId},
    instrument::Instrument,
    intent::TimeInForce,
    market::{Bar, DepthUpdate, Quote, Side, Trade},
    matching::{
        FillModel, Touch, bars,
        liquidity::{Liquidity, is_worse},
        resting::Resting,
        triggers::{Triggers, is_rising, trailing_trigger},
    },
    num::{Price, Quantity},
    order::{Fill, Order, OrderKind, Report, ReportKind},
    time::UnixNanos,
};

/// What all instruments share.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    trades: u64,
    orders: u64,
}

/// One call's surroundings.
pub(super) struct Desk<'a> {
    pub(super) now: UnixNanos,
    pub(super) counters: &'a mut Counters,
    pub(super) out: &'a mut Vec<Report>,
}

impl Desk<'_> {
    fn say(&mut self, order: ClientOrderId, kind: ReportKind) {
        self.out.push(Report {
            order,
            time: self.now,
            kind,
        });
    }
}

/// Where an order waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nowhere yet.
    Arriving,
    /// A market order for the next offer.
    Waiting,
    /// A limit order to be hit.
    Resting(Price),
    /// A trigger to be reached.
    Trigger { rising: bool, price: Price },
    /// A trailing trigger, with the best price so far.
    Trailing { best: Price },
}

#[derive(Clone, Debug)]
struct Live {
    order: Order,
    filled: Quantity,
    place: Place,
    arrival: u64,
    /// What stands before us at our price; `None` where it cannot be seen.
    ahead: Option<Quantity>,
}

impl Live {
    fn remaining(&self) -> Quantity {
        self.order.quantity - self.filled
    }
}

/// One instrument.
#[derive(Clone, Debug)]
pub(super) struct Venue {
    rules: Instrument,
    model: FillModel,
    liquidity: Liquidity,
    orders: BTreeMap<ClientOrderId, Live>,
    resting: Resting,
    triggers: Triggers,
    waiting: BTreeSet<(u64, ClientOrderId)>,
    expiries: BTreeSet<(UnixNanos, ClientOrderId)>,
    /// From this venue's own fills; what reduce-only looks at.
    positions: BTreeMap<PluginId, Quantity>,
    /// Scratch, kept for its memory.
    ids: Vec<ClientOrderId>,
}

impl Venue {
    pub(super) fn new(rules: Instrument, model: FillModel) -> Self {
        Self {
            rules,
            model,
            liquidity: Liquidity::default(),
            orders: BTreeMap::new(),
            resting: Resting::default(),
            triggers: Triggers::default(),
            waiting: BTreeSet::new(),
            expiries: BTreeSet::new(),
            positions: BTreeMap::new(),
            ids: Vec::new(),
        }
    }

    pub(super) fn open_orders(&self) -> usize {
        self.orders.len()
    }

    // ---------------------------------------------------------------- the market moves

    pub(super) fn trade(&mut self, trade: &Trade, desk: &mut Desk<'_>) {
        self.liquidity.saw_trade();
        if self.orders.is_empty() {
            self.liquidity.set_print(trade.price, trade.quantity);
        } else {
            self.print(trade.price, trade.quantity, trade.aggressor, desk);
        }
    }

    pub(super) fn quote(&mut self, quote: &Quote, desk: &mut Desk<'_>) {
        self.liquidity.set_quote(quote);
        if self.orders.is_empty() {
            return;
        }
        self.see_queue(Side::Buy, quote.bid_price);
        self.see_queue(Side::Sell, quote.ask_price);
        self.offers_changed(desk);
    }

    pub(super) fn depth(&mut self, update: &DepthUpdate, desk: &mut Desk<'_>) {
        // A book that lost its thread offers nothing until its next snapshot; the engine alerts.
        let in_order = self.liquidity.apply_depth(update).is_ok();
        if self.orders.is_empty() || !in_order {
            return;
        }
        for (side, levels) in [(Side::Buy, &update.bids), (Side::Sell, &update.asks)] {
            let prices = levels.iter().map(|(price, _)| *price);
            let farthest = match side {
                Side::Buy => prices.min(),
                Side::Sell => prices.max(),
            };
            if let Some(farthest) = farthest {
                self.see_queue(side, farthest);
            }
        }
        self.offers_changed(desk);
    }

    pub(super) fn bar(&mut self, bar: &Bar, desk: &mut Desk<'_>) {
        if !self.liquidity.bars_only() {
            return;
        }
        let mut from = None;
        for (to, quantity) in bars::path(bar, &self.rules) {
            let mut left = quantity;
            // The jump from the last close to the open meets nothing on its way; within the bar
            // the market passes every price.
            while let Some(start) = from
                && let Some(trigger) = self.triggers.between(start, to)
            {
                left = self.print(trigger, left, None, desk);
                from = Some(trigger);
            }
            self.print(to, left, None, desk);
            from = Some(to);
        }
    }

    /// A print at `price`: makers that it passes, then triggers, then those who wait to take.
    /// Returns what is left of it.
    fn print(
        &mut self,
        price: Price,
        quantity: Quantity,
        aggressor: Option<Side>,
        desk: &mut Desk<'_>,
    ) -> Quantity {
        let mut left = quantity;
        for side in [Side::Buy, Side::Sell] {
            // Who buys hits asks: a bid at the same price was not in its way.
            let at_price = aggressor != Some(side);
            left = self.hit_makers(side, price, left, at_price, desk);
        }
        self.liquidity.set_print(price, left);
        self.fire(price, price, desk);
        self.serve_waiting(desk);
        self.liquidity.print_left()
    }

    /// Fills our makers of `side` that a print at `price` passes, or reaches when their queue is
    /// done.
    fn hit_makers(
        &mut self,
        side: Side,
        price: Price,
        mut left: Quantity,
        at_price: bool,
        desk: &mut Desk<'_>,
    ) -> Quantity {
        let mut ids = core::mem::take(&mut self.ids);
        self.resting.at_or_better(side, price, &mut ids);
        let printed = left;
        for id in ids.drain(..) {
            let Some(live) = self.orders.get_mut(&id) else {
                continue;
            };
            let Place::Resting(limit) = live.place else {
                continue;
            };
            let available = if limit != price {
                left
            } else if !at_price {
                continue;
            } else {
                match (live.ahead, self.model.touch) {
                    (Some(ahead), _) => {
                        live.ahead = Some((ahead - printed).max(Quantity::ZERO));
                        left.min((printed - ahead).max(Quantity::ZERO))
                    }
                    (None, Touch::Always) => left,
                    (None, Touch::Never) => continue,
                }
            };
            if available.is_zero() {
                continue;
            }
            left -= self.fill(id, limit, available, true, desk);
        }
        self.ids = ids;
        left
    }

    /// A quote or the book changed: makers that it crosses, triggers where there are no prints,
    /// then those who wait to take.
    fn offers_changed(&mut self, desk: &mut Desk<'_>) {
        for side in [Side::Buy, Side::Sell] {
            let Some(opposite) = self.liquidity.touch(side) else {
                continue;
            };
            let mut ids = core::mem::take(&mut self.ids);
            self.resting.at_or_better(side, opposite, &mut ids);
            for id in ids.drain(..) {
                self.cross(id, side, desk);
            }
            self.ids = ids;
        }
        if !self.liquidity.has_prints()
            && let (Some(ask), Some(bid)) = (
                self.liquidity.touch(Side::Buy),
                self.liquidity.touch(Side::Sell),
            )
        {
            self.fire(ask, bid, desk);
        }
        self.serve_waiting(desk);
    }

    /// A resting order whose price the other side has come to: it made the price, and fills at it.
    fn cross(&mut self, id: ClientOrderId, side: Side, desk: &mut Desk<'_>) {
        while let Some(live) = self.orders.get(&id)
            && let Place::Resting(limit) = live.place
            && let Some((price, available)) = self.liquidity.best(side, Some(limit))
        {
            let done = self.fill(id, limit, available, true, desk);
            if done.is_zero() {
                return;
            }
            self.liquidity.take(side, price, done);
        }
    }

    /// Looks at what is displayed where our orders at `price` or better stand: no more than that
    /// can be before them.
    fn see_queue(&mut self, side: Side, price: Price) {
        let mut ids = core::mem::take(&mut self.ids);
        self.resting.at_or_better(side, price, &mut ids);
        for id in ids.drain(..) {
            let Some(live) = self.orders.get_mut(&id) else {
                continue;
            };
            let Place::Resting(limit) = live.place else {
                continue;
            };
            if let Some(displayed) = self.liquidity.displayed(side, limit) {
                live.ahead = Some(live.ahead.map_or(displayed, |ahead| ahead.min(displayed)));
            }
        }
        self.ids = ids;
    }

    /// Fires what is reached when buyers see `ask` and sellers `bid`; a print is both.
    fn fire(&mut self, ask: Price, bid: Price, desk: &mut Desk<'_>) {
        self.trail(ask, bid);
        let mut ids = core::mem::take(&mut self.ids);
        self.triggers.reached(ask, &mut ids);
        if bid != ask {
            self.triggers.reached(bid, &mut ids);
        }
        for id in ids.drain(..) {
            let Some(live) = self.orders.get(&id) else {
                continue;
            };
            let Place::Trigger { rising, price } = live.place else {
                continue;
            };
            let seen = if live.order.side == Side::Buy {
                ask
            } else {
                bid
            };
            if (rising && seen >= price) || (!rising && seen <= price) {
                self.trigger(id, desk);
            }
        }
        self.ids = ids;
        let trailing: Vec<_> = self.triggers.trailing().to_vec();
        for id in trailing {
            let Some(live) = self.orders.get(&id) else {
                continue;
            };
            let (Place::Trailing { best }, OrderKind::TrailingStop(offset)) =
                (live.place, live.order.kind)
            else {
                continue;
            };
            let (side, tick) = (live.order.side, self.rules.price_tick());
            let trigger = trailing_trigger(side, offset, best, tick);
            let fired = if side == Side::Buy {
                ask >= trigger
            } else {
                bid <= trigger
            };
            if fired {
                self.trigger(id, desk);
            }
        }
    }

    fn trail(&mut self, ask: Price, bid: Price) {
        for id in self.triggers.trailing() {
            if let Some(live) = self.orders.get_mut(id)
                && let Place::Trailing { best } = &mut live.place
            {
                *best = if live.order.side == Side::Buy {
                    ask.min(*best)
                } else {
                    bid.max(*best)
                };
            }
        }
    }

    fn trigger(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) {
        self.leave_place(id);
        desk.say(id, ReportKind::Triggered);
        self.work(id, desk);
    }

    fn serve_waiting(&mut self, desk: &mut Desk<'_>) {
        if self.waiting.is_empty() {
            return;
        }
        let mut ids = core::mem::take(&mut self.ids);
        ids.extend(self.waiting.iter().map(|(_, id)| *id));
        for id in ids.drain(..) {
            self.take(id, None, desk);
        }
        self.ids = ids;
    }

    // ---------------------------------------------------------------- our orders

    pub(super) fn submit(&mut self, order: Order, desk: &mut Desk<'_>) {
        let id = order.id;
        if let Some(reason) = self.objection(&order) {
            desk.say(id, ReportKind::Rejected(String::from(reason)));
            return;
        }
        desk.counters.orders += 1;
        let arrival = desk.counters.orders;
        desk.say(id, ReportKind::Accepted(VenueOrderId(arrival)));
        let conditional = order.kind.is_conditional();
        let live = Live {
            order,
            filled: Quantity::ZERO,
            place: Place::Arriving,
            arrival,
            ahead: None,
        };
        if let TimeInForce::Gtd(until) = live.order.time_in_force {
            self.expiries.insert((until, id));
        }
        self.orders.insert(id, live);
        if conditional {
            self.await_trigger(id, desk);
        } else {
            self.work(id, desk);
        }
    }

    pub(super) fn cancel(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) {
        if self.remove(id) {
            desk.say(id, ReportKind::Canceled);
        } else {
            desk.say(
                id,
                ReportKind::CancelRejected(String::from("Unknown order sent.")),
            );
        }
    }

    pub(super) fn next_expiry(&self) -> Option<UnixNanos> {
        self.expiries.first().map(|(until, _)| *until)
    }

    pub(super) fn expire(&mut self, desk: &mut Desk<'_>) {
        while let Some((until, id)) = self.expiries.first().copied()
            && until <= desk.now
        {
            self.end(id, ReportKind::Expired, desk);
        }
    }

    /// Why the venue would not have the order.
    fn objection(&self, order: &Order) -> Option<&'static str> {
        let touch = self.liquidity.touch(order.side);
        if self.orders.contains_key(&order.id) {
            return Some("Duplicate order sent.");
        }
        if order.kind.limit().is_none() && touch.is_none() && self.liquidity.last().is_none() {
            return Some("No price is known for the instrument yet.");
        }
        if order.reduce_only && self.reducible(order.id.plugin, order.side).is_zero() {
            return Some("ReduceOnly order is rejected: there is no position to reduce.");
        }
        if let (true, Some(limit), Some(touch)) = (order.post_only, order.kind.limit(), touch)
            && !is_worse(order.side, touch, limit)
        {
            return Some("Order would immediately match and take.");
        }
        None
    }

    fn await_trigger(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) {
        let seen = |side| {
            let last = self.liquidity.last();
            if last.is_some() {
                last
            } else {
                self.liquidity.touch(side)
            }
        };
        let Some(live) = self.orders.get_mut(&id) else {
            return;
        };
        let (side, kind) = (live.order.side, live.order.kind);
        let now_at = seen(side);
        let fired = if let (OrderKind::TrailingStop(_), Some(best)) = (kind, now_at) {
            live.place = Place::Trailing { best };
            self.triggers.insert_trailing(id);
            false
        } else if let Some(price) = kind.trigger() {
            let rising = is_rising(side, kind);
            live.place = Place::Trigger { rising, price };
            self.triggers.insert(rising, price, live.arrival, id);
            // The market may have got there while the order was on its way.
            now_at.is_some_and(|at| if rising { at >= price } else { at <= price })
        } else {
            false
        };
        if fired {
            self.trigger(id, desk);
        }
    }

    /// Lets a market or limit order, or one whose trigger was reached, take what it can and then
    /// wait, rest or end.
    fn work(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) {
        let Some(live) = self.orders.get(&id) else {
            return;
        };
        let (side, limit) = (live.order.side, live.order.kind.limit());
        let (time_in_force, remaining) = (live.order.time_in_force, live.remaining());
        if time_in_force == TimeInForce::Fok
            && self.liquidity.total(side, limit) < i128::from(remaining.0)
        {
            return self.end(id, ReportKind::Canceled, desk);
        }
        self.take(id, limit, desk);
        let Some(live) = self.orders.get_mut(&id) else {
            return;
        };
        if matches!(time_in_force, TimeInForce::Ioc | TimeInForce::Fok) {
            return self.end(id, ReportKind::Canceled, desk);
        }
        let arrival = live.arrival;
        match limit {
            Some(price) => {
                live.place = Place::Resting(price);
                live.ahead = self.liquidity.displayed(side, price);
                self.resting.insert(side, price, arrival, id);
            }
            None => {
                live.place = Place::Waiting;
                self.waiting.insert((arrival, id));
            }
        }
    }

    /// Takes offers up to `limit`.
    fn take(&mut self, id: ClientOrderId, limit: Option<Price>, desk: &mut Desk<'_>) {
        while let Some(live) = self.orders.get(&id)
            && let side = live.order.side
            && let Some((price, available)) = self.liquidity.best(side, limit)
        {
            let done = self.fill(id, price, available, false, desk);
            if done.is_zero() {
                return;
            }
            self.liquidity.take(side, price, done);
        }
    }

    /// Fills at most `available` and returns how much it was. Ends the order where nothing remains,
    /// or where it may only reduce and there is nothing left to reduce.
    fn fill(
        &mut self,
        id: ClientOrderId,
        price: Price,
        available: Quantity,
        maker: bool,
        desk: &mut Desk<'_>,
    ) -> Quantity {
        let Some(live) = self.orders.get(&id) else {
            return Quantity::ZERO;
        };
        let (side, reduce_only) = (live.order.side, live.order.reduce_only);
        let mut quantity = available.min(live.remaining());
        if reduce_only {
            quantity = quantity.min(self.reducible(id.plugin, side));
        }
        let notional = self.rules.notional(price, quantity);
        let (Some(notional), false) = (notional, quantity.is_zero()) else {
            self.end(id, ReportKind::Canceled, desk);
            return Quantity::ZERO;
        };
        desk.counters.trades += 1;
        let trade_id = TradeId(desk.counters.trades);
        let fee = self.rules.fee(notional, maker);
        desk.say(
            id,
            ReportKind::Filled(Fill {
                trade_id,
                price,
                quantity,
                fee,
                maker,
            }),
        );
        *self.positions.entry(id.plugin).or_default() += side.signed(quantity);
        let remaining = self.orders.get_mut(&id).map_or(Quantity::ZERO, |live| {
            live.filled += quantity;
            live.remaining()
        });
        if remaining.is_zero() {
            self.remove(id);
        } else if reduce_only && self.reducible(id.plugin, side).is_zero() {
            self.end(id, ReportKind::Canceled, desk);
        }
        quantity
    }

    /// How much of `side` would shrink the plugin's position.
    fn reducible(&self, plugin: PluginId, side: Side) -> Quantity {
        let position = self.positions.get(&plugin).copied().unwrap_or_default();
        match side {
            Side::Buy => -position,
            Side::Sell => position,
        }
        .max(Quantity::ZERO)
    }

    /// Ends an order as the owner, the clock or the venue wants it.
    fn end(&mut self, id: ClientOrderId, how: ReportKind, desk: &mut Desk<'_>) {
        if self.remove(id) {
            desk.say(id, how);
        }
    }

    fn remove(&mut self, id: ClientOrderId) -> bool {
        self.leave_place(id);
        let Some(live) = self.orders.remove(&id) else {
            return false;
        };
        if let TimeInForce::Gtd(until) = live.order.time_in_force {
            self.expiries.remove(&(until, id));
        }
        true
    }

    fn leave_place(&mut self, id: ClientOrderId) {
        let Some(live) = self.orders.get_mut(&id) else {
            return;
        };
        match core::mem::replace(&mut live.place, Place::Arriving) {
            Place::Arriving => {}
            Place::Waiting => {
                self.waiting.remove(&(live.arrival, id));
            }
            Place::Resting(price) => self
                .resting
                .remove(live.order.side, price, live.arrival, id),
            Place::Trigger { rising, price } => {
                self.triggers.remove(rising, price, live.arrival, id)
            }
            Place::Trailing { .. } => self.triggers.remove_trailing(id),
        }
    }

    pub(super) fn amend(
        &mut self,
        id: ClientOrderId,
        quantity: Option<Quantity>,
        price: Option<Price>,
        desk: &mut Desk<'_>,
    ) {
        if let Err(reason) = self.change(id, quantity, price, desk) {
            desk.say(id, ReportKind::AmendRejected(String::from(reason)));
        }
    }

    fn change(
        &mut self,
        id: ClientOrderId,
        quantity: Option<Quantity>,
        price: Option<Price>,
        desk: &mut Desk<'_>,
    ) -> Result<(), &'static str> {
        let live = self.orders.get(&id).ok_or("Unknown order sent.")?;
        let mut order = live.order.clone();
        order.quantity = quantity.unwrap_or(order.quantity);
        if order.quantity <= live.filled {
            return Err("The new quantity is filled already.");
        }
        if let Some(price) = price {
            order.kind = repriced(order.kind, price).ok_or("The order has no price to change.")?;
        }
        let resting = matches!(live.place, Place::Resting(_));
        if let (true, true, Some(limit), Some(touch)) = (
            resting,
            order.post_only,
            order.kind.limit(),
            self.liquidity.touch(order.side),
        ) && !is_worse(order.side, touch, limit)
        {
            return Err("Order would immediately match and take.");
        }
        let keeps_place = order.kind == live.order.kind && order.quantity <= live.order.quantity;
        desk.say(
            id,
            ReportKind::Amended {
                quantity: order.quantity,
                kind: order.kind,
            },
        );
        let waits_for_trigger =
            matches!(live.place, Place::Trigger { .. } | Place::Trailing { .. });
        if keeps_place || matches!(live.place, Place::Waiting) {
            if let Some(live) = self.orders.get_mut(&id) {
                live.order = order;
            }
            return Ok(());
        }
        let trailing = match live.place {
            Place::Trailing { best } => Some(best),
            _ => None,
        };
        self.leave_place(id);
        desk.counters.orders += 1;
        if let Some(live) = self.orders.get_mut(&id) {
            live.order = order;
            live.arrival = desk.counters.orders;
        }
        match (waits_for_trigger, trailing) {
            (true, Some(best)) => {
                if let Some(live) = self.orders.get_mut(&id) {
                    live.place = Place::Trailing { best };
                }
                self.triggers.insert_trailing(id);
            }
            (true, None) => self.await_trigger(id, desk),
            (false, _) => self.work(id, desk),
        }
        Ok(())
    }
}

/// The same kind with another limit, or another trigger where there is no limit.
fn repriced(kind: OrderKind, price: Price) -> Option<OrderKind> {
    match kind {
        OrderKind::Limit(_) => Some(OrderKind::Limit(price)),
        OrderKind::StopLimit { trigger, .. } => Some(OrderKind::StopLimit {
            trigger,
            limit: price,
        }),
        OrderKind::Stop(_) => Some(OrderKind::Stop(price)),
        OrderKind::TakeProfit(_) => Some(OrderKind::TakeProfit(price)),
        OrderKind::Market | OrderKind::TrailingStop(_) => None,
    }
}
