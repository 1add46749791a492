//! Orders that wait for the last price.

use super::{
    Exchange,
    entry::{triggers_above, triggers_at},
};
use crate::{
    amount::Amount,
    order::{Order, OrderId, SymbolId},
    words::{Execution, Expiry},
};

/// Hundredths of a percent in one.
const ONE: i128 = 10_000;

impl Exchange {
    /// Fires what the prices of this call have reached. Each order fires once, so it ends.
    pub(super) fn fire_triggers(&mut self, now_ms: u64) {
        while let Some(symbol) = self.moved.pop_first() {
            for id in self.reached(symbol, now_ms) {
                if self.orders.get(&id).is_some_and(Order::waits) {
                    self.fire(id, now_ms);
                }
            }
        }
    }

    fn reached(&mut self, symbol: SymbolId, now_ms: u64) -> Vec<OrderId> {
        let market = &self.markets[symbol];
        let Some(last) = market.last else { return Vec::new() };
        let mut reached = Vec::new();
        for id in &market.waiting {
            if let Some(order) = self.orders.get_mut(id)
                && is_reached(order, last, now_ms)
            {
                reached.push(*id);
            }
        }
        reached
    }

    fn fire(&mut self, id: OrderId, now_ms: u64) {
        self.list_works(id, now_ms);
        let Some(order) = self.orders.get_mut(&id) else { return };
        order.working_ms = Some(now_ms);
        let is_market = order.new.kind.is_market();
        let is_locked = order.locked.is_positive();
        let symbol = order.new.symbol;
        self.markets[symbol].waiting.remove(&id);
        if is_market {
            // It pays what the market asks, which its lock only guessed.
            self.set_lock(id, Amount::ZERO);
        } else if !is_locked {
            return self.expire(id, Expiry::Rejected, now_ms);
        }
        self.report(id, Execution::New, now_ms, |_| ());
        self.run(id, now_ms);
    }
}

/// Whether the last price has reached an order's trigger; a trailing one follows it first.
fn is_reached(order: &mut Order, last: Amount, now_ms: u64) -> bool {
    let Some(delta) = order.new.trailing_delta else {
        return triggers_at(&order.new, last);
    };
    let above = triggers_above(order.new.side, order.new.kind);
    let Some((best, since)) = order.trail else {
        // A stop price tells from where on it follows.
        let stop = order.new.stop;
        let begins = stop.is_zero()
            || order.placed_at.is_none_or(|from| (from <= stop) == (last >= stop) || last == stop);
        if begins {
            order.trail = Some((last, now_ms));
        }
        return false;
    };
    let best = if above { best.min(last) } else { best.max(last) };
    order.trail = Some((best, since));
    let delta = i128::from(delta);
    if above {
        last.0 * ONE >= best.0 * (ONE + delta)
    } else {
        last.0 * ONE <= best.0 * (ONE - delta)
    }
}
