//! A key that signs. It cannot be read, printed, written, copied or compared but with its like.

use std::{fmt, hint::black_box};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    digest, hmac,
    signature::{Ed25519KeyPair, KeyPair},
};

use zeroize::Zeroize;

use crate::{ApiKey, Credential, CredentialError, KeyKind, credential::Material, locked::Locked};

/// Bytes of a signature as text: Ed25519 in base64 has 88, HMAC-SHA256 in hexadecimal 64.
pub const SIGNATURE_BYTES_MAX: usize = 88;

enum Pair {
    Hmac(hmac::Key),
    Ed25519(Ed25519KeyPair),
}

struct Inner {
    pair: Pair,
    /// Of name and secret: whether two keys are the same is known without either.
    identity: [u8; digest::SHA256_OUTPUT_LEN],
    /// Of the secret alone: two names may stand for one.
    half: [u8; digest::SHA256_OUTPUT_LEN],
}

crate::lacks::says_nothing!(Pair, Inner);
crate::lacks::lacks!(SigningKey: fmt::Display, Clone, serde::Serialize, PartialEq);

/// A key that signs, in memory that is kept out of swap, dumps and child processes.
pub struct SigningKey {
    api_key: ApiKey,
    inner: Locked<Inner>,
}

impl SigningKey {
    /// Makes a key of a credential, which is overwritten.
    ///
    /// # Errors
    /// There is no memory for it, or the private key is none after all.
    #[expect(clippy::needless_pass_by_value, reason = "the credential ends here")]
    pub fn new(credential: Credential) -> Result<Self, CredentialError> {
        let key = Self::make(&credential);
        overwrite_stack();
        key
    }

    /// In a frame of its own, so that what is left of it lies below the caller's.
    #[inline(never)]
    fn make(credential: &Credential) -> Result<Self, CredentialError> {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(credential.api_key.as_str().as_bytes());
        hash.update(&[0]);
        let mut half = digest::Context::new(&digest::SHA256);
        half.update(b"half\0");
        let pair = match &credential.material {
            Material::Hmac(secret) => {
                hash.update(secret.expose().as_bytes());
                half.update(secret.expose().as_bytes());
                Pair::Hmac(hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()))
            }
            Material::Ed25519(key) => {
                let pair = key.pair()?;
                // It follows from the private half, in whatever form that came.
                hash.update(pair.public_key().as_ref());
                half.update(pair.public_key().as_ref());
                Pair::Ed25519(pair)
            }
        };
        let finish = |hash: digest::Context| {
            let mut out = [0; digest::SHA256_OUTPUT_LEN];
            out.copy_from_slice(hash.finish().as_ref());
            out
        };
        let (identity, half) = (finish(hash), finish(half));
        let inner = Locked::new(Inner { pair, identity, half }).map_err(CredentialError::Memory)?;
        Ok(Self { api_key: credential.api_key.clone(), inner })
    }

    /// The exchange's name for the key, whole, for the header of a request.
    #[must_use]
    pub fn api_key(&self) -> &str {
        self.api_key.as_str()
    }

    /// The exchange's name for the key, as it may be shown.
    #[must_use]
    pub const fn name(&self) -> &ApiKey {
        &self.api_key
    }

    /// How it signs.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.inner.pair {
            Pair::Hmac(_) => KeyKind::Hmac,
            Pair::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// Whether the kernel keeps it out of swap.
    #[must_use]
    pub const fn is_locked_in_memory(&self) -> bool {
        self.inner.is_locked()
    }

    /// Appends the signature of a payload: HMAC-SHA256 in hexadecimal, or Ed25519 in base64. At most
    /// [`SIGNATURE_BYTES_MAX`] bytes, and no other allocation than theirs.
    pub fn sign_into(&self, payload: &[u8], out: &mut String) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        match &self.inner.pair {
            Pair::Hmac(key) => {
                for byte in hmac::sign(key, payload).as_ref() {
                    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
                    out.push(char::from(DIGITS[usize::from(byte & 15)]));
                }
            }
            Pair::Ed25519(pair) => STANDARD.encode_string(pair.sign(payload), out),
        }
    }

    /// Whether this is the same key with the same secret.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.inner.identity == other.inner.identity
    }

    /// Whether both sign with one secret, whatever the exchange calls them.
    pub(crate) fn has_secret_of(&self, other: &Self) -> bool {
        self.inner.half == other.inner.half
    }
}

/// Overwrites what lies below the caller on the stack: ring leaves copies there of what it makes a key
/// of. That is all that can be done about it from outside.
#[inline(never)]
fn overwrite_stack() {
    /// More than ring's functions use.
    const BYTES: usize = 32 * 1024;
    let mut room = [0xffu8; BYTES];
    room.zeroize();
    black_box(&room);
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("api_key", &self.api_key)
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}
