//! Keys in files: one JSON document, or a folder with a file for each part, as systemd, Docker and
//! Kubernetes hand secrets over.

use std::{io, path::Path};

use super::{Fetched, Problem, Source, SourceError};
use crate::{
    Care, Credential, CredentialError, EnvironmentError, SecretText,
    credential::DOCUMENT_BYTES_MAX, environment::read_guarded, uri::FileUri,
};

pub(super) struct FileSource {
    uri: FileUri,
    care: Care,
}

impl FileSource {
    pub(super) const fn new(uri: FileUri, care: Care) -> Self {
        let care = if uri.may_be_shared { Care::Warn } else { care };
        Self { uri, care }
    }

    fn read(&self) -> Result<Credential, Problem> {
        let path = &self.uri.path;
        if !path.is_dir() {
            let document = self.text(path)?.ok_or_else(|| not_found(path))?;
            return Ok(Credential::from_document(&document)?);
        }
        let name = path.join("api_key");
        let api_key = self.text(&name)?.ok_or_else(|| not_found(&name))?;
        let (secret, private_key) =
            (self.text(&path.join("secret"))?, self.text(&path.join("private_key"))?);
        Ok(Credential::of_parts(api_key.expose(), secret.as_ref(), private_key.as_ref())?)
    }

    /// What is in a file, `None` where there is none.
    fn text(&self, path: &Path) -> Result<Option<SecretText>, Problem> {
        match read_guarded(path, DOCUMENT_BYTES_MAX, self.care, &mut Vec::new()) {
            Ok(content) => SecretText::from_bytes(content.to_vec())
                .map(Some)
                .ok_or_else(|| CredentialError::NotText { what: "the file" }.into()),
            Err(EnvironmentError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn not_found(path: &Path) -> Problem {
    let source = io::ErrorKind::NotFound.into();
    EnvironmentError::Io { path: path.to_owned(), source }.into()
}

impl Source for FileSource {
    fn fetch(&mut self) -> Result<Fetched, SourceError> {
        let credential =
            self.read().map_err(|problem| SourceError::new(&self.uri, "read the key", problem))?;
        Ok(Fetched { credential, version: None, created: None, lease: None })
    }
}
