//! What a journal says of orders and executions, reckoned from its rows, against what the exchange
//! says of them.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sandpit_core::{engine::Record, market::Side, order::OrderState};
use sandpit_journal::journal::{Entry, Row};

use super::exchange::{Books, Fill};

/// Digits of prices and quantities, by the number of the instrument.
const GRIDS: [(u32, u32); 2] = [(1, 3), (2, 2)];

/// All orders and executions of a journal.
#[derive(Debug, Default)]
pub(crate) struct Journaled {
    pub(crate) orders: BTreeSet<String>,
    /// How orders ended.
    pub(crate) closed: BTreeMap<String, OrderState>,
    pub(crate) fills: BTreeSet<Fill>,
    /// Signed quantity of all executions, by instrument.
    pub(crate) held: BTreeMap<u16, Decimal>,
}

impl Journaled {
    pub(crate) fn new(rows: &[Row]) -> Self {
        let mut all = Self::default();
        for row in rows {
            let Entry::Core(record) = &row.entry else { continue };
            match record {
                Record::Submitted { order, .. } => {
                    let new = all.orders.insert(order.id.to_string());
                    assert!(new, "{} was submitted twice", order.id);
                }
                Record::Closed { order, state, .. } => {
                    all.closed.insert(order.id.to_string(), *state);
                }
                Record::Filled { order, fill, .. } => {
                    let (price_digits, quantity_digits) = GRIDS[usize::from(order.instrument.0)];
                    let is_buy = order.side == Side::Buy;
                    let price = Decimal::new(fill.price.0, price_digits);
                    let quantity = Decimal::new(fill.quantity.0, quantity_digits);
                    let line = (order.id.to_string(), fill.trade_id.0, is_buy, price, quantity);
                    assert!(all.fills.insert(line), "one execution was booked twice: {fill:?}");
                    let signed = if is_buy { quantity } else { -quantity };
                    *all.held.entry(order.instrument.0).or_default() += signed;
                }
                _ => {}
            }
        }
        all
    }

    /// Asserts that the exchange has every execution, every order that arrived, and no other.
    pub(crate) fn check(&self, books: &Books) {
        let names: Vec<&str> = books.orders.iter().map(|order| order.name.as_str()).collect();
        let there: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), there.len(), "an order was sent twice");
        let ours: BTreeSet<&str> = self.orders.iter().map(String::as_str).collect();
        assert_eq!(there.difference(&ours).next(), None, "an order that we never sent");
        for lost in ours.difference(&there) {
            let end = self.closed.get(*lost);
            assert_eq!(end, Some(&OrderState::Rejected), "{lost} never arrived: how it ended");
        }
        assert_eq!(self.fills.len(), books.fills.len(), "executions here and there");
        assert_eq!(self.fills, books.fills);
        let open: BTreeSet<&str> =
            ours.into_iter().filter(|name| !self.closed.contains_key(*name)).collect();
        assert_eq!(open, books.open(), "open orders here and there");
    }

    /// The same where orders were left at an exchange whose market goes on: it has what we have, and
    /// beyond that only executions of those orders.
    pub(crate) fn check_left(&self, books: &Books) {
        assert!(self.fills.is_subset(&books.fills), "an execution that the exchange does not have");
        for later in books.fills.difference(&self.fills) {
            let name = &later.0;
            let is_left = self.orders.contains(name) && !self.closed.contains_key(name);
            assert!(is_left, "{later:?} is of no order that was left");
        }
        let open = |name: &str| self.orders.contains(name) && !self.closed.contains_key(name);
        assert!(books.open().into_iter().all(open), "open there, and not here");
    }
}
