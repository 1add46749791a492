//! Money of the account's currency.

use core::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Neg, Sub, SubAssign},
};

use super::{
    Decimal,
    decimal::{pow10, write_scaled},
};

/// An amount of the account's currency, exact at 18 digits after the point. An `i128` holds
/// ±1.7 × 10^20 units, and inputs are bounded well below that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i128);

impl Money {
    /// Digits after the point.
    pub const SCALE: u8 = 18;
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// `mantissa` × 10^−`scale`; `None` where the scale is over 18 or the amount does not fit.
    #[must_use]
    pub fn from_scaled(mantissa: i128, scale: u8) -> Option<Self> {
        let digits = Self::SCALE.checked_sub(scale)?;
        mantissa.checked_mul(pow10(digits)).map(Self)
    }

    /// The amount that a decimal says; `None` where its scale is over 18.
    #[must_use]
    pub fn from_decimal(decimal: Decimal) -> Option<Self> {
        Self::from_scaled(i128::from(decimal.mantissa), decimal.scale)
    }

    /// Without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// As a decimal: exact where 64 bits hold it, rounded half-even to 18 digits in all where not,
    /// without zeros at its end.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        /// Digits that always fit 64 bits.
        const DIGITS_MAX: u32 = 18;
        if let Ok(mantissa) = i64::try_from(self.0) {
            return Decimal::new(mantissa, Self::SCALE).normalized();
        }
        let digits = self.0.unsigned_abs().ilog10() + 1;
        let drop = u8::try_from(digits.saturating_sub(DIGITS_MAX)).unwrap_or(u8::MAX);
        self.to_decimal_rounded(Self::SCALE.saturating_sub(drop)).normalized()
    }

    /// As a decimal for a plugin: rounded half-even to `scale` digits, or to fewer where the
    /// amount would not fit 64 bits.
    #[must_use]
    pub fn to_decimal_rounded(self, scale: u8) -> Decimal {
        let mut scale = scale.min(Self::SCALE);
        loop {
            let rounded = div_round_half_even(self.0, pow10(Self::SCALE - scale));
            match i64::try_from(rounded) {
                Ok(mantissa) => return Decimal { mantissa, scale },
                Err(_) if scale > 0 => scale -= 1,
                Err(_) => {
                    let mantissa = if rounded < 0 { i64::MIN } else { i64::MAX };
                    return Decimal { mantissa, scale };
                }
            }
        }
    }
}

/// `numerator / denominator`, the nearest whole number, ties to even. `denominator` is positive.
pub(crate) fn div_round_half_even(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator.div_euclid(denominator);
    let remainder = numerator.rem_euclid(denominator);
    // Compared without doubling, which could overflow.
    match remainder.cmp(&(denominator - remainder)) {
        core::cmp::Ordering::Less => quotient,
        core::cmp::Ordering::Greater => quotient + 1,
        core::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

impl fmt::Display for Money {
    /// All digits that matter, at least two after the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut mantissa, mut scale) = (self.0, Self::SCALE);
        while scale > 2 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        write_scaled(f, mantissa, scale)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn shows_all_digits_that_matter() {
        assert_eq!(Money::from_scaled(1_982_332_185, 4).unwrap().to_string(), "198233.2185");
        assert_eq!(Money::from_scaled(-5, 1).unwrap().to_string(), "-0.50");
        assert_eq!(Money(1).to_string(), "0.000000000000000001");
    }

    #[test]
    fn keeps_all_digits_that_fit() {
        let amount = |text: &str| Money::from_decimal(text.parse().unwrap()).unwrap();
        assert_eq!(amount("999.80").to_decimal().to_string(), "999.8");
        assert_eq!(Money(-1).to_decimal().to_string(), "-0.000000000000000001");
        let fine = amount("1000000") + Money(500_000) + Money(1);
        assert_eq!(fine.to_decimal().to_string(), "1000000");
        assert_eq!((fine + Money(15_000_000)).to_decimal().to_string(), "1000000.00000000002");
        assert_eq!(Money(i128::MAX).to_decimal(), Decimal::new(i64::MAX, 0));
    }

    #[test]
    fn rounds_half_to_even() {
        for (numerator, expected) in
            [(25, 2), (35, 4), (-25, -2), (-35, -4), (26, 3), (-26, -3), (24, 2)]
        {
            assert_eq!(div_round_half_even(numerator, 10), expected, "{numerator}/10");
        }
    }
}
