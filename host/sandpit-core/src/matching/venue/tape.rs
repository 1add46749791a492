//! What the market does to our orders: prints, quotes, the book, bars.

use alloc::vec::Vec;

use crate::{
    ids::ClientOrderId,
    market::{Bar, DepthUpdate, MarketData, Quote, Side, Trade},
    matching::{
        Touch, bars,
        desk::Desk,
        queue::{Line, Queue},
        venue::{Place, Role, Venue},
    },
    num::{Price, Quantity},
    order::ReportKind,
};

/// A trade of others, or a point of a bar's path.
#[derive(Clone, Copy)]
struct Print {
    price: Price,
    quantity: Quantity,
    aggressor: Option<Side>,
    /// The market jumped here: there was no trade at the prices that it passed.
    opens: bool,
}

impl Venue {
    /// A print that no market can have made is passed over; importers refuse it before.
    pub(in crate::matching) fn trade(&mut self, trade: &Trade, desk: &mut Desk<'_>) {
        if trade.price.0 <= 0 || trade.quantity <= Quantity::ZERO {
            return;
        }
        self.liquidity.saw_trade();
        if self.orders.is_empty() {
            self.liquidity.set_print(trade.price, trade.quantity);
            return self.revalue(desk);
        }
        let print = Print {
            price: trade.price,
            quantity: trade.quantity,
            aggressor: trade.aggressor,
            opens: false,
        };
        self.print(print, desk);
        self.revalue(desk);
    }

    pub(in crate::matching) fn quote(&mut self, quote: &Quote, desk: &mut Desk<'_>) {
        self.liquidity.set_quote(quote);
        if self.orders.is_empty() {
            return self.revalue(desk);
        }
        for side in [Side::Buy, Side::Sell] {
            let mut ids = core::mem::take(&mut self.ids);
            match self.liquidity.shown(side.opposite()) {
                Some(best) => self.resting.at_or_better(side, best, &mut ids),
                None => self.resting.all(side, &mut ids),
            }
            self.see_queues(&mut ids);
            self.ids = ids;
        }
        self.offers_changed(desk);
        self.revalue(desk);
    }

    pub(in crate::matching) fn depth(&mut self, update: &DepthUpdate, desk: &mut Desk<'_>) {
        self.liquidity.apply_depth(update);
        if self.orders.is_empty() || !self.liquidity.book_is_live() {
            return self.revalue(desk);
        }
        for (side, levels) in [(Side::Buy, &update.bids), (Side::Sell, &update.asks)] {
            let mut ids = core::mem::take(&mut self.ids);
            if update.snapshot {
                // It also says which levels are gone.
                self.resting.all(side, &mut ids);
            } else {
                for (price, _) in levels {
                    self.resting.at(side, *price, &mut ids);
                }
            }
            self.see_queues(&mut ids);
            self.ids = ids;
        }
        self.offers_changed(desk);
        self.revalue(desk);
    }

    /// Keeps what the market shows, and does nothing about it: the venue is closed. A print of that
    /// time is nothing that could still be had when it opens.
    pub(in crate::matching) fn observe(&mut self, data: &MarketData, desk: &mut Desk<'_>) {
        match data {
            MarketData::Trade(trade) if trade.price.0 > 0 && trade.quantity > Quantity::ZERO => {
                self.liquidity.saw_trade();
                self.liquidity.set_print(trade.price, Quantity::ZERO);
            }
            MarketData::Quote(quote) => self.liquidity.set_quote(quote),
            MarketData::Depth(update) => self.liquidity.apply_depth(update),
            MarketData::Bar(bar) if self.liquidity.bars_only() && bars::is_possible(bar) => {
                self.liquidity.set_print(bar.close, Quantity::ZERO);
            }
            MarketData::Mark(price) if price.0 > 0 => self.liquidity.set_mark(*price),
            MarketData::Funding(funding) => self.fund(funding, desk),
            MarketData::Trade(_) | MarketData::Bar(_) | MarketData::Mark(_) => {}
        }
    }

    /// Plays the path of a bar, where bars are all there is.
    pub(in crate::matching) fn bar(&mut self, bar: &Bar, desk: &mut Desk<'_>) {
        if !self.liquidity.bars_only() || !bars::is_possible(bar) {
            return;
        }
        let path = bars::path(bar, &self.rules, self.choices.bars);
        if self.orders.is_empty() {
            for (price, left) in path {
                self.liquidity.set_print(price, left);
                self.revalue(desk);
            }
            return;
        }
        let mut from = None;
        for (to, quantity) in path {
            let mut print = Print { price: to, quantity, aggressor: None, opens: from.is_none() };
            // The jump from the last close to the open meets nothing on its way; within the bar
            // the market passes every price, so a stop meets it at its trigger.
            while let Some(start) = from
                && self.liquidity.follows_prints(self.choices.triggers)
                && let Some(trigger) = self.triggers.between(start, to)
            {
                print.price = trigger;
                print.quantity = self.print(print, desk);
                from = Some(trigger);
            }
            print.price = to;
            self.print(print, desk);
            self.revalue(desk);
            from = Some(to);
        }
    }

    /// A print: makers that it passes, then triggers, then those who wait to take. Returns what is
    /// left of it.
    fn print(&mut self, print: Print, desk: &mut Desk<'_>) -> Quantity {
        let mut left = print.quantity;
        for side in [Side::Buy, Side::Sell] {
            left = self.hit_makers(side, print, left, desk);
        }
        self.liquidity.set_print(print.price, left);
        self.fire_seen(desk);
        self.serve_waiting(desk);
        self.liquidity.print_left()
    }

    /// Fills our makers of `side` that a print passes, or reaches when their queue is done, best
    /// price and earliest arrival first. Returns what they left of it.
    fn hit_makers(
        &mut self,
        side: Side,
        print: Print,
        mut left: Quantity,
        desk: &mut Desk<'_>,
    ) -> Quantity {
        let mut ids = core::mem::take(&mut self.ids);
        self.resting.at_or_better(side, print.price, &mut ids);
        for id in ids.drain(..) {
            let Some(live) = self.orders.get_mut(&id) else {
                continue;
            };
            let Place::Resting(limit) = live.place else {
                continue;
            };
            let available = if limit != print.price {
                // The market went through: whatever stood before us is done.
                if let Some(queue) = &mut live.queue {
                    queue.pass();
                }
                left
            } else if print.aggressor == Some(side) {
                // Who buys hits asks: a bid at the same price was not in its way.
                continue;
            } else {
                // The others before us get it first; our own before us have had theirs.
                match (&mut live.queue, self.choices.touch) {
                    (Some(queue), _) => queue.trade(print.quantity, left),
                    (None, Touch::Always) => left,
                    (None, Touch::Never) => continue,
                }
            };
            if available > Quantity::ZERO {
                let price = if print.opens { print.price } else { limit };
                left -= self.fill(id, price, available, Role::Maker, desk);
            }
        }
        self.ids = ids;
        left
    }

    /// A quote or the book changed: makers that it crosses, triggers where there are no prints,
    /// then those who wait to take.
    fn offers_changed(&mut self, desk: &mut Desk<'_>) {
        for side in [Side::Buy, Side::Sell] {
            let Some(opposite) = self.liquidity.shown(side) else {
                continue;
            };
            let mut ids = core::mem::take(&mut self.ids);
            self.resting.at_or_better(side, opposite, &mut ids);
            for id in ids.drain(..) {
                if let Some(live) = self.orders.get(&id)
                    && let Place::Resting(limit) = live.place
                {
                    // It made the price that the other side has come to, and fills at it.
                    self.meet(id, Some(limit), Role::Maker, desk);
                }
            }
            self.ids = ids;
        }
        if self.liquidity.follows_offers(self.choices.triggers) {
            self.fire_seen(desk);
        }
        self.serve_waiting(desk);
    }

    /// Looks at what is displayed where resting orders of one side stand, the earliest of each
    /// price first.
    fn see_queues(&mut self, ids: &mut Vec<ClientOrderId>) {
        let mut line = Line::default();
        for id in ids.drain(..) {
            if let Some(live) = self.orders.get_mut(&id)
                && let Place::Resting(limit) = live.place
                && let Some(displayed) = self.liquidity.displayed(live.order.side, limit)
            {
                let queue = live.queue.get_or_insert(Queue::join(displayed));
                queue.see(displayed, self.choices.queue, self.choices.unit);
                line.follow(limit, queue);
            }
        }
    }

    /// Fires what is reached.
    pub(super) fn fire_seen(&mut self, desk: &mut Desk<'_>) {
        if self.orders.is_empty() {
            return;
        }
        let sight = self.liquidity.sight(self.choices.triggers);
        let mut ids = core::mem::take(&mut self.ids);
        self.triggers.reach(sight, self.rules.price_tick(), &mut ids);
        for id in ids.drain(..) {
            self.trigger(id, desk);
        }
        self.ids = ids;
    }

    /// From here on the order is what its kind says: a market or a limit order.
    pub(super) fn trigger(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) {
        // What fired before it in the same move of the market may have ended it.
        if !self.orders.contains_key(&id) {
            return;
        }
        self.leave_place(id);
        self.end_partner(id, desk);
        desk.say(id, ReportKind::Triggered);
        self.work(id, desk);
    }

    /// Market orders that wait take what is offered now, in the order of their arrival.
    fn serve_waiting(&mut self, desk: &mut Desk<'_>) {
        if self.waiting.is_empty() {
            return;
        }
        let mut ids = core::mem::take(&mut self.ids);
        ids.extend(self.waiting.values());
        let mut sold_out = [false; 2];
        for id in ids.drain(..) {
            let Some(live) = self.orders.get(&id) else {
                continue;
            };
            let sold_out = &mut sold_out[usize::from(live.order.side == Side::Sell)];
            if !*sold_out {
                self.meet(id, None, Role::Taker, desk);
                *sold_out = self.orders.contains_key(&id);
            }
        }
        self.ids = ids;
    }
}
