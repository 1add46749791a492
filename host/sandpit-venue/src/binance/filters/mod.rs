//! The rules of symbols and of the exchange: what the venue tells about them, the core's
//! instrument that follows, and the check of an order against every filter before it is sent.
//!
//! The check is pure: how many orders are open, what the account has and what the market costs are
//! arguments. Where such a number is not known, the filter is named as unchecked, and the venue
//! decides.
//!
//! Source: the official document "Filters".

mod arithmetic;
mod check;
mod info;
mod instrument;
mod kind;

pub use check::{
    Breach, FilterState, OpenCounts, Refusal, Verdict, check, check_amend, check_list,
};
pub use info::{ExchangeInfo, SymbolInfo, SymbolRules};
pub use instrument::RulesError;
pub use kind::{Filter, FilterKind, Reference};

pub(in crate::binance) use arithmetic::product_cmp;
