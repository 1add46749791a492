//! Order lists: pairs of which one ends the other, and orders that place others once they are
//! filled.

use super::{
    CLOSED_LISTS_MAX, Exchange,
    entry::{lock_of, triggers_at},
};
use crate::{
    amount::Amount,
    order::{AccountId, Contingency, Event, List, NewOrder, Order, OrderId, SymbolId},
    refusal::Refusal,
    words::{Execution, Expiry, Kind, Status},
};

/// A wish for a list, the form of its orders checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewList {
    pub(crate) symbol: SymbolId,
    pub(crate) client_id: String,
    /// What is filled before the others are placed.
    pub(crate) working: Option<NewOrder>,
    /// One order, or a pair with its upper order first.
    pub(crate) legs: Vec<NewOrder>,
}

/// How the orders of an open list stand to each other.
#[derive(Clone, Debug)]
pub(super) struct Group {
    working: Option<OrderId>,
    legs: Vec<OrderId>,
}

impl Exchange {
    /// Takes a list and does what follows at once. Gives it and its orders.
    pub(crate) fn place_list(
        &mut self,
        account: AccountId,
        new: NewList,
        now_ms: u64,
    ) -> Result<(List, Vec<Order>), Refusal> {
        self.admit_list(account, &new, now_ms)?;
        let working = match new.working {
            Some(working) => Some(self.admit(account, working, now_ms)?),
            None => {
                let need = new.legs.iter().map(lock_of).max().unwrap_or_default();
                let asset = self.lock_asset(new.symbol, new.legs[0].side);
                if need > self.accounts[account].free(asset) {
                    return Err(Refusal::insufficient_balance());
                }
                None
            }
        };
        let id = self.next_list;
        self.next_list += 1;
        let is_oto = working.is_some();
        let working = working.map(|(order, lock)| {
            let order = self.create(account, order, Some(id), now_ms);
            self.set_lock(order, lock);
            order
        });
        let mut legs = Vec::new();
        for leg in new.legs {
            legs.push(self.create(account, leg, Some(id), now_ms));
        }
        let orders: Vec<_> = working.iter().chain(&legs).copied().collect();
        let list = List {
            id,
            account,
            symbol: new.symbol,
            client_id: new.client_id,
            contingency: if is_oto { Contingency::Oto } else { Contingency::Oco },
            orders: orders.clone(),
            done: false,
            time_ms: now_ms,
        };
        self.lists.insert(id, list);
        self.groups.insert(id, Group { working, legs: legs.clone() });
        self.tell_list(id, now_ms, false);
        if let Some(working) = working {
            for leg in &legs {
                if let Some(order) = self.orders.get_mut(leg) {
                    order.status = Status::PendingNew;
                }
                self.report(*leg, Execution::New, now_ms, |_| ());
            }
            self.start(working, now_ms);
        } else {
            self.start_legs(&legs, now_ms);
        }
        self.finish(now_ms);
        let orders = orders.iter().filter_map(|id| self.orders.get(id).cloned()).collect();
        Ok((self.lists[&id].clone(), orders))
    }

    fn admit_list(&self, account: AccountId, new: &NewList, now_ms: u64) -> Result<(), Refusal> {
        let open = self
            .lists
            .values()
            .filter(|list| list.account == account && !list.done && list.symbol == new.symbol);
        let market = &self.markets[new.symbol];
        let max = usize::try_from(market.symbol.rules.lists_max).unwrap_or(usize::MAX);
        if open.count() >= max {
            return Err(Refusal::filter("MAX_NUM_ORDER_LISTS"));
        }
        let names: Vec<_> =
            new.working.iter().chain(&new.legs).map(|order| &order.client_id).collect();
        let is_twice = |name| names.iter().filter(|other| **other == name).count() > 1;
        let taken = self
            .lists
            .values()
            .any(|list| list.account == account && !list.done && list.client_id == new.client_id);
        if taken || names.iter().any(|name| is_twice(*name)) {
            return Err(Refusal::duplicate_order());
        }
        for leg in &new.legs {
            self.admit_form(account, leg, now_ms)?;
        }
        let [above, below] = new.legs.as_slice() else { return Ok(()) };
        if level_of(above) <= level_of(below) {
            return Err(Refusal::bad_list_prices());
        }
        if new.working.is_some() {
            return Ok(());
        }
        let crosses = |leg: &NewOrder| {
            leg.kind == Kind::LimitMaker
                && market.book.offer(leg.side.opposite(), Some(leg.price)).is_some()
        };
        let triggers = |leg: &NewOrder| {
            leg.kind.is_conditional()
                && leg.trailing_delta.is_none()
                && market.last.is_some_and(|last| triggers_at(leg, last))
        };
        if new.legs.iter().any(|leg| crosses(leg) || triggers(leg)) {
            return Err(Refusal::bad_list_prices());
        }
        Ok(())
    }

    /// Starts the orders that wait for nothing but their own triggers. A pair locks once: the
    /// order that needs more holds what both need.
    fn start_legs(&mut self, legs: &[OrderId], now_ms: u64) {
        let lock = |id: &OrderId| self.orders.get(id).map_or(Amount::ZERO, |o| lock_of(&o.new));
        let market_leg =
            |id: &OrderId| self.orders.get(id).is_some_and(|order| order.new.kind == Kind::Market);
        let holder = legs.iter().copied().max_by_key(|id| (lock(id), std::cmp::Reverse(*id)));
        let Some(holder) = holder else { return };
        let need = if market_leg(&holder) { Amount::ZERO } else { lock(&holder) };
        if !self.set_lock(holder, need) {
            return self.expire(holder, Expiry::Rejected, now_ms);
        }
        for leg in legs {
            if self.orders.get(leg).is_some_and(|order| order.status.is_open()) {
                self.start(*leg, now_ms);
            }
        }
    }

    /// The list of an order, as long as it is not over.
    fn group_of(&self, order: OrderId) -> Option<(u64, Group)> {
        let list = self.orders.get(&order)?.list?;
        self.groups.get(&list).map(|group| (list, group.clone()))
    }

    /// An order of a pair is about to trade or was triggered: the other one ends, and what was
    /// locked for both is this one's.
    pub(super) fn list_works(&mut self, id: OrderId, now_ms: u64) {
        let Some((list, group)) = self.group_of(id) else { return };
        if group.working == Some(id) || group.legs.len() < 2 {
            return;
        }
        self.groups.remove(&list);
        for other in group.legs.into_iter().filter(|other| *other != id) {
            self.expire(other, Expiry::OcoTrigger, now_ms);
        }
        let need = self.orders.get(&id).map_or(Amount::ZERO, Order::lock);
        self.set_lock(id, need);
        self.end_list(list, now_ms);
    }

    /// An order is filled: what waited for it starts.
    pub(super) fn list_filled(&mut self, id: OrderId, now_ms: u64) {
        let Some((list, group)) = self.group_of(id) else { return };
        if group.working != Some(id) {
            self.groups.remove(&list);
            return self.end_list(list, now_ms);
        }
        self.start_legs(&group.legs, now_ms);
    }

    /// An order ended otherwise: the others end with it, canceled where it was.
    pub(super) fn list_ended(&mut self, id: OrderId, canceled: Option<&str>, now_ms: u64) {
        let Some((list, group)) = self.group_of(id) else { return };
        self.groups.remove(&list);
        let phase_one = group.working == Some(id);
        for other in group.legs.into_iter().chain(group.working).filter(|other| *other != id) {
            if !self.orders.get(&other).is_some_and(|order| order.status.is_open()) {
                continue;
            }
            match canceled {
                Some(name) => self.cancel_id(other, name, now_ms),
                None if phase_one => self.expire(other, Expiry::OtoPhaseOneExpired, now_ms),
                None => self.expire(other, Expiry::OcoTrigger, now_ms),
            }
        }
        self.end_list(list, now_ms);
    }

    fn end_list(&mut self, id: u64, now_ms: u64) {
        if let Some(list) = self.lists.get_mut(&id) {
            list.done = true;
        }
        self.tell_list(id, now_ms, false);
        self.closed_lists.push_back(id);
        if self.closed_lists.len() > CLOSED_LISTS_MAX
            && let Some(oldest) = self.closed_lists.pop_front()
        {
            self.lists.remove(&oldest);
        }
    }

    pub(super) fn tell_list(&mut self, id: u64, now_ms: u64, updated: bool) {
        if let Some(list) = self.lists.get(&id) {
            let names = self.names(list);
            let list = list.clone();
            self.events.push(Event::List { list, names, time_ms: now_ms, updated });
        }
    }

    /// The orders of a list with their names.
    pub(crate) fn names(&self, list: &List) -> Vec<(OrderId, String)> {
        let name = |id: &OrderId| {
            self.orders.get(id).map_or_else(String::new, |order| order.new.client_id.clone())
        };
        list.orders.iter().map(|id| (*id, name(id))).collect()
    }

    /// Cancels a whole list. Gives it and its orders.
    pub(crate) fn cancel_list(
        &mut self,
        account: AccountId,
        symbol: SymbolId,
        is_it: impl Fn(&List) -> bool,
        request_name: &str,
        now_ms: u64,
    ) -> Result<(List, Vec<Order>), Refusal> {
        self.may_cancel_on(symbol)?;
        let found = self.lists.values().find(|list| {
            list.account == account && list.symbol == symbol && !list.done && is_it(list)
        });
        let list = found.ok_or_else(Refusal::unknown_order)?.clone();
        let from = self.events.len();
        let open = list
            .orders
            .iter()
            .find(|id| self.orders.get(id).is_some_and(|order| order.status.is_open()));
        if let Some(open) = open {
            self.cancel_id(*open, request_name, now_ms);
        }
        self.finish(now_ms);
        let orders = self.canceled_since(from);
        Ok((self.lists.get(&list.id).cloned().unwrap_or(list), orders))
    }

    /// The other order of a pair that is not over.
    pub(super) fn sibling(&self, id: OrderId) -> Option<OrderId> {
        let (_, group) = self.group_of(id)?;
        if group.working == Some(id) || group.legs.len() < 2 {
            return None;
        }
        group.legs.into_iter().find(|other| *other != id)
    }
}

/// The price at which an order of a pair comes to life.
fn level_of(leg: &NewOrder) -> Amount {
    if leg.stop.is_zero() { leg.price } else { leg.stop }
}
