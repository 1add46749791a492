//! Where a key is: from a URI to a source that is asked for it. What comes out of it is known to the
//! net under the log before anybody has it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use sandpit_plugin::Mode;
use sandpit_secrets::{
    Care, Clock, Environment, Fetched, KeyUri, Mask, Source, SourceError, source,
};

use super::{KeysError, cover, mask};

/// Beside the caller; see `.env.example`.
const ENV_FILE: &str = ".env";

/// The variables of this process, and those of `.env` beside the caller.
fn environment(care: Care) -> Environment {
    Environment::process().with_file(PathBuf::from(ENV_FILE), care)
}

/// What a mode is called in keys' names.
pub(crate) const fn mode_name(mode: Mode) -> Option<&'static str> {
    match mode {
        Mode::Testnet => Some("testnet"),
        Mode::Live => Some("live"),
        Mode::Backtest | Mode::Paper => None,
    }
}

/// A place that has a key.
pub(crate) struct Place {
    pub(crate) uri: KeyUri,
    environment: Environment,
}

impl Place {
    /// The place that a text names; `key` is what it is called in the configuration.
    pub(crate) fn parse(key: &'static str, text: &str, care: Care) -> Result<Self, KeysError> {
        let uri = text.parse().map_err(|source| KeysError::Uri { key, source })?;
        let environment = environment(care);
        cover::know_doors(&environment)?;
        Ok(Self { uri, environment })
    }

    /// Refuses one that says of itself that it is for another mode.
    pub(crate) fn check_mode(&self, mode: Mode) -> Result<(), KeysError> {
        let wanted = mode_name(mode).ok_or(KeysError::NotWanted)?;
        match &self.uri {
            KeyUri::Env(uri) if uri.mode != wanted => {
                Err(KeysError::OtherMode { of: uri.mode.clone(), wanted })
            }
            _ => Ok(()),
        }
    }

    /// The operator's name of the account: what is said, or what the place says, or the place.
    pub(crate) fn account(&self, said: Option<&str>) -> String {
        match (said, &self.uri) {
            (Some(said), _) => said.to_owned(),
            (None, KeyUri::Env(uri)) => uri.account.clone(),
            (None, uri) => uri.to_string(),
        }
    }

    /// Which kind of place it is, in one word.
    pub(crate) const fn provider(&self) -> &'static str {
        match &self.uri {
            KeyUri::Env(_) => "environment",
            KeyUri::File(_) => "file",
            KeyUri::Keyring(_) => "keyring",
            KeyUri::Vault(_) => "vault",
            KeyUri::Aws(_) => "aws-secrets-manager",
            KeyUri::Google(_) => "google-secret-manager",
            KeyUri::Azure(_) => "azure-key-vault",
        }
    }

    /// What is asked for the key.
    pub(crate) fn source(&self) -> Result<Known, SourceError> {
        let inner = source::open(&self.uri, &self.environment, Clock::system())?;
        Ok(Known { inner, mask: mask().clone(), version: Version::default() })
    }
}

/// The version that a source gave last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Version(Arc<Mutex<Option<String>>>);

impl Version {
    pub(crate) fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, version: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = version;
    }
}

/// A source whose keys the net knows.
pub(crate) struct Known {
    inner: Box<dyn Source>,
    mask: Mask,
    version: Version,
}

impl Known {
    pub(crate) fn version(&self) -> Version {
        self.version.clone()
    }
}

impl Source for Known {
    fn fetch(&mut self) -> Result<Fetched, SourceError> {
        let fetched = self.inner.fetch()?;
        self.mask.register(&fetched.credential);
        self.version.set(fetched.version.clone());
        Ok(fetched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::parse("venue.key", text, Care::Warn).unwrap()
    }

    #[test]
    fn a_key_of_another_mode_is_refused() {
        let key = place("env://main/live");
        key.check_mode(Mode::Live).unwrap();
        let refused = key.check_mode(Mode::Testnet).unwrap_err();
        assert!(matches!(refused, KeysError::OtherMode { .. }), "{refused}");
        assert!(matches!(key.check_mode(Mode::Paper), Err(KeysError::NotWanted)));
        // A file does not say what it is for: the venue and the ledger do.
        place("file:///run/key").check_mode(Mode::Testnet).unwrap();
    }

    #[test]
    fn an_account_is_what_is_said_or_what_the_place_says() {
        assert_eq!(place("env://main/live").account(None), "main");
        assert_eq!(place("env://main/live").account(Some("desk")), "desk");
        assert_eq!(place("file:///run/key").account(None), "file:///run/key");
        assert!(Place::parse("venue.key", "http://x", Care::Warn).is_err());
    }
}
