//! A key as it came from its source, checked at the edge: the exchange's name for it, and what signs.

use std::{fmt, io};

use serde::Deserialize;
use zeroize::Zeroize;

use crate::{ApiKey, SecretText, private_key::PrivateKey, source::texts};

/// Bytes of an HMAC secret; Binance's have 64.
const SECRET_BYTES_MAX: usize = 1_024;
/// Bytes of a document with a credential in it.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// HMAC-SHA256 with a secret that the exchange knows too.
    Hmac,
    /// Ed25519 with a private key that the exchange never saw.
    Ed25519,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hmac => "HMAC-SHA256",
            Self::Ed25519 => "Ed25519",
        })
    }
}

/// What is wrong with a credential. No variant can hold any of it.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// There is nothing.
    #[error("{what} is empty")]
    Empty {
        /// Which part.
        what: &'static str,
    },
    /// It is longer than any key.
    #[error("{what} has more than {max} bytes")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// Bytes that it may have.
        max: usize,
    },
    /// It has other characters than a key has.
    #[error(
        "{what} has characters other than letters, digits and signs of ASCII, or a space within"
    )]
    Characters {
        /// Which part.
        what: &'static str,
    },
    /// The private key cannot be used.
    #[error("the private key cannot be used: {problem}")]
    PrivateKey {
        /// Why.
        problem: &'static str,
    },
    /// Both kinds of key, or none.
    #[error(
        "there has to be either a `secret` (HMAC) or a `private_key` (Ed25519) beside the `api_key`, \
         and not both"
    )]
    OneOf,
    /// A document that is no credential.
    #[error(
        "line {line}, column {column}: a credential is a JSON object with the texts `api_key` and \
         either `secret` or `private_key`, and nothing else"
    )]
    Document {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// It is not text.
    #[error("{what} is not text in UTF-8")]
    NotText {
        /// Which part.
        what: &'static str,
    },
    /// There was no memory to keep the key in.
    #[error("cannot set memory aside for a key")]
    Memory(#[source] io::Error),
}

pub(crate) enum Material {
    Hmac(SecretText),
    Ed25519(PrivateKey),
}

crate::lacks::says_nothing!(Material, Document);
crate::lacks::lacks!(Credential: fmt::Display, Clone, serde::Serialize);

/// A key as it came from its source: good in form, not yet proven on the exchange.
pub struct Credential {
    pub(crate) api_key: ApiKey,
    pub(crate) material: Material,
}

impl Credential {
    /// A key that signs with HMAC-SHA256.
    ///
    /// # Errors
    /// A part is empty, too long, or has characters that no key has.
    pub fn hmac(api_key: &str, secret: &SecretText) -> Result<Self, CredentialError> {
        const WHAT: &str = "the secret";
        let secret = secret.trimmed();
        if secret.is_empty() {
            return Err(CredentialError::Empty { what: WHAT });
        }
        if secret.len() > SECRET_BYTES_MAX {
            return Err(CredentialError::TooLong { what: WHAT, max: SECRET_BYTES_MAX });
        }
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialError::Characters { what: WHAT });
        }
        let secret = SecretText::new(secret.to_owned());
        Ok(Self { api_key: ApiKey::new(api_key)?, material: Material::Hmac(secret) })
    }

    /// A key that signs with Ed25519: PEM (PKCS#8), or a seed in hexadecimal or base64.
    ///
    /// # Errors
    /// The name or the key is none.
    pub fn ed25519(api_key: &str, private_key: &SecretText) -> Result<Self, CredentialError> {
        let key = PrivateKey::parse(private_key.expose())?;
        Ok(Self { api_key: ApiKey::new(api_key)?, material: Material::Ed25519(key) })
    }

    /// Whichever of the two is there.
    pub(crate) fn of_parts(
        api_key: &str,
        secret: Option<&SecretText>,
        private_key: Option<&SecretText>,
    ) -> Result<Self, CredentialError> {
        match (secret, private_key) {
            (Some(secret), None) => Self::hmac(api_key, secret),
            (None, Some(key)) => Self::ed25519(api_key, key),
            _ => Err(CredentialError::OneOf),
        }
    }

    /// Reads what secret managers and files keep: a JSON object.
    ///
    /// # Errors
    /// It is no such object, or a part of it is no key.
    pub fn from_document(text: &SecretText) -> Result<Self, CredentialError> {
        if text.expose().len() > DOCUMENT_BYTES_MAX {
            let max = DOCUMENT_BYTES_MAX;
            return Err(CredentialError::TooLong { what: "the document", max });
        }
        // The parser's own words quote what they found.
        let document: Document = serde_json::from_str(text.expose()).map_err(|error| {
            CredentialError::Document { line: error.line(), column: error.column() }
        })?;
        document.into_credential()
    }

    /// Writes what [`Self::from_document`] reads: a key that a person types in is stored so.
    ///
    /// # Errors
    /// A part is none.
    pub fn document(
        api_key: &SecretText,
        kind: KeyKind,
        secret: &SecretText,
    ) -> Result<SecretText, CredentialError> {
        let field = match kind {
            KeyKind::Hmac => "secret",
            KeyKind::Ed25519 => "private_key",
        };
        let fields = [("api_key", api_key.trimmed()), (field, secret.trimmed())];
        let mut bytes = texts(&fields);
        let what = "the document";
        let text = SecretText::from_bytes(std::mem::take(&mut *bytes))
            .ok_or(CredentialError::NotText { what })?;
        Self::from_document(&text).map(|_| text)
    }

    /// The same, as an object that was part of a larger answer.
    pub(crate) fn of_texts(
        mut take: impl FnMut(&str) -> Option<SecretText>,
    ) -> Result<Self, CredentialError> {
        let api_key = take("api_key").ok_or(CredentialError::Empty { what: "the API key" })?;
        let (secret, private_key) = (take("secret"), take("private_key"));
        Self::of_parts(api_key.expose(), secret.as_ref(), private_key.as_ref())
    }

    /// The exchange's name for the key.
    #[must_use]
    pub const fn api_key(&self) -> &ApiKey {
        &self.api_key
    }

    /// How it signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        match self.material {
            Material::Hmac(_) => KeyKind::Hmac,
            Material::Ed25519(_) => KeyKind::Ed25519,
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("api_key", &self.api_key)
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    api_key: String,
    secret: Option<String>,
    private_key: Option<String>,
}

impl Document {
    fn into_credential(mut self) -> Result<Credential, CredentialError> {
        let secret = self.secret.take().map(SecretText::new);
        let private_key = self.private_key.take().map(SecretText::new);
        Credential::of_parts(&self.api_key, secret.as_ref(), private_key.as_ref())
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        self.api_key.zeroize();
        self.secret.zeroize();
        self.private_key.zeroize();
    }
}
