//! Where our own orders rest, by price, so that one is not sent to meet another.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crate::{
    ids::{ClientOrderId, InstrumentId},
    market::Side,
    num::Price,
};

/// What is done about an order that would trade with another one of the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfTrade {
    /// Nothing.
    #[default]
    Allow,
    /// The new one is denied.
    Deny,
    /// The resting ones are canceled, and the new one is sent right after the cancels.
    CancelOldest,
    /// The new one is canceled before it is sent: its plugin is told of a cancel, not a denial.
    CancelNewest,
}

/// Where one order may rest: at its price, and at the one that it was asked to move to.
#[derive(Clone, Copy, Debug)]
struct Place {
    instrument: InstrumentId,
    side: Side,
    prices: [Option<Price>; 2],
}

/// Limit orders by instrument, side and price.
#[derive(Clone, Debug)]
pub(crate) struct Resting {
    books: Vec<[BTreeSet<(Price, ClientOrderId)>; 2]>,
    places: BTreeMap<ClientOrderId, Place>,
}

const fn index(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

impl Resting {
    pub(crate) fn new(instruments: usize) -> Self {
        Self { books: alloc::vec![Default::default(); instruments], places: BTreeMap::new() }
    }

    /// An order rests, or may soon, at `price`; and still at the one that it was asked to move to.
    pub(crate) fn put(
        &mut self,
        id: ClientOrderId,
        instrument: InstrumentId,
        side: Side,
        price: Price,
    ) {
        let asked = self.places.get(&id).and_then(|place| place.prices[1]);
        self.remove(id);
        self.places.insert(id, Place { instrument, side, prices: [Some(price), asked] });
        let book = &mut self.books[usize::from(instrument.0)][index(side)];
        book.insert((price, id));
        if let Some(asked) = asked {
            book.insert((asked, id));
        }
    }

    /// What it was asked to become was answered: it rests where it is put next, and nowhere else.
    pub(crate) fn answered(&mut self, id: ClientOrderId) {
        let Some(place) = self.places.get_mut(&id) else {
            return;
        };
        if let Some(asked) = place.prices[1].take()
            && place.prices[0] != Some(asked)
        {
            self.books[usize::from(place.instrument.0)][index(place.side)].remove(&(asked, id));
        }
    }

    /// It was asked to move to `price`; it may be at either until there is an answer.
    pub(crate) fn may_move(&mut self, id: ClientOrderId, price: Price) {
        let Some(place) = self.places.get_mut(&id) else {
            return;
        };
        let book = &mut self.books[usize::from(place.instrument.0)][index(place.side)];
        if let Some(old) = place.prices[1].replace(price)
            && place.prices[0] != Some(old)
        {
            book.remove(&(old, id));
        }
        book.insert((price, id));
    }

    pub(crate) fn contains(&self, id: ClientOrderId) -> bool {
        self.places.contains_key(&id)
    }

    pub(crate) fn remove(&mut self, id: ClientOrderId) {
        let Some(place) = self.places.remove(&id) else {
            return;
        };
        let book = &mut self.books[usize::from(place.instrument.0)][index(place.side)];
        for price in place.prices.into_iter().flatten() {
            book.remove(&(price, id));
        }
    }

    /// The first of the other side that an order of `side` would meet, reaching to `price`.
    pub(crate) fn met_by(
        &self,
        instrument: InstrumentId,
        side: Side,
        price: Price,
        except: impl Fn(ClientOrderId) -> bool,
    ) -> Option<ClientOrderId> {
        let book = &self.books[usize::from(instrument.0)][index(side.opposite())];
        let mut met = match side {
            Side::Buy => {
                let found = book.iter().take_while(|(at, _)| *at <= price);
                return found.map(|(_, id)| *id).find(|id| !except(*id));
            }
            Side::Sell => book.iter().rev().take_while(|(at, _)| *at >= price),
        };
        met.find(|(_, id)| !except(*id)).map(|(_, id)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PluginId, RunId};

    fn id(sequence: u64) -> ClientOrderId {
        ClientOrderId { sequence, plugin: PluginId(0), run: RunId(1) }
    }

    #[test]
    fn meets_the_best_of_the_other_side_at_either_price_of_a_change() {
        let mut resting = Resting::new(1);
        let at = InstrumentId(0);
        resting.put(id(1), at, Side::Sell, Price(110));
        resting.put(id(2), at, Side::Sell, Price(105));
        resting.put(id(3), at, Side::Buy, Price(90));
        let buy = |resting: &Resting, price| {
            resting.met_by(at, Side::Buy, Price(price), |_| false).map(|id| id.sequence)
        };
        assert_eq!(buy(&resting, 104), None);
        assert_eq!(buy(&resting, 105), Some(2));
        let sell = resting.met_by(at, Side::Sell, Price(90), |_| false);
        assert_eq!(sell, Some(id(3)));
        assert_eq!(resting.met_by(at, Side::Sell, Price(91), |_| false), None);
        resting.may_move(id(2), Price(120));
        assert_eq!(buy(&resting, 105), Some(2));
        resting.put(id(2), at, Side::Sell, Price(120));
        assert_eq!(buy(&resting, 109), None);
        assert_eq!(resting.met_by(at, Side::Buy, Price(120), |of| of == id(1)), Some(id(2)));
        // A part of it trades before the change is answered: it may still come to rest there.
        resting.may_move(id(3), Price(95));
        resting.put(id(3), at, Side::Buy, Price(90));
        assert_eq!(resting.met_by(at, Side::Sell, Price(95), |_| false), Some(id(3)));
        resting.answered(id(3));
        assert_eq!(resting.met_by(at, Side::Sell, Price(95), |_| false), None);
        for sequence in 1..=3 {
            resting.remove(id(sequence));
        }
        assert!(resting.books[0].iter().all(BTreeSet::is_empty));
    }
}
