//! Exact numbers in TOML: a string or a whole number. A TOML float is binary and is refused.

use sandpit_core::num::Decimal;
use serde::{Deserialize, Deserializer, de};

/// A decimal as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(pub(super) Decimal);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Number;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an exact number: a string like \"0.0005\" or a whole number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        text.replace('_', "").parse().map(Number).map_err(E::custom)
    }

    /// As if it were a string: what is read can be written and read again, to the last number.
    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Number, E> {
        self.visit_str(&whole.to_string())
    }

    fn visit_f64<E: de::Error>(self, float: f64) -> Result<Number, E> {
        Err(E::custom(format!("write {float} as a string, \"{float}\": a float is not exact")))
    }
}
