//! What is decided once for a whole run and not for a scope.

use crate::risk::{PatternRule, SelfTrade, SessionDays};

/// Rules of risk over all scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskRules {
    /// When session days begin.
    pub days: SessionDays,
    /// What is done about orders that would trade with each other.
    pub self_trade: SelfTrade,
    /// What counts as trading to and fro; `None` looks for nothing.
    pub pattern: Option<PatternRule>,
    /// Whether the kill switch, and the loss of the journal, cancel everything at the venue by its
    /// own cancel-all, beside the cancels of our orders. It is faster where there are many orders,
    /// and ends orders of others on the account, too, and the stops that the host keeps for
    /// positions, which are placed anew. Means nothing where the venue has none.
    pub cancel_all_on_kill: bool,
}
