//! From the core module that a compiler makes to a component.

use wasmparser::{Parser, Payload};

use crate::text::escaped;

/// Where a compiled SDK leaves the types of what it exports.
const METADATA_SECTION_PREFIX: &str = "component-type";
/// Bytes of the encoder's words in an error.
const REASON_BYTES_MAX: usize = 512;

/// Why a core module cannot become a component.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It is no module.
    #[error("the file is no WebAssembly core module: {0}")]
    NotAModule(String),
    /// It is a component.
    #[error("the file is a component already: use it as it is")]
    AlreadyComponent,
    /// Nothing says what its exports mean.
    #[error(
        "the core module exports no strategy: it was built without the SDK's export macro, or its custom sections were stripped"
    )]
    NoContract,
    /// What it says does not fit what it has.
    #[error("the core module cannot be encoded: {0}")]
    Encoder(String),
}

/// Encodes a core module, built with an SDK for `wasm32-unknown-unknown`, as a component. Whether
/// that component may be loaded is for [`crate::check`] to say.
///
/// # Errors
/// See [`EncodeError`].
pub fn encode(module: &[u8]) -> Result<Vec<u8>, EncodeError> {
    if !has_metadata(module)? {
        return Err(EncodeError::NoContract);
    }
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| EncodeError::Encoder(escaped(&format!("{error:#}"), REASON_BYTES_MAX)))
}

fn has_metadata(module: &[u8]) -> Result<bool, EncodeError> {
    let mut found = false;
    for payload in Parser::new(0).parse_all(module) {
        match payload
            .map_err(|error| EncodeError::NotAModule(escaped(error.message(), REASON_BYTES_MAX)))?
        {
            Payload::Version { encoding: wasmparser::Encoding::Component, .. } => {
                return Err(EncodeError::AlreadyComponent);
            }
            Payload::CustomSection(section) => {
                found |= section.name().starts_with(METADATA_SECTION_PREFIX);
            }
            _ => {}
        }
    }
    Ok(found)
}
