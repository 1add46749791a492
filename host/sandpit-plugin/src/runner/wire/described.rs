//! A strategy's description on the wire. It is read into the contract's own form and goes through
//! the same reading as a guest's, so the same bounds hold.

use sandpit_core::{market::DataKind, num::Decimal};

use super::{Reader, WireError, Writer};
use crate::{
    bindings::sandpit::strategy::types as contract,
    describe::{Description, ParameterKind},
};

/// Entries of any list of a description; the reading behind it is stricter.
const ENTRIES_MAX: usize = 64;
/// Bytes of any text of a description once escaped; the reading behind it is stricter.
const TEXT_BYTES_MAX: usize = 16 * 1024;

pub(super) fn put_description(out: &mut Writer, description: &Description) {
    out.text(&description.name);
    out.text(&description.version);
    out.text(&description.summary);
    out.u32(description.state_schema);
    out.count(description.parameters.len());
    for parameter in &description.parameters {
        out.text(&parameter.name);
        out.text(&parameter.summary);
        put_kind(out, &parameter.kind);
    }
    out.count(description.subscriptions.len());
    for kind in &description.subscriptions {
        put_data_kind(out, *kind);
    }
    out.count(description.warm_up.len());
    for entry in &description.warm_up {
        put_data_kind(out, entry.kind);
        out.u32(entry.count);
    }
}

fn put_kind(out: &mut Writer, kind: &ParameterKind) {
    match kind {
        ParameterKind::Boolean { default } => {
            out.u8(0);
            out.bool(*default);
        }
        ParameterKind::Integer { default, min, max } => {
            out.u8(1);
            for value in [default, min, max] {
                out.i64(*value);
            }
        }
        ParameterKind::Decimal { default, min, max } => {
            out.u8(2);
            for value in [default, min, max] {
                out.decimal(*value);
            }
        }
        ParameterKind::Choice { default, options } => {
            out.u8(3);
            out.text(default);
            out.count(options.len());
            for option in options {
                out.text(option);
            }
        }
        ParameterKind::Text { default, bytes_max } => {
            out.u8(4);
            out.text(default);
            out.usize(*bytes_max);
        }
    }
}

fn put_data_kind(out: &mut Writer, kind: DataKind) {
    match kind {
        DataKind::Trades => out.u8(0),
        DataKind::Quotes => out.u8(1),
        DataKind::Bars(interval) => {
            out.u8(2);
            out.u64(interval.0);
        }
        DataKind::Depth(levels) => {
            out.u8(3);
            out.u16(levels);
        }
    }
}

pub(super) fn description(from: &mut Reader<'_>) -> Result<Description, WireError> {
    let (name, version) = (text(from, "a name")?, text(from, "a version")?);
    let (summary, state_schema) = (text(from, "a summary")?, from.u32()?);
    let parameters = from.list("parameters", ENTRIES_MAX, |from| {
        Ok(contract::Parameter {
            name: text(from, "a parameter's name")?,
            summary: text(from, "a parameter's summary")?,
            type_: kind(from)?,
        })
    })?;
    let subscriptions = from.list("subscriptions", ENTRIES_MAX, data_kind)?;
    let warm_up = from.list("warm-up", ENTRIES_MAX, |from| {
        Ok(contract::WarmUp { kind: data_kind(from)?, count: from.u32()? })
    })?;
    let said = contract::Description {
        name,
        version,
        summary,
        parameters,
        subscriptions,
        warm_up,
        state_schema,
    };
    Description::again(said).map_err(|error| WireError::Description(error.to_string()))
}

fn text(from: &mut Reader<'_>, what: &'static str) -> Result<String, WireError> {
    from.text(what, TEXT_BYTES_MAX).map(str::to_owned)
}

fn kind(from: &mut Reader<'_>) -> Result<contract::ParameterType, WireError> {
    Ok(match from.u8()? {
        0 => contract::ParameterType::Boolean(from.bool("a default")?),
        1 => contract::ParameterType::Integer(contract::IntegerBounds {
            default: from.i64()?,
            min: from.i64()?,
            max: from.i64()?,
        }),
        2 => contract::ParameterType::Decimal(contract::DecimalBounds {
            default: decimal(from.decimal()?),
            min: decimal(from.decimal()?),
            max: decimal(from.decimal()?),
        }),
        3 => contract::ParameterType::Choice(contract::ChoiceBounds {
            default: text(from, "a default")?,
            options: from.list("options", ENTRIES_MAX, |from| text(from, "an option"))?,
        }),
        4 => contract::ParameterType::Text(contract::TextBounds {
            default: text(from, "a default")?,
            max_bytes: u32::try_from(from.u64()?).unwrap_or(u32::MAX),
        }),
        value => return Err(WireError::Tag { what: "a kind of parameter", value }),
    })
}

const fn decimal(decimal: Decimal) -> contract::Decimal {
    contract::Decimal { mantissa: decimal.mantissa, scale: decimal.scale }
}

fn data_kind(from: &mut Reader<'_>) -> Result<contract::DataKind, WireError> {
    Ok(match from.u8()? {
        0 => contract::DataKind::Trades,
        1 => contract::DataKind::Quotes,
        2 => contract::DataKind::Bars(from.u64()?),
        3 => contract::DataKind::Depth(from.u16()?),
        value => return Err(WireError::Tag { what: "a kind of data", value }),
    })
}
