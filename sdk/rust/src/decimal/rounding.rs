//! The names of roundings, and the one division that they apply to.

use core::cmp::Ordering;

/// Where a value goes that lies between two representable ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the lower one: −1.5 becomes −2.
    Floor,
    /// To the higher one: −1.5 becomes −1.
    Ceiling,
    /// To the one nearer to zero.
    TowardZero,
    /// To the one farther from zero.
    AwayFromZero,
    /// To the nearer one; from the middle to the even one.
    HalfEven,
    /// To the nearer one; from the middle to the one farther from zero.
    HalfAwayFromZero,
}

/// `numerator / denominator` as `rounding` says; `None` where the denominator is zero or a number
/// has no counterpart of the other sign.
pub(super) fn div_round(numerator: i128, denominator: i128, rounding: Rounding) -> Option<i128> {
    let (numerator, denominator) = if denominator < 0 {
        (numerator.checked_neg()?, denominator.checked_neg()?)
    } else {
        (numerator, denominator)
    };
    // The remainder of a Euclidean division is never negative: `floor` is the floor.
    let floor = numerator.checked_div_euclid(denominator)?;
    // The product alone may lie just below the range; the difference is always within it.
    let rest = numerator.wrapping_sub(floor.wrapping_mul(denominator));
    if rest == 0 {
        return Some(floor);
    }
    let negative = numerator < 0;
    let up = match rounding {
        Rounding::Floor => false,
        Rounding::Ceiling => true,
        Rounding::TowardZero => negative,
        Rounding::AwayFromZero => !negative,
        // Compared without doubling, which could overflow.
        Rounding::HalfEven => match rest.cmp(&(denominator - rest)) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => floor & 1 == 1,
        },
        Rounding::HalfAwayFromZero => match rest.cmp(&(denominator - rest)) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => !negative,
        },
    };
    Some(floor + i128::from(up))
}
