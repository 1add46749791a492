//! Numbers as a test writes them.

use std::time::Duration;

use sandpit_core::{
    num::{self, Money},
    time::Nanos,
};
use sandpit_sdk::Decimal;

/// What a test writes where a number is meant: `"0.5"`, `3`, or a [`Decimal`].
pub trait Number {
    /// The exact number.
    ///
    /// # Panics
    /// The text is no plain decimal number.
    fn decimal(self) -> Decimal;
}

impl Number for Decimal {
    fn decimal(self) -> Decimal {
        self
    }
}

impl Number for i64 {
    fn decimal(self) -> Decimal {
        self.into()
    }
}

impl Number for i32 {
    fn decimal(self) -> Decimal {
        self.into()
    }
}

impl Number for &str {
    fn decimal(self) -> Decimal {
        match self.parse() {
            Ok(decimal) => decimal,
            Err(error) => panic!("`{self}` is {error}"),
        }
    }
}

pub(crate) fn core_decimal(number: impl Number) -> num::Decimal {
    let decimal = number.decimal();
    match decimal.to_wire() {
        Some(wire) => num::Decimal::new(wire.mantissa, wire.scale),
        None => panic!("{decimal} has more than 18 digits"),
    }
}

pub(crate) fn money(number: impl Number) -> Money {
    let decimal = core_decimal(number);
    match Money::from_decimal(decimal) {
        Some(money) => money,
        None => panic!("{decimal} is no amount"),
    }
}

pub(crate) fn nanos(duration: Duration) -> Nanos {
    Nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}
