//! A price-level book kept from snapshots and changes, with its sequence checked.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    market::{DepthUpdate, Side},
    num::{Price, Quantity},
};

/// One level: price and quantity.
pub(super) type Level = (Price, Quantity);

/// Levels of both sides. Empty until the first snapshot and after a gap.
#[derive(Clone, Debug, Default)]
pub struct Book {
    bids: BTreeMap<Price, Quantity>,
    asks: BTreeMap<Price, Quantity>,
    /// Last sequence number taken in; `None` until a snapshot.
    sequence: Option<u64>,
    /// Whether a change has been taken in since the snapshot. The first one may begin before it.
    chained: bool,
}

/// Why a change could not be taken in. The book is then empty until the next snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// Changes are missing.
    #[error("the book expected sequence {expected}, the update begins at {found}")]
    Gap {
        /// Next number.
        expected: u64,
        /// First number of the update.
        found: u64,
    },
    /// The best bid is at or above the best ask.
    #[error("the book is crossed")]
    Crossed,
}

impl Book {
    /// Takes in a snapshot or change. A change before the first snapshot, or one that the
    /// snapshot includes already, is passed over.
    ///
    /// Sequence rule: Binance, "How to manage a local order book correctly".
    ///
    /// # Errors
    /// A gap in the sequence, or a book that is crossed afterwards.
    pub fn apply(&mut self, update: &DepthUpdate) -> Result<(), BookError> {
        if update.snapshot {
            self.clear();
        } else if !self.continues(update)? {
            return Ok(());
        }
        self.chained = !update.snapshot;
        self.sequence = Some(update.last_sequence);
        set_levels(&mut self.bids, &update.bids);
        set_levels(&mut self.asks, &update.asks);
        match self.best() {
            Some(((bid, _), (ask, _))) if bid >= ask => {
                self.clear();
                Err(BookError::Crossed)
            }
            _ => Ok(()),
        }
    }

    fn continues(&mut self, update: &DepthUpdate) -> Result<bool, BookError> {
        let Some(last) = self.sequence else {
            return Ok(false);
        };
        if update.last_sequence == 0 {
            return Ok(true);
        }
        if update.last_sequence <= last {
            return Ok(false);
        }
        let expected = last + 1;
        let fits = if update.previous_sequence != 0 && self.chained {
            update.previous_sequence == last
        } else {
            update.first_sequence <= expected
        };
        if fits {
            return Ok(true);
        }
        self.clear();
        Err(BookError::Gap { expected, found: update.first_sequence })
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    /// Best bid and ask with their quantities, where both sides have one.
    #[must_use]
    pub fn best(&self) -> Option<(Level, Level)> {
        let bid = self.bids.last_key_value()?;
        let ask = self.asks.first_key_value()?;
        Some(((*bid.0, *bid.1), (*ask.0, *ask.1)))
    }

    /// Bids, best first.
    pub fn bids(&self) -> impl Iterator<Item = Level> + '_ {
        self.bids.iter().rev().map(|(price, quantity)| (*price, *quantity))
    }

    /// Asks, best first.
    pub fn asks(&self) -> impl Iterator<Item = Level> + '_ {
        self.asks.iter().map(|(price, quantity)| (*price, *quantity))
    }

    /// What stands at a price of `side`: bids for [`Side::Buy`].
    #[must_use]
    pub fn quantity_at(&self, side: Side, price: Price) -> Quantity {
        let levels = match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        };
        levels.get(&price).copied().unwrap_or_default()
    }

    /// Whether a snapshot has been taken in and no gap since.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.sequence.is_some()
    }

    /// The best `levels` of each side.
    #[must_use]
    pub fn top(&self, levels: u16) -> (Vec<Level>, Vec<Level>) {
        let levels = usize::from(levels);
        (self.bids().take(levels).collect(), self.asks().take(levels).collect())
    }
}

fn set_levels(side: &mut BTreeMap<Price, Quantity>, levels: &[Level]) {
    for (price, quantity) in levels {
        if quantity.is_zero() {
            side.remove(price);
        } else {
            side.insert(*price, *quantity);
        }
    }
}
