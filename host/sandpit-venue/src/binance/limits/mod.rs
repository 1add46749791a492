//! How much may still be asked: a count of weights and orders for each of the venue's windows,
//! with lanes and a reserve. Pure; the venue's time is an argument.
//!
//! **Lanes.** The kill switch with its cancels comes first, then reconciliation, then orders, then
//! data. Each lane leaves a part of every limit to those before it, so data can never spend what a
//! cancel needs.
//!
//! **Counting.** What is asked counts when it is asked. What the venue says about usage raises the
//! count, never lowers it below what the venue says; requests under way come on top, since the
//! venue may not have counted them yet. What an order weighed is given back when the venue
//! confirms it, but not below the venue's own word.
//!
//! **Windows** begin with the venue's clock (a minute at every full minute). Our idea of that clock
//! can be off by [`CLOCK_GUARD`]: what is asked so close to a boundary counts in both windows.
//!
//! Sources: the official documents "Rest API" ("LIMITS") and "WebSocket API" ("Rate limits").

mod ledger;
mod usage;
mod window;

pub use ledger::{Closed, LIMITS_MAX, Ledger, NoRoom, Settled, Ticket};
pub use usage::{Limit, LimitKind, Usage};
pub use window::CLOCK_GUARD;

/// Who asks, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// The kill switch, and every cancel.
    Kill,
    /// Finding out what is so: orders, fills, balances.
    Reconcile,
    /// New orders and changes.
    Orders,
    /// Market data.
    Data,
}

impl Lane {
    /// All of them, most urgent first.
    pub const ALL: [Self; 4] = [Self::Kill, Self::Reconcile, Self::Orders, Self::Data];
}

/// What each lane keeps for itself of every limit, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserves {
    /// For the kill switch and cancels.
    pub kill_permille: u16,
    /// For reconciliation.
    pub reconcile_permille: u16,
    /// For orders.
    pub orders_permille: u16,
}

impl Default for Reserves {
    /// A tenth, a tenth and two tenths: data may use six tenths.
    fn default() -> Self {
        Self { kill_permille: 100, reconcile_permille: 100, orders_permille: 200 }
    }
}

impl Reserves {
    /// How much of a limit a lane may use.
    #[must_use]
    pub fn share(&self, lane: Lane, limit: u32) -> u32 {
        let kept = [self.kill_permille, self.reconcile_permille, self.orders_permille];
        let before = match lane {
            Lane::Kill => 0,
            Lane::Reconcile => 1,
            Lane::Orders => 2,
            Lane::Data => 3,
        };
        // Each is rounded up, so that small limits have a reserve, too.
        let reserved = kept[..before].iter().fold(0u64, |sum, permille| {
            sum + (u64::from(limit) * u64::from(*permille)).div_ceil(1_000)
        });
        limit.saturating_sub(u32::try_from(reserved).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests;
