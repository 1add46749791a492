//! What is wrong with a configuration, and where.

use std::{ops::Range, path::PathBuf, sync::Arc};

/// A configuration that cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// What is wrong.
    pub message: String,
    /// Where in the file, if it is the file.
    pub place: Option<Place>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in a file.
#[derive(Clone, Debug)]
pub struct Place {
    /// Of this file.
    pub file: PathBuf,
    /// Its text.
    pub text: Arc<str>,
    /// Bytes from where to where.
    pub span: Range<usize>,
}

impl ConfigError {
    /// One without a place.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, help: None }
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
