//! `keyring://SERVICE/ACCOUNT`.

use std::fmt;

use super::{Parts, UriError};

/// A key in the keyring of the operating system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringUri {
    /// What uses it: `sandpit`, or another name that the operator chose.
    pub service: String,
    /// The account, and whatever else tells keys apart.
    pub account: String,
}

impl KeyringUri {
    pub(super) const SCHEME: &str = "keyring://";
    const FORM: &str = "`keyring://SERVICE/ACCOUNT`";

    pub(super) fn parse(rest: &str) -> Result<Self, UriError> {
        let parts = Parts::parse(rest, Self::FORM)?;
        parts.no_options()?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let service = parts.authority("the service", is_name)?.to_owned();
        let account = parts.segments("the account", is_name)?.join("/");
        if account.is_empty() {
            return Err(parts.shape("an account is wanted"));
        }
        Ok(Self { service, account })
    }
}

impl fmt::Display for KeyringUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}", Self::SCHEME, self.service, self.account)
    }
}
