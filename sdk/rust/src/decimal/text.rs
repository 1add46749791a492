//! Decimals as text, at run time and at compile time.

use core::{fmt, str::FromStr};

use super::{Decimal, pow10};

/// Why a text is no [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseDecimalError {
    /// Something other than an optional sign, digits and one point between or before digits.
    Malformed,
    /// More digits than fit.
    TooLong,
}

impl fmt::Display for ParseDecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a plain decimal number",
            Self::TooLong => "a decimal number with more digits than fit",
        })
    }
}

impl core::error::Error for ParseDecimalError {}

impl Decimal {
    /// Reads `-12.340` and keeps the scale as written. No exponent, no `NaN`, no separators but
    /// `_` between digits. Works in constants; [`crate::dec!`] is the short form.
    ///
    /// # Errors
    /// The text is something else, or has more digits than fit.
    pub const fn parse(text: &str) -> Result<Self, ParseDecimalError> {
        Self::parse_bytes(text.as_bytes(), 0, text.len())
    }

    /// What [`crate::dec!`] stands for: a literal, quoted or not.
    ///
    /// # Panics
    /// The literal is not a plain decimal number. In a constant that is a compile error.
    #[doc(hidden)]
    #[must_use]
    pub const fn from_literal(literal: &str) -> Self {
        let bytes = literal.as_bytes();
        let quoted = bytes.len() >= 2 && bytes[0] == b'"' && bytes[bytes.len() - 1] == b'"';
        let (start, end) = if quoted { (1, bytes.len() - 1) } else { (0, bytes.len()) };
        match Self::parse_bytes(bytes, start, end) {
            Ok(value) => value,
            Err(ParseDecimalError::Malformed) => panic!("not a plain decimal number"),
            Err(ParseDecimalError::TooLong) => panic!("a decimal number with more digits than fit"),
        }
    }

    const fn parse_bytes(
        bytes: &[u8],
        start: usize,
        end: usize,
    ) -> Result<Self, ParseDecimalError> {
        let mut at = start;
        let negative = at < end && bytes[at] == b'-';
        if at < end && (bytes[at] == b'-' || bytes[at] == b'+') {
            at += 1;
        }
        let mut mantissa = 0i128;
        let mut scale = 0u8;
        let mut point = false;
        let mut previous_is_digit = false;
        while at < end {
            let byte = bytes[at];
            at += 1;
            match byte {
                b'0'..=b'9' => {
                    let Some(shifted) = mantissa.checked_mul(10) else {
                        return Err(ParseDecimalError::TooLong);
                    };
                    let Some(sum) = shifted.checked_add((byte - b'0') as i128) else {
                        return Err(ParseDecimalError::TooLong);
                    };
                    mantissa = sum;
                    if point {
                        scale += 1;
                    }
                    if scale > Self::SCALE_MAX {
                        return Err(ParseDecimalError::TooLong);
                    }
                    previous_is_digit = true;
                }
                b'.' if !point => {
                    point = true;
                    previous_is_digit = false;
                }
                b'_' if previous_is_digit => previous_is_digit = false,
                _ => return Err(ParseDecimalError::Malformed),
            }
        }
        // The last character must be a digit; this also refuses what has none.
        if !previous_is_digit {
            return Err(ParseDecimalError::Malformed);
        }
        Ok(Self { mantissa: if negative { -mantissa } else { mantissa }, scale })
    }
}

impl FromStr for Decimal {
    type Err = ParseDecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Decimal {
    /// All digits, with as many after the point as the scale says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs();
        let factor = pow10(self.scale).unsigned_abs();
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if self.scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let width = usize::from(self.scale);
        write!(f, "{sign}{}.{:0width$}", digits / factor, digits % factor)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An exact [`Decimal`] from a literal, checked when it is compiled: `dec!(0.001)` or
/// `dec!("0.001")`.
#[macro_export]
macro_rules! dec {
    ($literal:literal) => {
        const { $crate::Decimal::from_literal(::core::stringify!($literal)) }
    };
    (- $literal:literal) => {
        const { $crate::Decimal::from_literal(::core::concat!("-", ::core::stringify!($literal))) }
    };
}
