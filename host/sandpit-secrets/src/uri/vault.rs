//! `vault://HOST[:PORT]/MOUNT/PATH`.

use std::{fmt, path::PathBuf};

use super::{
    Parts, UriError,
    parts::{is_host, write_options},
};

/// How the host proves itself to Vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VaultAuth {
    /// A token in `VAULT_TOKEN`.
    #[default]
    Token,
    /// A token inside a wrapping token in `VAULT_TOKEN`, taken out once.
    WrappedToken,
    /// A role and its secret in `VAULT_ROLE_ID` and `VAULT_SECRET_ID`.
    AppRole,
    /// The same, with the secret inside a wrapping token.
    WrappedAppRole,
    /// The token of the pod's service account.
    Kubernetes,
}

const AUTHS: &[(&str, VaultAuth)] = &[
    ("token", VaultAuth::Token),
    ("wrapped-token", VaultAuth::WrappedToken),
    ("approle", VaultAuth::AppRole),
    ("wrapped-approle", VaultAuth::WrappedAppRole),
    ("kubernetes", VaultAuth::Kubernetes),
];

/// What keeps the secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Key-value, version 2.
    #[default]
    Kv2,
    /// An engine that makes a credential when it is asked, and lends it.
    Leased,
}

const ENGINES: &[(&str, Engine)] = &[("kv2", Engine::Kv2), ("leased", Engine::Leased)];

/// A key in HashiCorp Vault or OpenBao.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultUri {
    /// Host and port.
    pub host: String,
    /// Where the engine is mounted.
    pub mount: String,
    /// The secret's path in it.
    pub path: String,
    /// How to prove who asks.
    pub auth: VaultAuth,
    /// Where that way of proof is mounted, if not where it is by default.
    pub auth_mount: Option<String>,
    /// The role, for Kubernetes.
    pub role: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// One version for ever, in place of the newest.
    pub version: Option<u32>,
    /// What keeps it.
    pub engine: Engine,
    /// The certificate authority to trust in place of the system's.
    pub ca: Option<PathBuf>,
    /// Plain HTTP, to a server on this machine.
    pub is_plain: bool,
}

impl VaultUri {
    pub(super) const SCHEME: &str = "vault://";
    const FORM: &str = "`vault://HOST[:PORT]/MOUNT/PATH[?auth=…&…]`";
    const KNOWN: &str = "auth=token|wrapped-token|approle|wrapped-approle|kubernetes, auth_mount, \
                         role, namespace, version, engine=kv2|leased, ca, tls=off";
    const NAMES: &[&str] =
        &["auth", "auth_mount", "role", "namespace", "version", "engine", "ca", "tls"];

    pub(super) fn parse(rest: &str) -> Result<Self, UriError> {
        let parts = Parts::parse(rest, Self::FORM)?;
        let host = parts.authority("the host", is_host)?.to_owned();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let segments = parts.segments("the path", is_name)?;
        let (Some((mount, path)), true) = (segments.split_first(), segments.len() > 1) else {
            return Err(parts.shape("a mount and a path are wanted"));
        };
        let options = parts.options(Self::NAMES, Self::KNOWN)?;
        let problem = "is none of token, wrapped-token, approle, wrapped-approle and kubernetes";
        let auth = options.word("auth", AUTHS, problem)?.unwrap_or_default();
        let engine = options.word("engine", ENGINES, "is neither kv2 nor leased")?;
        let role = options.name("role", b"-_.")?;
        if role.is_some() != (auth == VaultAuth::Kubernetes) {
            let problem = "belongs to auth=kubernetes, which needs it";
            return Err(UriError::Value { name: "role", problem });
        }
        let version = options.get("version").map(|text| text.parse::<u32>());
        let version =
            version.transpose().ok().filter(|version| *version != Some(0)).ok_or(
                UriError::Value { name: "version", problem: "has to be a number from 1 on" },
            )?;
        Ok(Self {
            host,
            mount: (*mount).to_owned(),
            path: path.join("/"),
            auth,
            auth_mount: options.name("auth_mount", b"-_./")?,
            role,
            namespace: options.name("namespace", b"-_./")?,
            version,
            engine: engine.unwrap_or_default(),
            ca: options.path("ca")?,
            is_plain: options.word("tls", &[("off", ())], "can be off, and is on without it")?
                == Some(()),
        })
    }

    /// The address of an endpoint of its API.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.is_plain { "http" } else { "https" };
        format!("{scheme}://{}/v1/{path}", self.host)
    }
}

impl fmt::Display for VaultUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}/{}", Self::SCHEME, self.host, self.mount, self.path)?;
        let word = |auth| AUTHS.iter().find(|(_, known)| *known == auth).map(|(word, _)| *word);
        let version = self.version.map(|version| version.to_string());
        let ca = self.ca.as_ref().map(|path| path.display().to_string());
        let options = [
            ("auth", word(self.auth).filter(|_| self.auth != VaultAuth::Token)),
            ("auth_mount", self.auth_mount.as_deref()),
            ("role", self.role.as_deref()),
            ("namespace", self.namespace.as_deref()),
            ("version", version.as_deref()),
            ("engine", (self.engine == Engine::Leased).then_some("leased")),
            ("ca", ca.as_deref()),
            ("tls", self.is_plain.then_some("off")),
        ];
        write_options(f, &options)
    }
}
