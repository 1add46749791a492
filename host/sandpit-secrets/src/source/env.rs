//! Keys in variables, of the process or of `.env`:
//! `SANDPIT_<ACCOUNT>_<MODE>_API_KEY` with `…_SECRET`, `…_PRIVATE_KEY` or `…_PRIVATE_KEY_FILE`.

use std::path::PathBuf;

use super::{Fetched, Problem, Source, SourceError};
use crate::{
    Credential, CredentialError, Environment, SecretText, environment::read_guarded,
    private_key::PRIVATE_KEY_BYTES_MAX, uri::EnvUri,
};

pub(super) struct EnvSource {
    uri: EnvUri,
    environment: Environment,
}

impl EnvSource {
    pub(super) const fn new(uri: EnvUri, environment: Environment) -> Self {
        Self { uri, environment }
    }

    fn read(&self) -> Result<Credential, Problem> {
        let variables = self.environment.load()?;
        let prefix = self.uri.prefix();
        let get = |suffix: &str| variables.get(&format!("{prefix}{suffix}"));
        let missing = |suffixes: &str| Problem::Variable {
            name: format!("{prefix}{suffixes}"),
            places: variables.places(),
        };
        let api_key = get("API_KEY")?.ok_or_else(|| missing("API_KEY"))?;
        let secret = get("SECRET")?;
        let private_key = match (get("PRIVATE_KEY")?, get("PRIVATE_KEY_FILE")?) {
            (Some(_), Some(_)) => return Err(CredentialError::OneOf.into()),
            (key, None) => key,
            (None, Some(path)) => Some(self.key_file(path.trimmed())?),
        };
        if secret.is_none() && private_key.is_none() {
            return Err(missing("SECRET"));
        }
        let (secret, private_key) = (secret.as_ref(), private_key.as_ref());
        Ok(Credential::of_parts(api_key.expose(), secret, private_key)?)
    }

    fn key_file(&self, path: &str) -> Result<SecretText, Problem> {
        let path = PathBuf::from(path);
        let care = self.environment.care();
        let content = read_guarded(&path, PRIVATE_KEY_BYTES_MAX, care, &mut Vec::new())?;
        SecretText::from_bytes(content.to_vec())
            .ok_or_else(|| CredentialError::NotText { what: "the private key" }.into())
    }
}

impl Source for EnvSource {
    fn fetch(&mut self) -> Result<Fetched, SourceError> {
        let credential = self
            .read()
            .map_err(|problem| SourceError::new(&self.uri, "read its variables", problem))?;
        // Nothing says since when a variable has been as it is.
        Ok(Fetched { credential, version: None, created: None, lease: None })
    }
}
