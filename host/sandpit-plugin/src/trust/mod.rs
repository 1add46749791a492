//! Whom the operator trusts: keys and hashes, the rule that says what of them a component needs,
//! and what was found of one. No file is read here and no list is written: that is the shell's.

mod key;
mod verify;

pub use key::{KeyError, KeyId, PublicKey};
pub use verify::{SIGNATURE_BYTES_MAX, SignatureState, Trust};

use crate::session::Mode;

/// Keys of a trust list.
pub const KEYS_MAX: usize = 1_000;
/// Pinned hashes of a trust list.
pub const PINS_MAX: usize = 10_000;
/// Bytes of a comment or a name in a trust list, and of a signature's comment as it is shown.
pub const COMMENT_BYTES_MAX: usize = 256;

/// What a component needs before anything of it is even parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Its hash stands in the trust list.
    Pinned,
    /// A key in the trust list has signed it, or its hash stands there.
    Signed,
    /// Nothing. For one's own strategies over recorded data; refused where money is at stake.
    #[default]
    Any,
}

impl Policy {
    /// All of them, the strictest first.
    pub const ALL: [Self; 3] = [Self::Pinned, Self::Signed, Self::Any];

    /// As it is written in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Signed => "signed",
            Self::Any => "any",
        }
    }

    /// Whether a session may run under it.
    ///
    /// # Errors
    /// [`Policy::Any`] where money is traded.
    pub const fn allowed_in(self, mode: Mode) -> Result<(), TrustError> {
        match (self, mode) {
            (Self::Any, Mode::Live) => Err(TrustError::AnyInLive),
            _ => Ok(()),
        }
    }
}

/// A key that the operator trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key itself.
    pub key: PublicKey,
    /// Whose it is, in the operator's words.
    pub comment: String,
}

/// A hash that the operator trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// SHA-256 of a component.
    pub sha256: [u8; 32],
    /// Which, in the operator's words.
    pub name: String,
}

/// What the operator trusts.
#[derive(Clone, Debug, Default)]
pub struct TrustList {
    /// Keys, each once.
    pub keys: Vec<TrustedKey>,
    /// Hashes, each once.
    pub pins: Vec<Pin>,
}

/// Why a component is not trusted enough.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Its hash is not in the list, and has to be.
    #[error(
        "the component's hash {sha256} is not pinned: pin it with `sandpit trust add --pin FILE` if it is the one you mean"
    )]
    NotPinned {
        /// Its SHA-256 in hexadecimal.
        sha256: String,
    },
    /// There is no signature, and has to be.
    #[error(
        "the component is not signed: put its signature beside it, named like it with `.minisig` at the end, or pin it with `sandpit trust add --pin FILE`"
    )]
    NotSigned,
    /// The file beside it is no signature.
    #[error("the component's signature cannot be read: {reason}; copy or make it again")]
    UnreadableSignature {
        /// In the verifier's words.
        reason: String,
    },
    /// Nobody in the list has signed it.
    #[error(
        "the component is signed with key {key}, which is not in the trust list: add it with `sandpit trust add PUBLICKEY` if you know whose it is"
    )]
    UnknownKey {
        /// Which.
        key: KeyId,
    },
    /// It says that a trusted key made it, and that is not so.
    #[error(
        "the component does not match its signature of key {key}: it was changed after it was signed, or the signature belongs to another file"
    )]
    WrongSignature {
        /// Which.
        key: KeyId,
    },
    /// A live session would run anything.
    #[error(
        "a live session runs only what the operator trusts: set the policy to `signed` or `pinned`, not `any`"
    )]
    AnyInLive,
}
