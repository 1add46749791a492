//! What a session has done in its whole life, counted from the records of its journal: those of
//! earlier runs and those of this one alike.

use std::collections::BTreeSet;

use sandpit_core::{
    engine::{Origin, Record},
    ids::{InstrumentId, TradeId},
    order::OrderState,
};

/// Counts over all runs of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Orders that passed risk.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Of these, such as were never reported and found in the venue's books.
    pub fills_found: u64,
    /// Orders that never arrived at the venue, or that it refused.
    pub rejected: u64,
    /// Intents that were denied.
    pub denied: u64,
    /// Faults of plugins.
    pub faults: u64,
    /// Comparisons of our books with the venue's.
    pub reconciled: u64,
    /// Things that had to be mended in them.
    pub mended: u64,
    /// The last sample of each scope's equity.
    pub(super) equity: super::books::Samples,
    /// Closings of positions by the venue, by their trades: each is booked once.
    pub(super) liquidations: BTreeSet<(InstrumentId, TradeId)>,
}

impl Tally {
    /// Counts one record.
    pub(super) fn count(&mut self, record: &Record) {
        match record {
            Record::Submitted { .. } | Record::Held { .. } => self.orders += 1,
            Record::Filled { origin, .. } => {
                self.fills += 1;
                self.fills_found += u64::from(*origin == Origin::Reconciliation);
            }
            Record::Closed { state: OrderState::Rejected, .. } => self.rejected += 1,
            Record::Denied { .. } => self.denied += 1,
            Record::Liquidated { instrument, fill, .. } => {
                self.liquidations.insert((*instrument, fill.trade_id));
            }
            Record::Equity { plugin, sample } => {
                self.equity.insert(*plugin, *sample);
            }
            Record::Faulted(..) => self.faults += 1,
            Record::Reconciled { mended, .. } => {
                self.reconciled += 1;
                self.mended += u64::from(*mended);
            }
            _ => {}
        }
    }
}
