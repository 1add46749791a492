//! Why a channel cannot be set up, and why it did not take a notice. Never an address, never a secret,
//! never a server's own words: it may repeat what it was sent.

use std::time::Duration;

use crate::secret::SecretError;

/// Why a channel cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// A value that cannot be used.
    #[error("`{key}` {problem}")]
    Value {
        /// Which.
        key: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A secret that cannot be had.
    #[error("{0}")]
    Secret(String),
    /// A secret that is not what it should be.
    #[error("what `{key}` names {problem}")]
    Shape {
        /// Which.
        key: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A secret would go over the network unencrypted.
    #[error("it would be asked without TLS, which is allowed on this machine only")]
    PlainHttp,
    /// The certificate authorities cannot be used.
    #[error("the certificate authorities in `ca` {0}")]
    Authorities(&'static str),
    /// No client could be made.
    #[error("cannot set up a client")]
    Client,
}

impl ChannelError {
    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub(super) fn secret(error: SecretError) -> Self {
        let source = std::error::Error::source(&error);
        Self::Secret(source.map_or_else(|| error.to_string(), |why| format!("{error}: {why}")))
    }
}

/// Why a notice was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is nobody.
    #[error("cannot be reached")]
    Unreachable,
    /// There is nobody in time.
    #[error("does not answer in time")]
    Timeout,
    /// It is not who it should be.
    #[error("its certificate is not trusted: {0}")]
    Certificate(&'static str),
    /// It wants to be asked less often.
    #[error("asks for a pause")]
    Limited {
        /// For how long.
        pause: Option<Duration>,
    },
    /// It has a problem of its own.
    #[error("has a problem of its own ({status})")]
    Broken {
        /// What it answered.
        status: u16,
    },
    /// It said no.
    #[error("refuses it ({status}): {help}")]
    Refused {
        /// What it answered.
        status: u16,
        /// What helps.
        help: &'static str,
    },
    /// It said something else than it should.
    #[error("answers in a way that is not understood")]
    Answer,
    /// What is to be sent cannot be.
    #[error("what is to be sent cannot be written")]
    Message,
}

impl SendError {
    /// Whether the same may be taken later.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Timeout | Self::Limited { .. } | Self::Broken { .. }
        )
    }
}

/// What TLS says about a certificate, if an error comes from there.
pub(super) fn certificate(error: &(dyn std::error::Error + 'static)) -> Option<SendError> {
    use rustls::CertificateError as Why;

    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(SendError::Certificate(match why {
                Why::Expired | Why::ExpiredContext { .. } => "it has ended",
                Why::NotValidYet | Why::NotValidYetContext { .. } => "it does not begin yet",
                // An authority of the same name with another key is not the same.
                Why::UnknownIssuer | Why::BadSignature => "nobody who is trusted has signed it",
                Why::NotValidForName | Why::NotValidForNameContext { .. } => {
                    "it is for another host"
                }
                Why::Revoked => "it was revoked",
                _ => "it is not valid",
            }));
        }
        // An error of input and output passes over what it holds when it is asked for its source.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    None
}
