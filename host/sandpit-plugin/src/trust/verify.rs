//! A component's hash and signature against the trust list. Signatures are minisign's, prehashed;
//! the old kind, which signs the file itself, is not taken.

use super::{COMMENT_BYTES_MAX, KeyId, Policy, TrustError, TrustList};
use crate::text::escaped;

/// Bytes of a signature file: two comments and two lines of base64.
pub const SIGNATURE_BYTES_MAX: usize = 4 * 1024;

/// What is known of a component's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureState {
    /// There is none.
    Absent,
    /// What is beside it is no signature that is taken.
    Unreadable {
        /// Why not.
        reason: String,
    },
    /// Made with a key that is not in the list, so nothing of it is known to be true.
    UnknownKey {
        /// The key that it names.
        key: KeyId,
    },
    /// It names a key in the list, and that key did not make it for these bytes.
    Wrong {
        /// The key that it names.
        key: KeyId,
    },
    /// Made by a key in the list for exactly these bytes.
    Valid {
        /// The key.
        key: KeyId,
        /// Whose it is, by the list.
        whose: String,
        /// What the signer said about it; part of what was signed.
        comment: String,
    },
}

/// What is known of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The name under which its hash stands in the list.
    pub pinned: Option<String>,
    /// Its signature.
    pub signature: SignatureState,
}

impl Trust {
    /// Whether it meets a policy.
    ///
    /// # Errors
    /// The first thing that is missing.
    pub fn meets(&self, policy: Policy, sha256: &str) -> Result<(), TrustError> {
        if policy == Policy::Any || self.pinned.is_some() {
            return Ok(());
        }
        if policy == Policy::Pinned {
            return Err(TrustError::NotPinned { sha256: sha256.to_owned() });
        }
        match &self.signature {
            SignatureState::Valid { .. } => Ok(()),
            SignatureState::Absent => Err(TrustError::NotSigned),
            SignatureState::Unreadable { reason } => {
                Err(TrustError::UnreadableSignature { reason: reason.clone() })
            }
            SignatureState::UnknownKey { key } => Err(TrustError::UnknownKey { key: *key }),
            SignatureState::Wrong { key } => Err(TrustError::WrongSignature { key: *key }),
        }
    }
}

impl TrustList {
    /// What the list says of a component, given by its bytes, their hash and its signature file.
    #[must_use]
    pub fn judge(&self, bytes: &[u8], sha256: &[u8; 32], signature: Option<&[u8]>) -> Trust {
        let pin = self.pins.iter().find(|pin| pin.sha256 == *sha256);
        Trust {
            pinned: pin.map(|pin| pin.name.clone()),
            signature: match signature {
                None => SignatureState::Absent,
                Some(signature) => self.signature(bytes, signature),
            },
        }
    }

    fn signature(&self, bytes: &[u8], file: &[u8]) -> SignatureState {
        let unreadable = |reason: &str| SignatureState::Unreadable { reason: reason.to_owned() };
        if file.len() > SIGNATURE_BYTES_MAX {
            return unreadable("it is too long");
        }
        let Ok(text) = std::str::from_utf8(file) else {
            return unreadable("it is no text");
        };
        // The verifier does not say whose a signature claims to be; the claim is the id that stands
        // before it, and what is claimed is checked below.
        let claimed = text.lines().nth(1).and_then(KeyId::at_start_of);
        let (Some(id), Ok(signature)) = (claimed, minisign_verify::Signature::decode(text)) else {
            return unreadable("it is not in minisign's format");
        };
        let Some(trusted) = self.keys.iter().find(|trusted| trusted.key.id() == id) else {
            return SignatureState::UnknownKey { key: id };
        };
        match trusted.key.verifier().verify(bytes, &signature, false) {
            Ok(()) => SignatureState::Valid {
                key: id,
                whose: trusted.comment.clone(),
                comment: escaped(signature.trusted_comment(), COMMENT_BYTES_MAX),
            },
            Err(minisign_verify::Error::UnexpectedAlgorithm) => {
                unreadable("it is of minisign's old kind: sign again with a current minisign")
            }
            Err(_) => SignatureState::Wrong { key: id },
        }
    }
}
