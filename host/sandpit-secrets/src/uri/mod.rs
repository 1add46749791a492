//! The one form in which configuration names a key: `scheme://…`, checked word by word.
//!
//! A URI says where a key is, never how to open the door: what authenticates the host comes from the
//! environment or from files. An error never repeats what stood there, in case somebody pasted a
//! secret.

mod cloud;
mod keyring;
mod parts;
mod vault;

use std::{fmt, path::PathBuf, str::FromStr};

pub use cloud::{AwsUri, AzureUri, GoogleUri};
pub use keyring::KeyringUri;
pub(crate) use parts::Parts;
pub use vault::{Engine, VaultAuth, VaultUri};

/// Bytes of a URI.
pub const URI_BYTES_MAX: usize = 1_024;

/// Why a text names no key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It is longer than any.
    #[error("a key's URI has at most {URI_BYTES_MAX} bytes")]
    TooLong,
    /// It does not begin as one.
    #[error("a key's URI begins with one of {}", SCHEMES.join(", "))]
    Scheme,
    /// There is something before an `@`.
    #[error(
        "a key's URI holds no credentials; they come from the environment or from files: {form}"
    )]
    Credentials {
        /// What was expected.
        form: &'static str,
    },
    /// A part has characters that it may not have.
    #[error("{part} has characters that cannot be there; expected {form}")]
    Characters {
        /// Which part.
        part: &'static str,
        /// What was expected.
        form: &'static str,
    },
    /// A part is missing, or there is one too many.
    #[error("{problem}; expected {form}")]
    Shape {
        /// What is wrong.
        problem: &'static str,
        /// What was expected.
        form: &'static str,
    },
    /// An option that is none, comes twice, or has no value.
    #[error("an option is unknown, repeated, or has no value; {form} takes {known}")]
    Option {
        /// The options that there are.
        known: &'static str,
        /// What was expected.
        form: &'static str,
    },
    /// An option with a value that it cannot have.
    #[error("the option `{name}` {problem}")]
    Value {
        /// The option.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

const SCHEMES: &[&str] = &[
    EnvUri::SCHEME,
    FileUri::SCHEME,
    KeyringUri::SCHEME,
    VaultUri::SCHEME,
    AwsUri::SCHEME,
    GoogleUri::SCHEME,
    AzureUri::SCHEME,
];

/// Where a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyUri {
    /// In the environment or in `.env`.
    Env(EnvUri),
    /// In a file, or a folder of files.
    File(FileUri),
    /// In the keyring of the operating system.
    Keyring(KeyringUri),
    /// In HashiCorp Vault or OpenBao.
    Vault(VaultUri),
    /// In AWS Secrets Manager.
    Aws(AwsUri),
    /// In Google Secret Manager.
    Google(GoogleUri),
    /// In Azure Key Vault.
    Azure(AzureUri),
}

impl FromStr for KeyUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.len() > URI_BYTES_MAX {
            return Err(UriError::TooLong);
        }
        let (scheme, rest) = text.split_at(text.find("://").ok_or(UriError::Scheme)? + 3);
        match scheme {
            EnvUri::SCHEME => EnvUri::parse(rest).map(Self::Env),
            FileUri::SCHEME => FileUri::parse(rest).map(Self::File),
            KeyringUri::SCHEME => KeyringUri::parse(rest).map(Self::Keyring),
            VaultUri::SCHEME => VaultUri::parse(rest).map(Self::Vault),
            AwsUri::SCHEME => AwsUri::parse(rest).map(Self::Aws),
            GoogleUri::SCHEME => GoogleUri::parse(rest).map(Self::Google),
            AzureUri::SCHEME => AzureUri::parse(rest).map(Self::Azure),
            _ => Err(UriError::Scheme),
        }
    }
}

impl fmt::Display for KeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(uri) => uri.fmt(f),
            Self::File(uri) => uri.fmt(f),
            Self::Keyring(uri) => uri.fmt(f),
            Self::Vault(uri) => uri.fmt(f),
            Self::Aws(uri) => uri.fmt(f),
            Self::Google(uri) => uri.fmt(f),
            Self::Azure(uri) => uri.fmt(f),
        }
    }
}

/// `env://ACCOUNT/MODE[/PURPOSE]`: variables whose names follow from the three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvUri {
    /// The operator's name for the account.
    pub account: String,
    /// `testnet`, `live`, or another mode's name.
    pub mode: String,
    /// `read` or `trade`, where an account has a key for each.
    pub purpose: Option<String>,
}

impl EnvUri {
    const SCHEME: &str = "env://";
    const FORM: &str = "`env://ACCOUNT/MODE` or `env://ACCOUNT/MODE/read|trade`";

    fn parse(rest: &str) -> Result<Self, UriError> {
        let parts = Parts::parse(rest, Self::FORM)?;
        parts.no_options()?;
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let account = parts.authority("the account", |byte| is_name(byte) || byte == b'-')?;
        let (mode, purpose) = match parts.segments("the mode", is_name)?.as_slice() {
            [mode] => (*mode, None),
            [mode, purpose @ ("read" | "trade")] => (*mode, Some((*purpose).to_owned())),
            _ => return Err(parts.shape("the account, its mode and at most a purpose are wanted")),
        };
        Ok(Self { account: account.to_owned(), mode: mode.to_owned(), purpose })
    }

    /// What the names of its variables begin with: `SANDPIT_MAIN_TESTNET_`.
    #[must_use]
    pub fn prefix(&self) -> String {
        let account = self.account.replace('-', "_");
        let mut prefix = format!("sandpit_{account}_{}_", self.mode);
        if let Some(purpose) = &self.purpose {
            prefix.push_str(purpose);
            prefix.push('_');
        }
        prefix.to_ascii_uppercase()
    }
}

impl fmt::Display for EnvUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}", Self::SCHEME, self.account, self.mode)?;
        self.purpose.as_ref().map_or(Ok(()), |purpose| write!(f, "/{purpose}"))
    }
}

/// `file:///PATH`: a JSON document, or a folder with one file for each part, as Kubernetes mounts a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileUri {
    /// Where.
    pub path: PathBuf,
    /// Others may read it: Docker hands secrets over so, in a container with nobody else in it.
    pub may_be_shared: bool,
}

impl FileUri {
    const SCHEME: &str = "file://";
    const FORM: &str = "`file:///ABSOLUTE/PATH` or `file:///ABSOLUTE/PATH?others=allowed`";
    const SHARED: &str = "?others=allowed";

    fn parse(rest: &str) -> Result<Self, UriError> {
        let form = Self::FORM;
        let (rest, may_be_shared) = match rest.strip_suffix(Self::SHARED) {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        if !rest.starts_with('/') {
            return Err(UriError::Shape { problem: "the path has to begin with `/`", form });
        }
        if rest.chars().any(|character| character.is_control() || "?#%".contains(character)) {
            return Err(UriError::Characters { part: "the path", form });
        }
        Ok(Self { path: PathBuf::from(rest), may_be_shared })
    }
}

impl fmt::Display for FileUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = if self.may_be_shared { Self::SHARED } else { "" };
        write!(f, "{}{}{options}", Self::SCHEME, self.path.display())
    }
}

#[cfg(test)]
mod tests;
