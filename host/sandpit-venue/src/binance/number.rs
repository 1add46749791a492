//! Numbers as the venue writes them: decimal text, read exactly, never through a float.

use std::fmt;

use sandpit_core::num::{Decimal, Money};

/// Bytes of a number; the venue's longest has about 30.
const NUMBER_BYTES_MAX: usize = 64;

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Something other than an optional sign, digits and one point.
    #[error("it is not a plain decimal number")]
    Malformed,
    /// More digits than fit.
    #[error("it has more digits than fit")]
    TooLong,
}

/// A number without zeros at its end, so that what the venue pads to 8 digits fits 64 bits.
///
/// # Errors
/// See [`NumberError`].
pub fn decimal(text: &str) -> Result<Decimal, NumberError> {
    well_formed(text)?;
    let bare = match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
        None => text,
    };
    let bare = if bare.is_empty() || bare == "-" { "0" } else { bare };
    bare.parse().map_err(|_| NumberError::TooLong)
}

fn well_formed(text: &str) -> Result<(), NumberError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.is_empty() || !plain(whole) || !plain(fraction) {
        return Err(NumberError::Malformed);
    }
    if text.len() > NUMBER_BYTES_MAX { Err(NumberError::TooLong) } else { Ok(()) }
}

/// An amount of some asset: a balance or a fee, which can have more digits than 64 bits hold. In
/// units of 10^−18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub i128);

impl Amount {
    /// Digits after the point.
    pub const SCALE: u8 = 18;
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest magnitude: 10^19 whole units, so that the sum of two fits.
    pub const MAX: i128 = 10i128.pow(37);

    /// Reads a number exactly.
    ///
    /// # Errors
    /// See [`NumberError`].
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        well_formed(text)?;
        let (negative, digits) =
            text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fraction = fraction.trim_end_matches('0');
        let places = u32::try_from(fraction.len()).map_err(|_| NumberError::TooLong)?;
        let missing = u32::from(Self::SCALE).checked_sub(places).ok_or(NumberError::TooLong)?;
        let mut units = 0i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            units = units
                .checked_mul(10)
                .and_then(|units| units.checked_add(i128::from(byte - b'0')))
                .ok_or(NumberError::TooLong)?;
        }
        let units = 10i128
            .checked_pow(missing)
            .and_then(|factor| units.checked_mul(factor))
            .filter(|units| *units <= Self::MAX)
            .ok_or(NumberError::TooLong)?;
        Ok(Self(if negative { -units } else { units }))
    }

    /// The same number of units of the account's currency.
    #[must_use]
    pub const fn as_money(self) -> Money {
        Money(self.0)
    }

    /// What it is worth at `rate` units of the account's currency for one of the asset, rounded
    /// half-even at 18 digits. `None` where it does not fit.
    #[must_use]
    pub fn worth(self, rate: Decimal) -> Option<Money> {
        let rate = rate.normalized();
        let product = self.0.checked_mul(i128::from(rate.mantissa))?;
        let unit = 10i128.checked_pow(u32::from(rate.scale))?;
        let (quotient, remainder) = (product.div_euclid(unit), product.rem_euclid(unit));
        let up = match (remainder * 2).cmp(&unit) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => quotient % 2 != 0,
        };
        let worth = quotient + i128::from(up);
        (worth.unsigned_abs() <= Self::MAX.unsigned_abs()).then_some(Money(worth))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Money(self.0), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_lose_their_padding_and_nothing_else() {
        let read = |text: &str| decimal(text).map(|number| number.to_string());
        assert_eq!(read("92141578.00000000"), Ok("92141578".to_owned()));
        assert_eq!(read("-0.01200000"), Ok("-0.012".to_owned()));
        assert_eq!(read("0.00000000"), Ok("0".to_owned()));
        assert_eq!(read("100"), Ok("100".to_owned()));
        for text in ["", "-", ".", "1.", ".5", "1e5", "NaN", "+1", "1.2.3", " 1", "1,0"] {
            assert_eq!(decimal(text), Err(NumberError::Malformed), "{text}");
            assert_eq!(Amount::parse(text), Err(NumberError::Malformed), "{text}");
        }
        assert_eq!(decimal("99999999999999999999"), Err(NumberError::TooLong));
        assert_eq!(decimal(&"1".repeat(65)), Err(NumberError::TooLong));
        assert_eq!(decimal("0.0000000000000000001"), Err(NumberError::TooLong));
    }

    #[test]
    fn amounts_hold_what_64_bits_do_not() {
        let read = |text: &str| Amount::parse(text).map(|amount| amount.to_string());
        assert_eq!(read("123456789012.12345678"), Ok("123456789012.12345678".to_owned()));
        assert_eq!(read("-0.000000000000000001"), Ok("-0.000000000000000001".to_owned()));
        assert_eq!(read("0.0000000000000000001"), Err(NumberError::TooLong));
        assert_eq!(read("99999999999999999999"), Err(NumberError::TooLong));
        assert_eq!(Amount::parse("4723846.89208129").unwrap().0, 4_723_846_892_081_290_000_000_000);
    }

    #[test]
    fn worth_is_rounded_once() {
        let worth = |amount: &str, rate: &str| {
            Amount::parse(amount).unwrap().worth(rate.parse().unwrap()).map(|m| m.to_string())
        };
        assert_eq!(worth("0.00057", "600.12"), Some("0.3420684".to_owned()));
        assert_eq!(worth("0.000000000000000001", "0.5"), Some("0.00".to_owned()));
        assert_eq!(worth("0.000000000000000003", "0.5"), Some("0.000000000000000002".to_owned()));
        assert_eq!(worth("9999999999999999999", "9999999999"), None);
    }
}
