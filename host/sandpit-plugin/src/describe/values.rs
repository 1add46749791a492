//! Values for a strategy's parameters: given by people, held to the bounds that it described.

use std::{collections::BTreeMap, fmt};

use sandpit_core::num::Decimal;

use super::{Description, Parameter, ParameterKind};
use crate::{bindings::sandpit::strategy::types as wire, text::escaped};

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// An exact number.
    Decimal(Decimal),
    /// A word or free text.
    Text(String),
}

impl fmt::Display for Value {
    /// For people: of a text, nothing reaches their terminal as a command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Decimal(value) => value.fmt(f),
            Self::Text(value) => escaped(value, usize::MAX).fmt(f),
        }
    }
}

impl Value {
    pub(crate) fn to_wire(&self) -> wire::ParameterValue {
        match self {
            Self::Boolean(value) => wire::ParameterValue::Boolean(*value),
            Self::Integer(value) => wire::ParameterValue::Integer(*value),
            Self::Decimal(value) => wire::ParameterValue::Decimal(wire::Decimal {
                mantissa: value.mantissa,
                scale: value.scale,
            }),
            Self::Text(value) => wire::ParameterValue::Text(value.clone()),
        }
    }
}

/// A parameter with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Of the parameter.
    pub name: String,
    /// Within its bounds.
    pub value: Value,
}

/// A value that a strategy does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// There is no such parameter.
    #[error("the strategy has no parameter `{name}`; it has: {known}")]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known: String,
    },
    /// The parameter takes other values.
    #[error("parameter `{name}` is {value}, it must be {expected}")]
    OutOfBounds {
        /// Which.
        name: String,
        /// What was given.
        value: String,
        /// What it takes.
        expected: String,
    },
}

impl Description {
    /// A value for every parameter: the given one, or the default.
    ///
    /// # Errors
    /// A name that is unknown, or a value out of its parameter's bounds.
    pub fn arguments(
        &self,
        given: &BTreeMap<String, Value>,
    ) -> Result<Vec<Argument>, ArgumentError> {
        for name in given.keys() {
            if !self.parameters.iter().any(|parameter| parameter.name == *name) {
                let known: Vec<_> = self.parameters.iter().map(|it| it.name.as_str()).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(ArgumentError::Unknown { name: name.clone(), known });
            }
        }
        self.parameters
            .iter()
            .map(|parameter| {
                let value = match given.get(&parameter.name) {
                    Some(value) => parameter.accept(value)?,
                    None => parameter.kind.default_value(),
                };
                Ok(Argument { name: parameter.name.clone(), value })
            })
            .collect()
    }
}

impl Parameter {
    /// `value` in the type of this parameter.
    ///
    /// # Errors
    /// It is of another type or out of bounds.
    pub fn accept(&self, value: &Value) -> Result<Value, ArgumentError> {
        self.kind.accept(value).ok_or_else(|| self.refuse(value.to_string()))
    }

    /// What a person wrote, in the type of this parameter.
    ///
    /// # Errors
    /// It cannot be read as that type, or is out of bounds.
    pub fn parse(&self, text: &str) -> Result<Value, ArgumentError> {
        let value = match &self.kind {
            ParameterKind::Boolean { .. } => text.parse().ok().map(Value::Boolean),
            ParameterKind::Integer { .. } => text.parse().ok().map(Value::Integer),
            ParameterKind::Decimal { .. } => text.parse().ok().map(Value::Decimal),
            ParameterKind::Choice { .. } | ParameterKind::Text { .. } => {
                Some(Value::Text(text.to_owned()))
            }
        };
        value.and_then(|value| self.kind.accept(&value)).ok_or_else(|| self.refuse(text.to_owned()))
    }

    fn refuse(&self, value: String) -> ArgumentError {
        ArgumentError::OutOfBounds {
            name: self.name.clone(),
            value,
            expected: self.kind.to_string(),
        }
    }
}

impl ParameterKind {
    /// The value where none is given.
    #[must_use]
    pub fn default_value(&self) -> Value {
        match self {
            Self::Boolean { default } => Value::Boolean(*default),
            Self::Integer { default, .. } => Value::Integer(*default),
            Self::Decimal { default, .. } => Value::Decimal(*default),
            Self::Choice { default, .. } | Self::Text { default, .. } => {
                Value::Text(default.clone())
            }
        }
    }

    /// A whole number is taken for a decimal; nothing else is converted.
    fn accept(&self, value: &Value) -> Option<Value> {
        let value = match (self, value) {
            (Self::Decimal { .. }, Value::Integer(whole)) => {
                Value::Decimal(Decimal::new(*whole, 0))
            }
            _ => value.clone(),
        };
        let fits = match (self, &value) {
            (Self::Boolean { .. }, Value::Boolean(_)) => true,
            (Self::Integer { min, max, .. }, Value::Integer(it)) => (min..=max).contains(&it),
            (Self::Decimal { min, max, .. }, Value::Decimal(it)) => min <= it && it <= max,
            (Self::Choice { options, .. }, Value::Text(it)) => options.contains(it),
            (Self::Text { bytes_max, .. }, Value::Text(it)) => it.len() <= *bytes_max,
            _ => false,
        };
        fits.then_some(value)
    }
}

impl fmt::Display for ParameterKind {
    /// What it takes, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean { .. } => write!(f, "true or false"),
            Self::Integer { min, max, .. } => write!(f, "a whole number from {min} to {max}"),
            Self::Decimal { min, max, .. } => write!(f, "a number from {min} to {max}"),
            Self::Choice { options, .. } => {
                write!(f, "one of {}", escaped(&options.join(", "), usize::MAX))
            }
            Self::Text { bytes_max, .. } => write!(f, "a text of at most {bytes_max} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> Description {
        let parameter =
            |name: &str, kind| Parameter { name: name.to_owned(), summary: String::new(), kind };
        Description {
            name: "test".to_owned(),
            version: "0.1.0".to_owned(),
            summary: String::new(),
            parameters: vec![
                parameter("fast", ParameterKind::Integer { default: 10, min: 1, max: 99 }),
                parameter(
                    "size",
                    ParameterKind::Decimal {
                        default: Decimal::new(1, 0),
                        min: Decimal::new(1, 3),
                        max: Decimal::new(5, 0),
                    },
                ),
                parameter(
                    "side",
                    ParameterKind::Choice {
                        default: "both".to_owned(),
                        options: vec!["both".to_owned(), "long".to_owned()],
                    },
                ),
                parameter("dry", ParameterKind::Boolean { default: false }),
                parameter("note", ParameterKind::Text { default: String::new(), bytes_max: 3 }),
            ],
            subscriptions: Vec::new(),
            warm_up: Vec::new(),
            state_schema: 0,
        }
    }

    fn given(name: &str, value: Value) -> BTreeMap<String, Value> {
        BTreeMap::from([(name.to_owned(), value)])
    }

    #[test]
    fn a_strategys_words_reach_no_terminal_as_commands() {
        let words = "\u{1b}[2Jboth".to_owned();
        let kind = ParameterKind::Choice {
            default: words.clone(),
            options: vec![words, "x\ny".to_owned()],
        };
        assert_eq!(kind.to_string(), "one of \\u{1b}[2Jboth, x\\ny");
        assert_eq!(kind.default_value().to_string(), "\\u{1b}[2Jboth");
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let arguments = description().arguments(&given("fast", Value::Integer(5))).unwrap();
        let said: Vec<_> = arguments.iter().map(|it| format!("{}={}", it.name, it.value)).collect();
        assert_eq!(said, ["fast=5", "size=1", "side=both", "dry=false", "note="]);
    }

    #[test]
    fn a_value_out_of_bounds_says_what_is_in_bounds() {
        for (name, value, expected) in [
            (
                "fast",
                Value::Integer(100),
                "parameter `fast` is 100, it must be a whole number from 1 to 99",
            ),
            (
                "fast",
                Value::Text("x".to_owned()),
                "parameter `fast` is x, it must be a whole number from 1 to 99",
            ),
            (
                "size",
                Value::Integer(6),
                "parameter `size` is 6, it must be a number from 0.001 to 5",
            ),
            (
                "side",
                Value::Text("up".to_owned()),
                "parameter `side` is up, it must be one of both, long",
            ),
            ("dry", Value::Integer(1), "parameter `dry` is 1, it must be true or false"),
            (
                "note",
                Value::Text("long".to_owned()),
                "parameter `note` is long, it must be a text of at most 3 bytes",
            ),
            (
                "slow",
                Value::Integer(1),
                "the strategy has no parameter `slow`; it has: fast, size, side, dry, note",
            ),
        ] {
            assert_eq!(
                description().arguments(&given(name, value)).unwrap_err().to_string(),
                expected
            );
        }
    }

    #[test]
    fn text_is_read_in_the_parameters_type() {
        let parameters = description().parameters;
        assert_eq!(parameters[1].parse("2.5"), Ok(Value::Decimal(Decimal::new(25, 1))));
        assert_eq!(parameters[3].parse("true"), Ok(Value::Boolean(true)));
        assert!(parameters[0].parse("2.5").is_err());
        assert_eq!(
            parameters[1].accept(&Value::Integer(2)),
            Ok(Value::Decimal(Decimal::new(2, 0)))
        );
    }
}
