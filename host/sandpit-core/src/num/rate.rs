//! A fraction of an amount: fee rates, limits in percent.

use core::cmp::Ordering;

use super::{Decimal, Money};

/// A fraction in units of 10^−12 (0.001 is `Rate(1_000_000_000)`). Negative for rebates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub i64);

impl Rate {
    /// Digits after the point.
    pub const SCALE: u8 = 12;
    /// The largest magnitude that is accepted from configuration: 1,000 (100,000 %).
    pub const MAX: i64 = 1_000 * Self::ONE;
    const ONE: i64 = 1_000_000_000_000;

    /// The rate that a decimal says; `None` where it is finer than 10^−12 or beyond [`Self::MAX`].
    #[must_use]
    pub fn from_decimal(decimal: Decimal) -> Option<Self> {
        decimal
            .at_scale(Self::SCALE)
            .filter(|raw| raw.unsigned_abs() <= Self::MAX.unsigned_abs())
            .map(Self)
    }

    /// As a decimal, without trailing zeros.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, Self::SCALE).normalized()
    }

    /// This fraction of `amount`, rounded half-even at 18 digits. Exact for all amounts whose
    /// digits after the point are at most 6.
    #[must_use]
    pub fn of(self, amount: Money) -> Money {
        // Split so that the product cannot overflow: whole units and the rest apart.
        let one = i128::from(Self::ONE);
        let rate = i128::from(self.0);
        let whole = amount.0.div_euclid(one);
        let rest = amount.0.rem_euclid(one);
        div_add_half_even(whole * rate, rest * rate, one)
    }
}

/// `whole + numerator / denominator`, the nearest whole number, ties to the even *sum*.
fn div_add_half_even(whole: i128, numerator: i128, denominator: i128) -> Money {
    let floor = whole + numerator.div_euclid(denominator);
    let rest = numerator.rem_euclid(denominator);
    Money(match (2 * rest).cmp(&denominator) {
        Ordering::Less => floor,
        Ordering::Greater => floor + 1,
        Ordering::Equal => floor + (floor & 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn takes_its_part_exactly() {
        let rate = Rate::from_decimal("0.0005".parse().unwrap()).unwrap();
        let amount = Money::from_decimal("13887.5".parse().unwrap()).unwrap();
        assert_eq!(rate.of(amount).to_string(), "6.94375");
        assert_eq!(rate.of(-amount).to_string(), "-6.94375");
    }

    #[test]
    fn refuses_what_is_out_of_bounds() {
        assert_eq!(Rate::from_decimal(Decimal::new(1, 13)), None);
        assert_eq!(Rate::from_decimal(Decimal::new(1001, 0)), None);
        assert!(Rate::from_decimal(Decimal::new(-1000, 0)).is_some());
    }
}
