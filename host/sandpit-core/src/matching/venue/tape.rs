//! What the market does to our orders: prints, quotes, the book, bars.

use crate::{
    ids::ClientOrderId,
    market::{Bar, DepthUpdate, Quote, Side, Trade},
    matching::{
        Touch, bars,
        desk::Desk,
        liquidity::less,
        triggers::Sight,
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
            return;
        }
        let print = Print {
            price: trade.price,
            quantity: trade.quantity,
            aggressor: trade.aggressor,
            opens: false,
        };
        self.print(print, desk);
    }

    pub(in crate::matching) fn quote(&mut self, quote: &Quote, desk: &mut Desk<'_>) {
        self.liquidity.set_quote(quote);
        if self.orders.is_empty() {
            return;
        }
        for side in [Side::Buy, Side::Sell] {
            let mut ids = core::mem::take(&mut self.ids);
            match self.liquidity.shown(side.opposite()) {
                Some(best) => self.resting.at_or_better(side, best, &mut ids),
                None => self.resting.all(side, &mut ids),
            }
            ids.drain(..).for_each(|id| self.see_queue(id));
            self.ids = ids;
        }
        self.offers_changed(desk);
    }

    pub(in crate::matching) fn depth(&mut self, update: &DepthUpdate, desk: &mut Desk<'_>) {
        self.liquidity.apply_depth(update);
        if self.orders.is_empty() || !self.liquidity.book_is_live() {
            return;
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
            ids.drain(..).for_each(|id| self.see_queue(id));
            self.ids = ids;
        }
        self.offers_changed(desk);
    }

    /// Plays the path of a bar, where bars are all there is.
    pub(in crate::matching) fn bar(&mut self, bar: &Bar, desk: &mut Desk<'_>) {
        if !self.liquidity.bars_only() || !bars::is_possible(bar) {
            return;
        }
        let path = bars::path(bar, &self.rules);
        if self.orders.is_empty() {
            let (close, left) = path[path.len() - 1];
            self.liquidity.set_print(close, left);
            return;
        }
        let mut from = None;
        for (to, quantity) in path {
            let mut print = Print { price: to, quantity, aggressor: None, opens: from.is_none() };
            // The jump from the last close to the open meets nothing on its way; within the bar
            // the market passes every price, so a stop meets it at its trigger.
            while let Some(start) = from
                && let Some(trigger) = self.triggers.between(start, to)
            {
                print.price = trigger;
                print.quantity = self.print(print, desk);
                from = Some(trigger);
            }
            print.price = to;
            self.print(print, desk);
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
        self.fire(Sight::print(print.price), desk);
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
                live.ahead = live.ahead.map(|_| Quantity::ZERO);
                left
            } else if print.aggressor == Some(side) {
                // Who buys hits asks: a bid at the same price was not in its way.
                continue;
            } else {
                // The others before us get it first; our own before us have had theirs.
                match (live.ahead, self.model.touch) {
                    (Some(ahead), _) => {
                        live.ahead = Some(less(ahead, left));
                        less(left, ahead)
                    }
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
        if self.liquidity.last().is_none() {
            self.fire(self.liquidity.sight(), desk);
        }
        self.serve_waiting(desk);
    }

    /// Looks at what is displayed where a resting order stands: no more than that can be before
    /// it.
    fn see_queue(&mut self, id: ClientOrderId) {
        if let Some(live) = self.orders.get_mut(&id)
            && let Place::Resting(limit) = live.place
            && let Some(displayed) = self.liquidity.displayed(live.order.side, limit)
        {
            live.ahead = Some(live.ahead.map_or(displayed, |ahead| ahead.min(displayed)));
        }
    }

    /// Fires what is reached.
    fn fire(&mut self, sight: Sight, desk: &mut Desk<'_>) {
        let mut ids = core::mem::take(&mut self.ids);
        self.triggers.reach(sight, self.rules.price_tick(), &mut ids);
        for id in ids.drain(..) {
            self.trigger(id, desk);
        }
        self.ids = ids;
    }

    /// From here on the order is what its kind says: a market or a limit order.
    pub(super) fn trigger(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) {
        self.leave_place(id);
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
