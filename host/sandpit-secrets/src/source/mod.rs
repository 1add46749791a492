//! Where keys come from: one trait, one implementation for each scheme of a URI.

mod aws;
mod azure;
mod env;
mod error;
mod file;
mod google;
mod http;
mod jwt;
mod keyring;
mod vault;

use std::time::Duration;

use sandpit_core::time::UnixNanos;

pub(crate) use error::{Failure, Step};
pub use error::{Problem, SourceError};
pub(crate) use http::texts;

use crate::{Clock, Credential, Environment, KeyUri, SecretText};

/// Bytes of a version's name that are kept.
const VERSION_BYTES_MAX: usize = 64;

/// A key as a source has it now.
#[derive(Debug)]
pub struct Fetched {
    /// The key.
    pub credential: Credential,
    /// The source's name for this version of it, where it has versions.
    pub version: Option<String>,
    /// Since when the source has this version, where it says so.
    pub created: Option<UnixNanos>,
    /// How long it may be used without asking again, where the source lends it.
    pub lease: Option<Duration>,
}

/// A place that has one key. Asking takes as long as the network does, so it is asked on a thread
/// that nobody waits for.
pub trait Source: Send {
    /// The key as it is now.
    ///
    /// # Errors
    /// It cannot be had: [`SourceError`] says at which step, and what would help.
    fn fetch(&mut self) -> Result<Fetched, SourceError>;
}

/// The source that a URI names. It is not asked yet.
///
/// # Errors
/// What it needs to be set up with is missing.
pub fn open(
    uri: &KeyUri,
    environment: &Environment,
    clock: Clock,
) -> Result<Box<dyn Source>, SourceError> {
    let fail = |problem| SourceError::new(uri, "set up the client", problem);
    let environment = environment.clone();
    Ok(match uri.clone() {
        KeyUri::Env(uri) => Box::new(env::EnvSource::new(uri, environment)),
        KeyUri::File(uri) => Box::new(file::FileSource::new(uri, environment.care())),
        KeyUri::Keyring(uri) => Box::new(keyring::KeyringSource::new(uri)),
        KeyUri::Vault(uri) => {
            Box::new(vault::VaultSource::new(uri, environment, clock).map_err(fail)?)
        }
        KeyUri::Aws(uri) => Box::new(aws::AwsSource::new(uri, environment, clock).map_err(fail)?),
        KeyUri::Google(uri) => {
            Box::new(google::GoogleSource::new(uri, environment, clock).map_err(fail)?)
        }
        KeyUri::Azure(uri) => {
            Box::new(azure::AzureSource::new(uri, environment, clock).map_err(fail)?)
        }
    })
}

/// Puts a key where a URI says, in place of the one that is there. That can be done to the operating
/// system's keyring; to everything else by its own tools.
///
/// # Errors
/// The text is no credential as [`Credential::from_document`] reads it, the keyring does not take it,
/// or the URI names another place.
pub fn store(uri: &KeyUri, document: &SecretText) -> Result<(), SourceError> {
    match uri {
        KeyUri::Keyring(uri) => keyring::store(uri, document),
        other => Err(not_ours(other)),
    }
}

/// Takes a key from where a URI says. `false` where there was none.
///
/// # Errors
/// The keyring does not work, or the URI names another place.
pub fn remove(uri: &KeyUri) -> Result<bool, SourceError> {
    match uri {
        KeyUri::Keyring(uri) => keyring::remove(uri),
        other => Err(not_ours(other)),
    }
}

fn not_ours(uri: &KeyUri) -> SourceError {
    let problem = "only a `keyring://` is written by this program; other places have tools of \
                   their own";
    SourceError::new(uri, "write there", Problem::Setup { problem: problem.to_owned() })
}

/// A version's name as it may be shown and compared: a server chose it.
fn version_name(text: &str) -> Option<String> {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = !text.is_empty() && text.len() <= VERSION_BYTES_MAX && text.bytes().all(is_known);
    is_name.then(|| text.to_owned())
}

/// A token that ends.
struct Token {
    text: SecretText,
    /// From then on another one is wanted.
    until: UnixNanos,
}

impl Token {
    /// A token is replaced when a fifth of its time is left.
    fn new(text: SecretText, now: UnixNanos, lifetime: Duration) -> Self {
        let used = crate::clock::nanos(lifetime.saturating_mul(4) / 5);
        Self { text, until: now.plus(used) }
    }

    fn is_good(&self, now: UnixNanos) -> bool {
        now < self.until
    }
}

/// Text in a server's answer that nobody may see.
struct Hidden(SecretText);

crate::lacks::says_nothing!(Token, Hidden, http::Call, http::Reply);

impl<'de> serde::Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretText::new(text)))
    }
}
