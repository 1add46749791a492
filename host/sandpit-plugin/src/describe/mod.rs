//! What a strategy says of itself, once it has been held to the bounds of the contract.

mod read;
mod values;

pub use values::{Argument, ArgumentError, Value};

use sandpit_core::{market::DataKind, num::Decimal, plugin::Subscriptions};

/// What a strategy says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `a-z`, `0-9` and `-`.
    pub name: String,
    /// Semantic version of the strategy.
    pub version: String,
    /// What it does and when it loses. May have several lines; other control characters have been
    /// escaped.
    pub summary: String,
    /// Settings that the operator may change.
    pub parameters: Vec<Parameter>,
    /// Market data that it wants.
    pub subscriptions: Vec<DataKind>,
    /// History that it wants before the session.
    pub warm_up: Vec<WarmUp>,
    /// Number of the layout of its saved state.
    pub state_schema: u32,
}

impl Description {
    /// What it wants to be told, as the engine cares for it.
    #[must_use]
    pub fn subscriptions(&self) -> Subscriptions {
        Subscriptions { kinds: self.subscriptions.clone() }
    }
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// `a-z`, `0-9` and `-`.
    pub name: String,
    /// What it does, for people.
    pub summary: String,
    /// Type, default and bounds.
    pub kind: ParameterKind,
}

/// The type of a parameter, its default, and what is accepted for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// Yes or no.
    Boolean {
        /// Where none is given.
        default: bool,
    },
    /// A whole number.
    Integer {
        /// Where none is given.
        default: i64,
        /// Inclusive.
        min: i64,
        /// Inclusive.
        max: i64,
    },
    /// An exact number.
    Decimal {
        /// Where none is given.
        default: Decimal,
        /// Inclusive.
        min: Decimal,
        /// Inclusive.
        max: Decimal,
    },
    /// One of several words.
    Choice {
        /// Where none is given.
        default: String,
        /// All that there are.
        options: Vec<String>,
    },
    /// Free text.
    Text {
        /// Where none is given.
        default: String,
        /// Bytes.
        bytes_max: usize,
    },
}

/// History that a strategy wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmUp {
    /// Of what: trades, quotes or bars.
    pub kind: DataKind,
    /// The last so many, for each instrument.
    pub count: u32,
}

/// A description that breaks the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its description breaks the contract: {field} {problem}")]
pub struct DescriptionError {
    /// Which part.
    pub field: String,
    /// What is wrong with it.
    pub problem: &'static str,
}
