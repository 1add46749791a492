//! Accounts: what they have, free and locked.
//!
//! Invariant: nothing is made or lost here but by [`Account::transfer`]; a lock never exceeds what
//! is there.

use std::collections::BTreeSet;

use crate::{amount::Amount, config::KeyConfig};

/// One account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    /// All that it ever had, so that a login never becomes another key's: a key that was taken away is
    /// none.
    pub(crate) keys: Vec<Option<KeyConfig>>,
    pub(crate) fees_in_bnb: bool,
    free: Vec<Amount>,
    locked: Vec<Amount>,
    /// Assets that changed since they were last told.
    touched: BTreeSet<usize>,
    pub(crate) updated_ms: u64,
}

impl Account {
    pub(crate) fn new(name: String, keys: Vec<KeyConfig>, assets: usize) -> Self {
        Self {
            name,
            keys: keys.into_iter().map(Some).collect(),
            fees_in_bnb: false,
            free: vec![Amount::ZERO; assets],
            locked: vec![Amount::ZERO; assets],
            touched: BTreeSet::new(),
            updated_ms: 0,
        }
    }

    pub(crate) fn free(&self, asset: usize) -> Amount {
        self.free[asset]
    }

    pub(crate) fn locked(&self, asset: usize) -> Amount {
        self.locked[asset]
    }

    pub(crate) fn total(&self, asset: usize) -> Amount {
        self.free[asset] + self.locked[asset]
    }

    /// Moves from free to locked; a negative amount moves back. `false` where there is too little,
    /// and nothing happened.
    pub(crate) fn lock(&mut self, asset: usize, amount: Amount) -> bool {
        if self.free[asset] < amount || self.locked[asset] < -amount {
            return false;
        }
        self.free[asset] -= amount;
        self.locked[asset] += amount;
        self.touched.insert(asset);
        true
    }

    /// Puts in or, where it is negative, takes out of what is free. `false` where there is too
    /// little, and nothing happened.
    pub(crate) fn transfer(&mut self, asset: usize, delta: Amount) -> bool {
        if (self.free[asset] + delta) < Amount::ZERO {
            return false;
        }
        self.free[asset] += delta;
        self.touched.insert(asset);
        true
    }

    /// What changed since the last time: asset, free, locked.
    pub(crate) fn take_changes(&mut self) -> Vec<(usize, Amount, Amount)> {
        let touched = std::mem::take(&mut self.touched);
        touched.into_iter().map(|asset| (asset, self.free[asset], self.locked[asset])).collect()
    }
}
