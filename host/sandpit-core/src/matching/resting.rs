//! Our limit orders that wait to be hit, by price and then by time.

use alloc::{collections::BTreeSet, vec::Vec};

use crate::{ids::ClientOrderId, market::Side, num::Price};

/// Orders of one instrument. Keys sort the best price first, the earliest arrival first within it.
#[derive(Clone, Debug, Default)]
pub(super) struct Resting {
    bids: BTreeSet<(i64, u64, ClientOrderId)>,
    asks: BTreeSet<(i64, u64, ClientOrderId)>,
}

impl Resting {
    pub(super) fn insert(&mut self, side: Side, price: Price, arrival: u64, id: ClientOrderId) {
        self.side_mut(side).insert((rank(side, price), arrival, id));
    }

    pub(super) fn remove(&mut self, side: Side, price: Price, arrival: u64, id: ClientOrderId) {
        self.side_mut(side)
            .remove(&(rank(side, price), arrival, id));
    }

    /// Those that stand at `price` or better, best and earliest first.
    pub(super) fn at_or_better(&self, side: Side, price: Price, out: &mut Vec<ClientOrderId>) {
        let bound = rank(side, price);
        let all = match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        };
        out.extend(
            all.iter()
                .take_while(|(key, ..)| *key <= bound)
                .map(|(.., id)| *id),
        );
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeSet<(i64, u64, ClientOrderId)> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

/// Smaller is better: the highest bid, the lowest ask.
const fn rank(side: Side, price: Price) -> i64 {
    match side {
        Side::Buy => -price.0,
        Side::Sell => price.0,
    }
}
