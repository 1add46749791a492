//! Signers for tests, over ring: the product's own live with its keys.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{hmac, signature::Ed25519KeyPair};

use super::Signer;

/// HMAC-SHA256 in hexadecimal.
pub(in crate::binance) struct Hmac {
    pub(in crate::binance) api_key: &'static str,
    pub(in crate::binance) secret: String,
}

impl Signer for Hmac {
    fn api_key(&self) -> &str {
        self.api_key
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        for byte in hmac::sign(&key, payload).as_ref() {
            out.push_str(&format!("{byte:02x}"));
        }
    }
}

/// Ed25519 in base64.
pub(in crate::binance) struct Ed25519 {
    pub(in crate::binance) api_key: &'static str,
    pub(in crate::binance) pair: Ed25519KeyPair,
}

impl Ed25519 {
    /// From a seed in hexadecimal.
    pub(in crate::binance) fn new(api_key: &'static str, seed: &str) -> Self {
        let seed: Vec<u8> = (0..seed.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&seed[at..at + 2], 16).unwrap())
            .collect();
        Self { api_key, pair: Ed25519KeyPair::from_seed_unchecked(&seed).unwrap() }
    }
}

impl Signer for Ed25519 {
    fn api_key(&self) -> &str {
        self.api_key
    }

    fn sign(&self, payload: &[u8], out: &mut String) {
        STANDARD.encode_string(self.pair.sign(payload), out);
    }
}
