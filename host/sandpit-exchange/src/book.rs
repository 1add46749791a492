//! One symbol's book: users' orders by price and time, and liquidity from outside (a tape, a
//! made-up market) that nobody here owns. At one price what is from outside comes first.

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::market::Side;

use crate::{amount::Amount, order::OrderId};

/// Levels of one side that come from outside are kept up to this many.
const EXTERNAL_LEVELS_MAX: usize = 20_000;

#[derive(Clone, Debug, Default)]
struct Half {
    users: BTreeMap<Amount, VecDeque<OrderId>>,
    /// What users show, by price.
    shown: BTreeMap<Amount, Amount>,
    external: BTreeMap<Amount, Amount>,
}

/// The best that a taker can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) price: Amount,
    /// The user's order; `None` for liquidity from outside.
    pub(crate) order: Option<OrderId>,
    /// Of what is from outside; of an order the order says it.
    pub(crate) external: Amount,
}

/// Both sides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    bids: Half,
    asks: Half,
}

impl Half {
    fn quantity(&self, price: Amount) -> Amount {
        let at = |map: &BTreeMap<Amount, Amount>| map.get(&price).copied().unwrap_or_default();
        at(&self.shown) + at(&self.external)
    }
}

impl Book {
    const fn half(&self, side: Side) -> &Half {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    const fn half_mut(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Puts an order last at its price.
    pub(crate) fn add(&mut self, side: Side, price: Amount, order: OrderId, shown: Amount) {
        let half = self.half_mut(side);
        half.users.entry(price).or_default().push_back(order);
        *half.shown.entry(price).or_default() += shown;
    }

    /// Takes an order out that shows this much.
    pub(crate) fn remove(&mut self, side: Side, price: Amount, order: OrderId, shown: Amount) {
        let half = self.half_mut(side);
        if let Some(queue) = half.users.get_mut(&price) {
            queue.retain(|other| *other != order);
            if queue.is_empty() {
                half.users.remove(&price);
            }
        }
        self.show(side, price, -shown);
    }

    /// An order at this price shows more or, where `by` is negative, less.
    pub(crate) fn show(&mut self, side: Side, price: Amount, by: Amount) {
        let half = self.half_mut(side);
        let shown = half.shown.entry(price).or_default();
        *shown += by;
        if !shown.is_positive() {
            half.shown.remove(&price);
        }
    }

    /// Puts an order last at its price that stands there already.
    pub(crate) fn requeue(&mut self, side: Side, price: Amount, order: OrderId) {
        if let Some(queue) = self.half_mut(side).users.get_mut(&price) {
            queue.retain(|other| *other != order);
            queue.push_back(order);
        }
    }

    /// Orders at a price, oldest first.
    pub(crate) fn queue(&self, side: Side, price: Amount) -> Vec<OrderId> {
        self.half(side)
            .users
            .get(&price)
            .map_or_else(Vec::new, |queue| queue.iter().copied().collect())
    }

    /// Best price of users' orders on a side.
    pub(crate) fn best_user(&self, side: Side) -> Option<Amount> {
        let users = &self.half(side).users;
        match side {
            Side::Buy => users.last_key_value(),
            Side::Sell => users.first_key_value(),
        }
        .map(|(price, _)| *price)
    }

    /// Best price from outside on a side.
    pub(crate) fn best_external(&self, side: Side) -> Option<(Amount, Amount)> {
        let external = &self.half(side).external;
        match side {
            Side::Buy => external.last_key_value(),
            Side::Sell => external.first_key_value(),
        }
        .map(|(price, quantity)| (*price, *quantity))
    }

    pub(crate) fn external(&self, side: Side, price: Amount) -> Amount {
        self.half(side).external.get(&price).copied().unwrap_or_default()
    }

    /// What is shown at a price.
    pub(crate) fn quantity(&self, side: Side, price: Amount) -> Amount {
        self.half(side).quantity(price)
    }

    /// Sets what is there from outside; nothing takes the level away. Whether anything changed.
    pub(crate) fn set_external(&mut self, side: Side, price: Amount, quantity: Amount) -> bool {
        let external = &mut self.half_mut(side).external;
        if !quantity.is_positive() {
            return external.remove(&price).is_some();
        }
        if external.len() >= EXTERNAL_LEVELS_MAX && !external.contains_key(&price) {
            return false;
        }
        external.insert(price, quantity) != Some(quantity)
    }

    /// Prices that have something from outside.
    pub(crate) fn external_prices(&self, side: Side) -> Vec<Amount> {
        self.half(side).external.keys().copied().collect()
    }

    /// The best that somebody can have who takes from `side`, within a limit.
    pub(crate) fn offer(&self, side: Side, limit: Option<Amount>) -> Option<Offer> {
        let is_better = |a: Amount, b: Amount| match side {
            Side::Buy => a > b,
            Side::Sell => a < b,
        };
        let user = self.best_user(side);
        let offer = match (self.best_external(side), user) {
            (Some((price, external)), user) if user.is_none_or(|user| !is_better(user, price)) => {
                Offer { price, order: None, external }
            }
            (_, Some(price)) => {
                let order = self.half(side).users.get(&price)?.front().copied();
                Offer { price, order, external: Amount::ZERO }
            }
            _ => return None,
        };
        limit.is_none_or(|limit| !is_better(limit, offer.price)).then_some(offer)
    }

    /// Prices with what is shown there, best first.
    pub(crate) fn levels(&self, side: Side, count: usize) -> Vec<(Amount, Amount)> {
        let half = self.half(side);
        let mut shown = half.shown.keys().copied();
        let mut external = half.external.keys().copied();
        let next = |keys: &mut dyn DoubleEndedIterator<Item = Amount>| match side {
            Side::Buy => keys.next_back(),
            Side::Sell => keys.next(),
        };
        let (mut a, mut b) = (next(&mut shown), next(&mut external));
        let mut levels = Vec::new();
        while levels.len() < count {
            let price = match (a, b) {
                (None, None) => break,
                (Some(price), None) | (None, Some(price)) => price,
                (Some(a), Some(b)) if side == Side::Buy => a.max(b),
                (Some(a), Some(b)) => a.min(b),
            };
            if a == Some(price) {
                a = next(&mut shown);
            }
            if b == Some(price) {
                b = next(&mut external);
            }
            levels.push((price, half.quantity(price)));
        }
        levels
    }

    /// Users' orders and outside liquidity, best first, as far as a limit goes: what a walk through
    /// the book needs. Icebergs count with all they have, which `hidden` tells.
    pub(crate) fn walk(
        &self,
        side: Side,
        limit: Option<Amount>,
        mut remaining_of: impl FnMut(OrderId) -> Amount,
        mut step: impl FnMut(Amount, Amount) -> bool,
    ) {
        let half = self.half(side);
        for (price, _) in self.levels(side, usize::MAX) {
            let beyond = limit.is_some_and(|limit| match side {
                Side::Buy => price < limit,
                Side::Sell => price > limit,
            });
            if beyond {
                return;
            }
            let users = half.users.get(&price).into_iter().flatten();
            let users = users.fold(Amount::ZERO, |sum, id| sum + remaining_of(*id));
            if !step(price, users + self.external(side, price)) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn n(number: i128) -> Amount {
        Amount(number * Amount::ONE.0)
    }

    #[test]
    fn the_better_price_is_first_then_the_outside_then_the_earlier() {
        let mut book = Book::default();
        book.add(Side::Sell, n(102), 1, n(1));
        book.add(Side::Sell, n(101), 2, n(2));
        book.add(Side::Sell, n(101), 3, n(3));
        book.set_external(Side::Sell, n(101), n(5));
        let offer = |book: &Book, limit| book.offer(Side::Sell, limit);
        assert_eq!(offer(&book, None), Some(Offer { price: n(101), order: None, external: n(5) }));
        assert_eq!(offer(&book, Some(n(100))), None);
        assert_eq!(book.levels(Side::Sell, 9), [(n(101), n(10)), (n(102), n(1))]);
        book.set_external(Side::Sell, n(101), Amount::ZERO);
        assert_eq!(offer(&book, None).unwrap().order, Some(2));
        book.requeue(Side::Sell, n(101), 2);
        assert_eq!(offer(&book, None).unwrap().order, Some(3));
        book.remove(Side::Sell, n(101), 3, n(3));
        book.remove(Side::Sell, n(101), 2, n(2));
        assert_eq!(offer(&book, None).unwrap().price, n(102));
        assert_eq!(book.levels(Side::Sell, 9), [(n(102), n(1))]);
    }

    #[test]
    fn bids_are_the_other_way_round() {
        let mut book = Book::default();
        book.add(Side::Buy, n(99), 1, n(1));
        book.set_external(Side::Buy, n(98), n(4));
        book.set_external(Side::Buy, n(100), n(2));
        assert_eq!(book.levels(Side::Buy, 2), [(n(100), n(2)), (n(99), n(1))]);
        assert_eq!(book.offer(Side::Buy, Some(n(101))), None);
        let mut sum = Amount::ZERO;
        book.walk(
            Side::Buy,
            Some(n(99)),
            |_| n(7),
            |_, quantity| {
                sum += quantity;
                true
            },
        );
        assert_eq!(sum, n(9));
    }
}
