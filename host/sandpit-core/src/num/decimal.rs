//! The decimal of the wire and of people: a mantissa and a scale. Arithmetic lives elsewhere.

use alloc::string::String;
use core::{cmp::Ordering, fmt, str::FromStr};

/// The largest scale that is accepted anywhere: 18 digits after the point.
pub const SCALE_MAX: u8 = 18;

/// `mantissa` × 10^−`scale`. Equality and order are by value, not by form: 1.0 equals 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    /// All digits, signed.
    pub mantissa: i64,
    /// Digits after the point: 0 to [`SCALE_MAX`] once checked; hostile until then.
    pub scale: u8,
}

/// 10^`exponent`, for exponents up to 38.
pub(crate) const fn pow10(exponent: u8) -> i128 {
    10i128.pow(exponent as u32)
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// `mantissa` × 10^−`scale`, unchecked.
    #[must_use]
    pub const fn new(mantissa: i64, scale: u8) -> Self {
        Self { mantissa, scale }
    }

    /// The mantissa at another scale, if it is exact and fits.
    #[must_use]
    pub fn at_scale(self, scale: u8) -> Option<i64> {
        if self.scale > SCALE_MAX || scale > SCALE_MAX {
            return None;
        }
        if scale >= self.scale {
            let factor = 10i64.checked_pow(u32::from(scale - self.scale))?;
            self.mantissa.checked_mul(factor)
        } else {
            let factor = 10i64.checked_pow(u32::from(self.scale - scale))?;
            (self.mantissa % factor == 0).then_some(self.mantissa / factor)
        }
    }

    /// The same value with no trailing zeros after the point.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }
}

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
    fn cmp(&self, other: &Self) -> Ordering {
        // Scales above the bound compare as if at the bound; they are refused before they matter.
        let widest = self.scale.max(other.scale).min(SCALE_MAX);
        let widen = |d: &Self| i128::from(d.mantissa) * pow10(widest - d.scale.min(widest));
        widen(self).cmp(&widen(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scaled(f, i128::from(self.mantissa), self.scale)
    }
}

/// Writes `mantissa` × 10^−`scale` with exactly `scale` digits after the point.
pub(crate) fn write_scaled(f: &mut fmt::Formatter<'_>, mantissa: i128, scale: u8) -> fmt::Result {
    let sign = if mantissa < 0 { "-" } else { "" };
    let digits = mantissa.unsigned_abs();
    if scale == 0 {
        return write!(f, "{sign}{digits}");
    }
    let factor = 10u128.pow(u32::from(scale.min(38)));
    let width = usize::from(scale);
    write!(f, "{sign}{}.{:0width$}", digits / factor, digits % factor)
}

/// Why a text is no [`Decimal`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDecimalError {
    /// Something other than an optional sign, digits and one point.
    #[error("`{0}` is not a plain decimal number")]
    Malformed(String),
    /// More digits than 18 after the point, or more than an `i64` holds.
    #[error("`{0}` has more digits than fit (18 after the point, 18 in all)")]
    TooLong(String),
}

impl FromStr for Decimal {
    type Err = ParseDecimalError;

    /// Reads `-12.340`; keeps the scale as written. No exponent, no `NaN`, no separators.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(64).collect::<String>();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty())
            || (digits.contains('.') && fraction.is_empty())
            || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        {
            return Err(ParseDecimalError::Malformed(shown()));
        }
        let scale = u8::try_from(fraction.len())
            .ok()
            .filter(|scale| *scale <= SCALE_MAX)
            .ok_or_else(|| ParseDecimalError::TooLong(shown()))?;
        let mut mantissa = 0i64;
        for byte in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa
                .checked_mul(10)
                .and_then(|m| m.checked_add(i64::from(byte - b'0')))
                .ok_or_else(|| ParseDecimalError::TooLong(shown()))?;
        }
        Ok(Self { mantissa: if negative { -mantissa } else { mantissa }, scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn reads_and_writes_what_people_write() {
        for text in ["0", "1", "-1.50", "0.000000000000000001", "13873.5", "922337203685477580.7"] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), text);
        }
        assert_eq!(".5".parse::<Decimal>().unwrap(), Decimal::new(5, 1));
    }

    #[test]
    fn refuses_what_is_not_a_plain_number() {
        for text in ["", "-", ".", "1.", "1e5", "NaN", "inf", "1,000", "0x1", " 1", "1 ", "--1"] {
            assert!(
                matches!(text.parse::<Decimal>(), Err(ParseDecimalError::Malformed(_))),
                "{text:?}"
            );
        }
        for text in ["99999999999999999999", "0.0000000000000000001"] {
            assert!(matches!(text.parse::<Decimal>(), Err(ParseDecimalError::TooLong(_))));
        }
    }

    #[test]
    fn compares_by_value() {
        assert_eq!(Decimal::new(10, 1), Decimal::new(1, 0));
        assert!(Decimal::new(i64::MAX, 0) > Decimal::new(i64::MAX, 18));
        assert!(Decimal::new(-1, 18) < Decimal::ZERO);
    }

    #[test]
    fn changes_scale_only_when_exact() {
        assert_eq!(Decimal::new(15, 1).at_scale(3), Some(1500));
        assert_eq!(Decimal::new(1500, 3).at_scale(1), Some(15));
        assert_eq!(Decimal::new(1501, 3).at_scale(1), None);
        assert_eq!(Decimal::new(i64::MAX, 0).at_scale(1), None);
        assert_eq!(Decimal::new(1, 255).at_scale(0), None);
    }
}
