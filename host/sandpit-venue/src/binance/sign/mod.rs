//! What is signed, byte for byte. Whoever holds the key implements [`Signer`]; no key comes here.
//!
//! REST: values are percent-encoded first (since 2026-01-15 anything else is −1022), then query and
//! body are signed as one text with nothing between them. WebSocket API: all parameters with
//! `apiKey`, sorted by name, joined as `name=value` with `&`, raw UTF-8, booleans as `true` and
//! `false`.
//!
//! Source: the official documents "Rest API" and "WebSocket API", each "SIGNED … request security".

mod params;
mod percent;
mod rest;
mod websocket;

pub use params::{Params, Value};
pub use percent::percent_encode;
pub use rest::{rest_payload, sign_rest};
pub use websocket::{sign_websocket, websocket_payload};

pub use crate::keys::Signer;

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
