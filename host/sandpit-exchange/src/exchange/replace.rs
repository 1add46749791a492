//! Changes of orders: amend in place, and cancel with a new order in its stead.

use super::{Exchange, Placed, Which};
use crate::{
    amount::Amount,
    order::{AccountId, NewOrder, Order, OrderId},
    refusal::Refusal,
    words::{Execution, Status, SymbolStatus},
};

/// Which orders a cancel may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CancelOnly {
    New,
    PartiallyFilled,
}

/// A wish to replace an order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Replace {
    pub(crate) which: Which,
    pub(crate) request_name: String,
    pub(crate) only: Option<CancelOnly>,
    /// Whether a cancel that fails prevents the new order.
    pub(crate) stop_on_failure: bool,
    pub(crate) new: NewOrder,
    /// Why no order may be placed.
    pub(crate) limited: Option<Refusal>,
}

/// What became of both halves. `None` for a new order that was not tried.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CancelReplace {
    pub(crate) canceled: Result<Order, Refusal>,
    pub(crate) placed: Option<Result<Placed, Refusal>>,
}

/// What an amend did.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Amended {
    pub(crate) order: Order,
    pub(crate) original_name: String,
    pub(crate) execution: u64,
}

impl Exchange {
    /// Whether a cancel may end an order.
    pub(crate) fn may_cancel(
        &self,
        account: AccountId,
        which: &Which,
        only: Option<CancelOnly>,
    ) -> Result<(), Refusal> {
        let id = self.find_open(account, which).ok_or_else(Refusal::unknown_order)?;
        let status = self.orders.get(&id).map(|order| order.status);
        match (only, status) {
            (Some(CancelOnly::New), Some(Status::New))
            | (Some(CancelOnly::PartiallyFilled), Some(Status::PartiallyFilled))
            | (None, _) => Ok(()),
            _ => Err(Refusal::cancel_restricted()),
        }
    }

    /// Cancels an order and places another one.
    pub(crate) fn replace(
        &mut self,
        account: AccountId,
        wish: Replace,
        now_ms: u64,
    ) -> CancelReplace {
        let canceled = self
            .may_cancel(account, &wish.which, wish.only)
            .and_then(|()| self.cancel(account, &wish.which, &wish.request_name, now_ms))
            .and_then(|orders| orders.into_iter().next().ok_or_else(Refusal::unknown_order));
        if canceled.is_err() && wish.stop_on_failure {
            return CancelReplace { canceled, placed: None };
        }
        let placed = match wish.limited {
            Some(refusal) => Err(refusal),
            None => self.place(account, wish.new, now_ms),
        };
        CancelReplace { canceled, placed: Some(placed) }
    }

    /// Makes an order smaller where it stands; the other order of its pair with it.
    pub(crate) fn amend(
        &mut self,
        account: AccountId,
        which: &Which,
        name: &str,
        quantity: Amount,
        now_ms: u64,
    ) -> Result<Amended, Refusal> {
        if self.markets[which.symbol].symbol.trading != SymbolStatus::Trading {
            return Err(Refusal::amend_closed());
        }
        let id = self.find_open(account, which).ok_or_else(Refusal::amend_unknown)?;
        let order = &self.orders[&id];
        let (before, symbol) = (order.new.quantity, order.new.symbol);
        if quantity > before {
            return Err(Refusal::amend_increase());
        }
        if quantity == before || quantity <= order.executed + order.prevented {
            return Err(Refusal::amend_nothing());
        }
        let rules = &self.markets[symbol].symbol;
        if order.amends >= rules.rules.amends_max {
            return Err(Refusal::filter("MAX_NUM_ORDER_AMENDS").with_code(-2038));
        }
        if self.open_named(account, symbol, name).is_some_and(|other| other != id) {
            return Err(Refusal::amend_duplicate());
        }
        let wish = NewOrder { quantity, iceberg: None, ..order.new.clone() };
        let standing = self.standing(account, symbol, now_ms);
        rules.check_size(&wish, &standing).map_err(|refusal| refusal.with_code(-2038))?;
        let original_name = order.new.client_id.clone();
        let (list, sibling) = (order.list, self.sibling(id));
        self.shrink(id, quantity);
        let renamed = original_name != name;
        if let Some(order) = self.orders.get_mut(&id) {
            order.amends += 1;
            self.names.remove(&order.name_key());
            name.clone_into(&mut order.new.client_id);
            self.names.insert(order.name_key());
        }
        let execution = self.next_execution;
        let original = original_name.clone();
        self.report(id, Execution::Replaced, now_ms, |report| report.request_name = Some(original));
        if let Some(sibling) = sibling {
            self.shrink(sibling, quantity);
            self.share_lock(id, sibling);
            self.report(sibling, Execution::Replaced, now_ms, |report| {
                report.request_name = Some(report.order.new.client_id.clone());
            });
        }
        if let Some(list) = list.filter(|_| renamed) {
            self.tell_list(list, now_ms, true);
        }
        self.finish(now_ms);
        Ok(Amended { order: self.orders[&id].clone(), original_name, execution })
    }

    fn shrink(&mut self, id: OrderId, quantity: Amount) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        order.new.quantity = quantity;
        let shown = order.shown.min(order.remaining());
        let less = shown - order.shown;
        order.shown = shown;
        let (side, price, symbol) = (order.new.side, order.new.price, order.new.symbol);
        let lock = order.lock();
        if order.locked.is_positive() {
            self.set_lock(id, lock);
        }
        if !less.is_zero() {
            let market = &mut self.markets[symbol];
            market.book.show(side, price, less);
            market.touch(side, price);
            self.touched.insert(symbol);
        }
    }

    /// Of a pair the order that holds the lock keeps what the larger need is.
    fn share_lock(&mut self, a: OrderId, b: OrderId) {
        let of = |id| {
            self.orders.get(&id).map_or((Amount::ZERO, Amount::ZERO), |o| (o.locked, o.lock()))
        };
        let ((locked_a, need_a), (locked_b, need_b)) = (of(a), of(b));
        let holder = if locked_a >= locked_b { a } else { b };
        self.set_lock(holder, need_a.max(need_b));
    }
}
