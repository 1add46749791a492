//! Forms in which people keep an Ed25519 key: PEM as `openssl genpkey` writes it, or the seed alone
//! in hexadecimal or base64.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::Ed25519KeyPair;
use zeroize::Zeroizing;

use crate::{SecretText, credential::CredentialError};

/// Bytes of a seed (RFC 8032, section 5.1.5).
const SEED_BYTES: usize = 32;
/// Bytes of a private key as text.
pub(crate) const PRIVATE_KEY_BYTES_MAX: usize = 16 * 1024;
/// Object identifier 1.3.101.112, `id-Ed25519`, as it stands in DER.
const ED25519_OID: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

/// Bytes of a private key.
pub(crate) enum PrivateKey {
    /// PKCS#8 in DER.
    Pkcs8(Zeroizing<Vec<u8>>),
    /// The seed alone.
    Seed(Zeroizing<Vec<u8>>),
}

crate::lacks::says_nothing!(PrivateKey);

impl PrivateKey {
    /// Reads one of the forms.
    pub(crate) fn parse(text: &str) -> Result<Self, CredentialError> {
        if text.len() > PRIVATE_KEY_BYTES_MAX {
            let max = PRIVATE_KEY_BYTES_MAX;
            return Err(CredentialError::TooLong { what: "the private key", max });
        }
        let text = text.trim();
        let key = if text.contains("-----BEGIN") { pem(text)? } else { seed(text)? };
        // Whether ring takes it is known here, not when the first order is signed.
        key.pair()?;
        Ok(key)
    }

    /// The texts in which it may have come.
    pub(crate) fn texts(&self) -> Vec<SecretText> {
        let base64 = |bytes: &[u8]| SecretText::new(STANDARD.encode(bytes));
        match self {
            Self::Pkcs8(der) => vec![base64(der)],
            Self::Seed(seed) => {
                let mut hex = String::with_capacity(seed.len() * 2);
                for byte in seed.iter() {
                    // Writing to a string cannot fail.
                    let _ = write!(hex, "{byte:02x}");
                }
                vec![base64(seed), SecretText::new(hex)]
            }
        }
    }

    /// The key that signs.
    pub(crate) fn pair(&self) -> Result<Ed25519KeyPair, CredentialError> {
        let pair = match self {
            // `openssl` writes version 1, which has no public key to compare with.
            Self::Pkcs8(der) => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der),
            Self::Seed(seed) => Ed25519KeyPair::from_seed_unchecked(seed),
        };
        pair.map_err(|_| refuse("it is damaged, or its two halves do not belong together"))
    }
}

const fn refuse(problem: &'static str) -> CredentialError {
    CredentialError::PrivateKey { problem }
}

/// The bytes between the lines of a PEM file. A variable may have `\n` in place of line breaks.
pub(crate) fn pem_bytes(text: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (content, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let unfolded = Zeroizing::new(content.replace("\\n", ""));
    let mut packed = Zeroizing::new(String::with_capacity(unfolded.len()));
    packed.extend(unfolded.chars().filter(|character| !character.is_whitespace()));
    let mut bytes = Zeroizing::new(Vec::with_capacity(packed.len()));
    STANDARD.decode_vec(packed.as_bytes(), &mut bytes).ok()?;
    Some(bytes)
}

fn pem(text: &str) -> Result<PrivateKey, CredentialError> {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        return Err(refuse(
            "it is encrypted with a passphrase; write it without one (openssl pkey -in … -out …) \
             and let the secret's store protect it",
        ));
    }
    if text.contains("BEGIN PUBLIC KEY") {
        return Err(refuse(
            "it is the public half, which is for the exchange; the private one signs",
        ));
    }
    if text.contains("BEGIN RSA PRIVATE KEY") || text.contains("BEGIN EC PRIVATE KEY") {
        return Err(refuse(ONLY_ED25519));
    }
    let der = pem_bytes(text, "PRIVATE KEY")
        .ok_or_else(|| refuse("it is no whole PEM file with a `PRIVATE KEY`"))?;
    if !der.windows(ED25519_OID.len()).any(|window| window == ED25519_OID) {
        return Err(refuse(ONLY_ED25519));
    }
    Ok(PrivateKey::Pkcs8(der))
}

const ONLY_ED25519: &str =
    "it is of another kind than Ed25519; make one with `openssl genpkey -algorithm ed25519`";

fn seed(text: &str) -> Result<PrivateKey, CredentialError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(SEED_BYTES * 2));
    if text.len() == SEED_BYTES * 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        for at in (0..text.len()).step_by(2) {
            let digits = text.get(at..at + 2).unwrap_or_default();
            bytes.push(u8::from_str_radix(digits, 16).unwrap_or_default());
        }
    } else if STANDARD.decode_vec(text, &mut bytes).is_err() || bytes.len() != SEED_BYTES {
        return Err(refuse(
            "it is neither a PEM file (`-----BEGIN PRIVATE KEY-----`) nor a seed of 32 bytes in \
             hexadecimal or base64",
        ));
    }
    Ok(PrivateKey::Seed(bytes))
}
