//! Why there is no key.

use sandpit_secrets::{
    CredentialError, EnvironmentError, KeeperError, OnePurpose, SharedKey, SourceError, UriError,
};

use super::LedgerError;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The key's place is none.
    #[error("`{key}` names no key")]
    Uri {
        /// The key of the configuration that says it.
        key: &'static str,
        /// What is wrong.
        #[source]
        source: UriError,
    },
    /// The key cannot be had.
    #[error("the key cannot be had")]
    Source(#[from] SourceError),
    /// It is none.
    #[error("what was found is no key")]
    Credential(#[from] CredentialError),
    /// What a new session has of its key.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// Variables cannot be read.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// It is for another mode.
    #[error("the key is one for `{of}`, and the session is one for `{wanted}`")]
    OtherMode {
        /// What it is for.
        of: String,
        /// What it should be for.
        wanted: &'static str,
    },
    /// A session that sends no orders needs no key, and gets none.
    #[error("a paper session has no key")]
    NotWanted,
    /// One key, two purposes that are to be apart.
    #[error(transparent)]
    OnePurpose(#[from] OnePurpose),
    /// One key, two accounts or modes.
    #[error(transparent)]
    Shared(#[from] SharedKey),
    /// The same, by what other sessions of this machine wrote down.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is no thread for what looks after keys.
    #[error("the operating system gives no thread for the keys")]
    Thread(#[source] std::io::Error),
}
