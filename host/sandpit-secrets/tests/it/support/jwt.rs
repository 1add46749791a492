//! Reads a token that the host signed, as a server does: with the public half alone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::Value;

use super::rsa;

/// Header and claims, if the signature is right.
pub(crate) fn verify(token: &str) -> Option<(Value, Value)> {
    let pkcs8 = base64::engine::general_purpose::STANDARD.decode(rsa::PKCS8).unwrap();
    let pair = RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    public.verify(signed.as_bytes(), &decode(signature)?).ok()?;
    let parse = |text: &str| serde_json::from_slice(&decode(text)?).ok();
    Some((parse(header)?, parse(claims)?))
}
