//! Exact comparisons of decimals. Everything here is zero or more.

use std::cmp::Ordering;

use sandpit_core::num::{Decimal, SCALE_MAX};

fn pow10(exponent: u32) -> i128 {
    10i128.pow(exponent)
}

/// Both at the finer scale, where an `i128` holds them.
fn aligned(a: Decimal, b: Decimal) -> (i128, i128) {
    let scale = a.scale.max(b.scale).min(SCALE_MAX);
    let at = |number: Decimal| {
        i128::from(number.mantissa) * pow10(u32::from(scale - number.scale.min(scale)))
    };
    (at(a), at(b))
}

/// Whether a number is a whole multiple of a step that is not zero.
pub(super) fn is_multiple(number: Decimal, step: Decimal) -> bool {
    let (number, step) = aligned(number, step);
    step != 0 && number % step == 0
}

/// How `a` × `b` compares with `c`.
pub(in crate::binance) fn product_cmp(a: Decimal, b: Decimal, c: Decimal) -> Ordering {
    let (a, b, c) = (a.normalized(), b.normalized(), c.normalized());
    let product = i128::from(a.mantissa) * i128::from(b.mantissa);
    let (scale, single) = (u32::from(a.scale + b.scale), u32::from(c.scale));
    let other = i128::from(c.mantissa);
    if scale >= single {
        // What does not fit is larger than any product.
        pow10_checked(scale - single)
            .and_then(|factor| other.checked_mul(factor))
            .map_or(if other == 0 { product.cmp(&0) } else { Ordering::Less }, |other| {
                product.cmp(&other)
            })
    } else {
        pow10_checked(single - scale)
            .and_then(|factor| product.checked_mul(factor))
            .map_or(Ordering::Greater, |product| product.cmp(&other))
    }
}

fn pow10_checked(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

/// `a` ÷ `b`, rounded up; `None` where `b` is zero.
pub(super) fn parts(a: Decimal, b: Decimal) -> Option<i128> {
    let (a, b) = aligned(a, b);
    (b > 0).then(|| a / b + i128::from(a % b != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn products_compare_exactly() {
        let cmp = |a, b, c| product_cmp(number(a), number(b), number(c));
        assert_eq!(cmp("0.1", "0.1", "0.01"), Ordering::Equal);
        assert_eq!(cmp("0.1", "0.1", "0.010000000000000001"), Ordering::Less);
        assert_eq!(cmp("9223372036854775807", "9223372036854775807", "1"), Ordering::Greater);
        assert_eq!(
            cmp("0.000000000000000001", "0.000000000000000001", "9223372036854775807"),
            Ordering::Less
        );
        assert_eq!(cmp("5", "1.3", "6.5"), Ordering::Equal);
        assert_eq!(cmp("0", "7", "0"), Ordering::Equal);
    }

    #[test]
    fn multiples_and_parts() {
        assert!(is_multiple(number("0.30"), number("0.1")));
        assert!(!is_multiple(number("0.35"), number("0.1")));
        assert!(!is_multiple(number("1"), number("0")));
        assert_eq!(parts(number("1"), number("0.3")), Some(4));
        assert_eq!(parts(number("0.9"), number("0.3")), Some(3));
        assert_eq!(parts(number("1"), number("0")), None);
    }
}
