//! `aws-sm://REGION/NAME`, `gcp-sm://PROJECT/NAME`, `azure-kv://VAULT/NAME`.

use std::{fmt, path::PathBuf};

use super::{Parts, UriError, parts::write_options};

/// A key in AWS Secrets Manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsUri {
    /// The region.
    pub region: String,
    /// The secret's name, or its ARN.
    pub name: String,
    /// A version's stage in place of `AWSCURRENT`.
    pub stage: Option<String>,
    /// One version for ever.
    pub version: Option<String>,
    /// The address in place of the region's: a VPC endpoint.
    pub endpoint: Option<String>,
    /// The certificate authority to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

impl AwsUri {
    pub(super) const SCHEME: &str = "aws-sm://";
    const FORM: &str = "`aws-sm://REGION/NAME[?stage=…&…]`";

    pub(super) fn parse(rest: &str) -> Result<Self, UriError> {
        let parts = Parts::parse(rest, Self::FORM)?;
        let is_region =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let region = parts.authority("the region", is_region)?.to_owned();
        // As the service has it, and `:` for an ARN.
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=.@-:".contains(&byte);
        let name = parts.segments("the name", is_name)?.join("/");
        if name.is_empty() {
            return Err(parts.shape("a name is wanted"));
        }
        let known = "stage, version, endpoint, ca";
        let options = parts.options(&["stage", "version", "endpoint", "ca"], known)?;
        let (stage, version) = (options.name("stage", b"-_.+=@/")?, options.name("version", b"-")?);
        if stage.is_some() && version.is_some() {
            let problem = "says already which one, so `stage` cannot";
            return Err(UriError::Value { name: "version", problem });
        }
        let (endpoint, ca) = (options.endpoint("endpoint")?, options.path("ca")?);
        Ok(Self { region, name, stage, version, endpoint, ca })
    }
}

impl fmt::Display for AwsUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}", Self::SCHEME, self.region, self.name)?;
        let ca = self.ca.as_ref().map(|path| path.display().to_string());
        let options = [
            ("stage", self.stage.as_deref()),
            ("version", self.version.as_deref()),
            ("endpoint", self.endpoint.as_deref()),
            ("ca", ca.as_deref()),
        ];
        write_options(f, &options)
    }
}

/// A key in Google Secret Manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoogleUri {
    /// The project's name or number.
    pub project: String,
    /// The secret's name.
    pub name: String,
    /// One version for ever, in place of `latest`.
    pub version: Option<String>,
    /// The address in place of the service's: private access.
    pub endpoint: Option<String>,
    /// The certificate authority to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

impl GoogleUri {
    pub(super) const SCHEME: &str = "gcp-sm://";
    const FORM: &str = "`gcp-sm://PROJECT/NAME[?version=…&…]`";

    pub(super) fn parse(rest: &str) -> Result<Self, UriError> {
        let parts = Parts::parse(rest, Self::FORM)?;
        let is_project = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte);
        let project = parts.authority("the project", is_project)?.to_owned();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let [name] = parts.segments("the name", is_name)?[..] else {
            return Err(parts.shape("one name is wanted"));
        };
        let known = "version, endpoint, ca";
        let options = parts.options(&["version", "endpoint", "ca"], known)?;
        Ok(Self {
            project,
            name: name.to_owned(),
            version: options.name("version", b"-_")?,
            endpoint: options.endpoint("endpoint")?,
            ca: options.path("ca")?,
        })
    }
}

impl fmt::Display for GoogleUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}", Self::SCHEME, self.project, self.name)?;
        let ca = self.ca.as_ref().map(|path| path.display().to_string());
        let options = [
            ("version", self.version.as_deref()),
            ("endpoint", self.endpoint.as_deref()),
            ("ca", ca.as_deref()),
        ];
        write_options(f, &options)
    }
}

/// A key in Azure Key Vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureUri {
    /// The vault's name, or the host of one in another cloud.
    pub vault: String,
    /// The secret's name.
    pub name: String,
    /// One version for ever, in place of the newest.
    pub version: Option<String>,
    /// The address in place of the vault's.
    pub endpoint: Option<String>,
    /// The certificate authority to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

impl AzureUri {
    pub(super) const SCHEME: &str = "azure-kv://";
    const FORM: &str = "`azure-kv://VAULT/NAME[?version=…&…]`";

    pub(super) fn parse(rest: &str) -> Result<Self, UriError> {
        let parts = Parts::parse(rest, Self::FORM)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let vault = parts.authority("the vault", |byte| is_name(byte) || byte == b'.')?.to_owned();
        let [name] = parts.segments("the name", is_name)?[..] else {
            return Err(parts.shape("one name is wanted"));
        };
        let known = "version, endpoint, ca";
        let options = parts.options(&["version", "endpoint", "ca"], known)?;
        Ok(Self {
            vault,
            name: name.to_owned(),
            version: options.name("version", b"")?,
            endpoint: options.endpoint("endpoint")?,
            ca: options.path("ca")?,
        })
    }

    /// The host of the vault.
    pub(crate) fn host(&self) -> String {
        if self.vault.contains('.') {
            return self.vault.clone();
        }
        format!("{}.vault.azure.net", self.vault)
    }
}

impl fmt::Display for AzureUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}", Self::SCHEME, self.vault, self.name)?;
        let ca = self.ca.as_ref().map(|path| path.display().to_string());
        let options = [
            ("version", self.version.as_deref()),
            ("endpoint", self.endpoint.as_deref()),
            ("ca", ca.as_deref()),
        ];
        write_options(f, &options)
    }
}
