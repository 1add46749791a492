//! What may be sent. Risk turns a plugin's wish into an [`Approved`] order or a coded [`Denial`];
//! nothing else can make an `Approved`. Two scopes are asked, the plugin's and the account's, and
//! the tighter wins. Cancels are not asked about: they always pass.
//!
//! In this order: `form` (is it an order at all), `check` (prices, the order's size and pace, the
//! position it could lead to, the trading state), `resting` (would it trade with another of ours).
//! Beside the orders: `guards` (losses that lock a scope), `ramp` (capital given bit by bit),
//! `protective` (stops that the host keeps), `pattern` (trading to and fro). All are pure; the
//! engine holds their state and writes the records that make it last.

mod approved;
mod check;
mod codes;
mod days;
mod denial;
mod exposure;
mod form;
mod guards;
mod limits;
mod pattern;
mod protective;
mod ramp;
mod resting;
mod rules;
mod throttle;

pub use approved::Approved;
pub use check::Purpose;
pub use codes::{DenialCode, DeniedBy};
pub use days::SessionDays;
pub use denial::{Denial, Scope};
pub use exposure::Exposure;
pub use form::OffTick;
pub use guards::{
    Breach, BreachPolicy, GuardKind, Guards, LossGuard, LossLimit, StreakGuard, Unlock,
    VelocityGuard,
};
pub use limits::{BasisPoints, InstrumentLimits, Limits, Sides};
pub use pattern::PatternRule;
pub use protective::ProtectiveStop;
pub use ramp::RampStage;
pub use resting::SelfTrade;
pub use rules::RiskRules;
pub use throttle::{OrderToFill, Rates};

pub(crate) use check::{Act, Candidate, MarketView, ScopeView, approve, approve_change};
pub(crate) use form::{form, form_limit, form_quantity, form_trigger};
pub(crate) use guards::Watch;
pub(crate) use pattern::{Pattern, Seen, Trade};
pub(crate) use ramp::RampState;
pub(crate) use resting::Resting;
pub(crate) use throttle::Throttle;
