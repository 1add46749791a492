//! Values of a report as they are written: exact amounts as text, statistics as rounded numbers,
//! times as ISO text. Reading one back gives the same bytes again.

use std::str::FromStr;

use sandpit_core::{num::Money, time::UnixNanos};
use serde::{Deserialize, Serialize};

use super::{calendar, metrics};

/// A statistic, or nothing where it has no meaning. Rounded to 12 significant digits, so that its
/// text is short and the same on every machine; in JSON a number or `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Option<f64>", into = "Option<f64>")]
pub struct Stat(Option<f64>);

impl Stat {
    /// No meaning.
    pub const NONE: Self = Self(None);

    /// Rounds a value. NaN and infinity are no statistics.
    #[must_use]
    pub fn new(value: Option<f64>) -> Self {
        let rounded = value.filter(|value| value.is_finite()).and_then(|value| {
            // Formatting and parsing are exact in the standard library, on every machine.
            let rounded = format!("{value:.11e}").parse::<f64>().ok()?;
            // A negative zero would be another text for the same value.
            Some(if rounded == 0.0 { 0.0 } else { rounded })
        });
        Self(rounded)
    }

    /// The value.
    #[must_use]
    pub const fn get(self) -> Option<f64> {
        self.0
    }
}

impl From<Option<f64>> for Stat {
    fn from(value: Option<f64>) -> Self {
        Self::new(value)
    }
}

impl From<Stat> for Option<f64> {
    fn from(stat: Stat) -> Self {
        stat.0
    }
}

/// An exact amount of the account's currency; in JSON a text with all digits that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(pub Money);

impl Amount {
    /// The nearest float, for pictures and ratios.
    #[must_use]
    pub const fn to_f64(self) -> f64 {
        metrics::money_f64(self.0)
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.0.to_string()
    }
}

/// A text that is no value of a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct BadValue {
    text: String,
    expected: &'static str,
}

impl BadValue {
    /// Characters of a bad text that are shown.
    const SHOWN_MAX: usize = 64;

    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(Self::SHOWN_MAX).collect(), expected }
    }
}

impl TryFrom<String> for Amount {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        text.parse()
    }
}

impl FromStr for Amount {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let bad = || BadValue::new(text, "an amount such as -12.50");
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        let scale = u8::try_from(fraction.len()).map_err(|_| bad())?;
        if whole.is_empty() || !all_digits {
            return Err(bad());
        }
        let mut mantissa = 0i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa
                .checked_mul(10)
                .and_then(|m| m.checked_add(i128::from(byte - b'0')))
                .ok_or_else(bad)?;
        }
        Money::from_scaled(if negative { -mantissa } else { mantissa }, scale)
            .map(Self)
            .ok_or_else(bad)
    }
}

/// A time; in JSON `2018-01-31T23:59:59.123456789Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(pub UnixNanos);

impl From<Time> for String {
    fn from(time: Time) -> Self {
        calendar::iso(time.0)
    }
}

impl TryFrom<String> for Time {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        calendar::parse_iso(&text)
            .map(Self)
            .ok_or_else(|| BadValue::new(&text, "a time such as 2018-01-31T23:59:59.000000000Z"))
    }
}

/// A SHA-256 in lower-case hexadecimal.
pub(crate) fn hex(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    digest.iter().fold(String::with_capacity(digest.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn amounts_survive(raw in any::<i128>()) {
            let amount = Amount(Money(raw / 2));
            let text = String::from(amount);
            prop_assert_eq!(text.parse::<Amount>().unwrap(), amount);
        }

        #[test]
        fn statistics_survive(value in any::<f64>()) {
            let stat = Stat::new(Some(value));
            let text = serde_json::to_string(&stat).unwrap();
            let back = serde_json::from_str::<Stat>(&text).unwrap();
            prop_assert_eq!(serde_json::to_string(&back).unwrap(), text);
        }
    }

    #[test]
    fn nothing_is_null_and_hostile_text_is_an_error() {
        for value in [None, Some(f64::NAN), Some(f64::INFINITY)] {
            assert_eq!(serde_json::to_string(&Stat::new(value)).unwrap(), "null");
        }
        assert_eq!(serde_json::to_string(&Stat::new(Some(-0.0))).unwrap(), "0.0");
        for text in ["", "-", ".5", "1e5", "0.1234567890123456789", "99999999999999999999999999"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }
}
