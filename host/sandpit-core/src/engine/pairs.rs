//! The two exits of a bracket as one pair at the venue: a stop and a limit of which one ends the
//! other. Each is an order with an id, records and reports of its own. What is special about them:
//!
//! - They are sent together, and refused or lost together.
//! - The end of one by a trade of the other, or by our cancel of the other, is the venue's doing and
//!   asks for nothing.
//! - Nothing of a pair is changed in place. It is canceled, which one cancel does, and when both are
//!   over another pair is sent in its stead: with what the entry has filled by then.
//! - Where only one is to go on, it goes on alone: the limit at the venue, the stop here. So it is
//!   when a part of the limit has traded (the venue then ends the stop), when a plugin cancels one
//!   of the two, and when the venue refuses them as a pair.

use alloc::vec::Vec;

use crate::{
    engine::{Effect, Engine, ExitPlan, Exits, Flaws, Record, orders::Tracked},
    ids::{ClientOrderId, InstrumentId},
    market::Side,
    num::Quantity,
    order::{Order, OrderKind, OrderState, ReportKind},
    plugin::OrderUpdateKind,
    risk::{Act, Denial, Purpose, approve},
};

/// Two orders of which one ends the other.
pub(super) struct Pair {
    pub(super) stop: Order,
    pub(super) profit: Order,
}

impl<F: Flaws> Engine<F> {
    /// The other order of a pair while both are open.
    pub(super) fn open_partner(&self, id: ClientOrderId) -> Option<ClientOrderId> {
        let partner = self.orders.partner(id)?;
        (self.orders.is_open(id) && self.orders.is_open(partner)).then_some(partner)
    }

    /// Whether the venue ends an order by itself because the other one of its pair has traded.
    pub(super) fn ends_with_partner(&self, id: ClientOrderId) -> bool {
        let partner = self.orders.partner(id).and_then(|partner| self.orders.get_any(partner));
        partner.is_some_and(|partner| partner.filled > Quantity::ZERO)
    }

    /// Whether somebody wants an order to end, or the other one of its pair, which ends both.
    pub(super) fn is_to_end(&self, id: ClientOrderId) -> bool {
        let wanted = |id| self.orders.get(id).is_none_or(|tracked| tracked.cancel_wanted);
        wanted(id) || self.open_partner(id).is_some_and(wanted)
    }

    /// Forgets a pair of which nothing is left; applied.
    pub(super) fn end_pair(&mut self, id: ClientOrderId) {
        let over = |id| !self.orders.is_open(id) && !self.replacing.contains_key(&id);
        if let Some(partner) = self.orders.partner(id)
            && over(id)
            && over(partner)
        {
            self.orders.unpair(id);
        }
    }

    /// Places both exits of an entry as one pair. `None` where they are to be placed one by one.
    pub(super) fn place_pair(
        &mut self,
        entry: &Order,
        plan: &ExitPlan,
        quantity: Quantity,
        effects: &mut Vec<Effect>,
    ) -> Option<Exits> {
        if !self.config.venue.pairs_exits() {
            return None;
        }
        let id = self.next_id(entry.plugin());
        let after = ClientOrderId { sequence: id.sequence + 1, ..id };
        let (stop_tag, profit_tag) = (plan.stop_loss_tag, plan.take_profit_tag);
        let stop = plan.exit(id, stop_tag, OrderKind::Stop(plan.stop_loss), quantity);
        let profit = plan.exit(after, profit_tag, OrderKind::Limit(plan.take_profit), quantity);
        let exits = Exits { stop_loss: Some(stop.id), take_profit: Some(profit.id) };
        self.send_pair(Pair { stop, profit }, None, effects).ok()?;
        Some(exits)
    }

    /// Asks risk and, when it approves, records both orders and sends them. `replaces` are those in
    /// whose place they come.
    fn send_pair(
        &mut self,
        Pair { mut stop, mut profit }: Pair,
        replaces: Option<[ClientOrderId; 2]>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        let (plugin, instrument) = (stop.plugin(), stop.instrument);
        if [stop.tag, profit.tag].iter().any(|tag| self.orders.by_tag(plugin, *tag).is_some()) {
            return Err(Denial::DuplicateTag);
        }
        // The venue takes no pair that the market has passed; alone, each does what it is for.
        let passed = [stop.kind.trigger(), profit.kind.limit()];
        if self.is_passed(instrument, stop.side, stop.kind) || self.is_reached(&profit) {
            return Err(Denial::TriggerPassed(
                passed.into_iter().flatten().next().unwrap_or_default(),
            ));
        }
        let mut quantity = stop.quantity;
        if !self.config.venue.keeps_reduce_only() {
            quantity = quantity.min(self.held_to(&stop, stop.id));
        }
        quantity = self.room(&stop).map_or(quantity, |room| quantity.min(room));
        if quantity.is_zero() {
            return Err(Denial::NotReducing);
        }
        (stop.quantity, profit.quantity) = (quantity, quantity);
        let ask = |engine: &Self, order: Order| {
            let scopes = engine.scopes(plugin, instrument, None)?;
            let (rules, market) = (engine.instrument(instrument), engine.market_view(instrument));
            let act = if replaces.is_none() { Act::New } else { Act::Resume };
            approve::<F>(order, rules, market, scopes, Purpose::Exit, act)
        };
        let stop = ask(self, stop)?;
        let profit = ask(self, profit)?;
        self.prevent_self_trade(profit.get(), Purpose::Exit, effects)?;
        let [old_stop, old_profit] = replaces.map_or([None; 2], |ids| ids.map(Some));
        for (order, replaces) in [(stop.get(), old_stop), (profit.get(), old_profit)] {
            let (order, purpose) = (order.clone(), Purpose::Exit);
            self.commit(Record::Submitted { order, purpose, replaces }, effects);
        }
        let (first, second) = (stop.get().id, profit.get().id);
        self.commit(Record::Paired { stop: first, profit: second }, effects);
        effects.push(Effect::SubmitPair { stop, profit });
        Ok(())
    }

    /// Whether the market stands where a limit order would trade.
    fn is_reached(&self, order: &Order) -> bool {
        let mark = self.market_state(order.instrument).mark();
        order.kind.limit().zip(mark).is_some_and(|(limit, mark)| match order.side {
            Side::Sell => mark >= limit,
            Side::Buy => mark <= limit,
        })
    }

    /// Lets a pair grow to what its entry has filled, `filled` in all. While something of it is
    /// under way it is left alone; the answer brings it back.
    pub(super) fn resize_pair(
        &mut self,
        id: ClientOrderId,
        partner: ClientOrderId,
        filled: Quantity,
        effects: &mut Vec<Effect>,
    ) {
        let (Some(one), Some(other)) = (self.orders.get(id), self.orders.get(partner)) else {
            return;
        };
        let unheard = |leg: &Tracked| {
            leg.is_changing()
                || leg.state == OrderState::Submitted
                || self.replacing.contains_key(&leg.order.id)
        };
        let traded = traded_in_all([one, other]);
        if unheard(one) || unheard(other) || traded > one.filled_before + other.filled_before {
            return;
        }
        let mut left = Quantity(filled.0.saturating_sub(traded.0));
        if !self.config.venue.keeps_reduce_only() {
            left = left.min(self.held_to(&one.order, id));
        }
        left = self.room(&one.order).map_or(left, |room| left.min(room));
        if left > one.order.quantity {
            self.renew_pair(id, partner, effects);
        }
    }

    /// Cancels a pair to place another in its stead.
    pub(super) fn renew_pair(
        &mut self,
        id: ClientOrderId,
        partner: ClientOrderId,
        effects: &mut Vec<Effect>,
    ) {
        for leg in [id, partner] {
            let Some(kind) = self.orders.get(leg).map(|tracked| tracked.order.kind) else {
                return;
            };
            if !self.replacing.contains_key(&leg) {
                self.replace_later(leg, kind, effects);
            }
        }
        self.ask_cancel(id, effects);
    }

    /// Notes that an order is to come back, in this form, once it has ended.
    pub(super) fn replace_later(
        &mut self,
        order: ClientOrderId,
        kind: OrderKind,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(quantity) = self.orders.get(order).map(|tracked| tracked.order.quantity) {
            self.commit(Record::Replacing { order, quantity, kind }, effects);
        }
    }

    /// Both orders of a pair are over and were to come back: as a pair where they can, and else each
    /// alone.
    pub(super) fn replace_pair(
        &mut self,
        id: ClientOrderId,
        partner: ClientOrderId,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let is_stop = |id| self.replacing.get(&id).is_some_and(|(_, kind)| kind.is_conditional());
        let [stop, profit] = if is_stop(id) { [id, partner] } else { [partner, id] };
        let left = self.left_of_pair(stop, profit);
        if left.is_zero() {
            self.end_replacement(stop, effects);
            self.end_replacement(profit, effects);
            return false;
        }
        let mut next = self.next_id(id.plugin);
        let mut again = |id: ClientOrderId| {
            let (_, kind) = self.replacing.get(&id).copied()?;
            let old = self.orders.get_any(id)?.order.clone();
            let order = Order { id: next, quantity: left, kind, ..old };
            next.sequence += 1;
            Some(order)
        };
        let pair = again(stop).zip(again(profit)).map(|(stop, profit)| Pair { stop, profit });
        let ids = pair.as_ref().map(|pair| [pair.stop.id, pair.profit.id]);
        let sent = pair.map(|pair| self.send_pair(pair, Some([stop, profit]), effects).is_ok());
        match ids.filter(|_| sent == Some(true)) {
            Some(ids) => {
                for new in ids {
                    self.tell_order(new, OrderUpdateKind::Amended, effects);
                }
            }
            None => {
                // The stop first: the limit is held to what is left beside it.
                self.replace_alone(stop, Some(left), effects);
                self.replace_alone(profit, Some(left), effects);
            }
        }
        true
    }

    /// What is left to be protected by a pair that has ended: what its entry has filled by now,
    /// without what its exits have traded.
    fn left_of_pair(&self, stop: ClientOrderId, profit: ClientOrderId) -> Quantity {
        let (Some(one), Some(other)) = (self.orders.get_any(stop), self.orders.get_any(profit))
        else {
            return Quantity::ZERO;
        };
        let entry = self.brackets.entry_of(stop).or(self.brackets.entry_of(profit));
        let filled = entry.and_then(|entry| self.orders.get_any(entry)).map_or_else(
            // An entry of long ago: what the pair was for.
            || one.order.quantity + one.filled_before + other.filled_before,
            |entry| entry.filled + entry.filled_before,
        );
        (filled - traded_in_all([one, other])).max(Quantity::ZERO)
    }

    /// An order of a pair is about to end: notes that it goes on alone, where it does.
    pub(super) fn foresee_end(
        &mut self,
        id: ClientOrderId,
        to: OrderState,
        effects: &mut Vec<Effect>,
    ) {
        let Some(partner) = self.open_partner(id) else {
            return;
        };
        let (Some(leg), Some(other)) = (self.orders.get(id), self.orders.get(partner)) else {
            return;
        };
        let (kind, wanted) = (leg.order.kind, leg.cancel_wanted || other.cancel_wanted);
        let goes_on = match to {
            OrderState::Rejected => true,
            // The limit has begun to trade, or somebody else has ended the pair.
            OrderState::Canceled | OrderState::Expired => kind.is_conditional(),
            _ => false,
        };
        if goes_on && !wanted && !self.replacing.contains_key(&id) {
            self.replace_later(id, kind, effects);
        }
    }

    /// A pair was refused, and this is the second of it to end: it, too, is tried alone.
    pub(super) fn foresee_refusal(
        &mut self,
        id: ClientOrderId,
        kind: &ReportKind,
        effects: &mut Vec<Effect>,
    ) {
        let leg = self.orders.get(id).filter(|leg| leg.state == OrderState::Submitted);
        if let Some(leg) = leg.filter(|leg| !leg.cancel_wanted)
            && matches!(kind, ReportKind::Rejected(_))
        {
            let kind = leg.order.kind;
            self.replace_later(id, kind, effects);
        }
    }

    /// What was said of one order of a pair that was sent: it holds for the other, of which nothing
    /// has been heard. Whether the other is to be told first, and this one after it.
    pub(super) fn stop_goes_first(&self, id: ClientOrderId, kind: &ReportKind) -> bool {
        let unheard = self.unheard_partner(id);
        let is_stop = |id| self.orders.get(id).is_some_and(|leg| leg.order.kind.is_conditional());
        matches!(kind, ReportKind::Rejected(_)) && unheard.is_some_and(is_stop)
    }

    /// The other order of a pair, where the venue has answered to neither.
    pub(super) fn unheard_partner(&self, id: ClientOrderId) -> Option<ClientOrderId> {
        let submitted =
            |id| self.orders.get(id).is_some_and(|leg| leg.state == OrderState::Submitted);
        self.open_partner(id).filter(|partner| submitted(id) && submitted(*partner))
    }

    /// A plugin ends one order of a pair: the venue ends both, and the other goes on alone.
    pub(super) fn cancel_by_plugin(&mut self, id: ClientOrderId, effects: &mut Vec<Effect>) {
        let stays = self.open_partner(id).filter(|partner| {
            let wanted = self.orders.get(*partner).is_some_and(|leg| leg.cancel_wanted);
            !wanted || self.replacing.contains_key(partner)
        });
        let kind = stays.and_then(|id| {
            let asked = self.replacing.get(&id).map(|(_, kind)| *kind);
            asked.or_else(|| self.orders.get(id).map(|leg| leg.order.kind))
        });
        self.forget_replacement(id, effects);
        if let Some((partner, kind)) = stays.zip(kind) {
            self.replace_later(partner, kind, effects);
        }
        self.ask_cancel(id, effects);
    }

    /// A position is less than what a pair may close: another, smaller one comes in its stead.
    pub(super) fn clip_pair(
        &mut self,
        id: ClientOrderId,
        partner: ClientOrderId,
        instrument: InstrumentId,
        effects: &mut Vec<Effect>,
    ) {
        let flat = self.orders.plugin_exposure(id.plugin, instrument).position.is_zero();
        let leg = |id| self.orders.get(id);
        let changing = [id, partner].into_iter().filter_map(leg).any(Tracked::is_changing);
        if flat || (changing && !self.replacing.contains_key(&id)) {
            self.cancel(id, effects);
        } else if !changing {
            self.renew_pair(id, partner, effects);
        }
    }
}

/// What has traded of two orders and of those in whose place they came.
fn traded_in_all(legs: [&Tracked; 2]) -> Quantity {
    legs.into_iter()
        .map(|leg| leg.filled + leg.filled_before)
        .fold(Quantity::ZERO, |sum, one| sum + one)
}
