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
}
