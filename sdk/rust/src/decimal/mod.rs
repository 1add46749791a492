//! The exact number of strategies: arithmetic, comparison, rounding with a name, text. Prices,
//! quantities and money are this; floats are for signals alone.

mod rounding;
mod text;

pub use rounding::Rounding;
pub use text::ParseDecimalError;

use core::{
    cmp::Ordering,
    hash::{Hash, Hasher},
    iter::Sum,
    ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign},
};

use crate::wire;
use rounding::div_round;

/// An exact decimal number: `mantissa` × 10^−`scale`.
///
/// Sums, differences and products are exact. A quotient names its digits and its [`Rounding`], so
/// there is no `/`. Results that need more than an `i128` or more than [`Decimal::SCALE_MAX`]
/// digits after the point do not exist: the operators then panic (which ends the strategy with a
/// clear text in its log), the `checked_` methods answer `None`. Tens of multiplications of
/// unrounded numbers get there; prices, quantities and rates do not.
///
/// Equality, order and hash are by value, not by form: 1.0 equals 1.
///
/// ```
/// use sandpit_sdk::{Decimal, Rounding, dec};
///
/// let notional = dec!(13887.5) * dec!(0.003);
/// assert_eq!(notional, dec!(41.6625));
/// assert_eq!(notional.round(2, Rounding::HalfEven).to_string(), "41.66");
/// assert_eq!(dec!(1).div_rounded(dec!(3), 4, Rounding::Floor), dec!(0.3333));
/// assert_eq!(dec!(101.37).round_to_step(dec!(0.25), Rounding::Ceiling), dec!(101.5));
/// ```
#[derive(Clone, Copy, Default)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

/// 10^`exponent`; `exponent` is at most 38.
const fn pow10(exponent: u8) -> i128 {
    10i128.pow(exponent as u32)
}

/// Powers of ten that an `f64` holds exactly.
const POW10_F64: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

impl Decimal {
    /// Digits after the point that a value may have here. What is sent to the host has at most
    /// [`Self::WIRE_SCALE_MAX`].
    pub const SCALE_MAX: u8 = 36;
    /// Digits after the point that the contract allows.
    pub const WIRE_SCALE_MAX: u8 = 18;
    /// Zero.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };
    /// One.
    pub const ONE: Self = Self { mantissa: 1, scale: 0 };

    /// `mantissa` × 10^−`scale`.
    ///
    /// # Panics
    /// `scale` is above [`Self::SCALE_MAX`].
    #[must_use]
    pub const fn new(mantissa: i128, scale: u8) -> Self {
        assert!(scale <= Self::SCALE_MAX, "a decimal has at most 36 digits after the point");
        Self { mantissa, scale }
    }

    /// All digits, signed.
    #[must_use]
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// Digits after the point.
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Whether it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Whether it is greater than zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.mantissa > 0
    }

    /// Whether it is less than zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Without its sign.
    ///
    /// # Panics
    /// The mantissa is the least `i128`, which has no counterpart.
    #[must_use]
    pub fn abs(self) -> Self {
        if self.mantissa < 0 { -self } else { self }
    }

    /// The same value without trailing zeros after the point.
    #[must_use]
    pub const fn normalized(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    /// The mantissa at a scale that is not below its own, if it fits.
    const fn widened(self, scale: u8) -> Option<i128> {
        if scale == self.scale {
            return Some(self.mantissa);
        }
        self.mantissa.checked_mul(pow10(scale - self.scale))
    }

    /// Both mantissas at the wider scale of the two, if they fit.
    fn aligned(self, other: Self) -> Option<(i128, i128, u8)> {
        let scale = self.scale.max(other.scale);
        Some((self.widened(scale)?, other.widened(scale)?, scale))
    }

    /// The sum; `None` where it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let sum =
            |(a, b, scale): (i128, i128, u8)| Some(Self { mantissa: a.checked_add(b)?, scale });
        // Trailing zeros are no reason to fail.
        self.aligned(other)
            .and_then(sum)
            .or_else(|| self.normalized().aligned(other.normalized()).and_then(sum))
    }

    /// The difference; `None` where it does not fit.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let negative = Self { mantissa: other.mantissa.checked_neg()?, scale: other.scale };
        self.checked_add(negative)
    }

    /// The product; `None` where it does not fit.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let product = |a: Self, b: Self| {
            let scale = a.scale + b.scale;
            let mantissa = a.mantissa.checked_mul(b.mantissa)?;
            (scale <= Self::SCALE_MAX).then_some(Self { mantissa, scale })
        };
        product(self, other).or_else(|| product(self.normalized(), other.normalized()))
    }

    /// The quotient with `scale` digits after the point; `None` where `other` is zero or the
    /// result, or what leads to it, does not fit.
    #[must_use]
    pub fn checked_div(self, other: Self, scale: u8, rounding: Rounding) -> Option<Self> {
        if other.is_zero() || scale > Self::SCALE_MAX {
            return None;
        }
        let quotient = |a: Self, b: Self| {
            let shift = i16::from(scale) + i16::from(b.scale) - i16::from(a.scale);
            let factor = 10i128.checked_pow(u32::from(shift.unsigned_abs()))?;
            let (numerator, denominator) = if shift >= 0 {
                (a.mantissa.checked_mul(factor)?, b.mantissa)
            } else {
                (a.mantissa, b.mantissa.checked_mul(factor)?)
            };
            let mantissa = div_round(numerator, denominator, rounding)?;
            Some(Self { mantissa, scale })
        };
        quotient(self, other).or_else(|| quotient(self.normalized(), other.normalized()))
    }

    /// The quotient with `scale` digits after the point.
    ///
    /// # Panics
    /// `other` is zero, or the quotient does not fit.
    #[must_use]
    pub fn div_rounded(self, other: Self, scale: u8, rounding: Rounding) -> Self {
        match self.checked_div(other, scale, rounding) {
            Some(quotient) => quotient,
            None if other.is_zero() => panic!("{self} cannot be divided by zero"),
            None => overflow("/", self, other),
        }
    }

    /// The nearest value with at most `scale` digits after the point, as `rounding` says.
    #[must_use]
    pub fn round(self, scale: u8, rounding: Rounding) -> Self {
        if self.scale <= scale {
            return self;
        }
        // The quotient is smaller than the mantissa, and the divisor at most 10^36: both fit.
        let mantissa =
            div_round(self.mantissa, pow10(self.scale - scale), rounding).unwrap_or(self.mantissa);
        Self { mantissa, scale }
    }

    /// The nearest multiple of `step`, as `rounding` says; `None` where `step` is not greater
    /// than zero or the result does not fit.
    #[must_use]
    pub fn checked_round_to_step(self, step: Self, rounding: Rounding) -> Option<Self> {
        if !step.is_positive() {
            return None;
        }
        let steps = self.checked_div(step, 0, rounding)?;
        steps.checked_mul(step)
    }

    /// The nearest multiple of `step`, as `rounding` says: a price to its tick, a quantity to its
    /// step.
    ///
    /// # Panics
    /// `step` is not greater than zero, or the result does not fit.
    #[must_use]
    pub fn round_to_step(self, step: Self, rounding: Rounding) -> Self {
        assert!(step.is_positive(), "a step must be greater than zero, not {step}");
        match self.checked_round_to_step(step, rounding) {
            Some(rounded) => rounded,
            None => overflow("rounded to a multiple of", self, step),
        }
    }

    /// The nearest float. For signals only: what comes of it is no longer exact.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    #[inline]
    pub fn to_f64(self) -> f64 {
        // One correctly rounded division of two exact floats wherever the mantissa has at most
        // 53 bits. The narrow conversion is one instruction, the wide one a library call.
        let mantissa = match i64::try_from(self.mantissa) {
            Ok(narrow) => narrow as f64,
            Err(_) => self.mantissa as f64,
        };
        match POW10_F64.get(usize::from(self.scale)) {
            Some(factor) => mantissa / factor,
            None => mantissa / POW10_F64[22] / POW10_F64[usize::from(self.scale) - 22],
        }
    }

    /// The decimal nearest to a float with `scale` digits after the point: for turning a signal
    /// into a price or a size. `None` for what is not finite or does not fit.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the bound is checked before")]
    pub fn from_f64(value: f64, scale: u8) -> Option<Self> {
        /// Floats beyond this have no digits after the point that would mean anything.
        const MAGNITUDE_MAX: f64 = 1e30;
        let factor = POW10_F64.get(usize::from(scale))?;
        let scaled = (value * factor).round();
        (scaled.abs() < MAGNITUDE_MAX).then_some(Self { mantissa: scaled as i128, scale })
    }

    /// As the contract carries it; `None` where it needs more than 64 bits or 18 digits after the
    /// point.
    #[must_use]
    pub fn to_wire(self) -> Option<wire::Decimal> {
        let fits = |value: Self| {
            let mantissa = i64::try_from(value.mantissa).ok()?;
            (value.scale <= Self::WIRE_SCALE_MAX)
                .then_some(wire::Decimal { mantissa, scale: value.scale })
        };
        fits(self).or_else(|| fits(self.normalized()))
    }

    /// What goes into an intent: a value with too many digits stops here, where the back-trace
    /// still shows who made it.
    #[inline]
    pub(crate) fn sent(self) -> wire::Decimal {
        match self.to_wire() {
            Some(decimal) => decimal,
            None => {
                panic!("{self} has too many digits to be sent; round it to the instrument's step")
            }
        }
    }
}

#[cold]
#[inline(never)]
fn overflow(operation: &str, a: Decimal, b: Decimal) -> ! {
    panic!("decimal overflow: {a} {operation} {b}")
}

impl From<wire::Decimal> for Decimal {
    #[inline]
    fn from(decimal: wire::Decimal) -> Self {
        // The host keeps to scales of at most 18.
        Self { mantissa: i128::from(decimal.mantissa), scale: decimal.scale }
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Decimal {
            fn from(value: $integer) -> Self {
                Self { mantissa: i128::from(value), scale: 0 }
            }
        }
    )*};
}

from_integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.widened(scale), other.widened(scale)) {
            (Some(a), Some(b)) => a.cmp(&b),
            // One that does not fit at a scale where the other one does is the larger by
            // magnitude; its sign says which way.
            (None, _) => self.mantissa.cmp(&0),
            (_, None) => 0.cmp(&other.mantissa),
        }
    }
}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let normalized = self.normalized();
        (normalized.mantissa, normalized.scale).hash(state);
    }
}

impl Add for Decimal {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        match self.checked_add(other) {
            Some(sum) => sum,
            None => overflow("+", self, other),
        }
    }
}

impl Sub for Decimal {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        match self.checked_sub(other) {
            Some(difference) => difference,
            None => overflow("-", self, other),
        }
    }
}

impl Mul for Decimal {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        match self.checked_mul(other) {
            Some(product) => product,
            None => overflow("*", self, other),
        }
    }
}

impl Neg for Decimal {
    type Output = Self;
    fn neg(self) -> Self {
        match self.mantissa.checked_neg() {
            Some(mantissa) => Self { mantissa, scale: self.scale },
            None => overflow("-", Self::ZERO, self),
        }
    }
}

impl AddAssign for Decimal {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Decimal {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl MulAssign for Decimal {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl Sum for Decimal {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests;
