//! What an answer of the venue proves: its error codes as one table, the matching engine's
//! messages, and HTTP status, body and waiting time as an [`Outcome`].
//!
//! The rule for orders: only the venue's word ends a doubt. Any 5xx, −1000, −1001, −1006, −1007, a
//! timeout, a lost connection and an answer that cannot be read leave the fate unknown.
//!
//! Sources: the official documents "Error codes for Binance", "Rest API" (HTTP return codes,
//! limits) and "WebSocket API" (status codes).

mod outcome;
mod reason;
mod table;

pub use outcome::{
    BAN_WAIT, FIREWALL_WAIT, LossCause, ORDERS_WAIT, Outcome, Rejection, Reply, RetryAfter,
    WAIT_MAX, WEIGHT_WAIT, judge, judge_by, judge_frame,
};
pub use reason::Reason;
pub use table::ErrorCode;
pub(super) use table::table;

use super::usdm;

/// What an error code means for the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Refused by the rules of the market or of the account. Nothing happened.
    Rejected,
    /// Refused because the request itself is wrong: a bug of ours. Nothing happened.
    BadRequest,
    /// Refused because too much was asked. Nothing happened.
    RateLimited,
    /// Refused because of its time. Nothing happened; the clock must be set.
    ClockSkew,
    /// Refused because of the key, its signature or its permissions. Nothing happened; no further
    /// order will pass.
    KeyProblem,
    /// What was asked about does not exist, or is archived.
    NotFound,
    /// About the connection or a subscription, not about an order.
    Session,
    /// Both halves of a cancel-replace are in the answer, each with its own outcome.
    Halves,
    /// It may have happened or not.
    Unknown,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Rejected,
        Self::BadRequest,
        Self::RateLimited,
        Self::ClockSkew,
        Self::KeyProblem,
        Self::NotFound,
        Self::Session,
        Self::Halves,
        Self::Unknown,
    ];

    /// For a code that is not in the table. An error with a code is an answer of the venue that
    /// refuses; only the codes that the venue itself calls unknown leave a doubt.
    #[must_use]
    pub fn of(code: i32) -> Self {
        ErrorCode::of(code).map_or(Self::Rejected, ErrorCode::class)
    }
}

/// Whose codes are meant: the same number can say one thing on Spot and another on futures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codes {
    /// Spot's, with the wallet's.
    #[default]
    Spot,
    /// Those of USDⓈ-M futures.
    Usdm,
}

impl Codes {
    /// What a code means.
    #[must_use]
    pub fn class(self, code: i32) -> Class {
        match self {
            Self::Spot => Class::of(code),
            Self::Usdm => usdm::error_code::class(code),
        }
    }

    /// Whether a status of 500 and above says all the same that nothing was done.
    fn says_not_done(self, status: u16, code: i32, message: &str) -> bool {
        self == Self::Usdm && usdm::error_code::says_not_done(status, code, message)
    }
}

#[cfg(test)]
mod tests;
