//! Keys of exchanges: where they come from, how they live, how they are changed.
//!
//! The only room that reads a credential. What leaves it is a signature: a [`SigningKey`] signs, and
//! has no way to be read, printed, written or copied. Sources are named by a URI
//! ([`KeyUri`]) and fetched by [`Source`]s; secret managers are asked over TLS.
//!
//! Not here: what is signed and where it is sent (`sandpit-venue`), which account uses which key and
//! what the operator types (`sandpit`).
//!
//! **Invariant:** no text of a secret is in any `Debug`, `Display`, error, log line or panic of this
//! crate, and nothing in it can be serialized. Errors of libraries that quote what they read (the
//! parsers of `.env` and of JSON do) stop here and are replaced.

mod age;
mod api_key;
mod clock;
mod credential;
mod environment;
mod keeper;
mod lacks;
mod locked;
mod mask;
mod private_key;
mod process;
pub mod scan;
mod secret;
mod separation;
mod signing;
pub mod source;
pub mod uri;

pub use age::{AgeClass, AgeLimits, KeyAge};
pub use api_key::ApiKey;
pub use clock::Clock;
pub use credential::{Credential, CredentialError, KeyKind};
pub use environment::{Care, Environment, EnvironmentError, Variables};
pub use keeper::{
    Keeper, KeeperError, KeeperPolicy, KeyFacts, KeyHandle, KeyNews, Prove, Proven, Refusal,
};
pub use mask::{Mask, MaskingWriter};
pub use process::{ProcessGuard, guard_process, process_guard};
pub use secret::SecretText;
pub use separation::{Claim, OnePurpose, SharedKey, check_purposes, check_separation};
pub use signing::{SIGNATURE_BYTES_MAX, SigningKey};
pub use source::{Fetched, Source, SourceError};
pub use uri::{KeyUri, URI_BYTES_MAX, UriError};
