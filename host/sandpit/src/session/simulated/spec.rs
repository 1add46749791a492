//! What a simulated venue is made of, and how its log knows it again.

use sandpit_core::{
    ids::PluginId,
    instrument::Instrument,
    matching::{Exchange, FillModel},
    num::Money,
};
use sha2::{Digest as _, Sha256};

use super::{entry::Head, log::FORMAT};

/// What somebody else has behind his orders: more than he can need.
const EXTERNAL_FUNDS: Money = Money(1_000_000_000_000 * 1_000_000_000_000_000_000);

/// What a venue is.
#[derive(Clone, Debug)]
pub(in crate::session) struct VenueSpec {
    /// Its rules.
    pub(in crate::session) instruments: Vec<Instrument>,
    /// How it fills.
    pub(in crate::session) model: FillModel,
    /// What plugins have there, by plugin.
    pub(in crate::session) budgets: Vec<Money>,
    /// SHA-256 of the tapes that are its market.
    pub(in crate::session) tapes: Vec<String>,
    /// Whether a working sell locks what it would sell.
    pub(in crate::session) locks_balance: bool,
    /// Whether its log waits for the disk at each entry.
    pub(in crate::session) synced: bool,
}

impl VenueSpec {
    /// With what its log begins.
    pub(super) fn head(&self) -> Head {
        let mut rules = Sha256::new();
        for instrument in &self.instruments {
            rules.update(format!("{:?}", instrument.spec()));
        }
        // What plugins are given is not among its rules: there is no margin, and they come and go.
        rules.update(format!("{:?}", self.model));
        if self.locks_balance {
            rules.update("locks balances");
        }
        Head {
            format: FORMAT,
            tapes: self.tapes.clone(),
            rules: crate::backtest::hex(&rules.finalize()),
        }
    }

    /// The exchange that this says.
    pub(super) fn exchange(&self) -> Exchange {
        let mut exchange = Exchange::new(&self.instruments, self.model.clone());
        if self.locks_balance {
            exchange.lock_balances();
        }
        for (index, budget) in (0u16..).zip(&self.budgets) {
            exchange.fund(PluginId(index), *budget);
        }
        exchange.fund(PluginId(u16::MAX), EXTERNAL_FUNDS);
        exchange
    }
}
