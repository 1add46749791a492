//! Orders that wait for a price: stops, take-profits, trailing stops.

use alloc::{collections::BTreeSet, vec::Vec};

use crate::{
    ids::ClientOrderId,
    market::Side,
    num::Price,
    order::{OrderKind, TrailingOffset},
};

/// Whether a price of `side`'s kind fires when the market is at or above it.
pub(super) fn is_rising(side: Side, kind: OrderKind) -> bool {
    (side == Side::Buy) != matches!(kind, OrderKind::TakeProfit(_))
}

/// Where a trailing stop fires, given the best price since it was placed; rounded to the tick away
/// from the market.
pub(super) fn trailing_trigger(
    side: Side,
    offset: TrailingOffset,
    best: Price,
    tick: Price,
) -> Price {
    let distance = match offset {
        TrailingOffset::Price(distance) => distance.0,
        TrailingOffset::BasisPoints(points) => {
            let exact = i128::from(best.0) * i128::from(points);
            let steps = exact.div_euclid(10_000 * i128::from(tick.0))
                + i128::from(exact.rem_euclid(10_000 * i128::from(tick.0)) != 0);
            i64::try_from(steps)
                .unwrap_or(i64::MAX)
                .saturating_mul(tick.0)
        }
    };
    Price(match side {
        Side::Buy => best.0.saturating_add(distance),
        Side::Sell => best.0.saturating_sub(distance),
    })
}

/// Fixed triggers by price, and the trailing ones, whose price moves.
#[derive(Clone, Debug, Default)]
pub(super) struct Triggers {
    rising: BTreeSet<(Price, u64, ClientOrderId)>,
    falling: BTreeSet<(Price, u64, ClientOrderId)>,
    trailing: Vec<ClientOrderId>,
}

impl Triggers {
    pub(super) fn insert(&mut self, rising: bool, price: Price, arrival: u64, id: ClientOrderId) {
        self.side_mut(rising).insert((price, arrival, id));
    }

    pub(super) fn remove(&mut self, rising: bool, price: Price, arrival: u64, id: ClientOrderId) {
        self.side_mut(rising).remove(&(price, arrival, id));
    }

    pub(super) fn insert_trailing(&mut self, id: ClientOrderId) {
        self.trailing.push(id);
    }

    pub(super) fn remove_trailing(&mut self, id: ClientOrderId) {
        self.trailing.retain(|other| *other != id);
    }

    /// The trailing ones, in the order of their arrival.
    pub(super) fn trailing(&self) -> &[ClientOrderId] {
        &self.trailing
    }

    /// Those that fire at `price`, nearest trigger first.
    pub(super) fn reached(&self, price: Price, out: &mut Vec<ClientOrderId>) {
        out.extend(
            self.rising
                .iter()
                .take_while(|(at, ..)| *at <= price)
                .map(|(.., id)| *id),
        );
        out.extend(
            self.falling
                .iter()
                .rev()
                .take_while(|(at, ..)| *at >= price)
                .map(|(.., id)| *id),
        );
    }

    /// The first trigger strictly between `from` and `to` that a market would meet on its way.
    pub(super) fn between(&self, from: Price, to: Price) -> Option<Price> {
        if from < to {
            self.rising
                .first()
                .map(|(at, ..)| *at)
                .filter(|at| *at > from && *at < to)
        } else {
            self.falling
                .last()
                .map(|(at, ..)| *at)
                .filter(|at| *at < from && *at > to)
        }
    }

    fn side_mut(&mut self, rising: bool) -> &mut BTreeSet<(Price, u64, ClientOrderId)> {
        if rising {
            &mut self.rising
        } else {
            &mut self.falling
        }
    }
}
