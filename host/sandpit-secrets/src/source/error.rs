//! Why a key cannot be had: which source, which step, what is wrong, what helps. Never a value, and
//! never a server's own words: it may repeat what it was sent.

use std::io;

use super::http::is_temporary;
use crate::{CredentialError, EnvironmentError};

/// A source that did not give its key.
#[derive(Debug, thiserror::Error)]
#[error("{source_name}: cannot {step}")]
pub struct SourceError {
    /// Which source: its URI.
    pub source_name: String,
    /// What was tried.
    pub step: &'static str,
    /// What is wrong.
    #[source]
    pub problem: Box<Problem>,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A variable that has to be set is not.
    #[error("`{name}` is not set in {places}")]
    Variable {
        /// Which.
        name: String,
        /// Where it was looked for.
        places: String,
    },
    /// Variables or files could not be read.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// What was found is no key.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// Something is not configured as it has to be.
    #[error("{problem}")]
    Setup {
        /// What.
        problem: String,
    },
    /// No client could be made.
    #[error("cannot set up an HTTPS client")]
    Client(#[source] reqwest::Error),
    /// No runtime could be made.
    #[error("cannot set up a runtime for the network")]
    Runtime(#[source] io::Error),
    /// It was asked on a thread that must not wait.
    #[error(
        "a secret manager was asked on a thread of an asynchronous runtime, which must not wait"
    )]
    InRuntime,
    /// A secret would have gone over the network unencrypted.
    #[error("{place} would be asked without TLS, which is allowed on this machine only")]
    PlainHttp {
        /// Host and port.
        place: String,
    },
    /// There is nobody, or too slow.
    #[error("no answer from {place}")]
    Unreachable {
        /// Host and port.
        place: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It is not who it should be.
    #[error(
        "the certificate of {place} is not trusted ({why}); if a certificate authority of your own \
         signs it, name its file with the option `ca`"
    )]
    Certificate {
        /// Host and port.
        place: String,
        /// What the TLS library says about the certificate.
        why: String,
    },
    /// It said no.
    #[error("{place} answers {status}, {word}: {help}")]
    Refused {
        /// Host and port.
        place: String,
        /// The status.
        status: u16,
        /// What kind of refusal it is.
        word: &'static str,
        /// What helps.
        help: String,
    },
    /// It said something that cannot be used.
    #[error("the answer of {place} cannot be used: {problem}")]
    Answer {
        /// Host and port.
        place: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Problem {
    /// Whether the same question may be answered later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => is_temporary(*status),
            _ => false,
        }
    }
}

impl SourceError {
    pub(crate) fn new(
        source_name: &impl ToString,
        step: &'static str,
        problem: impl Into<Problem>,
    ) -> Self {
        let problem = Box::new(problem.into());
        Self { source_name: source_name.to_string(), step, problem }
    }

    /// Whether it may be there later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.problem.is_temporary()
    }
}

/// What went wrong at which step, before it is known for which source.
pub(crate) type Failure = (&'static str, Problem);

/// Names the step.
pub(crate) trait Step<T> {
    fn step(self, step: &'static str) -> Result<T, Failure>;
}

impl<T, E: Into<Problem>> Step<T> for Result<T, E> {
    fn step(self, step: &'static str) -> Result<T, Failure> {
        self.map_err(|problem| (step, problem.into()))
    }
}
