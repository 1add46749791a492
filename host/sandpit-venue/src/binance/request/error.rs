//! Why something cannot be asked.

use sandpit_core::ids::ClientOrderId;

/// Why a request is not made. All of them are found before a byte is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A price or quantity that is not greater than zero.
    #[error("{field} must be greater than zero")]
    NotPositive {
        /// Which number.
        field: &'static str,
    },
    /// A price or quantity off the instrument's grid or beyond its bounds.
    #[error("{field} {raw} is not on the grid of `{symbol}`")]
    OffGrid {
        /// Which number.
        field: &'static str,
        /// The number in units of its last digit.
        raw: i64,
        /// Whose grid.
        symbol: String,
    },
    /// A combination that the venue does not take.
    #[error("{what}")]
    Unsupported {
        /// What it does not take.
        what: &'static str,
    },
    /// A number beyond what the venue takes.
    #[error("{field} {value} is not from {min} to {max}")]
    OutOfRange {
        /// Which number.
        field: &'static str,
        /// What was asked for.
        value: u64,
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// An id whose text has more than 36 characters.
    #[error("the client order id {0} is longer than the venue accepts")]
    LongClientId(ClientOrderId),
    /// There is no such request on this side of the venue.
    #[error("{name} cannot be asked of the {side}")]
    NoSuchDoor {
        /// What.
        name: &'static str,
        /// Where.
        side: &'static str,
    },
    /// It must be signed, and there is no key.
    #[error("{name} needs a key")]
    NoKey {
        /// What.
        name: &'static str,
    },
}
