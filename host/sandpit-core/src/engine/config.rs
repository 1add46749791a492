//! What an engine is made of: instruments, plugins with their shares and limits, the account's.

use alloc::vec::Vec;

use crate::{
    engine::{RecoveryConfig, VenueCapabilities},
    ids::{InstrumentId, RunId},
    instrument::Instrument,
    num::Money,
    plugin::Subscriptions,
    risk::{Limits, OffTick, RiskRules},
};

/// Everything that is fixed for a run, but that plugins may come.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Part of every client order id; below 2^48.
    pub run: RunId,
    /// All of one quote currency; [`InstrumentId`] is the index. At most 65,536.
    pub instruments: Vec<Instrument>,
    /// [`crate::ids::PluginId`] is the index. At most 65,535; others may come later, by
    /// [`super::Engine::add_plugin`].
    pub plugins: Vec<PluginConfig>,
    /// Limits of the whole account.
    pub account_limits: Limits,
    /// Rules of risk over all scopes.
    pub risk: RiskRules,
    /// What happens to prices off the tick.
    pub off_tick: OffTick,
    /// What the venue can keep by itself; the host does the rest.
    pub venue: VenueCapabilities,
    /// How the engine finds out what it does not know; `None` where the venue never fails.
    pub recovery: Option<RecoveryConfig>,
}

/// One plugin's share of the run.
#[derive(Clone, Debug)]
pub struct PluginConfig {
    /// What it is given, in the account's currency.
    pub budget: Money,
    /// What it sees and may trade.
    pub instruments: Vec<InstrumentId>,
    /// What it wants to be told.
    pub subscriptions: Subscriptions,
    /// Its limits.
    pub limits: Limits,
}
