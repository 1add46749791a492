//! The decimal against plain rational numbers.

use proptest::prelude::*;

use super::*;
use crate::dec;

/// A plain rational number, the measure for the decimal: small enough that nothing overflows.
#[derive(Clone, Copy, Debug)]
struct Rational {
    numerator: i128,
    denominator: i128,
}

impl Rational {
    fn of(value: Decimal) -> Self {
        Self { numerator: value.mantissa, denominator: pow10(value.scale) }
    }

    fn equals(self, value: Decimal) -> bool {
        let other = Self::of(value);
        self.numerator * other.denominator == other.numerator * self.denominator
    }

    fn cmp(self, other: Self) -> Ordering {
        (self.numerator * other.denominator).cmp(&(other.numerator * self.denominator))
    }
}

/// Values with up to 12 digits, of up to 6 after the point.
fn decimals() -> impl Strategy<Value = Decimal> {
    (-1_000_000_000_000i128..=1_000_000_000_000, 0u8..=6)
        .prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

fn roundings() -> impl Strategy<Value = Rounding> {
    prop_oneof![
        Just(Rounding::Floor),
        Just(Rounding::Ceiling),
        Just(Rounding::TowardZero),
        Just(Rounding::AwayFromZero),
        Just(Rounding::HalfEven),
        Just(Rounding::HalfAwayFromZero),
    ]
}

/// Whether `rounded` (a whole number of units) is what `rounding` makes of `exact`.
fn is_rounded(exact: Rational, rounded: i128, rounding: Rounding) -> bool {
    let floor = exact.numerator.div_euclid(exact.denominator);
    let rest = exact.numerator.rem_euclid(exact.denominator);
    if rest == 0 {
        return rounded == floor;
    }
    let toward_zero = if exact.numerator < 0 { floor + 1 } else { floor };
    let away = if exact.numerator < 0 { floor } else { floor + 1 };
    let nearest = match (2 * rest).cmp(&exact.denominator) {
        Ordering::Less => Some(floor),
        Ordering::Greater => Some(floor + 1),
        Ordering::Equal => None,
    };
    rounded
        == match rounding {
            Rounding::Floor => floor,
            Rounding::Ceiling => floor + 1,
            Rounding::TowardZero => toward_zero,
            Rounding::AwayFromZero => away,
            Rounding::HalfEven => nearest.unwrap_or(if floor % 2 == 0 { floor } else { floor + 1 }),
            Rounding::HalfAwayFromZero => nearest.unwrap_or(away),
        }
}

proptest! {
    #[test]
    fn sums_and_products_are_exact(a in decimals(), b in decimals()) {
        let (x, y) = (Rational::of(a), Rational::of(b));
        let denominator = x.denominator * y.denominator;
        let (left, right) = (x.numerator * y.denominator, y.numerator * x.denominator);
        let sum = Rational { numerator: left + right, denominator };
        let difference = Rational { numerator: left - right, denominator };
        let product = Rational { numerator: x.numerator * y.numerator, denominator };
        prop_assert!(sum.equals(a + b));
        prop_assert!(difference.equals(a - b));
        prop_assert!(product.equals(a * b));
        prop_assert_eq!(a.cmp(&b), x.cmp(y));
        prop_assert_eq!(a == b, x.cmp(y) == Ordering::Equal);
    }

    #[test]
    fn quotients_are_rounded_as_named(
        a in decimals(), b in decimals(), scale in 0u8..=8, rounding in roundings(),
    ) {
        prop_assume!(!b.is_zero());
        let quotient = a.div_rounded(b, scale, rounding);
        prop_assert_eq!(quotient.scale(), scale);
        let (x, y) = (Rational::of(a), Rational::of(b));
        let sign = y.numerator.signum();
        let exact = Rational {
            numerator: x.numerator * y.denominator * pow10(scale) * sign,
            denominator: x.denominator * y.numerator * sign,
        };
        prop_assert!(is_rounded(exact, quotient.mantissa(), rounding));
    }

    #[test]
    fn steps_are_rounded_as_named(
        value in decimals(), step in 1i128..=1_000_000, scale in 0u8..=6, rounding in roundings(),
    ) {
        let step = Decimal::new(step, scale);
        let rounded = value.round_to_step(step, rounding);
        let (x, y) = (Rational::of(value), Rational::of(step));
        let steps = rounded.checked_div(step, 0, Rounding::Floor).unwrap();
        prop_assert_eq!(steps * step, rounded);
        let exact = Rational {
            numerator: x.numerator * y.denominator,
            denominator: x.denominator * y.numerator,
        };
        prop_assert!(is_rounded(exact, steps.mantissa(), rounding));
    }

    #[test]
    fn fewer_digits_are_rounded_as_named(
        value in decimals(), scale in 0u8..=6, rounding in roundings(),
    ) {
        let rounded = value.round(scale, rounding);
        if value.scale() <= scale {
            prop_assert_eq!(rounded, value);
        } else {
            let x = Rational::of(value);
            let exact = Rational { numerator: x.numerator * pow10(scale), denominator: x.denominator };
            prop_assert!(is_rounded(exact, rounded.mantissa(), rounding));
        }
    }

    #[test]
    fn text_is_read_back(mantissa in any::<i64>(), scale in 0u8..=36) {
        let value = Decimal::new(i128::from(mantissa), scale);
        let again: Decimal = value.to_string().parse().unwrap();
        prop_assert_eq!((again.mantissa(), again.scale()), (value.mantissa(), scale));
    }

    #[test]
    fn any_two_values_compare_without_a_panic(
        a in any::<i128>(), b in any::<i128>(), x in 0u8..=36, y in 0u8..=36,
    ) {
        let (a, b) = (Decimal::new(a, x), Decimal::new(b, y));
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        let _ = (a.checked_add(b), a.checked_sub(b), a.checked_mul(b), a.to_wire());
        let _ = a.checked_div(b, x, Rounding::HalfEven);
        let _ = a.round(y, Rounding::HalfEven);
    }

    #[test]
    fn floats_are_the_nearest_ones(mantissa in -(1i64 << 53)..=(1i64 << 53), scale in 0u8..=18) {
        let value = Decimal::new(i128::from(mantissa), scale);
        let nearest: f64 = value.to_string().parse().unwrap();
        prop_assert_eq!(value.to_f64().to_bits(), nearest.to_bits());
    }
}

#[test]
fn literals_are_read_when_compiled() {
    assert_eq!(dec!(0.001), Decimal::new(1, 3));
    assert_eq!(dec!("-12.50").to_string(), "-12.50");
    assert_eq!(dec!(-3), Decimal::from(-3));
    assert_eq!(dec!(1_000_000), Decimal::from(1_000_000));
    assert_eq!(dec!(0.1) + dec!(0.2), dec!(0.3));
}

#[test]
fn what_is_not_a_plain_number_is_refused() {
    for text in ["", "-", ".", "1.", "1e5", "NaN", "1,0", "--1", " 1", "1_", "_1", "1..2", "1._5"] {
        assert_eq!(Decimal::parse(text), Err(ParseDecimalError::Malformed), "{text:?}");
    }
    let long = "9".repeat(40);
    let fine = format!("0.{}", "0".repeat(37));
    for text in [long.as_str(), fine.as_str()] {
        assert_eq!(Decimal::parse(text), Err(ParseDecimalError::TooLong), "{text:?}");
    }
    assert_eq!(Decimal::parse(".5"), Ok(dec!(0.5)));
}

#[test]
fn what_the_contract_cannot_carry_is_not_cut() {
    let wire = |value: Decimal| value.to_wire().map(|wire| (wire.mantissa, wire.scale));
    assert_eq!(wire(dec!(1.50)), Some((150, 2)));
    assert_eq!(wire(Decimal::new(15 * pow10(20), 21)), Some((15, 1)));
    assert_eq!(wire(Decimal::new(1, 19)), None);
    assert_eq!(wire(Decimal::new(i128::from(i64::MAX) + 1, 0)), None);
}

#[test]
fn zeros_at_the_end_are_no_reason_to_fail() {
    let wide = Decimal::new(5 * pow10(35), 35);
    assert_eq!(wide * wide, dec!(25));
    assert_eq!(wide + Decimal::new(pow10(37), 0), Decimal::new(pow10(37) + 5, 0));
    assert_eq!(wide.div_rounded(wide, 2, Rounding::HalfEven), Decimal::ONE);
}

#[test]
#[should_panic(expected = "decimal overflow: 170141183460469231731687303715884105727 + 1")]
fn a_sum_that_does_not_fit_stops() {
    let _ = Decimal::new(i128::MAX, 0) + Decimal::ONE;
}

#[test]
#[should_panic(expected = "1 cannot be divided by zero")]
fn a_division_by_zero_stops() {
    let _ = Decimal::ONE.div_rounded(Decimal::ZERO, 2, Rounding::HalfEven);
}

#[test]
fn signals_become_numbers_of_so_many_digits() {
    assert_eq!(Decimal::from_f64(0.1 + 0.2, 8), Some(dec!(0.3)));
    assert_eq!(Decimal::from_f64(-2.5, 0), Some(dec!(-3)));
    for value in [f64::NAN, f64::INFINITY, 1e40] {
        assert_eq!(Decimal::from_f64(value, 2), None);
    }
}
