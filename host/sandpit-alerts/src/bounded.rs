//! Values of configuration that carry their bounds: one outside them is refused where it stands.

use std::fmt;

use sandpit_core::{
    num::{Decimal, Money},
    time::Nanos,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Whole<MIN, MAX> {
    /// A number, or the nearest that is allowed.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        const { assert!(MIN <= MAX) };
        if number < MIN {
            Self(MIN)
        } else if number > MAX {
            Self(MAX)
        } else {
            Self(number)
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// So many seconds.
    #[must_use]
    pub const fn seconds(self) -> Nanos {
        Nanos(self.0.saturating_mul(Nanos::SECOND.0))
    }

    /// So many minutes.
    #[must_use]
    pub const fn minutes(self) -> Nanos {
        Nanos(self.0.saturating_mul(60).saturating_mul(Nanos::SECOND.0))
    }

    pub(crate) fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Whole<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: u64, const MAX: u64> Serialize for Whole<MIN, MAX> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u64(self.0)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(from)?;
        if (MIN..=MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(de::Error::custom(format!("{number} is not between {MIN} and {MAX}")))
        }
    }
}

/// An amount of the account's currency above zero, written as a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(Money);

impl Amount {
    /// An amount above zero.
    #[must_use]
    pub fn new(money: Money) -> Option<Self> {
        (money > Money::ZERO).then_some(Self(money))
    }

    /// The amount.
    #[must_use]
    pub const fn money(self) -> Money {
        self.0
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount as a string, like \"250.50\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                let decimal: Decimal = text.parse().map_err(E::custom)?;
                let money = Money::from_decimal(decimal).and_then(Amount::new);
                money.ok_or_else(|| E::custom(format!("`{decimal}` is not above zero")))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Amount, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Amount, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: de::Error>(self, float: f64) -> Result<Amount, E> {
                let message = "a float is not exact";
                Err(E::custom(format!("write {float} as a string, \"{float}\": {message}")))
            }
        }
        from.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Said {
        percent: Whole<1, 100>,
        loss: Amount,
    }

    #[test]
    fn values_outside_are_refused_where_they_stand() {
        let read = |text: &str| toml::from_str::<Said>(text);
        let said = read("percent = 5\nloss = \"12.5\"").unwrap();
        assert_eq!((said.percent.get(), said.loss.money().to_string()), (5, "12.50".to_owned()));
        let error = read("percent = 101\nloss = \"1\"").unwrap_err();
        assert!(error.message().contains("101 is not between 1 and 100"));
        assert_eq!(error.span(), Some(10..13));
        assert!(read("percent = 1\nloss = 0.5").unwrap_err().message().contains("not exact"));
        assert!(read("percent = 1\nloss = \"-1\"").unwrap_err().message().contains("above zero"));
        assert!(read("percent = -1\nloss = \"1\"").is_err());
        assert_eq!(Whole::<2, 4>::new(9).get(), 4);
    }
}
