//! The one byte sequence of a result, and its hash.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{model::Report, value::hex};

/// The report as JSON without white space, keys sorted, without what depends on the machine: the
/// same run gives the same bytes everywhere.
///
/// # Errors
/// A value has no JSON form; none of a [`Report`] is so.
pub fn canonical_json(report: &Report) -> Result<Vec<u8>, serde_json::Error> {
    let mut value = serde_json::to_value(report)?;
    if let Value::Object(fields) = &mut value {
        fields.remove("machine");
    }
    let mut bytes = Vec::new();
    write(&value, &mut bytes)?;
    Ok(bytes)
}

/// SHA-256 of [`canonical_json`] in hexadecimal.
///
/// # Errors
/// As [`canonical_json`].
pub fn result_sha256(report: &Report) -> Result<String, serde_json::Error> {
    Ok(hex(&Sha256::digest(canonical_json(report)?)))
}

/// Sorts by itself: whether a JSON map of the library is sorted depends on features that any crate
/// of the build can switch. The depth is that of the report's own types.
fn write(value: &Value, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    match value {
        Value::Object(fields) => {
            let mut sorted = fields.iter().collect::<Vec<_>>();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            bytes.push(b'{');
            for (at, (key, field)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    bytes.push(b',');
                }
                serde_json::to_writer(&mut *bytes, key)?;
                bytes.push(b':');
                write(field, bytes)?;
            }
            bytes.push(b'}');
        }
        Value::Array(items) => {
            bytes.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    bytes.push(b',');
                }
                write(item, bytes)?;
            }
            bytes.push(b']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            serde_json::to_writer(&mut *bytes, value)?;
        }
    }
    Ok(())
}
