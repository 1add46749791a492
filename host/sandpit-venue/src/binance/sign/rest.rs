//! Signatures of REST requests.

use super::{Signer, percent_encode};

/// What is signed: query and body with nothing between them, both encoded already.
#[must_use]
pub fn rest_payload(query: &str, body: &str) -> String {
    [query, body].concat()
}

/// Signs query and body and appends the signature to the body, or to the query where there is no
/// body.
pub fn sign_rest(query: &mut String, body: &mut String, signer: &dyn Signer) {
    /// Bytes of a signature: Ed25519 in base64 has 88, HMAC-SHA256 in hexadecimal 64.
    const SIGNATURE_BYTES: usize = 96;
    let mut signature = String::with_capacity(SIGNATURE_BYTES);
    if body.is_empty() {
        signer.sign(query.as_bytes(), &mut signature);
    } else if query.is_empty() {
        signer.sign(body.as_bytes(), &mut signature);
    } else {
        signer.sign(rest_payload(query, body).as_bytes(), &mut signature);
    }
    let signed = if body.is_empty() { query } else { body };
    if !signed.is_empty() {
        signed.push('&');
    }
    signed.push_str("signature=");
    percent_encode(&signature, signed);
}
