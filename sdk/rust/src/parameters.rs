//! Parameters: what the operator may set, as a struct. The derive macro writes the two functions
//! of [`Parameters`]; what they have in common is here.

use crate::{Decimal, wire};

/// The settings of a strategy. Derive it on a struct with named fields; each field is one
/// parameter, named like the field with `-` for `_`, and its doc comment is its summary.
///
/// | field type | attributes of `#[param(…)]` |
/// |---|---|
/// | `bool` | `default` |
/// | an integer | `default`; `min` and `max`, else the bounds of its type |
/// | [`Decimal`] | `default`, `min`, `max` |
/// | an enum with `#[derive(Choice)]` | `default` |
/// | `String` | `default`, `max_bytes` (at most 256) |
///
/// `summary = "…"` takes the place of the doc comment. A default out of its bounds does not
/// compile.
///
/// ```
/// use sandpit_sdk::prelude::*;
///
/// #[derive(Clone, Copy, Choice)]
/// enum Side {
///     Long,
///     Both,
/// }
///
/// #[derive(Parameters)]
/// struct Params {
///     /// Length of the average, in trades.
///     #[param(default = 10, min = 1, max = 500)]
///     length: u32,
///     /// Quantity of one order.
///     #[param(default = 0.5, min = 0.001, max = 1000)]
///     quantity: Decimal,
///     /// Which positions to take.
///     #[param(default = Side::Long)]
///     side: Side,
/// }
///
/// assert_eq!(Params::describe().len(), 3);
/// ```
///
/// ```compile_fail
/// # use sandpit_sdk::prelude::*;
/// #[derive(Parameters)]
/// struct Params {
///     /// The default is out of its bounds.
///     #[param(default = 0, min = 1, max = 500)]
///     length: u32,
/// }
/// ```
///
/// ```compile_fail
/// # use sandpit_sdk::prelude::*;
/// #[derive(Parameters)]
/// struct Params {
///     /// A float is not exact.
///     #[param(default = 0.5, min = 0, max = 1)]
///     share: f64,
/// }
/// ```
pub trait Parameters: Sized {
    /// All of them, with their types, defaults and bounds.
    fn describe() -> Vec<wire::Parameter>;

    /// From the values of a session.
    ///
    /// # Errors
    /// A value is missing, of another type, or out of its bounds.
    fn from_arguments(arguments: &[wire::Argument]) -> Result<Self, String>;
}

/// No settings.
impl Parameters for () {
    fn describe() -> Vec<wire::Parameter> {
        Vec::new()
    }

    fn from_arguments(_: &[wire::Argument]) -> Result<Self, String> {
        Ok(())
    }
}

/// A setting that is one of a few. Derive it on an enum whose variants carry nothing; an option is
/// named like its variant, in lower case with `-` between words.
pub trait Choice: Sized + 'static {
    /// All options, in the order of the variants.
    const OPTIONS: &'static [&'static str];

    /// The name of this option.
    fn option(&self) -> &'static str;

    /// The option of this name.
    fn from_option(name: &str) -> Option<Self>;
}

/// What the derived code calls. Not for people.
#[doc(hidden)]
pub mod derived {
    use super::{Choice, Decimal, wire};

    fn parameter(name: &str, summary: &str, type_: wire::ParameterType) -> wire::Parameter {
        wire::Parameter { name: name.to_owned(), summary: summary.to_owned(), type_ }
    }

    #[must_use]
    pub fn boolean(name: &str, summary: &str, default: bool) -> wire::Parameter {
        parameter(name, summary, wire::ParameterType::Boolean(default))
    }

    #[must_use]
    pub fn integer(name: &str, summary: &str, [default, min, max]: [i64; 3]) -> wire::Parameter {
        let bounds = wire::IntegerBounds { default, min, max };
        parameter(name, summary, wire::ParameterType::Integer(bounds))
    }

    #[must_use]
    pub fn decimal(
        name: &str,
        summary: &str,
        [default, min, max]: [Decimal; 3],
    ) -> wire::Parameter {
        let bounds =
            wire::DecimalBounds { default: default.sent(), min: min.sent(), max: max.sent() };
        parameter(name, summary, wire::ParameterType::Decimal(bounds))
    }

    pub fn choice<C: Choice>(name: &str, summary: &str, default: &C) -> wire::Parameter {
        let bounds = wire::ChoiceBounds {
            default: default.option().to_owned(),
            options: C::OPTIONS.iter().map(|option| (*option).to_owned()).collect(),
        };
        parameter(name, summary, wire::ParameterType::Choice(bounds))
    }

    #[must_use]
    pub fn text(name: &str, summary: &str, default: &str, max_bytes: u32) -> wire::Parameter {
        let bounds = wire::TextBounds { default: default.to_owned(), max_bytes };
        parameter(name, summary, wire::ParameterType::Text(bounds))
    }

    fn find<'a>(
        arguments: &'a [wire::Argument],
        name: &str,
    ) -> Result<&'a wire::ParameterValue, String> {
        arguments
            .iter()
            .find(|argument| argument.name == name)
            .map(|argument| &argument.value)
            .ok_or_else(|| format!("parameter `{name}` has no value"))
    }

    fn wrong_type<T>(name: &str, wanted: &str) -> Result<T, String> {
        Err(format!("parameter `{name}` must be {wanted}"))
    }

    pub fn read_boolean(arguments: &[wire::Argument], name: &str) -> Result<bool, String> {
        match find(arguments, name)? {
            wire::ParameterValue::Boolean(value) => Ok(*value),
            _ => wrong_type(name, "true or false"),
        }
    }

    pub fn read_integer(
        arguments: &[wire::Argument],
        name: &str,
        [min, max]: [i64; 2],
    ) -> Result<i64, String> {
        match find(arguments, name)? {
            wire::ParameterValue::Integer(value) if (min..=max).contains(value) => Ok(*value),
            wire::ParameterValue::Integer(value) => {
                Err(format!("parameter `{name}` must be from {min} to {max}, not {value}"))
            }
            _ => wrong_type(name, "an integer"),
        }
    }

    pub fn read_decimal(
        arguments: &[wire::Argument],
        name: &str,
        [min, max]: [Decimal; 2],
    ) -> Result<Decimal, String> {
        match find(arguments, name)? {
            wire::ParameterValue::Decimal(value) => {
                let value = Decimal::from(*value);
                if (min..=max).contains(&value) {
                    Ok(value)
                } else {
                    Err(format!("parameter `{name}` must be from {min} to {max}, not {value}"))
                }
            }
            _ => wrong_type(name, "a decimal number"),
        }
    }

    pub fn read_choice<C: Choice>(arguments: &[wire::Argument], name: &str) -> Result<C, String> {
        match find(arguments, name)? {
            wire::ParameterValue::Text(value) => C::from_option(value).ok_or_else(|| {
                format!("parameter `{name}` must be one of {}, not {value}", C::OPTIONS.join(", "))
            }),
            _ => wrong_type(name, "the name of an option"),
        }
    }

    pub fn read_text(
        arguments: &[wire::Argument],
        name: &str,
        max_bytes: u32,
    ) -> Result<String, String> {
        match find(arguments, name)? {
            wire::ParameterValue::Text(value)
                if u32::try_from(value.len()).is_ok_and(|bytes| bytes <= max_bytes) =>
            {
                Ok(value.clone())
            }
            wire::ParameterValue::Text(_) => {
                Err(format!("parameter `{name}` must have at most {max_bytes} bytes"))
            }
            _ => wrong_type(name, "text"),
        }
    }
}
