//! Orders come and go: what is checked before one is taken, and cancels.

use sandpit_core::market::Side;

use super::Exchange;
use crate::{
    amount::Amount,
    order::{AccountId, Event, Fill, NewOrder, Order, OrderId, Prevented, SymbolId},
    refusal::Refusal,
    words::{Execution, Kind, Status, SymbolStatus, Tif},
};

/// What became of a new order within the call that placed it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) order: Order,
    pub(crate) fills: Vec<Fill>,
    pub(crate) prevented: Vec<Prevented>,
}

/// Which order is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Which {
    pub(crate) symbol: SymbolId,
    pub(crate) id: Option<OrderId>,
    pub(crate) name: Option<String>,
}

impl Exchange {
    /// Takes an order and does what follows at once.
    pub(crate) fn place(
        &mut self,
        account: AccountId,
        new: NewOrder,
        now_ms: u64,
    ) -> Result<Placed, Refusal> {
        let (new, lock) = self.admit(account, new, now_ms)?;
        let from = self.events.len();
        let id = self.create(account, new, None, now_ms);
        self.set_lock(id, lock);
        self.start(id, now_ms);
        self.finish(now_ms);
        Ok(self.outcome(id, from))
    }

    /// Checks an order as [`Self::place`] does, and nothing else.
    pub(crate) fn test(
        &self,
        account: AccountId,
        new: NewOrder,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        self.admit(account, new, now_ms).map(|_| ())
    }

    /// What happened to an order since the event with this index.
    fn outcome(&self, id: OrderId, from: usize) -> Placed {
        let mut fills = Vec::new();
        for event in &self.events[from..] {
            if let Event::Report(report) = event
                && report.order.id == id
            {
                fills.extend(report.fill.clone());
            }
        }
        let order = self.orders[&id].clone();
        let prevented = &self.markets[order.new.symbol].prevented;
        let prevented = prevented.iter().filter(|one| one.taker == id).cloned().collect();
        Placed { order, fills, prevented }
    }

    /// What an order has to pass before it is taken; says what it is then, and what it locks.
    pub(super) fn admit(
        &self,
        account: AccountId,
        mut new: NewOrder,
        now_ms: u64,
    ) -> Result<(NewOrder, Amount), Refusal> {
        self.admit_form(account, &new, now_ms)?;
        let market = &self.markets[new.symbol];
        let limit = (!new.kind.is_market()).then_some(new.price);
        if new.kind == Kind::LimitMaker && market.book.offer(new.side.opposite(), limit).is_some() {
            return Err(Refusal::would_take());
        }
        if new.kind.is_conditional()
            && new.trailing_delta.is_none()
            && market.last.is_some_and(|last| triggers_at(&new, last))
        {
            return Err(Refusal::would_trigger());
        }
        let free = self.accounts[account].free(self.lock_asset(new.symbol, new.side));
        if new.kind != Kind::Market {
            let lock = lock_of(&new);
            return if lock <= free {
                Ok((new, lock))
            } else {
                Err(Refusal::insufficient_balance())
            };
        }
        let (quantity, cost) = self.reach(&new);
        if new.quantity.is_zero() {
            if quantity < market.symbol.rules.quantity_min {
                return Err(Refusal::empty_book());
            }
            new.quantity = quantity;
        }
        let needed = if new.side == Side::Buy { cost } else { new.quantity };
        if needed > free {
            return Err(Refusal::insufficient_balance());
        }
        Ok((new, Amount::ZERO))
    }

    /// Form, filters and names; the same for orders of lists.
    pub(super) fn admit_form(
        &self,
        account: AccountId,
        new: &NewOrder,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        if self.markets[new.symbol].symbol.trading != SymbolStatus::Trading {
            return Err(Refusal::closed());
        }
        if new.iceberg.is_some_and(|shown| shown > new.quantity) {
            return Err(Refusal::iceberg_too_large());
        }
        if !new.price.is_zero() && new.price.times(new.quantity).is_zero() {
            return Err(Refusal::nothing_worth());
        }
        let standing = self.standing(account, new.symbol, now_ms);
        self.markets[new.symbol].symbol.check(new, &standing)?;
        if self.open_named(account, new.symbol, &new.client_id).is_some() {
            return Err(Refusal::duplicate_order());
        }
        Ok(())
    }

    /// How much a market order would get by now, and for how much.
    fn reach(&self, new: &NewOrder) -> (Amount, Amount) {
        let step = self.markets[new.symbol].symbol.rules.quantity_step;
        let (mut quantity, mut cost) = (Amount::ZERO, Amount::ZERO);
        let remaining = |id| self.orders.get(&id).map_or(Amount::ZERO, Order::remaining);
        let side = new.side.opposite();
        self.markets[new.symbol].book.walk(side, None, remaining, |price, offered| {
            let wanted = if new.quantity.is_zero() {
                (new.quote_quantity - cost).buys(price, step)
            } else {
                new.quantity - quantity
            };
            let taken = wanted.min(offered);
            quantity += taken;
            cost += taken.times(price);
            taken == offered
        });
        (quantity, cost)
    }

    pub(super) fn create(
        &mut self,
        account: AccountId,
        new: NewOrder,
        list: Option<u64>,
        now_ms: u64,
    ) -> OrderId {
        let id = self.next_order;
        self.next_order += 1;
        let market = &self.markets[new.symbol];
        let order = Order {
            id,
            account,
            list,
            stp: new.stp.unwrap_or(market.symbol.stp),
            status: Status::New,
            executed: Amount::ZERO,
            quote_executed: Amount::ZERO,
            prevented: Amount::ZERO,
            prevented_match: None,
            created_ms: now_ms,
            updated_ms: now_ms,
            working_ms: None,
            amends: 0,
            locked: Amount::ZERO,
            shown: Amount::ZERO,
            ahead: Amount::ZERO,
            trail: None,
            placed_at: market.last,
            new,
        };
        self.open[account].insert(id);
        self.names.insert(order.name_key());
        self.orders.insert(id, order);
        id
    }

    /// Tells that an order is there, and lets it wait or match.
    pub(super) fn start(&mut self, id: OrderId, now_ms: u64) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        order.status = Status::New;
        let symbol = order.new.symbol;
        if order.new.kind.is_conditional() {
            let last = self.markets[symbol].last;
            order.placed_at = last;
            if order.new.trailing_delta.is_some() && order.new.stop.is_zero() {
                order.trail = last.map(|last| (last, now_ms));
            }
            self.markets[symbol].waiting.insert(id);
            self.report(id, Execution::New, now_ms, |_| ());
            return;
        }
        order.working_ms = Some(now_ms);
        self.report(id, Execution::New, now_ms, |_| ());
        self.run(id, now_ms);
    }

    /// The open order of an account with this name.
    pub(super) fn open_named(
        &self,
        account: AccountId,
        symbol: SymbolId,
        name: &str,
    ) -> Option<OrderId> {
        let mut named = self.named(account, symbol, name);
        named.find(|order| order.status.is_open()).map(|order| order.id)
    }

    /// All orders of an account with this name, the latest first.
    fn named(
        &self,
        account: AccountId,
        symbol: SymbolId,
        name: &str,
    ) -> impl Iterator<Item = &Order> {
        let key = |id| (account, symbol, name.to_owned(), id);
        let ids = self.names.range(key(0)..=key(OrderId::MAX)).rev();
        ids.filter_map(|(.., id)| self.orders.get(id))
    }

    /// An open order.
    pub(super) fn find_open(&self, account: AccountId, which: &Which) -> Option<OrderId> {
        if let Some(id) = which.id {
            let order = self.orders.get(&id)?;
            let is_it = order.account == account
                && order.new.symbol == which.symbol
                && order.status.is_open()
                && which.name.as_ref().is_none_or(|name| *name == order.new.client_id);
            return is_it.then_some(id);
        }
        self.open_named(account, which.symbol, which.name.as_ref()?)
    }

    /// An order, open or over; of several with one name the open one, else the latest.
    pub(crate) fn find(&self, account: AccountId, which: &Which) -> Option<&Order> {
        if let Some(id) = self.find_open(account, which) {
            return self.orders.get(&id);
        }
        let is_it = |order: &&Order| {
            order.account == account
                && order.new.symbol == which.symbol
                && which.name.as_ref().is_none_or(|name| *name == order.new.client_id)
        };
        match which.id {
            Some(id) => self.orders.get(&id).filter(is_it),
            None => self.named(account, which.symbol, which.name.as_ref()?).next(),
        }
    }

    /// Cancels one order, and with it the list that it is in. Gives all that were canceled, the
    /// one that was meant first.
    pub(crate) fn cancel(
        &mut self,
        account: AccountId,
        which: &Which,
        request_name: &str,
        now_ms: u64,
    ) -> Result<Vec<Order>, Refusal> {
        self.may_cancel_on(which.symbol)?;
        let id = self.find_open(account, which).ok_or_else(Refusal::unknown_order)?;
        let from = self.events.len();
        self.cancel_id(id, request_name, now_ms);
        self.finish(now_ms);
        Ok(self.canceled_since(from))
    }

    /// Whether orders of a symbol may end now.
    pub(super) fn may_cancel_on(&self, symbol: SymbolId) -> Result<(), Refusal> {
        let may = self.markets[symbol].symbol.trading.may_cancel();
        if may { Ok(()) } else { Err(Refusal::cancel_closed()) }
    }

    /// Orders that were canceled since the event with this index.
    pub(super) fn canceled_since(&self, from: usize) -> Vec<Order> {
        self.events[from..]
            .iter()
            .filter_map(|event| match event {
                Event::Report(report) if report.kind == Execution::Canceled => {
                    Some(report.order.clone())
                }
                _ => None,
            })
            .collect()
    }

    pub(super) fn cancel_id(&mut self, id: OrderId, request_name: &str, now_ms: u64) {
        self.close(id, Status::Canceled);
        let name = request_name.to_owned();
        self.report(id, Execution::Canceled, now_ms, |report| report.request_name = Some(name));
        self.list_ended(id, Some(request_name), now_ms);
    }

    /// Cancels all open orders of an account on a symbol, in the order of their numbers.
    pub(crate) fn cancel_all(
        &mut self,
        account: AccountId,
        symbol: SymbolId,
        request_name: &str,
        now_ms: u64,
    ) -> Result<Vec<Order>, Refusal> {
        self.may_cancel_on(symbol)?;
        let from = self.events.len();
        let ids: Vec<_> = self.open[account]
            .iter()
            .copied()
            .filter(|id| self.orders.get(id).is_some_and(|order| order.new.symbol == symbol))
            .collect();
        if ids.is_empty() {
            return Err(Refusal::unknown_order());
        }
        for id in ids {
            // The list of one before may have taken it along.
            if self.orders.get(&id).is_some_and(|order| order.status.is_open()) {
                self.cancel_id(id, request_name, now_ms);
            }
        }
        self.finish(now_ms);
        Ok(self.canceled_since(from))
    }
}

/// What an order locks when it comes.
pub(super) fn lock_of(new: &NewOrder) -> Amount {
    match new.side {
        Side::Sell => new.quantity,
        Side::Buy if new.price.is_zero() => new.quantity.times(new.stop),
        Side::Buy => new.quantity.times(new.price),
    }
}

/// Whether an order's trigger comes from below: it rises to it.
pub(super) fn triggers_above(side: Side, kind: Kind) -> bool {
    (side == Side::Buy) != kind.takes_profit()
}

/// Whether a price reaches the trigger.
pub(super) fn triggers_at(new: &NewOrder, last: Amount) -> bool {
    if triggers_above(new.side, new.kind) { last >= new.stop } else { last <= new.stop }
}

/// Whether an order may rest.
pub(super) const fn may_rest(kind: Kind, tif: Tif) -> bool {
    !kind.is_market() && matches!(tif, Tif::Gtc)
}
