//! The number of this exchange: eight digits after the point, for prices, quantities and money
//! alike, as the venue writes them. Floats do not occur.

use std::{
    fmt,
    ops::{Add, AddAssign, Neg, Sub, SubAssign},
};

use sandpit_core::num::Decimal;
use serde::{Deserialize, Deserializer, de::Error};

/// An exact number with eight digits after the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub(crate) i128);

/// Why a text is no [`Amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with at most one point.
    #[error("not a plain decimal number")]
    Malformed,
    /// More than eight digits after the point.
    #[error("more than 8 digits after the point")]
    TooPrecise,
    /// Beyond [`Amount::MAX`].
    #[error("too large")]
    TooLarge,
}

impl Amount {
    /// Digits after the point.
    pub const DIGITS: u8 = 8;
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(100_000_000);
    /// The largest one that is read: the product of two of them fits.
    pub const MAX: Self = Self(i64::MAX as i128);

    /// Reads a number that is not negative, with at most eight digits after the point; zeros
    /// beyond them are passed over.
    ///
    /// # Errors
    /// See [`AmountError`].
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let empty = whole.is_empty() && fraction.is_empty();
        if empty || !digits(whole) || !digits(fraction) {
            return Err(AmountError::Malformed);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > usize::from(Self::DIGITS) {
            return Err(AmountError::TooPrecise);
        }
        let zeros = std::iter::repeat_n(b'0', usize::from(Self::DIGITS) - fraction.len());
        let mut raw = 0i128;
        for byte in whole.bytes().chain(fraction.bytes()).chain(zeros) {
            raw = raw * 10 + i128::from(byte - b'0');
            if raw > Self::MAX.0 {
                return Err(AmountError::TooLarge);
            }
        }
        Ok(Self(raw))
    }

    /// The value of a decimal; `None` where it is negative, too fine or too large.
    #[must_use]
    pub fn from_decimal(decimal: Decimal) -> Option<Self> {
        let normal = decimal.normalized();
        let missing = Self::DIGITS.checked_sub(normal.scale)?;
        let raw = i128::from(normal.mantissa) * 10i128.pow(u32::from(missing));
        (0..=Self::MAX.0).contains(&raw).then_some(Self(raw))
    }

    /// The product, cut after eight digits: exact wherever the factors have no more together.
    pub(crate) const fn times(self, other: Self) -> Self {
        Self(self.0 * other.0 / Self::ONE.0)
    }

    /// How much of something that costs `price` this buys, in whole steps.
    pub(crate) fn buys(self, price: Self, step: Self) -> Self {
        if price.0 <= 0 || self.0 <= 0 {
            return Self::ZERO;
        }
        let raw = self.0.saturating_mul(Self::ONE.0) / price.0;
        Self(raw - raw % step.0.max(1))
    }

    pub(crate) const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether it is a whole number of steps; a step of zero is none.
    pub(crate) const fn is_multiple_of(self, step: Self) -> bool {
        step.0 == 0 || self.0 % step.0 == 0
    }

    /// Digits after the point that are not zeros at the end.
    pub(crate) fn scale(self) -> u8 {
        let (mut raw, mut scale) = (self.0, Self::DIGITS);
        while scale > 0 && raw % 10 == 0 {
            raw /= 10;
            scale -= 1;
        }
        scale
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (raw, one) = (self.0.unsigned_abs(), Self::ONE.0.unsigned_abs());
        write!(f, "{sign}{}.{:08}", raw / one, raw % one)
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| D::Error::custom(format!("`{text}` is {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn reads_and_writes_eight_digits() {
        assert_eq!(amount("1.5").to_string(), "1.50000000");
        assert_eq!(amount("0.000000010000").to_string(), "0.00000001");
        assert_eq!((amount("1") - amount("2.25")).to_string(), "-1.25000000");
        assert_eq!(amount("50").scale(), 0);
        assert_eq!(amount("0.010").scale(), 2);
        for (text, error) in [
            ("", AmountError::Malformed),
            (".", AmountError::Malformed),
            ("-1", AmountError::Malformed),
            ("1e5", AmountError::Malformed),
            ("0.000000001", AmountError::TooPrecise),
            ("92233720369", AmountError::TooLarge),
        ] {
            assert_eq!(Amount::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn multiplies_and_divides_without_losing() {
        assert_eq!(amount("52000.01").times(amount("0.00002")), amount("1.0400002"));
        assert_eq!(amount("100").buys(amount("30"), amount("0.01")), amount("3.33"));
        assert_eq!(Amount::MAX.times(Amount::ONE), Amount::MAX);
    }
}
