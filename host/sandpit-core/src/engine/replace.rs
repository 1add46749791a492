//! Changes of an order: by the venue where it can, here where the host keeps the order, and else
//! by canceling it and placing another in its stead. The other is sent only when the venue has
//! confirmed the end of the first, so that at no moment both can trade.

use alloc::vec::Vec;

use crate::{
    engine::{AmendOrder, Effect, Engine, Flaws, News, Origin, Record, VenueFeature},
    ids::ClientOrderId,
    num::{Price, Quantity},
    order::{Order, OrderKind, OrderState, Transition},
    plugin::OrderUpdateKind,
    risk::{Act, Approved, Candidate, Denial, Purpose, approve_change},
};

impl<F: Flaws> Engine<F> {
    /// Asks risk about a change and has it made.
    pub(super) fn change(
        &mut self,
        change: AmendOrder,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        // Of an order that is in doubt it has to be known first what it is.
        if self.held.is_latched(change.order) || self.doubts.contains(change.order) {
            return Err(Denial::ChangePending);
        }
        let partner = self.open_partner(change.order);
        if let Some(other) = partner.and_then(|id| self.orders.get(id)) {
            // The two of a pair have one size, which follows from what the entry has filled.
            if change.quantity.is_some() {
                return Err(Denial::VenueLacks(VenueFeature::UnevenPair));
            }
            if other.is_changing() || other.state == OrderState::Submitted {
                return Err(Denial::ChangePending);
            }
        }
        let approved = self.approve_amend(change)?;
        let tracked = self.orders.get(change.order).ok_or(Denial::UnknownOrder)?;
        let order = &tracked.order;
        let quantity = change.quantity.unwrap_or(order.quantity);
        let kind = change.price.map_or(order.kind, |price| with_price(order.kind, price));
        self.prevent_in_change(change.order, kind, effects)?;
        if self.held.contains(change.order) {
            self.amend_held(change.order, quantity, kind, effects);
            return Ok(());
        }
        self.send_change(approved, (quantity, kind), effects)
    }

    /// Asks risk about a change as if the order were placed anew in its changed form.
    fn approve_amend(&self, change: AmendOrder) -> Result<Approved<AmendOrder>, Denial> {
        let tracked = self.orders.get(change.order).ok_or(Denial::UnknownOrder)?;
        let order = &tracked.order;
        let quantity = change.quantity.unwrap_or(order.quantity);
        let held = self.held.contains(order.id);
        let bound = self.config.venue.keeps_reduce_only() || held;
        if order.reduce_only && !bound && quantity > order.quantity {
            // The venue would not hold it to the position.
            let most = tracked.filled + self.held_to(order, order.id);
            if quantity > most {
                return Err(Denial::NotReducing);
            }
        }
        if let Some(limit) = self.room(order).filter(|_| !held && quantity > order.quantity)
            && quantity - tracked.filled > limit
        {
            return Err(Denial::BalanceLocked { value: quantity - tracked.filled, limit });
        }
        let candidate = Candidate {
            instrument: order.instrument,
            side: order.side,
            kind: change.price.map_or(order.kind, |price| with_price(order.kind, price)),
            quantity,
            remaining: quantity - tracked.filled,
            reduce_only: order.reduce_only,
            act: Act::Change,
            purpose: tracked.purpose,
        };
        let scopes = self.scopes(order.plugin(), order.instrument, Some(change.order))?;
        let market = self.market_view(order.instrument);
        let rules = self.instrument(order.instrument);
        approve_change::<F, _>(change, &candidate, rules, market, scopes)
    }

    fn send_change(
        &mut self,
        approved: Approved<AmendOrder>,
        (quantity, kind): (Quantity, OrderKind),
        effects: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        let change = *approved.get();
        let (order, by) = (change.order, Transition::AskUpdate);
        let to = self.state_after(order, by).ok_or(Denial::ChangePending)?;
        let total = self.orders.get(order).map_or(quantity, |tracked| tracked.order.quantity);
        let partner = self.open_partner(order);
        let in_place = partner.is_none() && self.config.venue.can_amend(total, &change);
        let news = News::Asked { quantity: change.quantity, price: change.price };
        self.commit(Record::Moved { order, by, to, news, origin: Origin::Host }, effects);
        if in_place {
            effects.push(Effect::Amend(approved));
            return Ok(());
        }
        self.commit(Record::Replacing { order, quantity, kind }, effects);
        match partner {
            Some(partner) => self.renew_pair(order, partner, effects),
            None => self.ask_cancel(order, effects),
        }
        Ok(())
    }

    /// Places an order in the stead of one that has ended for it. Whether there was one to place, or
    /// will be once the other one of its pair has ended.
    pub(super) fn replace(&mut self, id: ClientOrderId, effects: &mut Vec<Effect>) -> bool {
        if !self.replacing.contains_key(&id) {
            return false;
        }
        let partner = self.orders.partner(id);
        match partner.filter(|partner| self.replacing.contains_key(partner)) {
            Some(partner) if self.orders.is_open(partner) => true,
            Some(partner) => self.replace_pair(id, partner, effects),
            None => self.replace_alone(id, None, effects),
        }
    }

    /// The same of one order, whatever becomes of the other one of its pair: of what it was to be,
    /// or of so much as is left to a pair, however this one has ended.
    pub(super) fn replace_alone(
        &mut self,
        id: ClientOrderId,
        left_of_pair: Option<Quantity>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some((quantity, kind)) = self.replacing.get(&id).copied() else {
            return false;
        };
        let Some(tracked) = self.orders.get_any(id) else {
            return false;
        };
        let (old, purpose) = (tracked.order.clone(), tracked.purpose);
        let left = Quantity(quantity.0.saturating_sub(tracked.filled.0));
        let left = left_of_pair.unwrap_or(left);
        let ended = match tracked.state {
            _ if left_of_pair.is_some() => true,
            OrderState::Canceled => true,
            // The venue ends one of a pair when the other trades; one that never arrived is sent
            // anew.
            OrderState::Expired => purpose == Purpose::Exit,
            OrderState::Rejected => purpose.is_host(),
            _ => false,
        };
        if !ended || left <= Quantity::ZERO || self.is_overdue(&old) {
            self.end_replacement(id, effects);
            return false;
        }
        let (tag, instrument) = (old.tag, old.instrument);
        let order = Order { id: self.next_id(id.plugin), quantity: left, kind, ..old };
        match self.send(order, purpose, Some(id), effects) {
            Ok(new) => {
                self.tell_order(new, OrderUpdateKind::Amended, effects);
                // What waits here now may have been passed meanwhile.
                if self.held.contains(new) {
                    self.mark(instrument, effects);
                }
            }
            Err(denial) => {
                self.end_replacement(id, effects);
                let (plugin, instrument, tag) = (id.plugin, Some(instrument), Some(tag));
                self.commit(Record::Denied { plugin, instrument, tag, denial }, effects);
                return false;
            }
        }
        true
    }

    /// An order that was to be replaced will not be: the venue did not let go of it, or somebody
    /// wants it to end. Of a pair that is true of both.
    pub(super) fn forget_replacement(&mut self, id: ClientOrderId, effects: &mut Vec<Effect>) {
        for id in [Some(id), self.orders.partner(id)].into_iter().flatten() {
            self.end_replacement(id, effects);
        }
    }

    /// Nothing comes in the place of an order. Where it has ended, its plugin is told so now.
    pub(super) fn end_replacement(&mut self, id: ClientOrderId, effects: &mut Vec<Effect>) {
        if !self.replacing.contains_key(&id) {
            return;
        }
        self.commit(Record::ReplacementEnded(id), effects);
        match self.orders.get_any(id).map(|tracked| tracked.state) {
            Some(OrderState::Expired) => self.tell_order(id, OrderUpdateKind::Expired, effects),
            Some(OrderState::Canceled) => self.tell_order(id, OrderUpdateKind::Canceled, effects),
            _ => {}
        }
    }
}

/// The same kind with another limit price, or another trigger where there is no limit.
fn with_price(kind: OrderKind, price: Price) -> OrderKind {
    match kind {
        OrderKind::Limit(_) => OrderKind::Limit(price),
        OrderKind::StopLimit { trigger, .. } => OrderKind::StopLimit { trigger, limit: price },
        OrderKind::Stop(_) => OrderKind::Stop(price),
        OrderKind::TakeProfit(_) => OrderKind::TakeProfit(price),
        OrderKind::Market | OrderKind::TrailingStop(_) => kind,
    }
}
