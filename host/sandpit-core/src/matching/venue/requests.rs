//! What we ask of the venue: orders, cancels, changes.

use alloc::string::String;

use crate::{
    ids::{ClientOrderId, VenueOrderId},
    instrument::Instrument,
    intent::TimeInForce,
    matching::{
        desk::Desk,
        liquidity::is_worse,
        triggers::{Trail, is_rising},
        venue::{Live, Place, Venue},
    },
    num::{Price, Quantity},
    order::{Order, OrderKind, ReportKind},
};

const BAD_QUANTITY: &str = "The quantity is not one of this instrument.";
const BAD_PRICE: &str = "The price is out of bounds.";
const NO_MARGIN: &str = "Margin is insufficient.";
const NO_BALANCE: &str = "Account has insufficient balance for requested action.";
const WOULD_TAKE: &str = "Order would immediately match and take.";
/// The venue does not know the order, or knows it no more.
pub(in crate::matching) const UNKNOWN_ORDER: &str = "Unknown order sent.";

impl Venue {
    pub(in crate::matching) fn submit(&mut self, order: Order, desk: &mut Desk<'_>) {
        let id = order.id;
        if let Some(reason) = self.objection(&order, desk) {
            desk.say(id, ReportKind::Rejected(String::from(reason)));
            return;
        }
        self.accept(order, desk);
    }

    /// Takes in an order to which nothing is objected.
    pub(super) fn accept(&mut self, order: Order, desk: &mut Desk<'_>) {
        let id = order.id;
        let arrival = desk.arrive();
        desk.say(id, ReportKind::Accepted(VenueOrderId(arrival)));
        let conditional = order.kind.is_conditional();
        if let TimeInForce::Gtd(until) = order.time_in_force {
            desk.expire_at(until, self.instrument, id);
        }
        let live = Live {
            order,
            filled: Quantity::ZERO,
            place: Place::Arriving,
            arrival,
            queue: None,
            counted: Quantity::ZERO,
        };
        self.orders.insert(id, live);
        self.recount(id, false, desk);
        if conditional {
            self.await_trigger(id, desk);
        } else {
            self.work(id, desk);
        }
    }

    pub(in crate::matching) fn cancel(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) {
        if self.orders.contains_key(&id) {
            self.end(id, ReportKind::Canceled, desk);
        } else {
            let reason = String::from(UNKNOWN_ORDER);
            desk.say(id, ReportKind::CancelRejected(reason));
        }
    }

    pub(in crate::matching) fn amend(
        &mut self,
        id: ClientOrderId,
        quantity: Option<Quantity>,
        price: Option<Price>,
        desk: &mut Desk<'_>,
    ) {
        match self.changed(id, quantity, price, desk) {
            Ok(order) => self.replace(id, order, desk),
            Err(reason) => desk.say(id, ReportKind::AmendRejected(String::from(reason))),
        }
    }

    /// Why the venue would not have the order.
    pub(super) fn objection(&self, order: &Order, desk: &Desk<'_>) -> Option<&'static str> {
        let now = desk.now;
        let may_rest = matches!(order.kind, OrderKind::Limit(_))
            && matches!(order.time_in_force, TimeInForce::Gtc | TimeInForce::Gtd(_));
        if self.orders.contains_key(&order.id) {
            Some("Duplicate order sent.")
        } else if !self.is_quantity(order.quantity) {
            Some(BAD_QUANTITY)
        } else if !has_possible_prices(order.kind) {
            Some(BAD_PRICE)
        } else if matches!(order.time_in_force, TimeInForce::Gtd(until) if until <= now) {
            Some("The order's time is over.")
        } else if order.kind.limit().is_none() && !self.knows_a_price(order) {
            Some("No price is known for the instrument yet.")
        } else if order.reduce_only && self.reducible(order.plugin(), order.side).is_zero() {
            Some("ReduceOnly order is rejected: there is no position to reduce.")
        } else if order.post_only && !may_rest {
            Some("Post-only is for limit orders that may rest.")
        } else if order.post_only && self.would_take(order) {
            Some(WOULD_TAKE)
        } else if !order.reduce_only && !self.carries(order, order.quantity, desk) {
            Some(NO_MARGIN)
        } else if !self.has_balance_for(order.side, order.quantity) {
            Some(NO_BALANCE)
        } else {
            None
        }
    }

    /// Whether the plugin's margin carries `more` of this order.
    fn carries(&self, order: &Order, more: Quantity, desk: &Desk<'_>) -> bool {
        let price = order.kind.limit().or(order.kind.trigger());
        self.has_margin_for(order.plugin(), order.side, more, price, desk)
    }

    /// In whole steps, and small enough that sums of many fit.
    fn is_quantity(&self, quantity: Quantity) -> bool {
        (1..=Instrument::QUANTITY_MAX).contains(&quantity.0)
            && self.liquidity.whole(quantity) == quantity
    }

    fn knows_a_price(&self, order: &Order) -> bool {
        self.liquidity.last().is_some() || self.liquidity.touch(order.side).is_some()
    }

    /// Whether a limit reaches the best offer. What we have taken of it ourselves does not count:
    /// the venue that was recorded still showed it.
    pub(super) fn would_take(&self, order: &Order) -> bool {
        match (order.kind.limit(), self.liquidity.touch(order.side)) {
            (Some(limit), Some(touch)) => !is_worse(order.side, touch, limit),
            _ => false,
        }
    }

    fn await_trigger(&mut self, id: ClientOrderId, desk: &mut Desk<'_>) {
        let Some(live) = self.orders.get_mut(&id) else {
            return;
        };
        let (side, kind, arrival) = (live.order.side, live.order.kind, live.arrival);
        let seen = self.liquidity.sight(self.choices.triggers).of(side);
        match (kind, kind.trigger(), seen) {
            (OrderKind::TrailingStop(offset), _, Some(best)) => {
                live.place = Place::Trailing;
                let trail = Trail::new(id, side, offset, best, self.rules.price_tick());
                self.triggers.insert_trailing(arrival, trail);
            }
            (_, Some(price), seen) => {
                let rising = is_rising(side, kind);
                live.place = Place::Trigger { rising, price };
                self.triggers.insert(rising, price, arrival, (id, side));
                // The market may have got there while the order was on its way.
                if seen.is_some_and(|at| if rising { at >= price } else { at <= price }) {
                    self.trigger(id, desk);
                }
            }
            // A trailing stop is not accepted before there is a price.
            _ => {}
        }
    }

    /// The order as it would be, or why it cannot.
    fn changed(
        &self,
        id: ClientOrderId,
        quantity: Option<Quantity>,
        price: Option<Price>,
        desk: &Desk<'_>,
    ) -> Result<Order, &'static str> {
        let live = self.orders.get(&id).ok_or(UNKNOWN_ORDER)?;
        if self.partners.contains_key(&id) {
            return Err("An order of a pair cannot be changed.");
        }
        let mut order = live.order.clone();
        if let Some(quantity) = quantity {
            if !self.is_quantity(quantity) {
                return Err(BAD_QUANTITY);
            }
            if quantity <= live.filled {
                return Err("The new quantity is filled already.");
            }
            let more = quantity - live.order.quantity;
            if more > Quantity::ZERO && !order.reduce_only && !self.carries(&order, more, desk) {
                return Err(NO_MARGIN);
            }
            if more > Quantity::ZERO && !self.has_balance_for(order.side, more) {
                return Err(NO_BALANCE);
            }
            order.quantity = quantity;
        }
        if let Some(price) = price {
            order.kind = repriced(order.kind, price).ok_or("The order has no price to change.")?;
            if !has_possible_prices(order.kind) {
                return Err(BAD_PRICE);
            }
        }
        if order.post_only && loses_place(live, &order) && self.would_take(&order) {
            return Err(WOULD_TAKE);
        }
        Ok(order)
    }

    /// Puts a changed order in the place of what it was.
    fn replace(&mut self, id: ClientOrderId, order: Order, desk: &mut Desk<'_>) {
        let Some(live) = self.orders.get_mut(&id) else {
            return;
        };
        desk.say(id, ReportKind::Amended { quantity: order.quantity, kind: order.kind });
        let (place, arrival) = (live.place, live.arrival);
        if place == Place::Waiting || !loses_place(live, &order) {
            live.order = order;
            self.recount(id, false, desk);
            return;
        }
        let new_arrival = desk.arrive();
        if place == Place::Trailing {
            // It keeps the best price that it has seen.
            if let Some(trail) = self.triggers.remove_trailing(arrival) {
                self.triggers.insert_trailing(new_arrival, trail);
            }
            live.order = order;
            live.arrival = new_arrival;
            self.recount(id, false, desk);
            return;
        }
        self.leave_place(id);
        if let Some(live) = self.orders.get_mut(&id) {
            live.order = order;
            live.arrival = new_arrival;
        }
        self.recount(id, false, desk);
        if matches!(place, Place::Trigger { .. }) {
            self.await_trigger(id, desk);
        } else {
            self.work(id, desk);
        }
    }
}

/// Whether a change sends an order to the end of its queue.
fn loses_place(live: &Live, changed: &Order) -> bool {
    changed.kind != live.order.kind || changed.quantity > live.order.quantity
}

fn has_possible_prices(kind: OrderKind) -> bool {
    let possible = |price: Price| (1..=Instrument::PRICE_MAX).contains(&price.0);
    kind.limit().is_none_or(possible) && kind.trigger().is_none_or(possible)
}

/// The same kind with another limit, or another trigger where there is no limit.
const fn repriced(kind: OrderKind, price: Price) -> Option<OrderKind> {
    match kind {
        OrderKind::Limit(_) => Some(OrderKind::Limit(price)),
        OrderKind::StopLimit { trigger, .. } => {
            Some(OrderKind::StopLimit { trigger, limit: price })
        }
        OrderKind::Stop(_) => Some(OrderKind::Stop(price)),
        OrderKind::TakeProfit(_) => Some(OrderKind::TakeProfit(price)),
        OrderKind::Market | OrderKind::TrailingStop(_) => None,
    }
}
