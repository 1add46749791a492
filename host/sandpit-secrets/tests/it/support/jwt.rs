//! Reads a token that the host signed, as a server does: with the public half alone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde_json::Value;

use super::rsa;

/// Header and claims, if the signature is right.
pub(crate) fn verify(token: &str) -> Option<(Value, Value)> {
    let pkcs8 = base64::engine::general_purpose::STANDARD.decode(rsa::PKCS8).unwrap();
    let pair = RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let parse = |text: &str| serde_json::from_slice::<Value>(&decode(text)?).ok();
    let head = parse(header)?;
    let algorithm: &'static dyn VerificationAlgorithm = match head["alg"].as_str()? {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        _ => return None,
    };
    let public = UnparsedPublicKey::new(algorithm, pair.public_key().as_ref());
    public.verify(signed.as_bytes(), &decode(signature)?).ok()?;
    Some((head, parse(claims)?))
}
