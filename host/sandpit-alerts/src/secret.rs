//! Secrets of channels: addresses, tokens, passwords. Unlike a key that signs, they are themselves
//! what is sent, so this crate has to read them. They are overwritten when they go, are not in any
//! `Debug`, and every one that is read is looked for in what is said from then on.

use std::{
    env, fmt, fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use sandpit_secrets::{Mask, SecretText};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a secret.
pub const SECRET_BYTES_MAX: usize = 4_096;
/// Bytes of the name of a variable.
const VARIABLE_BYTES_MAX: usize = 128;
/// Bits of a file's mode that let others than its owner in.
const OTHERS: u32 = 0o077;

/// A text that nobody sees but whom it is sent to.
#[derive(Clone)]
pub struct ChannelSecret(SecretString);

impl ChannelSecret {
    /// Takes a text over, without the white space around it, and overwrites where it stood.
    #[must_use]
    pub fn new(mut text: String) -> Self {
        let secret = SecretString::from(text.trim());
        text.zeroize();
        Self(secret)
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Looks for it in everything that is said from now on.
    pub(crate) fn register(&self, mask: &Mask) {
        mask.add(&SecretText::new(self.expose().to_owned()));
    }
}

impl fmt::Debug for ChannelSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelSecret(…)")
    }
}

/// Where a secret is: `env://VARIABLE` or `file:///ABSOLUTE/PATH`. A secret itself is refused, and
/// not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// In a variable of this name.
    Variable(String),
    /// In a file.
    File(PathBuf),
}

impl SecretRef {
    fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix("env://") {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            let fits = (1..=VARIABLE_BYTES_MAX).contains(&name.len());
            return (fits && name.bytes().all(is_name)).then(|| Self::Variable(name.to_owned()));
        }
        let path = text.strip_prefix("file://").filter(|path| path.starts_with('/'))?;
        let is_plain = !path.chars().any(|character| character.is_control() || character == '?');
        is_plain.then(|| Self::File(PathBuf::from(path)))
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "env://{name}"),
            Self::File(path) => write!(f, "file://{}", path.display()),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(from)?);
        // Not repeated: somebody may have put the secret itself there.
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(
                "this names where a secret is: `env://VARIABLE` or `file:///ABSOLUTE/PATH`",
            )
        })
    }
}

/// Why a secret cannot be had. It never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is not there.
    #[error("`{0}` is not set, or is empty")]
    Missing(SecretRef),
    /// It cannot be read.
    #[error("cannot read `{at}`")]
    Io {
        /// Where.
        at: SecretRef,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others can read it.
    #[error(
        "`{at}` can be read or changed by others (mode {mode:03o}): chmod 600 it, and change the secret if somebody else was on this machine"
    )]
    Permissions {
        /// Where.
        at: SecretRef,
        /// Its permissions.
        mode: u32,
    },
    /// It is no secret.
    #[error("`{0}` is not a file of at most {SECRET_BYTES_MAX} bytes of text")]
    Shape(SecretRef),
}

/// Gives secrets by where they are. The host may have further places, such as a `.env` file.
pub trait Secrets {
    /// The secret that is there now.
    ///
    /// # Errors
    /// It cannot be had.
    fn read(&self, at: &SecretRef) -> Result<ChannelSecret, SecretError>;
}

/// Variables of this process, and files that nobody else can read.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalSecrets;

impl Secrets for LocalSecrets {
    fn read(&self, at: &SecretRef) -> Result<ChannelSecret, SecretError> {
        let text = match at {
            SecretRef::Variable(name) => match env::var(name) {
                Ok(text) => text,
                Err(env::VarError::NotPresent) => return Err(SecretError::Missing(at.clone())),
                Err(env::VarError::NotUnicode(_)) => return Err(SecretError::Shape(at.clone())),
            },
            SecretRef::File(path) => file(at, path)?,
        };
        if text.len() > SECRET_BYTES_MAX {
            drop(ChannelSecret::new(text));
            return Err(SecretError::Shape(at.clone()));
        }
        let secret = ChannelSecret::new(text);
        if secret.expose().is_empty() { Err(SecretError::Missing(at.clone())) } else { Ok(secret) }
    }
}

fn file(at: &SecretRef, path: &Path) -> Result<String, SecretError> {
    let io = |source| SecretError::Io { at: at.clone(), source };
    // A pipe would keep whoever opens it waiting.
    if !fs::metadata(path).map_err(io)?.is_file() {
        return Err(SecretError::Shape(at.clone()));
    }
    let file = fs::File::open(path).map_err(io)?;
    let mode = mode(&file.metadata().map_err(io)?);
    if mode & OTHERS != 0 {
        return Err(SecretError::Permissions { at: at.clone(), mode });
    }
    // All the room at once: a text that grows leaves copies behind.
    let mut text = String::with_capacity(SECRET_BYTES_MAX + 1);
    let most = u64::try_from(SECRET_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    match file.take(most).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => {
            text.zeroize();
            let is_text = error.kind() != io::ErrorKind::InvalidData;
            Err(if is_text { io(error) } else { SecretError::Shape(at.clone()) })
        }
    }
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o777
}

#[cfg(not(unix))]
const fn mode(_metadata: &fs::Metadata) -> u32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_itself_is_refused_and_not_repeated() {
        #[derive(Debug, Deserialize)]
        struct Said {
            url: SecretRef,
        }
        for text in ["https://hooks.invalid/canary", "env://canary-x", "file://canary", "canary"] {
            let error = toml::from_str::<Said>(&format!("url = \"{text}\"")).unwrap_err();
            // The line itself is the caller's to show or not.
            assert!(!error.message().contains("canary"), "{}", error.message());
        }
        let said: Said = toml::from_str("url = \"env://SLACK_URL\"").unwrap();
        assert_eq!(said.url.to_string(), "env://SLACK_URL");
    }

    #[cfg(unix)]
    #[test]
    fn files_of_others_are_refused() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let at = SecretRef::File(path.clone());
        assert!(matches!(LocalSecrets.read(&at), Err(SecretError::Io { .. })));
        fs::write(&path, "canary0token\n").unwrap();
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        set(0o640);
        let error = LocalSecrets.read(&at).unwrap_err();
        assert!(matches!(error, SecretError::Permissions { mode: 0o640, .. }), "{error}");
        set(0o600);
        let secret = LocalSecrets.read(&at).unwrap();
        assert_eq!(secret.expose(), "canary0token");
        assert_eq!(format!("{secret:?}"), "ChannelSecret(…)");
        fs::write(&path, " \n").unwrap();
        assert!(matches!(LocalSecrets.read(&at), Err(SecretError::Missing(_))));
        fs::write(&path, "x".repeat(SECRET_BYTES_MAX + 1)).unwrap();
        assert!(matches!(LocalSecrets.read(&at), Err(SecretError::Shape(_))));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(LocalSecrets.read(&at), Err(SecretError::Shape(_))));
        let folder = SecretRef::File(folder.path().to_owned());
        assert!(matches!(LocalSecrets.read(&folder), Err(SecretError::Shape(_))));
    }
}
