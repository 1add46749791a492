//! Tokens that the host signs itself, with RSA as Google (RS256) and Microsoft (PS256) want them
//! (RFC 7519, RFC 7518).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair},
};
use zeroize::Zeroizing;

use super::Problem;
use crate::private_key::pem_bytes;

/// Reads an RSA key in PEM.
pub(super) fn rsa_key(pem: &str) -> Result<RsaKeyPair, Problem> {
    let pair = if let Some(der) = pem_bytes(pem, "PRIVATE KEY") {
        RsaKeyPair::from_pkcs8(&der)
    } else if let Some(der) = pem_bytes(pem, "RSA PRIVATE KEY") {
        RsaKeyPair::from_der(&der)
    } else {
        return Err(refuse("there is no unencrypted private key in PEM"));
    };
    pair.map_err(|_| refuse("the private key is no RSA key of 2048 bits or more"))
}

fn refuse(problem: &str) -> Problem {
    Problem::Setup { problem: problem.to_owned() }
}

/// How a token is signed.
#[derive(Clone, Copy)]
pub(super) enum Algorithm {
    Rs256,
    Ps256,
}

/// Signs a token of these claims.
pub(super) fn sign(
    algorithm: Algorithm,
    header: &serde_json::Value,
    claims: &serde_json::Value,
    key: &RsaKeyPair,
) -> Result<Zeroizing<String>, Problem> {
    let mut token = Zeroizing::new(URL_SAFE_NO_PAD.encode(header.to_string()));
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
    let mut signature = vec![0; key.public().modulus_len()];
    let encoding: &'static dyn RsaEncoding = match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_SHA256,
        Algorithm::Ps256 => &RSA_PSS_SHA256,
    };
    key.sign(encoding, &SystemRandom::new(), token.as_bytes(), &mut signature)
        .map_err(|_| refuse("the private key cannot sign"))?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
