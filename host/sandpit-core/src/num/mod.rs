//! Exact numbers. On the hot path a price or a quantity is an `i64` of the instrument's own grid;
//! money is an `i128` at 18 decimals. Floats do not occur.

mod decimal;
mod grid;
mod money;
mod rate;

pub use decimal::{Decimal, ParseDecimalError, SCALE_MAX};
pub use grid::{GridError, raw_at_scale, scale_needed};
pub use money::Money;
pub(crate) use money::div_round_half_even;
pub use rate::Rate;

use core::fmt;

/// A price: a whole number of units of 10^−`price_scale` of its instrument. It has no meaning
/// without the instrument, and only the instrument multiplies it with a [`Quantity`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(pub i64);

/// A quantity: a whole number of units of 10^−`quantity_scale` of its instrument. Orders and fills
/// have positive ones; a position's is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(pub i64);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whether there is none of it.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// The lesser of the two.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Ord::min(self, other)
    }
}

/// Two numbers of one grid whose sum or difference does not fit. Inputs are bounded so that it
/// cannot happen (see [`crate::instrument::Instrument::QUANTITY_MAX`]); if it does, stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number does not fit its type")
    }
}

impl core::error::Error for Overflow {}

impl core::ops::Add for Quantity {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl core::ops::Sub for Quantity {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl core::ops::Neg for Quantity {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl core::ops::AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl core::ops::SubAssign for Quantity {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}
