//! Keys in the keyring of the operating system: on Linux that of the kernel, which needs neither a
//! desktop nor a service, and keeps what is in it in memory that is not swapped, until the machine is
//! switched off.
//!
//! A key is kept as a document in the keyring of the user (`@u`) under its URI, so that `keyctl` finds
//! it too. Source: keyrings(7), user-keyring(7), keyctl(2).

use super::{Fetched, Source, SourceError};
use crate::{Credential, SecretText, uri::KeyringUri};

pub(super) struct KeyringSource {
    uri: KeyringUri,
}

impl KeyringSource {
    pub(super) const fn new(uri: KeyringUri) -> Self {
        Self { uri }
    }
}

impl Source for KeyringSource {
    fn fetch(&mut self) -> Result<Fetched, SourceError> {
        let fail = |problem| SourceError::new(&self.uri, "read the keyring", problem);
        let document = system::read(&self.uri).map_err(fail)?;
        let credential = Credential::from_document(&document)
            .map_err(|problem| SourceError::new(&self.uri, "read the keyring", problem))?;
        Ok(Fetched { credential, version: None, created: None, lease: None })
    }
}

/// Puts a document under this name, in place of the one that is there.
pub(super) fn store(uri: &KeyringUri, document: &SecretText) -> Result<(), SourceError> {
    const STEP: &str = "write to the keyring";
    // What could not be read again is not kept.
    Credential::from_document(document).map_err(|error| SourceError::new(uri, STEP, error))?;
    system::write(uri, document).map_err(|problem| SourceError::new(uri, STEP, problem))
}

/// Takes away what is under this name. `false` where nothing was.
pub(super) fn remove(uri: &KeyringUri) -> Result<bool, SourceError> {
    system::remove(uri)
        .map_err(|problem| SourceError::new(uri, "take it from the keyring", problem))
}

#[cfg(target_os = "linux")]
mod system {
    //! The kernel's keyring of this user.

    use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};
    use zeroize::Zeroizing;

    use crate::{SecretText, credential::DOCUMENT_BYTES_MAX, source::Problem, uri::KeyringUri};

    /// Bytes of a key of this kind, as the kernel has it.
    const KERNEL_BYTES_MAX: usize = 32_767;

    /// The user's keyring. What is in it may be read by whoever possesses it: this thread does so
    /// from here on, whether or not the login linked it to the session, and no child does.
    fn keyring() -> Result<KeyRing, Problem> {
        let thread = KeyRing::from_special_id(KeyRingIdentifier::Thread, true).map_err(problem)?;
        thread.link_keyring_id(KeyRingIdentifier::User).map_err(problem)?;
        KeyRing::from_special_id(KeyRingIdentifier::User, true).map_err(problem)
    }

    fn find(uri: &KeyringUri) -> Result<Option<Key>, Problem> {
        match keyring()?.search(&uri.to_string()) {
            Ok(key) => Ok(Some(key)),
            Err(KeyError::KeyDoesNotExist) => Ok(None),
            Err(error) => Err(problem(error)),
        }
    }

    pub(super) fn read(uri: &KeyringUri) -> Result<SecretText, Problem> {
        let key = find(uri)?.ok_or_else(|| {
            setup(format!(
                "there is nothing under this name for this user since the machine was switched \
                 on; put it there with `sandpit secrets set {uri}`"
            ))
        })?;
        // The room is there at once, so that nothing is copied while it grows.
        let mut content = Zeroizing::new(vec![0; DOCUMENT_BYTES_MAX]);
        let length = key.read(&mut *content).map_err(problem)?;
        if length > content.len() {
            return Err(setup("it is too long".to_owned()));
        }
        let text = content.get(..length).unwrap_or_default().to_vec();
        SecretText::from_bytes(text).ok_or_else(|| setup("it is not text in UTF-8".to_owned()))
    }

    pub(super) fn write(uri: &KeyringUri, document: &SecretText) -> Result<(), Problem> {
        let document = document.trimmed();
        if document.len() > KERNEL_BYTES_MAX {
            return Err(setup(format!("the kernel keeps {KERNEL_BYTES_MAX} bytes at most")));
        }
        keyring()?.add_key(&uri.to_string(), document.as_bytes()).map(|_| ()).map_err(problem)
    }

    pub(super) fn remove(uri: &KeyringUri) -> Result<bool, Problem> {
        let Some(key) = find(uri)? else { return Ok(false) };
        keyring()?.unlink_key(key).map_err(problem)?;
        Ok(true)
    }

    fn setup(problem: String) -> Problem {
        Problem::Setup { problem }
    }

    fn problem(error: KeyError) -> Problem {
        const NONE: &str = "this kernel was built without a keyring";
        let words = match error {
            KeyError::AccessDenied | KeyError::PermissionDenied => {
                "the kernel's keyring may not be used here; containers often forbid it (`keyctl` in \
                 the seccomp profile), and another user's key is not given"
            }
            KeyError::KeyExpired | KeyError::KeyRevoked | KeyError::KeyRejected => {
                "it has ended or was revoked; put it there again with `sandpit secrets set`"
            }
            KeyError::QuotaExceeded => {
                "this user has as much in the kernel's keyring as it may \
                 (/proc/sys/kernel/keys/maxbytes)"
            }
            KeyError::OperationNotSupported => NONE,
            KeyError::Unknown(code) if code == rustix::io::Errno::NOSYS.raw_os_error() => NONE,
            _ => return setup(format!("the kernel's keyring does not work here: {error}")),
        };
        setup(words.to_owned())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_the_kernel_says_is_said_in_words() {
            for (error, wanted) in [
                (KeyError::AccessDenied, "containers often forbid it"),
                (KeyError::PermissionDenied, "containers often forbid it"),
                (KeyError::KeyExpired, "put it there again"),
                (KeyError::KeyRevoked, "put it there again"),
                (KeyError::QuotaExceeded, "as much in the kernel's keyring as it may"),
                (KeyError::OperationNotSupported, "without a keyring"),
                (KeyError::Unknown(rustix::io::Errno::NOSYS.raw_os_error()), "without a keyring"),
                (KeyError::BadAddress, "does not work here"),
            ] {
                assert!(problem(error).to_string().contains(wanted), "{error}");
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! No keyring of another system is served.

    use crate::{SecretText, source::Problem, uri::KeyringUri};

    fn none() -> Problem {
        let problem = "only the keyring of Linux is served; a `file://` that its owner alone may \
                       read, or a secret manager, serves here";
        Problem::Setup { problem: problem.to_owned() }
    }

    pub(super) fn read(_: &KeyringUri) -> Result<SecretText, Problem> {
        Err(none())
    }

    pub(super) fn write(_: &KeyringUri, _: &SecretText) -> Result<(), Problem> {
        Err(none())
    }

    pub(super) fn remove(_: &KeyringUri) -> Result<bool, Problem> {
        Err(none())
    }
}
