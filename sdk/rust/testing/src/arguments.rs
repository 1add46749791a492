//! Parameter values from text, as an operator writes them.

use sandpit_sdk::{Decimal, wire};

/// A value for every parameter of a description: its default, or what `overrides` say by name.
///
/// # Errors
/// An override names no parameter, or is no value of its type.
pub fn arguments(
    description: &wire::Description,
    overrides: &[(String, String)],
) -> Result<Vec<wire::Argument>, String> {
    let known = |name: &str| description.parameters.iter().any(|each| each.name == name);
    if let Some((name, _)) = overrides.iter().find(|(name, _)| !known(name)) {
        return Err(format!("there is no parameter `{name}`"));
    }
    description
        .parameters
        .iter()
        .map(|parameter| {
            // The last one counts, as in a file that is read after another.
            let text = overrides.iter().rev().find(|(name, _)| *name == parameter.name);
            let value = match text {
                Some((_, text)) => value(parameter, text)?,
                None => default(&parameter.type_),
            };
            Ok(wire::Argument { name: parameter.name.clone(), value })
        })
        .collect()
}

fn default(type_: &wire::ParameterType) -> wire::ParameterValue {
    match type_ {
        wire::ParameterType::Boolean(default) => wire::ParameterValue::Boolean(*default),
        wire::ParameterType::Integer(bounds) => wire::ParameterValue::Integer(bounds.default),
        wire::ParameterType::Decimal(bounds) => wire::ParameterValue::Decimal(bounds.default),
        wire::ParameterType::Choice(bounds) => wire::ParameterValue::Text(bounds.default.clone()),
        wire::ParameterType::Text(bounds) => wire::ParameterValue::Text(bounds.default.clone()),
    }
}

fn value(parameter: &wire::Parameter, text: &str) -> Result<wire::ParameterValue, String> {
    let wrong =
        |wanted: &str| format!("parameter `{}` must be {wanted}, not `{text}`", parameter.name);
    match parameter.type_ {
        wire::ParameterType::Boolean(_) => {
            text.parse().map(wire::ParameterValue::Boolean).map_err(|_| wrong("true or false"))
        }
        wire::ParameterType::Integer(_) => {
            text.parse().map(wire::ParameterValue::Integer).map_err(|_| wrong("an integer"))
        }
        wire::ParameterType::Decimal(_) => text
            .parse::<Decimal>()
            .ok()
            .and_then(Decimal::to_wire)
            .map(wire::ParameterValue::Decimal)
            .ok_or_else(|| wrong("a decimal number")),
        wire::ParameterType::Choice(_) | wire::ParameterType::Text(_) => {
            Ok(wire::ParameterValue::Text(text.to_owned()))
        }
    }
}
