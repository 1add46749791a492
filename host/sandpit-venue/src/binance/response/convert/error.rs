//! Why a message says nothing that the core could take.

use sandpit_core::market::ReadingError;

use crate::binance::{NumberError, text::cut};

/// Bytes of a message's text that an error quotes.
const QUOTED_BYTES_MAX: usize = 64;

/// Why a message cannot be turned into the core's terms. It then has to be found out by asking
/// what is so; it is never passed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// A symbol that nobody trades here.
    #[error("`{symbol}` is no instrument of this run")]
    UnknownSymbol {
        /// Which.
        symbol: String,
    },
    /// A number that is none on the instrument's grid.
    #[error("`{text}` is no {field}")]
    Number {
        /// Which number.
        field: &'static str,
        /// What stands there, cut short.
        text: String,
        /// Why.
        #[source]
        problem: ReadingError,
    },
    /// An amount that is no number.
    #[error("`{text}` is no {field}")]
    Amount {
        /// Which amount.
        field: &'static str,
        /// What stands there, cut short.
        text: String,
        /// Why.
        #[source]
        problem: NumberError,
    },
    /// A number beyond what the core counts in.
    #[error("the {field} `{text}` is too large")]
    TooLarge {
        /// Which number.
        field: &'static str,
        /// What stands there.
        text: String,
    },
    /// A stamp before 1970 or after 2262.
    #[error("the stamp {stamp} is no time")]
    Time {
        /// As the venue says it.
        stamp: i64,
    },
    /// A fee in an asset whose worth is not known. Find a rate and try again.
    #[error("a fee was paid in {asset}, and its worth in {quote} is not known")]
    FeeRate {
        /// In which asset.
        asset: String,
        /// In what it has to be expressed.
        quote: String,
    },
    /// A kind of order that the core does not have.
    #[error("the core has no orders of type {order_type}")]
    Kind {
        /// The venue's word.
        order_type: String,
    },
    /// A word that changes what is meant and is not known.
    #[error("`{word}` is no {field} that is known here")]
    Word {
        /// Of what.
        field: &'static str,
        /// The word.
        word: String,
    },
    /// Fills that are missing, or too many.
    #[error("an order has {executed} filled, and its fills make {found}")]
    Fills {
        /// In units of the quantity's last digit, by the order.
        executed: i64,
        /// By its fills.
        found: i64,
    },
    /// Two instruments share an asset, so that its balance is no one's position.
    #[error("several instruments have the base asset {asset}, so that its balance is no position")]
    SharedBase {
        /// Which.
        asset: String,
    },
    /// Parts of a message that cannot both be true.
    #[error("the message contradicts itself: {what}")]
    Contradiction {
        /// What.
        what: &'static str,
    },
}

impl ConvertError {
    pub(in crate::binance) fn number(
        field: &'static str,
        text: &str,
        problem: ReadingError,
    ) -> Self {
        Self::Number { field, text: cut(text, QUOTED_BYTES_MAX).to_owned(), problem }
    }

    pub(super) fn amount(field: &'static str, text: &str, problem: NumberError) -> Self {
        Self::Amount { field, text: cut(text, QUOTED_BYTES_MAX).to_owned(), problem }
    }

    pub(in crate::binance) fn symbol(symbol: &str) -> Self {
        Self::UnknownSymbol { symbol: cut(symbol, QUOTED_BYTES_MAX).to_owned() }
    }
}
