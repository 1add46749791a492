//! Bearer tokens: made by the host from 256 random bits, shown once, kept as hashes in a file that
//! only its owner may read. Of a guess nothing can be learnt: what is presented is hashed, and the
//! hash is compared with all that are kept, each in the same time.

use std::{
    fmt, fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// What every token begins with, so that a scanner of leaked secrets knows one.
pub const TOKEN_PREFIX: &str = "sandpit_";
/// Random bytes of a token.
const SECRET_BYTES: usize = 32;
/// Tokens of a file.
pub const TOKENS_MAX: usize = 64;
/// Bytes of the file.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of a token's name.
const NAME_BYTES_MAX: usize = 32;
/// The file is its owner's alone.
const FILE_MODE: u32 = 0o600;
/// Bits of a mode that are about people other than the owner.
const OTHERS: u32 = 0o077;
const VERSION: u32 = 1;

/// What a token's owner may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Look, and do everything that an operator can.
    Operator,
}

impl Role {
    /// Stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }
}

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The operator's name of it; unique.
    pub name: String,
    /// What it is good for.
    pub role: Role,
    /// SHA-256 of the token, in hexadecimal digits.
    sha256: String,
    /// When it was made, in seconds since 1970.
    pub created_s: u64,
    /// When it ends, in seconds since 1970; `None` is never.
    pub expires_s: Option<u64>,
}

impl Token {
    fn is_over(&self, now_s: u64) -> bool {
        self.expires_s.is_some_and(|end| now_s >= end)
    }
}

/// A token as it is shown, once. It is overwritten nowhere: the program that made it ends.
pub struct Secret(String);

impl Secret {
    /// The text, for the one who asked for it.
    #[must_use]
    pub fn show(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Why tokens cannot be read, made or ended.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file.
    #[error("the file of tokens `{path}`", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
    /// Others may read it, or it is somebody else's.
    #[error("the file of tokens `{path}` belongs to somebody else, or others may read it", path = .path.display())]
    Open {
        /// Which.
        path: PathBuf,
    },
    /// It says something that cannot be.
    #[error("the file of tokens `{path}`: {why}", path = .path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What.
        why: String,
    },
    /// The name of a new one.
    #[error("{0}")]
    Name(String),
    /// The system has no randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    tokens: Vec<Token>,
}

/// All tokens of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    tokens: Vec<Token>,
}

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) name: String,
    pub(super) role: Role,
}

impl Tokens {
    /// Reads the file; where there is none, there are no tokens.
    ///
    /// # Errors
    /// It cannot be read, others may read it, or it is no such file.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let io = |source| TokenError::Io { path: path.to_owned(), source };
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(io(error)),
        };
        // Of the open file, so that it is the one that is read.
        let found = file.metadata().map_err(io)?;
        let ours = found.uid() == rustix::process::geteuid().as_raw();
        if !ours || found.mode() & OTHERS != 0 {
            return Err(TokenError::Open { path: path.to_owned() });
        }
        let wrong = |why: String| TokenError::Wrong { path: path.to_owned(), why };
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(io)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(wrong(format!("it has more than {FILE_BYTES_MAX} bytes")));
        }
        // What the error says quotes no value of the file: the place is enough.
        let file: File = serde_json::from_str(&text)
            .map_err(|error| wrong(format!("line {} is not of its form", error.line())))?;
        if file.version != VERSION {
            return Err(wrong(format!("it is of version {}, not {VERSION}", file.version)));
        }
        let tokens = Self { tokens: file.tokens };
        tokens.check().map_err(wrong)?;
        Ok(tokens)
    }

    fn check(&self) -> Result<(), String> {
        if self.tokens.len() > TOKENS_MAX {
            return Err(format!("it has more than {TOKENS_MAX} tokens"));
        }
        for (index, token) in self.tokens.iter().enumerate() {
            if check_name(&token.name).is_err() || decode(&token.sha256).is_none() {
                return Err(format!("token {} is not of its form", index + 1));
            }
            if self.tokens[..index].iter().any(|other| other.name == token.name) {
                return Err(format!("`{}` is there twice", token.name));
            }
        }
        Ok(())
    }

    /// Writes the file: whole, under another name first, and never readable for others.
    ///
    /// # Errors
    /// The disk says no.
    pub fn write(&self, path: &Path) -> Result<(), TokenError> {
        let io = |source| TokenError::Io { path: path.to_owned(), source };
        let file = File { version: VERSION, tokens: self.tokens.clone() };
        let mut text = serde_json::to_string_pretty(&file).map_err(|error| io(error.into()))?;
        text.push('\n');
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = path.with_file_name(name);
        // One that a killed process has left.
        let _ = fs::remove_file(&new);
        let mut options = fs::OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(FILE_MODE).open(&new).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&new, path).map_err(io)
    }

    /// Makes one. It is shown once and kept as a hash.
    ///
    /// # Errors
    /// The name is taken or is none, there are too many, or the system has no randomness.
    pub fn add(
        &mut self,
        name: &str,
        role: Role,
        now_s: u64,
        expires_s: Option<u64>,
    ) -> Result<Secret, TokenError> {
        check_name(name)?;
        if self.tokens.iter().any(|token| token.name == name) {
            return Err(TokenError::Name(format!("there is a token `{name}` already")));
        }
        if self.tokens.len() >= TOKENS_MAX {
            return Err(TokenError::Name(format!("there are {TOKENS_MAX} tokens already")));
        }
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| TokenError::Random(error.to_string()))?;
        let secret = Secret(format!("{TOKEN_PREFIX}{}", encode(&bytes)));
        self.tokens.push(Token {
            name: name.to_owned(),
            role,
            sha256: encode(&Sha256::digest(secret.0.as_bytes())),
            created_s: now_s,
            expires_s,
        });
        Ok(secret)
    }

    /// Ends one. `false` where there is none of that name.
    pub fn revoke(&mut self, name: &str) -> bool {
        let before = self.tokens.len();
        self.tokens.retain(|token| token.name != name);
        self.tokens.len() < before
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Token] {
        &self.tokens
    }

    /// Whose a token is, if it is one and is not over. Takes as long for every text.
    pub(super) fn holder(&self, presented: &[u8], now_s: u64) -> Option<Holder> {
        let hash = Sha256::digest(presented);
        let mut found = None;
        for token in &self.tokens {
            let kept = decode(&token.sha256).unwrap_or_default();
            let same: Choice = kept.as_slice().ct_eq(hash.as_slice());
            if bool::from(same) {
                found = Some(token);
            }
        }
        found
            .filter(|token| !token.is_over(now_s))
            .map(|token| Holder { name: token.name.clone(), role: token.role })
    }

    /// Whether somebody's token is still good.
    pub(super) fn holds(&self, holder: &Holder, now_s: u64) -> bool {
        self.tokens.iter().any(|token| {
            token.name == holder.name && token.role == holder.role && !token.is_over(now_s)
        })
    }
}

fn check_name(name: &str) -> Result<(), TokenError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed) {
        true => Ok(()),
        false => {
            let why = format!("a token's name is 1 to {NAME_BYTES_MAX} of a-z, 0-9 and `-`");
            Err(TokenError::Name(why))
        }
    }
}

fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(text: &str) -> Option<[u8; SECRET_BYTES]> {
    if text.len() != 2 * SECRET_BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; SECRET_BYTES];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_until_it_ends() {
        let mut tokens = Tokens::default();
        let secret = tokens.add("ada", Role::Operator, 100, Some(200)).unwrap();
        let other = tokens.add("grafana", Role::Viewer, 100, None).unwrap();
        assert_eq!(secret.show().len(), TOKEN_PREFIX.len() + 2 * SECRET_BYTES);
        assert_ne!(secret.show(), other.show());
        let ada = Holder { name: "ada".to_owned(), role: Role::Operator };
        let whose = |text: &str, now| tokens.holder(text.as_bytes(), now);
        assert_eq!(whose(secret.show(), 199), Some(ada.clone()));
        assert_eq!(whose(secret.show(), 200), None, "it is over");
        assert!(tokens.holds(&ada, 199) && !tokens.holds(&ada, 200));
        assert_eq!(whose(other.show(), u64::MAX).map(|it| it.role), Some(Role::Viewer));
        for wrong in ["", "sandpit_", &secret.show()[1..], &secret.show().to_uppercase()] {
            assert_eq!(whose(wrong, 100), None, "{wrong}");
        }
        assert!(tokens.revoke("ada") && !tokens.revoke("ada"));
        assert_eq!(tokens.holder(secret.show().as_bytes(), 100), None);
        assert!(tokens.add("grafana", Role::Viewer, 1, None).is_err());
        assert!(tokens.add("A b", Role::Viewer, 1, None).is_err());
    }

    #[test]
    fn the_file_has_hashes_and_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        assert_eq!(Tokens::read(&path).unwrap(), Tokens::default());
        let mut tokens = Tokens::default();
        let secret = tokens.add("ada", Role::Operator, 100, None).unwrap();
        tokens.write(&path).unwrap();
        tokens.write(&path).unwrap();
        assert_eq!(Tokens::read(&path).unwrap(), tokens);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&secret.show()[TOKEN_PREFIX.len()..]));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, FILE_MODE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Tokens::read(&path), Err(TokenError::Open { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let twice = text.replace("\"tokens\": [", "\"tokens\": [{\"name\":\"ada\",\"role\":\"viewer\",\"sha256\":\"00\",\"created_s\":0,\"expires_s\":null},");
        for wrong in ["", "{}", &text.replace(": 1,", ": 2,"), &twice] {
            fs::write(&path, wrong).unwrap();
            assert!(matches!(Tokens::read(&path), Err(TokenError::Wrong { .. })), "{wrong}");
        }
    }
}
