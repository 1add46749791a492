//! Signatures of requests of the WebSocket API.

use super::{Params, Signer};

/// What is signed: `name=value` sorted by name, joined with `&`, raw.
#[must_use]
pub fn websocket_payload(params: &Params<'_>) -> String {
    /// Bytes that an order with its key takes, about.
    const PAYLOAD_BYTES: usize = 384;
    let mut payload = String::with_capacity(PAYLOAD_BYTES);
    for (name, value) in params.sorted() {
        if !payload.is_empty() {
            payload.push('&');
        }
        payload.push_str(name);
        payload.push('=');
        value.write_raw(&mut payload);
    }
    payload
}

/// Appends the signature of parameters, which must have the `apiKey` among them.
pub fn sign_websocket(params: &Params<'_>, signer: &dyn Signer, out: &mut String) {
    signer.sign(websocket_payload(params).as_bytes(), out);
}
