//! Our limit orders that wait to be hit, by price and then by arrival.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{ids::ClientOrderId, market::Side, num::Price};

/// Orders of one side. Keys sort the best price first, the earliest arrival first within it.
type Queue = BTreeMap<(i64, u64), ClientOrderId>;

/// Orders of one instrument.
#[derive(Clone, Debug, Default)]
pub(super) struct Resting {
    bids: Queue,
    asks: Queue,
}

impl Resting {
    pub(super) fn insert(&mut self, side: Side, price: Price, arrival: u64, id: ClientOrderId) {
        self.side_mut(side).insert((rank(side, price), arrival), id);
    }

    pub(super) fn remove(&mut self, side: Side, price: Price, arrival: u64) {
        self.side_mut(side).remove(&(rank(side, price), arrival));
    }

    /// Those that stand at `price` or better, best and earliest first.
    pub(super) fn at_or_better(&self, side: Side, price: Price, out: &mut Vec<ClientOrderId>) {
        let bound = rank(side, price);
        let reached = self.side(side).iter().take_while(|((at, _), _)| *at <= bound);
        out.extend(reached.map(|(_, id)| *id));
    }

    /// Those that stand at `price`, earliest first.
    pub(super) fn at(&self, side: Side, price: Price, out: &mut Vec<ClientOrderId>) {
        let queue = self.side(side);
        if !queue.is_empty() {
            let at = rank(side, price);
            out.extend(queue.range((at, 0)..=(at, u64::MAX)).map(|(_, id)| *id));
        }
    }

    /// All of a side, best and earliest first.
    pub(super) fn all(&self, side: Side, out: &mut Vec<ClientOrderId>) {
        out.extend(self.side(side).values());
    }

    const fn side(&self, side: Side) -> &Queue {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    const fn side_mut(&mut self, side: Side) -> &mut Queue {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

/// Smaller is better: the highest bid, the lowest ask.
const fn rank(side: Side, price: Price) -> i64 {
    match side {
        // Turns the order around as a minus does, but there is no number whose turn does not fit.
        Side::Buy => !price.0,
        Side::Sell => price.0,
    }
}
